//! The tenant-configuration worker: what the Teams PowerShell module would do with tenant-level voice objects.
//! Request and answer follow `infra/configure-tenant/contract.schema.json`. Like the real script it stops at the first
//! failure, and what was done before stays done.

use super::Microsoft;
use super::catalogue::{Resource, VOICE_CONFIGURERS};
use super::faults::Host;
use super::state::State;
use super::voice::{Policy, Route};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Request {
    version: u32,
    tenant: String,
    graph_token: String,
    teams_token: String,
    #[serde(default)]
    desired: Desired,
    #[serde(default)]
    remove: Remove,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Desired {
    pstn_usages: Vec<String>,
    voice_routes: Vec<WantedRoute>,
    voice_routing_policies: Vec<RoutingPolicy>,
    calling_policies: Vec<CallingPolicy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WantedRoute {
    name: String,
    number_pattern: String,
    gateways: Vec<String>,
    pstn_usages: Vec<String>,
    priority: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RoutingPolicy {
    name: String,
    pstn_usages: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CallingPolicy {
    name: String,
    allow_private_calling: bool,
    allow_voicemail: String,
    allow_call_forwarding_to_phone: bool,
    allow_call_forwarding_to_user: bool,
    music_on_hold_enabled_type: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Remove {
    voice_routes: Vec<String>,
    voice_routing_policies: Vec<String>,
    calling_policies: Vec<String>,
    pstn_usages: Vec<String>,
}

struct Failure {
    code: &'static str,
    message: String,
    kind: Option<&'static str>,
    name: Option<String>,
}

impl Failure {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            kind: None,
            name: None,
        }
    }

    fn at(self, kind: &'static str, name: &str) -> Self {
        Self {
            kind: Some(kind),
            name: Some(name.to_owned()),
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
        json!({ "code": failure.code, "message": failure.message, "kind": failure.kind, "name": failure.name })
    });
    json!({ "version": 1, "ok": error.is_none(), "results": results, "error": error })
}

fn carry_out(microsoft: &Microsoft, request: &Request, results: &mut Vec<Value>) -> Result<(), Failure> {
    if request.version != 1 {
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
    let mut work = Work {
        microsoft,
        state: &mut state,
        at,
        results,
    };
    work.desired(&request.desired)?;
    work.remove(&request.remove)
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

struct Work<'a> {
    microsoft: &'a Microsoft,
    state: &'a mut State,
    at: usize,
    results: &'a mut Vec<Value>,
}

impl Work<'_> {
    fn done(&mut self, kind: &str, name: &str, action: &str) {
        self.results
            .push(json!({ "kind": kind, "name": name, "action": action }));
    }

    fn desired(&mut self, desired: &Desired) -> Result<(), Failure> {
        for usage in &desired.pstn_usages {
            named(usage).map_err(|failure| failure.at("pstnUsage", usage))?;
            let new = self.state.tenants[self.at].usages.insert(usage.clone());
            self.done("pstnUsage", usage, if new { "created" } else { "unchanged" });
        }
        for route in &desired.voice_routes {
            let action = self
                .route(route)
                .map_err(|failure| failure.at("voiceRoute", &route.name))?;
            self.done("voiceRoute", &route.name, action);
        }
        for policy in &desired.voice_routing_policies {
            let known = self
                .usages_exist(&policy.pstn_usages)
                .and_then(|()| named(&policy.name));
            known.map_err(|failure| failure.at("voiceRoutingPolicy", &policy.name))?;
            let action = self.policy(ROUTING, &policy.name, json!({ "pstnUsages": policy.pstn_usages }));
            self.done("voiceRoutingPolicy", &policy.name, action);
        }
        for policy in &desired.calling_policies {
            let settings = calling_settings(policy).map_err(|failure| failure.at("callingPolicy", &policy.name))?;
            let action = self.policy(CALLING, &policy.name, settings);
            self.done("callingPolicy", &policy.name, action);
        }
        Ok(())
    }

    fn usages_exist(&self, usages: &[String]) -> Result<(), Failure> {
        match usages
            .iter()
            .find(|usage| !self.state.tenants[self.at].usages.contains(*usage))
        {
            None => Ok(()),
            Some(usage) => Err(Failure::new(
                "Invalid",
                format!("Cannot find specified Online PSTN usage \"{usage}\"."),
            )),
        }
    }

    fn route(&mut self, route: &WantedRoute) -> Result<&'static str, Failure> {
        named(&route.name)?;
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
        let settings = json!({
            "numberPattern": route.number_pattern, "gateways": route.gateways, "priority": route.priority,
        });
        let wanted = Route {
            name: route.name.clone(),
            settings,
            usages: route.pstn_usages.clone(),
        };
        match tenant
            .routes
            .iter_mut()
            .find(|known| known.name.eq_ignore_ascii_case(&route.name))
        {
            Some(known) if known.settings == wanted.settings && known.usages == wanted.usages => Ok("unchanged"),
            Some(known) => {
                *known = wanted;
                Ok("updated")
            }
            None => {
                tenant.routes.push(wanted);
                Ok("created")
            }
        }
    }

    fn policy(&mut self, kind: &str, name: &str, settings: Value) -> &'static str {
        let id = self.state.chance.text(43);
        let created = self.microsoft.now();
        let policies = &mut self.state.tenants[self.at].policies;
        match policies
            .iter_mut()
            .find(|known| known.kind == kind && known.name.eq_ignore_ascii_case(name))
        {
            Some(known) if known.settings == settings => "unchanged",
            Some(known) => {
                known.settings = settings;
                "updated"
            }
            None => {
                policies.push(Policy {
                    kind: kind.into(),
                    name: name.into(),
                    id,
                    created,
                    settings,
                });
                "created"
            }
        }
    }

    /// Takes away in the order in which nothing is in use any more; what is not there is left unmentioned.
    fn remove(&mut self, remove: &Remove) -> Result<(), Failure> {
        for (kind, label, names) in [
            (CALLING, "callingPolicy", &remove.calling_policies),
            (ROUTING, "voiceRoutingPolicy", &remove.voice_routing_policies),
        ] {
            for name in names {
                if self
                    .remove_policy(kind, name)
                    .map_err(|failure| failure.at(label, name))?
                {
                    self.done(label, name, "removed");
                }
            }
        }
        for name in &remove.voice_routes {
            let routes = &mut self.state.tenants[self.at].routes;
            let before = routes.len();
            routes.retain(|route| !route.name.eq_ignore_ascii_case(name));
            if routes.len() < before {
                self.done("voiceRoute", name, "removed");
            }
        }
        for name in &remove.pstn_usages {
            let tenant = &mut self.state.tenants[self.at];
            let in_policy = |policy: &Policy| {
                policy.settings["pstnUsages"]
                    .as_array()
                    .is_some_and(|usages| usages.iter().any(|usage| usage == name))
            };
            let used =
                tenant.routes.iter().any(|route| route.usages.contains(name)) || tenant.policies.iter().any(in_policy);
            if used {
                let text = format!("The PSTN usage \"{name}\" is in use and cannot be removed.");
                return Err(Failure::new("InUse", text).at("pstnUsage", name));
            }
            if tenant.usages.remove(name) {
                self.done("pstnUsage", name, "removed");
            }
        }
        Ok(())
    }

    fn remove_policy(&mut self, kind: &str, name: &str) -> Result<bool, Failure> {
        let tenant = &mut self.state.tenants[self.at];
        let Some(id) = tenant.policy(kind, name).map(|policy| policy.id.clone()) else {
            return Ok(false);
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
        Ok(true)
    }
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

fn calling_settings(policy: &CallingPolicy) -> Result<Value, Failure> {
    named(&policy.name)?;
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
    Ok(json!({
        "allowPrivateCalling": policy.allow_private_calling,
        "allowVoicemail": policy.allow_voicemail,
        "allowCallForwardingToPhone": policy.allow_call_forwarding_to_phone,
        "allowCallForwardingToUser": policy.allow_call_forwarding_to_user,
        "musicOnHoldEnabledType": policy.music_on_hold_enabled_type,
    }))
}
