//! Clients: concrete, async. Everything that talks to the outside lives below this module.

pub mod chance;
pub mod clock;
pub mod store;
