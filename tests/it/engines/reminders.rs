//! Reminders: a day is claimed once, with its mail, on what was decided on; days without one are listed (R165).

use super::samples::{NOW, SECOND, at_once, created, entry, later, next};
use jiff::civil::{Date, date};
use shared::Result;
use shared::domain::enterprise::Enterprise;
use shared::domain::ids::MailId;
use shared::domain::letter::{Letter, Outgoing, Posted, Whose};
use shared::domain::reminded::{Day, Done, Last, Ledger, Notes, Why};
use shared::domain::reminding::{Addressee, Part};
use shared::domain::sync_status::{Pending, SyncStatus};
use shared::io::store::Store;
use shared::io::store::reminders::Consequences;

super::cases!(
    of_senders_at_once_one_claims_a_day,
    what_was_decided_on_must_not_have_moved,
    a_day_that_was_let_pass_can_be_claimed_and_a_claimed_one_stays_so,
    days_are_listed_the_newest_first,
);

fn addressee() -> Addressee {
    Addressee {
        email: "mara@bluefinch.example".parse().unwrap(),
        name: "Mara".into(),
        part: Part::GlobalAdmin,
    }
}

fn outgoing(kept: &Enterprise, mail: &MailId) -> Outgoing {
    Outgoing {
        id: mail.clone(),
        whose: Whose::Enterprise(kept.id.clone()),
        to: addressee().email,
        recipient: "Mara".into(),
        letter: Letter::Reminder {
            failed: false,
            part: Part::GlobalAdmin,
            reminders: 0,
        },
        until: Some(later(SECOND * 3600)),
    }
}

/// Notes of a day, after what the ledger says.
fn notes(ledger: &Ledger, day: Date, done: Done) -> Notes {
    let last = Last {
        at: NOW,
        until: later(SECOND * 3600),
        zone: "Europe/Brussels".into(),
    };
    Notes {
        ledger: Ledger {
            last: Some(last),
            noted: Some(day),
            ..ledger.clone()
        },
        days: vec![Day {
            day,
            at: NOW,
            event: "event".into(),
            done,
        }],
    }
}

/// Claims a day, with mail `n`.
pub(super) async fn claim(store: &Store, kept: &Enterprise, status: &SyncStatus, day: Date, n: u8) -> Result<bool> {
    let ledger = store.reminder_ledger(&kept.id).await?;
    claim_after(store, kept, status, &ledger, day, n).await
}

async fn claim_after(
    store: &Store,
    kept: &Enterprise,
    status: &SyncStatus,
    ledger: &Ledger,
    day: Date,
    n: u8,
) -> Result<bool> {
    let mail = MailId::mint(NOW, n.into());
    let done = Done::Claimed {
        mail: mail.clone(),
        to: addressee(),
        failed: false,
        until: later(SECOND * 3600),
    };
    let mails = [outgoing(kept, &mail)];
    let consequences = Consequences {
        mails: &mails,
        ..Consequences::default()
    };
    let notes = notes(ledger, day, done);
    store.note_reminders(kept, status, &notes, consequences, NOW).await
}

async fn skip(store: &Store, kept: &Enterprise, status: &SyncStatus, day: Date, why: Why) -> Result<bool> {
    let ledger = store.reminder_ledger(&kept.id).await?;
    let notes = notes(&ledger, day, Done::Skipped { why });
    store
        .note_reminders(kept, status, &notes, Consequences::default(), NOW)
        .await
}

/// An enterprise with something that waits.
async fn waiting(store: &Store) -> (Enterprise, SyncStatus) {
    let kept = created(store, 1).await;
    let pending = |status| SyncStatus {
        pending: Some(Pending { users: 1, since: NOW }),
        ..status
    };
    let status = store.edit_sync_status(&kept, pending).await.unwrap();
    (kept, status)
}

async fn of_senders_at_once_one_claims_a_day(store: Store) {
    let (kept, status) = waiting(&store).await;
    let day = date(2090, 3, 12);
    // All of them have read the same.
    let ledger = store.reminder_ledger(&kept.id).await.unwrap();
    let claims = at_once(32, |n| {
        let (store, kept, status, ledger) = (store.clone(), kept.clone(), status.clone(), ledger.clone());
        async move { claim_after(&store, &kept, &status, &ledger, day, u8::try_from(n).unwrap()).await }
    });
    let won = claims.await.into_iter().filter(|claim| matches!(claim, Ok(true)));
    assert_eq!(won.count(), 1);
    let (days, _) = store.reminder_days(&kept.id, None, 10).await.unwrap();
    assert_eq!(days.len(), 1);
    let whose = Whose::Enterprise(kept.id.clone());
    let mut mails = 0;
    for n in 0..32 {
        let mail = store.mail(&whose, &MailId::mint(NOW, n)).await.unwrap();
        mails += usize::from(mail.is_some_and(|mail| mail.state == Posted::Queued));
    }
    assert_eq!(mails, 1, "one mail, and it waits");
}

async fn what_was_decided_on_must_not_have_moved(store: Store) {
    let (kept, status) = waiting(&store).await;
    let day = date(2090, 3, 12);
    let done = |status| SyncStatus {
        pending: None,
        ..status
    };
    let synced = store.edit_sync_status(&kept, done).await.unwrap();
    assert!(
        !claim(&store, &kept, &status, day, 1).await.unwrap(),
        "the sync was faster"
    );
    let edited = next(&kept);
    store.update_enterprise(&edited, 1, &entry(), &[]).await.unwrap();
    assert!(
        !claim(&store, &kept, &synced, day, 1).await.unwrap(),
        "the pause was faster"
    );
    assert!(claim(&store, &edited, &synced, day, 1).await.unwrap());
}

async fn a_day_that_was_let_pass_can_be_claimed_and_a_claimed_one_stays_so(store: Store) {
    let (kept, status) = waiting(&store).await;
    let day = date(2090, 3, 12);
    assert!(skip(&store, &kept, &status, day, Why::Snoozed).await.unwrap());
    assert!(claim(&store, &kept, &status, day, 1).await.unwrap());
    assert!(!claim(&store, &kept, &status, day, 2).await.unwrap());
    assert!(!skip(&store, &kept, &status, day, Why::Late).await.unwrap());
    assert!(claim(&store, &kept, &status, date(2090, 3, 13), 3).await.unwrap());
}

async fn days_are_listed_the_newest_first(store: Store) {
    let (kept, status) = waiting(&store).await;
    for day in 1..=5 {
        let why = if day == 3 { Why::RestDay } else { Why::NoEvent };
        assert!(skip(&store, &kept, &status, date(2090, 3, day), why).await.unwrap());
    }
    let (days, next) = store.reminder_days(&kept.id, None, 2).await.unwrap();
    let dates: Vec<Date> = days.iter().map(|day| day.day).collect();
    assert_eq!(
        (dates, next),
        (vec![date(2090, 3, 5), date(2090, 3, 4)], Some(date(2090, 3, 4)))
    );
    let (days, _) = store.reminder_days(&kept.id, next, 2).await.unwrap();
    assert_eq!(days[0].day, date(2090, 3, 3));
    assert_eq!(days[0].done, Done::Skipped { why: Why::RestDay });
}
