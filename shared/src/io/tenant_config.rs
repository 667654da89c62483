//! The worker that reads and changes tenant-level voice objects through Microsoft's PowerShell module: one JSON document
//! in, one out, over a Lambda invocation. Its contract is `infra/configure-tenant/contract.schema.json`.

use crate::domain::ids::TenantId;
use crate::domain::tenant_object::{ObjectKey, ObjectKind, ObjectName, ObjectSettings, TenantObject};
use crate::error::{Error, Result};
use crate::io::graph::Token;
use aws_sdk_lambda::Client;
use aws_smithy_types::Blob;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// How long one call may take. The worker loads a large module and signs in before it begins; its own limit is a little
/// shorter (`infra/configure-tenant/README.md`), and what it does not get done is continued by the next call.
pub const PATIENCE: Duration = Duration::from_secs(85);
/// The contract's version.
const VERSION: u32 = 2;
/// What Microsoft's module says to administrators of a partner, whatever their role.
const PARTNERS_ADMIN: &str = "40301";

/// On whose behalf: both tokens are of the same account, and of this tenant.
#[derive(Clone, Copy, Debug)]
pub struct OnBehalf<'a> {
    /// Where.
    pub tenant: &'a TenantId,
    /// For Graph.
    pub graph: &'a Token,
    /// For the Teams administration.
    pub teams: &'a Token,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    version: u32,
    tenant: &'a TenantId,
    graph_token: &'a str,
    teams_token: &'a str,
    work: Work,
    objects: Vec<Value>,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
enum Work {
    Look,
    Apply,
    Remove,
}

impl Work {
    fn doing(self) -> &'static str {
        match self {
            Self::Look => "look at the tenant's voice objects",
            Self::Apply => "configure the tenant's voice objects",
            Self::Remove => "remove the tenant's voice objects",
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    results: Vec<Touched>,
    #[serde(default)]
    error: Option<Failure>,
}

#[derive(Deserialize)]
struct Touched {
    kind: ObjectKind,
    name: String,
    action: String,
    #[serde(default)]
    was: Option<Value>,
    #[serde(default)]
    now: Option<Value>,
}

#[derive(Deserialize)]
struct Failure {
    code: String,
    message: String,
    #[serde(default)]
    name: Option<String>,
}

/// One object and what happened with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configured {
    /// What kind.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
    /// `seen`, `absent`, `created`, `updated`, `unchanged` or `removed`.
    pub action: String,
    /// How it was; absent where there was none.
    pub was: Option<ObjectSettings>,
    /// How it is; absent where there is none.
    pub now: Option<ObjectSettings>,
}

impl Configured {
    /// Which object it is.
    #[must_use]
    pub fn key(&self) -> ObjectKey {
        (self.kind, self.name.to_lowercase())
    }
}

/// How far the worker came. It stops at the first object that Microsoft refuses; what was done before stays done, and
/// asking again goes on.
#[derive(Debug)]
pub struct Done {
    /// What was done, in order.
    pub results: Vec<Configured>,
    /// What stopped it: `TokenExpired`, `Refused` with Microsoft's words, `Upstream`.
    pub stopped: Option<Error>,
}

/// The worker.
#[derive(Clone, Debug)]
pub struct TenantConfig {
    client: Client,
    function: String,
}

impl TenantConfig {
    /// The worker by its function's name.
    #[must_use]
    pub fn new(client: Client, function: String) -> Self {
        Self { client, function }
    }

    /// Looks at the objects of these names, and changes nothing. Gives those that are there.
    ///
    /// # Errors
    /// `TokenExpired`, `Refused` with Microsoft's words, or `Upstream`; never a part of what is there.
    pub async fn look(&self, on_behalf: OnBehalf<'_>, names: &[ObjectName]) -> Result<Vec<TenantObject>> {
        let done = self.ask(on_behalf, Work::Look, named(names)).await?;
        if let Some(error) = done.stopped {
            return Err(error);
        }
        let there = done.results.into_iter();
        let there: Vec<TenantObject> = there
            .filter_map(|one| {
                let name = one.name;
                one.now.map(|settings| TenantObject { name, settings })
            })
            .collect();
        Ok(there)
    }

