//! A reseller: the partner who provisions enterprises.

use super::brand::Brand;
use super::ids::ResellerId;

/// A reseller and its brand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reseller {
    /// Our key.
    pub id: ResellerId,
    /// The company's name, 1 to 120 characters.
    pub name: String,
    /// What its customers see.
    pub brand: Brand,
    /// Counts edits; 1 when new.
    pub version: u64,
}
