//! Counting integration licences: one for each Teams user that is mapped or still holds what a sync gave.

use super::ids::TeamsUserId;
use super::mapping::{Mapping, Ownership};
use std::collections::BTreeSet;

/// The Teams users that use a licence: mapped ones, and those whose release a sync has not yet made (R117).
pub fn holders<'a>(mappings: impl IntoIterator<Item = &'a Mapping>, owned: &'a Ownership) -> BTreeSet<&'a TeamsUserId> {
    mappings
        .into_iter()
        .map(|mapping| &mapping.teams_user)
        .chain(owned.keys())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::mapping::Owned;

    fn user(n: u8) -> TeamsUserId {
        format!("2c0b6a1e-1111-4a11-9a11-0000000000{n:02x}").parse().unwrap()
    }

    fn used(mapped: &[u8], owned: &[u8]) -> usize {
        let row = |n: &u8| Mapping {
            voice_user: format!("v{n}").parse().unwrap(),
            teams_user: user(*n),
            order: 0,
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
