//! Thousands of hostile callbacks over two enterprises, two tenants and every purpose: none is accepted, while sound ones
//! in between are (threats 1 to 4, 12).

mod attacks;
mod people;

use attacks::{Attack, Request};
use people::{Side, World};
use shared::domain::visit::Purpose;
use std::collections::BTreeMap;

/// At least so many hostile callbacks.
const ATTEMPTS: usize = 5_000;
/// After so many hostile ones a sound one must succeed.
const BETWEEN: usize = 60;

/// What was tried, and what became of it.
#[derive(Default)]
struct Tally {
    attempts: usize,
    accepted: Vec<String>,
    sound: usize,
    /// At how many attempts the next sound one is due.
    due: usize,
    by_kind: BTreeMap<String, usize>,
}

impl Tally {
    /// Sends a hostile callback; nothing may have changed then. Whether anything was written, be it only news.
    async fn try_one(&mut self, world: &mut World, kind: &str, request: &Request) -> bool {
        let before = world.writes();
        let status = world.send(request).await;
        self.attempts += 1;
        *self.by_kind.entry(kind.to_owned()).or_default() += 1;
        let wrote = world.writes() != before;
        let changed = if wrote { world.changed().await } else { Vec::new() };
        if !status.is_client_error() || !changed.is_empty() {
            self.accepted
                .push(format!("{kind}: {status} {request:?}\n{changed:#?}"));
            world.as_it_is_now().await;
        }
        wrote
    }

    /// A sound callback, with its parameters in any order and encoding: it succeeds once and changes something.
    async fn sound(&mut self, world: &mut World, side: Side, purpose: &Purpose) {
        let (_, request) = world.answered(side, purpose).await;
        self.ends_well(world, side, purpose, &request).await;
    }

    /// Every attack on visits with this purpose, each side against the other. A visit is used until it is used up.
    async fn round(&mut self, world: &mut World, purposes: &[(Side, Purpose)]) {
        for (place, (side, purpose)) in purposes.iter().enumerate() {
            let (other_side, other_purpose) = &purposes[(place + 1) % purposes.len()];
            let (mut own, mut other) = (None, None);
            for attack in Attack::all().into_iter().filter(|attack| attack.fits(purpose)) {
                let (visit, sound) = match own.take() {
                    Some(live) => live,
                    None => world.answered(*side, purpose).await,
                };
                let foreign = match other.take() {
                    Some(live) => live,
                    None => world.answered(*other_side, other_purpose).await.1,
                };
                let attacked = match world.forged_at_microsoft(attack, *side, &visit) {
                    None => attack.request(&sound, &foreign),
                    Some((url, account)) => match world.answer(&url, &account).await {
                        // Microsoft itself stopped it.
                        answer if answer.is_empty() => {
                            (own, other) = (Some((visit, sound)), Some(foreign));
                            continue;
                        }
                        answer => Request::of(&visit, answer),
                    },
                };
                let request = world.decorated(&attacked, false);
                if self.try_one(world, attack.name(), &request).await {
                    self.try_one(world, "a refused one, sent again", &request).await;
                } else {
                    own = Some((visit, sound));
                }
                other = (!attack.uses_up_the_other()).then_some(foreign);
                // Accepting the second set once would end this part of the way, and a sync that begins this run.
                let lasting = !matches!(purpose, Purpose::Consent { accepted: true } | Purpose::Sync { .. });
                if self.attempts >= self.due && lasting {
                    self.due = self.attempts + BETWEEN;
                    self.sound(world, *side, purpose).await;
                }
            }
            // After all that was tried on it and did not use it up, a visit still ends well.
            if let Some((_, sound)) = own
                && !matches!(purpose, Purpose::Consent { .. })
            {
                self.ends_well(world, *side, purpose, &sound).await;
            }
        }
    }

    async fn ends_well(&mut self, world: &mut World, side: Side, purpose: &Purpose, sound: &Request) {
        let request = world.decorated(sound, true);
        let status = world.send(&request).await;
        assert_eq!(status, 303, "a sound callback is refused: {purpose:?} {request:?}");
        assert!(!world.changed().await.is_empty(), "{purpose:?}");
        world.after_sound(side, purpose).await;
        self.sound += 1;
        self.try_one(world, "a sound one, replayed", &request).await;
    }
}

