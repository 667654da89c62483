//! What one sync changes in Teams: the truth table. Order in the list is order of execution: numbers are released
//! before they are assigned, so no user ever holds two numbers and no number two users. Why it is one list and not a list
//! for each part of the users: `infra/decisions/0022-a-plan-is-made-whole.md`.

mod policies;
#[cfg(test)]
pub(super) mod tests;

use super::mapping::Wanted;
use super::preflight::{self, Elsewhere};
use crate::domain::calling_policy::PolicyType;
use crate::domain::change::{Change, Why};
use crate::domain::finding::Finding;
use crate::domain::ids::TeamsUserId;
use crate::domain::mapping::{Owned, Ownership};
use crate::domain::phone::E164;
use std::collections::{BTreeMap, BTreeSet};

/// Everything the decision rests on.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// What the saved mapping asks for.
    pub wanted: BTreeMap<TeamsUserId, Wanted>,
    /// Names of mapped voice users that have no number.
    pub without_number: Vec<String>,
    /// Why a mapping asks for nothing, by Teams user.
    pub asking_nothing: BTreeMap<TeamsUserId, Why>,
    /// Everything is taken back: the integration is being removed.
    pub leaving: bool,
    /// What the directory says against giving a wanted user anything.
    pub unfit: BTreeMap<TeamsUserId, Vec<Finding>>,
    /// What should be known of the wanted users, and keeps nobody from anything.
    pub remarks: Vec<Finding>,
    /// The names of all policies that carry the brand: none of them was there before us.
    pub brand_policies: BTreeSet<String>,
    /// What Teams says of every user who is wanted or ours; absent means there is no such user any more.
    pub users: BTreeMap<TeamsUserId, ObservedUser>,
    /// What Teams says of every number that is wanted or ours; absent means the tenant does not know it.
    pub numbers: BTreeMap<E164, ObservedNumber>,
    /// What earlier runs of ours put in place.
    pub ours: Ownership,
}

/// A user as Teams has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedUser {
    /// The primary number.
    pub number: Option<E164>,
    /// Policies that are not the tenant's default, by type.
    pub policies: BTreeMap<PolicyType, ObservedPolicy>,
    /// The account is homed on-premises.
    pub on_premises: bool,
    /// The user has a number and may not call all the same.
    pub calling_off: bool,
    /// The coexistence mode, where one is set under which calls may ring elsewhere than in Teams.
    pub not_teams_only: Option<String>,
}

/// A policy as Teams has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedPolicy {
    /// Without `Tag:`.
    pub name: String,
    /// Inherited from a group.
    pub by_group: bool,
}

/// A number as Teams has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedNumber {
    /// Who has it.
    pub holder: Option<TeamsUserId>,
    /// It is a Calling Plan or Operator Connect number.
    pub foreign_kind: bool,
    /// It is taken, and by nobody who can be found.
    pub orphaned: bool,
    /// It comes from on-premises directory data.
    pub on_premises: bool,
}

/// A complete plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In order of execution.
    pub changes: Vec<Change>,
    /// Why, of each change, in the same order.
    pub reasons: Vec<Why>,
    /// What is left alone, and why.
    pub conflicts: Vec<Finding>,
    /// What is done all the same, and should be known.
    pub notes: Vec<Finding>,
    /// What will be ours of each user, once all changes for that user are in place. Users in conflict are absent.
    pub targets: BTreeMap<TeamsUserId, Owned>,
}

/// A change with its reason.
type Reasoned = (Change, Why);

