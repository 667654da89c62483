//! `infra/configure-tenant/configure.ps1`: it parses, uses only what it may, and lets no token out.

use super::{Script, strange};
use crate::tidy::source::read;
use std::collections::BTreeSet;

const PATH: &str = "infra/configure-tenant/configure.ps1";

/// What PowerShell itself brings and the script may use; none of it writes anything outside the process.
const HARMLESS: [(&str, &[&str]); 4] = [
    ("Out-Null", &[]),
    ("Sort-Object", &[]),
    ("ConvertFrom-Json", &["AsHashtable", "Depth"]),
    ("ConvertTo-Json", &["InputObject", "Depth", "Compress"]),
];

fn script() -> Script {
    Script::parsed(&read(PATH))
}

fn functions(script: &Script) -> Vec<String> {
    let names = script.of_kind("function_name").into_iter();
    names.map(|name| script.of(name).to_owned()).collect()
}

#[test]
fn it_is_powershell() {
    assert_eq!(script().faults(), Vec::<String>::new());
}

#[test]
fn it_uses_only_what_it_may() {
    let script = script();
    let own = functions(&script);
    assert!(own.len() > 10, "{own:?}");
    let own: Vec<&str> = own.iter().map(String::as_str).chain(["Set-StrictMode"]).collect();
    let commands = script.commands();
    assert!(commands.len() > 40, "{commands:?}");
    let strange: Vec<String> = commands
        .iter()
        .filter_map(|command| strange(command, &own, &HARMLESS))
        .collect();
    assert_eq!(strange, Vec::<String>::new());
    let used: BTreeSet<&str> = commands.iter().map(|command| command.name.as_str()).collect();
    for users in ["CsPhoneNumberAssignment", "Grant-", "CsOnlineUser", "PSTNGateway"] {
        assert!(
            !used.iter().any(|name| name.contains(users)),
            "users are no matter of it: {users}"
        );
    }
    // Called through a variable or a text nothing could be held against the list.
    let hidden = commands
        .iter()
        .filter(|command| command.name.is_empty() || command.name.starts_with('$'));
    assert_eq!(hidden.count(), 0);
    let text = read(PATH);
    for never in [
        "Invoke-Expression",
        "iex ",
        "Start-Process",
        "Add-Type",
        "[Diagnostics.Process]",
        "[IO.File]",
        "$env:",
    ] {
        assert!(!text.contains(never), "{never}");
    }
}

#[test]
fn it_stops_at_what_is_wrong() {
    let text = read(PATH);
    assert!(text.contains("Set-StrictMode -Version 3.0") && text.contains("$ErrorActionPreference = 'Stop'"));
}

/// The tokens are in the request and nowhere else: they go to the sign-in, and are taken out of what is told.
#[test]
fn no_token_leaves_it() {
    let script = script();
    let mentions: Vec<(usize, String)> = script
        .text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains("graphToken") || line.contains("teamsToken"))
        .map(|(at, line)| (at, line.trim().to_owned()))
        .collect();
    let lines: Vec<&str> = mentions.iter().map(|(_, line)| line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "foreach ($field in @('graphToken', 'teamsToken')) {",
            "$session = Connect-MicrosoftTeams -AccessTokens @($request['graphToken'], $request['teamsToken'])",
        ]
    );
    // The whole request goes to nobody but the function that takes the tokens out.
    let commands = script.commands();
    let given: Vec<&str> = commands
        .iter()
        .filter(|command| command.text.contains("$request ") || command.text.ends_with("$request"))
        .map(|command| command.name.as_str())
        .collect();
    assert_eq!(given, ["Get-Shown"]);
    // Nothing but the answer is written, once.
    let writes: Vec<String> = script
        .of_kind("invokation_expression")
        .into_iter()
        .map(|node| script.of(node).to_owned())
        .filter(|call| call.contains("[Console]::") && !call.contains("[Console]::In"))
        .collect();
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert!(writes[0].contains("Out.Write(") && writes[0].contains("$answer"));
    let noisy = [
        "Write-",
        "Out-File",
        "Out-Host",
        "Set-Content",
        "Add-Content",
        "Start-Transcript",
        "Tee-Object",
    ];
    for command in &commands {
        assert!(
            !noisy.iter().any(|noise| command.name.starts_with(noise)),
            "{}",
            command.text
        );
    }
    assert!(
        !script.text.contains(" > ") && !script.text.contains(">>"),
        "nothing is sent to a file"
    );
    let error = script
        .text
        .lines()
        .find(|line| line.contains("$_.Exception.Message"))
        .unwrap();
    assert!(error.contains("Get-Shown"), "{error}");
}

/// One process for each invocation, tokens through a pipe only, and nothing of ours in its environment.
#[test]
fn the_runtime_keeps_tenants_apart() {
    let text = read("infra/configure-tenant/bootstrap");
    assert!(
        text.contains("printf '%s' \"$event\" |\n    env -i "),
        "the request goes through a pipe"
    );
    assert!(text.contains("home=\"$(mktemp -d)\"") && text.contains("rm -rf \"$home\""));
    let image = read("infra/configure-tenant/Dockerfile");
    assert!(image.contains("\nUSER 10001:10001\n"), "not as root");
    assert!(
        image.contains("ARG MODULE=") && image.contains("-Version \"[$env:MODULE]\""),
        "one version of the module"
    );
    assert!(!image.contains(":latest"));
}
