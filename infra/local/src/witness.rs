//! What passed between functions and the world around them, for tests that look for what must not be there.

use crate::locked::Locked;
use serde_json::Value;

/// Watches nothing until it is told to.
#[derive(Clone, Default)]
pub struct Witness(Locked<Option<Vec<Seen>>>);

/// A document that went into a function or came out of it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The function, or `route` where the gateway called one.
    pub function: String,
    /// It went in; else it came out.
    pub payload: bool,
    pub document: Value,
}

impl Witness {
    /// From now on everything is kept.
    pub fn watch(&self) {
        self.0.with(|seen| {
            seen.get_or_insert_default();
        });
    }

    /// What was seen, in its order.
    pub fn seen(&self) -> Vec<Seen> {
        self.0.with(|seen| seen.clone().unwrap_or_default())
    }

    pub(crate) fn saw(&self, function: &str, payload: bool, document: &Value) {
        self.0.with(|seen| {
            if let Some(seen) = seen {
                seen.push(Seen {
                    function: function.to_owned(),
                    payload,
                    document: document.clone(),
                });
            }
        });
    }
}
