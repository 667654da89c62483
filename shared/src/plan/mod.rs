//! Decisions: facts in, plan out. Plain functions of values; never async, no clients, no clock, no chance.

#![warn(clippy::wildcard_enum_match_arm)]

pub mod activation;
pub mod check;
pub mod diagnosis;
pub mod dial_pad;
pub mod discover;
pub mod duration;
pub mod export;
pub mod group_filter;
pub mod group_preview;
pub mod guard;
pub mod import;
pub mod mapping;
pub mod masking;
pub mod matching;
pub mod onboard;
pub mod operators;
pub mod pack;
pub mod preflight;
pub mod remind;
pub mod retry;
pub mod status;
pub mod sync;
pub mod tenant;
pub mod unattended;
pub mod undo;
