//! The verdict: one sentence over all checks.

use super::{Facts, Person, Reason, SameAddress, Weight};
use crate::domain::finding::Code;
use crate::plan::discover;
use crate::plan::preflight::DIAL_PAD_WITHIN;
use serde::Serialize;

/// How somebody stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Can be mapped, and is not.
    CanBeMapped,
    /// Cannot be mapped as things are.
    CannotBeMapped,
    /// Is not among those who are synchronised.
    NotFound,
    /// Everything is saved; the Global Admin has to sync.
    WaitsForSync,
    /// The sync that is going on will see to it.
    Syncing,
    /// Was put in place less than two hours ago.
    Settling,
    /// Is in place.
    Rings,
    /// Is mapped, and cannot ring as things are.
    DoesNotRing,
    /// Is mapped to nobody any more, and the next sync takes away what is there.
    Releasing,
}

/// In a word and in a sentence.
pub(super) fn verdict(facts: &Facts<'_>, reasons: &[Reason]) -> (Verdict, String) {
    let blocking = reasons.iter().find(|reason| reason.weight == Weight::Blocks);
    let because = blocking.map(|reason| reason.finding.seen.as_str());
    let first_sync = reasons
        .iter()
        .any(|reason| reason.finding.code == Code::FirstSyncRunning);
    let admin = facts.admin;
    if facts.mapped {
        return mapped(facts, because);
    }
    if !facts.owned.is_empty() {
        let text = "Is not mapped any more; the next sync takes away what an earlier one gave.";
        return (Verdict::Releasing, text.into());
    }
    if first_sync {
        return (
            Verdict::WaitsForSync,
            format!("Waits for the first sync, for which {admin} has to sign in."),
        );
    }
    match (facts.person, because) {
        (Person::Left(..), _) => (
            Verdict::NotFound,
            "Cannot be mapped: was there before, and the last sync did not find the account any more.".into(),
        ),
        (Person::Unknown(asked), _) => (
            Verdict::NotFound,
            format!("Cannot be mapped: nobody like '{asked}' is among the users that the last sync found."),
        ),
        (Person::Here(_) | Person::Nobody, Some(because)) => {
            (Verdict::CannotBeMapped, format!("Cannot be mapped: {because}"))
        }
        (Person::Here(user), None) if facts.same_address == SameAddress::Person => by_address(facts, &user.label()),
        (Person::Here(_), None) => (Verdict::CanBeMapped, "Can be mapped.".into()),
        (Person::Nobody, None) => (
            Verdict::CanBeMapped,
            "Is mapped to nobody: choose a Teams user in the mapping.".into(),
        ),
    }
}

/// Somebody has the voice user's address, and nothing speaks against the two.
fn by_address(facts: &Facts<'_>, who: &str) -> (Verdict, String) {
    if facts.voice.is_some_and(|voice| voice.match_by_mail) {
        let text = format!(
            "Waits for {}'s sync, which maps it to {who} by the address.",
            facts.admin
        );
        return (Verdict::WaitsForSync, text);
    }
    let text = format!("Is mapped to nobody; {who} has the same address and can be mapped.");
    (Verdict::CanBeMapped, text)
}

fn mapped(facts: &Facts<'_>, because: Option<&str>) -> (Verdict, String) {
    let lost = facts.here().is_none_or(|user| discover::ineligible(user).is_some());
    match because {
        // What matters then is what keeps the person from being called, and not what keeps a sync from running.
        Some(because) if lost || !facts.in_place() => {
            return (
                Verdict::DoesNotRing,
                format!("Is mapped, and cannot ring in Teams as things are: {because}"),
            );
        }
        Some(_) | None => {}
    }
    if !facts.in_place() {
        return if facts.running.is_some() {
            (
                Verdict::Syncing,
                "Is mapped; the sync that is going on puts it in place.".into(),
            )
        } else {
            let text = format!("Is mapped, and waits for {}'s sync.", facts.admin);
            (Verdict::WaitsForSync, text)
        };
    }
    let local = |at| facts.moment.local(at);
    match facts.placed {
        Some(placed) if facts.moment.now < placed + DIAL_PAD_WITHIN => (
            Verdict::Settling,
            format!(
                "Is in place since {}; the dial pad can appear until {}.",
                local(placed),
                local(placed + DIAL_PAD_WITHIN)
            ),
        ),
        Some(placed) => (Verdict::Rings, format!("Rings in Teams since {}.", local(placed))),
        None => (Verdict::Rings, "Rings in Teams.".into()),
    }
}
