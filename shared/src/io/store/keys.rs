//! Every key of the table. Each begins with the enterprise, except the look-up kinds.

use crate::domain::ids::{
    AuditId, DeliveryId, EnterpriseId, EventId, InvitationId, MailId, PlanId, ResellerId, RunId, SuppressionId, TaskId,
    TeamsUserId, TenantId, WebhookId,
};
use crate::domain::letter::Whose;
use jiff::civil::Date;

/// Partition key attribute.
pub const PK: &str = "pk";
/// Sort key attribute.
pub const SK: &str = "sk";
/// TTL attribute: seconds since 1970. DynamoDB deletes late, so readers check it too.
pub const EXPIRES: &str = "expires";
/// Sparse index of what time has to bring about: reminders, mails that wait, trials that end.
pub const PENDING_INDEX: &str = "pending";
/// Its partition key: one of `PENDING_SHARDS` shards.
pub const PENDING_SHARD: &str = "pending_shard";
/// Its sort key: since when.
pub const PENDING_SINCE: &str = "pending_since";
/// Shards of the index; the daily sweep reads each.
pub const PENDING_SHARDS: u8 = 16;

/// A primary key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Partition.
    pub pk: String,
    /// Place in the partition.
    pub sk: String,
}

fn key(pk: impl Into<String>, sk: impl Into<String>) -> Key {
    Key {
        pk: pk.into(),
        sk: sk.into(),
    }
}

/// The partition of an enterprise.
#[must_use]
pub fn enterprise_partition(enterprise: &EnterpriseId) -> String {
    format!("ENTERPRISE#{enterprise}")
}

fn of(enterprise: &EnterpriseId, sk: impl Into<String>) -> Key {
    key(enterprise_partition(enterprise), sk)
}

/// Settings, set-up, Global Admin, group filter.
#[must_use]
pub fn enterprise(enterprise: &EnterpriseId) -> Key {
    of(enterprise, "META")
}

/// Sync status; also what the pending index shows.
#[must_use]
pub fn sync_status(enterprise: &EnterpriseId) -> Key {
    of(enterprise, "SYNC")
}

/// Sort-key prefix of invitations.
pub const INVITATION: &str = "INVITATION#";

/// One invitation.
#[must_use]
pub fn invitation(enterprise: &EnterpriseId, invitation: &InvitationId) -> Key {
    of(enterprise, format!("{INVITATION}{invitation}"))
}

/// Versions and counters of voice users and mappings.
#[must_use]
pub fn account(enterprise: &EnterpriseId) -> Key {
    of(enterprise, "ACCOUNT")
}

/// Sort-key prefix of voice users.
pub const VOICE: &str = "VOICE#";
/// Sort-key prefix of mappings.
pub const MAPPING: &str = "MAPPING#";
/// Sort-key prefix of what is ours in the tenant.
pub const OWNED: &str = "OWNED#";
/// Sort-key prefix of plans.
pub const PLAN: &str = "PLAN#";
/// Sort-key prefix of runs.
pub const RUN: &str = "RUN#";
/// Sort-key prefix of the directory's digests.
pub const MANIFEST: &str = "MANIFEST#";

/// Sort-key prefix of one set of packed voice users. No voice user's id begins with the second `#`.
#[must_use]
pub fn voice_set(set: &str) -> String {
    format!("{VOICE}#{set}#")
}

/// Voice users from an id on.
#[must_use]
pub fn voice_pack(enterprise: &EnterpriseId, set: &str, from: &str) -> Key {
    of(enterprise, format!("{}{from}", voice_set(set)))
}

/// Sort-key prefix of calling domains.
pub const DOMAIN: &str = "DOMAIN#";

/// One calling domain of the tenant.
#[must_use]
pub fn calling_domain(enterprise: &EnterpriseId, name: &str) -> Key {
    of(enterprise, format!("{DOMAIN}{name}"))
}

/// Sort-key prefix of what the last sync found wrong, by Teams user.
pub const TROUBLE: &str = "TROUBLE#";

/// What the last sync found wrong with one Teams user.
#[must_use]
pub fn trouble(enterprise: &EnterpriseId, user: &TeamsUserId) -> Key {
    of(enterprise, format!("{TROUBLE}{user}"))
}

/// One bundle of saved mappings.
#[must_use]
pub fn mapping(enterprise: &EnterpriseId, bundle: u8) -> Key {
    of(enterprise, format!("{MAPPING}{bundle:02x}"))
}

/// What is ours of one Teams user.
#[must_use]
pub fn owned(enterprise: &EnterpriseId, user: &TeamsUserId) -> Key {
    of(enterprise, format!("{OWNED}{user}"))
}

