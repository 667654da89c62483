//! Whether a world is as it should be once all trouble is over.

use super::world::{Before, World};
use std::collections::BTreeSet;

/// What is not as it should be; empty where everything is.
pub(super) fn wrong(world: &World, before: &Before) -> Vec<String> {
    let teams = world.teams();
    let items = world.items();
    let mut wrong = Vec::new();
    let owned = |person: &str| {
        let key = (format!("ENTERPRISE#{}", world.enterprise), format!("OWNED#{person}"));
        items.get(&key).map(|item| item["owned"]["M"].clone())
    };
    // Where somebody gives what was ours to the person who had it from us, it is ours as long as the table says so.
    let ours = |number: &str, person: &str| {
        let noted = || owned(person).is_some_and(|kept| kept["number"]["S"] == number);
        world.watcher.is_ours(number, person) && (!world.watcher.was_given(number) || noted())
    };
    // Who has a number that is not ours keeps it, and gets no other.
    let blocked_by_own = |person: &str, number: &str| {
        teams
            .numbers
            .iter()
            .any(|(other, holder)| holder == person && other != number && !ours(other, person))
    };
    let mut blocked = BTreeSet::new();
    let mut served = BTreeSet::new();
    for (voice, teams_user) in before.wanted.iter().enumerate() {
        let Some(person) = teams_user.map(|at| &world.people[at]) else {
            continue;
        };
        let number = &world.numbers[voice];
        let holder = teams.numbers.get(number);
        // Who is gone, or has a number of another kind besides, is left as they are.
        if world.watcher.is_gone(person) || blocked_by_own(person, number) {
            blocked.insert(person.clone());
            continue;
        }
        if holder == Some(person) {
            served.insert(person.clone());
            let kept = owned(person).unwrap_or_default();
            if kept["number"]["S"] != number.as_str() {
                wrong.push(format!("{number} at {person} is not kept as ours: {kept}"));
            }
            for (kind, name) in &world.policies {
                if teams.policies.get(&(person.clone(), kind.clone())) != Some(name) {
                    wrong.push(format!("{person} lacks {name}"));
                }
            }
            continue;
        }
        blocked.insert(person.clone());
        let foreign = holder.is_some_and(|holder| !ours(number, holder));
        if !foreign {
            wrong.push(format!("{number} should be at {person} and is at {holder:?}"));
        }
    }
    for (number, person) in &teams.numbers {
        let wanted = before
            .wanted
            .iter()
            .enumerate()
            .any(|(voice, to)| world.numbers[voice] == *number && to.is_some_and(|at| world.people[at] == *person));
        let kept = blocked.contains(person) || world.watcher.is_gone(person);
        let waits = before.wanted.iter().enumerate().any(|(voice, to)| {
            world.numbers[voice] == *number && to.is_some_and(|at| blocked.contains(&world.people[at]))
        });
        if !wanted && !kept && !waits && ours(number, person) {
            wrong.push(format!("{number} is ours, nobody wants it, and {person} has it still"));
        }
    }
    for person in &world.people {
        if served.contains(person) || blocked.contains(person) || world.watcher.is_gone(person) {
            continue;
        }
        if let Some(left) = owned(person) {
            wrong.push(format!("what is ours of {person} is still kept: {left}"));
        }
        for (kind, name) in &world.policies {
            if teams.policies.get(&(person.clone(), kind.clone())) == Some(name) {
                wrong.push(format!("{person} still has {name}"));
            }
        }
    }
    wrong
}
