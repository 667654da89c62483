//! Mails that wait: written with their cause, taken once, waiting again where nothing has left, and what is reported of them.

use super::samples::{DAY, NOW, SECOND, at_once, created, enterprise_id, entry, invitation, later, next, reseller_id};
use jiff::SignedDuration;
use shared::Error;
use shared::domain::enterprise::Enterprise;
use shared::domain::ids::MailId;
use shared::domain::invitation::Trouble;
use shared::domain::letter::{Class, HAND_OVER_LIFE, Letter, Outgoing, Posted, Whose};
use shared::domain::mail_limits::{Gate, RECIPIENT_DAY, RECIPIENT_DAY_NOTICES, SendingForm, Tally};
use shared::domain::suppression::Suppression;
use shared::domain::task::TaskKind;
use shared::io::store::Store;
use shared::io::store::keys::{PENDING_SHARDS, mail_shard, pending_shard};
use shared::io::store::outbox::{Follows, Handed, Noted, Queue, Reported, Taken};
use shared::io::store::pace::Answer;
use shared::io::store::sending::{Counted, Place};
use shared::io::store::{suppressions, tasks};

super::cases!(
    a_mail_waits_with_its_cause_and_not_without,
    a_mail_comes_back_as_it_went,
    of_many_takers_one_sends,
    a_mail_that_did_not_leave_waits_again_and_one_that_left_does_not,
    what_nobody_knows_is_said_and_asks_for_somebody,
    no_mail_is_taken_to_an_address_that_gets_none,
    a_held_mail_waits_for_its_time,
    reports_move_a_mail_forward_once,
    a_report_about_another_mail_changes_nothing,
    the_newest_mails_come_first,
    mails_and_reminders_wait_apart,
    days_are_full_at_their_limit,
    a_mail_has_one_place_in_a_day,
    what_came_back_is_counted_over_a_week,
    the_breaker_opens_once_and_the_provider_closes_it,
    turns_of_mails_come_evenly_to_all_workers,
    a_task_is_open_once_and_done_once,
);

fn of(n: u8) -> Whose {
    Whose::Enterprise(enterprise_id(n))
}

fn mail(n: u8, to: u8) -> Outgoing {
    Outgoing {
        id: MailId::mint(NOW, u128::from(n)),
        whose: of(to),
        to: "admin@bluefinch.example".parse().unwrap(),
        recipient: "Mara Quist".into(),
        letter: Letter::LicencesChanged {
            previous: Some(150),
            updated: None,
            unlicensed: 3,
        },
        until: None,
    }
}

/// All that wait now, of all shards.
async fn waiting(store: &Store) -> Vec<MailId> {
    waiting_at(store, NOW).await.into_iter().map(|mail| mail.id).collect()
}

async fn waiting_at(store: &Store, now: jiff::Timestamp) -> Vec<Outgoing> {
    let mut found = Vec::new();
    for number in 0..PENDING_SHARDS {
        let mut queue = Queue::new(number);
        while let Some(mails) = store.waiting_mails(&mut queue, now).await.unwrap() {
            found.extend(mails);
        }
    }
    found
}

/// Enterprise 1 with these mails.
async fn queued(store: &Store, mails: &[Outgoing]) -> Enterprise {
    let kept = created(store, 1).await;
    let next = next(&kept);
    store.update_enterprise(&next, 1, &entry(), mails).await.unwrap();
    next
}

async fn take(store: &Store, mail: &Outgoing) -> Taken {
    store.take_mail(mail, &reseller_id(), NOW).await.unwrap()
}

async fn hand(store: &Store, mail: &Outgoing, ended: Handed) {
    store.mail_handed(mail, &reseller_id(), &ended, NOW).await.unwrap();
}

async fn state(store: &Store, mail: &Outgoing) -> Posted {
    store.mail(&mail.whose, &mail.id).await.unwrap().unwrap().state
}

async fn open_tasks(store: &Store) -> Vec<TaskKind> {
    let (tasks, _) = store.tasks(&reseller_id(), None, 100).await.unwrap();
    tasks.into_iter().map(|task| task.kind).collect()
}

