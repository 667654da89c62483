//! Voice users: made one by one, pushed as a whole, imported from files and exported into them (R119-R125).

use super::scene::{Scene, options, voice_user};
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::io::Write as _;

/// An answer with its headers, and its body as it came.
struct Told {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Told {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} {}", self.status, self.text))
    }

    fn etag(&self) -> &str {
        self.headers["etag"].to_str().unwrap()
    }

    /// `line:column field id` of each error.
    #[track_caller]
    fn faults(&self) -> Vec<String> {
        let body = self.json();
        assert_eq!(
            (self.status, body["code"].as_str()),
            (422, Some("invalid")),
            "{}",
            self.text
        );
        let place = |error: &Value| {
            let line = error["line"].as_u64().or(error["index"].as_u64());
            format!(
                "{} {} {}",
                line.map(|line| line.to_string()).unwrap_or_default(),
                error["field"].as_str().unwrap(),
                error["id"].as_str().unwrap_or_default()
            )
        };
        body["errors"].as_array().unwrap().iter().map(place).collect()
    }
}

async fn tell(scene: &Scene, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Told {
    let url = format!(
        "{}{}",
        scene.service.world.urls.api,
        scene.path(path).trim_start_matches('/')
    );
    let mut call = Client::new()
        .request(method, url)
        .bearer_auth(scene.token("account_admin"));
    for (name, value) in headers {
        call = call.header(*name, *value);
    }
    let answer = call.body(body.into()).send().await.unwrap();
    Told {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        // As it came: a mark at the beginning belongs to it.
        text: String::from_utf8(answer.bytes().await.unwrap().to_vec()).unwrap(),
    }
}

fn key() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("file {}", NEXT.fetch_add(1, Ordering::SeqCst))
}

async fn import(scene: &Scene, query: &str, csv: &str) -> Told {
    let headers = [("content-type", "text/csv"), ("idempotency-key", &key())];
    tell(
        scene,
        Method::POST,
        &format!("/voice-users/import?{query}"),
        &headers,
        csv,
    )
    .await
}

async fn send(scene: &Scene, method: Method, path: &str, etag: Option<&str>, body: &Value) -> Told {
    let key = key();
    let mut headers = vec![("content-type", "application/json"), ("idempotency-key", &key)];
    headers.extend(etag.map(|etag| ("if-match", etag)));
    tell(scene, method, path, &headers, body.to_string()).await
}

async fn get(scene: &Scene, path: &str, accept: &str) -> Told {
    tell(scene, Method::GET, path, &[("accept", accept)], "").await
}

fn packed(text: &str) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}

#[tokio::test]
async fn r119_r120_r121_a_voice_user_is_made_changed_and_deleted_by_hand() {
    let scene = Scene::applied(options(60), 2, 1).await;
    let form = json!({ "id": "desk", "name": "Desk", "number": "+3227001900", "extension": "0012", "country": "be" });
    let made = send(&scene, Method::POST, "/voice-users", None, &form).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(
        made.json()["matchByMail"],
        false,
        "only imported users wait for a sync to find them"
    );
    assert_eq!(
        (&made.json()["actionNeeded"], &made.json()["button"]),
        (&json!("None"), &json!("Sync Users"))
    );
    let read = get(&scene, "/voice-users/desk", "*/*").await;
    assert_eq!(
        (read.json()["country"].as_str(), read.etag()),
        (Some("BE"), made.etag())
    );

    // What is left out is gone; the id stays.
    let changed = json!({ "name": "Front desk", "extension": "0013", "musicOnHold": "service" });
    let saved = send(&scene, Method::PUT, "/voice-users/desk", Some(read.etag()), &changed).await;
    assert_eq!(saved.status, 200, "{}", saved.text);
    assert_eq!(
        (&saved.json()["number"], &saved.json()["name"]),
        (&Value::Null, &json!("Front desk"))
    );
    let late = send(&scene, Method::PUT, "/voice-users/desk", Some(read.etag()), &changed).await;
    assert_eq!(late.status, 412, "{}", late.text);

    // A mapped user's number is for Teams: a sync has to follow, and taking it back takes that back.
    let other = voice_user(0);
    let mut moved = other.clone();
    moved["number"] = json!("+3227001901");
    let needed = send(&scene, Method::PUT, "/voice-users/v000", Some(saved.etag()), &moved).await;
    assert_eq!(needed.json()["actionNeeded"], "Sync Needed", "{}", needed.text);
    assert_eq!(needed.json()["button"], "Sync Needed");
    assert_eq!(scene.get("/status").await.text("/actionNeeded"), "Sync Needed");
    let back = send(&scene, Method::PUT, "/voice-users/v000", Some(needed.etag()), &other).await;
    assert_eq!(back.json()["actionNeeded"], "None", "{}", back.text);

    let mapped = send(
        &scene,
        Method::DELETE,
        "/voice-users/v000",
        Some(back.etag()),
        &Value::Null,
    )
    .await;
    assert_eq!(mapped.status, 409);
    assert!(
        mapped.text.contains("set it to None and save the mapping"),
        "{}",
        mapped.text
    );
    let gone = send(
        &scene,
        Method::DELETE,
        "/voice-users/desk",
        Some(back.etag()),
        &Value::Null,
    )
    .await;
    assert_eq!(gone.status, 200, "{}", gone.text);
    assert_eq!(get(&scene, "/voice-users/desk", "*/*").await.status, 404);
    let trail = scene
        .api("account_admin")
        .get(&scene.path("/audit?limit=1"))
        .await
        .unwrap();
    assert_eq!(trail.text("/items/0/deed"), "voiceUsersChanged");
    assert!(
        trail
            .list("/items/0/changes")
            .iter()
            .any(|change| change["before"] == "Front desk")
    );
}

