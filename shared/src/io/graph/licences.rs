//! What the tenant has bought, and the accounts that we make for a while and give a licence to (R147).

use super::wire::{Single, or_empty};
use super::{Graph, Token};
use crate::domain::ids::TeamsUserId;
use crate::domain::product::{Product, ProductPlan};
use crate::domain::secret::Secret;
use crate::io::http::Call;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// An account to make.
#[derive(Debug)]
pub struct NewAccount<'a> {
    /// Its user principal name; the part before the `@` is its nickname, too.
    pub sign_in_name: &'a str,
    /// What people see.
    pub display_name: &'a str,
    /// Two letters; Microsoft gives no licence without it.
    pub usage_location: &'a str,
    /// Nobody ever signs in with it.
    pub password: &'a Secret,
}

/// How giving a licence ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// The account has it.
    Licensed,
    /// No seat is free; Microsoft's words.
    NoSeat(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireProduct {
    sku_id: String,
    sku_part_number: Option<String>,
    applies_to: Option<String>,
    capability_status: Option<String>,
    consumed_units: Option<i64>,
    prepaid_units: Option<WireUnits>,
    #[serde(default, deserialize_with = "or_empty")]
    service_plans: Vec<WirePlan>,
}

#[derive(Default, Deserialize)]
struct WireUnits {
    enabled: Option<i64>,
    warning: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePlan {
    service_plan_id: String,
    service_plan_name: Option<String>,
}

#[derive(Deserialize)]
struct WireAccount {
    id: TeamsUserId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireNewAccount<'a> {
    account_enabled: bool,
    display_name: &'a str,
    mail_nickname: &'a str,
    user_principal_name: &'a str,
    usage_location: &'a str,
    password_profile: WirePassword<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WirePassword<'a> {
    force_change_password_next_sign_in: bool,
    password: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireLicences<'a> {
    add_licenses: Vec<WireLicence<'a>>,
    remove_licenses: Vec<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireLicence<'a> {
    sku_id: &'a str,
    disabled_plans: &'a [String],
}

impl From<WireProduct> for Product {
    fn from(wire: WireProduct) -> Self {
        let units = wire.prepaid_units.unwrap_or_default();
        let seats = units.enabled.unwrap_or_default() + units.warning.unwrap_or_default();
        let is = |text: &Option<String>, wanted: &[&str]| {
            let text = text.as_deref().unwrap_or_default();
            wanted.iter().any(|one| one.eq_ignore_ascii_case(text))
        };
        Self {
            usable: is(&wire.applies_to, &["User"]) && is(&wire.capability_status, &["Enabled", "Warning"]),
            name: wire.sku_part_number.unwrap_or_else(|| wire.sku_id.clone()),
            sku: wire.sku_id,
            seats: u64::try_from(seats).unwrap_or_default(),
            taken: u64::try_from(wire.consumed_units.unwrap_or_default()).unwrap_or_default(),
            plans: wire
                .service_plans
                .into_iter()
                .map(|plan| ProductPlan {
                    name: plan.service_plan_name.unwrap_or_default(),
                    id: plan.service_plan_id,
                })
                .collect(),
        }
    }
}

impl Graph {
    /// Everything that the tenant has bought.
    ///
    /// # Errors
    /// Those of Microsoft.
    pub async fn products(&self, token: &Token) -> Result<Vec<Product>> {
        let url = self.url(&["subscribedSkus"], &[]);
        let found: Vec<WireProduct> = self.all("read the tenant's licences", token, url, &[]).await?;
        Ok(found.into_iter().map(Product::from).collect())
    }

    /// The account with this user principal name, where there is one that Microsoft shows.
    ///
    /// # Errors
    /// Those of Microsoft.
    pub async fn account_named(&self, token: &Token, sign_in_name: &str) -> Result<Option<TeamsUserId>> {
        let doing = "look for an account of ours";
        let url = self.url(&["users", sign_in_name], &[("$select", "id")]);
        match self.get::<Single<WireAccount>>(doing, token, url).await {
            Ok(found) => Ok(found.into_inner().map(|account| account.id)),
            Err(Error::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes an account; none where another one has the name. Where the answer is lost, `account_named` finds it.
    ///
    /// # Errors
    /// Those of Microsoft.
    pub async fn create_account(&self, token: &Token, account: &NewAccount<'_>) -> Result<Option<TeamsUserId>> {
        let doing = "make an account that activates a calling domain";
        let nickname = account.sign_in_name.split('@').next().unwrap_or_default();
        let body = WireNewAccount {
            account_enabled: true,
            display_name: account.display_name,
            mail_nickname: nickname,
            user_principal_name: account.sign_in_name,
            usage_location: account.usage_location,
            password_profile: WirePassword {
                force_change_password_next_sign_in: true,
                password: account.password.expose(),
            },
        };
        match self.send(self.post(doing, token, &["users"], &body)?).await {
            Ok(answer) => {
                let made: Option<WireAccount> = answer.json::<Single<_>>(doing)?.into_inner();
                let made = made.ok_or_else(|| Error::upstream(doing, "the answer holds no account"))?;
                Ok(Some(made.id))
            }
            Err(Error::Refused {
                status: 400, message, ..
            }) if message.contains("userPrincipalName already exists") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives an account a licence of a product without some of its plans; giving it again does no harm.
    ///
    /// # Errors
    /// Those of Microsoft.
    pub async fn give_licence(
        &self,
        token: &Token,
        account: &TeamsUserId,
        sku: &str,
        without: &[String],
    ) -> Result<Given> {
        let body = WireLicences {
            add_licenses: vec![WireLicence {
                sku_id: sku,
                disabled_plans: without,
            }],
            remove_licenses: Vec::new(),
        };
        let doing = "give a licence for a while";
        let path = ["users", account.as_str(), "assignLicense"];
        match self.send(self.post(doing, token, &path, &body)?.repeatable()).await {
            Ok(_) => Ok(Given::Licensed),
            Err(Error::Refused {
                status: 400, message, ..
            }) if message.contains("does not have any available licenses") => Ok(Given::NoSeat(message)),
            Err(error) => Err(error),
        }
    }

    /// Takes the licence back; an account that is gone or has none is no fault.
    ///
    /// # Errors
    /// Those of Microsoft.
    pub async fn take_licence(&self, token: &Token, account: &TeamsUserId, sku: &str) -> Result<()> {
        let body = WireLicences {
            add_licenses: Vec::new(),
            remove_licenses: vec![sku],
        };
        let path = ["users", account.as_str(), "assignLicense"];
        let call = self.post("take a licence back", token, &path, &body)?.repeatable();
        match self.send(call).await {
            Ok(_) | Err(Error::Refused { status: 404, .. }) => Ok(()),
            Err(Error::Refused {
                status: 400, message, ..
            }) if message.contains("does not have a corresponding license") => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Deletes an account; one that is gone is no fault.
    ///
    /// # Errors
    /// Those of Microsoft.
    pub async fn delete_account(&self, token: &Token, account: &TeamsUserId) -> Result<()> {
        let doing = "delete an account that activated a calling domain";
        let call = Call::delete(doing, self.url(&["users", account.as_str()], &[]));
        match self.send(token.put_on(call)).await {
            Ok(_) | Err(Error::Refused { status: 404, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
