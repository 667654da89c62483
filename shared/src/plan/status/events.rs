//! What somebody should know before it becomes a block: licenses, trials, invitations that are pending, removals.

use super::{Facts, counted};
use crate::domain::invitation::{Closed, Invitation};
use crate::domain::licence::{self, Level, Usage};
use crate::domain::schedule;
use crate::domain::standing::Standing;
use jiff::Timestamp;
use serde::Serialize;

/// A stable code; front ends and support articles hang on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
pub enum EventCode {
    /// At least 80 % of the licenses are used.
    #[serde(rename = "LICENCES_80")]
    Licences80,
    /// All licenses are used.
    #[serde(rename = "LICENCES_100")]
    Licences100,
    /// The trial ends within 14, 7 or 1 days.
    #[serde(rename = "TRIAL_ENDS")]
    TrialEnds,
    /// The trial is over, and with it the licenses.
    #[serde(rename = "TRIAL_ENDED")]
    TrialEnded,
    /// The Global Admin has not accepted the invitation yet.
    #[serde(rename = "INVITATION_PENDING")]
    InvitationPending,
    /// The integration is to be removed.
    #[serde(rename = "REMOVAL_ORDERED")]
    RemovalOrdered,
}

/// A warning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// What kind.
    pub code: EventCode,
    /// In a sentence.
    pub text: String,
    /// Since when it stands.
    #[schema(value_type = String, format = "date-time")]
    pub since: Timestamp,
    /// The same in the enterprise's zone.
    pub since_text: String,
    /// `TRIAL_ENDS`: days that are left, the last one counted. `INVITATION_PENDING`: days it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<i64>,
}

/// Every warning that stands now.
pub(super) fn events(facts: &Facts<'_>) -> Vec<Event> {
    let enterprise = facts.enterprise;
    let event = |(code, since, text, days): Warning| {
        // Clocks differ a little between functions: nothing began in the future.
        let since = since.min(facts.now);
        Event {
            code,
            text,
            since,
            since_text: facts.local(since),
            days,
        }
    };
    let standing = match &enterprise.standing {
        Standing::Active if !enterprise.setup.complete() => [invitation_pending(facts), licences(facts), trial(facts)],
        Standing::Active | Standing::Disabled { .. } => [None, licences(facts), trial(facts)],
        Standing::Removing { since, final_sync, .. } => [Some(removal(*since, final_sync.is_some())), None, None],
        Standing::Removed { .. } => [None, None, None],
    };
    standing.into_iter().flatten().map(event).collect()
}

type Warning = (EventCode, Timestamp, String, Option<i64>);

/// How long an invitation that can still be or has to be accepted waits (product's register of pending invitations).
fn invitation_pending(facts: &Facts<'_>) -> Option<Warning> {
    let waits = |invitation: &&Invitation| invitation.open(facts.now) != Err(Closed::Accepted);
    let invitation = facts.invitation.filter(waits)?;
    let days = (invitation.created.duration_until(facts.now).as_hours() / 24).max(0);
    let age = match days {
        0 => "today".to_owned(),
        days => format!("{} ago", counted(days.unsigned_abs(), "day", "days")),
    };
    let text = format!("{} was invited {age} and has not accepted yet.", facts.admin());
    Some((EventCode::InvitationPending, invitation.created, text, Some(days)))
}

/// The strongest warning about licenses that still holds against what counts now.
fn licences(facts: &Facts<'_>) -> Option<Warning> {
    let (usage, allowance) = (&facts.sync.usage, facts.allowance());
    let (mapped, used) = (usage.mapped as usize, usage.used as usize);
    let now = Usage::counted(mapped, used, allowance, usage, facts.now);
    let since = |level: Level| {
        let holds = now.warnings.contains_key(&level);
        usage.warnings.get(&level).copied().filter(|_| holds)
    };
    let (used, limit) = (usage.used, allowance?);
    let ask = format!("ask {} for more", facts.reseller.brand.account_contact);
    if let Some(since) = since(Level::Full) {
        let text = format!("All licenses are used ({used} of {limit}); {ask} before you map more users.");
        return Some((EventCode::Licences100, since, text, None));
    }
    let since = since(Level::Nearly)?;
    let text = format!("At least 80 % of the licenses are used ({used} of {limit}); {ask} in time.");
    Some((EventCode::Licences80, since, text, None))
}

/// A trial that ends soon or has ended, by the calendar of the enterprise.
fn trial(facts: &Facts<'_>) -> Option<Warning> {
    let last_day = facts.enterprise.settings.trial_end?;
    let contact = &facts.reseller.brand.account_contact;
    let day = last_day.strftime("%b %-d, %Y");
    let over = licence::trial_over(last_day, facts.zone);
    if over <= facts.now {
        let text = format!("The trial ended with {day}, and its licenses with it; ask {contact} how to go on.");
        return Some((EventCode::TrialEnded, over, text, None));
    }
    let (_, since) = licence::trial_warning(last_day, facts.zone, facts.now)?;
    let today = schedule::local_day(facts.now, facts.zone);
    let days = i64::from(today.until(last_day).map_or(0, |span| span.get_days())) + 1;
    let when = match days {
        1 => "today".to_owned(),
        days => format!("in {days} days"),
    };
    let text = format!("The trial ends {when}, with {day}, and its licenses with it; ask {contact} how to go on.");
    Some((EventCode::TrialEnds, since, text, Some(days)))
}

fn removal(since: Timestamp, begun: bool) -> Warning {
    let text = if begun {
        "The removal of the integration is ordered and its final sync has begun; it cannot be undone any more."
    } else {
        "The removal of the integration is ordered; it can be undone until the final sync begins."
    };
    (EventCode::RemovalOrdered, since, text.into(), None)
}
