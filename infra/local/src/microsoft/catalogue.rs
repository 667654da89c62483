//! What Microsoft defines for all tenants: service plans, products, directory roles, permissions.

/// One service plan: name, id, the service it belongs to.
pub(super) struct Plan {
    pub(super) name: &'static str,
    pub(super) id: &'static str,
    pub(super) service: &'static str,
}

/// One product: part number, id, indices into `PLANS`.
pub(super) struct Sku {
    pub(super) part: &'static str,
    pub(super) id: &'static str,
    pub(super) plans: &'static [u8],
}

const fn plan(name: &'static str, id: &'static str, service: &'static str) -> Plan {
    Plan { name, id, service }
}

const VOICE: &str = "MicrosoftCommunicationsOnline";

pub(super) const MCOEV: u8 = 0;
pub(super) const MCOEV_VIRTUALUSER: u8 = 1;
pub(super) const TEAMS1: u8 = 2;
pub(super) const MCOMEETADV: u8 = 4;
pub(super) const MCOPSTN1: u8 = 5;
pub(super) const MCOPSTN2: u8 = 6;
pub(super) const MCOPSTN8: u8 = 7;
pub(super) const MCOPSTNC: u8 = 8;

pub(super) const PLANS: [Plan; 21] = [
    plan("MCOEV", "4828c8ec-dc2e-4779-b502-87ac9ce28ab7", VOICE),
    plan("MCOEV_VIRTUALUSER", "f47330e9-c134-43b3-9993-e7f004506889", VOICE),
    plan("TEAMS1", "57ff2da0-773e-42df-b2af-ffb7a2317929", "TeamspaceAPI"),
    plan("MCOSTANDARD", "0feaeb32-d00e-4d66-bd5a-43b5b83db82c", VOICE),
    plan("MCOMEETADV", "3e26ee1f-8a5f-4d52-aee2-b81ce45c8f40", VOICE),
    plan("MCOPSTN1", "4ed3ff63-69d7-4fb7-b984-5aec7f605ca8", VOICE),
    plan("MCOPSTN2", "5a10155d-f5c1-411a-a8ec-e99aae125390", VOICE),
    plan("MCOPSTN8", "16935b20-87c0-4908-934a-22aa267d0d26", VOICE),
    plan("MCOPSTNC", "505e180f-f7e0-4b65-91d4-00d670bbd18c", VOICE),
    plan(
        "EXCHANGE_S_ENTERPRISE",
        "efb87545-963c-4e0d-99df-69c6916d9eb0",
        "exchange",
    ),
    plan(
        "SHAREPOINTENTERPRISE",
        "5dbe027f-2339-4123-9542-606e4d348a72",
        "SharePoint",
    ),
    plan(
        "OFFICESUBSCRIPTION",
        "43de0ff5-c92c-492b-9116-175376d08c38",
        "MicrosoftOffice",
    ),
    plan(
        "AAD_PREMIUM",
        "41781fb2-bc02-4b7c-bd55-b576c07bb09d",
        "AADPremiumService",
    ),
    plan(
        "AAD_PREMIUM_P2",
        "eec0eb4f-6444-4f95-aba0-50c24d67f998",
        "AADPremiumService",
    ),
    plan("INTUNE_A", "c1ec4a95-1f05-45b3-a911-aa3fa01094f5", "SCO"),
    plan("SWAY", "a23b959c-7ce8-4e57-9140-b90eb88a9e97", "Sway"),
    plan(
        "YAMMER_ENTERPRISE",
        "7547a3fe-08ee-4ccb-b430-5077c5041653",
        "YammerEnterprise",
    ),
    plan("RMS_S_ENTERPRISE", "bea4c11e-220a-4e6d-8eb8-8ea15d019f90", "RMSOnline"),
    plan(
        "STREAM_O365_E5",
        "6c6042f5-6f01-4d67-b8c1-eb99d36eed3e",
        "MicrosoftStream",
    ),
    plan("FLOW_O365_P3", "07699545-9485-468e-95b6-2fca3738be01", "ProcessSimple"),
    plan(
        "POWERAPPS_O365_P3",
        "9c0dab89-a30c-4117-86e7-97bda240acd2",
        "PowerAppsService",
    ),
];

const E3_PLANS: &[u8] = &[TEAMS1, 3, 9, 10, 11, 12, 14, 15, 16, 17];
const E5_PLANS: &[u8] = &[
    MCOEV, TEAMS1, 3, MCOMEETADV, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
];
const E5_CALLING_PLANS: &[u8] = &[
    MCOEV, TEAMS1, 3, MCOMEETADV, MCOPSTN8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
];