#[tokio::test]
async fn number_invalid_everything_that_is_wrong_with_a_form_is_said_at_once() {
    let scene = Scene::mapped(options(60), 2, 0).await;
    let before = scene.kept().await;
    let wrong = json!({ "id": "a b", "email": "nobody", "number": 15_550_100_123_u64, "extension": "7",
        "callHandling": "never", "country": "Belgium", "musicOnHold": "jazz", "matchByMail": "perhaps" });
    let refused = send(&scene, Method::POST, "/voice-users", None, &wrong).await;
    let said = refused.json();
    let fields: Vec<&str> = said["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["field"].as_str().unwrap())
        .collect();
    let expected = [
        "id",
        "callHandling",
        "country",
        "email",
        "extension",
        "matchByMail",
        "musicOnHold",
        "number",
        "name",
    ];
    assert_eq!(fields, expected, "{}", refused.text);
    assert!(refused.text.contains("did you mean +15550100123?"), "{}", refused.text);
    let double = json!({ "id": "v9", "name": "Again", "number": "+3227001001" });
    let refused = send(&scene, Method::POST, "/voice-users", None, &double).await;
    assert!(
        refused
            .text
            .contains("it is the number of Voice User 001 (v001) already"),
        "{}",
        refused.text
    );
    let known = json!({ "id": "v001", "name": "Again" });
    assert_eq!(
        send(&scene, Method::POST, "/voice-users", None, &known).await.status,
        422
    );
    for reserved in ["import", "export", "template"] {
        let form = json!({ "id": reserved, "name": "A path" });
        assert_eq!(
            send(&scene, Method::POST, "/voice-users", None, &form).await.status,
            422
        );
    }
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn r122_r123_a_file_creates_users_who_wait_for_the_sync_that_finds_them() {
    let scene = Scene::mapped(options(60), 1, 0).await;
    let before = scene.kept().await;
    let file = "\u{feff}ID;Name;E-Mail;Number;Extension\r\nada;Ada Lovelace;ada@customer.example;+3227002001;1001\r\nbob;Bob;;;0012\r\n";
    let looked = import(&scene, "mode=create&validateOnly=true", file).await;
    assert_eq!(looked.status, 200, "{}", looked.text);
    assert_eq!(
        (&looked.json()["created"], &looked.json()["validatedOnly"]),
        (&json!(2), &json!(true))
    );
    assert_eq!(scene.kept().await, before, "nothing is written");
    let made = import(&scene, "mode=create", file).await;
    assert_eq!(
        (made.status, &made.json()["created"]),
        (201, &json!(2)),
        "{}",
        made.text
    );
    let ada = get(&scene, "/voice-users/ada", "*/*").await.json();
    assert_eq!((&ada["matchByMail"], &ada["extension"]), (&json!(true), &json!("1001")));
    assert_eq!(get(&scene, "/voice-users/bob", "*/*").await.json()["extension"], "0012");
}

#[tokio::test]
async fn r125_a_corrected_file_is_imported_again_with_update() {
    let scene = Scene::mapped(options(60), 2, 0).await;
    let file = "id,email,extension\nv000,right@customer.example,\nv001,,CLEAR\n";
    let done = import(&scene, "mode=update", file).await;
    assert_eq!(
        (done.status, &done.json()["updated"]),
        (201, &json!(2)),
        "{}",
        done.text
    );
    let first = get(&scene, "/voice-users/v000", "*/*").await.json();
    assert_eq!(
        (&first["email"], &first["extension"]),
        (&json!("right@customer.example"), &json!("1000"))
    );
    assert_eq!(
        get(&scene, "/voice-users/v001", "*/*").await.json()["extension"],
        Value::Null
    );
    let again = import(&scene, "mode=update", file).await;
    assert_eq!(
        (&again.json()["updated"], &again.json()["unchanged"]),
        (&json!(0), &json!(2))
    );
}

#[tokio::test]
async fn a_file_with_a_fault_changes_nothing_and_says_where() {
    let scene = Scene::mapped(options(60), 2, 0).await;
    let before = scene.kept().await;
    let file = "id,name,number\nnew,Fine,+3227002001\nv000,Again,\nbad,,1.55501E+10\ndouble,Ann,+3227001001\n";
    let expected = ["3 id v000", "4 number bad", "4 name bad", "5 number double"];
    for query in ["mode=create&validateOnly=true", "mode=create"] {
        let refused = import(&scene, query, file).await;
        assert_eq!(refused.faults(), expected, "{query}: {}", refused.text);
        assert_eq!(refused.json()["errorCount"], 4);
        assert_eq!(refused.json()["errors"][1]["column"], 3);
    }
    let unknown = import(&scene, "mode=update", "id,name\nv000,Fine\nnobody,New\n").await;
    assert_eq!(unknown.faults(), ["3 id nobody"]);
    let many: String = (0..300).map(|n| format!("x{n},Name,12\n")).collect();
    let refused = import(&scene, "mode=create", &format!("id,name,number\n{many}")).await;
    assert_eq!(
        (refused.faults().len(), &refused.json()["errorCount"]),
        (100, &json!(300))
    );
    for (kind, body) in [
        ("text/plain", "id,name\n"),
        ("application/json", "id,name\n"),
        ("application/json", "[]"),
    ] {
        let headers = [("content-type", kind), ("idempotency-key", &key())];
        let told = tell(&scene, Method::POST, "/voice-users/import?mode=create", &headers, body).await;
        assert_eq!(told.status, 400, "{kind}: {}", told.text);
    }
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn a_push_names_every_fault_with_its_index_and_keeps_who_is_mapped() {
    let scene = Scene::mapped(options(60), 2, 1).await;
    let before = scene.kept().await;
    let items = json!({ "items": [voice_user(0), { "id": "v1", "name": "A", "number": "12" }, { "id": "v000", "name": "B" },
        { "name": "C" }, { "id": "v4", "name": "D", "number": "+3227001000" }] });
    let refused = send(&scene, Method::PUT, "/voice-users", None, &items).await;
    assert_eq!(
        refused.faults(),
        ["1 number v1", "2 id v000", "3 id "],
        "{}",
        refused.text
    );
    let gone = send(
        &scene,
        Method::PUT,
        "/voice-users",
        None,
        &json!({ "items": [voice_user(1)] }),
    )
    .await;
    assert_eq!(gone.status, 409);
    assert!(gone.text.contains("would disappear: Voice User 000"), "{}", gone.text);
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn an_export_is_a_file_that_an_import_takes_and_no_spreadsheet_computes() {
    let scene = Scene::mapped(options(60), 3, 0).await;
    for (id, name) in [
        ("evil", "=HYPERLINK(\"https://evil.example\",\"Open\")"),
        ("t", "'t Hooft"),
        ("semi", "Ann;=1+1"),
    ] {
        let made = send(
            &scene,
            Method::POST,
            "/voice-users",
            None,
            &json!({ "id": id, "name": name }),
        )
        .await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    let whole = get(&scene, "/voice-users/export", "*/*").await.json();
    let table = get(&scene, "/voice-users/export", "text/csv").await;
    assert_eq!(table.headers["content-type"], "text/csv; charset=utf-8");
    assert!(
        table.headers["content-disposition"]
            .to_str()
            .unwrap()
            .contains("voice-users.csv")
    );
    assert!(
        table
            .text
            .starts_with("\u{feff}id,name,email,number,extension,callHandling,country,musicOnHold,matchByMail\r\n")
    );
    assert!(
        table.text.contains(",\"'=HYPERLINK")
            && table.text.contains(",'+3227001000,")
            && table.text.contains("Ann;'=1+1"),
        "{}",
        table.text
    );
    let again = import(&scene, "mode=update", &table.text).await;
    assert_eq!(
        (&again.json()["unchanged"], &again.json()["updated"]),
        (&json!(6), &json!(0)),
        "{}",
        again.text
    );
    // Into an account without users it comes whole, from either file.
    scene.push_items(json!([])).await;
    let made = import(&scene, "mode=create", &table.text).await;
    assert_eq!(made.json()["created"], 6, "{}", made.text);
    assert_eq!(get(&scene, "/voice-users/export", "*/*").await.json(), whole);
    scene.push_items(json!([])).await;
    let mut list = whole.clone();
    list.as_object_mut().unwrap().remove("next");
    let made = send(&scene, Method::POST, "/voice-users/import?mode=create", None, &list).await;
    assert_eq!(made.json()["created"], 6, "{}", made.text);
    assert_eq!(get(&scene, "/voice-users/export", "*/*").await.json(), whole);
    // The file to fill in can be imported as it is.
    let template = get(&scene, "/voice-users/template", "*/*").await;
    let taken = import(&scene, "mode=create&validateOnly=true", &template.text).await;
    assert_eq!(taken.json()["created"], 2, "{}", taken.text);
}

#[tokio::test]
async fn a_part_of_the_list_leads_to_the_next() {
    let scene = Scene::mapped(options(60), 12, 0).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = scene.get(&format!("/voice-users?limit=5{cursor}")).await;
        seen.extend(
            page.list("/items")
                .iter()
                .map(|user| user["id"].as_str().unwrap().to_owned()),
        );
        match page.text("/next") {
            "" => break,
            next => cursor = format!("&cursor={next}"),
        }
    }
    let all: Vec<String> = (0..12).map(|n| format!("v{n:03}")).collect();
    assert_eq!(seen, all);
    for (q, found) in [
        ("user%20010", 1),
        ("V003", 1),
        ("7001011", 1),
        ("1004", 1),
        ("VOICE.example", 12),
        ("nobody", 0),
    ] {
        let page = scene.get(&format!("/voice-users?q={q}")).await;
        assert_eq!(page.list("/items").len(), found, "{q}: {}", page.body);
    }
    let table = get(&scene, "/voice-users/export?format=csv&limit=5", "*/*").await;
    assert_eq!(
        (
            table.text.lines().count(),
            table.headers["x-next-cursor"].to_str().unwrap()
        ),
        (6, "v004")
    );
}

/// Fifty thousand, which the platform pushes, changes and pushes again, and which come and go in files.
#[tokio::test]
async fn fifty_thousand_users_go_through_the_gateway() {
    const COUNT: usize = 50_000;
    let scene = Scene::connected(options(60), None).await;
    let user = |n: usize, name: &str| {
        json!({ "id": format!("v{n:05}"), "name": format!("{name} {n:05}"), "email": format!("user{n:05}@voice.example"),
            "number": format!("+32270{n:05}"), "extension": format!("{n:05}"), "callHandling": "noVoicemail" })
    };
    let push = async |name: &str| {
        let items: Vec<Value> = (0..COUNT).map(|n| user(n, name)).collect();
        let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
        let body = packed(&json!({ "items": items }).to_string());
        tell(&scene, Method::PUT, "/voice-users", &headers, body).await.json()
    };
    assert_eq!(push("User").await["created"], COUNT);
    assert_eq!(push("User").await["unchanged"], COUNT);
    assert_eq!(push("Renamed").await["updated"], COUNT);
    let mut file = String::from("id,extension\r\n");
    for n in 0..COUNT {
        file += &format!("v{n:05},{:05}\r\n", COUNT - n);
    }
    let done = import(&scene, "mode=update", &file).await;
    assert_eq!(
        (done.status, &done.json()["updated"]),
        (201, &json!(COUNT - 1)),
        "{}",
        done.text
    );
    let one = get(&scene, "/voice-users/v00001", "*/*").await.json();
    assert_eq!(
        (&one["name"], &one["extension"]),
        (&json!("Renamed 00001"), &json!("49999"))
    );
    let (mut lines, mut cursor) = (0, String::new());
    loop {
        let part = get(&scene, &format!("/voice-users/export?format=csv{cursor}"), "*/*").await;
        assert_eq!(part.status, 200, "{}", part.text);
        lines += part.text.lines().count() - 1;
        match part.headers.get("x-next-cursor") {
            Some(next) => cursor = format!("&cursor={}", next.to_str().unwrap()),
            None => break,
        }
    }
    assert_eq!(lines, COUNT);
}
