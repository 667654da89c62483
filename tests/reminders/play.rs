//! Plays a life: schedules that fire, senders that read, decide, write and hand over, and everything that can go wrong with
//! them. The table takes a write only where nothing has moved, as `Store::note_reminders` asks it to; a mail is taken once, and
//! nobody takes one that is being handed over, as the outbox does.

use super::life::{ADMIN, Act, Life, SECOND};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use shared::domain::consent::Consents;
use shared::domain::email::EmailAddress;
use shared::domain::enterprise::{Enterprise, Settings};
use shared::domain::global_admin::GlobalAdmin;
use shared::domain::group_filter::GroupFilter;
use shared::domain::ids::{EnterpriseId, MailId, ResellerId};
use shared::domain::management::Management;
use shared::domain::reminded::{Day, Done, Ledger, Notes};
use shared::domain::reminding::{Reminding, SecondContact, Snooze};
use shared::domain::schedule;
use shared::domain::setup::{BoundTenant, Setup};
use shared::domain::standing::Standing;
use shared::domain::steps::Steps;
use shared::domain::sync_status::{LastSync, Pending, SyncStatus};
use shared::domain::sync_switch::SyncSwitch;
use shared::plan::remind::{Facts, Reminder, Step, caught_up, missed_today, notes, remind, step, still_due};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// What came of a life.
pub(crate) struct Played {
    /// When a mail left, and to whom.
    pub(crate) left: Vec<(Timestamp, String)>,
    /// The list of days, as the table has it at the end.
    pub(crate) days: Vec<Day>,
    /// When the sweep saw to the enterprise.
    pub(crate) sweeps: Vec<Timestamp>,
    pub(crate) figures: BTreeMap<&'static str, u64>,
}

/// How far a mail of the outbox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Posted {
    Waits,
    Sending,
    Sent,
    Ended,
}

struct Mail {
    id: MailId,
    to: EmailAddress,
    until: Timestamp,
    posted: Posted,
}

/// What comes up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Act(usize),
    /// The schedule's time, while it is this one.
    Fires(u64),
    /// An event of the schedule arrives.
    Arrives {
        scheduled: Timestamp,
    },
    /// A sender that stood still writes what it has decided: the place of its decision.
    Writes(usize),
    Sweeps,
    /// What waits in the outbox is tried again.
    Posts,
}

/// What a sender has decided, and on which versions.
struct Decided {
    notes: Option<(Notes, Option<Mail>)>,
    ledger: u64,
    enterprise: u64,
    status: u64,
    scheduled: Timestamp,
    now: Timestamp,
}

struct World<'a> {
    life: &'a Life,
    chance: StdRng,
    queue: BinaryHeap<Reverse<(Timestamp, u64, Event)>>,
    count: u64,
    enterprise: Enterprise,
    status: SyncStatus,
    ledger: Ledger,
    days: Vec<Day>,
    suppressed: Vec<EmailAddress>,
    mails: Vec<Mail>,
    /// The schedule that there is: zone and hour, and which one it is.
    schedule: Option<(String, i8, u64)>,
    frozen: Vec<Option<Decided>>,
    played: Played,
}

/// Plays one.
pub(crate) fn play(life: &Life, seed: u64) -> Played {
    let mut world = World::new(life, seed);
    while let Some(Reverse((at, _, event))) = world.queue.pop() {
        if at >= life.end() {
            break;
        }
        world.happens(at, event);
    }
    let ambiguous = world.mails.iter().filter(|mail| mail.posted == Posted::Sending).count() as u64;
    world.figure("mails of which nobody knows, listed and not sent again", ambiguous);
    let skips: Vec<&'static str> = world.days.iter().map(name).collect();
    for name in skips {
        world.figure(name, 1);
    }
    world.played.days = world.days;
    world.played
}

