//! The core of Dialbridge. The code map is filled in as modules arrive.
pub mod io;
