//! Mails that wait: written with their cause, taken once, waiting again after a refusal.

use super::samples::{NOW, at_once, created, enterprise_id, entry, invitation, next};
use shared::Error;
use shared::domain::ids::MailId;
use shared::domain::letter::{Letter, Outgoing, Posted};
use shared::io::store::Store;
use shared::io::store::keys::{PENDING_SHARDS, mail_shard, pending_shard, shard};

super::cases!(
    a_mail_waits_with_its_cause_and_not_without,
    a_mail_comes_back_as_it_went,
    of_many_takers_one_sends,
    a_refused_mail_waits_again_and_a_sent_one_does_not,
    the_newest_mails_come_first,
    mails_and_reminders_wait_apart,
);

fn mail(n: u8, to: u8) -> Outgoing {
    Outgoing {
        id: MailId::mint(NOW, u128::from(n)),
        enterprise: enterprise_id(to),
        to: "admin@bluefinch.example".parse().unwrap(),
        recipient: "Mara Quist".into(),
        letter: Letter::LicencesChanged {
            previous: Some(150),
            updated: None,
            unlicensed: 3,
        },
    }
}

/// All that wait, of all shards.
async fn waiting(store: &Store) -> Vec<MailId> {
    let mut found = Vec::new();
    for number in 0..PENDING_SHARDS {
        let mails = store.waiting_mails(number).await.unwrap();
        for mail in &mails {
            assert_eq!(mail_shard(&mail.enterprise), shard(number).replace("PENDING", "MAIL"));
        }
        found.extend(mails.into_iter().map(|mail| mail.id));
    }
    found
}

/// Enterprise 1 with these mails.
async fn queued(store: &Store, mails: &[Outgoing]) {
    let kept = created(store, 1).await;
    store.update_enterprise(&next(&kept), 1, &entry(), mails).await.unwrap();
}

async fn a_mail_waits_with_its_cause_and_not_without(store: Store) {
    queued(&store, &[mail(1, 1)]).await;
    let old = super::samples::enterprise(1);
    let stale = store.update_enterprise(&next(&old), 1, &entry(), &[mail(2, 1)]).await;
    assert!(matches!(stale, Err(Error::Stale(_))), "{stale:?}");
    let (third, fourth) = ([mail(3, 1)], [mail(4, 1)]);
    let stale = store
        .replace_invitation(&next(&old), 1, None, Some(&invitation(9)), &entry(), &third)
        .await;
    assert!(stale.is_err());
    assert!(
        store
            .remove_enterprise(&next(&old), 1, None, &entry(), &fourth)
            .await
            .is_err()
    );
    assert_eq!(waiting(&store).await, [mail(1, 1).id]);
    let kept = store.enterprise(&enterprise_id(1)).await.unwrap();
    store
        .replace_invitation(&next(&kept), 2, None, Some(&invitation(9)), &entry(), &third)
        .await
        .unwrap();
    assert_eq!(waiting(&store).await, [1, 3].map(|n| mail(n, 1).id));
}

async fn a_mail_comes_back_as_it_went(store: Store) {
    let letters = [
        mail(1, 1).letter,
        Letter::IntegrationRemoved { final_sync: true },
        Letter::GlobalAdminReassigned,
        Letter::GlobalAdminAssigned,
    ];
    let mails: Vec<Outgoing> = (1..)
        .zip(letters)
        .map(|(n, letter)| Outgoing { letter, ..mail(n, 1) })
        .collect();
    queued(&store, &mails).await;
    let mut all = Vec::new();
    for number in 0..PENDING_SHARDS {
        all.extend(store.waiting_mails(number).await.unwrap());
    }
    assert_eq!(all, mails);
}

async fn of_many_takers_one_sends(store: Store) {
    queued(&store, &[mail(1, 1), mail(2, 1)]).await;
    let takers = at_once(32, |_| {
        let store = store.clone();
        async move { store.take_mail(&enterprise_id(1), &mail(1, 1).id).await }
    });
    let taken = takers.await.into_iter().filter(|taken| matches!(taken, Ok(true)));
    assert_eq!(taken.count(), 1);
    // Who died with it in hand has taken it all the same: it may have left.
    assert!(!store.take_mail(&enterprise_id(1), &mail(1, 1).id).await.unwrap());
    assert_eq!(waiting(&store).await, [mail(2, 1).id]);
    assert!(!store.take_mail(&enterprise_id(1), &mail(9, 1).id).await.unwrap());
    let (foreign, known) = (enterprise_id(2), mail(2, 1).id);
    assert!(!store.take_mail(&foreign, &known).await.unwrap());
}

async fn a_refused_mail_waits_again_and_a_sent_one_does_not(store: Store) {
    queued(&store, &[mail(1, 1)]).await;
    let (id, mail) = (enterprise_id(1), mail(1, 1));
    // What nobody has taken cannot have left.
    store.mail_left(&id, &mail.id, true).await.unwrap();
    assert_eq!(store.mails(&id, 5).await.unwrap(), [(mail.clone(), Posted::Queued)]);
    assert!(store.take_mail(&id, &mail.id).await.unwrap());
    assert_eq!(store.mails(&id, 5).await.unwrap(), [(mail.clone(), Posted::Sending)]);
    assert_eq!(waiting(&store).await, []);
    store.mail_left(&id, &mail.id, false).await.unwrap();
    assert_eq!(waiting(&store).await, std::slice::from_ref(&mail.id));
    assert!(store.take_mail(&id, &mail.id).await.unwrap());
    store.mail_left(&id, &mail.id, true).await.unwrap();
    assert_eq!(store.mails(&id, 5).await.unwrap(), [(mail.clone(), Posted::Sent)]);
    assert_eq!(waiting(&store).await, []);
    // It is over: no repetition brings it back.
    store.mail_left(&id, &mail.id, false).await.unwrap();
    assert!(!store.take_mail(&id, &mail.id).await.unwrap());
    assert_eq!(waiting(&store).await, []);
}

async fn the_newest_mails_come_first(store: Store) {
    let all: Vec<Outgoing> = (1..=5).map(|n| mail(n, 1)).collect();
    queued(&store, &all).await;
    let newest = store.mails(&enterprise_id(1), 3).await.unwrap();
    let newest: Vec<MailId> = newest.into_iter().map(|(mail, _)| mail.id).collect();
    assert_eq!(newest, [5, 4, 3].map(|n| mail(n, 1).id));
}

async fn mails_and_reminders_wait_apart(store: Store) {
    queued(&store, &[mail(1, 1)]).await;
    for number in 0..PENDING_SHARDS {
        assert_eq!(store.pending_enterprises(number).await.unwrap(), []);
    }
    assert_ne!(mail_shard(&enterprise_id(1)), pending_shard(&enterprise_id(1)));
}
