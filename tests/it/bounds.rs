//! Bounds: what a request costs at the table is the same however much is kept, and every list is a part of a list.

use crate::bad_input::routes::{self, Route};
use crate::rights::cast::{Cast, Target};
use crate::stories::scene::voice_user;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use dialbridge_local::world::deployment::TABLE;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};

type Item = HashMap<String, AttributeValue>;
/// Calls of the table by operation.
type Calls = BTreeMap<String, u64>;

/// Lists that come whole, each with what bounds it.
const WHOLE: [(&str, &str); 6] = [
    (
        "/v1/enterprises/{enterprise}/domains",
        "two domains for each region of the form",
    ),
    (
        "/v1/domains",
        "domains between a first sync and the provider's DNS, which is the one who reads them",
    ),
    (
        "/v1/enterprises/{enterprise}/licences",
        "rows without a licence are mapped voice users",
    ),
    (
        "/v1/enterprises/{enterprise}/runs/{run}",
        "the changes of one run, where they are no more than 1000",
    ),
    (
        "/v1/enterprises/{enterprise}/runs/{run}/support-bundle",
        "the last 5000 lines of one log",
    ),
    ("/v1/enterprises/{enterprise}/plans/{plan}", "the changes of one plan"),
];

/// Lists of which a part is exactly one query.
const ONE_QUERY: [&str; 16] = [
    "/v1/enterprises/{enterprise}/reminders",
    "/v1/audit",
    "/v1/resellers/{reseller}/mails",
    "/v1/resellers/{reseller}/suppressions",
    "/v1/resellers/{reseller}/tasks",
    "/v1/enterprises/{enterprise}/mails",
    "/v1/resellers",
    "/v1/resellers/{reseller}/audit",
    "/v1/resellers/{reseller}/events",
    "/v1/resellers/{reseller}/webhooks/{webhook}/deliveries",
    "/v1/enterprises",
    "/v1/enterprises/{enterprise}/audit",
    "/v1/enterprises/{enterprise}/groups",
    "/v1/enterprises/{enterprise}/runs",
    "/v1/enterprises/{enterprise}/runs/{run}/log",
    "/v1/enterprises/{enterprise}/runs/{run}/changes",
];

/// A directory has 16 parts, each with those who can be mapped and those who cannot; the rest is the account and its sync.
const MOST: u64 = 16 + 16 * 2;

fn reading() -> Vec<Route> {
    let mut all = routes::api();
    all.retain(|route| route.method == Method::GET);
    all
}

fn text(item: &Item, name: &str) -> String {
    item[name].as_s().unwrap().clone()
}

fn string(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// The same id with another end.
fn numbered(id: &str, n: usize) -> String {
    format!("{}{n:06}", &id[..id.len() - 6])
}

struct Engine {
    client: aws_sdk_dynamodb::Client,
}

impl Engine {
    async fn first(&self, pk: &str, prefix: &str) -> Item {
        let found = self
            .client
            .query()
            .table_name(TABLE)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", string(pk))
            .expression_attribute_values(":prefix", string(prefix))
            .limit(1);
        let items = found.send().await.unwrap().items.unwrap();
        items
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("nothing like {pk} {prefix}"))
    }

    async fn put(&self, items: Vec<Item>) {
        for batch in items.chunks(25) {
            let put = |item: &Item| {
                let put = PutRequest::builder().set_item(Some(item.clone())).build().unwrap();
                WriteRequest::builder().put_request(put).build()
            };
            let writes = batch.iter().map(put).collect();
            let written = self.client.batch_write_item().request_items(TABLE, writes);
            let left = written.send().await.unwrap().unprocessed_items.unwrap_or_default();
            assert!(left.is_empty(), "{left:?}");
        }
    }

    /// Puts so many more of what is there, each with an id of its own.
    async fn multiply(&self, pk: &str, prefix: &str, times: usize, edit: impl Fn(&mut Item, &str, usize)) {
        let first = self.first(pk, prefix).await;
        let id = text(&first, "sk")[prefix.len()..].to_owned();
        let copy = |n: usize| {
            let (mut item, id) = (first.clone(), numbered(&id, n));
            item.insert("sk".into(), string(format!("{prefix}{id}")));
            edit(&mut item, &id, n);
            item
        };
        self.put((1..=times).map(copy).collect()).await;
    }
}

fn with_id(item: &mut Item, id: &str, _: usize) {
    item.insert("id".into(), string(id));
}

