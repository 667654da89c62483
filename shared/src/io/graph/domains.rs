//! Domains of the tenant: adding one, its proof by DNS, taking it away.

use super::wire::Single;
use super::{Graph, Token};
use crate::domain::calling_domain::TxtRecord;
use crate::io::http::{Answer, Call};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// A domain of the tenant, verified or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantDomain {
    /// In lower case.
    pub name: String,
    /// The tenant has proven that it may use it.
    pub verified: bool,
    /// People of it sign in somewhere else; accounts in it cannot be made here.
    pub federated: bool,
}

/// How adding a domain ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewDomain {
    /// It is the tenant's.
    Added(TenantDomain),
    /// Another tenant has it; Microsoft's words.
    Elsewhere(String),
}

/// How asking for the proof ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    /// Microsoft has seen the record.
    Verified,
    /// It has not; Microsoft's words.
    NotSeen(String),
}

#[derive(Serialize)]
struct NewName<'a> {
    id: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTenantDomain {
    id: String,
    is_verified: Option<bool>,
    authentication_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRecord {
    record_type: Option<String>,
    label: Option<String>,
    ttl: Option<u32>,
    text: Option<String>,
}

#[derive(Deserialize)]
struct WireReference {}

impl From<WireTenantDomain> for TenantDomain {
    fn from(wire: WireTenantDomain) -> Self {
        let federated = wire.authentication_type.as_deref();
        Self {
            name: wire.id.to_lowercase(),
            verified: wire.is_verified.unwrap_or_default(),
            federated: federated.is_some_and(|kind| kind.eq_ignore_ascii_case("Federated")),
        }
    }
}

/// Microsoft's words where it refused with 400; anything else is passed on.
fn refusal(doing: &'static str, answer: &Answer) -> Result<String> {
    match answer.fault(doing) {
        Error::Refused {
            status: 400, message, ..
        } => Ok(message),
        fault => Err(fault),
    }
}

impl Graph {
    /// All domains of the tenant.
    ///
    /// # Errors
    /// Those of Microsoft; 403 without `Domain.ReadWrite.All`.
    pub async fn domains(&self, token: &Token) -> Result<Vec<TenantDomain>> {
        let url = self.url(&["domains"], &[]);
        let found: Vec<WireTenantDomain> = self.all("list the tenant's domains", token, url, &[]).await?;
        Ok(found.into_iter().map(TenantDomain::from).collect())
    }

    /// Adds a domain that is not among the tenant's. Where the answer is lost, `domains` tells whether it was added.
    ///
    /// # Errors
    /// Those of Microsoft.
    pub async fn create_domain(&self, token: &Token, name: &str) -> Result<NewDomain> {
        let doing = "add a calling domain to the tenant";
        let answer = self
            .http
            .ask(&self.post(doing, token, &["domains"], &NewName { id: name })?)
            .await?;
        if answer.status.is_success() {
            let added: Option<WireTenantDomain> = answer.json::<Single<_>>(doing)?.into_inner();
            let added = added.ok_or_else(|| Error::upstream(doing, "the answer holds no domain"))?;
            return Ok(NewDomain::Added(added.into()));
        }
        let elsewhere = ["DomainInUse", "Name.Conflict"].map(str::as_bytes);
        let says = |word: &&[u8]| answer.body.windows(word.len()).any(|part| part == *word);
        if elsewhere.iter().any(says) {
            return Ok(NewDomain::Elsewhere(refusal(doing, &answer)?));
        }
        Err(answer.fault(doing))
    }

    /// The TXT record by which a domain is proven.
    ///
    /// # Errors
    /// Those of Microsoft; `Upstream` where it names no such record.
    pub async fn domain_record(&self, token: &Token, name: &str) -> Result<TxtRecord> {
        let doing = "read the record that proves a calling domain";
        let url = self.url(&["domains", name, "verificationDnsRecords"], &[]);
        let records: Vec<WireRecord> = self.all(doing, token, url, &[]).await?;
        let is_text = |kind: Option<&str>| kind.is_some_and(|kind| kind.eq_ignore_ascii_case("Txt"));
        let found = records.into_iter().find_map(|record| {
            let value = record.text.filter(|_| is_text(record.record_type.as_deref()))?;
            Some(TxtRecord {
                name: record.label.unwrap_or_else(|| name.to_owned()),
                value,
                ttl: record.ttl.unwrap_or(3600),
            })
        });
        found.ok_or_else(|| Error::upstream(doing, "there is no TXT record among them"))
    }

    /// Has Microsoft look for the record.
    ///
    /// # Errors
    /// Those of Microsoft.
    pub async fn verify_domain(&self, token: &Token, name: &str) -> Result<Verification> {
        let doing = "have a calling domain verified";
        let url = self.url(&["domains", name, "verify"], &[]);
        let call = Call::post(doing, url, "application/json", Vec::new()).repeatable();
        let answer = self.http.ask(&token.put_on(call)).await?;
        if answer.status.is_success() {
            return Ok(Verification::Verified);
        }
        Ok(Verification::NotSeen(refusal(doing, &answer)?))
    }

    /// Whether people or groups still use a domain; false where the tenant does not have it.
    ///
    /// # Errors
    /// Those of Microsoft.
    pub async fn domain_in_use(&self, token: &Token, name: &str) -> Result<bool> {
        let url = self.url(&["domains", name, "domainNameReferences"], &[]);
        let found: Result<Vec<WireReference>> = self.all("see who uses a calling domain", token, url, &[]).await;
        match found {
            Err(Error::Refused { status: 404, .. }) => Ok(false),
            found => Ok(!found?.is_empty()),
        }
    }

    /// Takes a domain out of the tenant; one that is not there any more is no fault.
    ///
    /// # Errors
    /// Those of Microsoft; it refuses while somebody uses the domain.
    pub async fn delete_domain(&self, token: &Token, name: &str) -> Result<()> {
        let call = Call::delete("remove a calling domain", self.url(&["domains", name], &[]));
        match self.send(token.put_on(call)).await {
            Ok(_) | Err(Error::Refused { status: 404, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
