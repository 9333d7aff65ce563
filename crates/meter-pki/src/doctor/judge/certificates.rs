//! Certificates of the system itself, and those it trusts: how long they last, and whether they fit.

use super::super::facts::{Configured, Facts, OwnCertificate, Part, Served};
use super::super::{Check, Finding, Judge, Severity};
use super::{DAY, Ends, at, check};

pub(super) const CHECKS: &[Check] = &[
    check(
        "doctor.cert.root-expiry",
        Severity::Fault,
        "the roots last longer than two years",
        Judge::Configured(roots),
    ),
    check(
        "doctor.cert.authority-expiry",
        Severity::Fault,
        "the authorities' certificates last longer than a year",
        Judge::Configured(authorities),
    ),
    check(
        "doctor.cert.window",
        Severity::Fault,
        "the authorities' issuing windows are open for longer than 180 days",
        Judge::Configured(windows),
    ),
    check(
        "doctor.cert.no-room",
        Severity::Fault,
        "every certificate that is offered ends before its authority's does",
        Judge::Configured(no_room),
    ),
    check(
        "doctor.cert.tls-expiry",
        Severity::Fault,
        "the certificate of TLS lasts longer than 30 days",
        Judge::Configured(tls),
    ),
    check(
        "doctor.cert.message-signer-expiry",
        Severity::Fault,
        "the certificates that sign messages last longer than 30 days",
        Judge::Configured(message_signers),
    ),
    check(
        "doctor.cert.responder-expiry",
        Severity::Fault,
        "the OCSP responders' certificates are renewed in time",
        Judge::Always(responders),
    ),
    check(
        "doctor.cert.manufacturer-expiry",
        Severity::Warning,
        "the anchors of manufacturers last longer than 180 days",
        Judge::Configured(manufacturers),
    ),
    check(
        "doctor.cert.registration-expiry",
        Severity::Warning,
        "the anchors of registration authorities last longer than 180 days",
        Judge::Configured(registration),
    ),
    check(
        "doctor.cert.not-yet-valid",
        Severity::Fault,
        "no certificate of ours begins later than now",
        Judge::Configured(not_yet_valid),
    ),
    check(
        "doctor.cert.path",
        Severity::Fault,
        "each authority's path leads by true signatures to its root",
        Judge::Configured(paths),
    ),
    check(
        "doctor.cert.mismatch",
        Severity::Fault,
        "certificates fit to their keys and to the certificates beside them",
        Judge::Configured(mismatch),
    ),
    check(
        "doctor.cert.revoked",
        Severity::Fault,
        "no certificate by which the server acts is revoked",
        Judge::Served(revoked),
    ),
    check(
        "doctor.root.crl-end",
        Severity::Fault,
        "the roots' CRLs, with those that are kept for later, reach further than 180 days",
        Judge::Served(root_ends),
    ),
];

const ROLL_OVER: &str = "plan a new generation: docs/operate/ceremony.md";

fn of(configured: &Configured, part: Part) -> impl Iterator<Item = OwnCertificate> {
    configured.certificates.iter().filter(move |one| one.part == part).cloned()
}

fn roots(facts: &Facts, configured: &Configured) -> Vec<Finding> {
    let ends = Ends { warning_days: 365, notice_days: 730 };
    ends.of(of(configured, Part::Root), facts.now, ROLL_OVER)
}

fn authorities(facts: &Facts, configured: &Configured) -> Vec<Finding> {
    let ends = Ends { warning_days: 180, notice_days: 365 };
    ends.of(
        of(configured, Part::Authority),
        facts.now,
        "meter-pki ceremony request --renew KEY, or a new generation",
    )
}

fn windows(facts: &Facts, configured: &Configured) -> Vec<Finding> {
    let ends = Ends { warning_days: 60, notice_days: 180 };
    let authorities = configured.authorities.iter();
    authorities
        .filter_map(|one| {
            let name = format!("the issuing window of {}", one.name);
            ends.judge(&name, one.issues_until, facts.now, ROLL_OVER)
        })
        .collect()
}

fn no_room(facts: &Facts, configured: &Configured) -> Vec<Finding> {
    let ends_of = |name: &str| {
        let named = format!("authority {name}");
        of(configured, Part::Authority).find(|one| one.name == named).map(|one| one.not_after)
    };
    let offers =
        configured.authorities.iter().flat_map(|one| one.offers.iter().map(move |offer| (one, offer)));
    offers
        .filter_map(|(one, (profile, seconds))| {
            let (end, authority) = (facts.now.saturating_add(*seconds), ends_of(&one.name)?);
            let says = || {
                format!(
                    "a certificate under {profile} would end at {}, {} ends at {}",
                    at(end),
                    one.name,
                    at(authority)
                )
            };
            (end > authority).then(|| {
                Finding::fault(says(), "issue under a newer generation, or shorten validity in the profile")
            })
        })
        .collect()
}

