//! The operator's controls as JSON over HTTP. Everything here happens behind the client's back.
//!
//! | call | body | what it does |
//! |---|---|---|
//! | `GET /tenants` | | who and what there is |
//! | `GET /requests`, `DELETE /requests` | | counters since the last reset |
//! | `POST /faults`, `DELETE /faults` | one fault: `host`, `method`, `path`, `tenant`, `skip`, `times`, `status`, `body`, `retryAfter`, `delayMs`, `truncate`, `drop` | breaks the next requests of a kind |
//! | `POST /switches` | `wrapSingles`, `unknownFields`, `emptyPages`, `wids`, `ignoreUnsupported`, `shuffleBatches`, `strictUsageLocation`, `noRetryAfter`, `repeatEntries`, `tokenSeconds` (0: by chance) | behaviours that sources disagree on |
//! | `POST /throttle` | `directoryUnits`, `directoryWrites`, `teamsCalls` | request budgets |
//! | `POST /next-sign-in` | `stop` (AADSTS number), `forgedTenant`, `idToken` | what goes wrong in the next sign-in |
//! | `POST /keys/rotate` | | another signing key |
//! | `POST /tenants/{tenant}` | `userConsent`, `approvalWorkflow`, `displayName`, `applicationRoles`, `withheld` (permissions that tokens come without), `forgetChanges` (delta tokens from before end) | the tenant's settings |
//! | `POST /tenants/{tenant}/users/{user}` | `create`, `userPrincipalName`, `enabled`, `displayName`, `usageLocation`, `licences`, `plans` (`[{name,status}]`), `roles`, `enterpriseVoice`, `deleted` (`restorable`/`forGood`/`no`) | makes or changes a user |
//! | `POST /tenants/{tenant}/between-pages` | `path` (exactly, without `/v1.0`), `after` (so many reads of it), `changes` (as for one user, each with `user`) | changes users while somebody reads |
//! | `POST /tenants/{tenant}/figures` | `total`, `licensed`, `phoneSystem`, `excludedByCallingPlan`, `resource` | gives the enabled members licences so that these are the tenant's figures |
//! | `POST /tenants/{tenant}/users/{user}/revoke` | | ends all tokens of a user |
//! | `DELETE /tenants/{tenant}/consent` | | revokes all consent |
//! | `POST /tenants/{tenant}/groups/{group}` | `displayName`, `empty`, `deleted`, `hidden` (its members), `add`, `remove` (sign-in names) | changes a group, named by id or name |
//! | `POST /tenants/{tenant}/policies` | `type`, `name`, `settings`, `deleted` | creates, changes or deletes a policy |
//! | `POST /tenants/{tenant}/routing` | `usages` (all of them), `routes` (all of them: `name`, `usages`, and the settings) | puts other usages and routes in place of those there |
//! | `GET /tenants/{tenant}/voice` | | usages, routes and policies |
//! | `POST /tenants/{tenant}/grants` | `user`, `type`, `name` (null: none), `group` | gives a policy to a user |
//! | `POST /tenants/{tenant}/numbers` | `number`, `holder` (null: nobody), `type`, `onPremises`, `orphaned` (taken by no user), `deleted` | gives a number to somebody |
//! | `POST /tenants/{tenant}/refusals` | `number`, `user` | `refused`: why an assignment of the number would fail, or null; nothing is changed |
//! | `GET /tenants/{tenant}/numbers` | | numbers and the places of their holders in the directory |
//! | `POST /tenants/{tenant}/number-faults` | `number`, `failure` or `lost`, `times` | operations of a number fail or are lost |
//! | `POST /tenants/{tenant}/skus/{sku}` | `spare`, `status` | free seats of a product |
//! | `POST /tenants/{tenant}/dns` | `name`, `text` | publishes a TXT record |
//! | `POST /tenants/{tenant}/domains` | `name`, `verified`, `voice` | changes a domain |
//!
//! `{tenant}` is an id or a verified domain, `{user}` an id or a sign-in name.

pub(super) mod people;

use super::Microsoft;
use super::faults::{Counters, Fault};
use super::login::Flaw;
use super::state::{Domain, Members, State, Subscription, role_named, sku_named};
use super::voice::{Grant, Number, NumberFault, Policy, shown};
use axum::extract::{Path, State as Extract};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use http::StatusCode;
use people::StatusOrder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// What is wrong with an order.
struct Wrong(StatusCode, String);

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

