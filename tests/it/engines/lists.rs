//! The lists of enterprises and resellers: rows follow what they show, pages lose nothing and give nothing twice.

use super::samples::{
    DAY, NOW, created, created_run, enterprise, enterprise_id, entry, invitation, next, once, reseller, reseller_id,
};
use shared::Error;
use shared::domain::enterprise::Enterprise;
use shared::domain::ids::{EnterpriseId, ResellerId};
use shared::domain::reseller::{Activation, Reseller};
use shared::domain::standing::Standing;
use shared::domain::sync_status::{LastSync, Pending, SyncStatus};
use shared::domain::visit::Link;
use shared::io::store::Store;
use shared::io::store::enterprises::{ListPage, Listed};

super::cases!(
    a_row_follows_its_enterprise_and_its_status,
    enterprises_are_listed_newest_first,
    a_filtered_list_is_whole_while_it_grows,
    a_filtered_page_ends_exactly,
    resellers_are_listed_in_pages,
    an_activation_link_dies_with_a_newer_one_and_with_its_use,
);

fn part(after: Option<EnterpriseId>, limit: u16, newest_first: bool) -> ListPage {
    ListPage {
        after,
        limit,
        newest_first,
    }
}

async fn row(store: &Store) -> Listed {
    let (mut rows, next) = store
        .enterprises(&reseller_id(), &part(None, 50, false), None)
        .await
        .unwrap();
    assert_eq!((rows.len(), next), (1, None));
    rows.remove(0)
}

/// The list shows exactly what is kept.
#[track_caller]
fn same(row: Listed, kept: Enterprise, status: SyncStatus) {
    assert_eq!((row.enterprise, row.sync), (kept, status));
}

async fn a_row_follows_its_enterprise_and_its_status(store: Store) {
    let id = enterprise_id(1);
    let kept = || async { store.enterprise(&id).await.unwrap() };
    let status = || async { store.sync_status(&id).await.unwrap() };
    created(&store, 1).await;
    same(row(&store).await, kept().await, status().await);
    // A status before and after a change of the enterprise.
    let waits = |status: SyncStatus| SyncStatus {
        pending: Some(Pending { users: 3, since: NOW }),
        last: Some((NOW, LastSync::Failed)),
        ..status
    };
    store.edit_sync_status(&kept().await, waits).await.unwrap();
    same(row(&store).await, kept().await, status().await);
    let mut renamed = next(&kept().await);
    renamed.settings.name = "Bluefinch International".into();
    renamed.standing = Standing::Disabled { since: NOW };
    store.update_enterprise(&renamed, 1, &entry(), &[]).await.unwrap();
    assert_eq!(row(&store).await.enterprise.settings.name, "Bluefinch International");
    same(row(&store).await, kept().await, status().await);
    created_run(&store, 1).await;
    assert!(row(&store).await.sync.current.is_some());
    same(row(&store).await, kept().await, status().await);
    // What is refused does not show either.
    let mut late = next(&renamed);
    late.settings.name = "too late".into();
    assert!(store.update_enterprise(&late, 1, &entry(), &[]).await.is_err());
    let old = SyncStatus::default();
    assert!(store.put_sync_status(&renamed, &old).await.is_err());
    same(row(&store).await, kept().await, status().await);
    let (bound, tenant) = (next(&renamed), "9f3c2b10-0000-4000-8000-00000000bf01".parse().unwrap());
    store.bind_tenant(&bound, 2, &tenant, &entry()).await.unwrap();
    same(row(&store).await, kept().await, status().await);
    let invited = next(&bound);
    store
        .replace_invitation(&invited, 3, None, Some(&invitation(2)), &entry(), &[])
        .await
        .unwrap();
    same(row(&store).await, kept().await, status().await);
    let mut removed = next(&invited);
    removed.standing = Standing::Removed { since: NOW };
    store.remove_enterprise(&removed, 4, None, &entry(), &[]).await.unwrap();
    same(row(&store).await, kept().await, status().await);
}

async fn enterprises_are_listed_newest_first(store: Store) {
    for n in [2, 1, 4, 3, 5] {
        created(&store, n).await;
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let (rows, next) = store
            .enterprises(&reseller_id(), &part(after, 2, true), None)
            .await
            .unwrap();
        seen.extend(rows.into_iter().map(|row| row.enterprise.id));
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1].map(enterprise_id));
}

/// An enterprise whose row is large, so that a page of the table holds few of them; every third is wanted.
async fn large(store: &Store, n: u8) {
    let mut large = enterprise(n);
    let word = if n.is_multiple_of(3) { "wanted" } else { "other" };
    large.settings.billing_reference = Some(word.to_owned() + &"-".repeat(50_000));
    let once = once(&format!("large {n}"));
    store
        .create_enterprise(&large, &invitation(n), &[], &entry(), &once, NOW)
        .await
        .unwrap();
}

fn wanted(row: &Listed) -> bool {
    let reference = row.enterprise.settings.billing_reference.as_deref();
    reference.is_some_and(|reference| reference.starts_with("wanted"))
}

