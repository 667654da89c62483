//! Contradictions inside a plan. Every plan is checked before it is executed; the planner's laws are tested here.

use super::sync::Plan;
use crate::domain::change::Change;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that must never be in a plan; empty is good.
#[must_use]
pub fn contradictions(plan: &Plan) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut given: BTreeMap<_, _> = BTreeMap::new();
    let mut receivers = BTreeSet::new();
    let mut assigning = false;
    for change in &plan.changes {
        match change {
            Change::Assign { number, to: user, .. } | Change::Adopt { number, user } => {
                assigning = true;
                if given.insert(number, user).is_some() {
                    wrong.push(format!("{number} would be given to two users"));
                }
                if !receivers.insert(user) {
                    wrong.push(format!("{user} would get two numbers"));
                }
            }
            Change::Release { number, .. } if assigning => {
                wrong.push(format!("{number} would be released after numbers are assigned"));
            }
            Change::Release { .. } | Change::Revoke { .. } | Change::Grant { .. } => {}
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::mapping::Ownership;
    use crate::domain::phone::E164;
    use crate::plan::sync::tests::{A, ANN, B, BOB, world};
    use crate::plan::sync::{Facts, ObservedNumber, ObservedPolicy, plan};

    /// Teams and our table after the plan, as far as the planner sees them.
    fn applied(mut facts: Facts) -> Facts {
        let plan = plan(&facts);
        assert_eq!(contradictions(&plan), Vec::<String>::new());
        for change in &plan.changes {
            match change.clone() {
                Change::Release { number, from } => {
                    assert_eq!(
                        facts.ours[&from].number.as_ref(),
                        Some(&number),
                        "only what is ours is taken away"
                    );
                    facts.numbers.insert(number, ObservedNumber::default());
                    if let Some(user) = facts.users.get_mut(&from) {
                        user.number = None;
                    }
                }
                Change::Assign { number, to, .. } => {
                    assert_eq!(facts.users[&to].number, None, "no user ever holds two numbers");
                    assert!(
                        facts
                            .numbers
                            .get(&number)
                            .is_none_or(|observed| observed.holder.is_none()),
                        "no number two users"
                    );
                    facts.users.get_mut(&to).unwrap().number = Some(number.clone());
                    facts.numbers.insert(
                        number,
                        ObservedNumber {
                            holder: Some(to),
                            ..ObservedNumber::default()
                        },
                    );
                }
                Change::Adopt { .. } => {}
                Change::Grant {
                    user,
                    policy_type,
                    name,
                    ..
                } => {
                    let policy = ObservedPolicy { name, by_group: false };
                    facts.users.get_mut(&user).unwrap().policies.insert(policy_type, policy);
                }
                Change::Revoke { user, policy_type, .. } => {
                    facts.users.get_mut(&user).unwrap().policies.remove(&policy_type);
                }
            }
            let user = change.user().clone();
            let after = change.owned_after(facts.ours.remove(&user).unwrap_or_default());
            facts.ours.insert(user, after);
        }
        for (user, target) in plan.targets {
            facts.ours.insert(user, target);
        }
        facts.ours.retain(|_, owned| !owned.is_empty());
        facts
    }

    /// All ways to give two numbers to two users.
    fn holdings() -> Vec<Vec<(&'static str, &'static str)>> {
        let holders = [None, Some(ANN), Some(BOB)];
        let mut all = Vec::new();
        for a in holders {
            for b in holders {
                if a.is_none() || a != b {
                    all.push(
                        a.map(|user| (A, user))
                            .into_iter()
                            .chain(b.map(|user| (B, user)))
                            .collect(),
                    );
                }
            }
        }
        all
    }

    /// The law: plan, apply, plan again gives nothing; what is wanted and free of conflict is there; others' is untouched.
    #[test]
    fn a_second_plan_is_empty_in_every_small_world() {
        let mut worlds = 0;
        for want in holdings() {
            for has in holdings() {
                for ours in holdings() {
                    worlds += 1;
                    let before = world(&want, &has, &ours);
                    let conflicts = plan(&before).conflicts.len();
                    let after = applied(before.clone());
                    let again = plan(&after);
                    assert_eq!(again.changes, [], "want {want:?} has {has:?} ours {ours:?}");
                    if conflicts == 0 {
                        for (number, user) in &want {
                            let holder = &after.numbers[&number.parse::<E164>().unwrap()].holder;
                            assert_eq!(holder.as_ref().map(ToString::to_string).as_deref(), Some(*user));
                        }
                        let expected: Ownership = after
                            .wanted
                            .iter()
                            .map(|(user, wanted)| (user.clone(), wanted.owned()))
                            .collect();
                        assert_eq!(after.ours, expected);
                    }
                    for (number, holder) in &has {
                        let was_ours = ours.contains(&(number, holder));
                        if !was_ours {
                            let now = &after.numbers[&number.parse::<E164>().unwrap()].holder;
                            assert_eq!(
                                now.as_ref().map(ToString::to_string).as_deref(),
                                Some(*holder),
                                "not ours, not touched"
                            );
                        }
                    }
                }
            }
        }
        assert_eq!(worlds, 343);
    }

    #[test]
    fn contradictions_are_found() {
        let number: E164 = A.parse().unwrap();
        let assign = |to: &str| Change::Assign {
            number: number.clone(),
            to: to.parse().unwrap(),
            moved: false,
        };
        let release = Change::Release {
            number: number.clone(),
            from: ANN.parse().unwrap(),
        };
        let bad = Plan {
            changes: vec![assign(ANN), assign(BOB), release],
            ..Plan::default()
        };
        assert_eq!(contradictions(&bad).len(), 2);
    }
}
