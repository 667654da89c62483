//! Voice users: one by one, all of an account at once, from files and into files (R119-R125). Nothing here touches Teams:
//! what follows from a change is applied by the next sync (R121).

use crate::domain::Invalid;
use crate::domain::audit::{Author, Changed, Deed, changed};
use crate::domain::enterprise::Enterprise;
use crate::domain::fault::Faults;
use crate::domain::ids::{EnterpriseId, VoiceUserId};
use crate::domain::once::Once;
use crate::domain::sync_status::SyncStatus;
use crate::domain::voice::VoiceUser;
use crate::domain::voice_field::{self, Field};
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::store::account::{Account, ENTERPRISE_MOVED};
use crate::io::store::voice_users::{VoiceUsers, VoiceUsersKept};
pub use crate::plan::import::list::Said;
pub use crate::plan::import::{Counts, Mode};
use crate::plan::import::{Given, Import, Imported, file, list};
use crate::plan::{export, import};
use crate::run::access::entry;
use crate::run::account::refresh_pending;
use jiff::Timestamp;
use std::io::{BufReader, Read};

/// How often a change is made anew while the account does not hold still.
const TRIES: u32 = 6;
/// Names in one message.
const NAMED: usize = 20;

/// How users stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table.
    Csv,
    /// An object with a list.
    Json,
    /// An object to a line.
    JsonLines,
}

/// A part of the voice users.
#[derive(Debug)]
pub struct Part {
    /// In the order of their ids.
    pub users: Vec<VoiceUser>,
    /// After whom to go on.
    pub next: Option<VoiceUserId>,
    /// The account's version.
    pub version: u64,
}

/// What a change led to.
#[derive(Debug)]
pub struct Done<T> {
    /// What is there now.
    pub now: T,
    /// The account's version.
    pub version: u64,
    /// The sync status.
    pub status: SyncStatus,
}

/// Up to `limit` voice users after `after`, of those that one read shows; with `q` only those that it is a part of. A part
/// may hold fewer, or none, although there are more: `next` says so.
///
/// # Errors
/// `Upstream`.
pub async fn part(
    io: &Io,
    enterprise: &EnterpriseId,
    after: Option<&VoiceUserId>,
    limit: usize,
    q: Option<&str>,
) -> Result<Part> {
    let (users, more, version) = io.store.voice_users_after(enterprise, after).await?;
    let last = users.last().map(|user| user.id.clone()).filter(|_| more);
    let q = q.map(str::to_lowercase);
    let mut found = users
        .into_iter()
        .filter(|user| q.as_ref().is_none_or(|q| user.mentions(q)));
    let shown: Vec<VoiceUser> = found.by_ref().take(limit).collect();
    let next = match (found.next(), shown.last()) {
        (Some(_), Some(last)) => Some(last.id.clone()),
        (Some(_) | None, _) => last,
    };
    Ok(Part {
        users: shown,
        next,
        version,
    })
}

/// The parts of a file of these users as a table.
///
/// # Errors
/// `Upstream` where it cannot be written, which in memory does not happen.
pub fn table(users: &[VoiceUser]) -> Result<Vec<u8>> {
    export::table(users).map_err(|error| Error::upstream("write a table", error))
}

/// The empty table with its header, and two users as an example.
///
/// # Errors
/// As `table`.
pub fn template() -> Result<Vec<u8>> {
    let example = |id: &str, values: &[(Field, &str)]| -> Result<VoiceUser> {
        let mut user = VoiceUser::new(voice_field::id(id)?);
        for (field, text) in values {
            field.set(&mut user, text, None)?;
        }
        Ok(user)
    };
    table(&[
        example(
            "ada.lovelace",
            &[
                (Field::Name, "Ada Lovelace"),
                (Field::Email, "ada.lovelace@company.example"),
                (Field::Number, "+3222345678"),
                (Field::Extension, "1001"),
                (Field::Country, "BE"),
                (Field::MusicOnHold, "pbx"),
                (Field::MatchByMail, "yes"),
            ],
        )?,
        example(
            "reception",
            &[
                (Field::Name, "Reception"),
                (Field::Extension, "0012"),
                (Field::CallHandling, "noVoicemail"),
                (Field::MatchByMail, "no"),
            ],
        )?,
    ])
}

