//! The worker's contract holds its own examples, and refuses what is none. That client and simulator keep to the same
//! examples is tested where they are.

use crate::tidy::source::{files, read};
use serde_json::{Value, json};

const EXAMPLES: &str = "infra/configure-tenant/examples/";

fn contract() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(&read("infra/configure-tenant/contract.schema.json")).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

fn examples() -> Vec<(String, Value)> {
    let all = files().into_iter().filter(|(path, _)| path.starts_with(EXAMPLES));
    all.map(|(path, text)| (path, serde_json::from_str(&text).unwrap()))
        .collect()
}

#[test]
fn every_example_is_valid() {
    let (contract, examples) = (contract(), examples());
    assert_eq!(examples.len(), 7);
    for (path, example) in examples {
        let errors: Vec<String> = contract.iter_errors(&example).map(|error| error.to_string()).collect();
        assert!(contract.is_valid(&example), "{path}: {errors:?}");
    }
}

#[test]
fn what_is_wrong_is_refused() {
    let contract = contract();
    let apply: Value = serde_json::from_str(&read(&format!("{EXAMPLES}apply.request.json"))).unwrap();
    let refused = |change: fn(&mut Value)| {
        let mut wrong = apply.clone();
        change(&mut wrong);
        assert_ne!(wrong, apply);
        assert!(!contract.is_valid(&wrong), "{wrong:#}");
    };
    refused(|wrong| wrong["version"] = json!(1));
    refused(|wrong| wrong["work"] = json!("look"));
    refused(|wrong| wrong["work"] = json!("destroy"));
    refused(|wrong| wrong["objects"][0]["kind"] = json!("gateway"));
    refused(|wrong| wrong["objects"][1]["settings"]["gateways"] = json!("one"));
    refused(|wrong| wrong["objects"][3]["settings"]["allowPrivateCalling"] = json!("yes"));
    refused(|wrong| wrong["objects"][2]["settings"] = json!({}));
    refused(|wrong| wrong["tenant"] = json!("organizations"));
    refused(|wrong| drop(wrong.as_object_mut().unwrap().remove("teamsToken")));
}

/// The script speaks of the kinds, the work and the codes that the contract names, and of no others.
#[test]
fn the_script_speaks_the_contract() {
    let script = read("infra/configure-tenant/configure.ps1");
    let schema: Value = serde_json::from_str(&read("infra/configure-tenant/contract.schema.json")).unwrap();
    let answer = &schema["$defs"]["answer"]["properties"];
    let actions = &answer["results"]["items"]["properties"]["action"]["enum"];
    let codes = &answer["error"]["oneOf"][1]["properties"]["code"]["enum"];
    let work = &schema["$defs"]["request"]["properties"]["work"]["enum"];
    for words in [&schema["$defs"]["kind"]["enum"], work, actions, codes] {
        for word in words.as_array().unwrap() {
            let word = word.as_str().unwrap();
            assert!(script.contains(&format!("'{word}'")), "{word}");
        }
    }
    for kind in ["voiceRoute", "voiceRoutingPolicy", "callingPolicy"] {
        for setting in schema["$defs"][kind]["properties"].as_object().unwrap().keys() {
            assert!(
                script.contains(&format!("{setting} ")) && script.contains(&format!("Wanted.{setting}")),
                "{setting}"
            );
        }
    }
}
