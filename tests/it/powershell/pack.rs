//! The printable pack parses whatever people are called, runs what the plan says and nothing else, and in its order.

use super::{Script, strange};
use crate::stories::scene::{Scene, options};
use jiff::Timestamp;
use proptest::prelude::*;
use shared::domain::brand::Brand;
use shared::domain::calling_policy::PolicyType;
use shared::domain::change::Change;
use shared::domain::ids::{PlanId, TeamsUserId};
use shared::domain::tenant_object::KnownObject;
use shared::plan::pack::{Pack, powershell};
use shared::plan::tenant;
use std::collections::BTreeMap;

const OUT: [(&str, &[&str]); 1] = [("Out-Null", &[])];

fn brand(prefix: &str) -> Brand {
    let url: url::Url = "https://a.example".parse().unwrap();
    Brand {
        product_name: "Calls".into(),
        policy_prefix: prefix.into(),
        voice_portal_name: "Portal".into(),
        voice_portal_url: url.clone(),
        integration_portal_url: url,
        account_contact: "a".into(),
        provider_contact: "b".into(),
        sender: None,
        reply_to: None,
        application: None,
        accent: None,
        logo_url: None,
    }
}

/// A script whose every text somebody may have typed; new objects, and those of another prefix that go.
fn script(text: &str) -> String {
    let wanted = tenant::wanted(&brand(text), vec![text.to_owned(), "b.example".into()]);
    let known: Vec<KnownObject> = tenant::wanted(&brand("Old"), vec![])
        .into_iter()
        .map(|object| KnownObject {
            object,
            ours: true,
            placed: true,
        })
        .collect();
    let objects = tenant::plan(&wanted, &known, &tenant::as_we_left_them(&known));
    let user: TeamsUserId = "2c0b6a1e-1111-4a11-9a11-0000000000a1".parse().unwrap();
    let number: shared::domain::phone::E164 = "+15550100123".parse().unwrap();
    let grant = |name: &str| Change::Revoke {
        user: user.clone(),
        policy_type: PolicyType::TeamsCallingPolicy,
        name: name.to_owned(),
        back: None,
    };
    let changes = [
        Change::Release {
            number: number.clone(),
            from: user.clone(),
        },
        Change::Assign {
            number,
            to: user.clone(),
            moved: false,
        },
        grant(text),
    ];
    powershell(&Pack {
        product: text,
        enterprise: text,
        plan: &PlanId::mint(Timestamp::UNIX_EPOCH, 1),
        made: Timestamp::UNIX_EPOCH,
        objects: &objects.changes,
        changes: &changes,
        names: &BTreeMap::from([(user, text.to_owned())]),
    })
}

#[test]
fn it_says_what_the_plan_says_in_its_order() {
    let text = script("Fresh");
    let script = Script::parsed(&text);
    assert_eq!(script.faults(), Vec::<String>::new());
    let commands = script.commands();
    let strange: Vec<String> = commands
        .iter()
        .filter_map(|command| strange(command, &[], &OUT))
        .collect();
    assert_eq!(strange, Vec::<String>::new());
    let names: Vec<&str> = commands.iter().map(|command| command.name.as_str()).collect();
    let writes = ["New-", "Set-", "Remove-", "Grant-"];
    let order: Vec<&str> = names
        .iter()
        .filter(|name| writes.iter().any(|verb| name.starts_with(verb)))
        .copied()
        .collect();
    assert_eq!(
        order[..3],
        [
            "Set-CsOnlinePstnUsage",
            "New-CsOnlineVoiceRoute",
            "New-CsOnlineVoiceRoutingPolicy"
        ]
    );
    assert_eq!(
        order[9..12],
        [
            "Remove-CsPhoneNumberAssignment",
            "Set-CsPhoneNumberAssignment",
            "Grant-CsTeamsCallingPolicy"
        ]
    );
    assert_eq!(
        order[order.len() - 3..],
        [
            "Remove-CsOnlineVoiceRoutingPolicy",
            "Remove-CsOnlineVoiceRoute",
            "Set-CsOnlinePstnUsage"
        ]
    );
    assert!(
        names[names.len() - 3..].contains(&"Get-CsOnlineUser"),
        "it ends with looking: {names:?}"
    );
    insta::assert_snapshot!(text);
}

proptest! {
    /// Whatever stands in a name, the commands are the same and do nothing more.
    #[test]
    fn hostile_names_stay_names(text in hostile()) {
        let plain = Script::parsed(&script("Fresh"));
        let script = Script::parsed(&script(&text));
        prop_assert_eq!(script.faults(), Vec::<String>::new());
        let names = |script: &Script| -> Vec<String> {
            script.commands().into_iter().map(|command| format!("{} {:?}", command.name, command.parameters)).collect()
        };
        prop_assert_eq!(names(&script), names(&plain));
    }
}

fn hostile() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("'; Remove-Item / #".to_owned()),
        Just("\u{2019}; Get-Process #".to_owned()),
        Just("\r\nGet-Process\n".to_owned()),
        Just("$(Get-Process)".to_owned()),
        Just("`'\"@'\n'@ <# #>".to_owned()),
        "\\PC{0,12}",
        any::<String>(),
    ];
    proptest::collection::vec(part, 1..4).prop_map(|parts| parts.concat())
}

#[tokio::test]
async fn r134_r159_a_plan_is_given_as_a_script() {
    let scene = Scene::mapped(options(60), 3, 2).await;
    let plan = scene.plan().await;
    let path = format!("/plans/{}/powershell", plan.text("/id"));
    let url = scene.service.world.urls.api.join(&scene.path(&path)).unwrap();
    let token = scene.token("account_admin");
    let answer = reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
    let text = answer.text().await.unwrap();
    let script = Script::parsed(&text);
    assert_eq!(script.faults(), Vec::<String>::new());
    let commands = script.commands();
    let count = |name: &str| commands.iter().filter(|command| command.name == name).count();
    assert_eq!(count("Set-CsPhoneNumberAssignment"), 2, "{text}");
    assert_eq!(
        (count("New-CsTeamsCallingPolicy"), count("New-CsOnlineVoiceRoute")),
        (6, 1),
        "{text}"
    );
    assert_eq!(
        (
            count("Grant-CsTeamsCallingPolicy"),
            count("Grant-CsOnlineVoiceRoutingPolicy")
        ),
        (2, 2)
    );
    assert!(text.contains("Northwind2Teams-Routing") && text.contains("+3227001000"));
    assert_eq!(
        scene
            .get("/plans/plan_00000000000000000000000000/powershell")
            .await
            .status,
        404
    );
}
