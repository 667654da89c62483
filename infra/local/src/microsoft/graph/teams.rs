//! Teams' administration: user configurations, telephone numbers and their long-running operations.

use super::super::catalogue::{
    MCOEV, MCOEV_VIRTUALUSER, MCOMEETADV, MCOPSTN1, MCOPSTN2, MCOPSTN8, MCOPSTNC, TEAMS_READERS, TEAMS_WRITERS, TEAMS1,
};
use super::super::voice::{Number, Operation, shown, well_formed};
use super::Ask;
use super::answer::{Answer, Refused, Reply, put};
use super::filter::inside;
use super::page::{Cut, page, page_of, selected};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};

const CONFIGURATIONS: &[&str] = &["TeamsUserConfiguration.Read.All"];
const READ: &[&str] = &["TeamsTelephoneNumber.Read.All", "TeamsTelephoneNumber.ReadWrite.All"];
const WRITE: &[&str] = &["TeamsTelephoneNumber.ReadWrite.All"];
const NUMBERS: &str = "/admin/teams/telephoneNumberManagement/numberAssignments";

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// What Teams knows of a user; nothing of people it does not serve.
fn configuration_record(ask: &Ask<'_>, at: u32) -> Option<Value> {
    let tenant = ask.tenant();
    let user = tenant.person(at);
    let resource = user.can(&[MCOEV_VIRTUALUSER]);
    if user.deleted.is_some() || !(resource || user.guest || user.can(&[TEAMS1])) {
        return None;
    }
    let delay = ask.microsoft.inner.options.delays.user_configuration_visible;
    let voice = tenant.voice.get(&at);
    let mut features: Vec<&str> = Vec::new();
    let named: [(&[u8], &str); 6] = [
        (&[TEAMS1], "Teams"),
        (&[MCOMEETADV], "AudioConferencing"),
        (&[MCOEV], "PhoneSystem"),
        (&[MCOPSTN1, MCOPSTN2, MCOPSTN8], "CallingPlan"),
        (&[MCOPSTNC], "CommunicationCredits"),
        (&[MCOEV_VIRTUALUSER], "VoiceApp"),
    ];
    features.extend(named.iter().filter(|(plans, _)| user.can(plans)).map(|(_, name)| *name));
    let numbers = voice
        .map(|voice| voice.numbers.seen(ask.now, delay).as_slice())
        .unwrap_or_default();
    let numbers: Vec<Value> = numbers
        .iter()
        .map(|(number, category)| json!({ "telephoneNumber": number, "assignmentCategory": category }))
        .collect();
    // Where the tenant's default applies there is no entry.
    let policies = voice
        .iter()
        .flat_map(|voice| &voice.policies)
        .filter_map(|(kind, grant)| {
            let grant = grant.seen(ask.now, delay).as_ref()?;
            let policy = tenant.policy_by_id(kind, &grant.policy)?;
            let assignment = if grant.group.is_some() { "group" } else { "direct" };
            Some(json!({
                "policyType": kind,
                "policyAssignment": {
                    "displayName": policy.name, "assignmentType": assignment, "policyId": policy.id,
                    "groupId": grant.group.map(|group| group.to_string()),
                },
            }))
        });
    let modified = voice.map_or(user.created, |voice| voice.modified.max(user.created));
    Some(json!({
        "id": user.id.to_string(),
        "tenantId": tenant.id.to_string(),
        "userPrincipalName": *user.sign_in,
        "accountType": if resource { "resourceAccount" } else if user.guest { "guest" } else { "user" },
        "isEnterpriseVoiceEnabled": voice.is_some_and(|voice| *voice.enterprise_voice.seen(ask.now, delay)),
        "featureTypes": features,
        "telephoneNumbers": numbers,
        "effectivePolicyAssignments": policies.collect::<Vec<_>>(),
        "createdDateTime": moment(user.created),
        "modifiedDateTime": moment(modified),
    }))
}

/// One object, inside `value` or not.
fn single(ask: &Ask<'_>, mut value: Value, context: &str) -> Answer {
    let context = ask.url(&format!("/$metadata#{context}/$entity"));
    if ask.state.switches.wrap_singles {
        return Answer::json(&json!({ "@odata.context": context, "value": value }));
    }
    value["@odata.context"] = context.into();
    Answer::json(&value)
}

