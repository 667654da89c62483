//! Being reminded in place of the Global Admin. The duty is never lost: until somebody else has taken it over, it stays where
//! it is, and with another Global Admin it is that person's again. Who may sync is another matter, and stays as it is.

use super::email::EmailAddress;
use super::ids::MailId;
use super::{Invalid, plain_text};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long somebody may think about an offer.
pub const OFFER_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Offers follow each other no faster: each is a mail to somebody who has not asked for one.
pub const OFFER_PAUSE: SignedDuration = SignedDuration::from_mins(10);

/// Somebody who has taken over being reminded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// To whom reminders go.
    pub email: EmailAddress,
    /// How they are greeted.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
    /// Which offer was accepted.
    pub offer: MailId,
    /// From which appointment of a Global Admin it was taken over; with another one it ends.
    pub appointment: u64,
}

/// The reminders, offered to somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Our key, which is that of the mail.
    pub id: MailId,
    /// To whom.
    pub email: EmailAddress,
    /// How they are greeted.
    pub name: String,
    /// Who offers, as people read it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Which appointment of a Global Admin was in force.
    pub appointment: u64,
}

impl Offer {
    /// When it ends.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.at.checked_add(OFFER_LIFE).unwrap_or(self.at)
    }
}

/// Checks to whom the reminders are to be offered.
///
/// # Errors
/// Everything that is wrong, at once: an address that is none or that has them already, a name that is none.
pub fn heir(email: &str, name: &str, holder: &EmailAddress) -> Result<(EmailAddress, String), Vec<Invalid>> {
    let address: Result<EmailAddress, Invalid> = email.parse();
    let address = match address {
        Ok(address) if address == *holder => Err(Invalid::new("email", "this is the address that they go to now")),
        Ok(address) => Ok(address),
        Err(invalid) => Err(Invalid::new("email", invalid.why)),
    };
    match (address, plain_text("name", name, 120)) {
        (Ok(email), Ok(name)) => Ok((email, name)),
        (email, name) => Err([email.err(), name.err()].into_iter().flatten().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_is_named() {
        let holder: EmailAddress = "mara@bluefinch.example".parse().unwrap();
        let wrong = |email: &str, name: &str| {
            let wrong = heir(email, name, &holder).unwrap_err();
            wrong.into_iter().map(|invalid| invalid.what).collect::<Vec<_>>()
        };
        assert_eq!(wrong("nobody", "a\nb"), ["email", "name"]);
        assert_eq!(wrong("Mara@Bluefinch.example", "Mara"), ["email"]);
        assert!(heir("ann@bluefinch.example", " Ann ", &holder).is_ok());
    }
}
