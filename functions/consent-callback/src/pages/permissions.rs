//! What each permission is for, in the words of the page that explains them (R038, R060).

use super::PermissionSetText;
use shared::domain::consent::{
    CALLING_SCOPES, ORGANIZATION_ROLES, SIGN_IN_SCOPES, TEAMS_ADMIN_SCOPE, UNATTENDED_ROLES,
};

/// Every set, every permission with its reason.
#[must_use]
pub fn permission_sets() -> Vec<PermissionSetText> {
    vec![
        PermissionSetText {
            title: "First set: who you are".into(),
            intro: "Asked at your first sign-in. It shows us who you are and lets us check that you are a Global \
                    Administrator. Nothing in your tenant can be changed with it. Microsoft words it as \"View users' \
                    basic profile\" and \"Maintain access to data you have given it access to\"."
                .into(),
            permissions: explained(&SIGN_IN_SCOPES),
        },
        PermissionSetText {
            title: "Second set: Teams calling".into(),
            intro: "Asked after you have signed in again. With it, and only on behalf of you as the person signed in, \
                    a sync creates and changes the phone numbers of users and their voice routing policies in your \
                    tenant. Its first run also makes the domains that calls come through."
                .into(),
            permissions: explained(&CALLING_SCOPES)
                .into_iter()
                .chain(explained(&[TEAMS_ADMIN_SCOPE]))
                .collect(),
        },
        PermissionSetText {
            title: "For the whole organization".into(),
            intro:
                "Asked only if you choose \"Accept for the whole organization\", together with both sets. It is the \
                    one permission that works without you, and it only reads."
                    .into(),
            permissions: explained_with(&ORGANIZATION_ROLES, reason_of_role),
        },
        PermissionSetText {
            title: "For syncs without a sign-in".into(),
            intro:
                "Asked only if you want syncs to run when nobody signs in for them, by an application of its own that \
                    you can delete in your tenant without touching the other one. These permissions work without you. \
                    They change numbers and policies of users, and nothing else of the tenant."
                    .into(),
            permissions: explained_with(&UNATTENDED_ROLES, reason_without_person),
        },
    ]
}

fn explained(scopes: &[&str]) -> Vec<(String, String)> {
    explained_with(scopes, reason)
}

fn explained_with(permissions: &[&str], reason: fn(&str) -> &'static str) -> Vec<(String, String)> {
    permissions
        .iter()
        .map(|name| ((*name).to_owned(), reason(name).to_owned()))
        .collect()
}

fn reason_of_role(role: &str) -> &'static str {
    match role {
        "Organization.Read.All" => {
            "Read the description of your organization without you, to see whether the consent is in force."
        }
        _ => "Needed by the set as a whole.",
    }
}

fn reason_without_person(role: &str) -> &'static str {
    match role {
        "Organization.Read.All" => "Read the description of your organization, to see whether you still allow it.",
        role => reason(role),
    }
}

fn reason(scope: &str) -> &'static str {
    match scope {
        "openid" => "Sign you in with your Microsoft account. We never see your password.",
        "profile" => "Read your name and which organization you belong to.",
        "offline_access" => {
            "Get the access for both Microsoft Graph and Teams from one sign-in of a sync. It is not kept."
        }
        "User.Read" => "Read your own roles, to check that you are a Global Administrator.",
        "User.Read.All" => "Read the people of your organization and their licenses, to offer them for mapping.",
        "GroupMember.Read.All" => "Read groups and their members, if you choose groups whose people are offered.",
        "Domain.ReadWrite.All" => {
            "Add the domains that calls come through, prove that they are yours, and remove them again at the end. Your own \
             domains are not touched."
        }
        "User.ReadWrite.All" => {
            "Make one account in each of these domains, which Microsoft requires to activate it, and delete it when that is \
             done. Nobody else's account is touched."
        }
        "LicenseAssignment.ReadWrite.All" => {
            "See how many licenses are free, lend one to each of these accounts for a few hours, and take it back."
        }
        "TeamsUserConfiguration.Read.All" => "Read the voice settings of users in Teams, to compare and to prove.",
        "TeamsTelephoneNumber.ReadWrite.All" => "Assign phone numbers to the users that you map, and take them back.",
        "TeamsPolicyUserAssign.ReadWrite.All" => "Give the users that you map their voice routing and calling policy.",
        "user_impersonation" => {
            "Create the voice routes and policies of the tenant, which Microsoft offers to signed-in administrators only."
        }
        _ => "Needed by the set as a whole.",
    }
}
