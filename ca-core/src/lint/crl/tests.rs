//! Each rule against a CRL draft that breaks it and nothing else.

use const_oid::ObjectIdentifier;

use super::{CrlLintInput, RULES, entries, lint_crl};
use crate::issuer::Issuer;
use crate::lint::samples::{
    algorithm, authority_name, divided_issuer, generalized, root_issuer, sequence, subordinate_issuer, tlv,
    uri, utc, with_criticality,
};
use crate::octets::Octets;
use crate::oid;
use crate::profile::CrlProfile;
use crate::scope::{CrlScope, Shard};
use crate::suite::Curve::{P256, P384};

/// The fields of a `TBSCertList`, each as DER.
#[derive(Clone)]
struct Draft {
    version: Vec<u8>,
    signature: Vec<u8>,
    issuer_name: Vec<u8>,
    this_update: Vec<u8>,
    next_update: Vec<u8>,
    revoked: Option<Vec<Vec<u8>>>,
    extensions: Vec<(ObjectIdentifier, bool, Vec<u8>)>,
    issuer: Issuer,
    profile: CrlProfile,
    scope: CrlScope,
    base: Option<u64>,
}

impl Draft {
    fn encode(&self) -> Vec<u8> {
        let extensions: Vec<_> = self.extensions.iter().map(with_criticality).collect();
        sequence(&[
            self.version.clone(),
            self.signature.clone(),
            self.issuer_name.clone(),
            self.this_update.clone(),
            self.next_update.clone(),
            self.revoked.as_deref().map(sequence).unwrap_or_default(),
            tlv(0xA0, &sequence(&extensions)),
        ])
    }

    fn findings(&self) -> Vec<&'static str> {
        findings(&self.encode(), self)
    }

    fn extension(&mut self, oid: ObjectIdentifier) -> &mut (ObjectIdentifier, bool, Vec<u8>) {
        self.extensions.iter_mut().find(|(known, ..)| *known == oid).unwrap()
    }
}

fn findings(tbs: &[u8], draft: &Draft) -> Vec<&'static str> {
    let tbs = Octets::from(tbs.to_vec());
    let input = CrlLintInput {
        tbs: &tbs,
        issuer: &draft.issuer,
        profile: &draft.profile,
        scope: &draft.scope,
        base: draft.base,
    };
    lint_crl(&input).into_iter().map(|finding| finding.rule).collect()
}

fn entry(serial: &[u8], date: &str, extensions: &[(ObjectIdentifier, bool, Vec<u8>)]) -> Vec<u8> {
    let extensions: Vec<_> = extensions.iter().map(with_criticality).collect();
    let extensions = if extensions.is_empty() { Vec::new() } else { sequence(&extensions) };
    sequence(&[tlv(0x02, serial), utc(date), extensions])
}

fn plain(serial: &[u8]) -> Vec<u8> {
    entry(serial, "261120000000Z", &[])
}

fn reason(number: u8) -> (ObjectIdentifier, bool, Vec<u8>) {
    (oid::CRL_REASON, false, tlv(0x0A, &[number]))
}

/// A sub-CA's CRL of seven days with three entries.
fn good() -> Draft {
    let issuer = subordinate_issuer(P256);
    let invalid_since = (oid::INVALIDITY_DATE, false, generalized("20261101000000Z"));
    Draft {
        version: tlv(0x02, &[1]),
        signature: algorithm(P256),
        issuer_name: issuer.name().der().to_vec(),
        this_update: utc("261121100000Z"),
        next_update: utc("261128100000Z"),
        revoked: Some(vec![
            plain(&[9, 1]),
            entry(&[9, 2], "261120000000Z", &[reason(1), invalid_since]),
            entry(&[9, 3], "261121100000Z", &[reason(6)]),
        ]),
        extensions: vec![
            (oid::AUTHORITY_KEY_IDENTIFIER, false, sequence(&[tlv(0x80, &issuer.key_identifier())])),
            (oid::CRL_NUMBER, false, tlv(0x02, &[0x6A, 0xFF, 0, 1])),
        ],
        issuer,
        profile: CrlProfile::new(7 * 86_400, 86_400).unwrap(),
        scope: CrlScope::All,
        base: None,
    }
}

