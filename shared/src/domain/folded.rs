//! Names as people look for them: without regard to case, accents and width.

use icu_normalizer::DecomposingNormalizerBorrowed;

/// A text without case, accents and the differences of compatible characters: `Ärzte` is `arzte`, `ﬁrm` is `firm`. For
/// searching and sorting; never shown.
#[must_use]
pub fn folded(text: &str) -> String {
    let marks = |c: char| matches!(c, '\u{0300}'..='\u{036F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}');
    let decomposed =
        DecomposingNormalizerBorrowed::new_nfkd().normalize_iter(text.trim().chars().flat_map(char::to_lowercase));
    let mut folded = String::with_capacity(text.len());
    for c in decomposed.filter(|c| !marks(*c)) {
        match c {
            // Letters that are no letter with a mark to Unicode, and one to whoever types them.
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'þ' => folded.push_str("th"),
            'ı' => folded.push('i'),
            c => folded.push(c),
        }
    }
    folded
}

/// What somebody looks for: every one of its words stands somewhere in a text.
#[derive(Clone, Debug)]
pub struct Words(Vec<String>);

impl Words {
    /// The words of a search; one without any finds everything.
    #[must_use]
    pub fn of(search: &str) -> Self {
        Self(folded(search).split_whitespace().map(str::to_owned).collect())
    }

    /// Whether a text that was `folded` has all of them.
    #[must_use]
    pub fn all_in(&self, folded: &str) -> bool {
        self.0.iter().all(|word| folded.contains(word.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_and_width_make_no_difference() {
        for (written, looked_for) in [
            ("Ärzte", "arzte"),
            ("A\u{308}rzte", "ÄRZTE"),
            ("Łódź", "lodz"),
            ("Straße", "STRASSE"),
            ("Øresund", "oresund"),
            ("ＳＡＬＥＳ", "sales"),
            (" İstanbul ", "istanbul"),
        ] {
            assert_eq!(folded(written), folded(looked_for), "{written}");
        }
        assert_ne!(folded("Sales"), folded("Sale"));
    }

    #[test]
    fn every_word_must_be_there_in_any_order() {
        let name = folded("Équipe Ventes Paris");
        assert!(Words::of("paris  equipe").all_in(&name));
        assert!(Words::of("vent").all_in(&name));
        assert!(Words::of(" ").all_in(&name));
        assert!(!Words::of("ventes lyon").all_in(&name));
    }
}
