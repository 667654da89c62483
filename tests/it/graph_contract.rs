//! Holds the simulated Graph against Microsoft's own description of it: every path that is served is called over HTTP,
//! with tokens from its own sign-in pages, and status and body are validated. The same description must accept
//! Microsoft's published examples, so that it is Microsoft and not our imagination that judges.

use axum::serve::ListenerExt;
use dialbridge_local::microsoft::{Delays, Microsoft, Options};
use reqwest::{Client, Method, Response, redirect};
use serde_json::{Value, json};
use shared::io::clock::Clock;
use std::collections::BTreeSet;
use tokio::net::TcpListener;

const DESCRIPTION: &str = include_str!("../microsoft/graph-v1.json");
const EXAMPLES: &str = include_str!("../microsoft/examples.json");
const WORKER_CONTRACT: &str = include_str!("../../infra/configure-tenant/contract.schema.json");
const REDIRECT: &str = "http://127.0.0.1/signin/callback";
const TEAMS: &str = "48ac35b8-9aa8-4d74-927d-1f4a14a0b239";
const NUMBERS: &str = "/admin/teams/telephoneNumberManagement/numberAssignments";

/// Microsoft's description.
struct Description(Value);

impl Description {
    fn new() -> Self {
        Self(serde_json::from_str(DESCRIPTION).unwrap())
    }

    fn operation(&self, path: &str, method: &str) -> &Value {
        let operation = &self.0["paths"][path][method];
        assert!(operation.is_object(), "{method} {path} is not described");
        operation
    }

    fn errors(&self, schema: &Value, instance: &Value) -> Vec<String> {
        let mut whole = schema.clone();
        whole["$defs"] = self.0["$defs"].clone();
        let validator = jsonschema::validator_for(&whole).unwrap();
        validator
            .iter_errors(instance)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }

    fn check(&self, what: &str, schema: &Value, instance: &Value) {
        let errors = self.errors(schema, instance);
        assert!(errors.is_empty(), "{what}: {errors:#?}\n{instance:#}");
    }

    fn check_answer(&self, path: &str, method: &str, status: u16, body: Option<&Value>) {
        let answers = &self.operation(path, method)["responses"];
        let exact = &answers[status.to_string()];
        let answer = if exact.is_object() {
            exact
        } else {
            &answers[format!("{}XX", status / 100)]
        };
        assert!(answer.is_object(), "{method} {path}: {status} is not described");
        if let (Some(schema), Some(body)) = (answer.get("schema"), body) {
            self.check(&format!("{method} {path} {status}"), schema, body);
        }
    }

    fn check_request(&self, path: &str, method: &str, body: &Value) {
        if let Some(schema) = self.operation(path, method).get("request") {
            self.check(&format!("request of {method} {path}"), schema, body);
        }
    }

    /// Members of mixed collections say what they are; each must be exactly that.
    fn check_kinds(&self, body: &Value) {
        for item in body["value"].as_array().into_iter().flatten() {
            if let Some(kind) = item["@odata.type"].as_str() {
                let schema = json!({ "$ref": format!("#/$defs/{}", kind.trim_start_matches('#')) });
                self.check(kind, &schema, item);
            }
        }
    }
}

