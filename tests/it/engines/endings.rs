//! What ends: trials, integrations, and the data of a removed enterprise.

use super::Table;
use super::samples::{
    DAY, NOW, SECOND, created, created_run, enterprise, enterprise_id, entry, entry_of, invitation, keep_voice_users,
    later, next, once, plan_id, teams_user_id, voice_user_id,
};
use jiff::Timestamp;
use jiff::civil::date;
use shared::Error;
use shared::domain::audit::Deed;
use shared::domain::consent::Consents;
use shared::domain::directory::{ActivePlans, TeamsUser};
use shared::domain::enterprise::Enterprise;
use shared::domain::ids::{EnterpriseId, MailId, TenantId};
use shared::domain::letter::{Letter, Outgoing, Whose};
use shared::domain::mapping::Mapping;
use shared::domain::roll::Roll;
use shared::domain::setup::{BoundTenant, Setup};
use shared::domain::standing::{RETENTION, Standing};
use shared::domain::sync_status::{Pending, SyncStatus};
use shared::domain::voice::{CallHandling, VoiceUser};
use shared::io::store::Store;
use shared::io::store::account::{ACCOUNT_MOVED, Account, ENTERPRISE_MOVED};
use shared::io::store::keys::PENDING_SHARDS;
use shared::io::store::manifest::{Directory, roll_entry};
use shared::io::store::mapping::SavedMapping;
use shared::io::store::voice_users::VoiceUsers;

super::cases!(
    a_trial_is_over_with_its_last_day,
    a_save_against_other_licences_is_refused,
    a_removal_frees_the_tenant_and_the_link,
    a_late_removal_changes_nothing;
    everything_of_a_removed_enterprise_ends,
);

async fn over(store: &Store, at: Timestamp) -> Vec<EnterpriseId> {
    let mut found = Vec::new();
    for shard in 0..PENDING_SHARDS {
        found.extend(store.trials_over(shard, at).await.unwrap());
    }
    found.sort();
    found
}

async fn a_trial_is_over_with_its_last_day(store: Store) {
    let first = created(&store, 1).await;
    let mut west = enterprise(2);
    west.settings.time_zone = "America/Los_Angeles".into();
    let mut endless = enterprise(3);
    endless.settings.trial_end = None;
    for (n, one) in [(2, &west), (3, &endless)] {
        let once = once(&format!("create {n}"));
        store
            .create_enterprise(one, &invitation(n), &[], &entry(), &once, NOW)
            .await
            .unwrap();
    }
    // Midnight in Brussels is two hours before midnight of UTC; in Los Angeles it is seven after.
    let midnight: Timestamp = "2090-06-30T22:00:00Z".parse().unwrap();
    assert_eq!(over(&store, midnight - SECOND).await, []);
    assert_eq!(over(&store, midnight).await, [enterprise_id(1)]);
    assert_eq!(
        over(&store, midnight + SECOND * 3600 * 9 - SECOND).await,
        [enterprise_id(1)]
    );
    assert_eq!(
        over(&store, midnight + SECOND * 3600 * 9).await,
        [enterprise_id(1), enterprise_id(2)]
    );
    // Another end, none, a removal.
    let mut longer = next(&first);
    longer.settings.trial_end = Some(date(2090, 7, 31));
    store.update_enterprise(&longer, 1, &entry(), &[]).await.unwrap();
    assert_eq!(over(&store, midnight + DAY * 2).await, [enterprise_id(2)]);
    assert_eq!(over(&store, midnight + DAY * 40).await.len(), 2);
    let mut bought = next(&longer);
    bought.settings.trial_end = None;
    store.update_enterprise(&bought, 2, &entry(), &[]).await.unwrap();
    let mut leaving = next(&west);
    leaving.standing = Standing::Removing {
        since: NOW,
        final_sync: None,
        disabled: None,
    };
    store.update_enterprise(&leaving, 1, &entry(), &[]).await.unwrap();
    assert_eq!(over(&store, midnight + DAY * 40).await, []);
}

/// The mapping of one voice user.
fn mapped(n: usize) -> SavedMapping {
    let row = Mapping {
        voice_user: voice_user_id(n),
        teams_user: teams_user_id(u8::try_from(n).unwrap()),
        order: n as u64,
        by_mail: false,
    };
    SavedMapping {
        rows: [(voice_user_id(n), row)].into(),
        next_order: 10,
        ..SavedMapping::default()
    }
}

async fn push(store: &Store, kept: &Enterprise, n: usize) -> shared::Result<u64> {
    let voice = VoiceUser {
        id: voice_user_id(n),
        name: format!("Voice User {n}"),
        email: None,
        number: Some(format!("+3227001{n:03}").parse().unwrap()),
        extension: None,
        call_handling: CallHandling::NoVoicemail,
        country: None,
        music_on_hold: None,
        match_by_mail: false,
    };
    let pushed = |users: &mut VoiceUsers| drop(users.insert(voice.id.clone(), voice));
    keep_voice_users(store, kept, pushed, 0, &entry()).await
}

