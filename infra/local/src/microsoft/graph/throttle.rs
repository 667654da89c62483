//! Request budgets as Microsoft counts them: token buckets per tenant, costs per kind of request.

use super::super::Throttle;
use super::super::faults::{Pause, Paused};
use super::super::state::State;
use super::answer::Refused;
use super::query::Query;
use http::Method;
use jiff::{SignedDuration, Timestamp};

/// What a bucket counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in super::super) enum Budget {
    DirectoryUnits,
    DirectoryWrites,
    TeamsReads,
    TeamsWrites,
}

/// Which budget a call is taken from, where it does not exceed the one of writes to the directory.
pub(in super::super) fn budget_of(method: &str, path: &str) -> Budget {
    match (path.starts_with("/admin"), method) {
        (true, "GET") => Budget::TeamsReads,
        (true, _) => Budget::TeamsWrites,
        (false, "GET") => Budget::DirectoryUnits,
        (false, _) => Budget::DirectoryWrites,
    }
}

pub(in super::super) struct Bucket {
    /// Thousandths of a unit, so that refilling can be exact; below zero after calls that did not wait.
    level: i64,
    filled: Timestamp,
}

impl Bucket {
    /// Takes units out; otherwise milliseconds to wait. Even a refused call costs a little.
    fn take(&mut self, cost: u32, capacity: u32, window_ms: i64, now: Timestamp) -> Result<(), i64> {
        let full = i64::from(capacity) * 1000;
        let passed = now.duration_since(self.filled).as_millis();
        let passed = i64::try_from(passed).unwrap_or(window_ms).clamp(0, window_ms);
        self.level = (self.level + full * passed / window_ms.max(1)).min(full);
        self.filled = now;
        let cost = i64::from(cost) * 1000;
        if self.level >= cost {
            self.level -= cost;
            return Ok(());
        }
        let missing = cost - self.level;
        self.level = (self.level - cost / 2).max(-full / 2);
        Err((missing * window_ms).div_euclid(full.max(1)) + 1)
    }
}

/// Resource units and writes of a directory call.
pub(super) fn cost(method: &Method, path: &[&str], query: &Query) -> (u32, u32) {
    if method != Method::GET {
        return match path {
            ["me" | "users", .., "getMemberObjects" | "getMemberGroups"] => (2, 1),
            ["directoryObjects", "getByIds"] => (3, 0),
            _ => (1, 1),
        };
    }
    let base: i32 = match path {
        ["users"] => 2,
        ["groups", _, "members", ..] => 3,
        ["groups", _, "transitiveMembers", ..] => 5,
        ["me", "memberOf" | "transitiveMemberOf" | "licenseDetails", ..]
        | ["users", _, "memberOf" | "transitiveMemberOf" | "licenseDetails", ..] => 2,
        ["subscribedSkus", ..] => 3,
        ["domains", _, "domainNameReferences"] => 4,
        _ => 1,
    };
    let select = i32::from(query.select.is_some());
    let small = i32::from(query.top.is_some_and(|top| top < 20));
    let cost = (base + i32::from(query.expand) - select - small).max(1);
    (cost.unsigned_abs(), 0)
}

/// Charges a call to the tenant's budgets. The answer is how many units it cost.
pub(super) fn charge(
    state: &mut State,
    tenant: usize,
    method: &Method,
    path: &[&str],
    query: &Query,
    now: Timestamp,
) -> Result<u32, Refused> {
    let Throttle {
        directory_units,
        directory_writes,
        teams_calls,
    } = state.throttle;
    if path.first() == Some(&"admin") {
        let budget = if method == Method::GET {
            Budget::TeamsReads
        } else {
            Budget::TeamsWrites
        };
        take(state, tenant, budget, 1, teams_calls, 10_000, now)?;
        return Ok(1);
    }
    let (units, writes) = cost(method, path, query);
    let by_size = match state.tenants[tenant].users.len() {
        0..50 => 3500,
        50..=500 => 5000,
        _ => 8000,
    };
    take(
        state,
        tenant,
        Budget::DirectoryUnits,
        units,
        directory_units.unwrap_or(by_size),
        10_000,
        now,
    )?;
    if writes > 0 {
        take(
            state,
            tenant,
            Budget::DirectoryWrites,
            writes,
            directory_writes,
            150_000,
            now,
        )?;
    }
    state.counters.resource_units += u64::from(units);
    Ok(units)
}

fn take(
    state: &mut State,
    tenant: usize,
    budget: Budget,
    cost: u32,
    capacity: u32,
    window_ms: i64,
    now: Timestamp,
) -> Result<(), Refused> {
    let fresh = || Bucket {
        level: i64::from(capacity) * 1000,
        filled: now,
    };
    let bucket = state.buckets.entry((tenant, budget)).or_insert_with(fresh);
    let Err(wait_ms) = bucket.take(cost, capacity, window_ms, now) else {
        return Ok(());
    };
    state.counters.throttled += 1;
    let kind = if matches!(budget, Budget::DirectoryWrites | Budget::TeamsWrites) {
        "Write"
    } else {
        "ReadWrite"
    };
    let reason = if kind == "Write" {
        "WriteLimitExceeded"
    } else {
        "ResourceUnitLimitExceeded"
    };
    let mut refused = Refused::new(429, "TooManyRequests", "Too many requests.");
    if !state.switches.no_retry_after {
        state.pauses.push(Pause {
            tenant,
            what: Paused::Budget(budget),
            until: now + SignedDuration::from_millis(wait_ms),
            since: state.answering,
        });
        refused
            .headers
            .push(("Retry-After", format!("{}.{:03}", wait_ms / 1000, wait_ms % 1000)));
    }
    let id = state.tenants[tenant].id;
    refused.headers.push((
        "x-ms-throttle-scope",
        format!("Tenant_Application/{kind}/application/{id}"),
    ));
    refused.headers.push(("x-ms-throttle-information", reason.into()));
    Err(refused)
}
