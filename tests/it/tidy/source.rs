//! The repository as text: its files, and Rust without comments and literals.

use std::fs;
use std::path::{Path, PathBuf};

/// The repository's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the repository")
}

/// A file's text.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every text file of the repository, by its path from the root. Build output and local data are no part of it.
pub(crate) fn files() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).expect("a folder can be read") {
            let entry = entry.expect("an entry");
            let path = folder.join(entry.file_name());
            let name = path.to_string_lossy().into_owned();
            if [".git", "target", ".data"].contains(&name.as_str()) {
                continue;
            }
            match entry.file_type().expect("a kind").is_dir() {
                true => folders.push(path),
                false => found.extend(fs::read_to_string(entry.path()).ok().map(|text| (name, text))),
            }
        }
    }
    found.sort();
    assert!(found.len() > 50, "the repository was not found");
    found
}

/// Rust without comments and without what stands in string literals, line for line.
pub(crate) fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let raw = rest
            .strip_prefix('r')
            .map(|after| after.trim_start_matches('#'))
            .filter(|after| after.starts_with('"'));
        let after_word = out.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let (Some(opened), false) = (raw, after_word) {
            let start = rest.len() - opened.len();
            let end = format!("\"{}", "#".repeat(start - 1));
            opened[1..]
                .find(&end)
                .map_or(rest.len(), |at| start + 1 + at + end.len())
        } else if next == '"' {
            string_end(rest)
        } else if let Some(quoted) = ["'\"'", "'\\\"'", "'\\''", "'\\\\'"]
            .iter()
            .find(|quoted| rest.starts_with(**quoted))
        {
            quoted.len()
        } else {
            out.push(next);
            rest = &rest[next.len_utf8()..];
            continue;
        };
        if !rest.starts_with('/') {
            out.push_str("\"\"");
        }
        out.extend(rest[..skipped].chars().filter(|&c| c == '\n'));
        rest = &rest[skipped..];
    }
    out
}

fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    text.len()
}

#[test]
fn code_is_what_is_neither_comment_nor_text() {
    assert_eq!(code("a // b\nc"), "a \nc");
    assert_eq!(code("f(\"x // \\\" y\") /* z\n */ + 1"), "f(\"\") \n + 1");
    assert_eq!(code("r#\"a \" b\"# '\"' c 'a 'x'"), "\"\" \"\" c 'a 'x'");
}
