//! The fields of a voice user as forms, lists and files name them, and their values as text: one reading for all of them.

use super::ids::VoiceUserId;
use super::phone::E164;
use super::voice::{CallHandling, MusicOnHold, VoiceUser};
use super::{Invalid, plain_text};

/// One field. The order is that of a file's columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The voice platform's key.
    Id,
    /// Who or what it is.
    Name,
    /// Mail address.
    Email,
    /// E.164.
    Number,
    /// 2 to 8 digits.
    Extension,
    /// `voicemail`, `noVoicemail` or `noVoicemailNoForwarding`.
    CallHandling,
    /// Two letters.
    Country,
    /// `pbx` or `service`.
    MusicOnHold,
    /// `yes` or `no`.
    MatchByMail,
}

const CALL_HANDLINGS: [(CallHandling, &str); 3] = [
    (CallHandling::Voicemail, "voicemail"),
    (CallHandling::NoVoicemail, "noVoicemail"),
    (CallHandling::NoVoicemailNoForwarding, "noVoicemailNoForwarding"),
];

const MUSIC: [(MusicOnHold, &str); 2] = [(MusicOnHold::Pbx, "pbx"), (MusicOnHold::Service, "service")];

/// Ids that a path has other uses for.
const RESERVED: [&str; 3] = ["export", "import", "template"];

/// The value that a word stands for, in whatever case and with whatever between its parts.
fn worded<T: Copy>(words: &[(T, &str)], text: &str) -> Option<T> {
    let bare = |text: &str| text.replace([' ', '-', '_'], "").to_lowercase();
    let found = words.iter().find(|(_, word)| bare(word) == bare(text));
    found.map(|(value, _)| *value)
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Id,
        Self::Name,
        Self::Email,
        Self::Number,
        Self::Extension,
        Self::CallHandling,
        Self::Country,
        Self::MusicOnHold,
        Self::MatchByMail,
    ];

    /// As the API and files name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name",
            Self::Email => "email",
            Self::Number => "number",
            Self::Extension => "extension",
            Self::CallHandling => "callHandling",
            Self::Country => "country",
            Self::MusicOnHold => "musicOnHold",
            Self::MatchByMail => "matchByMail",
        }
    }

    /// The field of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// The value as text; empty where there is none.
    #[must_use]
    pub fn text(self, user: &VoiceUser) -> String {
        match self {
            Self::Id => user.id.to_string(),
            Self::Name => user.name.clone(),
            Self::Email => user.email.as_ref().map(ToString::to_string).unwrap_or_default(),
            Self::Number => user.number.as_ref().map(ToString::to_string).unwrap_or_default(),
            Self::Extension => user.extension.as_ref().map(ToString::to_string).unwrap_or_default(),
            Self::CallHandling => user.call_handling.word().to_owned(),
            Self::Country => user.country.map(|country| country.to_string()).unwrap_or_default(),
            Self::MusicOnHold => user.music_on_hold.map_or("", MusicOnHold::word).to_owned(),
            Self::MatchByMail => if user.match_by_mail { "yes" } else { "no" }.to_owned(),
        }
    }

    /// Gives the user the value that the text says. `before` is the user as it was: a number that stays is not asked
    /// about again.
    ///
    /// # Errors
    /// `Invalid` says what would be right.
    pub fn set(self, user: &mut VoiceUser, text: &str, before: Option<&VoiceUser>) -> Result<(), Invalid> {
        let text = text.trim();
        match self {
            Self::Id => user.id = id(text)?,
            Self::Name => user.name = plain_text("name", text, 120)?,
            Self::Email => user.email = Some(text.parse()?),
            Self::Number => {
                let known = before.and_then(|before| before.number.as_ref());
                user.number = match known.filter(|number| number.as_str() == text) {
                    Some(known) => Some(known.clone()),
                    None => Some(E164::dialable(text)?),
                };
            }
            Self::Extension => user.extension = Some(extension(text)?),
            Self::CallHandling => {
                let expected = || {
                    Invalid::new(
                        self.name(),
                        "expected voicemail, noVoicemail or noVoicemailNoForwarding",
                    )
                };
                user.call_handling = worded(&CALL_HANDLINGS, text).ok_or_else(expected)?;
            }
            Self::Country => user.country = Some(text.parse()?),
            Self::MusicOnHold => {
                let expected = || {
                    Invalid::new(
                        self.name(),
                        "expected pbx (the voice platform's) or service (Teams' own)",
                    )
                };
                user.music_on_hold = Some(worded(&MUSIC, text).ok_or_else(expected)?);
            }
            Self::MatchByMail => {
                let words = [
                    (true, "yes"),
                    (true, "true"),
                    (true, "1"),
                    (false, "no"),
                    (false, "false"),
                    (false, "0"),
                ];
                let expected = || Invalid::new(self.name(), "expected yes or no");
                user.match_by_mail = worded(&words, text).ok_or_else(expected)?;
            }
        }
        Ok(())
    }

    /// Takes the value away.
    ///
    /// # Errors
    /// `Invalid` where there has to be one.
    pub fn clear(self, user: &mut VoiceUser) -> Result<(), Invalid> {
        match self {
            Self::Id | Self::Name => return Err(Invalid::new(self.name(), "every voice user has one; give it")),
            Self::Email => user.email = None,
            Self::Number => user.number = None,
            Self::Extension => user.extension = None,
            Self::CallHandling => user.call_handling = CallHandling::default(),
            Self::Country => user.country = None,
            Self::MusicOnHold => user.music_on_hold = None,
            Self::MatchByMail => user.match_by_mail = false,
        }
        Ok(())
    }
}

