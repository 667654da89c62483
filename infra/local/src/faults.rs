//! Faults at the boundary of the process: calls are counted, and a chosen one is refused, its answer is
//! lost, or the caller is killed before or after it. One `Faults` is shared by all doubles.

use crate::locked::Locked;
use crate::protocol::{AwsError, lost_answer, target};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::sync::Arc;
use tokio::sync::watch;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answers with this status and error code; nothing is done.
    Refuse { status: u16, code: String },
    /// The work is done, the answer never arrives.
    LoseAnswer,
    /// Every function that runs now dies before this call is made.
    KillBefore,
    /// The call is done, then every function that runs now dies.
    KillAfter,
}

#[derive(Default)]
struct State {
    calls: u64,
    counts: BTreeMap<(String, String), u64>,
    /// By the number of the call, counted over all doubles from 1.
    at: BTreeMap<u64, Fault>,
    next: Vec<Planned>,
}

/// The next `times` calls of a service (and operation) get this fault.
struct Planned {
    service: String,
    operation: Option<String>,
    times: u32,
    fault: Fault,
}

#[derive(Clone)]
pub struct Faults {
    state: Locked<State>,
    kills: Arc<watch::Sender<u64>>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            state: Locked::new(State::default()),
            kills: Arc::new(watch::Sender::new(0)),
        }
    }
}

impl Faults {
    /// How many calls all doubles have seen since the last `reset`.
    pub fn calls(&self) -> u64 {
        self.state.with(|state| state.calls)
    }

    /// Calls by (service, operation), for example `("kms", "Decrypt")`.
    pub fn counts(&self) -> BTreeMap<(String, String), u64> {
        self.state.with(|state| state.counts.clone())
    }

    /// Counts from zero again and forgets all planned faults.
    pub fn reset(&self) {
        self.state.with(|state| *state = State::default());
    }

    /// Plans a fault for the `n`-th call (from 1) since the last `reset`.
    pub fn at_call(&self, n: u64, fault: Fault) {
        self.state.with(|state| state.at.insert(n, fault));
    }

    /// Plans a fault for the next `times` calls of a service, or of one of its operations.
    pub fn next_calls(&self, service: &str, operation: Option<&str>, times: u32, fault: Fault) {
        let (service, operation) = (service.to_owned(), operation.map(str::to_owned));
        self.state.with(|state| {
            state.next.push(Planned {
                service,
                operation,
                times,
                fault,
            })
        });
    }

    /// Resolves at the next kill after this call. Whoever runs a function races it against this.
    pub fn killed(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut kills = self.kills.subscribe();
        let keep = Arc::clone(&self.kills);
        async move {
            let _keep = keep;
            let _ = kills.changed().await;
        }
    }

    /// Puts this double behind the counter.
    pub fn guard(&self, service: &'static str, router: Router) -> Router {
        self.guard_some(service, router, |_| true)
    }

    /// Counts only some requests: of a site that people visit as well, those that the service makes.
    pub fn guard_some(&self, service: &'static str, router: Router, counted: fn(&Request) -> bool) -> Router {
        let faults = self.clone();
        router.layer(from_fn(move |request: Request, next: Next| {
            let faults = faults.clone();
            async move {
                if counted(&request) {
                    faults.pass(service, request, next).await
                } else {
                    next.run(request).await
                }
            }
        }))
    }

    async fn pass(&self, service: &str, request: Request, next: Next) -> Response {
        match self.record(service, operation(&request)) {
            None => next.run(request).await,
            Some(Fault::Refuse { status, code }) => {
                AwsError::new(status, &code, "refused by a planned fault").into_response()
            }
            Some(Fault::LoseAnswer) => {
                drop(next.run(request).await);
                lost_answer()
            }
            Some(Fault::KillBefore) => self.kill().await,
            Some(Fault::KillAfter) => {
                drop(next.run(request).await);
                self.kill().await
            }
        }
    }

    /// Never answers: the caller is gone, and dropping its connection drops this future.
    async fn kill(&self) -> Response {
        self.kills.send_modify(|kills| *kills += 1);
        pending().await
    }

    fn record(&self, service: &str, operation: String) -> Option<Fault> {
        self.state.with(|state| {
            state.calls += 1;
            let planned = state.at.remove(&state.calls);
            let planned = planned.or_else(|| take_next(&mut state.next, service, &operation));
            *state.counts.entry((service.to_owned(), operation)).or_default() += 1;
            planned
        })
    }
}

fn take_next(planned: &mut Vec<Planned>, service: &str, operation: &str) -> Option<Fault> {
    let fits = |next: &Planned| next.service == service && next.operation.as_deref().is_none_or(|o| o == operation);
    let at = planned.iter().position(fits)?;
    let next = planned.get_mut(at)?;
    let fault = next.fault.clone();
    next.times = next.times.saturating_sub(1);
    if next.times == 0 {
        planned.remove(at);
    }
    Some(fault)
}

/// The operation of a JSON call, else method and path.
fn operation(request: &Request) -> String {
    match target(request.headers()) {
        Some((_, operation)) => operation.to_owned(),
        None => format!("{} {}", request.method(), request.uri().path()),
    }
}