/// The simulator behind HTTP, and a client that is signed in.
struct Session {
    microsoft: Microsoft,
    client: Client,
    login: String,
    graph: String,
    controls: String,
    token: String,
    teams_token: String,
    tenant: String,
    covered: BTreeSet<(String, String)>,
    description: Description,
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

fn serve(listener: TcpListener, router: axum::Router) {
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
}

impl Session {
    /// Signs in as the main tenant's first Global Administrator, who accepts everything for the organisation.
    async fn start() -> Self {
        let (login_listener, login) = listen().await;
        let (graph_listener, graph) = listen().await;
        let (controls_listener, controls) = listen().await;
        let mut options = Options {
            users: 300,
            delays: Delays::none(),
            ..Options::default()
        };
        options.app.redirect_uris = vec![REDIRECT.into()];
        options.app.delegated.extend(
            [
                "User.ReadWrite.All",
                "Domain.ReadWrite.All",
                "LicenseAssignment.ReadWrite.All",
                "RoleManagement.Read.Directory",
                "Directory.Read.All",
            ]
            .map(str::to_owned),
        );
        let app = options.app.clone();
        let microsoft = Microsoft::new(
            options,
            Clock::default(),
            login.parse().unwrap(),
            graph.parse().unwrap(),
        );
        serve(login_listener, microsoft.login());
        serve(graph_listener, microsoft.graph());
        serve(controls_listener, microsoft.controls());
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let main = microsoft.tenants().remove(0);
        let mut url: url::Url = format!("{login}/organizations/oauth2/v2.0/authorize").parse().unwrap();
        let scope = format!("openid profile offline_access https://graph.microsoft.com/.default {TEAMS}/.default");
        url.query_pairs_mut().extend_pairs([
            ("client_id", app.client_id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", &scope),
            ("state", "of-this-browser"),
            ("nonce", "n-1"),
        ]);
        let page = client.get(url.clone()).send().await.unwrap().text().await.unwrap();
        assert!(
            page.contains(&main.global_admins[0]),
            "the picker lists the administrators"
        );
        let form = [("account", main.global_admins[0].as_str())];
        let page = client
            .post(url.clone())
            .form(&form)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        assert!(page.contains("Consent on behalf of your organization"), "{page}");
        let form = [form[0], ("action", "accept"), ("consent_on_behalf", "true")];
        let answer = client.post(url).form(&form).send().await.unwrap();
        let back: url::Url = answer.headers()["location"].to_str().unwrap().parse().unwrap();
        let code = back
            .query_pairs()
            .find(|(name, _)| name == "code")
            .unwrap()
            .1
            .into_owned();
        let mut session = Self {
            microsoft,
            client,
            login,
            graph,
            controls,
            token: String::new(),
            teams_token: String::new(),
            tenant: main.id,
            covered: BTreeSet::new(),
            description: Description::new(),
        };
        let common = [
            ("client_id", app.client_id.as_str()),
            ("client_secret", app.client_secret.as_str()),
        ];
        let first = [
            common[0],
            common[1],
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT),
            (
                "scope",
                "openid profile offline_access https://graph.microsoft.com/.default",
            ),
        ];
        let graph_tokens = session.token(&first).await;
        let refresh = graph_tokens["refresh_token"].as_str().unwrap();
        let teams_scope = format!("{TEAMS}/.default");
        let second = [
            common[0],
            common[1],
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh),
            ("scope", &teams_scope),
        ];
        let teams_tokens = session.token(&second).await;
        session.token = graph_tokens["access_token"].as_str().unwrap().to_owned();
        session.teams_token = teams_tokens["access_token"].as_str().unwrap().to_owned();
        session
    }

    async fn token(&self, form: &[(&str, &str)]) -> Value {
        let url = format!("{}/organizations/oauth2/v2.0/token", self.login);
        self.client
            .post(url)
            .form(form)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    async fn control(&self, path: &str, body: Value) {
        let url = format!("{}{path}", self.controls);
        let answer = self.client.post(url).body(body.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}/v1.0{path}", self.graph)
        };
        let mut request = self
            .client
            .request(method, url)
            .bearer_auth(&self.token)
            .header("ConsistencyLevel", "eventual");
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.unwrap()
    }

