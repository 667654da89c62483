//! The tenant's voice objects of a brand: policies, usage, route, routing policy (R154-R161).

use crate::domain::brand::Brand;
use crate::domain::calling_policy::{CallingPolicy, routing_name};
use crate::domain::enterprise::Enterprise;
use crate::domain::voice::CallHandling;
use crate::error::Result;
use crate::io::Io;
use crate::io::tenant_config::{CallingPolicySpec, Configured, Desired, VoiceRoute, VoiceRoutingPolicy};
use crate::plan::duration;
use crate::run::session::Session;

/// The derived trunks of an enterprise: its label below the base domains of the chosen regions.
#[must_use]
pub fn gateways(io: &Io, enterprise: &Enterprise) -> Vec<String> {
    let label = enterprise
        .setup
        .tenant()
        .map(|tenant| tenant.label.as_str())
        .unwrap_or_default();
    io.config.calling_domains(label, &enterprise.settings.sbc_regions)
}

/// What a tenant should have. What somebody changed is set back to this (R161).
#[must_use]
pub fn desired(brand: &Brand, gateways: Vec<String>) -> Desired {
    let name = routing_name(brand);
    let calling_policies = CallingPolicy::all().into_iter().map(|policy| CallingPolicySpec {
        name: policy.name(brand),
        allow_private_calling: true,
        allow_voicemail: match policy.call_handling {
            CallHandling::Voicemail => "UserOverride",
            CallHandling::NoVoicemail | CallHandling::NoVoicemailNoForwarding => "AlwaysDisabled",
        },
        allow_call_forwarding_to_phone: policy.call_handling != CallHandling::NoVoicemailNoForwarding,
        allow_call_forwarding_to_user: policy.call_handling != CallHandling::NoVoicemailNoForwarding,
        music_on_hold_enabled_type: if policy.pbx_music { "Disabled" } else { "Enabled" },
    });
    Desired {
        pstn_usages: vec![name.clone()],
        voice_routes: vec![VoiceRoute {
            name: name.clone(),
            number_pattern: ".*".into(),
            gateways,
            pstn_usages: vec![name.clone()],
            priority: None,
        }],
        voice_routing_policies: vec![VoiceRoutingPolicy {
            name: name.clone(),
            pstn_usages: vec![name],
        }],
        calling_policies: calling_policies.collect(),
    }
}

/// Puts them in place through the PowerShell worker, on behalf of the person signed in.
///
/// # Errors
/// `TokenExpired`, `Refused` with Microsoft's words.
pub(super) async fn tenant_objects(
    io: &Io,
    enterprise: &Enterprise,
    brand: &Brand,
    session: &Session,
) -> Result<Vec<Configured>> {
    session.lasts(io.clock.now(), duration::PREPARING)?;
    let desired = desired(brand, gateways(io, enterprise));
    io.tenant_config
        .apply(&session.tenant, &session.graph, session.teams()?, &desired)
        .await
}

/// Takes the brand's objects out of the tenant again, at the end of a final sync (R152).
///
/// # Errors
/// `TokenExpired`, `Refused` with Microsoft's words.
pub(super) async fn take_away(io: &Io, brand: &Brand, session: &Session) -> Result<Vec<Configured>> {
    session.lasts(io.clock.now(), duration::PREPARING)?;
    let ours = desired(brand, Vec::new());
    io.tenant_config
        .remove(&session.tenant, &session.graph, session.teams()?, &ours)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brand() -> Brand {
        let url: url::Url = "https://a.example".parse().unwrap();
        Brand {
            product_name: "Calls".into(),
            policy_prefix: "Calls2Teams".into(),
            voice_portal_name: "Portal".into(),
            voice_portal_url: url.clone(),
            integration_portal_url: url,
            account_contact: "a".into(),
            provider_contact: "b".into(),
            sender: None,
            reply_to: None,
            application: None,
        }
    }

    #[test]
    fn r155_r156_six_policies_for_each_prefix() {
        let desired = desired(&brand(), vec!["x.sbc1.example".into()]);
        let names: Vec<&str> = desired
            .calling_policies
            .iter()
            .map(|policy| policy.name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "Calls2Teams-VM-MOHTEAMS",
                "Calls2Teams-VM-MOHEXT",
                "Calls2Teams-NoVM-MOHTEAMS",
                "Calls2Teams-NoVM-MOHEXT",
                "Calls2Teams-NoVMOrForward-MOHTEAMS",
                "Calls2Teams-NoVMOrForward-MOHEXT",
            ]
        );
    }

    #[test]
    fn r009_r010_music_follows_the_form() {
        let desired = desired(&brand(), vec![]);
        assert_eq!(desired.calling_policies[0].music_on_hold_enabled_type, "Enabled");
        assert_eq!(desired.calling_policies[1].music_on_hold_enabled_type, "Disabled");
    }
}
