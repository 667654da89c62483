//! Makes tenants from a seed: people with every kind of licence, groups of every kind, numbers, roles, domains.

use super::Options;
use super::catalogue::{
    BUSINESS_BASIC, CALLING_PLAN, CREDITS, GLOBAL_ADMINISTRATOR, GLOBAL_READER, INTERNATIONAL_CALLING_PLAN, MCOEV,
    PHONE_ADD_ON, RESOURCE_ACCOUNT, SKUS, SPE_E3, SPE_E5, SPE_E5_CALLINGMINUTES, TEAMS_ADMINISTRATOR,
    USER_ADMINISTRATOR,
};
use super::chance::Chance;
use super::names::{COUNTRY, DEPARTMENT, GIVEN, SURNAME, TITLE, address_part, company};
use super::state::{Domain, Group, GroupKind, Members, PlanStatus, Subscription, Tenant, User};
use super::voice::{Number, Policy};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Three tenants: the main one, a small one, and one in between.
pub(super) fn tenants(options: &Options, now: Timestamp) -> Vec<Tenant> {
    let draw = Chance::new(options.seed, "companies").below(96);
    let mut tenants: Vec<Tenant> = [options.users, 20, 150]
        .into_iter()
        .enumerate()
        .map(|(nth, users)| tenant(options, draw, nth, users.max(12), now))
        .collect();
    visit(&mut tenants, now);
    tenants
}

fn tenant(options: &Options, draw: usize, nth: usize, users: usize, now: Timestamp) -> Tenant {
    let mut chance = Chance::new(options.seed, &format!("tenant {nth}"));
    let (name, label) = company(draw, nth);
    let country = chance.pick(&COUNTRY).map_or("US", |(country, _)| country);
    let mut tenant = Tenant {
        id: chance.guid(),
        name,
        country,
        created: now - SignedDuration::from_hours(24 * 900),
        domains: domains(&label, if options.bare { &[] } else { &options.sbc_bases }, &mut chance),
        label,
        users: Vec::with_capacity(users),
        by_id: HashMap::with_capacity(users),
        groups: Vec::new(),
        roles: BTreeMap::new(),
        subscriptions: BTreeMap::new(),
        apps: BTreeMap::new(),
        numbers: BTreeMap::new(),
        voice: HashMap::new(),
        operations: Vec::new(),
        settled: 0,
        journal: None,
        number_faults: HashMap::new(),
        policies: Vec::new(),
        usages: BTreeSet::new(),
        routes: Vec::new(),
        dns: HashMap::new(),
        changes: 1,
        forgotten: 0,
        user_consent: true,
        approval_workflow: false,
        strict_usage_location: false,
        withheld: BTreeSet::new(),
    };
    people(&mut tenant, users, &mut chance, now);
    tenant.groups = groups(&tenant, &mut chance, now);
    buy(&mut tenant);
    for (kind, name) in [
        ("TeamsCallingPolicy", "AllOn"),
        ("OnlineVoiceRoutingPolicy", "Legacy-Carrier"),
    ] {
        let id = chance.text(43);
        let created = tenant.created;
        tenant.policies.push(Policy {
            kind: kind.into(),
            name: name.into(),
            id,
            created,
            settings: json!({}),
        });
    }
    tenant
}

/// Seats for everybody who has a licence, and a few more.
fn buy(tenant: &mut Tenant) {
    for (at, sku) in (0_u8..).zip(&SKUS) {
        let used = u32::try_from(tenant.consumed(at)).unwrap_or(u32::MAX);
        let spare = if sku.plans.len() > 1 { 10 } else { 2 };
        if used > 0 {
            let subscription = Subscription {
                enabled: used + spare,
                warning: 0,
                suspended: 0,
                status: "Enabled",
            };
            tenant.subscriptions.insert(at, subscription);
        }
    }
}

fn domains(label: &str, bases: &[String], chance: &mut Chance) -> Vec<Domain> {
    let mut domain = |name: String, default: bool, initial: bool, voice: bool| Domain {
        name,
        verified: true,
        default,
        initial,
        services: if voice {
            Vec::new()
        } else {
            vec!["Email".into(), "OfficeCommunicationsOnline".into()]
        },
        text: format!("MS=ms{}", 10_000_000 + chance.below(90_000_000)),
        voice,
        federated: false,
    };
    let mut domains = vec![
        domain(format!("{label}.onmicrosoft.com"), false, true, false),
        domain(format!("{label}.example"), true, false, false),
    ];
    domains.extend(
        bases
            .iter()
            .map(|base| domain(format!("{label}.{base}"), false, false, true)),
    );
    domains
}

