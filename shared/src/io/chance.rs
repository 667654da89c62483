//! The one source of randomness: the operating system's, through AWS-LC.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// Hands out random values. Only handlers and pauses use it; decisions receive theirs as arguments.
#[derive(Clone, Copy, Debug, Default)]
pub struct Chance;

impl Chance {
    /// Random bytes.
    ///
    /// # Panics
    /// Where the operating system has no randomness; nothing safe could go on.
    #[must_use]
    pub fn bytes<const N: usize>(self) -> [u8; N] {
        let mut bytes = [0; N];
        #[expect(
            clippy::expect_used,
            reason = "without randomness no secret is safe, so the process must stop"
        )]
        SystemRandom::new()
            .fill(&mut bytes)
            .expect("the operating system gives random bytes");
        bytes
    }

    /// 128 random bits, for ids.
    #[must_use]
    pub fn bits(self) -> u128 {
        u128::from_be_bytes(self.bytes())
    }

    /// 64 random bits, for jitter.
    #[must_use]
    pub fn number(self) -> u64 {
        u64::from_be_bytes(self.bytes())
    }

    /// `N` random bytes as URL-safe text without padding.
    #[must_use]
    pub fn token<const N: usize>(self) -> String {
        use base64::Engine;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.bytes::<N>())
    }
}
