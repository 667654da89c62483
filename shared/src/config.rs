//! The only reader of the environment. Names are those of `template.yaml`.

use crate::domain::calling_domain::{LABEL_ROOM, NAME_MAX};
use crate::domain::email::EmailAddress;
use crate::domain::enterprise::Offer;
use crate::domain::ids::ClientId;
use crate::domain::webhook::Reach;
use std::collections::{BTreeMap, BTreeSet};
use url::Url;

/// The names of the variables that a deployment sets, for all functions alike.
pub const NAMES: [&str; 19] = [
    "TABLE_NAME",
    "SCHEDULE_GROUP",
    "SCHEDULE_ROLE_ARN",
    "REMINDER_FUNCTION_ARN",
    "STATE_MACHINE_ARN",
    "WEBHOOKS_FUNCTION_ARN",
    "TOKEN_KEY_ID",
    "CONFIGURE_TENANT_FUNCTION",
    "MAIL_CONFIGURATION_SET",
    "MAIL_FROM",
    "PUBLIC_URL",
    "PORTAL_URL",
    "SECRET_ID",
    "ENTRA_CLIENT_ID",
    "ENTRA_APPLICATION_NAME",
    "ENTRA_LOGIN_URL",
    "GRAPH_URL",
    "SBC_REGIONS",
    "PBX_TYPES",
];

/// The names of variables that may be empty or absent: what they are for is not offered then.
pub const OPTIONAL: [&str; 2] = ["ENTRA_UNATTENDED_CLIENT_ID", "MAIL_RATE"];

/// Mails a second where the deployment says nothing: what SES grants an account when it leaves the sandbox.
const MAIL_RATE: u32 = 14;

/// A variable that no deployment may set: `allowed` lets webhooks lead to this machine, where the service itself is local.
pub const LOCAL_WEBHOOKS: &str = "WEBHOOKS_TO_LOOPBACK";

/// Everything that differs between deployments.
#[derive(Clone, Debug)]
pub struct Config {
    /// How to reach AWS.
    pub aws: Aws,
    /// The DynamoDB table.
    pub table: String,
    /// The EventBridge schedule group of the reminders.
    pub schedule_group: String,
    /// The role that EventBridge Scheduler assumes.
    pub schedule_role_arn: String,
    /// What the reminders' schedules start.
    pub reminder_function_arn: String,
    /// The state machine around `sync-run`.
    pub state_machine_arn: String,
    /// The function that sends events to webhooks.
    pub webhooks_function_arn: String,
    /// Whether webhooks may lead to this machine.
    pub webhook_reach: Reach,
    /// The KMS key that seals tokens of people and the secrets of webhooks.
    pub token_key_id: String,
    /// The PowerShell worker: a Lambda function's name or ARN.
    pub configure_tenant_function: String,
    /// The SES configuration set.
    pub mail_configuration_set: String,
    /// The sender where a brand has none.
    pub mail_from: EmailAddress,
    /// Where the pages of `consent-callback` are reached, without a path.
    pub public_url: Url,
    /// How many mails a second the account may send, over all workers.
    pub mail_rate: u32,
    /// The integration portal where a brand has none.
    pub portal_url: Url,
    /// The secret with `entraClientSecret`, `codeKey` and, for brands with an application of their own, `applications`.
    pub secret_id: String,
    /// Our application in Entra, where a brand has none of its own.
    pub entra_client_id: ClientId,
    /// The name that it is registered under, as Microsoft shows it (R070).
    pub entra_application_name: String,
    /// Our second application in Entra, whose permissions need no person; unattended syncs are offered where it is there.
    pub entra_unattended_client_id: Option<ClientId>,
    /// Entra's host.
    pub entra_login_url: Url,
    /// Graph's host.
    pub graph_url: Url,
    /// SBC regions that are offered, each with its base domains.
    pub sbc_regions: BTreeMap<String, Vec<String>>,
    /// PBX types that are offered (R018).
    pub pbx_types: BTreeSet<String>,
}

/// How to reach AWS. In Lambda all of it comes from the runtime's own variables.
#[derive(Clone, Debug)]
pub struct Aws {
    /// Such as `eu-west-1`.
    pub region: String,
    /// The role's credentials; fixed for the life of an execution environment.
    pub credentials: aws_sdk_dynamodb::config::Credentials,
    /// Where services are reached, if not at AWS.
    pub endpoints: Endpoints,
}

/// Endpoints that replace AWS's own.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    /// `AWS_ENDPOINT_URL_DYNAMODB`
    pub dynamodb: Option<String>,
    /// `AWS_ENDPOINT_URL_SESV2`
    pub sesv2: Option<String>,
    /// `AWS_ENDPOINT_URL_SCHEDULER`
    pub scheduler: Option<String>,
    /// `AWS_ENDPOINT_URL_KMS`
    pub kms: Option<String>,
    /// `AWS_ENDPOINT_URL_SFN`
    pub sfn: Option<String>,
    /// `AWS_ENDPOINT_URL_LAMBDA`
    pub lambda: Option<String>,
    /// `AWS_ENDPOINT_URL_SECRETS_MANAGER`
    pub secrets_manager: Option<String>,
}

