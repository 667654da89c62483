//! Action URLs: the address of an admin's next step, for a front end that shows it on pages of its own.

use crate::domain::audit::{Deed, changed};
use crate::domain::caller::Role;
use crate::domain::enterprise::Enterprise;
use crate::domain::management::Management;
use crate::domain::run::RunState;
use crate::domain::setup::Setup;
use crate::domain::standing::Standing;
use crate::domain::visit::{Link, NextStep};
use crate::error::{Error, Result};
use crate::io::Io;
use crate::run::access::{Access, entry};
use crate::run::{invitation, start_sync};
use jiff::{SignedDuration, Timestamp};
use url::Url;

/// How long the address of a step works.
pub const LINK_LIFE: SignedDuration = SignedDuration::from_mins(60);

/// Where to send the person.
#[derive(Debug)]
pub struct Guided {
    /// The address.
    pub url: Url,
    /// It leads to a page of ours.
    pub hosted: bool,
    /// When it stops working.
    pub expires: Option<Timestamp>,
    /// What the person will be asked for.
    pub text: String,
}

/// The address of a step, as the enterprise stands now. The link proves nothing: who follows it has to sign in as the
/// recorded Global Admin.
///
/// # Errors
/// `Conflict` where the step is not the enterprise's next one, `Invalid` for a return address that is not agreed.
pub async fn to(io: &Io, access: &Access, step: NextStep, return_url: Option<&str>, now: Timestamp) -> Result<Guided> {
    let kept = &access.kept;
    let reseller = io.store.reseller(&kept.reseller).await?;
    let return_to = return_url.map(|text| reseller.return_address(text)).transpose()?;
    if matches!(kept.standing, Standing::Disabled { .. } | Standing::Removed { .. }) {
        return Err(Error::Conflict(
            "the enterprise is not served; there is no next step".into(),
        ));
    }
    let admin = kept.global_admin.display_name();
    let guided = match step {
        NextStep::CompleteRegistration => {
            let Some(waiting) = invitation::newest(io, kept)
                .await?
                .filter(|_| kept.setup == Setup::Invited)
            else {
                return Err(Error::Conflict("the registration is complete".into()));
            };
            waiting
                .open(now)
                .map_err(|_| Error::Conflict("the invitation has ended; send a new one first".into()))?;
            let link = Link::Invitation {
                enterprise: kept.id.clone(),
                invitation: waiting.id,
                return_to,
            };
            let text = format!("{admin} enters the Invitation Code from the mail and signs in at Microsoft.");
            hosted(io, "/i/", link, waiting.expires.min(now + LINK_LIFE), text).await?
        }
        NextStep::GrantConsent => {
            let text = match missing_consent(kept)? {
                Missing::Calling => format!("{admin} signs in at Microsoft and accepts the second permission request."),
                Missing::Management => format!(
                    "{admin} signs in at Microsoft and decides whether {} may manage.",
                    reseller.name
                ),
            };
            hosted(io, "/next/", own(kept, step, return_to), now + LINK_LIFE, text).await?
        }
        NextStep::ChooseGroups => {
            if !kept.setup.complete() {
                return Err(Error::Conflict(
                    "the Global Admin has to finish the set-up first".into(),
                ));
            }
            let text = format!("{admin} signs in at Microsoft and chooses whose users are synchronised.");
            hosted(io, "/next/", own(kept, step, return_to), now + LINK_LIFE, text).await?
        }
        NextStep::Sync => sync(io, access, return_to, reseller.brand.integration_portal_url, now).await?,
    };
    let given = changed("action", None, Some(format!("{step:?}")));
    let entry = entry(
        io,
        &access.author(),
        Deed::ActionUrlGiven,
        given.into_iter().collect(),
        now,
    );
    io.store.note(&kept.id, &entry).await?;
    Ok(guided)
}

/// What a `grantConsent` page asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The second permission set.
    Calling,
    /// The reseller's management.
    Management,
}

/// Which consent is missing.
///
/// # Errors
/// `Conflict` where none is, or the first one has to come through the invitation.
pub fn missing_consent(kept: &Enterprise) -> Result<Missing> {
    match (&kept.setup, &kept.management) {
        (Setup::Invited, _) => Err(Error::Conflict(
            "the registration comes first: action completeRegistration".into(),
        )),
        (Setup::Bound { .. }, _) => Ok(Missing::Calling),
        (Setup::Complete { .. }, Management::Pending | Management::Withdrawn { .. })
            if kept.settings.request_management_consent =>
        {
            Ok(Missing::Management)
        }
        (Setup::Complete { .. }, _) => Err(Error::Conflict("every consent that was asked for is granted".into())),
    }
}

fn own(kept: &Enterprise, step: NextStep, return_to: Option<Url>) -> Link {
    Link::Step {
        enterprise: kept.id.clone(),
        step,
        return_to,
    }
}

async fn hosted(io: &Io, page: &str, link: Link, expires: Timestamp, text: String) -> Result<Guided> {
    let token = io.chance.token::<32>();
    let hash = io.vault.keyed_hash("link", &token).await?;
    io.store.put_link(&hash, link, expires).await?;
    Ok(Guided {
        url: io.config.public_page(&format!("{page}{token}")),
        hosted: true,
        expires: Some(expires),
        text,
    })
}

/// The Global Admin's own front end gets the sign-in of the run that waits for it. Everybody else gets the integration
/// portal, where the Global Admin is known and can press `Sync Now`: half of the double authentication is there (R047).
async fn sync(io: &Io, access: &Access, return_to: Option<Url>, portal: Url, now: Timestamp) -> Result<Guided> {
    let kept = &access.kept;
    let admin = kept.global_admin.display_name();
    if !matches!(access.caller.role, Role::GlobalAdmin(_)) {
        return Ok(Guided {
            url: portal,
            hosted: false,
            expires: None,
            text: format!("{admin} signs in to the integration portal and presses Sync Now."),
        });
    }
    let current = io.store.sync_status(&kept.id).await?.current;
    let waiting = match &current {
        Some(run) if io.store.run(&kept.id, run).await?.state == RunState::AwaitingSignIn => run,
        Some(_) => return Err(Error::Conflict("a sync is going on; wait for its end".into())),
        None => {
            return Err(Error::Conflict(
                "no sync waits for a sign-in; start one first with POST runs".into(),
            ));
        }
    };
    let started = start_sync::sign_in_again(io, access, waiting, return_to, now).await?;
    let url = started.sign_in.unwrap_or(portal);
    Ok(Guided {
        url,
        hosted: true,
        expires: Some(now + start_sync::LINK_LIFE),
        text: format!("{admin} signs in at Microsoft; the sync begins."),
    })
}
