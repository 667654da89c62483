//! The countries' numbering plans, asked only where a person or a platform hands a number in: what is wrong with it, in
//! words that say what to do.
//!
//! The plans are unpacked at the first question, so that a function that never asks never pays for them. Only lengths are
//! checked: which ranges are in use changes faster than any library.

use super::{Country, E164, Invalid};
use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, ParseError, PhoneNumberFormat, ValidationError};

/// What people put between digits.
const BETWEEN: [char; 8] = [' ', '-', '.', '(', ')', '/', '\u{a0}', '\u{202f}'];

impl E164 {
    /// A number that could be dialled: in E.164 form, with a country code that there is, and as long as numbers are there.
    ///
    /// # Errors
    /// `Invalid` says what is wrong and, where it can be guessed, which number was meant.
    pub fn dialable(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let read = text.parse::<Self>().map_err(|_| meant(text));
        read.and_then(|number| number.long_enough())
            .map_err(|why| Invalid::new("number", why))
    }

    /// Where the number belongs. Shared country codes (+1, +7, +44) are told apart by the digits that follow; nothing for
    /// numbers of no single country, and for ranges that nobody has been given.
    #[must_use]
    pub fn country(&self) -> Option<Country> {
        let number = PHONE_NUMBER_UTIL.parse(&self.0, None).ok()?;
        let letters = (PHONE_NUMBER_UTIL.get_region_for_number(&number)? as u16).to_be_bytes();
        letters.iter().all(u8::is_ascii_uppercase).then_some(Country(letters))
    }

    fn long_enough(self) -> Result<Self, String> {
        let number = PHONE_NUMBER_UTIL.parse(&self.0, None).map_err(|error| match error {
            ParseError::InvalidCountryCode => format!("{self} begins with a country code that does not exist"),
            ParseError::TooLongNsn => format!("{self} is too long"),
            ParseError::TooShortNsn | ParseError::TooShortAfterIdd => format!("{self} is too short"),
            ParseError::NotANumber(_) => format!("{self} is not a telephone number"),
        })?;
        let code = number.country_code;
        match PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number) {
            Ok(NumberLengthType::IsPossible) => {}
            Ok(NumberLengthType::IsPossibleLocalOnly) => {
                return Err(format!("{self} lacks the area code that follows +{code}"));
            }
            Err(ValidationError::TooShort) => return Err(format!("{self} is too short for a number of +{code}")),
            Err(ValidationError::TooLong) => return Err(format!("{self} is too long for a number of +{code}")),
            Err(ValidationError::InvalidLength) => {
                return Err(format!("no number of +{code} has as many digits as {self}"));
            }
            Err(ValidationError::InvalidCountryCode) => {
                return Err(format!("{self} begins with a country code that does not exist"));
            }
        }
        // +44 (0)20… is understood, but nobody could dial it as it stands.
        let written = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164);
        if written == self.0 {
            Ok(self)
        } else {
            Err(format!(
                "{self} holds a prefix for calls within the country; did you mean {written}?"
            ))
        }
    }
}

/// Why a text is no number in E.164 form, and which one was meant.
fn meant(text: &str) -> String {
    if shortened(text) {
        return format!(
            "{text} is how a spreadsheet shows a long number, and its last digits are lost; format the column as text and \
             enter the whole number, such as +3222345678"
        );
    }
    if text.chars().any(char::is_alphabetic) {
        return "a number has no letters; write +, the country code and the digits (an extension has a field of its own)"
            .into();
    }
    let bare: String = text.chars().filter(|c| !BETWEEN.contains(c)).collect();
    let (digits, plus) = match (bare.strip_prefix('+'), bare.strip_prefix("00")) {
        (Some(digits), _) => (digits, true),
        (None, Some(digits)) => (digits, true),
        (None, None) => (bare.as_str(), false),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return "expected E.164: +, the country code and the number, in digits only".into();
    }
    let guess = format!("+{digits}").parse::<E164>().ok();
    let guess = guess.and_then(|number| number.long_enough().ok());
    match (guess, plus) {
        (Some(guess), true) => {
            format!("write +, the country code and the digits, without blanks; did you mean {guess}?")
        }
        (Some(guess), false) => format!(
            "the + in front is missing (spreadsheets drop it unless the column is formatted as text); did you mean {guess}?"
        ),
        (None, true) => "expected E.164: +, the country code and the number, 7 to 15 digits without blanks".into(),
        (None, false) => {
            format!("{text} has no country code; write +, the country code and the number, without a 0 in front")
        }
    }
}

/// `1.55501E+10`, or with a comma.
fn shortened(text: &str) -> bool {
    let Some((digits, power)) = text.split_once(['E', 'e']) else {
        return false;
    };
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',');
    let power = power.trim_start_matches(['+', '-']);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && number(digits)
        && !power.is_empty()
        && power.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn refused(text: &str, because: &str) {
        let why = E164::dialable(text).unwrap_err().why;
        assert!(why.contains(because), "{text}: {why}");
    }

    #[test]
    fn number_invalid_says_what_is_wrong() {
        for right in [
            "+3222345678",
            "+15550100123",
            "+442071234567",
            "+390612345678",
            " +4930123456 ",
        ] {
            assert_eq!(E164::dialable(right).unwrap().as_str(), right.trim());
        }
        refused("15550100123", "did you mean +15550100123?");
        refused("0032 2 234 56 78", "did you mean +3222345678?");
        refused("+32 2 234.56.78", "did you mean +3222345678?");
        refused("+1 (555) 010-0123", "did you mean +15550100123?");
        refused("+4402071234567", "did you mean +442071234567?");
        refused("1.55501E+10", "its last digits are lost");
        refused("3,22701e10", "its last digits are lost");
        refused("022345678", "has no country code");
        refused("5550100", "has no country code");
        refused("+99912345678", "a country code that does not exist");
        refused("+3222345", "too short for a number of +32");
        refused("+155501001", "too short for a number of +1");
        refused("+15550100", "lacks the area code");
        refused("+322234567890", "too long for a number of +32");
        refused("+1555CALLUS", "no letters");
        refused("+32 2 234 56 78 ext. 12", "field of its own");
        refused("=1+1", "digits only");
        refused("", "digits only");
    }

    #[test]
    fn a_number_belongs_to_a_country_also_where_the_code_is_shared() {
        for (number, country) in [
            ("+3222345678", "BE"),
            ("+12025550123", "US"),
            ("+14165550123", "CA"),
            ("+18765550123", "JM"),
            ("+442071234567", "GB"),
            ("+441481256789", "GG"),
            ("+441534256789", "JE"),
            ("+77012345678", "KZ"),
            ("+79161234567", "RU"),
            ("+390612345678", "IT"),
        ] {
            let number: E164 = number.parse().unwrap();
            assert_eq!(
                number.country().map(|country| country.to_string()).as_deref(),
                Some(country),
                "{number}"
            );
        }
        // Of no country, of nobody, and of no plan.
        for number in ["+80012345678", "+15550100123", "+99912345678"] {
            assert_eq!(number.parse::<E164>().unwrap().country(), None, "{number}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,24}|[+0-9 ().eE-]{0,20}|\\+[1-9][0-9]{5,15}") {
            if let Ok(number) = E164::dialable(&text) {
                prop_assert_eq!(number.as_str(), text.trim());
                prop_assert_eq!(E164::dialable(number.as_str()).unwrap(), number.clone());
                let _ = number.country();
            }
        }
    }
}
