//! Contradictions inside a plan. Every plan is checked before it is executed; the planner's laws are tested here.

#[cfg(test)]
mod laws;
#[cfg(test)]
mod world;

use super::sync::Plan;
use crate::domain::change::Change;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that must never be in a plan; empty is good.
#[must_use]
pub fn contradictions(plan: &Plan) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut given: BTreeMap<_, _> = BTreeMap::new();
    let mut receivers = BTreeSet::new();
    let mut released = BTreeSet::new();
    let mut policies = BTreeSet::new();
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
                if matches!(change, Change::Assign { moved: true, .. }) && !released.contains(number) {
                    wrong.push(format!("{number} would be moved without being released"));
                }
            }
            Change::Release { number, .. } => {
                if assigning {
                    wrong.push(format!("{number} would be released after numbers are assigned"));
                }
                if !released.insert(number) {
                    wrong.push(format!("{number} would be released twice"));
                }
            }
            Change::Revoke { user, policy_type, .. }
            | Change::Grant { user, policy_type, .. }
            | Change::AdoptPolicy { user, policy_type, .. } => {
                if !policies.insert((user, policy_type)) {
                    wrong.push(format!("{policy_type} of {user} would be changed twice"));
                }
            }
        }
    }
    if plan.reasons.len() != plan.changes.len() {
        wrong.push("not every change has its reason".into());
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::Why;
    use crate::domain::phone::E164;
    use crate::plan::sync::tests::{A, ANN, B, BOB};

    #[test]
    fn contradictions_are_found() {
        let number = |text: &str| -> E164 { text.parse().unwrap() };
        let assign = |to: &str, moved| Change::Assign {
            number: number(A),
            to: to.parse().unwrap(),
            moved,
        };
        let release = |text: &str| Change::Release {
            number: number(text),
            from: ANN.parse().unwrap(),
        };
        let found = |changes: Vec<Change>| {
            let reasons = vec![Why::Mapped; changes.len()];
            let plan = Plan {
                changes,
                reasons,
                ..Plan::default()
            };
            contradictions(&plan).len()
        };
        assert_eq!(found(vec![release(A), assign(BOB, true)]), 0);
        assert_eq!(found(vec![assign(ANN, false), assign(BOB, false), release(B)]), 2);
        assert_eq!(found(vec![assign(BOB, true)]), 1, "moved and never released");
        assert_eq!(found(vec![release(A), release(A)]), 1);
        let unreasoned = Plan {
            changes: vec![release(A)],
            ..Plan::default()
        };
        assert_eq!(contradictions(&unreasoned).len(), 1);
    }
}
