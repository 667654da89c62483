//! The mapping page (R104-R110): reads only, and everything that a page shows in one answer.

use crate::domain::brand::Brand;
use crate::domain::directory::TeamsUser;
use crate::domain::enterprise::Enterprise;
use crate::domain::finding::{Actor, Code, Finding};
use crate::domain::folded::{Words, folded};
use crate::domain::ids::{EnterpriseId, RunId, TeamsUserId, VoiceUserId};
use crate::domain::licence;
use crate::domain::phone::E164;
use crate::domain::run::RunState;
use crate::domain::sync_status::SyncStatus;
use crate::domain::voice::VoiceUser;
use crate::error::Result;
use crate::io::Io;
use crate::io::store::account::Account;
use crate::plan::mapping::Cannot;
use crate::plan::matching::{Outcome, outcomes as outcomes_of};
use crate::run::mapping::{self, Licences};
use crate::run::matching;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// R109: ten voice users to a page, unless asked otherwise.
pub const PER_PAGE: usize = 10;
/// R106: the text of a row that is not mapped.
pub const SELECT_USER: &str = "Select User";

/// What is asked for.
#[derive(Clone, Debug)]
pub struct View {
    /// From 1.
    pub page: usize,
    /// 1 to 100.
    pub per_page: usize,
    /// Words of a name, address, number or extension.
    pub q: Option<String>,
    /// Only voice users without a Teams user.
    pub unmapped: bool,
    /// By name from Z to A.
    pub descending: bool,
    /// The page with the first unmapped voice user at or after this place, from 1, instead of `page`.
    pub jump: Option<usize>,
    /// With proposals by mail address.
    pub proposals: bool,
}

/// A page of the mapping.
#[derive(Debug)]
pub struct MappingPage {
    /// The version to save against.
    pub version: u64,
    /// Sorted by name.
    pub rows: Vec<Row>,
    /// From 1.
    pub page: usize,
    /// At least 1.
    pub pages: usize,
    /// As it was applied.
    pub per_page: usize,
    /// Voice users on all pages of this view.
    pub total: usize,
    /// `1 – 6 of 6`
    pub range: String,
    /// Unmapped voice users of the account, in this view or not.
    pub unmapped: usize,
    /// The first unmapped voice user after this page; after the last page it starts again from the first. `None` where
    /// there is nobody unmapped on another page.
    pub next_unmapped: Option<Jump>,
    /// What to show above the list.
    pub notices: Vec<Notice>,
    /// The licences.
    pub licences: Licences,
    /// Whom to ask for more.
    pub contact: String,
    /// The run that goes on, where one does.
    pub running: Option<RunId>,
    /// The sync side of the enterprise.
    pub status: SyncStatus,
}

/// Where a voice user stands in a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jump {
    /// The page, from 1.
    pub page: usize,
    /// The place in the whole list, from 1.
    pub place: usize,
    /// Who.
    pub voice_user: VoiceUserId,
    /// Their name.
    pub name: String,
}

/// A sentence above the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// A stable code.
    pub code: &'static str,
    /// The sentence.
    pub text: String,
}

/// One voice user.
#[derive(Debug)]
pub struct Row {
    /// In the whole list, from 1.
    pub place: usize,
    /// The voice platform's key.
    pub voice_user: VoiceUserId,
    /// Column `Name`.
    pub name: String,
    /// Column `Email & Extension`.
    pub email_and_extension: String,
    /// The number that would ring.
    pub number: Option<E164>,
    /// The chosen Teams user.
    pub teams_user: Option<TeamsUserId>,
    /// The drop-down's text: `Name (email)` or `Select User` (R102, R106).
    pub text: String,
    /// A sync has put the row in place.
    pub applied: bool,
    /// A sync has made the row because both sides have the same address.
    pub by_mail: bool,
    /// There is no licence for it: the next sync takes the number away (R127-R128). An imported user who is not mapped yet
    /// has none either (R123).
    pub unlicensed: bool,
    /// Who has the same address and is free.
    pub proposal: Option<TeamsUser>,
    /// What is wrong with the row.
    pub findings: Vec<Finding>,
}

