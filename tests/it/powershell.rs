//! PowerShell without PowerShell: the worker's script and the printable pack are read with a grammar. Whatever they say is
//! on a list of cmdlets and parameters, and the tokens stay where they belong.

mod pack;
mod script;
mod worker;

use tree_sitter::{Node, Parser, Tree};

/// A script with its tree.
struct Script {
    text: String,
    tree: Tree,
}

/// One command: its name, its parameters without the hyphen, and its text.
#[derive(Debug)]
struct Command {
    name: String,
    parameters: Vec<String>,
    text: String,
}

impl Script {
    fn parsed(text: &str) -> Self {
        let mut parser = Parser::new();
        let language = tree_sitter_powershell::LANGUAGE.into();
        parser.set_language(&language).expect("the grammar fits the parser");
        let tree = parser.parse(text, None).expect("a tree");
        let text = text.to_owned();
        Self { text, tree }
    }

    /// Places that are no PowerShell.
    fn faults(&self) -> Vec<String> {
        let faults = self
            .nodes()
            .into_iter()
            .filter(|node| node.is_error() || node.is_missing());
        faults
            .map(|node| format!("line {}: {}", node.start_position().row + 1, self.of(node)))
            .collect()
    }

    fn of(&self, node: Node<'_>) -> &str {
        &self.text[node.byte_range()]
    }

    /// Every node, parents first.
    fn nodes(&self) -> Vec<Node<'_>> {
        let (mut all, mut left) = (Vec::new(), vec![self.tree.root_node()]);
        while let Some(node) = left.pop() {
            all.push(node);
            let mut cursor = node.walk();
            let children: Vec<Node<'_>> = node.children(&mut cursor).collect();
            left.extend(children.into_iter().rev());
        }
        all
    }

    fn of_kind(&self, kind: &str) -> Vec<Node<'_>> {
        let mut nodes = self.nodes();
        nodes.retain(|node| node.kind() == kind);
        nodes
    }

    /// Every command of the script, in order.
    fn commands(&self) -> Vec<Command> {
        let command = |node: Node<'_>| {
            let name = node.child_by_field_name("command_name");
            let elements = node.child_by_field_name("command_elements");
            let mut parameters = Vec::new();
            if let Some(elements) = elements {
                let mut cursor = elements.walk();
                let named = elements
                    .children(&mut cursor)
                    .filter(|element| element.kind() == "command_parameter");
                parameters.extend(named.map(|element| self.of(element).trim_matches(['-', ':']).to_owned()));
            }
            Command {
                name: name.map_or_else(String::new, |name| self.of(name).to_owned()),
                parameters,
                text: self.of(node).to_owned(),
            }
        };
        self.of_kind("command").into_iter().map(command).collect()
    }
}

/// Microsoft's cmdlets that may be used, with the parameters that may be given. All that write are here.
const CMDLETS: [(&str, &[&str]); 23] = [
    ("Connect-MicrosoftTeams", &["AccessTokens"]),
    ("Disconnect-MicrosoftTeams", &["ErrorAction"]),
    ("Get-CsOnlinePstnUsage", &["Identity"]),
    ("Set-CsOnlinePstnUsage", &["Identity", "Usage"]),
    ("Get-CsOnlineVoiceRoute", &[]),
    ("New-CsOnlineVoiceRoute", ROUTE),
    ("Set-CsOnlineVoiceRoute", ROUTE),
    ("Remove-CsOnlineVoiceRoute", &["Identity"]),
    ("Get-CsOnlineVoiceRoutingPolicy", &[]),
    ("New-CsOnlineVoiceRoutingPolicy", &["Identity", "OnlinePstnUsages"]),
    ("Set-CsOnlineVoiceRoutingPolicy", &["Identity", "OnlinePstnUsages"]),
    ("Remove-CsOnlineVoiceRoutingPolicy", &["Identity"]),
    ("Get-CsTeamsCallingPolicy", &[]),
    ("New-CsTeamsCallingPolicy", CALLING),
    ("Set-CsTeamsCallingPolicy", CALLING),
    ("Remove-CsTeamsCallingPolicy", &["Identity"]),
    ("Set-CsPhoneNumberAssignment", NUMBER),
    ("Remove-CsPhoneNumberAssignment", NUMBER),
    ("Grant-CsOnlineVoiceRoutingPolicy", &["Identity", "PolicyName"]),
    ("Grant-CsTeamsCallingPolicy", &["Identity", "PolicyName"]),
    ("Get-CsOnlineUser", &["Identity"]),
    ("Format-List", &[]),
    ("Format-Table", &[]),
];
const ROUTE: &[&str] = &[
    "Identity",
    "NumberPattern",
    "OnlinePstnGatewayList",
    "OnlinePstnUsages",
    "Priority",
];
const CALLING: &[&str] = &[
    "Identity",
    "AllowPrivateCalling",
    "AllowVoicemail",
    "AllowCallForwardingToPhone",
    "AllowCallForwardingToUser",
    "MusicOnHoldEnabledType",
];
const NUMBER: &[&str] = &["Identity", "PhoneNumber", "PhoneNumberType"];

/// What is wrong with a command: not on a list, or with a parameter that is not.
fn strange(command: &Command, own: &[&str], harmless: &[(&str, &[&str])]) -> Option<String> {
    if own.contains(&command.name.as_str()) {
        return None;
    }
    let mut known = CMDLETS.iter().chain(harmless);
    let Some((_, allowed)) = known.find(|(name, _)| *name == command.name) else {
        return Some(format!("{} is on no list: {}", command.name, command.text));
    };
    let wrong = command
        .parameters
        .iter()
        .find(|parameter| !allowed.contains(&parameter.as_str()));
    wrong.map(|parameter| format!("{} has -{parameter}", command.name))
}

#[test]
fn the_grammar_sees_what_is_wrong() {
    for wrong in ["if ($a { }", "function { ", "'open"] {
        assert!(!Script::parsed(wrong).faults().is_empty(), "{wrong}");
    }
    let script = Script::parsed("Get-CsOnlineUser -Identity 'a' -Evil 1 | Out-Null\nRemove-Item /tmp");
    assert_eq!(script.faults(), Vec::<String>::new());
    let strange: Vec<_> = script
        .commands()
        .iter()
        .filter_map(|command| strange(command, &[], &[]))
        .collect();
    assert_eq!(strange.len(), 3, "{strange:?}");
}
