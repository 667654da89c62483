//! What a person reads when a sign-in or consent was refused: what happened, and the way out (R053, R066-R067, R204-R210).

use super::RefusedPage;
use shared::domain::brand::Brand;
use shared::error::SignInRefused;

/// A refusal in words; names and contact come from the brand, where it is known.
#[must_use]
pub fn refused(why: &SignInRefused, brand: Option<&Brand>) -> RefusedPage {
    let provider = brand.map_or("your provider", |brand| &brand.provider_contact);
    let words = words(why, provider);
    RefusedPage {
        product: brand.map(|brand| brand.product_name.clone()),
        headline: words.headline.to_owned(),
        what_happened: words.what_happened,
        what_to_do: words.what_to_do,
        contact: brand.map(|brand| brand.account_contact.clone()),
        code: words.code,
        back: None,
    }
}

struct Words {
    code: String,
    headline: &'static str,
    what_happened: String,
    what_to_do: Vec<String>,
}

fn say(code: &str, headline: &'static str, what_happened: impl Into<String>, what_to_do: &[&str]) -> Words {
    Words {
        code: code.to_owned(),
        headline,
        what_happened: what_happened.into(),
        what_to_do: what_to_do.iter().map(|step| (*step).to_owned()).collect(),
    }
}

/// R206, in its four steps.
const FOUR_STEPS: [&str; 4] = [
    "Log out of all Microsoft accounts.",
    "Open the link of your message again, in a private (incognito) window.",
    "Use a supported browser: Chrome, Firefox or Edge.",
    "Switch off pop-up blockers for this page.",
];

/// R205.
const PRIVATE_WINDOW: &str = "Copy the link that brought you here and open it in a private (incognito) window, then sign in with the right account.";

fn words(why: &SignInRefused, provider: &str) -> Words {
    match why {
        SignInRefused::LinkClosed => say(
            "LINK_CLOSED",
            "This link cannot be used any more",
            "The link is unknown, has expired, was replaced by a newer one, or has done its work already.",
            &[
                "Look for a newer message with a newer link, also among spam.",
                "If you have finished the set-up before, open the integration portal instead.",
                "Otherwise ask for a new invitation.",
            ],
        ),
        SignInRefused::WrongCode { left } => say(
            "WRONG_CODE",
            "This is not the Invitation Code",
            match left {
                0 => "The code does not belong to this link, and no tries are left.".to_owned(),
                1 => "The code does not belong to this link. One try is left.".to_owned(),
                n => format!("The code does not belong to this link. {n} tries are left."),
            },
            if *left == 0 {
                &["Ask for a new invitation."]
            } else {
                &[
                    "Copy the Invitation Code from the same message that the link came from.",
                    "If you have several messages, use the newest one.",
                ]
            },
        ),
        SignInRefused::StateUnknown => say(
            "UNKNOWN_ACCOUNT",
            "We could not connect this sign-in with you",
            "The sign-in took too long, was used before, or was begun in another browser or window. Nothing was changed.",
            &FOUR_STEPS,
        ),
        SignInRefused::Declined => say(
            "DECLINED",
            "The permissions were not accepted",
            "You pressed Cancel at Microsoft. Without the permissions the set-up cannot go on. Nothing was changed.",
            &[
                "Read what the permissions are for, if you had doubts.",
                "Open the link of your message again.",
                "Tick \"Consent on behalf of your organization\" and click \"Accept\".",
            ],
        ),
        SignInRefused::ApprovalRequired => say(
            "APPROVAL_REQUIRED",
            "Approval required",
            "Microsoft does not let the account that you used accept these permissions: an administrator must approve \
             them. This is not a matter of multi-factor sign-in (MFA).",
            &[
                "If you have a Global Administrator account, open the link again in a private window and sign in with it.",
                "Otherwise ask the Microsoft administrator of your organization's domain to approve the request in the \
                 Microsoft Entra admin center.",
                "Then open the link of your message again.",
            ],
        ),
        SignInRefused::TokenInvalid(_) => say(
            "SIGN_IN_INVALID",
            "The answer from Microsoft could not be verified",
            "What came back from the sign-in did not pass our checks. Nothing was changed.",
            &[
                "Check that the clock of this computer is right.",
                "Open the link of your message again, in a private (incognito) window.",
                "If it happens again, tell us the code below.",
            ],
        ),
        SignInRefused::PersonalAccount => say(
            "PERSONAL_ACCOUNT",
            "This is a personal Microsoft account",
            "The set-up needs a work account of your organization; personal accounts (Outlook.com, Xbox, Skype) do not \
             have Teams calling.",
            &[
                PRIVATE_WINDOW,
                "Choose the work account that is a Global Administrator of your organization.",
            ],
        ),
        SignInRefused::NotGlobalAdmin { has } => Words {
            what_to_do: vec![
                "If you have another account with the role Global Administrator, open the link in a private \
                 (incognito) window and sign in with that one."
                    .into(),
                "Otherwise find out who has the role in your organization.".into(),
                format!("Have {provider} reassign the Global Admin role to that person."),
            ],
            ..say(
                "GA_NOT_ADMIN",
                "This account is not a Global Administrator",
                format!(
                    "You signed in, but Microsoft says that the account does not have the role Global Administrator. {} \
                     A role that you are eligible for counts once you have activated it.",
                    match &has[..] {
                        [] => "It has no administrator role.".to_owned(),
                        roles => format!("It has: {}.", roles.join(", ")),
                    }
                ),
                &[],
            )
        },
        SignInRefused::NotRecorded { expected } => Words {
            what_to_do: vec![
                format!("If you are {expected}, open the link in a private (incognito) window and use that account."),
                format!("If not, ask {expected} to do it."),
                format!("If somebody else should do it from now on, have {provider} reassign the Global Admin role."),
            ],
            ..say(
                "GA_NOT_RECORDED",
                "Somebody else is the Global Admin of this integration",
                format!("Only {expected} can do this; you signed in with another account. Nothing was changed."),
                &[],
            )
        },
        SignInRefused::TenantMismatch => say(
            "TENANT_MISMATCH",
            "The tenant for the selected user does not match the previously tenant selected",
            "You signed in to another Microsoft tenant than the one this integration is linked to. Nothing was changed.",
            &[
                PRIVATE_WINDOW,
                "To move to another tenant on purpose: click \"Disable Sync\" in the integration portal, then run the \
                 next sync signed in to the right tenant.",
            ],
        ),
        SignInRefused::TenantTaken => say(
            "TENANT_TAKEN",
            "This tenant belongs to another enterprise already",
            "Each Microsoft tenant can be linked once, and the one you signed in to is linked to another enterprise here.",
            &[
                "If you have accounts in several organizations, open the link in a private (incognito) window and use \
                 the account of the right one.",
                "If this is the right one, ask for the older link to be removed first.",
            ],
        ),
        SignInRefused::ConsentIncomplete { missing } => say(
            "CONSENT_MISSING",
            "Some permissions are still missing",
            format!("These were not granted: {}.", missing.join(", ")),
            &[
                "Open the link of your message again and sign in.",
                "Tick \"Consent on behalf of your organization\" before you click \"Accept\".",
                "Accept both permission sets.",
            ],
        ),
        SignInRefused::ConsentNotInForce => say(
            "CONSENT_NOT_IN_FORCE",
            "Microsoft is still applying the permissions",
            "You accepted the permissions, and Microsoft does not let us use them yet. Nothing is lost.",
            &[
                "Wait a few minutes.",
                "Open the link of your message again and sign in. Nothing has to be accepted a second time.",
            ],
        ),
        SignInRefused::Microsoft { code } => microsoft(code),
    }
}

