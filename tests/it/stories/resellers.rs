//! Resellers: created by the provider, useless until their owner follows the activation mail, and told apart by their
//! brand (R001, R194).

use super::scene::{options, refused};
use dialbridge_local::dialbridge::Dialbridge;
use dialbridge_local::drive::api::{Answer, Api};
use dialbridge_local::drive::browser::{Browser, Page};
use dialbridge_local::drive::people::{enterprise_form, reseller_form, tenants};
use dialbridge_local::issuer::Person;
use dialbridge_local::mailbox::Mail;
use dialbridge_local::world::deployment::{BRAND_APPLICATION, BRAND_CLIENT_ID};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

const OWNER: &str = "owner@northwind.example";

/// The service before it has any reseller.
struct Office {
    service: Dialbridge,
}

impl Office {
    async fn open() -> Self {
        let service = Dialbridge::start(options(40)).await.unwrap();
        Self { service }
    }

    /// Somebody in a role, of a reseller where the role has one.
    fn api(&self, role: &str, reseller: &str) -> Api {
        let email = format!("{role}@people.example");
        let person = Person {
            sub: format!("{role}:{email}"),
            email: email.clone(),
            name: email,
            role: role.into(),
            reseller: role.starts_with("reseller").then(|| reseller.to_owned()),
            enterprise: None,
        };
        let token = self.service.world.issuer.token(&person).unwrap();
        Api::new(&self.service.world.urls.api, token)
    }

    fn provider(&self) -> Api {
        self.api("provider_admin", "")
    }

    fn form(&self) -> Value {
        reseller_form(&self.service.world.urls)
    }

    async fn create(&self) -> String {
        let created = self.provider().post("/v1/resellers", &self.form()).await.unwrap();
        assert_eq!(created.status, 201, "{}", created.body);
        created.text("/id").to_owned()
    }

    async fn active(&self) -> String {
        let id = self.create().await;
        let page = self.press(&self.link()).await;
        assert!(page.says("The account is active"), "{}", page.html);
        id
    }

    async fn read(&self, id: &str) -> Answer {
        self.provider().get(&format!("/v1/resellers/{id}")).await.unwrap()
    }

    async fn edit(&self, id: &str, form: &Value) -> Answer {
        let etag = self.read(id).await.etag;
        let path = format!("/v1/resellers/{id}");
        self.provider().put(&path, form, etag.as_deref()).await.unwrap()
    }

    fn mails(&self, to: &str) -> Vec<Mail> {
        self.service.world.aws.mailbox.mails_to(to)
    }

    /// The activation link in a text.
    fn link_in(text: &str) -> Url {
        let mut words = text.split_whitespace();
        words.find(|word| word.contains("/activate/")).unwrap().parse().unwrap()
    }

    /// The activation link of the newest mail.
    fn link(&self) -> Url {
        Self::link_in(self.mails(OWNER).last().unwrap().text.as_deref().unwrap())
    }

    async fn look(&self, link: &Url) -> Page {
        Browser::default().open(link).await.unwrap()
    }

    /// Opens the link and presses the button.
    async fn press(&self, link: &Url) -> Page {
        let mut browser = Browser::default();
        let page = browser.open(link).await.unwrap();
        browser.submit(&page, "/activate/", &[]).await.unwrap()
    }

    async fn resend(&self, id: &str) -> Answer {
        let path = format!("/v1/resellers/{id}/activation");
        self.provider().post(&path, &json!({})).await.unwrap()
    }

