//! One line of text from elsewhere: names of people and companies, and what was seen of them.

use std::fmt;

/// The most characters of a line that is a name: as many as our own forms take.
const NAME_MAX: usize = 120;
/// The most characters of a line that is a sentence.
const SENTENCE_MAX: usize = 600;
/// How many accents a letter may carry: Vietnamese has two, and a pile of them covers the lines above.
const MARKS_MAX: usize = 3;

/// Begins a piece of text whose direction is its own.
const ISOLATE: char = '\u{2068}';
/// Ends it.
const END_ISOLATE: char = '\u{2069}';

/// One line of text, whatever came in: it can neither add lines, nor turn the direction of what stands around it, nor hide
/// characters, nor become a link, nor fill a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line(String);

impl Line {
    /// A sentence, which may be longer than a name.
    #[must_use]
    pub fn sentence(text: &str) -> Self {
        Self(cleaned(text, SENTENCE_MAX))
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self(cleaned(text, NAME_MAX))
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

/// In a direction of its own where it needs one.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.chars().any(right_to_left) {
            write!(f, "{ISOLATE}{}{END_ISOLATE}", self.0)
        } else {
            f.write_str(&self.0)
        }
    }
}

/// A subject, which is made of lines and of our own words: one line, with the directions that its parts have.
pub(super) fn one_line(text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let visible: String = text.chars().map(|c| if breaks(c) { ' ' } else { c }).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cleaned(text: &str, longest: usize) -> String {
    // Nobody reads further, and what is not read need not be looked at.
    let read = text.chars().take(longest * 8);
    let mut kept = String::new();
    let mut marks = 0;
    let mut before = ' ';
    for c in read {
        let c = if breaks(c) { ' ' } else { c };
        marks = if is_mark(c) { marks + 1 } else { 0 };
        if hidden(c, before) || marks > MARKS_MAX {
            continue;
        }
        kept.push(c);
        before = c;
    }
    let kept = kept.split_whitespace().collect::<Vec<_>>().join(" ");
    // What mail programs would make a link of stays text.
    let kept = kept.replace("://", ": //");
    shortened(&kept, longest)
}

fn shortened(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let start: String = text.chars().take(longest - 1).collect();
    // Not in the middle of what is drawn as one.
    let start = start.trim_end_matches(|c: char| c.is_whitespace() || joins(c));
    format!("{start}…")
}

/// Ends a line, or is drawn as nothing that a reader expects.
fn breaks(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Turns directions, or is not seen at all.
fn hidden(c: char, before: char) -> bool {
    // Between the letters of some scripts and the parts of some pictures these two are needed.
    if joins(c) {
        return before.is_ascii();
    }
    matches!(c,
        // Directions.
        '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{206F}'
        // Nothing, in many forms.
        | '\u{00AD}' | '\u{034F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{200B}'
        | '\u{2060}'..='\u{2065}' | '\u{2800}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
        | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}'
    )
}

fn joins(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}

fn is_mark(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

/// Hebrew, Arabic and their neighbours.
fn right_to_left(c: char) -> bool {
    matches!(c, '\u{0590}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}' | '\u{10800}'..='\u{10FFF}'
        | '\u{1E800}'..='\u{1EFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> String {
        Line::from(text).to_string()
    }

    #[test]
    fn it_is_one_line() {
        assert_eq!(line(" a\r\nb\u{2028}c\t\u{202E} d\u{061C}e\u{0} "), "a b c de");
    }

    #[test]
    fn what_is_not_seen_is_not_there() {
        assert_eq!(
            line("Blue\u{200B}fi\u{AD}nch\u{FEFF} \u{E0041}Ltd\u{2060}"),
            "Bluefinch Ltd"
        );
        assert_eq!(line("a\u{200D}b"), "ab");
    }

    #[test]
    fn what_scripts_and_pictures_need_stays() {
        for name in [
            "می\u{200C}خواهم",
            "👩\u{200D}🔧",
            "Nguyễn",
            "Zoë",
            "株式会社",
            "क\u{94D}\u{200D}ष",
        ] {
            assert!(line(name).contains(name), "{name}");
        }
    }

    #[test]
    fn a_name_from_right_to_left_keeps_to_itself() {
        assert_eq!(line("אבג"), "\u{2068}אבג\u{2069}");
        assert_eq!(
            one_line(&format!("For {}\r\nX: y", line("אבג"))),
            "For \u{2068}אבג\u{2069} X: y"
        );
    }

    #[test]
    fn long_ones_end_with_an_ellipsis() {
        let long = line(&"x".repeat(10_000));
        assert_eq!(long.chars().count(), NAME_MAX);
        assert!(long.ends_with("x…"));
        assert_eq!(line(&"x".repeat(NAME_MAX)), "x".repeat(NAME_MAX));
        let sentence = Line::sentence(&"word ".repeat(1_000)).to_string();
        assert!(
            sentence.chars().count() <= SENTENCE_MAX && sentence.ends_with("word…"),
            "{sentence}"
        );
    }

    #[test]
    fn no_link_is_made_of_it() {
        assert_eq!(line("Win at https://evil.example/x"), "Win at https: //evil.example/x");
    }

    #[test]
    fn accents_do_not_pile_up() {
        let piled = format!("e{}", "\u{0301}".repeat(50));
        assert_eq!(line(&piled), format!("e{}", "\u{0301}".repeat(MARKS_MAX)));
    }
}
