//! What is found about the tenant's own voice objects: edited or deleted by somebody else, in somebody else's hands
//! (R160-R161, 1.5 `POLICY_DRIFT`).

use crate::domain::finding::{Actor, Code, Finding};
use crate::domain::tenant_object::{ObjectKind, ObjectSettings};

fn finding(code: Code, subject: &str, seen: String, fix: String, actor: Actor) -> Finding {
    Finding {
        code,
        subject: subject.to_owned(),
        seen,
        fix,
        actor,
        about: None,
        wait: None,
    }
}

/// An object of ours that somebody has changed, or deleted where `found` is none. The sync that finds it sets it back.
#[must_use]
pub fn policy_drift(name: &str, wanted: &ObjectSettings, found: Option<&ObjectSettings>) -> Finding {
    let kind = wanted.kind();
    let seen = match found {
        Some(found) => format!("The {kind} {name} was changed outside of this service: it is now \"{found}\"."),
        None => format!("The {kind} {name} was deleted outside of this service."),
    };
    let fix = format!(
        "Nothing to do: the sync sets it back to \"{wanted}\". Please do not edit it in the Teams admin center: calls may \
         fail until the next sync, which undoes the edit."
    );
    finding(Code::PolicyDrift, name, seen, fix, Actor::GlobalAdmin)
}

/// A name of ours that an object has which was there before us and is something else. It is left alone, and nothing is
/// built on it.
#[must_use]
pub fn name_taken(name: &str, wanted: &ObjectSettings, found: &ObjectSettings) -> Finding {
    let kind = wanted.kind();
    finding(
        Code::NameTaken,
        name,
        format!("The tenant has a {kind} {name} that this service has not made: \"{found}\". It was not touched."),
        format!(
            "Delete or rename it in the Teams admin center if nobody needs it, or set it to \"{wanted}\"; then sync again."
        ),
        Actor::GlobalAdmin,
    )
}

/// An object that is not as it was put, or still there though it was taken away, when it is looked at again.
#[must_use]
pub fn object_not_proven(kind: ObjectKind, name: &str, gone: bool) -> Finding {
    let seen = if gone {
        format!("The {kind} {name} was removed, and is still there.")
    } else {
        format!("The {kind} {name} was put in place, and is not as it was put.")
    };
    let fix = "Sync again; if it stays so, ask the provider.".to_owned();
    finding(Code::NotProven, name, seen, fix, Actor::Provider)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage() -> ObjectSettings {
        ObjectSettings::PstnUsage {}
    }

    #[test]
    fn r160_r161_drift_says_what_was_changed_and_that_it_is_set_back() {
        let wanted = ObjectSettings::VoiceRoutingPolicy {
            pstn_usages: vec!["Calls-Routing".into()],
        };
        let found = ObjectSettings::VoiceRoutingPolicy {
            pstn_usages: vec!["Other".into()],
        };
        let changed = policy_drift("Calls-Routing", &wanted, Some(&found));
        assert_eq!(changed.code, Code::PolicyDrift);
        assert!(changed.seen.contains("leads to Other"), "{}", changed.seen);
        assert!(
            changed.fix.contains("sets it back") && changed.fix.contains("do not edit"),
            "{}",
            changed.fix
        );
        assert!(policy_drift("A", &wanted, None).seen.contains("deleted"));
    }

    #[test]
    fn what_is_not_ours_is_left_alone_and_told() {
        let taken = name_taken("Calls-Routing", &usage(), &usage());
        assert_eq!((taken.code, taken.actor), (Code::NameTaken, Actor::GlobalAdmin));
        assert!(taken.seen.contains("not touched"));
        assert!(
            object_not_proven(ObjectKind::VoiceRoute, "R", true)
                .seen
                .contains("still there")
        );
    }
}
