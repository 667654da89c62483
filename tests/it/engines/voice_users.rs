//! Voice users in packs: the same list whatever way it came about, and nothing of it seen before all of it is there.

use super::Table;
use super::samples::{DAY, NOW, at_once, created, enterprise, enterprise_id, entry, entry_of, later, next, once};
use aws_sdk_dynamodb::types::AttributeValue;
use shared::Error;
use shared::domain::audit::Deed;
use shared::domain::ids::VoiceUserId;
use shared::domain::voice::VoiceUser;
use shared::io::store::Store;
use shared::io::store::account::{ACCOUNT_MOVED, ENTERPRISE_MOVED};
use shared::io::store::mapping::SavedMapping;
use shared::io::store::voice_users::{VoiceUsers, VoiceUsersKept};
use std::collections::{BTreeMap, HashMap};

super::cases!(
    an_account_begins_without_voice_users,
    any_order_of_changes_gives_the_same_list,
    a_part_begins_where_the_last_one_ended,
    a_change_of_an_old_account_is_refused,
    of_many_changes_at_once_one_is_made,
    a_request_is_remembered_with_its_answer,
    a_mapping_leaves_voice_users_alone;
    a_large_change_is_seen_as_a_whole_or_not_at_all,
    what_was_kept_one_by_one_is_read_and_taken_over,
);

fn id(n: usize) -> VoiceUserId {
    format!("v{n:05}").parse().unwrap()
}

fn user(n: usize, name: &str) -> VoiceUser {
    VoiceUser {
        name: format!("{name} {n}"),
        number: Some(format!("+32270{n:05}").parse().unwrap()),
        match_by_mail: n.is_multiple_of(2),
        ..VoiceUser::new(id(n))
    }
}

fn users(numbers: impl IntoIterator<Item = usize>, name: &str) -> VoiceUsers {
    numbers.into_iter().map(|n| (id(n), user(n, name))).collect()
}

/// Makes the list this, from what is there.
async fn keep(store: &Store, next: &VoiceUsers) -> u64 {
    let account = store.account(&enterprise_id(1)).await.unwrap();
    let kept = store
        .keep_voice_users(&enterprise(1), &account, next, &entry(), None)
        .await;
    let VoiceUsersKept::At(version) = kept.unwrap() else {
        panic!("nothing was asked to be remembered")
    };
    assert_eq!(version, account.version + 1);
    version
}

async fn listed(store: &Store) -> VoiceUsers {
    store.account(&enterprise_id(1)).await.unwrap().voice_users
}

async fn an_account_begins_without_voice_users(store: Store) {
    created(&store, 1).await;
    let (users, more, version) = store.voice_users_after(&enterprise_id(1), None).await.unwrap();
    assert_eq!((users.len(), more, version), (0, false, 0));
    let unknown = store.voice_user(&enterprise_id(1), &id(1)).await;
    assert!(matches!(unknown, Err(Error::NotFound(_))), "{unknown:?}");
    // Nobody at all is a list as well.
    assert_eq!(keep(&store, &VoiceUsers::new()).await, 1);
    assert_eq!(listed(&store).await, VoiceUsers::new());
    keep(&store, &users_of_ten()).await;
    assert_eq!(listed(&store).await, users_of_ten());
    keep(&store, &VoiceUsers::new()).await;
    assert_eq!(listed(&store).await, VoiceUsers::new());
}

fn users_of_ten() -> VoiceUsers {
    users(0..10, "User")
}

async fn any_order_of_changes_gives_the_same_list(store: Store) {
    created(&store, 1).await;
    let mut model = users((0..300).map(|n| n * 7), "User");
    keep(&store, &model).await;
    let mut dice = 20_261_122_u64;
    let mut roll = |sides: u64| {
        dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((dice >> 33) % sides).unwrap()
    };
    for round in 0..40 {
        let name = format!("Round{round}");
        match roll(5) {
            // One, in the middle, before all or after all.
            0 => model.extend(users([roll(2200)], &name)),
            1 => model.extend(users([0, 2199], &name)),
            2 => {
                let gone = id(roll(2200));
                model.remove(&gone);
            }
            // A whole range, so that packs are split, or disappear.
            3 => {
                let from = roll(2000);
                model.extend(users(from..from + 150, &name));
            }
            _ => {
                let from = roll(2000);
                model.retain(|one, _| *one < id(from) || *one > id(from + 150));
            }
        }
        keep(&store, &model).await;
        assert_eq!(listed(&store).await, model, "round {round}");
        let some = id(roll(2200));
        let found = store
            .voice_user(&enterprise_id(1), &some)
            .await
            .ok()
            .map(|(user, _)| user);
        assert_eq!(found.as_ref(), model.get(&some), "round {round}: {some}");
    }
}