type Done = Result<Json<Value>, Wrong>;

fn done() -> Done {
    Ok(Json(json!({ "done": true })))
}

fn missing(what: &str) -> Wrong {
    Wrong(StatusCode::NOT_FOUND, format!("{what} does not exist"))
}

fn parse<T: DeserializeOwned>(body: &str) -> Result<T, Wrong> {
    serde_json::from_str(body).map_err(|error| Wrong(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))
}

pub(super) fn router(microsoft: Microsoft) -> Router {
    Router::new()
        .route(
            "/tenants",
            get(async |Extract(microsoft): Extract<Microsoft>| Json(microsoft.tenants())),
        )
        .route("/requests", get(requests).delete(reset_requests))
        .route("/faults", post(add_fault).delete(clear_faults))
        .route("/switches", post(switches))
        .route("/throttle", post(throttle))
        .route("/next-sign-in", post(next_sign_in))
        .route("/keys/rotate", post(rotate))
        .route("/tenants/{tenant}", post(change_tenant))
        .route("/tenants/{tenant}/consent", delete(revoke_consent))
        .route("/tenants/{tenant}/users/{user}", post(people::change_user))
        .route("/tenants/{tenant}/between-pages", post(people::between_pages))
        .route("/tenants/{tenant}/figures", post(people::figures))
        .route("/tenants/{tenant}/users/{user}/revoke", post(revoke))
        .route("/tenants/{tenant}/groups/{group}", post(change_group))
        .route("/tenants/{tenant}/policies", post(change_policy))
        .route("/tenants/{tenant}/routing", post(change_routing))
        .route("/tenants/{tenant}/voice", get(show_voice))
        .route("/tenants/{tenant}/grants", post(grant))
        .route("/tenants/{tenant}/numbers", get(list_numbers).post(change_number))
        .route("/tenants/{tenant}/refusals", post(refusal))
        .route("/tenants/{tenant}/number-faults", post(number_fault))
        .route("/tenants/{tenant}/skus/{sku}", post(change_sku))
        .route("/tenants/{tenant}/dns", post(publish))
        .route("/tenants/{tenant}/domains", get(list_domains).post(change_domain))
        .with_state(microsoft)
}

fn tenant(state: &State, name: &str) -> Result<usize, Wrong> {
    state.tenant_named(name).ok_or_else(|| missing(name))
}

fn user(state: &State, tenant: usize, name: &str) -> Result<u32, Wrong> {
    state.tenants[tenant].user(name).ok_or_else(|| missing(name))
}

async fn requests(Extract(microsoft): Extract<Microsoft>) -> Json<Counters> {
    Json(microsoft.lock().counters.clone())
}

async fn reset_requests(Extract(microsoft): Extract<Microsoft>) -> Done {
    microsoft.lock().counters = Counters::default();
    done()
}

async fn add_fault(Extract(microsoft): Extract<Microsoft>, body: String) -> Done {
    let fault: Fault = parse(&body)?;
    microsoft.lock().faults.push(fault);
    done()
}

