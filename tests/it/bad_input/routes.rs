//! The routes, read from the API description, with bodies made from their schemas.

use dialbridge_local::openapi;
use reqwest::Method;
use serde_json::{Map, Value, json};
use shared::domain::caller::Role;
use shared::domain::ids::{EnterpriseId, ResellerId};
use shared::domain::rights::{self, Action, May};

const NEVER: jiff::Timestamp = jiff::Timestamp::UNIX_EPOCH;

/// One route.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// It needs a token.
    pub(crate) token: bool,
    /// The schema of its JSON body.
    pub(crate) schema: Option<Value>,
    document: Value,
}

/// Every route of the API.
pub(crate) fn all() -> Vec<Route> {
    let document: Value = serde_json::from_str(&openapi::json()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else {
                continue;
            };
            if ![Method::GET, Method::PUT, Method::POST, Method::PATCH, Method::DELETE].contains(&method) {
                continue;
            }
            routes.push(Route {
                method,
                path: path.clone(),
                token: operation.get("security").is_some(),
                schema: operation
                    .pointer("/requestBody/content/application~1json/schema")
                    .cloned(),
                document: document.clone(),
            });
        }
    }
    assert!(routes.len() > 15, "{}", routes.len());
    routes
}

/// The routes that need a token.
pub(crate) fn api() -> Vec<Route> {
    all().into_iter().filter(|route| route.token).collect()
}

/// The pages: routes without a token.
pub(crate) fn pages() -> Vec<Route> {
    all().into_iter().filter(|route| !route.token).collect()
}

impl Route {
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// What the route does, in the words of the table of who may do what.
    pub(crate) fn action(&self) -> Action {
        rights::action(self.method.as_str(), &self.path)
            .unwrap_or_else(|| panic!("the table of rights does not know {}", self.name()))
    }

    /// A role that may call it: of the customer where the route is about one enterprise.
    pub(crate) fn caller(&self) -> &'static str {
        let (enterprise, reseller) = (EnterpriseId::mint(NEVER, 1), ResellerId::mint(NEVER, 1));
        let of_customer = [Role::AccountAdmin(enterprise.clone()), Role::GlobalAdmin(enterprise)];
        let of_provider = [Role::ResellerAdmin(reseller), Role::ProviderAdmin];
        let customers: &[Role] = if self.path.contains("{enterprise}") {
            &of_customer
        } else {
            &[]
        };
        let may = customers
            .iter()
            .chain(&of_provider)
            .find(|role| role.may(self.action()) == May::Yes);
        may.map_or_else(|| panic!("nobody may call {}", self.name()), Role::name)
    }

    /// Whether the request needs this header.
    pub(crate) fn needs(&self, header: &str) -> bool {
        let path = self.path.replace('~', "~0").replace('/', "~1");
        let method = self.method.as_str().to_lowercase();
        let pointer = format!("/paths/{path}/{method}/parameters");
        let parameters = self.document.pointer(&pointer).and_then(Value::as_array);
        let named = |one: &Value| one["in"] == "header" && one["name"] == header && one["required"] == true;
        parameters.is_some_and(|all| all.iter().any(named))
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => self.document.pointer(reference.trim_start_matches('#')).unwrap(),
            None => schema,
        }
    }

    /// The properties of the body, where it is one object.
    pub(crate) fn properties(&self) -> Map<String, Value> {
        let schema = self.schema.as_ref().map(|schema| self.resolved(schema));
        let properties = schema.and_then(|schema| schema["properties"].as_object());
        properties.cloned().unwrap_or_default()
    }

    /// A body that can be read: every required field, with something of its type.
    pub(crate) fn body(&self) -> Option<Value> {
        self.schema.as_ref().map(|schema| self.sample(schema))
    }

    fn sample(&self, schema: &Value) -> Value {
        let schema = self.resolved(schema);
        if let Some(first) = schema["enum"].as_array().and_then(|all| all.first()) {
            return first.clone();
        }
        for several in ["oneOf", "anyOf"] {
            if let Some(first) = schema[several].as_array().and_then(|all| all.first()) {
                return self.sample(first);
            }
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let mut whole = Map::new();
            for part in parts {
                whole.extend(self.sample(part).as_object().cloned().unwrap_or_default());
            }
            return Value::Object(whole);
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds[0].as_str(),
            kind => kind.as_str(),
        };
        match kind {
            Some("string") if schema["format"] == "email" => json!("somebody@customer.example"),
            Some("string") if schema["format"] == "date" => json!("2090-03-12"),
            Some("string") => json!("text"),
            Some("integer" | "number") => json!(1),
            Some("boolean") => json!(true),
            Some("array") => json!([]),
            _ => {
                let required = schema["required"].as_array().cloned().unwrap_or_default();
                let fields = required.iter().filter_map(Value::as_str);
                let sampled = fields.map(|name| (name.to_owned(), self.sample(&schema["properties"][name])));
                Value::Object(sampled.collect())
            }
        }
    }
}