/// An event has its id within.
fn event(item: &mut Item, id: &str, _: usize) {
    let Some(AttributeValue::M(event)) = item.get_mut("event") else {
        panic!("an item without its event");
    };
    event.insert("id".into(), string(id));
}

/// A mail names itself inside.
fn mail(item: &mut Item, id: &str, _: usize) {
    let Some(AttributeValue::M(mail)) = item.get_mut("mail") else {
        panic!("no mail");
    };
    mail.insert("id".into(), string(id));
}

/// A row of a reseller's list is an enterprise in small.
fn row(item: &mut Item, id: &str, n: usize) {
    let Some(AttributeValue::M(meta)) = item.get_mut("meta_part") else {
        panic!("a row without its enterprise");
    };
    meta.insert("id".into(), string(id));
    meta.insert("name".into(), string(format!("Company {n:05}")));
}

/// What one request costs, and its answer.
async fn cost(cast: &Cast, route: &Route, query: &str) -> (Calls, Value) {
    let (name, target) = cast.own(route);
    cost_of(cast, route, &target, name, query).await
}

async fn cost_of(cast: &Cast, route: &Route, target: &Target, name: &str, query: &str) -> (Calls, Value) {
    let mut request = cast.request(route, target, name).await;
    if !query.is_empty() {
        let mark = if request.path.contains('?') { '&' } else { '?' };
        request.path = format!("{}{mark}{query}", request.path);
    }
    let token = cast.token(name);
    let world = &cast.scene.service.world;
    world.idle().await;
    let before = calls(cast);
    let seen = cast.told(&request, &token).await;
    assert_eq!(seen.status, 200, "{} {query}: {seen:?}", route.name());
    let after = calls(cast);
    let spent = after.into_iter().map(|(operation, count)| {
        let more = count - before.get(&operation).unwrap_or(&0);
        (operation, more)
    });
    (spent.filter(|(_, count)| *count > 0).collect(), seen.body)
}

/// Since the world began.
fn calls(cast: &Cast) -> Calls {
    let counts = cast.scene.service.world.faults.counts();
    let of_table = counts.into_iter().filter(|((service, _), _)| service == "dynamodb");
    of_table.map(|((_, operation), count)| (operation, count)).collect()
}

