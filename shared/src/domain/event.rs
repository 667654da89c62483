//! What happened, as a reseller's own systems are told: one form for the feed and for webhooks. An event follows from an entry of
//! an audit trail and says less: no names, no addresses, nothing that a person typed (decision 0032).

use super::Invalid;
use super::audit::{Deed, Entry};
use super::ids::{EnterpriseId, EventId, ResellerId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How long an event can be read again: the promise is 30 days, and nobody should miss one for being late by a little.
pub const KEPT: SignedDuration = SignedDuration::from_hours(35 * 24);
/// The form of `data`. It grows when a field changes its meaning or goes; a new field is no new form.
pub const VERSION: u32 = 1;
/// A test event, sent to the one webhook that it names and to no other.
pub const TEST: &str = "webhook.test";
/// Changes wait for a sync.
pub const SYNC_PENDING: &str = "sync.pending";
/// None wait any more.
pub const SYNC_CLEARED: &str = "sync.cleared";

/// Every type that there is. A type is kept for good once somebody's system hangs on it.
pub const TYPES: [&str; 65] = [
    "reseller.created",
    "reseller.changed",
    "reseller.activated",
    "webhook.created",
    "webhook.changed",
    "webhook.deleted",
    "webhook.secret_rotated",
    "webhook.replayed",
    "webhook.disabled",
    TEST,
    "enterprise.created",
    "enterprise.changed",
    "enterprise.disabled",
    "enterprise.enabled",
    "enterprise.connected",
    "enterprise.moved",
    "enterprise.removal_started",
    "enterprise.removal_undone",
    "enterprise.final_sync_started",
    "enterprise.removed",
    "licence.changed",
    "global_admin.reassigned",
    "global_admin.recorded",
    "invitation.sent",
    "invitation.revoked",
    "management.granted",
    "management.withdrawn",
    "consent.granted",
    "consent.declined",
    "consent.revoked",
    "sync.enabled",
    "sync.disabled",
    SYNC_PENDING,
    SYNC_CLEARED,
    "operators.changed",
    "operators.deputy_recorded",
    "unattended.allowed",
    "unattended.withdrawn",
    "unattended.changed",
    "group_filter.changed",
    "directory.read",
    "voice_users.changed",
    "mapping.changed",
    "mapping.undone",
    "plan.made",
    "plan.approved",
    "release_limit.changed",
    "run.requested",
    "run.started",
    "run.interrupted",
    "run.cancel_requested",
    "run.succeeded",
    "run.failed",
    "run.cancelled",
    "run.abandoned",
    "mail.undelivered",
    "mail.suppression_lifted",
    "mail.sending_changed",
    "mail.sending_stopped",
    "task.closed",
    "reminder.changed",
    "duty.offered",
    "duty.taken",
    "duty.returned",
    "digest.changed",
];

/// The values of an entry that an event repeats: ids, states, numbers and times. A sync's entry has many figures, all numbers.
const TOLD: [&str; 26] = [
    "run",
    "state",
    "plan",
    "releases",
    "userLimit",
    "releaseLimit",
    "automatic",
    "tenant",
    "created",
    "updated",
    "deleted",
    "more",
    "webhook",
    "after",
    "mail",
    "mailId",
    "kind",
    "cause",
    "invitation",
    "day",
    "until",
    "ignored",
    "reminders",
    "task",
    "calling",
    "signIn",
];
/// The longest value that is repeated; what is longer is no id, state, number or time.
const TOLD_LONGEST: usize = 64;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = FeedEvent)]
pub struct Event {
    /// Unique; later events of a feed have greater ids. Also the header `webhook-id`.
    #[schema(value_type = String)]
    pub id: EventId,
    /// What happened, such as `run.succeeded`. New types may come.
    #[serde(rename = "type")]
    pub kind: String,
    /// The form of `data`.
    pub version: u32,
    /// When it happened. Events stand in the order in which they took effect, whatever clocks say.
    #[schema(value_type = String, format = "date-time")]
    pub at: Timestamp,
    /// Whose feed it stands in.
    #[schema(value_type = String)]
    pub reseller: ResellerId,
    /// Which enterprise it is about; absent where it is about the reseller itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub enterprise: Option<EnterpriseId>,
    /// More about it.
    pub data: EventData,
}

