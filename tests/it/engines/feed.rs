//! The feed of a reseller: every event once, those of an enterprise in their order, whoever writes, takes and reads meanwhile.

use super::samples::{
    DAY, NOW, SECOND, at_once, created, enterprise_id, entry_of, later, next, once, reseller, reseller_id,
};
use futures::future::join_all;
use jiff::Timestamp;
use shared::Error;
use shared::domain::audit::{Deed, Entry, changed};
use shared::domain::event::{Event, Trail};
use shared::domain::ids::{DeliveryId, EnterpriseId, EventId, WebhookId};
use shared::domain::sync_status::Pending;
use shared::domain::webhook::{Progress, Switch, Webhook};
use shared::io::store::Store;
use shared::io::store::runs::Sealed;
use shared::io::store::webhooks::{Delivery, KeptWebhook, SigningKey};
use std::collections::BTreeMap;

super::cases!(
    every_event_is_read_once_and_in_order_while_a_hundred_write,
    what_is_no_longer_kept_is_missed_aloud,
    that_changes_wait_is_told_once_and_so_is_that_none_do,
    a_trail_waits_in_the_index_until_it_is_taken,
    what_comes_and_goes_is_told_from_its_own_trail,
    one_sends_to_a_webhook_at_a_time,
    a_reseller_is_due_until_everything_is_sent,
    a_deleted_webhook_stays_deleted,
);

const ENTERPRISES: u8 = 10;
const EACH: u8 = 10;

async fn write(store: &Store, enterprise: &EnterpriseId, entry: &Entry) {
    store.note(enterprise, entry, &once(entry.id.as_str())).await.unwrap();
}

fn numbered(n: u8, at: Timestamp) -> Entry {
    let plan = changed("plan", None, Some(n.to_string()));
    Entry {
        changes: plan.into_iter().collect(),
        ..entry_of(Deed::PlanMade, at)
    }
}

async fn take(store: &Store, enterprise: &EnterpriseId, now: Timestamp) -> usize {
    let trail = Trail::Enterprise(enterprise.clone());
    store.take_trail(&trail, &reseller_id(), now).await.unwrap()
}

async fn all(store: &Store, after: Option<EventId>, limit: u16, now: Timestamp) -> (Vec<Event>, EventId) {
    let (mut seen, mut after) = (Vec::new(), after);
    loop {
        let page = store.events(&reseller_id(), after.as_ref(), limit, now).await.unwrap();
        assert!(page.events.len() <= usize::from(limit));
        seen.extend(page.events);
        if !page.more {
            return (seen, page.cursor);
        }
        after = Some(page.cursor);
    }
}

/// A hundred causes at once in ten enterprises, three that take what they find, three that read along. R163-R169 hang on none of
/// it: the feed is beside whatever happens.
async fn every_event_is_read_once_and_in_order_while_a_hundred_write(store: Store) {
    let writers = at_once(usize::from(ENTERPRISES * EACH), {
        let store = store.clone();
        move |n| {
            let store = store.clone();
            async move {
                let (whose, n) = (n % usize::from(ENTERPRISES), u8::try_from(n).unwrap());
                // Clocks that go wrong by minutes, and often show the same second.
                let at = later(SECOND * (i32::from(n) * 7 % 5) * 60);
                write(&store, &enterprise_id(u8::try_from(whose).unwrap()), &numbered(n, at)).await;
            }
        }
    });
    let total = usize::from(ENTERPRISES * EACH);
    let taker = |_| {
        let store = store.clone();
        async move {
            let mut told = 0;
            while store.newest_event(&reseller_id()).await.unwrap() == EventId::first() || told < total {
                for n in 0..ENTERPRISES {
                    take(&store, &enterprise_id(n), NOW).await;
                }
                told = all(&store, None, 100, NOW).await.0.len();
                tokio::task::yield_now().await;
            }
        }
    };
    let reader = |limit: u16| {
        let store = store.clone();
        async move {
            let (mut seen, mut after) = (Vec::new(), None);
            while seen.len() < total {
                let page = store.events(&reseller_id(), after.as_ref(), limit, NOW).await.unwrap();
                seen.extend(page.events);
                after = Some(page.cursor);
                tokio::task::yield_now().await;
            }
            seen
        }
    };
    let (_, _, walks) = futures::join!(writers, join_all((0..3).map(taker)), join_all([1, 7, 100].map(reader)));
    let of = |event: &Event| event.data.values["plan"].clone();
    for seen in &walks {
        assert_eq!(seen.len(), total, "each comes once");
        assert_eq!(seen, &walks[0], "everybody reads the same");
        assert!(seen.iter().map(|event| &event.id).is_sorted_by(|a, b| a < b));
        let mut orders: BTreeMap<EnterpriseId, Vec<String>> = BTreeMap::new();
        for event in seen {
            orders
                .entry(event.enterprise.clone().unwrap())
                .or_default()
                .push(of(event));
        }
        for (enterprise, order) in orders {
            let (mut trail, _) = store.enterprise_trail(&enterprise, None, 100).await.unwrap();
            trail.reverse();
            let written: Vec<String> = trail
                .iter()
                .map(|entry| entry.changes[0].after.clone().unwrap())
                .collect();
            assert_eq!(order, written, "the order of the trail");
        }
    }
}