/// What kind of account the nth one is: the first have roles, the others are drawn.
fn people(tenant: &mut Tenant, count: usize, chance: &mut Chance, now: Timestamp) {
    let mut taken = HashSet::with_capacity(count);
    let domain = tenant.default_domain().to_owned();
    let mut on_premises = Vec::new();
    let mut on_calling_plan = Vec::new();
    for at in 0..count {
        let place = u32::try_from(at).unwrap_or(u32::MAX);
        let draw = if at < 8 {
            [0, 50, 0, 50, 0, 50, 62, 0][at]
        } else {
            chance.below(1000) / 10
        };
        let mut user = person(tenant.country, &domain, &mut taken, chance, now);
        shape(&mut user, draw, &domain, chance);
        if at >= 8 && matches!(draw, 30..=44) {
            user.synced = true;
            if chance.below(25) == 0 {
                on_premises.push(place);
            }
        }
        if matches!(draw, 70..=79) {
            on_calling_plan.push(place);
        }
        tenant.by_id.insert(user.id, place);
        tenant.users.push(user);
    }
    let mut hold = |role: u8, users: &[u32]| tenant.roles.insert(role, users.iter().copied().collect());
    hold(GLOBAL_ADMINISTRATOR, &[0, 1]);
    hold(TEAMS_ADMINISTRATOR, &[2]);
    hold(GLOBAL_READER, &[3]);
    hold(USER_ADMINISTRATOR, &[5]);
    let code = COUNTRY
        .iter()
        .find(|(country, _)| *country == tenant.country)
        .map_or("1555", |(_, code)| code);
    for (nth, user) in on_premises.iter().enumerate() {
        let number = format!("+{code}88{nth:05}");
        tenant.numbers.insert(
            number.clone(),
            Number {
                on_premises: true,
                ..Number::free("directRouting")
            },
        );
        tenant.give(&number, *user, "primary", tenant.created);
    }
    for (nth, user) in on_calling_plan.iter().enumerate() {
        let number = format!("+{code}77{nth:05}");
        tenant.numbers.insert(number.clone(), Number::free("callingPlan"));
        tenant.give(&number, *user, "primary", tenant.created);
    }
    for nth in 0..5 {
        tenant
            .numbers
            .insert(format!("+{code}66{nth:05}"), Number::free("callingPlan"));
    }
}

fn person(
    country: &'static str,
    domain: &str,
    taken: &mut HashSet<String>,
    chance: &mut Chance,
    now: Timestamp,
) -> User {
    let given = chance.pick(&GIVEN).unwrap_or("Mara");
    let surname = chance.pick(&SURNAME).unwrap_or("Quist");
    let base = format!("{}.{}", address_part(given), address_part(surname));
    let mut local = base.clone();
    let mut again = 2;
    while !taken.insert(local.clone()) {
        // Draws, so that a large directory of few names does not count up from 2 for each of them.
        local = format!("{base}{again}");
        again += 1 + chance.below(97);
    }
    let usage_location = if chance.below(10) == 0 {
        chance.pick(&COUNTRY).map(|(c, _)| c)
    } else {
        Some(country)
    };
    let created = now - SignedDuration::from_hours(24 + i64::try_from(chance.below(20_000)).unwrap_or(0));
    User {
        id: chance.guid(),
        given: Cow::Borrowed(given),
        surname: Cow::Borrowed(surname),
        display: None,
        sign_in: format!("{local}@{domain}").into(),
        mail: None,
        department: chance.pick(&DEPARTMENT).unwrap_or("Sales"),
        title: chance.pick(&TITLE).unwrap_or("Analyst"),
        usage_location: usage_location.map(Cow::Borrowed),
        enabled: true,
        guest: false,
        synced: false,
        skus: 0,
        plans: Vec::new(),
        created,
        late: false,
        licensed: created,
        deleted: None,
        changed: 1,
        revoked: None,
    }
}

