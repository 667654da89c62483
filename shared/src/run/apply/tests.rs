//! What steps carry, and what is reported of them.

use super::*;

fn user(n: u8) -> TeamsUserId {
    format!("2c0b6a1e-1111-4a11-9a11-0000000000{n:02x}").parse().unwrap()
}

fn number(n: u8) -> E164 {
    format!("+155501001{n:02}").parse().unwrap()
}

fn release(n: u8, from: u8) -> Change {
    Change::Release {
        number: number(n),
        from: user(from),
    }
}

fn assign(n: u8, to: u8) -> Change {
    Change::Assign {
        number: number(n),
        to: user(to),
        moved: true,
    }
}

#[test]
fn an_assignment_names_the_releases_that_come_before_it() {
    let changes = [release(1, 1), release(2, 2), assign(1, 2), assign(2, 1), assign(3, 3)];
    let steps = steps(&changes, &[None; 5]);
    let after: Vec<&[u32]> = steps.iter().map(|step| step.after.as_slice()).collect();
    assert_eq!(after, [&[][..], &[], &[0, 1], &[0, 1], &[]]);
    assert!(
        steps
            .iter()
            .zip(&changes)
            .all(|(step, change)| step.change.as_ref() == Some(change))
    );
}

#[test]
fn what_was_not_tried_is_reported_for_what_stood_in_the_way() {
    let held = Held::TooManyReleases { releases: 9, limit: 5 };
    let mut steps = steps(&[release(1, 1), assign(1, 2)], &[Some(held), None]);
    steps[0].what = "- +15550100101 from Ann".into();
    let held = finding(&steps[0]).unwrap();
    assert_eq!(held.code, Code::TooManyReleases);
    assert!(
        held.seen.starts_with("- +15550100101 from Ann: held: "),
        "{}",
        held.seen
    );
    assert_eq!(finding(&steps[1]), None, "not settled");
    let failed = |code| Step {
        state: StepState::Failed {
            why: "No. (Bad)".into(),
        },
        code,
        ..steps[1].clone()
    };
    assert_eq!(finding(&failed(None)).unwrap().code, Code::MsRefused);
    assert_eq!(finding(&failed(Some(Code::NotProven))).unwrap().code, Code::NotProven);
}
