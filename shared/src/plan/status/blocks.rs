//! What keeps an enterprise from going on.

use super::{Facts, counted};
use crate::domain::consent::Consent;
use crate::domain::finding::{Actor, Code, Finding};
use crate::domain::invitation::{Closed, Invitation, InvitationState, Trouble};
use crate::domain::run::RunState;
use crate::domain::setup::Setup;
use crate::domain::standing::Standing;
use crate::domain::steps::{Obstacle, Progress, Step, StepState};
use crate::domain::sync_status::LastSync;
use crate::domain::sync_switch::SyncSwitch;
use crate::domain::visit::SIGN_IN_LIFE;
use crate::error::{Error, SignInRefused};
use crate::plan::onboard::news;
use jiff::{SignedDuration, Timestamp};

/// The most findings of a run that are shown.
pub(super) const FINDINGS_MAX: usize = 10;
/// A mail that has not left after this time is stuck.
const LEAVES_WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// Nobody reads an invitation that was not opened after this time.
const OPENED_WITHIN: SignedDuration = SignedDuration::from_hours(3 * 24);

/// All blocks, the most urgent first, and how many findings of the last run are left out.
pub(super) fn blocks(facts: &Facts<'_>) -> (Vec<Finding>, usize) {
    let enterprise = facts.enterprise;
    let mut blocks = Vec::new();
    let mut more = 0;
    match (&enterprise.standing, &enterprise.setup) {
        (Standing::Disabled { .. }, _) => blocks.push(not_served(facts)),
        (Standing::Removed { .. }, _) => {}
        (Standing::Active, Setup::Invited | Setup::Bound { .. }) => {
            blocks.extend(undelivered(facts).map(|why| invitation_block(facts, why)));
            blocks.extend(stuck(facts).map(|trouble| sign_in_block(facts, trouble)));
            blocks.extend(window_closed(facts));
        }
        (Standing::Active | Standing::Removing { .. }, _) => {
            blocks.extend(unreachable(facts));
            blocks.extend(sync_disabled(facts));
            blocks.extend(consent_gone(facts));
            blocks.extend(window_closed(facts));
            let findings = run_findings(facts);
            more = findings.len().saturating_sub(FINDINGS_MAX);
            blocks.extend(findings.iter().take(FINDINGS_MAX).cloned());
        }
    }
    blocks.extend(over_license(facts));
    (blocks, more)
}

/// The invitation has not reached its reader, and why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undelivered {
    /// There is none.
    Missing,
    /// No mail service has taken the mail.
    Queued,
    /// Its mail came back, or is not wanted.
    Bounced,
    /// It was sent, and nobody has entered its code.
    Unopened,
    /// It can no longer be accepted.
    Closed(Closed),
}

/// Whether somebody has to see to the invitation (1.5).
pub(super) fn undelivered(facts: &Facts<'_>) -> Option<Undelivered> {
    let Some(invitation) = facts.invitation else {
        let needed = facts.enterprise.setup == Setup::Invited;
        return needed.then_some(Undelivered::Missing);
    };
    match (invitation.open(facts.now), invitation.state) {
        (Err(Closed::Accepted), _) => None,
        (Err(closed), _) => Some(Undelivered::Closed(closed)),
        (Ok(()), InvitationState::Queued) => older(invitation, facts.now, LEAVES_WITHIN).then_some(Undelivered::Queued),
        (Ok(()), InvitationState::Bounced) => Some(Undelivered::Bounced),
        (Ok(()), InvitationState::Sent | InvitationState::Delivered) => {
            older(invitation, facts.now, OPENED_WITHIN).then_some(Undelivered::Unopened)
        }
        (
            Ok(()),
            InvitationState::Opened
            | InvitationState::Locked
            | InvitationState::Expired
            | InvitationState::Accepted
            | InvitationState::Revoked,
        ) => None,
    }
}

fn older(invitation: &Invitation, now: Timestamp, than: SignedDuration) -> bool {
    invitation.created.duration_until(now) > than
}