    async fn enterprise_of(&self, id: &str) -> Answer {
        let tenant = tenants(&self.service.world.urls).await.unwrap().remove(0);
        let form = enterprise_form(&tenant, None);
        self.api("reseller_admin", id)
            .post("/v1/enterprises", &form)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn r001_r194_the_owner_gets_one_activation_mail_in_the_brand() {
    let office = Office::open().await;
    let id = office.create().await;
    assert_eq!(office.read(&id).await.text("/activation"), "awaited");
    let mails = office.mails(OWNER);
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].subject, "Activate your Northwind Calling reseller account");
    assert!(mails[0].from.contains("Northwind Calling"), "{}", mails[0].from);
    assert!(mails[0].from.contains("calling@northwind.example"), "{}", mails[0].from);
    assert_eq!(mails[0].reply_to, ["support@northwind.example"]);
    let text = mails[0].text.as_deref().unwrap();
    assert!(text.contains("Northwind Telecom"), "{text}");
    assert!(text.contains("Northwind Customer Support, +1 555 0100"), "{text}");
}

#[tokio::test]
async fn r001_before_activation_nobody_of_the_reseller_can_do_anything() {
    let office = Office::open().await;
    let id = office.create().await;
    for role in ["reseller_admin", "reseller_viewer"] {
        let api = office.api(role, &id);
        for path in ["/v1/enterprises", "/v1/enterprise-form", &format!("/v1/resellers/{id}")] {
            let answer = api.get(path).await.unwrap();
            assert_eq!(answer.status, 403, "{role} {path}: {}", answer.body);
            assert_eq!(answer.text("/code"), "not-activated");
        }
    }
    let refused = office.enterprise_of(&id).await;
    assert_eq!((refused.status.as_u16(), refused.text("/code")), (403, "not-activated"));
    let list = office.provider().get(&format!("/v1/enterprises?reseller={id}")).await;
    assert!(list.unwrap().list("/items").is_empty());
}

#[tokio::test]
async fn r001_the_activation_link_opens_the_account() {
    let office = Office::open().await;
    let id = office.active().await;
    assert_eq!(office.read(&id).await.text("/activation"), "active");
    for role in ["reseller_admin", "reseller_viewer"] {
        let list = office.api(role, &id).get("/v1/enterprises").await.unwrap();
        assert_eq!(list.status, 200, "{role}: {}", list.body);
    }
    assert_eq!(office.enterprise_of(&id).await.status, 201);
}

#[tokio::test]
async fn r001_reading_the_activation_page_activates_nothing() {
    let office = Office::open().await;
    let id = office.create().await;
    let link = office.link();
    for _ in 0..3 {
        assert_eq!(office.look(&link).await.status, 200);
    }
    assert_eq!(office.read(&id).await.text("/activation"), "awaited");
    assert_eq!(
        office.read(&id).await.etag.as_deref(),
        Some("\"1\""),
        "nothing was written"
    );
}

#[tokio::test]
async fn r001_the_activation_link_works_once() {
    let office = Office::open().await;
    let id = office.create().await;
    let link = office.link();
    let mut browser = Browser::default();
    let page = browser.open(&link).await.unwrap();
    for (press, activates) in [(1, true), (2, false)] {
        let after = browser.submit(&page, "/activate/", &[]).await.unwrap();
        assert_eq!(
            after.says("The account is active"),
            activates,
            "press {press}: {}",
            after.html
        );
    }
    refused(&office.look(&link).await, "ACTIVATION_CLOSED");
    assert_eq!(office.read(&id).await.text("/activation"), "active");
}

#[tokio::test]
async fn r001_ten_presses_at_once_activate_once() {
    let office = Office::open().await;
    let id = office.create().await;
    let link = office.link();
    futures::future::join_all((0..10).map(|_| async {
        let mut browser = Browser::default();
        let page = browser.open(&link).await.unwrap();
        if page.status == 200 {
            browser.submit(&page, "/activate/", &[]).await.unwrap();
        }
    }))
    .await;
    assert_eq!(office.read(&id).await.text("/activation"), "active");
    let path = format!("/v1/resellers/{id}/audit");
    let trail = office.api("reseller_admin", &id).get(&path).await.unwrap();
    let activated = trail
        .list("/items")
        .iter()
        .filter(|entry| entry["deed"] == "resellerActivated");
    assert_eq!(activated.count(), 1, "{}", trail.body);
}

