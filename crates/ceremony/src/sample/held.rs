//! A ceremony held in memory, step by step as the guided run holds it: two suites, a sub-CA, a neighbour, CRLs.

use ca_core::certificate::Certificate;
use ca_core::crl::parsed::ParsedCrl;
use ca_core::crl::restate::{self, restate};
use ca_core::distinguished_name::DistinguishedName;
use ca_core::exchange::{
    ExchangeNonce, RequestParts, ResponseParts, SubordinateRequest, SubordinateResponse,
    certification_request,
};
use ca_core::issuance::draft::{DraftInput, draft};
use ca_core::issuer::{Issuer, SignedBy};
use ca_core::oid;
use ca_core::ports::{Entropy, Signer, Unavailable};
use ca_core::profile::ProfileId;
use ca_core::public_key::PublicKey;
use ca_core::reason::ReasonCode;
use ca_core::record::{Revocation, RevokedEntry};
use ca_core::serial_number::SerialNumber;
use ca_core::signing::assemble;
use ca_core::subject::Subject;
use ca_core::validity::UnixTime;

use super::{SoftKeys, founding, person, root};
use crate::bundle::{Bundle, BundleDraft};
use crate::file::CeremonyFile;
use crate::file::act::{CrlPeriod, FileName, RootKey};
use crate::file::root::{RootName, RootPlan};
use crate::record::{CertificateRecord, Content, CrlStatement, Record};
use crate::transcript::action::{Action, Tool};
use crate::transcript::{NamedFingerprint, Transcript};
use crate::words::Fingerprint;

/// The keys of the roots, of their exchanges, of the sub-CA and of the neighbour.
const ROOT_KEYS: [(&str, u8); 3] = [("a", 10), ("b", 11), ("next", 16)];
const EXCHANGE: u8 = 12;
const SUB_CA: u8 = 14;
const NEIGHBOUR: u8 = 15;

/// The one revoked serial number.
const REVOKED: &str = "0123";

/// Draws the same octets again and again: nothing here is used twice.
struct Same;

impl Entropy for Same {
    fn fill(&self, octets: &mut [u8]) -> Result<(), Unavailable> {
        octets.fill(0x5a);
        Ok(())
    }
}

fn sign(tbs: &[u8], key: u8) -> Vec<u8> {
    let signature = SoftKeys.sign(&SoftKeys::public(key).key_ref(), tbs).unwrap();
    assemble(tbs, &signature).unwrap()
}

/// What lies in the room before the ceremony.
pub(crate) struct Inputs {
    request: SubordinateRequest,
    neighbour: Vec<u8>,
}

fn name(common_name: &str) -> DistinguishedName {
    DistinguishedName::from_attributes(&[(oid::COUNTRY_NAME, "NL"), (oid::COMMON_NAME, common_name)]).unwrap()
}

impl Inputs {
    fn new(held: UnixTime) -> Self {
        let subject = name("Example Factory CA");
        let key = SoftKeys::public(SUB_CA).key_ref();
        let parts = RequestParts {
            nonce: ExchangeNonce::draw(&Same).unwrap(),
            created: held,
            profile: ProfileId::parse("sub-factory-s1").unwrap(),
            csr: certification_request(&subject, &key, &SoftKeys).unwrap(),
            subject,
        };
        let request = SubordinateRequest::draft(parts).unwrap().sign(&SoftKeys).unwrap();
        let csr =
            certification_request(&name("Neighbour"), &SoftKeys::public(NEIGHBOUR).key_ref(), &SoftKeys);
        Self { request, neighbour: csr.unwrap().der().to_vec() }
    }
}

