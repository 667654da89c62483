//! Simulation: thousands of small runs in which something goes wrong, drawn from a seed, and every run with a crash at
//! every point. The worker, its clients, the table's engine and the simulated Microsoft are those of the stories.
//!
//! Why it is made so: `infra/decisions/0028-simulated-runs-play-in-one-small-world.md`.
//!
//! `DIALBRIDGE_SEED` names the first seed and `DIALBRIDGE_SCHEDULES` how many follow; without them CI's are played.

#[cfg(test)]
mod crash;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod outcome;
#[cfg(test)]
mod races;
#[cfg(test)]
mod recovery;
#[cfg(test)]
#[expect(dead_code, reason = "the world is set up as in the stories, which use more of it")]
#[path = "../it/stories/scene.rs"]
mod scene;
#[cfg(test)]
mod schedule;
#[cfg(test)]
mod schedules;
#[cfg(test)]
mod watcher;
#[cfg(test)]
mod world;
