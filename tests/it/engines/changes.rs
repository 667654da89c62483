//! Following the changes of an enterprise: nothing is lost and nothing comes twice, whoever writes, whatever their clocks say.

use super::Table;
use super::samples::{NOW, SECOND, created, enterprise_id, entry_of, keep_voice_users, later, next, once};
use futures::future::join_all;
use shared::Error;
use shared::domain::audit::{Author, Deed, Entry, changed};
use shared::domain::ids::AuditId;
use shared::io::store::Store;
use std::collections::BTreeSet;

super::cases!(
    changes_are_followed_from_any_place,
    an_entry_with_an_early_time_comes_after_those_written_before_it,
    nothing_is_lost_between_writers_at_once,
    large_entries_come_in_the_pages_that_hold_them,
    who_only_lost_a_place_is_not_told_that_something_changed;
    a_trail_from_before_there_were_places_goes_on,
);

async fn write(store: &Store, entry: &Entry) {
    store
        .note(&enterprise_id(1), entry, &once(entry.id.as_str()))
        .await
        .unwrap();
}

async fn all(store: &Store, mut after: AuditId, limit: u16) -> (Vec<Entry>, AuditId) {
    let mut seen = Vec::new();
    loop {
        let (entries, to, more) = store
            .enterprise_changes(&enterprise_id(1), &after, limit)
            .await
            .unwrap();
        seen.extend(entries);
        after = to;
        if !more {
            return (seen, after);
        }
    }
}

async fn changes_are_followed_from_any_place(store: Store) {
    let (none, start) = all(&store, AuditId::first(), 3).await;
    assert_eq!((none, &start), (Vec::new(), &AuditId::first()));
    let written: Vec<Entry> = (0..8)
        .map(|n| entry_of(Deed::MappingChanged, later(SECOND * n)))
        .collect();
    for entry in &written {
        write(&store, entry).await;
    }
    for limit in [1, 3, 4, 8, 100] {
        let (seen, to) = all(&store, start.clone(), limit).await;
        assert_eq!(seen, written, "{limit}");
        assert_eq!(to, store.newest(&enterprise_id(1)).await.unwrap());
        assert_eq!(all(&store, to, limit).await.0, []);
        assert_eq!(all(&store, written[4].id.clone(), limit).await.0, written[5..]);
    }
}

async fn an_entry_with_an_early_time_comes_after_those_written_before_it(store: Store) {
    let (late, early) = (
        entry_of(Deed::MappingChanged, later(SECOND * 90)),
        entry_of(Deed::LicencesChanged, NOW),
    );
    write(&store, &late).await;
    let (seen, to) = all(&store, AuditId::first(), 10).await;
    assert_eq!(seen, [late]);
    write(&store, &early).await;
    let (seen, _) = all(&store, to, 10).await;
    let [seen] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!((seen.deed, seen.at), (early.deed, early.at));
    // In the trail it stands where it was written, too.
    let (trail, _) = store.enterprise_trail(&enterprise_id(1), None, 10).await.unwrap();
    assert_eq!(trail[0], *seen);
}