#[tokio::test]
async fn r001_the_activation_link_ends_after_a_week() {
    let office = Office::open().await;
    office.create().await;
    let link = office.link();
    let day = SignedDuration::from_hours(24);
    office
        .service
        .world
        .advance(day * 7 - SignedDuration::from_mins(1))
        .await;
    assert_eq!(office.look(&link).await.status, 200);
    office.service.world.advance(SignedDuration::from_mins(2)).await;
    refused(&office.look(&link).await, "ACTIVATION_CLOSED");
}

#[tokio::test]
async fn r001_a_newer_activation_mail_ends_the_older_link() {
    let office = Office::open().await;
    let id = office.create().await;
    let old = office.link();
    let answer = office.resend(&id).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(office.mails(OWNER).len(), 2);
    assert_eq!(
        answer.text("/link"),
        office.link().as_str(),
        "the mail's link can be copied"
    );
    refused(&office.look(&old).await, "ACTIVATION_CLOSED");
    assert!(office.press(&office.link()).await.says("The account is active"));
    let again = office.resend(&id).await;
    assert_eq!(again.status, 409, "{}", again.body);
    assert_eq!(office.mails(OWNER).len(), 2);
}

#[tokio::test]
async fn r001_another_owner_before_the_activation_ends_the_older_link() {
    let office = Office::open().await;
    let id = office.create().await;
    let old = office.link();
    let mut form = office.form();
    form["owner"] = json!("right@northwind.example");
    let edited = office.edit(&id, &form).await;
    assert_eq!(edited.status, 200, "{}", edited.body);
    refused(&office.look(&old).await, "ACTIVATION_CLOSED");
    let mails = office.mails("right@northwind.example");
    assert_eq!(mails.len(), 1, "the right owner is told");
    let link = Office::link_in(mails[0].text.as_deref().unwrap());
    assert!(office.press(&link).await.says("The account is active"));
}

#[tokio::test]
async fn r001_an_edit_that_leaves_the_owner_leaves_the_link() {
    let office = Office::open().await;
    let id = office.create().await;
    let mut form = office.form();
    form["brand"]["productName"] = json!("Northwind Voice");
    assert_eq!(office.edit(&id, &form).await.status, 200);
    assert_eq!(office.mails(OWNER).len(), 1);
    assert!(office.press(&office.link()).await.says("The account is active"));
}

#[tokio::test]
async fn a_reseller_that_is_created_twice_with_one_key_is_one() {
    let office = Office::open().await;
    let headers = [("idempotency-key", "once")];
    let mut ids = Vec::new();
    let mut form = office.form();
    for _ in 0..2 {
        let send = office
            .provider()
            .send(Method::POST, "/v1/resellers", Some(&form), &headers)
            .await;
        ids.push(send.unwrap().text("/id").to_owned());
    }
    assert_eq!(ids[0], ids[1]);
    assert_eq!(office.mails(OWNER).len(), 1);
    form["name"] = json!("Somebody else");
    let other = office
        .provider()
        .send(Method::POST, "/v1/resellers", Some(&form), &headers)
        .await;
    assert_eq!(other.unwrap().status, 422);
}

#[tokio::test]
async fn a_wrong_form_creates_nothing_and_sends_nothing() {
    let office = Office::open().await;
    for (field, wrong) in [
        ("/name", json!("")),
        ("/owner", json!("nobody")),
        ("/brand/productName", json!("")),
        ("/brand/policyPrefix", json!("with space")),
        ("/brand/policyPrefix", json!("")),
        ("/brand/integrationPortalUrl", json!("javascript:alert(1)")),
        ("/brand/integrationPortalUrl", json!("nowhere")),
        ("/returnOrigins", json!(["https://portal.example/path"])),
        ("/helpUrl", json!("http://help.example")),
    ] {
        let mut form = office.form();
        *form.pointer_mut(field).unwrap() = wrong;
        let answer = office.provider().post("/v1/resellers", &form).await.unwrap();
        assert!(
            answer.status.is_client_error(),
            "{field}: {} {}",
            answer.status,
            answer.body
        );
    }
    let all = office.provider().get("/v1/resellers").await.unwrap();
    assert!(all.list("/items").is_empty(), "{}", all.body);
    assert!(office.service.world.aws.mailbox.mails().is_empty());
}

