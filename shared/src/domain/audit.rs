//! The audit trail: one entry for every change, written with the change itself and never changed afterwards.

use super::caller::Origin;
use super::ids::{AuditId, VoiceUserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Who made a change, and from where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// For people: an address where one is known.
    pub who: String,
    /// The identity provider's key of the person or system; Microsoft's object id for what was done on our pages.
    pub subject: String,
    /// The role they acted in.
    pub role: String,
    /// In whose place they acted, where it was not in their own right (R013).
    pub on_behalf_of: Option<String>,
    /// IP address.
    pub address: Option<String>,
    /// The gateway's id of the request; the same as in our logs.
    pub request: Option<String>,
}

impl Author {
    /// The service itself, where nobody asked.
    #[must_use]
    pub fn service() -> Self {
        Self {
            who: "Dialbridge".into(),
            subject: "service".into(),
            role: "service".into(),
            on_behalf_of: None,
            address: None,
            request: None,
        }
    }

    /// A person on one of our pages.
    #[must_use]
    pub fn visitor(who: &str, subject: &str, origin: &Origin) -> Self {
        Self {
            who: who.to_owned(),
            subject: subject.to_owned(),
            role: "visitor".into(),
            on_behalf_of: None,
            address: origin.address.clone(),
            request: origin.request.clone(),
        }
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Deed {
    /// A reseller was created.
    ResellerCreated,
    /// A reseller or its brand was changed.
    ResellerChanged,
    /// The activation mail was sent again.
    ActivationSent,
    /// The reseller's owner followed the activation mail (R001).
    ResellerActivated,
    /// An enterprise was created.
    EnterpriseCreated,
    /// Its settings were changed.
    EnterpriseChanged,
    /// It was disabled.
    EnterpriseDisabled,
    /// It was enabled again.
    EnterpriseEnabled,
    /// The number of licences was changed.
    LicencesChanged,
    /// Another person became the Global Admin.
    GlobalAdminReassigned,
    /// A new invitation was sent.
    InvitationSent,
    /// The invitation was taken back.
    InvitationRevoked,
    /// The removal of the integration was ordered.
    RemovalStarted,
    /// It was taken back.
    RemovalUndone,
    /// The final sync has begun: no way back.
    FinalSyncStarted,
    /// The integration is removed.
    Removed,
    /// The reseller may manage on behalf.
    ManagementGranted,
    /// It may no longer.
    ManagementWithdrawn,
    /// The address of an admin's next step was given out.
    ActionUrlGiven,
    /// Somebody signed in at Microsoft for the set-up, or tried to.
    SignInTried,
    /// The tenant was bound, with the first permission set.
    TenantBound,
    /// The second permission set was granted.
    ConsentGranted,
    /// The second permission set was declined.
    ConsentDeclined,
    /// A permission set is no longer relied on: it was reset, or a token lacked it.
    ConsentRevoked,
    /// Sync was disabled, so that the enterprise can move to another tenant (R067).
    SyncDisabled,
    /// It was enabled again.
    SyncEnabled,
    /// The enterprise was moved to another tenant.
    TenantMoved,
    /// Mapping, directory and groups of the tenant that it left are put aside.
    LeftTenantPutAside,
    /// A new Global Admin signed in for the first time and is recorded.
    GlobalAdminRecorded,
    /// Who may sync besides the Global Admin was changed.
    OperatorsChanged,
    /// A deputy signed in for the first time and is recorded.
    DeputyRecorded,
    /// The Global Admin let syncs run that nobody signs in for.
    UnattendedAllowed,
    /// They may no longer: somebody took it back here, or the customer at Microsoft.
    UnattendedWithdrawn,
    /// When and how far they run was changed.
    UnattendedChanged,
    /// Whose users are synchronised was changed.
    GroupFilterChanged,
    /// Voice users were created, changed or deleted.
    VoiceUsersChanged,
    /// The mapping was changed.
    MappingChanged,
    /// A plan was made.
    PlanMade,
    /// Somebody has approved the releases of a plan.
    PlanApproved,
    /// How many numbers a sync may release by itself was changed.
    ReleaseLimitChanged,
    /// A sync was asked for.
    RunStarted,
    /// Another sign-in link to a run was given out.
    SignInLinkGiven,
    /// Somebody signed in for a sync, and it goes on.
    RunBegun,
    /// A sync has read the directory.
    DirectoryRead,
    /// A sync stopped before its end and waits for another sign-in.
    RunInterrupted,
    /// Somebody had a sync stopped.
    RunCancelled,
    /// The mapping of the users whom a sync changed was made what it was before.
    RunUndone,
    /// A sync ended.
    RunEnded,
    /// A mail did not reach its reader: it came back, was unwanted, or its address gets no mail.
    MailUndelivered,
    /// Somebody lets mail go to an address again.
    SuppressionLifted,
    /// Somebody says that a task is done.
    TaskClosed,
    /// What mail may leave was changed.
    MailSendingChanged,
    /// Too many mails of a reseller came back or were unwanted: reminders and reports wait.
    MailSendingStopped,
}

/// What a front end shows, as far as changes of it can be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Topic {
    /// The enterprise itself: settings, set-up, permissions, Global Admin, who may sync.
    Enterprise,
    /// Licences.
    Licences,
    /// Whose users are synchronised.
    GroupFilter,
    /// The users of the tenant, and its groups.
    Directory,
    /// Voice users.
    VoiceUsers,
    /// Who is who.
    Mapping,
    /// Syncs, and with them the sync status.
    Runs,
}

impl Deed {
    /// What a front end has to show anew; nothing where it shows none of it.
    #[must_use]
    pub fn topic(self) -> Option<Topic> {
        match self {
            Self::ResellerCreated
            | Self::ResellerChanged
            | Self::ActivationSent
            | Self::ResellerActivated
            | Self::ActionUrlGiven
            | Self::PlanMade
            | Self::PlanApproved
            | Self::SignInLinkGiven
            | Self::SuppressionLifted
            | Self::TaskClosed
            | Self::MailSendingChanged
            | Self::MailSendingStopped => None,
            Self::EnterpriseCreated
            | Self::EnterpriseChanged
            | Self::EnterpriseDisabled
            | Self::EnterpriseEnabled
            | Self::GlobalAdminReassigned
            | Self::InvitationSent
            | Self::InvitationRevoked
            | Self::RemovalStarted
            | Self::RemovalUndone
            | Self::Removed
            | Self::ManagementGranted
            | Self::ManagementWithdrawn
            | Self::SignInTried
            | Self::TenantBound
            | Self::ConsentGranted
            | Self::ConsentDeclined
            | Self::ConsentRevoked
            | Self::SyncDisabled
            | Self::SyncEnabled
            | Self::TenantMoved
            | Self::GlobalAdminRecorded
            | Self::OperatorsChanged
            | Self::ReleaseLimitChanged
            | Self::DeputyRecorded
            | Self::UnattendedAllowed
            | Self::UnattendedWithdrawn
            | Self::UnattendedChanged
            | Self::MailUndelivered => Some(Topic::Enterprise),
            Self::LicencesChanged => Some(Topic::Licences),
            Self::GroupFilterChanged => Some(Topic::GroupFilter),
            Self::DirectoryRead => Some(Topic::Directory),
            Self::VoiceUsersChanged => Some(Topic::VoiceUsers),
            Self::MappingChanged | Self::RunUndone | Self::LeftTenantPutAside => Some(Topic::Mapping),
            Self::RunStarted
            | Self::FinalSyncStarted
            | Self::RunBegun
            | Self::RunInterrupted
            | Self::RunCancelled
            | Self::RunEnded => Some(Topic::Runs),
        }
    }
}

/// One value before and after; absent is "there was none".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Changed {
    /// The field, as the API names it.
    pub field: String,
    /// Before.
    pub before: Option<String>,
    /// After.
    pub after: Option<String>,
}

