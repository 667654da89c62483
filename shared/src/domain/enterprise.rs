//! An enterprise: the customer company, with every field of the creation form (R004-R018).

use super::email::EmailAddress;
use super::global_admin::GlobalAdmin;
use super::group_filter::GroupFilter;
use super::ids::{EnterpriseId, InvitationId, ResellerId, TenantId};
use super::management::Management;
use super::operators::Operators;
use super::permission::ReleaseLimit;
use super::reminding::Reminding;
use super::setup::Setup;
use super::standing::Standing;
use super::steps::Steps;
use super::sync_switch::SyncSwitch;
use super::unattended::Unattended;
use super::{Invalid, licence, plain_text, schedule};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// The highest `User Limit`: twice the largest directory that is planned for.
const USER_LIMIT_MAX: u32 = 1_000_000;
/// The longest enterprise name, in characters.
const NAME_MAX: usize = 120;

/// A part of the voice service (R016).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Service {
    /// A hosted PBX; it needs PBX types.
    #[serde(rename = "PBX")]
    Pbx,
    /// A SIP trunk.
    #[serde(rename = "Trunk")]
    Trunk,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pbx => "PBX",
            Self::Trunk => "Trunk",
        })
    }
}

/// What the form says, before it is checked.
#[derive(Clone, Debug)]
pub struct EnterpriseForm {
    /// `Enterprise Name` (R004).
    pub name: String,
    /// `Enterprise Admin Email ID` (R005).
    pub admin_email: String,
    /// The admin's name for greetings; the address stands in where absent.
    pub admin_name: Option<String>,
    /// `User Limit` (R006); blank means no limit (R007).
    pub user_limit: Option<u32>,
    /// `PBX Music on Hold` (R009-R010).
    pub pbx_music_on_hold: bool,
    /// `Access SIP Data` (R011).
    pub access_sip_data: bool,
    /// `Request Consent for Enterprise Management` (R012).
    pub request_management_consent: bool,
    /// `SBC Region` (R014): names of regions that the provider offers.
    pub sbc_regions: Vec<String>,
    /// `Services` (R016).
    pub services: Vec<Service>,
    /// `Assigned PBX Types` (R018), only with the service PBX (R017).
    pub pbx_types: Vec<String>,
    /// IANA time zone; decides local days and printed times.
    pub time_zone: String,
    /// The reseller's own key for invoices.
    pub billing_reference: Option<String>,
    /// Last day of a trial, in the enterprise's time zone (R029).
    pub trial_end: Option<Date>,
}

/// The checked settings of an enterprise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// See the form.
    pub name: String,
    /// Most Teams users that may be mapped; `None` is unlimited (R007).
    pub user_limit: Option<u32>,
    /// Held calls hear the PBX's music (R009) or Teams' own (R010).
    pub pbx_music_on_hold: bool,
    /// The admin may read call detail records (R011).
    pub access_sip_data: bool,
    /// The admin is asked to let the reseller manage (R012).
    pub request_management_consent: bool,
    /// At least one region.
    pub sbc_regions: BTreeSet<String>,
    /// At least one service.
    pub services: BTreeSet<Service>,
    /// Present exactly when the services contain PBX.
    pub pbx_types: BTreeSet<String>,
    /// A zone that the zone database knows.
    pub time_zone: String,
    /// See the form.
    pub billing_reference: Option<String>,
    /// See the form.
    pub trial_end: Option<Date>,
}

/// A customer company as we keep it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enterprise {
    /// Our key.
    pub id: EnterpriseId,
    /// Who provisions it.
    pub reseller: ResellerId,
    /// What the form said.
    pub settings: Settings,
    /// The one recorded Global Admin (R045).
    pub global_admin: GlobalAdmin,
    /// Who else may sync; nobody unless the Global Admin says so.
    pub operators: Operators,
    /// Syncs that nobody signs in for; none unless the Global Admin says so.
    pub unattended: Unattended,
    /// How far the set-up has come.
    pub setup: Setup,
    /// Whose users are synchronised (R073-R075).
    pub group_filter: GroupFilter,
    /// The newest invitation of its Global Admin.
    pub invitation: Option<InvitationId>,
    /// Whether it is served.
    pub standing: Standing,
    /// Whether its reseller may manage in its place.
    pub management: Management,
    /// What happened on the way through the set-up.
    pub steps: Steps,
    /// Whether syncs keep to the bound tenant (R067).
    pub sync_switch: SyncSwitch,
    /// How many numbers a sync may release by itself.
    pub release_limit: ReleaseLimit,
    /// How it is reminded of a sync that waits (R163).
    pub reminding: Reminding,
    /// The tenant that it was moved away from, while what belongs to that one is still being put aside; then the bound one,
    /// while what was put aside of it once is taken up.
    pub left_tenant: Option<TenantId>,
    /// When it was created.
    pub created: Timestamp,
    /// Counts edits; 1 when new.
    pub version: u64,
}

