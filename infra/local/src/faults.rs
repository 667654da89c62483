//! Faults at the boundary of the process: calls are counted, and a chosen one is refused, its answer is
//! lost, or the caller is killed before or after it. One `Faults` is shared by all doubles. A simulation may watch every
//! call and its answer, and choose a fault for each.

use crate::locked::Locked;
use crate::protocol::{AwsError, lost_answer, target};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
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
    /// The connection breaks before anything is done.
    Break,
    /// The work is done, and the connection breaks in the middle of the answer.
    Truncate,
    /// Nothing is done; this is the answer.
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
}

/// One call of the service, as whoever watches sees it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Counted over all doubles from 1 since the last `reset`.
    pub number: u64,
    /// Such as `dynamodb` or `graph`.
    pub service: &'a str,
    /// The operation of a JSON call, else method and path.
    pub operation: &'a str,
    /// By which name the double was called: two workers may use two.
    pub host: &'a str,
    pub body: &'a [u8],
}

/// Sees every call and its answer.
pub trait Watch: Send + Sync {
    /// Before the call is carried out: what goes wrong with it.
    fn before(&self, call: &Seen<'_>) -> Option<Fault>;
    /// The call was carried out, whether its answer arrives or not.
    fn after(&self, call: &Seen<'_>, status: u16, answer: &[u8]);
}

/// Larger than any request of the service, and any answer to it.
const MAX_BODY: usize = 64 << 20;

#[derive(Default)]
struct State {
    calls: u64,
    counts: BTreeMap<(String, String), u64>,
    /// By the number of the call, counted over all doubles from 1.
    at: BTreeMap<u64, Fault>,
    next: Vec<Planned>,
    watch: Option<Arc<dyn Watch>>,
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
    traffic: Arc<Traffic>,
}

/// Calls on their way.
#[derive(Default)]
struct Traffic {
    under_way: AtomicUsize,
    ended: AtomicU64,
}

/// A call on its way; ends when dropped.
struct UnderWay(Arc<Traffic>);

impl UnderWay {
    fn new(traffic: &Arc<Traffic>) -> Self {
        traffic.under_way.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(traffic))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            state: Locked::new(State::default()),
            kills: Arc::new(watch::Sender::new(0)),
            traffic: Arc::default(),
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

    /// Counts from zero again and forgets all planned faults. Whoever watches goes on watching.
    pub fn reset(&self) {
        self.state.with(|state| {
            let watch = state.watch.take();
            *state = State {
                watch,
                ..State::default()
            };
        });
    }

    /// Shows every call to somebody from now on, or to nobody.
    pub fn watch(&self, watch: Option<Arc<dyn Watch>>) {
        self.state.with(|state| state.watch = watch);
    }

    /// Calls that are being answered now, and how many have ended: where the first is 0 and the second stands still,
    /// nothing moves.
    pub fn traffic(&self) -> (usize, u64) {
        let Traffic { under_way, ended } = &*self.traffic;
        (under_way.load(Ordering::SeqCst), ended.load(Ordering::SeqCst))
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
        let operation = operation(&request);
        let (planned, number, watch) = self.record(service, &operation);
        let way = UnderWay::new(&self.traffic);
        let Some(watch) = watch else {
            return self.carry_out(planned, way, next.run(request)).await;
        };
        let (parts, body) = request.into_parts();
        let named = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = named.unwrap_or_default().to_owned();
        let Ok(body) = to_bytes(body, MAX_BODY).await else {
            return lost_answer();
        };
        let seen = Seen {
            number,
            service,
            operation: &operation,
            host: &host,
            body: &body,
        };
        let fault = planned.or_else(|| watch.before(&seen));
        let run = async {
            let (parts, answer) = next
                .run(Request::from_parts(parts, Body::from(body.clone())))
                .await
                .into_parts();
            let Ok(answer) = to_bytes(answer, MAX_BODY).await else {
                return lost_answer();
            };
            watch.after(&seen, parts.status.as_u16(), &answer);
            Response::from_parts(parts, Body::from(answer))
        };
        self.carry_out(fault, way, run).await
    }

    async fn carry_out(&self, fault: Option<Fault>, way: UnderWay, run: impl Future<Output = Response>) -> Response {
        match fault {
            None => run.await,
            Some(Fault::Refuse { status, code }) => {
                AwsError::new(status, &code, "refused by a planned fault").into_response()
            }
            Some(Fault::LoseAnswer) => {
                drop(run.await);
                lost_answer()
            }
            Some(Fault::KillBefore) => self.kill(way).await,
            Some(Fault::KillAfter) => {
                drop(run.await);
                self.kill(way).await
            }
            Some(Fault::Break) => lost_answer(),
            Some(Fault::Truncate) => truncated(run.await).await,
            Some(Fault::Answer { status, headers, body }) => {
                let mut response = Response::new(Body::from(body));
                *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
                for (name, value) in headers {
                    if let Ok(value) = HeaderValue::from_str(&value) {
                        response.headers_mut().insert(HeaderName::from_static(name), value);
                    }
                }
                response
            }
        }
    }

    /// Never answers: the caller is gone, and dropping its connection drops this future.
    async fn kill(&self, way: UnderWay) -> Response {
        drop(way);
        self.kills.send_modify(|kills| *kills += 1);
        pending().await
    }

    fn record(&self, service: &str, operation: &str) -> (Option<Fault>, u64, Option<Arc<dyn Watch>>) {
        self.state.with(|state| {
            state.calls += 1;
            let planned = state.at.remove(&state.calls);
            let planned = planned.or_else(|| take_next(&mut state.next, service, operation));
            *state
                .counts
                .entry((service.to_owned(), operation.to_owned()))
                .or_default() += 1;
            (planned, state.calls, state.watch.clone())
        })
    }
}

/// The first half of an answer.
async fn truncated(response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return lost_answer();
    };
    let half = [
        Ok(body.slice(..body.len() / 2)),
        Err(std::io::Error::other("the rest is lost")),
    ];
    Response::from_parts(parts, Body::from_stream(futures::stream::iter(half)))
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
