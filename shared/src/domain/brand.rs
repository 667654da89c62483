//! How a reseller's service is called and where its people are found. Data, never code: every text takes its names from here.

use super::accent::Accent;
use super::application::Application;
use super::email::EmailAddress;
use super::{Invalid, plain_text};
use url::Url;

/// The names, addresses and contacts of one reseller's service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand {
    /// The product, as people say it (R070); also the signature "The … Team" (R172).
    pub product_name: String,
    /// The prefix of the calling policies in Teams (R156): 1 to 24 letters or digits.
    pub policy_prefix: String,
    /// The voice portal's name (R171).
    pub voice_portal_name: String,
    /// The voice portal's address.
    pub voice_portal_url: Url,
    /// The integration portal's address, which mails link to (R138).
    pub integration_portal_url: Url,
    /// Whom a customer's account admin asks (1.4 #12), such as "your voice administrator, +1 555 0100".
    pub account_contact: String,
    /// Whom to ask at the provider.
    pub provider_contact: String,
    /// The sender address of mails; the service's own where absent.
    pub sender: Option<EmailAddress>,
    /// Where answers to mails go.
    pub reply_to: Option<EmailAddress>,
    /// The application that Microsoft names on its pages (R070); the deployment's own where absent.
    pub application: Option<Application>,
    /// The colour of buttons in mails; ours where absent.
    pub accent: Option<Accent>,
    /// A picture for the head of mails, the same for every reader. A mail is complete without it.
    pub logo_url: Option<Url>,
}

/// The longest address of a logo, in characters.
const LOGO_URL_MAX: usize = 500;

impl Brand {
    /// The name that people should look for on Microsoft's consent page; `own` is that of the deployment's application.
    #[must_use]
    pub fn application_name<'a>(&'a self, own: &'a str) -> &'a str {
        self.application.as_ref().map_or(own, |application| &application.name)
    }

    /// The colour of buttons in mails.
    #[must_use]
    pub fn colour(&self) -> Accent {
        self.accent.unwrap_or(Accent::DEFAULT)
    }

    /// Checks the texts of a brand.
    ///
    /// # Errors
    /// `Invalid` naming the first field that is wrong.
    pub fn checked(self) -> Result<Self, Invalid> {
        let prefix_fits = (1..=24).contains(&self.policy_prefix.len())
            && self.policy_prefix.bytes().all(|b| b.is_ascii_alphanumeric());
        if !prefix_fits {
            return Err(Invalid::new("policyPrefix", "give 1 to 24 letters or digits"));
        }
        for (what, url) in [
            ("voicePortalUrl", &self.voice_portal_url),
            ("integrationPortalUrl", &self.integration_portal_url),
        ] {
            if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
                return Err(Invalid::new(what, "give a web address that begins with https://"));
            }
        }
        if let Some(logo) = &self.logo_url {
            let plain = logo.username().is_empty() && logo.password().is_none();
            if logo.scheme() != "https" || !logo.has_host() || !plain || logo.as_str().len() > LOGO_URL_MAX {
                let why = format!(
                    "give the address of a picture that begins with https://, at most {LOGO_URL_MAX} characters"
                );
                return Err(Invalid::new("logoUrl", why));
            }
        }
        let application = self
            .application
            .map(|application| {
                let name = plain_text("application.name", &application.name, 120)?;
                Ok(Application { name, ..application })
            })
            .transpose()?;
        Ok(Self {
            application,
            product_name: plain_text("productName", &self.product_name, 60)?,
            voice_portal_name: plain_text("voicePortalName", &self.voice_portal_name, 60)?,
            account_contact: plain_text("accountContact", &self.account_contact, 120)?,
            provider_contact: plain_text("providerContact", &self.provider_contact, 120)?,
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r070_people_look_for_the_name_that_microsoft_shows() {
        let url: Url = "https://portal.example".parse().unwrap();
        let shared = Brand {
            product_name: "Kestrel for Teams".into(),
            policy_prefix: "Kestrel".into(),
            voice_portal_name: "Kestrel Voice".into(),
            voice_portal_url: url.clone(),
            integration_portal_url: url,
            account_contact: "your administrator".into(),
            provider_contact: "Kestrel Support".into(),
            sender: None,
            reply_to: None,
            application: None,
            accent: None,
            logo_url: None,
        };
        assert_eq!(shared.application_name("Dialbridge"), "Dialbridge");
        let named = |name: &str| Brand {
            application: Some(Application {
                client_id: "0b7d3c52-6f0e-4c1d-9a51-2d7e4f8a9c10".parse().unwrap(),
                name: name.into(),
            }),
            ..shared.clone()
        };
        assert_eq!(
            named(" Kestrel ").checked().unwrap().application_name("Dialbridge"),
            "Kestrel"
        );
        for wrong in ["", "a\nb", &"x".repeat(121)] {
            assert_eq!(named(wrong).checked().unwrap_err().what, "application.name", "{wrong}");
        }
    }

    #[test]
    fn r171_a_logo_is_fetched_over_tls_and_names_nobody() {
        let url: Url = "https://portal.example".parse().unwrap();
        let with = |logo: &str| {
            let brand = Brand {
                product_name: "Kestrel for Teams".into(),
                policy_prefix: "Kestrel".into(),
                voice_portal_name: "Kestrel Voice".into(),
                voice_portal_url: url.clone(),
                integration_portal_url: url.clone(),
                account_contact: "your administrator".into(),
                provider_contact: "Kestrel Support".into(),
                sender: None,
                reply_to: None,
                application: None,
                accent: None,
                logo_url: Some(logo.parse().unwrap()),
            };
            brand.checked().map_err(|invalid| invalid.what)
        };
        assert!(with("https://cdn.kestrel.example/logo.png").is_ok());
        let long = format!("https://cdn.kestrel.example/{}", "x".repeat(500));
        for wrong in [
            "http://cdn.kestrel.example/logo.png",
            "https://a:b@kestrel.example/",
            "data:image/png;base64,AA==",
            &long,
        ] {
            assert_eq!(with(wrong).unwrap_err(), "logoUrl", "{wrong}");
        }
    }
}
