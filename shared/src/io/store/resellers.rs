//! Resellers, the provider's list of them, and their activation.

use super::{Outcome, Store, keys};
use crate::domain::accent::Accent;
use crate::domain::application::Application;
use crate::domain::audit::Entry;
use crate::domain::brand::Brand;
use crate::domain::email::EmailAddress;
use crate::domain::ids::{ClientId, ResellerId};
use crate::domain::letter::Outgoing;
use crate::domain::once::Once;
use crate::domain::reseller::{Activation, Reseller};
use crate::domain::task::TaskKind;
use crate::domain::visit::Link;
use crate::error::{Error, Result};
use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use url::Url;

#[derive(Clone, Serialize, Deserialize)]
struct ResellerItem {
    id: ResellerId,
    name: String,
    version: u64,
    owner: EmailAddress,
    activation: Activation,
    created: Timestamp,
    product_name: String,
    policy_prefix: String,
    voice_portal_name: String,
    voice_portal_url: Url,
    integration_portal_url: Url,
    account_contact: String,
    provider_contact: String,
    sender: Option<EmailAddress>,
    reply_to: Option<EmailAddress>,
    application: Option<ApplicationItem>,
    #[serde(default)]
    accent: Option<Accent>,
    #[serde(default)]
    logo_url: Option<Url>,
    return_origins: BTreeSet<String>,
    help_url: Option<Url>,
}

#[derive(Clone, Serialize, Deserialize)]
struct ApplicationItem {
    client_id: ClientId,
    name: String,
}

impl From<Reseller> for ResellerItem {
    fn from(reseller: Reseller) -> Self {
        let brand = reseller.brand;
        Self {
            id: reseller.id,
            name: reseller.name,
            version: reseller.version,
            owner: reseller.owner,
            activation: reseller.activation,
            created: reseller.created,
            product_name: brand.product_name,
            policy_prefix: brand.policy_prefix,
            voice_portal_name: brand.voice_portal_name,
            voice_portal_url: brand.voice_portal_url,
            integration_portal_url: brand.integration_portal_url,
            account_contact: brand.account_contact,
            provider_contact: brand.provider_contact,
            sender: brand.sender,
            reply_to: brand.reply_to,
            application: brand.application.map(|application| ApplicationItem {
                client_id: application.client_id,
                name: application.name,
            }),
            accent: brand.accent,
            logo_url: brand.logo_url,
            return_origins: reseller.return_origins,
            help_url: reseller.help_url,
        }
    }
}

impl From<ResellerItem> for Reseller {
    fn from(item: ResellerItem) -> Self {
        Self {
            id: item.id,
            name: item.name,
            owner: item.owner,
            activation: item.activation,
            brand: Brand {
                product_name: item.product_name,
                policy_prefix: item.policy_prefix,
                voice_portal_name: item.voice_portal_name,
                voice_portal_url: item.voice_portal_url,
                integration_portal_url: item.integration_portal_url,
                account_contact: item.account_contact,
                provider_contact: item.provider_contact,
                sender: item.sender,
                reply_to: item.reply_to,
                application: item.application.map(|application| Application {
                    client_id: application.client_id,
                    name: application.name,
                }),
                accent: item.accent,
                logo_url: item.logo_url,
            },
            return_origins: item.return_origins,
            help_url: item.help_url,
            created: item.created,
            version: item.version,
        }
    }
}

impl Store {
    /// Creates a reseller. The same request again gives the id of the first time.
    ///
    /// # Errors
    /// `KeyReused` when the key came with another request.
    pub async fn create_reseller(
        &self,
        reseller: &Reseller,
        mails: &[Outgoing],
        entry: &Entry,
        once: &Once,
        now: Timestamp,
    ) -> Result<ResellerId> {
        let writes = self.reseller_writes(reseller, 0, None, mails, entry)?;
        self.create_once(writes, once, reseller.id.as_str(), now)
            .await?
            .parse()
            .map_err(|invalid| Error::upstream("read a remembered answer", invalid))
    }

    /// Writes a reseller that was read as `before`; its `version` is the new one. A link to its activation that is no
    /// longer the newest dies with the same write.
    ///
    /// # Errors
    /// `Stale` if somebody was faster.
    pub async fn update_reseller(
        &self,
        reseller: &Reseller,
        before: &Reseller,
        mails: &[Outgoing],
        entry: &Entry,
    ) -> Result<()> {
        let writes = self.reseller_writes(reseller, before.version, Some(&before.activation), mails, entry)?;
        match self.transact(writes).await? {
            Outcome::Written => Ok(()),
            Outcome::Failed(_) => Err(Error::Stale("the reseller")),
        }
    }

    /// The same for a request that may be repeated: gives the end of the link that the request made when it came first.
    ///
    /// # Errors
    /// `KeyReused`, `Busy` if somebody was faster.
    pub async fn renew_activation(
        &self,
        reseller: &Reseller,
        before: &Reseller,
        until: Timestamp,
        mails: &[Outgoing],
        entry: &Entry,
        once: &Once,
    ) -> Result<Timestamp> {
        let writes = self.reseller_writes(reseller, before.version, Some(&before.activation), mails, entry)?;
        self.create_once(writes, once, &until.to_string(), entry.at)
            .await?
            .parse()
            .map_err(|error| Error::upstream("read a remembered answer", error))
    }

    fn reseller_writes(
        &self,
        reseller: &Reseller,
        seen: u64,
        before: Option<&Activation>,
        mails: &[Outgoing],
        entry: &Entry,
    ) -> Result<Vec<TransactWriteItem>> {
        let item = ResellerItem::from(reseller.clone());
        let mut writes = vec![
            self.put(&keys::reseller(&reseller.id), &item)?
                .when_version(seen)
                .build()?,
            self.put(&keys::listed_reseller(&reseller.id), &item)?.build()?,
            self.reseller_audited(&reseller.id, entry)?,
        ];
        if before != Some(&reseller.activation) {
            if let Some(Activation::Awaited { link_hash, .. }) = before {
                writes.push(self.delete(&keys::link(link_hash)).build()?);
            }
            if let Activation::Awaited { link_hash, until } = &reseller.activation {
                let to = Link::Activation {
                    reseller: reseller.id.clone(),
                };
                writes.push(self.link_write(link_hash, to, *until)?);
            }
            // Whether the mail before arrived does not matter any more.
            let undelivered = super::tasks::id_of(TaskKind::ActivationUndelivered, None, "");
            writes.push(self.task_closed(&reseller.id, &undelivered)?);
        }
        for mail in mails {
            writes.push(self.queued(mail, entry.at)?);
        }
        Ok(writes)
    }

    /// A reseller.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn reseller(&self, id: &ResellerId) -> Result<Reseller> {
        let item: ResellerItem = self
            .get(&keys::reseller(id))
            .await?
            .ok_or(Error::NotFound("reseller"))?;
        Ok(item.into())
    }

    /// A page of all resellers, oldest first, after the reseller `after`.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn resellers(
        &self,
        after: Option<&ResellerId>,
        limit: u16,
    ) -> Result<(Vec<Reseller>, Option<ResellerId>)> {
        let after = after.map(|id| keys::listed_reseller(id).sk);
        let (items, next) = self
            .page::<ResellerItem>(keys::RESELLERS, "RESELLER#", after, Some(i32::from(limit)), true)
            .await?;
        let next = next.and_then(|_| items.last().map(|item| item.id.clone()));
        Ok((items.into_iter().map(Reseller::from).collect(), next))
    }
}
