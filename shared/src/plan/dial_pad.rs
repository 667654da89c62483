//! The clock of the dial pad for somebody whom a run has given a number (R144, R209, R221).

use super::preflight::DIAL_PAD_WITHIN;
use crate::domain::change::Change;
use crate::domain::run::{Step, StepState};
use jiff::Timestamp;

/// When the dial pad should have appeared in Teams. Whether it has cannot be seen by us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialPad {
    /// Two hours after the last of the user's changes was found in place.
    pub expected_by: Timestamp,
    /// That time has passed: whoever does not see it yet contacts support.
    pub late: bool,
}

/// The clock by the steps of one user; none where the run has not given them a number.
#[must_use]
pub fn dial_pad(steps: &[Step], now: Timestamp) -> Option<DialPad> {
    let applied = || steps.iter().filter(|step| step.state == StepState::Applied);
    let number = |step: &Step| matches!(step.change, Some(Change::Assign { .. } | Change::Adopt { .. }));
    if !applied().any(number) {
        return None;
    }
    let last = applied().filter_map(|step| step.applied_at).max()?;
    let expected_by = last + DIAL_PAD_WITHIN;
    Some(DialPad {
        expected_by,
        late: now >= expected_by,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calling_policy::PolicyType;
    use crate::domain::ids::TeamsUserId;
    use jiff::SignedDuration;

    const NOON: Timestamp = Timestamp::constant(1_795_348_800, 0);

    fn ann() -> TeamsUserId {
        "2c0b6a1e-1111-4a11-9a11-0000000000aa".parse().unwrap()
    }

    fn step(change: Change, applied: Option<i64>) -> Step {
        Step {
            state: applied.map_or(StepState::Pending, |_| StepState::Applied),
            change: Some(change),
            applied_at: applied.map(|minutes| NOON + SignedDuration::from_mins(minutes)),
            ..Step::pending(0, ann())
        }
    }

    fn number() -> Change {
        Change::Assign {
            number: "+15550100101".parse().unwrap(),
            to: ann(),
            moved: false,
        }
    }

    fn policy() -> Change {
        Change::Grant {
            user: ann(),
            policy_type: PolicyType::TeamsCallingPolicy,
            name: "Calls".into(),
            was: None,
            keeps: None,
        }
    }

    #[test]
    fn r144_r209_r221_the_dial_pad_is_expected_within_two_hours_and_late_after_them() {
        let at = |minutes| NOON + SignedDuration::from_mins(minutes);
        let clock = |steps: &[Step], minutes| dial_pad(steps, at(minutes)).map(|pad| (pad.expected_by, pad.late));
        let both = [step(number(), Some(0)), step(policy(), Some(3))];
        assert_eq!(clock(&both, 122), Some((at(123), false)));
        assert_eq!(clock(&both, 123), Some((at(123), true)));
        assert_eq!(clock(&[step(number(), None), step(policy(), Some(3))], 300), None);
        assert_eq!(clock(&[step(policy(), Some(3))], 300), None, "it was there before");
        assert_eq!(clock(&[], 300), None);
    }
}
