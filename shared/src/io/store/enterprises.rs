//! Resellers, enterprises, tenant bindings, and the memory of creating requests.

use super::keys::Key;
use super::{Outcome, Store, keys, text};
use crate::domain::brand::Brand;
use crate::domain::email::EmailAddress;
use crate::domain::enterprise::{Enterprise, Service, Settings};
use crate::domain::global_admin::{GlobalAdmin, Identity};
use crate::domain::group_filter::GroupFilter;
use crate::domain::ids::{EnterpriseId, InvitationId, ResellerId, TenantId};
use crate::domain::invitation::Invitation;
use crate::domain::once::Once;
use crate::domain::reseller::Reseller;
use crate::domain::setup::Setup;
use crate::error::{Error, Result};
use crate::io::vault::sha256;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use url::Url;

/// How long a creating request is remembered.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

#[derive(Serialize, Deserialize)]
struct ResellerItem {
    id: ResellerId,
    name: String,
    version: u64,
    product_name: String,
    policy_prefix: String,
    voice_portal_name: String,
    voice_portal_url: Url,
    integration_portal_url: Url,
    account_contact: String,
    provider_contact: String,
    sender: Option<EmailAddress>,
    reply_to: Option<EmailAddress>,
}

#[derive(Serialize, Deserialize)]
struct EnterpriseItem {
    id: EnterpriseId,
    reseller: ResellerId,
    version: u64,
    created: Timestamp,
    name: String,
    user_limit: Option<u32>,
    pbx_music_on_hold: bool,
    access_sip_data: bool,
    request_management_consent: bool,
    sbc_regions: BTreeSet<String>,
    services: BTreeSet<Service>,
    pbx_types: BTreeSet<String>,
    time_zone: String,
    billing_reference: Option<String>,
    trial_end: Option<Date>,
    admin_email: EmailAddress,
    admin_name: Option<String>,
    admin_identity: Option<Identity>,
    setup: Setup,
    group_filter: GroupFilter,
    invitation: Option<InvitationId>,
}

#[derive(Serialize, Deserialize)]
struct Listed {
    enterprise: EnterpriseId,
}

#[derive(Serialize, Deserialize)]
struct Binding {
    enterprise: EnterpriseId,
    at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Answer {
    request: String,
    resource: String,
}

impl Store {
    /// Creates or replaces a reseller that was read at version `seen` (0: there was none).
    ///
    /// # Errors
    /// `Stale` if somebody was faster.
    pub async fn put_reseller(&self, reseller: &Reseller, seen: u64) -> Result<()> {
        let brand = reseller.brand.clone();
        let item = ResellerItem {
            id: reseller.id.clone(),
            name: reseller.name.clone(),
            version: reseller.version,
            product_name: brand.product_name,
            policy_prefix: brand.policy_prefix,
            voice_portal_name: brand.voice_portal_name,
            voice_portal_url: brand.voice_portal_url,
            integration_portal_url: brand.integration_portal_url,
            account_contact: brand.account_contact,
            provider_contact: brand.provider_contact,
            sender: brand.sender,
            reply_to: brand.reply_to,
        };
        let written = self
            .write(self.put(&keys::reseller(&reseller.id), &item)?.when_version(seen))
            .await?;
        if written {
            Ok(())
        } else {
            Err(Error::Stale("the reseller"))
        }
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
        let brand = Brand {
            product_name: item.product_name,
            policy_prefix: item.policy_prefix,
            voice_portal_name: item.voice_portal_name,
            voice_portal_url: item.voice_portal_url,
            integration_portal_url: item.integration_portal_url,
            account_contact: item.account_contact,
            provider_contact: item.provider_contact,
            sender: item.sender,
            reply_to: item.reply_to,
        };
        Ok(Reseller {
            id: item.id,
            name: item.name,
            brand,
            version: item.version,
        })
    }

