//! The truth table of tenant objects, row by row, and over every world of a few objects.

use super::*;
use crate::domain::finding::Code;
use crate::domain::tenant_object::ObjectKind;

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

fn calls() -> Vec<TenantObject> {
    wanted(
        &brand("Calls2Teams"),
        vec!["x.sbc1.example".into(), "x.sbc2.example".into()],
    )
}

fn known(objects: &[TenantObject], ours: bool, placed: bool) -> Vec<KnownObject> {
    let of = |object: &TenantObject| KnownObject {
        object: object.clone(),
        ours,
        placed,
    };
    objects.iter().map(of).collect()
}

fn seen(objects: &[TenantObject]) -> Seen {
    objects
        .iter()
        .map(|object| (object.key(), object.settings.clone()))
        .collect()
}

fn actions(objects: &Objects) -> Vec<(ObjectAction, &str)> {
    objects
        .changes
        .iter()
        .map(|change| (change.action, change.name.as_str()))
        .collect()
}

#[test]
fn r154_r155_r156_six_policies_for_each_prefix_and_the_routing() {
    let objects = calls();
    let names: Vec<String> = objects
        .iter()
        .map(|object| format!("{} {}", object.settings.kind(), object.name))
        .collect();
    assert_eq!(
        names,
        [
            "PSTN usage Calls2Teams-Routing",
            "voice route Calls2Teams-Routing",
            "voice routing policy Calls2Teams-Routing",
            "calling policy Calls2Teams-VM-MOHTEAMS",
            "calling policy Calls2Teams-VM-MOHEXT",
            "calling policy Calls2Teams-NoVM-MOHTEAMS",
            "calling policy Calls2Teams-NoVM-MOHEXT",
            "calling policy Calls2Teams-NoVMOrForward-MOHTEAMS",
            "calling policy Calls2Teams-NoVMOrForward-MOHEXT",
        ]
    );
}

#[test]
fn r009_r010_r158_the_settings_are_what_the_name_says() {
    for object in calls() {
        let ObjectSettings::CallingPolicy {
            allow_private_calling,
            allow_voicemail,
            allow_call_forwarding_to_phone,
            allow_call_forwarding_to_user,
            music_on_hold_enabled_type,
        } = &object.settings
        else {
            continue;
        };
        let name = &object.name;
        assert!(allow_private_calling, "{name}: without it there is no dial pad");
        assert_eq!(allow_voicemail == "AlwaysDisabled", name.contains("NoVM"), "{name}");
        assert_eq!(
            *allow_call_forwarding_to_phone,
            !name.contains("NoVMOrForward"),
            "{name}"
        );
        assert_eq!(allow_call_forwarding_to_phone, allow_call_forwarding_to_user, "{name}");
        let teams_plays = music_on_hold_enabled_type == "Enabled";
        assert_eq!(teams_plays, name.ends_with("MOHTEAMS"), "{name}");
    }
}

#[test]
fn a_new_tenant_gets_everything_usage_before_route_before_policy() {
    let objects = plan(&calls(), &[], &Seen::new());
    assert_eq!(objects.changes.len(), 9);
    assert!(
        objects
            .changes
            .iter()
            .all(|change| change.action == ObjectAction::Create)
    );
    assert!(
        objects.changes.is_sorted_by_key(|change| change.kind),
        "order of making"
    );
    assert!(objects.drift.is_empty() && objects.conflicts.is_empty());
    let made: Vec<TenantObject> = objects.changes.into_iter().filter_map(|change| change.object).collect();
    assert_eq!(made, calls(), "a change says all that is needed to make it");
}

#[test]
fn the_second_plan_is_empty() {
    let all = calls();
    let again = plan(&all, &known(&all, true, true), &seen(&all));
    assert_eq!(again, Objects::default());
}

#[test]
fn r161_what_somebody_changed_or_deleted_is_set_back_and_told() {
    let all = calls();
    let mut there = seen(&all);
    there.remove(&all[4].key());
    there.insert(
        all[2].key(),
        ObjectSettings::VoiceRoutingPolicy {
            pstn_usages: vec!["Other".into()],
        },
    );
    let objects = plan(&all, &known(&all, true, true), &there);
    assert_eq!(
        actions(&objects),
        [
            (ObjectAction::Restore, "Calls2Teams-Routing"),
            (ObjectAction::Create, "Calls2Teams-VM-MOHEXT")
        ]
    );
    let codes: Vec<Code> = objects.drift.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::PolicyDrift, Code::PolicyDrift]);
    assert_eq!(objects.changes[0].was.as_deref(), Some("leads to Other"));
    assert_eq!(
        objects.changes[0].becomes.as_deref(),
        Some("leads to Calls2Teams-Routing")
    );
}

#[test]
fn what_was_there_before_us_is_adopted_if_right_and_otherwise_left_alone() {
    let all = calls();
    let there = seen(&all[..1]);
    let objects = plan(&all, &[], &there);
    assert_eq!((objects.adopted.as_slice(), objects.changes.len()), (&all[..1], 8));
    let foreign = ObjectSettings::VoiceRoutingPolicy { pstn_usages: vec![] };
    let objects = plan(&all, &[], &Seen::from([(all[2].key(), foreign.clone())]));
    assert_eq!(objects.conflicts[0].code, Code::NameTaken);
    assert_eq!(objects.changes.len(), 8);
    // What we only adopted and somebody changes later is theirs to change.
    let objects = plan(
        &all[2..3],
        &known(&all[2..3], false, true),
        &Seen::from([(all[2].key(), foreign)]),
    );
    assert!(objects.changes.is_empty() && objects.conflicts.len() == 1);
}

