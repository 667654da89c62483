//! Host `graph.microsoft.com`, paths `/v1.0/...`: who asks, may they, what does it cost, and who answers.

mod answer;
mod batch;
mod delta;
mod filter;
mod groups;
mod organization;
mod page;
mod people;
mod policies;
mod query;
mod roles;
mod teams;
#[cfg(test)]
mod tests;
pub(super) mod throttle;
mod user_record;
mod writes;

use super::Microsoft;
use super::catalogue::Resource;
use super::controls::people::answered;
use super::faults::Host;
use super::state::{State, Tenant};
use answer::{Answer, Refused, Reply};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State as Extract};
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use query::Query;
use serde_json::Value;
use std::collections::BTreeSet;

/// Larger than any request that Graph accepts.
const BODY_LIMIT: usize = 4 << 20;

pub(super) fn router(microsoft: Microsoft) -> Router {
    Router::new().fallback(serve).with_state(microsoft)
}

/// One call, from HTTP or from a batch.
struct Call {
    method: Method,
    /// Behind `/v1.0`, still encoded.
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
    /// The request that it came with.
    request: u64,
}

/// Everything a handler needs.
struct Ask<'a> {
    microsoft: &'a Microsoft,
    state: &'a mut State,
    tenant: usize,
    /// The user index; `None`: the application itself.
    user: Option<u32>,
    /// The application that the token was given to.
    app: usize,
    query: Query,
    path: &'a str,
    body: &'a Bytes,
    now: Timestamp,
    scopes: BTreeSet<&'static str>,
}

impl Ask<'_> {
    fn tenant(&self) -> &Tenant {
        &self.state.tenants[self.tenant]
    }

    fn tenant_mut(&mut self) -> &mut Tenant {
        &mut self.state.tenants[self.tenant]
    }

    /// Refuses callers without one of the permissions; a person also needs one of the roles, if any are named.
    fn need(&self, permissions: &[&str], roles: &[u8]) -> Result<(), Refused> {
        let tenant = self.tenant();
        let granted = |name: &&&str| match self.user {
            Some(user) => {
                self.scopes.contains(**name)
                    && tenant
                        .effective(self.app, user, Resource::Graph, name)
                        .is_some_and(|from| from <= self.now)
            }
            None => {
                self.scopes.contains(**name) && tenant.app_roles(self.app, Resource::Graph, self.now).contains(**name)
            }
        };
        let enough: BTreeSet<String> = permissions
            .iter()
            .filter(granted)
            .map(|name| (*name).to_owned())
            .collect();
        let entitled = match self.user {
            None => true,
            Some(user) => !tenant.person(user).guest && (roles.is_empty() || tenant.has_role(user, roles)),
        };
        if !enough.is_empty() && entitled {
            self.state.record.allowed(shape(self.path), self.user.is_none(), enough);
            Ok(())
        } else {
            Err(Refused::forbidden())
        }
    }

    fn json(&self) -> Result<Value, Refused> {
        serde_json::from_slice(self.body)
            .map_err(|_| Refused::new(400, "BadRequest", "Unable to read JSON request payload."))
    }

    fn url(&self, path: &str) -> String {
        format!("{}/v1.0{path}", self.microsoft.inner.graph_url)
    }
}

async fn serve(Extract(microsoft): Extract<Microsoft>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts
        .uri
        .path()
        .strip_prefix("/v1.0")
        .unwrap_or("/unknown-version")
        .to_owned();
    let token = bearer(&parts.headers).map(str::to_owned);
    let arrived = microsoft.arrived();
    microsoft.watch_pauses(arrived, parts.method.as_str(), &path, token.as_deref());
    let fault = microsoft.misfortune(Host::Graph, parts.method.as_str(), &path, token.as_deref());
    if let Some(fault) = &fault {
        fault.hold().await;
        microsoft.begin_pause(fault, arrived, token.as_deref());
        if let Some(instead) = fault.instead() {
            return instead;
        }
    }
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return status_only(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let call = Call {
        method: parts.method,
        path,
        query,
        headers: parts.headers,
        body,
        request: arrived,
    };
    microsoft.lock().counters.graph_requests += 1;
    let answer = microsoft.answer(&call);
    let body = Bytes::from(answer.body);
    let mut response = Response::new(Body::from(body.clone()));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = if answer.text {
        "text/plain"
    } else {
        "application/json;odata.metadata=minimal;charset=utf-8"
    };
    if !body.is_empty() {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            response.headers_mut().append(name, value);
        }
    }
    match fault {
        Some(fault) => fault.spoil(response, &body),
        None => response,
    }
}

