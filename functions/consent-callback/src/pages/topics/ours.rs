//! What stops the flow on our own pages (R053, R062, R066-R067, R069, R204-R210).

use super::Topic;

const NOBODY: &str = "Nobody else is needed.";
pub(super) const IT: &str = "The IT department of your organization, or whoever administers its Microsoft 365.";
const PROVIDER: &str = "The one who invited you, or {provider}.";
const GLOBAL_ADMIN: &str =
    "A Global Administrator of your organization. Its IT department knows who has that role in Microsoft 365.";

const PERMISSIONS: (&str, &str) = ("What we ask permission for, and why", "/permissions");
const CHROME: (&str, &str) = (
    "Allow pop-ups in Chrome",
    "https://support.google.com/chrome/answer/95472",
);
const FIREFOX: (&str, &str) = (
    "Allow pop-ups in Firefox",
    "https://support.mozilla.org/kb/pop-blocker-settings-exceptions-troubleshooting",
);
const NUMBERS: (&str, &str) = ("What Microsoft's numbers mean", "/help/sign-in");

/// R206, in its four steps.
pub(super) const FOUR_STEPS: &[&str] = &[
    "Log out of all Microsoft accounts.",
    "Open the link of your message again, in a private (incognito) window.",
    "Use a supported browser: Chrome, Firefox or Edge.",
    "Switch off pop-up blockers for this page.",
];

/// R205.
const PRIVATE_WINDOW: &str = "Copy the link that brought you here and open it in a private (incognito) window, then \
                              sign in with the right account.";

/// Where Microsoft said something that is in no table.
pub(super) const GENERIC: Topic = Topic {
    codes: &["MICROSOFT_REFUSED"],
    headline: "Microsoft did not complete the sign-in",
    what: "Microsoft ended the sign-in for a reason that we have no better words for. Nothing was changed.",
    steps: &[
        "Wait a few minutes, then open the link of your message again, in a private (incognito) window.",
        "Read what Microsoft's page says; it often names the rule or the account that is the matter.",
        "If it happens again, pass the code and the time on.",
    ],
    who: "The IT department of your organization, for what Microsoft's page says; {provider} for everything else.",
    links: &[NUMBERS],
};

