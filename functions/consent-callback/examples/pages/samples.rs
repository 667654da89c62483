//! Every page in every state, with people and companies that do not exist. The tests read it, and so does the example
//! that writes the pages to files.

use super::*;
use shared::domain::brand::Brand;
use shared::error::SignInRefused;

/// A name that would be markup if it were not escaped.
pub(super) const HOSTILE: &str = "<script>alert('x')</script> & \"Sons\"";

pub(super) fn brand() -> Brand {
    Brand {
        product_name: "Kestrel for Teams".into(),
        policy_prefix: "Kestrel".into(),
        voice_portal_name: "Kestrel Voice".into(),
        voice_portal_url: "https://voice.kestrel.example/".parse().unwrap(),
        integration_portal_url: "https://teams.kestrel.example/portal".parse().unwrap(),
        account_contact: "your voice administrator, +1 555 0100".into(),
        provider_contact: "Kestrel Support".into(),
        sender: None,
        reply_to: None,
        application: None,
        accent: None,
        logo_url: None,
    }
}

pub(super) fn invitation(enterprise: &str) -> InvitationPage {
    InvitationPage {
        product: "Kestrel for Teams".into(),
        enterprise: enterprise.into(),
        reseller: "Northline Telecom".into(),
        expires: "Nov 29, 2026, 4:05 PM (Europe/Brussels time)".into(),
        permissions_url: "/permissions".into(),
        application: "Kestrel Connect".into(),
        post_to: "/i/4f0c2f5e".into(),
        notice: None,
        unanswered: None,
    }
}

pub(super) fn reminders(enterprise: &str) -> RemindersPage {
    RemindersPage {
        product: "Kestrel for Teams".into(),
        enterprise: enterprise.into(),
        holder: "Mara Quist".into(),
        admin: "Mara Quist".into(),
        offered: None,
        paused: None,
        post_to: "/reminders/4f0c2f5e".into(),
        email: String::new(),
        name: String::new(),
        days: String::new(),
        reason: String::new(),
        wrong: Vec::new(),
    }
}

pub(super) fn duty(enterprise: &str) -> DutyPage {
    DutyPage {
        product: "Kestrel for Teams".into(),
        enterprise: enterprise.into(),
        from: "Mara Quist".into(),
        name: "Ann Other".into(),
        admin: "Mara Quist".into(),
        post_to: "/duty/4f0c2f5e".into(),
        wrong: false,
    }
}

pub(super) fn confirm_tenant(enterprise: &str) -> ConfirmTenantPage {
    ConfirmTenantPage {
        product: "Kestrel for Teams".into(),
        enterprise: enterprise.into(),
        reseller: "Northline Telecom".into(),
        tenant_name: "Bluefinch Group".into(),
        tenant_domain: "bluefinch.onmicrosoft.com".into(),
        person: "mara@bluefinch.example".into(),
        post_to: "/setup/tenant".into(),
    }
}

pub(super) fn second_consent(enterprise: &str) -> SecondConsentPage {
    SecondConsentPage {
        product: "Kestrel for Teams".into(),
        enterprise: enterprise.into(),
        tenant_name: "Bluefinch Group".into(),
        permissions_url: "/permissions".into(),
        application: "Kestrel Connect".into(),
        post_to: "/setup/calling".into(),
        organization_post_to: None,
        again: false,
        unanswered: None,
        back: None,
    }
}

pub(super) fn sync_sign_in(enterprise: &str) -> SyncSignInPage {
    SyncSignInPage {
        product: "Kestrel for Teams".into(),
        enterprise: enterprise.into(),
        person: "Mara Quist".into(),
        tenant_name: "Bluefinch Group".into(),
        run_kind_text: "This sync applies the saved mapping in Microsoft Teams.".into(),
        plan_lines: vec![
            "Assign +32 2 123 45 01 to Ann Vos".into(),
            format!("Release from {HOSTILE}"),
        ],
        any_tenant: false,
        post_to: "/sync/run_1".into(),
        unanswered: None,
    }
}