async fn what_is_no_longer_kept_is_missed_aloud(store: Store) {
    let whose = enterprise_id(1);
    for n in 0..3 {
        write(&store, &whose, &numbered(n, NOW)).await;
    }
    take(&store, &whose, NOW).await;
    let (early, newest) = all(&store, None, 2, NOW).await;
    assert_eq!(early.len(), 3);
    // A reader who has seen everything misses nothing by waiting.
    let late = NOW + DAY * 36;
    let quiet = store.events(&reseller_id(), Some(&newest), 10, late).await.unwrap();
    assert_eq!((quiet.events.len(), &quiet.cursor, quiet.more), (0, &newest, false));
    write(&store, &whose, &numbered(9, late)).await;
    take(&store, &whose, late).await;
    let (seen, _) = all(&store, Some(newest.clone()), 10, late).await;
    assert_eq!(seen.len(), 1);
    // One who has not is told, and may begin with what there is.
    for missed in [&early[0].id, &early[1].id] {
        let answer = store.events(&reseller_id(), Some(missed), 10, late).await;
        assert!(matches!(answer, Err(Error::Gone(_))), "{answer:?}");
    }
    assert_eq!(all(&store, None, 10, late).await.0, seen);
    // In between both can be read.
    let month = NOW + DAY * 30;
    assert_eq!(all(&store, Some(early[0].id.clone()), 10, month).await.0.len(), 3);
}

async fn that_changes_wait_is_told_once_and_so_is_that_none_do(store: Store) {
    let kept = created(&store, 1).await;
    take(&store, &kept.id, NOW).await;
    let (_, start) = all(&store, None, 10, NOW).await;
    let pending = |users: Option<u32>| {
        let (store, kept) = (store.clone(), kept.clone());
        async move {
            let edit = |status: shared::domain::sync_status::SyncStatus| shared::domain::sync_status::SyncStatus {
                pending: users.map(|users| Pending { users, since: NOW }),
                ..status
            };
            store.edit_sync_status(&kept, edit).await.unwrap();
        }
    };
    pending(Some(3)).await;
    assert_eq!(take(&store, &kept.id, NOW).await, 1);
    pending(Some(4)).await;
    assert_eq!(take(&store, &kept.id, NOW).await, 0, "they wait already");
    pending(None).await;
    assert_eq!(take(&store, &kept.id, NOW).await, 1);
    let (seen, _) = all(&store, Some(start), 10, NOW).await;
    let told: Vec<(&str, Option<&str>)> = seen
        .iter()
        .map(|event| (event.kind.as_str(), event.data.values.get("users").map(String::as_str)))
        .collect();
    assert_eq!(told, [("sync.pending", Some("3")), ("sync.cleared", None)]);
}

