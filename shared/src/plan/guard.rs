//! What of a plan may be executed. Nothing is dropped: what may not is held, with the reason.

use crate::domain::change::Change;
use crate::domain::finding::{Actor, Code, Finding};
use crate::domain::ids::{PlanId, TeamsUserId};
use crate::domain::permission::{Approval, Mode, Permission, ReleaseLimit};
use std::collections::BTreeSet;

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

/// Rules on every change of a plan, in its order; `owned` users have something of ours.
#[must_use]
pub fn rule(changes: &[Change], owned: usize, permission: &Permission, limit: ReleaseLimit) -> Vec<Option<Held>> {
    let releases = releases(changes);
    let limit = limit.free(owned);
    let too_many = releases > limit && permission.approved_releases != Some(releases);
    // Who keeps the old number must not get a second one.
    let keeping = changes.iter().filter_map(|change| match change {
        Change::Release { from, .. } => Some(from),
        Change::Assign { .. }
        | Change::Adopt { .. }
        | Change::AdoptPolicy { .. }
        | Change::Revoke { .. }
        | Change::Grant { .. } => None,
    });
    let keeping: BTreeSet<&TeamsUserId> = keeping.collect();
    changes
        .iter()
        .map(|change| match (permission.mode, change) {
            (Mode::Full, Change::Adopt { .. } | Change::AdoptPolicy { .. }) => None,
            (Mode::AddOnly, Change::Release { .. } | Change::Revoke { .. }) => Some(Held::AddOnly),
            (Mode::AddOnly, Change::Assign { moved: true, .. }) => Some(Held::AddOnly),
            (Mode::AddOnly, Change::Assign { to: user, .. } | Change::Adopt { user, .. }) if keeping.contains(user) => {
                Some(Held::AddOnly)
            }
            (Mode::AddOnly, Change::Assign { .. } | Change::Adopt { .. }) => None,
            (Mode::AddOnly, Change::AdoptPolicy { .. } | Change::Grant { .. }) => None,
            (
                Mode::Full,
                Change::Release { .. } | Change::Revoke { .. } | Change::Assign { .. } | Change::Grant { .. },
            ) => too_many.then_some(Held::TooManyReleases { releases, limit }),
        })
        .collect()
}

/// The whole plan waits for somebody's approval: how many numbers it releases, and how many would pass.
#[must_use]
pub fn waits_for_approval(rulings: &[Option<Held>]) -> Option<(usize, usize)> {
    rulings.iter().flatten().find_map(|held| match held {
        Held::TooManyReleases { releases, limit } => Some((*releases, *limit)),
        Held::AddOnly => None,
    })
}

/// What a run may do whose plan somebody has approved: as much, and less. That the fresh plan holds nothing else is looked
/// at before.
#[must_use]
pub fn with_approval(permission: Permission, approval: Option<&Approval>, releases: usize) -> Permission {
    match approval {
        Some(approval) if releases <= approval.releases => Permission {
            approved_releases: Some(releases),
            approved_by: Some(approval.by.clone()),
            ..permission
        },
        Some(_) | None => permission,
    }
}

/// Why a run has executed nothing of its plan, which is kept to be read and approved; or, without a plan, why the next one
/// would.
#[must_use]
pub fn too_many(plan: Option<&PlanId>, releases: usize, limit: usize) -> Finding {
    let (done, which) = match plan {
        Some(plan) => ("; nothing was changed", format!("Read the plan {plan}")),
        None => ("", "Make a plan and read it".to_owned()),
    };
    Finding {
        code: Code::TooManyReleases,
        subject: plan.map(ToString::to_string).unwrap_or_default(),
        seen: format!(
            "The sync would take the numbers of {releases} users away, and {limit} pass without approval{done}."
        ),
        fix: format!(
            "{which}. If it is meant, have somebody who may approve its {releases} releases, and start a sync with that plan; if not, put the mapping, the voice users or the number of licenses right."
        ),
        actor: Actor::AccountAdmin,
        about: None,
        wait: None,
    }
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
            approved_by: None,
        };
        rule(&changes, owned, &permission, ReleaseLimit::default())
            .iter()
            .flatten()
            .count()
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

    #[test]
    fn who_keeps_the_old_number_gets_no_second_one() {
        let renumbered =
            |n: usize| -> TeamsUserId { format!("2c0b6a1e-1111-4a11-9a11-00000000{n:04x}").parse().unwrap() };
        let number = |n: usize| format!("+1555010{n:04}").parse().unwrap();
        let changes = [
            change(1, true),
            Change::Assign {
                number: number(2),
                to: renumbered(1),
                moved: false,
            },
            Change::Assign {
                number: number(3),
                to: renumbered(3),
                moved: false,
            },
        ];
        let permission = Permission {
            mode: Mode::AddOnly,
            approved_releases: None,
            approved_by: None,
        };
        let held = rule(&changes, 10, &permission, ReleaseLimit::default());
        assert_eq!(held, [Some(Held::AddOnly), Some(Held::AddOnly), None]);
        assert_eq!(waits_for_approval(&held), None);
    }

    #[test]
    fn an_approval_covers_as_much_as_was_read_and_less() {
        let approval = Approval {
            releases: 7,
            by: "Mara Quist".into(),
            at: jiff::Timestamp::UNIX_EPOCH,
        };
        let approved = |releases| {
            let permission = Permission {
                mode: Mode::Full,
                approved_releases: None,
                approved_by: None,
            };
            with_approval(permission, Some(&approval), releases).approved_releases
        };
        assert_eq!([6, 7, 8].map(approved), [Some(6), Some(7), None]);
    }

    #[test]
    fn what_is_held_says_why_and_how_to_let_it_pass() {
        let many = Held::TooManyReleases { releases: 7, limit: 5 };
        assert_eq!(waits_for_approval(&[None, Some(many)]), Some((7, 5)));
        let words = many.to_string();
        for part in ["7 releases", "more than the 5", "approvedReleases 7"] {
            assert!(words.contains(part), "{words}");
        }
        assert_eq!(Held::AddOnly.to_string(), "held: this run may only add");
    }
}
