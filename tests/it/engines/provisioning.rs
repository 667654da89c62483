//! Resellers, enterprises, tenant bindings, and creating requests that are repeated.

use super::samples::{DAY, NOW, at_once, created, enterprise, enterprise_id, entry, invitation, later, once, reseller};
use shared::Error;
use shared::domain::consent::Consents;
use shared::domain::enterprise::Enterprise;
use shared::domain::group_filter::{ChosenGroup, GroupFilter};
use shared::domain::ids::{EnterpriseId, ResellerId, TenantId};
use shared::domain::invitation::InvitationState;
use shared::domain::once::Once;
use shared::domain::reseller::Reseller;
use shared::domain::setup::{BoundTenant, Setup};
use shared::error::SignInRefused;
use shared::io::store::Store;
use shared::io::store::enterprises::ListPage;
use std::collections::BTreeSet;

super::cases!(
    a_reseller_is_kept_and_guarded,
    an_enterprise_comes_back_as_it_went,
    a_repeated_request_creates_once,
    a_key_is_free_again_after_a_day,
    many_equal_requests_create_once,
    an_update_of_an_old_version_is_refused,
    a_tenant_belongs_to_one_enterprise,
    enterprises_are_listed_in_pages,
);

fn tenant() -> TenantId {
    "9f3c2b10-0000-4000-8000-00000000bf01".parse().expect("a tenant")
}

/// The same enterprise, one version on, bound to the one tenant of these cases.
fn bound(enterprise: &Enterprise) -> Enterprise {
    let tenant = BoundTenant {
        id: tenant(),
        name: "Bluefinch".into(),
        label: "bluefinch".into(),
        at: NOW,
    };
    let setup = Setup::Bound {
        tenant,
        consents: Consents::default(),
    };
    Enterprise {
        setup,
        version: enterprise.version + 1,
        ..enterprise.clone()
    }
}

async fn a_reseller_is_kept_and_guarded(store: Store) {
    let first = reseller();
    assert!(matches!(store.reseller(&first.id).await, Err(Error::NotFound(_))));
    let made = store
        .create_reseller(&first, &[], &entry(), &once("reseller"), NOW)
        .await;
    assert_eq!(made.unwrap(), first.id);
    assert_eq!(store.reseller(&first.id).await.unwrap(), first);
    let second = Reseller {
        name: "Southwind".into(),
        version: 2,
        ..first.clone()
    };
    store.update_reseller(&second, &first, &[], &entry()).await.unwrap();
    let late = store.update_reseller(&second, &first, &[], &entry()).await;
    assert!(matches!(late, Err(Error::Stale(_))), "{late:?}");
    assert_eq!(store.reseller(&first.id).await.unwrap(), second);
    assert_eq!(store.resellers(None, 10).await.unwrap(), (vec![second], None));
}

async fn an_enterprise_comes_back_as_it_went(store: Store) {
    assert!(matches!(
        store.enterprise(&enterprise_id(1)).await,
        Err(Error::NotFound(_))
    ));
    let enterprise = created(&store, 1).await;
    assert_eq!(store.enterprise(&enterprise.id).await.unwrap(), enterprise);
    assert_eq!(
        store.invitation(&enterprise.id, &invitation(1).id).await.unwrap(),
        invitation(1)
    );
    let group = ChosenGroup {
        id: "4c0f6b5e-1111-4a11-9a11-0000000000a1".parse().unwrap(),
        name: "Accounting".into(),
    };
    let mut changed = bound(&enterprise);
    changed.group_filter = GroupFilter::Groups(vec![group]);
    changed.settings.user_limit = None;
    changed.settings.pbx_types = BTreeSet::new();
    changed.invitation = None;
    store.update_enterprise(&changed, 1, &entry(), &[]).await.unwrap();
    assert_eq!(store.enterprise(&enterprise.id).await.unwrap(), changed);
}