/// What was asked for, against the account as it was just read.
enum Wanted<T> {
    /// The account as it shall be, and what the trail says of it.
    Users(VoiceUsers, Vec<Changed>, T),
    /// It is so already.
    Nothing(T),
}

/// Makes a change of an account that may be made anew when somebody was faster. Gives the account's version, or what the
/// same request gave before.
async fn made<T: Default>(
    io: &Io,
    kept: &Enterprise,
    author: &Author,
    once: Option<(&Once, &str)>,
    now: Timestamp,
    wanted: impl Fn(&Account) -> Result<Wanted<T>>,
) -> Result<(VoiceUsersKept, T)> {
    let mut kept = kept.clone();
    for _ in 0..TRIES {
        if let Some((once, _)) = once
            && let Some(said) = io.store.answered(once, now).await?
        {
            return Ok((VoiceUsersKept::Before(said), T::default()));
        }
        let account = io.store.account(&kept.id).await?;
        let (users, changes, result) = match wanted(&account) {
            Ok(Wanted::Users(users, changes, result)) => (users, changes, result),
            Ok(Wanted::Nothing(result)) => return Ok((VoiceUsersKept::At(account.version), result)),
            Err(refused) => {
                // The same request may have come twice, and the other one was just made.
                if let Some((once, _)) = once
                    && let Some(said) = io.store.answered(once, now).await?
                {
                    return Ok((VoiceUsersKept::Before(said), T::default()));
                }
                return Err(refused);
            }
        };
        let entry = entry(io, author, Deed::VoiceUsersChanged, changes, now);
        let entry = entry.about(touched(&account.voice_users, &users));
        let written = io.store.keep_voice_users(&kept, &account, &users, &entry, once);
        match written.await {
            Err(Error::Stale(ENTERPRISE_MOVED)) => kept = io.store.enterprise(&kept.id).await?,
            Err(Error::Stale(_)) => {}
            ended => return Ok((ended?, result)),
        }
    }
    Err(Error::Busy)
}

/// Whom a change concerns.
fn touched<'a>(before: &'a VoiceUsers, after: &'a VoiceUsers) -> impl Iterator<Item = &'a VoiceUserId> {
    let gone = before.keys().filter(|id| !after.contains_key(*id));
    let differs = after.iter().filter(|(id, user)| before.get(*id) != Some(*user));
    gone.chain(differs.map(|(id, _)| id))
}

/// The one other user who has a user's number.
fn number_free(users: &VoiceUsers, user: &VoiceUser) -> Result<(), Invalid> {
    let same = |other: &&VoiceUser| other.id != user.id && other.number.is_some() && other.number == user.number;
    match users.values().find(same) {
        None => Ok(()),
        Some(other) => Err(Invalid::new(
            "number",
            format!(
                "it is the number of {} ({}) already; take it away there first",
                other.name, other.id
            ),
        )),
    }
}

fn moved(before: Option<&VoiceUser>, after: Option<&VoiceUser>) -> Vec<Changed> {
    let text =
        |user: Option<&VoiceUser>, field: Field| user.map(|user| field.text(user)).filter(|text| !text.is_empty());
    let of = |field: Field| changed(field.name(), text(before, field), text(after, field));
    Field::ALL.into_iter().filter_map(of).collect()
}

/// The id that a form gives.
fn id_of(said: &Said) -> Result<Option<VoiceUserId>, Invalid> {
    let cell = said.0.iter().find(|cell| cell.field == Field::Id);
    match cell.map(|cell| &cell.given) {
        Some(Given::Text(text)) => voice_field::id(text.trim()).map(Some),
        Some(Given::Nothing) | None => Ok(None),
    }
}

