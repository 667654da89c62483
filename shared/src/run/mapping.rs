//! Saves of the mapping: by people, and by a sync that matches addresses. Nothing here touches Teams (R050, R113).

use crate::domain::Invalid;
use crate::domain::audit::{Author, Deed, changed};
use crate::domain::directory::TeamsUser;
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{EnterpriseId, RunId, TeamsUserId, VoiceUserId};
use crate::domain::licence;
use crate::domain::mapping::{Mapping, Ownership};
use crate::domain::run::Step;
use crate::domain::sync_status::SyncStatus;
use crate::domain::voice::VoiceUser;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::store::account::{ACCOUNT_MOVED, Account, ENTERPRISE_MOVED, Matched};
use crate::io::store::leases::Lease;
use crate::io::store::mapping::SavedMapping;
use crate::plan::discover;
use crate::plan::mapping::{self, Candidate, Cannot, Edit, Facts, Refused, Why};
use crate::plan::matching;
use crate::run::access::entry;
use crate::run::account::refresh_pending;
use crate::run::plans::StoredPlan;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Most rows that one save may name.
pub const EDITS_PER_SAVE: usize = 1_000;
/// Most names in a sentence.
const NAMED: usize = 10;
/// How often a save is checked anew while a run or the enterprise does not hold still.
const SAVE_TRIES: u32 = 16;
/// What `Stale` names where somebody else has saved the mapping.
const MAPPING_SAVED: &str = "the mapping";

/// What saving a mapping led to.
#[derive(Debug)]
pub struct Saved {
    /// The version to save against next.
    pub version: u64,
    /// The sync status as it is now.
    pub status: SyncStatus,
    /// Rows that changed.
    pub changed: usize,
    /// The licences as they are now.
    pub licences: Licences,
}

/// Licences and who uses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Licences {
    /// Those that count now; `None` is unlimited.
    pub limit: Option<u32>,
    /// Used ones.
    pub used: usize,
    /// Of those, licences that the next sync frees (R117).
    pub pending_release: usize,
}

impl Licences {
    /// Counts them.
    #[must_use]
    pub fn counted(rows: &BTreeMap<VoiceUserId, Mapping>, held: &Ownership, limit: Option<u32>) -> Self {
        let used = licence::holders(rows.values(), held).len();
        let mapped = licence::holders(rows.values(), &Ownership::new()).len();
        Self {
            limit,
            used,
            pending_release: used - mapped,
        }
    }
}

/// Who saves.
#[derive(Debug)]
pub enum Saver<'a> {
    /// A person, who has seen the mapping at this version.
    Person {
        /// Who.
        author: &'a Author,
        /// The version.
        seen: u64,
    },
    /// A person who makes the mapping what it was before a run; decided on the mapping as it is.
    Undo {
        /// Who.
        author: &'a Author,
        /// Which run.
        run: &'a RunId,
    },
    /// A sync that matches addresses; it decides on the mapping as it is, and makes the rows its own.
    Run(&'a RunId),
}

/// Saves a set of edits as a whole (R111-R117). Teams is untouched until a sync. What a run puts in place meanwhile does
/// not make a save stale: the save is checked anew against it.
///
/// # Errors
/// `OverLicense` and `Invalid` with every refused row, `Conflict` before the first sync (R142) or while the integration is
/// being removed, `Stale` where somebody else has saved, `Busy` where nothing holds still.
pub async fn save(
    io: &Io,
    kept: &Enterprise,
    edits: &[Edit],
    author: &Author,
    seen: u64,
    now: Timestamp,
) -> Result<Saved> {
    if edits.len() > EDITS_PER_SAVE {
        let why = format!(
            "{} rows are more than the {EDITS_PER_SAVE} that one save takes; save them in parts, rows that are set to None first, \
             and use the ETag of each answer for the next part",
            edits.len()
        );
        return Err(Invalid::new("rows", why).coded("TOO_MANY_ROWS").into());
    }
    let saver = Saver::Person { author, seen };
    let given = |_: &Look<'_>| Ok((edits.to_vec(), ()));
    let (saved, ()) = decide(io, kept, &saver, now, |_, _| false, given).await?;
    Ok(saved)
}

/// What a decision on the mapping rests on.
#[derive(Debug)]
pub(super) struct Look<'a> {
    pub(super) account: &'a Account,
    pub(super) facts: matching::Facts<'a>,
}