    /// Puts objects in place, in this order. Safe to repeat: what is right already stays as it is.
    ///
    /// # Errors
    /// `Upstream` where the worker did not answer; what Microsoft refused is in the answer.
    pub async fn apply(&self, on_behalf: OnBehalf<'_>, objects: &[TenantObject]) -> Result<Done> {
        let wire = objects.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>();
        let wire = wire.map_err(|error| Error::upstream(Work::Apply.doing(), error))?;
        self.ask(on_behalf, Work::Apply, wire).await
    }

    /// Takes objects away by their names, in this order. Safe to repeat: what is not there is passed over.
    ///
    /// # Errors
    /// As above.
    pub async fn remove(&self, on_behalf: OnBehalf<'_>, names: &[ObjectName]) -> Result<Done> {
        self.ask(on_behalf, Work::Remove, named(names)).await
    }

    async fn ask(&self, on_behalf: OnBehalf<'_>, work: Work, objects: Vec<Value>) -> Result<Done> {
        let doing = work.doing();
        let request = request(on_behalf, work, objects);
        let payload = serde_json::to_vec(&request).map_err(|error| Error::upstream(doing, error))?;
        let sent = self
            .client
            .invoke()
            .function_name(&self.function)
            .payload(Blob::new(payload))
            .send()
            .await;
        let sent = sent.map_err(|error| Error::upstream(doing, error))?;
        let payload = sent.payload.map(Blob::into_inner).unwrap_or_default();
        if let Some(kind) = sent.function_error {
            return Err(Error::upstream(doing, format!("the worker failed: {kind}")));
        }
        answered(doing, &payload)
    }
}