/// The longest list of changes that one entry names; the rest is counted.
pub const CHANGES_NAMED: usize = 100;
/// The longest list of voice users that one entry names; a longer one is not kept.
pub const USERS_NAMED: usize = 100;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Our key. Entries of an enterprise sort by it in the order in which they were written, and so by time as well.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub author: Author,
    /// What.
    pub deed: Deed,
    /// Which values.
    pub changes: Vec<Changed>,
    /// Which voice users it is about; absent where that is not known, or too many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice_users: Option<Vec<VoiceUserId>>,
}

impl Entry {
    /// An entry of this moment.
    #[must_use]
    pub fn new(author: &Author, deed: Deed, mut changes: Vec<Changed>, now: Timestamp, chance: u128) -> Self {
        if changes.len() > CHANGES_NAMED {
            let more = changes.len() - CHANGES_NAMED;
            changes.truncate(CHANGES_NAMED);
            changes.push(Changed {
                field: "more".into(),
                before: None,
                after: Some(more.to_string()),
            });
        }
        Self {
            id: AuditId::mint(now, chance),
            at: now,
            author: author.clone(),
            deed,
            changes,
            voice_users: None,
        }
    }

    /// The same, naming the voice users that it is about.
    #[must_use]
    pub fn about<'a>(self, users: impl IntoIterator<Item = &'a VoiceUserId>) -> Self {
        let users: Vec<VoiceUserId> = users.into_iter().take(USERS_NAMED + 1).cloned().collect();
        Self {
            voice_users: (users.len() <= USERS_NAMED).then_some(users),
            ..self
        }
    }
}

/// One value that may have changed; nothing where it has not.
#[must_use]
pub fn changed(field: &str, before: Option<String>, after: Option<String>) -> Option<Changed> {
    (before != after).then(|| Changed {
        field: field.to_owned(),
        before,
        after,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_names_a_bounded_number_of_changes() {
        let many = (0..150)
            .filter_map(|n| changed(&n.to_string(), None, Some("x".into())))
            .collect();
        let entry = Entry::new(&Author::service(), Deed::MappingChanged, many, Timestamp::UNIX_EPOCH, 1);
        assert_eq!(entry.changes.len(), CHANGES_NAMED + 1);
        assert_eq!(entry.changes[CHANGES_NAMED].after.as_deref(), Some("50"));
    }

    #[test]
    fn what_stays_is_not_named() {
        assert_eq!(changed("name", Some("a".into()), Some("a".into())), None);
        assert!(changed("name", None, Some("a".into())).is_some());
    }
}
