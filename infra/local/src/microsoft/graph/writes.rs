//! Changes of the directory: users, licences, domains.

use super::super::catalogue::{DOMAIN_WRITERS, LICENCE_WRITERS, PLANS, SKUS, USER_WRITERS};
use super::super::state::{Deleted, Domain, PlanStatus, User, sku_named};
use super::Ask;
use super::answer::{Answer, Refused, Reply};
use super::organization::{domain_record, find};
use super::user_record::{DEFAULT, write};
use serde_json::Value;
use std::borrow::Cow;

const USERS: &[&str] = &["User.ReadWrite.All"];
const DOMAINS: &[&str] = &["Domain.ReadWrite.All", "Directory.AccessAsUser.All"];

/// Entra's limit for domain names.
const LONGEST_DOMAIN: usize = 48;

fn text<'a>(body: &'a Value, name: &str) -> Result<&'a str, Refused> {
    let value = body[name].as_str().filter(|text| !text.is_empty());
    value.ok_or_else(|| Refused::bad(format!("A value is required for property '{name}' of resource.")))
}

fn user_answer(ask: &Ask<'_>, user: u32, status: u16) -> Answer {
    let mut out = Vec::new();
    write(
        &mut out,
        ask.tenant(),
        ask.tenant().person(user),
        &DEFAULT,
        ask.state.switches.unknown_fields,
    );
    let mut whole = format!("{{\"@odata.context\":\"{}\",", ask.url("/$metadata#users/$entity")).into_bytes();
    whole.extend_from_slice(&out[1..]);
    Answer::bytes(status, whole)
}

pub(super) fn create_user(ask: &mut Ask<'_>) -> Reply {
    ask.need(USERS, USER_WRITERS)?;
    let body = ask.json()?;
    let sign_in = text(&body, "userPrincipalName")?;
    let display = text(&body, "displayName")?;
    text(&body, "mailNickname")?;
    if body["passwordProfile"]["password"].as_str().is_none_or(str::is_empty) {
        return Err(Refused::bad("A password must be specified to create a new user."));
    }
    let domain = sign_in.split_once('@').map_or("", |(_, domain)| domain);
    let verified = ask
        .tenant()
        .domains
        .iter()
        .any(|known| known.verified && known.name.eq_ignore_ascii_case(domain));
    if !verified {
        return Err(Refused::bad(
            "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.",
        ));
    }
    if find(ask, domain)?.federated {
        return Err(Refused::bad(
            "Property userPrincipalName is invalid: the domain of a cloud account must not be federated.",
        ));
    }
    if ask.tenant().user_signing_in_as(sign_in).is_some() {
        return Err(Refused::bad(
            "Another object with the same value for property userPrincipalName already exists.",
        ));
    }
    let optional = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let mut user = User::new(ask.state.chance.guid(), sign_in, display, ask.now);
    user.given = Cow::Owned(optional("givenName"));
    user.surname = Cow::Owned(optional("surname"));
    user.usage_location = body["usageLocation"].as_str().map(|text| Cow::Owned(text.to_owned()));
    user.enabled = body["accountEnabled"].as_bool().unwrap_or(true);
    let at = ask.tenant_mut().add(user);
    let id = ask.tenant().person(at).id;
    Ok(user_answer(ask, at, 201).with("Location", ask.url(&format!("/users/{id}"))))
}

pub(super) fn update_user(ask: &mut Ask<'_>, id: &str) -> Reply {
    ask.need(USERS, USER_WRITERS)?;
    let body = ask.json()?;
    let user = ask.tenant().user(id).ok_or_else(|| Refused::missing(id))?;
    let person = ask.tenant_mut().person_mut(user);
    if let Some(enabled) = body["accountEnabled"].as_bool() {
        person.enabled = enabled;
    }
    if let Some(location) = body.get("usageLocation") {
        person.usage_location = location.as_str().map(|text| Cow::Owned(text.to_owned()));
    }
    if let Some(name) = body["displayName"].as_str() {
        person.display = Some(name.into());
    }
    Ok(Answer::empty(204))
}

