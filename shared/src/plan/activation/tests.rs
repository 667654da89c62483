//! What is done next, over all small worlds: a model of Microsoft obeys until the route is accepted or nothing more can be
//! done.

use super::*;
use crate::domain::calling_domain::{ActivationAccount, TxtRecord};
use crate::domain::finding::Code;
use crate::domain::ids::TenantId;
use crate::domain::product::ProductPlan;

const NAMES: [&str; 2] = ["x.sbc1.a.example", "x.sbc2.a.example"];

fn tenant_id() -> TenantId {
    "9f3c2b10-0000-4000-8000-00000000bf01".parse().unwrap()
}

fn product(sku: &str, plans: &[&str], free: u64) -> Product {
    Product {
        sku: sku.into(),
        name: sku.into(),
        seats: free,
        taken: 0,
        usable: true,
        plans: plans
            .iter()
            .map(|plan| ProductPlan {
                id: format!("id of {plan}"),
                name: (*plan).into(),
            })
            .collect(),
    }
}

/// How a domain begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Absent,
    Unverified,
    /// It was there before us.
    Verified,
    CarriesCalls,
}

/// What Microsoft is, and what it has been asked.
struct World {
    now: Timestamp,
    seen: BTreeMap<String, Seen>,
    known: BTreeMap<String, CallingDomain>,
    voice: BTreeSet<String>,
    seats: u64,
    dns: bool,
    activates: bool,
    made: usize,
}

impl World {
    fn new(starts: [Start; 2], seats: u64, dns: bool, activates: bool) -> Self {
        let mut world = Self {
            now: Timestamp::UNIX_EPOCH,
            seen: BTreeMap::new(),
            known: BTreeMap::new(),
            voice: BTreeSet::new(),
            seats,
            dns,
            activates,
            made: 0,
        };
        for (name, start) in NAMES.into_iter().zip(starts) {
            let verified = matches!(start, Start::Verified | Start::CarriesCalls);
            if start != Start::Absent {
                let seen = Seen {
                    verified,
                    federated: false,
                };
                world.seen.insert(name.into(), seen);
            }
            if start == Start::CarriesCalls {
                world.voice.insert(name.into());
            }
        }
        world
    }

    fn known(&mut self, domain: &str) -> &mut CallingDomain {
        let now = self.now;
        let fresh = || CallingDomain::new(domain, tenant_id(), false, now);
        self.known.entry(domain.to_owned()).or_insert_with(fresh)
    }

