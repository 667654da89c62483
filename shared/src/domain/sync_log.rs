//! The log lines that customers and support read (R195-R200).

use super::finding::Finding;
use jiff::{SignedDuration, Timestamp};
use std::fmt;

/// The figures of a directory read, over enabled users inside the filter (R097).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Enabled users.
    pub total: u64,
    /// With any licence.
    pub licensed: u64,
    /// With a working Phone System plan.
    pub phone_system: u64,
    /// Of those, with a calling plan or Communications Credits (R092-R093).
    pub excluded_by_calling_plan: u64,
    /// Resource accounts.
    pub resource: u64,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The filter by groups, written before the figures (R199).
    GroupFilter {
        /// The groups' names, joined by `, `.
        groups: String,
        /// Users inside.
        included: u64,
        /// Enabled users of the tenant.
        of: u64,
    },
    /// The figures (R196).
    EnabledUsers(Counts),
    /// The result (R197-R198).
    Found(Counts),
    /// What the read changed in our table.
    Stored {
        /// Users written because they are new or changed.
        written: u64,
        /// Users that were as before.
        unchanged: u64,
        /// Users that are gone.
        removed: u64,
    },
    /// An imported voice user and the Teams user with the same address (R124).
    Matched {
        /// The voice user's name.
        voice_user: String,
        /// The Teams user's name.
        teams_user: String,
    },
    /// Imported voice users whose address led to nobody (R125); the first of them are named before it.
    Unmatched {
        /// How many.
        users: usize,
    },
    /// The plan in a line.
    Plan {
        /// Changes to make.
        changes: usize,
        /// Conflicts that were left alone.
        conflicts: usize,
    },
    /// A tenant object that was put in place.
    TenantObject {
        /// Kind and name.
        what: String,
        /// What happened with it.
        action: String,
    },
    /// One change, before it is made.
    Change(String),
    /// One change, proven or not.
    Outcome {
        /// The change in words.
        what: String,
        /// `applied`, or what went wrong.
        outcome: String,
    },
    /// An obstacle.
    Obstacle(Finding),
    /// A detail, in debug runs only (R200).
    Detail(String),
    /// The end.
    End {
        /// Whether everything was applied.
        successful: bool,
    },
}

impl Line {
    /// Who speaks.
    #[must_use]
    pub fn channel(&self) -> &'static str {
        match self {
            Self::GroupFilter { .. } | Self::EnabledUsers(_) | Self::Found(_) => "GRAPH",
            Self::Stored { .. } | Self::Detail(_) => "STORE",
            Self::Matched { .. } | Self::Unmatched { .. } => "MATCH",
            Self::Plan { .. } => "PLAN",
            Self::TenantObject { .. } | Self::Change(_) | Self::Outcome { .. } => "TEAMS",
            Self::Obstacle(_) | Self::End { .. } => "SYNC",
        }
    }

    /// `<mm:ss> CHANNEL> text`, counted from the run's start (R195). Minutes go past 99 rather than wrap.
    #[must_use]
    pub fn at(&self, started: Timestamp, now: Timestamp) -> String {
        let since = now.duration_since(started).max(SignedDuration::ZERO).as_secs();
        format!("<{:02}:{:02}> {}> {self}", since / 60, since % 60, self.channel())
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GroupFilter { groups, included, of } => {
                write!(
                    f,
                    "Applying filter for group '{groups}': include {included} of {of} users"
                )
            }
            Self::EnabledUsers(counts) => write!(
                f,
                "Enabled users: total={}, licensed={}, phoneSystem={}, excludedByCallingPlan={}, resource={}",
                counts.total, counts.licensed, counts.phone_system, counts.excluded_by_calling_plan, counts.resource
            ),
            Self::Found(Counts {
                phone_system,
                excluded_by_calling_plan: 0,
                ..
            }) => {
                write!(
                    f,
                    "Found {phone_system} users with a Phone System license (none have a Calling Plan)"
                )
            }
            Self::Found(Counts {
                phone_system,
                excluded_by_calling_plan,
                ..
            }) => write!(
                f,
                "Found {phone_system} users with a Phone System license, of which {excluded_by_calling_plan} are excluded as they have a Calling Plan"
            ),
            Self::Stored {
                written,
                unchanged,
                removed,
            } => {
                write!(
                    f,
                    "Teams users: {written} new or changed, {unchanged} unchanged, {removed} gone"
                )
            }
            Self::Matched { voice_user, teams_user } => {
                write!(f, "{voice_user} is mapped to {teams_user}: they have the same address")
            }
            Self::Unmatched { users: 1 } => {
                f.write_str("1 imported user was not mapped by the address; the mapping page says why")
            }
            Self::Unmatched { users } => {
                write!(
                    f,
                    "{users} imported users were not mapped by their address; the mapping page says why"
                )
            }
            Self::Plan { changes, conflicts } => {
                write!(f, "{changes} changes to make, {conflicts} conflicts left alone")
            }
            Self::TenantObject { what, action } => write!(f, "{what}: {action}"),
            Self::Change(what) | Self::Detail(what) => f.write_str(what),
            Self::Outcome { what, outcome } => write!(f, "{what}: {outcome}"),
            Self::Obstacle(finding) => write!(f, "{finding}"),
            Self::End { successful: true } => f.write_str("Successful"),
            Self::End { successful: false } => f.write_str("Failed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(line: &Line) -> String {
        line.at(Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn r195_r196_figures() {
        let counts = Counts {
            total: 15,
            licensed: 13,
            ..Counts::default()
        };
        assert_eq!(
            printed(&Line::EnabledUsers(counts)),
            "<00:00> GRAPH> Enabled users: total=15, licensed=13, phoneSystem=0, excludedByCallingPlan=0, resource=0"
        );
    }

    #[test]
    fn r197_r198_results() {
        assert_eq!(
            Line::Found(Counts::default()).to_string(),
            "Found 0 users with a Phone System license (none have a Calling Plan)"
        );
        let counts = Counts {
            total: 399,
            licensed: 127,
            phone_system: 108,
            excluded_by_calling_plan: 104,
            resource: 0,
        };
        assert_eq!(
            Line::Found(counts).to_string(),
            "Found 108 users with a Phone System license, of which 104 are excluded as they have a Calling Plan"
        );
    }

    #[test]
    fn r199_group_filter() {
        let line = Line::GroupFilter {
            groups: "bad-group-name".into(),
            included: 0,
            of: 76,
        };
        assert_eq!(
            printed(&line),
            "<00:00> GRAPH> Applying filter for group 'bad-group-name': include 0 of 76 users"
        );
    }

    #[test]
    fn r195_time_counts_from_the_start() {
        let later = Timestamp::from_second(125).unwrap();
        assert!(
            Line::End { successful: true }
                .at(Timestamp::UNIX_EPOCH, later)
                .starts_with("<02:05> SYNC> ")
        );
    }
}
