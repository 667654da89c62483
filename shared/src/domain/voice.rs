//! A voice user: a person or line on the voice platform.

use super::email::EmailAddress;
use super::ids::VoiceUserId;
use super::phone::{E164, Extension};
use serde::{Deserialize, Serialize};

/// What happens with calls that nobody takes (R158).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum CallHandling {
    /// Teams voicemail.
    #[default]
    Voicemail,
    /// No voicemail; forwarding is allowed.
    NoVoicemail,
    /// Neither voicemail nor forwarding.
    NoVoicemailNoForwarding,
}

/// A voice user as the voice platform has told us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoiceUser {
    /// The platform's key.
    pub id: VoiceUserId,
    /// Who or what it is.
    pub name: String,
    /// Absent for lines without a person.
    pub email: Option<EmailAddress>,
    /// Absent where the user has an extension only.
    pub number: Option<E164>,
    /// The short number.
    pub extension: Option<Extension>,
    /// What happens with calls that nobody takes.
    pub call_handling: CallHandling,
}

impl VoiceUser {
    /// The column `Email & Extension`: without an address only `Ext. <number>` (R108).
    #[must_use]
    pub fn email_and_extension(&self) -> String {
        match (&self.email, &self.extension) {
            (Some(email), Some(extension)) => format!("{email} Ext. {extension}"),
            (Some(email), None) => email.to_string(),
            (None, Some(extension)) => format!("Ext. {extension}"),
            (None, None) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r108_without_address_only_the_extension() {
        let line = VoiceUser {
            id: "v1".parse().unwrap(),
            name: "Reception".into(),
            email: None,
            number: None,
            extension: Some("1001".parse().unwrap()),
            call_handling: CallHandling::Voicemail,
        };
        assert_eq!(line.email_and_extension(), "Ext. 1001");
        let person = VoiceUser {
            email: Some("a@b.example".parse().unwrap()),
            ..line
        };
        assert_eq!(person.email_and_extension(), "a@b.example Ext. 1001");
    }
}