fn name(day: &Day) -> &'static str {
    use shared::domain::reminded::Why;
    match &day.done {
        Done::Claimed { .. } => "day: claimed",
        Done::Unknown => "day: unknown",
        Done::Skipped { why } => match why {
            Why::Paused => "day without a mail: paused",
            Why::Snoozed => "day without a mail: snoozed",
            Why::RestDay => "day without a mail: rest day",
            Why::QuietDay => "day without a mail: quiet day",
            Why::NoAddress => "day without a mail: nobody to write to",
            Why::TooSoon => "day without a mail: too soon",
            Why::Late => "day without a mail: late",
            Why::NoEvent => "day without a mail: no event",
        },
    }
}

fn enterprise(life: &Life, seed: u64) -> Enterprise {
    let at = life.start;
    let tenant = BoundTenant {
        id: "9f3c2b10-0000-4000-8000-00000000bf01".parse().unwrap(),
        name: "Bluefinch".into(),
        label: "bluefinch".into(),
        at,
    };
    Enterprise {
        id: EnterpriseId::mint(at, u128::from(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C)),
        reseller: ResellerId::mint(at, 1),
        settings: Settings {
            name: "Bluefinch Ltd".into(),
            user_limit: None,
            pbx_music_on_hold: true,
            access_sip_data: false,
            request_management_consent: false,
            sbc_regions: BTreeSet::new(),
            services: BTreeSet::new(),
            pbx_types: BTreeSet::new(),
            time_zone: life.zone.into(),
            billing_reference: None,
            trial_end: None,
        },
        global_admin: GlobalAdmin::invited(ADMIN.parse().unwrap(), None),
        operators: Default::default(),
        unattended: Default::default(),
        setup: Setup::Complete {
            tenant,
            consents: Consents::default(),
            at,
        },
        group_filter: GroupFilter::Everyone,
        invitation: None,
        standing: Standing::Active,
        management: Management::Pending,
        steps: Steps::new(),
        sync_switch: SyncSwitch::On,
        release_limit: Default::default(),
        reminding: Reminding {
            hour: life.hour,
            days: life.days.clone(),
            quiet: life.quiet.clone(),
            second: life.second_after.map(|after_days| SecondContact {
                email: SECOND.parse().unwrap(),
                name: "Zoe".into(),
                after_days,
            }),
            escalate_after: life.escalate_after,
            ..Reminding::default()
        },
        left_tenant: None,
        created: at,
        version: 1,
    }
}

impl<'a> World<'a> {
    fn new(life: &'a Life, seed: u64) -> Self {
        let mut world = Self {
            life,
            chance: StdRng::seed_from_u64(seed ^ 0x005e_ed0f_7a05),
            queue: BinaryHeap::new(),
            count: 0,
            enterprise: enterprise(life, seed),
            status: SyncStatus::default(),
            ledger: Ledger::default(),
            days: Vec::new(),
            suppressed: Vec::new(),
            mails: Vec::new(),
            schedule: None,
            frozen: Vec::new(),
            played: Played {
                left: Vec::new(),
                days: Vec::new(),
                sweeps: Vec::new(),
                figures: BTreeMap::new(),
            },
        };
        for (n, (at, _)) in life.acts.iter().enumerate() {
            world.push(*at, Event::Act(n));
        }
        let first = life.start + SignedDuration::from_mins(150);
        for day in 0..super::life::DAYS {
            let late = world.seconds(0, 1_800);
            world.push(first + SignedDuration::from_hours(24 * day) + late, Event::Sweeps);
        }
        world
    }

    fn push(&mut self, at: Timestamp, event: Event) {
        self.count += 1;
        self.queue.push(Reverse((at, self.count, event)));
    }

    fn figure(&mut self, what: &'static str, count: u64) {
        *self.played.figures.entry(what).or_default() += count;
    }

    fn chance(&mut self, share: f64, what: &'static str) -> bool {
        let happens = self.chance.random_bool(share);
        if happens {
            self.figure(what, 1);
        }
        happens
    }

    fn seconds(&mut self, from: i64, to: i64) -> SignedDuration {
        SignedDuration::from_secs(self.chance.random_range(from..=to))
    }

    fn happens(&mut self, at: Timestamp, event: Event) {
        match event {
            Event::Act(n) => self.act(at, n),
            Event::Fires(which) => self.fires(at, which),
            Event::Arrives { scheduled } => self.arrives(at, scheduled),
            Event::Writes(n) => {
                if let Some(decided) = self.frozen[n].take() {
                    self.writes(at, decided);
                }
            }
            Event::Sweeps => self.sweeps(at),
            Event::Posts => self.posts(at),
        }
    }