    /// One run, to its end: what it stopped for, or nothing where the route was accepted.
    fn run(&mut self) -> Vec<Finding> {
        let needed = NAMES.map(str::to_owned);
        let until = self.now + SignedDuration::from_hours(1);
        let (mut unseen, mut refused, mut products) = (BTreeSet::new(), BTreeSet::new(), None);
        for _ in 0..1_000 {
            let facts = Facts {
                now: self.now,
                until,
                needed: &needed,
                seen: &self.seen,
                known: &self.known,
                unseen: &unseen,
                refused: &refused,
                products: products.as_deref(),
            };
            match next(&facts) {
                Action::ReadProducts => products = Some(vec![product("E1", &["TEAMS1"], self.seats)]),
                Action::Create(domain) => {
                    self.made += 1;
                    let now = self.now;
                    let seen = Seen {
                        verified: false,
                        federated: false,
                    };
                    assert_eq!(self.seen.insert(domain.clone(), seen), None, "made twice");
                    self.known
                        .insert(domain.clone(), CallingDomain::new(&domain, tenant_id(), true, now));
                }
                Action::ReadRecord(domain) => {
                    let now = self.now;
                    let known = self.known(&domain);
                    known.asked = Some(now);
                    known.record = Some(TxtRecord {
                        name: domain,
                        value: "MS=ms1".into(),
                        ttl: 3600,
                    });
                }
                Action::Verify(domain) if self.dns => self.seen.get_mut(&domain).unwrap().verified = true,
                Action::Verify(domain) => assert!(unseen.insert(domain), "asked again without a pause"),
                Action::MakeAccount(domain) => {
                    self.made += 1;
                    let known = self.known(&domain);
                    assert_eq!(known.account, None, "made twice");
                    known.account = Some(ActivationAccount {
                        sign_in_name: known.sign_in_name(),
                        id: Some("2c0b6a1e-1111-4a11-9a11-0000000000a1".parse().unwrap()),
                        made: None,
                        sku: None,
                        licensed: None,
                    });
                }
                Action::License { domain, sku, .. } => {
                    self.seats = self.seats.checked_sub(1).expect("a seat that was not free");
                    products = None;
                    let now = self.now;
                    let account = self.known(&domain).account.as_mut().unwrap();
                    (account.sku, account.licensed) = (Some(sku), Some(now));
                    refused.remove(&domain);
                    if self.activates {
                        self.voice.insert(domain);
                    }
                }
                Action::Configure => {
                    assert!(self.seen.values().all(|seen| seen.verified));
                    match NAMES.into_iter().find(|domain| !self.voice.contains(*domain)) {
                        Some(domain) => assert!(refused.insert(domain.into()), "tried again without a pause"),
                        None => {
                            for domain in NAMES {
                                let now = self.now;
                                let known = self.known(domain);
                                known.active = Some(now);
                                let given_back = u64::from(known.account.take().is_some());
                                self.seats += given_back;
                            }
                            return Vec::new();
                        }
                    }
                }
                Action::Wait(seconds) => {
                    self.now += SignedDuration::from_secs(seconds.into());
                    assert!(self.now <= until);
                    (unseen, refused) = (BTreeSet::new(), BTreeSet::new());
                }
                Action::Stop(findings) => {
                    assert!(!findings.is_empty());
                    return findings;
                }
            }
        }
        panic!("it never ends");
    }
}

#[test]
fn r147_r148_every_small_world_ends_with_a_route_or_with_the_reason() {
    use Start::{Absent, CarriesCalls, Unverified, Verified};
    let mut worlds = 0;
    let all = [Absent, Unverified, Verified, CarriesCalls];
    for (first, second) in all.into_iter().flat_map(|one| all.map(|other| (one, other))) {
        for (seats, dns, activates) in (0..4).flat_map(|seats| {
            [false, true]
                .into_iter()
                .flat_map(move |dns| [false, true].map(|activates| (seats, dns, activates)))
        }) {
            worlds += 1;
            let what = format!("{first:?} {second:?}, {seats} seats, dns {dns}, activates {activates}");
            let starts = [first, second];
            let mut world = World::new(starts, seats, dns, activates);
            let findings = world.run();
            let lacking = starts.iter().filter(|start| **start != CarriesCalls).count();
            let codes: BTreeSet<Code> = findings.iter().map(|finding| finding.code).collect();
            // Whether a domain that was verified before us needs an account, only Teams tells, when it is tried.
            let foreseen = starts
                .iter()
                .filter(|start| matches!(start, Absent | Unverified))
                .count();
            let fewer_than = |count: usize| seats < u64::try_from(count).unwrap();
            let expected = if fewer_than(foreseen) {
                assert_eq!(world.made, 0, "{what}: something was made in vain");
                Some(Code::NoSpareLicenses)
            } else if (foreseen > 0 && !dns) || (lacking > 0 && !activates && !fewer_than(lacking)) {
                Some(Code::DomainNotReady)
            } else {
                None
            };
            match expected {
                Some(code) => assert_eq!(codes, BTreeSet::from([code]), "{what}"),
                None => assert_eq!(codes.is_empty(), !fewer_than(lacking), "{what}: {codes:?}"),
            }
            // Everything that was missing comes: the next run goes on from there, and makes nothing twice.
            (world.seats, world.dns, world.activates) = (world.seats + 2, true, true);
            world.voice.extend(
                world
                    .known
                    .values()
                    .filter(|known| known.account.is_some())
                    .map(|known| known.name.clone()),
            );
            world.now += SignedDuration::from_hours(2);
            assert_eq!(world.run(), [], "{what}");
            let made = world.made;
            assert_eq!(world.run(), [], "{what}");
            assert_eq!(world.made, made, "{what}: a tenant that is ready is left as it is");
        }
    }
    println!("{worlds} worlds");
    assert_eq!(worlds, 256);
}

