//! The simulated world around the service: a library for tests, and the one command of the README.

pub mod microsoft;
