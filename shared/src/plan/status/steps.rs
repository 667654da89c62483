//! The way from the invitation to the first mapping, step by step: how each stands, in words, and since when.

use super::blocks::{Undelivered, news_of, second_consent_failed, undelivered, undelivered_text};
use super::next::waiting;
use super::{Facts, counted};
use crate::domain::consent::Consent;
use crate::domain::group_filter::GroupFilter;
use crate::domain::invitation::InvitationState;
use crate::domain::run::RunState;
use crate::domain::setup::{BoundTenant, Setup};
use crate::domain::steps::{Step, StepState};
use crate::domain::sync_status::LastSync;
use jiff::Timestamp;
use serde::Serialize;

/// Which step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum StepName {
    /// The invitation reaches the Global Admin.
    Invitation,
    /// The Global Admin signs in at Microsoft.
    SignIn,
    /// The first permission set.
    Consent1,
    /// The second one.
    Consent2,
    /// Whose users are synchronized.
    GroupChoice,
    /// The directory is read for the first time.
    FirstSync,
    /// Voice users are mapped to Teams users.
    Mapping,
}

/// A step of the set-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OnboardingStep {
    /// For programs.
    pub name: StepName,
    /// For people.
    pub label: &'static str,
    /// How it stands.
    pub state: StepState,
    /// How it stands, in a sentence.
    pub message: String,
    /// Since when, where that is known.
    #[schema(required, value_type = Option<String>, format = "date-time")]
    pub at: Option<Timestamp>,
    /// The same in the enterprise's zone.
    #[schema(required)]
    pub at_text: Option<String>,
}

type News = (StepState, String, Option<Timestamp>);

/// All steps, in their order.
pub(super) fn steps(facts: &Facts<'_>) -> Vec<OnboardingStep> {
    let step = |name, label, (state, message, at): News| OnboardingStep {
        name,
        label,
        state,
        message,
        at,
        at_text: at.map(|at| facts.local(at)),
    };
    vec![
        step(StepName::Invitation, "Invitation", invitation(facts)),
        step(StepName::SignIn, "Sign-in", sign_in(facts)),
        step(StepName::Consent1, "First permission request", first_consent(facts)),
        step(StepName::Consent2, "Second permission request", second_consent(facts)),
        step(StepName::GroupChoice, "User groups", group_choice(facts)),
        step(StepName::FirstSync, "First sync", first_sync(facts)),
        step(StepName::Mapping, "Mapping", mapping(facts)),
    ]
}

fn pending(message: impl Into<String>) -> News {
    (StepState::Pending, message.into(), None)
}

fn invitation(facts: &Facts<'_>) -> News {
    let enterprise = facts.enterprise;
    let accepted = |tenant: &BoundTenant| {
        (
            StepState::Succeeded,
            "The invitation was accepted.".into(),
            Some(tenant.at),
        )
    };
    let tenant = enterprise.setup.tenant();
    if let Some(tenant) = tenant.filter(|_| enterprise.setup.complete()) {
        return accepted(tenant);
    }
    let Some(invitation) = facts.invitation else {
        return tenant.map_or_else(|| pending("There is no invitation."), accepted);
    };
    let email = enterprise.global_admin.email.as_str();
    let until = facts.local(invitation.expires);
    match (undelivered(facts), invitation.state) {
        (Some(why @ Undelivered::Bounced), _) => {
            let at = invitation.reached.get(&InvitationState::Bounced).copied();
            (
                StepState::Failed,
                undelivered_text(facts, why),
                at.or(Some(invitation.created)),
            )
        }
        (Some(why @ (Undelivered::Closed(_) | Undelivered::Queued | Undelivered::Missing)), _) => (
            StepState::Failed,
            undelivered_text(facts, why),
            Some(invitation.created),
        ),
        (Some(Undelivered::Unopened), _) | (None, InvitationState::Sent) => {
            let message = format!("The invitation was sent to {email}; it can be accepted until {until}.");
            (StepState::Running, message, Some(invitation.created))
        }
        (None, InvitationState::Delivered) => {
            let message = format!("The invitation arrived at {email}; it can be accepted until {until}.");
            let at = invitation.reached.get(&InvitationState::Delivered).copied();
            (StepState::Running, message, at.or(Some(invitation.created)))
        }
        (None, InvitationState::Queued) => {
            let message = format!("The invitation is on its way to {email}.");
            (StepState::Running, message, Some(invitation.created))
        }
        (None, InvitationState::Opened) => {
            let message = "The Invitation Code was entered.".into();
            (StepState::Succeeded, message, Some(invitation.created))
        }
        (
            None,
            InvitationState::Bounced
            | InvitationState::Accepted
            | InvitationState::Revoked
            | InvitationState::Locked
            | InvitationState::Expired,
        ) => {
            let message = "The invitation was accepted.".into();
            let at = tenant.map_or(invitation.created, |tenant| tenant.at);
            (StepState::Succeeded, message, Some(at))
        }
    }
}