#[test]
fn r147_a_licence_without_calling_is_lent_first_and_calling_plans_are_left_out() {
    let basic = product("b", &["TEAMS1", "EXCHANGE"], 1);
    let calling = product("a", &["TEAMS1", "MCOEV", "MCOPSTN8"], 5);
    let resource = product("0", &["MCOEV_VIRTUALUSER"], 9);
    let plain = product("9", &["EXCHANGE"], 9);
    let all = [resource.clone(), calling.clone(), basic.clone(), plain.clone()];
    assert_eq!(choice(&all), Some(&basic));
    assert_eq!(choice(&[resource.clone(), calling.clone()]), Some(&calling));
    assert_eq!(without(&calling), ["id of MCOEV", "id of MCOPSTN8"]);
    assert_eq!(choice(&[resource.clone(), plain.clone()]), Some(&resource));
    assert!(without(&resource).is_empty());
    assert_eq!(choice(&[plain, product("z", &["TEAMS1"], 0)]), None);
}

/// A domain with everything that is needed to look at one decision.
fn facts_of<'a>(
    needed: &'a [String],
    seen: &'a BTreeMap<String, Seen>,
    known: &'a BTreeMap<String, CallingDomain>,
    none: &'a BTreeSet<String>,
) -> Facts<'a> {
    Facts {
        now: Timestamp::UNIX_EPOCH,
        until: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1),
        needed,
        seen,
        known,
        unseen: none,
        refused: none,
        products: None,
    }
}

#[test]
fn what_no_licence_would_mend_is_said_first() {
    let (known, none) = (BTreeMap::new(), BTreeSet::new());
    let needed = ["x".repeat(49)];
    let stopped = next(&facts_of(&needed, &BTreeMap::new(), &known, &none));
    assert!(matches!(stopped, Action::Stop(findings) if findings[0].code == Code::DomainNotReady));
    let needed = ["x.sbc.example".to_owned()];
    let federated = Seen {
        verified: false,
        federated: true,
    };
    let seen = BTreeMap::from([(needed[0].clone(), federated)]);
    let stopped = next(&facts_of(&needed, &seen, &known, &none));
    assert!(matches!(stopped, Action::Stop(findings) if findings[0].seen.contains("federated")));
}

#[test]
fn a_licence_that_was_asked_for_before_a_crash_is_asked_for_again_whatever_is_free() {
    let needed = ["x.sbc.example".to_owned()];
    let ready = Seen {
        verified: true,
        federated: false,
    };
    let seen = BTreeMap::from([(needed[0].clone(), ready)]);
    let mut domain = CallingDomain::new(&needed[0], tenant_id(), true, Timestamp::UNIX_EPOCH);
    domain.account = Some(ActivationAccount {
        sign_in_name: domain.sign_in_name(),
        id: Some("2c0b6a1e-1111-4a11-9a11-0000000000a1".parse().unwrap()),
        made: None,
        sku: Some("a".into()),
        licensed: None,
    });
    let known = BTreeMap::from([(needed[0].clone(), domain)]);
    let none = BTreeSet::new();
    let products = [product("a", &["TEAMS1"], 0), product("b", &["TEAMS1"], 3)];
    let facts = Facts {
        products: Some(&products),
        ..facts_of(&needed, &seen, &known, &none)
    };
    assert!(matches!(next(&facts), Action::License { sku, .. } if sku == "a"));
}
