//! Each check and each verdict, over small worlds.

use super::*;
use crate::domain::directory::ActivePlans;
use crate::domain::finding::Actor;
use crate::domain::group_filter::ChosenGroup;
use crate::domain::voice::CallHandling;
use crate::plan::{matching, preflight};
use jiff::SignedDuration;
use jiff::tz::TimeZone;

const NOON: Timestamp = Timestamp::constant(1_795_348_800, 0);

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

/// Facts that own what they are made of.
#[derive(Clone)]
struct Sample {
    filter: GroupFilter,
    read_at: Option<Timestamp>,
    running: Option<Timestamp>,
    chosen: Vec<Chosen>,
    /// What was asked for where nobody is there.
    unknown: Option<&'static str>,
    left: Option<Timestamp>,
    user: Option<TeamsUser>,
    voice: Option<VoiceUser>,
    mapped: bool,
    same_address: SameAddress,
    seats: Seats,
    wanted: Option<Owned>,
    owned: Owned,
    placed: Option<Timestamp>,
    look: Vec<Finding>,
}

fn user() -> TeamsUser {
    TeamsUser {
        id: "2c0b6a1e-1111-4a11-9a11-0000000000a1".parse().unwrap(),
        name: "Mara Quist".into(),
        email: "mara@bluefinch.example".parse().unwrap(),
        country: Some("BE".into()),
        guest: false,
        licensed: true,
        directory_synced: false,
        plans: ActivePlans {
            phone_system: true,
            ..ActivePlans::default()
        },
    }
}

fn voice() -> VoiceUser {
    VoiceUser {
        id: "v1".parse().unwrap(),
        name: "Front desk".into(),
        email: Some("mara@bluefinch.example".parse().unwrap()),
        number: Some("+3222345678".parse().unwrap()),
        extension: Some("1001".parse().unwrap()),
        call_handling: CallHandling::Voicemail,
        country: None,
        music_on_hold: None,
        match_by_mail: false,
    }
}

fn given() -> Owned {
    Owned {
        number: Some("+3222345678".parse().unwrap()),
        calling_policy: Some("NorthwindVoicemail".into()),
        routing_policy: Some("Northwind".into()),
        ..Owned::default()
    }
}

/// Somebody who can be mapped, and is not.
fn unmapped() -> Sample {
    Sample {
        filter: GroupFilter::Everyone,
        read_at: Some(NOON - hours(3)),
        running: None,
        chosen: Vec::new(),
        unknown: None,
        left: None,
        user: Some(user()),
        voice: None,
        mapped: false,
        same_address: SameAddress::NotAsked,
        seats: Seats {
            limit: Some(5),
            used: 2,
            held: false,
            lacking: false,
            without: Vec::new(),
        },
        wanted: None,
        owned: Owned::default(),
        placed: None,
        look: Vec::new(),
    }
}

/// Somebody who is mapped, and whom no sync has put in place.
fn saved() -> Sample {
    Sample {
        voice: Some(voice()),
        mapped: true,
        seats: Seats {
            held: true,
            ..unmapped().seats
        },
        wanted: Some(given()),
        ..unmapped()
    }
}

/// Somebody who is in place since five hours.
fn in_place() -> Sample {
    Sample {
        owned: given(),
        placed: Some(NOON - hours(5)),
        ..saved()
    }
}

fn nowhere() -> SameAddress {
    let finding = matching::finding(
        &voice(),
        &matching::Outcome::Nobody,
        &|voice| voice.to_string(),
        "Northwind",
    );
    SameAddress::Nowhere(finding.unwrap())
}

/// A voice user that is mapped to nobody.
fn alone() -> Sample {
    Sample {
        user: None,
        voice: Some(voice()),
        same_address: nowhere(),
        ..unmapped()
    }
}