fn stop(mail: &Outgoing) -> Suppression {
    Suppression {
        id: suppressions::id_of(&mail.to),
        address: mail.to.clone(),
        cause: Trouble::Bounce,
        since: NOW,
        mail: mail.id.clone(),
        enterprise: Some(enterprise_id(1)),
    }
}

fn report(to: Posted) -> Reported<'static> {
    Reported {
        to,
        at: later(SECOND),
        message: "0102",
        why: None,
        stops: None,
        task: None,
        entry: None,
        enterprise: None,
    }
}

async fn told(store: &Store, mail: &Outgoing, report: &Reported<'_>) -> Noted {
    let posting = store.mail(&mail.whose, &mail.id).await.unwrap().unwrap();
    store.mail_reported(&posting, &reseller_id(), report).await.unwrap()
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
        Letter::Invitation {
            invitation: super::samples::invitation_id(1),
        },
        Letter::Activation { until: later(DAY) },
    ];
    let mails: Vec<Outgoing> = (1..)
        .zip(letters)
        .map(|(n, letter)| Outgoing {
            letter,
            until: Some(later(DAY)),
            ..mail(n, 1)
        })
        .collect();
    queued(&store, &mails).await;
    assert_eq!(waiting_at(&store, NOW).await, mails);
    // A reseller's own have a place of their own.
    let own = Outgoing {
        whose: Whose::Reseller(reseller_id()),
        ..mail(9, 1)
    };
    let kept = store.enterprise(&enterprise_id(1)).await.unwrap();
    store
        .update_enterprise(&next(&kept), kept.version, &entry(), std::slice::from_ref(&own))
        .await
        .unwrap();
    let (of_reseller, _) = store.mails(&own.whose, None, 5).await.unwrap();
    assert_eq!(of_reseller.into_iter().map(|one| one.mail).collect::<Vec<_>>(), [own]);
    let (of_enterprise, _) = store.mails(&of(1), None, 50).await.unwrap();
    assert_eq!(of_enterprise.len(), mails.len());
}

async fn of_many_takers_one_sends(store: Store) {
    queued(&store, &[mail(1, 1), mail(2, 1)]).await;
    let takers = at_once(32, |_| {
        let store = store.clone();
        async move { store.take_mail(&mail(1, 1), &reseller_id(), NOW).await }
    });
    let taken = takers
        .await
        .into_iter()
        .filter(|taken| matches!(taken, Ok(Taken::Mine)));
    assert_eq!(taken.count(), 1);
    // Who died with it in hand has taken it all the same: it may have left.
    assert_eq!(take(&store, &mail(1, 1)).await, Taken::Gone);
    assert_eq!(waiting(&store).await, [mail(2, 1).id]);
    assert_eq!(take(&store, &mail(9, 1)).await, Taken::Gone);
    assert_eq!(take(&store, &mail(2, 2)).await, Taken::Gone);
}

async fn a_mail_that_did_not_leave_waits_again_and_one_that_left_does_not(store: Store) {
    queued(&store, &[mail(1, 1)]).await;
    let mail = mail(1, 1);
    // What nobody has taken cannot have left.
    hand(&store, &mail, Handed::Back("nobody has it".into())).await;
    assert_eq!(state(&store, &mail).await, Posted::Queued);
    assert_eq!(take(&store, &mail).await, Taken::Mine);
    assert_eq!(state(&store, &mail).await, Posted::Sending);
    assert_eq!(waiting(&store).await, []);
    hand(&store, &mail, Handed::Back("SES is busy".into())).await;
    assert_eq!(waiting(&store).await, std::slice::from_ref(&mail.id));
    let held = store.mail(&mail.whose, &mail.id).await.unwrap().unwrap();
    assert_eq!((held.state, held.why.as_deref()), (Posted::Held, Some("SES is busy")));
    assert_eq!(take(&store, &mail).await, Taken::Mine);
    hand(&store, &mail, Handed::Sent("0102".into())).await;
    let sent = store.mail(&mail.whose, &mail.id).await.unwrap().unwrap();
    assert_eq!(
        (sent.state, sent.message.as_deref(), sent.why),
        (Posted::Sent, Some("0102"), None)
    );
    assert_eq!(waiting(&store).await, []);
    // It is over: no repetition brings it back.
    hand(&store, &mail, Handed::Back("again".into())).await;
    store.hold_mail(&mail, "again", None, NOW).await.unwrap();
    let ended = store.end_mail(&mail, Posted::Lapsed, "again", Follows::default(), NOW);
    assert!(!ended.await.unwrap());
    assert_eq!(take(&store, &mail).await, Taken::Gone);
    assert_eq!(
        (state(&store, &mail).await, waiting(&store).await),
        (Posted::Sent, vec![])
    );
    assert_eq!(open_tasks(&store).await, []);
}

