//! Where a reseller's events are sent: which addresses are fit, how an event is tried again, and when one gives up. What leaves
//! this account goes only to the public internet (decision 0032).

use super::event::Types;
use super::ids::{EnterpriseId, EventId, ResellerId, WebhookId};
use super::{Invalid, plain_text};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// The most webhooks of one reseller.
pub const WEBHOOKS_MAX: usize = 10;
/// The most enterprises that one webhook names; without a list it gets the events of all.
pub const ENTERPRISES_MAX: usize = 100;
/// The most types that one webhook names.
pub const TYPES_MAX: usize = 64;
const URL_MAX: usize = 2_000;
const DESCRIPTION_MAX: usize = 120;

/// How long the old secret still signs after a rotation, beside the new one.
pub const OVERLAP: SignedDuration = SignedDuration::from_hours(24);

/// The waits between tries, as the specification of Standard Webhooks proposes them: ten tries within three days.
pub const RETRIES: [SignedDuration; 9] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(5),
    SignedDuration::from_hours(10),
    SignedDuration::from_hours(14),
    SignedDuration::from_hours(20),
    SignedDuration::from_hours(24),
];

/// Whether addresses of this machine may be sent to. Only the local world allows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// The public internet, over TLS.
    #[default]
    Public,
    /// And plain HTTP to this machine.
    Loopback,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Our key.
    pub id: WebhookId,
    /// Whose events.
    pub reseller: ResellerId,
    /// Where they are sent.
    pub url: Url,
    /// What it is for, in the reseller's words.
    pub description: Option<String>,
    /// Which types.
    pub types: Types,
    /// Of which enterprises; of all where empty, and those of the reseller itself with them.
    pub enterprises: BTreeSet<EnterpriseId>,
    /// Whether anything is sent there.
    pub state: Switch,
    /// When it was created.
    pub created: Timestamp,
    /// Counts edits; 1 when new.
    pub version: u64,
}

/// Whether a webhook is in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Switch {
    /// Events are sent there.
    On,
    /// Somebody switched it off.
    Off,
    /// It was switched off because it took nothing for days, or said that it is gone.
    Failed {
        /// Since when.
        at: Timestamp,
        /// Why, such as `status 503`.
        problem: String,
    },
}

/// What can be said about a webhook, before it is checked.
#[derive(Clone, Debug)]
pub struct WebhookForm {
    /// Where to.
    pub url: String,
    /// What for.
    pub description: Option<String>,
    /// Which types, or groups of them; all where empty.
    pub types: Vec<String>,
    /// Of which enterprises; of all where empty.
    pub enterprises: BTreeSet<EnterpriseId>,
    /// Whether it is in use.
    pub enabled: bool,
}

/// A form whose values are right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Where to.
    pub url: Url,
    /// What for.
    pub description: Option<String>,
    /// Which types.
    pub types: Types,
    /// Of which enterprises.
    pub enterprises: BTreeSet<EnterpriseId>,
    /// Whether it is in use.
    pub enabled: bool,
}

impl WebhookForm {
    /// Checks every value.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn checked(self, reach: Reach) -> Result<Checked, Vec<Invalid>> {
        let mut wrong = Vec::new();
        let url = address(&self.url, reach).map_err(|invalid| wrong.push(invalid)).ok();
        let description = self.description.filter(|text| !text.trim().is_empty());
        let description = description.map(|text| plain_text("description", &text, DESCRIPTION_MAX));
        let description = description.transpose().map_err(|invalid| wrong.push(invalid)).ok();
        if self.types.len() > TYPES_MAX {
            wrong.push(Invalid::new(
                "types",
                format!("give at most {TYPES_MAX}, or none for all"),
            ));
        }
        let names = self.types.iter().take(TYPES_MAX).map(String::as_str);
        let types = Types::parse(names)
            .map_err(|mut invalid| wrong.append(&mut invalid))
            .ok();
        if self.enterprises.len() > ENTERPRISES_MAX {
            let why = format!("give at most {ENTERPRISES_MAX}, or none for all");
            wrong.push(Invalid::new("enterprises", why));
        }
        match (url, description, types) {
            (Some(url), Some(description), Some(types)) if wrong.is_empty() => Ok(Checked {
                url,
                description,
                types,
                enterprises: self.enterprises,
                enabled: self.enabled,
            }),
            _ => Err(wrong),
        }
    }
}

