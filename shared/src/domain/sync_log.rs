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

/// A call of Microsoft, as a debug log has it (R200). It says nothing of anybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MicrosoftCall {
    /// Of the request.
    pub method: String,
    /// With `{id}` wherever somebody or something is named.
    pub path: String,
    /// Of the answer; absent where none came.
    pub status: Option<u16>,
    /// Microsoft's own id of the call, for its support; empty where it gave none.
    pub request: String,
    /// From the first byte sent to the last one read, in milliseconds; absent for a part of a batch.
    pub took: Option<u64>,
    /// Counted from 1.
    pub attempt: u32,
}

impl MicrosoftCall {
    /// Microsoft did not do what was asked, or it is not known whether it did.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.status.is_none_or(|status| status >= 400)
    }
}

impl fmt::Display for MicrosoftCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.method, self.path)?;
        match self.status {
            Some(status) => write!(f, "{status}")?,
            None => f.write_str("no answer")?,
        }
        if let Some(took) = self.took {
            write!(f, " in {took} ms")?;
        }
        if !self.request.is_empty() {
            write!(f, ", request {}", self.request)?;
        }
        if self.attempt > 1 {
            write!(f, ", try {}", self.attempt)?;
        }
        Ok(())
    }
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
    /// A call of Microsoft: all of them in a debug run, those that failed in any.
    Call(MicrosoftCall),
    /// An apply-only run rests on what an earlier one has read.
    LastRead {
        /// When that was.
        at: Timestamp,
        /// How long ago.
        age: SignedDuration,
    },
    /// A run repeats the failed part of another.
    Repeats {
        /// Users of that part, and those whose numbers theirs are bound up with.
        users: usize,
    },
    /// Somebody wanted the run stopped.
    Stopped,
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
            Self::GroupFilter { .. } | Self::EnabledUsers(_) | Self::Found(_) | Self::Call(_) => "GRAPH",
            Self::Stored { .. } | Self::LastRead { .. } => "STORE",
            Self::Matched { .. } | Self::Unmatched { .. } => "MATCH",
            Self::Plan { .. } | Self::Detail(_) | Self::Repeats { .. } => "PLAN",
            Self::TenantObject { .. } | Self::Change(_) | Self::Outcome { .. } => "TEAMS",
            Self::Obstacle(_) | Self::End { .. } | Self::Stopped => "SYNC",
        }
    }

    /// Whether it is among the details that a debug log has beyond a normal one (R200).
    #[must_use]
    pub fn detail(&self) -> bool {
        match self {
            Self::Change(_) | Self::Detail(_) | Self::Call(_) => true,
            Self::GroupFilter { .. }
            | Self::EnabledUsers(_)
            | Self::Found(_)
            | Self::Stored { .. }
            | Self::Matched { .. }
            | Self::Unmatched { .. }
            | Self::Plan { .. }
            | Self::TenantObject { .. }
            | Self::Outcome { .. }
            | Self::Obstacle(_)
            | Self::LastRead { .. }
            | Self::Repeats { .. }
            | Self::Stopped
            | Self::End { .. } => false,
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
            Self::Call(call) => write!(f, "{call}"),
            Self::LastRead { at, age } => {
                let (hours, minutes) = (age.as_hours(), age.as_mins() % 60);
                write!(
                    f,
                    "Teams users as they were read at {at:.0}, {hours} h {minutes} min ago; they are not read again"
                )
            }
            Self::Repeats { users: 1 } => f.write_str("Only 1 user is looked at: the others are in place"),
            Self::Repeats { users } => write!(f, "Only {users} users are looked at: the others are in place"),
            Self::Stopped => f.write_str("Stopped on request; what Microsoft had been given by then is kept as ours"),
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
    fn r200_a_call_of_microsoft_in_a_line() {
        let mut call = MicrosoftCall {
            method: "GET".into(),
            path: "/v1.0/users/{id}".into(),
            status: Some(429),
            request: "4c8a".into(),
            took: Some(34),
            attempt: 2,
        };
        assert!(call.failed() && Line::Call(call.clone()).detail());
        assert_eq!(
            printed(&Line::Call(call.clone())),
            "<00:00> GRAPH> GET /v1.0/users/{id}: 429 in 34 ms, request 4c8a, try 2"
        );
        (call.status, call.took, call.attempt) = (None, None, 1);
        call.request.clear();
        assert_eq!(call.to_string(), "GET /v1.0/users/{id}: no answer");
    }

    #[test]
    fn an_apply_only_run_says_how_old_its_users_are() {
        let line = Line::LastRead {
            at: Timestamp::UNIX_EPOCH,
            age: SignedDuration::from_mins(125),
        };
        assert_eq!(
            printed(&line),
            "<00:00> STORE> Teams users as they were read at 1970-01-01T00:00:00Z, 2 h 5 min ago; they are not read again"
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
