//! How long changes take, and whether a session with Microsoft lasts for them (R062). Estimates only: the executor stops
//! by the clock, not by what is said here.
//!
//! Where the figures come from: Microsoft names no limit of its own for `/admin/teams` and no time for an operation. Its
//! general limit is 30 calls a second for an application in a tenant, of which we take nine tenths at an even pace (decision
//! 0023). Lists are read in pages where that is cheaper; the estimate counts every number and user by itself, since it does
//! not know how much else is in the lists. Times of operations, and of what is shown of them, are those that the simulated
//! Microsoft takes by default. An access token lives 60 to 90 minutes.

use crate::domain::change::Change;
use crate::domain::finding::{Actor, Code, Finding};
use crate::domain::ids::TeamsUserId;
use jiff::{SignedDuration, Timestamp};

/// A session is not used when it has no more than this left: longer than a request with its repetitions, and room for
/// clocks that differ.
pub const MARGIN: SignedDuration = SignedDuration::from_mins(3);
/// The shortest life of a session; what Microsoft gives is 60 to 90 minutes.
pub const SESSION: SignedDuration = SignedDuration::from_mins(60);
/// How long the tenant's voice objects take: the PowerShell module is loaded, signs in, and compares a dozen of them.
pub const PREPARING: SignedDuration = SignedDuration::from_secs(90);

/// Reads of one tenant, a second.
const READS: u64 = 27;
/// Writes to one tenant, a second.
const WRITES: u64 = 27;
/// Policies are handed over in collections of this size.
const POLICIES_IN_A_WRITE: u64 = 20;
/// Seconds until the last operation on a number has ended.
const NUMBERS_SETTLE: u64 = 30;
/// Seconds until the last policy is shown with its user.
const POLICIES_SETTLE: u64 = 120;

/// What changes cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Requests to Microsoft; parts of a batch counted by themselves.
    pub calls: u64,
    /// Seconds from the first to the proof of the last.
    pub seconds: u64,
}

/// Changes by what they cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    releases: u64,
    assignments: u64,
    adoptions: u64,
    policies: u64,
    users: u64,
    last_user: Option<TeamsUserId>,
}

impl<'a> Extend<&'a Change> for Work {
    fn extend<T: IntoIterator<Item = &'a Change>>(&mut self, changes: T) {
        for change in changes {
            match change {
                Change::Release { .. } => self.releases += 1,
                Change::Assign { .. } => self.assignments += 1,
                Change::Adopt { .. } => self.adoptions += 1,
                Change::Revoke { user, .. } | Change::Grant { user, .. } => {
                    self.policies += 1;
                    self.count_user(user);
                }
                // Nothing is written, but what is there is read.
                Change::AdoptPolicy { user, .. } => self.count_user(user),
            }
        }
    }
}

impl Work {
    /// The policies of one user follow each other.
    fn count_user(&mut self, user: &TeamsUserId) {
        if self.last_user.as_ref() != Some(user) {
            self.users += 1;
            self.last_user = Some(user.clone());
        }
    }

    /// What it costs to make and prove it, stage by stage: releases, assignments, policies.
    #[must_use]
    pub fn cost(&self) -> Cost {
        // Of each number the operation is asked for once, and the number once to prove it.
        let releasing = phase(self.releases, 2 * self.releases, NUMBERS_SETTLE);
        let assigning = phase(self.assignments, 2 * self.assignments + self.adoptions, NUMBERS_SETTLE);
        let granting = phase(self.policies.div_ceil(POLICIES_IN_A_WRITE), self.users, POLICIES_SETTLE);
        [releasing, assigning, granting]
            .into_iter()
            .fold(Cost::default(), |sum, part| Cost {
                calls: sum.calls + part.calls,
                seconds: sum.seconds + part.seconds,
            })
    }
}

/// The cost of making and proving these changes.
#[must_use]
pub fn cost<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Cost {
    let mut work = Work::default();
    work.extend(changes);
    work.cost()
}

/// What is not written has nothing to settle.
fn phase(writes: u64, reads: u64, settle: u64) -> Cost {
    let settle = if writes == 0 { 0 } else { settle };
    Cost {
        calls: writes + reads,
        seconds: writes.div_ceil(WRITES) + reads.div_ceil(READS) + settle,
    }
}

/// A whole run, from the sign-in to the last proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Seconds, without reading the directory, whose size the plan does not know.
    pub seconds: u64,
    /// Sign-ins of at least 60 minutes each.
    pub sign_ins: u32,
}

/// Estimates a run that makes `changes` in an account where `people` are mapped or hold something of ours: the run reads
/// what Teams says of each of them before it begins.
#[must_use]
pub fn estimate(changes: &[Change], people: usize) -> Estimate {
    let work = cost(changes).seconds;
    let reading = u64::try_from(people).unwrap_or(u64::MAX).div_ceil(READS);
    let preparing = seconds(PREPARING);
    let usable = seconds(SESSION - MARGIN - PREPARING);
    let rest = work.saturating_sub(usable.saturating_sub(reading));
    // Every further sign-in prepares the tenant once more.
    let more = rest.div_ceil(usable);
    Estimate {
        seconds: reading + preparing + work + more * preparing,
        sign_ins: u32::try_from(1 + more).unwrap_or(u32::MAX),
    }
}

