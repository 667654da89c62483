//! Why somebody cannot be mapped, or is not called in Teams, in the order in which to look (R085, R208-R209, R212-R218).

use super::Topic;
use super::ours::IT;

const TEAMS_CALLING: (&str, &str) = ("How calling with Teams works", "/help/teams-calling");
const ACCOUNT_ADMIN: &str = "Whoever maps the users of your organization, in the voice portal.";
const SYNCS: &str = "The Global Admin of this integration, who alone can sync.";
const SYNC: &str = "Then run a sync.";

const ASSIGN: (&str, &str) = (
    "Assign licenses in the Microsoft 365 admin center",
    "https://learn.microsoft.com/microsoft-365/admin/manage/assign-licenses-to-users",
);
const NUMBERS: (&str, &str) = (
    "Change or remove a user's number in Teams",
    "https://learn.microsoft.com/microsoftteams/assign-change-or-remove-a-phone-number-for-a-user",
);

pub(super) const PEOPLE: &[Topic] = &[
    Topic {
        codes: &["FIRST_SYNC_RUNNING"],
        headline: "The first sync has not ended",
        what: "The users of your organization are known once the first sync has read them. Until then lists are empty or \
               incomplete.",
        steps: &[
            "Look in the integration portal whether the sync has been started and whether it waits for a sign-in.",
            "Wait until it has ended; it takes a few minutes.",
            "If it has not ended after 24 hours, contact {provider}.",
        ],
        who: SYNCS,
        links: &[],
    },
    Topic {
        codes: &["USER_NOT_IN_FILTER"],
        headline: "Somebody is not among the users that are synchronised",
        what: "The last sync did not find this person: the account is in no chosen group, is disabled, is in another \
               organization, or is younger than that sync.",
        steps: &[
            "Look that the account exists and is enabled in Microsoft 365.",
            "Look which groups are chosen under Sync User Groups, and make the person a member of one of them.",
            "Wait: a new membership can take up to 24 hours to propagate through Microsoft.",
            SYNC,
        ],
        who: IT,
        links: &[],
    },
    Topic {
        codes: &["GROUP_EMPTY"],
        headline: "A chosen group has no members",
        what: "A group that was chosen under Sync User Groups holds nobody. A sync stops at it, because going on would take \
               everybody's number away.",
        steps: &[
            "Look at the group's members in Microsoft 365; new ones can take up to 24 hours to propagate.",
            "If it is the wrong group, choose another one, or all users, under Sync User Groups.",
            SYNC,
        ],
        who: ACCOUNT_ADMIN,
        links: &[],
    },
    Topic {
        codes: &["GROUP_NOT_FOUND"],
        headline: "A chosen group does not exist any more",
        what: "A group that was chosen under Sync User Groups was deleted in Microsoft 365. A sync stops at it, because going \
               on would take numbers away.",
        steps: &["Choose another group, or all users, under Sync User Groups.", SYNC],
        who: ACCOUNT_ADMIN,
        links: &[],
    },
    Topic {
        codes: &["GROUP_HIDDEN"],
        headline: "A chosen group hides its members",
        what: "The group's membership is hidden in Microsoft 365, so nobody but its members can read it.",
        steps: &[
            "Choose a group without hidden membership, or all users, under Sync User Groups.",
            SYNC,
        ],
        who: ACCOUNT_ADMIN,
        links: &[],
    },
    Topic {
        codes: &["GROUP_PAUSED"],
        headline: "A chosen dynamic group is paused",
        what: "Microsoft does not work out the group's members at present, so nobody joins or leaves it.",
        steps: &[
            "Resume the processing of the group's rule in the Microsoft Entra admin center.",
            "Wait: it can take up to 24 hours.",
            SYNC,
        ],
        who: IT,
        links: &[],
    },
    Topic {
        codes: &["GROUP_BANNED"],
        headline: "A chosen group is not reliably complete",
        what: "Microsoft does not keep the groups All Users and All Company reliably complete, and the members of \
               distribution lists cannot be read.",
        steps: &["Choose all users, or another group, under Sync User Groups.", SYNC],
        who: ACCOUNT_ADMIN,
        links: &[],
    },
    Topic {
        codes: &["GUEST"],
        headline: "A guest cannot be mapped",
        what: "The account belongs to another organization and is a guest in yours.",
        steps: &["Choose an account of your own organization."],
        who: IT,
        links: &[],
    },
    Topic {
        codes: &["RESOURCE_ACCOUNT"],
        headline: "A resource account cannot be mapped",
        what: "The account is that of an auto attendant, a call queue or a room, and of no person.",
        steps: &[
            "Choose a person's account.",
            "If it is a person's, take its license for resource accounts away and give one with Teams Phone.",
            SYNC,
        ],
        who: IT,
        links: &[ASSIGN],
    },
    Topic {
        codes: &["NO_PHONE_SYSTEM"],
        headline: "There is no license with Teams Phone",
        what: "Whoever is to be called in Teams needs a license in which Teams Phone (Phone System) works: Microsoft 365 or \
               Office 365 E5, or the Teams Phone add-on.",
        steps: &[
            "Open the user in the Microsoft 365 admin center and look at Licenses and apps.",
            "Give a license with Teams Phone, and look that it is switched on among the license's apps.",
            "Wait: a new license can take up to 24 hours, at times 48, until Teams knows it.",
            SYNC,
        ],
        who: IT,
        links: &[ASSIGN],
    },
    Topic {
        codes: &["LICENSE_PROPAGATING"],
        headline: "The license is new",
        what: "A license with Teams Phone was given a short while ago, and Teams may not know it yet.",
        steps: &["Wait up to 24 hours, at times 48.", SYNC],
        who: "Nobody else is needed; it comes with time.",
        links: &[],
    },
    Topic {
        codes: &["HAS_CALLING_PLAN"],
        headline: "There is a Calling Plan of Microsoft's",
        what: "A user with a Calling Plan makes and takes calls through Microsoft, and is left out here.",
        steps: &[
            "Open the user in the Microsoft 365 admin center and look at Licenses and apps.",
            "Take the Calling Plan away. It may stand among the apps of a bundle, such as E5 with Calling Minutes.",
            SYNC,
        ],
        who: IT,
        links: &[ASSIGN],
    },
    Topic {
        codes: &["HAS_COMM_CREDITS"],
        headline: "There are Communications Credits",
        what: "A user with Communications Credits pays for calls at Microsoft, and is left out here.",
        steps: &[
            "Open the user in the Microsoft 365 admin center and look at Licenses and apps.",
            "Take Communications Credits away.",
            SYNC,
        ],
        who: IT,
        links: &[ASSIGN],
    },
    Topic {
        codes: &["ONPREM_LINE_URI"],
        headline: "DirSync'd user",
        what: "The account comes from a local directory, and a number is set there (msRTCSIP-Line). Nobody but that directory \
               can change it, so no other number can be given.",
        steps: &[
            "Clear the attribute msRTCSIP-Line of the user in the local Active Directory.",
            "Let directory synchronisation run.",
            SYNC,
        ],
        who: IT,
        links: &[NUMBERS],
    },
    Topic {
        codes: &["NOT_TEAMS_ONLY"],
        headline: "Calls may ring in Skype for Business",
        what: "The person's coexistence mode is not Teams only, so calls may not ring in Teams.",
        steps: &[
            "Open the user in the Teams admin center and set Teams upgrade to Teams only.",
            "Wait: it can take up to 24 hours.",
        ],
        who: IT,
        links: &[],
    },
    Topic {
        codes: &["NUMBER_MISSING"],
        headline: "The voice user has no number",
        what: "Without a number there is nothing that could ring in Teams.",
        steps: &[
            "Give the voice user a number in the voice portal, or set its mapping to None.",
            SYNC,
        ],
        who: ACCOUNT_ADMIN,
        links: &[],
    },
    Topic {
        codes: &["NUMBER_INVALID"],
        headline: "The number cannot be dialled",
        what: "The voice user's number is not in the international form (E.164), or there is no such number.",
        steps: &[
            "Write it as +, the country code and the number without its leading 0.",
            "In a spreadsheet format the column as text: the + is dropped otherwise.",
            SYNC,
        ],
        who: ACCOUNT_ADMIN,
        links: &[],
    },
    Topic {
        codes: &["NUMBER_TAKEN"],
        headline: "Somebody else has the number",
        what: "In Teams the number belongs to another user or service, or the user has another number, and not from us. What \
               we have not given we do not take away.",
        steps: &[
            "Look the number and the user up in the Teams admin center.",
            "Take the number away there.",
            SYNC,
        ],
        who: IT,
        links: &[NUMBERS],
    },
    Topic {
        codes: &["NUMBER_ORPHANED"],
        headline: "The number is taken, and by no user",
        what: "In Teams the number is assigned to a conference bridge, an application, or an account that no longer exists.",
        steps: &[
            "Look the number up in the Teams admin center, under Voice and Phone numbers.",
            "Unassign it; where no holder is shown, ask Microsoft's support to free it.",
            SYNC,
        ],
        who: IT,
        links: &[NUMBERS],
    },
    Topic {
        codes: &["NO_EXTENSION"],
        headline: "The voice user has no extension",
        what: "The voice platform leads calls to an extension; without one the dial pad does not appear in Teams.",
        steps: &["Give the voice user an extension in the voice portal.", SYNC],
        who: ACCOUNT_ADMIN,
        links: &[],
    },
    Topic {
        codes: &["COUNTRY_MISMATCH", "COUNTRY_MISSING"],
        headline: "The user's location is not the country of the number",
        what: "The usage location in Microsoft 365 says how calls out are treated. It is empty, or another country than the \
               number's.",
        steps: &[
            "Open the user in the Microsoft 365 admin center and change the location.",
            "Wait: it can take up to 1 hour.",
            SYNC,
        ],
        who: IT,
        links: &[],
    },
    Topic {
        codes: &["EMAIL_NO_MATCH"],
        headline: "Nobody could be matched by the mail address",
        what: "An imported voice user is connected with the Teams user who has the same mail address. There is none, there are \
               several, or that one is connected already.",
        steps: &[
            "Change the address of the user in Microsoft 365 and run a sync.",
            "Or correct the file and import it again with the mode update.",
            "Or choose the Teams user by hand: Edit User.",
        ],
        who: ACCOUNT_ADMIN,
        links: &[],
    },
    Topic {
        codes: &["OVER_LICENSE"],
        headline: "There are not enough licenses",
        what: "More users are mapped than there are licenses of this integration, or all are used. The newest mappings have \
               none; they come back by themselves when there are more licenses.",
        steps: &[
            "Ask {provider} for more licenses, or set users to None who do not need one.",
            "Run a sync: a license that was freed counts from then on.",
        ],
        who: "{provider}, for more licenses; whoever maps the users, for fewer.",
        links: &[],
    },
    Topic {
        codes: &["MAPPED_USER_GONE"],
        headline: "A mapped user is not there any more",
        what: "The Teams user was deleted or disabled, has left the chosen groups, or has lost the license.",
        steps: &[
            "Put that right in Microsoft 365 if it was not meant.",
            "Otherwise choose another Teams user or None in the mapping, and save.",
            SYNC,
        ],
        who: ACCOUNT_ADMIN,
        links: &[],
    },
    Topic {
        codes: &["NOT_SYNCED_YET"],
        headline: "What is saved waits for a sync",
        what: "The mapping is saved, and Teams knows of it only after a sync.",
        steps: &[
            "Have the Global Admin press Sync Now and sign in.",
            "Wait up to 10 minutes for the sync, and up to 2 hours more for the dial pad.",
        ],
        who: SYNCS,
        links: &[],
    },
    Topic {
        codes: &["MS_REFUSED"],
        headline: "Microsoft refused a change",
        what: "Microsoft said no to something that a sync wanted to put in place. The finding repeats Microsoft's words.",
        steps: &[
            "Read Microsoft's words; they often name the license or the setting.",
            "If a license was given less than 48 hours ago, wait.",
            "Run a sync again. If it is refused again, pass the code and Microsoft's words on.",
        ],
        who: "{provider}.",
        links: &[],
    },
    Topic {
        codes: &["POLICY_DRIFT"],
        headline: "Somebody edited a voice policy of ours in Teams",
        what: "A voice route or policy that a sync has made was changed or deleted in the Teams admin center. The sync \
               that found it has set it back.",
        steps: &[
            "Nothing is left to do if calls work again.",
            "Ask whoever administers Teams not to edit routes and policies that begin with the name of the service: the \
             next sync undoes it, and calls can fail until then.",
            "If something should be different, ask {provider} to set it.",
        ],
        who: SYNCS,
        links: &[TEAMS_CALLING],
    },
    Topic {
        codes: &["NAME_TAKEN"],
        headline: "Something else in Teams has the name that a sync needs",
        what: "The organization has a voice route or policy with a name of ours that no sync has made, and it is set \
               otherwise. It was left alone, and nothing was changed.",
        steps: &[
            "In the Teams admin center, look at it: the finding says which it is and how it would have to be set.",
            "Delete or rename it if nobody needs it.",
            "Run a sync again.",
        ],
        who: SYNCS,
        links: &[TEAMS_CALLING],
    },
    Topic {
        codes: &["MS_INTERNAL"],
        headline: "Microsoft answered with a fault of its own",
        what: "A service of Microsoft failed on the way. What the sync had put in place stays; the rest is still to be done.",
        steps: &[
            "Wait up to 24 hours: most faults of this kind pass by themselves.",
            "Run the sync again; it goes on from what is in place.",
            "Only if it stays so after that, report it to Microsoft: the support bundle of the sync has the request ids \
             that Microsoft asks for.",
        ],
        who: "{provider}.",
        links: &[],
    },
    Topic {
        codes: &["INV_UNDELIVERED"],
        headline: "The invitation has not arrived",
        what: "The mail with the link and the Invitation Code came back, or nobody has opened it.",
        steps: &[
            "Look into the folders for junk and spam.",
            "Check the address, and correct it in User > Edit > Settings where it is wrong.",
            "Have the invitation sent again.",
            "If the person cannot be reached, have the Global Admin role reassigned to somebody else.",
        ],
        who: "{provider}.",
        links: &[],
    },
    Topic {
        codes: &["NOT_PROVEN"],
        headline: "A change cannot be read back",
        what: "Microsoft took a change, and does not show it. It may come late, or be lost.",
        steps: &[
            "Run a sync again after a while.",
            "If it stays so after 24 hours, contact {provider} with a description and the phone numbers concerned.",
        ],
        who: "{provider}.",
        links: &[],
    },
    Topic {
        codes: &["TOO_MANY_RELEASES"],
        headline: "A sync would take away more numbers than pass by themselves",
        what: "Many numbers would be taken from users at once, so the sync has held that back until somebody approves it.",
        steps: &[
            "Read the plan: who would lose a number, and why.",
            "If it is meant, approve it when the sync is started again; if not, correct the groups or the mapping.",
        ],
        who: SYNCS,
        links: &[],
    },
];