pub(super) const SPE_E5: u8 = 0;
pub(super) const SPE_E3: u8 = 1;
pub(super) const PHONE_ADD_ON: u8 = 2;
pub(super) const SPE_E5_CALLINGMINUTES: u8 = 3;
pub(super) const CALLING_PLAN: u8 = 4;
pub(super) const CREDITS: u8 = 5;
pub(super) const RESOURCE_ACCOUNT: u8 = 6;
pub(super) const BUSINESS_BASIC: u8 = 7;
pub(super) const INTERNATIONAL_CALLING_PLAN: u8 = 8;

pub(super) const SKUS: [Sku; 9] = [
    Sku {
        part: "SPE_E5",
        id: "06ebc4ee-1bb5-47dd-8120-11324bc54e06",
        plans: E5_PLANS,
    },
    Sku {
        part: "SPE_E3",
        id: "05e9a617-0261-4cee-bb44-138d3ef5d965",
        plans: E3_PLANS,
    },
    Sku {
        part: "MCOEV",
        id: "e43b5b99-8dfb-405f-9987-dc307f34bcbd",
        plans: &[MCOEV],
    },
    Sku {
        part: "SPE_E5_CALLINGMINUTES",
        id: "a91fc4e0-65e5-4266-aa76-4037509c1626",
        plans: E5_CALLING_PLANS,
    },
    Sku {
        part: "MCOPSTN1",
        id: "0dab259f-bf13-4952-b7f8-7db8f131b28d",
        plans: &[MCOPSTN1],
    },
    Sku {
        part: "MCOPSTNC",
        id: "47794cd0-f0e5-45c5-9033-2eb6b5fc84e0",
        plans: &[MCOPSTNC],
    },
    Sku {
        part: "PHONESYSTEM_VIRTUALUSER",
        id: "440eaaa8-b3e0-484b-a8be-62870b9ba70a",
        plans: &[MCOEV_VIRTUALUSER],
    },
    Sku {
        part: "O365_BUSINESS_ESSENTIALS",
        id: "3b555118-da6a-4418-894f-7df1e2096870",
        plans: &[TEAMS1, 3, 9, 15, 16],
    },
    Sku {
        part: "MCOPSTN2",
        id: "d3b4fe1f-9992-4930-8acb-ca6ec609365e",
        plans: &[MCOPSTN2],
    },
];

/// A directory role: display name and template id.
pub(super) struct Role {
    pub(super) name: &'static str,
    pub(super) template: &'static str,
}

pub(super) const GLOBAL_ADMINISTRATOR: u8 = 0;
pub(super) const TEAMS_ADMINISTRATOR: u8 = 2;
pub(super) const USER_ADMINISTRATOR: u8 = 8;
pub(super) const GLOBAL_READER: u8 = 12;

pub(super) const ROLES: [Role; 14] = [
    Role {
        name: "Global Administrator",
        template: "62e90394-69f5-4237-9190-012177145e10",
    },
    Role {
        name: "Privileged Role Administrator",
        template: "e8611ab8-c189-46e8-94e1-60213ab1f814",
    },
    Role {
        name: "Teams Administrator",
        template: "69091246-20e8-4a56-aa4d-066075b2a7a8",
    },
    Role {
        name: "Teams Communications Administrator",
        template: "baf37b3a-610e-45da-9e62-d9d1e5e8914b",
    },
    Role {
        name: "Teams Telephony Administrator",
        template: "aa38014f-0993-46e9-9b45-30501a20909d",
    },
    Role {
        name: "Teams Reader",
        template: "1076ac91-f3d9-41a7-a339-dcdf5f480acc",
    },
    Role {
        name: "Skype for Business Administrator",
        template: "75941009-915a-4869-abe7-691bff18279e",
    },
    Role {
        name: "Domain Name Administrator",
        template: "8329153b-31d0-4727-b945-745eb3bc5f31",
    },
    Role {
        name: "User Administrator",
        template: "fe930be7-5e62-47db-91af-98c3a49a38b1",
    },
    Role {
        name: "License Administrator",
        template: "4d6ac14f-3453-41d0-bef9-a3e0c569773a",
    },
    Role {
        name: "Application Administrator",
        template: "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
    },
    Role {
        name: "Cloud Application Administrator",
        template: "158c047a-c907-4556-b7ef-446551a6b5f7",
    },
    Role {
        name: "Global Reader",
        template: "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
    },
    Role {
        name: "Directory Readers",
        template: "88d8e3e3-8f55-4a1e-953a-9b9898b8876b",
    },
];