fn tls(facts: &Facts, configured: &Configured) -> Vec<Finding> {
    let ends = Ends { warning_days: 7, notice_days: 30 };
    let next = "meter-pki cert issue REQUEST --profile est-tls-s1 …, then name it as est.certificate_file and start the server again";
    ends.of(of(configured, Part::Tls), facts.now, next)
}

fn message_signers(facts: &Facts, configured: &Configured) -> Vec<Finding> {
    let ends = Ends { warning_days: 7, notice_days: 30 };
    ends.of(of(configured, Part::MessageSigner), facts.now, "meter-pki cert message-signer --out FILE")
}

fn responders(facts: &Facts) -> Vec<Finding> {
    // They are renewed when half of their time is over: who has two days left is not being renewed.
    let ends = Ends { warning_days: 2, notice_days: 2 };
    let next = "read the server's log about the renewal of responder certificates; meter-pki ca show NAME";
    let answers = facts.outside.ocsp.iter();
    answers
        .filter_map(|one| {
            let name = format!("the certificate of the OCSP responder of {}", one.seen.name);
            ends.judge(&name, one.responder_ends?, facts.now, next)
        })
        .collect()
}

/// An anchor that ended lets nobody in, and harms nobody.
fn anchors(facts: &Facts, configured: &Configured, part: Part, next: &str) -> Vec<Finding> {
    let ends = Ends { warning_days: 60, notice_days: 180 };
    let mut found = ends.of(of(configured, part), facts.now, next);
    found.iter_mut().for_each(|one| one.severity = one.severity.min(Severity::Warning));
    found
}

fn manufacturers(facts: &Facts, configured: &Configured) -> Vec<Finding> {
    anchors(
        facts,
        configured,
        Part::Manufacturer,
        "ask the manufacturer for its next CA, and name it in anchor_files",
    )
}

fn registration(facts: &Facts, configured: &Configured) -> Vec<Finding> {
    anchors(
        facts,
        configured,
        Part::RegistrationAuthority,
        "name the next CA in anchor_files of [[registration_authority]]",
    )
}

fn not_yet_valid(facts: &Facts, configured: &Configured) -> Vec<Finding> {
    let early = configured.certificates.iter().filter(|one| one.not_before > facts.now);
    early
        .map(|one| {
            let days = (one.not_before - facts.now).div_euclid(DAY);
            let says = format!("{} begins at {}, {days} days from now", one.name, at(one.not_before));
            Finding::fault(says, "look at the clock of this machine first: timedatectl")
        })
        .collect()
}

fn paths(_: &Facts, configured: &Configured) -> Vec<Finding> {
    let authorities = configured.authorities.iter();
    authorities
        .filter_map(|one| {
            let fault = one.path_fault.as_ref()?;
            Some(Finding::fault(
                format!("the path of {}: {fault}", one.name),
                "look at path_files of the authority",
            ))
        })
        .collect()
}

fn mismatch(_: &Facts, configured: &Configured) -> Vec<Finding> {
    let certificates = configured.certificates.iter();
    certificates
        .filter_map(|one| {
            let fault = one.fault.as_ref()?;
            Some(Finding::fault(
                format!("{}: {fault}", one.name),
                "put certificate and key beside each other that belong together",
            ))
        })
        .collect()
}

fn revoked(_: &Facts, served: &Served) -> Vec<Finding> {
    let not_good = served.not_good.iter();
    not_good
        .map(|(name, status)| {
            let says = format!("{name} is {status}, and the server acts by it");
            Finding::fault(says, "issue another, name it in the configuration, and start the server again")
        })
        .collect()
}

fn root_ends(_: &Facts, served: &Served) -> Vec<Finding> {
    let next = "hold a ceremony before; meter-pki ceremony releases shows what is kept";
    let roots = served.roots.iter();
    roots
        .filter_map(|(sentence, days)| match days {
            ..=-1 => Some(Finding::fault(sentence.clone(), next)),
            0..=30 => Some(Finding::warning(sentence.clone(), next)),
            31..=180 => Some(Finding::notice(sentence.clone(), next)),
            181.. => None,
        })
        .collect()
}