/// More about an event. For all of it, read the thing itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EventData)]
pub struct EventData {
    /// In which role somebody did it; `service` where nobody asked for it.
    pub by: String,
    /// Ids, states, numbers and times that belong to it, such as `run` or `userLimit`, as they are now.
    pub values: BTreeMap<String, String>,
    /// The same as they were, where there was something.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub before: BTreeMap<String, String>,
    /// The fields of a form that changed, by their names in the API.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

/// The type of what an entry says; nothing where it is of no use to other systems.
fn kind(entry: &Entry) -> Option<&'static str> {
    Some(match entry.deed {
        // Links that were given out, and attempts that led nowhere.
        Deed::ActivationSent | Deed::ActionUrlGiven | Deed::SignInLinkGiven | Deed::SignInTried => return None,
        // Follows the move that was told.
        Deed::LeftTenantPutAside => return None,
        Deed::ResellerCreated => "reseller.created",
        Deed::ResellerChanged => "reseller.changed",
        Deed::ResellerActivated => "reseller.activated",
        Deed::MailUndelivered => "mail.undelivered",
        Deed::SuppressionLifted => "mail.suppression_lifted",
        Deed::MailSendingChanged => "mail.sending_changed",
        Deed::MailSendingStopped => "mail.sending_stopped",
        Deed::TaskClosed => "task.closed",
        Deed::RemindersChanged => "reminder.changed",
        Deed::DutyOffered => "duty.offered",
        Deed::DutyTaken => "duty.taken",
        Deed::DutyReturned => "duty.returned",
        Deed::DigestChanged => "digest.changed",
        Deed::WebhookCreated => "webhook.created",
        Deed::WebhookChanged => "webhook.changed",
        Deed::WebhookDeleted => "webhook.deleted",
        Deed::WebhookSecretRotated => "webhook.secret_rotated",
        Deed::WebhookReplayed => "webhook.replayed",
        Deed::WebhookTested => TEST,
        Deed::WebhookDisabled => "webhook.disabled",
        Deed::EnterpriseCreated => "enterprise.created",
        Deed::EnterpriseChanged => "enterprise.changed",
        Deed::EnterpriseDisabled => "enterprise.disabled",
        Deed::EnterpriseEnabled => "enterprise.enabled",
        Deed::LicencesChanged => "licence.changed",
        Deed::GlobalAdminReassigned => "global_admin.reassigned",
        Deed::GlobalAdminRecorded => "global_admin.recorded",
        Deed::InvitationSent => "invitation.sent",
        Deed::InvitationRevoked => "invitation.revoked",
        Deed::RemovalStarted => "enterprise.removal_started",
        Deed::RemovalUndone => "enterprise.removal_undone",
        Deed::FinalSyncStarted => "enterprise.final_sync_started",
        Deed::Removed => "enterprise.removed",
        Deed::ManagementGranted => "management.granted",
        Deed::ManagementWithdrawn => "management.withdrawn",
        Deed::TenantBound => "enterprise.connected",
        Deed::TenantMoved => "enterprise.moved",
        Deed::ConsentGranted => "consent.granted",
        Deed::ConsentDeclined => "consent.declined",
        Deed::ConsentRevoked => "consent.revoked",
        Deed::SyncDisabled => "sync.disabled",
        Deed::SyncEnabled => "sync.enabled",
        Deed::OperatorsChanged => "operators.changed",
        Deed::DeputyRecorded => "operators.deputy_recorded",
        Deed::UnattendedAllowed => "unattended.allowed",
        Deed::UnattendedWithdrawn => "unattended.withdrawn",
        Deed::UnattendedChanged => "unattended.changed",
        Deed::GroupFilterChanged => "group_filter.changed",
        Deed::DirectoryRead => "directory.read",
        Deed::VoiceUsersChanged => "voice_users.changed",
        Deed::MappingChanged => "mapping.changed",
        Deed::RunUndone => "mapping.undone",
        Deed::PlanMade => "plan.made",
        Deed::PlanApproved => "plan.approved",
        Deed::ReleaseLimitChanged => "release_limit.changed",
        Deed::RunStarted => "run.requested",
        Deed::RunBegun => "run.started",
        Deed::RunInterrupted => "run.interrupted",
        Deed::RunCancelled => "run.cancel_requested",
        Deed::RunEnded => match value(entry, "state") {
            Some("succeeded") => "run.succeeded",
            Some("cancelled") => "run.cancelled",
            Some("abandoned") => "run.abandoned",
            Some(_) | None => "run.failed",
        },
    })
}

