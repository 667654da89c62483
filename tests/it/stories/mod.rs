//! Stories: one enterprise's life in its parts, played over HTTP against the whole service, one fact a test.

mod action_urls;
mod brand_application;
mod consents;
mod crash;
mod delivery;
mod disable_sync;
mod discovery;
mod groups;
mod guessing;
mod invitation;
mod licences;
mod mapping;
mod operators;
mod organization_consent;
mod provisioning;
mod reassign;
mod reminders;
mod removal;
mod resellers;
pub(crate) mod scene;
mod set_up;
mod status;
mod sync;
mod sync_faults;
mod sync_sign_in;
mod token_life;
mod unanswered;