/// The same for edits that are decided on what is there, with what else was decided; both anew whenever it has changed.
/// The directory is asked for people with the addresses of the unmapped voice users that `asked` lets through.
///
/// # Errors
/// As above, and those of `decided`.
pub(super) async fn decide<T>(
    io: &Io,
    kept: &Enterprise,
    saver: &Saver<'_>,
    now: Timestamp,
    asked: impl Fn(&Account, &VoiceUser) -> bool,
    decided: impl Fn(&Look<'_>) -> Result<(Vec<Edit>, T)>,
) -> Result<(Saved, T)> {
    let mut kept = kept.clone();
    for _ in 0..SAVE_TRIES {
        let account = io.store.account(&kept.id).await?;
        // The run and its plan are read after the account: what appears later moves the account with it.
        let status = io.store.sync_status(&kept.id).await?;
        may_map(&kept, &status)?;
        if let Saver::Person { seen, .. } = saver
            && account.saved != *seen
        {
            return Err(Error::Stale(MAPPING_SAVED));
        }
        let held = held(io, &kept.id, &account, &status).await?;
        let people = people_at(io, &kept.id, &account, |user| asked(&account, user)).await?;
        let (edits, besides) = decided(&Look {
            account: &account,
            facts: facts(&account, &held, kept.allowance(now), &people),
        })?;
        match try_save(io, &kept, &account, &held, &edits, saver, now).await {
            // The licences it was checked against may be others now.
            Err(Error::Stale(ENTERPRISE_MOVED)) => kept = io.store.enterprise(&kept.id).await?,
            Err(Error::Stale(ACCOUNT_MOVED)) => {}
            ended => return Ok((ended?, besides)),
        }
    }
    Err(Error::Busy)
}

/// What addresses are matched on.
pub(super) fn facts<'a>(
    account: &'a Account,
    held: &'a Ownership,
    limit: Option<u32>,
    people: &'a matching::People,
) -> matching::Facts<'a> {
    matching::Facts {
        voice_users: &account.voice_users,
        rows: &account.rows,
        held,
        limit,
        people,
    }
}

/// Everybody in the directory with the address of an unmapped voice user that `asked` lets through. It reads the directory
/// once, however many they are, and not at all for nobody.
///
/// # Errors
/// `Upstream`.
pub(super) async fn people_at(
    io: &Io,
    enterprise: &EnterpriseId,
    account: &Account,
    asked: impl Fn(&VoiceUser) -> bool,
) -> Result<matching::People> {
    let unmapped = account.voice_users.values();
    let unmapped = unmapped.filter(|user| !account.rows.contains_key(&user.id) && asked(user));
    let addresses = unmapped
        .filter_map(|user| user.email.as_ref().map(matching::key))
        .collect();
    let mut people = matching::People::new();
    for user in io.store.teams_users_at(enterprise, &addresses).await? {
        let why = discover::ineligible(&user).map(Cannot::Ineligible);
        people.entry(matching::key(&user.email)).or_default().push((user, why));
    }
    Ok(people)
}

fn may_map(kept: &Enterprise, status: &SyncStatus) -> Result<()> {
    if kept.standing.leaving() {
        return Err(Error::Conflict(
            "the integration is being removed; nobody can be mapped any more".into(),
        ));
    }
    if status.discovered.is_none() {
        return Err(Error::Conflict(
            "the Global Admin has to sync once before users can be mapped".into(),
        ));
    }
    Ok(())
}

/// What holds licences besides the rows: what is ours in the tenant, and what a run that goes on may put there.
///
/// # Errors
/// `Upstream`.
pub(super) async fn held(
    io: &Io,
    enterprise: &EnterpriseId,
    account: &Account,
    status: &SyncStatus,
) -> Result<Ownership> {
    let mut held = account.owned.clone();
    if let Some(run) = &status.current
        && let Some(plan) = io.store.run_plan::<StoredPlan>(enterprise, run).await?
    {
        claim(&mut held, &plan);
    }
    Ok(held)
}

fn claim(held: &mut Ownership, plan: &StoredPlan) {
    let given = plan.targets.iter().filter(|(_, target)| !target.is_empty());
    for (user, _) in given {
        held.entry(user.clone()).or_default();
    }
}

/// Whether a plan that was made a moment ago may be carried out: nobody has given away a licence in between that it needs.
fn fits(kept: &Enterprise, account: &Account, plan: &StoredPlan, now: Timestamp) -> bool {
    let before = licence::holders(account.rows.values(), &account.owned).len();
    let mut held = account.owned.clone();
    claim(&mut held, plan);
    let after = licence::holders(account.rows.values(), &held).len();
    after <= before || kept.allowance(now).is_none_or(|limit| after <= limit as usize)
}

