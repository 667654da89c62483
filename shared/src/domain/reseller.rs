//! A reseller: the partner who provisions enterprises.

use super::brand::Brand;
use super::email::EmailAddress;
use super::ids::ResellerId;
use super::{Invalid, plain_text};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use url::Url;

/// How long an activation link works.
pub const ACTIVATION_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The most return addresses of one reseller.
const RETURN_ORIGINS_MAX: usize = 20;

/// Whether a reseller's account can be used (R001).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Activation {
    /// Its owner has not followed the mail yet.
    Awaited {
        /// Keyed hash of the newest link's token; none where the mail is still to be made.
        link_hash: String,
        /// When that link ends.
        until: Timestamp,
    },
    /// It can be used.
    Active {
        /// Since when.
        since: Timestamp,
    },
}

/// A reseller and its brand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reseller {
    /// Our key.
    pub id: ResellerId,
    /// The company's name, 1 to 120 characters.
    pub name: String,
    /// To whom the activation mail goes.
    pub owner: EmailAddress,
    /// Whether the account can be used.
    pub activation: Activation,
    /// What its customers see.
    pub brand: Brand,
    /// Origins (`https://portal.example`) that a person may be sent back to from one of our pages.
    pub return_origins: BTreeSet<String>,
    /// Help for its customers' admins, such as a video (R032).
    pub help_url: Option<Url>,
    /// When it was created.
    pub created: Timestamp,
    /// Counts edits; 1 when new.
    pub version: u64,
}

impl Reseller {
    /// Whether its owner has activated it.
    #[must_use]
    pub fn active(&self) -> bool {
        matches!(self.activation, Activation::Active { .. })
    }

    /// A return address whose origin is on the list.
    ///
    /// # Errors
    /// `Invalid` for any other.
    pub fn return_address(&self, text: &str) -> Result<Url, Invalid> {
        let refused = || {
            let known: Vec<&str> = self.return_origins.iter().map(String::as_str).collect();
            Invalid::new(
                "returnUrl",
                if known.is_empty() {
                    "no return addresses are agreed with this reseller; add their origins to returnOrigins first".into()
                } else {
                    format!("give an address that begins with one of {}", known.join(", "))
                },
            )
        };
        let url: Url = text.parse().map_err(|_| refused())?;
        let plain = url.username().is_empty() && url.password().is_none();
        let known = self.return_origins.contains(&url.origin().ascii_serialization());
        if plain && known && text.len() <= 2_000 {
            Ok(url)
        } else {
            Err(refused())
        }
    }
}

/// Checks a list of origins: https, or http on this machine; no path.
///
/// # Errors
/// `Invalid` naming the first that is wrong.
pub fn return_origins(texts: &[String]) -> Result<BTreeSet<String>, Invalid> {
    if texts.len() > RETURN_ORIGINS_MAX {
        return Err(Invalid::new(
            "returnOrigins",
            format!("give at most {RETURN_ORIGINS_MAX}"),
        ));
    }
    let checked = |text: &String| {
        let wrong = || {
            Invalid::new(
                "returnOrigins",
                format!("`{text}`: give an origin such as https://portal.example"),
            )
        };
        let url: Url = text.parse().map_err(|_| wrong())?;
        let local = url.scheme() == "http" && matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if bare && (url.scheme() == "https" || local) {
            Ok(url.origin().ascii_serialization())
        } else {
            Err(wrong())
        }
    };
    texts.iter().map(checked).collect()
}

/// The company's name.
///
/// # Errors
/// `Invalid`.
pub fn name(text: &str) -> Result<String, Invalid> {
    plain_text("name", text, 120)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_origins_are_taken() {
        let ok = return_origins(&["https://Portal.example".into(), "http://127.0.0.1:9000".into()]).unwrap();
        assert!(ok.contains("https://portal.example") && ok.contains("http://127.0.0.1:9000"));
        for wrong in [
            "portal.example",
            "http://portal.example",
            "https://portal.example/path",
            "https://a:b@portal.example",
            "https://portal.example?x",
            "javascript:alert(1)",
        ] {
            assert!(return_origins(&[wrong.into()]).is_err(), "{wrong}");
        }
    }
}