/// The text of the ceremony file.
pub(crate) fn text() -> String {
    let inputs = Inputs::new(UnixTime::from_seconds(1_795_856_400));
    let request = Fingerprint::of(inputs.request.to_text().unwrap().as_bytes());
    let neighbour = Fingerprint::of(&inputs.neighbour);
    founding()
        + &root("b").replace("suite = 1", "suite = 2")
        + &format!(
            r#"
[[act]]
kind = "found-root"
root = "b"

[[act]]
kind = "crl"
root = "a"
this_update = "2026-11-28T09:00:00Z"
next_update = "2027-05-28T09:00:00Z"

[[act]]
kind = "sign-sub-ca"
root = "a"
request = "factory.request"
sha256 = "{request}"
profile = "sub-factory-s1"

[[act]]
kind = "cross-certificate"
root = "b"
request = "neighbour.csr"
sha256 = "{neighbour}"
profile = "sub-operational-s2"

[[act]]
kind = "revoke"
root = "a"
serial = "{REVOKED}"
reason = "keyCompromise"
invalidity_date = "2026-11-01T00:00:00Z"

[[act]]
kind = "crl-series"
root = "a"
first = "2026-12-01T00:00:00Z"
every_days = 91
count = 2
overlap_days = 30
"#
        )
}

/// A ceremony under way.
pub(crate) struct Held<'a> {
    pub(crate) file: &'a CeremonyFile,
    lines: Vec<u8>,
    transcript: Transcript,
    objects: Vec<(Record, Vec<u8>)>,
    others: Vec<(FileName, Vec<u8>)>,
    roots: Vec<(RootName, Issuer)>,
    serial: u8,
    /// The number of the next CRL.
    pub(crate) number: u64,
}

fn file_name(name: &str) -> FileName {
    FileName::try_from(name.to_owned()).unwrap()
}

fn named(name: &str, octets: &[u8]) -> NamedFingerprint {
    NamedFingerprint { name: name.to_owned(), sha256: Fingerprint::of(octets) }
}