/// One voice user, and the account's version.
///
/// # Errors
/// `NotFound`.
pub async fn one(io: &Io, enterprise: &EnterpriseId, id: &VoiceUserId) -> Result<(VoiceUser, u64)> {
    io.store.voice_user(enterprise, id).await
}

/// Creates one voice user (R119).
///
/// # Errors
/// `Invalid` with everything that is wrong, an id and a number that are used already included.
pub async fn create(
    io: &Io,
    kept: &Enterprise,
    said: Said,
    once: &Once,
    author: &Author,
    now: Timestamp,
) -> Result<Done<VoiceUser>> {
    let missing = || {
        Invalid::new(
            "id",
            "every voice user needs the id that the voice platform knows it by",
        )
    };
    let id = id_of(&said).and_then(|id| id.ok_or_else(missing));
    let stand_in = || "new".parse::<VoiceUserId>().map_err(Error::from);
    let known = id.as_ref().ok().cloned().map_or_else(stand_in, Ok)?;
    let user = match (id, import::one(known, said.0, None)) {
        (Ok(_), Ok(user)) => user,
        (id, user) => {
            let wrong = id.err().into_iter().chain(user.err().unwrap_or_default());
            return Err(wrong.collect::<Vec<Invalid>>().into());
        }
    };
    let wanted = |account: &Account| {
        if account.voice_users.contains_key(&user.id) {
            return Err(Invalid::new(
                "id",
                "there is such a voice user already; change that one, or choose another id",
            )
            .into());
        }
        number_free(&account.voice_users, &user)?;
        let mut users = account.voice_users.clone();
        users.insert(user.id.clone(), user.clone());
        Ok(Wanted::Users(users, moved(None, Some(&user)), ()))
    };
    let (made, ()) = made(io, kept, author, Some((once, user.id.as_str())), now, wanted).await?;
    let id = match made {
        VoiceUsersKept::At(_) => user.id,
        VoiceUsersKept::Before(said) => said.parse()?,
    };
    let status = refresh_pending(io, kept, now).await?;
    let (now, version) = io.store.voice_user(&kept.id, &id).await?;
    Ok(Done { now, version, status })
}

/// Makes one voice user what the form says (R120). What the form leaves out is not there any more.
///
/// # Errors
/// `NotFound`, `Stale`, `Invalid`.
pub async fn change(
    io: &Io,
    kept: &Enterprise,
    id: &VoiceUserId,
    said: Said,
    seen: u64,
    author: &Author,
    now: Timestamp,
) -> Result<Done<VoiceUser>> {
    let account = unmoved(io, kept, seen).await?;
    let before = account.voice_users.get(id).ok_or(Error::NotFound("voice user"))?;
    let mut wrong = Vec::new();
    if id_of(&said).map_or(true, |named| named.is_some_and(|named| named != *id)) {
        wrong.push(Invalid::new(
            "id",
            format!("it stays {id}; leave it out, or create another user"),
        ));
    }
    let user = match import::one(id.clone(), said.0, Some(before)) {
        Ok(user) => {
            wrong.extend(number_free(&account.voice_users, &user).err());
            Some(user)
        }
        Err(others) => {
            wrong.extend(others);
            None
        }
    };
    let Some(user) = user.filter(|_| wrong.is_empty()) else {
        return Err(wrong.into());
    };
    let version = if user == *before {
        account.version
    } else {
        let changes = moved(Some(before), Some(&user));
        let mut users = account.voice_users.clone();
        users.insert(id.clone(), user.clone());
        written(io, kept, &account, &users, changes, author, now).await?
    };
    let status = refresh_pending(io, kept, now).await?;
    Ok(Done {
        now: user,
        version,
        status,
    })
}