    /// Creates an enterprise with its first invitation. The same request again gives the id of the first time.
    ///
    /// # Errors
    /// `KeyReused` when the key came with another request.
    pub async fn create_enterprise(
        &self,
        enterprise: &Enterprise,
        invitation: &Invitation,
        once: &Once,
        now: Timestamp,
    ) -> Result<EnterpriseId> {
        let listed = Listed {
            enterprise: enterprise.id.clone(),
        };
        let list_key = keys::reseller_enterprise(&enterprise.reseller, &enterprise.id);
        let mut writes = vec![
            self.put(&keys::enterprise(&enterprise.id), &item(enterprise))?
                .when_absent()
                .build()?,
            self.put(&list_key, &listed)?.build()?,
        ];
        writes.extend(self.invitation_writes(&enterprise.id, invitation)?);
        self.create_once(writes, once, enterprise.id.as_str(), now)
            .await?
            .parse()
            .map_err(|invalid| Error::upstream("read a remembered answer", invalid))
    }

    /// Makes `writes` together with the memory of the request; gives the id of what was created now or the first time.
    pub(super) async fn create_once(
        &self,
        mut writes: Vec<aws_sdk_dynamodb::types::TransactWriteItem>,
        once: &Once,
        resource: &str,
        now: Timestamp,
    ) -> Result<String> {
        let (key, request) = hashed(once);
        let answer = Answer {
            request: request.clone(),
            resource: resource.to_owned(),
        };
        let memory = self.put(&key, &answer)?.until(now + REMEMBERED);
        let memory = memory
            .when("attribute_not_exists(pk) OR expires <= :now")
            .with(":now", super::number(now.as_second()));
        writes.push(memory.build()?);
        let last = writes.len() - 1;
        match self.transact(writes).await? {
            Outcome::Written => Ok(resource.to_owned()),
            Outcome::Failed(conditions) if conditions.contains(&last) => {
                let known: Answer = self.get(&key).await?.ok_or(Error::Busy)?;
                if known.request == request {
                    Ok(known.resource)
                } else {
                    Err(Error::KeyReused)
                }
            }
            Outcome::Failed(_) => Err(Error::Busy),
        }
    }

    /// What a creating request gave the first time, if it was made before.
    ///
    /// # Errors
    /// `KeyReused` when the key came with another request.
    pub async fn answered(&self, once: &Once, now: Timestamp) -> Result<Option<String>> {
        let (key, request) = hashed(once);
        let known: Option<Answer> = self.get_unexpired(&key, now).await?;
        match known {
            Some(known) if known.request == request => Ok(Some(known.resource)),
            Some(_) => Err(Error::KeyReused),
            None => Ok(None),
        }
    }

    /// An enterprise.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn enterprise(&self, id: &EnterpriseId) -> Result<Enterprise> {
        let item: EnterpriseItem = self
            .get(&keys::enterprise(id))
            .await?
            .ok_or(Error::NotFound("enterprise"))?;
        Ok(item.into())
    }

