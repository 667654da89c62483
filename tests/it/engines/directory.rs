//! Users of the directory, and the reads that make them visible.

use super::samples::{NOW, enterprise_id, teams_user_id};
use jiff::SignedDuration;
use shared::domain::directory::{ActivePlans, TeamsUser, Traits};
use shared::domain::ids::TeamsUserId;
use shared::domain::roll::{Entry, Roll};
use shared::io::store::Store;
use shared::io::store::directory::{Among, PURGED_AFTER};
use shared::io::store::leases::{LEASE_LIFE, Lease};
use shared::io::store::manifest::{Directory, roll_entry};
use std::collections::BTreeSet;

super::cases!(
    a_read_shows_all_its_users_at_once,
    users_who_cannot_be_mapped_are_not_offered,
    somebody_who_left_is_kept_out_of_sight_for_a_while,
    a_change_is_kept_beside_the_manifest,
    pieces_of_a_read_that_broke_off_do_not_count,
    what_a_read_left_behind_is_tidied_away,
    many_changes_are_put_aside_until_the_end,
    only_the_holder_of_the_lease_commits,
    users_come_in_pages_in_the_order_of_their_ids,
    somebody_is_found_by_part_of_name_or_address,
    a_directory_of_many_pieces_comes_back_whole,
    a_directory_is_forgotten,
);

fn user(n: u8) -> TeamsUser {
    TeamsUser {
        id: teams_user_id(n),
        name: format!("Mara {n}"),
        email: format!("mara{n}@bluefinch.example").parse().unwrap(),
        country: n.is_multiple_of(2).then(|| "BE".to_owned()),
        guest: false,
        licensed: true,
        directory_synced: n.is_multiple_of(3),
        plans: ActivePlans {
            phone_system: true,
            phone_since: n.is_multiple_of(5).then_some(NOW),
            ..ActivePlans::default()
        },
    }
}

fn without_phone(n: u8) -> TeamsUser {
    TeamsUser {
        plans: ActivePlans::default(),
        ..user(n)
    }
}

async fn lease(store: &Store) -> Lease {
    store.lease(&enterprise_id(1), "worker", NOW).await.unwrap()
}

/// A whole read, as discovery does it.
async fn read(store: &Store, users: &[TeamsUser]) -> Directory {
    let enterprise = enterprise_id(1);
    let lease = lease(store).await;
    let committed = store.directory(&enterprise).await.unwrap();
    let mut roll = store.roll(&enterprise, &committed).await.unwrap();
    store.begin_directory(&lease, &committed).await.unwrap();
    let noted: Vec<_> = users.iter().map(|user| (user.clone(), note(&mut roll, user))).collect();
    let generation = committed.next_generation(&lease);
    store.put_teams_users(&enterprise, &noted, generation).await.unwrap();
    let next = Directory {
        generation,
        read_at: Some(NOW),
        ..Directory::default()
    };
    let committed = store.commit_directory(&lease, &committed, next, &roll).await.unwrap();
    let gone: Vec<(TeamsUserId, Traits)> = roll
        .gone()
        .map(|(id, traits)| (TeamsUserId::from_bytes(id), traits))
        .collect();
    store.leave_teams_users(&enterprise, &gone, NOW).await.unwrap();
    store.end_directory(&lease, &committed).await.unwrap();
    store.directory(&enterprise).await.unwrap()
}

fn note(roll: &mut Roll, user: &TeamsUser) -> Option<Traits> {
    let entry = roll_entry(user);
    roll.note(entry);
    roll.changed_from(&entry.id)
}

async fn visible(store: &Store, users: &[TeamsUser]) -> Vec<TeamsUser> {
    let ids = users.iter().map(|user| user.id.clone()).collect();
    let found = store.teams_users(&enterprise_id(1), ids).await.unwrap();
    found.into_values().collect()
}

async fn offered(store: &Store) -> Vec<TeamsUser> {
    let (users, more) = store.teams_users_page(&enterprise_id(1), None, 500).await.unwrap();
    assert!(!more);
    users
}

fn sorted(mut users: Vec<TeamsUser>) -> Vec<TeamsUser> {
    users.sort_by(|a, b| a.id.cmp(&b.id));
    users
}

async fn known(store: &Store) -> BTreeSet<[u8; 24]> {
    let enterprise = enterprise_id(1);
    let committed = store.directory(&enterprise).await.unwrap();
    let mut roll = store.roll(&enterprise, &committed).await.unwrap();
    roll.keep_the_rest();
    roll.here().map(|entry| entry.bytes()).collect()
}

fn entries(users: &[TeamsUser]) -> BTreeSet<[u8; 24]> {
    users.iter().map(|user| roll_entry(user).bytes()).collect()
}

