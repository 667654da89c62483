//! Plans, runs, leases with their fences, steps, log lines and sealed tokens.

use super::samples::{
    DAY, NOW, SECOND, at_once, created_run, enterprise, enterprise_id, entry, later, once, plan_id, run, run_id,
    teams_user_id,
};
use serde_json::{Value, json};
use shared::Error;
use shared::domain::calling_policy::PolicyType;
use shared::domain::change::Change;
use shared::domain::finding::Code;
use shared::domain::ids::RunId;
use shared::domain::mapping::Owned;
use shared::domain::once::Once;
use shared::domain::run::{Run, RunState, Step, StepState};
use shared::domain::sync_log::Line;
use shared::domain::sync_status::SyncStatus;
use shared::domain::visit::Link;
use shared::io::store::Store;
use shared::io::store::leases::{LEASE_LIFE, Lease};
use shared::io::store::runs::Sealed;
use shared::io::store::steps::RunProgress;

super::cases!(
    a_plan_is_kept_for_thirty_days,
    a_run_begins_with_its_link_and_its_status,
    a_run_on_an_old_status_is_refused_as_a_whole,
    a_repeated_start_gives_the_first_run,
    runs_are_listed_newest_first,
    a_run_moves_only_from_where_it_is,
    a_lease_has_one_holder,
    a_lease_that_ended_is_taken_over_once,
    a_lease_given_back_is_free_at_once,
    after_a_takeover_the_old_worker_writes_nothing,
    log_lines_come_in_pages,
    steps_stay_in_their_order,
    what_is_ours_is_written_with_its_step,
    many_steps_are_written_with_what_is_ours,
    the_progress_of_a_run_is_kept,
    what_is_ours_no_more_is_forgotten,
    sealed_tokens_end_by_themselves,
);

async fn lease(store: &Store, holder: &str) -> Lease {
    store.lease(&enterprise_id(1), holder, NOW).await.unwrap()
}

async fn a_plan_is_kept_for_thirty_days(store: Store) {
    let (enterprise, plan) = (enterprise_id(1), plan_id(1));
    let document =
        json!({ "changes": [{ "number": "+3227001000", "name": "Ålesund \u{1f600}" }], "note": "x".repeat(1_000_000) });
    let made = store
        .put_plan(&enterprise, &plan, &document, &entry(), &once("plan"), NOW)
        .await;
    assert_eq!(made.unwrap(), plan);
    assert_eq!(store.plan::<Value>(&enterprise, &plan, NOW).await.unwrap(), document);
    let again = store
        .put_plan(&enterprise, &plan_id(2), &json!({}), &entry(), &once("plan"), NOW)
        .await;
    assert_eq!(again.unwrap(), plan);
    let other = Once {
        request: b"another".to_vec(),
        ..once("plan")
    };
    let refused = store
        .put_plan(&enterprise, &plan_id(2), &json!({}), &entry(), &other, NOW)
        .await;
    assert!(matches!(refused, Err(Error::KeyReused)), "{refused:?}");
    for (of, at) in [(enterprise_id(2), NOW), (enterprise, later(DAY * 30))] {
        let none = store.plan::<Value>(&of, &plan, at).await;
        assert!(matches!(none, Err(Error::NotFound(_))), "{none:?}");
    }
}

async fn a_run_begins_with_its_link_and_its_status(store: Store) {
    let enterprise = enterprise_id(1);
    let run = created_run(&store, 1).await;
    assert_eq!(store.run(&enterprise, &run.id).await.unwrap(), run);
    let status = store.sync_status(&enterprise).await.unwrap();
    assert_eq!((status.current, status.version), (Some(run.id.clone()), 1));
    let permission: String = store.run_permission(&enterprise, &run.id).await.unwrap();
    assert_eq!(permission, "permitted");
    let to = Link::Run {
        enterprise: enterprise.clone(),
        run: run.id.clone(),
        return_to: None,
    };
    assert_eq!(store.link("run-1", NOW).await.unwrap(), Some(to));
    assert_eq!(store.link("run-1", later(DAY)).await.unwrap(), None);
    let foreign = store.run(&enterprise_id(2), &run.id).await;
    assert!(matches!(foreign, Err(Error::NotFound(_))), "{foreign:?}");
}

/// Tries to start a run on a status that nobody has.
async fn start(store: &Store, n: u8, key: &str, status: SyncStatus) -> Result<RunId, Error> {
    let run = run(n, RunState::AwaitingSignIn);
    let (enterprise, link) = (enterprise(1), format!("run-{n}"));
    store
        .create_run(
            &enterprise,
            &run,
            &"permitted",
            &link,
            NOW + DAY,
            &status,
            &entry(),
            &once(key),
            NOW,
        )
        .await
}

