//! Teams' calling side of a tenant: numbers, who holds them, long-running operations, policies, routes.

use super::catalogue::{MCOEV, MCOEV_VIRTUALUSER, TEAMS1};
use super::chance::Guid;
use super::names::COUNTRY;
use super::state::Tenant;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;

/// A value whose last change is seen only after a while.
#[derive(Clone, Default)]
pub(super) struct Delayed<T> {
    before: T,
    pub(super) now: T,
    since: Timestamp,
}

impl<T: Clone> Delayed<T> {
    pub(super) fn settled(value: T) -> Self {
        Self {
            before: value.clone(),
            now: value,
            since: Timestamp::UNIX_EPOCH,
        }
    }

    pub(super) fn set(&mut self, value: T, at: Timestamp) {
        self.before = std::mem::replace(&mut self.now, value);
        self.since = at;
    }

    pub(super) fn seen(&self, at: Timestamp, delay: SignedDuration) -> &T {
        if at.duration_since(self.since) >= delay {
            &self.now
        } else {
            &self.before
        }
    }
}

/// A telephone number in the tenant's inventory.
pub(super) struct Number {
    pub(super) holder: Option<u32>,
    pub(super) category: &'static str,
    /// `directRouting` or `callingPlan`.
    pub(super) kind: &'static str,
    /// Set in an on-premises directory and synced.
    pub(super) on_premises: bool,
    /// Taken by something that is no user, such as a conference bridge.
    pub(super) orphaned: bool,
    pub(super) lookup: Vec<String>,
    pub(super) location: Option<String>,
    pub(super) site: Option<String>,
}

/// Calling settings of one user.
#[derive(Clone, Default)]
pub(super) struct Voice {
    /// Number and category.
    pub(super) numbers: Delayed<Vec<(String, &'static str)>>,
    pub(super) enterprise_voice: Delayed<bool>,
    pub(super) policies: BTreeMap<String, Delayed<Option<Grant>>>,
    pub(super) modified: Timestamp,
}

/// A policy that a user has.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) policy: String,
    /// Inherited from a group.
    pub(super) group: Option<Guid>,
}

/// A policy of the tenant.
pub(super) struct Policy {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) id: String,
    pub(super) created: Timestamp,
    pub(super) settings: Value,
}

/// A voice route.
pub(super) struct Route {
    pub(super) name: String,
    pub(super) settings: Value,
    pub(super) usages: Vec<String>,
}

/// What an operator wants to happen to operations of one number.
pub(super) struct NumberFault {
    pub(super) times: u32,
    /// The operation fails with this text; `None`: it reports success and changes nothing.
    pub(super) failure: Option<String>,
}

pub(super) struct Operation {
    pub(super) id: String,
    pub(super) number_id: String,
    pub(super) number: String,
    /// `None`: take the number away.
    pub(super) target: Option<String>,
    pub(super) category: &'static str,
    pub(super) kind: String,
    pub(super) created: Timestamp,
    pub(super) due: Timestamp,
    /// Once it is done: why it failed, if it failed.
    pub(super) outcome: Option<Result<(), String>>,
}

impl Operation {
    pub(super) fn status(&self, now: Timestamp) -> &'static str {
        match &self.outcome {
            Some(Ok(())) => "succeeded",
            Some(Err(_)) => "failed",
            None if now.duration_since(self.created) * 4 < self.due.duration_since(self.created) => "notStarted",
            None => "running",
        }
    }
}

impl Tenant {
    /// Carries out every number operation that is due, in the order they came.
    pub(super) fn settle(&mut self, now: Timestamp) {
        while let Some(operation) = self.operations.get(self.settled) {
            if operation.due > now {
                break;
            }
            let (number, target) = (operation.number.clone(), operation.target.clone());
            let (category, kind, due) = (operation.category, operation.kind.clone(), operation.due);
            let before = self.numbers.get(&number).and_then(|known| known.holder);
            let outcome = match self.fault_of(&number) {
                Some(NumberFault {
                    failure: Some(text), ..
                }) => Err(text.clone()),
                Some(NumberFault { failure: None, .. }) => Ok(()),
                None => match target {
                    Some(user) => self.assign(&number, &user, category, &kind, due),
                    None => self.unassign(&number, due),
                },
            };
            self.journal_number(&number, before, &outcome);
            self.operations[self.settled].outcome = Some(outcome);
            self.settled += 1;
        }
    }

