//! Invitations, links, sign-ins under way, and browsers between two pages.

use super::samples::{
    NOW, SECOND, at_once, created, enterprise_id, entry, invitation, invitation_id, later, once, run_id,
};
use jiff::SignedDuration;
use shared::Error;
use shared::domain::caller::Origin;
use shared::domain::enterprise::Enterprise;
use shared::domain::invitation::{ATTEMPTS, Invitation, InvitationState, LIFE, Noted, Trouble};
use shared::domain::visit::{Link, Purpose, SIGN_IN_LIFE, Session, Stage};
use shared::io::store::Store;
use shared::io::store::guesses::Guesses;
use shared::io::store::visits::{SESSION_LIFE, SignInItem};

super::cases!(
    a_new_invitation_kills_the_old_link,
    a_link_ends_at_its_time,
    an_invitation_only_goes_forward,
    reports_count_once_in_any_order,
    an_invitation_without_times_is_read,
    wrong_codes_are_counted_to_the_limit,
    the_last_wrong_code_locks,
    the_right_code_forgives_the_wrong_ones,
    a_revoked_invitation_stays_revoked,
    guesses_of_a_client_are_counted_for_a_while,
    guesses_at_once_are_not_more_than_the_limit,
    a_sign_in_is_taken_once,
    a_sign_in_ends_by_itself,
    a_session_is_kept_for_a_while,
);

async fn a_new_invitation_kills_the_old_link(store: Store) {
    let first = created(&store, 1).await;
    let old = invitation(1);
    let leads = |n| {
        Some(Link::Invitation {
            enterprise: enterprise_id(1),
            invitation: invitation_id(n),
            return_to: None,
        })
    };
    assert_eq!(store.link(&old.link_hash, NOW).await.unwrap(), leads(1));
    let new = invitation(2);
    let kept = Enterprise {
        invitation: Some(new.id.clone()),
        version: 2,
        ..first.clone()
    };
    store
        .replace_invitation(&kept, 1, Some(&old), Some(&new), &entry(), &[])
        .await
        .unwrap();
    assert_eq!(store.link(&old.link_hash, NOW).await.unwrap(), None);
    assert_eq!(store.link(&new.link_hash, NOW).await.unwrap(), leads(2));
    assert_eq!(
        store.invitation(&first.id, &old.id).await.unwrap().state,
        InvitationState::Revoked
    );
    assert_eq!(store.enterprise(&first.id).await.unwrap(), kept);
    let third = invitation(3);
    let late = store
        .replace_invitation(&kept, 1, Some(&new), Some(&third), &entry(), &[])
        .await;
    assert!(matches!(late, Err(Error::Stale(_))), "{late:?}");
    assert_eq!(store.link(&new.link_hash, NOW).await.unwrap(), leads(2));
    assert_eq!(store.link(&third.link_hash, NOW).await.unwrap(), None);
}

async fn a_link_ends_at_its_time(store: Store) {
    created(&store, 1).await;
    let hash = invitation(1).link_hash;
    assert!(store.link(&hash, later(LIFE - SECOND)).await.unwrap().is_some());
    assert_eq!(store.link(&hash, later(LIFE)).await.unwrap(), None);
    let to = Link::Run {
        enterprise: enterprise_id(1),
        run: run_id(1),
        return_to: None,
    };
    let (enterprise, entry, once) = (enterprise_id(1), entry(), once("link"));
    let given = store.give_link(&enterprise, "run", to.clone(), later(SECOND), &entry, &once);
    assert_eq!(given.await.unwrap(), later(SECOND));
    assert_eq!(store.link("run", NOW).await.unwrap(), Some(to));
    assert_eq!(store.link("run", later(SECOND)).await.unwrap(), None);
    assert_eq!(store.link("nowhere", NOW).await.unwrap(), None);
}

async fn read(store: &Store) -> Invitation {
    store.invitation(&enterprise_id(1), &invitation_id(1)).await.unwrap()
}

async fn state(store: &Store) -> InvitationState {
    read(store).await.state
}

async fn note(store: &Store, to: InvitationState, seconds: i64) -> Noted {
    let at = later(SignedDuration::from_secs(seconds));
    let noted = store
        .note_invitation(&enterprise_id(1), &invitation_id(1), to, at, None)
        .await;
    noted.unwrap()
}

