//! "Why not me?": gathers what is kept of one person and hands it to the checks. Nothing is asked of Microsoft.

pub use crate::plan::diagnosis::{CODES, Reason, Verdict, Weight};

use crate::domain::directory::TeamsUser;
use crate::domain::enterprise::Enterprise;
use crate::domain::finding::{Code, Finding};
use crate::domain::group_filter::{ChosenGroup, Group, GroupFilter};
use crate::domain::ids::{RunId, TeamsUserId, VoiceUserId};
use crate::domain::mapping::{Owned, Ownership};
use crate::domain::run::Run;
use crate::domain::sync_status::SyncStatus;
use crate::domain::voice::VoiceUser;
use crate::domain::{licence, plain_text, schedule};
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::store::account::Account;
use crate::io::store::directory::Among;
use crate::io::store::troubles::Trouble;
use crate::plan::diagnosis::{Case, ticket};
use crate::plan::diagnosis::{Chosen, Diagnosis, Facts, GroupState, LastLook, Person, SameAddress, Seats, diagnose};
use crate::plan::discover;
use crate::plan::mapping::{self, Cannot, Wanted};
use crate::plan::matching::{self, Outcome, People};
use crate::plan::preflight::Moment;
use crate::run::status;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// The most people among whom to choose.
const CHOICES_MAX: usize = 20;
/// The longest part of a name or address that is looked for.
const WHO_MAX: usize = 254;

/// What there is to answer.
#[derive(Debug)]
pub enum Answer {
    /// More than one person fits: ids and labels, by name; and whether there are still more.
    Choose(Vec<(TeamsUserId, String)>, bool),
    /// One person, or nobody.
    About(Box<About>),
}

/// A diagnosis, and whom it is about.
#[derive(Debug)]
pub struct About {
    /// The person in Teams, where there is one.
    pub teams_user: Option<(TeamsUserId, String)>,
    /// The voice user with its name, where there is one.
    pub voice_user: Option<(VoiceUserId, String)>,
    /// What there is to say.
    pub diagnosis: Diagnosis,
    /// What to write to support, where it is support's turn (R221-R222).
    pub ticket: Option<String>,
}

/// Somebody who was looked for.
enum Looked {
    Here(TeamsUser),
    Left(TeamsUser, Timestamp),
    Unknown(String),
    Nobody,
}

impl Looked {
    fn person(&self) -> Person<'_> {
        match self {
            Self::Here(user) => Person::Here(user),
            Self::Left(user, at) => Person::Left(user, *at),
            Self::Unknown(asked) => Person::Unknown(asked),
            Self::Nobody => Person::Nobody,
        }
    }

    fn id(&self) -> Option<TeamsUserId> {
        match self {
            Self::Here(user) | Self::Left(user, _) => Some(user.id.clone()),
            Self::Unknown(asked) => asked.parse().ok(),
            Self::Nobody => None,
        }
    }

    fn label(&self) -> Option<String> {
        match self {
            Self::Here(user) | Self::Left(user, _) => Some(user.label()),
            Self::Unknown(_) | Self::Nobody => None,
        }
    }
}

/// The page that says more about a code.
#[must_use]
pub fn help(io: &Io, code: Code) -> String {
    io.config.public_page(&format!("/help/{code}")).into()
}

/// Diagnoses a Teams user, by Entra's id, by the address, or by a part of name or address that fits one person only.
///
/// # Errors
/// `Invalid` where nothing can be looked for, `Upstream`.
pub async fn of_teams_user(io: &Io, kept: &Enterprise, who: &str, now: Timestamp) -> Result<Answer> {
    let who = plain_text("who", who, WHO_MAX)?;
    let looked = match who.parse() {
        Ok(id) => by_id(io, kept, &id, now).await?,
        Err(_) => {
            let mut found = io
                .store
                .find_teams_users(&kept.id, &who, CHOICES_MAX + 1, Among::Everyone)
                .await?;
            let exact: Vec<usize> = (0..found.len()).filter(|at| same_address(&found[*at], &who)).collect();
            match (found.len(), exact.as_slice()) {
                (0, _) => Looked::Unknown(who),
                (1, _) => Looked::Here(found.remove(0)),
                (_, [at]) => Looked::Here(found.remove(*at)),
                (count, _) => {
                    found.truncate(CHOICES_MAX);
                    let choices = found.into_iter().map(|user| (user.id.clone(), user.label()));
                    return Ok(Answer::Choose(choices.collect(), count > CHOICES_MAX));
                }
            }
        }
    };
    let world = World::read(io, kept).await?;
    let account = &world.account;
    let id = looked.id();
    let row = account.rows.values().find(|row| Some(&row.teams_user) == id.as_ref());
    let subject = Subject {
        voice: row.and_then(|row| account.voice_users.get(&row.voice_user)),
        mapped: row.is_some(),
        same_address: SameAddress::NotAsked,
        looked,
    };
    Ok(Answer::About(Box::new(about(io, kept, &world, subject, now).await?)))
}

