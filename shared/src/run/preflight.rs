//! What can be known to fail before anything is written: inside a run, with what was just read, and on demand, from what is
//! kept.

pub use crate::plan::preflight::{Effect, Kind, Noted, Scope};

use crate::domain::brand::Brand;
use crate::domain::enterprise::Enterprise;
use crate::domain::finding::{Code, Finding};
use crate::domain::ids::TeamsUserId;
use crate::domain::mapping::Owned;
use crate::domain::schedule;
use crate::domain::sync_status::SyncStatus;
use crate::error::Result;
use crate::io::Io;
use crate::io::store::account::Account;
use crate::io::store::leases::Lease;
use crate::plan::sync::{Facts, plan};
use crate::plan::{guard, mapping, preflight};
use crate::run::activation::Domains;
use crate::run::session::Session;
use crate::run::{activation, diagnosis, matching, plans, status};
use jiff::Timestamp;

/// What keeps the whole run from planning, all of it at once. What only concerns single users is left to the plan.
///
/// # Errors
/// Whatever keeps Microsoft from answering.
pub(super) async fn before_planning(
    io: &Io,
    lease: &Lease,
    kept: &Enterprise,
    session: &Session,
) -> Result<Vec<Finding>> {
    if kept.standing.leaving() {
        return Ok(Vec::new());
    }
    Domains::gather(io, lease, kept, session).await?.foreseen().await
}

/// What is known without asking Microsoft.
#[derive(Debug)]
pub struct Report {
    /// Nothing is known that would stop a sync as a whole.
    pub ready: bool,
    /// When the directory was last read.
    pub directory_read: Option<Timestamp>,
    /// Everything that was found, by code.
    pub kinds: Vec<Kind>,
}

/// Looks at everything that is kept; of `only` one code a page from `from` on.
///
/// # Errors
/// `Upstream`.
pub async fn report(io: &Io, kept: &Enterprise, only: Option<Code>, from: usize, now: Timestamp) -> Result<Report> {
    let enterprise = &kept.id;
    let (account, sync, reseller, groups, directory, troubles, document, domains) = futures::try_join!(
        io.store.account(enterprise),
        io.store.sync_status(enterprise),
        io.store.reseller(&kept.reseller),
        io.store.groups(enterprise),
        io.store.directory(enterprise),
        io.store.troubles(enterprise),
        status::document(io, kept, now),
        activation::shown(io, kept, now),
    )?;
    let failed = status::failed(io, enterprise, &sync).await?;
    let contact = &reseller.brand.account_contact;
    let unmatched = matching::unmatched(io, kept, &account, &sync, contact, now).await?;
    let facts = plans::predicted(io, kept, &reseller.brand, &account, now).await?;
    let own = |finding: Finding| Noted { finding, seen_at: None };
    let read = |finding: Finding| Noted {
        finding,
        seen_at: directory.read_at,
    };
    let chosen = diagnosis::chosen(kept, &groups, failed.as_ref());
    let ended = failed.as_ref().and_then(|run| run.ended);
    let of_the_run = failed.map(|run| run.findings).unwrap_or_default();
    let blocks = document.blocks.into_iter().chain(of_the_run);
    let blocks = blocks.filter(|block| of_the_whole(block.code) && !of_one_run(block.code));
    let blocks = blocks.map(|finding| Noted {
        finding,
        seen_at: ended,
    });
    let not_told = |finding: &Finding| !diagnosis::ASKED_ANEW.contains(&finding.code) && !of_the_whole(finding.code);
    let seen_by_runs = troubles.into_iter().flat_map(|trouble| {
        let at = Some(trouble.at);
        let findings = trouble.findings.into_iter().filter(not_told);
        findings.map(move |finding| Noted { finding, seen_at: at })
    });
    let without_number = facts.without_number.iter().map(|name| preflight::number_missing(name));
    let domains = domains
        .into_iter()
        .filter(|shown| shown.needed)
        .filter_map(|shown| shown.waits);
    let found = blocks
        .chain(domains.map(own))
        .chain(chosen.iter().filter_map(|chosen| chosen.finding()).map(read))
        .chain(facts.unfit.values().flatten().cloned().map(read))
        .chain(facts.remarks.iter().cloned().map(read))
        .chain(without_number.map(own))
        .chain(unmatched.into_iter().map(read))
        .chain(
            dial_pads(kept, &account, &facts, &reseller.brand, now)?
                .into_iter()
                .map(own),
        )
        .chain(not_synced(kept, &account, &facts, &sync).map(own))
        .chain(too_many(kept, &account, &facts).map(own))
        .chain(seen_by_runs);
    let found: Vec<Noted> = found.collect();
    // Whether a sync can start does not depend on the part that is looked at.
    let ready = preflight::ready(&seen_by(kept, preflight::report(found.clone(), None, 0)));
    Ok(Report {
        ready,
        directory_read: directory.read_at,
        kinds: seen_by(kept, preflight::report(found, only, from)),
    })
}

