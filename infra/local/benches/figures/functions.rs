//! The HTTP functions: size, start, and what a request costs.

use crate::binaries;
use crate::process::{self, Usage};
use crate::stage::{RESELLER_EMAIL, Stage, claims, http_event};
use crate::table::{self, Table};
use dialbridge_local::drive::people::{Stuck, invitation, reseller};
use dialbridge_local::runtime_api::Function;
use jiff::SignedDuration;
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

const TIME_LIMIT: SignedDuration = SignedDuration::from_secs(29);

/// A function and a request that it can only answer from the table.
struct Case {
    package: &'static str,
    /// For the reader.
    request: &'static str,
    event: Value,
}

/// How much is measured.
pub(crate) struct Effort {
    /// Starts of each function.
    pub(crate) starts: usize,
    /// Requests to a warm one.
    pub(crate) requests: u32,
}

/// The packages with an HTTP interface.
pub(crate) const PACKAGES: [&str; 4] = ["invite", "consent-callback", "mapping-save", "sync"];

async fn cases(stage: &Stage) -> Result<Vec<Case>, Stuck> {
    let (_, invited) = stage.invite_another().await?;
    let (_, link) = invitation(&stage.service.world.urls, invited).await?;
    let account_admin = || {
        let enterprise = ("enterprise", stage.enterprise.as_str());
        Some(claims("account_admin", "alex@customer.example", enterprise))
    };
    let northwind = reseller(&stage.service.world.urls).await?;
    let reseller = Some(claims("reseller_admin", RESELLER_EMAIL, ("reseller", &northwind)));
    Ok(vec![
        Case {
            package: "invite",
            request: "one enterprise",
            event: http_event("/v1/enterprises/{enterprise}", &stage.path(""), reseller),
        },
        Case {
            package: "consent-callback",
            request: "page of an invitation",
            event: http_event("/i/{invitation}", link.path(), None),
        },
        Case {
            package: "mapping-save",
            request: "100 Teams users",
            event: http_event(
                "/v1/enterprises/{enterprise}/teams-users",
                &stage.path("/teams-users"),
                account_admin(),
            ),
        },
        Case {
            package: "sync",
            request: "status",
            event: http_event(
                "/v1/enterprises/{enterprise}/status",
                &stage.path("/status"),
                account_admin(),
            ),
        },
    ])
}

/// Measures all of them, against a directory of 2,500 users.
pub(crate) async fn measure(release: &Path, effort: &Effort, say: fn(&str)) -> Result<(), Stuck> {
    let stage = Stage::set(2_500).await?;
    stage.discover().await?;
    let table = Table::new(
        say,
        &[
            "function",
            "request",
            "binary",
            "zip",
            "first answer: median (min–max)",
            "CPU until then",
            "warm p50",
            "warm p99",
            "CPU a request",
            "peak memory",
        ],
    );
    for case in cases(&stage).await? {
        let program = release.join(case.package);
        let (mut first, mut cpu) = (Vec::new(), Vec::new());
        for _ in 0..effort.starts {
            let (function, time) = start(&stage, &program, &case.event).await?;
            first.push(time);
            cpu.push(process::usage(function.process())?.cpu);
        }
        let warm = warm(&stage, &program, &case.event, effort.requests).await?;
        first.sort_unstable();
        cpu.sort_unstable();
        table.row(&[
            case.package.to_owned(),
            case.request.to_owned(),
            table::megabytes(binaries::size(&program)?),
            table::megabytes(binaries::zipped(&program)? as u64),
            format!(
                "{} ({}–{})",
                table::milliseconds(table::quantile(&first, 0.5)),
                table::milliseconds(table::quantile(&first, 0.0)),
                table::milliseconds(table::quantile(&first, 1.0))
            ),
            table::milliseconds(table::quantile(&cpu, 0.5)),
            table::milliseconds(table::quantile(&warm.times, 0.5)),
            table::milliseconds(table::quantile(&warm.times, 0.99)),
            table::milliseconds(warm.cpu),
            table::megabytes(warm.peak),
        ]);
    }
    Ok(())
}

/// Starts a function with a first event; answers it, and the time from the start to the answer.
async fn start(stage: &Stage, program: &Path, event: &Value) -> Result<(Function, Duration), Stuck> {
    let environment = stage.environment(&stage.service.world.dynamodb.direct_url);
    let begin = Instant::now();
    let function = Function::spawn(program, &environment, TIME_LIMIT)?;
    invoke(&function, event).await?;
    Ok((function, begin.elapsed()))
}

async fn invoke(function: &Function, event: &Value) -> Result<(), Stuck> {
    let answer = function.invoke(event).await?;
    if answer["statusCode"] == 200 {
        Ok(())
    } else {
        Err(format!("not the answer that is measured: {answer}").into())
    }
}

struct Warm {
    /// From the event to its answer, sorted.
    times: Vec<Duration>,
    cpu: Duration,
    peak: u64,
}

async fn warm(stage: &Stage, program: &Path, event: &Value, requests: u32) -> Result<Warm, Stuck> {
    let (function, _) = start(stage, program, event).await?;
    for _ in 0..requests / 10 {
        invoke(&function, event).await?;
    }
    let before = process::usage(function.process())?;
    let mut times = Vec::new();
    for _ in 0..requests {
        let begin = Instant::now();
        invoke(&function, event).await?;
        times.push(begin.elapsed());
    }
    let Usage { cpu, peak } = process::usage(function.process())?;
    times.sort_unstable();
    Ok(Warm {
        times,
        cpu: cpu.saturating_sub(before.cpu) / requests.max(1),
        peak,
    })
}
