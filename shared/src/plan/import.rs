//! Many voice users at once, from a file or a list: either the account as it will be, or every fault with its place.
//!
//! Users are taken one by one as they are read, so that nothing of the file is kept but the users.

pub mod file;
pub mod list;

use crate::domain::Invalid;
use crate::domain::fault::{Fault, Faults, Place};
use crate::domain::ids::VoiceUserId;
use crate::domain::phone::E164;
use crate::domain::voice::VoiceUser;
use crate::domain::voice_field::{self, Field};
use std::collections::{BTreeMap, HashMap};

/// Users that one request may bring.
pub const AT_ONCE: u64 = 50_000;
/// Users that one account may have.
pub const IN_ALL: usize = 100_000;

/// What the users in the file are to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// All are new (R122).
    Create,
    /// All are there, and get what the file gives them; the rest of each stays (R122, R125).
    Update,
    /// They are the whole account: whoever is missing goes.
    Replace,
}

/// A value as it was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// This text; blank says nothing.
    Text(String),
    /// That there is none.
    Nothing,
}

/// One value of a user.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Of which field.
    pub field: Field,
    /// What.
    pub given: Given,
    /// In which column of a file, counted from 1.
    pub column: Option<usize>,
}

/// How many users a change concerns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// New ones.
    pub created: usize,
    /// Changed ones.
    pub updated: usize,
    /// Those that are gone.
    pub deleted: usize,
    /// The others that were named.
    pub unchanged: usize,
}

impl Counts {
    /// Whether anything is different.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.created + self.updated + self.deleted > 0
    }
}

/// An import under way.
#[derive(Debug)]
pub struct Import<'a> {
    mode: Mode,
    before: &'a BTreeMap<VoiceUserId, VoiceUser>,
    /// The users of the file, as they will be.
    taken: BTreeMap<VoiceUserId, (VoiceUser, Place)>,
    read: u64,
    faults: Faults,
}

/// The account after an import.
#[derive(Debug)]
pub struct Imported {
    /// All its users.
    pub users: BTreeMap<VoiceUserId, VoiceUser>,
    /// How they came about.
    pub counts: Counts,
}

impl<'a> Import<'a> {
    /// An import into an account with these users.
    #[must_use]
    pub fn new(mode: Mode, before: &'a BTreeMap<VoiceUserId, VoiceUser>) -> Self {
        Self {
            mode,
            before,
            taken: BTreeMap::new(),
            read: 0,
            faults: Faults::default(),
        }
    }

    /// Whether more can be taken.
    #[must_use]
    pub fn full(&self) -> bool {
        self.read > AT_ONCE
    }

