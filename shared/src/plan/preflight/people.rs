//! What the directory says of the people who are wanted, all at once: who can be given nothing, and what should be known
//! of the others. A person who has left the group filter is left alone, too: numbers are taken back because of what
//! somebody has saved, never because of what a read did not find.

use super::{
    Absence, Moment, country_mismatch, country_missing, guest, has_calling_plan, has_comm_credits, license_propagating,
    no_extension, no_phone_system, number_invalid, resource_account, user_not_in_filter,
};
use crate::domain::directory::TeamsUser;
use crate::domain::finding::Finding;
use crate::domain::group_filter::GroupFilter;
use crate::domain::ids::{TeamsUserId, VoiceUserId};
use crate::domain::voice::VoiceUser;
use crate::plan::mapping::Wanted;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// The directory as it was last read.
#[derive(Clone, Copy, Debug)]
pub struct Directory<'a> {
    /// Those of the wanted people who are in it.
    pub people: &'a BTreeMap<TeamsUserId, TeamsUser>,
    /// Whose users are synchronised.
    pub filter: &'a GroupFilter,
    /// When it was read; before that nobody is missed.
    pub read_at: Option<Timestamp>,
    /// When the check is made.
    pub moment: Moment<'a>,
}

/// What the directory says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Why people can be given nothing.
    pub unfit: BTreeMap<TeamsUserId, Vec<Finding>>,
    /// What keeps nobody from anything.
    pub remarks: Vec<Finding>,
}

/// Plans and logs name people; addresses stay out of them.
fn by_name(finding: Finding, user: &TeamsUser) -> Finding {
    let named = |text: String| text.replace(&user.label(), &user.name);
    Finding {
        subject: named(finding.subject),
        seen: named(finding.seen),
        ..finding
    }
}

/// Looks at everybody who is wanted.
#[must_use]
pub fn people<'a>(
    wanted: &BTreeMap<TeamsUserId, Wanted>,
    voice_user: impl Fn(&VoiceUserId) -> Option<&'a VoiceUser>,
    directory: Directory<'_>,
) -> Seen {
    let mut seen = Seen::default();
    for (id, wanted) in wanted {
        let voice = voice_user(&wanted.voice_user);
        let mut unfit: Vec<Finding> = number_invalid(&wanted.name, &wanted.number).into_iter().collect();
        let mut remarks: Vec<Finding> = Vec::new();
        match directory.people.get(id) {
            Some(user) => {
                unfit.extend(against(user).map(|finding| by_name(finding, user)));
                let propagating = license_propagating(user, false, directory.moment);
                let found = propagating.into_iter().chain(place(user, wanted, voice));
                remarks.extend(found.map(|finding| by_name(finding, user)));
            }
            None if directory.read_at.is_some() => unfit.push(outside(&wanted.name, directory)),
            None => {}
        }
        if voice.is_some_and(|voice| voice.extension.is_none()) {
            remarks.push(no_extension(&wanted.name));
        }
        let of_person = |finding: Finding| Finding {
            about: Some(id.clone()),
            ..finding
        };
        if !unfit.is_empty() {
            seen.unfit
                .insert(id.clone(), unfit.into_iter().map(of_person).collect());
        }
        seen.remarks.extend(remarks.into_iter().map(of_person));
    }
    seen
}

/// Everything for which a person can be given no number.
pub fn against(user: &TeamsUser) -> impl Iterator<Item = Finding> {
    // The licenses of those who are no people of the tenant are another matter.
    let stranger = guest(user).or_else(|| resource_account(user));
    let person = stranger.is_none();
    let licenses = [no_phone_system(user), has_calling_plan(user), has_comm_credits(user)];
    let licenses = licenses.into_iter().flatten().filter(move |_| person);
    stranger.into_iter().chain(licenses)
}

/// The person's country, which a tenant may be strict about.
fn place(user: &TeamsUser, wanted: &Wanted, voice: Option<&VoiceUser>) -> Option<Finding> {
    let country = voice
        .and_then(|voice| voice.country)
        .or_else(|| wanted.number.country());
    country_missing(user).or_else(|| country_mismatch(user, country?))
}

