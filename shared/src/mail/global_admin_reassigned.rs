//! E6: somebody else is the Global Admin now (R189-R190).

use super::{Line, parts};
use crate::domain::brand::Brand;

/// Sent to the former Global Admin after a reassignment (R031).
#[derive(Clone, Debug)]
pub struct GlobalAdminReassigned<'a> {
    /// Names and contacts.
    pub brand: &'a Brand,
    /// Whom we greet.
    pub recipient: Line,
    /// The customer company.
    pub enterprise: Line,
}

parts!(
    GlobalAdminReassigned,
    "global_admin_reassigned/subject.txt",
    "global_admin_reassigned/body.txt",
    "global_admin_reassigned/body.html"
);