/// Where a voice user stands among others: by name, whatever its case and accents.
#[must_use]
pub(super) fn place_of(user: &VoiceUser) -> (String, String, VoiceUserId) {
    (folded(&user.name), user.name.clone(), user.id.clone())
}

fn matches(user: &VoiceUser, words: &Words) -> bool {
    let number = user.number.as_ref().map_or("", E164::as_str);
    words.all_in(&folded(&format!(
        "{} {} {number}",
        user.name,
        user.email_and_extension()
    )))
}

/// The voice users of a view, in its order, with what the page does not show of them as well.
struct List<'a> {
    users: Vec<&'a VoiceUser>,
    per_page: usize,
}

impl<'a> List<'a> {
    fn of(account: &'a Account, view: &View) -> Self {
        let words = view.q.as_deref().map(Words::of);
        let mut users: Vec<&VoiceUser> = account
            .voice_users
            .values()
            .filter(|user| words.as_ref().is_none_or(|words| matches(user, words)))
            .filter(|user| !view.unmapped || !account.rows.contains_key(&user.id))
            .collect();
        users.sort_by_cached_key(|user| place_of(user));
        if view.descending {
            users.reverse();
        }
        Self {
            users,
            per_page: view.per_page.clamp(1, 100),
        }
    }

    fn pages(&self) -> usize {
        self.users.len().div_ceil(self.per_page).max(1)
    }

    /// The first unmapped one of these places, from 0.
    fn unmapped(&self, account: &Account, places: std::ops::Range<usize>) -> Option<Jump> {
        let end = places.end.min(self.users.len());
        let place = (places.start..end).find(|place| !account.rows.contains_key(&self.users[*place].id))?;
        Some(Jump {
            page: place / self.per_page + 1,
            place: place + 1,
            voice_user: self.users[place].id.clone(),
            name: self.users[place].name.clone(),
        })
    }
}

/// One page. However many rows it has, the table is asked as often.
///
/// # Errors
/// `Upstream`.
pub async fn page(io: &Io, enterprise: &Enterprise, view: View, now: Timestamp) -> Result<MappingPage> {
    let id = &enterprise.id;
    let (account, reseller) = futures::try_join!(io.store.account(id), io.store.reseller(&enterprise.reseller))?;
    let status = io.store.sync_status(id).await?;
    let held = mapping::held(io, id, &account, &status).await?;
    let brand = reseller.brand;
    let list = List::of(&account, &view);
    let (total, pages) = (list.users.len(), list.pages());
    let jump = view.jump.and_then(|place| {
        let from = place.saturating_sub(1);
        list.unmapped(&account, from..total)
            .or_else(|| list.unmapped(&account, 0..from))
    });
    let page = jump.map_or(view.page, |jump| jump.page).clamp(1, pages);
    let first = (page - 1) * list.per_page;
    let shown: Vec<&VoiceUser> = list.users.iter().skip(first).take(list.per_page).copied().collect();
    let last = first + shown.len();
    let licences = Licences::counted(&account.rows, &held, enterprise.allowance(now));
    let unlicensed = licence::unlicensed(&account.rows, licences.limit);
    let rows = Rows {
        people: people(io, id, &account, &shown).await?,
        outcomes: outcomes(io, enterprise, &account, &held, &shown, view.proposals, now).await?,
        unlicensed: &unlicensed,
        licences,
        account: &account,
        contact: &brand.account_contact,
    };
    let unmapped = account
        .voice_users
        .keys()
        .filter(|voice| !account.rows.contains_key(*voice))
        .count();
    let running = running(io, id, &status).await?;
    Ok(MappingPage {
        version: account.saved,
        rows: shown
            .iter()
            .zip(first + 1..)
            .map(|(user, place)| rows.row(user, place))
            .collect(),
        page,
        pages,
        per_page: list.per_page,
        total,
        range: format!("{} – {last} of {total}", if shown.is_empty() { 0 } else { first + 1 }),
        unmapped,
        next_unmapped: list
            .unmapped(&account, last..total)
            .or_else(|| list.unmapped(&account, 0..first)),
        notices: Page {
            status: &status,
            pages,
            unmapped,
            unlicensed: unlicensed.len(),
            licences,
            running: running.is_some(),
        }
        .notices(&brand, enterprise),
        licences,
        contact: brand.account_contact.clone(),
        running,
        status,
    })
}