impl<'a> Held<'a> {
    /// A ceremony of which nothing was done.
    pub(crate) fn begin(file: &'a CeremonyFile) -> Self {
        let (objects, others, roots) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            file,
            lines: Vec::new(),
            transcript: Transcript::begin(file),
            objects,
            others,
            roots,
            serial: 1,
            number: 1,
        }
    }

    /// Opens the ceremony: everything up to the first act.
    pub(crate) fn open(file: &'a CeremonyFile, rehearsal: bool) -> Self {
        Self::open_after(file, rehearsal, file.previous())
    }

    /// The same after the bundle of this previous ceremony was verified.
    pub(crate) fn open_after(
        file: &'a CeremonyFile,
        rehearsal: bool,
        previous: Option<&Fingerprint>,
    ) -> Self {
        Self::open_with(file, rehearsal, previous, |_| {})
    }

    /// The same with what is done before the file is read aloud.
    pub(crate) fn open_with(
        file: &'a CeremonyFile,
        rehearsal: bool,
        previous: Option<&Fingerprint>,
        before: impl FnOnce(&mut Self),
    ) -> Self {
        let mut held = Self::begin(file);
        held.step(Action::Opened { title: file.title().to_owned(), rehearsal, tool: tool() });
        let present = file.people().iter().map(|person| person.name.clone()).collect();
        held.step(Action::PeopleConfirmed { present });
        before(&mut held);
        held.step(Action::InputReadAloud { sha256: *file.fingerprint() });
        held.step(Action::NetworkChecked { interfaces: vec!["lo: up".to_owned()] });
        if let Some(manifest) = previous {
            held.step(Action::PreviousVerified { manifest: *manifest });
        }
        held
    }

    /// Writes a step, signed by operator and witness.
    pub(crate) fn step(&mut self, action: Action) {
        self.step_with(action, Vec::new(), Vec::new());
    }

    pub(crate) fn step_with(
        &mut self,
        action: Action,
        inputs: Vec<NamedFingerprint>,
        outputs: Vec<NamedFingerprint>,
    ) {
        let draft = self.transcript.draft(self.file.held(), action, inputs, outputs);
        let draft = draft.sign(person(self.file, "Olga"), &SoftKeys).unwrap();
        let line = draft.sign(person(self.file, "Wim"), &SoftKeys).unwrap().line().unwrap();
        self.transcript.take(&line, self.file).unwrap();
        self.lines.extend([line.as_slice(), b"\n"].concat());
    }

    /// Has three share-holders come together.
    pub(crate) fn shares(&mut self, root: &str) {
        let holders = ["Sara", "Samir", "Sven"].map(|name| person(self.file, name).into()).to_vec();
        self.step(Action::SharesCombined { root: root_name(root), holders });
    }

    /// Holds every act of [`text`].
    pub(crate) fn all(mut self) -> Self {
        self.shares("a");
        self.all_from_the_first()
    }

    /// Holds every act, after share-holders have come together for the first root.
    pub(crate) fn all_from_the_first(self) -> Self {
        let mut held = self.up_to_the_series();
        let periods = held.periods(7);
        held.act(7, |held| {
            for (name, period) in ["a-2.crl", "a-3.crl"].into_iter().zip(periods) {
                held.crl(7, name, period, true);
            }
        });
        held
    }

    /// Holds every act but the last.
    pub(crate) fn all_but_the_series(mut self) -> Self {
        self.shares("a");
        self.up_to_the_series()
    }

    fn up_to_the_series(mut self) -> Self {
        self.found(1, "a", ROOT_KEYS[0].1);
        self.shares("b");
        self.found(2, "b", ROOT_KEYS[1].1);
        let period = self.periods(3)[0];
        self.act(3, |held| held.crl(3, "a-1.crl", period, false));
        self.act(4, |held| held.sub_ca(4));
        self.act(5, |held| held.neighbour(5));
        self.act(6, |held| {
            let (serial, reason) = (REVOKED.to_owned(), "keyCompromise".to_owned());
            held.step(Action::Revoked { act: 6, root: root_name("a"), serial, reason });
        });
        self
    }

    /// Founds a root and its successor, and links them.
    pub(crate) fn link(&mut self, certified: [(&str, &str); 2]) {
        self.shares("a");
        self.found(1, "a", ROOT_KEYS[0].1);
        self.shares("next");
        self.found(2, "next", ROOT_KEYS[2].1);
        self.act(3, |held| {
            for (number, (root, other)) in (1..).zip(certified) {
                let other = held.issuer(other).certificate().clone();
                let made = held.certificate(root, "root-link-s1", other.subject(), other.public_key());
                held.subordinate((3, root), &format!("link-{number}.crt"), &made, "root-link-s1");
            }
        });
    }

    /// Takes a file in.
    pub(crate) fn take_in(&mut self, name: &str, octets: &[u8]) {
        let inputs = vec![named(&format!("inputs/{name}"), octets)];
        self.step_with(Action::InputReadAloud { sha256: *self.file.fingerprint() }, inputs, Vec::new());
        self.others.push((file_name(name), octets.to_vec()));
    }

    /// Works with a root of an earlier ceremony.
    pub(crate) fn root_from_before(&mut self, root: &str, der: &[u8]) {
        let (plan, certificate) = (self.plan(root), Certificate::from_der(der).unwrap());
        let not_after = certificate.validity().not_after();
        let issuer = Issuer::new(certificate, plan.tenant.clone(), not_after, plan.points.clone());
        self.roots.push((root_name(root), issuer.unwrap()));
    }

    pub(crate) fn periods(&self, act: u32) -> Vec<CrlPeriod> {
        self.file.act(act).unwrap().kind.periods().to_vec()
    }

    /// Holds one act.
    pub(crate) fn act(&mut self, act: u32, perform: impl FnOnce(&mut Self)) {
        self.step(Action::ActBegun { act });
        perform(self);
        self.step(Action::ActEnded { act });
    }

    fn plan(&self, root: &str) -> &'a RootPlan {
        self.file.root(&root_name(root)).unwrap()
    }

    fn issuer(&self, root: &str) -> Issuer {
        self.roots.iter().find(|(name, _)| name.as_str() == root).unwrap().1.clone()
    }

    /// Drafts, signs, verifies, lints again.
    fn make(
        &mut self,
        act: u32,
        object: &str,
        root: &str,
        (tbs, octets, content): (&[u8], Vec<u8>, Content),
    ) {
        let name = file_name(object);
        let (to_be_signed, lints) = (Fingerprint::of(tbs), Vec::new());
        self.step(Action::Drafted { act, object: name, to_be_signed, lints });
        self.signed(act, object, root, (octets, content));
    }

    fn signed(&mut self, act: u32, object: &str, root: &str, (octets, content): (Vec<u8>, Content)) {
        let name = file_name(object);
        let outputs = vec![named(&format!("outputs/{object}"), &octets)];
        let sha256 = Fingerprint::of(&octets);
        self.step_with(Action::Signed { act, object: name.clone(), sha256 }, Vec::new(), outputs);
        self.step(Action::Verified { act, object: name.clone() });
        self.step(Action::LintAfter { act, object: name.clone(), lints: Vec::new() });
        self.objects.push((Record { act, object: name, root: root_name(root), content }, octets));
    }

    /// Drafts and signs a certificate.
    pub(crate) fn certificate(
        &mut self,
        root: &str,
        profile: &str,
        subject: &DistinguishedName,
        key: &PublicKey,
    ) -> Certificate {
        let profile = self.plan(root).loaded.certificate(profile).unwrap();
        let issuer = self.roots.iter().find(|(name, _)| name.as_str() == root).map(|(_, issuer)| issuer);
        let own = issuer.map(|issuer| issuer.certificate().validity());
        // The roots of these tests are founded at one time and have no end: so have the links between them.
        let bound = own.and_then(|own| profile.bound_to(own));
        let profile = bound.as_ref().unwrap_or(profile);
        let begins = own.map(ca_core::validity::Validity::not_before);
        let validity = profile.validity_at(self.file.held(), None).unwrap();
        let validity = ca_core::validity::Validity::new(
            begins.map_or_else(|| validity.not_before(), |begins| begins.max(validity.not_before())),
            validity.not_after(),
        );
        let tbs = draft(&DraftInput {
            signed_by: issuer.map_or(SignedBy::Itself, SignedBy::Issuer),
            profile,
            subject: &Subject::distinguished(subject.clone()),
            public_key: key,
            serial: &SerialNumber::draw(self.file.held(), [self.serial; SerialNumber::RANDOM_OCTETS])
                .unwrap(),
            validity: validity.unwrap(),
            shard: None,
        })
        .unwrap();
        self.serial += 1;
        let signs = ROOT_KEYS.iter().find(|(name, _)| *name == root).unwrap().1;
        Certificate::from_der(&sign(&tbs, signs)).unwrap()
    }

    /// Records that a key was made.
    pub(crate) fn key_made(&mut self, root: &str, purpose: RootKey, key: u8) {
        let key = Fingerprint::new(SoftKeys::public(key).fingerprint());
        self.step(Action::KeyMade { root: root_name(root), purpose, key });
    }

    /// Makes the certificate of a root that stands in for another one of the same name and key.
    pub(crate) fn stand_in(&mut self, root: &str) -> Certificate {
        // Other serial numbers than those of the ceremonies before.
        self.serial = 0x40;
        let plan = self.plan(root);
        let key = ROOT_KEYS.iter().find(|(name, _)| *name == root).unwrap().1;
        let subject = plan.subject.distinguished_name().unwrap();
        self.certificate(root, &plan.profile, &subject, &SoftKeys::public(key))
    }

    pub(crate) fn found(&mut self, act: u32, root: &str, key: u8) {
        self.act(act, |held| {
            let made = [(RootKey::Root, key), (RootKey::Exchange, EXCHANGE)];
            for (purpose, key) in made {
                held.key_made(root, purpose, key);
            }
            let plan = held.plan(root);
            let subject = plan.subject.distinguished_name().unwrap();
            let certificate = held.certificate(root, &plan.profile, &subject, &SoftKeys::public(key));
            let record = CertificateRecord::of(&certificate, &plan.profile, plan, None);
            let content = Content::Certificate(Box::new(record));
            let made = (certificate.tbs(), certificate.der().to_vec(), content);
            held.make(act, &format!("{root}.crt"), root, made);
            let not_after = certificate.validity().not_after();
            let issuer =
                Issuer::new(certificate, plan.tenant.clone(), not_after, plan.points.clone()).unwrap();
            held.roots.push((root_name(root), issuer));
        });
    }

    /// The entry for the certificate that the ceremony revokes.
    pub(crate) fn revoked(&self) -> RevokedEntry {
        RevokedEntry {
            serial: SerialNumber::parse(REVOKED).unwrap(),
            revocation: Revocation {
                time: self.file.held(),
                reason: ReasonCode::KeyCompromise,
                invalidity_date: Some(UnixTime::from_seconds(1_793_491_200)),
            },
            not_after: UnixTime::NO_EXPIRY,
        }
    }

    pub(crate) fn crl(&mut self, act: u32, object: &str, period: CrlPeriod, revoked: bool) {
        let entry = self.revoked();
        self.crl_of(act, object, period, if revoked { core::slice::from_ref(&entry) } else { &[] });
    }

    /// Signs a CRL of these entries, in ascending order.
    pub(crate) fn crl_of(&mut self, act: u32, object: &str, period: CrlPeriod, entries: &[RevokedEntry]) {
        let statement = restate::CrlStatement {
            number: self.number,
            this_update: period.this_update,
            next_update: period.next_update,
            entries,
        };
        self.number += 1;
        let tbs = restate(&self.issuer("a"), &statement).unwrap().to_vec().unwrap();
        let der = sign(&tbs, ROOT_KEYS[0].1);
        let statement = CrlStatement::of(&ParsedCrl::from_der(&der).unwrap()).unwrap();
        self.make(act, object, "a", (&tbs, der, Content::Crl(statement)));
    }

    pub(crate) fn subordinate(
        &mut self,
        (act, root): (u32, &str),
        object: &str,
        made: &Certificate,
        profile: &str,
    ) {
        let issuer = self.issuer(root);
        let record = CertificateRecord::of(made, profile, self.plan(root), Some(issuer.certificate()));
        let content = Content::Certificate(Box::new(record));
        self.make(act, object, root, (made.tbs(), made.der().to_vec(), content));
    }

    pub(crate) fn sub_ca(&mut self, act: u32) {
        let Inputs { request, .. } = Inputs::new(self.file.held());
        let text = request.to_text().unwrap().into_bytes();
        self.take_in("factory.request", &text);
        let key = request.csr().public_key().clone();
        let made = self.certificate("a", "sub-factory-s1", request.subject(), &key);
        self.subordinate((act, "a"), "factory.crt", &made, "sub-factory-s1");
        let response = SubordinateResponse::draft(ResponseParts {
            nonce: *request.nonce(),
            request_digest: request.digest(),
            created: self.file.held(),
            exchange_key: SoftKeys::public(EXCHANGE),
            certificate: made,
            root: self.issuer("a").certificate().clone(),
            crl: None,
        });
        let response = response.unwrap().sign(&SoftKeys).unwrap().to_text().unwrap().into_bytes();
        let content = Content::Response { certificate: file_name("factory.crt") };
        self.signed(act, "factory.response", "a", (response, content));
    }

    pub(crate) fn neighbour(&mut self, act: u32) {
        let Inputs { neighbour, .. } = Inputs::new(self.file.held());
        self.take_in("neighbour.csr", &neighbour);
        let key = SoftKeys::public(NEIGHBOUR);
        let made = self.certificate("b", "sub-operational-s2", &name("Neighbour"), &key);
        self.subordinate((act, "b"), "neighbour.crt", &made, "sub-operational-s2");
    }

    /// Closes the ceremony and has its bundle sealed.
    pub(crate) fn close(mut self) -> Bundle {
        self.step(Action::Closed);
        self.seal(|_| {})
    }

    /// Seals a bundle of what there is; `change` may change objects before.
    pub(crate) fn seal(mut self, change: impl FnOnce(&mut Vec<(Record, Vec<u8>)>)) -> Bundle {
        change(&mut self.objects);
        let mut draft = BundleDraft::new(self.file, &self.lines, &[tool()]).unwrap();
        for (record, octets) in &self.objects {
            draft = draft.output(&record.object, octets.clone()).record(record).unwrap();
        }
        for (name, octets) in self.others {
            draft = draft.input(&name, octets);
        }
        let mut unsigned = draft.manifest().unwrap();
        for signer in ["Olga", "Wim"] {
            unsigned = unsigned.sign(person(self.file, signer), &SoftKeys).unwrap();
        }
        unsigned.seal().unwrap()
    }
}

/// The name of a root.
pub(crate) fn root_name(name: &str) -> RootName {
    RootName::try_from(name.to_owned()).unwrap()
}

pub(crate) fn tool() -> Tool {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Tool { name: "offline-root".to_owned(), version, sha256: Fingerprint::of(b"the program") }
}
