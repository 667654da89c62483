//! The shell: gather, plan, guard, apply, record. The only place where `plan` and `io` meet.

pub mod access;
pub mod account;
pub mod apply;
pub mod appoint;
pub mod consent;
pub mod discover;
pub mod guide;
pub mod invitation;
pub mod licences;
pub mod list;
pub mod manage;
pub mod mapping_page;
pub mod onboard;
pub mod operators;
pub mod plans;
pub mod post;
pub mod prepare;
pub mod provision;
pub mod remind;
pub mod remove;
pub mod resellers;
mod session;
pub mod sign_in;
pub mod start_sync;
pub mod status;
pub mod switch;
pub mod sync;