/// Deletes one voice user.
///
/// # Errors
/// `NotFound`, `Stale`, `Conflict` while it is mapped.
pub async fn delete(
    io: &Io,
    kept: &Enterprise,
    id: &VoiceUserId,
    seen: u64,
    author: &Author,
    now: Timestamp,
) -> Result<Done<()>> {
    let account = unmoved(io, kept, seen).await?;
    let before = account.voice_users.get(id).ok_or(Error::NotFound("voice user"))?;
    if account.rows.contains_key(id) {
        return Err(Error::Conflict(format!(
            "{} is mapped to a Teams user; set it to None and save the mapping, then delete it",
            before.name
        )));
    }
    let mut users = account.voice_users.clone();
    users.remove(id);
    let changes = moved(Some(before), None);
    let version = written(io, kept, &account, &users, changes, author, now).await?;
    let status = refresh_pending(io, kept, now).await?;
    Ok(Done {
        now: (),
        version,
        status,
    })
}

/// The account that the caller saw at version `seen`.
async fn unmoved(io: &Io, kept: &Enterprise, seen: u64) -> Result<Account> {
    let account = io.store.account(&kept.id).await?;
    if account.version == seen {
        Ok(account)
    } else {
        Err(Error::Stale("the account"))
    }
}

/// Writes what rests on a version that the caller saw: nothing is made anew but what an edit of the enterprise needs.
async fn written(
    io: &Io,
    kept: &Enterprise,
    account: &Account,
    users: &VoiceUsers,
    changes: Vec<Changed>,
    author: &Author,
    now: Timestamp,
) -> Result<u64> {
    let entry = entry(io, author, Deed::VoiceUsersChanged, changes, now);
    let entry = entry.about(touched(&account.voice_users, users));
    let mut kept = kept.clone();
    for _ in 0..TRIES {
        match io.store.keep_voice_users(&kept, account, users, &entry, None).await {
            Ok(VoiceUsersKept::At(version)) => return Ok(version),
            Ok(VoiceUsersKept::Before(_)) => return Ok(account.version),
            Err(Error::Stale(ENTERPRISE_MOVED)) => kept = io.store.enterprise(&kept.id).await?,
            Err(error) => return Err(error),
        }
    }
    Err(Error::Busy)
}

/// Reads users from a file, against an account.
fn read(
    account: &Account,
    mode: Mode,
    format: Format,
    input: impl Read,
) -> Result<std::result::Result<Imported, Faults>> {
    let mut import = Import::new(mode, &account.voice_users);
    let input = BufReader::new(input);
    match format {
        Format::Csv => {
            if let Err(fault) = file::read(input, &mut import) {
                import.refuse(fault);
            }
        }
        Format::Json => list::read(input, &mut import).map_err(Error::Malformed)?,
        Format::JsonLines => list::read_lines(input, &mut import).map_err(Error::Malformed)?,
    }
    Ok(import.finish())
}

fn counted(counts: Counts) -> Vec<Changed> {
    let count = |field: &str, count: usize| changed(field, None, (count > 0).then(|| count.to_string()));
    let counts = [
        count("created", counts.created),
        count("updated", counts.updated),
        count("deleted", counts.deleted),
    ];
    counts.into_iter().flatten().collect()
}

/// Makes the account's voice users exactly those of a list. Pushing the same again changes nothing. `body` gives the list
/// anew each time that it is asked.
///
/// # Errors
/// `Malformed`, `Faulty` with every fault, `Conflict` where mapped voice users would disappear.
pub async fn push<R: Read>(
    io: &Io,
    kept: &Enterprise,
    body: impl Fn() -> R,
    author: &Author,
    now: Timestamp,
) -> Result<Done<Counts>> {
    let wanted = |account: &Account| {
        let imported = read(account, Mode::Replace, Format::Json, body())??;
        keeps_mapped(account, &imported.users)?;
        Ok(if imported.counts.changed() {
            Wanted::Users(imported.users, counted(imported.counts), imported.counts)
        } else {
            Wanted::Nothing(imported.counts)
        })
    };
    let (made, counts) = made(io, kept, author, None, now, wanted).await?;
    ended(io, kept, made, counts, now).await
}

