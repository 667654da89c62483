//! The whole service on one machine: every double on loopback, one clock for all of them, and the site
//! where a person starts. Functions and the simulated Microsoft are mounted once their addresses are known.

pub mod deployment;
mod late;
mod site;

use crate::aws::Aws;
use crate::busy::Busy;
use crate::dynamodb::DynamoDb;
use crate::faults::Faults;
use crate::gateway::Gateway;
use crate::issuer::Issuer;
use crate::kms::Kms;
use crate::lambda::Lambdas;
use crate::mailbox::Mailbox;
use crate::protocol::{bind, serve};
use crate::scheduler::Scheduler;
use crate::secrets::Secrets;
use crate::state_machine::StateMachine;
use crate::stream::Stream;
use axum::Router;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use late::Late;
use shared::io::clock::Clock;
use shared::io::store::table;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use url::Url;

/// No single sleep of the background is longer: a clock that was moved without a word is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where the table's file lives; in memory without it.
    pub data: Option<PathBuf>,
    pub ports: Ports,
    /// Deliver every scheduled event twice.
    pub deliver_twice: bool,
    /// Let the state machine move the clock instead of waiting for it.
    pub skip_waits: bool,
    /// Answer for the table without the engine's own server: for simulations, which make millions of calls.
    pub table_at_once: bool,
    /// Tell the function of webhooks what changes, and keep the deployment's own schedules: for events and mails that wait, and
    /// the daily sweep. Without it a test calls them.
    pub events: bool,
}

/// Ports on loopback; 0 is any free one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    pub portal: u16,
    pub api: u16,
    pub aws: u16,
    pub dynamodb: u16,
    pub login: u16,
    pub graph: u16,
}

impl Ports {
    /// What `cargo run` uses.
    pub const FIXED: Self = Self {
        portal: 8080,
        api: 8081,
        aws: 8082,
        dynamodb: 8083,
        login: 8084,
        graph: 8085,
    };
}

/// Where everything is.
#[derive(Clone, Debug)]
pub struct Urls {
    /// Start page, mailbox, schedules, token issuer.
    pub portal: Url,
    /// The HTTP API in front of the functions.
    pub api: Url,
    /// All AWS doubles but the table.
    pub aws: Url,
    pub dynamodb: Url,
    /// Microsoft's sign-in host.
    pub login: Url,
    pub graph: Url,
}

/// A running world. Dropping it stops all of it.
pub struct World {
    pub urls: Urls,
    pub clock: Clock,
    pub aws: Aws,
    pub dynamodb: DynamoDb,
    pub gateway: Gateway,
    pub issuer: Issuer,
    pub faults: Faults,
    time: Time,
    login: Late,
    graph: Late,
    portal: Late,
    stop: watch::Sender<bool>,
}

impl World {
    /// Binds and serves everything; the table exists, the functions do not yet.
    pub async fn start(options: Options) -> io::Result<Self> {
        let (stop, stopping) = watch::channel(false);
        let (clock, faults, busy) = (Clock::default(), Faults::default(), Busy::default());
        if options.skip_waits {
            clock.skip();
        }
        let changed = Arc::new(Notify::new());

        let lambdas = Lambdas::new(faults.clone(), busy.clone());
        let aws = Aws {
            mailbox: Mailbox::new(clock.clone(), lambdas.clone()),
            scheduler: Scheduler::new(clock.clone(), lambdas.clone(), Arc::clone(&changed)),
            state_machine: StateMachine::new(clock.clone(), lambdas.clone(), busy.clone(), Arc::clone(&changed)),
            lambdas,
            kms: Kms::default(),
            secrets: Secrets::default(),
        };
        deployment::create(&aws)?;
        aws.scheduler.deliver_twice(options.deliver_twice);
        aws.state_machine.skip_waits(options.skip_waits);
        let stream = options.events.then(|| Stream {
            lambdas: aws.lambdas.clone(),
            busy: busy.clone(),
        });
        if options.events {
            deployment::keep_schedules(&aws)?;
        }

        let dynamodb = DynamoDb::start(
            options.data.as_deref(),
            options.ports.dynamodb,
            options.table_at_once,
            &clock,
            &faults,
            stream,
            &stopping,
        )?;
        table::create(&dynamodb.client(), deployment::TABLE)
            .await
            .map_err(io::Error::other)?;

        let (portal_listener, portal_url) = bind(options.ports.portal)?;
        let (api_listener, api_url) = bind(options.ports.api)?;
        let (aws_listener, aws_url) = bind(options.ports.aws)?;
        let (login_listener, login_url) = bind(options.ports.login)?;
        let (graph_listener, graph_url) = bind(options.ports.graph)?;
        let issuer = Issuer::new(portal_url.clone(), clock.clone()).map_err(|refused| io::Error::other(refused.0))?;
        let gateway = Gateway::new(issuer.clone(), clock.clone(), faults.clone(), busy.clone());
        let urls = Urls {
            portal: portal_url,
            api: api_url,
            aws: aws_url,
            dynamodb: dynamodb.url.clone(),
            login: login_url,
            graph: graph_url,
        };
        let (scheduler, machine) = (aws.scheduler.clone(), aws.state_machine.clone());
        let time = Time {
            clock: clock.clone(),
            scheduler,
            machine,
            busy,
            changed,
            turn: Arc::default(),
        };
        let (login, graph, portal) = (Late::default(), Late::default(), Late::default());

        serve(aws_listener, aws.router(&faults), &stopping);
        serve(api_listener, gateway.router(), &stopping);
        // Browsers come to the sign-in host too; only the service asks for tokens.
        let tokens = faults.guard_some("login", login.router(), |request| {
            request.uri().path().ends_with("/token")
        });
        serve(login_listener, tokens, &stopping);
        serve(graph_listener, faults.guard("graph", graph.router()), &stopping);
        let site = site::router(&urls, &issuer, &time)
            .merge(aws.mailbox.page())
            .merge(aws.scheduler.page())
            .merge(issuer.router())
            .fallback_service(portal.router());
        serve(portal_listener, site, &stopping);
        tokio::spawn(time.clone().pass(stopping));

        Ok(Self {
            urls,
            clock,
            aws,
            dynamodb,
            gateway,
            issuer,
            faults,
            time,
            login,
            graph,
            portal,
            stop,
        })
    }

