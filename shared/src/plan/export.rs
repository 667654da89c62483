//! Voice users as a table that spreadsheets open, and that comes back as it was.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, whoever wrote it there. Such a cell gets
//! an apostrophe in front: text for a spreadsheet, taken away again by the import. That holds for numbers as well: without
//! it a spreadsheet would turn `+3222345678` into 3222345678. A spreadsheet that splits at another delimiter than ours
//! begins cells in the middle of our values, so the same is done after every character that may be one.

use crate::domain::voice::VoiceUser;
use crate::domain::voice_field::Field;

/// Begins a formula. The last four are the wide forms.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
/// Ends a cell, here or elsewhere.
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];
/// What may stand before a formula without hiding it.
const AROUND: [char; 3] = ['\'', '"', ' '];

fn formula(text: &str) -> bool {
    text.trim_start_matches(AROUND).starts_with(FORMULA)
}

/// The parts of a text, each with the delimiter that ends it.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(DELIMITERS)
}

/// A value that no spreadsheet computes.
#[must_use]
pub fn guarded(text: &str) -> String {
    let guard = |part: &str| {
        if formula(part) {
            format!("'{part}")
        } else {
            part.to_owned()
        }
    };
    parts(text).map(guard).collect()
}

/// The value as it was before `guarded`.
#[must_use]
pub fn unguarded(text: &str) -> String {
    let bare = |part| match str::strip_prefix(part, '\'') {
        Some(rest) if formula(rest) => rest,
        Some(_) | None => part,
    };
    parts(text).map(bare).collect()
}

/// A table of these users with a header, in UTF-8 with the mark by which spreadsheets know it.
///
/// # Errors
/// None that could arise in memory.
pub fn table<'a>(users: impl IntoIterator<Item = &'a VoiceUser>) -> Result<Vec<u8>, ::csv::Error> {
    let mut text = b"\xef\xbb\xbf".to_vec();
    let mut writer = ::csv::WriterBuilder::new()
        .terminator(::csv::Terminator::CRLF)
        .from_writer(&mut text);
    writer.write_record(Field::ALL.map(Field::name))?;
    for user in users {
        writer.write_record(Field::ALL.map(|field| guarded(&field.text(user))))?;
    }
    writer.flush()?;
    drop(writer);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_spreadsheet_would_compute_is_text() {
        for (value, cell) in [
            ("=1+1", "'=1+1"),
            ("+3222345678", "'+3222345678"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2", "'-2"),
            ("＝1", "'＝1"),
            ("Ann;=1+1", "Ann;'=1+1"),
            ("a, \"=1", "a,' \"=1"),
            ("'=1", "''=1"),
            // Not touched.
            ("Ada Lovelace", "Ada Lovelace"),
            ("'t Hooft", "'t Hooft"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(guarded(value), cell);
            assert_eq!(unguarded(cell), value);
        }
    }

    proptest! {
        #[test]
        fn any_value_comes_back_and_no_part_of_it_is_a_formula(
            value in "\\PC{0,40}|['\" =+@,;|\\t\\r\\n-]{0,12}[=+@a-c,;'-]{0,6}"
        ) {
            let cell = guarded(&value);
            prop_assert_eq!(unguarded(&cell), value);
            for part in cell.split(DELIMITERS) {
                prop_assert!(!part.starts_with(FORMULA), "{:?} in {:?}", part, cell);
            }
        }
    }
}
