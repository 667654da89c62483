//! A user as JSON, written property by property: a page of a large directory is made without building values.

use super::super::catalogue::{PLANS, SKUS};
use super::super::state::{Tenant, User};
use super::answer::{Refused, put};
use super::filter::Support;
use serde_json::{Value, json};

/// What comes without `$select`.
pub(super) const DEFAULT: [&str; 11] = [
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
];

const OTHERS: [&str; 24] = [
    "accountEnabled",
    "assignedLicenses",
    "assignedPlans",
    "city",
    "companyName",
    "country",
    "createdDateTime",
    "department",
    "employeeId",
    "isResourceAccount",
    "mailNickname",
    "onPremisesExtensionAttributes",
    "onPremisesImmutableId",
    "onPremisesSyncEnabled",
    "otherMails",
    "postalCode",
    "proxyAddresses",
    "securityIdentifier",
    "showInAddressList",
    "state",
    "streetAddress",
    "usageLocation",
    "userType",
    "deletedDateTime",
];

/// Kept outside the directory: cannot be listed.
const ELSEWHERE: [&str; 10] = [
    "aboutMe",
    "birthday",
    "hireDate",
    "interests",
    "mySite",
    "pastProjects",
    "preferredName",
    "responsibilities",
    "schools",
    "skills",
];

/// Refuses `$select` of what there is not.
pub(super) fn check_select(select: Option<&Vec<String>>) -> Result<(), Refused> {
    for name in select.into_iter().flatten() {
        let name = name.as_str();
        if ELSEWHERE.contains(&name) {
            return Err(Refused::new(
                501,
                "NotImplemented",
                format!("The property '{name}' cannot be selected in a list."),
            ));
        }
        if !DEFAULT.contains(&name) && !OTHERS.contains(&name) && name != "*" {
            let message = format!(
                "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type 'microsoft.graph.user'."
            );
            return Err(Refused::new(400, "BadRequest", message));
        }
    }
    Ok(())
}

/// Which filters users support.
pub(super) fn rules(property: &str, operation: &str) -> Support {
    use Support::{Advanced, Default, Never, Unknown};
    match (property, operation) {
        ("accountEnabled", "eq" | "in") => Default,
        ("accountEnabled", "ne" | "not" | "ge" | "le") => Advanced,
        ("assignedPlans" | "assignedLicenses", "eq") => Default,
        ("assignedPlans" | "assignedLicenses", "not" | "count") => Advanced,
        ("userType", "eq" | "in") => Default,
        ("userType", "ne" | "not" | "null") => Advanced,
        ("usageLocation" | "userPrincipalName", "eq" | "ge" | "le" | "in" | "startsWith") => Default,
        ("usageLocation", "ne" | "not") => Advanced,
        ("userPrincipalName" | "mail" | "proxyAddresses" | "otherMails", "ne" | "not" | "endsWith") => Advanced,
        ("mail" | "proxyAddresses" | "otherMails", "eq" | "ge" | "le" | "startsWith" | "in") => Default,
        ("onPremisesSyncEnabled", "eq" | "in") => Default,
        ("onPremisesSyncEnabled", "ne" | "ge" | "le" | "not" | "null") => Advanced,
        ("isResourceAccount", "eq") => Default,
        ("isResourceAccount", "ne") => Advanced,
        ("id", "eq" | "in") => Default,
        (
            "displayName" | "givenName" | "surname" | "department" | "jobTitle" | "country",
            "eq" | "ge" | "le" | "in" | "startsWith",
        ) => Default,
        ("displayName" | "givenName" | "surname" | "department" | "jobTitle" | "country", "ne" | "not" | "null") => {
            Advanced
        }
        ("createdDateTime", "eq" | "ge" | "le" | "in") => Default,
        ("createdDateTime", "ne" | "not") => Advanced,
        _ if DEFAULT.contains(&property) || OTHERS.contains(&property) => Never,
        _ => Unknown,
    }
}

/// One property as a value, for filters.
pub(super) fn value(tenant: &Tenant, user: &User, property: &str) -> Value {
    match property {
        "accountEnabled" => user.enabled.into(),
        "userType" => (if user.guest { "Guest" } else { "Member" }).into(),
        "id" => user.id.to_string().into(),
        "userPrincipalName" => (*user.sign_in).into(),
        "usageLocation" => user.usage_location.as_deref().into(),
        other => {
            let mut out = Vec::new();
            write_property(&mut out, tenant, user, other);
            serde_json::from_slice(&out).unwrap_or(Value::Null)
        }
    }
}