/// Hundreds of everything that a list can show.
async fn grown(cast: &Cast, times: usize) {
    let engine = Engine {
        client: cast.scene.service.world.dynamodb.client(),
    };
    let (enterprise, reseller) = (&cast.scene.enterprise, &cast.scene.reseller);
    let (own, of_reseller) = (format!("ENTERPRISE#{enterprise}"), format!("RESELLER#{reseller}"));
    engine.multiply(&of_reseller, "ENTERPRISE#", times, row).await;
    engine.multiply("RESELLERS", "RESELLER#", times, with_id).await;
    for whose in [&own, &of_reseller] {
        engine.multiply(whose, "MAIL#", times, mail).await;
    }
    let day = |n: usize| {
        let day = jiff::civil::date(2026, 1, 1).saturating_sub(jiff::Span::new().days(i64::try_from(n).unwrap()));
        let key = [
            ("pk".to_owned(), string(own.clone())),
            ("sk".to_owned(), string(format!("REMINDED#{day}"))),
            ("claimant".to_owned(), string("sweep")),
            ("at".to_owned(), string("2026-01-01T09:00:00Z")),
            ("why".to_owned(), string("restDay")),
        ];
        Item::from(key)
    };
    engine.put((0..times).map(day).collect()).await;
    for prefix in ["TASK#", "SUPPRESSED#"] {
        engine.multiply(&of_reseller, prefix, times, with_id).await;
    }
    let service = "SERVICE#AUDIT".to_owned();
    for trail in [format!("{own}#AUDIT"), format!("{of_reseller}#AUDIT"), service] {
        engine.multiply(&trail, "AUDIT#", times, with_id).await;
    }
    engine.multiply(&own, "RUN#", times, with_id).await;
    let feed = format!("{of_reseller}#FEED");
    engine.multiply(&feed, "EVENT#", times, event).await;
    let head = [
        ("pk".to_owned(), string(&feed)),
        ("sk".to_owned(), string("HEAD")),
        ("newest".to_owned(), string("evt_7zzzzzzzzzzzzzzzzzzzzzzzzz")),
    ];
    engine.put(vec![Item::from(head)]).await;
    let delivery = |n: usize| {
        let id = format!("dlv_0{n:025}");
        let key = [
            (
                "pk".to_owned(),
                string(format!("{of_reseller}#WEBHOOK#{}", cast.webhook)),
            ),
            ("sk".to_owned(), string(format!("DELIVERY#{id}"))),
            ("id".to_owned(), string(id)),
            ("event".to_owned(), string(format!("evt_0{n:025}"))),
            ("kind".to_owned(), string("task.closed")),
            ("at".to_owned(), string("2026-11-22T09:00:00Z")),
            ("tries".to_owned(), AttributeValue::N("1".into())),
            ("milliseconds".to_owned(), AttributeValue::N("1".into())),
            ("answer".to_owned(), string("ok")),
        ];
        Item::from(key)
    };
    engine.put((0..times).map(delivery).collect()).await;
    let (store, id) = (&cast.scene.service.io.store, enterprise.parse().unwrap());
    let read = store.group_list(&id).await.unwrap();
    let mut groups = read.groups;
    let first = groups[0].clone();
    groups.extend((1..=times).map(|n| shared::domain::group_filter::Group {
        id: numbered(first.id.as_str(), n).parse().unwrap(),
        ..first.clone()
    }));
    let later = read.read_at.unwrap() + jiff::SignedDuration::from_secs(1);
    assert!(store.put_groups(&id, &groups, later).await.unwrap());
    // Four to one, so that the longest part of an export is full.
    let more = (0..4 * times).map(|n| {
        json!({ "id": format!("w{n:05}"), "name": format!("Voice User w{n:05}"), "extension": "12",
            "email": format!("w{n:05}@voice.example") })
    });
    let voice_users: Vec<Value> = (0..3)
        .map(voice_user)
        .chain([json!({ "id": "spare", "name": "Spare" })])
        .chain(more)
        .collect();
    cast.scene.push_items(json!(voice_users)).await;
    let line = |n: usize| {
        let key = [
            ("pk".to_owned(), string(format!("{own}#RUN#{}", cast.run))),
            ("sk".to_owned(), string(format!("LINE#{n:08}"))),
            ("text".to_owned(), string(format!("<00:00> INFO> line {n}"))),
            ("number".to_owned(), AttributeValue::N(n.to_string())),
        ];
        Item::from(key)
    };
    engine.put((0..times).map(line).collect()).await;
    let step = |n: usize| {
        let key = [
            ("pk".to_owned(), string(format!("{own}#RUN#{}", cast.run))),
            ("sk".to_owned(), string(format!("STEP#{n:06}"))),
            ("index".to_owned(), AttributeValue::N(n.to_string())),
            ("user".to_owned(), string("2c0b6a1e-1111-4a11-9a11-0000000000aa")),
            ("what".to_owned(), string(format!("+ number {n}"))),
            (
                "state".to_owned(),
                AttributeValue::M([("state".to_owned(), string("pending"))].into()),
            ),
        ];
        Item::from(key)
    };
    engine.put((0..times).map(step).collect()).await;
}

#[tokio::test]
async fn reading_costs_the_same_however_much_is_kept() {
    let cast = Cast::new().await;
    let mut small = BTreeMap::new();
    for route in reading() {
        small.insert(route.name(), cost(&cast, &route, "").await.0);
    }
    grown(&cast, 300).await;
    for route in reading() {
        let (large, body) = cost(&cast, &route, "").await;
        let what = format!("{}: {large:?}", route.name());
        assert_eq!(large, small[&route.name()], "{what}");
        assert!(large.values().sum::<u64>() <= MOST, "{what}");
        let reads: BTreeSet<&str> = large.keys().map(String::as_str).collect();
        assert!(reads.is_subset(&["BatchGetItem", "GetItem", "Query"].into()), "{what}");
        if ONE_QUERY.contains(&route.path.as_str()) {
            assert_eq!(large.get("Query"), Some(&1), "{what}");
            let items = body
                .get("items")
                .or_else(|| body.get("lines"))
                .unwrap()
                .as_array()
                .unwrap();
            assert!(items.len() >= 20, "{what}: {}", items.len());
        }
        println!("{:60} {:?}", route.name(), large);
    }
    // A filter reads no more often either.
    let list = reading();
    let list = list.iter().find(|route| route.path == "/v1/enterprises").unwrap();
    for query in [
        "q=company",
        "state=invited",
        "invitedDays=0",
        "newestFirst=true",
        "q=nobody",
        "limit=100",
    ] {
        let (calls, _) = cost(&cast, list, query).await;
        assert_eq!(calls, small["GET /v1/enterprises"], "{query}");
    }
    assert!(!calls(&cast).contains_key("Scan"), "nobody scans");
}

