//! A creating request that may be repeated.

/// Who repeats what: the same caller, key, route and body are the same request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// The caller's subject and the `Idempotency-Key`.
    pub key: String,
    /// Method, path and body.
    pub request: Vec<u8>,
}