/// Keeps the plan of a run, so that saves see which licences it needs; `false` where a save was faster and the plan has to
/// be made anew. `seen` is the account's version that it was made from.
///
/// # Errors
/// `Busy` where the lease was lost, or the account does not hold still.
#[expect(
    clippy::too_many_arguments,
    reason = "a plan, what it is of, and what it was made from"
)]
pub(super) async fn keep_plan(
    io: &Io,
    lease: &Lease,
    run: &RunId,
    kept: &Enterprise,
    mut seen: u64,
    plan: &StoredPlan,
    steps: &[Step],
    now: Timestamp,
) -> Result<bool> {
    for _ in 0..SAVE_TRIES {
        match io.store.put_run_plan(lease, run, plan, steps, seen, now).await {
            Err(Error::Stale(ACCOUNT_MOVED)) => {}
            kept => return kept.map(|()| true),
        }
        let account = io.store.account(&kept.id).await?;
        if !fits(kept, &account, plan, now) {
            return Ok(false);
        }
        seen = account.version;
    }
    Err(Error::Busy)
}

async fn try_save(
    io: &Io,
    kept: &Enterprise,
    account: &Account,
    held: &Ownership,
    edits: &[Edit],
    saver: &Saver<'_>,
    now: Timestamp,
) -> Result<Saved> {
    let id = &kept.id;
    let chosen = edits.iter().filter_map(|(_, chosen)| chosen.clone()).collect();
    let chosen = candidates(io, id, chosen, now).await?;
    let limit = kept.allowance(now);
    let facts = Facts {
        rows: &account.rows,
        voice_users: &account.voice_users,
        chosen: &chosen,
        owned: held,
        limit,
        next_order: account.next_order,
        by_mail: matches!(saver, Saver::Run(_)),
        set_to_none: &account.set_to_none,
    };
    let saved = match mapping::save(&facts, edits) {
        Ok(saved) => saved,
        Err(refused) => {
            let contact = io.store.reseller(&kept.reseller).await?.brand.account_contact;
            return Err(error(account, &chosen, edits, refused, contact));
        }
    };
    let licences = Licences::counted(&saved.rows, held, limit);
    let mut version = account.saved;
    if saved.changed > 0 {
        let teams = |rows: &BTreeMap<VoiceUserId, Mapping>, voice: &VoiceUserId| {
            rows.get(voice).map(|row| row.teams_user.to_string())
        };
        let moved = edits.iter().filter_map(|(voice, _)| {
            let (before, after) = (teams(&account.rows, voice), teams(&saved.rows, voice));
            changed(&name(account, voice), before, after)
        });
        let service = Author::service();
        let (author, deed, matched, of) = match saver {
            Saver::Person { author, .. } => (*author, Deed::MappingChanged, None, None),
            Saver::Undo { author, run } => (*author, Deed::RunUndone, None, Some(*run)),
            Saver::Run(run) => (&service, Deed::MappingChanged, Some(matched(account, run)), None),
        };
        let of = of.and_then(|run| changed("run", None, Some(run.to_string())));
        let entry = entry(io, author, deed, of.into_iter().chain(moved).collect(), now);
        let entry = entry.about(edits.iter().map(|(voice, _)| voice));
        let after = SavedMapping {
            rows: saved.rows,
            set_to_none: saved.set_to_none,
            next_order: saved.next_order,
            matched,
        };
        (_, version) = io.store.save_mapping(kept, account, &after, &entry).await?;
    }
    Ok(Saved {
        version,
        status: refresh_pending(io, kept, now).await?,
        changed: saved.changed,
        licences,
    })
}

/// Where the rows of this run begin; a run that was killed goes on with its own.
fn matched(account: &Account, run: &RunId) -> Matched {
    let own = account.matched.clone().filter(|matched| matched.run == *run);
    own.unwrap_or_else(|| Matched {
        run: run.clone(),
        from: account.next_order,
    })
}

/// A Teams user, here or left, and why they cannot be mapped.
#[derive(Debug)]
pub(super) struct Person {
    /// Who.
    pub(super) user: TeamsUser,
    /// `None` where they can.
    pub(super) cannot: Option<Cannot>,
}

impl Person {
    /// `Name (email)`; of somebody who left, with a word on it.
    pub(super) fn label(&self) -> String {
        match self.cannot {
            Some(Cannot::Left(_)) => format!("{} (no longer available)", self.user.label()),
            Some(Cannot::Ineligible(_)) | None => self.user.label(),
        }
    }
}