async fn waiting(store: &Store) -> Vec<Trail> {
    let mut found = Vec::new();
    for shard in 0..16 {
        found.extend(store.waiting_trails(shard).await.unwrap());
    }
    found
}

async fn a_trail_waits_in_the_index_until_it_is_taken(store: Store) {
    let kept = created(&store, 1).await;
    let own = Trail::Enterprise(kept.id.clone());
    assert_eq!(waiting(&store).await, std::slice::from_ref(&own));
    take(&store, &kept.id, NOW).await;
    assert_eq!(waiting(&store).await, []);
    store
        .update_enterprise(&next(&kept), 1, &entry_of(Deed::EnterpriseChanged, NOW), &[])
        .await
        .unwrap();
    assert_eq!(waiting(&store).await, [own]);
    take(&store, &kept.id, NOW).await;
    assert_eq!(waiting(&store).await, []);
}

async fn what_comes_and_goes_is_told_from_its_own_trail(store: Store) {
    let entry = entry_of(Deed::ResellerCreated, NOW);
    store
        .create_reseller(&reseller(), &[], &entry, &once("reseller"), NOW)
        .await
        .unwrap();
    let kept = created(&store, 1).await;
    let own = Trail::Reseller(reseller_id());
    store.take_trail(&own, &reseller_id(), NOW).await.unwrap();
    take(&store, &kept.id, NOW).await;
    store.take_trail(&own, &reseller_id(), NOW).await.unwrap();
    let (seen, _) = all(&store, None, 10, NOW).await;
    let told: Vec<(&str, bool)> = seen
        .iter()
        .map(|event| (event.kind.as_str(), event.enterprise.is_some()))
        .collect();
    // A sample is created with an entry that says so.
    assert_eq!(told, [("reseller.created", false), ("enterprise.changed", true)]);
}

fn webhook() -> KeptWebhook {
    KeptWebhook {
        webhook: Webhook {
            id: WebhookId::mint(NOW, 1),
            reseller: reseller_id(),
            url: "https://hooks.northwind.example/".parse().unwrap(),
            description: None,
            types: Default::default(),
            enterprises: Default::default(),
            state: Switch::On,
            created: NOW,
            version: 1,
        },
        secrets: vec![SigningKey {
            sealed: Sealed {
                sealed: "c2VhbGVk".into(),
                key: "a2V5".into(),
            },
            until: None,
        }],
    }
}

async fn kept(store: &Store) -> KeptWebhook {
    let webhook = webhook();
    let entry = entry_of(Deed::WebhookCreated, NOW);
    let (place, once) = (EventId::first(), once("webhook"));
    let made = store.create_webhook(&webhook, &place, &entry, &once).await;
    assert_eq!(made.unwrap(), webhook.webhook.id);
    assert_eq!(
        store.webhooks(&reseller_id()).await.unwrap(),
        std::slice::from_ref(&webhook)
    );
    webhook
}

fn delivery(n: u128) -> Delivery {
    Delivery {
        id: DeliveryId::mint(NOW, n),
        event: EventId::mint(NOW, n),
        kind: "run.failed".into(),
        at: NOW,
        tries: 1,
        status: Some(200),
        problem: None,
        milliseconds: 12,
        answer: String::new(),
        next: None,
    }
}

