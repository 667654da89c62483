//! The colour of a brand: of its buttons in mails.

use super::Invalid;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How much lighter one of two colours has to be for text of normal size (WCAG 2.2, 1.4.3).
const READABLE: f64 = 4.5;

/// A colour that white text can be read on. That makes it dark enough to stand out on white paper, too; in the dark, buttons
/// have a border.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Accent([u8; 3]);

impl Accent {
    /// Where a brand has none of its own.
    pub const DEFAULT: Self = Self([0x1f, 0x55, 0xb8]);
}

impl FromStr for Accent {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let parts = text
            .strip_prefix('#')
            .filter(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
        let part = |at: usize| u8::from_str_radix(parts?.get(at..at + 2)?, 16).ok();
        let (Some(red), Some(green), Some(blue)) = (part(0), part(2), part(4)) else {
            return Err(Invalid::new("accent", "give a colour such as #1f55b8"));
        };
        let colour = [red, green, blue];
        let contrast = 1.05 / (luminance(colour) + 0.05);
        if contrast < READABLE {
            let why = format!(
                "white text on {text} has a contrast of {contrast:.2}, and {READABLE} is needed to read it; give a darker colour"
            );
            return Err(Invalid::new("accent", why));
        }
        Ok(Self(colour))
    }
}

/// The relative luminance of WCAG 2.2, 0 to 1.
fn luminance(colour: [u8; 3]) -> f64 {
    let linear = |part: u8| {
        let share = f64::from(part) / 255.0;
        if share <= 0.04045 {
            share / 12.92
        } else {
            ((share + 0.055) / 1.055).powf(2.4)
        }
    };
    let [red, green, blue] = colour.map(linear);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

impl TryFrom<String> for Accent {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Accent> for String {
    fn from(accent: Accent) -> Self {
        accent.to_string()
    }
}

impl fmt::Display for Accent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dark_colours_are_taken() {
        for text in ["#1f55b8", "#000000", "#B00020", "#767676"] {
            let accent: Accent = text.parse().unwrap();
            assert_eq!(accent.to_string(), text.to_lowercase());
        }
        assert_eq!(Accent::DEFAULT.to_string().parse(), Ok(Accent::DEFAULT));
    }

    #[test]
    fn colours_that_white_text_cannot_be_read_on_are_refused_with_the_reason() {
        // The grey beside it is the lightest that fits.
        for (text, contrast) in [("#777777", "4.48"), ("#ffcc00", "1.51"), ("#ffffff", "1.00")] {
            let why = text.parse::<Accent>().unwrap_err().why;
            assert!(why.contains(contrast) && why.contains("darker"), "{why}");
        }
    }

    #[test]
    fn what_is_no_colour_is_refused() {
        for text in [
            "",
            "red",
            "#12345",
            "#1234567",
            "1f55b8",
            "#gg0000",
            "#1f55é",
            "#+1+1+1",
            "rgb(0,0,0)",
        ] {
            assert_eq!(text.parse::<Accent>().unwrap_err().what, "accent", "{text}");
        }
    }

    #[test]
    fn it_is_kept_as_text() {
        let kept = serde_json::to_string(&Accent::DEFAULT).unwrap();
        assert_eq!(kept, "\"#1f55b8\"");
        assert_eq!(serde_json::from_str::<Accent>(&kept).unwrap(), Accent::DEFAULT);
        assert!(serde_json::from_str::<Accent>("\"#fff\"").is_err());
    }
}
