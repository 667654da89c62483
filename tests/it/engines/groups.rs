//! The tenant's groups: one reading or the other, never a mixture, and never an older one.

use super::samples::{NOW, SECOND, enterprise_id, later, teams_user_id};
use futures::future::join_all;
use shared::domain::group_filter::{Banned, Group, GroupKind, GroupList};
use shared::io::store::Store;

super::cases!(
    groups_are_replaced_by_those_just_read,
    an_older_reading_does_not_replace_a_later_one,
    the_same_groups_are_not_written_again,
    many_groups_come_back_whole_and_sorted,
    readings_at_once_leave_the_last_one_whole,
    forgotten_groups_can_be_read_anew,
);

fn group(n: u8, name: &str, banned: Option<Banned>) -> Group {
    Group {
        id: teams_user_id(n).as_str().parse().unwrap(),
        name: name.into(),
        kind: GroupKind::Dynamic,
        banned,
        paused: n.is_multiple_of(2),
        members: n.is_multiple_of(3).then_some(u64::from(n)),
    }
}

async fn kept(store: &Store) -> GroupList {
    store.group_list(&enterprise_id(1)).await.unwrap()
}

async fn groups_are_replaced_by_those_just_read(store: Store) {
    let enterprise = enterprise_id(1);
    let first = [
        group(1, "billing", None),
        group(2, "Äccounting", None),
        group(3, "All Users", Some(Banned::AllUsers)),
    ];
    assert_eq!(kept(&store).await, GroupList::default());
    assert!(store.put_groups(&enterprise, &first, NOW).await.unwrap());
    let [billing, accounting, all] = first;
    let expected = GroupList {
        read_at: Some(NOW),
        groups: vec![accounting.clone(), all, billing],
    };
    assert_eq!(kept(&store).await, expected);
    let renamed = group(1, "Invoices", None);
    let second = [renamed.clone(), accounting.clone()];
    assert!(store.put_groups(&enterprise, &second, later(SECOND)).await.unwrap());
    assert_eq!(store.groups(&enterprise).await.unwrap(), [accounting, renamed]);
    assert_eq!(store.groups(&enterprise_id(2)).await.unwrap(), []);
}

async fn an_older_reading_does_not_replace_a_later_one(store: Store) {
    let enterprise = enterprise_id(1);
    let newer = [group(1, "As it is now", None)];
    assert!(store.put_groups(&enterprise, &newer, later(SECOND)).await.unwrap());
    let older = [group(1, "As it was", None), group(2, "Gone since", None)];
    assert!(!store.put_groups(&enterprise, &older, NOW).await.unwrap());
    assert_eq!(kept(&store).await.groups, newer);
    assert_eq!(kept(&store).await.read_at, Some(later(SECOND)));
}

async fn the_same_groups_are_not_written_again(store: Store) {
    let enterprise = enterprise_id(1);
    let groups = [group(1, "Billing", None), group(2, "Sales", None)];
    store.put_groups(&enterprise, &groups, NOW).await.unwrap();
    let [billing, sales] = groups;
    let again = [sales, billing];
    assert!(store.put_groups(&enterprise, &again, later(SECOND)).await.unwrap());
    assert_eq!(kept(&store).await.read_at, Some(later(SECOND)));
    assert_eq!(kept(&store).await.groups.len(), 2);
    assert!(!store.put_groups(&enterprise, &again, NOW).await.unwrap());
}

async fn many_groups_come_back_whole_and_sorted(store: Store) {
    let enterprise = enterprise_id(1);
    let many: Vec<Group> = (0..6_000_u128)
        .map(|n| Group {
            id: shared::domain::ids::GroupId::from_bytes(n.to_be_bytes()),
            name: format!("Group {:05} {}", 6_000 - n, "ü".repeat(60)),
            ..group(1, "", None)
        })
        .collect();
    store.put_groups(&enterprise, &many, NOW).await.unwrap();
    let mut expected = many;
    expected.reverse();
    assert_eq!(kept(&store).await.groups, expected);
    // Fewer afterwards: nothing of the many is left.
    store
        .put_groups(&enterprise, &expected[..1], later(SECOND))
        .await
        .unwrap();
    assert_eq!(kept(&store).await.groups, &expected[..1]);
}

async fn readings_at_once_leave_the_last_one_whole(store: Store) {
    let enterprise = enterprise_id(1);
    let reading = |n: u8| {
        let groups: Vec<Group> = (0..=n).map(|g| group(g, &format!("Read {n}"), None)).collect();
        let (store, enterprise) = (store.clone(), enterprise.clone());
        async move {
            let at = later(SECOND * i32::from(n));
            store.put_groups(&enterprise, &groups, at).await.unwrap();
            // Whoever looks sees one reading, whole.
            let seen = store.group_list(&enterprise).await.unwrap();
            let name = seen.groups[0].name.clone();
            assert_eq!(name, format!("Read {}", seen.groups.len() - 1));
            assert!(seen.groups.iter().all(|group| group.name == name), "{seen:?}");
        }
    };
    join_all((0..12).map(reading)).await;
    let last = kept(&store).await;
    assert_eq!((last.groups.len(), last.read_at), (12, Some(later(SECOND * 11))));
}

async fn forgotten_groups_can_be_read_anew(store: Store) {
    let enterprise = enterprise_id(1);
    store
        .put_groups(&enterprise, &[group(1, "Of the old tenant", None)], later(SECOND))
        .await
        .unwrap();
    store.forget_groups(&enterprise).await.unwrap();
    store.forget_groups(&enterprise).await.unwrap();
    assert_eq!(kept(&store).await, GroupList::default());
    let new = [group(2, "Of the new one", None)];
    assert!(store.put_groups(&enterprise, &new, NOW).await.unwrap());
    assert_eq!(kept(&store).await.groups, new);
}