/// Decides what one sync run changes. Pure: no clock, no I/O, no randomness.
#[must_use]
pub fn plan(facts: &Facts) -> Plan {
    let missing = facts.without_number.iter();
    let mut conflicts: Vec<Finding> = missing.map(|name| preflight::number_missing(name)).collect();
    let mut notes = facts.remarks.clone();
    let mut blocked = BTreeSet::new();
    let twice = wanted_twice(facts);
    for (user, wanted) in &facts.wanted {
        let unfit = facts.unfit.get(user).into_iter().flatten().cloned();
        let obstacle = obstacle(facts, user, wanted, twice.contains(&wanted.number));
        // Who has everything already loses nothing by it, and gets nothing either.
        if obstacle.is_none() && settled(facts, user, wanted) {
            notes.extend(unfit);
            continue;
        }
        let before = conflicts.len();
        conflicts.extend(obstacle);
        conflicts.extend(unfit);
        if conflicts.len() > before {
            blocked.insert(user);
        }
    }
    let (mut releases, mut assigns) = (Vec::new(), Vec::new());
    for (number, wanted_by) in involved_numbers(facts) {
        let seen = facts.numbers.get(number);
        let observed = seen.and_then(|observed| observed.holder.as_ref());
        let foreign = seen.is_some_and(|observed| observed.foreign_kind);
        let ours = observed.is_some_and(|holder| owns(facts, holder, number) && !foreign);
        let to = wanted_by.filter(|user| !blocked.contains(user));
        let assign = |to: &TeamsUserId, moved: bool| Change::Assign {
            number: number.clone(),
            to: to.clone(),
            moved,
        };
        let release = |from: &TeamsUserId| Change::Release {
            number: number.clone(),
            from: from.clone(),
        };
        match (to, observed) {
            (Some(to), None) => assigns.push((assign(to, false), why_given(facts, to, number))),
            (Some(to), Some(from)) if to == from && calling_off(facts, to) => {
                assigns.push((assign(to, false), Why::CallingOff));
            }
            (Some(to), Some(from)) if to == from && ours => {}
            (Some(to), Some(from)) if to == from => {
                let (number, user) = (number.clone(), to.clone());
                assigns.push((Change::Adopt { number, user }, Why::AlreadyThere));
            }
            (Some(to), Some(from)) if ours => {
                releases.push((release(from), Why::Moved));
                assigns.push((assign(to, true), Why::Moved));
            }
            // Held by somebody who did not get it from us: `obstacle` has blocked the user who wants it.
            (Some(_), Some(_)) => {}
            (None, Some(from)) if ours && seen.is_some_and(|observed| observed.on_premises) => {
                if blocked.insert(from) {
                    let who = format!("the Teams user who has {number}");
                    conflicts.push(preflight::on_premises(&who, from));
                }
            }
            // A user in conflict keeps the number that works; any other who has one that is not wanted for them loses it.
            (None, Some(from)) if ours && !blocked.contains(from) => {
                releases.push((release(from), why_taken(facts, from)));
            }
            (None, _) => {}
        }
    }
    assigns.sort_by(|(a, _), (b, _)| a.user().cmp(b.user()));
    releases.append(&mut assigns);
    releases.extend(policies::changes(facts, &blocked));
    notes.extend(other_modes(facts));
    let targets = targets(facts, &blocked, &releases);
    let (changes, reasons) = releases.into_iter().unzip();
    Plan {
        changes,
        reasons,
        conflicts,
        notes,
        targets,
    }
}

/// What will be ours of everybody who is not in conflict: what is wanted, and what was there before it.
fn targets(facts: &Facts, blocked: &BTreeSet<&TeamsUserId>, changes: &[Reasoned]) -> BTreeMap<TeamsUserId, Owned> {
    let ours = |user: &TeamsUserId| facts.ours.get(user).cloned().unwrap_or_default();
    // What was there before us is moved by changes of policies alone.
    let mut moved: BTreeMap<&TeamsUserId, Owned> = BTreeMap::new();
    for (change, _) in changes {
        if let Change::Grant { user, .. } | Change::Revoke { user, .. } | Change::AdoptPolicy { user, .. } = change {
            let owned = moved.entry(user).or_insert_with(|| ours(user));
            *owned = change.owned_after(std::mem::take(owned));
        }
    }
    let unwanted = facts.ours.keys().filter(|user| !facts.wanted.contains_key(user));
    let unwanted = unwanted.map(|user| (user, Owned::default()));
    let wanted = facts.wanted.iter().map(|(user, wanted)| {
        let before = moved.remove(user).unwrap_or_else(|| ours(user));
        let target = Owned {
            calling_policy_before: before.calling_policy_before,
            routing_policy_before: before.routing_policy_before,
            ..wanted.owned()
        };
        (user, target)
    });
    let all = wanted.chain(unwanted);
    all.filter(|(user, _)| !blocked.contains(user))
        .map(|(user, target)| (user.clone(), target))
        .collect()
}

