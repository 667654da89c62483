//! A plan as a PowerShell script that an administrator reads and runs, for organizations that give us no access (R134, R159).
//! The order is the plan's own. Whatever people have typed anywhere stands in single quotes or in a comment, and can leave
//! neither.

use crate::domain::calling_policy::PolicyType;
use crate::domain::change::Change;
use crate::domain::ids::{PlanId, TeamsUserId};
use crate::domain::tenant_object::{ObjectAction, ObjectChange, ObjectKind, ObjectSettings, TenantObject};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A plan, with the names that stand beside it.
#[derive(Clone, Copy, Debug)]
pub struct Pack<'a> {
    /// The product.
    pub product: &'a str,
    /// The customer company.
    pub enterprise: &'a str,
    /// Which plan.
    pub plan: &'a PlanId,
    /// When it was made.
    pub made: Timestamp,
    /// What is done with the tenant's own objects.
    pub objects: &'a [ObjectChange],
    /// What is done for users.
    pub changes: &'a [Change],
    /// Names of the users.
    pub names: &'a BTreeMap<TeamsUserId, String>,
}

/// The script. Lines end in a line feed.
#[must_use]
pub fn powershell(pack: &Pack<'_>) -> String {
    let mut script = vec![
        "#Requires -Modules MicrosoftTeams".to_owned(),
        String::new(),
        comment(&format!("{}: Teams calling for {}", pack.product, pack.enterprise)),
        comment(&format!("Plan {}, made {}.", pack.plan, pack.made)),
        comment(
            "For a Teams Administrator or a Global Administrator. Read it first; then run it in PowerShell 7, whole or",
        ),
        comment(
            "line by line. It stops at the first error. When that is mended it can be run again: objects that are there",
        ),
        comment("already are reported as existing, and their lines can be left out."),
        comment(
            "The calling domains that the voice route names have to be verified and active in the organization first.",
        ),
        String::new(),
        "$ErrorActionPreference = 'Stop'".to_owned(),
        "Connect-MicrosoftTeams | Out-Null".to_owned(),
    ];
    let (puts, gone): (Vec<&ObjectChange>, Vec<&ObjectChange>) = pack.objects.iter().partition(|change| change.puts());
    section(
        &mut script,
        "The organization's own voice objects",
        puts.iter().flat_map(|change| put(change)),
    );
    section(
        &mut script,
        "Users",
        pack.changes.iter().flat_map(|change| user(change, pack.names)),
    );
    section(
        &mut script,
        "What nobody needs any more",
        gone.iter().flat_map(|change| take_away(change)),
    );
    section(&mut script, "How it is now", look(&puts, &gone, pack.changes));
    script.push(String::new());
    script.push("Disconnect-MicrosoftTeams".to_owned());
    script.push(String::new());
    script.join("\n")
}

fn section(script: &mut Vec<String>, title: &str, lines: impl IntoIterator<Item = String>) {
    let mut lines = lines.into_iter().peekable();
    if lines.peek().is_some() {
        script.push(String::new());
        script.push(comment(&format!("== {title} ==")));
        script.extend(lines);
    }
}

/// One object, with what it was and becomes in words.
fn put(change: &ObjectChange) -> Vec<String> {
    let mut lines = vec![comment(&change.to_string())];
    lines.extend(change.was.iter().map(|was| comment(&format!("  was: {was}"))));
    lines.extend(
        change
            .becomes
            .iter()
            .map(|becomes| comment(&format!("  becomes: {becomes}"))),
    );
    match &change.object {
        Some(object) => lines.push(made(object, change.action == ObjectAction::Create)),
        None => lines.push(comment("  (in the Microsoft 365 admin center, under Domains)")),
    }
    lines
}

fn made(TenantObject { name, settings }: &TenantObject, new: bool) -> String {
    let (verb, name) = (if new { "New" } else { "Set" }, quoted(name));
    // A list in place of another has to be called one.
    let list = |names: &[String]| {
        let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        let names = format!("@({})", names.join(", "));
        if new {
            names
        } else {
            format!("@{{ Replace = {names} }}")
        }
    };
    match settings {
        ObjectSettings::PstnUsage {} => format!("Set-CsOnlinePstnUsage -Identity Global -Usage @{{ Add = {name} }}"),
        ObjectSettings::VoiceRoute {
            number_pattern,
            gateways,
            pstn_usages,
            priority,
        } => {
            let priority = priority.map(|priority| format!(" -Priority {priority}"));
            format!(
                "{verb}-CsOnlineVoiceRoute -Identity {name} -NumberPattern {} -OnlinePstnGatewayList {} -OnlinePstnUsages {}{}",
                quoted(number_pattern),
                list(gateways),
                list(pstn_usages),
                priority.unwrap_or_default()
            )
        }
        ObjectSettings::VoiceRoutingPolicy { pstn_usages } => format!(
            "{verb}-CsOnlineVoiceRoutingPolicy -Identity {name} -OnlinePstnUsages {}",
            list(pstn_usages)
        ),
        ObjectSettings::CallingPolicy {
            allow_private_calling,
            allow_voicemail,
            allow_call_forwarding_to_phone,
            allow_call_forwarding_to_user,
            music_on_hold_enabled_type,
        } => format!(
            "{verb}-CsTeamsCallingPolicy -Identity {name} -AllowPrivateCalling {} -AllowVoicemail {} -AllowCallForwardingToPhone {} -AllowCallForwardingToUser {} -MusicOnHoldEnabledType {}",
            truth(*allow_private_calling),
            quoted(allow_voicemail),
            truth(*allow_call_forwarding_to_phone),
            truth(*allow_call_forwarding_to_user),
            quoted(music_on_hold_enabled_type),
        ),
    }
}