fn outside(name: &str, directory: Directory<'_>) -> Finding {
    let absence = Absence {
        filter: directory.filter,
        read_at: directory.read_at,
        left: None,
    };
    user_not_in_filter(name, absence, directory.moment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::directory::ActivePlans;
    use crate::domain::finding::Code;
    use crate::domain::voice::CallHandling;
    use jiff::tz::TimeZone;

    fn voice() -> VoiceUser {
        VoiceUser {
            id: "v1".parse().unwrap(),
            name: "Reception".into(),
            email: None,
            number: Some("+3222345678".parse().unwrap()),
            extension: Some("1001".parse().unwrap()),
            call_handling: CallHandling::Voicemail,
            country: None,
            music_on_hold: None,
            match_by_mail: false,
        }
    }

    fn person() -> TeamsUser {
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

    /// The codes for which the person is left alone, and those of which only is told.
    fn check(voice: &VoiceUser, person: Option<TeamsUser>, read: bool, unfit: &[Code], remarks: &[Code]) {
        let id: TeamsUserId = "2c0b6a1e-1111-4a11-9a11-0000000000a1".parse().unwrap();
        let wanted = Wanted {
            voice_user: voice.id.clone(),
            name: voice.name.clone(),
            number: voice.number.clone().unwrap(),
            calling_policy: "C".into(),
            routing_policy: "R".into(),
        };
        let people_of = person.map(|person| (id.clone(), person)).into_iter().collect();
        let directory = Directory {
            people: &people_of,
            filter: &GroupFilter::Everyone,
            read_at: read.then_some(Timestamp::UNIX_EPOCH),
            moment: Moment {
                now: Timestamp::UNIX_EPOCH,
                zone: &TimeZone::UTC,
            },
        };
        let seen = people(&BTreeMap::from([(id.clone(), wanted)]), |_| Some(voice), directory);
        let codes = |findings: &[Finding]| -> Vec<Code> { findings.iter().map(|finding| finding.code).collect() };
        let left = seen.unfit.get(&id).map(|findings| codes(findings)).unwrap_or_default();
        assert_eq!((left.as_slice(), codes(&seen.remarks).as_slice()), (unfit, remarks));
        let about = seen.unfit.values().flatten().chain(&seen.remarks);
        assert!(about.into_iter().all(|finding| finding.about.as_ref() == Some(&id)));
    }

    #[test]
    fn r208_who_has_what_is_needed_is_left_in_peace() {
        check(&voice(), Some(person()), true, &[], &[]);
    }

    #[test]
    fn r091_r092_r093_everything_against_a_person_is_said_at_once() {
        let plans = ActivePlans {
            calling_plan: true,
            credits: true,
            ..ActivePlans::default()
        };
        let all = [Code::NoPhoneSystem, Code::HasCallingPlan, Code::HasCommCredits];
        check(&voice(), Some(TeamsUser { plans, ..person() }), true, &all, &[]);
        let visitor = TeamsUser {
            guest: true,
            plans,
            ..person()
        };
        check(&voice(), Some(visitor), true, &[Code::Guest], &[]);
    }

    #[test]
    fn r103_r209_r217_what_may_work_all_the_same_is_only_told() {
        let nowhere = TeamsUser {
            country: None,
            plans: ActivePlans {
                phone_since: Some(Timestamp::UNIX_EPOCH),
                ..person().plans
            },
            ..person()
        };
        let silent = VoiceUser {
            extension: None,
            ..voice()
        };
        let told = [Code::LicensePropagating, Code::CountryMissing, Code::NoExtension];
        check(&silent, Some(nowhere), true, &[], &told);
        let abroad = TeamsUser {
            country: Some("US".into()),
            ..person()
        };
        check(&voice(), Some(abroad), true, &[], &[Code::CountryMismatch]);
    }

    #[test]
    fn r085_r220_who_is_not_in_the_filter_is_left_alone_once_it_was_read() {
        check(&voice(), None, true, &[Code::UserNotInFilter], &[]);
        check(&voice(), None, false, &[], &[]);
    }

    #[test]
    fn r209_a_number_that_cannot_be_dialled_is_given_to_nobody() {
        let far = VoiceUser {
            number: Some("+9991234567".parse().unwrap()),
            ..voice()
        };
        check(&far, Some(person()), true, &[Code::NumberInvalid], &[]);
    }
}