/// The longest of the lists in an answer.
fn longest(body: &Value) -> usize {
    // A file is not an object.
    let lists = body.as_object().into_iter().flat_map(|body| body.values());
    lists
        .filter_map(Value::as_array)
        .map(Vec::len)
        .max()
        .unwrap_or_default()
}

#[tokio::test]
async fn every_list_is_bounded() {
    let cast = Cast::new().await;
    grown(&cast, 1200).await;
    let description: Value = serde_json::from_str(&dialbridge_local::openapi::json()).unwrap();
    let mut bounded = 0;
    for route in reading() {
        let operation = &description["paths"][&route.path]["get"];
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let limits = parameters
            .iter()
            .filter(|one| ["limit", "perPage"].contains(&one["name"].as_str().unwrap()));
        let limits: Vec<&Value> = limits.collect();
        if limits.is_empty() {
            let (_, body) = cost(&cast, &route, "").await;
            let whole = WHOLE.iter().any(|(path, _)| *path == route.path);
            assert!(longest(&body) <= 20 || whole, "{}: a list without bounds", route.name());
            continue;
        }
        for limit in limits {
            let name = limit["name"].as_str().unwrap();
            let said = limit["description"].as_str().unwrap();
            let most = said
                .strip_prefix("1 to ")
                .and_then(|rest| rest.split([';', ' ', '.']).next());
            let most: usize = most
                .and_then(|most| most.parse().ok())
                .unwrap_or_else(|| panic!("{said}"));
            for asked in [most + 1, 60_000] {
                let (_, body) = cost(&cast, &route, &format!("{name}={asked}")).await;
                let shown = longest(&body);
                assert!(shown <= most, "{} {asked}: {shown}", route.name());
                // There is enough of everything but people to fill a page.
                assert!(
                    shown == most || route.path.ends_with("/teams-users"),
                    "{} {asked}: {shown}",
                    route.name()
                );
            }
            let (_, body) = cost(&cast, &route, &format!("{name}=0")).await;
            let none = longest(&body);
            let columns = body["columns"].as_array().map_or(1, Vec::len);
            assert!(none <= columns, "{}: {none}", route.name());
        }
        bounded += 1;
    }
    assert_eq!(bounded, 22, "lists that come in parts");
}

/// Ten thousand enterprises of one reseller.
#[tokio::test]
async fn the_first_page_of_ten_thousand_is_one_query() {
    const COUNT: usize = 10_000;
    let cast = Cast::new().await;
    let engine = Engine {
        client: cast.scene.service.world.dynamodb.client(),
    };
    let list = format!("RESELLER#{}", cast.scene.reseller);
    engine.multiply(&list, "ENTERPRISE#", COUNT, row).await;
    let all = reading();
    let route = all.iter().find(|route| route.path == "/v1/enterprises").unwrap();
    let own = Target::Reseller(cast.scene.reseller.clone());
    // One read sees whether the reseller is active; one is the page.
    let page: Calls = [("GetItem".to_owned(), 1), ("Query".to_owned(), 1)].into();
    for name in ["reseller_admin", "reseller_viewer", "provider_support"] {
        let (calls, body) = cost_of(&cast, route, &own, name, "").await;
        assert_eq!(calls, page, "{name}");
        assert_eq!(body["items"].as_array().unwrap().len(), 50);
    }
    for query in ["newestFirst=true", "q=nobody", "state=disabled", "invitedDays=3"] {
        let (calls, body) = cost_of(&cast, route, &own, "reseller_admin", query).await;
        assert_eq!(calls, page, "{query}");
        let more = body["next"].is_string();
        assert!(more, "{query}: there are more");
    }
    for (query, expected) in [("limit=100", COUNT + 2), ("limit=7&q=COMPANY%20099", 100)] {
        let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let (calls, body) = cost_of(&cast, route, &own, "reseller_admin", &format!("{query}{cursor}")).await;
            assert_eq!(calls, page, "{query}{cursor}");
            let items = body["items"].as_array().unwrap();
            seen.extend(
                items
                    .iter()
                    .map(|item| item["enterprise"]["id"].as_str().unwrap().to_owned()),
            );
            pages += 1;
            match body["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let distinct: BTreeSet<&String> = seen.iter().collect();
        assert_eq!((seen.len(), distinct.len()), (expected, expected), "{query}");
        assert!(seen.is_sorted(), "{query}");
        println!("{query}: {expected} enterprises in {pages} pages, one query each");
    }
    assert!(!calls(&cast).contains_key("Scan"), "nobody scans");
}