pub(super) fn done(enterprise: &str) -> DonePage {
    DonePage {
        product: "Kestrel for Teams".into(),
        enterprise: enterprise.into(),
        headline: "The set-up is complete".into(),
        next_steps: vec!["Choose the groups whose people can be mapped.".into()],
        portal_url: "https://teams.kestrel.example/portal".into(),
        ..DonePage::default()
    }
}

pub(super) fn every_refusal() -> Vec<SignInRefused> {
    use SignInRefused::*;
    let all = vec![
        LinkClosed,
        WrongCode { left: 3 },
        StateUnknown,
        Declined,
        ApprovalRequired,
        TokenInvalid("nonce"),
        PersonalAccount,
        NotGlobalAdmin { has: Vec::new() },
        ConsentNotInForce,
        NotRecorded {
            expected: "Mara Quist".into(),
        },
        TenantMismatch,
        TenantTaken,
        ConsentIncomplete {
            missing: vec!["User.Read.All".into(), "GroupMember.Read.All".into()],
        },
        Microsoft {
            code: "AADSTS53003".into(),
        },
    ];
    // A new variant does not compile here, so that it is not forgotten above.
    for refusal in &all {
        match refusal {
            LinkClosed | WrongCode { .. } | StateUnknown | Declined | ApprovalRequired | TokenInvalid(_) => {}
            PersonalAccount | NotGlobalAdmin { .. } | NotRecorded { .. } | TenantMismatch | TenantTaken => {}
            ConsentIncomplete { .. } | ConsentNotInForce | Microsoft { .. } => {}
        }
    }
    all
}

pub(super) fn back() -> Option<Back> {
    let url: url::Url = "https://front.example/teams?a=1&dialbridge_outcome=declined"
        .parse()
        .unwrap();
    Some(url.into())
}

pub(super) fn next(enterprise: &str) -> NextPage {
    NextPage {
        product: "Kestrel for Teams".into(),
        headline: "Sync User Groups".into(),
        intro: format!("Northline Telecom asks you to choose whose users are synchronised for {enterprise}."),
        steps: vec!["Sign in at Microsoft with the account of Mara Quist.".into()],
        enterprise: enterprise.into(),
        tenant_name: "Bluefinch Group".into(),
        person: "Mara Quist".into(),
        permissions_url: None,
        application: "Kestrel Connect".into(),
        post_to: "/next/4f0c2f5e".into(),
        unanswered: None,
        back: back(),
    }
}

pub(super) fn offer(enterprise: &str) -> Offer {
    Offer {
        reseller: "Northline Telecom".into(),
        enterprise: enterprise.into(),
        post_to: "/setup/management".into(),
    }
}

pub(super) fn management(enterprise: &str) -> ManagementPage {
    ManagementPage {
        product: "Kestrel for Teams".into(),
        tenant_name: "Bluefinch Group".into(),
        person: "Mara Quist".into(),
        offer: offer(enterprise),
    }
}

pub(super) fn row(name: &str, banned: bool, chosen: bool) -> GroupRow {
    GroupRow {
        id: format!("id-of-{}", name.len()),
        name: name.into(),
        note: if banned {
            "Cannot be chosen: it is incomplete.".into()
        } else {
            "Security group, 12 members".into()
        },
        banned,
        chosen,
    }
}

pub(super) fn groups(enterprise: &str) -> GroupsPage {
    GroupsPage {
        product: "Kestrel for Teams".into(),
        enterprise: enterprise.into(),
        tenant_name: "Bluefinch Group".into(),
        wrong: Vec::new(),
        advice: Vec::new(),
        mode: String::new(),
        groups: vec![
            row("All Users", true, false),
            row("Billing", false, true),
            row(HOSTILE, false, false),
        ],
        more: 0,
        names: String::new(),
        ask_empty: false,
        empty: false,
        read_at: Some("Nov 22, 2026, 2:05 PM (Europe/Brussels time)".into()),
        preview: None,
        can_preview: true,
        version: 7,
        post_to: "/setup/groups".into(),
        back: None,
    }
}