    /// Somebody does something, and the schedule is kept in step, as the production code does after each write.
    fn act(&mut self, at: Timestamp, n: usize) {
        let reminding = &mut self.enterprise.reminding;
        match self.life.acts[n].1.clone() {
            Act::Saved => {
                let since = self.status.pending.map_or(at, |pending| pending.since);
                self.status.pending = Some(Pending { users: 1, since });
            }
            Act::Failed => self.status.last = Some((at, LastSync::Failed)),
            Act::Succeeded => {
                self.status.last = Some((at, LastSync::Successful));
                self.status.pending = None;
            }
            Act::Disabled => self.enterprise.standing = Standing::Disabled { since: at },
            Act::Enabled => self.enterprise.standing = Standing::Active,
            Act::Zone(zone) => self.enterprise.settings.time_zone = zone.into(),
            Act::Hour(hour) => reminding.hour = hour,
            Act::Snoozed(until) => {
                let (reason, by) = ("away".into(), "Mara".into());
                reminding.snooze = Some(Snooze { until, reason, by, at });
            }
            Act::Resumed => reminding.snooze = None,
            Act::Bounced(who) => self.suppressed.push(who.parse().unwrap()),
            Act::Lifted(who) => self.suppressed.retain(|lost| lost.as_str() != who),
        }
        self.enterprise.version += 1;
        self.status.version += 1;
        if !self.chance(0.02, "changes whose schedule was not seen to") {
            self.keep_schedule(at);
        }
    }

    fn keep_schedule(&mut self, at: Timestamp) {
        let kept = &self.enterprise;
        let due = remind(&kept.standing, &kept.sync_switch, &kept.setup, &self.status) != Reminder::Nothing;
        let wanted = due.then(|| (kept.settings.time_zone.clone(), kept.reminding.hour));
        let known = self.schedule.as_ref().map(|(zone, hour, _)| (zone.clone(), *hour));
        if wanted != known {
            self.count += 1;
            let which = self.count;
            self.schedule = wanted.map(|(zone, hour)| (zone, hour, which));
            self.plan(at);
        }
    }

    /// The next time of the schedule. A local time that the clocks skip does not come.
    fn plan(&mut self, at: Timestamp) {
        let Some((zone, hour, which)) = self.schedule.clone() else {
            return;
        };
        let zone = TimeZone::get(&zone).unwrap();
        let minute = i8::try_from(schedule::minute(&self.enterprise.id)).unwrap();
        let mut date = at.to_zoned(zone.clone()).date();
        loop {
            let local = date.at(hour, minute, 0, 0);
            let found = zone.to_ambiguous_timestamp(local);
            let skipped = matches!(found.offset(), jiff::tz::AmbiguousOffset::Gap { .. });
            let next = found.compatible().unwrap();
            if next > at && !skipped {
                self.push(next, Event::Fires(which));
                return;
            }
            date = date.tomorrow().unwrap();
        }
    }

    fn fires(&mut self, at: Timestamp, which: u64) {
        if self.schedule.as_ref().is_none_or(|(_, _, present)| *present != which) {
            return;
        }
        self.plan(at);
        if self.chance(0.01, "events that were lost") {
            return;
        }
        let arrives = at + self.seconds(0, 15 * 60);
        self.push(arrives, Event::Arrives { scheduled: at });
        if self.chance(0.25, "events that came twice") {
            let again = arrives + self.seconds(0, 2 * 3_600);
            self.push(again, Event::Arrives { scheduled: at });
        }
        if self.chance(0.05, "old events that were replayed") {
            let again = arrives + self.seconds(3_600, 9 * 86_400);
            self.push(again, Event::Arrives { scheduled: at });
        }
        if self.chance(0.02, "events that were hours late") {
            let late = arrives + self.seconds(3_600, 12 * 3_600);
            self.push(late, Event::Arrives { scheduled: at });
        }
    }

