//! The sync status with its index.

use super::samples::{DAY, NOW, at_once, enterprise, enterprise_id, later};
use shared::Error;
use shared::domain::enterprise::Enterprise;
use shared::domain::ids::EnterpriseId;
use shared::domain::sync_status::{LastSync, Pending, SyncStatus};
use shared::io::store::Store;
use shared::io::store::keys::{PENDING_SHARDS, pending_shard, shard};
use std::collections::BTreeMap;

super::cases!(
    a_status_of_an_old_version_is_refused,
    edits_at_once_are_all_made,
    an_edit_that_changes_nothing_writes_nothing,
    who_waits_is_in_the_index_and_nobody_else,
    who_has_waited_longest_comes_first,
);

fn pending(users: u32) -> Option<Pending> {
    Some(Pending { users, since: NOW })
}

async fn a_status_of_an_old_version_is_refused(store: Store) {
    let enterprise = enterprise(1);
    let new = store.sync_status(&enterprise.id).await.unwrap();
    assert_eq!(new, SyncStatus::default());
    let first = SyncStatus {
        discovered: Some(NOW),
        last: Some((NOW, LastSync::Successful)),
        pending: pending(3),
        ..new.clone()
    };
    store.put_sync_status(&enterprise, &first).await.unwrap();
    let kept = store.sync_status(&enterprise.id).await.unwrap();
    assert_eq!(kept, SyncStatus { version: 1, ..first });
    let late = store.put_sync_status(&enterprise, &new).await;
    assert!(matches!(late, Err(Error::Stale(_))), "{late:?}");
    assert_eq!(store.sync_status(&enterprise.id).await.unwrap(), kept);
}

async fn edits_at_once_are_all_made(store: Store) {
    let edits = at_once(4, |_| {
        let store = store.clone();
        async move {
            let more = |status: SyncStatus| SyncStatus {
                pending: pending(status.pending.map_or(0, |pending| pending.users) + 1),
                ..status
            };
            store.edit_sync_status(&enterprise(1), more).await
        }
    });
    for edited in edits.await {
        edited.unwrap();
    }
    let status = store.sync_status(&enterprise_id(1)).await.unwrap();
    assert_eq!((status.version, status.pending), (4, pending(4)));
}

async fn an_edit_that_changes_nothing_writes_nothing(store: Store) {
    let same = store.edit_sync_status(&enterprise(1), |status| status).await.unwrap();
    assert_eq!(same.version, 0);
    assert_eq!(store.sync_status(&enterprise_id(1)).await.unwrap().version, 0);
}

/// Every shard of the index that is not empty.
async fn index(store: &Store) -> BTreeMap<String, Vec<EnterpriseId>> {
    let mut found = BTreeMap::new();
    for number in 0..PENDING_SHARDS {
        let page = store.pending_enterprises(number).await.unwrap();
        if !page.is_empty() {
            found.insert(shard(number), page);
        }
    }
    found
}

async fn set(store: &Store, id: &EnterpriseId, since: Option<Pending>, last: Option<LastSync>) {
    let edit = |status| SyncStatus {
        pending: since,
        last: last.map(|how| (NOW, how)),
        ..status
    };
    let of = Enterprise {
        id: id.clone(),
        ..enterprise(1)
    };
    store.edit_sync_status(&of, edit).await.unwrap();
}

async fn who_waits_is_in_the_index_and_nobody_else(store: Store) {
    let (waiting, failed, idle) = (enterprise_id(1), enterprise_id(2), enterprise_id(3));
    set(&store, &waiting, pending(1), Some(LastSync::Successful)).await;
    set(&store, &failed, None, Some(LastSync::Failed)).await;
    set(&store, &idle, None, Some(LastSync::Successful)).await;
    let expected: BTreeMap<_, _> = [&waiting, &failed]
        .map(|id| (pending_shard(id), vec![id.clone()]))
        .into();
    assert_eq!(expected.len(), 2, "the two are in different shards");
    assert_eq!(index(&store).await, expected);
    set(&store, &waiting, None, Some(LastSync::Successful)).await;
    set(&store, &failed, None, Some(LastSync::Successful)).await;
    assert_eq!(index(&store).await, BTreeMap::new());
}

async fn who_has_waited_longest_comes_first(store: Store) {
    let first_shard = pending_shard(&enterprise_id(0));
    let neighbours = (0..=255)
        .map(enterprise_id)
        .filter(|id| pending_shard(id) == first_shard);
    let neighbours: Vec<EnterpriseId> = neighbours.take(3).collect();
    for (enterprise, days) in neighbours.iter().zip([2, 3, 1]) {
        let since = later(DAY * days);
        set(&store, enterprise, Some(Pending { users: 1, since }), None).await;
    }
    let order = [2, 0, 1].map(|at| neighbours[at].clone());
    assert_eq!(index(&store).await, BTreeMap::from([(first_shard, order.to_vec())]));
}
