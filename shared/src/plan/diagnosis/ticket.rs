//! What to write to support where waiting and syncing do not help: a description, and the phone numbers concerned (R221-R222).

use super::Reason;
use crate::domain::finding::{Actor, Code};
use crate::domain::phone::E164;
use crate::domain::voice::VoiceUser;

/// What a ticket is made of.
#[derive(Debug)]
pub struct Case<'a> {
    /// The enterprise's name.
    pub enterprise: &'a str,
    /// Whom to write to.
    pub provider: &'a str,
    /// The person in Teams, `Name (email)`.
    pub person: Option<&'a str>,
    /// The voice user.
    pub voice: Option<&'a VoiceUser>,
    /// The number that a sync has put in place.
    pub owned: Option<&'a E164>,
    /// What is not as it should be.
    pub reasons: &'a [Reason],
}

/// The text; nothing while somebody else can still do something.
#[must_use]
pub fn ticket(case: &Case<'_>) -> Option<String> {
    let matters = |reason: &&Reason| {
        let finding = &reason.finding;
        finding.actor == Actor::Provider || matches!(finding.code, Code::NotProven | Code::MsRefused)
    };
    let seen: Vec<&Reason> = case.reasons.iter().filter(matters).collect();
    if seen.is_empty() {
        return None;
    }
    let number = |number: &E164| number.to_string();
    let mut numbers: Vec<String> = case.owned.map(number).into_iter().collect();
    let own = case.voice.and_then(|voice| voice.number.as_ref()).map(number);
    numbers.extend(own.filter(|own| !numbers.contains(own)));
    let mut lines = vec![
        format!("To {}", case.provider),
        format!("Teams calling does not work at {}.", case.enterprise),
    ];
    lines.extend(case.person.map(|person| format!("Person: {person}")));
    lines.extend(
        case.voice
            .map(|voice| format!("Voice user: {} ({})", voice.name, voice.id)),
    );
    if !numbers.is_empty() {
        lines.push(format!("Phone numbers: {}", numbers.join(", ")));
    }
    lines.extend(
        seen.iter()
            .map(|reason| format!("{}: {}", reason.finding.code, reason.finding.seen)),
    );
    Some(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::finding::Finding;
    use crate::plan::diagnosis::Weight;

    fn reason(code: Code, actor: Actor) -> Reason {
        Reason {
            finding: Finding {
                code,
                subject: "Ann".into(),
                seen: "Seen.".into(),
                fix: "Fix.".into(),
                actor,
                about: None,
                wait: None,
            },
            weight: Weight::Warns,
            seen_at: None,
        }
    }

    #[test]
    fn r221_r222_a_ticket_describes_and_names_the_numbers_when_it_is_supports_turn() {
        let owned: E164 = "+3227001000".parse().unwrap();
        let ask = |reasons: &[Reason]| {
            ticket(&Case {
                enterprise: "Bluefinch",
                provider: "Northwind",
                person: Some("Ann Lee (ann@bluefinch.example)"),
                voice: None,
                owned: Some(&owned),
                reasons,
            })
        };
        assert_eq!(ask(&[reason(Code::NoExtension, Actor::AccountAdmin)]), None);
        let late = ask(&[reason(Code::DialpadLate, Actor::Provider)]).unwrap();
        assert_eq!(
            late,
            "To Northwind\nTeams calling does not work at Bluefinch.\nPerson: Ann Lee (ann@bluefinch.example)\n\
             Phone numbers: +3227001000\nDIALPAD_LATE: Seen."
        );
    }
}
