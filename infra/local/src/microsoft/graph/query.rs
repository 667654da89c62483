//! Query options of a request: what is asked, and which of it needs the header `ConsistencyLevel: eventual`.

use super::answer::Refused;
use super::filter::{Expression, parse};
use http::HeaderMap;

/// Parsed options.
#[derive(Default)]
pub(super) struct Query {
    pub(super) select: Option<Vec<String>>,
    pub(super) filter: Option<Expression>,
    /// Property and whether descending.
    pub(super) order: Option<(String, bool)>,
    pub(super) top: Option<usize>,
    pub(super) skip: Option<usize>,
    pub(super) count: bool,
    pub(super) search: Option<String>,
    pub(super) skip_token: Option<String>,
    pub(super) delta_token: Option<String>,
    pub(super) expand: bool,
    pub(super) eventual: bool,
    /// As they came, without the paging token.
    pub(super) original: Vec<(String, String)>,
}

impl Query {
    pub(super) fn read(text: &str, headers: &HeaderMap, ignore_unsupported: bool) -> Result<Self, Refused> {
        let level = headers.get("ConsistencyLevel").and_then(|value| value.to_str().ok());
        let eventual = level.is_some_and(|level| level.eq_ignore_ascii_case("eventual"));
        let mut query = Self {
            eventual,
            ..Self::default()
        };
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            let known = name.trim_start_matches('$').to_lowercase();
            match known.as_str() {
                "select" => {
                    query.select = Some(
                        value
                            .split(',')
                            .map(|one| one.trim().to_owned())
                            .filter(|one| !one.is_empty())
                            .collect(),
                    );
                }
                "filter" => query.filter = Some(parse(&value)?),
                "orderby" => {
                    let first = value.split(',').next().unwrap_or_default().trim();
                    let (property, direction) = first.split_once(' ').unwrap_or((first, "asc"));
                    query.order = Some((property.to_owned(), direction.trim().eq_ignore_ascii_case("desc")));
                }
                "top" => query.top = Some(number(&value, "$top")?),
                "skip" => query.skip = Some(number(&value, "$skip")?),
                "count" => query.count = value == "true",
                "search" => query.search = Some(value.trim().trim_matches('"').to_owned()),
                "skiptoken" => query.skip_token = Some(value.clone().into_owned()),
                "deltatoken" => query.delta_token = Some(value.clone().into_owned()),
                "expand" => query.expand = true,
                "format" => {}
                _ if ignore_unsupported || !name.starts_with('$') => {}
                _ => {
                    return Err(Refused::new(
                        400,
                        "BadRequest",
                        format!("The query parameter '{name}' is not supported."),
                    ));
                }
            }
            if !matches!(known.as_str(), "skiptoken" | "deltatoken") {
                query.original.push((name.into_owned(), value.into_owned()));
            }
        }
        Ok(query)
    }

    /// Whether advanced queries are allowed: header and `$count=true`.
    pub(super) fn advanced(&self) -> bool {
        self.eventual && self.count
    }

    /// Refuses what the directory serves only as an advanced query.
    pub(super) fn check_directory(&self, rules: super::filter::Rules, ignore: bool) -> Result<(), Refused> {
        if self.skip.is_some() {
            return Err(Refused::bad("'$skip' is not supported by the service."));
        }
        if self.search.is_some() && !self.eventual {
            return Err(Refused::bad(
                "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'",
            ));
        }
        if self.filter.is_some() && self.order.is_some() && !self.advanced() && !ignore {
            return Err(Refused::unsupported("Sorting not supported for current query."));
        }
        match &self.filter {
            Some(filter) => filter.check(rules, self.advanced()),
            None => Ok(()),
        }
    }

    /// Whether a property is wanted.
    pub(super) fn wants(&self, property: &str) -> bool {
        self.select
            .as_ref()
            .is_none_or(|select| select.iter().any(|one| one == property || one == "*"))
    }

    /// The options for the next page or round, with another token at the end.
    pub(super) fn continued(&self, token: &str, value: &str) -> String {
        let encode = |value: &str| url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>();
        let mut text: String = self
            .original
            .iter()
            .map(|(name, value)| format!("{name}={}&", encode(value)))
            .collect();
        text.push_str(token);
        text.push('=');
        text.push_str(value);
        text
    }
}

fn number(text: &str, name: &str) -> Result<usize, Refused> {
    text.parse().map_err(|_| {
        Refused::new(
            400,
            "BadRequest",
            format!("Invalid value '{text}' for {name} query option."),
        )
    })
}