fn sign_in(facts: &Facts<'_>) -> News {
    let enterprise = facts.enterprise;
    // Somebody who was given the role during the set-up has still to sign in.
    let known = enterprise.global_admin.identity.is_some();
    if let Some(tenant) = enterprise
        .setup
        .tenant()
        .filter(|_| known || enterprise.setup.complete())
    {
        let message = format!("Signed in at {}.", tenant.name);
        return (StepState::Succeeded, message, Some(tenant.at));
    }
    match (
        news_of(facts, Step::SignIn),
        facts.invitation.map(|invitation| invitation.state),
    ) {
        (Some(news), _) => (news.state, news.message.clone(), Some(news.at)),
        (None, Some(InvitationState::Opened)) => {
            let message = format!("{} is at Microsoft's sign-in.", facts.admin());
            (StepState::Running, message, None)
        }
        (None, _) => pending(format!("{} has not signed in yet.", facts.admin())),
    }
}

fn first_consent(facts: &Facts<'_>) -> News {
    if let Some(tenant) = facts.enterprise.setup.tenant() {
        let message = "The first permission set is granted.".into();
        return (StepState::Succeeded, message, Some(tenant.at));
    }
    let signed_in = news_of(facts, Step::SignIn).filter(|news| news.state == StepState::Succeeded);
    let declined = news_of(facts, Step::FirstConsent);
    match (declined, signed_in) {
        (Some(news), signed_in) if signed_in.is_none_or(|signed_in| signed_in.at < news.at) => {
            (news.state, news.message.clone(), Some(news.at))
        }
        (_, Some(signed_in)) => {
            let message = "Granted at the sign-in; the organization waits to be confirmed.".into();
            (StepState::Running, message, Some(signed_in.at))
        }
        (_, None) => pending("The first permission set is not granted yet."),
    }
}

fn second_consent(facts: &Facts<'_>) -> News {
    match (&facts.enterprise.setup, second_consent_failed(facts)) {
        (Setup::Complete { consents, .. }, _) if !consents.calling.granted() => (
            StepState::Failed,
            "The second permission set was granted and is not in force any more.".into(),
            match &consents.calling {
                Consent::Revoked { at, .. } | Consent::Declined { at, .. } => Some(*at),
                Consent::Pending | Consent::Granted { .. } => None,
            },
        ),
        (Setup::Complete { at, .. }, _) => (
            StepState::Succeeded,
            "The second permission set is granted; the set-up is complete.".into(),
            Some(*at),
        ),
        (Setup::Bound { .. }, Some(trouble)) => (StepState::Failed, trouble.message, Some(trouble.at)),
        (Setup::Bound { .. } | Setup::Invited, _) => pending("The second permission set is not granted yet."),
    }
}

fn group_choice(facts: &Facts<'_>) -> News {
    let chosen = match &facts.enterprise.group_filter {
        GroupFilter::Undecided => return pending("Nobody has chosen yet whose users are synchronized."),
        GroupFilter::Everyone => "All users of the tenant are synchronized.".into(),
        GroupFilter::Groups(groups) => match &groups[..] {
            [group] => format!("Members of {} are synchronized.", group.name),
            groups => format!("Members of {} groups are synchronized.", groups.len()),
        },
    };
    (StepState::Succeeded, chosen, None)
}

fn first_sync(facts: &Facts<'_>) -> News {
    if let Some(at) = facts.sync.discovered {
        return (StepState::Succeeded, "The directory was read.".into(), Some(at));
    }
    match (facts.running(), facts.sync.last) {
        (Some(run), _) if run.state == RunState::AwaitingSignIn => {
            let message = format!("The sync waits for the sign-in of {}.", facts.admin());
            (StepState::Running, message, Some(run.created))
        }
        (Some(run), _) => {
            let message = "The first sync is going on; wait for its end before mapping.".into();
            (StepState::Running, message, Some(run.started.unwrap_or(run.created)))
        }
        (None, Some((at, LastSync::Failed))) => (StepState::Failed, "The first sync failed.".into(), Some(at)),
        (None, Some((_, LastSync::Successful)) | None) => pending(format!("{} has not synced yet.", facts.admin())),
    }
}

fn mapping(facts: &Facts<'_>) -> News {
    let mapped = facts.sync.usage.mapped;
    if mapped == 0 {
        return pending("Nobody is mapped yet.");
    }
    let users = counted(mapped, "user is mapped", "users are mapped");
    match facts.sync.pending {
        Some(waits) if waits.users > 0 => {
            let message = format!("{users}; {}.", waiting(waits.users));
            (StepState::Succeeded, message, Some(waits.since))
        }
        Some(_) | None => (StepState::Succeeded, format!("{users}."), None),
    }
}
