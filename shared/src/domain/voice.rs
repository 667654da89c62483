//! A voice user: a person or line on the voice platform.

use super::email::EmailAddress;
use super::ids::VoiceUserId;
use super::phone::{Country, E164, Extension};
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

/// What a caller hears who is put on hold (1.4 #10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum MusicOnHold {
    /// The voice platform's music.
    Pbx,
    /// Teams' own music.
    Service,
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
    /// Where the user calls from; the number's country where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// The enterprise's setting where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub music_on_hold: Option<MusicOnHold>,
    /// A sync maps the user to the Teams user with the same address (R123-R124).
    #[serde(default)]
    pub match_by_mail: bool,
}

impl VoiceUser {
    /// Held calls hear the voice platform's music; `enterprise` is its setting for everybody.
    #[must_use]
    pub fn pbx_music(&self, enterprise: bool) -> bool {
        self.music_on_hold.map_or(enterprise, |music| music == MusicOnHold::Pbx)
    }

    /// A text in lower case is part of the id, name, address, number or extension.
    #[must_use]
    pub fn mentions(&self, q: &str) -> bool {
        let number = self.number.as_ref().map_or("", E164::as_str);
        let texts = [self.id.as_str(), &self.name, &self.email_and_extension(), number];
        texts.iter().any(|text| text.to_lowercase().contains(q))
    }

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
            country: None,
            music_on_hold: None,
            match_by_mail: false,
        };
        assert_eq!(line.email_and_extension(), "Ext. 1001");
        let person = VoiceUser {
            email: Some("a@b.example".parse().unwrap()),
            ..line
        };
        assert_eq!(person.email_and_extension(), "a@b.example Ext. 1001");
    }

    #[test]
    fn what_was_kept_before_there_were_countries_is_still_read() {
        let kept = serde_json::json!({
            "id": "v1", "name": "Reception", "email": null, "number": "+3222345678", "extension": "1001",
            "call_handling": "voicemail",
        });
        let user: VoiceUser = serde_json::from_value(kept).unwrap();
        assert_eq!(
            (user.country, user.music_on_hold, user.match_by_mail),
            (None, None, false)
        );
        assert!(user.pbx_music(true) && !user.pbx_music(false));
        let own = VoiceUser {
            music_on_hold: Some(MusicOnHold::Service),
            ..user
        };
        assert!(!own.pbx_music(true));
    }
}
