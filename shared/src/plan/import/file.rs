//! Voice users as a table of a spreadsheet: CSV with commas, semicolons or tabs, as spreadsheets write it.

use super::{Cell, Given, Import};
use crate::domain::Invalid;
use crate::domain::fault::{Fault, Place};
use crate::domain::voice_field::Field;
use crate::plan::export::unguarded;
use std::io::{Cursor, Read};

/// In a cell: there is no such value any more. A blank cell leaves what is there.
pub const CLEAR: &str = "CLEAR";
/// How much of a file is looked at to see how it is written.
const GLANCE: u64 = 16 * 1024;
/// Other names of columns, without blanks and in lower case.
const ALSO: [(&str, Field); 8] = [
    ("userid", Field::Id),
    ("displayname", Field::Name),
    ("mail", Field::Email),
    ("emailaddress", Field::Email),
    ("phone", Field::Number),
    ("phonenumber", Field::Number),
    ("telephonenumber", Field::Number),
    ("ext", Field::Extension),
];

/// Reads a table with a header.
///
/// # Errors
/// Where it cannot be read as text with a header.
pub fn read(mut input: impl Read, import: &mut Import<'_>) -> Result<(), Fault> {
    let mut start = Vec::new();
    let glanced = input.by_ref().take(GLANCE).read_to_end(&mut start);
    glanced.map_err(|error| whole("file", format!("it cannot be read: {error}")))?;
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) || start.contains(&0) {
        return Err(whole(
            "file",
            "it is not UTF-8 text; save it as `CSV UTF-8 (comma delimited)`",
        ));
    }
    let from = if start.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    start.drain(..from);
    // Spreadsheets say so where the delimiter is not the usual one.
    let said = match start.get(..5) {
        Some([b's', b'e', b'p', b'=', said]) if b",;\t|".contains(said) => Some(*said),
        Some(_) | None => None,
    };
    let line_end = |at: usize| match start.get(at..) {
        Some([b'\r', b'\n', ..]) => at + 2,
        Some([_, ..]) => at + 1,
        Some([]) | None => at,
    };
    let skipped = said.map_or(0, |_| line_end(5));
    let delimiter = said.unwrap_or_else(|| delimiter(&start));
    start.drain(..skipped);
    let text = Cursor::new(start).chain(input);
    let lines_before = u64::from(skipped > 0);
    let mut table = ::csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .from_reader(text);
    let mut record = ::csv::ByteRecord::new();
    let mut columns: Option<Vec<Field>> = None;
    loop {
        let more = table.read_byte_record(&mut record);
        let line = record.position().map_or(0, ::csv::Position::line) + lines_before;
        if !more.map_err(|error| whole("file", format!("it cannot be read after line {line}: {error}")))? {
            break;
        }
        if record.iter().all(|cell| cell.trim_ascii().is_empty()) {
            continue;
        }
        match &columns {
            None => columns = Some(header(&record, line, delimiter)?),
            Some(columns) => {
                if let Some(cells) = row(&record, columns, line, import) {
                    import.take(Place::Line(line), cells);
                }
            }
        }
        if import.full() {
            break;
        }
    }
    if columns.is_none() {
        return Err(whole(
            "file",
            "it is empty; the first line names the columns, and each further line is a voice user",
        ));
    }
    Ok(())
}

fn whole(what: &str, why: impl Into<String>) -> Fault {
    Invalid::new(what, why).into()
}

/// The delimiter that the header has most of, outside quotes.
fn delimiter(text: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for byte in text {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if !quoted => counts
                .iter_mut()
                .filter(|(delimiter, _)| delimiter == byte)
                .for_each(|(_, count)| *count += 1),
            _ => {}
        }
    }
    // Where there is one column, any will do.
    let most = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    most.map_or(b',', |(delimiter, _)| delimiter)
}

fn text(cell: &[u8]) -> Result<&str, Invalid> {
    let wrong = |_| {
        Invalid::new(
            "file",
            "there are letters that are not UTF-8; the file is probably in an old Windows encoding: save it as \
             `CSV UTF-8 (comma delimited)`",
        )
    };
    std::str::from_utf8(cell).map_err(wrong)
}

fn header(record: &::csv::ByteRecord, line: u64, delimiter: u8) -> Result<Vec<Field>, Fault> {
    let known: Vec<&str> = Field::ALL.iter().map(|field| field.name()).collect();
    let known = known.join(", ");
    let mut columns = Vec::with_capacity(record.len());
    for (at, cell) in record.iter().enumerate() {
        let fault = |invalid: Invalid| Fault {
            place: Some(Place::Line(line)),
            column: Some(at + 1),
            id: None,
            invalid,
        };
        let name = text(cell).map_err(fault)?.trim();
        let bare = name.replace([' ', '_', '-', '\'', '*'], "").to_lowercase();
        let field = Field::ALL.into_iter().find(|field| field.name().to_lowercase() == bare);
        let also = ALSO.iter().find(|(other, _)| *other == bare).map(|(_, field)| *field);
        let Some(field) = field.or(also) else {
            let why = if name.is_empty() {
                format!("this column has no name; name it, or take it out. There are: {known}")
            } else {
                format!("there is no column `{name}`; rename it, or take it out. There are: {known}")
            };
            return Err(fault(Invalid::new("header", why)));
        };
        if columns.contains(&field) {
            return Err(fault(Invalid::new(
                "header",
                format!("the column {} stands there twice", field.name()),
            )));
        }
        columns.push(field);
    }
    if !columns.contains(&Field::Id) {
        let why = format!(
            "the first line names the columns, and there is no column id; the delimiter was taken to be `{}`. There are: {known}",
            if delimiter == b'\t' {
                "tab".to_owned()
            } else {
                char::from(delimiter).to_string()
            }
        );
        return Err(Fault {
            place: Some(Place::Line(line)),
            ..whole("header", why)
        });
    }
    Ok(columns)
}

/// The cells of a line; faults are noted with the line.
fn row(record: &::csv::ByteRecord, columns: &[Field], line: u64, import: &mut Import<'_>) -> Option<Vec<Cell>> {
    let refuse = |import: &mut Import<'_>, column: Option<usize>, invalid: Invalid| {
        import.refuse(Fault {
            place: Some(Place::Line(line)),
            column,
            id: None,
            invalid,
        });
    };
    let beyond = record.iter().skip(columns.len()).any(|cell| !cell.is_empty());
    if beyond || record.len() < columns.len() {
        let why = format!(
            "it has {} cells and the header has {}; a value that holds the delimiter or a line break belongs in quotes",
            record.len(),
            columns.len()
        );
        refuse(import, None, Invalid::new("line", why));
        return None;
    }
    let mut cells = Vec::with_capacity(columns.len());
    for (at, (cell, field)) in record.iter().zip(columns).enumerate() {
        let column = Some(at + 1);
        match text(cell) {
            Ok(text) => cells.push(Cell {
                field: *field,
                given: given(*field, text),
                column,
            }),
            Err(invalid) => {
                refuse(import, column, invalid);
                return None;
            }
        }
    }
    Some(cells)
}

fn given(field: Field, cell: &str) -> Given {
    let text = unguarded(cell.trim());
    // A spreadsheet's mark for text, which some programs write into the file.
    let text = if [Field::Number, Field::Extension].contains(&field) {
        text.trim_start_matches('\'').to_owned()
    } else {
        text
    };
    let clears = text.trim() == CLEAR && ![Field::Id, Field::Name].contains(&field);
    if clears { Given::Nothing } else { Given::Text(text) }
}