#[tokio::test]
async fn a_reseller_is_edited_by_who_has_read_it() {
    let office = Office::open().await;
    let id = office.active().await;
    let (path, api) = (format!("/v1/resellers/{id}"), office.api("reseller_admin", &id));
    let mut form = office.form();
    form["brand"]["accountContact"] = json!("your Northwind team");
    let blind = api.put(&path, &form, None).await.unwrap();
    assert_eq!(blind.status, 428, "{}", blind.body);
    let seen = api.get(&path).await.unwrap().etag;
    let edited = api.put(&path, &form, seen.as_deref()).await.unwrap();
    assert_eq!(edited.status, 200, "{}", edited.body);
    assert_eq!(edited.text("/brand/accountContact"), "your Northwind team");
    assert_ne!(edited.etag, seen);
    let stale = api.put(&path, &form, seen.as_deref()).await.unwrap();
    assert_eq!(stale.status, 412, "{}", stale.body);
    let trail = api.get(&format!("{path}/audit")).await.unwrap();
    assert_eq!(trail.text("/items/0/deed"), "resellerChanged");
    let change = json!([{ "field": "brand.accountContact", "before": "your Northwind administrator", "after": "your Northwind team" }]);
    assert_eq!(trail.body["items"][0]["changes"], change);
}

