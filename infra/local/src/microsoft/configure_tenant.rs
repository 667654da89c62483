//! The tenant-configuration worker: what the Teams PowerShell module would do with tenant-level voice objects.
//! Request and answer follow `infra/configure-tenant/contract.schema.json`. Like the real script it stops at the first
//! failure, and what was done before stays done.

use super::Microsoft;
use super::catalogue::{Resource, VOICE_CONFIGURERS};
use super::faults::Host;
use super::state::State;
use super::voice::{Policy, Route};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Request {
    version: u32,
    tenant: String,
    graph_token: String,
    teams_token: String,
    work: Work,
    objects: Vec<Object>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
enum Work {
    Look,
    Apply,
    Remove,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Object {
    kind: Kind,
    name: String,
    /// Only where it is put in place.
    settings: Option<Value>,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    PstnUsage,
    VoiceRoute,
    VoiceRoutingPolicy,
    CallingPolicy,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WantedRoute {
    number_pattern: String,
    gateways: Vec<String>,
    pstn_usages: Vec<String>,
    priority: Option<u32>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RoutingPolicy {
    pstn_usages: Vec<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CallingPolicy {
    allow_private_calling: bool,
    allow_voicemail: String,
    allow_call_forwarding_to_phone: bool,
    allow_call_forwarding_to_user: bool,
    music_on_hold_enabled_type: String,
}

struct Failure {
    code: &'static str,
    message: String,
    at: Option<(Kind, String)>,
}

impl Failure {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            at: None,
        }
    }

    fn at(self, object: &Object) -> Self {
        Self {
            at: Some((object.kind, object.name.clone())),
            ..self
        }
    }
}

const ROUTING: &str = "OnlineVoiceRoutingPolicy";
const CALLING: &str = "TeamsCallingPolicy";

pub(super) fn run(microsoft: &Microsoft, request: Value) -> Value {
    let mut results = Vec::new();
    let outcome = match serde_json::from_value::<Request>(request) {
        Ok(request) => carry_out(microsoft, &request, &mut results),
        Err(error) => Err(Failure::new("Invalid", error.to_string())),
    };
    let error = outcome.err().map(|failure| {
        let (kind, name) = failure.at.unzip();
        json!({ "code": failure.code, "message": failure.message, "kind": kind, "name": name })
    });
    json!({ "version": 2, "ok": error.is_none(), "results": results, "error": error })
}

fn carry_out(microsoft: &Microsoft, request: &Request, results: &mut Vec<Value>) -> Result<(), Failure> {
    if request.version != 2 {
        return Err(Failure::new(
            "Invalid",
            format!("version {} of the contract is not known", request.version),
        ));
    }
    if let Some(fault) = microsoft.misfortune(Host::Worker, "POST", "", Some(&request.teams_token)) {
        let code = match fault.status {
            Some(401) => "Unauthorized",
            Some(403) => "Forbidden",
            _ => "Internal",
        };
        let message = fault
            .body
            .as_ref()
            .and_then(Value::as_str)
            .unwrap_or("As ordered by the operator.");
        return Err(Failure::new(code, message));
    }
    let mut state = microsoft.lock();
    let at = authorized(microsoft, &state, request)?;
    let mut tenant = Configured {
        microsoft,
        state: &mut state,
        at,
    };
    for object in &request.objects {
        let result = tenant
            .touch(request.work, object)
            .map_err(|failure| failure.at(object))?;
        results.push(result);
    }
    Ok(())
}

/// Both tokens must work, belong to the tenant, and their owner must be allowed to configure calling.
fn authorized(microsoft: &Microsoft, state: &State, request: &Request) -> Result<usize, Failure> {
    let unauthorized = |text: &str| Failure::new("Unauthorized", text);
    let at = state
        .tenant_named(&request.tenant)
        .ok_or_else(|| unauthorized("The tenant is not known."))?;
    let mut owners = Vec::new();
    for (text, resource) in [
        (&request.graph_token, Resource::Graph),
        (&request.teams_token, Resource::Teams),
    ] {
        let token = state
            .access
            .get(text)
            .ok_or_else(|| unauthorized("The access token is not valid."))?;
        let revoked = token
            .user
            .and_then(|user| state.tenants[token.tenant].person(user).revoked);
        if token.expires <= microsoft.now() || revoked.is_some_and(|revoked| token.issued <= revoked) {
            return Err(unauthorized("The access token has expired."));
        }
        if token.resource != resource {
            return Err(unauthorized("The access token is for another resource."));
        }
        if token.tenant != at {
            return Err(unauthorized("The access token belongs to another tenant."));
        }
        owners.push((token.user, token.app, token.scopes.contains("user_impersonation")));
    }
    let [(graph_owner, _, _), (owner, app, impersonates)] = owners.as_slice() else {
        return Err(unauthorized("No tokens."));
    };
    if graph_owner != owner {
        return Err(unauthorized("The access tokens belong to different accounts."));
    }
    let tenant = &state.tenants[at];
    let allowed = match owner {
        Some(user) => *impersonates && tenant.has_role(*user, VOICE_CONFIGURERS),
        None => tenant
            .apps
            .get(app)
            .is_some_and(|app| VOICE_CONFIGURERS.iter().any(|role| app.directory_roles.contains(role))),
    };
    if allowed {
        let by = owner.is_some().then(|| "user_impersonation".to_owned());
        state
            .record
            .allowed("configure-tenant".into(), owner.is_none(), by.into_iter().collect());
        Ok(at)
    } else {
        Err(Failure::new("Forbidden", "Access Denied."))
    }
}

struct Configured<'a> {
    microsoft: &'a Microsoft,
    state: &'a mut State,
    at: usize,
}

impl Configured<'_> {
    /// One object: how it was, what is done, how it is.
    fn touch(&mut self, work: Work, object: &Object) -> Result<Value, Failure> {
        named(&object.name)?;
        let was = self.found(object);
        let action = match (work, &was) {
            (Work::Look, Some(_)) => "seen",
            (Work::Look | Work::Remove, None) => "absent",
            (Work::Remove, Some(_)) => {
                self.remove(object)?;
                "removed"
            }
            (Work::Apply, _) => {
                self.put(object)?;
                match &was {
                    None => "created",
                    Some(was) if self.found(object).as_ref() == Some(was) => "unchanged",
                    Some(_) => "updated",
                }
            }
        };
        let now = self.found(object);
        Ok(json!({ "kind": object.kind, "name": object.name, "action": action, "was": was, "now": now }))
    }

    /// The settings of an object, with Microsoft's defaults where nobody has set any.
    fn found(&self, object: &Object) -> Option<Value> {
        let tenant = &self.state.tenants[self.at];
        let name = &object.name;
        match object.kind {
            Kind::PstnUsage => tenant.usages.contains(name).then(|| json!({})),
            Kind::VoiceRoute => tenant.route(name).map(|route| {
                let mut settings = route.settings.clone();
                settings["pstnUsages"] = json!(route.usages);
                settings
            }),
            Kind::VoiceRoutingPolicy => tenant.policy(ROUTING, name).map(|policy| {
                let usages = policy.settings.get("pstnUsages").cloned();
                json!({ "pstnUsages": usages.unwrap_or_else(|| json!([])) })
            }),
            Kind::CallingPolicy => tenant.policy(CALLING, name).map(|policy| {
                let mut settings = json!({
                    "allowPrivateCalling": true, "allowVoicemail": "UserOverride",
                    "allowCallForwardingToPhone": true, "allowCallForwardingToUser": true,
                    "musicOnHoldEnabledType": "Enabled",
                });
                for (name, value) in policy.settings.as_object().into_iter().flatten() {
                    settings[name] = value.clone();
                }
                settings
            }),
        }
    }

    fn put(&mut self, object: &Object) -> Result<(), Failure> {
        let settings = object.settings.clone().unwrap_or_default();
        match object.kind {
            Kind::PstnUsage => {
                self.state.tenants[self.at].usages.insert(object.name.clone());
                Ok(())
            }
            Kind::VoiceRoute => self.put_route(&object.name, parsed(settings)?),
            Kind::VoiceRoutingPolicy => {
                let policy: RoutingPolicy = parsed(settings)?;
                self.usages_exist(&policy.pstn_usages)?;
                self.put_policy(ROUTING, &object.name, json!(policy));
                Ok(())
            }
            Kind::CallingPolicy => {
                let policy: CallingPolicy = parsed(settings)?;
                let voicemail = ["AlwaysEnabled", "AlwaysDisabled", "UserOverride"];
                let music = ["Enabled", "Disabled", "UserOverride"];
                if !voicemail.contains(&policy.allow_voicemail.as_str())
                    || !music.contains(&policy.music_on_hold_enabled_type.as_str())
                {
                    return Err(Failure::new(
                        "Invalid",
                        "Cannot validate argument: the value does not belong to the set.",
                    ));
                }
                self.put_policy(CALLING, &object.name, json!(policy));
                Ok(())
            }
        }
    }

    fn usages_exist(&self, usages: &[String]) -> Result<(), Failure> {
        let known = &self.state.tenants[self.at].usages;
        match usages.iter().find(|usage| !known.contains(*usage)) {
            None => Ok(()),
            Some(usage) => Err(Failure::new(
                "Invalid",
                format!("Cannot find specified Online PSTN usage \"{usage}\"."),
            )),
        }
    }

    fn put_route(&mut self, name: &str, route: WantedRoute) -> Result<(), Failure> {
        self.usages_exist(&route.pstn_usages)?;
        if route.number_pattern.is_empty() {
            return Err(Failure::new("Invalid", "The number pattern must not be empty."));
        }
        let (now, delay) = (
            self.microsoft.now(),
            self.microsoft.inner.options.delays.domain_activation,
        );
        let tenant = &mut self.state.tenants[self.at];
        for gateway in &route.gateways {
            if !tenant.carries_calls(gateway, now, delay) {
                let text = format!("Can not use the \"{gateway}\" domain as it was not configured for this tenant");
                return Err(Failure::new("DomainNotConfigured", text));
            }
        }
        // Where nobody says, a route keeps its priority, and a new one comes last.
        let kept = tenant.route(name).and_then(|known| known.settings["priority"].as_u64());
        let last = u64::try_from(tenant.routes.len()).unwrap_or_default();
        let priority = route.priority.map_or_else(|| kept.unwrap_or(last), u64::from);
        tenant.put_route(
            name,
            json!({ "numberPattern": route.number_pattern, "gateways": route.gateways, "priority": priority }),
            route.pstn_usages,
        );
        Ok(())
    }

    fn put_policy(&mut self, kind: &str, name: &str, settings: Value) {
        let id = self.state.chance.text(43);
        let created = self.microsoft.now();
        let policies = &mut self.state.tenants[self.at].policies;
        match policies
            .iter_mut()
            .find(|known| known.kind == kind && known.name.eq_ignore_ascii_case(name))
        {
            Some(known) => known.settings = settings,
            None => policies.push(Policy {
                kind: kind.into(),
                name: name.into(),
                id,
                created,
                settings,
            }),
        }
    }

    fn remove(&mut self, object: &Object) -> Result<(), Failure> {
        let name = &object.name;
        match object.kind {
            Kind::CallingPolicy => self.remove_policy(CALLING, name),
            Kind::VoiceRoutingPolicy => self.remove_policy(ROUTING, name),
            Kind::VoiceRoute => {
                let routes = &mut self.state.tenants[self.at].routes;
                routes.retain(|route| !route.name.eq_ignore_ascii_case(name));
                Ok(())
            }
            Kind::PstnUsage => self.remove_usage(name),
        }
    }

    fn remove_usage(&mut self, name: &str) -> Result<(), Failure> {
        let tenant = &mut self.state.tenants[self.at];
        let in_policy = |policy: &Policy| {
            let usages = policy.settings["pstnUsages"].as_array();
            usages.is_some_and(|usages| usages.iter().any(|usage| usage == name))
        };
        let in_route = |route: &Route| route.usages.iter().any(|usage| usage == name);
        if tenant.routes.iter().any(in_route) || tenant.policies.iter().any(in_policy) {
            let text = format!("The PSTN usage \"{name}\" is in use and cannot be removed.");
            return Err(Failure::new("InUse", text));
        }
        tenant.usages.remove(name);
        Ok(())
    }

    fn remove_policy(&mut self, kind: &str, name: &str) -> Result<(), Failure> {
        let tenant = &mut self.state.tenants[self.at];
        let Some(id) = tenant.policy(kind, name).map(|policy| policy.id.clone()) else {
            return Ok(());
        };
        let holds = |voice: &super::voice::Voice| {
            voice
                .policies
                .get(kind)
                .and_then(|grant| grant.now.as_ref())
                .is_some_and(|grant| grant.policy == id)
        };
        if tenant.voice.values().any(holds) {
            let text = format!("The policy \"{name}\" is currently assigned to one or more users or groups.");
            return Err(Failure::new("InUse", text));
        }
        tenant.policies.retain(|policy| policy.id != id);
        Ok(())
    }
}

fn parsed<T: DeserializeOwned>(settings: Value) -> Result<T, Failure> {
    serde_json::from_value(settings).map_err(|error| Failure::new("Invalid", error.to_string()))
}

fn named(name: &str) -> Result<(), Failure> {
    if name.trim().is_empty() || name.len() > 63 || name.eq_ignore_ascii_case("Global") {
        return Err(Failure::new(
            "Invalid",
            format!("The identity \"{name}\" is not valid."),
        ));
    }
    Ok(())
}
