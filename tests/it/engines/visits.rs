//! Invitations, links, sign-ins under way, and browsers between two pages.

use super::samples::{
    NOW, SECOND, at_once, created, enterprise_id, entry, invitation, invitation_id, later, once, run_id,
};
use jiff::SignedDuration;
use shared::Error;
use shared::domain::caller::Origin;
use shared::domain::enterprise::Enterprise;
use shared::domain::invitation::{InvitationState, LIFE};
use shared::domain::visit::{Link, Purpose, SIGN_IN_LIFE, Session, Stage};
use shared::io::store::Store;
use shared::io::store::visits::{SESSION_LIFE, SignInItem};

super::cases!(
    a_new_invitation_kills_the_old_link,
    a_link_ends_at_its_time,
    an_invitation_only_goes_forward,
    wrong_codes_are_counted_to_the_limit,
    the_right_code_forgives_the_wrong_ones,
    a_revoked_invitation_stays_revoked,
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

async fn state(store: &Store) -> InvitationState {
    let invitation = store.invitation(&enterprise_id(1), &invitation_id(1)).await;
    invitation.unwrap().state
}

async fn note(store: &Store, from: &[InvitationState], to: InvitationState) -> bool {
    let noted = store
        .note_invitation(&enterprise_id(1), &invitation_id(1), from, to)
        .await;
    noted.unwrap()
}

async fn an_invitation_only_goes_forward(store: Store) {
    created(&store, 1).await;
    assert!(note(&store, &[InvitationState::Queued], InvitationState::Sent).await);
    assert!(!note(&store, &[InvitationState::Queued], InvitationState::Sent).await);
    let either = [InvitationState::Queued, InvitationState::Sent];
    assert!(note(&store, &either, InvitationState::Opened).await);
    assert!(!note(&store, &either, InvitationState::Sent).await);
    assert_eq!(state(&store).await, InvitationState::Opened);
    // What does not exist does not move.
    let stranger = store
        .note_invitation(&enterprise_id(9), &invitation_id(9), &either, InvitationState::Sent)
        .await;
    assert!(!stranger.unwrap());
    let none = store.invitation(&enterprise_id(9), &invitation_id(9)).await;
    assert!(matches!(none, Err(Error::NotFound(_))), "{none:?}");
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

async fn the_right_code_forgives_the_wrong_ones(store: Store) {
    created(&store, 1).await;
    assert!(
        store
            .count_wrong_code(&enterprise_id(1), &invitation_id(1), 5)
            .await
            .unwrap()
    );
    store.forgive_code(&enterprise_id(1), &invitation_id(1)).await.unwrap();
    assert_eq!(
        (wrong_codes(&store).await, state(&store).await),
        (0, InvitationState::Opened)
    );
}

async fn a_revoked_invitation_stays_revoked(store: Store) {
    created(&store, 1).await;
    assert!(note(&store, &[InvitationState::Queued], InvitationState::Revoked).await);
    store.forgive_code(&enterprise_id(1), &invitation_id(1)).await.unwrap();
    assert_eq!(state(&store).await, InvitationState::Revoked);
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
    let takers = at_once(32, |_| {
        let store = store.clone();
        async move { store.take_sign_in("state", NOW).await }
    });
    // Who is told to come back later has not taken it.
    let taken: Vec<_> = takers
        .await
        .into_iter()
        .filter_map(|taken| taken.ok().flatten())
        .collect();
    assert_eq!(taken, [sign_in()]);
    assert_eq!(store.take_sign_in("state", NOW).await.unwrap(), None);
    assert_eq!(store.take_sign_in("never begun", NOW).await.unwrap(), None);
}

async fn a_sign_in_ends_by_itself(store: Store) {
    store.begin_sign_in("state", &sign_in(), NOW).await.unwrap();
    assert_eq!(store.take_sign_in("state", later(SIGN_IN_LIFE)).await.unwrap(), None);
    let in_time = store.take_sign_in("state", later(SIGN_IN_LIFE - SECOND)).await;
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
