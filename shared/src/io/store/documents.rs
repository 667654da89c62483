//! Documents that may be larger than an item: the head holds the first part, further items the rest.

use super::keys::Key;
use super::{Store, Write};
use crate::error::{Error, Result};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Bytes of a part; DynamoDB takes items of 400 KB.
const PART: usize = 300_000;

#[derive(Serialize, Deserialize)]
struct Head {
    json: String,
    /// Further parts.
    #[serde(default)]
    parts: usize,
}

#[derive(Serialize, Deserialize)]
struct Part {
    json: String,
}

/// Where the n-th further part is, counted from 1.
fn part(key: &Key, number: usize) -> Key {
    Key {
        pk: key.pk.clone(),
        sk: format!("PART#{number:04}#{}", key.sk),
    }
}

/// A text cut into parts, between characters.
fn cut(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.len() > PART {
        let (first, other) = rest.split_at(rest.floor_char_boundary(PART));
        parts.push(first);
        rest = other;
    }
    parts.push(rest);
    parts
}

impl Store {
    /// Writes the further parts and gives the write of the head: where the head is, all parts are.
    pub(super) async fn document(&self, key: &Key, document: &impl Serialize, until: Timestamp) -> Result<Write<'_>> {
        let json = serde_json::to_string(document).map_err(|error| Error::upstream("encode a document", error))?;
        let parts = cut(&json);
        let further = parts.iter().enumerate().skip(1);
        let writes = further.map(|(at, json)| {
            Self::put_request_until(
                &part(key, at),
                &Part {
                    json: (*json).to_owned(),
                },
                until,
            )
        });
        self.write_all(writes.collect::<Result<_>>()?).await?;
        let head = Head {
            json: parts.first().copied().unwrap_or_default().to_owned(),
            parts: parts.len() - 1,
        };
        Ok(self.put(key, &head)?.until(until))
    }

    /// A document, where there is one that has not ended.
    pub(super) async fn read_document<T: DeserializeOwned>(&self, key: &Key, now: Timestamp) -> Result<Option<T>> {
        let Some(Head { mut json, parts }) = self.get_unexpired(key, now).await? else {
            return Ok(None);
        };
        for number in 1..=parts {
            let part: Option<Part> = self.get(&part(key, number)).await?;
            json += &part
                .ok_or_else(|| Error::upstream("read a document", "a part of it is missing"))?
                .json;
        }
        serde_json::from_str(&json)
            .map(Some)
            .map_err(|error| Error::upstream("decode a document", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters_and_whole_again() {
        let text = "aé".repeat(PART / 2);
        let parts = cut(&text);
        assert_eq!(parts.len(), 2);
        assert!(parts.iter().all(|part| part.len() <= PART));
        assert_eq!(parts.concat(), text);
        assert_eq!(cut("short"), ["short"]);
    }
}
