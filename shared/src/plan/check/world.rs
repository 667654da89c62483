//! A tenant and our table as the laws of planning see them: people and numbers are small numbers, and Microsoft's rules
//! are written down once more. Nothing here asks the planner what is right.

use crate::domain::calling_policy::PolicyType;
use crate::domain::change::Change;
use crate::domain::finding::{Actor, Code, Finding};
use crate::domain::ids::TeamsUserId;
use crate::domain::mapping::Owned;
use crate::domain::phone::E164;
use crate::plan::mapping::Wanted;
use crate::plan::sync::{Facts, ObservedNumber, ObservedPolicy, ObservedUser};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

pub(super) const MOST: usize = 9;
const ROUTING: &str = "X-Routing";
const CALLING: [&str; 2] = ["X-VM", "X-NoVM"];
pub(super) const THEIRS: &str = "Theirs";

static USERS: LazyLock<Vec<TeamsUserId>> = LazyLock::new(|| {
    let id = |n: usize| format!("2c0b6a1e-1111-4a11-9a11-00000000{n:04x}");
    (0..MOST).map(|n| id(n).parse().unwrap()).collect()
});
static NUMBERS: LazyLock<Vec<E164>> = LazyLock::new(|| {
    let number = |n: usize| format!("+1555010010{n}").parse().unwrap();
    (0..MOST).map(number).collect()
});

fn user(id: &TeamsUserId) -> usize {
    USERS.iter().position(|known| known == id).unwrap()
}

fn number(id: &E164) -> usize {
    NUMBERS.iter().position(|known| known == id).unwrap()
}

fn kind(policy_type: PolicyType) -> usize {
    match policy_type {
        PolicyType::OnlineVoiceRoutingPolicy => 0,
        PolicyType::TeamsCallingPolicy => 1,
    }
}

/// A number as the tenant has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Number {
    pub(super) holder: Option<usize>,
    pub(super) foreign: bool,
    pub(super) orphaned: bool,
    pub(super) on_premises: bool,
}

/// A person as the tenant has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Person {
    pub(super) gone: bool,
    pub(super) on_premises: bool,
    pub(super) calling_off: bool,
    pub(super) unfit: bool,
    pub(super) direct: [Option<String>; 2],
    pub(super) by_group: [Option<String>; 2],
}

/// What our table says is ours of a person.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Ours {
    pub(super) number: Option<usize>,
    pub(super) policies: [Option<String>; 2],
    pub(super) before: [Option<String>; 2],
}

/// Everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct World {
    pub(super) numbers: Vec<Number>,
    pub(super) people: Vec<Person>,
    pub(super) ours: Vec<Ours>,
    /// The number and the calling policy that each person is to have.
    pub(super) wanted: Vec<Option<(usize, usize)>>,
}

impl World {
    pub(super) fn new(people: usize, numbers: usize) -> Self {
        Self {
            numbers: vec![Number::default(); numbers],
            people: vec![Person::default(); people],
            ours: vec![Ours::default(); people],
            wanted: vec![None; people],
        }
    }

    pub(super) fn held_by(&self, who: usize) -> Vec<usize> {
        (0..self.numbers.len())
            .filter(|n| self.numbers[*n].holder == Some(who))
            .collect()
    }

