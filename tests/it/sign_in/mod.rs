//! What a sign-in must withstand, at length: hostile callbacks, secrets that must not be found anywhere, and permissions
//! held against calls.

mod callbacks;
mod canaries;
mod permissions;