pub(super) fn preview(unassigned: usize) -> PreviewView {
    let people = |heading: &str, names: &[&str]| {
        (
            heading.to_owned(),
            names.iter().map(|name| (*name).to_owned()).collect(),
        )
    };
    PreviewView {
        groups: vec!["Billing: 12 people".into(), format!("{HOSTILE}: 1 person")],
        people: vec![
            people("12 people are in", &["Ann Vos (ann@bluefinch.example)", "and 11 more"]),
            people(
                "381 people are out",
                &["Ben Lum (ben@bluefinch.example)", "and 380 more"],
            ),
            people("Nobody would be synchronised anew", &[]),
            people(
                "2 people would be left out from now on",
                &["Cy Doe (cy@bluefinch.example)", HOSTILE],
            ),
        ],
        figures: Some("9 of those who are in can be mapped: they have Teams Phone and no calling plan.".into()),
        unassigned: (0..unassigned)
            .map(|n| format!("Desk {n}, +32 2 123 45 {n:02}: Cy Doe (cy{n}@bluefinch.example)"))
            .collect(),
        releases: unassigned,
        approval: unassigned > 5,
        ..PreviewView::default()
    }
}

pub(super) fn move_tenant(enterprise: &str) -> MoveTenantPage {
    MoveTenantPage {
        product: "Kestrel for Teams".into(),
        enterprise: enterprise.into(),
        reseller: "Northline Telecom".into(),
        from_tenant: "Bluefinch Group".into(),
        to_tenant_name: "Bluefinch Europe".into(),
        to_tenant_domain: "bluefincheurope.onmicrosoft.com".into(),
        person: "Mara Quist".into(),
        left_behind: vec!["+32 2 123 45 01 of Ann Vos".into()],
        post_to: "/setup/move".into(),
    }
}

pub(super) fn wait(product: &str) -> WaitPage {
    WaitPage {
        product: product.into(),
        headline: "Microsoft is applying the permissions".into(),
        what: "You accepted them; until Microsoft has told all of its services it can take some minutes.".into(),
        refresh_to: "/setup".into(),
        seconds: 15,
    }
}

pub(super) fn accepted(enterprise: &str) -> AcceptedPage {
    AcceptedPage {
        product: "Kestrel for Teams".into(),
        enterprise: enterprise.into(),
        tenant_name: "Bluefinch Group".into(),
        post_to: "/setup/consent".into(),
    }
}

pub(super) fn unattended(enterprise: &str) -> UnattendedPage {
    UnattendedPage {
        product: "Kestrel for Teams".into(),
        enterprise: enterprise.into(),
        reseller: "Northline Telecom".into(),
        tenant_name: "Bluefinch Group".into(),
        post_to: "/setup/unattended".into(),
    }
}

pub(super) fn activation(reseller: &str) -> ActivationPage {
    ActivationPage {
        product: "Kestrel for Teams".into(),
        reseller: reseller.into(),
        owner: "owner@northline.example".into(),
        post_to: "/activate/4f0c2f5e".into(),
    }
}

pub(super) fn permissions(product: &str) -> PermissionsPage {
    PermissionsPage {
        product: product.into(),
        sets: permission_sets(),
    }
}

