//! The audit trails: written with each change or not at all, never changed, read newest first.

use super::samples::{
    NOW, SECOND, created, enterprise, enterprise_id, entry, entry_of, invitation, keep_voice_users, later, next, once,
    reseller, run_id,
};
use shared::Error;
use shared::domain::audit::{Author, Deed, Entry, changed};
use shared::domain::enterprise::Enterprise;
use shared::domain::ids::{AuditId, PlanId};
use shared::domain::run::{Authority, Run, RunKind, RunState, Tally, Trigger};
use shared::domain::sync_status::SyncStatus;
use shared::io::store::Store;

super::cases!(
    an_entry_comes_back_as_it_went,
    an_entry_is_never_changed,
    a_change_and_its_entry_are_one,
    a_change_whose_entry_is_taken_is_not_made,
    a_trail_is_read_newest_first_while_it_grows,
    a_new_enterprise_stands_in_both_trails,
);

async fn trail(store: &Store) -> Vec<Entry> {
    let (entries, next) = store.enterprise_trail(&enterprise_id(1), None, 100).await.unwrap();
    assert_eq!(next, None);
    entries
}

async fn an_entry_comes_back_as_it_went(store: Store) {
    let author = Author {
        who: "ops@northwind.example".into(),
        subject: "auth|7".into(),
        role: "reseller_admin".into(),
        on_behalf_of: Some("Mara Quist".into()),
        address: Some("203.0.113.9".into()),
        request: Some("JKJaXmPLvHcESHA=".into()),
    };
    let changes = [
        changed("userLimit", Some("150".into()), None),
        changed("name", None, Some("Ålesund \u{1f600}".into())),
    ];
    let entry = Entry::new(
        &author,
        Deed::LicencesChanged,
        changes.into_iter().flatten().collect(),
        NOW,
        7,
    );
    store.note(&enterprise_id(1), &entry, &once("note")).await.unwrap();
    assert_eq!(trail(&store).await, [entry]);
    let (other, _) = store.enterprise_trail(&enterprise_id(2), None, 10).await.unwrap();
    assert_eq!(other, []);
}

async fn an_entry_is_never_changed(store: Store) {
    let first = entry();
    store.note(&enterprise_id(1), &first, &once("first")).await.unwrap();
    let forged = Entry {
        deed: Deed::Removed,
        ..first.clone()
    };
    // Whether it is refused or passed over: the first one stays.
    let _ = store.note(&enterprise_id(1), &forged, &once("forged")).await;
    let kept = created(&store, 1).await;
    let refused = store.update_enterprise(&next(&kept), 1, &forged, &[]).await;
    assert!(refused.is_err());
    let entries = trail(&store).await;
    assert!(entries.contains(&first) && !entries.contains(&forged), "{entries:?}");
}

fn waiting(n: u8) -> Run {
    Run {
        id: run_id(n),
        kind: RunKind::Discover,
        state: RunState::AwaitingSignIn,
        plan: None,
        debug: false,
        requested_by: "admin".into(),
        authority: Authority::GlobalAdmin,
        trigger: Trigger::Manual,
        retry_of: None,
        created: NOW,
        started: None,
        ended: None,
        findings: Vec::new(),
        lines: 0,
        tally: Tally::default(),
    }
}

/// Every write that carries an entry, resting on what was read before it: whether each was made.
async fn every_write(store: &Store, kept: &Enterprise, status: &SyncStatus, entry: impl Fn() -> Entry) -> Vec<bool> {
    let next = next(kept);
    let (seen, id) = (kept.version, &kept.id);
    let tenant = "9f3c2b10-0000-4000-8000-00000000bf01".parse().unwrap();
    let account = store.account_version(id).await.unwrap();
    let used = once("create 1");
    let plan = PlanId::mint(NOW, 9);
    vec![
        store.update_enterprise(&next, seen, &entry(), &[]).await.is_ok(),
        store.bind_tenant(&next, seen, &tenant, &entry()).await.is_ok(),
        store
            .replace_invitation(&next, seen, None, Some(&invitation(9)), &entry(), &[])
            .await
            .is_ok(),
        store.remove_enterprise(&next, seen, None, &entry(), &[]).await.is_ok(),
        keep_voice_users(store, kept, |_| (), account, &entry()).await.is_ok(),
        // These are refused by a key that another request has used.
        store.put_plan(id, &plan, &"plan", &entry(), &used, NOW).await.is_ok(),
        store
            .create_run(
                kept,
                &waiting(9),
                &"x",
                "run-9",
                later(SECOND),
                status,
                &entry(),
                &used,
                NOW,
            )
            .await
            .is_ok(),
        store
            .create_enterprise(&enterprise(9), &invitation(9), &[], &entry(), &used, NOW)
            .await
            .is_ok_and(|id| id == enterprise_id(9)),
    ]
}