/// What we know of a tenant's own voice objects; another tenant has its own.
#[must_use]
pub fn tenant_objects(enterprise: &EnterpriseId, tenant: &TenantId) -> Key {
    of(enterprise, format!("OBJECTS#{tenant}"))
}

/// Sort-key prefix of what is ours in a tenant that the enterprise has left.
#[must_use]
pub fn left_tenant(tenant: &TenantId) -> String {
    format!("LEFT#{tenant}#")
}

/// What is ours of one user in a tenant that the enterprise has left.
#[must_use]
pub fn left_owned(enterprise: &EnterpriseId, tenant: &TenantId, user: &TeamsUserId) -> Key {
    of(enterprise, format!("{}{user}", left_tenant(tenant)))
}

/// Partition of one part of the Teams users; a partition of their own, so that large directories spread.
#[must_use]
pub fn teams_partition(enterprise: &EnterpriseId, part: u8) -> String {
    format!("ENTERPRISE#{enterprise}#TEAMS#{part:x}")
}

/// Sort-key prefix of Teams users who can be mapped.
pub const USER: &str = "USER#";
/// Sort-key prefix of users inside the filter who cannot be mapped.
pub const EXCLUDED: &str = "EXCLUDED#";
/// Sort-key prefix of users who left the filter, until they are purged.
pub const GONE: &str = "GONE#";
/// Sort-key prefix of users whose change is shown when the read has ended.
pub const NEXT: &str = "NEXT#";

/// A user of the directory: `prefix` is one of the four above.
#[must_use]
pub fn teams_user(enterprise: &EnterpriseId, part: u8, prefix: &str, user: &TeamsUserId) -> Key {
    key(teams_partition(enterprise, part), format!("{prefix}{user}"))
}

/// How the directory was read, and which manifest holds.
#[must_use]
pub fn directory(enterprise: &EnterpriseId) -> Key {
    of(enterprise, "DIRECTORY")
}

/// Sort-key prefix of one manifest.
#[must_use]
pub fn manifest(generation: u64) -> String {
    format!("{MANIFEST}{generation:012}#")
}

/// One piece of a manifest; those of later changes come last.
#[must_use]
pub fn manifest_piece(enterprise: &EnterpriseId, generation: u64, piece: &str) -> Key {
    of(enterprise, format!("{}{piece}", manifest(generation)))
}

/// The tenant's groups, as they were last read.
#[must_use]
pub fn groups(enterprise: &EnterpriseId) -> Key {
    of(enterprise, "GROUPS")
}

/// Sort-key prefix of the groups themselves.
pub const GROUPS_OF: &str = "GROUPS#";

/// Sort-key prefix of the groups of one reading.
#[must_use]
pub fn groups_of(reading: &str) -> String {
    format!("{GROUPS_OF}{reading}#")
}

/// One piece of the groups of one reading.
#[must_use]
pub fn group_piece(enterprise: &EnterpriseId, reading: &str, piece: usize) -> Key {
    of(enterprise, format!("{}{piece:03}", groups_of(reading)))
}

/// A stored plan.
#[must_use]
pub fn plan(enterprise: &EnterpriseId, plan: &PlanId) -> Key {
    of(enterprise, format!("{PLAN}{plan}"))
}

/// Who has approved a plan.
#[must_use]
pub fn approval(enterprise: &EnterpriseId, plan: &PlanId) -> Key {
    of(enterprise, format!("APPROVAL#{plan}"))
}

/// A run.
#[must_use]
pub fn run(enterprise: &EnterpriseId, run: &RunId) -> Key {
    of(enterprise, format!("{RUN}{run}"))
}

/// Partition of one run's steps and log lines.
#[must_use]
pub fn run_partition(enterprise: &EnterpriseId, run: &RunId) -> String {
    format!("ENTERPRISE#{enterprise}#RUN#{run}")
}

/// Sort-key prefix of a run's steps.
pub const STEP: &str = "STEP#";
/// Sort-key prefix of a run's log lines.
pub const LINE: &str = "LINE#";

/// One change of a run.
#[must_use]
pub fn step(enterprise: &EnterpriseId, run: &RunId, index: u32) -> Key {
    key(run_partition(enterprise, run), format!("{STEP}{index:06}"))
}

/// One log line of a run.
#[must_use]
pub fn line(enterprise: &EnterpriseId, run: &RunId, number: u32) -> Key {
    key(run_partition(enterprise, run), format!("{LINE}{number:08}"))
}