#[test]
fn a_lost_answer_neither_loses_an_object_nor_calls_it_drift() {
    let all = calls();
    let about_to = known(&all, true, false);
    assert!(plan(&all, &about_to, &Seen::new()).drift.is_empty());
    assert_eq!(plan(&all, &about_to, &seen(&all)), Objects::default());
    let leaving = plan(&[], &about_to, &seen(&all));
    assert_eq!(leaving.changes.len(), 9, "they are ours and go");
}

#[test]
fn another_region_changes_the_route_and_waits_for_a_sync() {
    let all = calls();
    let before = known(&all, true, true);
    assert!(!waits(&all, &before));
    let moved = wanted(&brand("Calls2Teams"), vec!["x.sbc1.us.example".into()]);
    assert!(waits(&moved, &before));
    let objects = plan(&moved, &before, &as_we_left_them(&before));
    assert_eq!(actions(&objects), [(ObjectAction::Update, "Calls2Teams-Routing")]);
    assert!(objects.drift.is_empty(), "nobody else did it");
    assert!(objects.changes[0].was.as_ref().unwrap().contains("x.sbc2.example"));
    assert!(
        objects.changes[0]
            .becomes
            .as_ref()
            .unwrap()
            .contains("x.sbc1.us.example")
    );
    assert!(!waits(&moved, &[]), "where nothing was ever made nothing waits");
    assert!(waits(&all, &known(&all, true, false)), "an interrupted run goes on");
}

#[test]
fn another_prefix_makes_the_new_before_the_old_goes() {
    let all = calls();
    let before = known(&all, true, true);
    let renamed = wanted(&brand("Live"), vec!["x.sbc1.example".into()]);
    let objects = plan(&renamed, &before, &seen(&all));
    let (puts, gone) = objects.changes.split_at(9);
    assert!(puts.iter().all(ObjectChange::puts) && gone.iter().all(|change| !change.puts()));
    assert_eq!(gone.len(), 9);
    assert!(gone.iter().rev().is_sorted_by_key(|change| change.kind), "in reverse");
    assert_eq!(objects.clone().held(true), objects);
    assert_eq!(
        objects.held(false).changes.len(),
        9,
        "a run that may only add takes nothing away"
    );
}

#[test]
fn r152_a_final_sync_takes_away_what_we_made_and_only_that() {
    let all = calls();
    let mut record = known(&all, true, true);
    record[4].ours = false;
    let mut there = seen(&all);
    there.remove(&all[3].key());
    let objects = plan(&[], &record, &there);
    let kinds: Vec<ObjectKind> = objects.changes.iter().map(|change| change.kind).collect();
    assert_eq!(kinds.first(), Some(&ObjectKind::CallingPolicy));
    assert_eq!(kinds.last(), Some(&ObjectKind::PstnUsage));
    assert_eq!(
        objects.changes.len(),
        7,
        "without the adopted one and the one that is gone"
    );
    assert!(objects.drift.is_empty() && objects.conflicts.is_empty());
}

/// Carrying a plan out gives what is wanted, once; what is not ours stays as it was. Every world of two objects in every
/// state that record and tenant can be in.
#[test]
fn law_over_every_world_of_two_objects() {
    let all: Vec<TenantObject> = calls().into_iter().skip(2).take(2).collect();
    let other = |object: &TenantObject| {
        if object.settings.kind() == ObjectKind::VoiceRoutingPolicy {
            ObjectSettings::VoiceRoutingPolicy { pstn_usages: vec![] }
        } else {
            ObjectSettings::PstnUsage {}
        }
    };
    let records = [None, Some((false, true)), Some((true, false)), Some((true, true))];
    let mut worlds = 0;
    for world in 0..(4 * 3 * 2_usize).pow(2) {
        let (mut record, mut there, mut needed) = (Vec::new(), Seen::new(), Vec::new());
        let mut rest = world;
        for object in &all {
            let mut digit = |base: usize| {
                let digit = rest % base;
                rest /= base;
                digit
            };
            if let Some((ours, placed)) = records[digit(4)] {
                record.extend(known(std::slice::from_ref(object), ours, placed));
            }
            match digit(3) {
                0 => {}
                1 => drop(there.insert(object.key(), object.settings.clone())),
                _ => drop(there.insert(object.key(), other(object))),
            }
            if digit(2) == 1 {
                needed.push(object.clone());
            }
        }
        worlds += 1;
        let objects = plan(&needed, &record, &there);
        let before = there.clone();
        for change in &objects.changes {
            let key = (change.kind, change.name.to_lowercase());
            match &change.object {
                Some(object) => drop(there.insert(key, object.settings.clone())),
                None => drop(there.remove(&key)),
            }
        }
        for object in &all {
            let key = object.key();
            let ours = record.iter().any(|known| known.ours && known.object.key() == key);
            let is_wanted = needed.contains(object);
            let taken = objects.conflicts.iter().any(|finding| finding.subject == object.name);
            match (is_wanted, ours) {
                (true, _) if taken => assert_eq!(there.get(&key), before.get(&key), "world {world}"),
                (true, _) => assert!(object.settings.agree(&there[&key]), "world {world}"),
                (false, true) => assert!(!there.contains_key(&key), "world {world}"),
                (false, false) => assert_eq!(there.get(&key), before.get(&key), "world {world}"),
            }
        }
        let mut after = known(&needed, true, true);
        after.retain(|known| {
            !objects
                .conflicts
                .iter()
                .any(|finding| finding.subject == known.object.name)
        });
        let second = plan(&needed, &after, &there);
        assert!(
            second.changes.is_empty() && second.drift.is_empty(),
            "world {world}: {second:?}"
        );
    }
    assert_eq!(worlds, 576);
}
