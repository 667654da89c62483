//! Enterprises, their place in the reseller's list, tenant bindings, and the memory of creating requests.

use super::keys::Key;
use super::sync_status::StatusItem;
use super::{Attributes, Outcome, Store, keys, text};
use crate::domain::audit::Entry;
use crate::domain::email::EmailAddress;
use crate::domain::enterprise::{Enterprise, Service, Settings};
use crate::domain::global_admin::{GlobalAdmin, Identity};
use crate::domain::group_filter::GroupFilter;
use crate::domain::ids::{EnterpriseId, InvitationId, ResellerId, TenantId};
use crate::domain::invitation::{Invitation, InvitationState};
use crate::domain::letter::Outgoing;
use crate::domain::licence::trial_over;
use crate::domain::management::Management;
use crate::domain::once::Once;
use crate::domain::operators::Operators;
use crate::domain::permission::ReleaseLimit;
use crate::domain::schedule;
use crate::domain::setup::Setup;
use crate::domain::standing::{RETENTION, Standing};
use crate::domain::steps::Steps;
use crate::domain::sync_status::SyncStatus;
use crate::domain::sync_switch::SyncSwitch;
use crate::domain::unattended::Unattended;
use crate::error::{Error, Result};
use crate::io::vault::sha256;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How long a creating request is remembered.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

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
    admin_appointment: u64,
    standing: Standing,
    management: Management,
    steps: Steps,
    #[serde(default)]
    sync_switch: SyncSwitch,
    #[serde(default)]
    release_limit: ReleaseLimit,
    #[serde(default)]
    operators: Operators,
    #[serde(default)]
    unattended: Unattended,
    #[serde(default)]
    left_tenant: Option<TenantId>,
}

/// An enterprise in its reseller's list: what the list shows is written with the enterprise and with its status.
#[derive(Deserialize)]
struct ListItem {
    meta_part: Option<EnterpriseItem>,
    sync_part: Option<StatusItem>,
}

/// A row of a reseller's list.
#[derive(Debug)]
pub struct Listed {
    /// The enterprise.
    pub enterprise: Enterprise,
    /// Its sync status.
    pub sync: SyncStatus,
}