    /// Calls a path and has the description judge request and answer. `as_described` is its name there.
    async fn call(&mut self, method: Method, as_described: &str, path: &str, body: Option<Value>) -> Value {
        let name = method.as_str().to_lowercase();
        if let Some(body) = &body {
            self.description.check_request(as_described, &name, body);
        }
        let answer = self.send(method, path, body.as_ref()).await;
        assert!(answer.headers().contains_key("request-id"), "{path}");
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        let value = if text.is_empty() {
            None
        } else {
            // A plain number comes behind a byte order mark.
            Some(serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')).unwrap())
        };
        assert!(status < 300, "{name} {path}: {status} {text}");
        self.description
            .check_answer(as_described, &name, status, value.as_ref());
        let value = value.unwrap_or(Value::Null);
        self.description.check_kinds(&value);
        self.covered.insert((as_described.to_owned(), name));
        value
    }

    async fn get(&mut self, as_described: &str, path: &str) -> Value {
        self.call(Method::GET, as_described, path, None).await
    }

    /// A refusal, which must have the described error body.
    async fn refused(&self, method: Method, path: &str, body: Option<&Value>, status: u16, code: &str) {
        let answer = self.send(method, path, body).await;
        assert_eq!(answer.status().as_u16(), status, "{path}");
        let body: Value = answer.json().await.unwrap();
        self.description.check(
            path,
            &json!({ "$ref": "#/$defs/microsoft.graph.ODataErrors.ODataError" }),
            &body,
        );
        assert_eq!(body["error"]["code"], code, "{path}");
        assert!(body["error"]["innerError"]["request-id"].is_string());
    }
}

#[test]
fn the_description_accepts_microsofts_examples() {
    let description = Description::new();
    let examples: Value = serde_json::from_str(EXAMPLES).unwrap();
    let examples = examples["examples"].as_array().unwrap();
    assert!(examples.len() > 40);
    for example in examples {
        let (path, method) = (example["path"].as_str().unwrap(), example["method"].as_str().unwrap());
        assert!(example["source"]["commit"].is_string(), "{}", example["name"]);
        if !example["request"].is_null() {
            description.check_request(path, method, &example["request"]);
        }
        let status = u16::try_from(example["status"].as_u64().unwrap()).unwrap();
        description.check_answer(
            path,
            method,
            status,
            Some(&example["response"]).filter(|body| !body.is_null()),
        );
    }
}

#[test]
fn the_description_refuses_what_microsoft_does_not_have() {
    let description = Description::new();
    let schema = &description.operation("/users", "get")["responses"]["2XX"]["schema"];
    let users = |user: Value| json!({ "value": [user] });
    assert_eq!(
        description.errors(schema, &users(json!({ "id": "1", "displayName": "Ann" }))),
        [""; 0]
    );
    for wrong in [
        json!({ "id": "1", "inventedProperty": true }),
        json!({ "id": 1 }),
        json!({ "accountEnabled": "yes" }),
    ] {
        assert_eq!(description.errors(schema, &users(wrong)).len(), 1);
    }
}

#[tokio::test]
async fn every_described_path_is_served_as_described() {
    let mut graph = Session::start().await;
    directory(&mut graph).await;
    administration(&mut graph).await;
    domains(&mut graph).await;
    calling(&mut graph).await;
    let described: BTreeSet<(String, String)> = graph.description.0["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods
                .as_object()
                .unwrap()
                .keys()
                .map(|method| (path.clone(), method.clone()))
        })
        .collect();
    let uncovered: Vec<_> = described.difference(&graph.covered).collect();
    assert!(uncovered.is_empty(), "{uncovered:?}");
}