pub(super) fn delete_user(ask: &mut Ask<'_>, id: &str) -> Reply {
    ask.need(USERS, USER_WRITERS)?;
    let user = ask.tenant().user(id).ok_or_else(|| Refused::missing(id))?;
    ask.tenant_mut().person_mut(user).deleted = Some(Deleted::Restorable);
    Ok(Answer::empty(204))
}

pub(super) fn assign_licence(ask: &mut Ask<'_>, id: &str) -> Reply {
    ask.need(
        &["LicenseAssignment.ReadWrite.All", "User.ReadWrite.All"],
        LICENCE_WRITERS,
    )?;
    let body = ask.json()?;
    let user = ask.tenant().user(id).ok_or_else(|| Refused::missing(id))?;
    let (Some(add), Some(remove)) = (body["addLicenses"].as_array(), body["removeLicenses"].as_array()) else {
        return Err(Refused::bad(
            "One or more parameters of the operation 'assignLicense' are missing.",
        ));
    };
    let wanted: Vec<&str> = add.iter().filter_map(|licence| licence["skuId"].as_str()).collect();
    let disabled = add
        .iter()
        .filter_map(|licence| licence["disabledPlans"].as_array())
        .flatten();
    let disabled: Vec<u8> = (0_u8..)
        .zip(&PLANS)
        .filter(|(_, plan)| disabled.clone().any(|id| id.as_str() == Some(plan.id)))
        .map(|(at, _)| at)
        .collect();
    let mut skus = ask.tenant().person(user).skus;
    for name in remove.iter().filter_map(Value::as_str) {
        let sku = sku_named(name).filter(|sku| skus & (1 << sku) != 0);
        skus &=
            !(1 << sku.ok_or_else(|| Refused::bad(format!("User does not have a corresponding license {name}.")))?);
    }
    for name in wanted {
        if ask.tenant().person(user).usage_location.is_none() {
            return Err(Refused::bad(
                "License assignment cannot be done for user with invalid usage location.",
            ));
        }
        let unknown = || {
            Refused::bad(format!(
                "License {name} does not correspond to a valid company License."
            ))
        };
        let sku = sku_named(name).ok_or_else(unknown)?;
        let seats = ask.tenant().subscriptions.get(&sku).ok_or_else(unknown)?;
        let used = ask.tenant().consumed(sku);
        if !ask.tenant().person(user).has_sku(sku) && used >= (seats.enabled + seats.warning) as usize {
            let part = SKUS[usize::from(sku)].part;
            return Err(Refused::bad(format!(
                "Subscription with SKU {part} does not have any available licenses."
            )));
        }
        skus |= 1 << sku;
    }
    let now = ask.now;
    let person = ask.tenant_mut().person_mut(user);
    person.skus = skus;
    person.plans.retain(|(plan, _)| !disabled.contains(plan));
    person
        .plans
        .extend(disabled.into_iter().map(|plan| (plan, PlanStatus::Deleted)));
    person.licensed = now;
    Ok(user_answer(ask, user, 202))
}

