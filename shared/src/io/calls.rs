//! The calls of Microsoft that a run makes, noted until its log is written (R150, R200). A note has no query, no body and no
//! ids of people: it says which kind of call it was, how it went, and Microsoft's own id of it for Microsoft's support.

use crate::domain::ids::RunId;
use crate::domain::sync_log::MicrosoftCall;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Takes the calls of one run down. Clones write into the same book.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<Vec<(Instant, MicrosoftCall)>>>);

/// The recorders of all runs that this process works on.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorders(Arc<Mutex<BTreeMap<RunId, Recorder>>>);

impl Recorder {
    pub(super) fn note(&self, call: MicrosoftCall) {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push((Instant::now(), call));
    }
}

impl Recorders {
    pub(super) fn of(&self, run: &RunId) -> Recorder {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(run.clone()).or_default().clone()
    }

    /// What was noted since the last time, oldest first, each with how long ago that was.
    pub(super) fn drain(&self, run: &RunId) -> Vec<(Duration, MicrosoftCall)> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(recorder) = all.get(run) else {
            return Vec::new();
        };
        let noted = std::mem::take(&mut *recorder.0.lock().unwrap_or_else(PoisonError::into_inner));
        // Nobody writes into it any more.
        if Arc::strong_count(&recorder.0) == 1 {
            all.remove(run);
        }
        noted.into_iter().map(|(at, call)| (at.elapsed(), call)).collect()
    }
}

/// The path of a call without what differs from user to user: whatever has a digit or a sign in it is an id.
pub(super) fn template(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let part = |part: &str| {
        let plain = |text: &str| {
            text.chars()
                .all(|c| c.is_ascii_alphabetic() || matches!(c, '$' | '.' | '-'))
        };
        match part.split_once('(') {
            _ if plain(part) || part == "v1.0" => part.to_owned(),
            Some((name, _)) if plain(name) => format!("{name}({{id}})"),
            Some(_) | None => "{id}".to_owned(),
        }
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn r200_a_path_says_the_kind_of_call_and_nobodys_id() {
        for (path, kind) in [
            ("/v1.0/users/2c0b6a1e-1111-4a11-9a11-0000000000aa", "/v1.0/users/{id}"),
            ("/users/ann@bluefinch.example?$select=id", "/users/{id}"),
            ("/v1.0/$batch", "/v1.0/$batch"),
            (
                "/v1.0/groups/5/members/microsoft.graph.user",
                "/v1.0/groups/{id}/members/microsoft.graph.user",
            ),
            ("/v1.0/users('ann')/manager", "/v1.0/users({id})/manager"),
            (
                "/v1.0/admin/teams/telephoneNumberManagement/numberAssignments/assignNumber",
                "/v1.0/admin/teams/telephoneNumberManagement/numberAssignments/assignNumber",
            ),
        ] {
            assert_eq!(template(path), kind);
        }
    }

    #[test]
    fn what_was_noted_is_given_once_and_nothing_is_left_behind() {
        let (recorders, run) = (Recorders::default(), RunId::mint(Timestamp::UNIX_EPOCH, 1));
        let recorder = recorders.of(&run);
        recorder.note(MicrosoftCall::default());
        assert_eq!(recorders.drain(&run).len(), 1);
        recorder.note(MicrosoftCall::default());
        drop(recorder);
        assert_eq!(recorders.drain(&run).len(), 1);
        assert_eq!(recorders.drain(&run).len(), 0);
        assert!(recorders.0.lock().unwrap().is_empty());
    }
}