async fn a_run_on_an_old_status_is_refused_as_a_whole(store: Store) {
    created_run(&store, 1).await;
    let refused = start(&store, 2, "late", SyncStatus::default()).await;
    assert!(matches!(refused, Err(Error::Busy)), "{refused:?}");
    let none = store.run(&enterprise_id(1), &run_id(2)).await;
    assert!(matches!(none, Err(Error::NotFound(_))), "{none:?}");
    assert_eq!(store.link("run-2", NOW).await.unwrap(), None);
    // The key of a request that was refused is not used up.
    let status = store.sync_status(&enterprise_id(1)).await.unwrap();
    assert_eq!(start(&store, 2, "late", status).await.unwrap(), run_id(2));
}

async fn a_repeated_start_gives_the_first_run(store: Store) {
    let first = start(&store, 1, "start", SyncStatus::default()).await.unwrap();
    let again = start(&store, 2, "start", SyncStatus::default()).await.unwrap();
    assert_eq!((&first, &again), (&run_id(1), &run_id(1)));
    let (runs, more) = store.runs(&enterprise_id(1), None, 10).await.unwrap();
    assert_eq!((runs.len(), more), (1, false));
}

async fn runs_are_listed_newest_first(store: Store) {
    for n in 1..=5 {
        created_run(&store, n).await;
    }
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let (page, more) = store.runs(&enterprise_id(1), before.as_ref(), 2).await.unwrap();
        seen.extend(page.into_iter().map(|run| run.id));
        before = seen.last().cloned();
        if !more {
            break;
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1].map(run_id));
}

async fn a_run_moves_only_from_where_it_is(store: Store) {
    let (enterprise, run) = (enterprise_id(1), created_run(&store, 1).await.id);
    let moved = |from, to| {
        let (store, enterprise, run) = (store.clone(), enterprise.clone(), run.clone());
        async move { store.move_run(&enterprise, &run, from, to, &entry()).await }
    };
    assert!(!moved(RunState::AwaitingSignIn, RunState::Abandoned).await.unwrap());
    assert!(moved(RunState::Applying, RunState::Verifying).await.unwrap());
    assert_eq!(store.run(&enterprise, &run).await.unwrap().state, RunState::Verifying);
    let nothing = run_id(9);
    assert!(
        !store
            .move_run(&enterprise, &nothing, RunState::Applying, RunState::Failed, &entry())
            .await
            .unwrap()
    );
    let none = store.run(&enterprise, &nothing).await;
    assert!(matches!(none, Err(Error::NotFound(_))), "{none:?}");
}

async fn a_lease_has_one_holder(store: Store) {
    let takers = at_once(32, |n| {
        let store = store.clone();
        async move { store.lease(&enterprise_id(1), &format!("worker {n}"), NOW).await }
    });
    let held: Vec<Lease> = takers.await.into_iter().filter_map(Result::ok).collect();
    assert_eq!(held.len(), 1);
    assert!(!held[0].taken_over);
    let other = store
        .lease(&enterprise_id(1), "another", later(LEASE_LIFE - SECOND))
        .await;
    assert!(matches!(other, Err(Error::Busy)), "{other:?}");
    // Another enterprise is free.
    store.lease(&enterprise_id(2), "another", NOW).await.unwrap();
    // Renewed, it lasts longer.
    store.renew(&held[0], later(LEASE_LIFE - SECOND)).await.unwrap();
    let other = store.lease(&enterprise_id(1), "another", later(LEASE_LIFE)).await;
    assert!(matches!(other, Err(Error::Busy)), "{other:?}");
}

async fn a_lease_that_ended_is_taken_over_once(store: Store) {
    lease(&store, "killed").await;
    let takers = at_once(32, |n| {
        let store = store.clone();
        async move {
            store
                .lease(&enterprise_id(1), &format!("worker {n}"), later(LEASE_LIFE))
                .await
        }
    });
    let held: Vec<Lease> = takers.await.into_iter().filter_map(Result::ok).collect();
    assert_eq!(held.len(), 1);
    assert!(held[0].taken_over);
}

async fn a_lease_given_back_is_free_at_once(store: Store) {
    let first = lease(&store, "first").await;
    store.release(first).await.unwrap();
    let second = lease(&store, "second").await;
    assert!(!second.taken_over);
}

/// Whether every write that needs a lease was refused.
async fn all_refused(store: &Store, lease: &Lease, run: &Run) {
    let (mut late, step) = (run.clone(), step(0));
    late.state = RunState::Succeeded;
    let line = [(Line::Detail("late".into()), NOW)];
    let owned = Owned {
        calling_policy: Some("late".into()),
        ..Owned::default()
    };
    let refused = [
        store.put_run(lease, &mut late, &line, None).await,
        store.put_run_plan(lease, &run.id, &json!("late"), &[], 0, NOW).await,
        store.put_steps(lease, &run.id, &[granted(0)], NOW).await,
        store
            .put_run_progress(lease, &run.id, &RunProgress::default(), NOW)
            .await,
        store.settle(lease, &step.user, &owned, NOW).await,
        store.renew(lease, NOW).await,
    ];
    for (at, refused) in refused.into_iter().enumerate() {
        assert!(matches!(refused, Err(Error::Busy)), "write {at}: {refused:?}");
    }
}