async fn one_sends_to_a_webhook_at_a_time(store: Store) {
    let webhook = kept(&store).await.webhook;
    let (store, webhook) = (&store, &webhook);
    let turn = |holder: &'static str, now| async move {
        store
            .webhook_turn(webhook, holder, now, now + SECOND * 60)
            .await
            .unwrap()
    };
    let turns = join_all(["a", "b", "c", "d"].map(|holder| turn(holder, NOW))).await;
    let mut mine = turns.into_iter().flatten();
    let (first, progress) = mine.next().expect("one has it");
    assert!(mine.next().is_none(), "and nobody else");
    assert_eq!(progress, Progress::at(EventId::first()));
    let on = Progress::at(EventId::mint(NOW, 1));
    assert!(
        store
            .webhook_went(&first, &on, Some(&delivery(1)), Some(NOW + SECOND * 60))
            .await
            .unwrap()
    );
    // Whoever has the turn is dead; the next one goes on from there, and the dead one writes nothing any more.
    let (second, progress) = turn("e", NOW + SECOND * 61).await.expect("the turn is free");
    assert_eq!(progress, on);
    assert!(
        !store
            .webhook_went(&first, &Progress::at(EventId::mint(NOW, 9)), Some(&delivery(9)), None)
            .await
            .unwrap()
    );
    let on = Progress::at(EventId::mint(NOW, 2));
    assert!(
        store
            .webhook_went(&second, &on, Some(&delivery(2)), None)
            .await
            .unwrap()
    );
    assert!(turn("f", NOW + SECOND * 62).await.is_some(), "given back");
    let (sent, more) = store
        .deliveries(&reseller_id(), &webhook.id, None, 1, NOW)
        .await
        .unwrap();
    assert_eq!(sent, [delivery(2)]);
    let (sent, more) = store
        .deliveries(&reseller_id(), &webhook.id, more.as_ref(), 5, NOW)
        .await
        .unwrap();
    assert_eq!((sent, more), (vec![delivery(1)], None));
}

async fn a_reseller_is_due_until_everything_is_sent(store: Store) {
    let due = |now| {
        let store = store.clone();
        async move {
            let mut found = Vec::new();
            for shard in 0..16 {
                found.extend(store.due_resellers(shard, now).await.unwrap());
            }
            found
        }
    };
    assert_eq!(due(NOW).await, []);
    write(&store, &enterprise_id(1), &numbered(1, NOW)).await;
    take(&store, &enterprise_id(1), NOW).await;
    let first = due(NOW).await;
    let [seen] = &first[..] else { panic!("{first:?}") };
    assert_eq!(seen.reseller, reseller_id());
    // Something new while it was sent: it stays due.
    write(&store, &enterprise_id(1), &numbered(2, NOW)).await;
    take(&store, &enterprise_id(1), NOW).await;
    store.due_later(seen, None).await.unwrap();
    let again = due(NOW).await;
    assert_eq!(again.len(), 1);
    store.due_later(&again[0], Some(NOW + SECOND * 5)).await.unwrap();
    assert_eq!(due(NOW + SECOND * 4).await, []);
    let again = due(NOW + SECOND * 5).await;
    assert_eq!(again.len(), 1);
    store.due_later(&again[0], None).await.unwrap();
    assert_eq!(due(NOW + DAY).await, []);
}

async fn a_deleted_webhook_stays_deleted(store: Store) {
    let webhook = kept(&store).await;
    let (turn, _) = store
        .webhook_turn(&webhook.webhook, "a", NOW, NOW + SECOND * 60)
        .await
        .unwrap()
        .expect("a turn");
    let entry = |deed| entry_of(deed, NOW);
    let stale = store
        .delete_webhook(&webhook.webhook, 7, &entry(Deed::WebhookDeleted))
        .await;
    assert!(matches!(stale, Err(Error::Stale(_))), "{stale:?}");
    store
        .delete_webhook(&webhook.webhook, 1, &entry(Deed::WebhookDeleted))
        .await
        .unwrap();
    let gone = store
        .webhook_went(&turn, &Progress::at(EventId::mint(NOW, 1)), None, None)
        .await;
    assert!(!gone.unwrap());
    let edited = store
        .update_webhook(&webhook, 1, None, &entry(Deed::WebhookChanged))
        .await;
    assert!(matches!(edited, Err(Error::Stale(_))), "{edited:?}");
    let progress = Progress::at(EventId::first());
    let (entry, once) = (entry(Deed::WebhookReplayed), once("replay"));
    let replayed = store.restart_webhook(&webhook.webhook, &progress, &entry, &once).await;
    assert!(replayed.is_err(), "{replayed:?}");
    assert_eq!(store.webhooks(&reseller_id()).await.unwrap(), []);
}
