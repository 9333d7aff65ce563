//! The configuration: sound, the one that runs, and not more open than it was meant to be.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::super::facts::{Configured, Facts, Served, Use};
use super::super::{Check, Finding, Judge, Severity};
use super::check;

pub(super) const CHECKS: &[Check] = &[
    check(
        "doctor.config.faulty",
        Severity::Fault,
        "the configuration and every file it names are sound",
        Judge::Always(faulty),
    ),
    check(
        "doctor.config.drift",
        Severity::Warning,
        "the server runs by the configuration that the file says",
        Judge::Both(drift),
    ),
    check(
        "doctor.config.profiles-drift",
        Severity::Warning,
        "the server issues by the profile files that are in the directory",
        Judge::Both(profiles_drift),
    ),
    check(
        "doctor.config.profile-version",
        Severity::Warning,
        "every profile that says something else than before has another version",
        Judge::Served(profile_versions),
    ),
    check(
        "doctor.config.version",
        Severity::Notice,
        "the server and this program are of the same version",
        Judge::Served(version),
    ),
    check(
        "doctor.config.writable",
        Severity::Fault,
        "nobody but its owner can change the configuration",
        Judge::Always(writable),
    ),
    check(
        "doctor.config.software-keys",
        Severity::Notice,
        "no key of an authority is kept by software",
        Judge::Configured(software_keys),
    ),
    check(
        "doctor.config.no-door",
        Severity::Notice,
        "every offer has a door through which somebody comes",
        Judge::Configured(no_door),
    ),
    check(
        "doctor.config.no-limit",
        Severity::Notice,
        "no rate limit is switched off",
        Judge::Configured(no_limit),
    ),
    check(
        "doctor.config.open-files",
        Severity::Warning,
        "the server may open as many files as its limits allow connections",
        Judge::Both(open_files),
    ),
    check(
        "doctor.config.no-status",
        Severity::Warning,
        "certificates of every authority name a CRL or an OCSP responder",
        Judge::Configured(no_status),
    ),
    check(
        "doctor.config.loopback",
        Severity::Notice,
        "no URI in certificates leads to the machine of whoever reads it",
        Judge::Configured(loopback),
    ),
    check(
        "doctor.listener.everywhere",
        Severity::Notice,
        "each listener has an address of its own, and none listens on every interface",
        Judge::Configured(everywhere),
    ),
    check(
        "doctor.listener.loopback",
        Severity::Notice,
        "devices on other machines can reach the listeners",
        Judge::Configured(only_here),
    ),
    check(
        "doctor.people.four-eyes",
        Severity::Warning,
        "there are two people where the configuration wants two to agree",
        Judge::Configured(four_eyes),
    ),
];

const CHECK: &str = "meter-pki config check";

fn faulty(facts: &Facts) -> Vec<Finding> {
    facts.faults.iter().map(|fault| Finding::fault(fault.clone(), CHECK)).collect()
}

fn drift(_: &Facts, configured: &Configured, served: &Served) -> Vec<Finding> {
    if configured.sha256 == served.sha256 {
        return Vec::new();
    }
    let says = "the server was started with a configuration that is not the one in the file now";
    vec![Finding::warning(
        says,
        "meter-pki config check; then start the server again, or bring the file back",
    )]
}

fn profiles_drift(_: &Facts, configured: &Configured, served: &Served) -> Vec<Finding> {
    if configured.profiles_sha256 == served.profiles_sha256 {
        return Vec::new();
    }
    let says = "the profile files were changed since the server was started";
    vec![Finding::warning(
        says,
        "meter-pki config check; then start the server again, or bring the files back",
    )]
}

fn profile_versions(_: &Facts, served: &Served) -> Vec<Finding> {
    let reused = served.reused_versions.iter();
    reused
        .map(|(profile, version, file, since)| {
            Finding::warning(
                format!(
                    "{profile} says something else since {since} and still calls itself version {version}: \
                     records of certificates name a version that does not tell what they were issued by"
                ),
                format!(
                    "meter-pki profile versions {profile}; raise `version` in {file}, then start the server again"
                ),
            )
        })
        .collect()
}

fn version(facts: &Facts, served: &Served) -> Vec<Finding> {
    if facts.version == served.version {
        return Vec::new();
    }
    let says = format!("the server is of version {}, this program of {}", served.version, facts.version);
    vec![Finding::notice(says, "start the server again with the program that is installed")]
}

fn writable(facts: &Facts) -> Vec<Finding> {
    let open = facts.files.paths.iter().filter(|one| one.used_as == Use::Configuration);
    open.filter_map(|one| {
        let mode = one.mode?;
        let says = || format!("{} has mode {mode:04o}: others can change it", one.path);
        (mode & 0o022 != 0).then(|| Finding::fault(says(), format!("chmod go-w {}", one.path)))
    })
    .collect()
}