/// Turns a person into one of the kinds that discovery must tell apart; `draw` is a percentage.
fn shape(user: &mut User, draw: usize, domain: &str, chance: &mut Chance) {
    let skus: &[u8] = match draw {
        0..=44 | 93..=95 => &[SPE_E5],
        45..=59 => &[SPE_E3],
        60..=69 | 96..=98 => &[SPE_E3, PHONE_ADD_ON],
        70..=75 => &[SPE_E5_CALLINGMINUTES],
        76..=78 => &[SPE_E3, PHONE_ADD_ON, CALLING_PLAN],
        79 => &[SPE_E5, INTERNATIONAL_CALLING_PLAN],
        80..=82 => &[SPE_E5, CREDITS],
        87..=89 => &[RESOURCE_ACCOUNT],
        99 => &[BUSINESS_BASIC],
        _ => &[],
    };
    user.skus = skus.iter().fold(0, |bits, sku| bits | 1 << sku);
    match draw {
        83..=86 if chance.below(2) == 0 => user.usage_location = None,
        87..=89 => {
            let line = format!("{} line {}", user.department, chance.below(900) + 100);
            user.mail = Some("".into());
            user.sign_in = format!("ra-{}", user.sign_in).into();
            user.display = Some(line.into());
        }
        90..=92 => {
            let home = format!(
                "{}.{}@partner.example",
                address_part(&user.given),
                address_part(&user.surname)
            );
            let label = domain.split('.').next().unwrap_or_default();
            let unique = user.sign_in.split('@').next().unwrap_or_default();
            user.sign_in = format!("{unique}_partner.example#EXT#@{label}.onmicrosoft.com").into();
            user.mail = Some(home.into());
            user.guest = true;
            user.usage_location = None;
        }
        93..=95 => user.enabled = false,
        96 => {
            // The add-on was taken away: its plan stays in the list.
            user.skus = 1 << SPE_E3;
            user.plans.push((MCOEV, PlanStatus::Deleted));
        }
        97 => user.plans.push((MCOEV, PlanStatus::Suspended)),
        98 => user.plans.push((MCOEV, PlanStatus::Warning)),
        _ => {}
    }
}

fn groups(tenant: &Tenant, chance: &mut Chance, now: Timestamp) -> Vec<Group> {
    let everybody = 0..u32::try_from(tenant.users.len()).unwrap_or(u32::MAX);
    let of = |department: &str| -> Vec<u32> {
        everybody
            .clone()
            .filter(|at| tenant.person(*at).department == department)
            .collect()
    };
    let listed = |users: Vec<u32>, groups: Vec<usize>| Members::Listed { users, groups };
    let part = |users: &[u32], every: usize| users.iter().copied().step_by(every).collect::<Vec<_>>();
    let (accounting, billing, sales) = (of("Accounting"), of("Billing"), of("Sales"));
    let half = accounting.len() / 2;
    let mut billing_and_more = billing;
    billing_and_more.extend(part(&accounting, 8));
    let member_rule = r#"(user.objectId -ne null) and (user.userType -eq "Member")"#;
    let sales_rule = r#"(user.department -eq "Sales") and (user.usageLocation -eq "US")"#;
    use GroupKind::{Distribution, MailSecurity, Microsoft365, Security};
    let plans: Vec<(&str, GroupKind, Option<&'static str>, Members)> = vec![
        (
            "Accounting Interns",
            Security,
            None,
            listed(part(&accounting, 9), vec![]),
        ),
        (
            "Accounts Payable",
            Security,
            None,
            listed(accounting[half..].to_vec(), vec![0]),
        ),
        (
            "Accounting",
            Security,
            None,
            listed(accounting[..half].to_vec(), vec![1]),
        ),
        ("Billing", Microsoft365, None, listed(billing_and_more, vec![])),
        ("Sales", Security, None, listed(sales.clone(), vec![])),
        (
            "Sales US",
            Security,
            Some(sales_rule),
            Members::Department("Sales", "US"),
        ),
        ("All Users", Security, Some(member_rule), Members::EveryMember),
        ("All Company", Microsoft365, Some(member_rule), Members::EveryMember),
        ("Pilot (empty)", Security, None, listed(vec![], vec![])),
        ("Teams Pilots", MailSecurity, None, listed(part(&sales, 4), vec![])),
        ("Announcements", Distribution, None, listed(part(&sales, 2), vec![4])),
        ("Headquarters", Security, None, listed(vec![0, 1, 2], vec![2, 3])),
        ("Marketing", Microsoft365, None, listed(of("Marketing"), vec![])),
    ];
    let mut groups = Vec::with_capacity(plans.len());
    for (name, kind, rule, members) in plans {
        let nickname = name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_lowercase();
        groups.push(Group {
            id: chance.guid(),
            name: name.into(),
            description: (kind != Security).then(|| format!("{name} of {}", tenant.name)),
            kind,
            nickname,
            // The company-wide community has members but no rule that an administrator could read.
            rule: rule.filter(|_| kind == Security),
            members,
            created: now - SignedDuration::from_hours(24 * 400),
            deleted: false,
            paused: false,
            hidden: false,
            changed: 1,
        });
    }
    groups
}

/// What a discovery of a tenant counts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Figures {
    total: usize,
    licensed: usize,
    phone_system: usize,
    excluded_by_calling_plan: usize,
    resource: usize,
}

