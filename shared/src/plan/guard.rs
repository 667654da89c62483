//! What of a plan may be executed. Nothing is dropped: what may not is held, with the reason.

use crate::domain::change::Change;
use crate::domain::permission::{Mode, Permission};

/// Releases that pass without a named approval: as many as this, or a tenth of what we own, whichever is more.
pub const FREE_RELEASES: usize = 5;
/// The other half of the rule above, in percent.
pub const FREE_RELEASES_PERCENT: usize = 10;

/// Why a change is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// The run may only add.
    AddOnly,
    /// More releases than pass without approval.
    TooManyReleases {
        /// In this plan.
        releases: usize,
        /// That would pass.
        limit: usize,
    },
}

impl std::fmt::Display for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AddOnly => f.write_str("held: this run may only add"),
            Self::TooManyReleases { releases, limit } => write!(
                f,
                "held: {releases} releases are more than the {limit} that pass without approval; start the run again with approvedReleases {releases}"
            ),
        }
    }
}

/// How many numbers may be released without approval, of `owned` numbers that are ours.
#[must_use]
pub fn free_releases(owned: usize) -> usize {
    FREE_RELEASES.max(owned * FREE_RELEASES_PERCENT / 100)
}

/// Rules on every change of a plan, in its order.
#[must_use]
pub fn rule(changes: &[Change], owned: usize, permission: Permission) -> Vec<Option<Held>> {
    let releases = releases(changes);
    let limit = free_releases(owned);
    let too_many = releases > limit && permission.approved_releases != Some(releases);
    changes
        .iter()
        .map(|change| match (permission.mode, change) {
            (_, Change::Adopt { .. }) => None,
            (Mode::AddOnly, Change::Release { .. } | Change::Revoke { .. }) => Some(Held::AddOnly),
            (Mode::AddOnly, Change::Assign { moved: true, .. }) => Some(Held::AddOnly),
            (Mode::Full, _) if too_many => Some(Held::TooManyReleases { releases, limit }),
            (Mode::AddOnly | Mode::Full, Change::Assign { .. } | Change::Grant { .. }) => None,
            (Mode::Full, Change::Release { .. } | Change::Revoke { .. }) => None,
        })
        .collect()
}

/// Numbers that somebody will no longer have; a number that only moves counts too, since its holder loses it.
#[must_use]
pub fn releases(changes: &[Change]) -> usize {
    changes
        .iter()
        .filter(|change| matches!(change, Change::Release { .. }))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(n: usize, release: bool) -> Change {
        let number = format!("+1555010{n:04}").parse().unwrap();
        let user = format!("2c0b6a1e-1111-4a11-9a11-00000000{n:04x}").parse().unwrap();
        if release {
            Change::Release { number, from: user }
        } else {
            Change::Assign {
                number,
                to: user,
                moved: false,
            }
        }
    }

    fn held(releases: usize, owned: usize, mode: Mode, approved: Option<usize>) -> usize {
        let mut changes: Vec<Change> = (0..releases).map(|n| change(n, true)).collect();
        changes.push(change(5_000, false));
        let permission = Permission {
            mode,
            approved_releases: approved,
        };
        rule(&changes, owned, permission).iter().flatten().count()
    }

    #[test]
    fn few_releases_pass() {
        assert_eq!(held(5, 10, Mode::Full, None), 0);
        assert_eq!(held(20, 200, Mode::Full, None), 0);
    }

    #[test]
    fn many_releases_hold_the_whole_plan_until_approved() {
        assert_eq!(held(6, 10, Mode::Full, None), 7);
        assert_eq!(held(6, 10, Mode::Full, Some(5)), 7);
        assert_eq!(held(6, 10, Mode::Full, Some(6)), 0);
    }

    #[test]
    fn add_only_never_takes_away() {
        assert_eq!(held(3, 10, Mode::AddOnly, Some(3)), 3);
    }
}
