//! What devices and relying parties get: CRLs, certificates and OCSP answers at the addresses that certificates name.

use super::super::facts::{Facts, RecordedCrl, Seen, SeenCrl, Served};
use super::super::{Check, Finding, Judge, Severity};
use super::{at, check};

pub(super) const CHECKS: &[Check] = &[
    check("doctor.listener.est", Severity::Fault, "EST takes connections", Judge::Always(est)),
    check("doctor.listener.cmp", Severity::Fault, "CMP takes connections", Judge::Always(cmp)),
    check(
        "doctor.listener.status",
        Severity::Fault,
        "the status server takes connections",
        Judge::Always(status),
    ),
    check(
        "doctor.crl.unreachable",
        Severity::Fault,
        "a CRL comes from every address that certificates name",
        Judge::Always(crl_unreachable),
    ),
    check(
        "doctor.crl.unfit",
        Severity::Fault,
        "every CRL that comes is one of its authority, and its signature verifies",
        Judge::Always(crl_unfit),
    ),
    check(
        "doctor.crl.late",
        Severity::Fault,
        "no CRL that comes is past its nextUpdate",
        Judge::Always(crl_late),
    ),
    check(
        "doctor.crl.record-late",
        Severity::Fault,
        "no CRL on record is past its nextUpdate",
        Judge::Served(crl_record_late),
    ),
    check(
        "doctor.crl.ageing",
        Severity::Warning,
        "no CRL that comes is past three quarters of its time",
        Judge::Always(crl_ageing),
    ),
    check(
        "doctor.crl.future",
        Severity::Fault,
        "no CRL that comes begins later than now",
        Judge::Always(crl_future),
    ),
    check(
        "doctor.crl.behind",
        Severity::Fault,
        "what comes is the last CRL on record",
        Judge::Always(crl_behind),
    ),
    check(
        "doctor.crl.ahead",
        Severity::Fault,
        "no CRL that comes is newer than the ledger",
        Judge::Always(crl_ahead),
    ),
    check(
        "doctor.crl.delta",
        Severity::Warning,
        "each delta CRL goes with the complete CRL that comes",
        Judge::Always(crl_delta),
    ),
    check(
        "doctor.crl.long",
        Severity::Notice,
        "no CRL that comes is longer than a mebibyte",
        Judge::Always(crl_long),
    ),
    check(
        "doctor.ca.unreachable",
        Severity::Fault,
        "the authorities' certificates come from the addresses that certificates name",
        Judge::Always(ca_unreachable),
    ),
    check(
        "doctor.ca.unfit",
        Severity::Fault,
        "what comes there is the certificate of the authority",
        Judge::Always(ca_unfit),
    ),
    check(
        "doctor.ocsp.unreachable",
        Severity::Fault,
        "an OCSP responder answers at every address that certificates name",
        Judge::Always(ocsp_unreachable),
    ),
    check(
        "doctor.ocsp.unfit",
        Severity::Fault,
        "OCSP answers are signed by whom the authority delegates",
        Judge::Always(ocsp_unfit),
    ),
    check(
        "doctor.ocsp.late",
        Severity::Fault,
        "no OCSP answer is past its nextUpdate",
        Judge::Always(ocsp_late),
    ),
    check(
        "doctor.ocsp.future",
        Severity::Fault,
        "no OCSP answer begins later than now",
        Judge::Always(ocsp_future),
    ),
    check(
        "doctor.ocsp.differs",
        Severity::Fault,
        "OCSP says what the ledger says",
        Judge::Always(ocsp_differs),
    ),
];

const LOOK: &str = "curl -I URL; look at status.listen, and at what stands in front of it";
const PUBLISH: &str = "meter-pki crl publish NAME; the server's log says why none was made";
const VERIFY: &str = "meter-pki crl verify; docs/operate/repository.md";