async fn a_filtered_list_is_whole_while_it_grows(store: Store) {
    let first: Vec<u8> = (20..100).step_by(2).collect();
    for n in &first {
        large(&store, *n).await;
    }
    for newest_first in [false, true] {
        let mut expected: Vec<EnterpriseId> = first
            .iter()
            .filter(|n| n.is_multiple_of(3))
            .map(|n| enterprise_id(*n))
            .collect();
        if newest_first {
            expected.reverse();
        }
        let (mut seen, mut after, mut pages) = (Vec::new(), None, 0_u8);
        loop {
            let page = part(after.clone(), 2, newest_first);
            let (rows, next) = store.enterprises(&reseller_id(), &page, Some(&wanted)).await.unwrap();
            assert!(rows.len() <= 2 && rows.iter().all(wanted));
            seen.extend(rows.into_iter().map(|row| row.enterprise.id));
            // Meanwhile some are created, before and after the place where we are.
            let (before, behind) = if newest_first { (1, 190) } else { (0, 180) };
            large(&store, pages * 2 + 1 + before * 2).await;
            large(&store, behind + pages).await;
            pages += 1;
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len(), "nothing twice");
        let known: Vec<EnterpriseId> = seen.into_iter().filter(|id| expected.contains(id)).collect();
        assert_eq!(known, expected, "nothing lost");
        assert!(usize::from(pages) >= expected.len() / 2, "{pages}");
    }
    // A filter that nothing passes ends as well, after several empty pages.
    let (mut after, mut pages) = (None, 0);
    loop {
        let page = part(after.take(), 50, false);
        let nothing = |_: &Listed| false;
        let (rows, next) = store.enterprises(&reseller_id(), &page, Some(&nothing)).await.unwrap();
        assert!(rows.is_empty());
        pages += 1;
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert!(pages > 1, "rows of several MB are read in pages: {pages}");
}

async fn a_filtered_page_ends_exactly(store: Store) {
    for n in 1..=4 {
        created(&store, n).await;
    }
    let all = |_: &Listed| true;
    let first_two = |row: &Listed| row.enterprise.id <= enterprise_id(2);
    let list = |limit| part(None, limit, false);
    // As many as fit, and no more behind: no cursor that leads nowhere.
    for (limit, more) in [(4, false), (3, true), (5, false)] {
        let (rows, next) = store
            .enterprises(&reseller_id(), &list(limit), Some(&all))
            .await
            .unwrap();
        assert_eq!(
            (rows.len(), next.is_some()),
            (usize::from(limit).min(4), more),
            "{limit}"
        );
    }
    let (rows, next) = store
        .enterprises(&reseller_id(), &list(2), Some(&first_two))
        .await
        .unwrap();
    assert_eq!((rows.len(), next), (2, None));
    let of_stranger = store
        .enterprises(&ResellerId::mint(NOW, 2), &list(10), Some(&all))
        .await;
    assert!(of_stranger.unwrap().0.is_empty());
}

fn numbered(n: u8) -> Reseller {
    Reseller {
        id: ResellerId::mint(NOW, u128::from(n)),
        name: format!("Reseller {n}"),
        ..reseller()
    }
}

async fn resellers_are_listed_in_pages(store: Store) {
    for n in [3, 1, 5, 2, 4] {
        let once = once(&format!("reseller {n}"));
        let made = store.create_reseller(&numbered(n), &[], &entry(), &once, NOW).await;
        assert_eq!(made.unwrap(), numbered(n).id);
        // The same request again makes no other.
        let again = store
            .create_reseller(&numbered(n + 100), &[], &entry(), &once, NOW)
            .await;
        assert_eq!(again.unwrap(), numbered(n).id);
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let (page, next) = store.resellers(after.as_ref(), 2).await.unwrap();
        assert!(page.len() <= 2);
        seen.extend(page);
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, [1, 2, 3, 4, 5].map(numbered));
    let changed = Reseller {
        name: "Southwind".into(),
        version: 2,
        ..numbered(3)
    };
    store
        .update_reseller(&changed, &numbered(3), &[], &entry())
        .await
        .unwrap();
    let (all, _) = store.resellers(None, 50).await.unwrap();
    assert_eq!(all[2], changed);
    assert_eq!(store.reseller(&changed.id).await.unwrap(), changed);
}

async fn an_activation_link_dies_with_a_newer_one_and_with_its_use(store: Store) {
    let awaited = |hash: &str, version| Reseller {
        activation: Activation::Awaited {
            link_hash: hash.into(),
            until: NOW + DAY,
        },
        version,
        ..reseller()
    };
    let to = Some(Link::Activation {
        reseller: reseller_id(),
    });
    let (first, second) = (awaited("first", 1), awaited("second", 2));
    store
        .create_reseller(&first, &[], &entry(), &once("reseller"), NOW)
        .await
        .unwrap();
    assert_eq!(store.link("first", NOW).await.unwrap(), to);
    assert_eq!(store.link("first", NOW + DAY).await.unwrap(), None);
    store.update_reseller(&second, &first, &[], &entry()).await.unwrap();
    assert_eq!(store.link("first", NOW).await.unwrap(), None);
    assert_eq!(store.link("second", NOW).await.unwrap(), to);
    // A late resend of the first neither brings its own link nor ends the newer one.
    let late = store.update_reseller(&awaited("late", 2), &first, &[], &entry()).await;
    assert!(matches!(late, Err(Error::Stale(_))), "{late:?}");
    assert_eq!(store.link("late", NOW).await.unwrap(), None);
    assert_eq!(store.link("second", NOW).await.unwrap(), to);
    // An edit leaves the link alone.
    let edited = Reseller {
        name: "Southwind".into(),
        version: 3,
        ..second.clone()
    };
    store.update_reseller(&edited, &second, &[], &entry()).await.unwrap();
    assert_eq!(store.link("second", NOW).await.unwrap(), to);
    let active = Reseller {
        activation: Activation::Active { since: NOW },
        version: 4,
        ..edited.clone()
    };
    store.update_reseller(&active, &edited, &[], &entry()).await.unwrap();
    assert_eq!(store.link("second", NOW).await.unwrap(), None);
    assert!(store.reseller(&active.id).await.unwrap().active());
}