    /// Notes a fault of the file itself.
    pub fn refuse(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Takes one user.
    pub fn take(&mut self, place: Place, cells: Vec<Cell>) {
        self.read += 1;
        if self.full() {
            let why = format!("at most {AT_ONCE} users can be sent at once; send the rest by itself");
            self.refuse(Fault {
                place: Some(place),
                ..Invalid::new("users", why).into()
            });
            return;
        }
        let Some(id) = self.id(place, &cells) else { return };
        let before = self.before.get(&id);
        let mut wrong = Vec::new();
        match (self.mode, before) {
            (Mode::Create, Some(_)) => wrong.push((
                None,
                Invalid::new(
                    "id",
                    "there is such a voice user already; leave it out, or import it with mode=update",
                ),
            )),
            (Mode::Update, None) => wrong.push((
                None,
                Invalid::new(
                    "id",
                    "there is no such voice user; correct the id, or import it with mode=create",
                ),
            )),
            (Mode::Create | Mode::Replace, _) | (Mode::Update, Some(_)) => {}
        }
        if let Some((_, other)) = self.taken.get(&id) {
            wrong.push((
                None,
                Invalid::new("id", format!("{id} stands {} already", named(*other))),
            ));
        }
        let mut user = match (self.mode, before) {
            (Mode::Update, Some(before)) => before.clone(),
            (Mode::Create | Mode::Replace | Mode::Update, _) => VoiceUser {
                // R123-R124: whoever is imported waits for the sync that finds the address.
                match_by_mail: self.mode == Mode::Create,
                ..VoiceUser::new(id.clone())
            },
        };
        wrong.extend(fill(&mut user, cells, before, self.mode));
        if !wrong.is_empty() {
            // So that its second line is told as well, without a number to be found twice.
            user = VoiceUser::new(id.clone());
        }
        for (column, invalid) in wrong {
            self.refuse(Fault {
                place: Some(place),
                column,
                id: Some(id.to_string()),
                invalid,
            });
        }
        self.taken.insert(id, (user, place));
    }

    fn id(&mut self, place: Place, cells: &[Cell]) -> Option<VoiceUserId> {
        let cell = cells.iter().find(|cell| cell.field == Field::Id);
        let text = match cell.map(|cell| &cell.given) {
            Some(Given::Text(text)) => text.trim(),
            Some(Given::Nothing) | None => "",
        };
        let read = match text {
            "" => Err(Invalid::new(
                "id",
                "every voice user needs the id that the voice platform knows it by",
            )),
            text => voice_field::id(text),
        };
        let refused = |invalid| Fault {
            place: Some(place),
            column: cell.and_then(|cell| cell.column),
            id: None,
            invalid,
        };
        read.map_err(|invalid| self.refuse(refused(invalid))).ok()
    }

    /// The account as it will be.
    ///
    /// # Errors
    /// Every fault that was found; then nothing may be kept.
    pub fn finish(mut self) -> Result<Imported, Faults> {
        if self.read == 0 && self.mode != Mode::Replace && self.faults.is_empty() {
            return Err(Fault::from(Invalid::new("users", "there is no voice user in it")).into());
        }
        let mut counts = Counts::default();
        for (id, (user, _)) in &self.taken {
            match self.before.get(id) {
                None => counts.created += 1,
                Some(before) if before == user => counts.unchanged += 1,
                Some(_) => counts.updated += 1,
            }
        }
        if self.mode == Mode::Replace {
            counts.deleted = self.before.keys().filter(|id| !self.taken.contains_key(*id)).count();
        }
        self.double_numbers();
        if counts.created + self.before.len() - counts.deleted > IN_ALL {
            let why = format!("an account can have {IN_ALL} voice users; delete some first");
            self.faults.push(Invalid::new("users", why).into());
        }
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        let mut users = match self.mode {
            Mode::Create | Mode::Update => self.before.clone(),
            Mode::Replace => BTreeMap::new(),
        };
        users.extend(self.taken.into_iter().map(|(id, (user, _))| (id, user)));
        Ok(Imported { users, counts })
    }

    /// A number that two users would have: in the file, or one in the file and one outside.
    fn double_numbers(&mut self) {
        let mut holders: HashMap<&E164, (&VoiceUserId, Option<Place>)> = HashMap::new();
        if self.mode != Mode::Replace {
            let stays = |id: &&VoiceUserId| self.mode == Mode::Create || !self.taken.contains_key(*id);
            for (id, user) in self.before.iter().filter(|(id, _)| stays(id)) {
                holders.extend(user.number.as_ref().map(|number| (number, (id, None))));
            }
        }
        let mut in_order: Vec<(&VoiceUserId, &(VoiceUser, Place))> = self.taken.iter().collect();
        in_order.sort_by_key(|(_, (_, place))| place.number());
        let mut double = Vec::new();
        for (id, (user, place)) in in_order {
            let Some(number) = &user.number else { continue };
            let Some((other, at)) = holders.insert(number, (id, Some(*place))) else {
                continue;
            };
            let why = match at {
                Some(at) => format!(
                    "{number} is the number of {other} {} as well; each number rings one user",
                    named(at)
                ),
                None => format!("{number} is the number of {other} already; take it away there first"),
            };
            double.push(Fault {
                place: Some(*place),
                column: None,
                id: Some(id.to_string()),
                invalid: Invalid::new("number", why),
            });
        }
        for fault in double {
            self.faults.push(fault);
        }
    }
}

/// Gives a user the values of cells; what is wrong with them, each with its column.
fn fill(
    user: &mut VoiceUser,
    cells: Vec<Cell>,
    before: Option<&VoiceUser>,
    mode: Mode,
) -> Vec<(Option<usize>, Invalid)> {
    let mut wrong = Vec::new();
    let mut name_refused = false;
    for Cell { field, given, column } in cells {
        let read = match &given {
            _ if field == Field::Id => Ok(()),
            Given::Text(text) if text.trim().is_empty() => Ok(()),
            Given::Text(text) => zeros_kept(mode, field, text, before).and_then(|()| field.set(user, text, before)),
            Given::Nothing if field == Field::MatchByMail && mode != Mode::Update => Ok(()),
            Given::Nothing => field.clear(user),
        };
        if let Err(invalid) = read {
            name_refused |= field == Field::Name;
            wrong.push((column, invalid));
        }
    }
    if user.name.is_empty() && !name_refused && mode != Mode::Update {
        wrong.push((None, Invalid::new("name", "every voice user needs a name")));
    }
    wrong
}

/// One user as a form says it. `before` is the user as it was.
///
/// # Errors
/// Everything that is wrong.
pub fn one(id: VoiceUserId, cells: Vec<Cell>, before: Option<&VoiceUser>) -> Result<VoiceUser, Vec<Invalid>> {
    let mut user = VoiceUser::new(id);
    let wrong = fill(&mut user, cells, before, Mode::Replace);
    if wrong.is_empty() {
        Ok(user)
    } else {
        Err(wrong.into_iter().map(|(_, invalid)| invalid).collect())
    }
}

impl Place {
    fn number(&self) -> u64 {
        match self {
            Self::Line(number) | Self::Index(number) => *number,
        }
    }
}

fn named(place: Place) -> String {
    match place {
        Place::Line(line) => format!("in line {line}"),
        Place::Index(index) => format!("at index {index}"),
    }
}

/// An extension that was there and lost its zeros on the way through a spreadsheet.
fn zeros_kept(mode: Mode, field: Field, text: &str, before: Option<&VoiceUser>) -> Result<(), Invalid> {
    let Some(before) = before.filter(|_| mode == Mode::Update && field == Field::Extension) else {
        return Ok(());
    };
    let kept = field.text(before);
    if kept.starts_with('0') && kept != text && kept.trim_start_matches('0') == text.trim() {
        let why = format!(
            "it was {kept}, and spreadsheets drop zeros in front: write '{kept} to leave it, or change this user by itself"
        );
        return Err(Invalid::new("extension", why));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
