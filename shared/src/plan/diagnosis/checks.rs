//! The checks, each a question that support would ask, in that order.

use super::{Chosen, Facts, Outcome, Person, SameAddress};
use crate::domain::finding::{Code, Finding};
use crate::plan::preflight::{self, Absence};

/// From the enterprise over the person to the number, the license and the last sync.
pub(super) const CHECKS: &[fn(&Facts<'_>) -> Outcome] = &[
    first_sync,
    groups,
    in_filter,
    person,
    teams_phone,
    license_age,
    calling_plan,
    credits,
    still_mappable,
    on_premises,
    coexistence,
    number,
    number_free,
    extension,
    country,
    address,
    license,
    last_sync,
    synced,
    dial_pad,
];

/// A finding, or the sentence of its absence.
fn or_passes(found: Option<Finding>, passed: &str) -> Outcome {
    found.map_or_else(
        || Outcome::Passes(passed.to_owned()),
        |finding| Outcome::Fails(vec![finding]),
    )
}

/// R099, R208: was the first sync run, and has it ended?
fn first_sync(facts: &Facts<'_>) -> Outcome {
    let found = preflight::first_sync(facts.read_at, facts.running, facts.admin, facts.provider, facts.moment);
    or_passes(found, "The first sync has been run and has ended.")
}

/// R081-R082, R087, R214: are the chosen groups as they should be?
fn groups(facts: &Facts<'_>) -> Outcome {
    if facts.chosen.is_empty() {
        return Outcome::Silent;
    }
    let found = facts.chosen.iter().filter_map(Chosen::finding);
    let found: Vec<Finding> = found.collect();
    if found.is_empty() {
        Outcome::Passes("The chosen groups exist and have members.".into())
    } else {
        Outcome::Fails(found)
    }
}

/// R085, R208, R220: is the person among those who are synchronised?
fn in_filter(facts: &Facts<'_>) -> Outcome {
    let left = match facts.person {
        Person::Here(_) => return Outcome::Passes("The account is enabled and inside the group filter.".into()),
        Person::Nobody => return Outcome::Silent,
        // Before the first sync nobody is known.
        Person::Unknown(_) if facts.read_at.is_none() && !facts.mapped => return Outcome::Silent,
        Person::Unknown(_) => None,
        Person::Left(_, at) => Some(at),
    };
    let absence = Absence {
        filter: facts.filter,
        read_at: facts.read_at,
        left,
    };
    let mut found = vec![preflight::user_not_in_filter(&facts.who(), absence, facts.moment)];
    if let (Some(id), true) = (facts.id(), facts.mapped) {
        found.insert(0, preflight::mapped_user_gone(&facts.name(), &id));
    }
    Outcome::Fails(found)
}

/// Is it a person of the tenant at all?
fn person(facts: &Facts<'_>) -> Outcome {
    let Some(user) = facts.here() else {
        return Outcome::Silent;
    };
    let found = preflight::guest(user).or_else(|| preflight::resource_account(user));
    or_passes(found, "It is a person of the tenant: no guest, no resource account.")
}

/// R091, R208-R209: does Teams Phone work?
fn teams_phone(facts: &Facts<'_>) -> Outcome {
    match facts.here() {
        // Their licenses are another matter.
        Some(user) if user.guest || user.plans.resource => Outcome::Silent,
        Some(user) => or_passes(preflight::no_phone_system(user), "A license with Teams Phone works."),
        None => Outcome::Silent,
    }
}

/// R202: is the license older than Teams needs to learn of it?
fn license_age(facts: &Facts<'_>) -> Outcome {
    let settled = facts.in_place();
    let found = facts.here().filter(|_| !settled).and_then(|user| {
        let troubled = facts.last_look.is_some();
        preflight::license_propagating(user, troubled, facts.moment)
    });
    found.into()
}

/// R092, R094, R208.
fn calling_plan(facts: &Facts<'_>) -> Outcome {
    match facts.here() {
        Some(user) => or_passes(preflight::has_calling_plan(user), "There is no Calling Plan."),
        None => Outcome::Silent,
    }
}

/// R093.
fn credits(facts: &Facts<'_>) -> Outcome {
    match facts.here() {
        Some(user) => or_passes(
            preflight::has_comm_credits(user),
            "There are no Communications Credits.",
        ),
        None => Outcome::Silent,
    }
}

/// Is somebody who is mapped still one who could be?
fn still_mappable(facts: &Facts<'_>) -> Outcome {
    let lost = facts
        .here()
        .filter(|_| facts.mapped)
        .filter(|user| crate::plan::discover::ineligible(user).is_some());
    lost.map(|user| preflight::mapped_user_ineligible(&facts.name(), user))
        .into()
}

/// R218: is a number set in the local directory?
fn on_premises(facts: &Facts<'_>) -> Outcome {
    let Some(user) = facts.here() else {
        return Outcome::Silent;
    };
    if let Some(seen) = facts.seen(|code| code == Code::OnpremLineUri) {
        seen
    } else if !user.directory_synced {
        Outcome::Passes("The account does not come from a local directory, so no number is set there.".into())
    } else if facts.looked_at() {
        Outcome::Passes(
            "The account comes from a local directory, and the last sync met no number that is set there.".into(),
        )
    } else {
        Outcome::Open(
            "The account comes from a local directory; whether a number is set there (msRTCSIP-Line) is seen when it is mapped and synced."
                .into(),
        )
    }
}

/// Do calls ring in Teams?
fn coexistence(facts: &Facts<'_>) -> Outcome {
    if facts.here().is_none() {
        return Outcome::Silent;
    }
    if let Some(seen) = facts.seen(|code| code == Code::NotTeamsOnly) {
        seen
    } else if facts.looked_at() {
        Outcome::Passes("No coexistence mode with Skype for Business is set for the person.".into())
    } else {
        Outcome::Open(
            "Whether calls ring in Teams and not in Skype for Business (coexistence mode) is seen when the person is mapped and synced."
                .into(),
        )
    }
}

/// Has the voice user a number that can be dialled?
fn number(facts: &Facts<'_>) -> Outcome {
    let Some(voice) = facts.voice else {
        return Outcome::Silent;
    };
    match &voice.number {
        None => Outcome::Fails(vec![preflight::number_missing(&voice.name)]),
        Some(number) => or_passes(
            preflight::number_invalid(&voice.name, number),
            "The voice user has a number that can be dialled.",
        ),
    }
}

/// Is the number free in Teams, and the person free for it?
fn number_free(facts: &Facts<'_>) -> Outcome {
    let wanted = facts.mapped && facts.wanted.is_some();
    if facts.in_place() {
        return Outcome::Passes("The number is assigned to the person in Teams.".into());
    }
    match facts.seen(|code| matches!(code, Code::NumberTaken | Code::NumberOrphaned)) {
        Some(seen) => seen,
        None if wanted => Outcome::Open("Whether the number is free in Teams is seen by the sync.".into()),
        None => Outcome::Silent,
    }
}

/// R209: the first cause of a missing dial pad.
fn extension(facts: &Facts<'_>) -> Outcome {
    match facts.voice {
        Some(voice) => {
            let without = voice.extension.is_none().then(|| preflight::no_extension(&voice.name));
            or_passes(without, "The voice user has an extension.")
        }
        None => Outcome::Silent,
    }
}

/// R103, R217: is the person where the number is?
fn country(facts: &Facts<'_>) -> Outcome {
    let Some(user) = facts.here() else {
        return Outcome::Silent;
    };
    if let Some(missing) = preflight::country_missing(user) {
        return Outcome::Fails(vec![missing]);
    }
    let place = facts
        .voice
        .and_then(|voice| voice.country.or_else(|| voice.number.as_ref()?.country()));
    match place {
        Some(place) => or_passes(
            preflight::country_mismatch(user, place),
            "The person's location is the number's country.",
        ),
        None => Outcome::Passes("The person has a location.".into()),
    }
}

/// R123-R126, R216: does the voice user's address lead to somebody?
fn address(facts: &Facts<'_>) -> Outcome {
    match &facts.same_address {
        SameAddress::NotAsked => Outcome::Silent,
        // Nobody is known yet.
        SameAddress::Nowhere(_) if facts.read_at.is_none() => Outcome::Silent,
        SameAddress::Nowhere(finding) => Outcome::Fails(vec![finding.clone()]),
        SameAddress::Person => Outcome::Passes(format!("{} has the same address.", facts.who())),
    }
}

/// R111, R127-R129, R215: is there a license for the mapping?
fn license(facts: &Facts<'_>) -> Outcome {
    let (seats, contact) = (&facts.seats, facts.contact);
    let nobody = facts.here().is_none() && facts.voice.is_none();
    if nobody {
        return Outcome::Silent;
    }
    let Some(limit) = seats.limit else {
        return Outcome::Passes("The number of licenses is not limited.".into());
    };
    let full = !seats.held && seats.used >= limit as usize;
    if seats.lacking || full {
        let without: &[String] = if seats.lacking { &seats.without } else { &[] };
        return Outcome::Fails(vec![preflight::over_license(
            &facts.name(),
            seats.used,
            limit,
            without,
            contact,
        )]);
    }
    Outcome::Passes(if seats.held {
        "There is a license for the mapping.".into()
    } else {
        format!("A license is free: {} of {limit} are used.", seats.used)
    })
}

/// R209: what else the last sync was told by Microsoft, in its words.
fn last_sync(facts: &Facts<'_>) -> Outcome {
    if facts.in_place() {
        return Outcome::Silent;
    }
    let asked_before = |code| {
        matches!(
            code,
            Code::OnpremLineUri
                | Code::NotTeamsOnly
                | Code::NumberTaken
                | Code::NumberOrphaned
                | Code::NumberMissing
                | Code::MappedUserGone
        )
    };
    facts.seen(|code| !asked_before(code)).unwrap_or(Outcome::Silent)
}

/// R209: has a sync put in Teams what is saved?
fn synced(facts: &Facts<'_>) -> Outcome {
    let waits = |what: String| {
        let running = facts.running.is_some();
        Outcome::Fails(vec![preflight::not_synced_yet(
            &what,
            &facts.who(),
            running,
            facts.admin,
        )])
    };
    let (name, who) = (facts.name(), facts.who());
    match facts.wanted {
        Some(_) if !facts.mapped => Outcome::Silent,
        Some(wanted) if wanted == facts.owned => Outcome::Passes("A sync has put number and policies in place.".into()),
        Some(_) if facts.owned.is_empty() => {
            waits(format!("{name} is mapped to {who}, and no sync has put that in Teams."))
        }
        Some(_) => waits(format!(
            "What is saved for {name} differs from what the last sync has put in Teams."
        )),
        None if facts.owned.is_empty() => Outcome::Silent,
        None if facts.seats.lacking => waits(format!(
            "The mapping of {name} has no license; the next sync takes away what {who} has from us."
        )),
        None => waits(format!(
            "{who} still has what an earlier sync gave, and nothing is mapped to it any more; the next sync takes it away."
        )),
    }
}

/// R144, R209: the clock of the dial pad.
fn dial_pad(facts: &Facts<'_>) -> Outcome {
    let placed = facts.placed.filter(|_| facts.in_place());
    placed
        .map(|placed| preflight::dial_pad(&facts.who(), placed, facts.provider, facts.moment))
        .into()
}