async fn clear_faults(Extract(microsoft): Extract<Microsoft>) -> Done {
    microsoft.lock().faults.clear();
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SwitchOrder {
    wrap_singles: Option<bool>,
    unknown_fields: Option<bool>,
    empty_pages: Option<bool>,
    wids: Option<bool>,
    ignore_unsupported: Option<bool>,
    shuffle_batches: Option<bool>,
    strict_usage_location: Option<bool>,
    no_retry_after: Option<bool>,
    repeat_entries: Option<bool>,
    token_seconds: Option<u32>,
}

async fn switches(Extract(microsoft): Extract<Microsoft>, body: String) -> Done {
    let order: SwitchOrder = parse(&body)?;
    let mut state = microsoft.lock();
    if let Some(strict) = order.strict_usage_location {
        for tenant in &mut state.tenants {
            tenant.strict_usage_location = strict;
        }
    }
    let now = &mut state.switches;
    for (slot, wish) in [
        (&mut now.wrap_singles, order.wrap_singles),
        (&mut now.unknown_fields, order.unknown_fields),
        (&mut now.empty_pages, order.empty_pages),
        (&mut now.wids, order.wids),
        (&mut now.ignore_unsupported, order.ignore_unsupported),
        (&mut now.shuffle_batches, order.shuffle_batches),
        (&mut now.no_retry_after, order.no_retry_after),
        (&mut now.repeat_entries, order.repeat_entries),
    ] {
        *slot = wish.unwrap_or(*slot);
    }
    if let Some(seconds) = order.token_seconds {
        now.token_seconds = Some(seconds).filter(|seconds| *seconds > 0);
    }
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ThrottleOrder {
    directory_units: Option<u32>,
    directory_writes: Option<u32>,
    teams_calls: Option<u32>,
}

async fn throttle(Extract(microsoft): Extract<Microsoft>, body: String) -> Done {
    let order: ThrottleOrder = parse(&body)?;
    let mut state = microsoft.lock();
    let now = &mut state.throttle;
    now.directory_units = order.directory_units.or(now.directory_units);
    now.directory_writes = order.directory_writes.unwrap_or(now.directory_writes);
    now.teams_calls = order.teams_calls.unwrap_or(now.teams_calls);
    state.buckets.clear();
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SignInOrder {
    stop: Option<u32>,
    forged_tenant: Option<String>,
    id_token: Option<Flaw>,
}

async fn next_sign_in(Extract(microsoft): Extract<Microsoft>, body: String) -> Done {
    let order: SignInOrder = parse(&body)?;
    let mut state = microsoft.lock();
    let next = &mut state.login.next;
    (next.stop, next.forged_tenant, next.id_token) = (order.stop, order.forged_tenant, order.id_token);
    done()
}

async fn rotate(Extract(microsoft): Extract<Microsoft>) -> Done {
    microsoft.lock().login.keys.rotate();
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TenantOrder {
    user_consent: Option<bool>,
    approval_workflow: Option<bool>,
    display_name: Option<String>,
    application_roles: Option<Vec<String>>,
    withheld: Option<std::collections::BTreeSet<String>>,
    #[serde(default)]
    forget_changes: bool,
}

async fn change_tenant(Extract(microsoft): Extract<Microsoft>, Path(name): Path<String>, body: String) -> Done {
    let order: TenantOrder = parse(&body)?;
    let mut state = microsoft.lock();
    let at = tenant(&state, &name)?;
    let tenant = &mut state.tenants[at];
    tenant.user_consent = order.user_consent.unwrap_or(tenant.user_consent);
    tenant.approval_workflow = order.approval_workflow.unwrap_or(tenant.approval_workflow);
    if let Some(name) = order.display_name {
        tenant.name = name;
    }
    if order.forget_changes {
        tenant.forgotten = tenant.changes;
        tenant.changes += 1;
    }
    if let Some(withheld) = order.withheld {
        tenant.withheld = withheld;
    }
    if let Some(names) = order.application_roles {
        let roles = names.iter().map(|name| role_named(name).ok_or_else(|| missing(name)));
        let roles = roles.collect::<Result<_, _>>()?;
        let roles: std::collections::BTreeSet<u8> = roles;
        if tenant.apps.is_empty() {
            return Err(missing("the application"));
        }
        for app in tenant.apps.values_mut() {
            app.directory_roles = roles.clone();
        }
    }
    done()
}

async fn revoke_consent(Extract(microsoft): Extract<Microsoft>, Path(name): Path<String>) -> Done {
    let mut state = microsoft.lock();
    let at = tenant(&state, &name)?;
    state.tenants[at].apps.clear();
    state.access.retain(|_, token| token.tenant != at);
    done()
}

async fn revoke(Extract(microsoft): Extract<Microsoft>, Path((name, who)): Path<(String, String)>) -> Done {
    let now = microsoft.now();
    let mut state = microsoft.lock();
    let at = tenant(&state, &name)?;
    let place = user(&state, at, &who)?;
    state.tenants[at].person_mut(place).revoked = Some(now);
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct GroupOrder {
    display_name: Option<String>,
    #[serde(default)]
    empty: bool,
    deleted: Option<bool>,
    paused: Option<bool>,
    hidden: Option<bool>,
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    remove: Vec<String>,
}

async fn change_group(
    Extract(microsoft): Extract<Microsoft>,
    Path((name, which)): Path<(String, String)>,
    body: String,
) -> Done {
    let order: GroupOrder = parse(&body)?;
    let mut state = microsoft.lock();
    let at = tenant(&state, &name)?;
    let people = |names: &[String]| {
        names
            .iter()
            .map(|name| user(&state, at, name))
            .collect::<Result<Vec<u32>, _>>()
    };
    let (add, remove) = (people(&order.add)?, people(&order.remove)?);
    let tenant = &mut state.tenants[at];
    let named = |group: &super::state::Group| group.id.to_string() == which || group.name == which;
    let place = tenant.groups.iter().position(named).ok_or_else(|| missing(&which))?;
    tenant.groups[place].paused = order.paused.unwrap_or(tenant.groups[place].paused);
    if order.empty {
        tenant.groups[place].members = Members::Listed {
            users: Vec::new(),
            groups: Vec::new(),
        };
    } else if !(add.is_empty() && remove.is_empty()) {
        let mut users = tenant.members(place, false);
        users.retain(|user| !remove.contains(user));
        users.extend(add);
        users.sort_unstable();
        users.dedup();
        let groups = tenant.nested_groups(place);
        tenant.groups[place].members = Members::Listed { users, groups };
    }
    tenant.changes += 1;
    let changes = tenant.changes;
    let group = &mut tenant.groups[place];
    group.changed = changes;
    group.deleted = order.deleted.unwrap_or(group.deleted);
    group.hidden = order.hidden.unwrap_or(group.hidden);
    if let Some(name) = order.display_name {
        group.name = name;
    }
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PolicyOrder {
    r#type: String,
    name: String,
    #[serde(default = "nothing_set")]
    settings: Value,
    #[serde(default)]
    deleted: bool,
}

fn nothing_set() -> Value {
    json!({})
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RoutingOrder {
    usages: Vec<String>,
    routes: Vec<RouteOrder>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RouteOrder {
    name: String,
    usages: Vec<String>,
    #[serde(flatten)]
    settings: serde_json::Map<String, Value>,
}

async fn change_routing(Extract(microsoft): Extract<Microsoft>, Path(name): Path<String>, body: String) -> Done {
    let order: RoutingOrder = parse(&body)?;
    let mut state = microsoft.lock();
    let at = tenant(&state, &name)?;
    let tenant = &mut state.tenants[at];
    tenant.usages = order.usages.into_iter().collect();
    tenant.routes.clear();
    for route in order.routes {
        tenant.put_route(&route.name, Value::Object(route.settings), route.usages);
    }
    done()
}

async fn show_voice(Extract(microsoft): Extract<Microsoft>, Path(name): Path<String>) -> Done {
    let state = microsoft.lock();
    let tenant = &state.tenants[tenant(&state, &name)?];
    let routes = tenant.routes.iter();
    let routes: Vec<Value> = routes
        .map(|route| json!({ "name": route.name, "usages": route.usages, "settings": route.settings }))
        .collect();
    let policies = tenant.policies.iter();
    let policies: Vec<Value> = policies
        .map(|policy| json!({ "type": policy.kind, "name": policy.name, "settings": policy.settings }))
        .collect();
    Ok(Json(
        json!({ "usages": tenant.usages, "routes": routes, "policies": policies }),
    ))
}

async fn change_policy(Extract(microsoft): Extract<Microsoft>, Path(name): Path<String>, body: String) -> Done {
    let order: PolicyOrder = parse(&body)?;
    let created = microsoft.now();
    let mut state = microsoft.lock();
    let at = tenant(&state, &name)?;
    let id = state.chance.text(43);
    let policies = &mut state.tenants[at].policies;
    policies.retain(|policy| policy.kind != order.r#type || policy.name != order.name || !order.deleted);
    let known = policies
        .iter_mut()
        .find(|policy| policy.kind == order.r#type && policy.name == order.name);
    match known {
        Some(known) => known.settings = order.settings,
        None if order.deleted => {}
        None => policies.push(Policy {
            kind: order.r#type,
            name: order.name,
            id,
            created,
            settings: order.settings,
        }),
    }
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct GrantOrder {
    user: String,
    r#type: String,
    name: Option<String>,
    group: Option<String>,
}

async fn grant(Extract(microsoft): Extract<Microsoft>, Path(name): Path<String>, body: String) -> Done {
    let order: GrantOrder = parse(&body)?;
    let now = microsoft.now();
    let mut state = microsoft.lock();
    let at = tenant(&state, &name)?;
    let place = user(&state, at, &order.user)?;
    let tenant = &mut state.tenants[at];
    let group = order.group.map(|id| id.parse().map_err(|_| missing(&id))).transpose()?;
    let grant = match &order.name {
        None => None,
        Some(name) => {
            let policy = tenant.policy(&order.r#type, name).ok_or_else(|| missing(name))?;
            Some(Grant {
                policy: policy.id.clone(),
                group,
            })
        }
    };
    tenant.grant(place, &order.r#type, grant, now);
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NumberOrder {
    number: String,
    holder: Option<String>,
    r#type: Option<NumberKind>,
    on_premises: Option<bool>,
    orphaned: Option<bool>,
    #[serde(default)]
    deleted: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum NumberKind {
    DirectRouting,
    CallingPlan,
}

async fn list_numbers(Extract(microsoft): Extract<Microsoft>, Path(name): Path<String>) -> Done {
    let state = microsoft.lock();
    let tenant = &state.tenants[tenant(&state, &name)?];
    let numbers = tenant.numbers.iter();
    Ok(Json(
        numbers
            .map(|(number, held)| json!({ "telephoneNumber": number, "holder": held.holder, "onPremises": held.on_premises }))
            .collect(),
    ))
}

async fn change_number(Extract(microsoft): Extract<Microsoft>, Path(name): Path<String>, body: String) -> Done {
    let order: NumberOrder = parse(&body)?;
    let now = microsoft.now();
    let mut state = microsoft.lock();
    let at = tenant(&state, &name)?;
    let holder = order.holder.map(|name| user(&state, at, &name)).transpose()?;
    let number = shown(&order.number);
    let tenant = &mut state.tenants[at];
    tenant.take(&number, now);
    if order.deleted {
        tenant.numbers.remove(&number);
        return done();
    }
    let entry = tenant
        .numbers
        .entry(number.clone())
        .or_insert_with(|| Number::free("directRouting"));
    entry.kind = match order.r#type {
        Some(NumberKind::DirectRouting) => "directRouting",
        Some(NumberKind::CallingPlan) => "callingPlan",
        None => entry.kind,
    };
    entry.on_premises = order.on_premises.unwrap_or(entry.on_premises);
    entry.orphaned = order.orphaned.unwrap_or(entry.orphaned);
    if let Some(holder) = holder {
        tenant.give(&number, holder, "primary", now);
    }
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RefusalOrder {
    number: String,
    user: String,
}

async fn refusal(Extract(microsoft): Extract<Microsoft>, Path(name): Path<String>, body: String) -> Done {
    let order: RefusalOrder = parse(&body)?;
    let state = microsoft.lock();
    let tenant = &state.tenants[tenant(&state, &name)?];
    let outcome = tenant.assignable(&shown(&order.number), &order.user, "primary", "directRouting");
    Ok(Json(json!({ "refused": outcome.err() })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NumberFaultOrder {
    number: String,
    failure: Option<String>,
    #[serde(default)]
    lost: bool,
    times: Option<u32>,
}

async fn number_fault(Extract(microsoft): Extract<Microsoft>, Path(name): Path<String>, body: String) -> Done {
    let order: NumberFaultOrder = parse(&body)?;
    if order.lost == order.failure.is_some() {
        return Err(Wrong(
            StatusCode::UNPROCESSABLE_ENTITY,
            "give either `failure` or `lost`".into(),
        ));
    }
    let mut state = microsoft.lock();
    let at = tenant(&state, &name)?;
    let fault = NumberFault {
        times: order.times.unwrap_or(1),
        failure: order.failure,
    };
    state.tenants[at].number_faults.insert(shown(&order.number), fault);
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SkuOrder {
    spare: Option<u32>,
    status: Option<StatusOrder>,
}

async fn change_sku(
    Extract(microsoft): Extract<Microsoft>,
    Path((name, sku)): Path<(String, String)>,
    body: String,
) -> Done {
    let order: SkuOrder = parse(&body)?;
    let mut state = microsoft.lock();
    let at = tenant(&state, &name)?;
    let place = sku_named(&sku).ok_or_else(|| missing(&sku))?;
    let tenant = &mut state.tenants[at];
    let used = u32::try_from(tenant.consumed(place)).unwrap_or(u32::MAX);
    let fresh = || Subscription {
        enabled: used,
        warning: 0,
        suspended: 0,
        status: "Enabled",
    };
    let seats = tenant.subscriptions.entry(place).or_insert_with(fresh);
    if let Some(spare) = order.spare {
        seats.enabled = used + spare;
    }
    let all = seats.enabled + seats.warning + seats.suspended;
    match order.status {
        Some(StatusOrder::Warning) => (seats.enabled, seats.warning, seats.status) = (0, all, "Warning"),
        Some(StatusOrder::Suspended) => (seats.enabled, seats.suspended, seats.status) = (0, all, "Suspended"),
        Some(StatusOrder::Deleted) => (seats.enabled, seats.warning, seats.status) = (0, 0, "Deleted"),
        Some(StatusOrder::Enabled) => {
            *seats = Subscription {
                enabled: all,
                ..fresh()
            }
        }
        None => {}
    }
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DnsOrder {
    name: String,
    text: String,
}

async fn publish(Extract(microsoft): Extract<Microsoft>, Path(name): Path<String>, body: String) -> Done {
    let order: DnsOrder = parse(&body)?;
    let now = microsoft.now();
    let mut state = microsoft.lock();
    let at = tenant(&state, &name)?;
    state.tenants[at]
        .dns
        .insert(order.name.to_lowercase(), (order.text, now));
    done()
}

/// The tenant's domains, the accounts outside its own domain, and how many seats of all products are taken.
async fn list_domains(Extract(microsoft): Extract<Microsoft>, Path(name): Path<String>) -> Result<Json<Value>, Wrong> {
    let state = microsoft.lock();
    let tenant = &state.tenants[tenant(&state, &name)?];
    let domains = tenant.domains.iter().map(|domain| {
        json!({ "name": domain.name, "verified": domain.verified, "voice": domain.voice, "federated": domain.federated })
    });
    let own = format!("@{}", tenant.default_domain());
    let accounts = tenant
        .users
        .iter()
        .filter(|user| user.deleted.is_none() && !user.sign_in.ends_with(&own));
    let taken: usize = tenant.subscriptions.keys().map(|sku| tenant.consumed(*sku)).sum();
    Ok(Json(json!({
        "domains": domains.collect::<Vec<_>>(),
        "accounts": accounts.map(|user| &*user.sign_in).collect::<Vec<_>>(),
        "seatsTaken": taken,
    })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DomainOrder {
    name: String,
    verified: Option<bool>,
    voice: Option<bool>,
    federated: Option<bool>,
    /// Somebody adds it to this tenant.
    #[serde(default)]
    added: bool,
    /// Somebody takes it away, with everybody in it.
    #[serde(default)]
    removed: bool,
}

async fn change_domain(Extract(microsoft): Extract<Microsoft>, Path(name): Path<String>, body: String) -> Done {
    let order: DomainOrder = parse(&body)?;
    let mut state = microsoft.lock();
    let at = tenant(&state, &name)?;
    if order.added {
        state.tenants[at].domains.push(Domain {
            name: order.name.to_lowercase(),
            verified: false,
            default: false,
            initial: false,
            services: Vec::new(),
            text: "MS=ms10000001".into(),
            voice: false,
            federated: false,
        });
    }
    if order.removed {
        let tenant = &mut state.tenants[at];
        tenant
            .domains
            .retain(|domain| !domain.name.eq_ignore_ascii_case(&order.name));
        tenant.dns.remove(&order.name.to_lowercase());
        return done();
    }
    let found = state.tenants[at]
        .domains
        .iter_mut()
        .find(|domain| domain.name.eq_ignore_ascii_case(&order.name));
    let domain = found.ok_or_else(|| missing(&order.name))?;
    domain.verified = order.verified.unwrap_or(domain.verified);
    domain.voice = order.voice.unwrap_or(domain.voice);
    domain.federated = order.federated.unwrap_or(domain.federated);
    done()
}
