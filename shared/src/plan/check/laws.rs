//! The laws of planning, in every small world and in many larger ones: applied to what was observed, a plan gives what is
//! wanted; the next plan is empty; nothing that is not ours is touched; and at no moment has a user two numbers, or a
//! number two users.

use super::contradictions;
use super::world::{Ours, THEIRS, World, about};
use crate::domain::change::Change;
use crate::domain::permission::{Mode, Permission, ReleaseLimit};
use crate::plan::guard;
use crate::plan::sync::{Plan, plan};
use std::collections::BTreeSet;
use std::ops::Range;

/// Random worlds.
const WORLDS: u64 = 100_000;

/// Numbers without gaps, from a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(limit).unwrap()).unwrap()
    }

    /// One time in so many.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn shuffled(&mut self, count: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..count).collect();
        for at in (1..count).rev() {
            all.swap(at, self.below(at + 1));
        }
        all
    }
}

/// A world of up to 8 people and 8 numbers, in which anything may have happened.
fn random(chance: &mut Chance) -> World {
    let (people, numbers) = (1 + chance.below(8), 1 + chance.below(8));
    let mut world = World::new(people, numbers);
    // Everything was given by us in an order, and is wanted in another: swaps and cycles of any length.
    for (n, who) in chance.shuffled(people).into_iter().enumerate().take(numbers) {
        if chance.once_in(4) {
            continue;
        }
        world.numbers[n].holder = Some(who);
        if !chance.once_in(5) {
            world.ours[who].number = Some(n);
        }
    }
    for (n, who) in chance.shuffled(people).into_iter().enumerate().take(numbers) {
        if !chance.once_in(4) {
            world.wanted[who] = Some((n, chance.below(2)));
        }
    }
    for number in &mut world.numbers {
        number.foreign = chance.once_in(20);
        number.on_premises = chance.once_in(20);
        number.orphaned = number.holder.is_none() && chance.once_in(20);
    }
    for who in 0..people {
        for kind in 0..2 {
            let names = [None, Some(THEIRS), Some(["X-Routing", "X-VM"][kind])];
            let group = [None, None, Some("By-Group"), names[2]];
            let person = &mut world.people[who];
            person.direct[kind] = names[chance.below(3)].map(str::to_owned);
            person.by_group[kind] = group[chance.below(4)].map(str::to_owned);
            if world.ours[who].number.is_some() || chance.once_in(5) {
                world.ours[who].policies[kind] = names[2].filter(|_| !chance.once_in(5)).map(str::to_owned);
            }
            if world.ours[who].policies[kind].is_some() && chance.once_in(3) {
                world.ours[who].before[kind] = Some(THEIRS.into());
            }
        }
        let gone = chance.once_in(20);
        let person = &mut world.people[who];
        person.calling_off = chance.once_in(8);
        person.unfit = chance.once_in(8);
        person.on_premises = chance.once_in(20);
        person.gone = gone;
    }
    // Two mappings may ask for one number, and our table may speak of what somebody else has long changed.
    if people > 1 && chance.once_in(10) {
        world.wanted[0] = world.wanted[1];
    }
    if chance.once_in(5) {
        let who = chance.below(people);
        world.ours[who].number = Some(chance.below(numbers));
    }
    world
}

/// Makes these changes one after another; nobody has two numbers at any moment.
fn made<'a>(before: &World, changes: impl IntoIterator<Item = &'a Change>) -> World {
    let mut world = before.clone();
    for change in changes {
        world.make(change);
        world.assert_one_number_each();
    }
    world
}

/// Every law, of one world.
fn check(before: &World) {
    let plan = plan(&before.facts());
    assert_eq!(contradictions(&plan), Vec::<String>::new());
    let left: BTreeSet<usize> = plan.conflicts.iter().map(about).collect();
    let people = 0..before.people.len();
    for who in people.clone().filter(|who| before.wanted[*who].is_some()) {
        assert_eq!(left.contains(&who), before.must_be_left(who), "conflict of {who}");
    }
    let mut after = made(before, &plan.changes);
    for who in people.clone() {
        wanted_is_there(before, &after, who, left.contains(&who));
        not_ours_is_as_it_was(before, &after, who, left.contains(&who));
    }
    for (n, (was, is)) in before.numbers.iter().zip(&after.numbers).enumerate() {
        let free = was.holder.is_none();
        let ours = was.holder.is_some_and(|holder| before.ours[holder].number == Some(n));
        assert!(free || ours || was == is, "number {n} was not ours");
    }
    after.settle(&plan.targets);
    for who in people.filter(|who| before.wanted[*who].is_some() && !left.contains(who)) {
        let (n, _) = after.wanted[who].unwrap();
        assert_eq!(after.ours[who].number, Some(n), "what is given is noted as ours");
    }
    assert_eq!(second(&after).changes, [], "a second plan");
    only_added(before, &plan);
}

fn second(world: &World) -> Plan {
    plan(&world.facts())
}