/// Gives the enabled members licences so that these are the figures, adds members where there are too few and disables
/// those who are left over. Guests stay: they are not counted. Resource accounts come last, so that no administrator is
/// one.
pub(super) fn figures(
    tenant: &mut Tenant,
    wanted: &Figures,
    chance: &mut Chance,
    now: Timestamp,
) -> Result<(), &'static str> {
    let Figures {
        total,
        licensed,
        phone_system,
        excluded_by_calling_plan,
        resource,
    } = *wanted;
    if excluded_by_calling_plan > phone_system || phone_system + resource > licensed || licensed > total {
        return Err(
            "each figure must hold the next: total, licensed, phoneSystem + resource, and excludedByCallingPlan",
        );
    }
    let members = tenant.users.iter().filter(|user| !user.guest && user.deleted.is_none());
    let missing = total.saturating_sub(members.count());
    let domain = tenant.default_domain().to_owned();
    let local = |user: &User| user.sign_in.split('@').next().unwrap_or_default().to_owned();
    let mut taken: HashSet<String> = tenant.users.iter().map(local).collect();
    for _ in 0..missing {
        let user = person(tenant.country, &domain, &mut taken, chance, now);
        tenant.add(user);
    }
    let kinds: [(usize, &[u8]); 5] = [
        (excluded_by_calling_plan, &[SPE_E5_CALLINGMINUTES]),
        (phone_system, &[SPE_E5]),
        (licensed - resource, &[SPE_E3]),
        (total - resource, &[]),
        (total, &[RESOURCE_ACCOUNT]),
    ];
    tenant.changes += 1;
    let changed = tenant.changes;
    let members = tenant.users.iter_mut();
    let members = members.filter(|user| !user.guest && user.deleted.is_none());
    for (nth, user) in members.enumerate() {
        let kind = kinds.iter().find(|(until, _)| nth < *until);
        user.enabled = kind.is_some();
        user.plans.clear();
        user.skus = kind.map_or(0, |(_, skus)| skus.iter().fold(0, |bits, sku| bits | 1 << sku));
        user.changed = changed;
    }
    buy(tenant);
    Ok(())
}

/// Makes the second administrator of the third tenant a guest of the first one.
fn visit(tenants: &mut [Tenant], now: Timestamp) {
    let [host, _, home] = tenants else { return };
    let visitor = home.person(1).clone();
    let mut guest = visitor.clone();
    let local = visitor.sign_in.replace('@', "_");
    guest.id = Chance::new(7, &visitor.sign_in).guid();
    guest.sign_in = format!("{local}#EXT#@{}", host.initial_domain()).into();
    guest.mail = Some(visitor.sign_in.clone());
    guest.guest = true;
    guest.skus = 0;
    guest.plans.clear();
    guest.usage_location = None;
    guest.created = now - SignedDuration::from_hours(48);
    let place = u32::try_from(host.users.len()).unwrap_or(u32::MAX);
    host.by_id.insert(guest.id, place);
    host.users.push(guest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn main_tenant(seed: u64) -> Tenant {
        let options = Options {
            seed,
            ..Options::default()
        };
        tenants(&options, Timestamp::UNIX_EPOCH + SignedDuration::from_hours(500_000)).remove(0)
    }

    #[test]
    fn every_kind_of_account_occurs() {
        let tenant = main_tenant(1);
        let count = |test: fn(&User) -> bool| tenant.users.iter().filter(|user| test(user)).count();
        assert_eq!(tenant.users.len(), 2501);
        assert!(count(|user| user.guest) > 50);
        assert!(count(|user| !user.enabled) > 50);
        assert!(count(|user| user.has_sku(RESOURCE_ACCOUNT)) > 50);
        assert!(count(|user| user.can(&[MCOEV])) > 1500);
        for status in [PlanStatus::Deleted, PlanStatus::Suspended, PlanStatus::Warning] {
            assert!(
                tenant.users.iter().any(|user| user.plans.contains(&(MCOEV, status))),
                "{}",
                status.name()
            );
        }
        assert!(tenant.numbers.values().any(|number| number.on_premises));
        assert!(
            tenant
                .users
                .iter()
                .any(|user| user.usage_location.is_none() && !user.guest)
        );
    }

    #[test]
    fn the_seed_decides() {
        let names = |seed| {
            main_tenant(seed)
                .users
                .iter()
                .take(20)
                .map(User::display_name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(3), names(3));
        assert_ne!(names(3), names(4));
    }

    #[test]
    fn nested_and_overlapping_groups_are_counted_once() {
        let tenant = main_tenant(1);
        let at = |name: &str| tenant.groups.iter().position(|group| group.name == name).unwrap();
        let direct = tenant.members(at("Accounting"), false).len();
        let all = tenant.members(at("Accounting"), true).len();
        assert!(direct < all, "{direct} {all}");
        let department = tenant
            .users
            .iter()
            .filter(|user| user.department == "Accounting")
            .count();
        assert_eq!(all, department);
        assert!(tenant.members(at("Pilot (empty)"), true).is_empty());
        assert!(tenant.members(at("All Users"), true).len() < tenant.users.len());
    }
}