/// An address that events may be sent to: `https`, port 443, a name of the public DNS, no credentials. That the name leads to
/// public addresses only is checked each time it is resolved.
///
/// # Errors
/// `Invalid` that says what is wrong.
pub fn address(text: &str, reach: Reach) -> Result<Url, Invalid> {
    let wrong = |why: &str| Invalid::new("url", why);
    let form = "give an address such as https://hooks.example.com/dialbridge";
    if text.len() > URL_MAX {
        return Err(Invalid::new("url", format!("give at most {URL_MAX} characters")));
    }
    let url: Url = text.parse().map_err(|_| wrong(form))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "leave user name and password out of it; requests are signed with the webhook's secret instead",
        ));
    }
    if url.fragment().is_some() {
        return Err(wrong("leave out what follows the #; it is never sent"));
    }
    let host = url.host().ok_or_else(|| wrong(form))?;
    if reach == Reach::Loopback && loopback(&host) && ["http", "https"].contains(&url.scheme()) {
        return Ok(url);
    }
    if url.scheme() != "https" {
        return Err(wrong("it must begin with https://"));
    }
    if url.port_or_known_default() != Some(443) {
        return Err(wrong("leave the port out: only 443 is used"));
    }
    let name = match host {
        Host::Domain(name) => name.trim_end_matches('.').to_ascii_lowercase(),
        Host::Ipv4(_) | Host::Ipv6(_) => return Err(wrong("give a name of the public DNS instead of an IP address")),
    };
    const OWN: [&str; 7] = ["localhost", "local", "internal", "intranet", "lan", "home", "arpa"];
    let last = name.rsplit('.').next().unwrap_or_default();
    if !name.contains('.') || OWN.contains(&last) {
        return Err(wrong("give a name of the public DNS: this one leads nowhere from here"));
    }
    Ok(url)
}

fn loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Whether an address belongs to the public internet: to no network of this account, its machines or its metadata, in no
/// disguise. IANA's registries of special-purpose addresses; of IPv6 only what is assigned for global use counts, without the
/// parts that lead to an IPv4 address.
#[must_use]
pub fn public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => public_v4(address),
        IpAddr::V6(address) => public_v6(address),
    }
}

fn public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)      // this network, private, loopback, multicast and reserved
            | (100, 64..=127, _)              // shared between providers and their customers
            | (169, 254, _)                   // link-local, and with it the metadata of machines
            | (172, 16..=31, _)
            | (192, 168, _)
            | (192, 0, 0 | 2)                 // protocol assignments, documentation
            | (192, 88, 99)                   // 6to4 relays
            | (198, 18..=19, _)               // benchmarks
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !special
}

fn public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // 2000::/3 is what is assigned for global use: mapped and translated IPv4 (::ffff:0:0/96, 64:ff9b::/96), unique-local,
    // link-local, multicast, loopback and the unspecified address lie outside.
    let global = a & 0xe000 == 0x2000;
    let special = matches!(
        (a, b),
        (0x2001, 0..=0x01ff)                  // protocol assignments, Teredo among them
            | (0x2001, 0x0db8)                // documentation
            | (0x2002, _)                     // 6to4
            | (0x3fff, 0..=0x0fff) // documentation
    );
    global && !special
}

/// How one try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was taken: a status of 200 to 299.
    Taken,
    /// It said that it is gone for good: status 410.
    Gone,
    /// Anything else.
    Refused {
        /// Such as `status 503` or `no answer within 15 s`.
        problem: String,
        /// How long it asked to be left alone.
        wait: Option<SignedDuration>,
    },
}

/// How far a webhook has got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The event that was done with last.
    pub position: EventId,
    /// How often the next one was tried in vain.
    pub failures: u32,
    /// Since when nothing was taken.
    pub failing_since: Option<Timestamp>,
    /// Not before: when the next try is due after a failure.
    pub due: Option<Timestamp>,
}

/// What follows from a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// On with the next event.
    On(Progress),
    /// The same one again at `due`.
    Again(Progress),
    /// It is switched off. The place stays: who switches it on again gets what was missed.
    Off {
        /// Since when nothing was taken.
        since: Timestamp,
        /// How often it was tried.
        tries: u32,
        /// How it failed last.
        problem: String,
    },
}

impl Progress {
    /// At a place, with nothing tried yet.
    #[must_use]
    pub fn at(position: EventId) -> Self {
        Self {
            position,
            failures: 0,
            failing_since: None,
            due: None,
        }
    }