fn take_away(change: &ObjectChange) -> Vec<String> {
    let name = quoted(&change.name);
    let command = match change.kind {
        ObjectKind::CallingDomain => comment("  (in the Microsoft 365 admin center, under Domains)"),
        ObjectKind::PstnUsage => format!("Set-CsOnlinePstnUsage -Identity Global -Usage @{{ Remove = {name} }}"),
        ObjectKind::VoiceRoute => format!("Remove-CsOnlineVoiceRoute -Identity {name}"),
        ObjectKind::VoiceRoutingPolicy => format!("Remove-CsOnlineVoiceRoutingPolicy -Identity {name}"),
        ObjectKind::CallingPolicy => format!("Remove-CsTeamsCallingPolicy -Identity {name}"),
    };
    vec![comment(&change.to_string()), command]
}

/// One change of a user, below the user's name.
fn user(change: &Change, names: &BTreeMap<TeamsUserId, String>) -> Vec<String> {
    let who = change.user();
    let name = names.get(who).map_or(who.as_str(), String::as_str);
    let id = quoted(who.as_str());
    let (what, command) = match change {
        Change::Release { number, .. } => (
            format!("{number} is taken from {name}"),
            format!(
                "Remove-CsPhoneNumberAssignment -Identity {id} -PhoneNumber {} -PhoneNumberType DirectRouting",
                quoted(number.as_str())
            ),
        ),
        Change::Assign { number, .. } => (
            format!("{number} is given to {name}"),
            format!(
                "Set-CsPhoneNumberAssignment -Identity {id} -PhoneNumber {} -PhoneNumberType DirectRouting",
                quoted(number.as_str())
            ),
        ),
        Change::Adopt { number, .. } => return vec![comment(&format!("{name} has {number} already"))],
        Change::AdoptPolicy { name: policy, .. } => return vec![comment(&format!("{name} has {policy} already"))],
        Change::Revoke {
            policy_type,
            name: policy,
            ..
        } => (
            format!("{name} no longer has {policy}"),
            format!("{} -Identity {id} -PolicyName $null", grant(*policy_type)),
        ),
        Change::Grant {
            policy_type,
            name: policy,
            ..
        } => (
            format!("{name} gets {policy}"),
            format!("{} -Identity {id} -PolicyName {}", grant(*policy_type), quoted(policy)),
        ),
    };
    vec![comment(&what), command]
}

fn grant(policy_type: PolicyType) -> &'static str {
    match policy_type {
        PolicyType::OnlineVoiceRoutingPolicy => "Grant-CsOnlineVoiceRoutingPolicy",
        PolicyType::TeamsCallingPolicy => "Grant-CsTeamsCallingPolicy",
    }
}

/// Reads back everything that the script has touched.
fn look(puts: &[&ObjectChange], gone: &[&ObjectChange], changes: &[Change]) -> Vec<String> {
    let kinds: BTreeSet<ObjectKind> = puts.iter().chain(gone).map(|change| change.kind).collect();
    let lists = kinds.into_iter().filter_map(|kind| match kind {
        ObjectKind::CallingDomain => None,
        ObjectKind::PstnUsage => Some("Get-CsOnlinePstnUsage -Identity Global | Format-List Usage"),
        ObjectKind::VoiceRoute => {
            Some("Get-CsOnlineVoiceRoute | Format-List Identity, NumberPattern, OnlinePstnGatewayList, OnlinePstnUsages")
        }
        ObjectKind::VoiceRoutingPolicy => Some("Get-CsOnlineVoiceRoutingPolicy | Format-List Identity, OnlinePstnUsages"),
        ObjectKind::CallingPolicy => Some(
            "Get-CsTeamsCallingPolicy | Format-Table Identity, AllowPrivateCalling, AllowVoicemail, AllowCallForwardingToPhone, MusicOnHoldEnabledType",
        ),
    });
    let users: BTreeSet<&TeamsUserId> = changes.iter().map(Change::user).collect();
    let users = users.into_iter().map(|user| {
        format!(
            "Get-CsOnlineUser -Identity {} | Format-List DisplayName, LineUri, EnterpriseVoiceEnabled, OnlineVoiceRoutingPolicy, TeamsCallingPolicy",
            quoted(user.as_str())
        )
    });
    lists.map(str::to_owned).chain(users).collect()
}

fn truth(value: bool) -> &'static str {
    if value { "$true" } else { "$false" }
}

/// A text that PowerShell reads as it is. To PowerShell typographic quotes are single quotes too.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("'");
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        quoted.push(letter);
        if matches!(letter, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}') {
            quoted.push(letter);
        }
    }
    quoted.push('\'');
    quoted
}

/// A line that does nothing: whatever could end it is a space.
fn comment(text: &str) -> String {
    let breaks = |letter: char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}');
    let line: String = text
        .chars()
        .map(|letter| if breaks(letter) { ' ' } else { letter })
        .collect();
    format!("# {}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_does_not_end_the_text() {
        assert_eq!(quoted("O'Neil"), "'O''Neil'");
        assert_eq!(quoted("a\u{2019}; Remove-Item /"), "'a\u{2019}\u{2019}; Remove-Item /'");
        assert_eq!(quoted("a\n'b\0"), "'a''b'");
    }

    #[test]
    fn a_comment_stays_one_line() {
        assert_eq!(comment("Ann\r\nRemove-Item /\u{2028}x"), "# Ann  Remove-Item / x");
    }
}
