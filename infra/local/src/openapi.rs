//! The API description of all functions together: what `infra/openapi.json` holds and what the gateway routes by.

mod answers;

use crate::gateway::Route;
use utoipa::openapi::path::PathItem;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{OpenApi, ToSchema};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Dialbridge",
        description = "Connects voice users of a provider to users of Microsoft Teams. Errors are RFC 9457 problem documents with a stable `code`. Creating POSTs need an `Idempotency-Key`; what two people can edit has an `ETag` and needs `If-Match`."
    ),
    components(schemas(GatewayMessage))
)]
struct Description;

/// What the gateway says by itself: the request did not reach a function, or no answer came back.
#[derive(ToSchema)]
struct GatewayMessage {
    #[expect(dead_code, reason = "the gateway writes it")]
    message: String,
}

/// One function's name and description.
fn functions() -> Vec<(&'static str, utoipa::openapi::OpenApi)> {
    vec![
        ("invite", invite::api().into_openapi()),
        ("consent-callback", consent_callback::api().into_openapi()),
        ("mapping-save", mapping_save::api().into_openapi()),
        ("sync", sync::api().into_openapi()),
    ]
}

/// The whole description.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Description::openapi();
    for (_, description) in functions() {
        document.merge(description);
    }
    let jwt = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    document
        .components
        .get_or_insert_default()
        .security_schemes
        .insert("jwt".to_owned(), SecurityScheme::Http(jwt).into());
    answers::describe(&mut document);
    document
}

/// The description as it is checked in.
#[must_use]
pub fn json() -> String {
    let json = document().to_pretty_json().unwrap_or_default();
    // The formats' names in the registry of OpenAPI; the library spells them with a hyphen.
    json.replace("\"u-int", "\"uint") + "\n"
}

/// The routes of one function: every path with every method, so that the function itself answers a method it lacks.
#[must_use]
pub fn routes(function: &str) -> Vec<Route> {
    let descriptions = functions().into_iter().filter(|(name, _)| *name == function);
    let paths = descriptions.flat_map(|(_, description)| description.paths.paths);
    paths
        .map(|(path, item)| {
            if public(&item) {
                Route::public("ANY", &path)
            } else {
                Route::authorised("ANY", &path)
            }
        })
        .collect()
}

/// Whether a path's operations need no token. They agree: the gateway knows one authorizer for a path.
fn public(item: &PathItem) -> bool {
    let operations = [&item.get, &item.put, &item.post, &item.delete, &item.patch];
    operations
        .into_iter()
        .flatten()
        .all(|operation| operation.security.is_none())
}