async fn what_nobody_knows_is_said_and_asks_for_somebody(store: Store) {
    let mails = [1, 2, 3].map(|n| mail(n, 1));
    queued(&store, &mails).await;
    for mail in &mails {
        assert_eq!(take(&store, mail).await, Taken::Mine);
    }
    // The answer of the first is lost, the taker of the second is dead, the third is refused for good.
    hand(&store, &mails[0], Handed::Unknown("lost".into())).await;
    hand(&store, &mails[2], Handed::Refused("no".into())).await;
    let mut lost = Vec::new();
    for shard in 0..PENDING_SHARDS {
        assert_eq!(store.lost_mails(shard, later(SECOND)).await.unwrap(), []);
        lost.extend(store.lost_mails(shard, NOW + HAND_OVER_LIFE).await.unwrap());
    }
    let [second] = &lost[..] else { panic!("{lost:?}") };
    assert_eq!(second.mail, mails[1]);
    assert!(store.mail_lost(second, &reseller_id(), later(DAY)).await.unwrap());
    assert!(!store.mail_lost(second, &reseller_id(), later(DAY)).await.unwrap());
    let states = [
        state(&store, &mails[0]).await,
        state(&store, &mails[1]).await,
        state(&store, &mails[2]).await,
    ];
    assert_eq!(states, [Posted::Unknown, Posted::Unknown, Posted::Rejected]);
    let mut kinds = open_tasks(&store).await;
    kinds.sort();
    assert_eq!(
        kinds,
        [TaskKind::MailUnknown, TaskKind::MailUnknown, TaskKind::MailRefused]
    );
    for mail in &mails {
        assert_eq!(take(&store, mail).await, Taken::Gone);
    }
    assert_eq!(waiting(&store).await, []);
    // A report tells, and nobody has to ask any more.
    assert_eq!(told(&store, &mails[0], &report(Posted::Delivered)).await, Noted::Moved);
    assert_eq!(open_tasks(&store).await.len(), 2);
}

async fn no_mail_is_taken_to_an_address_that_gets_none(store: Store) {
    let kept = queued(&store, &[mail(1, 1), mail(2, 1)]).await;
    assert_eq!(take(&store, &mail(1, 1)).await, Taken::Mine);
    hand(&store, &mail(1, 1), Handed::Sent("0102".into())).await;
    let suppression = stop(&mail(1, 1));
    let bounced = Reported {
        stops: Some(&suppression),
        enterprise: Some(&kept),
        ..report(Posted::Bounced)
    };
    // The enterprise was read before it moved.
    let old = super::samples::enterprise(1);
    let stale = Reported {
        enterprise: Some(&old),
        ..report(Posted::Bounced)
    };
    assert_eq!(told(&store, &mail(1, 1), &stale).await, Noted::Again);
    assert_eq!(
        store.suppressed(&reseller_id(), &suppression.address).await.unwrap(),
        None
    );
    assert_eq!(told(&store, &mail(1, 1), &bounced).await, Noted::Moved);
    let shouted = "ADMIN@BlueFinch.example".parse().unwrap();
    assert_eq!(
        store.suppressed(&reseller_id(), &shouted).await.unwrap(),
        Some(suppression.clone())
    );
    let tries = at_once(16, |_| {
        let store = store.clone();
        async move { store.take_mail(&mail(2, 1), &reseller_id(), NOW).await }
    });
    for taken in tries.await {
        assert_eq!(taken.unwrap(), Taken::Suppressed(suppression.clone()));
    }
    assert_eq!(state(&store, &mail(2, 1)).await, Posted::Queued);
    store.lift(&reseller_id(), &suppression, &entry()).await.unwrap();
    let again = store.lift(&reseller_id(), &suppression, &entry()).await;
    assert!(matches!(again, Err(Error::NotFound(_))), "{again:?}");
    assert_eq!(take(&store, &mail(2, 1)).await, Taken::Mine);
}

