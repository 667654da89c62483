//! The pace of calls to Teams' administration, kept in the table so that all workers share it (decision 0023).
//!
//! A budget is one number: the time at which all calls that were granted would have been made one after another, evenly.
//! A call is granted while that time is not further ahead than the budget's room. So over any while `w` no more is granted
//! than `w` at the even pace and one room; a worker whose clock is ahead by `s` adds what passes evenly in `s`, once.

use super::keys::{self, EXPIRES, Key};
use super::{Attributes, Store, attributes, decoded, number};
use crate::domain::ids::TenantId;
use crate::error::{Error, Result};
use crate::io::chance::Chance;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValue;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

/// Windows over which the budgets hold. Microsoft states calls a second and no window; its other budgets have ten seconds.
pub const WINDOW: SignedDuration = SignedDuration::from_secs(10);
/// Calls of a tenant in a window: 30 a second. No row of Microsoft's limits names `/admin/teams`; this is the one for calls
/// that no row names. It holds for reads and for others apart.
pub const TENANT_CALLS: u32 = 300;
/// Writes of our application over all tenants in a window: 300 a second, of the same row.
pub const COMMON_WRITES: u32 = 3_000;
/// Reads of our application over all tenants in a window: 1,500 a second, of the same row.
pub const COMMON_READS: u32 = 15_000;
/// The common budget is kept in so many shares, each an item of its own: no item is written more than some tens of times a
/// second. Whoever finds one empty tries another.
pub const SHARES: u8 = 8;
/// Nobody may take more at once, nor has to: it is what one batch holds. A giant takes one portion and queues again.
pub const PORTION: u32 = 20;

/// Of a budget this part may be granted at once, the others come evenly within the window: a tenth.
const ROOM_PART: u32 = 10;
/// Of a tenant's room so many calls are left to people who wait for an answer.
const KEPT_FOR_PEOPLE: i64 = 5;
/// In the common budget a turn is given up to so much ahead of its time, and its holder waits for it: whoever asks first
/// goes first, however many calls the others have left to make.
const AHEAD: SignedDuration = SignedDuration::from_secs(5);
/// Long after the last call a pace says nothing.
const LIFE: SignedDuration = SignedDuration::from_hours(1);

/// An answer to whoever wants to make calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// They are granted, to be made after this wait.
    Granted(SignedDuration),
    /// Nothing was taken; before that it is not worth asking again.
    Later(SignedDuration),
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// They change nothing.
    Reads,
    /// All others.
    Writes,
}

impl Calls {
    fn attribute(self) -> &'static str {
        match self {
            Self::Reads => "reads_at",
            Self::Writes => "writes_at",
        }
    }
}

/// Who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// A run.
    Run,
    /// A person in front of a page; goes first where a tenant's budget is short.
    Person,
}

#[derive(Default, Deserialize)]
struct PaceItem {
    /// Microseconds since 1970, all of them.
    #[serde(default)]
    reads_at: i64,
    #[serde(default)]
    writes_at: i64,
    #[serde(default)]
    paused_until: i64,
}

#[derive(Deserialize)]
struct MailPaceItem {
    next_at: i64,
}

impl PaceItem {
    fn of(&self, calls: Calls) -> i64 {
        match calls {
            Calls::Reads => self.reads_at,
            Calls::Writes => self.writes_at,
        }
    }
}

/// One budget: the time between two of its calls, and how far it may be ahead, both in microseconds.
struct Budget {
    key: Key,
    calls: Calls,
    every: i64,
    room: i64,
}

impl Budget {
    /// Within a window: what comes evenly, and the room.
    fn new(key: Key, calls: Calls, in_a_window: u32) -> Self {
        let room = in_a_window / ROOM_PART;
        let evenly = i64::from(in_a_window - room);
        let window = i64::try_from(WINDOW.as_micros()).unwrap_or(i64::MAX);
        // Rounded up: the pace is never faster than the budget.
        let every = (window + evenly - 1) / evenly;
        Self {
            key,
            calls,
            every,
            room: every * i64::from(room),
        }
    }
}

