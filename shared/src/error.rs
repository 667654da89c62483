//! The one error enum. It knows no HTTP; `web::problem` gives it a status.

use crate::domain::Invalid;
use crate::domain::fault::{Fault, Faults};
use jiff::SignedDuration;

/// `Result` with our error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Everything that can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request could not be read at all.
    #[error("{0}")]
    Malformed(String),
    /// The body is larger than that many bytes.
    #[error("the body is larger than {0} bytes; send it in parts")]
    TooLarge(usize),
    /// Values that were refused, all of them.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Invalid>),
    /// A file or list that was refused, with every fault and its place; nothing of it was kept.
    #[error("{} of the values are wrong and nothing was changed; correct them and send it again", .0.count())]
    Faulty(Faults),
    /// There is no such thing, or the caller may not know of it: the two look alike.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The caller gave no usable identity.
    #[error("sign in again: the request carries no verified identity")]
    NoIdentity,
    /// The reseller's owner has not followed the activation mail yet (R001).
    #[error(
        "this reseller account is not activated yet; follow the link in the activation mail, or ask the provider to send it again"
    )]
    NotActivated,
    /// A header that the request needs is missing.
    #[error("send the header {0}")]
    HeaderMissing(&'static str),
    /// Somebody was faster.
    #[error("{0} changed since you read it; read it again and repeat the change")]
    Stale(&'static str),
    /// It was there once, and is not kept any more.
    #[error("{0}")]
    Gone(String),
    /// The thing is in a state that does not allow this.
    #[error("{0}")]
    Conflict(String),
    /// An `Idempotency-Key` came back with another request.
    #[error("this Idempotency-Key was used for another request; use a new key")]
    KeyReused,
    /// More mappings than licences (R111-R112).
    #[error(
        "{wanted} Teams users need a licence, but there are only {limit}; ask {contact} for more{}. Over the limit: {over}",
        freed(*.pending_release)
    )]
    OverLicense {
        /// Licences needed.
        wanted: usize,
        /// Licences there are.
        limit: u32,
        /// Of those needed, the ones that the next sync frees.
        pending_release: usize,
        /// Whom to ask for more.
        contact: String,
        /// Who would be left out.
        over: String,
        /// Every refused row, those over the limit among them.
        refused: Vec<Invalid>,
    },
    /// The plan that was approved no longer fits the world.
    #[error("{0}")]
    PlanStale(String),
    /// A person's sign-in at Microsoft did not lead where it should.
    #[error("sign-in refused: {0:?}")]
    SignIn(#[from] SignInRefused),
    /// A service asks to be left alone for a while.
    #[error("could not {doing}: asked to wait {wait:?}")]
    Throttled {
        /// What we were doing.
        doing: &'static str,
        /// For how long.
        wait: SignedDuration,
    },
    /// The caller asked too often; the same request is welcome after the wait.
    #[error("{what}; try again in {} s", .wait.as_secs().max(1))]
    TooMany {
        /// What there was too much of, in a sentence.
        what: String,
        /// For how long to stay away.
        wait: SignedDuration,
    },
    /// Microsoft understood and refused; its own words.
    #[error("could not {doing}: {code}: {message}")]
    Refused {
        /// What we were doing.
        doing: &'static str,
        /// HTTP status.
        status: u16,
        /// Microsoft's error code.
        code: String,
        /// Microsoft's words.
        message: String,
    },
    /// A person's token no longer works.
    #[error("the session with Microsoft has ended; sign in again")]
    TokenExpired,
    /// A service did not answer, or not in a form that can be used.
    #[error("could not {doing}")]
    Upstream {
        /// What we were doing.
        doing: &'static str,
        /// The cause.
        #[source]
        source: Source,
    },
    /// Somebody wants the run stopped that a worker is busy with; the worker ends it.
    #[error("the sync was stopped")]
    Cancelled,
    /// Another worker holds the lease.
    #[error("another worker is busy with this enterprise")]
    Busy,
}

/// R117: a licence that was freed is used until a sync has taken the number away.
fn freed(pending_release: usize) -> String {
    match pending_release {
        0 => String::new(),
        1 => ", or sync first: that frees 1 licence".into(),
        more => format!(", or sync first: that frees {more} licences"),
    }
}

/// Why a sign-in or consent was refused; each leads to a page that says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{self:?}")]
pub enum SignInRefused {
    /// The link is unknown, expired, replaced, locked or used up.
    LinkClosed,
    /// The code is wrong; so many tries are left.
    WrongCode {
        /// Tries left.
        left: u32,
    },
    /// The callback's state is unknown, used, expired, or belongs to another browser.
    StateUnknown,
    /// The person pressed Cancel.
    Declined,
    /// Microsoft wants an administrator's approval.
    ApprovalRequired,
    /// The ID token does not hold.
    TokenInvalid(&'static str),
    /// A personal account.
    PersonalAccount,
    /// The person lacks the role Global Administrator.
    NotGlobalAdmin {
        /// The roles that the person has, as Microsoft names them.
        has: Vec<String>,
    },
    /// Another person than the recorded Global Admin.
    NotRecorded {
        /// Who it should be.
        expected: String,
    },
    /// Another tenant than the bound one.
    TenantMismatch,
    /// The tenant belongs to another enterprise.
    TenantTaken,
    /// Not all permissions were granted.
    ConsentIncomplete {
        /// What is missing.
        missing: Vec<String>,
    },
    /// The permissions are granted, and Microsoft does not let us use them yet.
    ConsentNotInForce,
    /// Anything else that Microsoft said.
    Microsoft {
        /// Its code, such as AADSTS65001.
        code: String,
    },
}

impl SignInRefused {
    /// These permissions are missing.
    #[must_use]
    pub fn lacking(missing: Vec<&str>) -> Self {
        Self::ConsentIncomplete {
            missing: missing.into_iter().map(str::to_owned).collect(),
        }
    }
}

impl Error {
    /// An upstream failure with its cause.
    pub fn upstream(doing: &'static str, source: impl Into<Source>) -> Self {
        Self::Upstream {
            doing,
            source: source.into(),
        }
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(vec![invalid])
    }
}

impl From<Faults> for Error {
    fn from(faults: Faults) -> Self {
        Self::Faulty(faults)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Faulty(fault.into())
    }
}

impl From<Vec<Invalid>> for Error {
    fn from(invalid: Vec<Invalid>) -> Self {
        Self::Invalid(invalid)
    }
}

/// An error and its causes, for our logs.
#[derive(Debug)]
pub struct Chain<'a>(pub &'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}