fn look(sample: &Sample) -> Diagnosis {
    let person = match (&sample.user, sample.left, sample.unknown) {
        (Some(user), Some(left), _) => Person::Left(user, left),
        (Some(user), None, _) => Person::Here(user),
        (None, _, Some(asked)) => Person::Unknown(asked),
        (None, _, None) => Person::Nobody,
    };
    diagnose(&Facts {
        filter: &sample.filter,
        admin: "Ida Holm",
        provider: "Northwind Support",
        contact: "your Northwind administrator",
        read_at: sample.read_at,
        running: sample.running,
        chosen: &sample.chosen,
        person,
        voice: sample.voice.as_ref(),
        mapped: sample.mapped,
        same_address: sample.same_address.clone(),
        seats: sample.seats.clone(),
        wanted: sample.wanted.as_ref(),
        owned: &sample.owned,
        placed: sample.placed,
        last_look: (!sample.look.is_empty()).then_some(LastLook {
            at: NOON - hours(1),
            findings: &sample.look,
        }),
        moment: Moment {
            now: NOON,
            zone: &TimeZone::UTC,
        },
    })
}

#[track_caller]
fn check(sample: &Sample, verdict: Verdict, text: &str, codes: &[Code]) -> Diagnosis {
    let found = look(sample);
    let seen: Vec<Code> = found.reasons.iter().map(|reason| reason.finding.code).collect();
    assert_eq!((found.verdict, seen.as_slice()), (verdict, codes), "{found:#?}");
    assert!(seen.iter().all(|code| CODES.contains(code)), "{seen:?}");
    assert!(found.text.contains(text), "{}", found.text);
    found
}

fn with_plans(sample: Sample, plans: ActivePlans) -> Sample {
    let user = TeamsUser { plans, ..user() };
    Sample {
        user: Some(user),
        ..sample
    }
}

fn id() -> crate::domain::ids::TeamsUserId {
    user().id
}

#[test]
fn r208_somebody_who_can_be_mapped_has_passed_every_check() {
    let found = check(&unmapped(), Verdict::CanBeMapped, "Can be mapped.", &[]);
    for passed in [
        "The first sync",
        "Teams Phone works",
        "no Calling Plan",
        "A license is free: 2 of 5",
    ] {
        assert!(
            found.passed.iter().any(|text| text.contains(passed)),
            "{passed}: {:?}",
            found.passed
        );
    }
    // Only a sync sees it.
    assert!(
        found.open.iter().any(|text| text.contains("coexistence")),
        "{:?}",
        found.open
    );
    assert!(found.as_of.contains("Nov 22, 2026, 9:00 AM"), "{}", found.as_of);
}

#[test]
fn r099_r208_before_the_first_sync_nobody_is_known() {
    let never = Sample {
        read_at: None,
        user: None,
        unknown: Some("mara"),
        ..unmapped()
    };
    check(
        &never,
        Verdict::WaitsForSync,
        "Ida Holm has to sign in",
        &[Code::FirstSyncRunning],
    );
    let running = Sample {
        running: Some(NOON),
        ..never
    };
    check(&running, Verdict::WaitsForSync, "first sync", &[Code::FirstSyncRunning]);
}

#[test]
fn r085_r220_who_is_not_in_the_groups_is_not_found() {
    let outside = Sample {
        filter: GroupFilter::Groups(vec![ChosenGroup {
            id: "11111111-1111-4111-8111-111111111111".parse().unwrap(),
            name: "Sales".into(),
        }]),
        chosen: vec![Chosen {
            name: "Sales".into(),
            state: GroupState::Fine,
        }],
        user: None,
        unknown: Some("mara"),
        ..unmapped()
    };
    let found = check(
        &outside,
        Verdict::NotFound,
        "nobody like 'mara'",
        &[Code::UserNotInFilter],
    );
    assert!(found.reasons[0].finding.fix.contains("member of that group"));
    let left = Sample {
        user: Some(user()),
        left: Some(NOON - hours(20)),
        ..outside
    };
    check(&left, Verdict::NotFound, "was there before", &[Code::UserNotInFilter]);
}