/// The plan that a run executes, once it is made.
#[must_use]
pub fn run_plan(enterprise: &EnterpriseId, run: &RunId) -> Key {
    key(run_partition(enterprise, run), "PLAN")
}

/// How far the steps of a run are, and what they share.
#[must_use]
pub fn run_progress(enterprise: &EnterpriseId, run: &RunId) -> Key {
    key(run_partition(enterprise, run), "PROGRESS")
}

/// The pace of calls to Teams' administration in one tenant.
#[must_use]
pub fn tenant_pace(tenant: &TenantId) -> Key {
    key(format!("PACE#{tenant}"), "PACE")
}

/// One of the shares of the pace over all tenants.
#[must_use]
pub fn common_pace(share: u8) -> Key {
    key(format!("PACE#COMMON#{share:02}"), "PACE")
}

/// The sealed tokens of a run.
#[must_use]
pub fn sealed(enterprise: &EnterpriseId, run: &RunId) -> Key {
    key(run_partition(enterprise, run), "SEALED")
}

/// The lease: who may write for this enterprise now.
#[must_use]
pub fn lease(enterprise: &EnterpriseId) -> Key {
    of(enterprise, "LEASE")
}

/// Sort-key prefix of the notes of local days.
pub const REMINDED: &str = "REMINDED#";

/// The note of one local day's reminder.
#[must_use]
pub fn reminded(enterprise: &EnterpriseId, day: Date) -> Key {
    of(enterprise, format!("{REMINDED}{day}"))
}

/// What the next reminder follows from.
#[must_use]
pub fn reminder_ledger(enterprise: &EnterpriseId) -> Key {
    of(enterprise, "REMINDERS")
}

/// The offer of an enterprise's reminders to somebody.
#[must_use]
pub fn duty_offer(enterprise: &EnterpriseId) -> Key {
    of(enterprise, "DUTY")
}

/// When a reseller's digest is sent, and which was the last.
#[must_use]
pub fn digest(reseller: &ResellerId) -> Key {
    key(format!("RESELLER#{reseller}"), "DIGEST")
}

/// Sort-key prefix of audit entries.
pub const AUDIT: &str = "AUDIT#";

/// How the partition of every audit trail ends.
pub const TRAIL: &str = "#AUDIT";

/// Partition of an enterprise's audit trail.
#[must_use]
pub fn enterprise_audit(enterprise: &EnterpriseId) -> String {
    format!("ENTERPRISE#{enterprise}#AUDIT")
}

/// Partition of a reseller's audit trail.
#[must_use]
pub fn reseller_audit(reseller: &ResellerId) -> String {
    format!("RESELLER#{reseller}#AUDIT")
}

/// One audit entry in a trail.
#[must_use]
pub fn audit(trail: &str, entry: &AuditId) -> Key {
    key(trail, format!("{AUDIT}{entry}"))
}

/// The newest entry of a trail, after which the next one comes.
#[must_use]
pub fn last_audit(trail: &str) -> Key {
    key(trail, "LAST")
}

/// Partition of a reseller's feed.
#[must_use]
pub fn feed(reseller: &ResellerId) -> String {
    format!("RESELLER#{reseller}#FEED")
}

/// Sort-key prefix of a feed's events.
pub const EVENT: &str = "EVENT#";

/// One event of a feed.
#[must_use]
pub fn event(reseller: &ResellerId, event: &EventId) -> Key {
    key(feed(reseller), format!("{EVENT}{event}"))
}

/// The newest event of a feed, after which the next one comes.
#[must_use]
pub fn feed_head(reseller: &ResellerId) -> Key {
    key(feed(reseller), "HEAD")
}

/// Up to where a trail is taken into a feed.
#[must_use]
pub fn taken(reseller: &ResellerId, trail: &str) -> Key {
    key(feed(reseller), format!("TAKEN#{trail}"))
}

/// When there is something to send to a reseller's webhooks.
#[must_use]
pub fn feed_due(reseller: &ResellerId) -> Key {
    key(feed(reseller), "DUE")
}

/// Sort-key prefix of a reseller's webhooks.
pub const WEBHOOK: &str = "WEBHOOK#";

/// One webhook.
#[must_use]
pub fn webhook(reseller: &ResellerId, webhook: &WebhookId) -> Key {
    key(format!("RESELLER#{reseller}"), format!("{WEBHOOK}{webhook}"))
}

/// How far a webhook has got.
#[must_use]
pub fn webhook_progress(reseller: &ResellerId, webhook: &WebhookId) -> Key {
    key(format!("RESELLER#{reseller}"), format!("PROGRESS#{webhook}"))
}

