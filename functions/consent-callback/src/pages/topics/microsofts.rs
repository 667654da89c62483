//! What Microsoft's numbers mean for the person who reads them. Several never come back to us: Microsoft stops on a
//! page of its own, and the person looks the number up.

use super::Topic;
use super::ours::{FOUR_STEPS, IT};

const AGAIN: &str = "Open the link of your message again, and sign in.";
const US: &str = "{provider}: the fault is in the integration, and nobody in your organization can mend it.";
const CORRELATION: &str = "Give them the correlation ID and the time, which Microsoft shows below its message \
                           (\"More details\" or \"Troubleshooting details\").";
const RESET: (&str, &str) = (
    "Reset the password at Microsoft",
    "https://passwordreset.microsoftonline.com/",
);
const SECURITY_INFO: (&str, &str) = (
    "Your security information at Microsoft",
    "https://aka.ms/mysecurityinfo",
);
const PERMISSIONS: (&str, &str) = ("What we ask permission for, and why", "/permissions");

pub(super) const MICROSOFTS: &[Topic] = &[
    Topic {
        codes: &[
            "AADSTS50020",
            "AADSTS50034",
            "AADSTS51004",
            "AADSTS16000",
            "AADSTS500208",
        ],
        headline: "Microsoft does not know this account in the organization",
        what: "The account that you are signed in with belongs to another organization, or is a personal one. Personal \
               accounts do not work here.",
        steps: FOUR_STEPS,
        who: "Somebody who has a Global Administrator account of the organization.",
        links: &[],
    },
    Topic {
        codes: &["AADSTS50105"],
        headline: "Your organization lets only assigned people use this application",
        what: "The application is known in your organization, but your account is not assigned to it.",
        steps: &[
            "Ask your administrator to assign you to the application, in the Microsoft Entra admin center under \
             Enterprise applications, Users and groups.",
            AGAIN,
        ],
        who: IT,
        links: &[],
    },
    Topic {
        codes: &["AADSTS53003", "AADSTS530032", "AADSTS530034", "AADSTS530035"],
        headline: "The sign-in rules of your organization block this sign-in",
        what: "Your organization has rules about who may sign in from where and with what (Conditional Access, security \
               defaults), and this sign-in breaks one of them.",
        steps: &[
            "Try from the network and the device that you usually work with.",
            "Otherwise ask your IT to allow this sign-in.",
            CORRELATION,
        ],
        who: IT,
        links: &[],
    },
    Topic {
        codes: &["AADSTS53000", "AADSTS53001", "AADSTS530003"],
        headline: "Your organization allows sign-ins from managed devices only",
        what: "The device that you use is not managed by your organization, or does not follow its rules at the moment.",
        steps: &[
            "Use a device that your organization manages, and its usual browser: a private window may hide the device.",
            "If you do already, ask your IT why the device does not count as compliant.",
        ],
        who: IT,
        links: &[],
    },
    Topic {
        codes: &["AADSTS700016"],
        headline: "The application is not set up in this organization yet",
        what: "You signed in to an organization that has never accepted the application, so Microsoft does not know it \
               there.",
        steps: &[
            "Begin with the link of your invitation, and sign in to the right organization.",
            "If you did, pass the number on: it can also mean a fault in the integration.",
        ],
        who: "The one who invited you, or {provider}.",
        links: &[],
    },
    Topic {
        codes: &["AADSTS65001"],
        headline: "The permissions have not been granted yet",
        what: "Nobody in your organization has accepted what the application asks for, or it was withdrawn.",
        steps: &["Open the link of your message again and accept the permissions."],
        who: "A Global Administrator of your organization.",
        links: &[PERMISSIONS],
    },
    Topic {
        codes: &["AADSTS90099"],
        headline: "A partner's account cannot do this",
        what: "The account belongs to a partner who manages the organization, and Microsoft does not let partners accept \
               this application in a customer's name.",
        steps: &["Sign in with an administrator account that belongs to the organization itself."],
        who: "A Global Administrator of the organization itself.",
        links: &[],
    },
    Topic {
        codes: &["AADSTS500212", "AADSTS500213"],
        headline: "The rules between organizations block this sign-in",
        what: "Your organization, or the one you sign in to, does not let people of the other sign in (cross-tenant \
               access).",
        steps: &[
            "Sign in with an account that belongs to the organization itself.",
            "If there is none, ask the IT of both organizations to allow the access.",
        ],
        who: IT,
        links: &[],
    },
    Topic {
        codes: &["AADSTS50072", "AADSTS50079"],
        headline: "Register for the second factor first",
        what: "Your organization wants you to register for multi-factor sign-in before you go on.",
        steps: &["Register your security information at Microsoft.", AGAIN],
        who: IT,
        links: &[SECURITY_INFO],
    },
    Topic {
        codes: &["AADSTS50074", "AADSTS50076", "AADSTS50078", "interaction_required"],
        headline: "The second factor is missing or too old",
        what: "Your organization wants a second factor (a code, an app, a key), and it was not given or has expired.",
        steps: &[AGAIN, "Complete the second factor when Microsoft asks for it."],
        who: IT,
        links: &[],
    },
    Topic {
        codes: &["AADSTS50055", "AADSTS50126", "AADSTS50053", "AADSTS50057"],
        headline: "Microsoft did not take the account or its password",
        what: "The password is wrong or has expired, or the account is locked or disabled. Microsoft's page says which. \
               We never see passwords and cannot change them.",
        steps: &[
            "Wrong or expired (50126, 50055): type it again, or reset it at Microsoft.",
            "Locked (50053): wait for some minutes, then try once more from your usual network.",
            "Disabled (50057): ask your administrator to enable the account, or use another one.",
        ],
        who: IT,
        links: &[RESET],
    },
    Topic {
        codes: &["AADSTS500011", "AADSTS650052"],
        headline: "The organization has no Teams service yet",
        what: "The part of Microsoft Teams that the permissions are about does not exist in your organization yet. It \
               appears with the first Teams license.",
        steps: &[
            "Assign at least one license with Teams in the Microsoft 365 admin center.",
            "Wait a few hours, then open the link of your message again.",
        ],
        who: IT,
        links: &[],
    },
    Topic {
        codes: &["AADSTS90002"],
        headline: "Microsoft does not know this organization",
        what: "There is no Microsoft organization by the name or domain that the sign-in was sent to. It may have been \
               misspelt, renamed or deleted.",
        steps: &[
            "Check the domain of the account that you sign in with.",
            "Open the link of your message again, in a private (incognito) window.",
            "If it happens again, pass the number on.",
        ],
        who: "The one who invited you, or {provider}.",
        links: &[],
    },
    Topic {
        codes: &[
            "AADSTS70008",
            "AADSTS700082",
            "AADSTS70043",
            "AADSTS50173",
            "login_required",
            "invalid_grant",
        ],
        headline: "Your session with Microsoft has ended",
        what: "What Microsoft gave us for you has expired or was withdrawn, for example because the password was \
               changed. Nothing is lost.",
        steps: &[
            AGAIN,
            "For a sync: press Sync Now in the integration portal and sign in; it goes on where it stopped.",
        ],
        who: "Nobody else is needed.",
        links: &[],
    },
    Topic {
        codes: &["AADSTS54005"],
        headline: "This sign-in was used already",
        what: "Microsoft's answer counts once, and it came a second time: a page was loaded again, or a button pressed \
               twice. Nothing was changed by the second.",
        steps: &[
            "Look in the integration portal whether the step is done.",
            "If it is not, open the link of your message again, and press each button once.",
        ],
        who: "Nobody else is needed.",
        links: &[],
    },
    Topic {
        codes: &["AADSTS50196"],
        headline: "Microsoft paused the sign-in",
        what: "There were too many sign-ins in a short time, which looks to Microsoft like a program that goes in \
               circles.",
        steps: &[
            "Close all windows of this sign-in and wait five minutes.",
            "Open the link of your message again, in a private (incognito) window.",
        ],
        who: "Nobody else is needed.",
        links: &[],
    },
    Topic {
        codes: &[
            "AADSTS90055",
            "AADSTS90033",
            "AADSTS90006",
            "AADSTS90024",
            "AADSTS50033",
            "AADSTS90090",
            "temporarily_unavailable",
            "server_error",
        ],
        headline: "Microsoft is busy",
        what: "Microsoft's sign-in could not answer at this moment. Nothing was changed.",
        steps: &[
            "Wait a few minutes, then open the link of your message again.",
            "If it lasts longer, look at Microsoft's own news about its services.",
        ],
        who: "Nobody: it passes.",
        links: &[("How Microsoft's services are", "https://status.cloud.microsoft/")],
    },
    Topic {
        codes: &["AADSTS501481", "AADSTS700005"],
        headline: "A fault of ours stopped the sign-in",
        what: "We sent Microsoft something that does not belong to this sign-in. You did nothing wrong, and nothing was \
               changed.",
        steps: &[
            "Open the link of your message again: a new sign-in usually works.",
            "If it happens again, pass the number and the time on.",
        ],
        who: US,
        links: &[],
    },
    Topic {
        codes: &[
            "AADSTS50011",
            "AADSTS700054",
            "AADSTS70011",
            "AADSTS700022",
            "AADSTS28002",
            "AADSTS50194",
            "invalid_request",
            "invalid_scope",
            "invalid_resource",
            "unsupported_response_type",
            "unauthorized_client",
        ],
        headline: "The integration is registered wrongly at Microsoft",
        what: "Microsoft refused the way in which we asked. You did nothing wrong, and nothing was changed. Where the \
               refusal reached us, we are told by it; where you read it on Microsoft's page, it did not.",
        steps: &[
            "Pass the number and the time on.",
            "Wait for an answer before you try again: it does not pass by itself.",
        ],
        who: US,
        links: &[],
    },
    Topic {
        codes: &[
            "AADSTS7000215",
            "AADSTS7000222",
            "AADSTS700027",
            "AADSTS7000218",
            "invalid_client",
        ],
        headline: "The integration could not prove itself to Microsoft",
        what: "What the integration identifies itself with is wrong or has expired. You did nothing wrong, and nothing \
               was changed. We are told by this refusal.",
        steps: &[
            "Wait a few hours, then open the link of your message again.",
            "If it lasts longer, pass the number and the time on.",
        ],
        who: US,
        links: &[],
    },
];
