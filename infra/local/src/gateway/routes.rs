//! Routes of the HTTP API: method and path with `{name}` and a last `{name+}`.

use std::collections::BTreeMap;

/// Values of the `{name}` parts, decoded.
pub(super) type PathParameters = BTreeMap<String, String>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// `GET`, ..., or `ANY`.
    pub method: String,
    /// `/v1/enterprises/{enterprise}`.
    pub path: String,
    /// Whether the JWT authorizer stands in front of it.
    pub authorised: bool,
}

impl Route {
    pub fn authorised(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            authorised: true,
        }
    }

    pub fn public(method: &str, path: &str) -> Self {
        Self {
            authorised: false,
            ..Self::authorised(method, path)
        }
    }

    /// `GET /v1/enterprises/{enterprise}`, as the event names it.
    pub(super) fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(super) fn fits(&self, method: &str, path: &str) -> Option<PathParameters> {
        if self.method != "ANY" && self.method != method {
            return None;
        }
        let mut found = PathParameters::new();
        let mut given = path.split('/');
        for wanted in self.path.split('/') {
            let name = wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
            match name.map(|name| (name, name.strip_suffix('+'))) {
                Some((_, Some(greedy))) => {
                    let rest: Vec<&str> = given.collect();
                    found.insert(greedy.to_owned(), decode(&rest.join("/")));
                    return (!rest.is_empty()).then_some(found);
                }
                Some((name, None)) => {
                    let value = given.next().filter(|value| !value.is_empty())?;
                    found.insert(name.to_owned(), decode(value));
                }
                None => {
                    given.next().filter(|value| *value == wanted)?;
                }
            }
        }
        given.next().is_none().then_some(found)
    }

    /// The gateway prefers the most exact route: full matches, then parameters, then greedy ones, then `ANY`.
    pub(super) fn vagueness(&self) -> (usize, usize, bool) {
        let greedy = self.path.matches("+}").count();
        (greedy, self.path.matches('{').count(), self.method == "ANY")
    }
}

fn decode(text: &str) -> String {
    let plus = text.replace('+', "%2B");
    let mut pairs = url::form_urlencoded::parse(plus.as_bytes());
    // Without `&` and `=` in it, a segment is the name of the only pair.
    match pairs.next() {
        Some((name, value)) if value.is_empty() && pairs.next().is_none() && !text.contains('=') => name.into_owned(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(route: &str, path: &str, expected: Option<&[(&str, &str)]>) {
        let found = Route::public("GET", route).fits("GET", path);
        let expected = expected.map(|all| all.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect());
        assert_eq!(found, expected, "{route} {path}");
    }

    #[test]
    fn matches_whole_paths() {
        check("/v1/enterprises", "/v1/enterprises", Some(&[]));
        check("/v1/enterprises", "/v1/enterprises/", None);
        check("/v1/enterprises", "/v1", None);
    }
    #[test]
    fn takes_parameters_decoded() {
        check(
            "/v1/enterprises/{enterprise}",
            "/v1/enterprises/ent_1",
            Some(&[("enterprise", "ent_1")]),
        );
        check(
            "/v1/x/{a}/y/{b}",
            "/v1/x/a%20b/y/c+d",
            Some(&[("a", "a b"), ("b", "c+d")]),
        );
        check("/v1/x/{a}", "/v1/x/", None);
    }
    #[test]
    fn takes_the_rest() {
        check("/files/{rest+}", "/files/a/b", Some(&[("rest", "a/b")]));
        check("/files/{rest+}", "/files", None);
    }
    #[test]
    fn exact_beats_parameter_beats_any() {
        let exact = Route::public("GET", "/a/b").vagueness();
        let parameter = Route::public("GET", "/a/{x}").vagueness();
        let any = Route::public("ANY", "/a/{x}").vagueness();
        let greedy = Route::public("GET", "/{x+}").vagueness();
        assert!(exact < parameter && parameter < any && any < greedy);
    }
}