#[tokio::test]
async fn the_next_invitation_speaks_with_the_changed_brand() {
    let office = Office::open().await;
    let id = office.active().await;
    let mut form = office.form();
    form["name"] = json!("Southwind Telecom");
    form["brand"]["productName"] = json!("Southwind Calling");
    form["brand"]["sender"] = json!("hello@northwind.example");
    form["brand"]["accountContact"] = json!("the Southwind desk");
    assert_eq!(office.edit(&id, &form).await.status, 200);
    let created = office.enterprise_of(&id).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let mail = office.mails(created.text("/globalAdmin/email")).remove(0);
    assert!(mail.from.contains("Southwind Calling"), "{}", mail.from);
    assert!(mail.from.contains("hello@northwind.example"), "{}", mail.from);
    let text = mail.text.unwrap();
    for said in [
        "Southwind Telecom invites you",
        "Southwind Calling",
        "the Southwind desk",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(!text.contains("Northwind"), "{text}");
}

#[tokio::test]
async fn only_the_provider_creates_and_lists_resellers() {
    let office = Office::open().await;
    let id = office.active().await;
    for role in ["reseller_admin", "reseller_viewer", "account_admin"] {
        let api = office.api(role, &id);
        let list = api.get("/v1/resellers").await.unwrap();
        assert!(list.status.is_client_error(), "{role}: {}", list.body);
        let created = api.post("/v1/resellers", &office.form()).await.unwrap();
        assert!(created.status.is_client_error(), "{role}: {}", created.body);
        let again = api
            .post(&format!("/v1/resellers/{id}/activation"), &json!({}))
            .await
            .unwrap();
        assert!(again.status.is_client_error(), "{role}: {}", again.body);
    }
    let all = office.provider().get("/v1/resellers").await.unwrap();
    assert_eq!(all.list("/items").len(), 1);
    assert_eq!(all.text("/items/0/id"), id);
}

#[tokio::test]
async fn a_reseller_knows_nothing_of_the_others() {
    let office = Office::open().await;
    let (ours, theirs) = (office.active().await, office.create().await);
    let api = office.api("reseller_admin", &ours);
    let foreign = api.get(&format!("/v1/resellers/{theirs}")).await.unwrap();
    let unknown = api.get("/v1/resellers/res_00000000000000000000000009").await.unwrap();
    assert_eq!((foreign.status.as_u16(), unknown.status.as_u16()), (404, 404));
    assert_eq!(foreign.text("/detail"), unknown.text("/detail"));
    let list = api.get(&format!("/v1/enterprises?reseller={theirs}")).await.unwrap();
    assert_eq!(list.status, 404, "{}", list.body);
}

#[tokio::test]
async fn the_list_of_resellers_is_read_in_parts() {
    let office = Office::open().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(office.create().await);
    }
    let (mut found, mut cursor) = (Vec::new(), String::new());
    for part in [2, 2, 1] {
        let page = office
            .provider()
            .get(&format!("/v1/resellers?limit=2{cursor}"))
            .await
            .unwrap();
        assert_eq!(page.list("/items").len(), part, "{}", page.body);
        found.extend(
            page.list("/items")
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        cursor = format!("&cursor={}", page.text("/next"));
    }
    ids.sort();
    found.sort();
    assert_eq!(found, ids);
    assert_eq!(cursor, "&cursor=", "the last part has no next one");
}

#[tokio::test]
async fn r070_the_provider_gives_a_brand_an_application_of_its_own() {
    let office = Office::open().await;
    let id = office.active().await;
    let mut form = office.form();
    form["brand"]["application"] = json!({ "clientId": "00000000-0000-4000-8000-000000000001", "name": "Nobody's" });
    let unknown = office.edit(&id, &form).await;
    assert_eq!(unknown.status, 422, "{}", unknown.body);
    assert_eq!(unknown.text("/errors/0/field"), "application.clientId");
    let created = office.provider().post("/v1/resellers", &form).await.unwrap();
    assert_eq!(created.status, 422, "{}", created.body);
    let id_of_nobody = "00000000-0000-4000-8000-000000000001".parse().unwrap();
    let error = office
        .service
        .io
        .vault
        .entra_client_secret(&id_of_nobody)
        .await
        .unwrap_err();
    let said = shared::error::Chain(&error).to_string();
    assert!(
        said.ends_with("it holds no client secret of the application 00000000-0000-4000-8000-000000000001"),
        "{said}"
    );

    form["brand"]["application"] = json!({ "clientId": BRAND_CLIENT_ID, "name": BRAND_APPLICATION });
    let edited = office.edit(&id, &form).await;
    assert_eq!(edited.status, 200, "{}", edited.body);
    assert_eq!(edited.body["brand"]["application"], form["brand"]["application"]);
    let path = format!("/v1/resellers/{id}/audit");
    let trail = office.provider().get(&path).await.unwrap();
    let change = json!([
        { "field": "brand.application.clientId", "before": null, "after": BRAND_CLIENT_ID },
        { "field": "brand.application.name", "before": null, "after": BRAND_APPLICATION },
    ]);
    assert_eq!(trail.body["items"][0]["changes"], change, "{}", trail.body);
}

#[tokio::test]
async fn r070_a_resellers_staff_cannot_choose_the_application() {
    let office = Office::open().await;
    let id = office.active().await;
    let mut form = office.form();
    form["brand"]["application"] = json!({ "clientId": BRAND_CLIENT_ID, "name": BRAND_APPLICATION });
    let (path, api) = (format!("/v1/resellers/{id}"), office.api("reseller_admin", &id));
    let etag = office.read(&id).await.etag;
    let set = api.put(&path, &form, etag.as_deref()).await.unwrap();
    assert_eq!(set.status, 422, "{}", set.body);
    assert_eq!(set.text("/errors/0/field"), "application");
    assert_eq!(office.edit(&id, &form).await.status, 200);

    form["brand"]["productName"] = json!("Northwind Voice");
    let etag = office.read(&id).await.etag;
    let kept = api.put(&path, &form, etag.as_deref()).await.unwrap();
    assert_eq!(kept.status, 200, "sent as it was read: {}", kept.body);
    for other in [
        json!(null),
        json!({ "clientId": BRAND_CLIENT_ID, "name": "Microsoft Teams" }),
    ] {
        form["brand"]["application"] = other;
        let changed = api.put(&path, &form, kept.etag.as_deref()).await.unwrap();
        assert_eq!(changed.status, 422, "{}", changed.body);
    }
}