async fn after_a_takeover_the_old_worker_writes_nothing(store: Store) {
    let (enterprise, run) = (enterprise_id(1), created_run(&store, 1).await);
    let old = lease(&store, "old").await;
    let new = store.lease(&enterprise, "new", later(LEASE_LIFE)).await.unwrap();
    all_refused(&store, &old, &run).await;
    // It cannot even give the lease back.
    store.release(old).await.unwrap();
    store.renew(&new, later(LEASE_LIFE)).await.unwrap();
    assert_eq!(store.run(&enterprise, &run.id).await.unwrap(), run);
    assert_eq!(store.run_plan::<Value>(&enterprise, &run.id).await.unwrap(), None);
    assert_eq!(store.steps(&enterprise, &run.id).await.unwrap(), []);
    assert_eq!(store.lines(&enterprise, &run.id, 0, 10).await.unwrap(), []);
    assert_eq!(
        store.owned(&enterprise, &teams_user_id(0)).await.unwrap(),
        Owned::default()
    );
    assert_eq!(store.account(&enterprise).await.unwrap().version, 0);
}

async fn log_lines_come_in_pages(store: Store) {
    let enterprise = enterprise_id(1);
    let mut run = created_run(&store, 1).await;
    let lease = lease(&store, "worker").await;
    // More than one transaction takes.
    let lines: Vec<_> = (0..205)
        .map(|n| (Line::Detail(format!("line {n}")), later(SECOND * n)))
        .collect();
    store.put_run(&lease, &mut run, &lines, Some(&entry())).await.unwrap();
    assert_eq!(run.lines, 205);
    assert_eq!(store.run(&enterprise, &run.id).await.unwrap(), run);
    let mut seen = Vec::new();
    loop {
        let page = store.lines(&enterprise, &run.id, seen.len() as u32, 50).await.unwrap();
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    assert!(seen.iter().map(|line| line.number).eq(0..205));
    assert!(seen[200].text.ends_with("line 200"), "{}", seen[200].text);
    let permission: String = store.run_permission(&enterprise, &run.id).await.unwrap();
    assert_eq!(permission, "permitted");
}

fn step(index: u32) -> Step {
    Step::pending(index, teams_user_id(u8::try_from(index % 200).unwrap()))
}

/// A step that gives its user a number, read back.
fn granted(index: u32) -> Step {
    let step = step(index);
    Step {
        state: StepState::Applied,
        change: Some(Change::Assign {
            number: format!("+3227{index:06}").parse().unwrap(),
            to: step.user.clone(),
            moved: false,
        }),
        applied_at: Some(NOW),
        ..step
    }
}

async fn steps_stay_in_their_order(store: Store) {
    let (enterprise, run) = (enterprise_id(1), created_run(&store, 1).await.id);
    let lease = lease(&store, "worker").await;
    assert_eq!(store.run_plan::<Value>(&enterprise, &run).await.unwrap(), None);
    let mut steps: Vec<Step> = (0..120).map(step).collect();
    store
        .put_run_plan(&lease, &run, &json!({ "v": 1 }), &steps, 0, NOW)
        .await
        .unwrap();
    assert_eq!(
        store.run_plan::<Value>(&enterprise, &run).await.unwrap(),
        Some(json!({ "v": 1 }))
    );
    steps[7].state = StepState::Submitted {
        operation: Some("op-7".into()),
        at: NOW,
    };
    (steps[8].state, steps[8].code) = (StepState::Failed { why: "no".into() }, Some(Code::NotProven));
    (steps[9].tries, steps[9].applied_at) = (2, Some(NOW));
    store.put_steps(&lease, &run, &steps[7..10], NOW).await.unwrap();
    assert_eq!(store.steps(&enterprise, &run).await.unwrap(), steps);
    let some = store.steps_from(&enterprise, &run, 0, 7).await.unwrap();
    assert_eq!(some, (steps[..7].to_vec(), true));
    assert_eq!(
        store.steps_from(&enterprise, &run, 7, 500).await.unwrap(),
        (steps[7..].to_vec(), false)
    );
    assert_eq!(
        store.steps_from(&enterprise, &run, 120, 5).await.unwrap(),
        (vec![], false)
    );
    let at = store.steps_at(&enterprise, &run, &[7, 119, 500].into()).await.unwrap();
    assert_eq!(
        at.into_values().collect::<Vec<_>>(),
        [steps[7].clone(), steps[119].clone()]
    );
}

async fn many_steps_are_written_with_what_is_ours(store: Store) {
    let (enterprise, run) = (enterprise_id(1), created_run(&store, 1).await.id);
    let lease = lease(&store, "worker").await;
    // More than a transaction takes; each user has one of the first steps and one of the others.
    let policy = |index| Step {
        change: Some(Change::Grant {
            user: teams_user_id(u8::try_from(index % 200).unwrap()),
            policy_type: PolicyType::OnlineVoiceRoutingPolicy,
            name: "Northwind".into(),
            was: None,
            keeps: None,
        }),
        ..granted(index)
    };
    let steps: Vec<Step> = (0..150).map(granted).chain((200..350).map(policy)).collect();
    store.put_steps(&lease, &run, &steps, NOW).await.unwrap();
    let owned = store.account(&enterprise).await.unwrap().owned;
    assert_eq!(owned.len(), 150);
    let whole = |owned: &Owned| owned.number.is_some() && owned.routing_policy.as_deref() == Some("Northwind");
    assert!(owned.values().all(whole));
}

async fn the_progress_of_a_run_is_kept(store: Store) {
    let (enterprise, run) = (enterprise_id(1), created_run(&store, 1).await.id);
    let lease = lease(&store, "worker").await;
    assert_eq!(
        store.run_progress(&enterprise, &run).await.unwrap(),
        RunProgress::default()
    );
    let progress = RunProgress {
        settled_below: 1_000,
        policy_ids: [("OnlineVoiceRoutingPolicy Northwind".to_owned(), "u2VtX0".to_owned())].into(),
        missed_since: Some(NOW),
        in_a_batch: Some(10),
    };
    store.put_run_progress(&lease, &run, &progress, NOW).await.unwrap();
    assert_eq!(store.run_progress(&enterprise, &run).await.unwrap(), progress);
}

async fn what_is_ours_is_written_with_its_step(store: Store) {
    let (enterprise, run) = (enterprise_id(1), created_run(&store, 1).await.id);
    let lease = lease(&store, "worker").await;
    let done = granted(3);
    let owned = Owned {
        number: Some("+3227000003".parse().unwrap()),
        ..Owned::default()
    };
    let planned = [Step {
        change: done.change.clone(),
        ..step(3)
    }];
    store
        .put_run_plan(&lease, &run, &json!({}), &planned, 0, NOW)
        .await
        .unwrap();
    store
        .put_steps(&lease, &run, std::slice::from_ref(&done), NOW)
        .await
        .unwrap();
    assert_eq!(store.placed(&enterprise, &done.user).await.unwrap(), Some(NOW));
    assert_eq!(store.owned(&enterprise, &done.user).await.unwrap(), owned);
    let account = store.account(&enterprise).await.unwrap();
    assert_eq!((account.version, account.owned.get(&done.user)), (2, Some(&owned)));
    assert_eq!(store.steps(&enterprise, &run).await.unwrap(), [done]);
}

async fn what_is_ours_no_more_is_forgotten(store: Store) {
    let (enterprise, user) = (enterprise_id(1), teams_user_id(3));
    let lease = lease(&store, "worker").await;
    let owned = Owned {
        routing_policy: Some("Northwind".into()),
        ..Owned::default()
    };
    store.settle(&lease, &user, &owned, NOW).await.unwrap();
    assert_eq!(store.account(&enterprise).await.unwrap().owned.len(), 1);
    store.settle(&lease, &user, &Owned::default(), NOW).await.unwrap();
    assert_eq!(store.placed(&enterprise, &user).await.unwrap(), None);
    let account = store.account(&enterprise).await.unwrap();
    assert_eq!((account.version, account.owned.len()), (2, 0));
}

async fn sealed_tokens_end_by_themselves(store: Store) {
    let (enterprise, run) = (enterprise_id(1), run_id(1));
    let sealed = Sealed {
        sealed: "c2VhbGVk".into(),
        key: "a2V5".into(),
    };
    let two_hours = later(SECOND * 7200);
    store.put_sealed(&enterprise, &run, &sealed, two_hours).await.unwrap();
    assert_eq!(
        store.sealed(&enterprise, &run, two_hours - SECOND).await.unwrap(),
        Some(sealed.clone())
    );
    assert_eq!(store.sealed(&enterprise, &run, two_hours).await.unwrap(), None);
    assert_eq!(store.sealed(&enterprise, &run_id(2), NOW).await.unwrap(), None);
    assert_eq!(store.sealed(&enterprise_id(2), &run, NOW).await.unwrap(), None);
    store.delete_sealed(&enterprise, &run).await.unwrap();
    assert_eq!(store.sealed(&enterprise, &run, NOW).await.unwrap(), None);
}
