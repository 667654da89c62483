//! What a line of the log means, for lines that people have been seen to ask about (R212-R214). The words stay with the code:
//! a log keeps only which of them goes with a line.

use super::finding::{Actor, Code};
use super::sync_log::Line;
use serde::{Deserialize, Serialize};

/// A line that is known to puzzle its readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Explanation {
    /// `phoneSystem=0` (R212).
    NobodyLicensed,
    /// `excludedByCallingPlan` above 0 (R213).
    CallingPlans,
    /// `include 0 of N users` (R214).
    NobodyInGroups,
}

/// What there is to say about a line. Silent about figures that follow from a filter that lets nobody in: the line before
/// them says so.
#[must_use]
pub fn explain(line: &Line) -> Option<Explanation> {
    if let Line::GroupFilter { included, of, .. } = line {
        return (*included == 0 && *of > 0).then_some(Explanation::NobodyInGroups);
    }
    let Line::EnabledUsers(counts) = line else {
        return None;
    };
    if counts.total > 0 && counts.phone_system == 0 {
        Some(Explanation::NobodyLicensed)
    } else if counts.excluded_by_calling_plan > 0 {
        Some(Explanation::CallingPlans)
    } else {
        None
    }
}

impl Explanation {
    /// The finding that is behind it.
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            Self::NobodyLicensed => Code::NoPhoneSystem,
            Self::CallingPlans => Code::HasCallingPlan,
            Self::NobodyInGroups => Code::GroupEmpty,
        }
    }

    /// What the line says.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::NobodyLicensed => {
                "No user has a license in which Teams Phone (Phone System) works, so nobody can be mapped."
            }
            Self::CallingPlans => {
                "Some users have Teams Phone and also a Calling Plan or Communications Credits of Microsoft's; they cannot be mapped."
            }
            Self::NobodyInGroups => {
                "The group filter lets nobody in: the group has a wrong name, has no enabled members, or its members have not propagated through Microsoft yet."
            }
        }
    }

    /// What to do.
    #[must_use]
    pub fn fix(self) -> &'static str {
        match self {
            Self::NobodyLicensed => {
                "Give the users a license with Teams Phone (Microsoft 365 E5 has it, or the add-on), wait up to 24 hours, and press Sync Now."
            }
            Self::CallingPlans => {
                "In the Microsoft 365 admin center take the Calling Plan away from those who are to be mapped; it may stand among the apps of a bundle. Then press Sync Now."
            }
            Self::NobodyInGroups => {
                "Check the group's members in Microsoft 365, choose another group, or clear the filter (all users); then press Sync Now."
            }
        }
    }

    /// Who can do it.
    #[must_use]
    pub fn actor(self) -> Actor {
        match self {
            Self::NobodyLicensed | Self::CallingPlans => Actor::GlobalAdmin,
            Self::NobodyInGroups => Actor::AccountAdmin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sync_log::Counts;

    fn counted(total: u64, phone_system: u64, excluded_by_calling_plan: u64) -> Option<Explanation> {
        explain(&Line::EnabledUsers(Counts {
            total,
            licensed: total,
            phone_system,
            excluded_by_calling_plan,
            resource: 0,
        }))
    }

    /// The guides' own figures.
    #[test]
    fn r212_r213_r214_the_guides_lines_are_explained() {
        assert_eq!(counted(15, 0, 0), Some(Explanation::NobodyLicensed));
        assert_eq!(counted(399, 108, 104), Some(Explanation::CallingPlans));
        assert_eq!(counted(399, 108, 0), None);
        let filter = |included| Line::GroupFilter {
            groups: "bad-group-name".into(),
            included,
            of: 76,
        };
        assert_eq!(explain(&filter(0)), Some(Explanation::NobodyInGroups));
        assert_eq!(explain(&filter(1)), None);
        assert_eq!(counted(0, 0, 0), None, "the line before has said it");
        assert_eq!(explain(&Line::End { successful: false }), None);
    }

    #[test]
    fn r212_r213_r214_every_explanation_leads_to_a_sync() {
        for one in [
            Explanation::NobodyLicensed,
            Explanation::CallingPlans,
            Explanation::NobodyInGroups,
        ] {
            assert!(
                one.text().ends_with('.') && one.fix().ends_with("press Sync Now."),
                "{one:?}"
            );
        }
        assert!(Explanation::CallingPlans.fix().contains("bundle"));
        assert!(Explanation::NobodyInGroups.fix().contains("clear the filter"));
    }
}