/// Diagnoses a voice user, together with the Teams user whom it is mapped to or who has its address.
///
/// # Errors
/// `NotFound`, `Upstream`.
pub async fn of_voice_user(io: &Io, kept: &Enterprise, voice: &VoiceUserId, now: Timestamp) -> Result<About> {
    let world = World::read(io, kept).await?;
    let account = &world.account;
    let voice = account.voice_users.get(voice).ok_or(Error::NotFound("voice user"))?;
    let row = account.rows.get(&voice.id);
    let (looked, same_address) = match row {
        Some(row) => (by_id(io, kept, &row.teams_user, now).await?, SameAddress::NotAsked),
        None => by_address(io, kept, &world, voice, now).await?,
    };
    let subject = Subject {
        voice: Some(voice),
        mapped: row.is_some(),
        same_address,
        looked,
    };
    about(io, kept, &world, subject, now).await
}

/// What every diagnosis rests on.
struct World {
    account: Account,
    sync: SyncStatus,
    /// What holds licenses besides the rows.
    held: Ownership,
}

impl World {
    async fn read(io: &Io, kept: &Enterprise) -> Result<Self> {
        let (account, sync) = futures::try_join!(io.store.account(&kept.id), io.store.sync_status(&kept.id))?;
        let held = crate::run::mapping::held(io, &kept.id, &account, &sync).await?;
        Ok(Self { account, sync, held })
    }
}

fn same_address(user: &TeamsUser, address: &str) -> bool {
    user.email.as_str().eq_ignore_ascii_case(address)
}

async fn by_id(io: &Io, kept: &Enterprise, id: &TeamsUserId, now: Timestamp) -> Result<Looked> {
    let found = io.store.teams_users(&kept.id, vec![id.clone()]).await?.remove(id);
    if let Some(user) = found {
        return Ok(Looked::Here(user));
    }
    let left = io.store.left_user(&kept.id, id, now).await?;
    Ok(left.map_or_else(|| Looked::Unknown(id.to_string()), |(user, at)| Looked::Left(user, at)))
}

/// Whom a voice user that is mapped to nobody would be matched with, in the words of the matching itself.
async fn by_address(
    io: &Io,
    kept: &Enterprise,
    World { account, held, .. }: &World,
    voice: &VoiceUser,
    now: Timestamp,
) -> Result<(Looked, SameAddress)> {
    let Some(email) = &voice.email else {
        return Ok((Looked::Nobody, SameAddress::NotAsked));
    };
    let mut found = io
        .store
        .find_teams_users(&kept.id, email.as_str(), CHOICES_MAX, Among::Everyone)
        .await?;
    found.retain(|user| user.email == *email);
    let people = found.into_iter().map(|user| {
        let why = discover::ineligible(&user).map(Cannot::Ineligible);
        (user, why)
    });
    let people = People::from([(matching::key(email), people.collect())]);
    let outcomes = matching::outcomes(
        &matching::Facts {
            voice_users: &account.voice_users,
            rows: &account.rows,
            held,
            limit: kept.allowance(now),
            people: &people,
        },
        |user| user.id == voice.id,
    );
    Ok(match outcomes.into_values().next() {
        // What else is the matter with the two is said by the other checks.
        Some(
            Outcome::Match(user) | Outcome::OverLicense(user) | Outcome::NoNumber(user) | Outcome::Cannot(user, _),
        ) => (Looked::Here(user), SameAddress::Person),
        Some(outcome) => {
            let contact = io.store.reseller(&kept.reseller).await?.brand.account_contact;
            let finding = matching::finding(voice, &outcome, &|other| name(account, other), &contact);
            (
                Looked::Nobody,
                finding.map_or(SameAddress::NotAsked, SameAddress::Nowhere),
            )
        }
        None => (Looked::Nobody, SameAddress::NotAsked),
    })
}

fn name(account: &Account, voice: &VoiceUserId) -> String {
    let user = account.voice_users.get(voice);
    user.map_or_else(|| voice.to_string(), |user| user.name.clone())
}

struct Subject<'a> {
    looked: Looked,
    voice: Option<&'a VoiceUser>,
    mapped: bool,
    same_address: SameAddress,
}

