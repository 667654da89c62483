//! What a deployment would have created before the first request, and what it tells the functions.

use crate::aws::Aws;
use crate::world::Urls;
use serde_json::json;
use shared::config::LOCAL_WEBHOOKS;
use std::collections::BTreeMap;
use std::io;

pub const REGION: &str = "eu-west-1";
pub const ACCOUNT: &str = "000000000000";
pub const TABLE: &str = "dialbridge";
pub const SCHEDULE_GROUP: &str = "reminders";
pub const SCHEDULE_ROLE_ARN: &str = "arn:aws:iam::000000000000:role/dialbridge-reminders";
pub const STATE_MACHINE: &str = "dialbridge-sync";
pub const TOKEN_KEY: &str = "dialbridge-tokens";
pub const SECRET: &str = "dialbridge";
pub const CONFIGURATION_SET: &str = "dialbridge";
pub const MAIL_FROM: &str = "calls@dialbridge.example";
/// Mails a second; nobody wants to wait for a mailbox on the same machine.
pub const MAIL_RATE: u32 = 1_000;
/// The function that the rule for SES's events starts.
pub const MAIL_EVENTS: &str = "mail-events";
/// The function that sends events to webhooks.
pub const WEBHOOKS: &str = "webhooks";
/// The function that stands for the PowerShell worker.
pub const CONFIGURE_TENANT: &str = "configure-tenant";
/// Our application in the simulated Entra.
pub const ENTRA_CLIENT_ID: &str = "5d1a1b6d-0c0f-4d5b-9f43-1c2b7a6e9d10";
/// The name that it is registered under.
pub const ENTRA_APPLICATION: &str = "Dialbridge";
/// Good for nothing but the simulation; fixed, so that a table in a file outlives the process.
pub const ENTRA_CLIENT_SECRET: &str = "local-client-secret";
/// An application of a reseller's own brand in the simulated Entra, with a name of its own.
pub const BRAND_CLIENT_ID: &str = "8c2e7f04-41d6-4b7a-a3b5-6d0f92c1e873";
pub const BRAND_CLIENT_SECRET: &str = "local-brand-secret";
pub const BRAND_APPLICATION: &str = "Northwind Calling for Teams";
/// The application that syncs unattended, in the simulated Entra.
pub const UNATTENDED_CLIENT_ID: &str = "b3f0c7d2-95e4-4a1b-8d26-7c1e0f4a5b92";
pub const UNATTENDED_CLIENT_SECRET: &str = "local-unattended-secret";
pub const UNATTENDED_APPLICATION: &str = "Dialbridge Unattended";
/// What the keyed hashes of codes and links are made with.
pub const CODE_KEY: &str = "local-code-key";
/// SBC regions with their base domains.
pub const SBC_REGIONS: [(&str, [&str; 2]); 2] = [
    ("Europe", ["sbc1.eu.voice.example", "sbc2.eu.voice.example"]),
    ("North America", ["sbc1.na.voice.example", "sbc2.na.voice.example"]),
];
/// PBX types on offer.
pub const PBX_TYPES: [&str; 2] = ["NetSapiens", "Ringlogix"];

/// The definition that is deployed, read by the interpreter here.
const SYNC_DEFINITION: &str = include_str!("../../../sync.asl.json");

/// The ARN of a function by its name.
#[must_use]
pub fn function_arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")
}

#[must_use]
pub fn state_machine_arn() -> String {
    format!("arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{STATE_MACHINE}")
}

/// Schedule group, key, secret, configuration set and state machine; the table has its own place.
pub(super) fn create(aws: &Aws) -> io::Result<()> {
    aws.scheduler.create_group(SCHEDULE_GROUP);
    aws.kms.create_key(TOKEN_KEY);
    aws.secrets.put(
        SECRET,
        &json!({
            "entraClientSecret": ENTRA_CLIENT_SECRET,
            "codeKey": CODE_KEY,
            "applications": {
                BRAND_CLIENT_ID: BRAND_CLIENT_SECRET,
                UNATTENDED_CLIENT_ID: UNATTENDED_CLIENT_SECRET,
            },
        })
        .to_string(),
    );
    aws.mailbox.create_configuration_set(CONFIGURATION_SET);
    let worker = ("SyncRunFunctionArn".to_owned(), function_arn("sync-run"));
    let created = aws
        .state_machine
        .create(STATE_MACHINE, SYNC_DEFINITION, &[worker].into());
    created.map(drop).map_err(io::Error::other)
}