async fn a_read_shows_all_its_users_at_once(store: Store) {
    let enterprise = enterprise_id(1);
    let users: Vec<TeamsUser> = (1..=5).map(user).collect();
    let first = lease(&store).await;
    let fresh: Vec<_> = users.iter().map(|user| (user.clone(), None)).collect();
    store.put_teams_users(&enterprise, &fresh, first.fence()).await.unwrap();
    assert_eq!(visible(&store, &users).await, []);
    assert_eq!(offered(&store).await, []);
    store.release(first).await.unwrap();
    read(&store, &users).await;
    assert_eq!(visible(&store, &users).await, sorted(users.clone()));
    assert_eq!(offered(&store).await, sorted(users.clone()));
    assert_eq!(known(&store).await, entries(&users));
    read(&store, &users[..3]).await;
    assert_eq!(visible(&store, &users).await, sorted(users[..3].to_vec()));
    read(&store, &[]).await;
    assert_eq!(visible(&store, &users).await, []);
    assert_eq!(known(&store).await, BTreeSet::new());
}

async fn users_who_cannot_be_mapped_are_not_offered(store: Store) {
    let users = [user(1), without_phone(2), user(3)];
    read(&store, &users).await;
    assert_eq!(offered(&store).await, sorted(vec![user(1), user(3)]));
    assert_eq!(visible(&store, &users).await, sorted(users.to_vec()));
    // Licences come and go: nobody stands in two places.
    let users = [without_phone(1), user(2), user(3)];
    read(&store, &users).await;
    assert_eq!(offered(&store).await, sorted(vec![user(2), user(3)]));
    assert_eq!(visible(&store, &users).await, sorted(users.to_vec()));
}

async fn somebody_who_left_is_kept_out_of_sight_for_a_while(store: Store) {
    let enterprise = enterprise_id(1);
    read(&store, &[user(1), without_phone(2), user(3)]).await;
    read(&store, &[user(3)]).await;
    assert_eq!(visible(&store, &[user(1), without_phone(2)]).await, []);
    for gone in [user(1), without_phone(2)] {
        let left = store.left_user(&enterprise, &gone.id, NOW).await.unwrap();
        assert_eq!(left, Some((gone.clone(), NOW)));
        let later = NOW + PURGED_AFTER;
        assert_eq!(store.left_user(&enterprise, &gone.id, later).await.unwrap(), None);
    }
    assert_eq!(store.left_user(&enterprise, &user(3).id, NOW).await.unwrap(), None);
}

async fn a_change_is_kept_beside_the_manifest(store: Store) {
    let mut users: Vec<TeamsUser> = (0..=200).map(user).collect();
    let first = read(&store, &users).await;
    users[7].name = "Mira".into();
    users.remove(9);
    let second = read(&store, &users).await;
    assert_ne!(first.generation, second.generation);
    assert_eq!(known(&store).await, entries(&users));
    // Again and again, until a new manifest is due; nothing is lost on the way.
    for round in 0..30_usize {
        users[round].name = format!("Round {round}");
        users.remove(100);
        read(&store, &users).await;
        assert_eq!(known(&store).await, entries(&users), "round {round}");
        assert_eq!(visible(&store, &users).await, sorted(users.clone()), "round {round}");
    }
}

async fn pieces_of_a_read_that_broke_off_do_not_count(store: Store) {
    let enterprise = enterprise_id(1);
    let users: Vec<TeamsUser> = (0..=100).map(user).collect();
    read(&store, &users).await;
    // One worker writes its pieces and loses the lease before they count.
    let committed = store.directory(&enterprise).await.unwrap();
    let slow = lease(&store).await;
    let mut roll = store.roll(&enterprise, &committed).await.unwrap();
    roll.keep_the_rest();
    note(
        &mut roll,
        &TeamsUser {
            name: "Mira".into(),
            ..user(1)
        },
    );
    let quick = store
        .lease(&enterprise, "another", NOW + LEASE_LIFE + SignedDuration::from_secs(1))
        .await
        .unwrap();
    let next = Directory {
        generation: slow.fence(),
        ..Directory::default()
    };
    store
        .commit_directory(&slow, &committed, next, &roll)
        .await
        .unwrap_err();
    assert_eq!(known(&store).await, entries(&users));
    store.release(quick).await.unwrap();
}

async fn what_a_read_left_behind_is_tidied_away(store: Store) {
    let enterprise = enterprise_id(1);
    let users: Vec<TeamsUser> = (0..=20).map(user).collect();
    read(&store, &users).await;
    let committed = store.directory(&enterprise).await.unwrap();
    let killed = lease(&store).await;
    store.begin_directory(&killed, &committed).await.unwrap();
    let stray = user(99);
    store
        .put_teams_users(&enterprise, &[(stray.clone(), None)], killed.fence())
        .await
        .unwrap();
    let aside = [user(98)];
    store
        .set_aside_teams_users(&enterprise, &aside, killed.fence())
        .await
        .unwrap();
    let found = store.directory(&enterprise).await.unwrap();
    assert!(found.broken_off());
    let roll = store.roll(&enterprise, &found).await.unwrap();
    store.tidy_directory(&enterprise, &found, &roll).await.unwrap();
    let later = Directory {
        generation: u64::MAX,
        ..found
    };
    store.end_directory(&killed, &later).await.unwrap();
    // Even with everything shown, there is nobody but those of the first read.
    assert_eq!(visible(&store, &[stray]).await, []);
    assert_eq!(offered(&store).await, sorted(users));
}