/// When a session that ends at `expires` is no longer used.
#[must_use]
pub fn stop_by(expires: Timestamp) -> Timestamp {
    expires - MARGIN
}

/// What is said before changes are made for which the session does not last (1.5, `TOKEN_TOO_SHORT`).
#[must_use]
pub fn too_short(left: &Work, now: Timestamp, stop_by: Timestamp) -> Option<Finding> {
    let needed = left.cost().seconds;
    let remaining = seconds(now.duration_until(stop_by));
    (needed > remaining).then(|| Finding {
        code: Code::TokenTooShort,
        subject: String::new(),
        seen: format!(
            "The changes take about {}, and the session with Microsoft can be used for {} more: the sync will stop before it is done.",
            minutes(needed),
            minutes(remaining)
        ),
        fix: "Sign in again when the sync asks for it; it goes on where it stopped.".into(),
        actor: Actor::GlobalAdmin,
        about: None,
        wait: None,
    })
}

/// What is said when the session has ended before the changes; `left` of `of` are not settled.
#[must_use]
pub fn ended(left: usize, of: usize) -> Finding {
    let rest = if of == 0 {
        String::new()
    } else {
        format!(" {left} of {of} changes are left.")
    };
    Finding {
        code: Code::TokenTooShort,
        subject: String::new(),
        seen: format!("The session with Microsoft ended before the sync did.{rest}"),
        fix: "Sign in again; the sync goes on where it stopped.".into(),
        actor: Actor::GlobalAdmin,
        about: None,
        wait: None,
    }
}

fn seconds(duration: SignedDuration) -> u64 {
    u64::try_from(duration.as_secs()).unwrap_or(0)
}

fn minutes(seconds: u64) -> String {
    match seconds.div_ceil(60) {
        1 => "1 minute".into(),
        minutes => format!("{minutes} minutes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calling_policy::PolicyType;

    fn user(n: usize) -> TeamsUserId {
        format!("2c0b6a1e-1111-4a11-9a11-00000000{n:04x}").parse().unwrap()
    }

    /// So many users who get a number and both policies.
    fn new_users(count: usize) -> Vec<Change> {
        let grant = |n, policy_type| Change::Grant {
            user: user(n),
            policy_type,
            name: "Calls".into(),
            was: None,
            keeps: None,
        };
        (0..count)
            .flat_map(|n| {
                let assign = Change::Assign {
                    number: format!("+1555010{n:04}").parse().unwrap(),
                    to: user(n),
                    moved: false,
                };
                let policies = [PolicyType::OnlineVoiceRoutingPolicy, PolicyType::TeamsCallingPolicy];
                [assign].into_iter().chain(policies.map(|kind| grant(n, kind)))
            })
            .collect()
    }

    fn check(users: usize, calls: u64, seconds: u64, sign_ins: u32) {
        let changes = new_users(users);
        let estimate = estimate(&changes, users);
        assert_eq!(
            (cost(&changes).calls, estimate.seconds, estimate.sign_ins),
            (calls, seconds, sign_ins),
            "{users}"
        );
    }

    #[test]
    fn r062_the_more_changes_the_more_calls_time_and_sign_ins() {
        check(0, 0, 90, 1);
        // One write and two reads of the number, one write and one read for both policies.
        check(1, 5, 90 + 1 + (1 + 1 + 30) + (1 + 1 + 120), 1);
        check(1_000, 4_100, 90 + 38 + (38 + 75 + 30) + (4 + 38 + 120), 1);
        check(
            40_000,
            164_000,
            90 + 1_482 + (1_482 + 2_963 + 30) + (149 + 1_482 + 120) + 2 * 90,
            3,
        );
    }

    #[test]
    fn what_is_only_noted_is_read_and_not_written() {
        let number = "+15550100001".parse().unwrap();
        let adopt = [Change::Adopt { number, user: user(1) }];
        assert_eq!(cost(&adopt), Cost { calls: 1, seconds: 1 });
    }

    #[test]
    fn token_too_short_is_said_before_and_only_then() {
        let mut changes = Work::default();
        changes.extend(&new_users(1));
        let needed = SignedDuration::from_secs(changes.cost().seconds.try_into().unwrap());
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(too_short(&changes, now, now + needed), None);
        let finding = too_short(&changes, now, now + needed - SignedDuration::from_secs(60)).unwrap();
        assert_eq!(finding.code, Code::TokenTooShort);
        assert!(
            finding.seen.contains("about 3 minutes") && finding.seen.contains("2 minutes more"),
            "{finding}"
        );
        assert!(
            too_short(&changes, now, now - needed).is_some(),
            "a session that is over lasts for nothing"
        );
        assert_eq!(too_short(&Work::default(), now, now), None);
    }

    #[test]
    fn what_is_left_is_counted() {
        assert!(ended(12, 40).seen.ends_with(" 12 of 40 changes are left."));
        assert!(ended(0, 0).seen.ends_with("before the sync did."));
    }
}