/// An id that a new voice user may have.
///
/// # Errors
/// `Invalid` for other characters, and for words that a path needs.
pub fn id(text: &str) -> Result<VoiceUserId, Invalid> {
    if RESERVED.contains(&text) {
        return Err(Invalid::new(
            "id",
            format!("`{text}` cannot be an id here; choose another"),
        ));
    }
    text.parse()
}

fn extension(text: &str) -> Result<super::phone::Extension, Invalid> {
    text.parse().map_err(|invalid| match text.len() {
        1 if text.bytes().all(|b| b.is_ascii_digit()) => Invalid::new(
            "extension",
            "expected 2 to 8 digits; a spreadsheet drops zeros in front unless the column is formatted as text",
        ),
        _ if text.contains(['E', 'e', '.', ',']) => Invalid::new(
            "extension",
            "expected 2 to 8 digits; format the column as text, so that the spreadsheet leaves them as they are",
        ),
        _ => invalid,
    })
}

impl CallHandling {
    /// As the API names it.
    #[must_use]
    pub fn word(self) -> &'static str {
        let word = CALL_HANDLINGS.iter().find(|(value, _)| *value == self);
        word.map_or("", |(_, word)| word)
    }
}

impl MusicOnHold {
    /// As the API names it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pbx => "pbx",
            Self::Service => "service",
        }
    }
}

impl VoiceUser {
    /// A voice user of whom nothing is known but the id.
    #[must_use]
    pub fn new(id: VoiceUserId) -> Self {
        Self {
            id,
            name: String::new(),
            email: None,
            number: None,
            extension: None,
            call_handling: CallHandling::default(),
            country: None,
            music_on_hold: None,
            match_by_mail: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_field_says_it_also_reads() {
        let mut user = VoiceUser::new("v1".parse().unwrap());
        for (field, text) in [
            (Field::Name, "Ada Lovelace"),
            (Field::Email, "ada@customer.example"),
            (Field::Number, "+3222345678"),
            (Field::Extension, "0012"),
            (Field::CallHandling, "noVoicemail"),
            (Field::Country, "LU"),
            (Field::MusicOnHold, "pbx"),
            (Field::MatchByMail, "yes"),
        ] {
            field.set(&mut user, text, None).unwrap();
            assert_eq!(field.text(&user), text);
        }
        for field in Field::ALL {
            let mut again = VoiceUser::new("other".parse().unwrap());
            field.set(&mut again, &field.text(&user), None).unwrap();
            assert_eq!(field.text(&again), field.text(&user));
            assert_eq!(Field::named(field.name()), Some(field));
        }
    }

    #[test]
    fn people_write_words_in_their_own_way() {
        let mut user = VoiceUser::new("v1".parse().unwrap());
        Field::CallHandling
            .set(&mut user, "No Voicemail, no forwarding", None)
            .unwrap_err();
        Field::CallHandling
            .set(&mut user, "NO VOICEMAIL no-forwarding", None)
            .unwrap();
        assert_eq!(user.call_handling, CallHandling::NoVoicemailNoForwarding);
        Field::Country.set(&mut user, "be", None).unwrap();
        assert_eq!(Field::Country.text(&user), "BE");
        assert!(Field::Name.set(&mut user, "a\u{202e}b", None).is_err());
        for (text, because) in [
            ("7", "drops zeros"),
            ("1.2E+3", "as they are"),
            ("12345678901", "2 to 8 digits"),
        ] {
            let refused = Field::Extension.set(&mut user, text, None).unwrap_err();
            assert!(refused.why.contains(because), "{text}: {refused}");
        }
        assert!(Field::Id.set(&mut user, "export", None).is_err());
    }

    #[test]
    fn a_number_that_stays_is_not_asked_about_again() {
        let mut before = VoiceUser::new("v1".parse().unwrap());
        before.number = Some(
            "+3212345"
                .parse::<E164>()
                .unwrap_or_else(|_| "+32123456".parse().unwrap()),
        );
        let text = Field::Number.text(&before);
        let mut user = VoiceUser::new("v1".parse().unwrap());
        assert!(Field::Number.set(&mut user, &text, None).is_err());
        Field::Number.set(&mut user, &text, Some(&before)).unwrap();
        assert_eq!(user.number, before.number);
    }
}