/// Which part of a list.
#[derive(Clone, Debug)]
pub struct ListPage {
    /// After which one.
    pub after: Option<EnterpriseId>,
    /// The most rows.
    pub limit: u16,
    /// The youngest first.
    pub newest_first: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Binding {
    pub(super) enterprise: EnterpriseId,
    pub(super) at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Answer {
    request: String,
    resource: String,
}

impl Store {
    /// Creates an enterprise with its first invitation. The same request again gives the id of the first time.
    ///
    /// # Errors
    /// `KeyReused` when the key came with another request.
    pub async fn create_enterprise(
        &self,
        enterprise: &Enterprise,
        invitation: &Invitation,
        mails: &[Outgoing],
        entry: &Entry,
        once: &Once,
        now: Timestamp,
    ) -> Result<EnterpriseId> {
        let mut writes = self.enterprise_writes(enterprise, 0)?;
        writes.push(self.audited(&enterprise.id, entry)?);
        writes.push(self.reseller_audited(&enterprise.reseller, entry)?);
        writes.extend(self.invitation_writes(&enterprise.id, invitation)?);
        for mail in mails {
            writes.push(self.queued(mail, now)?);
        }
        self.create_once(writes, once, enterprise.id.as_str(), now)
            .await?
            .parse()
            .map_err(|invalid| Error::upstream("read a remembered answer", invalid))
    }

    /// The writes of an enterprise that was read at version `seen` (0: there was none): itself, and its row in the
    /// reseller's list. The first one carries the condition.
    pub(super) fn enterprise_writes(&self, enterprise: &Enterprise, seen: u64) -> Result<Vec<TransactWriteItem>> {
        let item = item(enterprise);
        let listed = serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(&item)
            .map_err(|error| Error::upstream("encode an item", error))?;
        let mut itself = self.put(&keys::enterprise(&enterprise.id), &item)?.when_version(seen);
        let row = keys::reseller_enterprise(&enterprise.reseller, &enterprise.id);
        let mut row = match enterprise.standing {
            Standing::Removed { since } => self
                .update(&row, "SET meta_part = :meta, expires = :expires")
                .with(":expires", super::number((since + RETENTION).as_second())),
            Standing::Active | Standing::Disabled { .. } | Standing::Removing { .. } => {
                self.update(&row, "SET meta_part = :meta")
            }
        };
        row = row.with(":meta", listed);
        if let Some(last_day) = enterprise.settings.trial_end.filter(|_| !enterprise.standing.leaving()) {
            let over = trial_over(last_day, &schedule::zone(&enterprise.settings.time_zone)?);
            itself = itself
                .and(keys::PENDING_SHARD, Some(text(keys::trial_shard(&enterprise.id))))
                .and(keys::PENDING_SINCE, Some(text(over.to_string())));
        }
        if let Standing::Removed { since } = enterprise.standing {
            itself = itself.until(since + RETENTION);
        }
        Ok(vec![itself.build()?, row.build()?])
    }

    /// The write of an enterprise's sync status into its row of the list.
    pub(super) fn listed_status(&self, enterprise: &Enterprise, status: AttributeValue) -> Result<TransactWriteItem> {
        self.update(
            &keys::reseller_enterprise(&enterprise.reseller, &enterprise.id),
            "SET sync_part = :sync",
        )
        .with(":sync", status)
        .build()
    }

    /// Makes `writes` together with the memory of the request; gives the id of what was created now or the first time.
    pub(super) async fn create_once(
        &self,
        mut writes: Vec<aws_sdk_dynamodb::types::TransactWriteItem>,
        once: &Once,
        resource: &str,
        now: Timestamp,
    ) -> Result<String> {
        writes.push(self.remembered(once, resource, now)?);
        let last = writes.len() - 1;
        match self.transact(writes).await? {
            Outcome::Written => Ok(resource.to_owned()),
            Outcome::Failed(conditions) if conditions.contains(&last) => self.known(once).await,
            Outcome::Failed(_) => Err(Error::Busy),
        }
    }

    /// The write of a request's memory; its condition fails where the key was used before.
    pub(super) fn remembered(&self, once: &Once, resource: &str, now: Timestamp) -> Result<TransactWriteItem> {
        let (key, request) = hashed(once);
        let answer = Answer {
            request,
            resource: resource.to_owned(),
        };
        let memory = self.put(&key, &answer)?.until(now + REMEMBERED);
        memory
            .when("attribute_not_exists(pk) OR expires <= :now")
            .with(":now", super::number(now.as_second()))
            .build()
    }

    /// What the request gave that has used the key.
    pub(super) async fn known(&self, once: &Once) -> Result<String> {
        let (key, request) = hashed(once);
        let known: Answer = self.get(&key).await?.ok_or(Error::Busy)?;
        if known.request == request {
            Ok(known.resource)
        } else {
            Err(Error::KeyReused)
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

    /// A page of a reseller's enterprises that `wanted` lets through. Without a filter a page is one read of that many
    /// rows; with one it is a read of at most 1 MB, so that a page may hold fewer rows, or none, while there are more.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn enterprises(
        &self,
        reseller: &ResellerId,
        page: &ListPage,
        wanted: Option<&(dyn Fn(&Listed) -> bool + Send + Sync)>,
    ) -> Result<(Vec<Listed>, Option<EnterpriseId>)> {
        let list = keys::reseller(reseller).pk;
        let after = page.after.as_ref().map(|id| keys::reseller_enterprise(reseller, id).sk);
        let read = wanted.is_none().then_some(i32::from(page.limit));
        let (items, next) = self
            .page::<ListItem>(&list, keys::ENTERPRISE, after, read, !page.newest_first)
            .await?;
        let mut next = next;
        let mut found = Vec::new();
        for item in items {
            let Some(meta) = item.meta_part else { continue };
            let listed = Listed {
                enterprise: meta.into(),
                sync: item.sync_part.map(SyncStatus::from).unwrap_or_default(),
            };
            if wanted.is_some_and(|wanted| !wanted(&listed)) {
                continue;
            }
            if found.len() == usize::from(page.limit) {
                // There is at least this one more.
                next = found
                    .last()
                    .map(|last: &Listed| keys::reseller_enterprise(reseller, &last.enterprise.id).sk);
                break;
            }
            found.push(listed);
        }
        let next = next.and_then(|sk| sk.strip_prefix(keys::ENTERPRISE).and_then(|id| id.parse().ok()));
        Ok((found, next))
    }

    /// Writes an enterprise that was read at version `seen`; its `version` is the new one. The entry and the mails that
    /// the change leads to are written with it.
    ///
    /// # Errors
    /// `Stale` if somebody was faster.
    pub async fn update_enterprise(
        &self,
        enterprise: &Enterprise,
        seen: u64,
        entry: &Entry,
        mails: &[Outgoing],
    ) -> Result<()> {
        let mut writes = self.enterprise_writes(enterprise, seen)?;
        writes.push(self.audited(&enterprise.id, entry)?);
        for mail in mails {
            writes.push(self.queued(mail, entry.at)?);
        }
        match self.transact(writes).await? {
            Outcome::Written => Ok(()),
            Outcome::Failed(_) => Err(Error::Stale("the enterprise")),
        }
    }

    /// Writes an enterprise together with the binding of its tenant, which no other enterprise may have, and the
    /// end of the invitation that led there.
    ///
    /// # Errors
    /// `Stale`, or `TenantTaken` where the tenant belongs to another enterprise.
    pub async fn bind_tenant(
        &self,
        enterprise: &Enterprise,
        seen: u64,
        tenant: &TenantId,
        entry: &Entry,
    ) -> Result<()> {
        let binding = Binding {
            enterprise: enterprise.id.clone(),
            at: entry.at,
        };
        let mut writes = vec![
            self.put(&keys::tenant(tenant), &binding)?
                .when("attribute_not_exists(pk) OR enterprise = :enterprise")
                .with(":enterprise", text(enterprise.id.as_str()))
                .build()?,
        ];
        writes.extend(self.enterprise_writes(enterprise, seen)?);
        writes.push(self.audited(&enterprise.id, entry)?);
        if let Some(invitation) = &enterprise.invitation {
            let accepted = InvitationState::Accepted;
            writes.push(self.ended(&enterprise.id, invitation, accepted, entry.at).build()?);
        }
        match self.transact(writes).await? {
            Outcome::Written => Ok(()),
            Outcome::Failed(conditions) if conditions.contains(&0) => {
                Err(Error::SignIn(crate::error::SignInRefused::TenantTaken))
            }
            Outcome::Failed(_) => Err(Error::Stale("the enterprise")),
        }
    }

    /// Writes an enterprise that is removed, ends the link of its invitation, and frees its tenant for another one.
    ///
    /// # Errors
    /// `Stale` if somebody was faster.
    pub async fn remove_enterprise(
        &self,
        enterprise: &Enterprise,
        seen: u64,
        invitation: Option<&Invitation>,
        entry: &Entry,
        mails: &[Outgoing],
    ) -> Result<()> {
        let mut writes = self.enterprise_writes(enterprise, seen)?;
        writes.push(self.audited(&enterprise.id, entry)?);
        writes.push(self.reseller_audited(&enterprise.reseller, entry)?);
        for mail in mails {
            writes.push(self.queued(mail, entry.at)?);
        }
        if let Some(invitation) = invitation {
            writes.push(self.delete(&keys::link(&invitation.link_hash)).build()?);
        }
        if let Some(tenant) = enterprise.setup.tenant() {
            writes.push(
                self.delete(&keys::tenant(&tenant.id))
                    .when("attribute_not_exists(pk) OR enterprise = :enterprise")
                    .with(":enterprise", text(enterprise.id.as_str()))
                    .build()?,
            );
        }
        match self.transact(writes).await? {
            Outcome::Written => Ok(()),
            Outcome::Failed(_) => Err(Error::Stale("the enterprise")),
        }
    }

    /// Lets everything that is kept of a removed enterprise end at `until`, or earlier where it would have anyway;
    /// DynamoDB deletes it then. May be repeated.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn end_data(&self, enterprise: &EnterpriseId, until: Timestamp) -> Result<()> {
        let parts = (0..crate::domain::directory::PARTS).map(|part| keys::teams_partition(enterprise, part));
        let mut partitions: Vec<String> = parts.collect();
        partitions.extend([
            keys::enterprise_audit(enterprise),
            keys::enterprise_partition(enterprise),
        ]);
        while let Some(partition) = partitions.pop() {
            let mut after = None;
            loop {
                let (items, next) = self.raw_page(&partition, "", after, None, true).await?;
                let runs = items.iter().filter_map(|item| run_of(item)?.parse().ok());
                partitions.extend(runs.map(|run| keys::run_partition(enterprise, &run)));
                let ending = items.into_iter().filter(|item| !ends_by(item, until));
                let ending = ending.map(|mut item| {
                    item.insert(keys::EXPIRES.to_owned(), super::number(until.as_second()));
                    Self::put_item(item)
                });
                self.write_all(ending.collect::<Result<_>>()?).await?;
                match next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
        }
        Ok(())
    }

    /// The enterprises whose trial is over at `now`, of one shard.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn trials_over(&self, shard: u8, now: Timestamp) -> Result<Vec<EnterpriseId>> {
        let shard = keys::shard(shard).replacen("PENDING", "TRIAL", 1);
        let items = self.indexed(&shard, Some(&now.to_string())).await?;
        Ok(super::sync_status::enterprises_of(items))
    }
}

/// The id of the run that an item is about, where it is one.
fn run_of(item: &Attributes) -> Option<&str> {
    item.get(keys::SK)?.as_s().ok()?.strip_prefix(keys::RUN)
}

fn ends_by(item: &Attributes, until: Timestamp) -> bool {
    let expires = item.get(keys::EXPIRES).and_then(|at| at.as_n().ok()?.parse().ok());
    expires.is_some_and(|at: i64| at <= until.as_second())
}

/// Neither keys nor bodies of callers are kept, only hashes.
fn hashed(once: &Once) -> (Key, String) {
    (keys::idempotency(&sha256(once.key.as_bytes())), sha256(&once.request))
}

fn item(enterprise: &Enterprise) -> EnterpriseItem {
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
        admin_appointment: enterprise.global_admin.appointment,
        standing: enterprise.standing,
        management: enterprise.management,
        steps: enterprise.steps,
        sync_switch: enterprise.sync_switch,
        release_limit: enterprise.release_limit,
        operators: enterprise.operators,
        unattended: enterprise.unattended,
        left_tenant: enterprise.left_tenant,
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
                appointment: item.admin_appointment,
            },
            setup: item.setup,
            group_filter: item.group_filter,
            invitation: item.invitation,
            standing: item.standing,
            management: item.management,
            steps: item.steps,
            sync_switch: item.sync_switch,
            release_limit: item.release_limit,
            operators: item.operators,
            unattended: item.unattended,
            left_tenant: item.left_tenant,
            created: item.created,
            version: item.version,
        }
    }
}