const NORTH: &str = "http://crl.example.net/sub/north.crl";
const NORTH_DELTA: &str = "http://crl.example.net/sub/north.delta.crl";

/// `[0] { [0] { [6] uri } }`, the name of a place.
fn place(at: &str) -> Vec<u8> {
    tlv(0xA0, &tlv(0xA0, &tlv(0x86, at.as_bytes())))
}

/// A shard's CRL, whose deltas are published.
fn of_shard() -> Draft {
    let mut draft = good();
    draft.issuer = divided_issuer();
    draft.scope = CrlScope::Shard(Shard::parse("north").unwrap());
    draft.extensions.push((oid::ISSUING_DISTRIBUTION_POINT, true, sequence(&[place(NORTH)])));
    draft.extensions.push((oid::FRESHEST_CRL, false, sequence(&[sequence(&[place(NORTH_DELTA)])])));
    draft
}

/// A delta to it, which takes a certificate off.
fn of_delta() -> Draft {
    let mut draft = of_shard();
    draft.extensions.retain(|(oid, ..)| *oid != oid::FRESHEST_CRL);
    draft.extensions.push((oid::DELTA_CRL_INDICATOR, true, tlv(0x02, &[0x6A, 0xFF, 0, 0])));
    draft.base = Some(0x6AFF_0000);
    draft.revoked = Some(vec![entry(&[9, 1], "261120000000Z", &[reason(8)])]);
    draft
}

fn of_shard_with(damage: impl FnOnce(&mut Draft)) -> Draft {
    let mut draft = of_shard();
    damage(&mut draft);
    draft
}

fn of_delta_with(damage: impl FnOnce(&mut Draft)) -> Draft {
    let mut draft = of_delta();
    damage(&mut draft);
    draft
}

/// A root's CRL of a year with nothing revoked.
fn of_root() -> Draft {
    let issuer = root_issuer(P384);
    let mut draft = good();
    draft.signature = algorithm(P384);
    draft.issuer_name = issuer.name().der().to_vec();
    draft.next_update = utc("271121100000Z");
    draft.revoked = None;
    draft.extension(oid::AUTHORITY_KEY_IDENTIFIER).2 = sequence(&[tlv(0x80, &issuer.key_identifier())]);
    // onlyContainsCACerts
    draft.extensions.push((oid::ISSUING_DISTRIBUTION_POINT, true, vec![0x30, 3, 0x82, 1, 0xFF]));
    Draft { issuer, profile: CrlProfile::offline(366 * 86_400, 180 * 86_400).unwrap(), ..draft }
}

/// A rule, a fault in words, and a draft with that fault.
type Fault = (&'static str, &'static str, Draft);

fn with(damage: impl FnOnce(&mut Draft)) -> Draft {
    let mut draft = good();
    damage(&mut draft);
    draft
}

fn revoking(entries: Vec<Vec<u8>>) -> Draft {
    Draft { revoked: Some(entries), ..good() }
}

fn extension(oid: ObjectIdentifier, critical: bool, value: Vec<u8>) -> Draft {
    with(|draft| draft.extensions.push((oid, critical, value)))
}

