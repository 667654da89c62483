//! The core of Dialbridge.
//!
//! In reading order:
//!
//! | module | holds | may use |
//! |---|---|---|
//! | [`domain`] | nouns: enterprises, invitations, mappings, runs, changes, findings, log lines | nothing of ours |
//! | [`plan`] | decisions: who can be mapped, what a save refuses, what a sync changes, what is held back | `domain` |
//! | [`mail`] | one struct a mail, rendered from `templates/<mail>/` | `domain` |
//! | [`io`] | clients: the table, Microsoft, SES, Scheduler, Step Functions, KMS | `domain` |
//! | [`run`] | the stories: gather, plan, guard, apply, record | `plan`, `io`, `mail`, `domain` |
//! | [`web`] | HTTP words: the caller, bodies and headers, problem documents | `domain` |
//!
//! `domain`, `plan` and `mail` are pure: never `async`, no client, no clock, no chance. `run` is the only place where
//! `plan` and `io` meet. [`config`] is the only reader of the environment; [`error`] knows no HTTP.
//!
//! A sync, from the table to Teams: [`run::start_sync`] checks who asks, [`run::sync`] is the worker's loop,
//! [`run::discover`] reads the directory, [`run::plans`] gathers facts for [`plan::sync`], [`plan::guard`] holds what is
//! too dangerous, [`run::prepare`] and [`run::apply`] change Teams and read back.

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
