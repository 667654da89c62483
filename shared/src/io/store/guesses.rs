//! Wrong codes, counted for each client over all links: the limit on guessing.

use super::{Store, TRIES, keys, number};
use crate::error::{Error, Result};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Ends by itself with its window.
#[derive(Serialize, Deserialize)]
struct GuessItem {
    tries: u32,
    /// Seconds since 1970.
    ends: i64,
}

/// One try that was counted, before anything was compared.
#[derive(Debug)]
pub struct Guess {
    client: String,
    ends: i64,
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
    /// A client that has had them is answered by one read, and nothing is written.
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
        let key = keys::guesses(client);
        for _ in 0..TRIES {
            let seen: Option<GuessItem> = self.get_unexpired(&key, now).await?;
            let (write, ends) = match seen {
                Some(seen) if seen.tries >= limit => {
                    let wait = SignedDuration::from_secs(seen.ends.saturating_sub(now.as_second()));
                    return Ok(Guesses::Spent(wait));
                }
                Some(seen) => {
                    let write = self
                        .update(&key, "SET tries = tries + :one")
                        .when("tries < :limit AND ends = :ends")
                        .with(":one", number(1))
                        .with(":limit", number(limit))
                        .with(":ends", number(seen.ends));
                    (write, seen.ends)
                }
                None => {
                    let ends = (now + window).as_second();
                    let write = self
                        .put(&key, &GuessItem { tries: 1, ends })?
                        .when("attribute_not_exists(pk) OR ends <= :now")
                        .with(":now", number(now.as_second()))
                        .until(now + window);
                    (write, ends)
                }
            };
            // Where somebody of the same client was faster, there is something new to read.
            if self.write(write).await? {
                let client = client.to_owned();
                return Ok(Guesses::Counted(Guess { client, ends }));
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
            .when("ends = :ends AND tries > :zero")
            .with(":one", number(1))
            .with(":zero", number(0))
            .with(":ends", number(guess.ends));
        self.write(write).await.map(drop)
    }
}