pub(super) fn configurations(ask: &mut Ask<'_>) -> Reply {
    ask.need(CONFIGURATIONS, TEAMS_READERS)?;
    let length = ask.tenant().users.len();
    let cut = Cut {
        counted: ask.query.count,
        most: 1000,
        ..Cut::directory(ask, "admin/teams/userConfigurations")
    };
    // Later pages start where the token says; what was skipped lies before it.
    let skip = if ask.query.skip_token.is_some() {
        0
    } else {
        ask.query.skip.unwrap_or(0)
    };
    let mut passed = 0;
    page(ask, &cut, length, |at, out| {
        let record = u32::try_from(at).ok().and_then(|at| configuration_record(ask, at));
        let Some(record) = record else { return false };
        let filter = ask.query.filter.as_ref();
        if !filter.is_none_or(|filter| filter.matches(&|path| inside(&record, path))) {
            return false;
        }
        if let Some(out) = out {
            passed += 1;
            if passed <= skip {
                return false;
            }
            put(out, &selected(ask, record));
        }
        true
    })
}

pub(super) fn configuration(ask: &mut Ask<'_>, id: &str) -> Reply {
    ask.need(CONFIGURATIONS, TEAMS_READERS)?;
    let user = ask.tenant().user(id).ok_or_else(|| Refused::missing(id))?;
    let record = configuration_record(ask, user).ok_or_else(|| Refused::missing(id))?;
    Ok(single(ask, selected(ask, record), "admin/teams/userConfigurations"))
}

fn number_id(ask: &Ask<'_>, number: &str) -> String {
    // The operator's id, made from the tenant's so that ids stay the same.
    URL_SAFE_NO_PAD.encode(format!("{}|{number}", ask.tenant().id))
}

fn number_record(ask: &Ask<'_>, text: &str, number: &Number) -> Value {
    let tenant = ask.tenant();
    let holder = number.holder.map(|user| tenant.person(user).id.to_string());
    json!({
        "id": number_id(ask, text),
        "telephoneNumber": text,
        "operatorId": tenant.id.to_string(),
        "numberType": number.kind,
        "activationState": "activated",
        "capabilities": ["userAssignment"],
        "assignmentStatus": match (&holder, number.orphaned) {
            (Some(_), _) => "userAssigned",
            (None, true) => "conferenceAssigned",
            (None, false) => "unassigned",
        },
        "assignmentTargetId": holder,
        "assignmentCategory": number.holder.map(|_| number.category),
        "locationId": number.location,
        "civicAddressId": null,
        "networkSiteId": number.site,
        "isoCountryCode": tenant.country,
        "city": null,
        "numberSource": if number.on_premises { "onPremises" } else { "online" },
        "portInStatus": null,
        "supportedCustomerActions": if number.kind == "callingPlan" { vec!["locationUpdate", "release"] } else { vec![] },
        "reverseNumberLookupOptions": number.lookup,
    })
}

pub(super) fn numbers(ask: &mut Ask<'_>) -> Reply {
    ask.need(READ, TEAMS_READERS)?;
    if ask
        .query
        .filter
        .as_ref()
        .is_some_and(|filter| filter.equal_to("id").is_some() || filter.equal_to("city").is_some())
    {
        return Err(Refused::new(
            400,
            "BadRequest",
            "Filters on this property are not supported.",
        ));
    }
    let only = ask
        .query
        .filter
        .as_ref()
        .and_then(|filter| filter.equal_to("telephoneNumber"))
        .map(shown);
    let tenant = ask.tenant();
    let values = match &only {
        Some(only) => tenant
            .numbers
            .get_key_value(only)
            .into_iter()
            .map(|(text, number)| number_record(ask, text, number))
            .collect(),
        None => {
            let holder = ask
                .query
                .filter
                .as_ref()
                .and_then(|filter| filter.equal_to("assignmentTargetId"));
            let holder = holder.map(|id| tenant.user(id));
            let held = tenant
                .numbers
                .iter()
                .filter(|(_, number)| holder.is_none_or(|holder| number.holder == holder));
            held.map(|(text, number)| number_record(ask, text, number)).collect()
        }
    };
    let what = "admin/teams/telephoneNumberManagement/numberAssignments";
    let cut = Cut {
        counted: ask.query.count,
        default: 500,
        most: 1000,
        ..Cut::directory(ask, what)
    };
    page_of(ask, &cut, values)
}

pub(super) fn number(ask: &mut Ask<'_>, id: &str) -> Reply {
    ask.need(READ, TEAMS_READERS)?;
    let text = URL_SAFE_NO_PAD
        .decode(id)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text
        .as_deref()
        .and_then(|text| text.split_once('|'))
        .map(|(_, number)| number.to_owned());
    let text = text.ok_or_else(|| Refused::missing(id))?;
    let number = ask.tenant().numbers.get(&text).ok_or_else(|| Refused::missing(id))?;
    let record = selected(ask, number_record(ask, &text, number));
    Ok(single(
        ask,
        record,
        "admin/teams/telephoneNumberManagement/numberAssignments",
    ))
}

