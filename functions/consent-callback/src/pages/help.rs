//! The help pages: one for each code, and the list of what Microsoft may say on its own page.

use super::topics::{Blanks, Topic, generic, is_number, microsofts, ours, people, topic};
use askama::Template;

/// What one code means, for whoever reads it (R204-R210).
#[derive(Clone, Debug, Template)]
#[template(path = "help_topic.html")]
pub struct HelpTopicPage {
    /// What is the matter.
    pub headline: String,
    /// What happened.
    pub what_happened: String,
    /// The way out, in order.
    pub what_to_do: Vec<String>,
    /// Who can help.
    pub who: String,
    /// Where to read more: words, and an address.
    pub links: Vec<(&'static str, &'static str)>,
    /// The code that was asked for, where it is one.
    pub code: Option<String>,
    /// Other numbers that mean the same.
    pub same: Vec<&'static str>,
}

/// The page of a code; the general one where it is in no table. An unknown code is repeated only if it is a number of
/// Microsoft's.
#[must_use]
pub fn help_topic(code: &str) -> HelpTopicPage {
    let known = topic(code);
    let topic = known.unwrap_or(generic());
    let blanks = Blanks::default();
    HelpTopicPage {
        headline: topic.headline.to_owned(),
        what_happened: blanks.filled(topic.what),
        what_to_do: topic.steps.iter().map(|step| blanks.filled(step)).collect(),
        who: capitalised(&blanks.filled(topic.who)),
        links: topic.links.to_vec(),
        code: (known.is_some() || is_number(code)).then(|| code.to_owned()),
        same: topic.numbers().into_iter().filter(|number| *number != code).collect(),
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Everything that can be looked up, and the field to look it up by a number.
#[derive(Clone, Debug, Template)]
#[template(path = "help.html")]
pub struct HelpPage {
    /// What was asked for could not be read as a number.
    pub not_a_number: bool,
    /// What Microsoft says.
    pub microsofts: Vec<HelpRow>,
    /// What we say.
    pub ours: Vec<HelpRow>,
    /// Why somebody cannot be mapped or called.
    pub people: Vec<HelpRow>,
}

/// A line of the list.
#[derive(Clone, Debug)]
pub struct HelpRow {
    /// What is the matter.
    pub headline: &'static str,
    /// Its page's last segment.
    pub code: &'static str,
    /// The codes that people see.
    pub codes: Vec<&'static str>,
}

/// The list of every topic.
#[must_use]
pub fn help(not_a_number: bool) -> HelpPage {
    // Where Microsoft's number means what a code of ours means, people look for either.
    let (also, only): (Vec<&Topic>, Vec<&Topic>) = ours().iter().partition(|topic| !topic.numbers().is_empty());
    HelpPage {
        not_a_number,
        microsofts: also.iter().copied().chain(microsofts()).map(numbered).collect(),
        ours: also.iter().chain(&only).map(|topic| named(topic)).collect(),
        people: people().iter().map(named).collect(),
    }
}

fn numbered(topic: &Topic) -> HelpRow {
    HelpRow {
        headline: topic.headline,
        code: topic.numbers().first().copied().unwrap_or(topic.code()),
        codes: topic.numbers(),
    }
}

fn named(topic: &Topic) -> HelpRow {
    HelpRow {
        headline: topic.headline,
        code: topic.code(),
        codes: vec![topic.code()],
    }
}
