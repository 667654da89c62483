//! What the simulation saw go by, for tests: every secret that it gave out or was shown, and which permissions allowed
//! which call.

use super::Microsoft;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Since the world began.
#[derive(Default)]
pub(super) struct Record {
    secrets: BTreeSet<Secret>,
    /// Calls are allowed while the state is only read.
    allowed: RefCell<BTreeSet<Allowed>>,
}

/// Something that must not be found anywhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Secret {
    /// Such as `authorization code`.
    pub kind: &'static str,
    /// The secret itself.
    pub text: String,
}

/// One kind of call that was carried out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Allowed {
    /// The path, ids replaced by `{id}`.
    pub call: String,
    /// By an application permission; else on behalf of a person.
    pub as_application: bool,
    /// The permissions of the token that each would have been enough.
    pub by: BTreeSet<String>,
}

impl Record {
    pub(super) fn secret(&mut self, kind: &'static str, text: &str) {
        if !text.is_empty() {
            let text = text.to_owned();
            self.secrets.insert(Secret { kind, text });
        }
    }

    pub(super) fn allowed(&self, call: String, as_application: bool, by: BTreeSet<String>) {
        let allowed = Allowed {
            call,
            as_application,
            by,
        };
        self.allowed.borrow_mut().insert(allowed);
    }
}

impl Microsoft {
    /// Every code and token that was given out, and every PKCE verifier and nonce that was shown.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret> {
        self.lock().record.secrets.iter().cloned().collect()
    }

    /// Which permissions allowed which calls.
    #[must_use]
    pub fn allowed(&self) -> BTreeSet<Allowed> {
        self.lock().record.allowed.borrow().clone()
    }
}
