//! Counting integration licences: one for each Teams user that is mapped or still holds what a sync gave.

use super::ids::TeamsUserId;
use super::mapping::Mapping;
use std::collections::BTreeSet;

/// The Teams users that use a licence: wanted ones, and those whose release a sync has not yet made (R117).
pub fn holders<'a>(mappings: impl IntoIterator<Item = &'a Mapping>) -> BTreeSet<&'a TeamsUserId> {
    mappings
        .into_iter()
        .flat_map(|mapping| {
            mapping
                .wanted
                .iter()
                .chain(mapping.applied.iter().map(|applied| &applied.user))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::mapping::Applied;

    fn user(n: u8) -> TeamsUserId {
        format!("2c0b6a1e-1111-4a11-9a11-0000000000{n:02x}").parse().unwrap()
    }

    fn row(voice: &str, wanted: Option<u8>, applied: Option<u8>) -> Mapping {
        Mapping {
            voice_user: voice.parse().unwrap(),
            wanted: wanted.map(user),
            applied: applied.map(|n| Applied {
                user: user(n),
                number: "+15550100123".parse().unwrap(),
                calling_policy: String::new(),
                routing_policy: String::new(),
            }),
            order: 0,
        }
    }

    #[test]
    fn r117_a_freed_licence_is_used_until_the_sync() {
        assert_eq!(holders(&[row("a", Some(1), Some(1))]).len(), 1);
        assert_eq!(holders(&[row("a", None, Some(1))]).len(), 1);
        assert_eq!(holders(&[row("a", None, Some(1)), row("b", Some(2), None)]).len(), 2);
        // A swap needs no third licence.
        assert_eq!(
            holders(&[row("a", Some(2), Some(1)), row("b", Some(1), Some(2))]).len(),
            2
        );
    }
}
