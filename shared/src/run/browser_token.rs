//! What the person at a browser lets the page do while they look at it: read the groups and their members. The token is kept
//! sealed for that browser, until the choice is saved or the page ends, and never longer than Microsoft made it.

use crate::domain::ids::EnterpriseId;
use crate::domain::secret::Secret;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::graph::Token;
use crate::io::vault::sha256;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A token that ends so soon is not used any more: a look takes a while.
const REST: SignedDuration = SignedDuration::from_secs(60);

#[derive(Serialize, Deserialize)]
struct Kept {
    token: String,
    expires: Timestamp,
}

/// Keeps the token of the person who has just signed in at a browser.
///
/// # Errors
/// `Upstream`.
pub(super) async fn keep(
    io: &Io,
    enterprise: &EnterpriseId,
    browser: &Secret,
    token: &Token,
    now: Timestamp,
) -> Result<()> {
    let kept = Kept {
        token: token.secret().expose().to_owned(),
        expires: token.expires(),
    };
    let json = serde_json::to_string(&kept).map_err(|error| Error::upstream("seal a token", error))?;
    let sealed = io
        .vault
        .seal_for_browser(enterprise, browser, &Secret::new(json))
        .await?;
    let ends = token.expires() - REST;
    io.store.put_token(&sha256(browser.expose()), &sealed, ends, now).await
}

/// The token of the person at a browser, where there still is one.
///
/// # Errors
/// `Upstream`.
pub(super) async fn of(io: &Io, enterprise: &EnterpriseId, browser: &Secret, now: Timestamp) -> Result<Option<Token>> {
    let Some(sealed) = io.store.token(&sha256(browser.expose()), now).await? else {
        return Ok(None);
    };
    // A seal for another enterprise is of an earlier visit of this browser.
    let Ok(opened) = io.vault.open_for_browser(enterprise, browser, &sealed).await else {
        return Ok(None);
    };
    let kept: Kept = serde_json::from_str(opened.expose()).map_err(|error| Error::upstream("open a token", error))?;
    Ok(Some(Token::new(Secret::new(kept.token), kept.expires)))
}

/// Whether there still is one.
///
/// # Errors
/// `Upstream`.
pub async fn is_kept(io: &Io, browser: &Secret, now: Timestamp) -> Result<bool> {
    Ok(io.store.token(&sha256(browser.expose()), now).await?.is_some())
}

/// Forgets it.
///
/// # Errors
/// `Upstream`.
pub(super) async fn forget(io: &Io, browser: &Secret) -> Result<()> {
    io.store.drop_token(&sha256(browser.expose())).await
}
