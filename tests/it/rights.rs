//! Who may do what, tried on every route: generated from the table of rights, so that a new route is in it as soon as it
//! exists, and a route without a rule fails.

mod audit;
pub(crate) mod cast;
mod repeated;

use crate::bad_input::routes::{self, Route};
use cast::{Cast, Target};
use dialbridge_local::issuer::ROLES;
use serde_json::json;
use shared::domain::caller::Role;
use shared::domain::rights::{May, ROUTES};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn role(name: &str, cast: &Cast) -> Role {
    let (reseller, enterprise) = (
        cast.scene.reseller.parse().unwrap(),
        cast.scene.enterprise.parse().unwrap(),
    );
    match name {
        "provider_admin" => Role::ProviderAdmin,
        "provider_support" => Role::ProviderSupport,
        "reseller_admin" => Role::ResellerAdmin(reseller),
        "reseller_viewer" => Role::ResellerViewer(reseller),
        "account_admin" => Role::AccountAdmin(enterprise),
        "account_manager" => Role::AccountManager(enterprise),
        "global_admin" => Role::GlobalAdmin(enterprise),
        other => panic!("the table has no role {other}"),
    }
}

/// Whether a target is within a role's reach, said apart from the code that decides it.
fn reaches(name: &str, target: &Target, cast: &Cast) -> bool {
    match (name.split('_').next().unwrap(), target) {
        ("provider", _) => true,
        ("reseller", Target::Enterprise(id)) => *id == cast.scene.enterprise || *id == cast.sibling,
        ("reseller", Target::Reseller(id)) => *id == cast.scene.reseller,
        ("account" | "global", Target::Enterprise(id)) => *id == cast.scene.enterprise,
        _ => false,
    }
}

/// What the table says. `managed` is the enterprise whose Global Admin lets the reseller manage.
fn expected(route: &Route, name: &str, target: &Target, managed: Option<&str>, cast: &Cast) -> bool {
    let may = match role(name, cast).may(route.action()) {
        May::Yes => true,
        May::OnBehalf => matches!(target, Target::Enterprise(id) if Some(id.as_str()) == managed),
        // Nobody is named here.
        May::AsDeputy | May::No => false,
    };
    // Without an id there is only the right itself.
    may && (*target == Target::Nothing || reaches(name, target, cast))
}

#[test]
fn every_route_with_a_token_has_a_rule_and_back() {
    let described: BTreeSet<String> = routes::api().iter().map(Route::name).collect();
    let ruled: BTreeSet<String> = ROUTES
        .iter()
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    assert_eq!(
        described, ruled,
        "left: the API description, right: the table of rights"
    );
    assert_eq!(ruled.len(), ROUTES.len());
}