async fn a_save_against_other_licences_is_refused(store: Store) {
    let checked = created(&store, 1).await;
    let mut fewer = next(&checked);
    fewer.settings.user_limit = Some(1);
    store.update_enterprise(&fewer, 1, &entry(), &[]).await.unwrap();
    let empty = Account::default();
    let refused = store.save_mapping(&checked, &empty, &mapped(1), &entry()).await;
    assert!(matches!(refused, Err(Error::Stale(ENTERPRISE_MOVED))), "{refused:?}");
    let refused = push(&store, &checked, 1).await;
    assert!(matches!(refused, Err(Error::Stale(ENTERPRISE_MOVED))), "{refused:?}");
    assert!(store.account(&checked.id).await.unwrap().rows.is_empty());
    let saved = store.save_mapping(&fewer, &empty, &mapped(1), &entry()).await;
    assert_eq!(saved.unwrap(), (1, 1));
    // Where both have moved, the account is what has to be read again.
    let refused = store.save_mapping(&checked, &empty, &mapped(2), &entry()).await;
    assert!(matches!(refused, Err(Error::Stale(ACCOUNT_MOVED))), "{refused:?}");
    // An enterprise that does not exist has no account.
    let refused = push(&store, &enterprise(9), 1).await;
    assert!(matches!(refused, Err(Error::Stale(ENTERPRISE_MOVED))), "{refused:?}");
}

fn tenant() -> TenantId {
    "9f3c2b10-0000-4000-8000-00000000bf01".parse().unwrap()
}

fn bound(kept: &Enterprise) -> Enterprise {
    let tenant = BoundTenant {
        id: tenant(),
        name: "Bluefinch".into(),
        label: "bluefinch".into(),
        at: NOW,
    };
    Enterprise {
        setup: Setup::Bound {
            tenant,
            consents: Consents::default(),
        },
        ..next(kept)
    }
}

fn removed(kept: &Enterprise) -> Enterprise {
    Enterprise {
        standing: Standing::Removed { since: NOW },
        ..next(kept)
    }
}

fn farewell(n: u8) -> Outgoing {
    Outgoing {
        id: MailId::mint(NOW, u128::from(n)),
        whose: Whose::Enterprise(enterprise_id(1)),
        to: "admin@bluefinch.example".parse().unwrap(),
        recipient: "Mara Quist".into(),
        letter: Letter::IntegrationRemoved { final_sync: false },
        until: None,
    }
}

async fn a_removal_frees_the_tenant_and_the_link(store: Store) {
    let (first, other) = (created(&store, 1).await, created(&store, 2).await);
    let kept = bound(&first);
    store.bind_tenant(&kept, 1, &tenant(), &entry()).await.unwrap();
    let taken = store.bind_tenant(&bound(&other), 1, &tenant(), &entry()).await;
    assert!(taken.is_err());
    let gone = removed(&kept);
    let entry_of_end = entry_of(Deed::Removed, later(SECOND));
    store
        .remove_enterprise(&gone, 2, Some(&invitation(1)), &entry_of_end, &[farewell(1)])
        .await
        .unwrap();
    assert_eq!(store.enterprise(&gone.id).await.unwrap(), gone);
    assert_eq!(store.link(&invitation(1).link_hash, NOW).await.unwrap(), None);
    assert_eq!(
        store
            .mails(&Whose::Enterprise(gone.id.clone()), None, 5)
            .await
            .unwrap()
            .0
            .len(),
        1
    );
    for (trail, _) in [
        store.enterprise_trail(&gone.id, None, 1).await.unwrap(),
        store.reseller_trail(&gone.reseller, None, 1).await.unwrap(),
    ] {
        assert_eq!(trail, std::slice::from_ref(&entry_of_end));
    }
    // The tenant can be connected anew, and the old enterprise does not free it a second time.
    store.bind_tenant(&bound(&other), 1, &tenant(), &entry()).await.unwrap();
    let again = store.remove_enterprise(&removed(&gone), 3, None, &entry(), &[]).await;
    assert!(again.is_err(), "the tenant is another's");
    let third = created(&store, 3).await;
    let taken = store.bind_tenant(&bound(&third), 1, &tenant(), &entry()).await;
    assert!(taken.is_err());
}

async fn a_late_removal_changes_nothing(store: Store) {
    let first = created(&store, 1).await;
    let kept = bound(&first);
    store.bind_tenant(&kept, 1, &tenant(), &entry()).await.unwrap();
    let late = store
        .remove_enterprise(&removed(&first), 1, Some(&invitation(1)), &entry(), &[farewell(1)])
        .await;
    assert!(matches!(late, Err(Error::Stale(_))), "{late:?}");
    assert_eq!(store.enterprise(&kept.id).await.unwrap(), kept);
    assert!(store.link(&invitation(1).link_hash, NOW).await.unwrap().is_some());
    assert_eq!(
        store
            .mails(&Whose::Enterprise(kept.id.clone()), None, 5)
            .await
            .unwrap()
            .0,
        []
    );
    let other = created(&store, 2).await;
    let taken = store.bind_tenant(&bound(&other), 1, &tenant(), &entry()).await;
    assert!(taken.is_err(), "the tenant stays bound");
}