async fn a_part_begins_where_the_last_one_ended(store: Store) {
    created(&store, 1).await;
    let mut all = users(0..500, "User");
    // Names so long that a read of 1 MB does not hold all of them.
    for user in all.values_mut() {
        user.name = "n".repeat(4000);
    }
    keep(&store, &all).await;
    let (mut seen, mut after, mut parts) = (Vec::new(), None, 0);
    loop {
        let (part, more, version) = store
            .voice_users_after(&enterprise_id(1), after.as_ref())
            .await
            .unwrap();
        assert_eq!(version, 1);
        after = part.last().map(|user| user.id.clone());
        seen.extend(part.into_iter().map(|user| user.id));
        parts += 1;
        if !more {
            break;
        }
    }
    assert!(seen.iter().eq(all.keys()), "{}", seen.len());
    assert!(parts > 1);
    for (after, first) in [(id(63), 64), (id(64), 65), (id(100), 101), (id(498), 499)] {
        let (part, _, _) = store.voice_users_after(&enterprise_id(1), Some(&after)).await.unwrap();
        assert_eq!(part[0].id, id(first));
    }
    let (none, more, _) = store
        .voice_users_after(&enterprise_id(1), Some(&id(499)))
        .await
        .unwrap();
    assert_eq!((none.len(), more), (0, false));
    // Ids that are not there have their place all the same.
    let before_all = "a".parse().unwrap();
    let (part, _, _) = store
        .voice_users_after(&enterprise_id(1), Some(&before_all))
        .await
        .unwrap();
    assert_eq!(part[0].id, id(0));
}

async fn a_change_of_an_old_account_is_refused(store: Store) {
    let kept = created(&store, 1).await;
    keep(&store, &users_of_ten()).await;
    let old = store.account(&kept.id).await.unwrap();
    keep(&store, &users(0..11, "User")).await;
    for late in [users(0..12, "Late"), users(0..9000, "Late")] {
        let refused = store.keep_voice_users(&kept, &old, &late, &entry(), None).await;
        assert!(matches!(refused, Err(Error::Stale(ACCOUNT_MOVED))), "{refused:?}");
        assert_eq!(listed(&store).await, users(0..11, "User"));
    }
    // The enterprise it was checked against is another.
    store.update_enterprise(&next(&kept), 1, &entry(), &[]).await.unwrap();
    let account = store.account(&kept.id).await.unwrap();
    let refused = store
        .keep_voice_users(&kept, &account, &VoiceUsers::new(), &entry(), None)
        .await;
    assert!(matches!(refused, Err(Error::Stale(ENTERPRISE_MOVED))), "{refused:?}");
}

async fn of_many_changes_at_once_one_is_made(store: Store) {
    created(&store, 1).await;
    keep(&store, &users_of_ten()).await;
    let account = store.account(&enterprise_id(1)).await.unwrap();
    let wanted = |n: usize| users(0..10 + n, &format!("Writer{n}"));
    let changes = at_once(12, |n| {
        let (store, account) = (store.clone(), account.clone());
        async move {
            let made = store
                .keep_voice_users(&enterprise(1), &account, &wanted(n), &entry(), None)
                .await;
            (n, made.is_ok())
        }
    });
    let made: Vec<usize> = changes
        .await
        .into_iter()
        .filter(|(_, made)| *made)
        .map(|(n, _)| n)
        .collect();
    let [winner] = made[..] else { panic!("made: {made:?}") };
    assert_eq!(listed(&store).await, wanted(winner));
}

async fn a_request_is_remembered_with_its_answer(store: Store) {
    let kept = created(&store, 1).await;
    let asked = once("import 1");
    let empty = store.account(&kept.id).await.unwrap();
    let import = async |users: &VoiceUsers, said: &str| {
        let account = store.account(&kept.id).await.unwrap();
        store
            .keep_voice_users(&kept, &account, users, &entry(), Some((&asked, said)))
            .await
            .unwrap()
    };
    assert_eq!(
        import(&users_of_ten(), "ten").await,
        VoiceUsersKept::At(empty.version + 1)
    );
    // A second one, also a large one, is told what the first was told, and changes nothing.
    for more in [11, 9000] {
        let again = import(&users(0..more, "User"), "more").await;
        assert_eq!(again, VoiceUsersKept::Before("ten".into()));
        assert_eq!(listed(&store).await, users_of_ten());
    }
}

