//! Who may sync besides the recorded Global Admin. Nobody, unless the Global Admin names deputies.

use super::email::EmailAddress;
use super::global_admin::Identity;
use super::{Invalid, plain_text};
use serde::{Deserialize, Serialize};

/// The most deputies of one enterprise: enough for holidays and illness, few enough to know each.
pub const DEPUTIES_MAX: usize = 5;
/// The longest name of a deputy, in characters.
const NAME_MAX: usize = 120;

/// Who may sync besides the Global Admin, and what such a person must be at Microsoft.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operators {
    /// At most five, in the order in which they were named.
    pub deputies: Vec<Deputy>,
    /// A deputy who is no Global Administrator may be a Teams Administrator instead.
    pub teams_administrators: bool,
}

/// A person who may sync in the Global Admin's place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deputy {
    /// The person's address in the portal.
    pub email: EmailAddress,
    /// For pages and lists.
    pub name: String,
    /// Known after the first accepted sign-in; the same ever after.
    pub identity: Option<Identity>,
}

/// A deputy as somebody typed it.
#[derive(Clone, Debug)]
pub struct Named {
    /// An address.
    pub email: String,
    /// A name.
    pub name: String,
}

impl Operators {
    /// The deputy with this address, if there is one.
    #[must_use]
    pub fn deputy(&self, email: &EmailAddress) -> Option<&Deputy> {
        self.deputies.iter().find(|deputy| deputy.email == *email)
    }

    /// Those who are named now, in place of those before. Who stays is still known at Microsoft.
    ///
    /// # Errors
    /// Everything that is wrong, at once: an address that is none, that is the Global Admin's or that stands twice, a name
    /// that is none, too many.
    pub fn replaced_by(
        &self,
        named: &[Named],
        teams_administrators: bool,
        admin: &EmailAddress,
    ) -> Result<Self, Vec<Invalid>> {
        let mut wrong = Vec::new();
        if named.len() > DEPUTIES_MAX {
            wrong.push(Invalid::new(
                "deputies",
                format!("name at most {DEPUTIES_MAX} deputies"),
            ));
        }
        let mut deputies: Vec<Deputy> = Vec::new();
        for (at, one) in named.iter().enumerate().take(DEPUTIES_MAX) {
            let what = |field: &str| format!("deputies[{at}].{field}");
            let name = plain_text(&what("name"), &one.name, NAME_MAX);
            let email: Result<EmailAddress, Invalid> = one.email.parse();
            let email = email.map_err(|invalid| Invalid::new(what("email"), invalid.why));
            match (email, name) {
                (Ok(email), _) if email == *admin => wrong.push(Invalid::new(
                    what("email"),
                    "this is the Global Admin, who may sync anyway",
                )),
                (Ok(email), _) if deputies.iter().any(|deputy| deputy.email == email) => {
                    wrong.push(Invalid::new(what("email"), "this address stands here twice"));
                }
                (Ok(email), Ok(name)) => deputies.push(Deputy {
                    identity: self.deputy(&email).and_then(|deputy| deputy.identity.clone()),
                    email,
                    name,
                }),
                (email, name) => wrong.extend([email.err(), name.err()].into_iter().flatten()),
            }
        }
        if wrong.is_empty() {
            Ok(Self {
                deputies,
                teams_administrators,
            })
        } else {
            Err(wrong)
        }
    }

    /// The same people, one of them now known at Microsoft.
    #[must_use]
    pub fn known(mut self, email: &EmailAddress, identity: &Identity) -> Self {
        for deputy in self.deputies.iter_mut().filter(|deputy| deputy.email == *email) {
            deputy.identity = Some(identity.clone());
        }
        self
    }

    /// The same people, in another tenant: who they are there is not known yet.
    #[must_use]
    pub fn elsewhere(mut self) -> Self {
        for deputy in &mut self.deputies {
            deputy.identity = None;
        }
        self
    }

    /// The deputies in words, for the audit trail; nothing where there are none.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let all = self.deputies.iter();
        let all: Vec<String> = all
            .map(|deputy| format!("{} <{}>", deputy.name, deputy.email))
            .collect();
        Some(all.join(", ")).filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(email: &str, name: &str) -> Named {
        Named {
            email: email.into(),
            name: name.into(),
        }
    }

    fn identity() -> Identity {
        Identity {
            tenant: "9f3c2b10-0000-4000-8000-000000000001".parse().unwrap(),
            user: "2c0b6a1e-1111-4a11-9a11-000000000001".parse().unwrap(),
        }
    }

    fn asked(before: &Operators, all: &[Named]) -> Result<Operators, Vec<String>> {
        let admin = "mara@bluefinch.example".parse().unwrap();
        let asked = before.replaced_by(all, false, &admin);
        asked.map_err(|wrong| wrong.into_iter().map(|invalid| invalid.what).collect())
    }

    #[test]
    fn nobody_is_a_deputy_unless_named() {
        let none = Operators::default();
        assert_eq!(none.deputy(&"ann@bluefinch.example".parse().unwrap()), None);
        assert!(!none.teams_administrators);
        assert_eq!(none.text(), None);
    }

    #[test]
    fn who_stays_is_still_known_and_who_comes_back_is_not() {
        let (ann, bob) = (
            named("Ann@bluefinch.example", "Ann"),
            named("bob@bluefinch.example", "Bob"),
        );
        let first = asked(&Operators::default(), &[ann.clone(), bob.clone()]).unwrap();
        let first = first.known(&ann.email.parse().unwrap(), &identity());
        let kept = asked(&first, &[named("ann@BLUEFINCH.example", "Ann B.")]).unwrap();
        assert_eq!(kept.deputies[0].identity, Some(identity()));
        let without = asked(&kept, &[bob]).unwrap();
        assert_eq!(asked(&without, &[ann]).unwrap().deputies[0].identity, None);
        assert_eq!(kept.elsewhere().deputies[0].identity, None);
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        let all = [
            named("nobody", " "),
            named("MARA@bluefinch.example", "Mara"),
            named("ann@bluefinch.example", "Ann"),
            named("ANN@bluefinch.example", "Ann again"),
        ];
        let wrong = asked(&Operators::default(), &all).unwrap_err();
        assert_eq!(
            wrong,
            [
                "deputies[0].email",
                "deputies[0].name",
                "deputies[1].email",
                "deputies[3].email"
            ]
        );
        let many: Vec<Named> = (0..=DEPUTIES_MAX)
            .map(|n| named(&format!("d{n}@bluefinch.example"), "D"))
            .collect();
        assert_eq!(asked(&Operators::default(), &many).unwrap_err(), ["deputies"]);
        assert_eq!(
            asked(&Operators::default(), &many[1..]).unwrap().deputies.len(),
            DEPUTIES_MAX
        );
    }
}