/// The deployment's own schedules: what looks for events and for mails that wait, and the daily sweep. The first two come every
/// few minutes in a deployment; here a day that is skipped has fewer.
pub(super) fn keep_schedules(aws: &Aws) -> io::Result<()> {
    let of_the_day = json!({ "sweep": true, "spread": true, "scheduled": "<aws.scheduler.scheduled-time>" });
    for (name, expression, function, input) in [
        ("events", "rate(15 minutes)", WEBHOOKS, json!({ "look": true })),
        ("outbox", "rate(1 hour)", "reminder", json!({ "outbox": true })),
        ("sweep", "cron(30 2 * * ? *)", "reminder", of_the_day),
    ] {
        let schedule = json!({
            "ScheduleExpression": expression,
            "FlexibleTimeWindow": { "Mode": "OFF" },
            "Target": { "Arn": function_arn(function), "RoleArn": SCHEDULE_ROLE_ARN, "Input": input.to_string() },
        });
        aws.scheduler.keep(name, &schedule).map_err(io::Error::other)?;
    }
    Ok(())
}

pub(super) fn environment(urls: &Urls) -> BTreeMap<String, String> {
    let regions: BTreeMap<&str, [&str; 2]> = SBC_REGIONS.into();
    let aws = urls.aws.as_str().trim_end_matches('/');
    let all = [
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        (
            "AWS_ENDPOINT_URL_DYNAMODB",
            urls.dynamodb.as_str().trim_end_matches('/').to_owned(),
        ),
        ("AWS_ENDPOINT_URL_SESV2", aws.to_owned()),
        ("AWS_ENDPOINT_URL_SCHEDULER", aws.to_owned()),
        ("AWS_ENDPOINT_URL_KMS", aws.to_owned()),
        ("AWS_ENDPOINT_URL_SFN", aws.to_owned()),
        ("AWS_ENDPOINT_URL_LAMBDA", aws.to_owned()),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws.to_owned()),
        ("TABLE_NAME", TABLE.to_owned()),
        ("SCHEDULE_GROUP", SCHEDULE_GROUP.to_owned()),
        ("SCHEDULE_ROLE_ARN", SCHEDULE_ROLE_ARN.to_owned()),
        ("REMINDER_FUNCTION_ARN", function_arn("reminder")),
        ("STATE_MACHINE_ARN", state_machine_arn()),
        ("WEBHOOKS_FUNCTION_ARN", function_arn(WEBHOOKS)),
        (LOCAL_WEBHOOKS, "allowed".to_owned()),
        ("TOKEN_KEY_ID", TOKEN_KEY.to_owned()),
        ("CONFIGURE_TENANT_FUNCTION", CONFIGURE_TENANT.to_owned()),
        ("MAIL_CONFIGURATION_SET", CONFIGURATION_SET.to_owned()),
        ("MAIL_FROM", MAIL_FROM.to_owned()),
        ("MAIL_RATE", MAIL_RATE.to_string()),
        ("PUBLIC_URL", urls.api.to_string()),
        ("PORTAL_URL", urls.portal.to_string()),
        ("SECRET_ID", SECRET.to_owned()),
        ("ENTRA_CLIENT_ID", ENTRA_CLIENT_ID.to_owned()),
        ("ENTRA_APPLICATION_NAME", ENTRA_APPLICATION.to_owned()),
        ("ENTRA_UNATTENDED_CLIENT_ID", UNATTENDED_CLIENT_ID.to_owned()),
        ("ENTRA_LOGIN_URL", urls.login.to_string()),
        ("GRAPH_URL", urls.graph.to_string()),
        ("SBC_REGIONS", json!(regions).to_string()),
        ("PBX_TYPES", json!(PBX_TYPES).to_string()),
    ];
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
