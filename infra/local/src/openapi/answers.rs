//! What answers have in common, so that no function repeats it: words for a status, headers, and the gateway's own
//! refusals.

use http::StatusCode;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, Parameter, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Response, ResponseBuilder};

/// Answers that the gateway gives too: without our headers, with a message of its own.
const GATEWAY: [&str; 3] = ["401", "429", "5XX"];

const PROBLEM: &str = "application/problem+json";

/// Completes the description of every operation.
pub(super) fn describe(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        let edited = operations(item).any(|operation| parameter(operation, "If-Match").is_some());
        for operation in operations(item) {
            describe_keys(operation);
            if operation.security.is_some() {
                describe_refusals(operation);
            }
            for (status, response) in &mut operation.responses.responses {
                let RefOr::T(response) = response else { continue };
                if response.description.is_empty() {
                    response.description = meaning(status).to_owned();
                }
                let ours = !GATEWAY.contains(&status.as_str());
                describe_headers(response, ours, edited && status == "200");
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let all = [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.patch,
    ];
    all.into_iter().flatten()
}

fn parameter<'a>(operation: &'a mut Operation, name: &str) -> Option<&'a mut Parameter> {
    operation.parameters.iter_mut().flatten().find_map(|one| match one {
        RefOr::T(parameter) if parameter.name == name => Some(parameter),
        RefOr::T(_) | RefOr::Ref(_) => None,
    })
}

/// The two headers that make writing safe, as `web::extract` reads them.
fn describe_keys(operation: &mut Operation) {
    if let Some(key) = parameter(operation, "Idempotency-Key") {
        key.description =
            Some("A key of your own for this request, such as a UUID; the same one when it is repeated.".into());
        let text = ObjectBuilder::new().schema_type(Type::String);
        key.schema = Some(text.min_length(Some(1)).max_length(Some(255)).into());
    }
    if let Some(version) = parameter(operation, "If-Match") {
        version.description = Some("The `ETag` that was read.".into());
    }
}

/// What the gateway refuses or breaks off by itself, and the function with a problem.
fn describe_refusals(operation: &mut Operation) {
    let problem = || Content::new(Some(Ref::from_schema_name("Problem")));
    let message = || Content::new(Some(Ref::from_schema_name("GatewayMessage")));
    let whole_seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
    let wait: Header = HeaderBuilder::new()
        .schema(Some(whole_seconds))
        .description(Some("Seconds to wait, where that is known."))
        .build();
    for (status, description, waits) in [
        ("401", "No token, or one that does not hold.", false),
        ("429", "Too many in a short time.", true),
        (
            "5XX",
            "The fault is ours, or a service that we need did not answer.",
            true,
        ),
    ] {
        let mut response = ResponseBuilder::new()
            .description(description)
            .content(PROBLEM, problem())
            .content("application/json", message());
        if waits {
            response = response.header("Retry-After", wait.clone());
        }
        operation
            .responses
            .responses
            .insert(status.into(), response.build().into());
    }
}

fn describe_headers(response: &mut Response, ours: bool, versioned: bool) {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let mut add = |name: &str, header: Header| {
        response.headers.insert(name.into(), header.into());
    };
    if ours {
        add("x-request-id", always(text(), "What our logs know the request by."));
    }
    if versioned {
        let quoted = text().pattern(Some("^\"[0-9]+\"$"));
        add("ETag", always(quoted, "The version; give it as `If-Match`."));
    }
}

/// A header that is always there.
fn always(schema: ObjectBuilder, description: &str) -> Header {
    let mut header = HeaderBuilder::new()
        .schema(Some(schema))
        .description(Some(description))
        .build();
    // A field of the standard that the type does not have.
    header.extensions = Some(Extensions::from_iter([("required", true)]));
    header
}

fn meaning(status: &str) -> &'static str {
    match status {
        "4XX" => "Refused; `code` says why.",
        status => match status.parse().map(|status: StatusCode| status.canonical_reason()) {
            Ok(Some(reason)) => reason,
            Ok(None) | Err(_) => "See the summary.",
        },
    }
}