async fn about(io: &Io, kept: &Enterprise, world: &World, subject: Subject<'_>, now: Timestamp) -> Result<About> {
    let World { account, sync, .. } = world;
    let enterprise = &kept.id;
    let id = subject.looked.id();
    // Somebody who has the address of a voice user is looked at as a person, not as whoever had something from us before.
    let ours = id.as_ref().filter(|_| subject.same_address != SameAddress::Person);
    let kept_of_person = async {
        match ours {
            Some(id) => futures::try_join!(io.store.placed(enterprise, id), io.store.trouble(enterprise, id)),
            None => Ok((None, None)),
        }
    };
    let (reseller, directory, groups, (placed, trouble)) = futures::try_join!(
        io.store.reseller(&kept.reseller),
        io.store.directory(enterprise),
        io.store.groups(enterprise),
        kept_of_person,
    )?;
    let (current, failed) = futures::try_join!(
        status::current(io, enterprise, sync),
        status::failed(io, enterprise, sync)
    )?;
    let chosen = chosen(kept, &groups, failed.as_ref());
    let brand = reseller.brand;
    let (wanted, _) = mapping::wanted(&account.rows, &account.voice_users, kept, &brand, now);
    let wanted = ours.and_then(|id| wanted.get(id)).map(Wanted::owned);
    let owned = ours
        .and_then(|id| account.owned.get(id))
        .map(Owned::given)
        .unwrap_or_default();
    let running = current.filter(|run| !run.state.ended());
    let diagnosis = diagnose(&Facts {
        filter: &kept.group_filter,
        admin: kept.global_admin.display_name(),
        provider: &brand.provider_contact,
        contact: &brand.account_contact,
        read_at: directory.read_at,
        running: running.map(|run| run.started.unwrap_or(run.created)),
        chosen: &chosen,
        person: subject.looked.person(),
        voice: subject.voice,
        mapped: subject.mapped,
        same_address: subject.same_address,
        seats: seats(kept, world, id.as_ref(), subject.voice, now),
        wanted: wanted.as_ref(),
        owned: &owned,
        placed: placed.filter(|_| owned != Owned::default()),
        last_look: trouble.as_ref().map(|trouble| LastLook {
            at: trouble.at,
            findings: &trouble.findings,
        }),
        moment: Moment {
            now,
            zone: &schedule::zone(&kept.settings.time_zone)?,
        },
    });
    let label = subject.looked.label();
    let ticket = ticket(&Case {
        enterprise: &kept.settings.name,
        provider: &brand.provider_contact,
        person: label.as_deref(),
        voice: subject.voice,
        owned: owned.number.as_ref(),
        reasons: &diagnosis.reasons,
    });
    Ok(About {
        ticket,
        teams_user: label.and_then(|label| Some((id?, label))),
        voice_user: subject.voice.map(|voice| (voice.id.clone(), voice.name.clone())),
        diagnosis,
    })
}

/// What is known of the chosen groups: as they were last read, and what the last sync says that failed.
pub(super) fn chosen(kept: &Enterprise, groups: &[Group], failed: Option<&Run>) -> Vec<Chosen> {
    let failed: &[Finding] = failed.map_or(&[], |run| &run.findings);
    let found_so = |code: Code, name: &str| failed.iter().any(|one| one.code == code && one.subject == name);
    let GroupFilter::Groups(chosen) = &kept.group_filter else {
        return Vec::new();
    };
    let of = |chosen: &ChosenGroup| {
        let known = groups.iter().find(|group| group.id == chosen.id);
        let found = |code| found_so(code, &chosen.name);
        let state = match known.and_then(|group| group.banned) {
            _ if known.is_none() && !groups.is_empty() || found(Code::GroupNotFound) => GroupState::Gone,
            _ if found(Code::GroupEmpty) || known.is_some_and(|group| group.members == Some(0)) => GroupState::Empty,
            _ if found(Code::GroupHidden) => GroupState::Hidden,
            Some(banned) => GroupState::Banned(banned),
            None if known.is_some_and(|group| group.paused) => GroupState::Paused,
            None => GroupState::Fine,
        };
        Chosen {
            name: chosen.name.clone(),
            state,
        }
    };
    chosen.iter().map(of).collect()
}

fn seats(
    kept: &Enterprise,
    World { account, held, .. }: &World,
    id: Option<&TeamsUserId>,
    voice: Option<&VoiceUser>,
    now: Timestamp,
) -> Seats {
    let limit = kept.allowance(now);
    let holders = licence::holders(account.rows.values(), held);
    let unlicensed = licence::unlicensed(&account.rows, limit);
    Seats {
        limit,
        used: holders.len(),
        held: id.is_some_and(|id| holders.contains(id)),
        lacking: voice.is_some_and(|voice| unlicensed.contains(&voice.id)),
        without: unlicensed.iter().map(|voice| name(account, voice)).collect(),
    }
}

/// What is asked of the directory and of what is saved whenever somebody is diagnosed.
pub(super) const ASKED_ANEW: [Code; 11] = [
    Code::UserNotInFilter,
    Code::Guest,
    Code::ResourceAccount,
    Code::NoPhoneSystem,
    Code::HasCallingPlan,
    Code::HasCommCredits,
    Code::LicensePropagating,
    Code::NumberInvalid,
    Code::NoExtension,
    Code::CountryMissing,
    Code::CountryMismatch,
];

/// What a run found wrong that only a run can see, by the person whom it concerns.
pub(super) fn troubles<'a>(run: &RunId, findings: impl Iterator<Item = &'a Finding>, at: Timestamp) -> Vec<Trouble> {
    let mut by_person: BTreeMap<TeamsUserId, Trouble> = BTreeMap::new();
    let findings = findings.filter(|finding| !ASKED_ANEW.contains(&finding.code));
    for (user, finding) in findings.filter_map(|finding| Some((finding.about.clone()?, finding))) {
        let trouble = by_person.entry(user.clone()).or_insert_with(|| Trouble {
            user,
            run: run.clone(),
            at,
            findings: Vec::new(),
        });
        trouble.findings.push(finding.clone());
    }
    by_person.into_values().collect()
}
