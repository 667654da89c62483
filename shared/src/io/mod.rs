//! Clients: concrete, async. Everything that talks to the outside lives below this module.
pub mod clock;
pub mod graph;
pub mod http;
