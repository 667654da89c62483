//! Who acts next, and what for.

use super::{Facts, counted};
use crate::domain::finding::{Actor, Finding};
use crate::domain::run::Run;
use crate::domain::schedule;
use crate::domain::standing::{RETENTION, Standing};
use crate::domain::state::State;
use crate::plan::unattended::waits_for_a_person;

/// Who acts next and a sentence. Where nobody has to, the sentence begins with `Nothing to do`.
pub(super) fn next(facts: &Facts<'_>, state: State, blocks: &[Finding]) -> (Option<Actor>, String) {
    let admin = facts.admin();
    let unserved = matches!(state, State::Removed | State::Disabled);
    if let Some(run) = facts.running().filter(|_| !unserved) {
        return under_way(facts, run);
    }
    if let Some(block) = blocks.first().filter(|_| setting_up(state)) {
        return (Some(block.actor), format!("{} {}", block.seen, block.fix));
    }
    let step = match state {
        State::Invited => format!(
            "{admin} has been invited to authorize the integration: open the link in the mail, enter the Invitation Code, and sign in at Microsoft. Licenses can be linked after the initial sync."
        ),
        State::SignedIn => format!("{admin} confirms on the set-up page that the organization is the right one."),
        State::Consent1 => format!("{admin} signs in again and accepts the first permission request."),
        State::Consent2 => format!("{admin} signs in again and accepts the second permission request."),
        State::GroupChoice => "Choose whose users are synchronized: everyone, or members of groups.".into(),
        State::FirstSync => format!("{admin} has to sync once; then users can be mapped."),
        State::Mapping => "Map voice users to Microsoft Teams users and save.".into(),
        State::SyncNeeded => format!("{admin} has to sync to apply what is saved."),
        State::Failed => failed(admin, blocks),
        State::UpToDate => {
            "Nothing to do for the Global Admin: numbers are provided by the voice provider from here on.".into()
        }
        State::Removing => format!(
            "{admin} has to sync once more: this final sync takes the calling configuration out of Teams, and users can no longer call from its dial pad."
        ),
        State::Removed => removed(facts),
        State::Disabled => format!(
            "{} enables the enterprise when it is to be served again.",
            facts.reseller.name
        ),
    };
    (state.actor(), step)
}

fn setting_up(state: State) -> bool {
    match state {
        State::Invited | State::SignedIn | State::Consent1 | State::Consent2 => true,
        State::GroupChoice
        | State::FirstSync
        | State::Mapping
        | State::SyncNeeded
        | State::UpToDate
        | State::Failed
        | State::Removing
        | State::Removed
        | State::Disabled => false,
    }
}

fn under_way(facts: &Facts<'_>, run: &Run) -> (Option<Actor>, String) {
    if waits_for_a_person(facts.enterprise, run) {
        let admin = facts.admin();
        let step =
            format!("{admin} signs in at Microsoft: a sync waits for it. Pressing Sync Now again gives a new link.");
        return (Some(Actor::GlobalAdmin), step);
    }
    let step =
        "Nothing to do for now: a sync is going on, which takes up to 10 minutes. Wait for its end before mapping.";
    (None, step.into())
}

fn failed(admin: &str, blocks: &[Finding]) -> String {
    match blocks.first() {
        Some(first) => format!("{} {} Then {admin} syncs again.", first.seen, first.fix),
        None => format!("{admin} has to sync again; the sync history says what went wrong."),
    }
}

fn removed(facts: &Facts<'_>) -> String {
    match &facts.enterprise.standing {
        Standing::Removed { since } => {
            let day = schedule::local_day(*since + RETENTION, facts.zone);
            format!(
                "Nothing to do: the integration is removed, and its data is deleted on {}.",
                day.strftime("%b %-d, %Y")
            )
        }
        Standing::Active | Standing::Disabled { .. } | Standing::Removing { .. } => {
            "Nothing to do: the integration is removed.".into()
        }
    }
}

/// `12 users wait for a sync`.
pub(super) fn waiting(users: u32) -> String {
    counted(users, "user waits for a sync", "users wait for a sync")
}
