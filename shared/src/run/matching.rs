//! Matching by mail address: proposals for people, and what a sync does for imported users (R123-R125).

use crate::domain::Invalid;
use crate::domain::audit::Author;
use crate::domain::enterprise::Enterprise;
use crate::domain::finding::Finding;
use crate::domain::ids::{RunId, VoiceUserId};
use crate::domain::mapping::Mapping;
use crate::domain::sync_log::Line;
use crate::domain::sync_status::SyncStatus;
use crate::domain::voice::VoiceUser;
use crate::error::Result;
use crate::io::Io;
use crate::io::store::account::Account;
use crate::plan::mapping::Edit;
use crate::plan::matching::{self, Outcome};
use crate::run::mapping::{self, Licences, Look, Saved, Saver, name};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Most users whom a log names because their address led to nobody.
const UNMATCHED_NAMED: usize = 50;

/// What the address of one voice user leads to.
#[derive(Debug)]
pub struct Proposal {
    /// Whose.
    pub voice_user: VoiceUser,
    /// Whom it leads to.
    pub outcome: Outcome,
    /// What to do where it is no match.
    pub finding: Option<Finding>,
    /// The next sync maps the voice user by itself.
    pub at_next_sync: bool,
}

/// What all addresses lead to.
#[derive(Debug)]
pub struct Proposals {
    /// The version of the mapping that they are for.
    pub version: u64,
    /// In the order of the page.
    pub all: Vec<Proposal>,
    /// The licences as they are.
    pub licences: Licences,
}

/// What the addresses of all unmapped voice users lead to.
///
/// # Errors
/// `Upstream`.
pub async fn proposals(io: &Io, kept: &Enterprise, now: Timestamp) -> Result<Proposals> {
    let account = io.store.account(&kept.id).await?;
    let status = io.store.sync_status(&kept.id).await?;
    let held = mapping::held(io, &kept.id, &account, &status).await?;
    let contact = io.store.reseller(&kept.reseller).await?.brand.account_contact;
    let people = mapping::people_at(io, &kept.id, &account, |_| true).await?;
    let outcomes = matching::outcomes(&mapping::facts(&account, &held, kept.allowance(now), &people), |_| true);
    let mut all: Vec<Proposal> = outcomes
        .into_iter()
        .filter_map(|(voice, outcome)| {
            let voice_user = account.voice_users.get(&voice)?.clone();
            let finding = finding(&account, &voice_user, &outcome, &contact);
            Some(Proposal {
                at_next_sync: outcome.matched().is_some() && waits(&account, &voice_user),
                voice_user,
                outcome,
                finding,
            })
        })
        .collect();
    all.sort_by_cached_key(|one| super::mapping_page::place_of(&one.voice_user));
    Ok(Proposals {
        version: account.saved,
        all,
        licences: Licences::counted(&account.rows, &held, kept.allowance(now)),
    })
}

/// What one outcome asks of people.
pub(super) fn finding(account: &Account, user: &VoiceUser, outcome: &Outcome, contact: &str) -> Option<Finding> {
    matching::finding(user, outcome, &|voice| name(account, voice), contact)
}

/// Saves the matches of these voice users, or of all, as a person's own choice. Where all are meant, those that do not fit
/// into the licences stay as they are.
///
/// # Errors
/// `Invalid` for named ones whose address leads to nobody who can be mapped, and those of `mapping::save`.
pub async fn accept(
    io: &Io,
    kept: &Enterprise,
    named: Option<BTreeSet<VoiceUserId>>,
    author: &Author,
    seen: u64,
    now: Timestamp,
) -> Result<Saved> {
    let contact = io.store.reseller(&kept.reseller).await?.brand.account_contact;
    let saver = Saver::Person { author, seen };
    let asked = |_: &Account, user: &VoiceUser| named.as_ref().is_none_or(|named| named.contains(&user.id));
    let decided = |look: &Look<'_>| {
        let outcomes = matching::outcomes(&look.facts, |user| asked(look.account, user));
        let wrong = named.iter().flatten().enumerate();
        let wrong: Vec<Invalid> = wrong
            .filter_map(|(at, voice)| refusal(look.account, voice, outcomes.get(voice), &contact, at))
            .collect();
        if wrong.is_empty() {
            Ok((edits(&outcomes), ()))
        } else {
            Err(wrong.into())
        }
    };
    let (saved, ()) = mapping::decide(io, kept, &saver, now, asked, decided).await?;
    Ok(saved)
}

fn refusal(
    account: &Account,
    voice: &VoiceUserId,
    outcome: Option<&Outcome>,
    contact: &str,
    at: usize,
) -> Option<Invalid> {
    let wrong = |code, why: String| Some(Invalid::new(format!("voiceUsers[{at}]"), why).coded(code));
    let Some(user) = account.voice_users.get(voice) else {
        return wrong("NO_SUCH_VOICE_USER", format!("there is no voice user {voice}"));
    };
    match outcome {
        Some(Outcome::Match(_)) => None,
        Some(other) => {
            let finding = finding(account, user, other, contact)?;
            let code = match other {
                Outcome::OverLicense(_) => "OVER_LICENSE",
                Outcome::NoNumber(_) => "NUMBER_MISSING",
                Outcome::Cannot(_, why) => why.code(),
                Outcome::Taken(..) => "TEAMS_USER_TWICE",
                Outcome::Match(_) | Outcome::Several(_) | Outcome::Shared(_) | Outcome::Nobody => "EMAIL_NO_MATCH",
            };
            wrong(code, format!("{} {}", finding.seen, finding.fix))
        }
        None if account.rows.contains_key(voice) => wrong(
            "MAPPED_ALREADY",
            format!("{} is mapped already; leave it out", user.name),
        ),
        None => wrong(
            "NO_ADDRESS",
            format!(
                "{} has no mail address, so nothing can be proposed; choose by hand",
                user.name
            ),
        ),
    }
}