/// Checks a number of licences; `None` is no limit (R007).
///
/// # Errors
/// `Invalid` naming `what`.
pub fn user_limit(what: &str, limit: Option<u32>) -> Result<Option<u32>, Invalid> {
    match limit {
        Some(1..=USER_LIMIT_MAX) | None => Ok(limit),
        Some(_) => Err(Invalid::new(
            what,
            format!("give 1 to {USER_LIMIT_MAX}, or leave it out for no limit"),
        )),
    }
}

/// What the provider offers to choose from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// SBC regions.
    pub regions: BTreeSet<String>,
    /// PBX types, for the service PBX (R017-R018).
    pub pbx_types: BTreeSet<String>,
}

impl Enterprise {
    /// How many Teams users may be served at `now`; `None` is no limit. Nobody after a trial (R029) or once the
    /// integration is being removed.
    #[must_use]
    pub fn allowance(&self, now: Timestamp) -> Option<u32> {
        let trial_over = self.settings.trial_end.is_some_and(|last_day| {
            schedule::zone(&self.settings.time_zone).is_ok_and(|zone| licence::trial_over(last_day, &zone) <= now)
        });
        if trial_over || self.standing.leaving() {
            Some(0)
        } else {
            self.settings.user_limit
        }
    }

    /// Whether syncs may run that nobody signs in for: the Global Admin lets them, and the tenant is still that one.
    #[must_use]
    pub fn may_sync_unattended(&self) -> bool {
        let bound = self.setup.tenant().map(|tenant| &tenant.id);
        self.setup.complete() && !self.sync_switch.off() && self.unattended.given_for(bound)
    }

    /// Whether the reseller may do in its place what is its Global Admin's (R013).
    #[must_use]
    pub fn managed(&self) -> bool {
        self.settings.request_management_consent && matches!(self.management, Management::Granted { .. })
    }
}

