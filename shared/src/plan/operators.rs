//! Whether somebody who signed in for a deputy's sync is that deputy (R047). The role is proven apart, by asking Microsoft.

use crate::domain::enterprise::Enterprise;
use crate::domain::global_admin::Identity;
use crate::domain::operators::Deputy;
use crate::error::SignInRefused;

/// The bound tenant, and in it the person who signed in for this deputy before. At a deputy's first sign-in the portal
/// vouches for the person, who must not be known as anybody else here.
///
/// # Errors
/// `TenantMismatch` or `NotRecorded`.
pub fn is_deputy(kept: &Enterprise, deputy: &Deputy, identity: &Identity) -> Result<(), SignInRefused> {
    if kept.setup.tenant().is_none_or(|tenant| tenant.id != identity.tenant) {
        return Err(SignInRefused::TenantMismatch);
    }
    let others = kept
        .operators
        .deputies
        .iter()
        .filter(|other| other.email != deputy.email);
    let mut known = others.map(|other| &other.identity).chain([&kept.global_admin.identity]);
    let is_another = known.any(|known| known.as_ref() == Some(identity));
    match &deputy.identity {
        Some(recorded) if recorded == identity => Ok(()),
        None if !is_another => Ok(()),
        Some(_) | None => Err(SignInRefused::NotRecorded {
            expected: deputy.name.clone(),
        }),
    }
}