    fn fault_of(&mut self, number: &str) -> Option<&NumberFault> {
        let fault = self.number_faults.get_mut(number).filter(|fault| fault.times > 0)?;
        fault.times -= 1;
        Some(fault)
    }

    fn assign(
        &mut self,
        number: &str,
        user: &str,
        category: &'static str,
        kind: &str,
        at: Timestamp,
    ) -> Result<(), String> {
        let who = self.assignable(number, user, category, kind)?;
        if self.numbers.get(number).and_then(|known| known.holder) == Some(who) {
            // Whoever has it already may call from now on.
            let voice = self.voice.entry(who).or_default();
            voice.enterprise_voice.set(true, at);
        } else {
            self.give(number, who, category, at);
        }
        Ok(())
    }

    /// Who would get the number, or why nobody would.
    pub(super) fn assignable(
        &self,
        number: &str,
        user: &str,
        category: &'static str,
        kind: &str,
    ) -> Result<u32, String> {
        let who = self.user(user).ok_or_else(|| format!("User {user} was not found."))?;
        let person = self.person(who);
        if person.guest {
            return Err("The user is a guest and cannot have a telephone number.".into());
        }
        if !person.can(&[MCOEV, MCOEV_VIRTUALUSER]) {
            return Err("The user does not have a Teams Phone license.".into());
        }
        if !well_formed(number) {
            return Err(format!("The telephone number {number} is not valid."));
        }
        if self.strict_usage_location {
            let country = COUNTRY
                .iter()
                .find(|(_, code)| number.strip_prefix('+').is_some_and(|n| n.starts_with(code)));
            let location = person.usage_location.as_deref();
            if location.is_none() || country.is_some_and(|(country, _)| Some(*country) != location) {
                return Err("The usage location of the user does not match the country of the number.".into());
            }
        }
        if self
            .numbers
            .values()
            .any(|held| held.on_premises && held.holder == Some(who))
        {
            return Err("The user has a telephone number that is set on-premises; clear it there first.".into());
        }
        if self.numbers.get(number).is_some_and(|known| known.orphaned) {
            return Err(format!("Telephone number {number} is already assigned."));
        }
        match self.numbers.get(number).and_then(|known| known.holder) {
            Some(holder) if holder == who => return Ok(who),
            Some(_) => {
                return Err(format!(
                    "Telephone number {number} is already assigned to another user."
                ));
            }
            None => {}
        }
        if self.numbers.get(number).is_some_and(|known| known.kind != kind) {
            return Err(format!("Telephone number {number} is not of type {kind}."));
        }
        let primary = |held: &Number| held.holder == Some(who) && held.category == "primary";
        if category == "primary" && self.numbers.values().any(primary) {
            return Err("The user already has a primary telephone number.".into());
        }
        Ok(who)
    }

    fn unassign(&mut self, number: &str, at: Timestamp) -> Result<(), String> {
        match self.numbers.get(number) {
            None => Err(format!("Telephone number {number} was not found.")),
            Some(held) if held.on_premises => Err("The number is set on-premises; clear it there.".into()),
            Some(_) => {
                self.take(number, at);
                Ok(())
            }
        }
    }

    /// Gives a number to a user, whatever was there before.
    pub(super) fn give(&mut self, number: &str, who: u32, category: &'static str, at: Timestamp) {
        self.take(number, at);
        let entry = self
            .numbers
            .entry(number.to_owned())
            .or_insert_with(|| Number::free("directRouting"));
        entry.holder = Some(who);
        entry.category = category;
        let voice = self.voice.entry(who).or_default();
        let mut numbers = voice.numbers.now.clone();
        numbers.push((number.to_owned(), category));
        voice.numbers.set(numbers, at);
        voice.enterprise_voice.set(true, at);
        voice.modified = at;
    }