/// The run that works now; one that waits for a sign-in does not.
async fn running(io: &Io, enterprise: &EnterpriseId, status: &SyncStatus) -> Result<Option<RunId>> {
    let Some(current) = &status.current else {
        return Ok(None);
    };
    let state = io.store.run(enterprise, current).await?.state;
    let works = !state.ended() && state != RunState::AwaitingSignIn;
    Ok(works.then(|| current.clone()))
}

/// The chosen Teams users of the rows on the page, with the reason why they cannot be mapped any more.
async fn people(
    io: &Io,
    enterprise: &EnterpriseId,
    account: &Account,
    shown: &[&VoiceUser],
) -> Result<BTreeMap<TeamsUserId, mapping::Person>> {
    let chosen = shown.iter().filter_map(|user| account.rows.get(&user.id));
    mapping::people(
        io,
        enterprise,
        chosen.map(|row| row.teams_user.clone()).collect(),
        io.clock.now(),
    )
    .await
}

/// What the addresses of the unmapped voice users on the page lead to.
async fn outcomes(
    io: &Io,
    enterprise: &Enterprise,
    account: &Account,
    held: &crate::domain::mapping::Ownership,
    shown: &[&VoiceUser],
    wanted: bool,
    now: Timestamp,
) -> Result<BTreeMap<VoiceUserId, Outcome>> {
    if !wanted {
        return Ok(BTreeMap::new());
    }
    let here: BTreeSet<&VoiceUserId> = shown.iter().map(|user| &user.id).collect();
    let here = |user: &VoiceUser| here.contains(&user.id);
    let people = mapping::people_at(io, &enterprise.id, account, here).await?;
    let facts = mapping::facts(account, held, enterprise.allowance(now), &people);
    Ok(outcomes_of(&facts, here))
}

struct Rows<'a> {
    people: BTreeMap<TeamsUserId, mapping::Person>,
    outcomes: BTreeMap<VoiceUserId, Outcome>,
    unlicensed: &'a BTreeSet<VoiceUserId>,
    licences: Licences,
    account: &'a Account,
    contact: &'a str,
}