async fn a_mapping_leaves_voice_users_alone(store: Store) {
    let kept = created(&store, 1).await;
    let version = keep(&store, &users_of_ten()).await;
    let account = store.account(&kept.id).await.unwrap();
    let saved = SavedMapping {
        rows: BTreeMap::new(),
        set_to_none: account.set_to_none.clone(),
        next_order: 7,
        matched: None,
    };
    store.save_mapping(&kept, &account, &saved, &entry()).await.unwrap();
    assert_eq!(listed(&store).await, users_of_ten());
    keep(&store, &users(0..11, "User")).await;
    let account = store.account(&kept.id).await.unwrap();
    assert_eq!((account.version, account.next_order), (version + 2, 7));
}

fn voice_items(items: &[HashMap<String, AttributeValue>]) -> Vec<String> {
    let keys = items.iter().map(|item| item["sk"].as_s().unwrap().clone());
    keys.filter(|sk| sk.starts_with("VOICE#")).collect()
}

async fn a_large_change_is_seen_as_a_whole_or_not_at_all(table: Table) {
    let store = &table.store;
    let kept = created(store, 1).await;
    let many = users(0..9000, "User");
    keep(store, &many).await;
    assert_eq!(listed(store).await, many);
    let packs = voice_items(&table.items().await).len();
    assert_eq!(packs, many.len().div_ceil(64));
    // A reader who began before sees the list of before or of after.
    let renamed = users(0..9000, "Renamed");
    let old = store.account(&kept.id).await.unwrap();
    let reading = async {
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(listed(store).await);
        }
        seen
    };
    let changed = entry();
    let writing = store.keep_voice_users(&kept, &old, &renamed, &changed, None);
    let (seen, written) = futures::join!(reading, writing);
    written.unwrap();
    assert!(seen.iter().all(|seen| *seen == many || *seen == renamed));
    assert_eq!(listed(store).await, renamed);
    // What was replaced is gone, and so is what a refused change had written.
    let refused = store.keep_voice_users(&kept, &old, &many, &entry(), None).await;
    assert!(refused.is_err());
    assert_eq!(voice_items(&table.items().await).len(), packs);
    // Somebody died before the list was in use: nobody sees it, and it is taken away when it is old.
    let mut left = table
        .items()
        .await
        .into_iter()
        .find(|item| item["sk"].as_s().unwrap().starts_with("VOICE#"))
        .unwrap();
    let set = entry_of(Deed::VoiceUsersChanged, NOW).id;
    left.insert("sk".into(), AttributeValue::S(format!("VOICE##{set}#")));
    let put = table.client.put_item().table_name(&table.name).set_item(Some(left));
    put.send().await.unwrap();
    assert_eq!(listed(store).await, renamed);
    let account = store.account(&kept.id).await.unwrap();
    let tomorrow = entry_of(Deed::VoiceUsersChanged, later(DAY));
    store
        .keep_voice_users(&kept, &account, &many, &tomorrow, None)
        .await
        .unwrap();
    assert_eq!(voice_items(&table.items().await).len(), packs);
    assert_eq!(listed(store).await, many);
}

async fn what_was_kept_one_by_one_is_read_and_taken_over(table: Table) {
    let store = &table.store;
    created(store, 1).await;
    for n in 0..3 {
        let text = |text: String| AttributeValue::S(text);
        let item = [
            ("pk", text(format!("ENTERPRISE#{}", enterprise_id(1)))),
            ("sk", text(format!("VOICE#{}", id(n)))),
            ("id", text(id(n).to_string())),
            ("name", text(format!("User {n}"))),
            ("number", text(format!("+32270{n:05}"))),
            ("call_handling", text("voicemail".into())),
        ];
        let item = item.map(|(name, value)| (name.to_owned(), value));
        let put = table
            .client
            .put_item()
            .table_name(&table.name)
            .set_item(Some(HashMap::from(item)));
        put.send().await.unwrap();
    }
    // Somebody is writing the first set, or was killed before it was put to use.
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let unused = [
        ("pk", text(&format!("ENTERPRISE#{}", enterprise_id(1)))),
        ("sk", text("VOICE#killed#")),
        ("from", text("")),
        ("users", text("[]")),
    ];
    let unused = unused.map(|(name, value)| (name.to_owned(), value));
    let put = table
        .client
        .put_item()
        .table_name(&table.name)
        .set_item(Some(HashMap::from(unused)));
    put.send().await.unwrap();
    let mut expected = users(0..3, "User");
    for user in expected.values_mut() {
        user.match_by_mail = false;
    }
    assert_eq!(listed(store).await, expected);
    assert_eq!(
        store.voice_user(&enterprise_id(1), &id(1)).await.unwrap().0,
        expected[&id(1)]
    );
    expected.remove(&id(1));
    keep(store, &expected).await;
    assert_eq!(listed(store).await, expected);
    assert_eq!(voice_items(&table.items().await).len(), 1);
}
