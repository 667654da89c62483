//! The pace of calls that all workers share: budgets, pauses, and who gets a turn when there are too many.

use super::samples::{NOW, SECOND, at_once};
use jiff::{SignedDuration, Timestamp};
use shared::domain::ids::TenantId;
use shared::io::store::Store;
use shared::io::store::pace::{Answer, COMMON_WRITES, Calls, PORTION, TENANT_CALLS, Urgency, WINDOW};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

super::cases!(
    workers_that_ask_at_once_get_no_more_than_there_is,
    a_budget_fills_up_again,
    people_go_before_runs,
    a_pause_holds_for_everybody,
    budgets_hold_and_nobody_starves_beside_giants,
);

fn tenant(n: usize) -> TenantId {
    format!("9f3c2b10-0000-4000-8000-{n:012x}").parse().unwrap()
}

async fn take(store: &Store, calls: Calls, count: u32, now: Timestamp) -> Option<SignedDuration> {
    let tenant = tenant(1);
    let taken = store.take_in_tenant(&tenant, calls, count, Urgency::Run, now).await;
    taken.unwrap()
}

async fn workers_that_ask_at_once_get_no_more_than_there_is(store: Store) {
    let asked = at_once(64, |_| {
        let store = store.clone();
        async move { take(&store, Calls::Writes, 2, NOW).await }
    });
    let granted = asked.await.into_iter().filter(Option::is_none).count();
    // Of thirty at once five are left to people.
    assert_eq!(granted, 12);
    assert_eq!(
        take(&store, Calls::Reads, PORTION, NOW).await,
        None,
        "reads have their own"
    );
}

async fn a_budget_fills_up_again(store: Store) {
    assert_eq!(take(&store, Calls::Writes, PORTION, NOW).await, None);
    let wait = take(&store, Calls::Writes, PORTION, NOW).await.unwrap();
    assert!(wait > SECOND / 2 && wait < SECOND, "{wait}");
    assert!(
        take(&store, Calls::Writes, PORTION, NOW + wait - SECOND / 100)
            .await
            .is_some()
    );
    assert_eq!(take(&store, Calls::Writes, PORTION, NOW + wait).await, None);
    assert_eq!(take(&store, Calls::Writes, PORTION, NOW + SECOND * 3600).await, None);
}

async fn people_go_before_runs(store: Store) {
    while take(&store, Calls::Reads, 1, NOW).await.is_none() {}
    let tenant = tenant(1);
    let person = store.take_in_tenant(&tenant, Calls::Reads, 5, Urgency::Person, NOW);
    assert_eq!(person.await.unwrap(), None);
}

async fn a_pause_holds_for_everybody(store: Store) {
    let until = NOW + SECOND * 90;
    store.pause_tenant(&tenant(1), until).await.unwrap();
    // A shorter one does not end it.
    store.pause_tenant(&tenant(1), NOW + SECOND).await.unwrap();
    for calls in [Calls::Reads, Calls::Writes] {
        assert_eq!(take(&store, calls, 1, NOW).await, Some(SECOND * 90));
        assert!(take(&store, calls, 1, until - SECOND / 1000).await.is_some());
        assert_eq!(take(&store, calls, 1, until).await, None);
    }
    let another = tenant(2);
    let other = store.take_in_tenant(&another, Calls::Reads, 1, Urgency::Run, NOW);
    assert_eq!(other.await.unwrap(), None);
}

/// One worker: how many calls are left to it, and how many it has got.
struct Worker {
    left: u32,
    in_tenant: bool,
    done: Option<Timestamp>,
    /// How far its clock is ahead.
    ahead: SignedDuration,
}

/// The most that was granted within any window.
fn most_in_a_window(grants: &[(Timestamp, u32)]) -> u32 {
    let (mut first, mut sum, mut most) = (0, 0, 0);
    for (at, count) in grants {
        sum += count;
        while grants[first].0 <= *at - WINDOW {
            sum -= grants[first].1;
            first += 1;
        }
        most = most.max(sum);
    }
    most
}

/// Sixteen giants and forty small tenants want to write at the same moment, on clocks that differ by some milliseconds;
/// together they want far more than there is.
async fn budgets_hold_and_nobody_starves_beside_giants(store: Store) {
    const GIANTS: usize = 16;
    const SMALL: usize = 40;
    let worker = |n: usize| Worker {
        left: if n < GIANTS { 400 } else { PORTION },
        in_tenant: false,
        done: None,
        ahead: SignedDuration::from_millis(i64::try_from(n % 5).unwrap()),
    };
    let mut workers: Vec<Worker> = (0..GIANTS + SMALL).map(worker).collect();
    let mut grants: Vec<(Timestamp, u32)> = Vec::new();
    let mut by_tenant: BTreeMap<usize, Vec<(Timestamp, u32)>> = BTreeMap::new();
    let mut turns: BinaryHeap<Reverse<(Timestamp, usize)>> = (0..workers.len()).map(|n| Reverse((NOW, n))).collect();
    let mut early_progress = None;
    while let Some(Reverse((now, n))) = turns.pop() {
        let worker = &mut workers[n];
        let clock = now + worker.ahead;
        let later = if worker.in_tenant {
            match store.take_in_common(Calls::Writes, PORTION, clock).await.unwrap() {
                Answer::Granted(wait) => {
                    let made = now + wait;
                    worker.in_tenant = false;
                    worker.left -= PORTION;
                    grants.push((made, PORTION));
                    by_tenant.entry(n).or_default().push((made, PORTION));
                    if worker.left == 0 {
                        worker.done = Some(made);
                    } else {
                        turns.push(Reverse((made, n)));
                    }
                    None
                }
                Answer::Later(wait) => Some(wait),
            }
        } else {
            let tenant = tenant(n);
            let taken = store.take_in_tenant(&tenant, Calls::Writes, PORTION, Urgency::Run, clock);
            let later = taken.await.unwrap();
            if later.is_none() {
                worker.in_tenant = true;
                turns.push(Reverse((now, n)));
            }
            later
        };
        if let Some(wait) = later {
            turns.push(Reverse((now + wait, n)));
        }
        if early_progress.is_none() && now >= NOW + WINDOW {
            let got: Vec<u32> = workers[..GIANTS].iter().map(|giant| 400 - giant.left).collect();
            early_progress = Some((*got.iter().min().unwrap(), *got.iter().max().unwrap()));
        }
    }
    grants.sort_unstable();
    let in_all = most_in_a_window(&grants);
    let in_one = by_tenant.values().map(|grants| most_in_a_window(grants)).max().unwrap();
    let done = |some: &[Worker]| some.iter().map(|worker| worker.done.unwrap()).collect::<Vec<_>>();
    let (giants, small) = (done(&workers[..GIANTS]), done(&workers[GIANTS..]));
    let (slowest_small, first_giant) = (*small.iter().max().unwrap(), *giants.iter().min().unwrap());
    let (least, furthest) = early_progress.unwrap();
    println!(
        "{GIANTS} giants, {SMALL} small: most in 10 s {in_all} of {COMMON_WRITES}, in a tenant {in_one} of {TENANT_CALLS}; \
         giants after 10 s {least} to {furthest} of 400; last small one after {}, first giant after {}",
        slowest_small.duration_since(NOW),
        first_giant.duration_since(NOW),
    );
    assert!(in_all <= COMMON_WRITES && in_one <= TENANT_CALLS, "the budgets hold");
    assert!(slowest_small < first_giant, "small ones are served meanwhile");
    assert!(least * 4 >= furthest, "giants share: {least} to {furthest}");
}
