//! The whole service on one machine: production code against doubles that answer real protocols on loopback.
//! `world` wires everything; every other module is one double.

pub mod aws;
mod busy;
pub mod demo;
pub mod dialbridge;
pub mod drive;
pub mod dynamodb;
pub mod faults;
pub mod gateway;
pub mod guessing;
pub mod issuer;
pub mod kms;
pub mod lambda;
mod locked;
pub mod mailbox;
pub mod microsoft;
pub mod openapi;
mod pages;
pub mod protocol;
pub mod runtime_api;
pub mod scheduler;
pub mod secrets;
pub mod state_machine;
mod stream;
#[cfg(test)]
mod testing;
pub mod witness;
pub mod world;
