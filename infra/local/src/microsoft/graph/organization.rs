//! The tenant itself: organisation, domains, products.

use super::super::catalogue::{PLANS, SKUS};
use super::super::state::Domain;
use super::Ask;
use super::answer::{Answer, Refused, Reply};
use super::page::{Cut, page_of, selected};
use serde_json::{Value, json};

const DOMAINS: &[&str] = &[
    "Domain.Read.All",
    "Domain.ReadWrite.All",
    "Directory.Read.All",
    "Directory.AccessAsUser.All",
];

fn organization_record(ask: &Ask<'_>) -> Value {
    let tenant = ask.tenant();
    let domains = tenant.domains.iter().filter(|domain| domain.verified).map(|domain| {
        let capabilities = if domain.services.is_empty() {
            "None".to_owned()
        } else {
            domain.services.join(", ")
        };
        json!({
            "name": domain.name, "type": kind_of(domain), "capabilities": capabilities, "isDefault": domain.default,
            "isInitial": domain.initial,
        })
    });
    json!({
        "id": tenant.id.to_string(),
        "deletedDateTime": null,
        "displayName": tenant.name,
        "tenantType": "AAD",
        "countryLetterCode": tenant.country,
        "defaultUsageLocation": tenant.country,
        "createdDateTime": tenant.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "onPremisesSyncEnabled": null,
        "onPremisesLastSyncDateTime": null,
        "preferredLanguage": "en",
        "technicalNotificationMails": [format!("it@{}", tenant.default_domain())],
        "assignedPlans": [],
        "provisionedPlans": [],
        "businessPhones": [],
        "verifiedDomains": domains.collect::<Vec<_>>(),
    })
}

pub(super) fn list(ask: &mut Ask<'_>) -> Reply {
    ask.need(
        &[
            "User.Read",
            "User.Read.All",
            "Organization.Read.All",
            "Directory.Read.All",
        ],
        &[],
    )?;
    let value = organization_record(ask);
    let cut = Cut {
        counted: false,
        ..Cut::directory(ask, "organization")
    };
    page_of(ask, &cut, vec![value])
}

pub(super) fn one(ask: &mut Ask<'_>, id: &str) -> Reply {
    ask.need(
        &[
            "User.Read",
            "User.Read.All",
            "Organization.Read.All",
            "Directory.Read.All",
        ],
        &[],
    )?;
    if ask.tenant().id.to_string() != id {
        return Err(Refused::missing(id));
    }
    let mut value = selected(ask, organization_record(ask));
    value["@odata.context"] = ask.url("/$metadata#organization/$entity").into();
    Ok(Answer::json(&value))
}

fn kind_of(domain: &Domain) -> &'static str {
    if domain.federated { "Federated" } else { "Managed" }
}

pub(super) fn domain_record(domain: &Domain) -> Value {
    json!({
        "id": domain.name,
        "authenticationType": kind_of(domain),
        "availabilityStatus": null,
        "isAdminManaged": true,
        "isDefault": domain.default,
        "isInitial": domain.initial,
        "isRoot": domain.initial || domain.default,
        "isVerified": domain.verified,
        "supportedServices": domain.services,
        "passwordValidityPeriodInDays": null,
        "passwordNotificationWindowInDays": null,
        "state": null,
        "manufacturer": null,
        "model": null,
    })
}

pub(super) fn find<'a>(ask: &'a Ask<'_>, name: &str) -> Result<&'a Domain, Refused> {
    let found = ask
        .tenant()
        .domains
        .iter()
        .find(|domain| domain.name.eq_ignore_ascii_case(name));
    found.ok_or_else(|| Refused::missing(name))
}

pub(super) fn domains(ask: &mut Ask<'_>) -> Reply {
    ask.need(DOMAINS, &[])?;
    let values = ask.tenant().domains.iter().map(domain_record).collect();
    let cut = Cut {
        counted: false,
        ..Cut::directory(ask, "domains")
    };
    page_of(ask, &cut, values)
}

