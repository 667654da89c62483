//! Wrong codes, counted for each client over all links: the limit on guessing.

use super::{Store, TRIES, keys, number};
use crate::error::{Error, Result};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Ends by itself with its window.
#[derive(Serialize, Deserialize)]
struct GuessItem {
    tries: u32,
    /// Seconds since 1970.
    ends: i64,
}

/// Clients that have had all their tries, until their window ends (seconds since 1970): what this process need not read
/// again, however often they ask.
pub(super) type Spent = Arc<Mutex<BTreeMap<String, i64>>>;

/// How many of them are remembered; beyond that they are read again.
const REMEMBERED: usize = 50_000;

/// One try that was counted, before anything was compared.
#[derive(Debug)]
pub struct Guess {
    client: String,
    /// A window that ends later was begun after it.
    latest: i64,
}

/// What a client may do.
#[derive(Debug)]
pub enum Guesses {
    /// This try is counted.
    Counted(Guess),
    /// There are none left; the window ends after this time.
    Spent(SignedDuration),
}

impl Store {
    /// Counts a try of a client, named by the keyed hash of its network, unless it has had `limit` within its `window`.
    /// To a client that has had them nothing is written, and nothing but the count is read.
    ///
    /// # Errors
    /// `Busy` where too many come at once.
    pub async fn count_guess(
        &self,
        client: &str,
        limit: u32,
        window: SignedDuration,
        now: Timestamp,
    ) -> Result<Guesses> {
        let (key, second) = (keys::guesses(client), now.as_second());
        let latest = (now + window).as_second();
        let counted = || {
            let client = client.to_owned();
            Ok(Guesses::Counted(Guess { client, latest }))
        };
        if let Some(ends) = self.spent_until(client, second) {
            return Ok(Guesses::Spent(SignedDuration::from_secs(ends - second)));
        }
        for _ in 0..TRIES {
            let another = self
                .update(&key, "SET tries = tries + :one")
                .when("tries < :limit AND ends > :now")
                .with(":one", number(1))
                .with(":limit", number(limit))
                .with(":now", number(second));
            if self.write(another).await? {
                return counted();
            }
            match self.get_unexpired::<GuessItem>(&key, now).await? {
                Some(seen) if seen.tries >= limit => {
                    self.remember_spent(client, seen.ends, second);
                    return Ok(Guesses::Spent(SignedDuration::from_secs(seen.ends - second)));
                }
                // Somebody of the same client was faster.
                Some(_) => {}
                None => {
                    let first = GuessItem { tries: 1, ends: latest };
                    let begin = self
                        .put(&key, &first)?
                        .when("attribute_not_exists(pk) OR ends <= :now")
                        .with(":now", number(second))
                        .until(now + window);
                    if self.write(begin).await? {
                        return counted();
                    }
                }
            }
        }
        Err(Error::Busy)
    }

    /// Takes the count of a try back that turned out to be right.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn forgive_guess(&self, guess: Guess) -> Result<()> {
        let write = self
            .update(&keys::guesses(&guess.client), "SET tries = tries - :one")
            .when("ends <= :latest AND tries > :zero")
            .with(":one", number(1))
            .with(":zero", number(0))
            .with(":latest", number(guess.latest));
        self.write(write).await.map(drop)
    }

    fn spent_until(&self, client: &str, now: i64) -> Option<i64> {
        let spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.get(client).copied().filter(|ends| *ends > now)
    }

    fn remember_spent(&self, client: &str, ends: i64, now: i64) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.len() >= REMEMBERED {
            spent.retain(|_, ends| *ends > now);
        }
        if spent.len() < REMEMBERED {
            spent.insert(client.to_owned(), ends);
        }
    }
}