impl Rows<'_> {
    fn row(&self, user: &VoiceUser, place: usize) -> Row {
        let saved = self.account.rows.get(&user.id);
        let owned = saved.and_then(|row| self.account.owned.get(&row.teams_user));
        let person = saved.and_then(|row| self.people.get(&row.teams_user));
        let text = match (saved, person) {
            (None, _) => SELECT_USER.to_owned(),
            (Some(_), Some(person)) => person.label(),
            (Some(row), None) => format!("{} (no longer available)", row.teams_user),
        };
        let outcome = self.outcomes.get(&user.id);
        Row {
            place,
            voice_user: user.id.clone(),
            name: user.name.clone(),
            email_and_extension: user.email_and_extension(),
            number: user.number.clone(),
            teams_user: saved.map(|row| row.teams_user.clone()),
            text,
            applied: owned.is_some_and(|owned| owned.number.is_some() && owned.number == user.number),
            by_mail: saved.is_some_and(|row| row.by_mail),
            unlicensed: self.unlicensed.contains(&user.id) || matching::waits(self.account, user),
            proposal: outcome.and_then(Outcome::matched).cloned(),
            findings: self.findings(user, outcome),
        }
    }

    /// What is wrong with a row: of a mapped one, what keeps its calls from ringing; of an imported one, why it is not
    /// mapped.
    fn findings(&self, user: &VoiceUser, outcome: Option<&Outcome>) -> Vec<Finding> {
        let found = |code, seen: String, fix: String| Finding {
            code,
            subject: user.name.clone(),
            seen,
            fix,
            actor: Actor::AccountAdmin,
            about: None,
            wait: None,
        };
        let name = &user.name;
        let Some(row) = self.account.rows.get(&user.id) else {
            let waits = matching::waits(self.account, user);
            return match outcome {
                Some(Outcome::Match(person)) if waits => vec![found(
                    Code::NotSyncedYet,
                    format!(
                        "{name} was imported and is not mapped yet; {} has the same address.",
                        person.name
                    ),
                    "The next sync maps them; or accept the proposal, then sync.".into(),
                )],
                Some(outcome) if waits => matching::finding(self.account, user, outcome, self.contact)
                    .into_iter()
                    .collect(),
                Some(_) | None => Vec::new(),
            };
        };
        let mut findings = Vec::new();
        let person = self.people.get(&row.teams_user);
        let gone = match person {
            None => Some((row.teams_user.to_string(), None)),
            Some(person) => person.cannot.map(|why| (person.user.name.clone(), Some(why))),
        };
        if let Some((who, why)) = gone {
            let seen = match why {
                Some(why) => format!("{name} is mapped to {who}, who {}.", why.seen()),
                None => format!("{name} is mapped to somebody who is no longer in the tenant or in the chosen groups."),
            };
            let fix = match why {
                Some(why @ Cannot::Ineligible(_)) => why.fix().to_owned(),
                Some(Cannot::Left(_)) | None => format!(
                    "Set {name} to None or to somebody else, then sync; or bring them back into a chosen group and sync."
                ),
            };
            findings.push(Finding {
                about: Some(row.teams_user.clone()),
                ..found(Code::MappedUserGone, seen, fix)
            });
        }
        if user.number.is_none() {
            findings.push(found(
                Code::NumberMissing,
                format!("{name} has no number, so nothing can ring in Teams."),
                format!("Give {name} a number, or set the row to None; then sync."),
            ));
        }
        if self.unlicensed.contains(&user.id) {
            let limit = self.licences.limit.unwrap_or_default();
            findings.push(found(
                Code::OverLicense,
                format!(
                    "There are {limit} licenses for {} mapped users, and {name} is among the newest.",
                    self.account.rows.len()
                ),
                format!(
                    "Ask {} for more licenses, or set users to None; then sync.",
                    self.contact
                ),
            ));
        }
        findings
    }
}

struct Page<'a> {
    status: &'a SyncStatus,
    pages: usize,
    unmapped: usize,
    unlicensed: usize,
    licences: Licences,
    running: bool,
}

impl Page<'_> {
    fn notices(&self, brand: &Brand, enterprise: &Enterprise) -> Vec<Notice> {
        let (product, contact) = (&brand.product_name, &brand.account_contact);
        let admin = enterprise.global_admin.display_name();
        let freed = self.licences.pending_release;
        let first = self.status.discovered.is_none();
        let all = [
            (
                first && !self.running,
                "FIRST_SYNC_NEEDED",
                format!("{admin} has to sync once before users can be mapped; wait until that sync has ended."),
            ),
            (
                first && self.running,
                "FIRST_SYNC_RUNNING",
                "The first sync is running; wait for its end, until then the list of Teams users is empty or incomplete.".into(),
            ),
            (
                !first && self.running,
                "SYNC_RUNNING",
                "A sync is running. What you save meanwhile is kept, and waits for the next sync.".into(),
            ),
            (
                self.status.pending.is_some(),
                "SYNC_REQUIRED",
                format!("Sync Required: {admin} has to sync in {product} to apply the saved mapping in Teams."),
            ),
            (
                self.unlicensed > 0,
                "UNLICENSED",
                format!(
                    "{} mapped users have no license; ask {contact} for more licenses, or set users to None.",
                    self.unlicensed
                ),
            ),
            (
                freed > 0,
                "FREED_BY_NEXT_SYNC",
                format!("{freed} of the used licenses can be given to other users only after the next sync."),
            ),
            (
                self.pages > 1 && self.unmapped > 0,
                "MORE_PAGES",
                format!("There are {} pages; visit every page until everyone is mapped.", self.pages),
            ),
        ];
        let standing = all.into_iter().filter(|(holds, ..)| *holds);
        standing.map(|(_, code, text)| Notice { code, text }).collect()
    }
}