pub(super) fn create_domain(ask: &mut Ask<'_>) -> Reply {
    ask.need(DOMAINS, DOMAIN_WRITERS)?;
    let body = ask.json()?;
    let name = text(&body, "id")?.to_lowercase();
    if body.as_object().is_some_and(|fields| fields.len() > 1) {
        return Err(Refused::bad(
            "Only the property 'id' can be set when a domain is created.",
        ));
    }
    let well_formed = name.contains('.')
        && name
            .split('.')
            .all(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    if !well_formed || name.len() > LONGEST_DOMAIN || name.ends_with(".onmicrosoft.com") {
        return Err(Refused::bad(
            "Invalid value specified for property 'id' of resource 'Domain'.",
        ));
    }
    let known = |tenant: &super::super::state::Tenant| tenant.domains.iter().any(|domain| domain.name == name);
    if known(ask.tenant()) {
        return Err(Refused::bad("Domain already exists in the tenant. (Name.Conflict)"));
    }
    if ask.state.tenants.iter().any(known) {
        return Err(Refused::bad(
            "The domain name is already in use by another tenant. (DomainInUse)",
        ));
    }
    // A sub-domain of a domain of the same tenant needs no proof of its own.
    let verified = ask
        .tenant()
        .domains
        .iter()
        .any(|root| root.verified && name.ends_with(&format!(".{}", root.name)));
    let number = 10_000_000 + ask.state.chance.below(90_000_000);
    let domain = Domain {
        name,
        verified,
        default: false,
        initial: false,
        services: Vec::new(),
        text: format!("MS=ms{number}"),
        voice: false,
        federated: false,
    };
    let mut value = domain_record(&domain);
    value["@odata.context"] = ask.url("/$metadata#domains/$entity").into();
    ask.tenant_mut().domains.push(domain);
    Ok(Answer::created(&value))
}

pub(super) fn verify_domain(ask: &mut Ask<'_>, name: &str) -> Reply {
    ask.need(DOMAINS, DOMAIN_WRITERS)?;
    let domain = find(ask, name)?;
    let delay = ask.microsoft.inner.options.delays.dns_visible;
    let published = ask.tenant().dns.get(&domain.name);
    let visible = published.is_some_and(|(text, at)| *text == domain.text && ask.now.duration_since(*at) >= delay);
    if !domain.verified && !visible {
        return Err(Refused::bad(format!(
            "Domain verification failed with the following error: 'DNS record for domain {name} was not found.'"
        )));
    }
    let found = ask
        .tenant_mut()
        .domains
        .iter_mut()
        .find(|domain| domain.name.eq_ignore_ascii_case(name));
    let domain = found.ok_or_else(|| Refused::missing(name))?;
    domain.verified = true;
    let mut value = domain_record(domain);
    value["availabilityStatus"] = "AvailableImmediately".into();
    value["@odata.context"] = ask.url("/$metadata#domains/$entity").into();
    Ok(Answer::json(&value))
}

pub(super) fn update_domain(ask: &mut Ask<'_>, name: &str) -> Reply {
    ask.need(DOMAINS, DOMAIN_WRITERS)?;
    let body = ask.json()?;
    find(ask, name)?;
    let services = body["supportedServices"].as_array();
    let services: Option<Vec<String>> =
        services.map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    let known = |service: &String| matches!(service.as_str(), "Email" | "OfficeCommunicationsOnline" | "Yammer");
    if services.iter().flatten().any(|service| !known(service)) {
        return Err(Refused::bad(
            "Invalid value specified for property 'supportedServices' of resource 'Domain'.",
        ));
    }
    let found = ask
        .tenant_mut()
        .domains
        .iter_mut()
        .find(|domain| domain.name.eq_ignore_ascii_case(name));
    if let (Some(domain), Some(services)) = (found, services) {
        domain.services = services;
    }
    Ok(Answer::empty(204))
}

pub(super) fn delete_domain(ask: &mut Ask<'_>, name: &str) -> Reply {
    ask.need(DOMAINS, DOMAIN_WRITERS)?;
    let domain = find(ask, name)?;
    let suffix = format!("@{}", domain.name);
    let used = ask
        .tenant()
        .users
        .iter()
        .any(|user| user.deleted.is_none() && user.sign_in.ends_with(&suffix));
    if used || domain.initial || domain.default {
        return Err(Refused::bad(
            "The domain cannot be removed because it is still referenced.",
        ));
    }
    ask.tenant_mut()
        .domains
        .retain(|domain| !domain.name.eq_ignore_ascii_case(name));
    Ok(Answer::empty(204))
}