fn field_faults() -> Vec<Fault> {
    vec![
        // RFC 5280 §5.1.2.1: v2 when extensions are used.
        ("rfc5280.crl-version", "absent", with(|draft| draft.version = Vec::new())),
        ("rfc5280.crl-version", "v1", with(|draft| draft.version = tlv(0x02, &[0]))),
        ("rfc5280.crl-signature-algorithm", "SHA-384", with(|draft| draft.signature = algorithm(P384))),
        // RFC 5280 §5.1.2.3, and as catalogued: octet for octet, string types included.
        ("rfc5280.crl-issuer-name", "another CA", with(|draft| draft.issuer_name = authority_name("Other"))),
        (
            "rfc5280.crl-issuer-valid",
            "before the issuer's time",
            with(|draft| {
                draft.this_update = utc("260101000000Z");
                draft.next_update = utc("260108000000Z");
                draft.revoked = None;
            }),
        ),
        // RFC 5280 §5.1.2.4, §5.1.2.5.
        (
            "rfc5280.crl-time-encoding",
            "thisUpdate",
            with(|draft| draft.this_update = generalized("20261121100000Z")),
        ),
        (
            "rfc5280.crl-time-encoding",
            "nextUpdate",
            with(|draft| draft.next_update = generalized("20261128100000Z")),
        ),
        ("rfc5280.crl-next-update", "absent", with(|draft| draft.next_update = Vec::new())),
        ("rfc5280.crl-next-update", "at thisUpdate", with(|draft| draft.next_update = utc("261121100000Z"))),
        ("br.crl-validity", "a second over 10 days", with(|draft| draft.next_update = utc("261201100001Z"))),
        (
            "br.crl-validity",
            "a root's, a second over 366 days",
            Draft { next_update: utc("271122100001Z"), ..of_root() },
        ),
        // RFC 5280 §5.1.2.6: with no revoked certificate the list is absent.
        ("rfc5280.crl-entries-absent", "empty list", revoking(Vec::new())),
    ]
}

fn extension_faults() -> Vec<Fault> {
    vec![
        ("rfc5280.crl-extensions", "unknown", extension(oid::KEY_USAGE, false, tlv(0x02, &[1]))),
        ("rfc5280.crl-extensions", "CRL number twice", extension(oid::CRL_NUMBER, false, tlv(0x02, &[1]))),
        (
            "rfc5280.crl-extensions",
            "CRL number critical",
            with(|draft| draft.extension(oid::CRL_NUMBER).1 = true),
        ),
        (
            "rfc5280.crl-extensions",
            "distribution point not critical",
            extension(oid::ISSUING_DISTRIBUTION_POINT, false, vec![0x30, 3, 0x82, 1, 0xFF]),
        ),
        (
            "rfc5280.crl-extensions",
            "distribution point empty",
            extension(oid::ISSUING_DISTRIBUTION_POINT, true, sequence(&[])),
        ),
        // RFC 5280 §5.2.1.
        ("rfc5280.crl-authority-key-identifier", "absent", with(|draft| drop(draft.extensions.remove(0)))),
        (
            "rfc5280.crl-authority-key-identifier",
            "that of the CA above",
            with(|draft| {
                let above = root_issuer(P256).key_identifier();
                draft.extension(oid::AUTHORITY_KEY_IDENTIFIER).2 = sequence(&[tlv(0x80, &above)]);
            }),
        ),
        // RFC 5280 §5.2.3: not longer than 20 octets.
        ("rfc5280.crl-number", "absent", with(|draft| drop(draft.extensions.remove(1)))),
        (
            "rfc5280.crl-number",
            "negative",
            with(|draft| draft.extension(oid::CRL_NUMBER).2 = tlv(0x02, &[0x80])),
        ),
        (
            "rfc5280.crl-number",
            "21 octets",
            with(|draft| draft.extension(oid::CRL_NUMBER).2 = tlv(0x02, &[1; 21])),
        ),
    ]
}

