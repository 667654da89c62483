//! All stories and repository rules, one binary.

mod runtime;
mod runtime_api;
mod template;
mod tidy;
