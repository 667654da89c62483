//! An application that is registered in Entra: what Microsoft's pages name when they ask for permissions.

use super::ids::ClientId;

/// One of our registrations. Every deployment has one of its own; a brand may have another, under its own name (R070).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// The client id.
    pub client_id: ClientId,
    /// The name it is registered under, as Microsoft shows it.
    pub name: String,
}
