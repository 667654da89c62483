//! What keeps the calling domains of a tenant from carrying calls (1.5 `DOMAIN_NOT_READY`, `NO_SPARE_LICENSES`).

use crate::domain::calling_domain::{CallingDomain, NAME_MAX, TxtRecord};
use crate::domain::finding::{Actor, Code, Finding, Wait};
use crate::domain::product::Product;
use jiff::{SignedDuration, Timestamp};

/// What is said where too few licences are free (R148).
pub const NO_SPARE: &str =
    "Unable to activate domains for voice on Microsoft Office 365 because no unassigned licenses were found.";
/// How long Microsoft says that it may take until a licensed account has made a domain usable.
pub const ACTIVATION_MAX: SignedDuration = SignedDuration::from_hours(24);
/// When it is worth looking again.
pub const LOOK_AGAIN: SignedDuration = SignedDuration::from_hours(1);
/// The plan without which a licence does not count for Teams.
const TEAMS: &str = "TEAMS1";
/// The plan of resource accounts.
const RESOURCE: &str = "MCOEV_VIRTUALUSER";

/// Whether a licence of this product makes an account count for a calling domain.
#[must_use]
pub fn activates(product: &Product) -> bool {
    product.holds(TEAMS) || product.holds(RESOURCE)
}

/// A licence for resource accounts only, which people are given last.
#[must_use]
pub fn for_resources(product: &Product) -> bool {
    !product.holds(TEAMS)
}

/// Seats that are free for activating domains.
#[must_use]
pub fn spare(products: &[Product]) -> u64 {
    products.iter().filter(|one| activates(one)).map(Product::free).sum()
}

/// Too few licences are free for so many domains; none where they suffice (R147, R148, R211).
#[must_use]
pub fn spare_licences(domains: usize, products: &[Product]) -> Option<Finding> {
    let needed = u64::try_from(domains).unwrap_or(u64::MAX);
    let free = spare(products);
    if free >= needed {
        return None;
    }
    let licenses = |count: u64| match count {
        1 => "1 free user license".to_owned(),
        count => format!("{count} free user licenses"),
    };
    Some(Finding {
        code: Code::NoSpareLicenses,
        subject: String::new(),
        seen: NO_SPARE.into(),
        fix: format!(
            "In the Microsoft 365 admin center open Billing > Licenses and see to it that there are {} of Microsoft 365 \
             Business, E1, E3 or E5 (there {} now). They are needed for a few hours only. Then sync again.",
            licenses(needed),
            match free {
                0 => "is none".to_owned(),
                1 => "is 1".to_owned(),
                free => format!("are {free}"),
            }
        ),
        actor: Actor::GlobalAdmin,
        about: None,
        wait: None,
    })
}

fn not_ready(domain: &str, actor: Actor, seen: String, fix: impl Into<String>, wait: Option<Wait>) -> Finding {
    Finding {
        code: Code::DomainNotReady,
        subject: domain.to_owned(),
        seen,
        fix: fix.into(),
        actor,
        about: None,
        wait,
    }
}

/// Microsoft takes no name of that length.
#[must_use]
pub fn name_too_long(domain: &str) -> Option<Finding> {
    (domain.len() > NAME_MAX).then(|| {
        let seen = format!(
            "The calling domain {domain} has {} letters; Microsoft takes {NAME_MAX}.",
            domain.len()
        );
        not_ready(
            domain,
            Actor::Provider,
            seen,
            "The provider has to choose a shorter base domain.",
            None,
        )
    })
}

/// Another tenant has the domain.
#[must_use]
pub fn elsewhere(domain: &str, words: &str) -> Finding {
    let seen = format!("The calling domain {domain} is in use in another Microsoft 365 tenant: {words}");
    let fix = "Remove it from that tenant and sync again; if you do not know the tenant, ask the provider.";
    not_ready(domain, Actor::Provider, seen, fix, None)
}

/// Accounts of the domain sign in somewhere else, so that none can be made in it.
#[must_use]
pub fn federated(domain: &str) -> Finding {
    let seen = format!("The calling domain {domain} is federated: its accounts sign in at another identity provider.");
    let fix = "Set the domain to managed in Microsoft Entra, or remove it there, and sync again.";
    not_ready(domain, Actor::GlobalAdmin, seen, fix, None)
}

/// The account that would activate the domain is somebody else's.
#[must_use]
pub fn account_taken(domain: &str, sign_in_name: &str) -> Finding {
    let seen = format!("The tenant has an account {sign_in_name} already, which this service did not make.");
    let fix = "Rename or delete that account and sync again.";
    not_ready(domain, Actor::GlobalAdmin, seen, fix, None)
}

