//! A thousand saves at once, with other licences and a sync in between: never more mappings than licences, never a Teams user
//! twice, and nothing lost without a 412.

use super::super::scene::{Scene, options};
use dialbridge_local::drive::api::Answer;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const SAVES: usize = 1_000;
const SAVERS: usize = 16;
const VOICE_USERS: usize = 20;
const TEAMS_USERS: usize = 12;
/// The licences move between these; so few that every sync may release what it wants without being asked.
const LICENCES: [u32; 2] = [3, 5];
const FIRST: usize = 4;
/// Saves between two changes of the licences.
const EVERY: usize = 50;

/// What a save that was taken did: the version it made, and its rows.
type Taken = BTreeMap<u64, (Vec<(String, Option<String>)>, Value)>;

fn version(answer: &Answer) -> u64 {
    answer.etag.as_deref().unwrap().trim_matches('"').parse().unwrap()
}

/// One or two random rows; now and then one that must be refused.
fn rows(chance: &mut StdRng, people: &[String]) -> Vec<(String, Option<String>)> {
    let mut rows = BTreeMap::new();
    for _ in 0..chance.random_range(1..3) {
        let voice = format!("v{:03}", chance.random_range(0..VOICE_USERS));
        let teams = chance
            .random_bool(0.5)
            .then(|| people[chance.random_range(0..TEAMS_USERS)].clone());
        rows.insert(voice, teams);
    }
    rows.into_iter().collect()
}

/// What the savers share.
struct Storm {
    people: Vec<String>,
    left: AtomicUsize,
    changes: AtomicUsize,
    taken: Mutex<Taken>,
}

impl Storm {
    /// One saver: saves against what it last saw, until all saves are made.
    async fn save(&self, scene: &Scene, seed: u64) -> BTreeMap<u16, usize> {
        let mut chance = StdRng::seed_from_u64(seed);
        let mut answers = BTreeMap::new();
        let mut seen = scene.get("/mapping?proposals=false").await;
        let next = |left: usize| left.checked_sub(1);
        while let Ok(left) = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next) {
            if left % EVERY == 0 {
                self.change_licences(scene).await;
            }
            let edits = rows(&mut chance, &self.people);
            let row = |(voice, teams): &(String, Option<String>)| json!({ "voiceUser": voice, "teamsUser": teams });
            let body: Vec<Value> = edits.iter().map(row).collect();
            let answer = scene.save(&body, seen.etag.as_deref()).await;
            *answers.entry(answer.status.as_u16()).or_default() += 1;
            match answer.status.as_u16() {
                200 => {
                    if answer.number("/changed") != Some(0) {
                        let save = (edits, answer.body["licences"].clone());
                        let before = self.taken.lock().unwrap().insert(version(&answer), save);
                        assert!(before.is_none(), "two saves made one version");
                    }
                    seen = answer;
                }
                412 => seen = scene.get("/mapping?proposals=false").await,
                409 | 422 => {}
                other => panic!("{other}: {}", answer.body),
            }
        }
        answers
    }

    async fn change_licences(&self, scene: &Scene) {
        let count = LICENCES[self.changes.load(Ordering::SeqCst) % 2];
        let form = Some(json!({ "count": count }));
        let changed = scene.change("reseller_admin", Method::PUT, "/licences", form).await;
        // A sign-in may have been faster with the enterprise.
        assert!([200, 412].contains(&changed.status.as_u16()), "{}", changed.body);
        self.changes
            .fetch_add(usize::from(changed.status == 200), Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_thousand_random_saves_at_once_keep_every_rule() {
    let scene = Scene::discovered(options(160), Some(LICENCES[1])).await;
    scene.push(VOICE_USERS).await;
    let people: Vec<String> = scene
        .candidates()
        .await
        .iter()
        .map(|person| person["id"].as_str().unwrap().to_owned())
        .collect();
    assert!(people.len() >= TEAMS_USERS, "{}", people.len());
    let mapped: Vec<_> = (0..FIRST).map(|n| (n, Some(n))).collect();
    let first = scene.map(&mapped).await;
    assert_eq!(first.status, 200, "{}", first.body);
    assert_eq!(scene.apply().await.text("/state"), "succeeded");
    let start: BTreeMap<String, String> = mapped
        .iter()
        .map(|(voice, teams)| (format!("v{voice:03}"), people[teams.unwrap()].clone()))
        .collect();

    let storm = Storm {
        people,
        left: AtomicUsize::new(SAVES),
        changes: AtomicUsize::new(0),
        taken: Mutex::new(Taken::new()),
    };
    let savers = (0..SAVERS).map(|n| storm.save(&scene, n as u64));
    let syncs = async {
        let (mut runs, mut succeeded) = (0, 0);
        while storm.left.load(Ordering::SeqCst) > 0 {
            let run = scene.run(json!({ "kind": "apply", "mode": "full" })).await;
            assert!(["succeeded", "failed"].contains(&run.text("/state")), "{}", run.body);
            runs += 1;
            succeeded += usize::from(run.text("/state") == "succeeded");
        }
        (runs, succeeded)
    };
    let (answers, (runs, succeeded)) = tokio::join!(futures::future::join_all(savers), syncs);
    let changes = storm.changes.load(Ordering::SeqCst);

    // Saves that were taken, one after the other, give exactly what is kept: none is lost, none is half there.
    let mut rows = start;
    let mut last = version(&first);
    let taken = storm.taken.into_inner().unwrap();
    for (version, (edits, licences)) in &taken {
        assert_eq!(*version, last + 1, "every version is somebody's save");
        last = *version;
        for (voice, teams) in edits {
            match teams {
                Some(teams) => rows.insert(voice.clone(), teams.clone()),
                None => rows.remove(voice),
            };
        }
        let distinct: BTreeSet<&String> = rows.values().collect();
        assert_eq!(distinct.len(), rows.len(), "a Teams user twice");
        let used = licences["used"].as_u64().unwrap();
        let most = u64::from(LICENCES[1]);
        assert!(
            rows.len() as u64 <= used && used <= most,
            "{} mappings, {licences}",
            rows.len()
        );
    }
    let page = scene.get("/mapping?perPage=100&proposals=false").await;
    let kept: BTreeMap<String, String> = page
        .list("/rows")
        .iter()
        .filter_map(|row| {
            Some((
                row["voiceUser"].as_str()?.to_owned(),
                row["teamsUser"].as_str()?.to_owned(),
            ))
        })
        .collect();
    assert_eq!(kept, rows);
    assert_eq!(version(&page), last);
    assert!(
        page.number("/licences/used").unwrap() <= u64::from(LICENCES[1]),
        "{}",
        page.body
    );

    let mut by_status: BTreeMap<u16, usize> = BTreeMap::new();
    for (status, count) in answers.into_iter().flatten() {
        *by_status.entry(status).or_default() += count;
    }
    println!(
        "{SAVES} saves by {SAVERS} people, {changes} changes of licences, {succeeded} of {runs} syncs succeeded: {by_status:?} by status, {} versions",
        taken.len()
    );
    assert!(
        runs > 0 && changes > 1 && taken.len() > 20,
        "{runs} {changes} {}",
        taken.len()
    );
}