async fn an_invitation_only_goes_forward(store: Store) {
    use InvitationState::{Delivered, Opened, Queued, Sent};
    created(&store, 1).await;
    assert_eq!(note(&store, Sent, 1).await, Noted::Moved);
    assert_eq!(note(&store, Sent, 2).await, Noted::Late);
    assert_eq!(note(&store, Opened, 3).await, Noted::Moved);
    assert_eq!(note(&store, Delivered, 4).await, Noted::Late);
    assert_eq!(note(&store, Sent, 5).await, Noted::Late);
    let invitation = read(&store).await;
    assert_eq!(invitation.state, Opened);
    let times: Vec<_> = invitation.reached.into_iter().collect();
    let at = |seconds| later(SignedDuration::from_secs(seconds));
    assert_eq!(
        times,
        [(Queued, NOW), (Sent, at(1)), (Delivered, at(4)), (Opened, at(3))]
    );
    // What does not exist does not move.
    let stranger = store
        .note_invitation(&enterprise_id(9), &invitation_id(9), Sent, NOW, None)
        .await;
    assert_eq!(stranger.unwrap(), Noted::Unknown);
    let none = store.invitation(&enterprise_id(9), &invitation_id(9)).await;
    assert!(matches!(none, Err(Error::NotFound(_))), "{none:?}");
}

async fn reports_count_once_in_any_order(store: Store) {
    use InvitationState::{Bounced, Delivered, Sent};
    created(&store, 1).await;
    let bounced = async || {
        let (enterprise, invitation, trouble) = (enterprise_id(1), invitation_id(1), Some(Trouble::Bounce));
        let noted = store.note_invitation(&enterprise, &invitation, Bounced, later(SECOND * 3), trouble);
        noted.await.unwrap()
    };
    assert_eq!(bounced().await, Noted::Moved);
    let once = read(&store).await;
    assert_eq!((once.state, once.trouble), (Bounced, Some(Trouble::Bounce)));
    assert_eq!(bounced().await, Noted::Late);
    assert_eq!(read(&store).await, once);
    for (state, seconds) in [(Delivered, 2), (Sent, 1), (Delivered, 2)] {
        assert_eq!(note(&store, state, seconds).await, Noted::Late);
    }
    let all = read(&store).await;
    assert_eq!((all.state, all.trouble), (Bounced, Some(Trouble::Bounce)));
    assert_eq!(all.reached.len(), 4);
    assert!(all.reached.values().is_sorted(), "{all:?}");
}

/// Invitations of before times were noted.
async fn an_invitation_without_times_is_read(store: Store) {
    created(&store, 1).await;
    let invitation = read(&store).await;
    assert_eq!(
        invitation.reached,
        [(InvitationState::Queued, invitation.created)].into()
    );
    assert_eq!(invitation.trouble, None);
}

async fn wrong_codes(store: &Store) -> u32 {
    let invitation = store.invitation(&enterprise_id(1), &invitation_id(1)).await;
    invitation.unwrap().wrong_codes
}

async fn wrong_codes_are_counted_to_the_limit(store: Store) {
    created(&store, 1).await;
    let counted = at_once(16, |_| {
        let store = store.clone();
        async move { store.count_wrong_code(&enterprise_id(1), &invitation_id(1), 5).await }
    });
    let counted = counted
        .await
        .into_iter()
        .filter(|counted| matches!(counted, Ok(true)))
        .count();
    assert_eq!(counted as u32, wrong_codes(&store).await);
    assert!(counted <= 5, "{counted}");
    for _ in counted..5 {
        assert!(
            store
                .count_wrong_code(&enterprise_id(1), &invitation_id(1), 5)
                .await
                .unwrap()
        );
    }
    assert!(
        !store
            .count_wrong_code(&enterprise_id(1), &invitation_id(1), 5)
            .await
            .unwrap()
    );
    assert_eq!(wrong_codes(&store).await, 5);
}

async fn the_last_wrong_code_locks(store: Store) {
    created(&store, 1).await;
    let (enterprise, id) = (enterprise_id(1), invitation_id(1));
    let lock = async || store.lock_invitation(&enterprise, &id, later(SECOND)).await.unwrap();
    for _ in 0..ATTEMPTS {
        assert!(!lock().await);
        assert!(store.count_wrong_code(&enterprise, &id, ATTEMPTS).await.unwrap());
    }
    assert!(lock().await);
    assert!(!lock().await, "once");
    let locked = read(&store).await;
    assert_eq!(locked.state, InvitationState::Locked);
    assert_eq!(locked.reached[&InvitationState::Locked], later(SECOND));
    assert!(!store.forgive_code(&enterprise, &id, NOW).await.unwrap());
    assert_eq!(state(&store).await, InvitationState::Locked);
}

async fn the_right_code_forgives_the_wrong_ones(store: Store) {
    created(&store, 1).await;
    assert!(
        store
            .count_wrong_code(&enterprise_id(1), &invitation_id(1), 5)
            .await
            .unwrap()
    );
    let forgive = async || {
        let forgiven = store.forgive_code(&enterprise_id(1), &invitation_id(1), NOW).await;
        forgiven.unwrap()
    };
    assert!(forgive().await);
    assert!(forgive().await, "a person may come again");
    assert_eq!(
        (wrong_codes(&store).await, state(&store).await),
        (0, InvitationState::Opened)
    );
}