impl Store {
    /// Takes `count` calls, at most `PORTION`, out of the budget of a tenant. If they are not granted: how long to wait
    /// before it is worth asking again; nothing is taken then.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn take_in_tenant(
        &self,
        tenant: &TenantId,
        calls: Calls,
        count: u32,
        urgency: Urgency,
        now: Timestamp,
    ) -> Result<Option<SignedDuration>> {
        let budget = Budget::new(keys::tenant_pace(tenant), calls, TENANT_CALLS);
        let kept = match urgency {
            Urgency::Run => KEPT_FOR_PEOPLE * budget.every,
            Urgency::Person => 0,
        };
        Ok(match self.take(&budget, count, kept, 0, now).await? {
            Answer::Granted(_) => None,
            Answer::Later(wait) => Some(wait),
        })
    }

    /// Takes `count` calls, at most `PORTION`, out of the budget over all tenants, now or some seconds ahead.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn take_in_common(&self, calls: Calls, count: u32, now: Timestamp) -> Result<Answer> {
        let all = match calls {
            Calls::Reads => COMMON_READS,
            Calls::Writes => COMMON_WRITES,
        };
        let first = u8::try_from(Chance.number() % u64::from(SHARES)).unwrap_or_default();
        let share = |share| Budget::new(keys::common_pace(share), calls, all / u32::from(SHARES));
        // One of two that can give it at once, else a place in the queue of the second.
        let other = (first + SHARES / 2) % SHARES;
        if let granted @ Answer::Granted(_) = self.take(&share(first), count, 0, 0, now).await? {
            return Ok(granted);
        }
        self.take(&share(other), count, 0, ahead(), now).await
    }

    /// Takes the turn of one mail out of the pace of all mails: `per_second` of them, evenly, over all workers. It comes after
    /// the wait that is granted; nothing is sent ahead of its turn, so that no second holds more than it may.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn take_mail_turn(&self, per_second: u32, now: Timestamp) -> Result<Answer> {
        let (first, other) = mail_shares(per_second, Chance.number());
        // One of two that is free at once, else a place in the queue of the second.
        if let Some(turn) = self.free_mail_turn(&first, now).await? {
            return Ok(turn);
        }
        if other != first
            && let Some(turn) = self.free_mail_turn(&other, now).await?
        {
            return Ok(turn);
        }
        let (now, step) = (micros(now), other.step);
        let values = [
            (":step", step),
            (":now", now),
            (":latest", now + ahead()),
            (":ends", now / 1_000_000 + LIFE.as_secs()),
        ];
        let key = keys::mail_pace(other.share);
        let set = "SET next_at = next_at + :step, expires = :ends";
        let room = "next_at > :now AND next_at <= :latest";
        if let Some(item) = self.changed(&key, set, room, &values).await? {
            let item: MailPaceItem = decoded(item)?;
            let wait = SignedDuration::from_micros((item.next_at - step - now).max(0));
            return Ok(Answer::Granted(wait));
        }
        let item: Option<MailPaceItem> = self.get(&key).await?;
        let next = item.map_or(now, |item| item.next_at);
        let wait = (next - now - ahead()).max(1_000);
        Ok(Answer::Later(SignedDuration::from_micros(wait)))
    }

    /// A turn of a share that nobody waits for.
    async fn free_mail_turn(&self, share: &MailShare, now: Timestamp) -> Result<Option<Answer>> {
        let now = micros(now);
        let turn = share.after(now);
        let values = [
            (":next", turn + share.step),
            (":now", now),
            (":ends", now / 1_000_000 + LIFE.as_secs()),
        ];
        let set = "SET next_at = :next, expires = :ends";
        let free = "attribute_not_exists(next_at) OR next_at <= :now";
        let taken = self.changed(&keys::mail_pace(share.share), set, free, &values).await?;
        Ok(taken.map(|_| Answer::Granted(SignedDuration::from_micros(turn - now))))
    }

    /// Nobody calls this tenant before `until`: Microsoft has asked for it. An earlier end than the present one is ignored.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn pause_tenant(&self, tenant: &TenantId, until: Timestamp) -> Result<()> {
        let set = "SET paused_until = :until, expires = :ends";
        let condition = "attribute_not_exists(paused_until) OR paused_until < :until";
        let values = [(":until", micros(until)), (":ends", (until + LIFE).as_second())];
        self.changed(&keys::tenant_pace(tenant), set, condition, &values)
            .await
            .map(drop)
    }

    /// `kept` is left in the room, and `ahead` is how much later than now the calls may have to wait.
    async fn take(&self, budget: &Budget, count: u32, kept: i64, ahead: i64, now: Timestamp) -> Result<Answer> {
        let at = budget.calls.attribute();
        let (now, cost) = (micros(now), budget.every * i64::from(count.min(PORTION)));
        let latest = now + budget.room - kept - cost + ahead;
        let ends = now / 1_000_000 + LIFE.as_secs();
        let open = "(attribute_not_exists(paused_until) OR paused_until <= :now)";
        // Nobody has called lately: the budget is full.
        let set = format!("SET {at} = :next, expires = :ends");
        let idle = format!("(attribute_not_exists({at}) OR {at} <= :now) AND {open}");
        let values = [(":next", now + cost), (":now", now), (":ends", ends)];
        if self.changed(&budget.key, &set, &idle, &values).await?.is_some() {
            return Ok(Answer::Granted(SignedDuration::ZERO));
        }
        let set = format!("SET {at} = {at} + :cost, expires = :ends");
        let room = format!("{at} > :now AND {at} <= :latest AND {open}");
        let values = [(":cost", cost), (":now", now), (":latest", latest), (":ends", ends)];
        if let Some(item) = self.changed(&budget.key, &set, &room, &values).await? {
            let item: PaceItem = decoded(item)?;
            let wait = item.of(budget.calls) - budget.room - now;
            return Ok(Answer::Granted(SignedDuration::from_micros(wait.max(0))));
        }
        let item: PaceItem = self.get(&budget.key).await?.unwrap_or_default();
        let wait = (item.of(budget.calls) - latest).max(item.paused_until - now).max(1_000);
        Ok(Answer::Later(SignedDuration::from_micros(wait)))
    }

    /// One update on its own, without a transaction: many workers make it at once, and the table puts them in a row. What it
    /// has changed, or nothing where its condition did not hold.
    async fn changed(
        &self,
        key: &Key,
        set: &str,
        condition: &str,
        values: &[(&str, i64)],
    ) -> Result<Option<Attributes>> {
        debug_assert!(set.contains(EXPIRES));
        let mut call = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(attributes(key)))
            .update_expression(set)
            .return_values(ReturnValue::UpdatedNew)
            .condition_expression(condition);
        for (name, value) in values {
            call = call.expression_attribute_values(*name, number(value));
        }
        match Box::pin(call.send()).await {
            Ok(answer) => Ok(Some(answer.attributes.unwrap_or_default())),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(None)
            }
            Err(error) => Err(Error::upstream("keep the pace", error)),
        }
    }
}

