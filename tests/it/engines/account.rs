//! Mappings and ownership under the account's version; voice users are in `voice_users`.

use super::samples::{at_once, created, enterprise, enterprise_id, entry, teams_user_id, voice_user_id};
use shared::Error;
use shared::domain::mapping::Mapping;
use shared::io::store::Store;
use shared::io::store::account::{AccountChange, ROWS_PER_SAVE};

super::cases!(
    a_change_of_an_account_is_made_as_a_whole,
    a_change_of_an_old_account_is_refused_as_a_whole,
    of_many_changes_at_once_one_is_made,
    the_largest_save_fits,
    accounts_do_not_see_each_other,
);

fn row(n: usize) -> Mapping {
    Mapping {
        voice_user: voice_user_id(n),
        teams_user: teams_user_id(u8::try_from(n).unwrap()),
        order: n as u64,
    }
}

/// Mappings by the number of the voice user.
fn adding(numbers: &[usize]) -> AccountChange {
    AccountChange {
        put: numbers.iter().map(|n| row(*n)).collect(),
        next_order: 10,
        ..AccountChange::default()
    }
}

/// The voice users of the mappings.
async fn numbers(store: &Store) -> Vec<String> {
    let account = store.account(&enterprise_id(1)).await.unwrap();
    account.rows.keys().map(ToString::to_string).collect()
}

async fn a_change_of_an_account_is_made_as_a_whole(store: Store) {
    let enterprise = created(&store, 1).await;
    let empty = store.account(&enterprise.id).await.unwrap();
    assert_eq!((empty.version, empty.next_order, empty.rows.len()), (0, 0, 0));
    assert_eq!(
        store
            .change_account(&enterprise, &adding(&[1, 2, 3]), 0, None)
            .await
            .unwrap(),
        1
    );
    let account = store.account(&enterprise.id).await.unwrap();
    assert_eq!((account.version, account.next_order), (1, 10));
    assert_eq!(account.rows[&voice_user_id(2)], row(2));
    let leaving = AccountChange {
        delete: vec![voice_user_id(1), voice_user_id(2)],
        put: vec![row(4)],
        next_order: 11,
    };
    assert_eq!(store.change_account(&enterprise, &leaving, 1, None).await.unwrap(), 2);
    assert_eq!(numbers(&store).await, ["v0003", "v0004"]);
}

async fn a_change_of_an_old_account_is_refused_as_a_whole(store: Store) {
    let enterprise = created(&store, 1).await;
    store.change_account(&enterprise, &adding(&[1]), 0, None).await.unwrap();
    let before = numbers(&store).await;
    for seen in [0, 2] {
        let mut late = adding(&[2, 3]);
        late.delete = vec![voice_user_id(1)];
        let refused = store.change_account(&enterprise, &late, seen, None).await;
        assert!(matches!(refused, Err(Error::Stale(_))), "{refused:?}");
    }
    assert_eq!(numbers(&store).await, before);
}

async fn of_many_changes_at_once_one_is_made(store: Store) {
    created(&store, 1).await;
    let changes = at_once(16, |n| {
        let store = store.clone();
        async move {
            (
                n,
                store
                    .change_account(&enterprise(1), &adding(&[n, n + 100]), 0, None)
                    .await,
            )
        }
    });
    let made: Vec<usize> = changes
        .await
        .into_iter()
        .filter_map(|(n, made)| made.is_ok().then_some(n))
        .collect();
    let [winner] = made[..] else {
        panic!("made: {made:?}");
    };
    let rows = vec![
        voice_user_id(winner).to_string(),
        voice_user_id(winner + 100).to_string(),
    ];
    assert_eq!(numbers(&store).await, rows);
    assert_eq!(store.account(&enterprise_id(1)).await.unwrap().version, 1);
}

async fn the_largest_save_fits(store: Store) {
    let enterprise = created(&store, 1).await;
    let all: Vec<usize> = (0..ROWS_PER_SAVE).collect();
    let change = adding(&all);
    assert_eq!(change.len(), ROWS_PER_SAVE);
    store
        .change_account(&enterprise, &change, 0, Some(&entry()))
        .await
        .unwrap();
    let account = store.account(&enterprise_id(1)).await.unwrap();
    assert_eq!(account.rows.len(), ROWS_PER_SAVE);
}

async fn accounts_do_not_see_each_other(store: Store) {
    let first = created(&store, 1).await;
    store.change_account(&first, &adding(&[1]), 0, None).await.unwrap();
    let other = store.account(&enterprise_id(2)).await.unwrap();
    assert_eq!((other.version, other.rows.len()), (0, 0));
}
