//! What the person who starts a run permits, and who has agreed to its releases.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How far a run may go. There is no default: who starts a run says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// Adds and adopts, never takes anything away.
    AddOnly,
    /// Also releases numbers and revokes policies of ours.
    Full,
}

/// Who asks for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    /// How far the run may go.
    pub mode: Mode,
    /// The number of releases that a person has read and approved.
    pub approved_releases: Option<usize>,
    /// Who that is, for people.
    #[serde(default)]
    pub approved_by: Option<String>,
}

/// Somebody's consent to the releases of one plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReleaseApproval)]
pub struct Approval {
    /// How many.
    pub releases: usize,
    /// Whose, for people.
    pub by: String,
    /// When.
    #[schema(value_type = String, format = "date-time")]
    pub at: Timestamp,
}

/// How many numbers a run may release by itself: so many, or so many percent of what is ours, whichever is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseLimit {
    /// 0 to 100000.
    #[schema(maximum = 100_000)]
    pub users: u32,
    /// 0 to 100.
    #[schema(maximum = 100)]
    pub percent: u8,
}

impl Default for ReleaseLimit {
    fn default() -> Self {
        Self { users: 5, percent: 10 }
    }
}

impl ReleaseLimit {
    /// The most users that make sense.
    pub const MOST_USERS: u32 = 100_000;

    /// How many releases pass without approval, where `owned` users have something of ours.
    #[must_use]
    pub fn free(self, owned: usize) -> usize {
        let users = usize::try_from(self.users).unwrap_or(usize::MAX);
        users.max(owned * usize::from(self.percent) / 100)
    }
}

impl std::fmt::Display for ReleaseLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} users or {} %", self.users, self.percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whichever_is_more_passes() {
        let limit = ReleaseLimit::default();
        assert_eq!([0, 10, 59, 60, 200].map(|owned| limit.free(owned)), [5, 5, 5, 6, 20]);
        let none = ReleaseLimit { users: 0, percent: 0 };
        assert_eq!(none.free(1_000_000), 0);
    }

    #[test]
    fn a_permission_of_before_there_were_names_is_still_read() {
        let kept: Permission = serde_json::from_str(r#"{"mode":"full","approved_releases":7}"#).unwrap();
        assert_eq!((kept.approved_releases, kept.approved_by), (Some(7), None));
    }
}
