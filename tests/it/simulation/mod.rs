//! Simulation: thousands of small runs in which something goes wrong, drawn from a seed, and every run with a crash at
//! every point. The worker, its clients, the table's engine and the simulated Microsoft are those of the stories.
//!
//! Why it is made so: `infra/decisions/0028-simulated-runs-play-in-one-small-world.md`.
//!
//! `DIALBRIDGE_SEED` names the first seed and `DIALBRIDGE_SCHEDULES` how many follow; without them CI's are played.

mod crash;
mod keys;
mod outcome;
mod races;
mod recovery;
mod schedule;
mod schedules;
mod watcher;
mod world;
