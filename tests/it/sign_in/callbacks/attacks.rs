//! What an attacker makes of a callback.

use super::people::Visit;
use reqwest::Method;
use shared::domain::visit::Purpose;

/// A callback as a browser sends it.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    /// Query parameters, in their order.
    pub(super) pairs: Vec<(String, String)>,
    /// They go into a form instead.
    pub(super) as_form: bool,
    /// The header `Cookie`.
    pub(super) cookie: Option<String>,
    /// The query as it is, instead of the encoded pairs.
    pub(super) raw: Option<String>,
}

pub(super) const COOKIE: &str = "__Host-dialbridge";

impl Request {
    /// What the browser of a visit sends when it comes back with Microsoft's answer.
    pub(super) fn of(visit: &Visit, pairs: Vec<(String, String)>) -> Self {
        Self {
            method: Method::GET,
            pairs,
            as_form: false,
            cookie: Some(format!("{COOKIE}={}", visit.browser)),
            raw: None,
        }
    }

    fn get(&self, name: &str) -> String {
        let found = self.pairs.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    fn with(&self, name: &str, value: &str) -> Self {
        let mut request = self.without(name);
        request.pairs.push((name.to_owned(), value.to_owned()));
        request
    }

    fn and(&self, name: &str, value: &str) -> Self {
        let mut request = self.clone();
        request.pairs.push((name.to_owned(), value.to_owned()));
        request
    }

    fn without(&self, name: &str) -> Self {
        let mut request = self.clone();
        request.pairs.retain(|(known, _)| known != name);
        request
    }

    fn cookie(&self, cookie: Option<String>) -> Self {
        Self { cookie, ..self.clone() }
    }

    fn own_cookie(&self) -> &str {
        let value = self.cookie.as_deref().and_then(|cookie| cookie.split_once('='));
        value.map(|(_, value)| value).unwrap_or_default()
    }
}

macro_rules! attacks {
    ($($name:ident: $text:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Attack { $($name,)* }

        impl Attack {
            pub(super) const COUNT: usize = [$($text,)*].len();

            pub(super) fn all() -> [Self; Self::COUNT] {
                [$(Self::$name,)*]
            }

            pub(super) fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

attacks! {
    // The browser.
    NoCookie: "without a cookie",
    CookieOfOther: "in another person's browser",
    InventedCookie: "with an invented cookie",
    CutCookie: "with a cookie that is cut",
    LongerCookie: "with a cookie that is longer",
    CookieNamedOtherwise: "with a cookie of another name",
    TwoCookies: "with another cookie before the right one",
    // The state.
    NoState: "without a state",
    EmptyState: "with an empty state",
    CutState: "with a state that is cut",
    LongerState: "with a state that is longer",
    StateInOtherCase: "with a state in another case",
    StateWithSpace: "with a space before the state",
    StateEncodedTwice: "with a state encoded twice",
    HugeState: "with a huge state",
    InventedState: "with an invented state",
    StateTwice: "with the state twice",
    StateOfOtherToo: "with another visit's state too",
    StateOfOther: "with another visit's state",
    StateOfOtherAndCookie: "with another visit's state, in its browser",
    // The code.
    NoCode: "without a code",
    EmptyCode: "with an empty code",
    CutCode: "with a code that is cut",
    LongerCode: "with a code that is longer",
    InventedCode: "with an invented code",
    CodeTwice: "with the code twice",
    CodeOfOther: "with another visit's code",
    CodeOfOtherToo: "with another visit's code too",
    // What was made at Microsoft by hand.
    OtherNonce: "of a sign-in with another nonce",
    NoNonce: "of a sign-in without a nonce",
    OtherChallenge: "of a sign-in with another verifier",
    PlainChallenge: "of a sign-in with a plain challenge",
    NoOpenId: "of a sign-in without an ID token",
    OtherApplication: "of another application",
    OtherAuthority: "of another authority",
    OrdinaryPerson: "of a person without the role",
    TeamsAdmin: "of a Teams Administrator",
    SecondAdmin: "of another Global Administrator of the tenant",
    OtherTenantsAdmin: "of a Global Administrator of another tenant",
    // The admin consent page.
    AdminConsentToo: "with admin_consent beside the code",
    AdminConsentInstead: "with admin_consent instead of the code",
    CodeToo: "with a code beside admin_consent",
    NoAdminConsent: "without admin_consent",
    AdminConsentFalse: "with admin_consent=False",
    ForgedTenant: "with another tenant",
    NoTenant: "without a tenant",
    TwoTenants: "with another tenant too",
    NonsenseTenant: "with a tenant that is none",
    // Errors.
    ErrorToo: "with an error beside the answer",
    ErrorWithWords: "with an error and its description beside the answer",
    EmptyError: "with an empty error beside the answer",
    // Methods.
    Head: "by HEAD",
    Post: "by POST with a query",
    Form: "by POST with a form",
    Put: "by PUT",
}

impl Attack {
    /// Whether it is one at all for this purpose.
    pub(super) fn fits(self, purpose: &Purpose) -> bool {
        let by_organization = *purpose == Purpose::Organization;
        match self {
            Self::NoCode
            | Self::EmptyCode
            | Self::CutCode
            | Self::LongerCode
            | Self::InventedCode
            | Self::CodeTwice
            | Self::CodeOfOther
            | Self::CodeOfOtherToo
            | Self::AdminConsentToo
            | Self::AdminConsentInstead => !by_organization,
            Self::CodeToo
            | Self::NoAdminConsent
            | Self::AdminConsentFalse
            | Self::ForgedTenant
            | Self::NoTenant
            | Self::TwoTenants
            | Self::NonsenseTenant => by_organization,
            // Whoever of the tenant's Global Administrators comes first with the code is the right one.
            Self::SecondAdmin => !matches!(purpose, Purpose::SetUp { .. } | Purpose::Organization),
            // So is one of any tenant, until a tenant is bound.
            Self::OtherTenantsAdmin => !matches!(purpose, Purpose::SetUp { .. } | Purpose::Organization),
            _ if self.at_microsoft() => !by_organization,
            _ => true,
        }
    }

    /// The other visit cannot be answered afterwards.
    pub(super) fn uses_up_the_other(self) -> bool {
        matches!(self, Self::StateOfOther | Self::StateOfOtherAndCookie)
    }

    /// It begins with a page at Microsoft that was opened by hand.
    fn at_microsoft(self) -> bool {
        matches!(
            self,
            Self::OtherNonce
                | Self::NoNonce
                | Self::OtherChallenge
                | Self::PlainChallenge
                | Self::NoOpenId
                | Self::OtherApplication
                | Self::OtherAuthority
                | Self::OrdinaryPerson
                | Self::TeamsAdmin
                | Self::SecondAdmin
                | Self::OtherTenantsAdmin
        )
    }

    /// The hostile callback, made of a sound one and of one of another visit.
    pub(super) fn request(self, own: &Request, other: &Request) -> Request {
        let (state, code, cookie) = (own.get("state"), own.get("code"), own.own_cookie().to_owned());
        let named = |value: String| Some(format!("{COOKIE}={value}"));
        match self {
            Self::NoCookie => own.cookie(None),
            Self::CookieOfOther => own.cookie(other.cookie.clone()),
            Self::InventedCookie => own.cookie(named("A".repeat(43))),
            Self::CutCookie => own.cookie(named(cut(&cookie))),
            Self::LongerCookie => own.cookie(named(format!("{cookie}A"))),
            Self::CookieNamedOtherwise => own.cookie(Some(format!("dialbridge={cookie}; {COOKIE}2={cookie}"))),
            Self::TwoCookies => own.cookie(Some(format!("{COOKIE}={}; {COOKIE}={cookie}", other.own_cookie()))),
            Self::NoState => own.without("state"),
            Self::EmptyState => own.with("state", ""),
            Self::CutState => own.with("state", &cut(&state)),
            Self::LongerState => own.with("state", &format!("{state}A")),
            Self::StateInOtherCase => own.with("state", &other_case(&state)),
            Self::StateWithSpace => own.with("state", &format!(" {state}")),
            Self::StateEncodedTwice => own.with("state", &encoded(&state)),
            Self::HugeState => own.with("state", &state.repeat(40)),
            Self::InventedState => own.with("state", &"B".repeat(43)),
            Self::StateTwice => own.and("state", &state),
            Self::StateOfOtherToo => own.and("state", &other.get("state")),
            Self::StateOfOther => own.with("state", &other.get("state")),
            Self::StateOfOtherAndCookie => own.with("state", &other.get("state")).cookie(other.cookie.clone()),
            Self::NoCode => own.without("code"),
            Self::EmptyCode => own.with("code", ""),
            Self::CutCode => own.with("code", &cut(&code)),
            Self::LongerCode => own.with("code", &format!("{code}A")),
            Self::InventedCode => own.with("code", &format!("1.{}", "C".repeat(80))),
            Self::CodeTwice => own.and("code", &code),
            Self::CodeOfOther => own.with("code", &other.get("code")),
            Self::CodeOfOtherToo => own.and("code", &other.get("code")),
            Self::AdminConsentToo => own.and("admin_consent", "True"),
            Self::AdminConsentInstead => own.without("code").and("admin_consent", "True"),
            Self::CodeToo => own.and("code", "1.a-code"),
            Self::NoAdminConsent => own.without("admin_consent"),
            Self::AdminConsentFalse => own.with("admin_consent", "False"),
            Self::ForgedTenant => own.with("tenant", "11111111-2222-4333-8444-555555555555"),
            Self::NoTenant => own.without("tenant"),
            Self::TwoTenants => own.and("tenant", "11111111-2222-4333-8444-555555555555"),
            Self::NonsenseTenant => own.with("tenant", "organizations"),
            Self::ErrorToo => own.and("error", "server_error"),
            Self::ErrorWithWords => own
                .and("error", "temporarily_unavailable")
                .and("error_description", "AADSTS90033: A transient error has occurred."),
            Self::EmptyError => own.and("error", ""),
            Self::Head => method(own, Method::HEAD),
            Self::Post => method(own, Method::POST),
            Self::Form => Request {
                as_form: true,
                ..method(own, Method::POST)
            },
            Self::Put => method(own, Method::PUT),
            Self::OtherNonce
            | Self::NoNonce
            | Self::OtherChallenge
            | Self::PlainChallenge
            | Self::NoOpenId
            | Self::OtherApplication
            | Self::OtherAuthority
            | Self::OrdinaryPerson
            | Self::TeamsAdmin
            | Self::SecondAdmin
            | Self::OtherTenantsAdmin => own.clone(),
        }
    }
}

fn method(own: &Request, method: Method) -> Request {
    Request { method, ..own.clone() }
}

fn cut(text: &str) -> String {
    text.chars().take(text.len().saturating_sub(1)).collect()
}

fn other_case(text: &str) -> String {
    let swap = |c: char| {
        if c.is_lowercase() {
            c.to_ascii_uppercase()
        } else {
            c.to_ascii_lowercase()
        }
    };
    text.chars().map(swap).collect()
}

/// Every byte percent-encoded.
pub(super) fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}