/// Microsoft's own refusals that a person can do something about, by their number.
fn microsoft(code: &str) -> Words {
    let known = code.len() <= 40 && !code.is_empty() && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let code = if known { code } else { "MICROSOFT_REFUSED" };
    let (what_happened, what_to_do): (&str, &[&str]) = match code.strip_prefix("AADSTS").unwrap_or(code) {
        "65001" => (
            "The permissions have not been granted yet.",
            &["Open the link of your message again and accept the permissions."],
        ),
        "50020" | "50034" | "51004" | "16000" | "500208" => (
            "Microsoft does not know the account in this organization: it belongs to another one, or is personal.",
            &FOUR_STEPS,
        ),
        "90099" => (
            "The account belongs to a partner who manages the organization.",
            &["Sign in with an administrator account that belongs to the organization itself."],
        ),
        "500212" | "500213" => (
            "The cross-tenant rules of your organization block this sign-in.",
            &["Sign in with an account that belongs to the organization itself, or ask its IT to allow the access."],
        ),
        "50105" => (
            "Your organization lets only assigned people use this application.",
            &[
                "Ask your administrator to assign you to the application in the Microsoft Entra admin center, then try again.",
            ],
        ),
        "50072" | "50079" => (
            "Your organization wants you to register for multi-factor sign-in first.",
            &["Register your security information at Microsoft, then open the link of your message again."],
        ),
        "50074" | "50076" | "50078" => (
            "The second factor of the sign-in is missing or too old.",
            &["Open the link of your message again, sign in, and complete the second factor."],
        ),
        "53000" | "53001" | "530003" => (
            "Your organization allows sign-ins from managed devices only.",
            &["Use a device that your organization manages."],
        ),
        "53003" | "530032" | "530034" | "530035" => (
            "The sign-in rules of your organization (Conditional Access) block this sign-in.",
            &["Ask your IT to allow it; tell them the code below."],
        ),
        "500011" | "650052" => (
            "The organization has no Teams service yet.",
            &["Assign at least one Teams license in the organization, wait a few hours, then try again."],
        ),
        "700016" => (
            "The application is not set up in this organization yet.",
            &["Begin with the link of your invitation, and sign in to the right organization."],
        ),
        _ => (
            "Microsoft ended the sign-in with the code below. Nothing was changed.",
            &[
                "Wait a few minutes, then open the link of your message again, in a private (incognito) window.",
                "If it happens again, tell us the code below.",
            ],
        ),
    };
    say(
        code,
        "Microsoft did not complete the sign-in",
        what_happened,
        what_to_do,
    )
}