async fn a_held_mail_waits_for_its_time(store: Store) {
    queued(&store, &[mail(1, 1), mail(2, 1)]).await;
    store
        .hold_mail(&mail(1, 1), "tomorrow", Some(later(DAY)), NOW)
        .await
        .unwrap();
    store.hold_mail(&mail(2, 1), "soon", None, NOW).await.unwrap();
    assert_eq!(waiting(&store).await, [mail(2, 1).id]);
    let tomorrow = waiting_at(&store, later(DAY)).await;
    assert_eq!(tomorrow.len(), 2);
    // It can be taken at any time: limits are asked before.
    assert_eq!(take(&store, &mail(1, 1)).await, Taken::Mine);
    let second = mail(2, 1);
    let ended = store.end_mail(&second, Posted::Lapsed, "over", Follows::default(), NOW);
    assert!(ended.await.unwrap());
    assert_eq!(waiting_at(&store, later(DAY)).await, []);
}

async fn reports_move_a_mail_forward_once(store: Store) {
    queued(&store, &[mail(1, 1), mail(2, 1)]).await;
    let mail = mail(1, 1);
    assert_eq!(
        told(&store, &mail, &report(Posted::Delivered)).await,
        Noted::Late,
        "it has not left"
    );
    assert_eq!(take(&store, &mail).await, Taken::Mine);
    // A report may be faster than the answer.
    assert_eq!(told(&store, &mail, &report(Posted::Delayed)).await, Noted::Moved);
    hand(&store, &mail, Handed::Sent("0102".into())).await;
    assert_eq!(state(&store, &mail).await, Posted::Delayed);
    let at_the_same_time = at_once(16, |_| {
        let (store, mail) = (store.clone(), mail.clone());
        async move { told(&store, &mail, &report(Posted::Delivered)).await }
    });
    let moved = at_the_same_time
        .await
        .into_iter()
        .filter(|noted| *noted == Noted::Moved);
    assert_eq!(moved.count(), 1);
    for late in [Posted::Delayed, Posted::Delivered] {
        assert_eq!(told(&store, &mail, &report(late)).await, Noted::Late);
    }
    assert_eq!(told(&store, &mail, &report(Posted::Complained)).await, Noted::Moved);
    assert_eq!(told(&store, &mail, &report(Posted::Bounced)).await, Noted::Late);
    assert_eq!(state(&store, &mail).await, Posted::Complained);
}

async fn a_report_about_another_mail_changes_nothing(store: Store) {
    queued(&store, &[mail(1, 1)]).await;
    let mail = mail(1, 1);
    assert_eq!(take(&store, &mail).await, Taken::Mine);
    hand(&store, &mail, Handed::Sent("0102".into())).await;
    let (before, suppression) = (store.mail(&mail.whose, &mail.id).await.unwrap(), stop(&mail));
    let forged = Reported {
        message: "0103",
        stops: Some(&suppression),
        ..report(Posted::Bounced)
    };
    assert_eq!(told(&store, &mail, &forged).await, Noted::Late);
    assert_eq!(store.mail(&mail.whose, &mail.id).await.unwrap(), before);
    assert_eq!(store.suppressed(&reseller_id(), &mail.to).await.unwrap(), None);
}