impl EnterpriseForm {
    /// Checks everything that can be known without asking anybody.
    ///
    /// # Errors
    /// Every wrong field at once, in the order of the form.
    pub fn check(self, offer: &Offer) -> Result<(Settings, GlobalAdmin), Vec<Invalid>> {
        let regions = &offer.regions;
        let mut wrong = Vec::new();
        let name = plain_text("name", &self.name, NAME_MAX);
        let name = name.map_err(|invalid| wrong.push(invalid)).unwrap_or_default();
        let admin_email: Option<EmailAddress> = self.admin_email.parse().ok();
        if admin_email.is_none() {
            wrong.push(Invalid::new(
                "adminEmail",
                "give an address such as name@company.example",
            ));
        }
        let mut keep =
            |checked: Result<String, Invalid>| checked.map_err(|invalid| wrong.push(invalid)).unwrap_or_default();
        let admin_name = self
            .admin_name
            .map(|name| keep(plain_text("adminName", &name, NAME_MAX)));
        let billing_reference = self
            .billing_reference
            .map(|reference| keep(plain_text("billingReference", &reference, 64)));
        let pbx_types: BTreeSet<String> = self
            .pbx_types
            .iter()
            .map(|kind| keep(plain_text("pbxTypes", kind, 40)))
            .collect();

        if let Err(invalid) = user_limit("userLimit", self.user_limit) {
            wrong.push(invalid);
        }
        let sbc_regions: BTreeSet<String> = self.sbc_regions.into_iter().collect();
        let offered = || regions.iter().cloned().collect::<Vec<_>>().join(", ");
        if sbc_regions.is_empty() {
            wrong.push(Invalid::new(
                "sbcRegions",
                format!(
                    "choose at least one region, the closest to the enterprise: {}",
                    offered()
                ),
            ));
        }
        for region in sbc_regions.difference(regions) {
            wrong.push(Invalid::new(
                "sbcRegions",
                format!("`{region}` is not offered; choose from {}", offered()),
            ));
        }
        let services: BTreeSet<Service> = self.services.into_iter().collect();
        if services.is_empty() {
            wrong.push(Invalid::new("services", "choose PBX, Trunk or both"));
        }
        for kind in pbx_types.difference(&offer.pbx_types) {
            let offered = offer.pbx_types.iter().cloned().collect::<Vec<_>>().join(", ");
            wrong.push(Invalid::new(
                "pbxTypes",
                format!("`{kind}` is not offered; choose from {offered}"),
            ));
        }
        match (services.contains(&Service::Pbx), pbx_types.is_empty()) {
            (true, true) => wrong.push(Invalid::new("pbxTypes", "the service PBX needs at least one PBX type")),
            (false, false) => wrong.push(Invalid::new("pbxTypes", "PBX types go with the service PBX only")),
            (true, false) | (false, true) => {}
        }
        if jiff::tz::TimeZone::get(&self.time_zone).is_err() {
            wrong.push(Invalid::new("timeZone", "give an IANA zone such as Europe/Brussels"));
        }
        let Some(admin_email) = admin_email.filter(|_| wrong.is_empty()) else {
            return Err(wrong);
        };
        let settings = Settings {
            name,
            user_limit: self.user_limit,
            pbx_music_on_hold: self.pbx_music_on_hold,
            access_sip_data: self.access_sip_data,
            request_management_consent: self.request_management_consent,
            sbc_regions,
            services,
            pbx_types,
            time_zone: self.time_zone,
            billing_reference,
            trial_end: self.trial_end,
        };
        Ok((settings, GlobalAdmin::invited(admin_email, admin_name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> EnterpriseForm {
        EnterpriseForm {
            name: "Bluefinch Ltd".into(),
            admin_email: "mara@bluefinch.example".into(),
            admin_name: Some("Mara Quist".into()),
            user_limit: Some(150),
            pbx_music_on_hold: true,
            access_sip_data: false,
            request_management_consent: true,
            sbc_regions: vec!["Europe".into()],
            services: vec![Service::Pbx],
            pbx_types: vec!["Ringlogix".into()],
            time_zone: "Europe/Brussels".into(),
            billing_reference: None,
            trial_end: None,
        }
    }

    fn wrong(form: EnterpriseForm) -> Vec<String> {
        let offer = Offer {
            regions: BTreeSet::from(["Europe".to_owned()]),
            pbx_types: BTreeSet::from(["Ringlogix".to_owned()]),
        };
        form.check(&offer)
            .err()
            .unwrap_or_default()
            .into_iter()
            .map(|invalid| invalid.what)
            .collect()
    }

    #[test]
    fn r004_r018_a_full_form_is_accepted() {
        assert!(wrong(form()).is_empty());
    }

    #[test]
    fn r004_the_name_is_required() {
        assert_eq!(
            wrong(EnterpriseForm {
                name: " ".into(),
                ..form()
            }),
            ["name"]
        );
    }

    #[test]
    fn r006_r007_a_blank_limit_is_legal_and_zero_is_not() {
        assert!(
            wrong(EnterpriseForm {
                user_limit: None,
                ..form()
            })
            .is_empty()
        );
        assert_eq!(
            wrong(EnterpriseForm {
                user_limit: Some(0),
                ..form()
            }),
            ["userLimit"]
        );
    }

    #[test]
    fn r014_regions_are_required_and_offered() {
        assert_eq!(
            wrong(EnterpriseForm {
                sbc_regions: vec![],
                ..form()
            }),
            ["sbcRegions"]
        );
        assert_eq!(
            wrong(EnterpriseForm {
                sbc_regions: vec!["Mars".into()],
                ..form()
            }),
            ["sbcRegions"]
        );
    }

    #[test]
    fn r018_pbx_types_are_those_on_offer() {
        let form = EnterpriseForm {
            pbx_types: vec!["Homemade".into()],
            ..form()
        };
        assert_eq!(wrong(form), ["pbxTypes"]);
    }

    #[test]
    fn r017_pbx_types_go_with_pbx() {
        assert_eq!(
            wrong(EnterpriseForm {
                pbx_types: vec![],
                ..form()
            }),
            ["pbxTypes"]
        );
        assert_eq!(
            wrong(EnterpriseForm {
                services: vec![Service::Trunk],
                ..form()
            }),
            ["pbxTypes"]
        );
        assert_eq!(
            wrong(EnterpriseForm {
                services: vec![],
                pbx_types: vec![],
                ..form()
            }),
            ["services"]
        );
    }

    #[test]
    fn all_wrong_fields_are_named_at_once() {
        let bad = EnterpriseForm {
            name: String::new(),
            admin_email: "nobody".into(),
            time_zone: "Mars/Base".into(),
            user_limit: Some(0),
            ..form()
        };
        assert_eq!(wrong(bad), ["name", "adminEmail", "userLimit", "timeZone"]);
    }
}