/// Whether the names of the fields are those of a form. Elsewhere they can be the names of people.
fn of_a_form(deed: Deed) -> bool {
    matches!(
        deed,
        Deed::EnterpriseChanged | Deed::ResellerChanged | Deed::WebhookChanged | Deed::UnattendedChanged
    )
}

fn value<'a>(entry: &'a Entry, field: &str) -> Option<&'a str> {
    let named = entry.changes.iter().find(|change| change.field == field)?;
    named.after.as_deref()
}

/// Which trail entries are taken from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trail {
    /// Of an enterprise.
    Enterprise(EnterpriseId),
    /// Of the reseller itself. It repeats which enterprises came and went; those are told once, from their own trails.
    Reseller(ResellerId),
}

impl Event {
    /// What other systems are told of an entry; nothing where it says nothing to them. `id` is its place in the feed.
    #[must_use]
    pub fn of(entry: &Entry, trail: &Trail, reseller: &ResellerId, id: EventId) -> Option<Self> {
        let kind = kind(entry)?;
        let enterprise = match trail {
            Trail::Enterprise(enterprise) => Some(enterprise.clone()),
            Trail::Reseller(_) if kind.starts_with("enterprise.") => return None,
            Trail::Reseller(_) => None,
        };
        let figures = entry.deed == Deed::DirectoryRead;
        let told = |side: fn(&super::audit::Changed) -> Option<&String>| {
            let changes = entry.changes.iter();
            let fits = changes.filter(|change| TOLD.contains(&change.field.as_str()) || figures);
            let values = fits.filter_map(|change| Some((change.field.clone(), side(change)?.clone())));
            values
                .filter(|(_, value)| if figures { number(value) } else { plain(value) })
                .collect()
        };
        let names = entry.changes.iter().map(|change| change.field.clone());
        Some(Self {
            id,
            kind: kind.to_owned(),
            version: VERSION,
            at: entry.at,
            reseller: reseller.clone(),
            enterprise,
            data: EventData {
                by: entry.author.role.clone(),
                values: told(|change| change.after.as_ref()),
                before: told(|change| change.before.as_ref()),
                fields: names.filter(|_| of_a_form(entry.deed)).collect(),
            },
        })
    }

    /// Whether changes of an enterprise wait for a sync, or none any more.
    #[must_use]
    pub fn pending(
        enterprise: &EnterpriseId,
        reseller: &ResellerId,
        waits: Option<u32>,
        at: Timestamp,
        id: EventId,
    ) -> Self {
        let kind = if waits.is_some() { SYNC_PENDING } else { SYNC_CLEARED };
        let users = waits.map(|users| ("users".to_owned(), users.to_string()));
        Self {
            id,
            kind: kind.to_owned(),
            version: VERSION,
            at,
            reseller: reseller.clone(),
            enterprise: Some(enterprise.clone()),
            data: EventData {
                by: "service".into(),
                values: users.into_iter().collect(),
                ..EventData::default()
            },
        }
    }
}

fn number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit())
}

/// An id, a state, a number or a time: nothing that could be a name, an address or a sentence.
fn plain(text: &str) -> bool {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"-_.:+".contains(&b);
    (1..=TOLD_LONGEST).contains(&text.len()) && text.bytes().all(fine)
}

/// Which types somebody wants: all where the list is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Types(Vec<String>);