    pub(super) fn policy_wanted(&self, who: usize, kind: usize) -> Option<&'static str> {
        self.wanted[who].map(|(_, calling)| if kind == 0 { ROUTING } else { CALLING[calling] })
    }

    /// What holds for the person: what was granted, or else what a group gives.
    pub(super) fn policy(&self, who: usize, kind: usize) -> Option<&str> {
        let person = &self.people[who];
        person.direct[kind].as_deref().or(person.by_group[kind].as_deref())
    }

    fn has_all(&self, who: usize) -> bool {
        let (n, _) = self.wanted[who].unwrap();
        let ours = &self.ours[who];
        let policies = (0..2).all(|kind| {
            let wanted = self.policy_wanted(who, kind);
            self.policy(who, kind) == wanted && ours.policies[kind].as_deref() == wanted
        });
        self.numbers[n].holder == Some(who) && ours.number == Some(n) && policies
    }

    /// Whether the person must be left alone, though something is wanted.
    pub(super) fn must_be_left(&self, who: usize) -> bool {
        let Some((n, _)) = self.wanted[who] else { return false };
        let (person, number) = (&self.people[who], &self.numbers[n]);
        let twice = (0..self.wanted.len()).any(|other| other != who && self.wanted[other].is_some_and(|w| w.0 == n));
        let taken = number
            .holder
            .is_some_and(|holder| holder != who && self.ours[holder].number != Some(n));
        let other = self.held_by(who).into_iter().any(|held| {
            let is = &self.numbers[held];
            held != n && (is.on_premises || is.foreign || self.ours[who].number != Some(held))
        });
        let number_cannot = number.foreign || number.orphaned || number.on_premises;
        let cannot = person.gone || person.on_premises || number_cannot || twice || taken || other;
        cannot || (person.unfit && !self.has_all(who))
    }

    /// What the planner is told.
    pub(super) fn facts(&self) -> Facts {
        let mut facts = Facts {
            brand_policies: [ROUTING, CALLING[0], CALLING[1]].map(str::to_owned).into(),
            ..Facts::default()
        };
        for (who, person) in self.people.iter().enumerate() {
            let id = &USERS[who];
            if let Some((n, calling)) = self.wanted[who] {
                let wanted = Wanted {
                    voice_user: "v1".parse().unwrap(),
                    name: String::new(),
                    number: NUMBERS[n].clone(),
                    calling_policy: CALLING[calling].into(),
                    routing_policy: ROUTING.into(),
                };
                facts.wanted.insert(id.clone(), wanted);
            }
            let ours = self.owned(who);
            if !ours.is_empty() {
                facts.ours.insert(id.clone(), ours);
            }
            if person.unfit {
                let finding = Finding {
                    code: Code::NoPhoneSystem,
                    subject: String::new(),
                    seen: String::new(),
                    fix: String::new(),
                    actor: Actor::GlobalAdmin,
                    about: Some(id.clone()),
                    wait: None,
                };
                facts.unfit.insert(id.clone(), vec![finding]);
            }
            if person.gone {
                continue;
            }
            let mut policies = BTreeMap::new();
            for policy_type in [PolicyType::OnlineVoiceRoutingPolicy, PolicyType::TeamsCallingPolicy] {
                if let Some(name) = self.policy(who, kind(policy_type)) {
                    let by_group = person.direct[kind(policy_type)].is_none();
                    let name = name.to_owned();
                    policies.insert(policy_type, ObservedPolicy { name, by_group });
                }
            }
            let held = self.held_by(who);
            let observed = ObservedUser {
                number: held.first().map(|n| NUMBERS[*n].clone()),
                policies,
                on_premises: person.on_premises,
                calling_off: person.calling_off && !held.is_empty(),
                not_teams_only: None,
            };
            facts.users.insert(id.clone(), observed);
        }
        for (n, number) in self.numbers.iter().enumerate() {
            let observed = ObservedNumber {
                holder: number.holder.map(|who| USERS[who].clone()),
                foreign_kind: number.foreign,
                orphaned: number.orphaned,
                on_premises: number.on_premises,
            };
            facts.numbers.insert(NUMBERS[n].clone(), observed);
        }
        facts
    }

    pub(super) fn owned(&self, who: usize) -> Owned {
        let ours = &self.ours[who];
        let [routing_policy, calling_policy] = ours.policies.clone();
        let [routing_policy_before, calling_policy_before] = ours.before.clone();
        Owned {
            number: ours.number.map(|n| NUMBERS[n].clone()),
            calling_policy,
            routing_policy,
            calling_policy_before,
            routing_policy_before,
        }
    }

    /// Makes a change as Microsoft would, and notes it as ours; panics where it must not be made.
    pub(super) fn make(&mut self, change: &Change) {
        match change {
            Change::Release { number: n, from } => {
                let (n, from) = (number(n), user(from));
                assert_eq!(
                    self.numbers[n].holder,
                    Some(from),
                    "released from whom does not have it"
                );
                assert_eq!(self.ours[from].number, Some(n), "only what is ours is taken away");
                assert!(
                    !self.numbers[n].on_premises && !self.numbers[n].foreign,
                    "cannot be released"
                );
                self.numbers[n].holder = None;
                self.ours[from].number = None;
            }
            Change::Assign { number: n, to, .. } => {
                let (n, to) = (number(n), user(to));
                let is = &self.numbers[n];
                assert!(is.holder.is_none_or(|holder| holder == to), "no number has two users");
                assert!(
                    self.held_by(to).into_iter().all(|held| held == n),
                    "no user has two numbers"
                );
                assert!(!is.foreign && !is.orphaned && !is.on_premises, "cannot be assigned");
                assert!(!self.people[to].gone && !self.people[to].on_premises, "nobody there");
                self.numbers[n].holder = Some(to);
                self.people[to].calling_off = false;
                self.ours[to].number = Some(n);
            }
            Change::Adopt { number: n, user: who } => {
                let (n, who) = (number(n), user(who));
                assert_eq!(self.numbers[n].holder, Some(who), "adopted and not there");
                self.ours[who].number = Some(n);
            }
            Change::AdoptPolicy {
                user: who,
                policy_type,
                name,
            } => {
                let (who, kind) = (user(who), kind(*policy_type));
                assert_eq!(
                    self.people[who].direct[kind].as_ref(),
                    Some(name),
                    "adopted and not there"
                );
                self.ours[who].policies[kind] = Some(name.clone());
            }
            Change::Grant {
                user: who,
                policy_type,
                name,
                ..
            } => {
                let (who, kind) = (user(who), kind(*policy_type));
                assert!(!self.people[who].gone, "nobody there");
                let had = self.people[who].direct[kind].replace(name.clone());
                let ours = &mut self.ours[who];
                if ours.policies[kind].is_none() {
                    ours.before[kind] = had.filter(|had| had == THEIRS);
                }
                ours.policies[kind] = Some(name.clone());
            }
            Change::Revoke {
                user: who,
                policy_type,
                name,
                back,
            } => {
                let (who, kind) = (user(who), kind(*policy_type));
                let ours = &mut self.ours[who];
                assert_eq!(
                    self.people[who].direct[kind].as_ref(),
                    Some(name),
                    "revoked and not there"
                );
                assert_eq!(
                    ours.policies[kind].as_ref(),
                    Some(name),
                    "only what is ours is taken away"
                );
                assert_eq!(*back, ours.before[kind], "what was there before us stays");
                self.people[who].direct[kind] = back.clone();
                ours.policies[kind] = None;
                ours.before[kind] = None;
            }
        }
    }

    /// Nobody has two numbers. That no number has two users is how a number is written down here.
    pub(super) fn assert_one_number_each(&self) {
        let holders: Vec<usize> = self.numbers.iter().filter_map(|number| number.holder).collect();
        let distinct: BTreeSet<usize> = holders.iter().copied().collect();
        assert_eq!(holders.len(), distinct.len(), "a user has two numbers");
    }

    /// At the end of a run: what the plan says is ours of those who are not in conflict.
    pub(super) fn settle(&mut self, targets: &BTreeMap<TeamsUserId, Owned>) {
        for (id, owned) in targets {
            let policies = [owned.routing_policy.clone(), owned.calling_policy.clone()];
            let before = [owned.routing_policy_before.clone(), owned.calling_policy_before.clone()];
            self.ours[user(id)] = Ours {
                number: owned.number.as_ref().map(number),
                policies,
                before,
            };
        }
    }
}

/// Who a finding is about.
pub(super) fn about(finding: &Finding) -> usize {
    user(finding.about.as_ref().unwrap())
}
