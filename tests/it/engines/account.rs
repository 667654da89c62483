//! Voice users, mappings and ownership under one version.

use super::samples::{
    at_once, created, enterprise, enterprise_id, entry, keep_voice_users, teams_user_id, voice_user_id,
};
use shared::Error;
use shared::domain::enterprise::Enterprise;
use shared::domain::ids::RunId;
use shared::domain::mapping::Mapping;
use shared::domain::voice::{CallHandling, VoiceUser};
use shared::io::store::Store;
use shared::io::store::account::{ACCOUNT_MOVED, Matched};
use shared::io::store::mapping::SavedMapping;
use shared::io::store::voice_users::VoiceUsers;

super::cases!(
    a_change_of_an_account_is_made_as_a_whole,
    a_change_of_an_old_account_is_refused_as_a_whole,
    of_many_changes_at_once_one_is_made,
    a_save_of_thousands_is_one,
    rows_of_a_run_are_known_as_its_own,
    accounts_do_not_see_each_other,
);

fn voice(n: usize) -> VoiceUser {
    VoiceUser {
        id: voice_user_id(n),
        name: format!("Voice User {n}"),
        email: n
            .is_multiple_of(2)
            .then(|| format!("user{n}@voice.example").parse().unwrap()),
        number: Some(format!("+3227001{n:03}").parse().unwrap()),
        extension: n.is_multiple_of(3).then(|| format!("{}", 1000 + n).parse().unwrap()),
        call_handling: CallHandling::NoVoicemail,
        country: None,
        music_on_hold: None,
        match_by_mail: false,
    }
}

fn row(n: usize) -> Mapping {
    Mapping {
        voice_user: voice_user_id(n),
        teams_user: teams_user_id(u8::try_from(n).unwrap()),
        order: n as u64,
        by_mail: false,
    }
}

/// Adds voice users by number.
async fn add(store: &Store, kept: &Enterprise, numbers: &[usize], seen: u64) -> shared::Result<u64> {
    let added = |users: &mut VoiceUsers| users.extend(numbers.iter().map(|n| (voice_user_id(*n), voice(*n))));
    keep_voice_users(store, kept, added, seen, &entry()).await
}

/// The mapping that maps exactly these.
fn mapping(numbers: impl IntoIterator<Item = usize>) -> SavedMapping {
    SavedMapping {
        rows: numbers.into_iter().map(|n| (voice_user_id(n), row(n))).collect(),
        next_order: 10,
        ..SavedMapping::default()
    }
}

/// The numbers of the mappings and of the voice users.
async fn numbers(store: &Store) -> (Vec<String>, Vec<String>) {
    let account = store.account(&enterprise_id(1)).await.unwrap();
    let rows = account.rows.keys().map(ToString::to_string).collect();
    (rows, account.voice_users.keys().map(ToString::to_string).collect())
}

async fn a_change_of_an_account_is_made_as_a_whole(store: Store) {
    let enterprise = created(&store, 1).await;
    let empty = store.account(&enterprise.id).await.unwrap();
    assert_eq!((empty.version, empty.next_order, empty.rows.len()), (0, 0, 0));
    let added = add(&store, &enterprise, &[1, 2, 3], 0).await;
    assert_eq!(added.unwrap(), 1);
    let account = store.account(&enterprise.id).await.unwrap();
    assert_eq!(account.voice_users[&voice_user_id(3)], voice(3));
    let saved = store
        .save_mapping(&enterprise, &account, &mapping([1, 2, 3]), &entry())
        .await;
    assert_eq!(saved.unwrap(), (2, 1));
    let account = store.account(&enterprise.id).await.unwrap();
    assert_eq!((account.version, account.saved, account.next_order), (2, 1, 10));
    assert_eq!(account.rows[&voice_user_id(2)], row(2));
    let saved = store
        .save_mapping(&enterprise, &account, &mapping([3, 4]), &entry())
        .await;
    assert_eq!(saved.unwrap(), (3, 2));
    let leaving = |users: &mut VoiceUsers| drop(users.remove(&voice_user_id(1)));
    let left = keep_voice_users(&store, &enterprise, leaving, 3, &entry()).await;
    assert_eq!(left.unwrap(), 4);
    assert_eq!(
        numbers(&store).await,
        (
            vec!["v0003".into(), "v0004".into()],
            vec!["v0002".into(), "v0003".into()]
        )
    );
    // Voice users come and go without making a save stale.
    let account = store.account(&enterprise.id).await.unwrap();
    assert_eq!((account.version, account.saved, account.next_order), (4, 2, 10));
}

