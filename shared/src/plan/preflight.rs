//! What can be known to fail before anything is written (1.5). Each check is a small function over facts.

use crate::domain::finding::{Actor, Code, Finding};
use crate::domain::group_filter::GroupFilter;
use crate::domain::setup::Setup;
use crate::domain::standing::Standing;
use std::collections::BTreeSet;

/// Whether an enterprise may start a run at all, from our own state only.
///
/// # Errors
/// The sentence that says what is missing.
pub fn may_start(standing: &Standing, setup: &Setup, filter: &GroupFilter) -> Result<(), String> {
    standing.may_sync()?;
    if !setup.complete() {
        return Err(
            "the Global Admin has not finished the set-up yet: both permission requests have to be accepted first"
                .into(),
        );
    }
    if *filter == GroupFilter::Undecided {
        return Err(
            "choose first whether all users or only members of some groups are synchronised (PUT group-filter)".into(),
        );
    }
    Ok(())
}

/// A chosen group without members, or gone: a run that went on would unassign everybody (R087, R214).
#[must_use]
pub fn group(name: &str, members: Option<u64>) -> Option<Finding> {
    let (code, seen) = match members {
        Some(0) => (Code::GroupEmpty, format!("The group '{name}' has no members.")),
        None => (
            Code::GroupNotFound,
            format!("The group '{name}' does not exist any more."),
        ),
        Some(_) => return None,
    };
    Some(Finding {
        code,
        subject: name.to_owned(),
        seen,
        fix: "Check its members in Microsoft 365, which can take time to propagate, or change the group filter; then sync again.".into(),
        actor: Actor::AccountAdmin,
        about: None,
        wait: None,
    })
}

/// A chosen group that shows its members to nobody but themselves.
#[must_use]
pub fn hidden(name: &str) -> Finding {
    Finding {
        code: Code::GroupHidden,
        subject: name.to_owned(),
        seen: format!("The group '{name}' hides its members, also from this service."),
        fix: "Choose a group without hidden membership in the group filter, or everyone; then sync again.".into(),
        actor: Actor::AccountAdmin,
        about: None,
        wait: None,
    }
}

/// A calling domain that the tenant has not verified yet; no route can lead to it.
#[must_use]
pub fn domains(needed: &[String], verified: &BTreeSet<String>) -> Vec<Finding> {
    let missing = needed
        .iter()
        .filter(|domain| !verified.contains(&domain.to_lowercase()));
    missing
        .map(|domain| Finding {
            code: Code::DomainNotReady,
            subject: domain.clone(),
            seen: format!("The calling domain {domain} is not verified in the tenant."),
            fix: "Wait up to 24 hours after it was added; if it stays so, ask the provider.".into(),
            actor: Actor::Provider,
            about: None,
            wait: None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r073_no_run_without_an_explicit_choice() {
        assert!(may_start(&Standing::Active, &Setup::Invited, &GroupFilter::Everyone).is_err());
    }

    #[test]
    fn r087_r214_an_empty_group_is_not_a_missing_one() {
        assert_eq!(group("g", Some(0)).map(|finding| finding.code), Some(Code::GroupEmpty));
        assert_eq!(group("g", None).map(|finding| finding.code), Some(Code::GroupNotFound));
        assert_eq!(group("g", Some(1)), None);
    }

    #[test]
    fn a_domain_must_be_verified() {
        let verified = BTreeSet::from(["a.sbc.example".to_owned()]);
        assert!(domains(&["A.sbc.example".into()], &verified).is_empty());
        assert_eq!(
            domains(&["b.sbc.example".into()], &verified)[0].code,
            Code::DomainNotReady
        );
    }
}
