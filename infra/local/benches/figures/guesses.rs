//! Guessed invitation codes: how many get in, and what everybody else is told.

use crate::table::{Table, thousands};
use dialbridge_local::dialbridge::{Dialbridge, Options};
use dialbridge_local::drive::people::{Stuck, create_reseller};
use dialbridge_local::guessing::{Campaign, Pages, invite, play};

/// Live invitations that are guessed at.
const INVITATIONS: usize = 300;
/// Where the guesses come from.
const ADDRESSES: usize = 10_000;

/// Plays so many guesses.
pub(crate) async fn measure(guesses: usize, say: fn(&str)) -> Result<(), Stuck> {
    let mut options = Options::default();
    options.microsoft.users = 60;
    let service = Dialbridge::start(options).await?;
    create_reseller(&service.world.urls).await?;
    let links = invite(&service, INVITATIONS).await?;
    let campaign = Campaign {
        guesses,
        addresses: ADDRESSES.min(guesses),
        links: links.into_iter().map(|(_, token)| token).collect(),
        seed: 7,
    };
    let outcome = play(&Pages::new(&service.io), &campaign).await?;
    let table = Table::new(
        say,
        &[
            "guesses",
            "addresses",
            "live links",
            "accepted",
            "wrong code",
            "link closed",
            "answered by the limit",
            "other answers",
            "different answers: closed, limit",
            "seconds",
        ],
    );
    let number = |count: usize| thousands(count as u64);
    table.row(&[
        number(outcome.guesses),
        number(campaign.addresses),
        number(INVITATIONS),
        number(outcome.accepted),
        number(outcome.wrong),
        number(outcome.closed),
        number(outcome.limited),
        number(outcome.other),
        format!("{}, {}", outcome.closed_answers.len(), outcome.limit_answers.len()),
        format!("{:.0}", outcome.time.as_secs_f64()),
    ]);
    Ok(())
}
