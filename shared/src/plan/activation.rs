//! How a tenant's calling domains come to carry calls: what is done next, from what is known (R147, R148). The order of
//! effects, and why an account with a licence is needed at all, is told in `infra/decisions/0024-calling-domains.md`.

use crate::domain::calling_domain::CallingDomain;
use crate::domain::finding::Finding;
use crate::domain::product::Product;
use crate::plan::preflight::tenant;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// How long a run waits for the provider's DNS, from when the record is known.
const DNS_PATIENCE: SignedDuration = SignedDuration::from_mins(15);
/// How long a run waits for Microsoft, from when the account has its licence.
const ACTIVATION_PATIENCE: SignedDuration = SignedDuration::from_mins(20);
/// Pause between two looks, in seconds.
pub const PAUSE: u32 = 60;
/// What plans of calling are called: an account that only activates a domain is nobody to be mapped.
const CALLING_PLANS: [&str; 2] = ["MCOEV", "MCOPSTN"];

/// What the tenant says of one of its domains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// It is proven.
    pub verified: bool,
    /// Its accounts sign in somewhere else.
    pub federated: bool,
}

/// Everything that decides.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Now.
    pub now: Timestamp,
    /// The run does not wait beyond this moment: its session ends.
    pub until: Timestamp,
    /// The domains of the chosen regions, in lower case.
    pub needed: &'a [String],
    /// The tenant's domains.
    pub seen: &'a BTreeMap<String, Seen>,
    /// What our table remembers of them.
    pub known: &'a BTreeMap<String, CallingDomain>,
    /// Domains whose record Microsoft has just looked for and not seen.
    pub unseen: &'a BTreeSet<String>,
    /// Domains that Teams has just refused in a route.
    pub refused: &'a BTreeSet<String>,
    /// What the tenant has bought, once that was read; without what was just found to have no seat.
    pub products: Option<&'a [Product]>,
}

/// What is done next. Each is one effect at Microsoft or one read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Read what the tenant has bought.
    ReadProducts,
    /// Add a domain to the tenant.
    Create(String),
    /// Read the record that proves a domain.
    ReadRecord(String),
    /// Have Microsoft look for that record.
    Verify(String),
    /// Make the account that activates a domain.
    MakeAccount(String),
    /// Give that account a licence.
    License {
        /// Which domain's account.
        domain: String,
        /// Of which product.
        sku: String,
        /// Without these plans.
        without: Vec<String>,
    },
    /// Put the route in place: as far as is known all domains carry calls, and Teams says so or refuses.
    Configure,
    /// Look again after so many seconds.
    Wait(u32),
    /// Nothing more can be done now, for these reasons.
    Stop(Vec<Finding>),
}

/// How far one domain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Absent,
    Unverified,
    NoAccount,
    NoLicence,
    /// Teams refused it, and its account has had a licence since then.
    Activating(Timestamp),
    /// Only Teams knows whether it carries calls.
    Untried,
    Active,
}

fn stage(facts: &Facts<'_>, domain: &str) -> Stage {
    let refused = facts.refused.contains(domain);
    let known = facts.known.get(domain);
    match facts.seen.get(domain) {
        None => return Stage::Absent,
        Some(seen) if !seen.verified => return Stage::Unverified,
        Some(_) => {}
    }
    if !refused && known.is_some_and(|known| known.active.is_some()) {
        return Stage::Active;
    }
    match known.and_then(|known| known.account.as_ref()) {
        // What we made has nobody in it; what was there before us may carry calls already.
        None if refused || known.is_some_and(|known| known.ours) => Stage::NoAccount,
        None => Stage::Untried,
        Some(account) => match (&account.id, account.licensed) {
            (None, _) => Stage::NoAccount,
            (Some(_), None) => Stage::NoLicence,
            (Some(_), Some(licensed)) if refused => Stage::Activating(licensed),
            (Some(_), Some(_)) => Stage::Untried,
        },
    }
}

/// The next thing to do. Nothing is made before everything that can be known to be missing was looked for.
#[must_use]
pub fn next(facts: &Facts<'_>) -> Action {
    let stages: Vec<(&String, Stage)> = facts
        .needed
        .iter()
        .map(|domain| (domain, stage(facts, domain)))
        .collect();
    let hopeless = hopeless(facts, &stages);
    if !hopeless.is_empty() {
        return Action::Stop(hopeless);
    }
    let unlicensed = stages
        .iter()
        .filter(|(domain, stage)| needs_seat(facts, domain, *stage));
    let unlicensed = unlicensed.count();
    if unlicensed > 0 {
        let Some(products) = facts.products else {
            return Action::ReadProducts;
        };
        if let Some(short) = tenant::spare_licences(unlicensed, products) {
            return Action::Stop(vec![short]);
        }
    }
    if let Some(action) = stages
        .iter()
        .find_map(|(domain, stage)| progress(facts, domain, *stage))
    {
        return action;
    }
    let waiting: Vec<(&String, Stage)> = stages
        .into_iter()
        .filter(|(_, stage)| matches!(stage, Stage::Unverified | Stage::Activating(_)))
        .collect();
    if waiting.is_empty() {
        return Action::Configure;
    }
    let pause = SignedDuration::from_secs(PAUSE.into());
    let worth_waiting = |(domain, stage): &(&String, Stage)| {
        let patience = if let Stage::Activating(licensed) = stage {
            *licensed + ACTIVATION_PATIENCE
        } else {
            asked(facts, domain) + DNS_PATIENCE
        };
        facts.now + pause <= patience.min(facts.until)
    };
    if waiting.iter().all(worth_waiting) {
        return Action::Wait(PAUSE);
    }
    Action::Stop(
        waiting
            .into_iter()
            .map(|(domain, stage)| why(facts, domain, stage))
            .collect(),
    )
}

