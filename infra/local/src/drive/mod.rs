//! Plays people: a browser that follows pages and forms, and somebody who calls the API. HTTP only; used by the demo
//! and by tests.

pub mod api;
pub mod browser;
pub mod people;