async fn directory(graph: &mut Session) {
    let select = "$select=id,displayName,givenName,surname,userPrincipalName,mail,proxyAddresses,accountEnabled,userType,\
                  usageLocation,country,onPremisesSyncEnabled,assignedPlans,assignedLicenses,createdDateTime";
    let query = format!("/users?{select}&$filter=accountEnabled eq true&$count=true&$top=100");
    let first = graph.get("/users", &query).await;
    let mut seen = first["value"].as_array().unwrap().len();
    let mut next = first["@odata.nextLink"].as_str().map(str::to_owned);
    while let Some(link) = next {
        let page = graph.get("/users", &link).await;
        assert!(
            page.get("@odata.count").is_none(),
            "the count comes with the first page only"
        );
        seen += page["value"].as_array().unwrap().len();
        next = page["@odata.nextLink"].as_str().map(str::to_owned);
    }
    assert_eq!(first["@odata.count"], seen);
    graph.get("/users", "/users").await;
    let ann = first["value"][0]["id"].as_str().unwrap().to_owned();
    graph.get("/users/$count", "/users/$count").await;
    let range = "accountEnabled eq true and userPrincipalName ge 'b' and userPrincipalName le 'm'";
    let range = format!("/users?{select}&$filter={range}&$count=true&$top=999");
    let part = graph.get("/users", &range).await["@odata.count"].as_u64();
    assert!(part.is_some_and(|part| part > 0 && part < first["@odata.count"].as_u64().unwrap_or_default()));
    graph.get("/users/{user-id}", &format!("/users/{ann}?{select}")).await;
    graph
        .get("/users/{user-id}/memberOf", &format!("/users/{ann}/memberOf"))
        .await;
    graph
        .get(
            "/users/{user-id}/transitiveMemberOf",
            &format!("/users/{ann}/transitiveMemberOf"),
        )
        .await;
    graph.get("/me", "/me").await;
    graph.get("/me/memberOf", "/me/memberOf").await;
    graph.get("/me/transitiveMemberOf", "/me/transitiveMemberOf").await;
    let roles =
        "/me/transitiveMemberOf/microsoft.graph.directoryRole?$count=true&$select=id,displayName,roleTemplateId";
    let roles = graph.get("/me/transitiveMemberOf/graph.directoryRole", roles).await;
    assert_eq!(
        roles["value"][0]["roleTemplateId"],
        "62e90394-69f5-4237-9190-012177145e10"
    );
    let round = graph
        .get("/users/delta()", "/users/delta?$select=displayName,accountEnabled")
        .await;
    let link = round["@odata.deltaLink"].as_str().unwrap().to_owned();
    assert_eq!(graph.get("/users/delta()", &link).await["value"], json!([]));
    graph
        .control(
            &format!("/tenants/{}/users/{ann}", graph.tenant),
            json!({ "displayName": "Ann Renamed" }),
        )
        .await;
    assert_eq!(
        graph.get("/users/delta()", &link).await["value"][0]["displayName"],
        "Ann Renamed"
    );

    let groups = graph.get("/groups", "/groups?$top=999").await;
    let accounting = groups["value"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["displayName"] == "Accounting")
        .unwrap();
    let group = format!("/groups/{}", accounting["id"].as_str().unwrap());
    graph.get("/groups", "/groups?$search=\"displayName:acc\"").await;
    graph.get("/groups/$count", "/groups/$count").await;
    graph.get("/groups/{group-id}", &group).await;
    graph.get("/groups/delta()", "/groups/delta").await;
    for kind in ["members", "transitiveMembers"] {
        let described = format!("/groups/{{group-id}}/{kind}");
        graph.get(&described, &format!("{group}/{kind}")).await;
        graph
            .get(&format!("{described}/$count"), &format!("{group}/{kind}/$count"))
            .await;
        let cast = format!("{group}/{kind}/microsoft.graph.user?$select=id,userPrincipalName&$count=true&$top=999");
        let cast = graph.get(&format!("{described}/graph.user"), &cast).await;
        assert_eq!(cast["@odata.count"], cast["value"].as_array().unwrap().len());
    }
    graph
        .refused(Method::GET, "/users?$skip=5", None, 400, "Request_BadRequest")
        .await;
    graph
        .refused(
            Method::GET,
            "/users?$filter=endsWith(mail,'x')",
            None,
            400,
            "Request_UnsupportedQuery",
        )
        .await;
    graph
        .refused(Method::GET, "/users?$select=aboutMe", None, 501, "NotImplemented")
        .await;
    graph
        .refused(
            Method::GET,
            "/groups/00000000-0000-0000-0000-000000000000",
            None,
            404,
            "Request_ResourceNotFound",
        )
        .await;
}

async fn administration(graph: &mut Session) {
    let tenant = graph.tenant.clone();
    graph.get("/organization", "/organization").await;
    graph
        .get("/organization/{organization-id}", &format!("/organization/{tenant}"))
        .await;
    let skus = graph.get("/subscribedSkus", "/subscribedSkus").await;
    let roles = graph.get("/directoryRoles", "/directoryRoles").await;
    let role = roles["value"][0]["id"].as_str().unwrap();
    graph
        .get(
            "/directoryRoles/{directoryRole-id}/members",
            &format!("/directoryRoles/{role}/members"),
        )
        .await;
    let domain = graph.microsoft.tenants()[0].sbc_domains[0].clone();
    let user = json!({
        "accountEnabled": true, "displayName": "Activation", "mailNickname": "activation", "usageLocation": "US",
        "userPrincipalName": format!("activation@{domain}"), "passwordProfile": { "password": "made-up-1!" },
    });
    let user = graph.call(Method::POST, "/users", "/users", Some(user)).await;
    let path = format!("/users/{}", user["id"].as_str().unwrap());
    graph
        .call(
            Method::PATCH,
            "/users/{user-id}",
            &path,
            Some(json!({ "displayName": "Activation 2" })),
        )
        .await;
    let sku = skus["value"]
        .as_array()
        .unwrap()
        .iter()
        .find(|sku| sku["skuPartNumber"] == "SPE_E5")
        .unwrap();
    let licence = json!({ "addLicenses": [{ "skuId": sku["skuId"], "disabledPlans": [] }], "removeLicenses": [] });
    graph
        .control(&format!("/tenants/{tenant}/skus/SPE_E5"), json!({ "spare": 0 }))
        .await;
    graph
        .refused(
            Method::POST,
            &format!("{path}/assignLicense"),
            Some(&licence),
            400,
            "Request_BadRequest",
        )
        .await;
    graph
        .control(&format!("/tenants/{tenant}/skus/SPE_E5"), json!({ "spare": 1 }))
        .await;
    graph
        .call(
            Method::POST,
            "/users/{user-id}/assignLicense",
            &format!("{path}/assignLicense"),
            Some(licence),
        )
        .await;
    graph.call(Method::DELETE, "/users/{user-id}", &path, None).await;
}

