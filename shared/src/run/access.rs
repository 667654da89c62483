//! Checks a caller against what the table says.

use crate::domain::audit::{Author, Changed, Deed, Entry};
use crate::domain::caller::{Caller, Footing, Role};
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{EnterpriseId, ResellerId};
use crate::domain::reseller::Reseller;
use crate::domain::rights::{Action, May};
use crate::domain::standing::Standing;
use crate::error::{Error, Result, SignInRefused};
use crate::io::Io;
use jiff::Timestamp;

/// Proof that a caller may do what they ask for with an enterprise; only `on` makes it.
#[derive(Debug)]
pub struct Access {
    /// The enterprise, as it was when the caller was checked.
    pub kept: Enterprise,
    /// Who.
    pub caller: Caller,
    footing: Footing,
}

impl Access {
    /// Who this is in the audit trail, and in whose place they act.
    #[must_use]
    pub fn author(&self) -> Author {
        let on_behalf_of = match self.footing {
            Footing::Own => None,
            Footing::OnBehalf => Some(self.kept.global_admin.display_name().to_owned()),
        };
        self.caller.author(on_behalf_of)
    }

    /// The caller acts in place of the Global Admin, who agreed to it (R013).
    #[must_use]
    pub fn on_behalf(&self) -> bool {
        self.footing == Footing::OnBehalf
    }

    /// The caller is the recorded Global Admin, by the address in the token.
    ///
    /// # Errors
    /// `NotRecorded` for anybody else.
    pub fn recorded_caller(&self) -> Result<()> {
        let admin = &self.kept.global_admin;
        let holds = matches!(self.caller.role, Role::GlobalAdmin(_));
        if holds && self.caller.email.as_ref() == Some(&admin.email) {
            return Ok(());
        }
        Err(SignInRefused::NotRecorded {
            expected: admin.display_name().to_owned(),
        }
        .into())
    }
}

/// Checks a caller against one enterprise.
///
/// # Errors
/// `NotFound` alike for an unknown enterprise, a foreign one, and an action that the role does not have; `NotActivated`
/// for a reseller's staff before its owner has activated it (R001); `Conflict` for a change of what was removed.
pub async fn on(io: &Io, caller: Caller, enterprise: &EnterpriseId) -> Result<Access> {
    let kept = io.store.enterprise(enterprise).await?;
    let footing = caller.footing(&kept).ok_or(Error::NotFound("enterprise"))?;
    activated(io, &caller).await?;
    readable(&kept, caller.asks)?;
    Ok(Access { kept, caller, footing })
}

/// What is removed is only read until its data ends. Who repeats its removal is told by that route itself.
fn readable(kept: &Enterprise, asks: Action) -> Result<()> {
    let reads = matches!(
        asks,
        Action::Read | Action::ReadSipData | Action::Audit | Action::Remove
    );
    if reads || !matches!(kept.standing, Standing::Removed { .. }) {
        return Ok(());
    }
    Err(Error::Conflict(
        "the integration was removed; create the enterprise anew to connect it again".into(),
    ))
}

/// Checks a caller against one reseller.
///
/// # Errors
/// `NotFound` and `NotActivated`, as above.
pub async fn on_reseller(io: &Io, caller: &Caller, reseller: &ResellerId) -> Result<Reseller> {
    if !caller.may_on_reseller(reseller) {
        return Err(Error::NotFound("reseller"));
    }
    let kept = io.store.reseller(reseller).await?;
    if caller.role.reseller().is_some() && !kept.active() {
        return Err(Error::NotActivated);
    }
    Ok(kept)
}

/// Checks a caller for what belongs to the provider alone, with no id in it.
///
/// # Errors
/// `NotFound`, as above.
pub fn provider(caller: &Caller) -> Result<()> {
    if caller.role.may(caller.asks) == May::Yes {
        Ok(())
    } else {
        Err(Error::NotFound("reseller"))
    }
}

async fn activated(io: &Io, caller: &Caller) -> Result<()> {
    match caller.role.reseller() {
        Some(own) if !io.store.reseller(own).await?.active() => Err(Error::NotActivated),
        Some(_) | None => Ok(()),
    }
}

/// The enterprise is still the one that the caller saw at version `seen`.
///
/// # Errors
/// `Stale`.
pub(super) fn unmoved(kept: &Enterprise, seen: u64) -> Result<()> {
    if kept.version == seen {
        Ok(())
    } else {
        Err(Error::Stale("the enterprise"))
    }
}

/// An entry of the audit trail, of this moment.
#[must_use]
pub fn entry(io: &Io, author: &Author, deed: Deed, changes: Vec<Changed>, now: Timestamp) -> Entry {
    Entry::new(author, deed, changes, now, io.chance.bits())
}