/// Sort-key prefix of tries.
pub const DELIVERY: &str = "DELIVERY#";

/// Partition of what was sent to one webhook.
#[must_use]
pub fn deliveries(reseller: &ResellerId, webhook: &WebhookId) -> String {
    format!("RESELLER#{reseller}#WEBHOOK#{webhook}")
}

/// One try to send an event.
#[must_use]
pub fn delivery(reseller: &ResellerId, webhook: &WebhookId, delivery: &DeliveryId) -> Key {
    key(deliveries(reseller, webhook), format!("{DELIVERY}{delivery}"))
}

/// Sort-key prefix of mails.
pub const MAIL: &str = "MAIL#";

/// Partition of the mails about an enterprise, or of a reseller's own.
#[must_use]
pub fn mail_partition(whose: &Whose) -> String {
    match whose {
        Whose::Enterprise(enterprise) => enterprise_partition(enterprise),
        Whose::Reseller(reseller) => reseller_partition(reseller),
    }
}

/// A mail that is to be sent, or was.
#[must_use]
pub fn mail(whose: &Whose, mail: &MailId) -> Key {
    key(mail_partition(whose), format!("{MAIL}{mail}"))
}

/// What may leave of all mail.
#[must_use]
pub fn sending() -> Key {
    key("SENDING", "SENDING")
}

/// What may leave of a reseller's mail.
#[must_use]
pub fn reseller_sending(reseller: &ResellerId) -> Key {
    key(reseller_partition(reseller), "SENDING")
}

/// Sort-key prefix of what became of a reseller's mails, by UTC day.
pub const MAIL_DAY: &str = "MAILDAY#";

/// One UTC day of a reseller's mails.
#[must_use]
pub fn mail_day(reseller: &ResellerId, day: Date) -> Key {
    key(reseller_partition(reseller), format!("{MAIL_DAY}{day}"))
}

/// One UTC day of the mails to an address, by its hash.
#[must_use]
pub fn recipient_day(hash: &str, day: Date) -> Key {
    key(format!("RECIPIENT#{hash}"), format!("DAY#{day}"))
}

/// A part of the pace of mails.
#[must_use]
pub fn mail_pace(share: u32) -> Key {
    key(format!("PACE#MAIL#{share:03}"), "PACE")
}

/// Sort-key prefix of addresses that get no more mail of a reseller.
pub const SUPPRESSED: &str = "SUPPRESSED#";

/// One such address.
#[must_use]
pub fn suppression(reseller: &ResellerId, suppression: &SuppressionId) -> Key {
    key(reseller_partition(reseller), format!("{SUPPRESSED}{suppression}"))
}

/// Sort-key prefix of a reseller's open tasks.
pub const TASK: &str = "TASK#";

/// One open task.
#[must_use]
pub fn task(reseller: &ResellerId, task: &TaskId) -> Key {
    key(reseller_partition(reseller), format!("{TASK}{task}"))
}

/// The partition of a reseller.
#[must_use]
pub fn reseller_partition(reseller: &ResellerId) -> String {
    format!("RESELLER#{reseller}")
}

/// Partition of the trail of what concerns all resellers.
pub const SERVICE_AUDIT: &str = "SERVICE#AUDIT";

/// Partition of the list of resellers.
pub const RESELLERS: &str = "RESELLERS";

/// One reseller in the provider's list.
#[must_use]
pub fn listed_reseller(reseller: &ResellerId) -> Key {
    key(RESELLERS, format!("RESELLER#{reseller}"))
}

/// A reseller.
#[must_use]
pub fn reseller(reseller: &ResellerId) -> Key {
    key(format!("RESELLER#{reseller}"), "META")
}

/// Sort-key prefix of a reseller's enterprises.
pub const ENTERPRISE: &str = "ENTERPRISE#";

/// One enterprise in its reseller's list.
#[must_use]
pub fn reseller_enterprise(reseller: &ResellerId, enterprise: &EnterpriseId) -> Key {
    key(format!("RESELLER#{reseller}"), format!("{ENTERPRISE}{enterprise}"))
}

/// Which enterprise a tenant is bound to.
#[must_use]
pub fn tenant(tenant: &TenantId) -> Key {
    key(format!("TENANT#{tenant}"), "BINDING")
}

/// Where a link leads, by the keyed hash of its token.
#[must_use]
pub fn link(hash: &str) -> Key {
    key(format!("LINK#{hash}"), "LINK")
}

/// The last sign-in of an enterprise that was begun and not answered.
#[must_use]
pub fn unanswered(enterprise: &EnterpriseId) -> Key {
    of(enterprise, "SIGNIN")
}

