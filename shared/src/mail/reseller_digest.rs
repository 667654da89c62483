//! All enterprises of a reseller that wait for somebody, in one mail.

use super::{Line, moment, parts};
use crate::domain::brand::Brand;
use crate::domain::finding::Actor;
use crate::domain::state::State;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Sent to the reseller on the days that it has chosen.
#[derive(Clone, Debug)]
pub struct ResellerDigest<'a> {
    /// Names and contacts.
    pub brand: &'a Brand,
    /// Whom we greet.
    pub recipient: Line,
    /// The partner company.
    pub reseller: Line,
    /// The enterprises, those that wait longest first.
    pub rows: &'a [DigestRow],
    /// How many wait besides.
    pub more: usize,
    /// The reseller's zone.
    pub zone: &'a TimeZone,
}

/// One enterprise that waits.
#[derive(Clone, Debug)]
pub struct DigestRow {
    /// The customer company.
    pub enterprise: Line,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
}

impl ResellerDigest<'_> {
    /// `1 enterprise waits`, `12 enterprises wait`.
    fn how_many(&self) -> String {
        match self.rows.len() + self.more {
            1 => "1 enterprise waits".to_owned(),
            n => format!("{n} enterprises wait"),
        }
    }

    fn since(&self, row: &DigestRow) -> String {
        moment(row.since, self.zone)
    }

    fn who(&self, row: &DigestRow) -> &'static str {
        match row.state.actor() {
            Some(Actor::GlobalAdmin) => "its Global Admin",
            Some(Actor::AccountAdmin) => "its account admins",
            Some(Actor::Reseller) => "you",
            Some(Actor::Provider) => "the provider's support",
            Some(Actor::Microsoft) => "Microsoft",
            None => "nobody",
        }
    }
}

parts!(
    ResellerDigest,
    "reseller_digest/subject.txt",
    "reseller_digest/body.txt",
    "reseller_digest/body.html"
);