/// Every page in every state that changes what is on it, by a name.
pub(super) fn every_page() -> Vec<(String, String)> {
    const LTD: &str = "Bluefinch Ltd";
    const LONG: &str =
        "Vereniging-van-Samenwerkende-Ziekenhuisapothekersorganisaties-in-Nederland-en-Vlaanderen Coöperatie";
    let began = || Some("11 minutes ago".to_owned());
    let mut pages: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, html: String| pages.push((name.to_owned(), html));

    add("activation", activation(LTD).html());
    add("invitation", invitation(LTD).html());
    add("invitation-hostile", invitation(HOSTILE).html());
    add("invitation-long", invitation(LONG).html());
    let mut page = invitation(LTD);
    page.notice = Some("This is not the code of the mail that brought you here. 3 tries are left.".into());
    page.unanswered = began();
    add("invitation-wrong-code", page.html());

    add("confirm-tenant", confirm_tenant(LTD).html());
    add("confirm-tenant-long", confirm_tenant(LONG).html());

    let mut page = second_consent(LTD);
    add("second-consent", page.html());
    page.organization_post_to = Some("/setup/organization".into());
    page.back = back();
    add("second-consent-organization", page.html());
    page.again = true;
    page.unanswered = began();
    add("second-consent-again", page.html());
    add("accepted", accepted(LTD).html());
    add("unattended", unattended(LTD).html());
    add("wait", wait("Kestrel for Teams").html());

    let mut page = sync_sign_in(LTD);
    add("sync-sign-in", page.html());
    page.any_tenant = true;
    page.unanswered = began();
    page.plan_lines.clear();
    add("sync-sign-in-any-tenant", page.html());
    let mut page = move_tenant(LTD);
    add("move-tenant", page.html());
    page.left_behind.clear();
    page.enterprise = LONG.into();
    add("move-tenant-nothing-left", page.html());

    let mut page = next(LTD);
    add("next", page.html());
    page.permissions_url = Some("/permissions".into());
    page.unanswered = began();
    page.back = None;
    add("next-permissions", page.html());
    add("management", management(LTD).html());

    let mut page = groups(LTD);
    add("groups", page.html());
    page.mode = "groups".into();
    page.advice = vec!["All Users should be removed.".into()];
    page.wrong = vec!["there is no group `Bilin`".into(), "`Sales` is two groups".into()];
    page.names = "Bilin\nSales".into();
    page.more = 12;
    page.back = back();
    add("groups-wrong", page.html());
    page.wrong.clear();
    page.preview = Some(preview(7));
    page.can_preview = false;
    add("groups-preview", page.html());
    let mut nothing = preview(0);
    nothing.same = true;
    nothing.stops = vec!["Pilot exists and has no members. A sync stops until it has some.".into()];
    page.preview = Some(nothing);
    page.ask_empty = true;
    add("groups-preview-empty", page.html());
    page.preview = None;
    page.read_at = None;
    page.groups.clear();
    page.more = 0;
    add("groups-none", page.html());

    let mut page = reminders(LTD);
    add("reminders", page.html());
    page.wrong = vec!["Address: give an address such as name@company.example.".into()];
    page.offered = Some("Ann Other".into());
    page.paused = Some("2026-11-29".into());
    add("reminders-wrong", page.html());
    let mut page = duty(LTD);
    add("duty", page.html());
    page.wrong = true;
    add("duty-wrong", page.html());

    let mut page = done(LTD);
    add("done", page.html());
    page.groups_url = Some("/setup/groups".into());
    page.offer = Some(offer(LTD));
    add("done-open", page.html());
    page.back = back();
    page.next_steps.clear();
    add("done-back", page.html());

    for why in every_refusal() {
        let page = refused(&why, Some(&brand()));
        add(&format!("refused-{}", page.code), page.html());
    }
    let page = refused(&SignInRefused::WrongCode { left: 0 }, None);
    add("refused-no-brand", RefusedPage { back: back(), ..page }.html());
    add("permissions", permissions("Kestrel for Teams").html());
    add("help", help(false).html());
    add("help-not-a-number", help(true).html());
    for topic in topics::ours()
        .iter()
        .chain(topics::microsofts())
        .chain(topics::people())
    {
        add(&format!("help-{}", topic.code()), help_topic(topic.code()).html());
    }
    add("help-unknown", help_topic("AADSTS999999").html());
    pages
}