/// Who is not in conflict has what is wanted; who is wanted no longer has nothing of ours.
fn wanted_is_there(before: &World, after: &World, who: usize, left: bool) {
    let person = &after.people[who];
    match before.wanted[who] {
        Some((n, _)) if !left => {
            assert_eq!(after.held_by(who), [n], "{who} has the number");
            assert!(!person.calling_off, "{who} may call");
            for kind in 0..2 {
                assert_eq!(
                    after.policy(who, kind),
                    before.policy_wanted(who, kind),
                    "policy of {who}"
                );
            }
        }
        Some(_) => {}
        None if left => {}
        None => {
            for n in before.held_by(who) {
                let ours = before.ours[who].number == Some(n) && !before.numbers[n].foreign;
                assert_eq!(after.numbers[n].holder == Some(who), !ours, "{n} of {who}");
            }
            for kind in (0..2).filter(|_| !person.gone) {
                let had = &before.people[who].direct[kind];
                let ours = had.is_some() && *had == before.ours[who].policies[kind];
                let expected = if ours { &before.ours[who].before[kind] } else { had };
                assert_eq!(person.direct[kind], *expected, "policy of {who}");
            }
        }
    }
}

/// Who is neither wanted nor ours, or in conflict, is as before; but for a number of ours that goes where it is wanted.
fn not_ours_is_as_it_was(before: &World, after: &World, who: usize, left: bool) {
    let stranger = before.wanted[who].is_none() && before.ours[who] == Ours::default();
    if stranger || left {
        assert_eq!(before.people[who], after.people[who], "{who}");
    }
    assert_eq!(
        before.people[who].by_group, after.people[who].by_group,
        "groups are not ours"
    );
    for n in before.held_by(who).into_iter().filter(|_| stranger || left) {
        let elsewhere = after.numbers[n].holder.filter(|holder| *holder != who);
        let moved = elsewhere.is_some_and(|to| before.wanted[to].is_some_and(|wanted| wanted.0 == n));
        assert!(
            after.numbers[n].holder == Some(who) || (moved && !stranger),
            "{n} of {who}"
        );
    }
}

/// A run that may only add takes nothing from anybody, and gives nobody a second number.
fn only_added(before: &World, plan: &Plan) {
    let permission = Permission {
        mode: Mode::AddOnly,
        approved_releases: None,
        approved_by: None,
    };
    let held = guard::rule(&plan.changes, 1_000, &permission, ReleaseLimit::default());
    let both = plan.changes.iter().zip(&held);
    let passed: Vec<&Change> = both
        .filter(|(_, held)| held.is_none())
        .map(|(change, _)| change)
        .collect();
    let after = made(before, passed);
    for (was, is) in before.numbers.iter().zip(&after.numbers) {
        assert!(was.holder.is_none() || was.holder == is.holder, "taken away");
    }
}

/// All ways in which three people can have three numbers, at most one each.
fn holdings() -> Vec<[Option<usize>; 3]> {
    let choices = [None, Some(0), Some(1), Some(2)];
    let mut all = Vec::new();
    for a in choices {
        for b in choices {
            for c in choices {
                let given: Vec<usize> = [a, b, c].into_iter().flatten().collect();
                let distinct: BTreeSet<usize> = given.iter().copied().collect();
                if distinct.len() == given.len() {
                    all.push([a, b, c]);
                }
            }
        }
    }
    all
}

/// Every world of 3 numbers and 3 people: who wants, has and got from us which; `unfit` is somebody who can get nothing.
fn every_small_world(unfit: Option<usize>) -> usize {
    let mut worlds = 0;
    for want in holdings() {
        for has in holdings() {
            for ours in holdings() {
                worlds += 1;
                let mut world = World::new(3, 3);
                for who in 0..3 {
                    world.wanted[who] = want[who].map(|n| (n, 0));
                    world.ours[who].number = ours[who];
                    world.people[who].unfit = unfit == Some(who);
                    if let Some(n) = has[who] {
                        world.numbers[n].holder = Some(who);
                    }
                }
                check(&world);
            }
        }
    }
    worlds
}

#[test]
fn r131_r133_the_laws_hold_in_every_world_of_three_numbers_and_three_users() {
    let worlds = every_small_world(None);
    println!("{worlds} worlds");
    assert_eq!(worlds, 34 * 34 * 34);
}

#[test]
fn the_laws_hold_in_every_small_world_in_which_somebody_can_get_nothing() {
    let worlds = every_small_world(Some(1));
    println!("{worlds} worlds");
    assert_eq!(worlds, 34 * 34 * 34);
}

fn random_worlds(seeds: Range<u64>) {
    println!("{} worlds", seeds.end - seeds.start);
    for seed in seeds {
        let world = random(&mut Chance(seed));
        let judged = std::panic::catch_unwind(|| check(&world));
        assert!(judged.is_ok(), "seed {seed}: {world:#?}");
    }
}

#[test]
fn r134_the_laws_hold_in_the_first_half_of_many_random_worlds() {
    random_worlds(0..WORLDS / 2);
}

#[test]
fn r134_the_laws_hold_in_the_second_half_of_many_random_worlds() {
    random_worlds(WORLDS / 2..WORLDS);
}