async fn many_changes_are_put_aside_until_the_end(store: Store) {
    let enterprise = enterprise_id(1);
    read(&store, &[user(1), user(2), user(3)]).await;
    let committed = store.directory(&enterprise).await.unwrap();
    let lease = lease(&store).await;
    let mut roll = store.roll(&enterprise, &committed).await.unwrap();
    let renamed = TeamsUser {
        name: "Mira".into(),
        ..user(1)
    };
    let unlicensed = without_phone(2);
    for user in [&renamed, &unlicensed, &user(3)] {
        note(&mut roll, user);
    }
    let aside = [renamed.clone(), unlicensed.clone()];
    store
        .set_aside_teams_users(&enterprise, &aside, lease.fence())
        .await
        .unwrap();
    assert_eq!(
        offered(&store).await,
        sorted(vec![user(1), user(2), user(3)]),
        "nobody sees them"
    );
    store
        .show_set_aside(&enterprise, &roll, committed.generation)
        .await
        .unwrap();
    assert_eq!(offered(&store).await, sorted(vec![renamed, user(3)]));
    assert_eq!(visible(&store, &[user(2)]).await, [unlicensed]);
}

async fn only_the_holder_of_the_lease_commits(store: Store) {
    let enterprise = enterprise_id(1);
    let slow = lease(&store).await;
    let committed = store.directory(&enterprise).await.unwrap();
    let later = NOW + LEASE_LIFE + SignedDuration::from_secs(1);
    store.lease(&enterprise, "another", later).await.unwrap();
    assert!(store.begin_directory(&slow, &committed).await.is_err());
    assert!(store.end_directory(&slow, &committed).await.is_err());
}

async fn users_come_in_pages_in_the_order_of_their_ids(store: Store) {
    let enterprise = enterprise_id(1);
    let users: Vec<TeamsUser> = (1..=40).map(user).collect();
    read(&store, &users).await;
    let (mut seen, mut after): (Vec<TeamsUser>, Option<TeamsUserId>) = (Vec::new(), None);
    loop {
        let (page, more) = store.teams_users_page(&enterprise, after.as_ref(), 7).await.unwrap();
        assert!(page.len() == 7 || !more, "{} users, and there are more", page.len());
        after = page.last().map(|last| last.id.clone());
        seen.extend(page);
        if !more {
            break;
        }
    }
    assert_eq!(seen, sorted(users));
}

async fn somebody_is_found_by_part_of_name_or_address(store: Store) {
    let enterprise = enterprise_id(1);
    read(&store, &[user(1), without_phone(12), user(20)]).await;
    let find = |q: &'static str, limit, among| {
        let (store, enterprise) = (store.clone(), enterprise.clone());
        async move { store.find_teams_users(&enterprise, q, limit, among).await.unwrap() }
    };
    assert_eq!(find("MARA 1", 10, Among::Everyone).await, [user(1), without_phone(12)]);
    assert_eq!(find("mara1", 10, Among::Eligible).await, [user(1)]);
    assert_eq!(find("20@bluefinch", 10, Among::Everyone).await, [user(20)]);
    assert_eq!(find("mara", 2, Among::Everyone).await.len(), 2);
    assert_eq!(find("nobody", 10, Among::Everyone).await, []);
}

async fn a_directory_of_many_pieces_comes_back_whole(store: Store) {
    let enterprise = enterprise_id(1);
    // All in one part: several pieces of it, more than DynamoDB reads at once.
    let entry = |n: u128| Entry {
        id: n.to_be_bytes(),
        digest: [7; 7],
        traits: Traits::LICENSED,
    };
    let lease = lease(&store).await;
    let mut roll = Roll::default();
    for n in 0..50_000 {
        roll.note(entry(n));
    }
    let none = Directory::default();
    let next = Directory {
        generation: lease.fence(),
        ..Directory::default()
    };
    store.commit_directory(&lease, &none, next, &roll).await.unwrap();
    let expected: BTreeSet<[u8; 24]> = (0..50_000).map(|n| entry(n).bytes()).collect();
    assert!(known(&store).await == expected);
    let committed = store.directory(&enterprise).await.unwrap();
    let mut roll = store.roll(&enterprise, &committed).await.unwrap();
    for n in 0..3 {
        roll.note(entry(n));
    }
    let next = Directory {
        generation: committed.next_generation(&lease),
        ..committed.clone()
    };
    store.commit_directory(&lease, &committed, next, &roll).await.unwrap();
    assert_eq!(known(&store).await, (0..3).map(|n| entry(n).bytes()).collect());
}

async fn a_directory_is_forgotten(store: Store) {
    let enterprise = enterprise_id(1);
    let users: Vec<TeamsUser> = (0..=250).map(user).collect();
    read(&store, &users).await;
    read(&store, &users[1..]).await;
    store.forget_directory(&enterprise).await.unwrap();
    assert_eq!(visible(&store, &users).await, []);
    assert_eq!(offered(&store).await, []);
    assert_eq!(known(&store).await, BTreeSet::new());
    assert_eq!(store.left_user(&enterprise, &users[0].id, NOW).await.unwrap(), None);
    store.forget_directory(&enterprise).await.unwrap();
}