async fn nothing_is_lost_between_writers_at_once(store: Store) {
    const WRITERS: u64 = 12;
    const EACH: u64 = 6;
    let writer = |n: u64| {
        let store = store.clone();
        async move {
            for m in 0..EACH {
                // Clocks that go wrong by up to minutes, in both directions, and often show the same millisecond.
                let at = later(SECOND * i32::try_from((n * 37 + m * 11) % 7 * 40).unwrap());
                let change = changed("writer", None, Some(format!("{n}.{m}")));
                let entry = Entry::new(
                    &Author::service(),
                    Deed::MappingChanged,
                    change.into_iter().collect(),
                    at,
                    u128::from(n * 100 + m) << 40,
                );
                write(&store, &entry).await;
            }
        }
    };
    let name = |entry: &Entry| entry.changes[0].after.clone().unwrap();
    let expected: BTreeSet<String> = (0..WRITERS)
        .flat_map(|n| (0..EACH).map(move |m| format!("{n}.{m}")))
        .collect();
    let follower = |limit: u16| {
        let store = store.clone();
        async move {
            let (mut names, mut places, mut after) = (Vec::new(), Vec::new(), AuditId::first());
            while names.len() < expected_count() {
                let (entries, to, _) = store
                    .enterprise_changes(&enterprise_id(1), &after, limit)
                    .await
                    .unwrap();
                names.extend(entries.iter().map(name));
                places.extend(entries.into_iter().map(|entry| entry.id));
                after = to;
                tokio::task::yield_now().await;
            }
            assert!(places.is_sorted(), "{places:?}");
            names
        }
    };
    fn expected_count() -> usize {
        usize::try_from(WRITERS * EACH).unwrap()
    }
    let followers = futures::future::join(join_all([1, 5, 100].map(follower)), join_all((0..WRITERS).map(writer)));
    for names in followers.await.0 {
        assert_eq!(names.len(), expected.len(), "each comes once");
        assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), expected);
    }
}

async fn large_entries_come_in_the_pages_that_hold_them(store: Store) {
    let large = |n: i32| {
        let changes = (0..100).filter_map(|_| changed(&"x".repeat(900), None, Some("y".repeat(900))));
        Entry::new(
            &Author::service(),
            Deed::MappingChanged,
            changes.collect(),
            later(SECOND * n),
            1,
        )
    };
    let written: Vec<Entry> = (0..9).map(large).collect();
    for entry in &written {
        write(&store, entry).await;
    }
    let ids = |entries: Vec<Entry>| entries.into_iter().map(|entry| entry.id).collect::<Vec<_>>();
    assert_eq!(ids(all(&store, AuditId::first(), 100).await.0), ids(written));
}

async fn who_only_lost_a_place_is_not_told_that_something_changed(store: Store) {
    let kept = created(&store, 1).await;
    let one = |n: u64| {
        let (store, kept) = (store.clone(), kept.clone());
        async move {
            let entry = entry_of(Deed::MappingChanged, later(SECOND * i32::try_from(n).unwrap()));
            match n {
                0 => keep_voice_users(&store, &kept, |_| (), 0, &entry).await.map(drop),
                1 => keep_voice_users(&store, &kept, |_| (), 9, &entry).await.map(drop),
                _ => store.note(&kept.id, &entry, &once(&format!("note {n}"))).await,
            }
        }
    };
    let mut ended = join_all((0..10).map(one)).await;
    let stale = ended.remove(1);
    assert!(matches!(stale, Err(Error::Stale(_))), "{stale:?}");
    assert!(ended.iter().all(Result::is_ok), "{ended:?}");
    store
        .update_enterprise(&next(&kept), 1, &entry_of(Deed::EnterpriseChanged, NOW), &[])
        .await
        .unwrap();
    // The creation, nine that were made, and the last.
    assert_eq!(all(&store, AuditId::first(), 100).await.0.len(), 11);
}

async fn a_trail_from_before_there_were_places_goes_on(table: Table) {
    let store = table.store.clone();
    let old = entry_of(Deed::MappingChanged, later(SECOND));
    write(&store, &old).await;
    let text = |text: String| aws_sdk_dynamodb::types::AttributeValue::S(text);
    let delete = table.client.delete_item().table_name(&table.name);
    let trail = format!("ENTERPRISE#{}#AUDIT", enterprise_id(1));
    let delete = delete.key("pk", text(trail)).key("sk", text("LAST".into()));
    delete.send().await.unwrap();
    assert_eq!(
        all(&store, AuditId::first(), 10).await,
        (vec![old.clone()], old.id.clone())
    );
    write(&store, &entry_of(Deed::LicencesChanged, NOW)).await;
    let (seen, _) = all(&store, old.id, 10).await;
    assert_eq!(
        seen.iter().map(|entry| entry.deed).collect::<Vec<_>>(),
        [Deed::LicencesChanged]
    );
}