/// What is known of these Teams users, also of those who left.
///
/// # Errors
/// `Upstream`.
pub(super) async fn people(
    io: &Io,
    enterprise: &EnterpriseId,
    users: Vec<TeamsUserId>,
    now: Timestamp,
) -> Result<BTreeMap<TeamsUserId, Person>> {
    let known = io.store.teams_users(enterprise, users.clone()).await?;
    let missing: Vec<TeamsUserId> = users.into_iter().filter(|user| !known.contains_key(user)).collect();
    let left = io.store.left_users(enterprise, missing, now).await?;
    let here = known.into_values().map(|user| Person {
        cannot: discover::ineligible(&user).map(Cannot::Ineligible),
        user,
    });
    let left = left.into_iter().map(|(user, at)| Person {
        user,
        cannot: Some(Cannot::Left(at)),
    });
    Ok(here
        .chain(left)
        .map(|person| (person.user.id.clone(), person))
        .collect())
}

async fn candidates(
    io: &Io,
    enterprise: &EnterpriseId,
    users: Vec<TeamsUserId>,
    now: Timestamp,
) -> Result<BTreeMap<TeamsUserId, Candidate>> {
    let candidate = |person: Person| Candidate {
        label: person.user.label(),
        cannot: person.cannot,
    };
    let people = people(io, enterprise, users, now).await?;
    Ok(people.into_iter().map(|(id, person)| (id, candidate(person))).collect())
}

/// What people call a voice user.
pub(super) fn name(account: &Account, voice: &VoiceUserId) -> String {
    let user = account.voice_users.get(voice);
    user.map_or_else(|| voice.to_string(), |user| user.name.clone())
}

/// Every refusal in words, with its place.
fn error(
    account: &Account,
    chosen: &BTreeMap<TeamsUserId, Candidate>,
    edits: &[Edit],
    refused: Refused,
    contact: String,
) -> Error {
    let label = |user: &TeamsUserId| {
        let known = chosen.get(user);
        known.map_or_else(|| user.to_string(), |candidate| candidate.label.clone())
    };
    let mut over = Vec::new();
    let mut faults = Vec::new();
    for refusal in refused.refusals {
        let Some((voice, teams)) = edits.get(refusal.at) else {
            continue;
        };
        let (voice_name, teams) = (name(account, voice), teams.as_ref().map(label).unwrap_or_default());
        let (field, code, why) = match refusal.why {
            Why::NoSuchVoiceUser => (
                "voiceUser",
                "NO_SUCH_VOICE_USER",
                format!("there is no voice user {voice}"),
            ),
            Why::EditedTwice => (
                "voiceUser",
                "VOICE_USER_TWICE",
                format!("{voice_name} stands twice in the request; send one row for it"),
            ),
            Why::NoNumber => (
                "voiceUser",
                "NUMBER_MISSING",
                format!("{voice_name} has no number, so nothing could ring in Teams; give it one first"),
            ),
            Why::NoSuchTeamsUser => (
                "teamsUser",
                "NO_SUCH_TEAMS_USER",
                format!(
                    "{teams}, chosen for {voice_name}, is not among the users of the last sync; choose from teams-users, or sync if the person is new"
                ),
            ),
            Why::Cannot(cannot) => (
                "teamsUser",
                cannot.code(),
                format!("{teams}, chosen for {voice_name}, {}. {}", cannot.seen(), cannot.fix()),
            ),
            Why::Twice(other) => (
                "teamsUser",
                "TEAMS_USER_TWICE",
                format!(
                    "{teams} is chosen for both {voice_name} and {}; set one of them to None or to somebody else",
                    name(account, &other)
                ),
            ),
            Why::OverLicense => {
                let why =
                    format!("{teams}, chosen for {voice_name}, is over the limit; ask {contact} for more licences");
                over.push(teams);
                ("teamsUser", "OVER_LICENSE", why)
            }
        };
        faults.push(Invalid::new(format!("rows[{}].{field}", refusal.at), why).coded(code));
    }
    match refused.over {
        None => Error::Invalid(faults),
        Some(it) => Error::OverLicense {
            wanted: it.wanted,
            limit: it.limit,
            pending_release: it.pending_release,
            contact,
            over: listed(&over),
            refused: faults,
        },
    }
}

/// The first few, and how many more there are; each of them is among the faults.
fn listed(names: &[String]) -> String {
    let (shown, more) = names.split_at(names.len().min(NAMED));
    let shown = shown.join(", ");
    if more.is_empty() {
        shown
    } else {
        format!("{shown} and {} more", more.len())
    }
}