/// Nobody who is mapped disappears.
fn keeps_mapped(account: &Account, users: &VoiceUsers) -> Result<()> {
    let gone = account.rows.keys().filter(|id| !users.contains_key(*id));
    let gone: Vec<&VoiceUser> = gone.filter_map(|id| account.voice_users.get(id)).collect();
    if gone.is_empty() {
        return Ok(());
    }
    let mut named: Vec<&str> = gone.iter().take(NAMED).map(|user| user.name.as_str()).collect();
    let more = format!("and {} more", gone.len().saturating_sub(NAMED));
    if gone.len() > NAMED {
        named.push(&more);
    }
    Err(Error::Conflict(format!(
        "these voice users are mapped and would disappear: {}; set them to None first, or keep them in the list",
        named.join(", ")
    )))
}

/// Imports a file (R122). Where anything in it is wrong, nothing is kept. `once` is left out where the file is only to be
/// looked at.
///
/// # Errors
/// `Malformed`, `Faulty` with every fault.
pub async fn import<R: Read>(
    io: &Io,
    kept: &Enterprise,
    (mode, format): (Mode, Format),
    body: impl Fn() -> R,
    once: Option<&Once>,
    author: &Author,
    now: Timestamp,
) -> Result<Done<Counts>> {
    let Some(once) = once else {
        let account = io.store.account(&kept.id).await?;
        let imported = read(&account, mode, format, body())??;
        return Ok(Done {
            now: imported.counts,
            version: account.version,
            status: io.store.sync_status(&kept.id).await?,
        });
    };
    // What the answer will say has to be known when the request is remembered; the account that decides may be another by
    // the time that it is written, and then both are made anew.
    for _ in 0..TRIES {
        if let Some(said) = io.store.answered(once, now).await? {
            return ended(io, kept, VoiceUsersKept::Before(said), Counts::default(), now).await;
        }
        let account = io.store.account(&kept.id).await?;
        let imported = match read(&account, mode, format, body())? {
            Ok(imported) => imported,
            Err(faults) => match io.store.answered(once, now).await? {
                Some(said) => return ended(io, kept, VoiceUsersKept::Before(said), Counts::default(), now).await,
                None => return Err(faults.into()),
            },
        };
        let said = serde_json::to_string(&imported.counts).map_err(|error| Error::upstream("encode counts", error))?;
        let entry = entry(io, author, Deed::VoiceUsersChanged, counted(imported.counts), now);
        let entry = entry.about(touched(&account.voice_users, &imported.users));
        let kept_now = io.store.enterprise(&kept.id).await?;
        let written = io
            .store
            .keep_voice_users(&kept_now, &account, &imported.users, &entry, Some((once, &said)));
        match written.await {
            Err(Error::Stale(_)) => {}
            made => return ended(io, kept, made?, imported.counts, now).await,
        }
    }
    Err(Error::Busy)
}

/// What many users led to.
async fn ended(
    io: &Io,
    kept: &Enterprise,
    made: VoiceUsersKept,
    counts: Counts,
    now: Timestamp,
) -> Result<Done<Counts>> {
    // Also where nothing changed: whoever made the change may have died before this.
    let status = refresh_pending(io, kept, now).await?;
    let (counts, version) = match made {
        VoiceUsersKept::At(version) => (counts, version),
        VoiceUsersKept::Before(said) => (
            serde_json::from_str(&said).map_err(|error| Error::upstream("decode counts", error))?,
            io.store.account_version(&kept.id).await?,
        ),
    };
    Ok(Done {
        now: counts,
        version,
        status,
    })
}
