//! The core of Dialbridge. The code map is filled in as modules arrive.
pub mod config;
pub mod domain;
pub mod error;
pub mod io;
pub mod mail;
pub mod plan;
pub mod run;
pub mod telemetry;
pub mod web;

pub use error::{Error, Result};
