//! The page of permissions says what the registration asks for, no more and no less.

use super::*;

/// The registration's permissions: set and name.
fn registered() -> BTreeSet<(String, String)> {
    let application = include_str!("../../../../../infra/entra-app.json");
    let application: serde_json::Value = serde_json::from_str(application).unwrap();
    let resources = application["requiredResourceAccess"].as_array().unwrap();
    let all = resources.iter().flat_map(|it| it["resourceAccess"].as_array().unwrap());
    let text = |permission: &serde_json::Value, field: &str| permission[field].as_str().unwrap().to_owned();
    all.map(|it| (text(it, "set"), text(it, "name"))).collect()
}

#[test]
fn r032_r038_r060_every_permission_of_the_registration_has_its_reason_on_the_page() {
    let sets = permission_sets();
    let mut shown = BTreeSet::new();
    for (set, name) in sets.iter().zip(["signIn", "calling", "organization"]) {
        shown.extend(
            set.permissions
                .iter()
                .map(|(permission, _)| (name.to_owned(), permission.clone())),
        );
    }
    assert_eq!(shown, registered(), "left: the page, right: infra/entra-app.json");
    let reasons: Vec<&String> = sets
        .iter()
        .take(3)
        .flat_map(|set| &set.permissions)
        .map(|(_, reason)| reason)
        .collect();
    assert_eq!(
        reasons.iter().collect::<BTreeSet<_>>().len(),
        reasons.len(),
        "each has a reason of its own"
    );
    assert!(!reasons.contains(&&"Needed by the set as a whole.".to_owned()));
    let html = permissions("Kestrel for Teams").html();
    for (_, name) in shown {
        says(&html, &[&format!("<dt>{name}</dt>")]);
    }
    says(
        &html,
        &["voice routing policies", "<h2>For the whole organization</h2>"],
    );
}

#[test]
fn r055_r056_the_sets_are_named_as_microsoft_and_we_name_them() {
    let html = permissions("Kestrel for Teams").html();
    says(
        &html,
        &[
            "&#34;View users&#39; basic profile&#34;",
            "&#34;Maintain access to data you have given it access to&#34;",
            "only on behalf of you as the person signed in",
        ],
    );
}
