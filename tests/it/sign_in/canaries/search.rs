//! Looks for many secrets in many bytes, in every form in which one could be written.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::collections::{BTreeMap, HashMap};

/// By so many bytes a pattern is recognised first.
const HEAD: usize = 8;
/// What a hit shows around it.
const AROUND: usize = 60;

/// A secret.
pub(super) struct Canary {
    pub(super) kind: &'static str,
    pub(super) secret: Vec<u8>,
}

struct Pattern {
    canary: usize,
    form: String,
    bytes: Vec<u8>,
}

pub(super) struct Search {
    canaries: Vec<Canary>,
    patterns: Vec<Pattern>,
    by_head: HashMap<[u8; HEAD], Vec<usize>>,
    /// Whether any pattern begins with these two bytes.
    begins: Vec<bool>,
}

impl Search {
    pub(super) fn new(canaries: Vec<Canary>) -> Self {
        let mut search = Self {
            patterns: Vec::new(),
            by_head: HashMap::new(),
            begins: vec![false; 1 << 16],
            canaries,
        };
        for (place, canary) in search.canaries.iter().enumerate() {
            for (form, bytes) in forms(&canary.secret) {
                assert!(bytes.len() >= HEAD, "{}: too short to be sought", canary.kind);
                let head = bytes[..HEAD].try_into().unwrap();
                search.by_head.entry(head).or_default().push(search.patterns.len());
                search.begins[usize::from(bytes[0]) << 8 | usize::from(bytes[1])] = true;
                search.patterns.push(Pattern {
                    canary: place,
                    form,
                    bytes,
                });
            }
        }
        search
    }

    pub(super) fn patterns(&self) -> usize {
        self.patterns.len()
    }

    /// How many secrets there are of each kind.
    pub(super) fn kinds(&self) -> BTreeMap<&'static str, usize> {
        let mut kinds = BTreeMap::new();
        for canary in &self.canaries {
            *kinds.entry(canary.kind).or_default() += 1;
        }
        kinds
    }

    fn found<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = (usize, &'a Pattern)> {
        let begins = |at: &usize| self.begins[usize::from(bytes[*at]) << 8 | usize::from(bytes[at + 1])];
        let places = (0..bytes.len().saturating_sub(HEAD - 1)).filter(begins);
        let headed = places.filter_map(|at| Some((at, self.by_head.get(&bytes[at..at + HEAD])?)));
        let fitting =
            headed.flat_map(move |(at, patterns)| patterns.iter().map(move |place| (at, &self.patterns[*place])));
        fitting.filter(|(at, pattern)| bytes[*at..].starts_with(&pattern.bytes))
    }

    /// What was found, with its surroundings.
    pub(super) fn hits(&self, bytes: &[u8]) -> Vec<String> {
        let shown = |(at, pattern): (usize, &Pattern)| {
            let around = &bytes[at.saturating_sub(AROUND)..bytes.len().min(at + pattern.bytes.len() + AROUND)];
            let kind = self.canaries[pattern.canary].kind;
            format!("{kind}, {}: …{}…", pattern.form, String::from_utf8_lossy(around))
        };
        self.found(bytes).map(shown).collect()
    }

    /// Plants every secret in every form, at any place of a text, and finds each.
    pub(super) fn proves_that_it_finds(&self) {
        for canary in &self.canaries {
            for before in 0..3 {
                let plain = [&vec![b'.'; before], canary.secret.as_slice(), b"..."].concat();
                let written = [
                    plain.clone(),
                    STANDARD_NO_PAD.encode(&plain).into_bytes(),
                    URL_SAFE_NO_PAD.encode(&plain).into_bytes(),
                    hex(&plain, false),
                    hex(&plain, true),
                ];
                for text in written {
                    let planted = [b"some text \n", text.as_slice(), b" and more"].concat();
                    let found = self
                        .found(&planted)
                        .any(|(_, pattern)| self.canaries[pattern.canary].secret == canary.secret);
                    assert!(found, "a planted {} is not found", canary.kind);
                }
            }
        }
        assert_eq!(
            self.hits(b"nothing is in here but words, and more words than one")
                .len(),
            0
        );
    }
}

/// The secret as it is, in base64 whatever stands before it, and in hex.
fn forms(secret: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut forms = vec![
        ("as it is".to_owned(), secret.to_vec()),
        ("hex".to_owned(), hex(secret, false)),
        ("HEX".to_owned(), hex(secret, true)),
    ];
    for before in 0..3 {
        let shifted = [&vec![0; before], secret].concat();
        for (name, engine) in [("base64", &STANDARD_NO_PAD), ("base64url", &URL_SAFE_NO_PAD)] {
            let text = engine.encode(&shifted).into_bytes();
            // Characters that hold bits of what stands before or behind it are left out.
            let (first, last) = ((before * 8).div_ceil(6), shifted.len() * 8 / 6);
            forms.push((format!("{name} behind {before}"), text[first..last].to_vec()));
        }
    }
    forms.dedup_by(|one, other| one.1 == other.1);
    forms
}

fn hex(bytes: &[u8], upper: bool) -> Vec<u8> {
    let digits = bytes.iter().map(|byte| {
        if upper {
            format!("{byte:02X}")
        } else {
            format!("{byte:02x}")
        }
    });
    digits.collect::<String>().into_bytes()
}