async fn a_change_of_an_old_account_is_refused_as_a_whole(store: Store) {
    let enterprise = created(&store, 1).await;
    add(&store, &enterprise, &[1], 0).await.unwrap();
    let now = store.account(&enterprise.id).await.unwrap();
    store
        .save_mapping(&enterprise, &now, &mapping([1]), &entry())
        .await
        .unwrap();
    let before = numbers(&store).await;
    for seen in [0, 1, 3] {
        let refused = add(&store, &enterprise, &[2, 3], seen).await;
        assert!(matches!(refused, Err(Error::Stale(ACCOUNT_MOVED))), "{refused:?}");
    }
    let refused = store.save_mapping(&enterprise, &now, &mapping([2, 3]), &entry()).await;
    assert!(matches!(refused, Err(Error::Stale(ACCOUNT_MOVED))), "{refused:?}");
    assert_eq!(numbers(&store).await, before);
}

async fn of_many_changes_at_once_one_is_made(store: Store) {
    let kept = created(&store, 1).await;
    let empty = store.account(&kept.id).await.unwrap();
    let changes = at_once(16, |n| {
        let (store, empty) = (store.clone(), empty.clone());
        async move {
            if n.is_multiple_of(2) {
                let saved = store
                    .save_mapping(&enterprise(1), &empty, &mapping([n, n + 100]), &entry())
                    .await;
                (n, saved.is_ok())
            } else {
                (n, add(&store, &enterprise(1), &[n, n + 100], 0).await.is_ok())
            }
        }
    });
    let made: Vec<usize> = changes
        .await
        .into_iter()
        .filter_map(|(n, made)| made.then_some(n))
        .collect();
    let [winner] = made[..] else {
        panic!("made: {made:?}");
    };
    let two: Vec<String> = [winner, winner + 100].map(|n| voice_user_id(n).to_string()).into();
    let expected = if winner.is_multiple_of(2) {
        (two, Vec::new())
    } else {
        (Vec::new(), two)
    };
    assert_eq!(numbers(&store).await, expected);
    assert_eq!(store.account(&enterprise_id(1)).await.unwrap().version, 1);
}

/// A transaction takes 100 items; a save takes any number of rows.
async fn a_save_of_thousands_is_one(store: Store) {
    const ROWS: usize = 5_000;
    let enterprise = created(&store, 1).await;
    let wide = |n: usize| Mapping {
        voice_user: format!("v{n:05}").parse().unwrap(),
        teams_user: format!("2c0b6a1e-1111-4a11-9a11-{n:012x}").parse().unwrap(),
        order: n as u64,
        by_mail: n.is_multiple_of(7),
    };
    let all = |step: usize| SavedMapping {
        rows: (0..ROWS)
            .step_by(step)
            .map(wide)
            .map(|row| (row.voice_user.clone(), row))
            .collect(),
        next_order: ROWS as u64,
        set_to_none: [format!("v{step}").parse().unwrap()].into(),
        matched: None,
    };
    for step in [1, 2, 5_000, 1] {
        let before = store.account(&enterprise.id).await.unwrap();
        store
            .save_mapping(&enterprise, &before, &all(step), &entry())
            .await
            .unwrap();
        let after = store.account(&enterprise.id).await.unwrap();
        assert_eq!(
            (after.rows, after.set_to_none),
            (all(step).rows, all(step).set_to_none),
            "{step}"
        );
    }
}

async fn rows_of_a_run_are_known_as_its_own(store: Store) {
    let enterprise = created(&store, 1).await;
    let run: RunId = "run_01arz3ndektsv4rrffq69g5fav".parse().unwrap();
    let mut rows = mapping([1, 2, 3]);
    for n in [2, 3] {
        rows.rows.get_mut(&voice_user_id(n)).unwrap().by_mail = true;
    }
    let matched = Matched {
        run: run.clone(),
        from: 3,
    };
    rows.matched = Some(matched.clone());
    let empty = store.account(&enterprise.id).await.unwrap();
    store.save_mapping(&enterprise, &empty, &rows, &entry()).await.unwrap();
    let account = store.account(&enterprise.id).await.unwrap();
    assert_eq!(account.matched, Some(matched));
    // The second one was matched by a run before, the first one by a person.
    let third = teams_user_id(3);
    assert_eq!(account.matched_in(&run), [&third].into());
    assert!(
        account
            .matched_in(&"run_01arz3ndektsv4rrffq69g5faw".parse().unwrap())
            .is_empty()
    );
}

async fn accounts_do_not_see_each_other(store: Store) {
    let first = created(&store, 1).await;
    add(&store, &first, &[1], 0).await.unwrap();
    let other = store.account(&enterprise_id(2)).await.unwrap();
    assert_eq!((other.version, other.rows.len(), other.voice_users.len()), (0, 0, 0));
}
