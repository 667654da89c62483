//! Planning alone: facts in, plan out, in this process. It talks to nobody.

use crate::process;
use crate::table::{Table, megabytes, milliseconds, thousands};
use dialbridge_local::drive::people::Stuck;
use shared::domain::calling_policy::PolicyType;
use shared::domain::ids::TeamsUserId;
use shared::domain::permission::{Mode, Permission, ReleaseLimit};
use shared::domain::phone::E164;
use shared::plan::check::contradictions;
use shared::plan::guard::rule;
use shared::plan::mapping::Wanted;
use shared::plan::sync::{Facts, ObservedNumber, ObservedPolicy, ObservedUser, plan};
use std::time::{Duration, Instant};

/// How often each size is measured; the fastest counts.
const ROUNDS: usize = 5;

/// Plans for so many users: of ten, five are in place, two are new, two have swapped their numbers, and one is unmapped.
pub(crate) fn measure(sizes: &[usize], say: fn(&str)) -> Result<(), Stuck> {
    let heads = [
        "users",
        "changes",
        "planned in",
        "checked and ruled in",
        "facts and plan hold at most",
    ];
    let table = Table::new(say, &heads);
    let permission = Permission {
        mode: Mode::Full,
        approved_releases: None,
        approved_by: None,
    };
    for users in sizes {
        let facts = facts(*users)?;
        let (mut planning, mut ruling, mut changes) = (Duration::MAX, Duration::MAX, 0);
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            let plan = plan(&facts);
            planning = planning.min(begun.elapsed());
            let begun = Instant::now();
            let wrong = contradictions(&plan);
            let held = rule(&plan.changes, facts.ours.len(), &permission, ReleaseLimit::default());
            ruling = ruling.min(begun.elapsed());
            if !wrong.is_empty() || held.len() != plan.changes.len() {
                return Err("a plan contradicts itself".into());
            }
            changes = plan.changes.len();
        }
        let peak = process::usage(Some(std::process::id()))?.peak;
        table.row(&[
            thousands(*users as u64),
            thousands(changes as u64),
            milliseconds(planning),
            milliseconds(ruling),
            megabytes(peak),
        ]);
    }
    Ok(())
}

fn facts(users: usize) -> Result<Facts, Stuck> {
    let mut facts = Facts::default();
    for n in 0..users {
        // Ids of a directory are in no order.
        let scattered = (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
        let user: TeamsUserId = format!("2c0b6a1e-1111-4a11-9a11-{scattered:012x}").parse()?;
        let number = |n: usize| -> Result<E164, Stuck> { Ok(format!("+3220{n:07}").parse()?) };
        let wanted = |n: usize| -> Result<Wanted, Stuck> {
            Ok(Wanted {
                voice_user: format!("v{n}").parse()?,
                name: format!("Voice User {n}"),
                number: number(n)?,
                calling_policy: "Northwind2Teams-VM-MOHEXT".into(),
                routing_policy: "Northwind2Teams-Routing".into(),
            })
        };
        // Two of ten have each other's.
        let neighbour = match n % 10 {
            7 if n + 1 < users => n + 1,
            8 => n - 1,
            _ => n,
        };
        if n % 10 != 9 {
            facts.wanted.insert(user.clone(), wanted(neighbour)?);
        }
        let settled = !matches!(n % 10, 5 | 6);
        let policy = |name: &str| ObservedPolicy {
            name: name.to_owned(),
            by_group: false,
        };
        let mut observed = ObservedUser::default();
        if settled {
            let wanted = wanted(n)?;
            facts.ours.insert(user.clone(), wanted.owned());
            observed.number = Some(wanted.number);
            observed.policies = [
                (PolicyType::OnlineVoiceRoutingPolicy, policy(&wanted.routing_policy)),
                (PolicyType::TeamsCallingPolicy, policy(&wanted.calling_policy)),
            ]
            .into();
        }
        facts.users.insert(user.clone(), observed);
        let holder = settled.then_some(user);
        let observed = ObservedNumber {
            holder,
            ..ObservedNumber::default()
        };
        facts.numbers.insert(number(n)?, observed);
    }
    Ok(facts)
}
