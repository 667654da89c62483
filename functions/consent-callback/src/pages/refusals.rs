//! What a person reads when a sign-in or consent was refused: what happened, and the way out (R053, R066-R067,
//! R204-R210). The texts are in `topics`.

use super::RefusedPage;
use super::topics::{Blanks, Topic, generic, is_number, topic};
use shared::domain::brand::Brand;
use shared::error::SignInRefused;

/// A refusal in words; names and contact come from the brand, where it is known.
#[must_use]
pub fn refused(why: &SignInRefused, brand: Option<&Brand>) -> RefusedPage {
    let mut blanks = blanks(brand);
    match why {
        SignInRefused::WrongCode { left } => blanks.left = left_in_words(*left),
        SignInRefused::NotRecorded { expected } => blanks.expected.clone_from(expected),
        SignInRefused::NotGlobalAdmin { has } => blanks.has = roles_in_words(has),
        SignInRefused::ConsentIncomplete { missing } => blanks.missing = missing.join(", "),
        _ => {}
    }
    let code = code(why);
    let mut page = page(topic(code).unwrap_or(generic()), &blanks, brand);
    if let SignInRefused::WrongCode { left: 0 } = why {
        page.what_to_do = vec!["Ask for a new invitation.".into()];
    }
    if let SignInRefused::Microsoft { code } = why
        && repeatable(code)
    {
        page.code.clone_from(code);
    }
    page
}

/// The page of one of our codes, or of Microsoft's.
#[must_use]
pub fn refused_with(code: &str, brand: Option<&Brand>) -> RefusedPage {
    let page = page(topic(code).unwrap_or(generic()), &blanks(brand), brand);
    let code = if repeatable(code) { code.to_owned() } else { page.code };
    RefusedPage { code, ..page }
}

fn blanks(brand: Option<&Brand>) -> Blanks {
    match brand {
        Some(brand) => Blanks {
            provider: brand.provider_contact.clone(),
            ..Blanks::default()
        },
        None => Blanks::default(),
    }
}

fn page(topic: &Topic, blanks: &Blanks, brand: Option<&Brand>) -> RefusedPage {
    RefusedPage {
        product: brand.map(|brand| brand.product_name.clone()),
        headline: topic.headline.to_owned(),
        what_happened: blanks.filled(topic.what),
        what_to_do: topic.steps.iter().map(|step| blanks.filled(step)).collect(),
        contact: brand.map(|brand| brand.account_contact.clone()),
        code: topic.code().to_owned(),
        back: None,
    }
}

fn code(why: &SignInRefused) -> &str {
    match why {
        SignInRefused::LinkClosed => "LINK_CLOSED",
        SignInRefused::WrongCode { .. } => "WRONG_CODE",
        SignInRefused::StateUnknown => "UNKNOWN_ACCOUNT",
        SignInRefused::Declined => "DECLINED",
        SignInRefused::ApprovalRequired => "APPROVAL_REQUIRED",
        SignInRefused::TokenInvalid(_) => "SIGN_IN_INVALID",
        SignInRefused::PersonalAccount => "PERSONAL_ACCOUNT",
        SignInRefused::NotGlobalAdmin { .. } => "GA_NOT_ADMIN",
        SignInRefused::NotRecorded { .. } => "GA_NOT_RECORDED",
        SignInRefused::TenantMismatch => "TENANT_MISMATCH",
        SignInRefused::TenantTaken => "TENANT_TAKEN",
        SignInRefused::ConsentIncomplete { .. } => "CONSENT_MISSING",
        SignInRefused::ConsentNotInForce => "CONSENT_NOT_IN_FORCE",
        SignInRefused::Microsoft { code } => code,
    }
}

/// Whether a page may repeat what Microsoft called it: a number, or a word that we know.
fn repeatable(code: &str) -> bool {
    is_number(code) || topic(code).is_some()
}

fn roles_in_words(has: &[String]) -> String {
    match has {
        [] => "It has no administrator role.".into(),
        roles => format!("It has: {}.", roles.join(", ")),
    }
}

fn left_in_words(left: u32) -> String {
    match left {
        0 => "No tries are left.".into(),
        1 => "One try is left.".into(),
        left => format!("{left} tries are left."),
    }
}
