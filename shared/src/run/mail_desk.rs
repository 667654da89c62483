//! What people see of mails and what they do about them: the list, the tasks that mails leave, addresses that get no mail, and
//! the switches.

use crate::domain::audit::{Author, Changed, Deed, changed};
use crate::domain::caller::Caller;
use crate::domain::ids::{ResellerId, SuppressionId, TaskId};
use crate::domain::mail_limits::{RESELLER_DAY, Sending, SendingForm};
use crate::domain::plain_text;
use crate::domain::rights::{Action, May};
use crate::domain::suppression::Suppression;
use crate::domain::task::Task;
use crate::domain::{Invalid, email::EmailAddress};
use crate::error::{Error, Result};
use crate::io::Io;
use crate::run::access::entry;
use jiff::Timestamp;

/// The longest reason that somebody gives.
const REASON_MAX: usize = 500;

/// An address as this caller sees it: whoever may not read the audit trail sees where it is, not whose.
#[must_use]
pub fn shown(caller: &Caller, address: &EmailAddress) -> String {
    if caller.role.may(Action::Audit) == May::Yes {
        return address.to_string();
    }
    let (local, domain) = address.as_str().rsplit_once('@').unwrap_or_default();
    let first: String = local.chars().take(1).collect();
    format!("{first}***@{domain}")
}

/// Somebody says that a task is done, and how.
///
/// # Errors
/// `Invalid` without a reason, `NotFound` where it is not open.
pub async fn close_task(
    io: &Io,
    reseller: &ResellerId,
    id: &TaskId,
    reason: &str,
    author: &Author,
    now: Timestamp,
) -> Result<Task> {
    let reason = plain_text("reason", reason, REASON_MAX)?;
    let task = io.store.task(reseller, id).await?;
    let said = [
        changed("task", None, Some(task.kind.name().to_owned())),
        changed("subject", None, Some(task.subject.clone())),
        changed("reason", None, Some(reason)),
    ];
    let entry = entry(io, author, Deed::TaskClosed, said.into_iter().flatten().collect(), now);
    io.store.close_task(reseller, id, &entry).await?;
    Ok(task)
}

/// Somebody lets mail go to an address again, and says why. The mail service is asked to forget it first: it has a list of
/// its own.
///
/// # Errors
/// `Invalid` without a reason, `NotFound` where the address is not stopped.
pub async fn lift(
    io: &Io,
    reseller: &ResellerId,
    id: &SuppressionId,
    reason: &str,
    author: &Author,
    now: Timestamp,
) -> Result<Suppression> {
    let reason = plain_text("reason", reason, REASON_MAX)?;
    let suppression = io.store.suppression(reseller, id).await?;
    io.mailer.forget_suppressed(&suppression.address).await?;
    let said = [
        changed("address", None, Some(suppression.address.to_string())),
        changed("cause", Some(suppression.cause.name().to_owned()), None),
        changed("reason", None, Some(reason)),
    ];
    let entry = entry(
        io,
        author,
        Deed::SuppressionLifted,
        said.into_iter().flatten().collect(),
        now,
    );
    io.store.lift(reseller, &suppression, &entry).await?;
    Ok(suppression)
}

/// Sets the switch of the whole service that was read at version `seen`.
///
/// # Errors
/// `Invalid` with everything that is wrong, `Stale`.
pub async fn set_all(io: &Io, form: SendingForm, seen: u64, author: &Author, now: Timestamp) -> Result<Sending> {
    let before = io.store.sending().await?;
    if before.seen() != seen {
        return Err(Error::Stale("the switch"));
    }
    let mut wrong = Vec::new();
    for (set, what) in [
        (form.day_limit.is_some(), "dayLimit"),
        (form.ses_tenant.is_some(), "sesTenant"),
    ] {
        if set {
            wrong.push(Invalid::new(
                what,
                "set it for a reseller; here it is about all of them",
            ));
        }
    }
    let next = before.set(form).map_err(|more| {
        wrong.extend(more);
        Error::Invalid(std::mem::take(&mut wrong))
    })?;
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let entry = entry(io, author, Deed::MailSendingChanged, differences(&before, &next), now);
    io.store.set_sending(&next, &entry).await?;
    Ok(next)
}

/// The same of a reseller.
///
/// # Errors
/// `Invalid` with everything that is wrong, `Stale`.
pub async fn set_of(
    io: &Io,
    reseller: &ResellerId,
    form: SendingForm,
    seen: u64,
    author: &Author,
    now: Timestamp,
) -> Result<Sending> {
    let before = io.store.reseller_sending(reseller).await?;
    if before.seen() != seen {
        return Err(Error::Stale("the switch"));
    }
    let next = before.set(form)?;
    let entry = entry(io, author, Deed::MailSendingChanged, differences(&before, &next), now);
    io.store.set_reseller_sending(reseller, &next, &entry).await?;
    Ok(next)
}

fn differences(before: &Sending, after: &Sending) -> Vec<Changed> {
    let gate = |sending: &Sending| Some(sending.gate.name().to_owned());
    let limit = |sending: &Sending| Some(sending.day_limit.unwrap_or(RESELLER_DAY).to_string());
    let tripped = |sending: &Sending| sending.tripped.map(|at| at.to_string());
    let all = [
        changed("gate", gate(before), gate(after)),
        changed("reason", before.reason.clone(), after.reason.clone()),
        changed("dayLimit", limit(before), limit(after)),
        changed("sesTenant", before.ses_tenant.clone(), after.ses_tenant.clone()),
        changed("heldSince", tripped(before), tripped(after)),
    ];
    all.into_iter().flatten().collect()
}
