//! All stories and repository rules, one binary.
// `cfg(test)` is always on here; it tells clippy that the modules are tests, helpers included.

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod engines;
#[cfg(test)]
mod graph_contract;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod powershell;
#[cfg(test)]
mod rights;
#[cfg(test)]
mod runtime;
#[cfg(test)]
mod runtime_api;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod template;
#[cfg(test)]
mod tidy;