#[test]
fn r081_r087_r214_the_chosen_groups_are_looked_at() {
    let with = |state| Sample {
        chosen: vec![Chosen {
            name: "Sales".into(),
            state,
        }],
        ..unmapped()
    };
    let code = |state| {
        let reasons = look(&with(state)).reasons;
        reasons.first().map(|reason| (reason.finding.code, reason.weight))
    };
    assert_eq!(code(GroupState::Fine), None);
    for (state, expected) in [
        (GroupState::Gone, Code::GroupNotFound),
        (GroupState::Empty, Code::GroupEmpty),
        (GroupState::Hidden, Code::GroupHidden),
        (GroupState::Paused, Code::GroupPaused),
        (GroupState::Banned(Banned::AllUsers), Code::GroupBanned),
    ] {
        assert_eq!(code(state), Some((expected, Weight::Warns)));
    }
    // It keeps the next sync from putting somebody in place.
    let waiting = Sample {
        chosen: with(GroupState::Empty).chosen,
        ..saved()
    };
    let codes = [Code::GroupEmpty, Code::NotSyncedYet];
    check(
        &waiting,
        Verdict::DoesNotRing,
        "The group 'Sales' has no members.",
        &codes,
    );
}

#[test]
fn r091_r093_licenses_decide_who_can_be_mapped() {
    let calling = user().plans;
    let none = with_plans(unmapped(), ActivePlans::default());
    check(
        &none,
        Verdict::CannotBeMapped,
        "no license in which Teams Phone",
        &[Code::NoPhoneSystem],
    );
    // Both, and not only the first.
    let both = ActivePlans {
        calling_plan: true,
        credits: true,
        ..calling
    };
    let codes = [Code::HasCallingPlan, Code::HasCommCredits];
    check(
        &with_plans(unmapped(), both),
        Verdict::CannotBeMapped,
        "a Calling Plan",
        &codes,
    );
    let room = ActivePlans {
        resource: true,
        ..calling
    };
    check(
        &with_plans(unmapped(), room),
        Verdict::CannotBeMapped,
        "resource account",
        &[Code::ResourceAccount],
    );
    let guest = Sample {
        user: Some(TeamsUser { guest: true, ..user() }),
        ..unmapped()
    };
    check(&guest, Verdict::CannotBeMapped, "guest of another", &[Code::Guest]);
    let young = ActivePlans {
        phone_since: Some(NOON - hours(2)),
        ..calling
    };
    check(
        &with_plans(unmapped(), young),
        Verdict::CanBeMapped,
        "Can be",
        &[Code::LicensePropagating],
    );
    check(
        &with_plans(in_place(), young),
        Verdict::Rings,
        "Rings",
        &[Code::DialpadLate],
    );
}

#[test]
fn r101_somebody_mapped_who_is_gone_or_has_lost_the_license_is_named() {
    let gone = Sample {
        user: None,
        unknown: Some("2c0b6a1e-1111-4a11-9a11-0000000000a1"),
        ..in_place()
    };
    let codes = [Code::MappedUserGone, Code::UserNotInFilter, Code::DialpadLate];
    let found = check(
        &gone,
        Verdict::DoesNotRing,
        "mapped to Front desk does not exist",
        &codes,
    );
    assert_eq!(found.reasons[0].finding.about, Some(id()));
    let lost = with_plans(in_place(), ActivePlans::default());
    let codes = [Code::NoPhoneSystem, Code::MappedUserGone, Code::DialpadLate];
    check(&lost, Verdict::DoesNotRing, "Teams Phone", &codes);
}