fn scope_faults() -> Vec<Fault> {
    let point = oid::ISSUING_DISTRIBUTION_POINT;
    let rest = || sequence(&[place("http://crl.example.net/sub/rest.crl")]);
    vec![
        // RFC 5280 §5.2.5: of one scope, named as in the certificates.
        (
            "rfc5280.crl-issuing-distribution-point",
            "of another shard",
            of_shard_with(|draft| draft.extension(point).2 = rest()),
        ),
        (
            "rfc5280.crl-issuing-distribution-point",
            "absent",
            of_shard_with(|draft| draft.extensions.retain(|(oid, ..)| *oid != point)),
        ),
        ("rfc5280.crl-issuing-distribution-point", "on the CRL of all", extension(point, true, rest())),
        // RFC 5280 §5.2.4: critical, and it names the base.
        (
            "rfc5280.crl-delta-indicator",
            "on a complete CRL",
            extension(oid::DELTA_CRL_INDICATOR, true, tlv(0x02, &[1])),
        ),
        (
            "rfc5280.crl-delta-indicator",
            "of another base",
            of_delta_with(|draft| draft.extension(oid::DELTA_CRL_INDICATOR).2 = tlv(0x02, &[1])),
        ),
        (
            "rfc5280.crl-delta-indicator",
            "absent",
            of_delta_with(|draft| draft.extensions.retain(|(oid, ..)| *oid != oid::DELTA_CRL_INDICATOR)),
        ),
        (
            "rfc5280.crl-delta-indicator",
            "with the number of its base",
            of_delta_with(|draft| draft.extension(oid::CRL_NUMBER).2 = tlv(0x02, &[0x6A, 0xFF, 0, 0])),
        ),
        (
            "rfc5280.crl-extensions",
            "delta indicator not critical",
            of_delta_with(|draft| draft.extension(oid::DELTA_CRL_INDICATOR).1 = false),
        ),
        // RFC 5280 §5.2.6: non-critical, in complete CRLs only.
        (
            "rfc5280.crl-freshest",
            "absent",
            of_shard_with(|draft| draft.extensions.retain(|(oid, ..)| *oid != oid::FRESHEST_CRL)),
        ),
        (
            "rfc5280.crl-freshest",
            "on a delta",
            of_delta_with(|draft| {
                draft.extensions.push((
                    oid::FRESHEST_CRL,
                    false,
                    sequence(&[sequence(&[place(NORTH_DELTA)])]),
                ));
            }),
        ),
        (
            "rfc5280.crl-extensions",
            "freshest CRL critical",
            of_shard_with(|draft| draft.extension(oid::FRESHEST_CRL).1 = true),
        ),
    ]
}