pub(super) fn domain(ask: &mut Ask<'_>, name: &str) -> Reply {
    ask.need(DOMAINS, &[])?;
    let mut value = selected(ask, domain_record(find(ask, name)?));
    value["@odata.context"] = ask.url("/$metadata#domains/$entity").into();
    Ok(Answer::json(&value))
}

pub(super) fn dns_records(ask: &mut Ask<'_>, name: &str) -> Reply {
    ask.need(DOMAINS, &[])?;
    let domain = find(ask, name)?;
    let text = json!({
        "@odata.type": "#microsoft.graph.domainDnsTxtRecord",
        "id": format!("{}-txt", domain.text), "isOptional": false, "label": domain.name, "recordType": "Txt",
        "supportedService": "Email", "ttl": 3600, "text": domain.text,
    });
    let exchange = json!({
        "@odata.type": "#microsoft.graph.domainDnsMxRecord",
        "id": format!("{}-mx", domain.text), "isOptional": false, "label": domain.name, "recordType": "Mx",
        "supportedService": "Email", "ttl": 3600, "preference": 32767,
        "mailExchange": format!("{}.msv1.invalid", domain.text.trim_start_matches("MS=")),
    });
    let what = format!("domains('{}')/verificationDnsRecords", domain.name);
    let (name, value, options) = (domain.name.clone(), domain.text.clone(), &ask.microsoft.inner.options);
    let ours = options.sbc_bases.iter().any(|base| name.ends_with(&format!(".{base}")));
    if options.provider_dns && ours {
        let now = ask.now;
        ask.tenant_mut().dns.entry(name).or_insert((value, now));
    }
    let cut = Cut {
        counted: false,
        ..Cut::directory(ask, &what)
    };
    page_of(ask, &cut, vec![text, exchange])
}

/// Users that still sign in with the domain.
pub(super) fn references(ask: &mut Ask<'_>, name: &str) -> Reply {
    ask.need(DOMAINS, &[])?;
    let suffix = format!("@{}", find(ask, name)?.name);
    let users = ask
        .tenant()
        .users
        .iter()
        .filter(|user| user.deleted.is_none() && user.sign_in.ends_with(&suffix));
    let values = users
        .map(|user| {
            json!({ "@odata.type": "#microsoft.graph.user", "id": user.id.to_string(),
        "displayName": user.display_name(), "userPrincipalName": *user.sign_in })
        })
        .collect();
    page_of(ask, &Cut::directory(ask, "directoryObjects"), values)
}

pub(super) fn skus(ask: &mut Ask<'_>) -> Reply {
    ask.need(
        &[
            "LicenseAssignment.Read.All",
            "LicenseAssignment.ReadWrite.All",
            "Organization.Read.All",
            "Directory.Read.All",
        ],
        &[],
    )?;
    if ask.query.filter.is_some() {
        return Err(Refused::unsupported("Filters are not supported for subscribedSkus."));
    }
    let tenant = ask.tenant();
    let records = tenant.subscriptions.iter().map(|(at, seats)| {
        let sku = &SKUS[usize::from(*at)];
        let plans = sku.plans.iter().map(|plan| {
            let plan = &PLANS[usize::from(*plan)];
            json!({ "servicePlanId": plan.id, "servicePlanName": plan.name, "provisioningStatus": "Success", "appliesTo": "User" })
        });
        json!({
            "id": format!("{}_{}", tenant.id, sku.id),
            "accountId": tenant.id.to_string(),
            "accountName": tenant.label,
            "skuId": sku.id,
            "skuPartNumber": sku.part,
            "appliesTo": "User",
            "capabilityStatus": seats.status,
            "consumedUnits": tenant.consumed(*at),
            "prepaidUnits": { "enabled": seats.enabled, "warning": seats.warning, "suspended": seats.suspended, "lockedOut": 0 },
            "subscriptionIds": [],
            "servicePlans": plans.collect::<Vec<_>>(),
        })
    });
    let values = records.collect();
    let cut = Cut {
        counted: false,
        default: 999,
        ..Cut::directory(ask, "subscribedSkus")
    };
    page_of(ask, &cut, values)
}
