//! A stored plan as a script for an administrator (`plan::pack`).

use crate::domain::enterprise::Enterprise;
use crate::domain::ids::PlanId;
use crate::error::Result;
use crate::io::Io;
use crate::plan::pack::{Pack, powershell};
use crate::run::plans::StoredPlan;
use jiff::Timestamp;

/// The script of one plan.
///
/// # Errors
/// `NotFound` where there is no such plan, or none any more.
pub async fn script(io: &Io, kept: &Enterprise, plan: &PlanId, now: Timestamp) -> Result<String> {
    let plan: StoredPlan = io.store.plan(&kept.id, plan, now).await?;
    let brand = io.store.reseller(&kept.reseller).await?.brand;
    Ok(powershell(&Pack {
        product: &brand.product_name,
        enterprise: &kept.settings.name,
        plan: &plan.id,
        made: plan.made,
        objects: &plan.objects,
        changes: &plan.changes,
        names: &plan.names,
    }))
}