async fn a_change_and_its_entry_are_one(store: Store) {
    let old = created(&store, 1).await;
    store.update_enterprise(&next(&old), 1, &entry(), &[]).await.unwrap();
    let (before, status) = (trail(&store).await, store.sync_status(&old.id).await.unwrap());
    assert_eq!(before.len(), 2);
    // Somebody was faster: nothing is written, and nothing is said to have been.
    let made = every_write(&store, &old, &status, entry).await;
    assert_eq!(made, [false; 8]);
    assert_eq!(trail(&store).await, before);
    let (of_reseller, _) = store.reseller_trail(&reseller().id, None, 100).await.unwrap();
    assert_eq!(of_reseller.len(), 1);
    let reseller = reseller();
    store
        .create_reseller(&reseller, &[], &entry(), &once("reseller"), NOW)
        .await
        .unwrap();
    let stale = store.update_reseller(&reseller, &reseller.clone(), &[], &entry()).await;
    assert!(stale.is_ok(), "{stale:?}");
    let before = store.reseller_trail(&reseller.id, None, 100).await.unwrap();
    let older = shared::domain::reseller::Reseller {
        version: 7,
        ..reseller.clone()
    };
    let stale = store.update_reseller(&reseller, &older, &[], &entry()).await;
    assert!(matches!(stale, Err(Error::Stale(_))), "{stale:?}");
    assert_eq!(store.reseller_trail(&reseller.id, None, 100).await.unwrap(), before);
}

async fn a_change_whose_entry_is_taken_is_not_made(store: Store) {
    let kept = created(&store, 1).await;
    let status = store.sync_status(&kept.id).await.unwrap();
    let taken = entry();
    store.note(&kept.id, &taken, &once("taken")).await.unwrap();
    let made = every_write(&store, &kept, &status, || taken.clone()).await;
    assert_eq!(made[..5], [false; 5]);
    assert_eq!(store.enterprise(&kept.id).await.unwrap(), kept);
    assert_eq!(store.account_version(&kept.id).await.unwrap(), 0);
}

async fn a_trail_is_read_newest_first_while_it_grows(store: Store) {
    let id = enterprise_id(1);
    let at = |second: i32| entry_of(Deed::MappingChanged, later(SECOND * second));
    let written: Vec<Entry> = (0..8).map(at).collect();
    for entry in &written {
        store.note(&id, entry, &once(entry.id.as_str())).await.unwrap();
    }
    let (mut seen, mut after, mut more): (Vec<Entry>, Option<AuditId>, i32) = (Vec::new(), None, 100);
    loop {
        let (page, next) = store.enterprise_trail(&id, after.as_ref(), 3).await.unwrap();
        assert!(page.len() <= 3);
        seen.extend(page);
        // What is written meanwhile is newer than all of this.
        store.note(&id, &at(more), &once(&more.to_string())).await.unwrap();
        more += 1;
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert!(more > 102, "several pages were read");
    assert_eq!(seen, written.into_iter().rev().collect::<Vec<_>>());
}

async fn a_new_enterprise_stands_in_both_trails(store: Store) {
    let entry = entry_of(Deed::EnterpriseCreated, NOW);
    store
        .create_enterprise(&enterprise(1), &invitation(1), &[], &entry, &once("create"), NOW)
        .await
        .unwrap();
    assert_eq!(trail(&store).await, std::slice::from_ref(&entry));
    let (of_reseller, _) = store.reseller_trail(&reseller().id, None, 10).await.unwrap();
    assert_eq!(of_reseller, [entry]);
}
