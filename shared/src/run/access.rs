//! Checks a caller against what the table says.

use crate::domain::caller::{Action, Caller};
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{EnterpriseId, ResellerId};
use crate::error::{Error, Result};
use crate::io::Io;

/// Proof that a caller may do something with an enterprise; only `on` makes it.
#[derive(Debug)]
pub struct Access {
    /// The enterprise, as it was when the caller was checked.
    pub kept: Enterprise,
    /// Who.
    pub caller: Caller,
}

/// Checks a caller against one enterprise.
///
/// # Errors
/// `NotFound` alike for an unknown enterprise, a foreign one, and an action that the role does not have.
pub async fn on(io: &Io, caller: Caller, enterprise: &EnterpriseId, action: Action) -> Result<Access> {
    let kept = io.store.enterprise(enterprise).await?;
    if caller.may_on(enterprise, &kept.reseller, action) {
        Ok(Access { kept, caller })
    } else {
        Err(Error::NotFound("enterprise"))
    }
}

/// Checks a caller against one reseller.
///
/// # Errors
/// `NotFound`, as above.
pub fn on_reseller(caller: &Caller, reseller: &ResellerId, action: Action) -> Result<()> {
    if caller.may_on_reseller(reseller, action) {
        Ok(())
    } else {
        Err(Error::NotFound("reseller"))
    }
}
