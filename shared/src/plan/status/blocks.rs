//! What keeps an enterprise from going on.

use super::{Facts, counted};
use crate::domain::consent::Consent;
use crate::domain::finding::{Actor, Code, Finding};
use crate::domain::invitation::{Closed, Invitation, InvitationState, Trouble};
use crate::domain::run::RunState;
use crate::domain::setup::Setup;
use crate::domain::standing::Standing;
use crate::domain::steps::{Progress, Step, StepState};
use crate::domain::sync_status::LastSync;
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
            blocks.extend(stuck(facts).map(|(message, _)| sign_in_block(facts, &message)));
        }
        (Standing::Active | Standing::Removing { .. }, _) => {
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
    }
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

/// How the Global Admin's last try ended, where it ended badly.
fn stuck(facts: &Facts<'_>) -> Option<(String, Timestamp)> {
    let tried = [Step::SignIn, Step::FirstConsent].map(|step| news_of(facts, step));
    let newest = tried.into_iter().flatten().max_by_key(|news| news.at);
    let failed = newest
        .filter(|news| news.state == StepState::Failed)
        .map(|news| (news.message.clone(), news.at));
    failed.max_by_time(second_consent_failed(facts))
}

/// How the second request ended, where it ended badly.
pub(super) fn second_consent_failed(facts: &Facts<'_>) -> Option<(String, Timestamp)> {
    let Setup::Bound { consents, .. } = &facts.enterprise.setup else {
        return None;
    };
    let declined = match &consents.calling {
        Consent::Declined { at } => Some((news(&Error::SignIn(SignInRefused::Declined)), *at)),
        Consent::Pending | Consent::Granted { .. } => None,
    };
    let failed = news_of(facts, Step::SecondConsent)
        .filter(|news| news.state == StepState::Failed)
        .map(|news| (news.message.clone(), news.at));
    failed.max_by_time(declined)
}

/// The later of two that may be.
trait Later {
    fn max_by_time(self, other: Self) -> Self;
}

impl Later for Option<(String, Timestamp)> {
    fn max_by_time(self, other: Self) -> Self {
        self.into_iter().chain(other).max_by_key(|(_, at)| *at)
    }
}

fn sign_in_block(facts: &Facts<'_>, message: &str) -> Finding {
    let (admin, brand) = (facts.admin(), &facts.reseller.brand);
    let tenant = facts.enterprise.setup.tenant();
    let said = |refused: SignInRefused| news(&Error::SignIn(refused)) == message;
    let not_recorded = || SignInRefused::NotRecorded {
        expected: String::new(),
    };
    let incomplete = || SignInRefused::ConsentIncomplete { missing: Vec::new() };
    let (code, fix, actor) = if said(SignInRefused::NotGlobalAdmin) {
        let fix = format!(
            "Sign in with an account that has the role, or ask {} to reassign the Global Admin role to somebody who has it.",
            brand.provider_contact
        );
        (Code::GaNotAdmin, fix, Actor::GlobalAdmin)
    } else if said(not_recorded()) || said(SignInRefused::PersonalAccount) {
        let fix = format!(
            "Sign in with the work account of {admin}, or ask {} to reassign the Global Admin role.",
            brand.provider_contact
        );
        (Code::GaNotRecorded, fix, Actor::GlobalAdmin)
    } else if said(SignInRefused::TenantMismatch) {
        let name = tenant.map_or("the enterprise's own organization", |tenant| tenant.name.as_str());
        let fix = format!("Sign in with an account of {name}.");
        (Code::TenantMismatch, fix, Actor::GlobalAdmin)
    } else if said(SignInRefused::TenantTaken) {
        let fix = format!(
            "Ask {} which enterprise the organization belongs to.",
            brand.provider_contact
        );
        (Code::TenantMismatch, fix, Actor::Reseller)
    } else if said(SignInRefused::ApprovalRequired) {
        let fix = "Sign in with an account that has the role Global Administrator: it can approve the request itself.";
        (Code::ConsentMissing, fix.into(), Actor::GlobalAdmin)
    } else if said(SignInRefused::Declined) || said(incomplete()) {
        let fix = "Sign in again, tick Consent on behalf of your organization, and press Accept.";
        (Code::ConsentMissing, fix.into(), Actor::GlobalAdmin)
    } else if message == news(&Error::Busy) {
        let fix = format!(
            "Try again later; if it stays so for a day, ask {}.",
            brand.provider_contact
        );
        (Code::MsInternal, fix, Actor::GlobalAdmin)
    } else {
        let fix = format!("Try again; if it stays so, ask {}.", brand.provider_contact);
        (Code::MsRefused, fix, Actor::GlobalAdmin)
    };
    Finding {
        code,
        subject: admin.to_owned(),
        seen: message.to_owned(),
        fix,
        actor,
    }
}

fn not_served(facts: &Facts<'_>) -> Finding {
    Finding {
        code: Code::NotServed,
        subject: String::new(),
        seen: "The enterprise is disabled: no sync runs and no reminder is sent; its data is kept.".into(),
        fix: format!("Ask {} to enable it.", facts.reseller.name),
        actor: Actor::Reseller,
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
    })
}