pub(super) const OURS: &[Topic] = &[
    Topic {
        codes: &["LINK_CLOSED"],
        headline: "This link cannot be used any more",
        what: "The link is unknown, has expired, was replaced by a newer one, or has done its work already.",
        steps: &[
            "Look for a newer message with a newer link, also among spam.",
            "If you have finished the set-up before, open the integration portal instead.",
            "Otherwise ask for a new invitation.",
        ],
        who: PROVIDER,
        links: &[],
    },
    Topic {
        codes: &["WRONG_CODE"],
        headline: "This is not the Invitation Code",
        what: "The code does not belong to this link. {left}",
        steps: &[
            "Copy the Invitation Code from the same message that the link came from.",
            "If you have several messages, use the newest one.",
            "If no tries are left, ask for a new invitation.",
        ],
        who: PROVIDER,
        links: &[],
    },
    Topic {
        codes: &["TOO_MANY_TRIES"],
        headline: "Too many tries from this network",
        what: "Many wrong Invitation Codes came from the network that you are in, so none is taken from it for a while, \
               not even a right one. Your invitation is as it was.",
        steps: &[
            "Wait an hour, then open the link of your message again.",
            "Or use another network, for example that of your phone.",
            "Copy the Invitation Code from the same message that the link came from.",
        ],
        who: PROVIDER,
        links: &[],
    },
    Topic {
        codes: &["POPUP_BLOCKED"],
        headline: "No sign-in window opened",
        what: "The sign-in at Microsoft opens in a window of its own, and the browser blocked that window. Nothing was \
               changed.",
        steps: &[
            "Look at the address bar for the sign of a blocked window and click on it.",
            "Choose to always allow pop-ups and redirects for this site.",
            "Press the button again.",
            "If there is no such sign, look for pop-up or advertisement blockers among the browser's extensions.",
        ],
        who: NOBODY,
        links: &[CHROME, FIREFOX],
    },
    Topic {
        codes: &["WINDOW_CLOSED"],
        headline: "Microsoft's window closed without an answer",
        what: "A sign-in was begun at Microsoft and nothing came back: its window was closed, or Microsoft stopped on a \
               page of its own. Nothing was changed.",
        steps: &[
            "If Microsoft's page showed a number (AADSTS and digits), look up what it means.",
            "Go back to the page where you pressed the button, or open the link of your message again.",
            "Press the button again, and stay with Microsoft's pages until you are back here.",
        ],
        who: "Nobody else is needed, unless Microsoft's page names somebody.",
        links: &[NUMBERS],
    },
    Topic {
        codes: &["UNKNOWN_ACCOUNT"],
        headline: "We could not connect this sign-in with you",
        what: "The sign-in took too long, was used before, or was begun in another browser or window. Nothing was \
               changed.",
        steps: FOUR_STEPS,
        who: NOBODY,
        links: &[],
    },
    Topic {
        codes: &["DECLINED", "AADSTS65004", "access_denied"],
        headline: "The permissions were not accepted",
        what: "You pressed Cancel at Microsoft. Without the permissions the set-up cannot go on. Nothing was changed.",
        steps: &[
            "Read what the permissions are for, if you had doubts.",
            "Open the link of your message again.",
            "Tick \"Consent on behalf of your organization\" and click \"Accept\".",
        ],
        who: "The one who invited you can say what the integration does.",
        links: &[PERMISSIONS],
    },
    Topic {
        codes: &["APPROVAL_REQUIRED", "AADSTS90094", "AADSTS90095", "consent_required"],
        headline: "Approval required",
        what: "Microsoft does not let the account that you used accept these permissions: an administrator must approve \
               them. This is not a matter of multi-factor sign-in (MFA).",
        steps: &[
            "If you have a Global Administrator account, open the link again in a private window and sign in with it.",
            "Otherwise ask the Microsoft administrator of your organization's domain to approve the request in the \
             Microsoft Entra admin center.",
            "Then open the link of your message again.",
        ],
        who: GLOBAL_ADMIN,
        links: &[PERMISSIONS],
    },
    Topic {
        codes: &["CONSENT_MISSING"],
        headline: "Some permissions are still missing",
        what: "These were not granted: {missing}.",
        steps: &[
            "Open the link of your message again and sign in.",
            "Tick \"Consent on behalf of your organization\" before you click \"Accept\".",
            "Accept both permission sets.",
        ],
        who: GLOBAL_ADMIN,
        links: &[PERMISSIONS],
    },
    Topic {
        codes: &["CONSENT_NOT_IN_FORCE"],
        headline: "Microsoft is still applying the permissions",
        what: "You accepted the permissions, and Microsoft does not let us use them yet. Nothing is lost.",
        steps: &[
            "Wait a few minutes.",
            "Open the link of your message again and sign in. Nothing has to be accepted a second time.",
        ],
        who: NOBODY,
        links: &[],
    },
    Topic {
        codes: &["GA_NOT_ADMIN"],
        headline: "This account is not a Global Administrator",
        what: "You signed in, but Microsoft says that the account does not have the role Global Administrator. {has}",
        steps: &[
            "If you are eligible for the role (Privileged Identity Management), activate it first, then sign in again.",
            "If you have another account with the role Global Administrator, open the link in a private (incognito) \
             window and sign in with that one.",
            "Otherwise find out who has the role in your organization.",
            "Have {provider} reassign the Global Admin role to that person.",
        ],
        who: GLOBAL_ADMIN,
        links: &[],
    },
    Topic {
        codes: &["GA_NOT_RECORDED"],
        headline: "Somebody else is the Global Admin of this integration",
        what: "Only {expected} can do this; you signed in with another account. Nothing was changed.",
        steps: &[
            "If you are {expected}, open the link in a private (incognito) window and use that account.",
            "If not, ask {expected} to do it.",
            "If somebody else should do it from now on, have {provider} reassign the Global Admin role.",
        ],
        who: PROVIDER,
        links: &[],
    },
    Topic {
        codes: &["TENANT_MISMATCH"],
        headline: "The tenant for the selected user does not match the previously tenant selected",
        what: "You signed in to another Microsoft tenant than the one this integration is linked to. Nothing was \
               changed.",
        steps: &[
            PRIVATE_WINDOW,
            "To move to another tenant on purpose: click \"Disable Sync\" in the integration portal, then run the next \
             sync signed in to the right tenant.",
        ],
        who: PROVIDER,
        links: &[],
    },
    Topic {
        codes: &["TENANT_TAKEN"],
        headline: "This tenant belongs to another enterprise already",
        what: "Each Microsoft tenant can be linked once, and the one you signed in to is linked to another enterprise \
               here.",
        steps: &[
            "If you have accounts in several organizations, open the link in a private (incognito) window and use the \
             account of the right one.",
            "If this is the right one, ask for the older link to be removed first.",
        ],
        who: PROVIDER,
        links: &[],
    },
    Topic {
        codes: &["REJECTED"],
        headline: "Nothing was connected",
        what: "You said that this organization is not the right one, so nothing was changed.",
        steps: &[
            "Copy the link of the invitation into a private (incognito) window.",
            "Enter the code again and sign in with an account of the right organization.",
        ],
        who: NOBODY,
        links: &[],
    },
    Topic {
        codes: &["MOVE_REJECTED"],
        headline: "Nothing was moved",
        what: "The integration stays with the organization that it is linked to. Sync is still disabled.",
        steps: &[
            "To go on as before, enable sync in the integration portal.",
            "To move to another organization, press Sync Now there and sign in with an account of it.",
        ],
        who: NOBODY,
        links: &[],
    },
    Topic {
        codes: &["PERSONAL_ACCOUNT"],
        headline: "This is a personal Microsoft account",
        what: "The set-up needs a work account of your organization; personal accounts (Outlook.com, Xbox, Skype) do \
               not have Teams calling.",
        steps: &[
            PRIVATE_WINDOW,
            "Choose the work account that is a Global Administrator of your organization.",
        ],
        who: GLOBAL_ADMIN,
        links: &[],
    },
    Topic {
        codes: &["SIGN_IN_INVALID"],
        headline: "The answer from Microsoft could not be verified",
        what: "What came back from the sign-in did not pass our checks. Nothing was changed.",
        steps: &[
            "Check that the clock of this computer is right.",
            "Open the link of your message again, in a private (incognito) window.",
            "If it happens again, pass the code on.",
        ],
        who: PROVIDER,
        links: &[],
    },
    Topic {
        codes: &["TOKEN_TOO_SHORT"],
        headline: "The sync needs another sign-in",
        what: "A sign-in at Microsoft gives access for 60 to 90 minutes, and this sync needs longer than was left. It \
               stopped cleanly between two changes; nothing is lost, and nothing is done twice.",
        steps: &[
            "Press Sync Now in the integration portal.",
            "Sign in again with the same account; the sync goes on where it stopped.",
            "Repeat this until the portal says that the sync is complete.",
        ],
        who: "The recorded Global Admin, who alone can sign in for a sync.",
        links: &[],
    },
    Topic {
        codes: &["USERS_MISSING"],
        headline: "People are missing in the list of users",
        what: "People of your organization can be mapped once a sync has found them, and if Teams calling can be given to \
               them.",
        steps: &[
            "Look in the integration portal whether the first sync has been run and has finished.",
            "Look whether the person is a member of a group that was chosen under Sync User Groups.",
            "Give the person a license with Teams Phone (Microsoft 365 E5 has it).",
            "If the person has a Calling Plan of Microsoft, take it away: the two exclude each other.",
            "Then run a sync.",
        ],
        who: IT,
        links: &[],
    },
    Topic {
        codes: &["DIAL_PAD_MISSING", "DIALPAD_WAIT", "DIALPAD_LATE"],
        headline: "The dial pad does not appear in Teams",
        what: "Teams shows the dial pad once a number has arrived with the person, which needs several things.",
        steps: &[
            "Give the person's voice user an extension, if it has none.",
            "Run a sync, if there was none since the person was mapped.",
            "Give the person a license with Teams Phone, if there is none.",
            "Wait: it can take up to two hours after a sync, and a day after a new license.",
            "If it still does not appear after a day, Microsoft may have had a fault of its own: run the sync again.",
        ],
        who: "{provider}: open a ticket with a description and the phone numbers concerned. The diagnosis of the person has a \
              text for it.",
        links: &[(
            "What the dial pad needs, in Microsoft's words",
            "https://learn.microsoft.com/microsoftteams/troubleshoot/teams-conferencing/no-dial-pad",
        )],
    },
    Topic {
        codes: &["CHANGED_MEANWHILE"],
        headline: "Something changed at the same moment",
        what: "Somebody else changed this integration while you were here. Your last step was not saved.",
        steps: &["Open the link again and repeat the last step."],
        who: NOBODY,
        links: &[],
    },
    Topic {
        codes: &["NO_SPARE_LICENSES"],
        headline: "There are too few free licenses to activate calling",
        what: "The first sync makes the domains that calls come through. Microsoft activates each of them only with an account \
               that has a license, so one license for each is needed for a few hours: two as a rule.",
        steps: &[
            "Open Billing > Licenses in the Microsoft 365 admin center.",
            "See to it that two user licenses of Microsoft 365 Business, E1, E3 or E5 are assigned to nobody: take back \
             some that are not used, or add some.",
            "Sync again. When calling is active the licenses are given back by themselves.",
        ],
        who: GLOBAL_ADMIN,
        links: &[
            (
                "Your licenses at Microsoft",
                "https://admin.microsoft.com/Adminportal/Home#/licenses",
            ),
            PERMISSIONS,
        ],
    },
    Topic {
        codes: &["DOMAIN_NOT_READY"],
        headline: "The domains for calling are not ready yet",
        what: "Calls come through domains of your organization that the first sync makes. Each has to be proven by a record in \
               the provider's DNS, and Microsoft takes between a few minutes and 24 hours to configure it.",
        steps: &[
            "Read in the result of the sync which domain it is and what it waits for.",
            "Sync again an hour later, and up to 24 hours after the first try. Nothing is lost in between.",
            "If the domain is used in another Microsoft 365 organization, or is federated, have that changed first.",
            "If it stays so for longer than 24 hours, ask {provider}.",
        ],
        who: PROVIDER,
        links: &[],
    },
    Topic {
        codes: &["CONFLICT"],
        headline: "This cannot be done now",
        what: "The integration is in another state than this step needs.",
        steps: &["Open the integration portal to see what comes next."],
        who: PROVIDER,
        links: &[],
    },
    Topic {
        codes: &["UNAVAILABLE"],
        headline: "This did not work just now",
        what: "A service that is needed here did not answer in time. Nothing was changed.",
        steps: &["Wait a few minutes, open the link again and repeat the last step."],
        who: PROVIDER,
        links: &[],
    },
    Topic {
        codes: &["ACTIVATION_CLOSED"],
        headline: "This activation link does not work any more",
        what: "It was used already, has expired after seven days, or was replaced by a newer one.",
        steps: &[
            "If the account is active, sign in to the portal.",
            "Look for a newer activation mail, or ask the provider to send one.",
        ],
        who: "The provider who created the account.",
        links: &[],
    },
    GENERIC,
];