fn listener(facts: &Facts, name: &str) -> Vec<Finding> {
    let silent = facts.outside.listeners.iter().filter(|(known, _)| known == name);
    silent
        .filter_map(|(name, fault)| {
            let says = format!("{name} takes no connection: {}", fault.as_ref()?);
            Some(Finding::fault(
                says,
                "start meter-pki serve; what stands between, such as a firewall, may be in the way",
            ))
        })
        .collect()
}

fn est(facts: &Facts) -> Vec<Finding> {
    listener(facts, "est")
}

fn cmp(facts: &Facts) -> Vec<Finding> {
    listener(facts, "cmp")
}

fn status(facts: &Facts) -> Vec<Finding> {
    listener(facts, "status")
}

fn told<'a>(seen: impl Iterator<Item = (&'a Seen, Option<&'a String>)>, next: &str) -> Vec<Finding> {
    seen.filter_map(|(seen, why)| {
        Some(Finding::fault(format!("{}, {}: {}", seen.name, seen.uri, why?), next))
    })
    .collect()
}

fn unreachable<'a>(seen: impl Iterator<Item = &'a Seen>) -> Vec<Finding> {
    told(seen.map(|seen| (seen, seen.unreachable.as_ref())), LOOK)
}

fn unfit<'a>(seen: impl Iterator<Item = &'a Seen>, next: &str) -> Vec<Finding> {
    told(seen.map(|seen| (seen, seen.unfit.as_ref())), next)
}

fn crl_unreachable(facts: &Facts) -> Vec<Finding> {
    unreachable(facts.outside.crls.iter().map(|one| &one.seen))
}

fn crl_unfit(facts: &Facts) -> Vec<Finding> {
    unfit(facts.outside.crls.iter().map(|one| &one.seen), VERIFY)
}

fn ca_unreachable(facts: &Facts) -> Vec<Finding> {
    unreachable(facts.outside.certificates.iter())
}

fn ca_unfit(facts: &Facts) -> Vec<Finding> {
    unfit(facts.outside.certificates.iter(), "correct ca_issuers_uri, or what is served there")
}

fn ocsp_unreachable(facts: &Facts) -> Vec<Finding> {
    unreachable(facts.outside.ocsp.iter().map(|one| &one.seen))
}

fn ocsp_unfit(facts: &Facts) -> Vec<Finding> {
    unfit(facts.outside.ocsp.iter().map(|one| &one.seen), "docs/operate/ocsp.md; meter-pki ca show NAME")
}

/// Each CRL that verified.
fn read(facts: &Facts) -> impl Iterator<Item = (&SeenCrl, &RecordedCrl)> {
    facts.outside.crls.iter().filter_map(|seen| Some((seen, seen.crl.as_ref()?)))
}

fn crl_late(facts: &Facts) -> Vec<Finding> {
    let late = read(facts).filter(|(_, crl)| crl.next_update < facts.now);
    late.map(|(_, crl)| {
        let says =
            format!("CRL {} of {} was to be replaced by {}", crl.number, crl.name, at(crl.next_update));
        Finding::fault(says, PUBLISH)
    })
    .collect()
}

/// Also those that no certificate names.
fn crl_record_late(facts: &Facts, served: &Served) -> Vec<Finding> {
    let late = served.crls.iter().filter(|crl| crl.next_update < facts.now);
    late.map(|crl| {
        let says = format!(
            "CRL {} of {}, the last on record, ended at {}",
            crl.number,
            crl.name,
            at(crl.next_update)
        );
        Finding::fault(says, PUBLISH)
    })
    .collect()
}

fn crl_ageing(facts: &Facts) -> Vec<Finding> {
    let in_time = read(facts).filter(|(_, crl)| crl.next_update >= facts.now);
    in_time
        .filter_map(|(_, crl)| {
            let (whole, used) = (crl.next_update - crl.this_update, facts.now - crl.this_update);
            let says = || {
                let (name, number, end) = (&crl.name, crl.number, at(crl.next_update));
                format!("{used} s of the {whole} s of CRL {number} of {name} are over; it ends at {end}")
            };
            if used.saturating_mul(4) > whole.saturating_mul(3) {
                return Some(Finding::warning(says(), PUBLISH));
            }
            None
        })
        .collect()
}

