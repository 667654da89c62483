//! HTTP words shared by the functions: who calls, what a request says, what a client sees on failure.

pub mod caller;
pub mod extract;
pub mod problem;
pub mod routes;
