//! Identifiers and seeded randomness of the simulated Microsoft: the same seed gives the same world.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::fmt;
use std::str::FromStr;

/// A GUID, kept as a number because a large directory holds many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Guid(u128);

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            n >> 96,
            (n >> 80) & 0xffff,
            (n >> 64) & 0xffff,
            (n >> 48) & 0xffff,
            n & 0xffff_ffff_ffff
        )
    }
}

/// The text is not a GUID.
#[derive(Debug)]
pub(super) struct NotAGuid;

impl FromStr for Guid {
    type Err = NotAGuid;

    fn from_str(text: &str) -> Result<Self, NotAGuid> {
        let dashes = text
            .bytes()
            .enumerate()
            .all(|(at, byte)| (byte == b'-') == matches!(at, 8 | 13 | 18 | 23));
        if text.len() != 36 || !dashes {
            return Err(NotAGuid);
        }
        u128::from_str_radix(&text.replace('-', ""), 16)
            .map(Self)
            .map_err(|_| NotAGuid)
    }
}

/// A random generator for one purpose, so that more draws here do not change what is drawn there.
pub(super) struct Chance(StdRng);

impl Chance {
    pub(super) fn new(seed: u64, purpose: &str) -> Self {
        // FNV-1a: stable between releases, unlike the standard library's hasher.
        let start = 0xcbf2_9ce4_8422_2325 ^ seed;
        let mixed = purpose.bytes().fold(start, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(StdRng::seed_from_u64(mixed))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0.next_u64()
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit.max(1)).unwrap_or(1);
        usize::try_from(self.next() % limit).unwrap_or(0)
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        from.get(self.below(from.len())).copied()
    }

    pub(super) fn guid(&mut self) -> Guid {
        let n = (u128::from(self.next()) << 64) | u128::from(self.next());
        Guid((n & !(0xf << 76) | (4 << 76)) & !(3 << 62) | (2 << 62))
    }

    /// Letters, digits, `-` and `_`.
    pub(super) fn text(&mut self, length: usize) -> String {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        (0..length).map(|_| char::from(LETTERS[self.below(64)])).collect()
    }

    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_survives_text() {
        let guid = Chance::new(1, "test").guid();
        assert_eq!(guid.to_string().parse::<Guid>().unwrap(), guid);
        assert_eq!(guid.to_string().as_bytes()[14], b'4');
        assert!("2c0b6a1e-1111-4a11-9a11-0000000000a".parse::<Guid>().is_err());
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        assert_eq!(Chance::new(7, "a").text(20), Chance::new(7, "a").text(20));
        assert_ne!(Chance::new(7, "a").text(20), Chance::new(7, "b").text(20));
    }
}