/// Writes a whole user with the given properties.
pub(super) fn write(out: &mut Vec<u8>, tenant: &Tenant, user: &User, properties: &[&str], future: bool) {
    out.push(b'{');
    for (nth, property) in properties.iter().enumerate() {
        if nth > 0 {
            out.push(b',');
        }
        put(out, property);
        out.push(b':');
        write_property(out, tenant, user, property);
    }
    if future {
        out.extend_from_slice(br#","futureProperty":{"kind":"unknown"}"#);
    }
    out.push(b'}');
}

/// Writes a user with those of the properties that were ever set, as delta queries do.
pub(super) fn write_set(out: &mut Vec<u8>, tenant: &Tenant, user: &User, properties: &[&str], future: bool) {
    let start = out.len();
    for property in properties {
        let before = out.len();
        out.push(if before == start { b'{' } else { b',' });
        put(out, property);
        out.push(b':');
        let value = out.len();
        write_property(out, tenant, user, property);
        if out[value..] == *b"null" {
            out.truncate(before);
        }
    }
    if future {
        out.extend_from_slice(br#","futureProperty":{"kind":"unknown"}"#);
    }
    out.push(b'}');
}

/// The properties that a request wants.
pub(super) fn properties<'a>(select: Option<&'a Vec<String>>) -> Vec<&'a str> {
    let Some(select) = select.filter(|select| !select.iter().any(|one| one == "*")) else {
        return DEFAULT.to_vec();
    };
    let mut wanted: Vec<&'a str> = Vec::with_capacity(select.len() + 1);
    for name in select {
        if !wanted.contains(&name.as_str()) {
            wanted.push(name);
        }
    }
    if !wanted.contains(&"id") {
        wanted.push("id");
    }
    wanted
}

fn write_property(out: &mut Vec<u8>, tenant: &Tenant, user: &User, property: &str) {
    match property {
        "id" => put(out, &user.id.to_string()),
        "displayName" => match &user.display {
            Some(name) => put(out, &**name),
            None => put(out, &format_args!("{} {}", user.given, user.surname)),
        },
        "givenName" => put(out, &*user.given),
        "surname" => put(out, &*user.surname),
        "userPrincipalName" => put(out, &*user.sign_in),
        "mail" => put(out, &user.mail()),
        "jobTitle" => put(out, &format_args!("{} {}", user.department, user.title)),
        "department" => put(out, user.department),
        "companyName" => put(out, &tenant.name),
        "mailNickname" => put(out, user.sign_in.split('@').next().unwrap_or_default()),
        "officeLocation" => put(out, tenant.country),
        "accountEnabled" => put(out, &user.enabled),
        "userType" => put(out, if user.guest { "Guest" } else { "Member" }),
        "usageLocation" => put(out, &user.usage_location.as_deref()),
        "country" => put(out, &user.usage_location.as_deref().filter(|_| user.synced)),
        "onPremisesSyncEnabled" => put(out, &user.synced.then_some(true)),
        "createdDateTime" => put(out, &user.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        "businessPhones" | "otherMails" => out.extend_from_slice(b"[]"),
        "proxyAddresses" => match user.mail() {
            Some(mail) => put(out, &[format_args!("SMTP:{mail}")]),
            None => out.extend_from_slice(b"[]"),
        },
        "assignedLicenses" => {
            out.push(b'[');
            let mut first = true;
            for (at, sku) in (0_u8..).zip(&SKUS) {
                if user.has_sku(at) {
                    if !first {
                        out.push(b',');
                    }
                    first = false;
                    out.extend_from_slice(br#"{"disabledPlans":[],"skuId":""#);
                    out.extend_from_slice(sku.id.as_bytes());
                    out.extend_from_slice(b"\"}");
                }
            }
            out.push(b']');
        }
        "assignedPlans" => write_plans(out, user),
        "onPremisesExtensionAttributes" => {
            let attributes: serde_json::Map<String, Value> = (1..=15)
                .map(|nth| (format!("extensionAttribute{nth}"), json!(null)))
                .collect();
            put(out, &attributes);
        }
        "securityIdentifier" => put(out, &format_args!("S-1-12-1-{}", user.created.as_second())),
        _ => out.extend_from_slice(b"null"),
    }
}

fn write_plans(out: &mut Vec<u8>, user: &User) {
    let assigned = user.licensed.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    out.push(b'[');
    for (nth, (plan, status)) in user.assigned_plans().into_iter().enumerate() {
        let plan = &PLANS[usize::from(plan)];
        if nth > 0 {
            out.push(b',');
        }
        let parts = [
            r#"{"assignedDateTime":""#,
            &assigned,
            r#"","capabilityStatus":""#,
            status.name(),
            r#"","service":""#,
            plan.service,
            r#"","servicePlanId":""#,
            plan.id,
            r#""}"#,
        ];
        for part in parts {
            out.extend_from_slice(part.as_bytes());
        }
    }
    out.push(b']');
}