fn entry_faults() -> Vec<Fault> {
    let date = "261120000000Z";
    let unknown = (oid::KEY_USAGE, false, vec![0x05, 0]);
    let twice = [reason(1), reason(1)];
    let critical = (oid::CRL_REASON, true, tlv(0x0A, &[1]));
    let utc_date = (oid::INVALIDITY_DATE, false, utc(date));
    let own = subordinate_issuer(P256).certificate().serial().octets().to_vec();
    vec![
        ("rfc5280.crl-entry-serial-number", "zero", revoking(vec![plain(&[0])])),
        ("rfc5280.crl-entry-serial-number", "21 octets", revoking(vec![plain(&[1; 21])])),
        ("rfc5280.crl-entry-order", "descending", revoking(vec![plain(&[9, 2]), plain(&[9, 1])])),
        ("rfc5280.crl-entry-order", "twice", revoking(vec![plain(&[9, 1]), plain(&[9, 1])])),
        ("rfc5280.crl-own-serial-number", "its own", revoking(vec![plain(&own)])),
        ("rfc5280.crl-entry-date", "tomorrow", revoking(vec![entry(&[9, 1], "261122000000Z", &[])])),
        ("rfc5280.crl-entry-date", "a second late", revoking(vec![entry(&[9, 1], "261121100001Z", &[])])),
        (
            "rfc5280.crl-entry-date",
            "GeneralizedTime in 2026",
            revoking(vec![sequence(&[tlv(0x02, &[9]), generalized("20261120000000Z")])]),
        ),
        ("rfc5280.crl-entry-extensions", "unknown", revoking(vec![entry(&[9], date, &[unknown])])),
        ("rfc5280.crl-entry-extensions", "twice", revoking(vec![entry(&[9], date, &twice)])),
        ("rfc5280.crl-entry-extensions", "critical", revoking(vec![entry(&[9], date, &[critical])])),
        (
            "rfc5280.crl-entry-extensions",
            "none in the list",
            revoking(vec![sequence(&[tlv(0x02, &[9]), utc(date), sequence(&[])])]),
        ),
        // RFC 5280 §5.3.1: unspecified is left out; removeFromCRL is for delta CRLs; 7 is not used.
        ("rfc5280.crl-entry-reason", "unspecified", revoking(vec![entry(&[9], date, &[reason(0)])])),
        ("rfc5280.crl-entry-reason", "removeFromCRL", revoking(vec![entry(&[9], date, &[reason(8)])])),
        ("rfc5280.crl-entry-reason", "not a reason", revoking(vec![entry(&[9], date, &[reason(7)])])),
        ("rfc5280.crl-entry-invalidity-date", "UTCTime", revoking(vec![entry(&[9], date, &[utc_date])])),
        (
            "rfc5280.crl-der",
            "critical FALSE in an entry",
            revoking(vec![sequence(&[
                tlv(0x02, &[9]),
                utc(date),
                sequence(&[sequence(&[
                    vec![0x06, 3, 0x55, 0x1D, 0x15, 1, 1, 0],
                    tlv(0x04, &tlv(0x0A, &[1])),
                ])]),
            ])]),
        ),
        ("rfc5280.crl-der", "an entry that is none", revoking(vec![vec![0x05, 0]])),
    ]
}

#[test]
fn good_crls_pass() {
    assert_eq!(good().findings(), [""; 0]);
    for draft in [of_root(), of_shard(), of_delta()] {
        assert_eq!(draft.findings(), [""; 0]);
    }
}

#[test]
fn l_09_end_entity_crls_of_more_than_ten_days_and_ca_crls_of_more_than_a_year_are_refused() {
    let until = |draft: Draft, next_update| Draft { next_update: utc(next_update), ..draft }.findings();
    for online in [good, of_shard, of_delta] {
        assert_eq!(until(online(), "261201100000Z"), [""; 0]);
        assert_eq!(until(online(), "261201100001Z"), ["br.crl-validity"]);
    }
    assert_eq!(until(of_root(), "271122100000Z"), [""; 0]);
    assert_eq!(until(of_root(), "271122100001Z"), ["br.crl-validity"]);
}

#[test]
fn each_fault_is_found_by_exactly_its_rule() {
    let faults = [field_faults(), extension_faults(), scope_faults(), entry_faults()].concat();
    for (rule, fault, draft) in &faults {
        assert_eq!(draft.findings(), [*rule], "{fault}");
    }
    let rules = RULES.iter().map(|rule| rule.id).chain(entries::RULES.iter().map(|rule| rule.id));
    for rule in rules {
        assert!(faults.iter().any(|(id, ..)| *id == rule), "{rule} has no test");
    }
}

#[test]
fn a_rule_that_many_entries_break_is_reported_once() {
    let entries = (0..3).map(|_| plain(&[9])).collect();
    assert_eq!(revoking(entries).findings(), ["rfc5280.crl-entry-order"]);
}

#[test]
fn octets_that_cannot_be_decoded_are_one_finding() {
    let draft = good();
    let octets = draft.encode();
    assert_eq!(findings(&octets[..octets.len() - 1], &draft), ["rfc5280.crl-der"]);
    assert_eq!(findings(&[], &draft), ["rfc5280.crl-der"]);
    let point = extension(oid::ISSUING_DISTRIBUTION_POINT, true, uri("http://crl.example.net"));
    assert_eq!(point.findings(), ["rfc5280.crl-extensions"]);
}