async fn the_newest_mails_come_first(store: Store) {
    let all: Vec<Outgoing> = (1..=5).map(|n| mail(n, 1)).collect();
    queued(&store, &all).await;
    let (newest, next) = store.mails(&of(1), None, 3).await.unwrap();
    let newest: Vec<MailId> = newest.into_iter().map(|posting| posting.mail.id).collect();
    assert_eq!(newest, [5, 4, 3].map(|n| mail(n, 1).id));
    let (rest, _) = store.mails(&of(1), next.as_ref(), 3).await.unwrap();
    let rest: Vec<MailId> = rest.into_iter().map(|posting| posting.mail.id).collect();
    assert_eq!(rest, [2, 1].map(|n| mail(n, 1).id));
}

async fn mails_and_reminders_wait_apart(store: Store) {
    queued(&store, &[mail(1, 1)]).await;
    for number in 0..PENDING_SHARDS {
        assert_eq!(store.pending_enterprises(number).await.unwrap(), []);
    }
    assert_ne!(mail_shard(&of(1)), pending_shard(&enterprise_id(1)));
}

async fn days_are_full_at_their_limit(store: Store) {
    let tries = at_once(24, |_| {
        let store = store.clone();
        async move { store.count_sent(&reseller_id(), 10, NOW).await }
    });
    let taken = tries.await.into_iter().filter(|taken| *taken.as_ref().unwrap());
    assert_eq!(taken.count(), 10);
    assert!(!store.count_sent(&reseller_id(), 10, NOW).await.unwrap());
    assert!(store.count_sent(&reseller_id(), 11, NOW).await.unwrap());
    assert!(store.count_sent(&reseller_id(), 10, later(DAY)).await.unwrap());
}

async fn a_mail_has_one_place_in_a_day(store: Store) {
    let address = "admin@bluefinch.example".parse().unwrap();
    let place = async |n: u32, class| {
        let id = MailId::mint(NOW, u128::from(n));
        store.place_for(&address, &id, class, NOW).await.unwrap()
    };
    assert_eq!(place(1, Class::Notice).await, Place::New);
    assert_eq!(place(1, Class::Notice).await, Place::Had);
    for n in 2..=RECIPIENT_DAY_NOTICES {
        assert_eq!(place(n, Class::Notice).await, Place::New, "{n}");
    }
    assert_eq!(place(900, Class::Notice).await, Place::Full);
    for n in RECIPIENT_DAY_NOTICES + 1..=RECIPIENT_DAY {
        assert_eq!(place(n, Class::Transactional).await, Place::New, "{n}");
    }
    assert_eq!(place(901, Class::Transactional).await, Place::Full);
    assert_eq!(place(7, Class::Transactional).await, Place::Had);
    let id = MailId::mint(NOW, 901);
    let tomorrow = store.place_for(&address, &id, Class::Transactional, later(DAY));
    assert_eq!(tomorrow.await.unwrap(), Place::New);
}

async fn what_came_back_is_counted_over_a_week(store: Store) {
    let day = |n: i64| later(SignedDuration::from_hours(24 * n));
    for n in 0..=7 {
        store.count_sent(&reseller_id(), 100, day(n)).await.unwrap();
        store
            .count_trouble(&reseller_id(), Counted::Bounced, day(n))
            .await
            .unwrap();
    }
    store
        .count_trouble(&reseller_id(), Counted::Complained, day(0))
        .await
        .unwrap();
    let tally = |sent, bounced, complained| Tally {
        sent,
        bounced,
        complained,
    };
    assert_eq!(store.tally(&reseller_id(), day(6)).await.unwrap(), tally(7, 7, 1));
    assert_eq!(store.tally(&reseller_id(), day(7)).await.unwrap(), tally(7, 7, 0));
    assert_eq!(store.tally(&reseller_id(), day(20)).await.unwrap(), tally(0, 0, 0));
}

