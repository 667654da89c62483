//! Which mails there are. One name each: of the folder of its texts, of SES's tag `mail`, and in the API.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A mail, by what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailKind {
    /// E1: the set-up is complete; how to activate and manage the integration.
    IntegrationActivation,
    /// E2: changes wait for a sync.
    SyncRequired,
    /// E3: the last sync failed.
    SyncFailed,
    /// E4: the number of licences changed.
    LicensesChanged,
    /// E5: the integration was removed.
    IntegrationRemoved,
    /// E6: to the former Global Admin.
    GlobalAdminReassigned,
    /// E7: to the new Global Admin.
    GlobalAdminAssigned,
    /// E8: the invitation with its code.
    EnterpriseInvitation,
    /// E9: the activation of a reseller's account.
    ResellerActivation,
    /// An invitation is not accepted yet.
    InvitationNudge,
    /// To the reseller: an invitation cannot be delivered, or is not accepted.
    InvitationStuck,
    /// Somebody is asked to take over the duty of being reminded.
    DutyOffered,
    /// Somebody has taken it over.
    DutyTaken,
    /// To the reseller: reminders lead to nothing.
    RemindersIgnored,
    /// To the reseller: all its enterprises that wait.
    ResellerDigest,
    /// To the reseller: an endpoint of its webhooks is switched off.
    WebhookDisabled,
}

impl MailKind {
    /// Every kind, E1 to E9 first.
    pub const ALL: [Self; 16] = [
        Self::IntegrationActivation,
        Self::SyncRequired,
        Self::SyncFailed,
        Self::LicensesChanged,
        Self::IntegrationRemoved,
        Self::GlobalAdminReassigned,
        Self::GlobalAdminAssigned,
        Self::EnterpriseInvitation,
        Self::ResellerActivation,
        Self::InvitationNudge,
        Self::InvitationStuck,
        Self::DutyOffered,
        Self::DutyTaken,
        Self::RemindersIgnored,
        Self::ResellerDigest,
        Self::WebhookDisabled,
    ];

    /// As it is written everywhere.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::IntegrationActivation => "integration_activation",
            Self::SyncRequired => "sync_required",
            Self::SyncFailed => "sync_failed",
            Self::LicensesChanged => "licenses_changed",
            Self::IntegrationRemoved => "integration_removed",
            Self::GlobalAdminReassigned => "global_admin_reassigned",
            Self::GlobalAdminAssigned => "global_admin_assigned",
            Self::EnterpriseInvitation => "enterprise_invitation",
            Self::ResellerActivation => "reseller_activation",
            Self::InvitationNudge => "invitation_nudge",
            Self::InvitationStuck => "invitation_stuck",
            Self::DutyOffered => "duty_offered",
            Self::DutyTaken => "duty_taken",
            Self::RemindersIgnored => "reminders_ignored",
            Self::ResellerDigest => "reseller_digest",
            Self::WebhookDisabled => "webhook_disabled",
        }
    }

    /// Whether it comes again and again until something is done. Such mails can be unsubscribed from, which hands the duty
    /// over and never loses it; all others are sent once, because of what somebody did.
    #[must_use]
    pub fn reminds(self) -> bool {
        match self {
            Self::SyncRequired
            | Self::SyncFailed
            | Self::InvitationNudge
            | Self::RemindersIgnored
            | Self::ResellerDigest => true,
            Self::IntegrationActivation
            | Self::LicensesChanged
            | Self::IntegrationRemoved
            | Self::GlobalAdminReassigned
            | Self::GlobalAdminAssigned
            | Self::EnterpriseInvitation
            | Self::ResellerActivation
            | Self::InvitationStuck
            | Self::DutyOffered
            | Self::DutyTaken
            | Self::WebhookDisabled => false,
        }
    }
}

impl fmt::Display for MailKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_written_as_it_is_named() {
        for kind in MailKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert!(MailKind::ALL.is_sorted());
    }
}