    /// A page of a reseller's enterprises, oldest first, after the enterprise `after`.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn enterprises(
        &self,
        reseller: &ResellerId,
        after: Option<&EnterpriseId>,
        limit: u16,
    ) -> Result<(Vec<Enterprise>, Option<EnterpriseId>)> {
        let list = keys::reseller(reseller).pk;
        let after = after.map(|id| keys::reseller_enterprise(reseller, id).sk);
        let (listed, next) = self
            .page::<Listed>(&list, keys::ENTERPRISE, after, Some(i32::from(limit)), true)
            .await?;
        let read = listed.iter().map(|listed| self.enterprise(&listed.enterprise));
        let found = futures::future::try_join_all(read).await?;
        Ok((
            found,
            next.and_then(|_| listed.last().map(|last| last.enterprise.clone())),
        ))
    }

    /// Writes an enterprise that was read at version `seen`; its `version` is the new one.
    ///
    /// # Errors
    /// `Stale` if somebody was faster.
    pub async fn update_enterprise(&self, enterprise: &Enterprise, seen: u64) -> Result<()> {
        let item = item(enterprise);
        let write = self.put(&keys::enterprise(&enterprise.id), &item)?.when_version(seen);
        if self.write(write).await? {
            Ok(())
        } else {
            Err(Error::Stale("the enterprise"))
        }
    }

    /// Writes an enterprise together with the binding of its tenant, which no other enterprise may have, and the
    /// end of the invitation that led there.
    ///
    /// # Errors
    /// `Stale`, or `Conflict` where the tenant belongs to another enterprise.
    pub async fn bind_tenant(
        &self,
        enterprise: &Enterprise,
        seen: u64,
        tenant: &TenantId,
        at: Timestamp,
    ) -> Result<()> {
        let item = item(enterprise);
        let binding = Binding {
            enterprise: enterprise.id.clone(),
            at,
        };
        let mut writes = vec![
            self.put(&keys::enterprise(&enterprise.id), &item)?
                .when_version(seen)
                .build()?,
            self.put(&keys::tenant(tenant), &binding)?
                .when("attribute_not_exists(pk) OR enterprise = :enterprise")
                .with(":enterprise", text(enterprise.id.as_str()))
                .build()?,
        ];
        if let Some(invitation) = &enterprise.invitation {
            writes.push(self.accepted(&enterprise.id, invitation).build()?);
        }
        match self.transact(writes).await? {
            Outcome::Written => Ok(()),
            Outcome::Failed(conditions) if conditions.contains(&1) => {
                Err(Error::SignIn(crate::error::SignInRefused::TenantTaken))
            }
            Outcome::Failed(_) => Err(Error::Stale("the enterprise")),
        }
    }
}

/// Neither keys nor bodies of callers are kept, only hashes.
fn hashed(once: &Once) -> (Key, String) {
    (keys::idempotency(&sha256(once.key.as_bytes())), sha256(&once.request))
}

pub(super) fn item(enterprise: &Enterprise) -> impl Serialize + use<> {
    let enterprise = enterprise.clone();
    let Settings {
        name,
        user_limit,
        pbx_music_on_hold,
        access_sip_data,
        request_management_consent,
        sbc_regions,
        services,
        pbx_types,
        time_zone,
        billing_reference,
        trial_end,
    } = enterprise.settings;
    EnterpriseItem {
        id: enterprise.id,
        reseller: enterprise.reseller,
        version: enterprise.version,
        created: enterprise.created,
        name,
        user_limit,
        pbx_music_on_hold,
        access_sip_data,
        request_management_consent,
        sbc_regions,
        services,
        pbx_types,
        time_zone,
        billing_reference,
        trial_end,
        admin_email: enterprise.global_admin.email,
        admin_name: enterprise.global_admin.name,
        admin_identity: enterprise.global_admin.identity,
        setup: enterprise.setup,
        group_filter: enterprise.group_filter,
        invitation: enterprise.invitation,
    }
}

impl From<EnterpriseItem> for Enterprise {
    fn from(item: EnterpriseItem) -> Self {
        let settings = Settings {
            name: item.name,
            user_limit: item.user_limit,
            pbx_music_on_hold: item.pbx_music_on_hold,
            access_sip_data: item.access_sip_data,
            request_management_consent: item.request_management_consent,
            sbc_regions: item.sbc_regions,
            services: item.services,
            pbx_types: item.pbx_types,
            time_zone: item.time_zone,
            billing_reference: item.billing_reference,
            trial_end: item.trial_end,
        };
        Self {
            id: item.id,
            reseller: item.reseller,
            settings,
            global_admin: GlobalAdmin {
                email: item.admin_email,
                name: item.admin_name,
                identity: item.admin_identity,
            },
            setup: item.setup,
            group_filter: item.group_filter,
            invitation: item.invitation,
            created: item.created,
            version: item.version,
        }
    }
}