/// Without a mail nobody is invited; but whoever has the link to the portal can sync without one.
fn seen_by(kept: &Enterprise, mut kinds: Vec<Kind>) -> Vec<Kind> {
    let mail = kinds.iter_mut().filter(|kind| kind.code == Code::InvUndelivered);
    for kind in mail.filter(|_| kept.setup.complete()) {
        kind.effect = Effect::Informs;
    }
    kinds
}

/// The clocks of those who were given their number lately (R144, R209).
fn dial_pads(
    kept: &Enterprise,
    account: &Account,
    facts: &Facts,
    brand: &Brand,
    now: Timestamp,
) -> Result<Vec<Finding>> {
    let zone = schedule::zone(&kept.settings.time_zone)?;
    let moment = preflight::Moment { now, zone: &zone };
    let clock = |(user, owned): (&TeamsUserId, &Owned)| {
        let placed = *account.placed.get(user)?;
        let name = &facts.wanted.get(user)?.name;
        owned.number.as_ref()?;
        preflight::dial_pad_listed(placed, now).then(|| Finding {
            about: Some(user.clone()),
            ..preflight::dial_pad(name, placed, &brand.provider_contact, moment)
        })
    };
    Ok(account.owned.iter().filter_map(clock).collect())
}

/// It is about the enterprise, its tenant or a group, and no single person or number.
fn of_the_whole(code: Code) -> bool {
    match preflight::scope(code).0 {
        Scope::Account | Scope::Tenant => true,
        // What is known of the groups is newer than the last run that failed.
        Scope::Group | Scope::Number | Scope::User => false,
    }
}

/// It says nothing of the next run: what that one will plan is worked out anew.
fn of_one_run(code: Code) -> bool {
    matches!(code, Code::PlanStale | Code::TooManyReleases)
}

/// The next sync would wait for somebody's approval.
fn too_many(kept: &Enterprise, account: &Account, facts: &Facts) -> Option<Finding> {
    let releases = guard::releases(&plan(facts).changes);
    let limit = kept.release_limit.free(account.owned.len());
    let waits = releases > limit && !kept.standing.leaving();
    waits.then(|| guard::too_many(None, releases, limit))
}

/// What is saved and not in Teams yet, of everybody.
fn not_synced(kept: &Enterprise, account: &Account, facts: &Facts, sync: &SyncStatus) -> impl Iterator<Item = Finding> {
    let (admin, running) = (kept.global_admin.display_name(), sync.current.is_some());
    let pending = mapping::pending(&facts.wanted, &account.owned);
    let finding = |user| match facts.wanted.get(&user) {
        Some(wanted) => {
            let what = format!("What is saved for {} is not in Teams yet.", wanted.name);
            (user, preflight::not_synced_yet(&what, &wanted.name, running, admin))
        }
        None => {
            let what = format!("{user} still has what an earlier sync gave; the next sync takes it away.");
            let finding = preflight::not_synced_yet(&what, user.as_str(), running, admin);
            (user, finding)
        }
    };
    let found: Vec<Finding> = pending
        .into_iter()
        .map(finding)
        .map(|(user, finding)| Finding {
            about: Some(user),
            ..finding
        })
        .collect();
    found.into_iter()
}
