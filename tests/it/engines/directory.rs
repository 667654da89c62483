//! Teams users, and the manifest that makes them visible.

use super::samples::{enterprise_id, teams_user_id};
use shared::domain::directory::TeamsUser;
use shared::domain::ids::TeamsUserId;
use shared::io::store::Store;
use shared::io::store::directory::{Digests, digest};
use std::collections::BTreeSet;

super::cases!(
    users_are_visible_while_the_manifest_names_them,
    only_what_differs_of_a_manifest_is_written,
    users_come_in_pages_in_the_order_of_their_ids,
    many_users_are_written_and_deleted,
    a_manifest_of_many_pieces_comes_back_whole,
);

fn user(n: u8) -> TeamsUser {
    TeamsUser {
        id: teams_user_id(n),
        name: format!("Mara {n}"),
        email: format!("mara{n}@bluefinch.example").parse().unwrap(),
        country: n.is_multiple_of(2).then(|| "BE".to_owned()),
    }
}

fn digests(users: &[TeamsUser]) -> Digests {
    users.iter().map(|user| (user.id.bytes(), digest(user))).collect()
}

async fn visible(store: &Store, users: &[TeamsUser]) -> Vec<TeamsUser> {
    let ids = users.iter().map(|user| user.id.clone()).collect();
    let found = store.teams_users(&enterprise_id(1), ids).await.unwrap();
    found.into_values().collect()
}

fn sorted(mut users: Vec<TeamsUser>) -> Vec<TeamsUser> {
    users.sort_by(|a, b| a.id.cmp(&b.id));
    users
}

async fn users_are_visible_while_the_manifest_names_them(store: Store) {
    let enterprise = enterprise_id(1);
    let users: Vec<TeamsUser> = (1..=5).map(user).collect();
    store.put_teams_users(&enterprise, &users).await.unwrap();
    assert_eq!(visible(&store, &users).await, []);
    assert_eq!(
        store.teams_users_page(&enterprise, None, 10).await.unwrap(),
        (Vec::new(), false)
    );
    let none = Digests::new();
    store.put_manifest(&enterprise, &none, &digests(&users)).await.unwrap();
    assert_eq!(store.manifest(&enterprise).await.unwrap(), digests(&users));
    assert_eq!(visible(&store, &users).await, sorted(users.clone()));
    let fewer = digests(&users[..3]);
    store.put_manifest(&enterprise, &digests(&users), &fewer).await.unwrap();
    assert_eq!(visible(&store, &users).await, sorted(users[..3].to_vec()));
    store.put_manifest(&enterprise, &fewer, &none).await.unwrap();
    assert_eq!(visible(&store, &users).await, []);
    assert_eq!(store.manifest(&enterprise).await.unwrap(), none);
}

async fn only_what_differs_of_a_manifest_is_written(store: Store) {
    let enterprise = enterprise_id(1);
    let users: Vec<TeamsUser> = (1..=40).map(user).collect();
    let all = digests(&users);
    let parts: BTreeSet<u8> = all.keys().map(|id| id[0] >> 4).collect();
    let written = store.put_manifest(&enterprise, &Digests::new(), &all).await.unwrap();
    assert_eq!(written, parts.len() as u64);
    assert_eq!(store.put_manifest(&enterprise, &all, &all).await.unwrap(), 0);
    let mut renamed = users.clone();
    renamed[7].name = "Mira".into();
    let renamed = digests(&renamed);
    assert_eq!(store.put_manifest(&enterprise, &all, &renamed).await.unwrap(), 1);
    assert_eq!(store.manifest(&enterprise).await.unwrap(), renamed);
}

async fn users_come_in_pages_in_the_order_of_their_ids(store: Store) {
    let enterprise = enterprise_id(1);
    let users: Vec<TeamsUser> = (1..=40).map(user).collect();
    store.put_teams_users(&enterprise, &users).await.unwrap();
    store
        .put_manifest(&enterprise, &Digests::new(), &digests(&users))
        .await
        .unwrap();
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

async fn many_users_are_written_and_deleted(store: Store) {
    let enterprise = enterprise_id(1);
    let users: Vec<TeamsUser> = (0..=255).map(user).collect();
    store.put_teams_users(&enterprise, &users).await.unwrap();
    store
        .put_manifest(&enterprise, &Digests::new(), &digests(&users))
        .await
        .unwrap();
    assert_eq!(visible(&store, &users).await.len(), 256);
    let gone: Vec<TeamsUserId> = users[..200].iter().map(|user| user.id.clone()).collect();
    store.delete_teams_users(&enterprise, &gone).await.unwrap();
    assert_eq!(visible(&store, &users).await.len(), 56);
    // A repeated delete is fine.
    store.delete_teams_users(&enterprise, &gone).await.unwrap();
}

async fn a_manifest_of_many_pieces_comes_back_whole(store: Store) {
    let enterprise = enterprise_id(1);
    // All in one part: three pieces of it, more than DynamoDB reads at once.
    let large: Digests = (0..50_000_u128).map(|n| (n.to_be_bytes(), [7; 8])).collect();
    assert_eq!(
        store.put_manifest(&enterprise, &Digests::new(), &large).await.unwrap(),
        7
    );
    assert_eq!(store.manifest(&enterprise).await.unwrap(), large);
    let small: Digests = large.iter().take(3).map(|(id, digest)| (*id, *digest)).collect();
    store.put_manifest(&enterprise, &large, &small).await.unwrap();
    assert_eq!(store.manifest(&enterprise).await.unwrap(), small);
}