async fn a_revoked_invitation_stays_revoked(store: Store) {
    created(&store, 1).await;
    assert_eq!(note(&store, InvitationState::Revoked, 1).await, Noted::Moved);
    let forgiven = store.forgive_code(&enterprise_id(1), &invitation_id(1), NOW).await;
    assert!(!forgiven.unwrap());
    assert_eq!(note(&store, InvitationState::Delivered, 2).await, Noted::Late);
    assert_eq!(state(&store).await, InvitationState::Revoked);
}

const HOUR: SignedDuration = SignedDuration::from_hours(1);

async fn guesses_of_a_client_are_counted_for_a_while(store: Store) {
    let count = async |client: &str, now| store.count_guess(client, 3, HOUR, now).await.unwrap();
    for _ in 0..3 {
        assert!(matches!(count("a", NOW).await, Guesses::Counted(_)));
    }
    let Guesses::Spent(wait) = count("a", later(SECOND)).await else {
        panic!("a fourth try is counted");
    };
    assert_eq!(wait, HOUR - SECOND);
    // Another client has its own.
    let Guesses::Counted(first) = count("b", NOW).await else {
        panic!("another client is limited");
    };
    for _ in 0..2 {
        assert!(matches!(count("b", NOW).await, Guesses::Counted(_)));
    }
    store.forgive_guess(first).await.unwrap();
    assert!(
        matches!(count("b", NOW).await, Guesses::Counted(_)),
        "one was taken back"
    );
    assert!(matches!(count("b", NOW).await, Guesses::Spent(_)));
    // The hour is over for both, and what is taken back later is not taken from the next hour.
    let Guesses::Counted(old) = count("c", NOW).await else {
        panic!("another client is limited");
    };
    for client in ["a", "b", "c"] {
        for _ in 0..3 {
            assert!(matches!(count(client, later(HOUR)).await, Guesses::Counted(_)));
        }
    }
    store.forgive_guess(old).await.unwrap();
    assert!(matches!(count("c", later(HOUR)).await, Guesses::Spent(_)));
}

async fn guesses_at_once_are_not_more_than_the_limit(store: Store) {
    let tried = at_once(24, |_| {
        let store = store.clone();
        async move { store.count_guess("a", 5, HOUR, NOW).await }
    });
    let counted = tried
        .await
        .into_iter()
        .filter(|guess| matches!(guess, Ok(Guesses::Counted(_))))
        .count();
    assert!((1..=5).contains(&counted), "{counted}");
}

fn sign_in() -> SignInItem {
    SignInItem {
        application: "0b7d3c52-6f0e-4c1d-9a51-2d7e4f8a9c10".parse().unwrap(),
        enterprise: enterprise_id(1),
        appointment: 1,
        return_to: None,
        purpose: Purpose::Sync { run: run_id(1) },
        browser: "browser".into(),
        bound: None,
    }
}

async fn a_sign_in_is_taken_once(store: Store) {
    store.begin_sign_in("state", &sign_in(), NOW).await.unwrap();
    let elsewhere = store.take_sign_in("state", "another browser", NOW).await;
    assert_eq!(elsewhere.unwrap(), None);
    let takers = at_once(32, |_| {
        let store = store.clone();
        async move { store.take_sign_in("state", "browser", NOW).await }
    });
    // Who is told to come back later has not taken it.
    let taken: Vec<_> = takers
        .await
        .into_iter()
        .filter_map(|taken| taken.ok().flatten())
        .collect();
    assert_eq!(taken, [sign_in()]);
    assert_eq!(store.take_sign_in("state", "browser", NOW).await.unwrap(), None);
    assert_eq!(store.take_sign_in("never begun", "browser", NOW).await.unwrap(), None);
}

async fn a_sign_in_ends_by_itself(store: Store) {
    store.begin_sign_in("state", &sign_in(), NOW).await.unwrap();
    assert_eq!(
        store
            .take_sign_in("state", "browser", later(SIGN_IN_LIFE))
            .await
            .unwrap(),
        None
    );
    let in_time = store
        .take_sign_in("state", "browser", later(SIGN_IN_LIFE - SECOND))
        .await;
    assert_eq!(in_time.unwrap(), Some(sign_in()));
}

async fn a_session_is_kept_for_a_while(store: Store) {
    let session = |stage| Session {
        enterprise: enterprise_id(1),
        appointment: 1,
        return_to: None,
        stage,
        origin: Origin::default(),
    };
    let asked = session(Stage::SecondConsent { again: true });
    store.put_session("cookie", &asked, NOW).await.unwrap();
    assert_eq!(store.session("cookie", NOW).await.unwrap(), Some(asked));
    let half = SignedDuration::from_mins(15);
    store
        .put_session("cookie", &session(Stage::Complete), later(half))
        .await
        .unwrap();
    let ends = later(half + SESSION_LIFE);
    assert_eq!(
        store.session("cookie", ends - SECOND).await.unwrap(),
        Some(session(Stage::Complete))
    );
    assert_eq!(store.session("cookie", ends).await.unwrap(), None);
    store.end_session("cookie").await.unwrap();
    assert_eq!(store.session("cookie", NOW).await.unwrap(), None);
}