fn status_only(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

impl Microsoft {
    /// Carries out one call; refusals become Microsoft's error bodies.
    fn answer(&self, call: &Call) -> Answer {
        let decoded = percent_decode(&call.path);
        if decoded.trim_end_matches('/') == "/$batch" {
            return batch::run(self, call);
        }
        let given = call
            .headers
            .get("client-request-id")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let mut state = self.lock();
        state.counters.graph_calls += 1;
        state.answering = call.request;
        *state
            .counters
            .by_path
            .entry(format!("{} {}", call.method, shape(&decoded)))
            .or_default() += 1;
        let now = self.now();
        let mut units = None;
        let reply = self.reply(&mut state, call, &decoded, now, &mut units);
        let request_id = state.chance.guid().to_string();
        let client_request_id = given.unwrap_or_else(|| request_id.clone());
        let mut answer = match reply {
            Ok(answer) => answer,
            Err(refused) => refused.answer(&mut state.chance, now, &client_request_id),
        };
        answer.headers.push(("request-id", request_id));
        answer.headers.push(("client-request-id", client_request_id));
        if let Some(units) = units {
            answer.headers.push(("x-ms-resource-unit", u32::to_string(&units)));
        }
        answer
    }

    fn reply(&self, state: &mut State, call: &Call, path: &str, now: Timestamp, units: &mut Option<u32>) -> Reply {
        let token = bearer(&call.headers).ok_or_else(|| Refused::unauthenticated("Access token is empty."))?;
        let token = state.access.get(token).cloned();
        let token = token.ok_or_else(|| Refused::unauthenticated("Access token validation failure."))?;
        if token.expires <= now {
            return Err(Refused::unauthenticated(
                "Lifetime validation failed, the token is expired.",
            ));
        }
        if token.resource != Resource::Graph {
            return Err(Refused::unauthenticated(
                "Access token validation failure. Invalid audience.",
            ));
        }
        if let Some(user) = token.user {
            let person = state.tenants[token.tenant].person(user);
            let revoked = person.revoked.is_some_and(|revoked| token.issued <= revoked);
            if person.deleted.is_some() || !person.enabled || revoked {
                return Err(Refused::unauthenticated(
                    "Continuous access evaluation resulted in challenge with result: InteractionRequired.",
                ));
            }
        }
        let query = Query::read(&call.query, &call.headers, state.switches.ignore_unsupported)?;
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        *units = Some(throttle::charge(
            state,
            token.tenant,
            &call.method,
            &segments,
            &query,
            now,
        )?);
        let mut ask = Ask {
            microsoft: self,
            state,
            tenant: token.tenant,
            user: token.user,
            app: token.app,
            query,
            path,
            body: &call.body,
            now,
            scopes: token.scopes,
        };
        let answer = dispatch(&mut ask, &call.method, &segments)?;
        if call.method == Method::GET {
            answered(state, token.tenant, path, now);
        }
        Ok(answer)
    }
}

fn dispatch(ask: &mut Ask<'_>, method: &Method, path: &[&str]) -> Reply {
    match (method.as_str(), path) {
        ("GET", ["users"]) => people::list(ask),
        ("GET", ["users", "$count"]) => people::count(ask),
        (
            "GET",
            [
                "users",
                "delta" | "delta()" | "microsoft.graph.delta" | "microsoft.graph.delta()",
            ],
        ) => delta::users(ask),
        (
            "GET",
            [
                "groups",
                "delta" | "delta()" | "microsoft.graph.delta" | "microsoft.graph.delta()",
            ],
        ) => delta::groups(ask),
        ("POST", ["users"]) => writes::create_user(ask),
        ("GET", ["users", id]) => people::one(ask, id),
        ("PATCH", ["users", id]) => writes::update_user(ask, id),
        ("DELETE", ["users", id]) => writes::delete_user(ask, id),
        ("POST", ["users", id, "assignLicense"]) => writes::assign_licence(ask, id),
        ("GET", ["me"]) => people::me(ask),
        ("GET", ["me", "memberOf", rest @ ..]) => roles::my_memberships(ask, false, rest),
        ("GET", ["me", "transitiveMemberOf", rest @ ..]) => roles::my_memberships(ask, true, rest),
        ("GET", ["users", id, "memberOf", rest @ ..]) => roles::memberships(ask, id, false, rest),
        ("GET", ["users", id, "transitiveMemberOf", rest @ ..]) => roles::memberships(ask, id, true, rest),
        ("GET", ["groups"]) => groups::list(ask),
        ("GET", ["groups", "$count"]) => groups::count(ask),
        ("GET", ["groups", id]) => groups::one(ask, id),
        ("GET", ["groups", id, "members", rest @ ..]) => groups::members(ask, id, false, rest),
        ("GET", ["groups", id, "transitiveMembers", rest @ ..]) => groups::members(ask, id, true, rest),
        ("GET", ["organization"]) => organization::list(ask),
        ("GET", ["organization", id]) => organization::one(ask, id),
        ("GET", ["subscribedSkus"]) => organization::skus(ask),
        ("GET", ["directoryRoles"]) => roles::list(ask),
        ("GET", ["directoryRoles", id, "members"]) => roles::holders(ask, id),
        ("GET", ["domains"]) => organization::domains(ask),
        ("POST", ["domains"]) => writes::create_domain(ask),
        ("GET", ["domains", name]) => organization::domain(ask, name),
        ("PATCH", ["domains", name]) => writes::update_domain(ask, name),
        ("DELETE", ["domains", name]) => writes::delete_domain(ask, name),
        ("POST", ["domains", name, "verify"]) => writes::verify_domain(ask, name),
        ("GET", ["domains", name, "verificationDnsRecords"]) => organization::dns_records(ask, name),
        ("GET", ["domains", name, "domainNameReferences"]) => organization::references(ask, name),
        (_, ["admin", "teams", rest @ ..]) => teams_dispatch(ask, method, rest),
        _ => Err(Refused::new(
            404,
            "BadRequest",
            format!("Resource not found for the segment '{}'.", path.first().unwrap_or(&"")),
        )),
    }
}

fn teams_dispatch(ask: &mut Ask<'_>, method: &Method, path: &[&str]) -> Reply {
    const NAMESPACE: &str = "microsoft.graph.teamsAdministration.";
    let bare: Vec<&str> = path
        .iter()
        .map(|segment| segment.strip_prefix(NAMESPACE).unwrap_or(segment))
        .collect();
    match (method.as_str(), bare.as_slice()) {
        ("GET", ["userConfigurations"]) => teams::configurations(ask),
        ("GET", ["userConfigurations", id]) => teams::configuration(ask, id),
        ("GET", ["telephoneNumberManagement", "numberAssignments"]) => teams::numbers(ask),
        ("POST", ["telephoneNumberManagement", "numberAssignments", "assignNumber"]) => teams::assign(ask),
        ("POST", ["telephoneNumberManagement", "numberAssignments", "unassignNumber"]) => teams::unassign(ask),
        ("POST", ["telephoneNumberManagement", "numberAssignments", "updateNumber"]) => teams::update(ask),
        ("GET", ["telephoneNumberManagement", "numberAssignments", id]) => teams::number(ask, id),
        ("GET", ["telephoneNumberManagement", "operations", id]) => teams::operation(ask, id),
        ("GET", ["telephoneNumberManagement", named]) if named.starts_with("operations('") => {
            let id = named.trim_start_matches("operations('").trim_end_matches("')");
            teams::operation(ask, id)
        }
        ("POST", ["policy", "userAssignments", "assign"]) => policies::assign(ask),
        ("POST", ["policy", "userAssignments", "unassign"]) => policies::unassign(ask),
        ("GET", ["policy", function]) if function.starts_with("getPolicyId(") => policies::policy_id(ask, function),
        _ => Err(Refused::new(
            404,
            "BadRequest",
            "Resource not found for the segment 'teams'.",
        )),
    }
}

fn percent_decode(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = (*first == b'%')
            .then(|| tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()))
            .flatten();
        if let Some(byte) = code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A path with ids replaced, for counting.
fn shape(path: &str) -> String {
    let replaced = path.split('/').map(|segment| {
        let opaque = segment.len() > 30 && !segment.contains('.') || segment.contains('@');
        let keyed = segment.split_once("('").map(|(name, _)| name);
        if let Some(name) = keyed {
            format!("{name}('{{id}}')")
        } else if opaque {
            "{id}".to_owned()
        } else {
            segment.to_owned()
        }
    });
    replaced.collect::<Vec<_>>().join("/")
}