fn software_keys(_: &Facts, configured: &Configured) -> Vec<Finding> {
    if !configured.software_keys {
        return Vec::new();
    }
    let says = "keys of authorities may be files of this machine: right for a rehearsal, wrong for an authority at work";
    vec![Finding::notice(says, "read docs/operate/hsm.md, and set keys.allow_software_key to false")]
}

fn no_door(_: &Facts, configured: &Configured) -> Vec<Finding> {
    let shut = configured.offers_without_door.iter();
    shut.map(|offer| {
        Finding::notice(format!("nobody is let in at the offer {offer}"), "give it doors, or take it out")
    })
    .collect()
}

fn no_limit(_: &Facts, configured: &Configured) -> Vec<Finding> {
    let off = configured.without_limit.iter();
    off.map(|name| {
        let says = format!("the rate limit {name} is switched off");
        Finding::notice(
            says,
            "set per_second and burst in [est.rates], or leave the key out for the usual limit",
        )
    })
    .collect()
}

/// Beside connections: the ledger, logs, sockets and what is under way.
const OTHER_FILES: u64 = 512;

fn open_files(_: &Facts, configured: &Configured, served: &Served) -> Vec<Finding> {
    let needed = configured.most_connections.saturating_add(OTHER_FILES);
    let Some(limit) = served.open_files.filter(|limit| *limit < needed) else { return Vec::new() };
    let says = format!("the server may have {limit} open files and its limits allow for {needed}");
    vec![Finding::warning(says, "set LimitNOFILE= of its service, or lower max_connections in the limits")]
}

fn no_status(_: &Facts, configured: &Configured) -> Vec<Finding> {
    let of_status = |what: &str| what == "crl" || what == "ocsp";
    let without =
        configured.authorities.iter().filter(|one| !one.uris.iter().any(|(what, _)| of_status(what)));
    without
        .map(|one| {
            let says = format!("certificates of {} say nowhere whether they are revoked", one.name);
            Finding::warning(says, "give the authority crl_uri or ocsp_uri")
        })
        .collect()
}

fn loopback(_: &Facts, configured: &Configured) -> Vec<Finding> {
    let uris = configured.authorities.iter().flat_map(|one| one.uris.iter().map(move |uri| (one, uri)));
    let mut named: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (one, (_, uri)) in uris.filter(|(_, (_, uri))| is_loopback(host(uri))) {
        named.entry(host(uri)).or_default().insert(&one.name);
    }
    let names = |of: BTreeSet<&str>| of.into_iter().collect::<Vec<_>>().join(", ");
    named
        .into_iter()
        .map(|(host, of)| {
            let says = format!(
                "certificates of {} name addresses at {host}, which nobody else can reach",
                names(of)
            );
            Finding::notice(says, "give the authority URIs with a name that all relying parties can resolve")
        })
        .collect()
}

/// Host and port of a URI.
fn host(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

fn is_loopback(host: &str) -> bool {
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn everywhere(_: &Facts, configured: &Configured) -> Vec<Finding> {
    let open = configured.listeners.iter().filter(|(_, address)| address.ip().is_unspecified());
    open.map(|(name, address)| {
        let says = format!("{name} listens on {address}, every interface of this machine");
        Finding::notice(says, "name the one address that devices use, unless every network is meant")
    })
    .collect()
}

fn only_here(_: &Facts, configured: &Configured) -> Vec<Finding> {
    let here = configured.listeners.iter().filter(|(_, address)| address.ip().is_loopback());
    let names: Vec<&str> = here.map(|(name, _)| name.as_str()).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let says = format!("only programs on this machine reach: {}", names.join(", "));
    vec![Finding::notice(says, "set listen to an address of the network, unless a proxy stands in front")]
}

fn four_eyes(_: &Facts, configured: &Configured) -> Vec<Finding> {
    if configured.people.len() >= 2 {
        return Vec::new();
    }
    let mut wanted = Vec::new();
    if configured.two_people_from > 0 {
        wanted.push(format!("revoking {} certificates and more", configured.two_people_from));
    }
    wanted.extend(configured.approved_by_two.iter().map(|profile| format!("requests under {profile}")));
    if wanted.is_empty() {
        return Vec::new();
    }
    let says = format!(
        "two people have to agree to {}, and beside root only {} may use the operator's socket: it cannot be done",
        wanted.join(", "),
        configured.people.len()
    );
    vec![Finding::warning(says, "name their user ids as operator.users, then start the server again")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_uri_is_found_with_and_without_port() {
        for uri in ["http://localhost/a", "http://127.0.0.1:80/a", "http://[::1]:8080/a", "http://127.9.9.9"]
        {
            assert!(is_loopback(host(uri)), "{uri}");
        }
        for uri in ["http://pki.example/127.0.0.1", "http://192.0.2.1:80/", "http://[2001:db8::1]/"] {
            assert!(!is_loopback(host(uri)), "{uri}");
        }
    }
}
