//! The number and extension of a voice user, as far as they can be known to fail (R209, 1.5).

use crate::domain::finding::{Actor, Code, Finding};
use crate::domain::ids::TeamsUserId;
use crate::domain::phone::E164;

/// A mapped voice user without a number cannot ring in Teams.
#[must_use]
pub fn number_missing(name: &str) -> Finding {
    own(
        Code::NumberMissing,
        name,
        format!("{name} has no number."),
        "Give the voice user a number, or set the mapping to None.",
    )
}

/// A number that could not be dialled: with a country code that there is not, or too short, or too long.
#[must_use]
pub fn number_invalid(name: &str, number: &E164) -> Option<Finding> {
    let wrong = E164::dialable(number.as_str()).err()?;
    Some(own(
        Code::NumberInvalid,
        name,
        format!("The number of {name} cannot be dialled: {}.", wrong.why),
        "Correct it: +, the country code and the number without its leading 0. Then sync.",
    ))
}

/// R209: without an extension there is no dial pad.
#[must_use]
pub fn no_extension(name: &str) -> Finding {
    own(
        Code::NoExtension,
        name,
        format!("{name} has no extension."),
        "Give the voice user an extension, then sync.",
    )
}

/// What stands on the way of a number that is wanted for somebody.
#[derive(Clone, Copy, Debug)]
pub enum Elsewhere<'a> {
    /// It is a number of another calling service of Microsoft's or an operator's.
    Service(&'a E164),
    /// Another user has it, and not from us.
    User(&'a E164, &'a TeamsUserId),
    /// The wanted user has another one, and not from us.
    Own(&'a E164),
    /// It is wanted for another user as well.
    Twice(&'a E164),
}

/// A number that is not free, or a user who is not.
#[must_use]
pub fn number_taken(name: &str, about: &TeamsUserId, elsewhere: Elsewhere<'_>) -> Finding {
    let (fix, actor) = match elsewhere {
        Elsewhere::Service(_) | Elsewhere::User(..) | Elsewhere::Own(_) => (
            "Take that number away in the Teams admin center, then sync again.",
            Actor::GlobalAdmin,
        ),
        Elsewhere::Twice(_) => (
            "Give one of the voice users another number, or set its mapping to None, then sync again.",
            Actor::AccountAdmin,
        ),
    };
    let seen = match elsewhere {
        Elsewhere::Service(number) => format!("{number} is a number of another calling service in Teams."),
        Elsewhere::User(number, holder) => format!("{number} is assigned to {holder}, and not by us."),
        Elsewhere::Own(number) => format!("The Teams user of {name} has the number {number}, and not from us."),
        Elsewhere::Twice(number) => format!("{number} is wanted for more than one Teams user, {name} among them."),
    };
    Finding {
        code: Code::NumberTaken,
        subject: name.to_owned(),
        seen,
        fix: fix.into(),
        actor,
        about: Some(about.clone()),
        wait: None,
    }
}

/// A number that Teams has given away, and to nobody who can be found.
#[must_use]
pub fn number_orphaned(name: &str, about: &TeamsUserId, number: &E164) -> Finding {
    Finding {
        code: Code::NumberOrphaned,
        subject: name.to_owned(),
        seen: format!(
            "{number} is taken in Teams, and by no user: by a conference bridge, an application, or an account that no longer exists."
        ),
        fix: "Look the number up in the Teams admin center (Voice, Phone numbers) and unassign it; where that shows no holder, ask Microsoft's support to free it. Then sync again.".into(),
        actor: Actor::GlobalAdmin,
        about: Some(about.clone()),
        wait: None,
    }
}

fn own(code: Code, name: &str, seen: String, fix: &str) -> Finding {
    Finding {
        code,
        subject: name.to_owned(),
        seen,
        fix: fix.into(),
        actor: Actor::AccountAdmin,
        about: None,
        wait: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number() -> E164 {
        "+3222345678".parse().unwrap()
    }

    fn user() -> TeamsUserId {
        "2c0b6a1e-1111-4a11-9a11-0000000000a1".parse().unwrap()
    }

    #[test]
    fn r209_what_the_voice_user_lacks_is_for_the_account_admin() {
        assert_eq!(number_invalid("Front desk", &number()), None);
        let invalid = number_invalid("Front desk", &"+3202345678901".parse().unwrap()).unwrap();
        let found = [number_missing("Front desk"), invalid, no_extension("Front desk")];
        assert_eq!(
            found.each_ref().map(|finding| finding.code),
            [Code::NumberMissing, Code::NumberInvalid, Code::NoExtension]
        );
        for finding in found {
            assert_eq!(
                (finding.actor, finding.subject.as_str()),
                (Actor::AccountAdmin, "Front desk")
            );
            assert!(finding.seen.contains("Front desk"));
        }
    }

    #[test]
    fn a_number_that_is_not_free_says_who_has_it() {
        let (number, user) = (number(), user());
        for (elsewhere, said) in [
            (Elsewhere::Service(&number), "another calling service"),
            (Elsewhere::User(&number, &user), user.as_str()),
            (Elsewhere::Own(&number), "The Teams user of Front desk"),
            (Elsewhere::Twice(&number), "more than one Teams user"),
        ] {
            let finding = number_taken("Front desk", &user, elsewhere);
            assert_eq!((finding.code, finding.about.as_ref()), (Code::NumberTaken, Some(&user)));
            assert!(finding.seen.contains(said), "{}", finding.seen);
        }
    }

    #[test]
    fn a_number_that_nobody_has_and_that_is_taken_is_orphaned() {
        let finding = number_orphaned("Front desk", &user(), &number());
        assert_eq!(finding.code, Code::NumberOrphaned);
        assert!(finding.seen.contains("no longer exists") && finding.fix.contains("unassign"));
    }
}