#[test]
fn r209_the_five_causes_of_a_missing_dial_pad() {
    let no_extension = Sample {
        voice: Some(VoiceUser {
            extension: None,
            ..voice()
        }),
        ..in_place()
    };
    check(
        &no_extension,
        Verdict::Rings,
        "Rings",
        &[Code::NoExtension, Code::DialpadLate],
    );
    check(
        &saved(),
        Verdict::WaitsForSync,
        "waits for Ida Holm's sync",
        &[Code::NotSyncedYet],
    );
    let unlicensed = with_plans(saved(), ActivePlans::default());
    let codes = [Code::NoPhoneSystem, Code::MappedUserGone, Code::NotSyncedYet];
    check(&unlicensed, Verdict::DoesNotRing, "Teams Phone", &codes);
    let early = Sample {
        placed: Some(NOON - hours(1)),
        ..in_place()
    };
    check(
        &early,
        Verdict::Settling,
        "can appear until Nov 22, 2026, 1:00 PM",
        &[Code::DialpadWait],
    );
    let microsoft = Finding {
        code: Code::MsRefused,
        subject: "Mara Quist".into(),
        seen: "+ +3222345678 to Mara Quist: internal error.".into(),
        fix: "Read Microsoft's reason, put it right, and sync again.".into(),
        actor: Actor::GlobalAdmin,
        about: Some(id()),
        wait: None,
    };
    let refused = Sample {
        look: vec![microsoft],
        ..saved()
    };
    let found = check(
        &refused,
        Verdict::DoesNotRing,
        "internal error",
        &[Code::MsRefused, Code::NotSyncedYet],
    );
    assert_eq!(found.reasons[0].seen_at, Some(NOON - hours(1)));
    // Later it was put in place all the same.
    let after = Sample {
        look: refused.look,
        ..in_place()
    };
    check(
        &after,
        Verdict::Rings,
        "Rings in Teams since Nov 22, 2026, 7:00 AM",
        &[Code::DialpadLate],
    );
}

#[test]
fn r209_a_sync_that_is_going_on_is_waited_for() {
    let syncing = Sample {
        running: Some(NOON),
        ..saved()
    };
    let found = check(&syncing, Verdict::Syncing, "going on", &[Code::NotSyncedYet]);
    assert_eq!(found.reasons[0].weight, Weight::Waits);
}

#[test]
fn r218_what_only_the_local_directory_can_change() {
    let local = |sample: Sample| Sample {
        user: Some(TeamsUser {
            directory_synced: true,
            ..user()
        }),
        ..sample
    };
    let open = look(&local(unmapped())).open;
    assert!(open.iter().any(|text| text.contains("msRTCSIP-Line")), "{open:?}");
    let passed = look(&local(in_place())).passed;
    assert!(passed.iter().any(|text| text.contains("met no number")), "{passed:?}");
    let seen = Sample {
        look: vec![preflight::on_premises("Front desk", &id())],
        ..local(saved())
    };
    check(
        &seen,
        Verdict::DoesNotRing,
        "DirSync'd user",
        &[Code::OnpremLineUri, Code::NotSyncedYet],
    );
}

#[test]
fn what_the_last_sync_found_is_put_where_it_belongs() {
    let number = given().number.unwrap();
    let taken = preflight::number_taken("Front desk", &id(), preflight::Elsewhere::Service(&number));
    let orphaned = preflight::number_orphaned("Front desk", &id(), &number);
    let islands = preflight::not_teams_only("Front desk", &id(), "Islands");
    for (finding, code) in [(taken, Code::NumberTaken), (orphaned, Code::NumberOrphaned)] {
        let sample = Sample {
            look: vec![finding],
            ..saved()
        };
        check(
            &sample,
            Verdict::DoesNotRing,
            "+3222345678",
            &[code, Code::NotSyncedYet],
        );
        // Nobody is mapped to that person any more, so it does not matter.
        let unmapped = Sample {
            look: sample.look,
            ..unmapped()
        };
        check(&unmapped, Verdict::CanBeMapped, "Can be mapped.", &[]);
    }
    let sample = Sample {
        look: vec![islands],
        ..in_place()
    };
    check(
        &sample,
        Verdict::Rings,
        "Rings",
        &[Code::NotTeamsOnly, Code::DialpadLate],
    );
}