/// What the reseller reads of an invitation that does not arrive.
pub(super) fn undelivered_text(facts: &Facts<'_>, why: Undelivered) -> String {
    let email = facts.enterprise.global_admin.email.as_str();
    let sent = facts.invitation.map(|invitation| facts.local(invitation.created));
    let sent = sent.unwrap_or_default();
    match why {
        Undelivered::Missing => "There is no invitation.".into(),
        Undelivered::Queued => format!("The invitation of {sent} to {email} has not left yet."),
        Undelivered::Bounced => match facts.invitation.and_then(|invitation| invitation.trouble) {
            Some(Trouble::Complaint) => {
                format!("The invitation of {sent} to {email} was reported there as unwanted mail.")
            }
            Some(Trouble::Reject) => format!("The invitation of {sent} to {email} was held back by the mail service."),
            Some(Trouble::Bounce) | None => {
                format!("The invitation of {sent} to {email} came back: the address does not take it.")
            }
        },
        Undelivered::Unopened => format!("The invitation of {sent} to {email} has not been opened."),
        Undelivered::Closed(Closed::Expired) => format!("The invitation of {sent} to {email} has expired."),
        Undelivered::Closed(Closed::Locked) => {
            format!("The invitation of {sent} to {email} is locked after too many wrong codes.")
        }
        Undelivered::Closed(Closed::Revoked) => format!("The invitation of {sent} to {email} was taken back."),
        Undelivered::Closed(Closed::Accepted) => format!("The invitation of {sent} to {email} is no longer valid."),
    }
}

fn invitation_block(facts: &Facts<'_>, why: Undelivered) -> Finding {
    let (admin, provider) = (facts.admin(), &facts.reseller.brand.provider_contact);
    let fix = match why {
        Undelivered::Queued => {
            format!("Check the address and send the invitation again; if it stays so, ask {provider}.")
        }
        Undelivered::Bounced => format!(
            "Check the address. Where it is wrong, correct it: a new invitation goes to the right one. Where it is right, ask {admin} to let the mail through and send the invitation again. Or reassign the Global Admin role to somebody who can be reached."
        ),
        Undelivered::Unopened => format!(
            "Ask {admin} to look into the spam folder too; correct the address where it is wrong and send the invitation again, or reassign the Global Admin role."
        ),
        Undelivered::Missing | Undelivered::Closed(_) => "Send the invitation again.".into(),
    };
    Finding {
        code: Code::InvUndelivered,
        subject: facts.enterprise.global_admin.email.to_string(),
        seen: undelivered_text(facts, why),
        fix,
        actor: Actor::Reseller,
        about: None,
        wait: None,
    }
}

/// Mails to the Global Admin are stopped, and with them every reminder (1.5).
fn unreachable(facts: &Facts<'_>) -> Option<Finding> {
    let suppression = facts.unreachable?;
    let email = suppression.address.as_str();
    let happened = match suppression.cause {
        Trouble::Bounce => "a mail to it came back for good",
        Trouble::Complaint => "a mail was reported there as unwanted",
        Trouble::Reject => "the mail service does not send to it",
    };
    let (since, admin) = (facts.local(suppression.since), facts.admin());
    Some(Finding {
        code: Code::InvUndelivered,
        subject: email.to_owned(),
        seen: format!("No mail goes to {email} since {since}, because {happened}. {admin} gets no reminders."),
        fix: format!(
            "Ask {admin} to let the mails through, then lift the suppression of the address; or reassign the Global Admin role to somebody who can be reached."
        ),
        actor: Actor::Reseller,
        about: None,
        wait: None,
    })
}

/// The newest news of a step since the enterprise is at this point of its set-up.
pub(super) fn news_of<'a>(facts: &Facts<'a>, step: Step) -> Option<&'a Progress> {
    let enterprise = facts.enterprise;
    let begin = match &enterprise.setup {
        Setup::Invited => enterprise
            .invitation
            .as_ref()
            .map(crate::domain::ids::InvitationId::born),
        Setup::Bound { tenant, .. } | Setup::Complete { tenant, .. } => Some(tenant.at),
    };
    let begin = begin.unwrap_or(enterprise.created);
    enterprise.steps.get(&step).filter(|news| news.at >= begin)
}

