//! Integration licences: one for each Teams user that is mapped or still holds what a sync gave.

use super::ids::{TeamsUserId, VoiceUserId};
use super::mapping::{Mapping, Ownership};
use jiff::Timestamp;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What the mapping page says of a user without a licence (R128); a yellow triangle goes with it.
pub const UNLICENSED: &str = "License Status: Unlicensed";
/// How many days before its end a trial is warned of.
pub const TRIAL_WARNINGS: [i32; 3] = [14, 7, 1];

/// The Teams users that use a licence: mapped ones, and those whose release a sync has not yet made (R117).
pub fn holders<'a>(mappings: impl IntoIterator<Item = &'a Mapping>, owned: &'a Ownership) -> BTreeSet<&'a TeamsUserId> {
    mappings
        .into_iter()
        .map(|mapping| &mapping.teams_user)
        .chain(owned.keys())
        .collect()
}

/// The rows that have no licence while there are too few: the newest mappings (1.4 #14). They come back by themselves
/// when licences do.
#[must_use]
pub fn unlicensed(rows: &BTreeMap<VoiceUserId, Mapping>, allowance: Option<u32>) -> BTreeSet<VoiceUserId> {
    let Some(allowance) = allowance else {
        return BTreeSet::new();
    };
    let mut oldest: Vec<&Mapping> = rows.values().collect();
    oldest.sort_by_key(|row| row.order);
    let without = oldest.into_iter().skip(allowance as usize);
    without.map(|row| row.voice_user.clone()).collect()
}

/// The first moment after a trial: the midnight that ends its last day, in the enterprise's time zone (R029).
#[must_use]
pub fn trial_over(last_day: Date, zone: &TimeZone) -> Timestamp {
    let next = last_day.tomorrow().unwrap_or(last_day);
    next.to_zoned(zone.clone())
        .map_or(Timestamp::MAX, |midnight| midnight.timestamp())
}

/// How many licences are used, counted when the account last changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Teams users that are mapped.
    pub mapped: u32,
    /// Teams users that are mapped or not yet released.
    pub used: u32,
    /// Since when 80 % are used, all are, or more than there are.
    pub warnings: BTreeMap<Level, Timestamp>,
}

/// How near the end of the licences an enterprise is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// 80 % are used.
    Nearly,
    /// All are used.
    Full,
    /// More are mapped than there are.
    Over,
}

impl Usage {
    /// The usage as it is now; warnings that stay keep their time.
    #[must_use]
    pub fn counted(mapped: usize, used: usize, allowance: Option<u32>, before: &Self, now: Timestamp) -> Self {
        let [mapped, used] = [mapped, used].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        let reached = |level: &Level| {
            let Some(limit) = allowance.map(u64::from) else {
                return false;
            };
            match level {
                Level::Nearly => limit > 0 && u64::from(used) * 5 >= limit * 4,
                Level::Full => limit > 0 && u64::from(used) >= limit,
                Level::Over => u64::from(mapped) > limit,
            }
        };
        let since = |level: Level| (level, before.warnings.get(&level).copied().unwrap_or(now));
        let levels = [Level::Nearly, Level::Full, Level::Over];
        Self {
            mapped,
            used,
            warnings: levels.into_iter().filter(reached).map(since).collect(),
        }
    }
}

