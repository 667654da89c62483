//! Voice users as JSON: a list in an object, or one object to a line. Each is handed on as soon as it is read.

use super::{Cell, Given, Import};
use crate::domain::Invalid;
use crate::domain::fault::{Fault, Place};
use crate::domain::voice_field::Field;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Unexpected, Visitor};
use std::fmt;
use std::io::{BufRead, Read};

/// A user as JSON gives it: whatever its fields say, as text. Unknown and double fields are refused.
#[derive(Debug)]
pub struct Said(pub Vec<Cell>);

/// What stood there, and as what.
struct Value(Given, Kind);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Truth,
    Number,
    Null,
}

impl Kind {
    /// Whether a field may be given so. A telephone number without its quotes has lost its plus too, which is what its
    /// reader then says.
    fn fits(self, field: Field) -> bool {
        match self {
            Self::Null | Self::Text => true,
            Self::Truth => field == Field::MatchByMail,
            Self::Number => field == Field::Number,
        }
    }
}

impl<'de> serde::Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;
        impl Visitor<'_> for Scalar {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or null")
            }
            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value(Given::Text(text.to_owned()), Kind::Text))
            }
            fn visit_string<E>(self, text: String) -> Result<Value, E> {
                Ok(Value(Given::Text(text), Kind::Text))
            }
            fn visit_bool<E>(self, yes: bool) -> Result<Value, E> {
                Ok(Value(Given::Text(yes.to_string()), Kind::Truth))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
                Ok(Value(Given::Text(number.to_string()), Kind::Number))
            }
            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value, E> {
                Err(E::invalid_type(Unexpected::Float(number), &self))
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value(Given::Nothing, Kind::Null))
            }
        }
        deserializer.deserialize_any(Scalar)
    }
}

impl<'de> serde::Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Said;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a voice user")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Said, A::Error> {
                const NAMES: &[&str] = &[
                    "id",
                    "name",
                    "email",
                    "number",
                    "extension",
                    "callHandling",
                    "country",
                    "musicOnHold",
                    "matchByMail",
                ];
                let mut cells: Vec<Cell> = Vec::with_capacity(NAMES.len());
                while let Some(name) = map.next_key::<String>()? {
                    let field = Field::named(&name).ok_or_else(|| A::Error::unknown_field(&name, NAMES))?;
                    if cells.iter().any(|cell| cell.field == field) {
                        return Err(A::Error::duplicate_field(field.name()));
                    }
                    let Value(mut given, kind) = map.next_value::<Value>()?;
                    // `"yes"` is a text and not a truth; with its quotes the field's reader refuses it like any other word.
                    if let (Kind::Text, Field::MatchByMail, Given::Text(text)) = (kind, field, &mut given) {
                        *text = format!("\"{text}\"");
                    }
                    if !kind.fits(field) {
                        let wanted = if field == Field::MatchByMail {
                            "true or false"
                        } else {
                            "a text in quotes"
                        };
                        return Err(A::Error::custom(format!(
                            "{}: expected {wanted}, or null",
                            field.name()
                        )));
                    }
                    cells.push(Cell {
                        field,
                        given,
                        column: None,
                    });
                }
                Ok(Said(cells))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// The list, of which each user is handed on.
struct Items<'a, 'b>(&'a mut Import<'b>);

impl<'de> DeserializeSeed<'de> for Items<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of voice users")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut index = 0;
        while let Some(Said(cells)) = list.next_element()? {
            if self.0.full() {
                continue;
            }
            self.0.take(Place::Index(index), cells);
            index += 1;
        }
        Ok(())
    }
}

struct Whole<'a, 'b>(&'a mut Import<'b>);

impl<'de> DeserializeSeed<'de> for Whole<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Whole<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the list `items`")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut there = false;
        while let Some(name) = map.next_key::<String>()? {
            if name != "items" {
                return Err(A::Error::unknown_field(&name, &["items"]));
            }
            if there {
                return Err(A::Error::duplicate_field("items"));
            }
            there = true;
            map.next_value_seed(Items(&mut *self.0))?;
        }
        if there {
            Ok(())
        } else {
            Err(A::Error::missing_field("items"))
        }
    }
}

/// Reads `{"items": […]}`.
///
/// # Errors
/// Where it is not JSON of that shape.
pub fn read(input: impl Read, import: &mut Import<'_>) -> Result<(), String> {
    let mut json = serde_json::Deserializer::from_reader(input);
    Whole(import)
        .deserialize(&mut json)
        .and_then(|()| json.end())
        .map_err(|error| format!("the body is not what this route takes: {error}"))
}

/// Reads one user to a line; empty lines are passed over.
///
/// # Errors
/// Where the text cannot be read at all.
pub fn read_lines(input: impl BufRead, import: &mut Import<'_>) -> Result<(), String> {
    for (at, line) in input.lines().enumerate() {
        let place = Place::Line(at as u64 + 1);
        let line = line.map_err(|error| format!("line {}: {error}", at + 1))?;
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str::<Said>(&line) {
            Ok(Said(cells)) => import.take(place, cells),
            Err(error) => import.refuse(Fault {
                place: Some(place),
                ..Invalid::new("line", format!("it is not a voice user in JSON: {error}")).into()
            }),
        }
        if import.full() {
            break;
        }
    }
    Ok(())
}