/// What went wrong last on the way through the set-up.
#[derive(Clone, Debug)]
pub(super) struct Stuck {
    pub(super) obstacle: Obstacle,
    pub(super) message: String,
    pub(super) at: Timestamp,
}

/// The news of a step, where it failed.
fn trouble(news: &Progress) -> Option<Stuck> {
    (news.state == StepState::Failed).then(|| Stuck {
        obstacle: news.obstacle.unwrap_or(Obstacle::Refused),
        message: news.message.clone(),
        at: news.at,
    })
}

/// How the Global Admin's last try ended, where it ended badly.
fn stuck(facts: &Facts<'_>) -> Option<Stuck> {
    let tried = [Step::SignIn, Step::FirstConsent].map(|step| news_of(facts, step));
    let newest = tried.into_iter().flatten().max_by_key(|news| news.at);
    let failed = newest.and_then(trouble);
    failed
        .into_iter()
        .chain(second_consent_failed(facts))
        .max_by_key(|trouble| trouble.at)
}

/// How the second request ended, where it ended badly.
pub(super) fn second_consent_failed(facts: &Facts<'_>) -> Option<Stuck> {
    let Setup::Bound { consents, .. } = &facts.enterprise.setup else {
        return None;
    };
    let declined = match &consents.calling {
        Consent::Declined { at, .. } => {
            let (obstacle, message) = news(&Error::SignIn(SignInRefused::Declined));
            Some(Stuck {
                obstacle,
                message: message.into(),
                at: *at,
            })
        }
        Consent::Pending | Consent::Granted { .. } | Consent::Revoked { .. } => None,
    };
    let failed = news_of(facts, Step::SecondConsent).and_then(trouble);
    failed.into_iter().chain(declined).max_by_key(|trouble| trouble.at)
}

fn sign_in_block(facts: &Facts<'_>, trouble: Stuck) -> Finding {
    let (admin, provider) = (facts.admin(), &facts.reseller.brand.provider_contact);
    let tenant = facts.enterprise.setup.tenant();
    let (code, fix, actor) = match trouble.obstacle {
        Obstacle::NotGlobalAdmin => (
            Code::GaNotAdmin,
            format!(
                "Sign in with an account that has the role, or ask {provider} to reassign the Global Admin role to somebody who has it."
            ),
            Actor::GlobalAdmin,
        ),
        Obstacle::OtherPerson => (
            Code::GaNotRecorded,
            format!("Sign in with the work account of {admin}, or ask {provider} to reassign the Global Admin role."),
            Actor::GlobalAdmin,
        ),
        Obstacle::OtherTenant => {
            let name = tenant.map_or("the enterprise's own organization", |tenant| tenant.name.as_str());
            (
                Code::TenantMismatch,
                format!("Sign in with an account of {name}."),
                Actor::GlobalAdmin,
            )
        }
        Obstacle::TenantTaken => (
            Code::TenantMismatch,
            format!("Ask {provider} which enterprise the organization belongs to."),
            Actor::Reseller,
        ),
        Obstacle::ApprovalRequired => (
            Code::ApprovalRequired,
            "Sign in with an account that has the role Global Administrator: it can approve the request itself.".into(),
            Actor::GlobalAdmin,
        ),
        Obstacle::NotGranted => (
            Code::ConsentMissing,
            "Sign in again, tick Consent on behalf of your organization, and press Accept.".into(),
            Actor::GlobalAdmin,
        ),
        Obstacle::NotInForce => (
            Code::ConsentMissing,
            "Wait a few minutes, then sign in again; nothing has to be granted a second time.".into(),
            Actor::GlobalAdmin,
        ),
        Obstacle::Fault => (
            Code::MsInternal,
            format!("Try again later; if it stays so for a day, ask {provider}."),
            Actor::GlobalAdmin,
        ),
        Obstacle::Refused => (
            Code::MsRefused,
            format!("Try again; if it stays so, ask {provider}."),
            Actor::GlobalAdmin,
        ),
    };
    Finding {
        code,
        subject: admin.to_owned(),
        seen: trouble.message,
        fix,
        actor,
        about: None,
        wait: None,
    }
}