/// Something of every kind that is kept of an enterprise.
async fn filled(store: &Store, kept: &Enterprise) {
    let id = &kept.id;
    push(store, kept, 1).await.unwrap();
    let account = store.account(&kept.id).await.unwrap();
    store.save_mapping(kept, &account, &mapped(1), &entry()).await.unwrap();
    let person = |n: u8| TeamsUser {
        id: teams_user_id(n),
        name: format!("Mara {n}"),
        email: format!("mara{n}@bluefinch.example").parse().unwrap(),
        country: None,
        guest: false,
        licensed: true,
        directory_synced: false,
        plans: ActivePlans::default(),
    };
    let people: Vec<(TeamsUser, _)> = (0..40).map(|n| (person(n), None)).collect();
    let lease = store.lease(id, "reader", NOW).await.unwrap();
    store.put_teams_users(id, &people, lease.fence()).await.unwrap();
    let mut roll = Roll::default();
    for (user, _) in &people {
        roll.note(roll_entry(user));
    }
    let none = Directory::default();
    store
        .commit_directory(&lease, &none, none.clone(), &roll)
        .await
        .unwrap();
    store.release(lease).await.unwrap();
    let pending = |status| SyncStatus {
        pending: Some(Pending { users: 1, since: NOW }),
        ..status
    };
    store.edit_sync_status(kept, pending).await.unwrap();
    store
        .put_plan(id, &plan_id(1), &"plan", &entry(), &once("plan"), NOW)
        .await
        .unwrap();
    let lease = store.lease(id, "worker", NOW).await.unwrap();
    store.release(lease).await.unwrap();
    let status = store.sync_status(id).await.unwrap();
    let kept = store.enterprise(id).await.unwrap();
    let noted = super::reminders::claim(store, &kept, &status, date(2090, 3, 12), 2).await;
    assert!(noted.unwrap());
}

fn text<'a>(
    item: &'a std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>,
    name: &str,
) -> &'a str {
    item[name].as_s().unwrap()
}

async fn everything_of_a_removed_enterprise_ends(table: Table) {
    let store = &table.store;
    let (first, other) = (created(store, 1).await, created(store, 2).await);
    filled(store, &first).await;
    filled(store, &other).await;
    created_run(store, 1).await;
    let gone = removed(&first);
    store
        .remove_enterprise(&gone, 1, Some(&invitation(1)), &entry(), &[farewell(1)])
        .await
        .unwrap();
    let until = NOW + RETENTION;
    store.end_data(&gone.id, until).await.unwrap();
    let ends = |item: &std::collections::HashMap<String, _>| {
        let expires: Option<&aws_sdk_dynamodb::types::AttributeValue> = item.get("expires");
        expires.map(|at| at.as_n().unwrap().parse::<i64>().unwrap())
    };
    let items = table.items().await;
    let own = format!("ENTERPRISE#{}", gone.id);
    let of_first: Vec<_> = items.iter().filter(|item| text(item, "pk").starts_with(&own)).collect();
    let endless: Vec<&str> = of_first
        .iter()
        .filter(|item| ends(item).is_none())
        .map(|item| text(item, "sk"))
        .collect();
    assert_eq!(endless, [""; 0], "these never end");
    assert!(of_first.len() > 60, "{}", of_first.len());
    let row = items.iter().find(|item| text(item, "sk") == own).unwrap();
    assert_eq!(ends(row), Some(until.as_second()));
    let meta = of_first.iter().find(|item| text(item, "sk") == "META").unwrap();
    assert_eq!(ends(meta), Some(until.as_second()));
    // Nothing of the neighbour ends that did not end before.
    let neighbour = format!("ENTERPRISE#{}", other.id);
    let of_other = items.iter().filter(|item| text(item, "pk") == neighbour);
    let lasting = of_other.filter(|item| ends(item).is_none()).count();
    assert!(lasting > 5, "{lasting}");
    let users =
        |item: &&std::collections::HashMap<String, _>| text(item, "pk").starts_with(&format!("{neighbour}#TEAMS"));
    assert!(items.iter().filter(users).all(|item| ends(item).is_none()));
    // Again, with what came in between: nothing moves, nothing is lost.
    store.note(&gone.id, &entry(), &once("late")).await.unwrap();
    store.end_data(&gone.id, until + DAY).await.unwrap();
    let after = table.items().await;
    assert_eq!(after.len(), items.len() + 2, "an entry, and the memory of its request");
    for item in after.iter().filter(|item| text(item, "pk").starts_with(&own)) {
        assert!(ends(item).is_some(), "{}", text(item, "sk"));
        let same = items
            .iter()
            .find(|old| (&old["pk"], &old["sk"]) == (&item["pk"], &item["sk"]));
        // The place of the newest entry moved to the late one.
        let moved = text(item, "sk") == "LAST";
        assert!(same.is_none_or(|old| old == item || moved), "{}", text(item, "sk"));
    }
    assert_eq!(store.enterprise(&gone.id).await.unwrap(), gone);
    assert_eq!(store.account(&gone.id).await.unwrap().rows.len(), 1);
}