/// Who may read Teams' administration.
pub(super) const TEAMS_READERS: &[u8] = &[0, 2, 3, 4, 5, 6, 12];
/// Who may assign numbers and voice policies.
pub(super) const TEAMS_WRITERS: &[u8] = &[0, 2, 3, 4];
/// Who may change tenant-level voice objects.
pub(super) const VOICE_CONFIGURERS: &[u8] = &[0, 2, 3, 4, 6];
/// Who may add and remove domains.
pub(super) const DOMAIN_WRITERS: &[u8] = &[0, 7];
/// Who may create and delete users.
pub(super) const USER_WRITERS: &[u8] = &[0, 8];
/// Who may hand out licences.
pub(super) const LICENCE_WRITERS: &[u8] = &[0, 8, 9];
/// Who may consent to delegated permissions that need an administrator.
pub(super) const CONSENTERS: &[u8] = &[0, 1, 10, 11];

/// The API that a permission or token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Resource {
    /// Microsoft Graph.
    Graph,
    /// Skype and Teams Tenant Admin API.
    Teams,
}

pub(super) const TEAMS_ADMIN_API: &str = "48ac35b8-9aa8-4d74-927d-1f4a14a0b239";
pub(super) const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";
pub(super) const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// A permission as the consent page words it.
pub(super) struct Permission {
    pub(super) resource: Resource,
    pub(super) name: &'static str,
    pub(super) admin: bool,
    pub(super) delegated: bool,
    pub(super) application: bool,
    pub(super) words: &'static str,
}

const fn open(name: &'static str, words: &'static str) -> Permission {
    Permission {
        resource: Resource::Graph,
        name,
        admin: false,
        delegated: true,
        application: false,
        words,
    }
}

const fn guarded(name: &'static str, words: &'static str) -> Permission {
    Permission {
        resource: Resource::Graph,
        name,
        admin: true,
        delegated: true,
        application: true,
        words,
    }
}

pub(super) const PERMISSIONS: [Permission; 26] = [
    open("openid", "Sign you in"),
    open("profile", "View your basic profile"),
    open("email", "View your email address"),
    open("offline_access", "Maintain access to data you have given it access to"),
    open("User.Read", "Sign you in and read your profile"),
    open("User.ReadBasic.All", "Read all users' basic profiles"),
    guarded("User.Read.All", "Read all users' full profiles"),
    guarded("User.ReadWrite.All", "Read and write all users' full profiles"),
    guarded("GroupMember.Read.All", "Read group memberships"),
    guarded("Group.Read.All", "Read all groups"),
    guarded("Organization.Read.All", "Read organization information"),
    guarded("Domain.Read.All", "Read domains"),
    guarded("Domain.ReadWrite.All", "Read and write domains"),
    guarded("LicenseAssignment.Read.All", "Read all license assignments"),
    guarded("LicenseAssignment.ReadWrite.All", "Manage all license assignments"),
    guarded("RoleManagement.Read.Directory", "Read directory role settings"),
    guarded(
        "RoleManagement.ReadWrite.Directory",
        "Read and write directory role settings",
    ),
    guarded("Directory.Read.All", "Read directory data"),
    Permission {
        resource: Resource::Graph,
        name: "Directory.AccessAsUser.All",
        admin: true,
        delegated: true,
        application: false,
        words: "Access the directory as you",
    },
    guarded("TeamsUserConfiguration.Read.All", "Read Teams user configurations"),
    guarded(
        "TeamsPolicyUserAssign.ReadWrite.All",
        "Read and write Teams policy user assignments",
    ),
    guarded(
        "TeamsTelephoneNumber.Read.All",
        "Read Teams telephone number assignments",
    ),
    guarded(
        "TeamsTelephoneNumber.ReadWrite.All",
        "Read and modify Teams telephone number assignments",
    ),
    guarded("TeamSettings.ReadWrite.All", "Read and change all teams' settings"),
    Permission {
        resource: Resource::Teams,
        name: "user_impersonation",
        admin: true,
        delegated: true,
        application: false,
        words: "Access Microsoft Teams and Skype for Business data as the signed in user",
    },
    Permission {
        resource: Resource::Teams,
        name: "application_access",
        admin: true,
        delegated: false,
        application: true,
        words: "Access Microsoft Teams and Skype for Business data as the application",
    },
];

/// Finds a permission, case-insensitively as Entra does.
pub(super) fn permission(resource: Resource, name: &str) -> Option<&'static Permission> {
    PERMISSIONS
        .iter()
        .find(|known| known.resource == resource && known.name.eq_ignore_ascii_case(name))
}