async fn a_repeated_request_creates_once(store: Store) {
    let first = created(&store, 1).await;
    let again = once("create 1");
    assert_eq!(
        store.answered(&again, NOW).await.unwrap().as_deref(),
        Some(first.id.as_str())
    );
    let id = store
        .create_enterprise(&enterprise(2), &invitation(2), &[], &entry(), &again, NOW)
        .await;
    assert_eq!(id.unwrap(), first.id);
    assert!(matches!(
        store.enterprise(&enterprise_id(2)).await,
        Err(Error::NotFound(_))
    ));
    assert_eq!(store.link(&invitation(2).link_hash, NOW).await.unwrap(), None);
    let other = Once {
        request: b"another body".to_vec(),
        ..again
    };
    let refused = store
        .create_enterprise(&enterprise(2), &invitation(2), &[], &entry(), &other, NOW)
        .await;
    assert!(matches!(refused, Err(Error::KeyReused)), "{refused:?}");
    assert!(matches!(store.answered(&other, NOW).await, Err(Error::KeyReused)));
}

async fn a_key_is_free_again_after_a_day(store: Store) {
    created(&store, 1).await;
    let other = Once {
        request: b"another body".to_vec(),
        ..once("create 1")
    };
    let tomorrow = later(DAY);
    assert_eq!(store.answered(&other, tomorrow).await.unwrap(), None);
    let id = store
        .create_enterprise(&enterprise(2), &invitation(2), &[], &entry(), &other, tomorrow)
        .await;
    assert_eq!(id.unwrap(), enterprise_id(2));
}

async fn many_equal_requests_create_once(store: Store) {
    let creators = at_once(16, |n| {
        let store = store.clone();
        async move {
            let n = u8::try_from(n).unwrap();
            store
                .create_enterprise(&enterprise(n), &invitation(n), &[], &entry(), &once("one key"), NOW)
                .await
        }
    });
    let ids: BTreeSet<_> = creators.await.into_iter().map(|id| id.unwrap()).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let (listed, _) = store.enterprises(&reseller().id, &from(None, 50), None).await.unwrap();
    let listed = listed.into_iter().map(|one| one.enterprise.id);
    assert_eq!(listed.collect::<BTreeSet<_>>(), ids);
}

/// A page of the list, oldest first.
fn from(after: Option<EnterpriseId>, limit: u16) -> ListPage {
    ListPage {
        after,
        limit,
        newest_first: false,
    }
}

async fn an_update_of_an_old_version_is_refused(store: Store) {
    let first = created(&store, 1).await;
    let second = Enterprise {
        version: 2,
        ..first.clone()
    };
    store.update_enterprise(&second, 1, &entry(), &[]).await.unwrap();
    let mut late = second.clone();
    late.settings.name = "too late".into();
    assert!(matches!(
        store.update_enterprise(&late, 1, &entry(), &[]).await,
        Err(Error::Stale(_))
    ));
    assert_eq!(store.enterprise(&first.id).await.unwrap(), second);
}

async fn a_tenant_belongs_to_one_enterprise(store: Store) {
    let (first, second) = (created(&store, 1).await, created(&store, 2).await);
    let kept = bound(&first);
    store.bind_tenant(&kept, 1, &tenant(), &entry()).await.unwrap();
    assert_eq!(store.enterprise(&first.id).await.unwrap(), kept);
    let invitation = store.invitation(&first.id, &invitation(1).id).await.unwrap();
    assert_eq!(invitation.state, InvitationState::Accepted);
    // The same enterprise may bind its tenant again.
    store.bind_tenant(&bound(&kept), 2, &tenant(), &entry()).await.unwrap();
    let taken = store.bind_tenant(&bound(&second), 1, &tenant(), &entry()).await;
    assert!(
        matches!(taken, Err(Error::SignIn(SignInRefused::TenantTaken))),
        "{taken:?}"
    );
    assert_eq!(store.enterprise(&second.id).await.unwrap(), second);
    let stale = store.bind_tenant(&kept, 1, &tenant(), &entry()).await;
    assert!(matches!(stale, Err(Error::Stale(_))), "{stale:?}");
}

async fn enterprises_are_listed_in_pages(store: Store) {
    for n in [3, 1, 5, 2, 4] {
        created(&store, n).await;
    }
    let (mut seen, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let (page, next) = store.enterprises(&reseller().id, &from(after, 2), None).await.unwrap();
        assert!(page.len() <= 2);
        seen.extend(page.into_iter().map(|one| one.enterprise.id));
        pages += 1;
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, [1, 2, 3, 4, 5].map(enterprise_id));
    assert_eq!(pages, 3);
    let stranger = ResellerId::mint(NOW, 2);
    let (none, next) = store.enterprises(&stranger, &from(None, 2), None).await.unwrap();
    assert!(none.is_empty() && next.is_none());
}
