//! The core of Dialbridge. The code map is filled in as modules arrive.
pub mod config;
pub mod domain;
pub mod error;
pub mod io;
pub mod plan;

pub use error::{Error, Result};