/// Numbers that more than one user is to have.
fn wanted_twice(facts: &Facts) -> BTreeSet<&E164> {
    let mut once = BTreeSet::new();
    let numbers = facts.wanted.values().map(|wanted| &wanted.number);
    numbers.filter(|number| !once.insert(*number)).collect()
}

/// Everything that is wanted of the user is in place, and ours.
fn settled(facts: &Facts, user: &TeamsUserId, wanted: &Wanted) -> bool {
    let holder = facts.numbers.get(&wanted.number).and_then(|seen| seen.holder.as_ref());
    let has = |kind, name: &String| {
        let observed = facts.users.get(user).and_then(|observed| observed.policies.get(&kind));
        observed.is_some_and(|policy| policy.name == *name)
    };
    holder == Some(user)
        && facts.ours.get(user).is_some_and(|ours| wanted.is_given(ours))
        && has(PolicyType::OnlineVoiceRoutingPolicy, &wanted.routing_policy)
        && has(PolicyType::TeamsCallingPolicy, &wanted.calling_policy)
}

/// Why a wanted user is left alone in this run, if so.
fn obstacle(facts: &Facts, user: &TeamsUserId, wanted: &Wanted, twice: bool) -> Option<Finding> {
    let name = wanted.name.as_str();
    let Some(observed) = facts.users.get(user) else {
        return Some(preflight::mapped_user_gone(name, user));
    };
    let number = facts.numbers.get(&wanted.number);
    let other = observed.number.as_ref().filter(|number| **number != wanted.number);
    let seen = |number: &E164| facts.numbers.get(number);
    if observed.on_premises
        || number.is_some_and(|number| number.on_premises)
        || other.and_then(seen).is_some_and(|number| number.on_premises)
    {
        return Some(preflight::on_premises(name, user));
    }
    let taken = |elsewhere| Some(preflight::number_taken(name, user, elsewhere));
    if twice {
        return taken(Elsewhere::Twice(&wanted.number));
    }
    if number.is_some_and(|number| number.foreign_kind) {
        return taken(Elsewhere::Service(&wanted.number));
    }
    if number.is_some_and(|number| number.orphaned) {
        return Some(preflight::number_orphaned(name, user, &wanted.number));
    }
    let holder = number.and_then(|number| number.holder.as_ref());
    if let Some(holder) = holder.filter(|holder| *holder != user && !owns(facts, holder, &wanted.number)) {
        return taken(Elsewhere::User(&wanted.number, holder));
    }
    // The inventory of numbers is ahead of what is said of the user: what it gives to nobody, or to another, is old news.
    let other = other.filter(|number| seen(number).is_none_or(|number| number.holder.as_ref() == Some(user)));
    let foreign = |number: &E164| seen(number).is_some_and(|number| number.foreign_kind);
    if let Some(other) = other.filter(|number| !owns(facts, user, number) || foreign(number)) {
        return taken(Elsewhere::Own(other));
    }
    None
}

/// Users whose calls may ring elsewhere than in Teams.
fn other_modes(facts: &Facts) -> impl Iterator<Item = Finding> {
    facts.wanted.iter().filter_map(|(user, wanted)| {
        let mode = facts.users.get(user)?.not_teams_only.as_ref()?;
        Some(preflight::not_teams_only(&wanted.name, user, mode))
    })
}

fn owns(facts: &Facts, user: &TeamsUserId, number: &E164) -> bool {
    facts
        .ours
        .get(user)
        .is_some_and(|owned| owned.number.as_ref() == Some(number))
}

fn calling_off(facts: &Facts, user: &TeamsUserId) -> bool {
    facts.users.get(user).is_some_and(|observed| observed.calling_off)
}

/// Why a user gets a number that nobody has.
fn why_given(facts: &Facts, user: &TeamsUserId, number: &E164) -> Why {
    match facts.ours.get(user).and_then(|owned| owned.number.as_ref()) {
        Some(owned) if owned == number => Why::TakenAway,
        Some(_) => Why::NumberChanged,
        None => Why::Mapped,
    }
}