/// A sign-in was begun, its ten minutes are over, and Microsoft sent nobody back: it stopped on a page of its own, or the
/// window was closed.
fn window_closed(facts: &Facts<'_>) -> Option<Finding> {
    let begun = facts.unanswered.filter(|begun| begun.at + SIGN_IN_LIFE <= facts.now)?;
    let admin = facts.admin();
    Some(Finding {
        code: Code::WindowClosed,
        subject: admin.to_owned(),
        seen: format!(
            "A sign-in was begun at {}, and no answer came back from Microsoft.",
            facts.local(begun.at)
        ),
        fix: format!(
            "Ask {admin} what Microsoft's page said, look its number up on the sign-in help page, and open the link again."
        ),
        actor: Actor::GlobalAdmin,
        about: None,
        wait: None,
    })
}

/// A permission set that was granted once is not in force any more.
fn consent_gone(facts: &Facts<'_>) -> Option<Finding> {
    let Setup::Complete { consents, .. } = &facts.enterprise.setup else {
        return None;
    };
    if consents.granted() {
        return None;
    }
    Some(Finding {
        code: Code::ConsentMissing,
        subject: String::new(),
        seen: "A permission set that was granted at Microsoft is not in force any more.".into(),
        fix: format!(
            "{} grants it again: by the action grantConsent, or at the sign-in of the next sync.",
            facts.admin()
        ),
        actor: Actor::GlobalAdmin,
        about: None,
        wait: None,
    })
}

/// `Disable Sync` was pressed (R067).
fn sync_disabled(facts: &Facts<'_>) -> Option<Finding> {
    let SyncSwitch::Off { since, by } = &facts.enterprise.sync_switch else {
        return None;
    };
    Some(Finding {
        code: Code::SyncDisabled,
        subject: String::new(),
        seen: format!(
            "{by} disabled sync on {}: no reminder is sent, and nothing is changed in Teams.",
            facts.local(*since)
        ),
        fix: format!(
            "{} presses Sync Now and signs in to the tenant that is the right one from now on.",
            facts.admin()
        ),
        actor: Actor::GlobalAdmin,
        about: None,
        wait: None,
    })
}

fn not_served(facts: &Facts<'_>) -> Finding {
    Finding {
        code: Code::NotServed,
        subject: String::new(),
        seen: "The enterprise is disabled: no sync runs and no reminder is sent; its data is kept.".into(),
        fix: format!("Ask {} to enable it.", facts.reseller.name),
        actor: Actor::Reseller,
        about: None,
        wait: None,
    }
}

/// Of the run that waits for another sign-in on its way, or of the last one where it failed.
fn run_findings<'a>(facts: &Facts<'a>) -> &'a [Finding] {
    match (facts.running(), facts.sync.last, facts.failed) {
        (Some(run), _, _) if run.state == RunState::AwaitingSignIn && !run.findings.is_empty() => &run.findings,
        (_, Some((_, LastSync::Failed)), Some(run)) => &run.findings,
        (_, Some(_) | None, _) => &[],
    }
}

/// More users are mapped than there are licenses (R127, R129).
fn over_license(facts: &Facts<'_>) -> Option<Finding> {
    if facts.enterprise.standing.leaving() {
        return None;
    }
    let (allowance, mapped) = (facts.allowance()?, facts.sync.usage.mapped);
    let over = mapped.checked_sub(allowance).filter(|over| *over > 0)?;
    let (users, licences) = (
        counted(mapped, "user is mapped", "users are mapped"),
        counted(allowance, "license", "licenses"),
    );
    let who = counted(over, "user, the newest mapping,", "users, the newest mappings,");
    let verb = if over == 1 { "has" } else { "have" };
    Some(Finding {
        code: Code::OverLicense,
        subject: String::new(),
        seen: format!(
            "{users}, and there are {licences}: {who} {verb} none and cannot be called in Teams after the next sync."
        ),
        fix: format!(
            "Ask {} for more licenses, or set users to None in the mapping.",
            facts.reseller.brand.account_contact
        ),
        actor: Actor::AccountAdmin,
        about: None,
        wait: None,
    })
}