async fn domains(graph: &mut Session) {
    graph.get("/domains", "/domains").await;
    let name = "customer.sbc3.voice.example";
    let path = format!("/domains/{name}");
    graph
        .call(Method::POST, "/domains", "/domains", Some(json!({ "id": name })))
        .await;
    graph.get("/domains/{domain-id}", &path).await;
    let records = format!("{path}/verificationDnsRecords");
    let records = graph.get("/domains/{domain-id}/verificationDnsRecords", &records).await;
    let verify = format!("{path}/verify");
    graph
        .refused(Method::POST, &verify, None, 400, "Request_BadRequest")
        .await;
    let published = json!({ "name": name, "text": records["value"][0]["text"] });
    graph
        .control(&format!("/tenants/{}/dns", graph.tenant), published)
        .await;
    graph
        .call(Method::POST, "/domains/{domain-id}/verify", &verify, None)
        .await;
    graph
        .call(
            Method::PATCH,
            "/domains/{domain-id}",
            &path,
            Some(json!({ "supportedServices": [] })),
        )
        .await;
    graph
        .get(
            "/domains/{domain-id}/domainNameReferences",
            &format!("{path}/domainNameReferences"),
        )
        .await;
    graph.call(Method::DELETE, "/domains/{domain-id}", &path, None).await;
    let long = json!({ "id": format!("{}.example", "x".repeat(45)) });
    graph
        .refused(Method::POST, "/domains", Some(&long), 400, "Request_BadRequest")
        .await;
}