/// Why a user loses something of ours.
fn why_taken(facts: &Facts, user: &TeamsUserId) -> Why {
    if facts.leaving {
        Why::Removal
    } else if facts.wanted.contains_key(user) {
        Why::NumberChanged
    } else {
        facts.asking_nothing.get(user).copied().unwrap_or(Why::Unmapped)
    }
}

/// Every number that is wanted or ours, and who wants it.
fn involved_numbers(facts: &Facts) -> BTreeMap<&E164, Option<&TeamsUserId>> {
    let ours = facts.ours.values().filter_map(|owned| owned.number.as_ref());
    let ours = ours.map(|number| (number, None));
    let wanted = facts.wanted.iter().map(|(user, wanted)| (&wanted.number, Some(user)));
    ours.chain(wanted).collect()
}

/// What Teams would have if it has exactly what we put there: the basis of a plan that is shown before anybody signs in.
#[must_use]
pub fn as_we_left_it(
    wanted: &BTreeMap<TeamsUserId, Wanted>,
    ours: &Ownership,
) -> (BTreeMap<TeamsUserId, ObservedUser>, BTreeMap<E164, ObservedNumber>) {
    let observed = |owned: &Owned| {
        let policy = |kind| {
            let name = owned.policy(kind)?.clone();
            Some((kind, ObservedPolicy { name, by_group: false }))
        };
        ObservedUser {
            number: owned.number.clone(),
            policies: policies::KINDS.into_iter().filter_map(policy).collect(),
            ..ObservedUser::default()
        }
    };
    let mut users: BTreeMap<_, _> = wanted
        .keys()
        .map(|user| (user.clone(), ObservedUser::default()))
        .collect();
    users.extend(ours.iter().map(|(user, owned)| (user.clone(), observed(owned))));
    let numbers = ours
        .iter()
        .filter_map(|(user, owned)| {
            let observed = ObservedNumber {
                holder: Some(user.clone()),
                ..ObservedNumber::default()
            };
            Some((owned.number.clone()?, observed))
        })
        .collect();
    (users, numbers)
}

/// Changes of `fresh` that the approved plan does not contain. Less may be done than was approved, never more; but for what
/// is only given to users whom this run has `matched`: whoever imported them has asked for that; and for what a user has
/// already, and is switched on again.
#[must_use]
pub fn beyond(approved: &[Change], fresh: &Plan, matched: &BTreeSet<&TeamsUserId>) -> Vec<Change> {
    let approved: BTreeSet<_> = approved.iter().map(essence).collect();
    let known = |(change, why): &(&Change, Why)| match change {
        Change::Adopt { .. } | Change::AdoptPolicy { .. } => true,
        Change::Assign { .. } if *why == Why::CallingOff => true,
        Change::Assign {
            to: user, moved: false, ..
        }
        | Change::Grant { user, .. }
            if matched.contains(user) =>
        {
            true
        }
        Change::Release { .. } | Change::Assign { .. } | Change::Grant { .. } | Change::Revoke { .. } => {
            approved.contains(&essence(change))
        }
    };
    let reasons = fresh.reasons.iter().copied().chain(std::iter::repeat(Why::Unknown));
    let both = fresh.changes.iter().zip(reasons);
    both.filter(|both| !known(both))
        .map(|(change, _)| change.clone())
        .collect()
}

/// What of a change somebody has approved: not what was there before it, which may have moved.
fn essence(change: &Change) -> (u8, &TeamsUserId, Option<PolicyType>, &str) {
    match change {
        Change::Release { number, from } => (0, from, None, number.as_str()),
        Change::Assign { number, to: user, .. } | Change::Adopt { number, user } => (1, user, None, number.as_str()),
        Change::Revoke {
            user,
            policy_type,
            name,
            ..
        } => (2, user, Some(*policy_type), name),
        Change::Grant {
            user,
            policy_type,
            name,
            ..
        }
        | Change::AdoptPolicy {
            user,
            policy_type,
            name,
        } => (3, user, Some(*policy_type), name),
    }
}