/// Maps the imported users of an enterprise to the Teams users with their addresses, for a run that has just read the
/// directory. May be repeated: who is mapped stays. Gives the log's lines.
///
/// # Errors
/// `Upstream`, `Busy`.
pub(super) async fn match_imported(io: &Io, kept: &Enterprise, run: &RunId) -> Result<Vec<Line>> {
    let now = io.clock.now();
    let account = io.store.account(&kept.id).await?;
    if kept.standing.leaving() || !account.voice_users.values().any(|user| waits(&account, user)) {
        return Ok(Vec::new());
    }
    let contact = io.store.reseller(&kept.reseller).await?.brand.account_contact;
    let decided = |look: &Look<'_>| {
        let outcomes = matching::outcomes(&look.facts, |user| waits(look.account, user));
        Ok((edits(&outcomes), lines(look.account, &outcomes, &contact)))
    };
    let (_, lines) = mapping::decide(io, kept, &Saver::Run(run), now, waits, decided).await?;
    Ok(lines)
}

/// An imported user whom a sync is to map: nobody is chosen yet, not even `None`.
pub(super) fn waits(account: &Account, user: &VoiceUser) -> bool {
    let open = !account.rows.contains_key(&user.id) && !account.set_to_none.contains(&user.id);
    open && user.match_by_mail && user.email.is_some()
}

fn lines(account: &Account, outcomes: &BTreeMap<VoiceUserId, Outcome>, contact: &str) -> Vec<Line> {
    let mut matched = Vec::new();
    let mut unmatched = Vec::new();
    for (voice, outcome) in outcomes {
        let Some(user) = account.voice_users.get(voice) else {
            continue;
        };
        if let Some(person) = outcome.matched() {
            matched.push(Line::Matched {
                voice_user: user.name.clone(),
                teams_user: person.name.clone(),
            });
        } else {
            unmatched.extend(finding(account, user, outcome, contact).map(Line::Obstacle));
        }
    }
    let users = unmatched.len();
    unmatched.truncate(UNMATCHED_NAMED);
    let counted = (users > 0).then_some(Line::Unmatched { users });
    matched.into_iter().chain(unmatched).chain(counted).collect()
}

/// What keeps imported users from being matched by the next sync, as far as the directory of the last one tells.
///
/// # Errors
/// `Upstream`.
pub(super) async fn unmatched(
    io: &Io,
    kept: &Enterprise,
    account: &Account,
    status: &SyncStatus,
    contact: &str,
    now: Timestamp,
) -> Result<Vec<Finding>> {
    let imported = |user: &VoiceUser| waits(account, user);
    if kept.standing.leaving() || !account.voice_users.values().any(imported) {
        return Ok(Vec::new());
    }
    let held = mapping::held(io, &kept.id, account, status).await?;
    let people = mapping::people_at(io, &kept.id, account, imported).await?;
    let facts = mapping::facts(account, &held, kept.allowance(now), &people);
    let outcomes = matching::outcomes(&facts, imported);
    let found = outcomes
        .iter()
        .filter_map(|(voice, outcome)| finding(account, account.voice_users.get(voice)?, outcome, contact));
    Ok(found.collect())
}

/// The account as it will be when the next sync has matched its imported users, as far as the directory of the last sync
/// tells: what a plan shows.
///
/// # Errors
/// `Upstream`.
pub(super) async fn foreseen(io: &Io, kept: &Enterprise, mut account: Account, now: Timestamp) -> Result<Account> {
    if kept.standing.leaving() || !account.voice_users.values().any(|user| waits(&account, user)) {
        return Ok(account);
    }
    let status = io.store.sync_status(&kept.id).await?;
    let held = mapping::held(io, &kept.id, &account, &status).await?;
    let imported = |user: &VoiceUser| waits(&account, user);
    let people = mapping::people_at(io, &kept.id, &account, imported).await?;
    let facts = mapping::facts(&account, &held, kept.allowance(now), &people);
    let outcomes = matching::outcomes(&facts, imported);
    for (voice_user, teams_user) in edits(&outcomes) {
        if let Some(teams_user) = teams_user {
            let row = Mapping {
                voice_user: voice_user.clone(),
                teams_user,
                order: account.next_order,
                by_mail: true,
            };
            account.next_order += 1;
            account.rows.insert(voice_user, row);
        }
    }
    Ok(account)
}

fn edits(outcomes: &BTreeMap<VoiceUserId, Outcome>) -> Vec<Edit> {
    let matched = outcomes.iter().filter_map(|(voice, outcome)| {
        let person = outcome.matched()?;
        Some((voice.clone(), Some(person.id.clone())))
    });
    matched.collect()
}
