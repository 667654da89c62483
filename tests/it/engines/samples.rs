//! What the cases store: small, complete, and different where it matters.

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use shared::domain::audit::{Author, Deed, Entry};
use shared::domain::brand::Brand;
use shared::domain::enterprise::{Enterprise, Service, Settings};
use shared::domain::global_admin::GlobalAdmin;
use shared::domain::group_filter::GroupFilter;
use shared::domain::ids::{EnterpriseId, InvitationId, PlanId, ResellerId, RunId, TeamsUserId, VoiceUserId};
use shared::domain::invitation::Invitation;
use shared::domain::management::Management;
use shared::domain::once::Once;
use shared::domain::reseller::{Activation, Reseller};
use shared::domain::run::{Authority, Run, RunKind, RunState, Tally, Trigger};
use shared::domain::setup::Setup;
use shared::domain::standing::Standing;
use shared::domain::steps::Steps;
use shared::domain::sync_status::SyncStatus;
use shared::io::store::Store;
use shared::io::store::account::Account;
use shared::io::store::voice_users::{VoiceUsers, VoiceUsersKept};
use std::future::Future;

/// Far ahead, so that no engine finds anything expired by its own clock.
pub(super) const NOW: Timestamp = Timestamp::constant(3_792_990_000, 0);

pub(super) fn later(by: SignedDuration) -> Timestamp {
    NOW + by
}

pub(super) const SECOND: SignedDuration = SignedDuration::from_secs(1);
pub(super) const DAY: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn reseller_id() -> ResellerId {
    ResellerId::mint(NOW, 1)
}

/// Ids sort by `n`.
pub(super) fn enterprise_id(n: u8) -> EnterpriseId {
    EnterpriseId::mint(NOW, u128::from(n))
}

pub(super) fn run_id(n: u8) -> RunId {
    RunId::mint(NOW, u128::from(n))
}

pub(super) fn plan_id(n: u8) -> PlanId {
    PlanId::mint(NOW, u128::from(n))
}

pub(super) fn invitation_id(n: u8) -> InvitationId {
    InvitationId::mint(NOW, u128::from(n))
}

/// Users of different parts of the directory.
pub(super) fn teams_user_id(n: u8) -> TeamsUserId {
    let mut bytes = [n; 16];
    bytes[0] = n.wrapping_mul(37);
    TeamsUserId::from_bytes(bytes)
}

pub(super) fn voice_user_id(n: usize) -> VoiceUserId {
    format!("v{n:04}").parse().expect("a voice user's id")
}

pub(super) fn reseller() -> Reseller {
    Reseller {
        id: reseller_id(),
        name: "Northwind Telecom".into(),
        owner: "owner@northwind.example".parse().expect("an address"),
        activation: Activation::Active { since: NOW },
        return_origins: ["https://portal.northwind.example".into()].into(),
        help_url: None,
        created: NOW,
        brand: Brand {
            product_name: "Northwind Calling".into(),
            policy_prefix: "Northwind2Teams".into(),
            voice_portal_name: "Northwind Voice Portal".into(),
            voice_portal_url: "https://voice.northwind.example/".parse().expect("a URL"),
            integration_portal_url: "https://teams.northwind.example/".parse().expect("a URL"),
            account_contact: "your administrator".into(),
            provider_contact: "Northwind support".into(),
            sender: Some("calling@northwind.example".parse().expect("an address")),
            reply_to: None,
            application: None,
            accent: None,
            logo_url: None,
        },
        version: 1,
    }
}

/// An enterprise with the invitation of the same number.
pub(super) fn enterprise(n: u8) -> Enterprise {
    Enterprise {
        id: enterprise_id(n),
        reseller: reseller_id(),
        settings: Settings {
            name: format!("Bluefinch Ålesund {n}"),
            user_limit: Some(150),
            pbx_music_on_hold: true,
            access_sip_data: false,
            request_management_consent: true,
            sbc_regions: ["Europe".into(), "North America".into()].into(),
            services: [Service::Pbx, Service::Trunk].into(),
            pbx_types: ["Ringlogix".into()].into(),
            time_zone: "Europe/Brussels".into(),
            billing_reference: None,
            trial_end: Some(jiff::civil::date(2090, 6, 30)),
        },
        global_admin: GlobalAdmin::invited("admin@bluefinch.example".parse().expect("an address"), None),
        setup: Setup::Invited,
        group_filter: GroupFilter::Undecided,
        invitation: Some(invitation_id(n)),
        standing: Standing::Active,
        management: Management::Pending,
        steps: Steps::new(),
        sync_switch: shared::domain::sync_switch::SyncSwitch::On,
        operators: Default::default(),
        unattended: Default::default(),
        release_limit: Default::default(),
        left_tenant: None,
        created: NOW,
        version: 1,
    }
}

