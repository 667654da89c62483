//! E4: the number of integration licenses changed (R185-R186).

use super::{Line, parts};
use crate::domain::brand::Brand;

/// Sent to the Global Admin when the provider side has changed the count (R026, R030).
#[derive(Clone, Debug)]
pub struct LicensesChanged<'a> {
    /// Names and contacts.
    pub brand: &'a Brand,
    /// Whom we greet.
    pub recipient: Line,
    /// The customer company.
    pub enterprise: Line,
    /// The count before; none where there was no limit (R007).
    pub previous: Option<u32>,
    /// The count now.
    pub updated: Option<u32>,
    /// How many users lose their license at the next sync (R127).
    pub unlicensed: usize,
}

impl LicensesChanged<'_> {
    fn previous(&self) -> String {
        count(self.previous)
    }

    fn updated(&self) -> String {
        count(self.updated)
    }

    /// `1 user loses its license`, `12 users lose their licenses`; nothing where everybody keeps theirs.
    fn who_lose(&self) -> Option<String> {
        match self.unlicensed {
            0 => None,
            1 => Some("1 user loses its license".to_owned()),
            n => Some(format!("{n} users lose their licenses")),
        }
    }

    /// Whether there are licenses now that nobody has yet (R130).
    fn has_new(&self) -> bool {
        let more = match (self.previous, self.updated) {
            (Some(previous), Some(updated)) => updated > previous,
            (Some(_), None) => true,
            (None, _) => false,
        };
        more && self.unlicensed == 0
    }
}

fn count(licenses: Option<u32>) -> String {
    licenses.map_or_else(|| "unlimited".to_owned(), |n| n.to_string())
}

parts!(
    LicensesChanged,
    "licenses_changed/subject.txt",
    "licenses_changed/body.txt",
    "licenses_changed/body.html"
);