    /// The environment that a deployment would give the functions, for `Config::read` and for real processes.
    #[must_use]
    pub fn environment(&self) -> BTreeMap<String, String> {
        deployment::environment(&self.urls)
    }

    /// Serves the simulated Microsoft: sign-in host, Graph, and its controls below the portal's `/_microsoft`.
    pub fn mount_microsoft(&self, login: Router, graph: Router, controls: Router) {
        self.login.set(login);
        self.graph.set(graph);
        self.portal.set(Router::new().nest("/_microsoft", controls));
    }

    /// Moves the clock and does everything that falls due on the way, in order, before it returns.
    pub async fn advance(&self, by: SignedDuration) {
        self.time.advance(by).await;
    }

    /// Resolves when no function, execution or event is in flight. Executions may still wait for the clock.
    pub async fn idle(&self) {
        self.time.busy.idle().await;
    }

    /// Moves the clock until every execution of the state machine has ended.
    pub async fn finish_runs(&self) {
        self.time.finish_runs().await;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// What makes time pass: the clock, and everything that waits for it.
#[derive(Clone)]
pub(crate) struct Time {
    clock: Clock,
    scheduler: Scheduler,
    machine: StateMachine,
    busy: Busy,
    changed: Arc<Notify>,
    /// Held while the clock is moved, so that the background does not take what `advance` is about to await.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Time {
    fn next_due(&self) -> Option<Timestamp> {
        [self.scheduler.next_due(), self.machine.next_due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The earliest of what is due now.
    fn take_due(&self) -> Option<BoxFuture<'static, ()>> {
        let now = self.clock.now();
        if self
            .machine
            .next_due()
            .is_some_and(|at| self.scheduler.next_due().is_none_or(|other| at < other))
        {
            return self.machine.take_due(now);
        }
        self.scheduler.take_due(now)
    }

    pub(crate) async fn advance(&self, by: SignedDuration) {
        let _turn = self.turn.lock().await;
        self.busy.idle().await;
        let until = self.clock.now() + by;
        while let Some(due) = self.next_due().filter(|due| *due <= until) {
            self.move_to(due);
            while let Some(work) = self.take_due() {
                work.await;
                self.busy.idle().await;
            }
        }
        self.move_to(until);
    }

    async fn finish_runs(&self) {
        let _turn = self.turn.lock().await;
        self.busy.idle().await;
        while let Some(due) = self.machine.next_due() {
            self.move_to(due);
            while let Some(work) = self.take_due() {
                work.await;
                self.busy.idle().await;
            }
        }
    }

    fn move_to(&self, then: Timestamp) {
        self.clock
            .advance(self.clock.now().duration_until(then).max(SignedDuration::ZERO));
        // The clock counts milliseconds; what is due must be due now.
        while self.clock.now() < then {
            self.clock.advance(SignedDuration::from_millis(1));
        }
    }

    /// The background of a world that people look at: fires what falls due as real time passes.
    async fn pass(self, mut stopping: watch::Receiver<bool>) {
        loop {
            let changed = self.changed.notified();
            {
                let _turn = self.turn.lock().await;
                while let Some(work) = self.take_due() {
                    let working = self.busy.start();
                    tokio::spawn(async move {
                        let _working = working;
                        work.await;
                    });
                }
            }
            let left = self.next_due().map(|due| self.clock.now().duration_until(due));
            let sleep = left
                .and_then(|left| Duration::try_from(left).ok())
                .map_or(LONGEST_SLEEP, |left| left.min(LONGEST_SLEEP));
            tokio::select! {
                () = tokio::time::sleep(sleep) => {}
                () = changed => {}
                _ = stopping.wait_for(|stop| *stop) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests;