fn request(on_behalf: OnBehalf<'_>, work: Work, objects: Vec<Value>) -> Request<'_> {
    Request {
        version: VERSION,
        tenant: on_behalf.tenant,
        graph_token: on_behalf.graph.secret().expose(),
        teams_token: on_behalf.teams.secret().expose(),
        work,
        objects,
    }
}

fn named(names: &[ObjectName]) -> Vec<Value> {
    let one = |(kind, name): &ObjectName| json!({ "kind": kind, "name": name });
    names.iter().map(one).collect()
}

/// Reads the worker's answer.
fn answered(doing: &'static str, payload: &[u8]) -> Result<Done> {
    let answer: Answer = serde_json::from_slice(payload).map_err(|error| Error::upstream(doing, error))?;
    let results: Vec<Configured> = answer
        .results
        .into_iter()
        .map(configured)
        .collect::<Result<_, _>>()
        .map_err(|error| Error::upstream(doing, error))?;
    let stopped = match answer.error {
        None if answer.ok => None,
        None => Some(Error::upstream(
            doing,
            "the worker reported neither success nor an error",
        )),
        Some(failure) => Some(refused(doing, failure)),
    };
    Ok(Done { results, stopped })
}

fn configured(touched: Touched) -> Result<Configured, serde_json::Error> {
    let settings = |found: Option<Value>| {
        let of_kind = |found| serde_json::from_value(json!({ "kind": touched.kind, "settings": found }));
        found.map(of_kind).transpose()
    };
    Ok(Configured {
        was: settings(touched.was)?,
        now: settings(touched.now)?,
        kind: touched.kind,
        name: touched.name,
        action: touched.action,
    })
}

fn refused(doing: &'static str, failure: Failure) -> Error {
    let Failure { code, message, name } = failure;
    match code.as_str() {
        "Unauthorized" => Error::TokenExpired,
        // Microsoft's own fault, or a limit: worth another try.
        "Internal" => Error::upstream(doing, message),
        _ => {
            let at = name.map(|name| format!("{name}: ")).unwrap_or_default();
            let partner = if message.contains(PARTNERS_ADMIN) {
                " Microsoft does not let administrators of a partner do this; somebody of the organization itself has to sign in"
            } else {
                ""
            };
            Error::Refused {
                doing,
                status: 400,
                message: format!("{at}{message}{partner}"),
                code,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secret::Secret;
    use jiff::Timestamp;

    fn read(answer: &Value) -> Result<Done> {
        answered("test", answer.to_string().as_bytes())
    }

    fn example(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    macro_rules! example {
        ($name:literal) => {
            include_str!(concat!(
                "../../../infra/configure-tenant/examples/",
                $name,
                ".json"
            ))
        };
    }

    #[test]
    fn the_examples_of_the_contract_are_what_is_sent() {
        let token = |text: &str| Token::new(Secret::new(text.to_owned()), Timestamp::UNIX_EPOCH);
        let (tenant, graph, teams) = (
            "9f3c2b10-0000-4000-8000-00000000bf01".parse().unwrap(),
            token("graph-token"),
            token("teams-token"),
        );
        let on_behalf = OnBehalf {
            tenant: &tenant,
            graph: &graph,
            teams: &teams,
        };
        let apply = example(example!("apply.request"));
        let objects: Vec<TenantObject> = serde_json::from_value(apply["objects"].clone()).unwrap();
        let wire = objects.iter().map(|object| serde_json::to_value(object).unwrap());
        let sent = serde_json::to_value(request(on_behalf, Work::Apply, wire.collect())).unwrap();
        assert_eq!(sent, apply);
        let keys: Vec<ObjectName> = objects.iter().map(TenantObject::named).collect();
        let sent = serde_json::to_value(request(on_behalf, Work::Look, named(&keys))).unwrap();
        assert_eq!(sent, example(example!("look.request")));
        let keys: Vec<ObjectName> = keys.into_iter().rev().collect();
        let sent = serde_json::to_value(request(on_behalf, Work::Remove, named(&keys))).unwrap();
        assert_eq!(sent, example(example!("remove.request")));
    }

    #[test]
    fn the_examples_of_the_contract_are_read() {
        let apply = example(example!("apply.request"));
        let wanted: Vec<TenantObject> = serde_json::from_value(apply["objects"].clone()).unwrap();
        let done = answered("test", example!("apply.answer").as_bytes()).unwrap();
        assert!(done.stopped.is_none());
        for (object, result) in wanted.iter().zip(&done.results) {
            assert_eq!((object.key(), result.action.as_str()), (result.key(), "created"));
            assert!(object.settings.agree(result.now.as_ref().unwrap()));
        }
        let looked = answered("test", example!("look.answer").as_bytes()).unwrap();
        assert!(looked.results.iter().all(|result| result.now.is_none()));
        let removed = answered("test", example!("remove.answer").as_bytes()).unwrap();
        assert!(
            removed
                .results
                .iter()
                .all(|result| result.was.is_some() && result.now.is_none())
        );
        let refused = answered("test", example!("refused.answer").as_bytes()).unwrap();
        assert!(matches!(refused.stopped, Some(Error::Refused { code, .. }) if code == "DomainNotConfigured"));
    }

    #[test]
    fn what_was_done_before_a_failure_is_read_with_it() {
        let done = read(&json!({
            "version": 2, "ok": false,
            "results": [{ "kind": "pstnUsage", "name": "A", "action": "created", "was": null, "now": {} }],
            "error": { "code": "DomainNotConfigured", "message": "Can not use it.", "kind": "voiceRoute", "name": "A" },
        }))
        .unwrap();
        assert_eq!(done.results[0].now, Some(ObjectSettings::PstnUsage {}));
        assert!(matches!(done.stopped, Some(Error::Refused { code, message, .. })
            if code == "DomainNotConfigured" && message == "A: Can not use it."));
    }

    #[test]
    fn an_ended_session_and_a_fault_are_no_refusals() {
        let stopped = |code: &str| {
            let error = json!({ "code": code, "message": "No.", "kind": null, "name": null });
            read(&json!({ "version": 2, "ok": false, "results": [], "error": error }))
                .unwrap()
                .stopped
                .unwrap()
        };
        assert!(matches!(stopped("Unauthorized"), Error::TokenExpired));
        assert!(matches!(stopped("Internal"), Error::Upstream { .. }));
        assert!(matches!(stopped("SomethingNew"), Error::Refused { .. }));
    }

    #[test]
    fn an_administrator_of_a_partner_is_told_who_can() {
        let error = json!({ "code": "Forbidden", "message": "40301 Forbidden.", "kind": null, "name": null });
        let done = read(&json!({ "version": 2, "ok": false, "results": [], "error": error })).unwrap();
        assert!(
            matches!(done.stopped, Some(Error::Refused { message, .. }) if message.contains("of the organization itself"))
        );
    }

    #[test]
    fn an_answer_that_says_nothing_is_a_fault() {
        assert!(
            read(&json!({ "version": 2, "ok": false, "results": [], "error": null }))
                .unwrap()
                .stopped
                .is_some()
        );
        assert!(answered("test", b"<html>").is_err());
    }
}
