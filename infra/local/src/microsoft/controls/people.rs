//! Changing people: at once, between the pages of a read that is under way, or all of them to given figures.

use super::super::Microsoft;
use super::super::generate;
use super::super::state::{Deleted, PlanStatus, State, User, plan_named, role_named, sku_named};
use super::{Done, Wrong, done, missing, parse, tenant, user};
use axum::extract::{Path, State as Extract};
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use std::borrow::Cow;

#[derive(Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(in super::super) struct UserOrder {
    /// Who, where the address does not say it.
    user: Option<String>,
    /// Makes the account first, under that sign-in name.
    create: bool,
    user_principal_name: Option<String>,
    enabled: Option<bool>,
    display_name: Option<String>,
    /// An empty text takes it away.
    usage_location: Option<String>,
    licences: Option<Vec<String>>,
    plans: Option<Vec<PlanOrder>>,
    roles: Option<Vec<String>>,
    /// Whether the person may call.
    enterprise_voice: Option<bool>,
    deleted: Option<DeletedOrder>,
}

#[derive(Clone, Deserialize)]
struct PlanOrder {
    name: String,
    status: StatusOrder,
}

#[derive(Clone, Copy, Deserialize)]
pub(super) enum StatusOrder {
    Enabled,
    Warning,
    Suspended,
    Deleted,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum DeletedOrder {
    Restorable,
    ForGood,
    /// Back again.
    No,
}

pub(super) async fn change_user(
    Extract(microsoft): Extract<Microsoft>,
    Path((name, who)): Path<(String, String)>,
    body: String,
) -> Done {
    let order: UserOrder = parse(&body)?;
    let now = microsoft.now();
    let mut state = microsoft.lock();
    let at = tenant(&state, &name)?;
    apply(&mut state, at, &who, order, now)?;
    done()
}

fn apply(state: &mut State, at: usize, who: &str, order: UserOrder, now: Timestamp) -> Result<(), Wrong> {
    if order.create && state.tenants[at].user(who).is_none() {
        let id = state.chance.guid();
        state.tenants[at].add(User::new(id, who, who, now));
    }
    let place = match order.deleted {
        // Whoever is deleted is found by the id only.
        Some(DeletedOrder::No) => state.tenants[at].anybody(who).ok_or_else(|| missing(who))?,
        _ => user(state, at, who)?,
    };
    let tenant = &mut state.tenants[at];
    let skus = order.licences.map(|names| {
        let all = names.iter().map(|name| sku_named(name).ok_or_else(|| missing(name)));
        all.collect::<Result<Vec<u8>, _>>()
    });
    let skus = skus.transpose()?;
    let plans = order
        .plans
        .map(|plans| plans.into_iter().map(plan_order).collect::<Result<Vec<_>, _>>())
        .transpose()?;
    if let Some(names) = order.roles {
        let roles = names.iter().map(|name| role_named(name).ok_or_else(|| missing(name)));
        let roles = roles.collect::<Result<Vec<u8>, _>>()?;
        for holders in tenant.roles.values_mut() {
            holders.remove(&place);
        }
        for role in roles {
            tenant.roles.entry(role).or_default().insert(place);
        }
    }
    if let Some(allowed) = order.enterprise_voice {
        tenant
            .voice
            .entry(place)
            .or_default()
            .enterprise_voice
            .set(allowed, now);
    }
    let person = tenant.person_mut(place);
    person.enabled = order.enabled.unwrap_or(person.enabled);
    if let Some(name) = order.user_principal_name {
        person.sign_in = name.into();
    }
    if let Some(name) = order.display_name {
        person.display = Some(name.into());
    }
    if let Some(location) = order.usage_location {
        person.usage_location = (!location.is_empty()).then_some(Cow::Owned(location));
    }
    if let Some(skus) = skus {
        person.skus = skus.iter().fold(0, |bits, sku| bits | 1 << sku);
        person.licensed = now;
    }
    if let Some(plans) = plans {
        person.plans = plans;
    }
    person.deleted = match order.deleted {
        Some(DeletedOrder::Restorable) => Some(Deleted::Restorable),
        Some(DeletedOrder::ForGood) => Some(Deleted::ForGood),
        Some(DeletedOrder::No) => None,
        None => person.deleted,
    };
    Ok(())
}

fn plan_order(order: PlanOrder) -> Result<(u8, PlanStatus), Wrong> {
    let status = match order.status {
        StatusOrder::Enabled => PlanStatus::Enabled,
        StatusOrder::Warning => PlanStatus::Warning,
        StatusOrder::Suspended => PlanStatus::Suspended,
        StatusOrder::Deleted => PlanStatus::Deleted,
    };
    plan_named(&order.name)
        .map(|plan| (plan, status))
        .ok_or_else(|| missing(&order.name))
}

/// Changes that wait until so many reads of a path were answered.
pub(in super::super) struct Script {
    tenant: usize,
    path: String,
    after: u32,
    changes: Vec<UserOrder>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ScriptOrder {
    /// Exactly, without `/v1.0`.
    path: String,
    after: u32,
    changes: Vec<UserOrder>,
}

pub(super) async fn between_pages(
    Extract(microsoft): Extract<Microsoft>,
    Path(name): Path<String>,
    body: String,
) -> Done {
    let order: ScriptOrder = parse(&body)?;
    let mut state = microsoft.lock();
    let at = tenant(&state, &name)?;
    for change in &order.changes {
        let who = change.user.as_deref().unwrap_or_default();
        if !change.create {
            user(&state, at, who)?;
        }
    }
    state.scripts.push(Script {
        tenant: at,
        path: order.path,
        after: order.after,
        changes: order.changes,
    });
    done()
}

/// A read of a path was answered: carries out what waited for it.
pub(in super::super) fn answered(state: &mut State, tenant: usize, path: &str, now: Timestamp) {
    let mut due = Vec::new();
    state.scripts.retain_mut(|script| {
        if script.tenant == tenant && script.path == path {
            script.after = script.after.saturating_sub(1);
            if script.after == 0 {
                due.append(&mut script.changes);
                return false;
            }
        }
        true
    });
    for order in due {
        let who = order.user.clone().unwrap_or_default();
        // Whoever was there when the order was given may be gone by now; then nothing is left to do.
        let _ = apply(state, tenant, &who, order, now);
    }
}

pub(super) async fn figures(Extract(microsoft): Extract<Microsoft>, Path(name): Path<String>, body: String) -> Done {
    let wanted: generate::Figures = parse(&body)?;
    let now = microsoft.now();
    let mut state = microsoft.lock();
    let at = tenant(&state, &name)?;
    let State { tenants, chance, .. } = &mut *state;
    generate::figures(&mut tenants[at], &wanted, chance, now)
        .map_err(|why| Wrong(StatusCode::UNPROCESSABLE_ENTITY, why.into()))?;
    done()
}