    /// A sender's clock: mostly right, sometimes minutes off, seldom anything. AWS takes no request from a sender whose clock is
    /// off by more than minutes, so this is worse than it can be; but not both, a clock that is hours behind and an event that
    /// is hours late.
    fn clock(&mut self, at: Timestamp, scheduled: Timestamp) -> Timestamp {
        let on_time = scheduled.duration_until(at) < SignedDuration::from_hours(1);
        let seconds = if on_time && self.chance(0.03, "senders whose clock was hours or days off") {
            let most = if self.chance.random_bool(0.5) {
                12 * 3_600
            } else {
                400 * 86_400
            };
            self.chance.random_range(-most..=most)
        } else if self.chance.random_bool(0.1) {
            self.chance.random_range(-240..=240)
        } else {
            0
        };
        at + SignedDuration::from_secs(seconds)
    }

    fn facts<T>(&self, scheduled: Option<Timestamp>, now: Timestamp, run: impl FnOnce(&Facts<'_>) -> T) -> T {
        let zone = TimeZone::get(&self.enterprise.settings.time_zone).unwrap();
        run(&Facts {
            enterprise: &self.enterprise,
            status: &self.status,
            ledger: &self.ledger,
            days: &self.days,
            suppressed: &self.suppressed,
            zone: &zone,
            scheduled,
            now,
        })
    }

    fn arrives(&mut self, at: Timestamp, scheduled: Timestamp) {
        let now = self.clock(at, scheduled);
        if let Some(decided) = self.decides(Some(scheduled), now, at) {
            if self.chance(0.1, "senders that stood still between reading and writing") {
                self.frozen.push(Some(decided));
                let later = at + self.seconds(0, 300);
                self.push(later, Event::Writes(self.frozen.len() - 1));
            } else {
                self.writes(at, decided);
            }
        }
    }

    /// Reads and decides; nothing where the event leads to nothing.
    fn decides(&mut self, scheduled: Option<Timestamp>, now: Timestamp, at: Timestamp) -> Option<Decided> {
        let step = self.facts(scheduled, now, |facts| step(facts).unwrap());
        let decided = |notes| Decided {
            notes,
            ledger: 0,
            enterprise: 0,
            status: 0,
            scheduled: scheduled.unwrap_or(now),
            now,
        };
        let id = MailId::mint(at, self.chance.random());
        let written = self.facts(scheduled, now, |facts| notes(facts, &step, "event", &id).unwrap());
        let found = match (&step, written) {
            (Step::Over, _) => {
                self.schedule = None;
                return None;
            }
            (Step::Settled(_), _) => {
                self.figure("events of a day that was settled", 1);
                return None;
            }
            (Step::Claim(claim), Some(notes)) => {
                self.figure("claims that told the reseller", u64::from(claim.escalates.is_some()));
                let mail = Mail {
                    id,
                    to: claim.to.email.clone(),
                    until: claim.until,
                    posted: Posted::Waits,
                };
                decided(Some((notes, Some(mail))))
            }
            (Step::Skip(_), Some(notes)) => decided(Some((notes, None))),
            (Step::NotNow, _) => {
                self.figure("events of another day, or of a clock that is wrong", 1);
                return None;
            }
            (Step::Claim(_) | Step::Skip(_), _) => return None,
        };
        Some(Decided {
            ledger: self.ledger.version,
            enterprise: self.enterprise.version,
            status: self.status.version,
            ..found
        })
    }

    /// The transaction: all or nothing, and nothing where something has moved; then it is decided anew.
    fn writes(&mut self, at: Timestamp, decided: Decided) {
        let read = (decided.ledger, decided.enterprise, decided.status);
        if read != (self.ledger.version, self.enterprise.version, self.status.version) {
            self.figure("decisions that were made anew", 1);
            if let Some(decided) = self.decides(Some(decided.scheduled), decided.now, at) {
                self.writes(at, decided);
            }
            return;
        }
        let Some((notes, mail)) = decided.notes else { return };
        if self.chance(0.03, "senders killed before the claim") {
            return;
        }
        self.note(notes);
        let Some(mail) = mail else { return };
        let id = mail.id.clone();
        self.mails.push(mail);
        if self.chance(0.03, "senders killed between the claim and the mail") {
            self.push(at + SignedDuration::from_mins(5), Event::Posts);
            return;
        }
        self.post(at, decided.now, &id);
    }

    /// The conditions of `Store::note_reminders`: a day that was claimed stays so.
    fn note(&mut self, notes: Notes) {
        assert_eq!(notes.ledger.version, self.ledger.version);
        let claimed = |day: &Day| !matches!(day.done, Done::Skipped { .. });
        let taken = |day: &Day| self.days.iter().any(|known| known.day == day.day && claimed(known));
        assert!(!notes.days.iter().any(taken), "the table would refuse it for ever");
        for day in notes.days {
            self.days.retain(|known| known.day != day.day);
            self.days.push(day);
        }
        // The newest first, as they are read.
        self.days.sort_by_key(|day| Reverse(day.day));
        self.ledger = Ledger {
            version: notes.ledger.version + 1,
            ..notes.ledger
        };
    }

    /// One try to hand a mail over.
    fn post(&mut self, at: Timestamp, now: Timestamp, id: &MailId) {
        let Some(n) = self
            .mails
            .iter()
            .position(|mail| mail.id == *id && mail.posted == Posted::Waits)
        else {
            return;
        };
        let due = self.facts(None, now, |facts| still_due(facts, id));
        if !due || self.mails[n].until <= now || self.suppressed.contains(&self.mails[n].to) {
            self.figure("mails whose moment was over before they left", 1);
            self.mails[n].posted = Posted::Ended;
            return;
        }
        self.mails[n].posted = Posted::Sending;
        if self.chance(0.02, "senders killed between taking the mail and the call") {
            return;
        }
        if self.chance(0.05, "mails that SES refused for now") {
            self.mails[n].posted = Posted::Waits;
            self.push(at + SignedDuration::from_mins(5), Event::Posts);
            return;
        }
        let to = self.mails[n].to.to_string();
        self.played.left.push((at, to));
        if self.chance(0.02, "senders killed between the call and its note") {
            return;
        }
        self.mails[n].posted = Posted::Sent;
    }

    /// The outbox, every five minutes. Its clock is wrong by two hours at most; the evening is that long.
    fn posts(&mut self, at: Timestamp) {
        let waiting: Vec<MailId> = self
            .mails
            .iter()
            .filter(|mail| mail.posted == Posted::Waits)
            .map(|mail| mail.id.clone())
            .collect();
        let skew = if self.chance.random_bool(0.05) {
            self.seconds(-7_000, 7_000)
        } else {
            SignedDuration::ZERO
        };
        for id in &waiting {
            self.post(at, at + skew, id);
        }
        if self.chance(0.1, "hours in which SES took nothing") {
            let later = at + self.seconds(3_600, 10 * 3_600);
            self.push(later, Event::Posts);
        } else if self.mails.iter().any(|mail| mail.posted == Posted::Waits) {
            self.push(at + SignedDuration::from_mins(5), Event::Posts);
        }
    }

    fn sweeps(&mut self, at: Timestamp) {
        if self.chance(0.01, "sweeps that did not come to the enterprise") {
            return;
        }
        let indexed = self.status.needs_reminder();
        let had = self.schedule.is_some();
        // Either it waits, or it has a schedule that nobody needs.
        if indexed || had {
            self.keep_schedule(at);
            match (had, self.schedule.is_some()) {
                (true, false) => self.figure("schedules that the sweep removed", 1),
                (false, true) => self.figure("schedules that the sweep made", 1),
                (true, true) | (false, false) => {}
            }
        }
        self.played.sweeps.push(at);
        if !indexed {
            return;
        }
        if self.facts(None, at, |facts| missed_today(facts).unwrap()) {
            self.figure("events that the sweep stood in for", 1);
            if let Some(decided) = self.decides(None, at, at) {
                self.writes(at, decided);
            }
        } else if let Some(notes) = self.facts(None, at, |facts| caught_up(facts).unwrap()) {
            self.note(notes);
        }
    }
}