    /// Takes a number from whoever has it.
    pub(super) fn take(&mut self, number: &str, at: Timestamp) {
        let Some(holder) = self.numbers.get_mut(number).and_then(|held| held.holder.take()) else {
            return;
        };
        let voice = self.voice.entry(holder).or_default();
        let rest: Vec<_> = voice
            .numbers
            .now
            .iter()
            .filter(|(other, _)| other != number)
            .cloned()
            .collect();
        voice.enterprise_voice.set(!rest.is_empty(), at);
        voice.numbers.set(rest, at);
        voice.modified = at;
    }

    pub(super) fn grant(&mut self, who: u32, kind: &str, grant: Option<Grant>, at: Timestamp) {
        let voice = self.voice.entry(who).or_default();
        let slot = voice
            .policies
            .entry(kind.to_owned())
            .or_insert_with(|| Delayed::settled(None));
        if slot.now != grant {
            let before = slot.now.clone();
            slot.set(grant.clone(), at);
            voice.modified = at;
            self.journal_policy(who, kind, before.as_ref(), grant.as_ref());
        }
    }

    /// Whether a domain may carry calls: verified, and activated by a licensed account that signs in with it.
    pub(super) fn carries_calls(&mut self, domain: &str, now: Timestamp, delay: SignedDuration) -> bool {
        let suffix = format!("@{}", domain.to_lowercase());
        let licensed = self.users.iter().any(|user| {
            user.deleted.is_none()
                && user.sign_in.to_lowercase().ends_with(&suffix)
                && user.can(&[TEAMS1, MCOEV_VIRTUALUSER])
                && now.duration_since(user.licensed) >= delay
        });
        let Some(found) = self
            .domains
            .iter_mut()
            .find(|known| known.name.eq_ignore_ascii_case(domain))
        else {
            return false;
        };
        // Once a domain is active it stays so when the licence is taken away.
        found.voice |= licensed && found.verified;
        found.verified && found.voice
    }

    pub(super) fn route(&self, name: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.name.eq_ignore_ascii_case(name))
    }

    pub(super) fn put_route(&mut self, name: &str, settings: Value, usages: Vec<String>) {
        self.routes.retain(|route| !route.name.eq_ignore_ascii_case(name));
        self.routes.push(Route {
            name: name.to_owned(),
            settings,
            usages,
        });
    }

    pub(super) fn policy(&self, kind: &str, name: &str) -> Option<&Policy> {
        self.policies
            .iter()
            .find(|policy| policy.kind == kind && policy.name.eq_ignore_ascii_case(name))
    }

    pub(super) fn policy_by_id(&self, kind: &str, id: &str) -> Option<&Policy> {
        self.policies
            .iter()
            .find(|policy| policy.kind == kind && policy.id == id)
    }
}

impl Number {
    pub(super) fn free(kind: &'static str) -> Self {
        Self {
            holder: None,
            category: "primary",
            kind,
            on_premises: false,
            orphaned: false,
            lookup: Vec::new(),
            location: None,
            site: None,
        }
    }
}

/// `+` and digits, perhaps with an extension.
pub(super) fn well_formed(number: &str) -> bool {
    let (main, extension) = number
        .split_once(";ext=")
        .map_or((number, None), |(main, ext)| (main, Some(ext)));
    let digits = |text: &str, least: usize, most: usize| {
        (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    main.strip_prefix('+').is_some_and(|rest| digits(rest, 4, 15)) && extension.is_none_or(|ext| digits(ext, 1, 8))
}

/// As numbers are shown: with `+`, without blanks.
pub(super) fn shown(number: &str) -> String {
    let bare: String = number.chars().filter(|letter| !letter.is_whitespace()).collect();
    if bare.starts_with('+') {
        bare
    } else {
        format!("+{bare}")
    }
}