/// A sign-in under way, by the hash of its `state`.
#[must_use]
pub fn sign_in(hash: &str) -> Key {
    key(format!("SIGNIN#{hash}"), "STATE")
}

/// A browser between two pages of the set-up, by the hash of its cookie.
#[must_use]
pub fn session(hash: &str) -> Key {
    key(format!("SESSION#{hash}"), "SESSION")
}

/// The sealed token of a person at a browser between two pages.
#[must_use]
pub fn session_token(hash: &str) -> Key {
    key(format!("SESSION#{hash}"), "TOKEN")
}

/// The wrong codes of one client, by the keyed hash of its network.
#[must_use]
pub fn guesses(hash: &str) -> Key {
    key(format!("GUESSES#{hash}"), "COUNT")
}

/// A creating request that was answered, by the hash of caller and key.
#[must_use]
pub fn idempotency(hash: &str) -> Key {
    key(format!("IDEMPOTENCY#{hash}"), "ANSWER")
}

/// The index shard of an enterprise.
#[must_use]
pub fn pending_shard(enterprise: &EnterpriseId) -> String {
    shard(shard_of(enterprise.as_str()))
}

/// One of the shards, the same for the same text.
fn shard_of(text: &str) -> u8 {
    let sum = text
        .bytes()
        .fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    sum % PENDING_SHARDS
}

/// The index shard of a trail that a feed has not taken to its end.
#[must_use]
pub fn trail_shard(trail: &str) -> String {
    trail_shard_named(shard_of(trail))
}

/// The name of one shard of the same.
#[must_use]
pub fn trail_shard_named(number: u8) -> String {
    shard(number).replacen("PENDING", "FEED", 1)
}

/// The index shard of a reseller whose webhooks have something to be sent.
#[must_use]
pub fn due_shard(reseller: &ResellerId) -> String {
    due_shard_named(shard_of(reseller.as_str()))
}

/// The name of one shard of the same.
#[must_use]
pub fn due_shard_named(number: u8) -> String {
    shard(number).replacen("PENDING", "WEBHOOK", 1)
}

/// The index shard of the mails that wait of an enterprise or a reseller.
#[must_use]
pub fn mail_shard(whose: &Whose) -> String {
    shard(shard_of(&whose.to_string())).replacen("PENDING", "MAIL", 1)
}

/// The name of one shard of the same.
#[must_use]
pub fn mail_shard_named(number: u8) -> String {
    shard(number).replacen("PENDING", "MAIL", 1)
}

/// The index shard of the mails that somebody is handing over.
#[must_use]
pub fn handed_shard(whose: &Whose) -> String {
    shard(shard_of(&whose.to_string())).replacen("PENDING", "HANDED", 1)
}

/// The name of one shard of the same.
#[must_use]
pub fn handed_shard_named(number: u8) -> String {
    shard(number).replacen("PENDING", "HANDED", 1)
}

/// The index shard of an enterprise on trial.
#[must_use]
pub fn trial_shard(enterprise: &EnterpriseId) -> String {
    pending_shard(enterprise).replacen("PENDING", "TRIAL", 1)
}

/// The index shard of an enterprise's invitations that nobody has accepted.
#[must_use]
pub fn invited_shard(enterprise: &EnterpriseId) -> String {
    pending_shard(enterprise).replacen("PENDING", "INVITED", 1)
}

/// The index shard of an enterprise's calling domains that wait for a record in the DNS.
#[must_use]
pub fn domain_shard(enterprise: &EnterpriseId) -> String {
    pending_shard(enterprise).replacen("PENDING", "DOMAIN", 1)
}

/// The name of one shard of the same.
#[must_use]
pub fn domain_shard_named(number: u8) -> String {
    shard(number).replacen("PENDING", "DOMAIN", 1)
}

/// The name of one index shard.
#[must_use]
pub fn shard(number: u8) -> String {
    format!("PENDING#{number:02}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn keys_of_an_enterprise_begin_with_it() {
        let id = EnterpriseId::mint(Timestamp::UNIX_EPOCH, 7);
        let run = RunId::mint(Timestamp::UNIX_EPOCH, 8);
        let prefix = enterprise_partition(&id);
        for key in [
            enterprise(&id),
            sync_status(&id),
            account(&id),
            lease(&id),
            super::run(&id, &run),
            step(&id, &run, 3),
            sealed(&id, &run),
            calling_domain(&id, "a.sbc.example"),
        ] {
            assert!(key.pk.starts_with(&prefix), "{key:?}");
        }
    }
}