async fn calling(graph: &mut Session) {
    let configurations = "/admin/teams/userConfigurations";
    graph.get(configurations, configurations).await;
    let filter = "/users?$select=id&$filter=accountEnabled eq true and assignedPlans/any(p:p/servicePlanId eq \
                  4828c8ec-dc2e-4779-b502-87ac9ce28ab7 and p/capabilityStatus eq 'Enabled')&$top=1";
    let users = graph.get("/users", filter).await;
    let user = users["value"][0]["id"].as_str().unwrap().to_owned();
    configure(graph).await;
    let function = "/admin/teams/policy/microsoft.graph.teamsAdministration.getPolicyId(type='{type}',name='{name}')";
    let called = "/admin/teams/policy/getPolicyId(type='OnlineVoiceRoutingPolicy',name='Carrier-VRP')";
    let policy = graph.get(function, called).await;
    assert_eq!(policy["value"][0]["name"], "Tag:Carrier-VRP");

    let number = "+32212345601";
    let assign = json!({ "telephoneNumber": number, "assignmentTargetId": user, "numberType": "directRouting" });
    let described = format!("{NUMBERS}/microsoft.graph.teamsAdministration.assignNumber");
    graph.description.check_request(&described, "post", &assign);
    let answer = graph
        .send(Method::POST, &format!("{NUMBERS}/assignNumber"), Some(&assign))
        .await;
    assert_eq!(answer.status(), 202);
    let operation = answer.headers()["location"].to_str().unwrap().to_owned();
    graph.control("/switches", json!({ "wrapSingles": false })).await;
    let operations = "/admin/teams/telephoneNumberManagement/operations/{telephoneNumberLongRunningOperation-id}";
    let bare = graph.get(operations, &operation).await;
    assert_eq!(bare["status"], "succeeded", "{bare}");
    let listed = format!("{NUMBERS}?$filter=telephoneNumber eq '%2B32212345601'");
    let listed = graph.get(NUMBERS, &listed).await;
    assert_eq!(listed["value"][0]["assignmentTargetId"], user.as_str());
    let one = format!("{NUMBERS}/{}", listed["value"][0]["id"].as_str().unwrap());
    graph.get(&format!("{NUMBERS}/{{numberAssignment-id}}"), &one).await;
    let update = json!({ "telephoneNumber": number, "reverseNumberLookupOptions": ["skipInternalVoip"] });
    let described_update = format!("{NUMBERS}/microsoft.graph.teamsAdministration.updateNumber");
    graph
        .call(
            Method::POST,
            &described_update,
            &format!("{NUMBERS}/updateNumber"),
            Some(update),
        )
        .await;

    let assignments = "/admin/teams/policy/userAssignments";
    let namespace = "microsoft.graph.teamsAdministration";
    let grant = json!({ "value": [{
        "@odata.type": "#microsoft.graph.teamsAdministration.teamsPolicyUserAssignment", "userId": user,
        "policyType": "OnlineVoiceRoutingPolicy", "policyId": policy["value"][0]["policyId"],
    }] });
    graph
        .call(
            Method::POST,
            &format!("{assignments}/{namespace}.assign"),
            &format!("{assignments}/assign"),
            Some(grant),
        )
        .await;
    let path = format!("{configurations}/{user}");
    let described_one = format!("{configurations}/{{teamsUserConfiguration-id}}");
    let seen = graph.get(&described_one, &path).await;
    assert_eq!(seen["isEnterpriseVoiceEnabled"], true);
    assert_eq!(seen["telephoneNumbers"][0]["telephoneNumber"], number);
    assert_eq!(
        seen["effectivePolicyAssignments"][0]["policyAssignment"]["displayName"],
        "Carrier-VRP"
    );
    graph.control("/switches", json!({ "wrapSingles": true })).await;
    let wrapped: Value = graph.send(Method::GET, &path, None).await.json().await.unwrap();
    let kind = json!({ "$ref": format!("#/$defs/{namespace}.teamsUserConfiguration") });
    graph.description.check("wrapped", &kind, &wrapped["value"]);
    let revoke = json!({ "value": [{ "userId": user, "policyType": "OnlineVoiceRoutingPolicy" }] });
    graph
        .call(
            Method::POST,
            &format!("{assignments}/{namespace}.unassign"),
            &format!("{assignments}/unassign"),
            Some(revoke),
        )
        .await;
    let unassign = json!({ "telephoneNumber": number, "numberType": "directRouting" });
    let described_unassign = format!("{NUMBERS}/microsoft.graph.teamsAdministration.unassignNumber");
    graph
        .call(Method::POST, &described_unassign, &described_unassign, Some(unassign))
        .await;
    graph.call(Method::POST, &described, &described, Some(assign)).await;

    let parts = json!({ "requests": [
        { "id": "1", "method": "GET", "url": format!("/users/{user}?$select=id") },
        { "id": "2", "method": "GET", "url": "/users/nobody@nowhere.example" },
        { "id": "3", "method": "GET", "url": "/me", "dependsOn": ["2"] },
    ] });
    let batch = graph.call(Method::POST, "/$batch", "/$batch", Some(parts)).await;
    let mut statuses: Vec<_> = batch["responses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| (part["id"].clone(), part["status"].clone()))
        .collect();
    statuses.sort_by_key(|(id, _)| id.to_string());
    assert_eq!(json!(statuses), json!([["1", 200], ["2", 404], ["3", 424]]));
}

/// The contract's own examples, with a tenant and tokens that are known here: the simulator gives the answers that they say.
fn examples(graph: &Session, contract: &jsonschema::Validator) {
    const REQUESTS: [(&str, &str); 3] = [
        (
            include_str!("../../infra/configure-tenant/examples/look.request.json"),
            include_str!("../../infra/configure-tenant/examples/look.answer.json"),
        ),
        (
            include_str!("../../infra/configure-tenant/examples/apply.request.json"),
            include_str!("../../infra/configure-tenant/examples/apply.answer.json"),
        ),
        (
            include_str!("../../infra/configure-tenant/examples/remove.request.json"),
            include_str!("../../infra/configure-tenant/examples/remove.answer.json"),
        ),
    ];
    let gateways = graph.microsoft.tenants()[0].sbc_domains.clone();
    let here = |text: &str| -> Value {
        let text = text
            .replace("9f3c2b10-0000-4000-8000-00000000bf01", &graph.tenant)
            .replace("\"graph-token\"", &format!("{:?}", graph.token))
            .replace("\"teams-token\"", &format!("{:?}", graph.teams_token))
            .replace("bluefinch.sbc1.eu.voice.example", &gateways[0])
            .replace("bluefinch.sbc2.eu.voice.example", &gateways[1]);
        serde_json::from_str(&text).unwrap()
    };
    // Another route is there already, so this one's number is the next.
    let unnumbered = |answer: &Value| {
        let text = answer.to_string();
        text.replace("\"priority\":1", "\"priority\":0")
    };
    for (request, answer) in REQUESTS {
        let given = graph.microsoft.configure_tenant(here(request));
        assert!(contract.is_valid(&given), "{given:#}");
        assert_eq!(unnumbered(&given), here(answer).to_string());
    }
    let request = here(include_str!("../../infra/configure-tenant/examples/apply.request.json"));
    let mut refused = request.clone();
    refused["objects"][1]["settings"]["gateways"] = json!(["nobody.sbc1.eu.voice.example"]);
    let given = graph.microsoft.configure_tenant(refused);
    assert_eq!(given["error"]["code"], "DomainNotConfigured", "{given:#}");
    assert_eq!(
        (&given["error"]["kind"], given["results"].as_array().unwrap().len()),
        (&json!("voiceRoute"), 1)
    );
    let mut usage = request;
    usage["work"] = json!("remove");
    usage["objects"] = json!([{ "kind": "pstnUsage", "name": "Northwind2Teams-Routing" }]);
    assert_eq!(graph.microsoft.configure_tenant(usage)["ok"], true);
}

/// Makes the voice objects that only the worker can make, by its contract.
async fn configure(graph: &Session) {
    let contract: Value = serde_json::from_str(WORKER_CONTRACT).unwrap();
    let contract = jsonschema::validator_for(&contract).unwrap();
    let gateways = &graph.microsoft.tenants()[0].sbc_domains;
    let request = json!({
        "version": 2, "tenant": graph.tenant, "graphToken": graph.token, "teamsToken": graph.teams_token, "work": "apply",
        "objects": [
            { "kind": "pstnUsage", "name": "Carrier", "settings": {} },
            { "kind": "voiceRoute", "name": "Carrier", "settings": {
                "numberPattern": ".*", "gateways": gateways, "pstnUsages": ["Carrier"], "priority": null } },
            { "kind": "voiceRoutingPolicy", "name": "Carrier-VRP", "settings": { "pstnUsages": ["Carrier"] } },
            { "kind": "callingPolicy", "name": "Brand-VM-MOHEXT", "settings": {
                "allowPrivateCalling": true, "allowVoicemail": "UserOverride", "allowCallForwardingToPhone": true,
                "allowCallForwardingToUser": true, "musicOnHoldEnabledType": "Disabled" } },
        ],
    });
    assert!(contract.is_valid(&request));
    let actions = |answer: &Value| -> BTreeSet<String> {
        answer["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["action"].as_str().unwrap().to_owned())
            .collect()
    };
    for expected in ["created", "unchanged"] {
        let answer = graph.microsoft.configure_tenant(request.clone());
        assert!(contract.is_valid(&answer), "{answer:#}");
        assert_eq!(answer["ok"], true, "{answer:#}");
        assert_eq!(actions(&answer), BTreeSet::from([expected.to_owned()]));
    }
    examples(graph, &contract);
    let mut swapped = request;
    swapped["teamsToken"] = swapped["graphToken"].clone();
    let answer = graph.microsoft.configure_tenant(swapped);
    assert!(contract.is_valid(&answer), "{answer:#}");
    assert_eq!(answer["error"]["code"], "Unauthorized");
}