#[test]
fn a_voice_user_without_a_number_that_can_be_dialled() {
    let with = |number: Option<&str>| Sample {
        voice: Some(VoiceUser {
            number: number.map(|number| number.parse().unwrap()),
            ..voice()
        }),
        wanted: None,
        ..saved()
    };
    check(
        &with(None),
        Verdict::DoesNotRing,
        "has no number",
        &[Code::NumberMissing],
    );
    let invalid = look(&with(Some("+3202345678901")));
    assert_eq!(invalid.reasons[0].finding.code, Code::NumberInvalid, "{invalid:?}");
}

#[test]
fn r103_r217_the_country_is_a_warning() {
    let living = |country: Option<&str>| Sample {
        user: Some(TeamsUser {
            country: country.map(str::to_owned),
            ..user()
        }),
        ..in_place()
    };
    check(
        &living(None),
        Verdict::Rings,
        "Rings",
        &[Code::CountryMissing, Code::DialpadLate],
    );
    check(
        &living(Some("US")),
        Verdict::Rings,
        "Rings",
        &[Code::CountryMismatch, Code::DialpadLate],
    );
    // The voice user says where it calls from.
    let abroad = Sample {
        voice: Some(VoiceUser {
            country: Some("US".parse().unwrap()),
            ..voice()
        }),
        ..living(Some("US"))
    };
    check(&abroad, Verdict::Rings, "Rings", &[Code::DialpadLate]);
}

#[test]
fn r111_r127_r215_licenses_that_are_short() {
    let full = Sample {
        seats: Seats {
            used: 5,
            ..unmapped().seats
        },
        ..unmapped()
    };
    let found = check(
        &full,
        Verdict::CannotBeMapped,
        "All licenses are used: 5 of 5",
        &[Code::OverLicense],
    );
    assert!(found.reasons[0].finding.fix.contains("your Northwind administrator"));
    let lacking = Sample {
        seats: Seats {
            limit: Some(1),
            used: 2,
            held: true,
            lacking: true,
            without: vec!["Front desk".into()],
        },
        wanted: None,
        ..in_place()
    };
    let codes = [Code::OverLicense, Code::NotSyncedYet];
    check(
        &lacking,
        Verdict::DoesNotRing,
        "the newest mappings have none: Front desk",
        &codes,
    );
    let unlimited = Sample {
        seats: Seats {
            limit: None,
            ..unmapped().seats
        },
        ..unmapped()
    };
    check(&unlimited, Verdict::CanBeMapped, "Can be mapped.", &[]);
}

#[test]
fn r123_r126_r216_a_voice_user_is_matched_by_its_address() {
    check(
        &alone(),
        Verdict::CanBeMapped,
        "choose a Teams user",
        &[Code::EmailNoMatch],
    );
    let before = Sample {
        read_at: None,
        ..alone()
    };
    check(&before, Verdict::WaitsForSync, "first sync", &[Code::FirstSyncRunning]);
    let one = |match_by_mail| Sample {
        user: Some(user()),
        same_address: SameAddress::Person,
        voice: Some(VoiceUser {
            match_by_mail,
            ..voice()
        }),
        ..alone()
    };
    check(
        &one(false),
        Verdict::CanBeMapped,
        "has the same address and can be mapped",
        &[],
    );
    check(
        &one(true),
        Verdict::WaitsForSync,
        "Ida Holm's sync, which maps it to Mara Quist",
        &[],
    );
    let excluded = with_plans(one(true), ActivePlans::default());
    check(
        &excluded,
        Verdict::CannotBeMapped,
        "Teams Phone",
        &[Code::NoPhoneSystem],
    );
}

#[test]
fn r117_somebody_who_is_not_mapped_any_more_keeps_it_until_the_sync() {
    let released = Sample {
        owned: given(),
        placed: Some(NOON - hours(9)),
        seats: Seats {
            held: true,
            ..unmapped().seats
        },
        ..unmapped()
    };
    check(&released, Verdict::Releasing, "takes away", &[Code::NotSyncedYet]);
}