async fn the_breaker_opens_once_and_the_provider_closes_it(store: Store) {
    let reseller = reseller_id();
    let before = store.reseller_sending(&reseller).await.unwrap();
    let task = tasks::task_of(TaskKind::MailHeld, None, "Northwind", "too many", NOW);
    assert!(store.trip(&reseller, &before, &task, &entry()).await.unwrap());
    assert!(!store.trip(&reseller, &before, &task, &entry()).await.unwrap());
    let open = store.reseller_sending(&reseller).await.unwrap();
    assert!(
        open.holds(Class::Notice, "Northwind").is_some() && open.holds(Class::Transactional, "Northwind").is_none()
    );
    assert_eq!(open_tasks(&store).await, [TaskKind::MailHeld]);
    let form = SendingForm {
        gate: Gate::Open,
        reason: None,
        day_limit: Some(7),
        ses_tenant: None,
    };
    let closed = open.set(form).unwrap();
    store.set_reseller_sending(&reseller, &closed, &entry()).await.unwrap();
    assert_eq!(store.reseller_sending(&reseller).await.unwrap(), closed);
    assert_eq!(open_tasks(&store).await, []);
    let stale = store.set_reseller_sending(&reseller, &closed, &entry()).await;
    assert!(matches!(stale, Err(Error::Stale(_))), "{stale:?}");
    let (trail, _) = store.service_trail(None, 5).await.unwrap();
    assert_eq!(trail, []);
    let all = store.sending().await.unwrap();
    let stopped = SendingForm {
        gate: Gate::Closed,
        reason: Some("a storm".into()),
        day_limit: None,
        ses_tenant: None,
    };
    store.set_sending(&all.set(stopped).unwrap(), &entry()).await.unwrap();
    assert_eq!(store.service_trail(None, 5).await.unwrap().0.len(), 1);
}

async fn turns_of_mails_come_evenly_to_all_workers(store: Store) {
    // Sixty workers ask at the same moment for one of 14 mails a second, and eighty for one of 250.
    for (rate, workers, now) in [(14, 60, NOW), (250, 80, later(SECOND * 60))] {
        let asked = at_once(workers, |_| {
            let store = store.clone();
            async move { store.take_mail_turn(rate, now).await.unwrap() }
        });
        let mut turns = Vec::new();
        for answer in asked.await {
            match answer {
                Answer::Granted(wait) => turns.push(wait.as_micros()),
                Answer::Later(wait) => panic!("{wait:?}"),
            }
        }
        turns.sort_unstable();
        assert_eq!(turns.len(), workers);
        for pair in turns.windows(2) {
            assert!(pair[1] - pair[0] >= 1_000_000 / i128::from(rate), "{turns:?}");
        }
    }
    // Nobody waits longer than some seconds for a turn: more are refused.
    let refused = at_once(100, |_| {
        let store = store.clone();
        async move { store.take_mail_turn(14, later(SECOND * 120)).await.unwrap() }
    });
    let refused = refused.await;
    let later = |answer: &&Answer| matches!(answer, Answer::Later(_));
    let granted = 100 - refused.iter().filter(later).count();
    assert!((70..=71).contains(&granted), "five seconds of turns: {granted}");
}

async fn a_task_is_open_once_and_done_once(store: Store) {
    let reseller = reseller_id();
    let (one, other) = (enterprise_id(1), enterprise_id(2));
    let task = |enterprise| tasks::task_of(TaskKind::AdminUnreachable, Some(enterprise), "a@b.example", "why", NOW);
    for _ in 0..3 {
        store.open_task(&reseller, &task(&one)).await.unwrap();
    }
    store.open_task(&reseller, &task(&other)).await.unwrap();
    assert_eq!(open_tasks(&store).await.len(), 2);
    let id = task(&one).id;
    assert_eq!(store.task(&reseller, &id).await.unwrap(), task(&one));
    store.close_task(&reseller, &id, &entry()).await.unwrap();
    let again = store.close_task(&reseller, &id, &entry()).await;
    assert!(matches!(again, Err(Error::NotFound(_))), "{again:?}");
    store
        .task_done(&reseller, TaskKind::AdminUnreachable, Some(&other))
        .await
        .unwrap();
    store
        .task_done(&reseller, TaskKind::AdminUnreachable, Some(&other))
        .await
        .unwrap();
    assert_eq!(open_tasks(&store).await, []);
}