/// An entry of the audit trail that nobody has written yet.
pub(super) fn entry() -> Entry {
    entry_of(Deed::EnterpriseChanged, NOW)
}

/// The same, of a deed and a moment.
pub(super) fn entry_of(deed: Deed, at: Timestamp) -> Entry {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    // Far apart, as chance is: no other entry's place follows.
    let chance = u128::from(NEXT.fetch_add(1, Ordering::SeqCst)) << 40;
    Entry::new(&Author::service(), deed, Vec::new(), at, chance)
}

/// The same enterprise, one version on.
pub(super) fn next(enterprise: &Enterprise) -> Enterprise {
    Enterprise {
        version: enterprise.version + 1,
        ..enterprise.clone()
    }
}

pub(super) fn invitation(n: u8) -> Invitation {
    Invitation::new(invitation_id(n), format!("link-{n}"), format!("code-{n}"), NOW)
}

pub(super) fn once(key: &str) -> Once {
    Once {
        key: key.to_owned(),
        request: format!("body of {key}").into_bytes(),
    }
}

/// Creates enterprise `n` with its invitation, and gives it back.
pub(super) async fn created(store: &Store, n: u8) -> Enterprise {
    let enterprise = enterprise(n);
    let once = once(&format!("create {n}"));
    let id = store
        .create_enterprise(&enterprise, &invitation(n), &[], &entry(), &once, NOW)
        .await;
    assert_eq!(id.expect("the enterprise is created"), enterprise.id);
    enterprise
}

pub(super) fn run(n: u8, state: RunState) -> Run {
    Run {
        id: run_id(n),
        kind: RunKind::Apply,
        state,
        plan: Some(plan_id(n)),
        debug: true,
        requested_by: "admin@bluefinch.example".into(),
        authority: Authority::GlobalAdmin,
        trigger: Trigger::Manual,
        retry_of: None,
        created: NOW,
        started: None,
        ended: None,
        findings: Vec::new(),
        lines: 0,
        tally: Tally::default(),
    }
}

/// Creates run `n` as the current one of enterprise 1, whose status nobody has written but this.
pub(super) async fn created_run(store: &Store, n: u8) -> Run {
    let enterprise = store.enterprise(&enterprise_id(1)).await.unwrap_or(enterprise(1));
    let run = run(n, RunState::Applying);
    let status = SyncStatus {
        current: Some(run.id.clone()),
        ..store.sync_status(&enterprise.id).await.expect("a status")
    };
    let (link, once) = (format!("run-{n}"), once(&format!("run {n}")));
    let entry = entry();
    let made = store.create_run(
        &enterprise,
        &run,
        &"permitted",
        &link,
        NOW + DAY,
        &status,
        &entry,
        &once,
        NOW,
    );
    assert_eq!(made.await.expect("the run is created"), run.id);
    run
}

/// Does the same `times` at once, each in a task of its own.
pub(super) async fn at_once<T, F>(times: usize, task: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..times).map(|n| tokio::spawn(task(n))).collect();
    let ended = join_all(tasks).await;
    ended.into_iter().map(|ended| ended.expect("no task panics")).collect()
}

/// A change of the voice users of an account that was seen at a version; the version afterwards.
pub(super) async fn keep_voice_users(
    store: &Store,
    kept: &Enterprise,
    change: impl FnOnce(&mut VoiceUsers),
    seen: u64,
    entry: &Entry,
) -> shared::Result<u64> {
    let account = Account {
        version: seen,
        ..store.account(&kept.id).await?
    };
    let mut next = account.voice_users.clone();
    change(&mut next);
    match store.keep_voice_users(kept, &account, &next, entry, None).await? {
        VoiceUsersKept::At(version) => Ok(version),
        VoiceUsersKept::Before(said) => panic!("remembered {said}"),
    }
}
