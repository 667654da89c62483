//! E7: the reader is the Global Admin now (R191-R192).

use super::{Line, parts};
use crate::domain::brand::Brand;

/// Sent to the new Global Admin after a reassignment (R031).
#[derive(Clone, Debug)]
pub struct GlobalAdminAssigned<'a> {
    /// Names and contacts.
    pub brand: &'a Brand,
    /// Whom we greet.
    pub recipient: Line,
    /// The customer company.
    pub enterprise: Line,
}

parts!(
    GlobalAdminAssigned,
    "global_admin_assigned/subject.txt",
    "global_admin_assigned/body.txt",
    "global_admin_assigned/body.html"
);