/// The warning of a trial that ends soon: its days left, and since when it stands.
#[must_use]
pub fn trial_warning(last_day: Date, zone: &TimeZone, now: Timestamp) -> Option<(i32, Timestamp)> {
    let over = trial_over(last_day, zone);
    let begins = |days: i32| {
        let day = last_day.tomorrow().ok()?.checked_sub(days.days()).ok()?;
        Some((days, day.to_zoned(zone.clone()).ok()?.timestamp()))
    };
    let standing = TRIAL_WARNINGS
        .into_iter()
        .filter_map(begins)
        .filter(|(_, since)| *since <= now);
    let nearest = standing.min_by_key(|(days, _)| *days);
    nearest.filter(|_| now < over)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::mapping::Owned;

    fn rows(orders: &[(u8, u64)]) -> BTreeMap<VoiceUserId, Mapping> {
        let row = |(n, order): &(u8, u64)| Mapping {
            voice_user: format!("v{n}").parse().unwrap(),
            teams_user: user(*n),
            order: *order,
            by_mail: false,
        };
        orders
            .iter()
            .map(row)
            .map(|row| (row.voice_user.clone(), row))
            .collect()
    }

    #[test]
    fn r127_the_newest_mappings_go_first_and_come_back() {
        let rows = rows(&[(1, 5), (2, 3), (3, 9), (4, 1)]);
        let names = |allowance| {
            let without = unlicensed(&rows, allowance);
            without
                .iter()
                .map(|voice| voice.as_str().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(None), [""; 0]);
        assert_eq!(names(Some(4)), [""; 0]);
        assert_eq!(names(Some(2)), ["v1", "v3"]);
        assert_eq!(names(Some(3)), ["v3"]);
        assert_eq!(names(Some(0)).len(), 4);
    }

    #[test]
    fn r029_a_trial_ends_with_its_last_day_where_the_enterprise_is() {
        let (brussels, apia) = (zone("Europe/Brussels"), zone("Pacific/Apia"));
        let day: Date = "2026-12-31".parse().unwrap();
        assert_eq!(trial_over(day, &brussels).to_string(), "2026-12-31T23:00:00Z");
        assert_eq!(trial_over(day, &apia).to_string(), "2026-12-31T11:00:00Z");
    }

    fn zone(name: &str) -> TimeZone {
        crate::domain::schedule::zone(name).unwrap()
    }

    #[test]
    fn a_trial_is_warned_of_14_7_and_1_day_before() {
        let zone = zone("Europe/Brussels");
        let day: Date = "2026-12-31".parse().unwrap();
        let days = |now: &str| trial_warning(day, &zone, now.parse().unwrap()).map(|(days, _)| days);
        assert_eq!(days("2026-12-17T22:59:59Z"), None);
        assert_eq!(days("2026-12-17T23:00:00Z"), Some(14));
        assert_eq!(days("2026-12-24T23:00:00Z"), Some(7));
        assert_eq!(days("2026-12-30T22:59:59Z"), Some(7));
        assert_eq!(days("2026-12-30T23:00:00Z"), Some(1));
        assert_eq!(days("2026-12-31T22:59:59Z"), Some(1));
        assert_eq!(days("2026-12-31T23:00:00Z"), None);
    }

    #[test]
    fn licences_are_warned_of_at_80_and_100_percent() {
        let levels = |mapped, used, allowance| {
            let usage = Usage::counted(mapped, used, allowance, &Usage::default(), Timestamp::UNIX_EPOCH);
            usage.warnings.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(levels(7, 7, Some(10)), []);
        assert_eq!(levels(8, 8, Some(10)), [Level::Nearly]);
        assert_eq!(levels(9, 10, Some(10)), [Level::Nearly, Level::Full]);
        assert_eq!(levels(11, 11, Some(10)), [Level::Nearly, Level::Full, Level::Over]);
        assert_eq!(levels(1, 1, Some(0)), [Level::Over]);
        assert_eq!(levels(1_000, 1_000, None), []);
    }

    #[test]
    fn a_warning_keeps_the_time_it_began() {
        let later: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let first = Usage::counted(8, 8, Some(10), &Usage::default(), Timestamp::UNIX_EPOCH);
        let second = Usage::counted(10, 10, Some(10), &first, later);
        assert_eq!(second.warnings[&Level::Nearly], Timestamp::UNIX_EPOCH);
        assert_eq!(second.warnings[&Level::Full], later);
    }

    fn user(n: u8) -> TeamsUserId {
        format!("2c0b6a1e-1111-4a11-9a11-0000000000{n:02x}").parse().unwrap()
    }

    fn used(mapped: &[u8], owned: &[u8]) -> usize {
        let row = |n: &u8| Mapping {
            voice_user: format!("v{n}").parse().unwrap(),
            teams_user: user(*n),
            order: 0,
            by_mail: false,
        };
        let rows: Vec<Mapping> = mapped.iter().map(row).collect();
        let owned: Ownership = owned.iter().map(|n| (user(*n), Owned::default())).collect();
        holders(&rows, &owned).len()
    }

    #[test]
    fn r117_a_freed_licence_is_used_until_the_sync() {
        assert_eq!(used(&[1], &[1]), 1);
        assert_eq!(used(&[], &[1]), 1);
        assert_eq!(used(&[2], &[1]), 2);
        assert_eq!(used(&[1, 2], &[2, 1]), 2);
    }
}