    /// Where it stands after `event` was tried at `now`. `jitter`, 0 to 1, spreads the next try over a tenth of the wait.
    #[must_use]
    pub fn after(&self, event: &EventId, ended: &Ended, now: Timestamp, jitter: f64) -> Next {
        let since = self.failing_since.unwrap_or(now);
        let tries = self.failures + 1;
        let (problem, asked) = match ended {
            Ended::Taken => return Next::On(Self::at(event.clone())),
            Ended::Gone => {
                return Next::Off {
                    since,
                    tries,
                    problem: "status 410: it is gone".into(),
                };
            }
            Ended::Refused { problem, wait } => (problem, wait.unwrap_or_default()),
        };
        let Some(wait) = RETRIES.get(self.failures as usize) else {
            return Next::Off {
                since,
                tries,
                problem: problem.clone(),
            };
        };
        let longest = RETRIES[RETRIES.len() - 1];
        let spread = wait.as_secs_f64() * 0.1 * jitter.clamp(0.0, 1.0);
        let spread = SignedDuration::try_from_secs_f64(spread).unwrap_or_default();
        Next::Again(Self {
            position: self.position.clone(),
            failures: tries,
            failing_since: Some(since),
            due: Some(now + (*wait + spread).max(asked.min(longest))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn refused() -> Ended {
        Ended::Refused {
            problem: "status 503".into(),
            wait: None,
        }
    }

    #[test]
    fn only_names_of_the_public_dns_over_tls_are_taken() {
        for fine in [
            "https://hooks.example.com/x?y=1",
            "https://HOOKS.Example.com.:443/",
            "https://bücher.example/",
        ] {
            assert!(address(fine, Reach::Public).is_ok(), "{fine}");
        }
        for evil in [
            "",
            "hooks.example.com",
            "http://hooks.example.com/",
            "ftp://hooks.example.com/",
            "https://hooks.example.com:8443/",
            "https://hooks.example.com:22/",
            "https://me:secret@hooks.example.com/",
            "https://me@hooks.example.com/",
            "https://hooks.example.com/#part",
            "https://localhost/",
            "https://api.localhost/",
            "https://printer.local/",
            "https://metadata.google.internal/",
            "https://1.0.0.127.in-addr.arpa/",
            "https://intranet/",
            "https://127.0.0.1/",
            "https://93.184.216.34/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:169.254.169.254]/",
            "https://[2606:2800:220:1::1]/",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "data:text/plain,x",
        ] {
            assert!(address(evil, Reach::Public).is_err(), "{evil}");
        }
        assert!(address(&format!("https://a.example/{}", "x".repeat(2_000)), Reach::Public).is_err());
        // Where loopback is allowed, nothing else is allowed with it.
        for (text, fine) in [
            ("http://127.0.0.1:9000/hook", true),
            ("http://localhost:9000/hook", true),
            ("http://[::1]:9000/", true),
            ("http://10.0.0.1/", false),
            ("http://hooks.example.com/", false),
            ("ftp://127.0.0.1/", false),
        ] {
            assert_eq!(address(text, Reach::Loopback).is_ok(), fine, "{text}");
        }
    }

    #[test]
    fn addresses_of_no_public_network_are_refused() {
        for evil in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:7f00:1::",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!public(evil.parse().unwrap()), "{evil}");
        }
        for fine in [
            "8.8.8.8",
            "93.184.216.34",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.255.255",
            "172.32.0.1",
            "192.0.1.1",
            "192.1.0.0",
            "198.17.255.255",
            "198.20.0.1",
            "223.255.255.255",
            "2606:2800:220:1:248:1893:25c8:1946",
            "2a00:1450:4009:80b::200e",
            "2001:4860:4860::8888",
            "2001:200::1",
        ] {
            assert!(public(fine.parse().unwrap()), "{fine}");
        }
    }

    #[test]
    fn an_event_is_tried_ten_times_within_days_and_then_the_webhook_is_off() {
        let (start, event) = (Progress::at(EventId::first()), EventId::mint(NOW, 1));
        let (mut now, mut progress, mut waits) = (NOW, start.clone(), Vec::new());
        let (since, tries, problem) = loop {
            match progress.after(&event, &refused(), now, 0.0) {
                Next::Again(next) => {
                    assert_eq!(next.position, start.position);
                    waits.push(next.due.unwrap().duration_since(now));
                    now = next.due.unwrap();
                    progress = next;
                }
                Next::Off { since, tries, problem } => break (since, tries, problem),
                Next::On(_) => panic!("nothing was taken"),
            }
        };
        assert_eq!(waits, RETRIES);
        assert_eq!((since, tries, problem.as_str()), (NOW, 10, "status 503"));
        let days = now.duration_since(NOW).as_hours();
        assert!((72..=96).contains(&days), "{days} hours");
        assert_eq!(
            progress.after(&event, &Ended::Taken, now, 0.0),
            Next::On(Progress::at(event))
        );
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_and_may_say_that_it_is_gone() {
        let (start, event) = (Progress::at(EventId::first()), EventId::mint(NOW, 1));
        let due = |wait: i64, jitter: f64| {
            let ended = Ended::Refused {
                problem: "status 429".into(),
                wait: Some(SignedDuration::from_secs(wait)),
            };
            match start.after(&event, &ended, NOW, jitter) {
                Next::Again(next) => next.due.unwrap().duration_since(NOW),
                Next::On(_) | Next::Off { .. } => panic!("it is tried again"),
            }
        };
        assert_eq!(due(1, 0.0), RETRIES[0]);
        assert_eq!(due(600, 0.0).as_secs(), 600);
        assert_eq!(due(10_000_000, 0.0), RETRIES[8], "a day at most");
        assert_eq!(due(0, 1.0).as_millis(), 5_500);
        assert!(matches!(
            start.after(&event, &Ended::Gone, NOW, 0.5),
            Next::Off { tries: 1, .. }
        ));
    }

    #[test]
    fn every_fault_of_a_form_is_told_at_once() {
        let form = WebhookForm {
            url: "http://10.0.0.1/".into(),
            description: Some("x".repeat(200)),
            types: vec!["run.exploded".into(), "run.failed".into(), "also.wrong".into()],
            enterprises: (0..200).map(|n| EnterpriseId::mint(NOW, n)).collect(),
            enabled: true,
        };
        let wrong = form.checked(Reach::Public).unwrap_err();
        let what: Vec<&str> = wrong.iter().map(|invalid| invalid.what.as_str()).collect();
        assert_eq!(what, ["url", "description", "types", "types", "enterprises"]);
    }
}