/// The tenant does not see the record that proves the domain.
#[must_use]
pub fn unverified(domain: &str, record: Option<&TxtRecord>, now: Timestamp) -> Finding {
    let seen = format!(
        "The calling domain {domain} is not verified in the tenant: Microsoft does not see its DNS record yet."
    );
    let fix = match record {
        Some(TxtRecord { name, value, .. }) => format!(
            "The provider publishes the TXT record {value} at {name}. Sync again an hour after that; if it stays so, ask \
             the provider."
        ),
        None => "Sync again in an hour; if it stays so, ask the provider.".to_owned(),
    };
    let wait = Wait::since(
        now,
        LOOK_AGAIN,
        "A new record may take up to an hour until Microsoft sees it.",
    );
    not_ready(domain, Actor::Provider, seen, fix, Some(wait))
}

/// Teams has not noticed the licensed account yet (R202).
#[must_use]
pub fn activating(domain: &str, licensed: Timestamp, now: Timestamp) -> Finding {
    let late = now.duration_since(licensed) >= ACTIVATION_MAX;
    let seen = if late {
        format!("The calling domain {domain} was not configured for voice by Microsoft within 24 hours.")
    } else {
        format!("The calling domain {domain} is not configured for voice yet: Microsoft takes up to 24 hours for it.")
    };
    if late {
        let fix = "Sync again; if it stays so, ask the provider.";
        return not_ready(domain, Actor::Provider, seen, fix, None);
    }
    let wait = Wait {
        earliest_retry: Some(now + LOOK_AGAIN),
        takes: ACTIVATION_MAX,
        text: "Microsoft takes between a few minutes and 24 hours.".into(),
    };
    let fix = "Sync again in an hour, and up to 24 hours after the first try. The licenses are needed until then.";
    not_ready(domain, Actor::Microsoft, seen, fix, Some(wait))
}

/// Microsoft lets the person signed in not do what the calling domains need.
#[must_use]
pub fn not_allowed(doing: &str, words: &str) -> Finding {
    Finding {
        code: Code::ConsentMissing,
        subject: String::new(),
        seen: format!("Microsoft did not let us {doing}: {words}"),
        fix: "Sync again, signed in as a Global Administrator, and accept the permissions Domain.ReadWrite.All, \
              User.ReadWrite.All and LicenseAssignment.ReadWrite.All for the organization."
            .into(),
        actor: Actor::GlobalAdmin,
        about: None,
        wait: None,
    }
}

/// What a domain waits for, as far as our own table tells: before any sign-in.
#[must_use]
pub fn remembered(domain: &CallingDomain, now: Timestamp) -> Option<Finding> {
    let licensed = domain.account.as_ref().and_then(|account| account.licensed);
    match (domain.active, domain.verified, licensed) {
        (Some(_), ..) | (None, Some(_), None) => None,
        (None, Some(_), Some(licensed)) => Some(activating(&domain.name, licensed, now)),
        (None, None, _) => {
            let record = domain.record.as_ref()?;
            Some(unverified(&domain.name, Some(record), now))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::product::ProductPlan;

    fn product(plan: &str, seats: u64) -> Product {
        Product {
            sku: plan.into(),
            name: plan.into(),
            seats,
            taken: 0,
            usable: true,
            plans: vec![ProductPlan {
                id: plan.into(),
                name: plan.into(),
            }],
        }
    }

    #[test]
    fn r147_r148_r211_licences_that_are_too_few_are_told_in_the_guides_words() {
        let one = [product("TEAMS1", 1), product("MCOPSTN1", 5)];
        let finding = spare_licences(2, &one).unwrap();
        assert_eq!(
            finding.seen,
            "Unable to activate domains for voice on Microsoft Office 365 because no unassigned licenses were found."
        );
        assert!(finding.fix.contains("Billing > Licenses") && finding.fix.contains("2 free user licenses"));
        assert_eq!(
            (finding.code, finding.actor),
            (Code::NoSpareLicenses, Actor::GlobalAdmin)
        );
        let two = [product("TEAMS1", 1), product("MCOEV_VIRTUALUSER", 1)];
        assert_eq!(spare_licences(2, &two), None);
        assert_eq!(spare_licences(0, &[]), None);
    }

    #[test]
    fn r202_a_domain_that_microsoft_works_on_says_when_to_look_again() {
        let start = Timestamp::UNIX_EPOCH;
        let finding = activating("x.sbc.example", start, start);
        assert_eq!(finding.actor, Actor::Microsoft);
        assert_eq!(finding.wait.unwrap().earliest_retry, Some(start + LOOK_AGAIN));
        let late = activating("x.sbc.example", start, start + ACTIVATION_MAX);
        assert_eq!((late.actor, late.wait), (Actor::Provider, None));
    }

    #[test]
    fn r147_a_name_that_microsoft_would_not_take_is_named() {
        assert_eq!(name_too_long(&"x".repeat(48)), None);
        assert!(name_too_long(&"x".repeat(49)).unwrap().seen.contains("49 letters"));
    }
}