/// Mails a second that one item of the table keeps the pace of: a turn is two writes at most, of the thousand a second that
/// DynamoDB takes for an item.
const SHARE_OF_MAILS: u32 = 100;

/// A part of the pace of mails: each `step`th turn, from `phase` on, in microseconds. The turns of all parts together come
/// evenly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailShare {
    share: u32,
    phase: i64,
    step: i64,
}

impl MailShare {
    fn of(per_second: u32, share: u32, shares: u32) -> Self {
        let every = mail_interval(per_second);
        Self {
            share,
            phase: every * i64::from(share),
            step: every * i64::from(shares),
        }
    }

    /// The first turn that is not before `now`.
    fn after(&self, now: i64) -> i64 {
        now + (self.phase - now).rem_euclid(self.step)
    }
}

/// Two parts of the pace; the same where there is only one.
fn mail_shares(per_second: u32, chance: u64) -> (MailShare, MailShare) {
    let shares = per_second.max(1).div_ceil(SHARE_OF_MAILS);
    let first = u32::try_from(chance % u64::from(shares)).unwrap_or_default();
    let other = (first + shares / 2) % shares;
    (
        MailShare::of(per_second, first, shares),
        MailShare::of(per_second, other, shares),
    )
}

/// Microseconds between two mails; rounded up, so that the pace is never faster than the rate.
fn mail_interval(per_second: u32) -> i64 {
    let per_second = i64::from(per_second.max(1));
    (1_000_000 + per_second - 1) / per_second
}

fn ahead() -> i64 {
    i64::try_from(AHEAD.as_micros()).unwrap_or_default()
}

fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The turns of all parts, each taken as soon as it is free, are the even ones and no others.
    #[test]
    fn turns_of_mails_come_evenly_over_all_parts() {
        for rate in [1_u32, 14, 100, 101, 250, 999, 1_000] {
            let shares = rate.div_ceil(SHARE_OF_MAILS);
            let begin = 1_795_392_140_123_456;
            let mut turns = Vec::new();
            for share in (0..shares).map(|share| MailShare::of(rate, share, shares)) {
                let mut at = share.after(begin);
                assert!((begin..begin + share.step).contains(&at), "{rate}");
                while at < begin + 3_000_000 {
                    turns.push(at);
                    // A worker asks again a moment after its turn.
                    at = share.after(at + 1);
                }
            }
            turns.sort_unstable();
            assert!(
                turns.windows(2).all(|pair| pair[1] - pair[0] == mail_interval(rate)),
                "{rate}: {turns:?}"
            );
            assert!(turns.len() <= 3 * rate as usize + 1, "{rate}: {}", turns.len());
            assert!(100 * turns.len() >= 98 * 3 * rate as usize, "{rate}: {}", turns.len());
        }
    }

    #[test]
    fn a_window_holds_no_more_than_its_budget() {
        for (all, shares) in [(TENANT_CALLS, 1), (COMMON_WRITES, SHARES), (COMMON_READS, SHARES)] {
            let budget = Budget::new(keys::common_pace(0), Calls::Reads, all / u32::from(shares));
            let window = i64::try_from(WINDOW.as_micros()).unwrap();
            let most = (window + budget.room) / budget.every;
            assert!(most <= i64::from(all / u32::from(shares)), "{most} of {all}");
            let portion = (i64::from(PORTION) + KEPT_FOR_PEOPLE) * budget.every;
            assert!(portion <= budget.room, "a portion fits into a room");
        }
    }
}