fn asked(facts: &Facts<'_>, domain: &str) -> Timestamp {
    let known = facts.known.get(domain);
    known.and_then(|known| known.asked).unwrap_or(facts.now)
}

fn why(facts: &Facts<'_>, domain: &str, stage: Stage) -> Finding {
    if let Stage::Activating(licensed) = stage {
        return tenant::activating(domain, licensed, facts.now);
    }
    let record = facts.known.get(domain).and_then(|known| known.record.as_ref());
    tenant::unverified(domain, record, facts.now)
}

/// What no waiting and no licence would mend.
fn hopeless(facts: &Facts<'_>, stages: &[(&String, Stage)]) -> Vec<Finding> {
    let one = |(domain, stage): &(&String, Stage)| {
        let federated = facts.seen.get(*domain).is_some_and(|seen| seen.federated);
        match stage {
            Stage::Absent => tenant::name_too_long(domain),
            Stage::Unverified | Stage::NoAccount if federated => Some(tenant::federated(domain)),
            Stage::Unverified
            | Stage::NoAccount
            | Stage::NoLicence
            | Stage::Activating(_)
            | Stage::Untried
            | Stage::Active => None,
        }
    };
    stages.iter().filter_map(one).collect()
}

/// A licence is still to be found for it; one that was asked for may be in use by the account already.
fn needs_seat(facts: &Facts<'_>, domain: &str, stage: Stage) -> bool {
    let account = facts.known.get(domain).and_then(|known| known.account.as_ref());
    match stage {
        Stage::Absent | Stage::Unverified | Stage::NoAccount => true,
        Stage::NoLicence => account.is_none_or(|account| account.sku.is_none()),
        Stage::Activating(_) | Stage::Untried | Stage::Active => false,
    }
}

fn progress(facts: &Facts<'_>, domain: &str, stage: Stage) -> Option<Action> {
    let known = facts.known.get(domain);
    match stage {
        Stage::Absent => Some(Action::Create(domain.to_owned())),
        Stage::Unverified if known.is_none_or(|known| known.record.is_none()) => {
            Some(Action::ReadRecord(domain.to_owned()))
        }
        Stage::Unverified if !facts.unseen.contains(domain) => Some(Action::Verify(domain.to_owned())),
        Stage::NoAccount => Some(Action::MakeAccount(domain.to_owned())),
        Stage::NoLicence => {
            let Some(products) = facts.products else {
                return Some(Action::ReadProducts);
            };
            let asked_for = known.and_then(|known| known.account.as_ref()?.sku.clone());
            let asked_for = asked_for.and_then(|sku| products.iter().find(|product| product.sku == sku));
            Some(match asked_for.or_else(|| choice(products)) {
                Some(product) => Action::License {
                    domain: domain.to_owned(),
                    sku: product.sku.clone(),
                    without: without(product),
                },
                None => Action::Stop(tenant::spare_licences(1, products).into_iter().collect()),
            })
        }
        Stage::Unverified | Stage::Activating(_) | Stage::Untried | Stage::Active => None,
    }
}

/// The product with a free seat that is missed least: one without calling before one with it, one for resource accounts
/// last; the same choice at every try.
fn choice(products: &[Product]) -> Option<&Product> {
    let usable = products
        .iter()
        .filter(|product| tenant::activates(product) && product.free() > 0);
    usable.min_by_key(|product| {
        (
            tenant::for_resources(product),
            !without(product).is_empty(),
            &product.sku,
        )
    })
}

/// Plans that the account does not get, so that it is nobody who could be mapped.
fn without(product: &Product) -> Vec<String> {
    if tenant::for_resources(product) {
        return Vec::new();
    }
    let of_calling = product.plans.iter().filter(|plan| {
        let name = plan.name.to_ascii_uppercase();
        CALLING_PLANS.iter().any(|calling| name.starts_with(calling))
    });
    of_calling.map(|plan| plan.id.clone()).collect()
}

#[cfg(test)]
mod tests;