fn text(body: &Value, name: &str) -> Result<String, Refused> {
    let value = body[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    value.ok_or_else(|| Refused::new(400, "BadRequest", format!("The property '{name}' is required.")))
}

fn number_type(body: &Value) -> Result<String, Refused> {
    let kind = text(body, "numberType")?;
    match kind.as_str() {
        "directRouting" | "callingPlan" | "operatorConnect" => Ok(kind),
        _ => Err(Refused::new(
            400,
            "BadRequest",
            format!("The value '{kind}' of 'numberType' is not valid."),
        )),
    }
}

pub(super) fn assign(ask: &mut Ask<'_>) -> Reply {
    ask.need(WRITE, TEAMS_WRITERS)?;
    let body = ask.json()?;
    let number = shown(&text(&body, "telephoneNumber")?);
    let target = text(&body, "assignmentTargetId")?;
    let kind = number_type(&body)?;
    let category = match body["assignmentCategory"].as_str() {
        None | Some("primary") => "primary",
        Some("private") => "private",
        Some("alternate") => "alternate",
        Some(other) => {
            return Err(Refused::new(
                400,
                "BadRequest",
                format!("The value '{other}' of 'assignmentCategory' is not valid."),
            ));
        }
    };
    Ok(start(ask, number, Some(target), category, kind))
}

pub(super) fn unassign(ask: &mut Ask<'_>) -> Reply {
    ask.need(WRITE, TEAMS_WRITERS)?;
    let body = ask.json()?;
    let number = shown(&text(&body, "telephoneNumber")?);
    let kind = number_type(&body)?;
    Ok(start(ask, number, None, "primary", kind))
}

fn start(ask: &mut Ask<'_>, number: String, target: Option<String>, category: &'static str, kind: String) -> Answer {
    let word = if target.is_some() { "Assignment" } else { "Unassignment" };
    let id = URL_SAFE_NO_PAD.encode(format!("{word}|{}", ask.state.chance.guid()));
    let due = ask.now + ask.microsoft.inner.options.delays.number_operation;
    let number_id = number_id(ask, &number);
    let created = ask.now;
    let operation = Operation {
        id: id.clone(),
        number_id,
        number,
        target,
        category,
        kind,
        created,
        due,
        outcome: None,
    };
    let tenant = ask.tenant_mut();
    tenant.operations.push(operation);
    tenant.settle(created);
    let location = ask.url(&format!("/admin/teams/telephoneNumberManagement/operations('{id}')"));
    Answer::empty(202).with("Location", location)
}

pub(super) fn update(ask: &mut Ask<'_>) -> Reply {
    ask.need(WRITE, TEAMS_WRITERS)?;
    let body = ask.json()?;
    let number = shown(&text(&body, "telephoneNumber")?);
    if !well_formed(&number) {
        return Err(Refused::new(400, "BadRequest", "The telephone number is not valid."));
    }
    let entry = ask
        .tenant_mut()
        .numbers
        .get_mut(&number)
        .ok_or_else(|| Refused::missing(&number))?;
    if let Some(options) = body["reverseNumberLookupOptions"].as_array() {
        entry.lookup = options.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    }
    if let Some(location) = body.get("locationId") {
        entry.location = location.as_str().map(str::to_owned);
    }
    if let Some(site) = body.get("networkSiteId") {
        entry.site = site.as_str().map(str::to_owned);
    }
    Ok(Answer::empty(200))
}

pub(super) fn operation(ask: &mut Ask<'_>, id: &str) -> Reply {
    ask.need(READ, TEAMS_READERS)?;
    let found = ask
        .tenant()
        .operations
        .iter()
        .rev()
        .find(|operation| operation.id == id);
    let operation = found.ok_or_else(|| Refused::missing(id))?;
    let status = operation.status(ask.now);
    let detail = operation.outcome.as_ref().and_then(|outcome| outcome.as_ref().err());
    let value = json!({
        "@odata.type": "#microsoft.graph.teamsAdministration.telephoneNumberLongRunningOperation",
        "id": operation.id,
        "createdDateTime": moment(operation.created),
        "status": status,
        "numbers": [{
            "resourceLocation": ask.url(&format!("{NUMBERS}/{}", operation.number_id)), "status": status,
            "statusDetail": detail,
        }],
    });
    Ok(single(ask, value, "admin/teams/telephoneNumberManagement/operations"))
}
