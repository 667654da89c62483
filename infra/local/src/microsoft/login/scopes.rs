//! Reads the `scope` parameter: permissions of known resources, or everything that the application registered.

use super::super::AppRegistration;
use super::super::catalogue::{GRAPH_APP, Permission, Resource, TEAMS_ADMIN_API, permission};
use super::refusal::Refusal;
use std::collections::BTreeSet;

/// What is asked for.
pub(super) struct Asked {
    /// Delegated permissions, each once, in the order asked.
    pub(super) permissions: Vec<&'static Permission>,
    /// Resources whose `/.default` was asked.
    pub(super) defaults: BTreeSet<Resource>,
}

impl Asked {
    pub(super) fn has(&self, name: &str) -> bool {
        self.permissions.iter().any(|permission| permission.name == name)
    }

    /// The one resource of a token request; sign-in scopes alone mean Graph.
    pub(super) fn resource(&self) -> Result<Resource, Refusal> {
        let named = self
            .permissions
            .iter()
            .filter(|permission| !about_sign_in(permission.name));
        let all: BTreeSet<Resource> = named
            .map(|permission| permission.resource)
            .chain(self.defaults.clone())
            .collect();
        match all.len() {
            0 => Ok(Resource::Graph),
            1 => Ok(all.into_iter().next().unwrap_or(Resource::Graph)),
            _ => Err(Refusal::new(
                700_022,
                "invalid_scope",
                "The scope parameter names more than one resource.",
            )),
        }
    }
}

/// Scopes of `OpenID` Connect itself; they go with any resource.
pub(super) fn about_sign_in(name: &str) -> bool {
    matches!(name, "openid" | "profile" | "email" | "offline_access")
}

/// What the registration asks for at one resource.
pub(super) fn registered(list: &[String], resource: Resource) -> Vec<&'static Permission> {
    list.iter()
        .filter_map(|text| parts(text).ok())
        .filter(|(of, _)| *of == resource)
        .filter_map(|(of, name)| permission(of, name))
        .collect()
}

/// Parses a scope parameter.
pub(super) fn parse(text: &str, app: &AppRegistration) -> Result<Asked, Refusal> {
    let mut asked = Asked {
        permissions: Vec::new(),
        defaults: BTreeSet::new(),
    };
    let mut named = BTreeSet::new();
    for scope in text.split_whitespace() {
        let (resource, name) = parts(scope)?;
        if name == ".default" {
            asked.defaults.insert(resource);
            for permission in registered(&app.delegated, resource) {
                add(&mut asked.permissions, permission);
            }
            continue;
        }
        let found = permission(resource, name)
            .filter(|found| found.delegated)
            .ok_or_else(|| {
                let text = format!("The provided value for the input parameter 'scope' is not valid: {scope}");
                Refusal::new(70_011, "invalid_scope", &text)
            })?;
        if !about_sign_in(found.name) {
            named.insert(resource);
        }
        add(&mut asked.permissions, found);
    }
    if asked.permissions.is_empty() && asked.defaults.is_empty() {
        return Err(Refusal::new(
            900_144,
            "invalid_request",
            "The request must contain the parameter 'scope'.",
        ));
    }
    if !asked.defaults.is_empty() && !named.is_empty() {
        let text = ".default can't be combined with resource-specific scopes.";
        return Err(Refusal::new(70_011, "invalid_scope", text));
    }
    Ok(asked)
}

fn add(list: &mut Vec<&'static Permission>, permission: &'static Permission) {
    if !list
        .iter()
        .any(|known| known.name == permission.name && known.resource == permission.resource)
    {
        list.push(permission);
    }
}

fn parts(scope: &str) -> Result<(Resource, &str), Refusal> {
    let Some((resource, name)) = scope.rsplit_once('/') else {
        return Ok((Resource::Graph, scope));
    };
    match resource.trim_end_matches('/') {
        "https://graph.microsoft.com" | GRAPH_APP => Ok((Resource::Graph, name)),
        TEAMS_ADMIN_API => Ok((Resource::Teams, name)),
        other => {
            let text = format!("The resource principal named {other} was not found in the tenant.");
            Err(Refusal::new(500_011, "invalid_resource", &text))
        }
    }
}