/// At least so many hostile callbacks in a world of its own, on both enterprises' whole way.
async fn attacked(seed: u32, attempts: usize) -> Tally {
    let mut world = World::new(seed).await;
    let mut tally = Tally::default();
    let sides = [Side::First, Side::Second];

    // Invited: the first sign-in.
    while tally.attempts < attempts / 4 {
        let purposes = sides.map(|side| (side, world.set_up(side)));
        tally.round(&mut world, &purposes).await;
    }
    for side in sides {
        let purpose = world.set_up(side);
        tally.late(&mut world, &purpose, side).await;
    }
    tally.another_invitation(&mut world).await;

    // Bound: the second set, on both of Microsoft's pages.
    let mut purposes = Vec::new();
    for side in sides {
        world.bind(side).await;
        let pages = [Purpose::Organization, Purpose::Consent { accepted: true }];
        purposes.extend(pages.map(|purpose| (side, purpose)));
    }
    while tally.attempts < attempts / 2 {
        tally.round(&mut world, &purposes).await;
    }
    for (side, purpose) in purposes {
        tally.late(&mut world, &purpose, side).await;
        tally.sound(&mut world, side, &purpose).await;
    }

    // Complete: the daily life.
    while tally.attempts < attempts {
        let mut purposes = Vec::new();
        for side in sides {
            let consent = Purpose::Consent { accepted: false };
            let daily = [Purpose::Management, world.sync(side).await, Purpose::Groups, consent];
            purposes.extend(daily.map(|purpose| (side, purpose)));
        }
        tally.round(&mut world, &purposes).await;
    }
    for side in sides {
        for purpose in [Purpose::Management, Purpose::Groups, world.sync(side).await] {
            tally.late(&mut world, &purpose, side).await;
        }
    }
    tally.another_run(&mut world).await;
    tally.another_person(&mut world).await;
    tally
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_hostile_callbacks_and_none_is_accepted() {
    let worlds = [1, 2].map(|seed| tokio::spawn(attacked(seed, ATTEMPTS / 2)));
    let mut tally = Tally::default();
    for world in worlds {
        let of_world = world.await.unwrap();
        tally.attempts += of_world.attempts;
        tally.sound += of_world.sound;
        tally.accepted.extend(of_world.accepted);
        for (kind, tried) in of_world.by_kind {
            *tally.by_kind.entry(kind).or_default() += tried;
        }
    }
    for (kind, tried) in &tally.by_kind {
        println!("{tried:>6} {kind}");
    }
    println!(
        "{} hostile callbacks, {} accepted; {} sound ones in between, all accepted",
        tally.attempts,
        tally.accepted.len(),
        tally.sound
    );
    assert!(tally.accepted.is_empty(), "{}", tally.accepted.join("\n"));
    assert!(tally.attempts >= ATTEMPTS && tally.sound > 50, "{}", tally.sound);
}

/// What was right once, and is not any more.
impl Tally {
    const EACH: usize = 6;

    async fn answered(&self, world: &World, side: Side, purpose: &Purpose) -> Vec<Request> {
        let mut requests = Vec::new();
        for _ in 0..Self::EACH {
            requests.push(world.answered(side, purpose).await.1);
        }
        requests
    }

    async fn all_refused(&mut self, world: &mut World, kind: &str, requests: Vec<Request>) {
        world.as_it_is_now().await;
        for request in requests {
            let request = world.decorated(&request, false);
            self.try_one(world, kind, &request).await;
        }
    }

    /// After the ten minutes of the state and of the code.
    async fn late(&mut self, world: &mut World, purpose: &Purpose, side: Side) {
        let requests = self.answered(world, side, purpose).await;
        world.pass_minutes(11).await;
        self.all_refused(world, "after its ten minutes", requests).await;
    }

    async fn another_invitation(&mut self, world: &mut World) {
        let purpose = world.set_up(Side::First);
        let requests = self.answered(world, Side::First, &purpose).await;
        world.invite_again(Side::First).await;
        self.all_refused(world, "of an invitation that was replaced", requests)
            .await;
        let purpose = world.set_up(Side::First);
        self.sound(world, Side::First, &purpose).await;
    }

    async fn another_run(&mut self, world: &mut World) {
        let purpose = world.sync(Side::First).await;
        let requests = self.answered(world, Side::First, &purpose).await;
        world.press_again(Side::First).await;
        self.all_refused(world, "of a run that was replaced", requests).await;
        let purpose = world.sync(Side::First).await;
        self.sound(world, Side::First, &purpose).await;
    }

    /// The role went to another person while the first was at Microsoft.
    async fn another_person(&mut self, world: &mut World) {
        let mut requests = Vec::new();
        for purpose in [Purpose::Management, Purpose::Groups, world.sync(Side::First).await] {
            requests.extend(self.answered(world, Side::First, &purpose).await);
        }
        world.reassign(Side::First).await;
        self.all_refused(world, "of a Global Admin who is none any more", requests)
            .await;
    }
}