/// A variable that is missing or cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("environment variable {name}: {why}")]
pub struct BadEnvironment {
    name: String,
    why: String,
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// The first variable that is missing or malformed.
    pub fn from_env() -> Result<Self, BadEnvironment> {
        #[expect(clippy::disallowed_methods, reason = "this is the one reader of the environment")]
        Self::read(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    /// Reads variables through `get`.
    ///
    /// # Errors
    /// The first variable that is missing or malformed.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, BadEnvironment> {
        let need = |name: &str| get(name).ok_or_else(|| bad(name, "is not set"));
        let url = |name: &str| need(name)?.parse::<Url>().map_err(|error| bad(name, error));
        let credentials = aws_sdk_dynamodb::config::Credentials::new(
            need("AWS_ACCESS_KEY_ID")?,
            need("AWS_SECRET_ACCESS_KEY")?,
            get("AWS_SESSION_TOKEN"),
            None,
            "environment",
        );
        let endpoint = |service: &str| get(&format!("AWS_ENDPOINT_URL_{service}"));
        let endpoints = Endpoints {
            dynamodb: endpoint("DYNAMODB"),
            sesv2: endpoint("SESV2"),
            scheduler: endpoint("SCHEDULER"),
            kms: endpoint("KMS"),
            sfn: endpoint("SFN"),
            lambda: endpoint("LAMBDA"),
            secrets_manager: endpoint("SECRETS_MANAGER"),
        };
        Ok(Self {
            aws: Aws {
                region: need("AWS_REGION")?,
                credentials,
                endpoints,
            },
            table: need("TABLE_NAME")?,
            schedule_group: need("SCHEDULE_GROUP")?,
            schedule_role_arn: need("SCHEDULE_ROLE_ARN")?,
            reminder_function_arn: need("REMINDER_FUNCTION_ARN")?,
            state_machine_arn: need("STATE_MACHINE_ARN")?,
            webhooks_function_arn: need("WEBHOOKS_FUNCTION_ARN")?,
            webhook_reach: webhook_reach(
                get(LOCAL_WEBHOOKS).as_deref().filter(|text| !text.is_empty()),
                &url("PUBLIC_URL")?,
            )?,
            token_key_id: need("TOKEN_KEY_ID")?,
            configure_tenant_function: need("CONFIGURE_TENANT_FUNCTION")?,
            mail_configuration_set: need("MAIL_CONFIGURATION_SET")?,
            mail_from: need("MAIL_FROM")?.parse().map_err(|error| bad("MAIL_FROM", error))?,
            mail_rate: match get("MAIL_RATE").filter(|rate| !rate.is_empty()) {
                None => MAIL_RATE,
                Some(rate) => match rate.parse() {
                    Ok(0) | Err(_) => return Err(bad("MAIL_RATE", "give mails a second, at least 1")),
                    Ok(rate) => rate,
                },
            },
            public_url: url("PUBLIC_URL")?,
            portal_url: url("PORTAL_URL")?,
            secret_id: need("SECRET_ID")?,
            entra_client_id: need("ENTRA_CLIENT_ID")?
                .parse()
                .map_err(|error| bad("ENTRA_CLIENT_ID", error))?,
            entra_application_name: need("ENTRA_APPLICATION_NAME")?,
            entra_unattended_client_id: get("ENTRA_UNATTENDED_CLIENT_ID")
                .filter(|id| !id.is_empty())
                .map(|id| id.parse().map_err(|error| bad("ENTRA_UNATTENDED_CLIENT_ID", error)))
                .transpose()?,
            entra_login_url: url("ENTRA_LOGIN_URL")?,
            graph_url: url("GRAPH_URL")?,
            sbc_regions: regions(&need("SBC_REGIONS")?)?,
            pbx_types: serde_json::from_str(&need("PBX_TYPES")?).map_err(|error| bad("PBX_TYPES", error))?,
        })
    }

    /// The AWS account that we run in, as the names of its functions say it.
    #[must_use]
    pub fn account(&self) -> &str {
        self.reminder_function_arn.split(':').nth(4).unwrap_or_default()
    }

    /// What a form can choose from.
    #[must_use]
    pub fn offer(&self) -> Offer {
        Offer {
            regions: self.sbc_regions.keys().cloned().collect(),
            pbx_types: self.pbx_types.clone(),
        }
    }

    /// The calling domains of a tenant: its label below every base domain of the chosen regions.
    #[must_use]
    pub fn calling_domains(&self, label: &str, regions: &BTreeSet<String>) -> Vec<String> {
        let bases = regions
            .iter()
            .filter_map(|region| self.sbc_regions.get(region))
            .flatten();
        bases.map(|base| format!("{label}.{base}")).collect()
    }

    /// The longest base domain of all regions, in letters.
    #[must_use]
    pub fn longest_base(&self) -> usize {
        let bases = self.sbc_regions.values().flatten();
        bases.map(String::len).max().unwrap_or_default()
    }

    /// An address below our public pages.
    #[must_use]
    pub fn public_page(&self, path: &str) -> Url {
        let mut url = self.public_url.clone();
        url.set_path(path);
        url
    }
}

/// A service that people reach over TLS is no local one: there nothing but the public internet is sent to.
fn webhook_reach(wanted: Option<&str>, public_url: &Url) -> Result<Reach, BadEnvironment> {
    match wanted {
        None => Ok(Reach::Public),
        Some("allowed") if public_url.scheme() == "http" => Ok(Reach::Loopback),
        Some("allowed") => Err(bad(
            LOCAL_WEBHOOKS,
            "is for local worlds only; PUBLIC_URL begins with https, so take it out",
        )),
        Some(_) => Err(bad(LOCAL_WEBHOOKS, "is `allowed` or absent")),
    }
}

/// Base domains leave room for a tenant's label: Microsoft takes no longer names.
fn regions(text: &str) -> Result<BTreeMap<String, Vec<String>>, BadEnvironment> {
    let read: BTreeMap<String, Vec<String>> = serde_json::from_str(text).map_err(|error| bad("SBC_REGIONS", error))?;
    let longest = NAME_MAX - LABEL_ROOM - 1;
    match read.values().flatten().find(|base| base.len() > longest) {
        Some(base) => Err(bad(
            "SBC_REGIONS",
            format!("the base domain {base} is longer than {longest} letters, so no tenant's name fits below it"),
        )),
        None => Ok(read),
    }
}

fn bad(name: &str, why: impl ToString) -> BadEnvironment {
    BadEnvironment {
        name: name.to_owned(),
        why: why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_deployment_sends_webhooks_to_its_own_machine() {
        let read = |public: &'static str, wanted: Option<&'static str>| {
            Config::read(move |name| match name {
                "PUBLIC_URL" => Some(public.to_owned()),
                LOCAL_WEBHOOKS => wanted.map(str::to_owned),
                name => Some(value(name)),
            })
        };
        let reach = |public, wanted| read(public, wanted).map(|config| config.webhook_reach).ok();
        assert_eq!(reach("https://a.example", None), Some(Reach::Public));
        assert_eq!(reach("http://127.0.0.1:8081", None), Some(Reach::Public));
        assert_eq!(reach("http://127.0.0.1:8081", Some("allowed")), Some(Reach::Loopback));
        for (public, wanted) in [("https://a.example", "allowed"), ("http://127.0.0.1:8081", "yes")] {
            let error = read(public, Some(wanted)).unwrap_err().to_string();
            assert!(error.contains(LOCAL_WEBHOOKS), "{error}");
        }
    }

    fn value(name: &str) -> String {
        match name {
            LOCAL_WEBHOOKS => String::new(),
            "PUBLIC_URL" | "PORTAL_URL" | "ENTRA_LOGIN_URL" | "GRAPH_URL" => "https://a.example".into(),
            "MAIL_FROM" => "calls@a.example".into(),
            "SBC_REGIONS" => r#"{"Europe":["sbc1.eu.a.example","sbc2.eu.a.example"]}"#.into(),
            "PBX_TYPES" => r#"["Ringlogix"]"#.into(),
            "MAIL_RATE" => "50".into(),
            "ENTRA_CLIENT_ID" | "ENTRA_UNATTENDED_CLIENT_ID" => "0b7d3c52-6f0e-4c1d-9a51-2d7e4f8a9c10".into(),
            _ => "x".into(),
        }
    }

    #[test]
    fn every_named_variable_is_needed() {
        assert!(Config::read(|name| Some(value(name))).is_ok());
        for missing in NAMES {
            let error = Config::read(|name| (name != missing).then(|| value(name))).unwrap_err();
            assert!(error.to_string().contains(missing), "{error}");
        }
    }

    #[test]
    fn optional_variables_may_be_absent_or_empty() {
        for name in OPTIONAL {
            assert!(Config::read(|asked| (asked != name).then(|| value(asked))).is_ok());
            let empty = |asked: &str| Some(if asked == name { String::new() } else { value(asked) });
            let config = Config::read(empty).unwrap();
            match name {
                "MAIL_RATE" => assert_eq!(config.mail_rate, 14),
                _ => assert!(config.entra_unattended_client_id.is_none()),
            }
        }
    }

    #[test]
    fn a_base_domain_leaves_room_for_a_label() {
        let read = |length: usize| {
            let base = "x".repeat(length);
            Config::read(|name| match name {
                "SBC_REGIONS" => Some(format!(r#"{{"Europe":["{base}"]}}"#)),
                name => Some(value(name)),
            })
        };
        assert_eq!(read(37).unwrap().longest_base(), 37);
        assert!(read(38).unwrap_err().to_string().contains("SBC_REGIONS"));
    }

    #[test]
    fn calling_domains_follow_the_regions() {
        let config = Config::read(|name| Some(value(name))).unwrap();
        let domains = config.calling_domains("bluefinch", &BTreeSet::from(["Europe".into()]));
        assert_eq!(domains, ["bluefinch.sbc1.eu.a.example", "bluefinch.sbc2.eu.a.example"]);
    }
}
