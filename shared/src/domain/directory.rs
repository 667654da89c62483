//! A person in the tenant, as far as decisions need (R084: no other attribute is kept).

use super::email::EmailAddress;
use super::ids::TeamsUserId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Phone System (Teams Phone), in its three editions.
pub const PHONE_SYSTEM_PLANS: [&str; 3] = [
    "4828c8ec-dc2e-4779-b502-87ac9ce28ab7", // MCOEV
    "db23fce2-a974-42ef-9002-d78dd42a0f22", // MCOEV_GOV
    "ed777b71-af04-42ca-9798-84344c66f7c6", // MCOEVSMB
];
/// Licences of resource accounts.
pub const RESOURCE_PLANS: [&str; 2] = [
    "f47330e9-c134-43b3-9993-e7f004506889", // MCOEV_VIRTUALUSER
    "0628a73f-3b4a-4989-bd7b-0f8823144313", // MCOEV_VIRTUALUSER_GOV
];
/// Communications Credits.
pub const CREDIT_PLANS: [&str; 1] = ["505e180f-f7e0-4b65-91d4-00d670bbd18c"]; // MCOPSTNC
/// Calling plans, also those inside bundles (R094).
pub const CALLING_PLANS: [&str; 10] = [
    "4ed3ff63-69d7-4fb7-b984-5aec7f605ca8", // MCOPSTN1
    "3c8a8792-7866-409b-bb61-1b20ace0368b", // MCOPSTN1_GOV
    "5a10155d-f5c1-411a-a8ec-e99aae125390", // MCOPSTN2
    "6b340437-d6f9-4dc5-8cc2-99163f7f83d6", // MCOPSTN3
    "54a152dc-90de-4996-93d2-bc47e670fc06", // MCOPSTN5
    "1346d5e6-15a6-4b88-9693-806ff7296a7a", // PSTN5_US
    "346d83bf-6fe6-42ca-b424-b9300d2e21bf", // MCOPSTN6
    "16935b20-87c0-4908-934a-22aa267d0d26", // MCOPSTN8
    "156a1efe-17cd-4b03-9f17-2eb512298fb3", // MCOPSTN_PAYG_1
    "7861360b-dc3b-4eba-a3fc-0d323a035746", // MCOPSTNEAU
];

/// Which service plans work for a person: status `Enabled`, or `Warning` (a grace period).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActivePlans {
    /// One of `PHONE_SYSTEM_PLANS`.
    pub phone_system: bool,
    /// One of `CALLING_PLANS`.
    pub calling_plan: bool,
    /// One of `CREDIT_PLANS`.
    pub credits: bool,
    /// One of `RESOURCE_PLANS`.
    pub resource: bool,
    /// Since when Phone System was assigned, where Microsoft says so; the earliest of several.
    pub phone_since: Option<Timestamp>,
}

impl ActivePlans {
    /// Notes one entry of `assignedPlans`. Entries of removed plans stay there as `Deleted`, so the status counts.
    pub fn note(&mut self, plan: &str, capability_status: &str, assigned: Option<&str>) {
        if !matches!(capability_status, "Enabled" | "Warning") {
            return;
        }
        if PHONE_SYSTEM_PLANS.contains(&plan) {
            self.phone_system = true;
            let since = assigned.and_then(|text| text.parse().ok());
            self.phone_since = self.phone_since.into_iter().chain(since).min();
        }
        self.calling_plan |= CALLING_PLANS.contains(&plan);
        self.credits |= CREDIT_PLANS.contains(&plan);
        self.resource |= RESOURCE_PLANS.contains(&plan);
    }
}

/// Why a person cannot be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Ineligible {
    /// No working Phone System plan (R091).
    NoPhoneSystem,
    /// A calling plan works (R092, R094).
    HasCallingPlan,
    /// Communications Credits work (R093).
    HasCommCredits,
    /// A resource account.
    ResourceAccount,
    /// A guest of another tenant.
    Guest,
}

/// An enabled account of the tenant inside the group filter, as Microsoft describes it and as we keep it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamsUser {
    /// Entra's id.
    pub id: TeamsUserId,
    /// `displayName`.
    pub name: String,
    /// `mail`, or the sign-in name where there is none.
    pub email: EmailAddress,
    /// `usageLocation`, two letters (R103).
    pub country: Option<String>,
    /// `userType` is `Guest`.
    pub guest: bool,
    /// Any entry in `assignedLicenses`.
    pub licensed: bool,
    /// `onPremisesSyncEnabled`: the account comes from an on-premises directory.
    pub directory_synced: bool,
    /// What of the licences works.
    pub plans: ActivePlans,
}

impl TeamsUser {
    /// `Name (email)` (R102).
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} ({})", self.name, self.email)
    }

    /// The facts that decide.
    #[must_use]
    pub fn traits(&self) -> Traits {
        let plans = &self.plans;
        [
            (self.guest, Traits::GUEST),
            (self.licensed, Traits::LICENSED),
            (plans.phone_system, Traits::PHONE_SYSTEM),
            (plans.calling_plan, Traits::CALLING_PLAN),
            (plans.credits, Traits::CREDITS),
            (plans.resource, Traits::RESOURCE),
            (self.directory_synced, Traits::DIRECTORY_SYNCED),
        ]
        .into_iter()
        .filter(|(holds, _)| *holds)
        .fold(Traits::default(), |all, (_, one)| Traits(all.0 | one.0))
    }
}

/// The facts that decide over a user, a bit each; so small that half a million of them fit into a function's memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Traits(u8);

impl Traits {
    /// Of another tenant.
    pub const GUEST: Self = Self(1);
    /// Has any licence.
    pub const LICENSED: Self = Self(2);
    /// Phone System works.
    pub const PHONE_SYSTEM: Self = Self(4);
    /// A calling plan works.
    pub const CALLING_PLAN: Self = Self(8);
    /// Communications Credits work.
    pub const CREDITS: Self = Self(16);
    /// A resource account.
    pub const RESOURCE: Self = Self(32);
    /// From an on-premises directory.
    pub const DIRECTORY_SYNCED: Self = Self(64);

    /// Whether this one holds.
    #[must_use]
    pub fn has(self, one: Self) -> bool {
        self.0 & one.0 != 0
    }

    /// Why an enabled user cannot be mapped; `None` means they can. The first reason that holds is given.
    #[must_use]
    pub fn excluded(self) -> Option<Ineligible> {
        if self.has(Self::GUEST) {
            Some(Ineligible::Guest)
        } else if self.has(Self::RESOURCE) {
            Some(Ineligible::ResourceAccount)
        } else if !self.has(Self::PHONE_SYSTEM) {
            Some(Ineligible::NoPhoneSystem)
        } else if self.has(Self::CALLING_PLAN) {
            Some(Ineligible::HasCallingPlan)
        } else if self.has(Self::CREDITS) {
            Some(Ineligible::HasCommCredits)
        } else {
            None
        }
    }

    /// As one byte.
    #[must_use]
    pub fn byte(self) -> u8 {
        self.0
    }

    /// Back from one byte.
    #[must_use]
    pub fn from_byte(byte: u8) -> Self {
        Self(byte)
    }
}

/// How many parts a directory is kept in, so that a large one spreads over the table.
pub const PARTS: u8 = 16;

/// Which part a user is in: the first four bits of the id.
#[must_use]
pub fn part(user: &TeamsUserId) -> u8 {
    user.bytes()[0] >> 4
}