/// Answers for unknown ids, one for each route and role.
struct Unknown(BTreeMap<(String, &'static str, Target), cast::Seen>);

impl Unknown {
    async fn of(&mut self, cast: &Cast, route: &Route, name: &'static str, target: &Target) -> cast::Seen {
        let unknown = cast.unknown(target);
        let key = (route.name(), name, unknown.clone());
        if let Some(seen) = self.0.get(&key) {
            return seen.clone();
        }
        let request = if *target == Target::Nothing {
            let one = routes::api();
            let one = one.iter().find(|route| route.name() == "GET /v1/resellers/{reseller}");
            cast.request(one.unwrap(), &unknown, name).await
        } else {
            cast.request(route, &unknown, name).await
        };
        let seen = cast.told(&request, &cast.token(name)).await;
        assert_eq!(seen.code(), (404, "not-found"), "{} as {name}: {seen:?}", route.name());
        self.0.insert(key, seen.clone());
        seen
    }
}

/// In an order in which each route has something to do: reading first, what ends things last.
pub(crate) fn weight(route: &Route) -> usize {
    let last = route.path.rsplit('/').next().unwrap_or_default();
    match (route.method.as_str(), last) {
        ("GET", _) => 0,
        // A plan can be approved until the mapping changes.
        ("PUT", "approval") => 0,
        // What was taken back can be sent again.
        ("DELETE", "invitation" | "{voiceUser}") => 2,
        // Whoever stops a run ends its sign-in; what was undone by hand is not undone again.
        ("POST", "cancel") => 2,
        // A new run gives up the one that waits for its sign-in; sync is enabled after it was disabled.
        ("POST", "runs" | "retry" | "enable-sync") => 3,
        (_, "disable") => 4,
        (_, "enable") => 5,
        (_, "global-admin") => 6,
        ("DELETE", _) => 7,
        (_, "restore") => 8,
        _ => 1,
    }
}

#[tokio::test]
async fn every_role_may_do_on_every_object_what_the_table_says_and_nothing_else() {
    let cast = Cast::new().await;
    let mut unknown = Unknown(BTreeMap::new());
    let (mut wrong, mut refused, mut allowed) = (Vec::new(), 0, 0);
    let mut all = routes::api();
    all.sort_by_key(weight);

    // First all that is to be refused, with requests that would change something: nothing changes.
    let before = cast.scene.table().await;
    for route in &all {
        for (name, target) in ROLES
            .iter()
            .flat_map(|name| cast.targets(route).into_iter().map(move |it| (*name, it)))
        {
            if expected(route, name, &target, None, &cast) {
                continue;
            }
            let request = cast.request(route, &target, name).await;
            let seen = cast.told(&request, &cast.token(name)).await;
            if seen != unknown.of(&cast, route, name, &target).await {
                wrong.push(format!("{} as {name} on {target:?}: {seen:?}", route.name()));
            }
            refused += 1;
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrongly allowed\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    let after = cast.scene.table().await;
    let moved: Vec<_> = after
        .iter()
        .filter(|(key, item)| before.get(*key) != Some(*item))
        .collect();
    assert!(moved.is_empty() && after.len() == before.len(), "{moved:#?}");

    // Then all that is allowed; somebody gets something out of every route.
    let mut useful: BTreeMap<String, Vec<u16>> = BTreeMap::new();
    for route in &all {
        if weight(route) > 0 {
            cast.wait().await;
        }
        let answers = useful.entry(route.name()).or_default();
        for (name, target) in ROLES
            .iter()
            .flat_map(|name| cast.targets(route).into_iter().map(move |it| (*name, it)))
        {
            if !expected(route, name, &target, None, &cast) {
                continue;
            }
            let request = cast.request(route, &target, name).await;
            let seen = cast.told(&request, &cast.token(name)).await;
            let strange = seen == unknown.of(&cast, route, name, &target).await;
            if strange || seen.status == 401 || seen.status >= 500 {
                wrong.push(format!("{} as {name} on {target:?}: {seen:?}", route.name()));
            }
            answers.push(seen.status);
            allowed += 1;
        }
        let gained = answers.iter().any(|status| *status < 300);
        assert!(gained, "{}: nobody got anything out of it: {answers:?}", route.name());
    }
    assert!(
        wrong.is_empty(),
        "{} wrongly refused\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    println!(
        "{} combinations of {} routes, {} roles and their objects: {allowed} allowed, {refused} refused, 0 wrongly allowed",
        allowed + refused,
        all.len(),
        ROLES.len()
    );
}

async fn answer_consent(cast: &Cast, granted: bool) {
    let api = cast.scene.api("global_admin");
    let answered = api
        .put(
            &cast.scene.path("/management-consent"),
            &json!({ "granted": granted }),
            None,
        )
        .await
        .unwrap();
    assert_eq!(answered.status, 200, "{}", answered.body);
}

/// What every role gets on what is done on behalf, on every enterprise.
async fn on_behalf(cast: &Cast, managed: Option<&str>) -> (usize, usize) {
    let (mut yes, mut no) = (0, 0);
    let mut unknown = Unknown(BTreeMap::new());
    for route in routes::api() {
        for name in ROLES {
            if role(name, cast).may(route.action()) != May::OnBehalf {
                continue;
            }
            for target in cast.targets(&route) {
                let request = cast.request(&route, &target, name).await;
                let seen = cast.told(&request, &cast.token(name)).await;
                let refused = seen == unknown.of(cast, &route, name, &target).await;
                let what = format!("{} as {name} on {target:?}: {seen:?}", route.name());
                assert_eq!(expected(&route, name, &target, managed, cast), !refused, "{what}");
                assert!(seen.status < 500, "{what}");
                if refused {
                    no += 1;
                } else {
                    yes += 1;
                }
            }
        }
    }
    (yes, no)
}

#[tokio::test]
async fn r013_a_reseller_maps_while_the_global_admin_lets_it() {
    let cast = Cast::new().await;
    let own = cast.scene.enterprise.clone();
    let (yes, never) = on_behalf(&cast, None).await;
    assert!(yes == 0 && never > 10, "{yes} {never}");
    answer_consent(&cast, true).await;
    let (yes, no) = on_behalf(&cast, Some(&own)).await;
    assert!(yes >= 4, "{yes}");
    assert_eq!(yes + no, never);
    answer_consent(&cast, false).await;
    assert_eq!(on_behalf(&cast, None).await, (0, never));
    // Granted again, but no longer asked for.
    answer_consent(&cast, true).await;
    let read = cast
        .scene
        .api("reseller_admin")
        .get(&cast.scene.path(""))
        .await
        .unwrap();
    let form = json!({
        "name": read.body["name"], "adminEmail": read.body["globalAdmin"]["email"],
        "adminName": read.body["globalAdmin"]["name"], "requestManagementConsent": false, "accessSipData": true,
        "sbcRegions": read.body["sbcRegions"], "services": read.body["services"], "pbxTypes": read.body["pbxTypes"],
        "timeZone": read.body["timeZone"],
    });
    let api = cast.scene.api("reseller_admin");
    let saved = api
        .put(&cast.scene.path(""), &form, read.etag.as_deref())
        .await
        .unwrap();
    assert_eq!(saved.status, 200, "{}", saved.body);
    assert_eq!(on_behalf(&cast, None).await, (0, never));
}

#[tokio::test]
async fn r001_staff_of_a_reseller_that_is_not_activated_may_nothing() {
    let cast = Cast::new().await;
    let before = cast.scene.table().await;
    let (mut told, mut hidden) = (0, 0);
    for route in routes::api() {
        let target = match cast.targets(&route)[0] {
            Target::Enterprise(_) => Target::Enterprise(cast.unserved.clone()),
            Target::Reseller(_) => Target::Reseller(cast.idle.clone()),
            Target::Nothing => Target::Nothing,
        };
        for name in ["reseller_admin", "reseller_viewer"] {
            let token = cast.token_for(name, &cast.idle);
            let request = cast.request(&route, &target, name).await;
            let seen = cast.told(&request, &token).await;
            let what = format!("{} as {name}: {seen:?}", route.name());
            if role(name, &cast).may(route.action()) == May::Yes {
                assert_eq!(seen.code(), (403, "not-activated"), "{what}");
                told += 1;
            } else {
                assert_eq!(seen.code(), (404, "not-found"), "{what}");
                hidden += 1;
            }
        }
    }
    assert_eq!(cast.scene.table().await, before);
    assert!(told > 20, "{told}");
    println!("{told} times not activated, {hidden} times not found");
}

/// Asking for the headers alone is reading.
#[tokio::test]
async fn head_may_what_get_may() {
    let cast = Cast::new().await;
    for route in routes::api().iter().filter(|route| route.method == "GET") {
        let (name, own) = cast.own(route);
        let foreign = match &own {
            Target::Enterprise(_) => Target::Enterprise(cast.foreign.clone()),
            _ => Target::Reseller(cast.stranger.clone()),
        };
        for target in [own, foreign] {
            // A list without an id has no foreign one.
            if cast::NOBODYS.contains(&route.path.as_str()) && target != Target::Nothing {
                continue;
            }
            let get = cast.request(route, &target, name).await;
            let head = cast::Request {
                method: reqwest::Method::HEAD,
                ..get.clone()
            };
            let token = cast.token(name);
            let (got, asked) = (cast.told(&get, &token).await, cast.told(&head, &token).await);
            let what = format!("{} as {name} on {target:?}", route.name());
            assert_eq!((asked.status, &asked.headers), (got.status, &got.headers), "{what}");
            assert_eq!(
                got.status,
                if expected(route, name, &target, None, &cast) {
                    200
                } else {
                    404
                },
                "{what}"
            );
        }
    }
}

/// The ids of runs and plans belong to their enterprise: within the reach, but in the wrong place, they are unknown.
#[tokio::test]
async fn runs_and_plans_are_found_in_their_enterprise_only() {
    let cast = Cast::new().await;
    let mut tried = 0;
    for route in routes::api() {
        if !(route.path.contains("{run}") || route.path.contains("{plan}")) {
            continue;
        }
        for name in ROLES {
            for other in [&cast.sibling, &cast.foreign] {
                let target = Target::Enterprise(other.clone());
                let request = cast.request(&route, &target, name).await;
                let seen = cast.told(&request, &cast.token(name)).await;
                assert_eq!(seen.code(), (404, "not-found"), "{} as {name}: {seen:?}", route.name());
                tried += 1;
            }
        }
    }
    assert!(tried >= 4 * 7 * 2, "{tried}");
}