impl Types {
    /// Types such as `run.failed`, or all of a kind such as `run.*`; sorted, each once.
    ///
    /// # Errors
    /// Every one that there is not.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, Vec<Invalid>> {
        let (mut known, mut wrong) = (Vec::new(), Vec::new());
        for name in names {
            let exists = match name.strip_suffix(".*") {
                Some(group) => TYPES.iter().any(|kind| kind.split('.').next() == Some(group)),
                None => TYPES.contains(&name),
            };
            if exists {
                known.push(name.to_owned());
            } else {
                let shown: String = name.chars().take(80).collect();
                wrong.push(Invalid::new(
                    "types",
                    format!("`{shown}`: give a type such as run.failed, or run.* for all that begin so"),
                ));
            }
        }
        known.sort();
        known.dedup();
        if wrong.is_empty() { Ok(Self(known)) } else { Err(wrong) }
    }

    /// What was stored: a type that is no longer known fits nothing.
    #[must_use]
    pub fn stored(names: Vec<String>) -> Self {
        Self(names)
    }

    /// The names, as they were given.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// Whether an event of that type is wanted.
    #[must_use]
    pub fn want(&self, kind: &str) -> bool {
        let fits = |name: &String| match name.strip_suffix('*') {
            Some(group) => kind.starts_with(group),
            None => name == kind,
        };
        self.0.is_empty() || self.0.iter().any(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::super::audit::{Author, Changed};
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn trail() -> Trail {
        Trail::Enterprise(EnterpriseId::mint(NOW, 1))
    }

    fn told(deed: Deed, changes: &[(&str, Option<&str>, Option<&str>)], trail: &Trail) -> Option<Event> {
        let changed = |(field, before, after): &(&str, Option<&str>, Option<&str>)| Changed {
            field: (*field).to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        let changes = changes.iter().map(changed).collect();
        let entry = Entry::new(&Author::service(), deed, changes, NOW, 7);
        Event::of(&entry, trail, &ResellerId::mint(NOW, 2), EventId::mint(NOW, 3))
    }

    #[test]
    fn the_end_of_a_run_is_named_by_how_it_ended() {
        for (state, kind) in [
            ("succeeded", "run.succeeded"),
            ("failed", "run.failed"),
            ("cancelled", "run.cancelled"),
            ("abandoned", "run.abandoned"),
        ] {
            let changes = [("run", None, Some("run_1")), ("state", None, Some(state))];
            let event = told(Deed::RunEnded, &changes, &trail()).unwrap();
            assert_eq!((event.kind.as_str(), &event.data.values["run"][..]), (kind, "run_1"));
            assert!(TYPES.contains(&kind));
        }
    }

    #[test]
    fn values_that_can_be_about_people_stay_here() {
        let changes = [
            ("adminEmail", Some("old@a.example"), Some("new@a.example")),
            ("name", None, Some("Bluefinch BV")),
            ("userLimit", Some("10"), Some("7")),
            ("kind", None, Some("a sentence that somebody typed")),
            ("cause", None, Some("ann@a.example")),
        ];
        let event = told(Deed::EnterpriseChanged, &changes, &trail()).unwrap();
        assert_eq!(event.data.fields, ["adminEmail", "name", "userLimit", "kind", "cause"]);
        assert_eq!(event.data.values, [("userLimit".to_owned(), "7".to_owned())].into());
        assert_eq!(event.data.before, [("userLimit".to_owned(), "10".to_owned())].into());
        // Rows of a mapping are named after people.
        let event = told(Deed::MappingChanged, &[("Ann Example", None, Some("Ann"))], &trail()).unwrap();
        assert_eq!(
            event.data,
            EventData {
                by: "service".into(),
                ..EventData::default()
            }
        );
        let text = serde_json::to_string(&event).unwrap();
        assert!(!text.contains("Ann"), "{text}");
    }

    #[test]
    fn what_a_reseller_s_trail_repeats_is_told_once() {
        let own = Trail::Reseller(ResellerId::mint(NOW, 2));
        assert!(told(Deed::EnterpriseCreated, &[], &own).is_none());
        assert!(
            told(Deed::EnterpriseCreated, &[], &trail())
                .unwrap()
                .enterprise
                .is_some()
        );
        assert_eq!(told(Deed::ResellerChanged, &[], &own).unwrap().enterprise, None);
        assert!(told(Deed::ActionUrlGiven, &[], &trail()).is_none());
    }

    #[test]
    fn types_are_chosen_one_by_one_or_by_their_group() {
        let chosen = Types::parse(["run.*", "consent.granted", "run.*"]).unwrap();
        assert_eq!(chosen.names(), ["consent.granted", "run.*"]);
        for (kind, wanted) in [
            ("run.failed", true),
            ("consent.granted", true),
            ("consent.revoked", false),
            ("runner.up", false),
        ] {
            assert_eq!(chosen.want(kind), wanted, "{kind}");
        }
        assert!(Types::default().want("anything.at_all"));
        let wrong = Types::parse(["run.exploded", "run.failed", "*", "nothing.*"]).unwrap_err();
        assert_eq!(wrong.len(), 3, "{wrong:?}");
    }

    #[test]
    fn every_type_stands_once() {
        let mut all = TYPES.to_vec();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), TYPES.len());
    }
}
