//! A repetition of the failed part of a run: the same plan as ever, for some of the users.

use super::sync::Facts;
use crate::domain::ids::TeamsUserId;
use crate::domain::phone::E164;
use std::collections::{BTreeMap, BTreeSet};

/// The facts about these users alone, and about those whose numbers theirs are bound up with: a number can only go to
/// somebody after whoever has it has given it back. The plan of what is left is what the whole plan says of these users; so
/// whatever holds of any plan holds of this one.
#[must_use]
pub fn limited(mut facts: Facts, users: &BTreeSet<TeamsUserId>) -> Facts {
    let kept = bound_up(&facts, users);
    facts.wanted.retain(|user, _| kept.contains(user));
    facts.ours.retain(|user, _| kept.contains(user));
    let concerns = |about: &Option<TeamsUserId>| about.as_ref().is_some_and(|user| kept.contains(user));
    facts.remarks.retain(|remark| concerns(&remark.about));
    // Mapped voice users without a number are nobody's failed change.
    facts.without_number.clear();
    facts
}

/// These users, and all who want or have a number that one of them wants or has, as far as that goes.
fn bound_up(facts: &Facts, users: &BTreeSet<TeamsUserId>) -> BTreeSet<TeamsUserId> {
    let mut numbers: BTreeMap<&TeamsUserId, Vec<&E164>> = BTreeMap::new();
    let mut people: BTreeMap<&E164, Vec<&TeamsUserId>> = BTreeMap::new();
    let wanted = facts.wanted.iter().map(|(user, wanted)| (user, &wanted.number));
    let ours = facts.ours.iter();
    let ours = ours.filter_map(|(user, owned)| owned.number.as_ref().map(|number| (user, number)));
    let seen = facts.numbers.iter();
    let seen = seen.filter_map(|(number, observed)| observed.holder.as_ref().map(|holder| (holder, number)));
    for (user, number) in wanted.chain(ours).chain(seen) {
        numbers.entry(user).or_default().push(number);
        people.entry(number).or_default().push(user);
    }
    let mut found = users.clone();
    let mut open: Vec<&TeamsUserId> = users.iter().collect();
    while let Some(user) = open.pop() {
        let theirs = numbers.get(user).into_iter().flatten();
        for other in theirs.filter_map(|number| people.get(number)).flatten() {
            if found.insert((*other).clone()) {
                open.push(other);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::mapping::Owned;
    use crate::plan::sync::tests::wanted;
    use crate::plan::sync::{ObservedNumber, ObservedUser, Plan, plan};

    const NUMBERS: [&str; 3] = ["+15550100101", "+15550100102", "+15550100103"];

    fn user(n: usize) -> TeamsUserId {
        format!("2c0b6a1e-1111-4a11-9a11-0000000000{n:02x}").parse().unwrap()
    }

    /// World `n` of all in which each of three users wants, has and is owed one of three numbers or none.
    fn world(mut n: usize) -> Facts {
        let mut digit = || {
            let digit = n % 4;
            n /= 4;
            NUMBERS.get(digit).map(|number| number.parse::<E164>().unwrap())
        };
        let mut facts = Facts::default();
        for at in 0..3 {
            let (wants, has, ours) = (digit(), digit(), digit());
            if let Some(number) = wants {
                facts.wanted.insert(user(at), wanted(number.as_str()));
            }
            let held = has.filter(|number| !facts.numbers.contains_key(number));
            if let Some(number) = &held {
                let observed = ObservedNumber {
                    holder: Some(user(at)),
                    ..ObservedNumber::default()
                };
                facts.numbers.insert(number.clone(), observed);
            }
            let observed = ObservedUser {
                number: held,
                ..ObservedUser::default()
            };
            facts.users.insert(user(at), observed);
            if ours.is_some() {
                let owned = Owned {
                    number: ours,
                    ..Owned::default()
                };
                facts.ours.insert(user(at), owned);
            }
        }
        facts
    }

    /// What a plan says of some users.
    fn of(plan: &Plan, users: &BTreeSet<TeamsUserId>) -> Plan {
        let mut plan = plan.clone();
        let with_reasons = plan.changes.into_iter().zip(plan.reasons);
        (plan.changes, plan.reasons) = with_reasons.filter(|(change, _)| users.contains(change.user())).unzip();
        let about =
            |finding: &crate::domain::finding::Finding| finding.about.as_ref().is_some_and(|user| users.contains(user));
        plan.conflicts.retain(about);
        plan.notes.retain(about);
        plan.targets.retain(|user, _| users.contains(user));
        plan
    }

    #[test]
    fn every_plan_of_some_users_is_the_whole_plans_part() {
        let mut worlds = 0;
        // Nine digits of four: every 29th, which comes by every triple of digits.
        for n in (0..4_usize.pow(9)).step_by(29) {
            let facts = world(n);
            let whole = plan(&facts);
            for chosen in 0..3 {
                let users = BTreeSet::from([user(chosen)]);
                let kept = bound_up(&facts, &users);
                assert_eq!(
                    plan(&limited(facts.clone(), &users)),
                    of(&whole, &kept),
                    "{facts:?} {users:?}"
                );
            }
            worlds += 1;
        }
        assert_eq!(worlds, 9_040);
    }
}