fn crl_future(facts: &Facts) -> Vec<Finding> {
    let early = read(facts).filter(|(_, crl)| crl.this_update > facts.now + 5);
    early
        .map(|(_, crl)| {
            let says = format!("CRL {} of {} begins at {}", crl.number, crl.name, at(crl.this_update));
            Finding::fault(says, "look at the clock of this machine: timedatectl")
        })
        .collect()
}

fn crl_behind(facts: &Facts) -> Vec<Finding> {
    let behind = read(facts).filter(|(seen, crl)| crl.number < seen.recorded);
    behind
        .map(|(seen, crl)| {
            let says =
                format!("CRL {} of {} comes, and {} is on record", crl.number, crl.name, seen.recorded);
            Finding::fault(
                says,
                "look at what stands between, such as a cache or [[status.push]]; meter-pki crl verify",
            )
        })
        .collect()
}

fn crl_ahead(facts: &Facts) -> Vec<Finding> {
    let ahead = read(facts).filter(|(seen, crl)| crl.number > seen.recorded);
    ahead
        .map(|(seen, crl)| {
            let says = format!(
                "CRL {} of {} comes, and the ledger knows {} as the last",
                crl.number, crl.name, seen.recorded
            );
            Finding::fault(
                says,
                "stop and keep everything as it is: the ledger is an older copy; docs/operate/backup.md",
            )
        })
        .collect()
}

fn crl_delta(facts: &Facts) -> Vec<Finding> {
    let complete = |uri: &str, base| {
        read(facts).any(|(seen, crl)| seen.seen.uri != uri && crl.base.is_none() && crl.number >= base)
    };
    let deltas = read(facts).filter_map(|(seen, crl)| Some((seen, crl, crl.base?)));
    deltas
        .filter(|(seen, _, base)| !complete(&seen.seen.uri, *base))
        .map(|(_, crl, base)| {
            let says = format!(
                "the delta {} of {} needs the complete CRL {base}, and none so new comes",
                crl.number, crl.name
            );
            Finding::warning(says, PUBLISH)
        })
        .collect()
}

fn crl_long(facts: &Facts) -> Vec<Finding> {
    let long = read(facts).filter(|(seen, _)| seen.octets > 1 << 20);
    long.map(|(seen, crl)| {
        let says = format!("CRL {} of {} has {} octets", crl.number, crl.name, seen.octets);
        Finding::notice(says, "divide it with crl_shards or crl_grid; docs/operate/crls.md")
    })
    .collect()
}

fn ocsp_late(facts: &Facts) -> Vec<Finding> {
    let late = facts.outside.ocsp.iter().filter_map(|one| Some((one, one.next_update?)));
    late.filter(|(_, next)| *next < facts.now)
        .map(|(one, next)| {
            let says = format!("the OCSP answer of {} was to be replaced by {}", one.seen.name, at(next));
            Finding::fault(says, "look at what stands between, such as a cache; docs/operate/ocsp.md")
        })
        .collect()
}

fn ocsp_future(facts: &Facts) -> Vec<Finding> {
    let answers = facts.outside.ocsp.iter().filter_map(|one| Some((one, one.this_update?)));
    answers
        .filter(|(_, begins)| *begins > facts.now + 5)
        .map(|(one, begins)| {
            let says = format!("the OCSP answer of {} begins at {}", one.seen.name, at(begins));
            Finding::fault(says, "look at the clock of this machine: timedatectl")
        })
        .collect()
}

fn ocsp_differs(facts: &Facts) -> Vec<Finding> {
    let differ = facts.outside.ocsp.iter();
    differ
        .filter_map(|one| {
            let says = format!("OCSP of {}: {}", one.seen.name, one.differs.as_ref()?);
            Some(Finding::fault(says, "look at what answers at that address; meter-pki cert show SERIAL"))
        })
        .collect()
}
