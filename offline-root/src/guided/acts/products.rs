//! What an act made: found in the ledgers by what the transcript says was drafted, then verified, linted and put among the
//! outputs.

use std::collections::BTreeMap;

use ca_core::certificate::{Certificate, to_be_signed};
use ca_core::crl::parsed::ParsedCrl;
use ca_core::issuer::{Issuer, SignedBy};
use ca_core::lint::crl::{CrlLintInput, lint_crl};
use ca_core::lint::{Finding, LintInput};
use ca_core::profile::CrlProfile;
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ceremony::file::act::{Act, ActKind, CrlPeriod, FileName, RootKey};
use ceremony::file::root::RootName;
use ceremony::transcript::NamedFingerprint;
use ceremony::transcript::action::Action;
use ceremony::words::Fingerprint;

use super::super::error::GuidedError;
use super::super::scene::settle;
use super::{Stage, inspected, stem};
use crate::ceremony::{Ceremony, armour};
use crate::exchange_log::ExchangeLog;
use crate::second_opinion::agrees;

/// A signed object.
#[derive(Debug, Clone)]
pub(crate) struct Product {
    object: FileName,
    root: RootName,
    is_crl: bool,
    der: Vec<u8>,
}

impl Product {
    /// Tells whether it is a CRL of this period.
    pub(super) fn speaks_for(&self, period: &CrlPeriod) -> bool {
        let Ok(crl) = ParsedCrl::from_der(&self.der) else { return false };
        self.is_crl && crl.tbs().period() == Ok((period.this_update, period.next_update))
    }

    /// Returns what goes into the file: PEM of a certificate, DER of a CRL.
    fn octets(&self) -> Result<Vec<u8>, GuidedError> {
        if self.is_crl { Ok(self.der.clone()) } else { Ok(armour("CERTIFICATE", &self.der)?.into_bytes()) }
    }

    /// Case R-11: the signature verifies by two implementations, and what it covers is what was drafted.
    fn is_as_drafted(&self, key: &PublicKey, drafted: &Fingerprint) -> bool {
        let Ok(tbs) = to_be_signed(&self.der) else { return false };
        let signed = self
            .signature()
            .is_some_and(|signature| key.verify(tbs, &signature).is_ok() && agrees(key, tbs, &signature));
        signed && Fingerprint::of(tbs) == *drafted
    }

    fn signature(&self) -> Option<EcdsaSignature> {
        if self.is_crl {
            return ParsedCrl::from_der(&self.der).ok().map(|crl| crl.signature().clone());
        }
        Certificate::from_der(&self.der).ok().map(|certificate| certificate.signature().clone())
    }
}

impl Stage<'_, '_> {
    /// The last draft of each object of an act.
    fn drafts(&self, act: &Act) -> BTreeMap<FileName, Fingerprint> {
        let actions = self.table.transcript().actions();
        let drafted = actions.filter_map(|(_, action)| match action {
            Action::Drafted { act: number, object, to_be_signed, .. } if *number == act.number => {
                Some((object.clone(), *to_be_signed))
            }
            _ => None,
        });
        drafted.collect()
    }

    /// Finds what an act made, so far.
    pub(super) fn products(&self, act: &Act) -> Result<Vec<Product>, GuidedError> {
        let drafts = self.drafts(act);
        let mut products = Vec::new();
        for root in act.kind.roots() {
            let Some(ledger) = inspected(&self.scene.root(root))? else { continue };
            let certificates = ledger.certificates.into_iter().map(|row| (false, row.certificate));
            let crls = ledger.crls.into_iter().map(|inspected| (true, inspected.crl.der));
            for (is_crl, der) in certificates.chain(crls) {
                let Ok(tbs) = to_be_signed(&der) else { continue };
                let sum = Fingerprint::of(tbs);
                if let Some((object, _)) = drafts.iter().find(|(_, drafted)| **drafted == sum) {
                    products.push(Product { object: object.clone(), root: root.clone(), is_crl, der });
                }
            }
        }
        Ok(products)
    }

    /// Verifies, lints and writes what an act made, and ends the act.
    pub(super) fn deliver(&mut self, act: &Act) -> Result<(), GuidedError> {
        let (products, drafts) = (self.products(act)?, self.drafts(act));
        let mut outputs = Vec::new();
        for product in &products {
            outputs.push(self.deliver_one(act, product, drafts.get(&product.object))?);
        }
        for (name, octets) in self.companions(act)? {
            settle(&self.scene.outputs().join(name.as_str()), &octets)?;
            outputs.push(named(&name, &octets));
        }
        self.table.record_with(Action::ActEnded { act: act.number }, Vec::new(), outputs)
    }

    fn deliver_one(
        &mut self,
        act: &Act,
        product: &Product,
        drafted: Option<&Fingerprint>,
    ) -> Result<NamedFingerprint, GuidedError> {
        let (number, object) = (act.number, product.object.clone());
        let octets = product.octets()?;
        let output = named(&object, &octets);
        let signed = Action::Signed { act: number, object: object.clone(), sha256: output.sha256 };
        if !self.table.did(|action| *action == signed) {
            self.table.record_with(signed, Vec::new(), vec![output.clone()])?;
        }
        let root = self.root(self.plan(&product.root)?, self.held())?;
        if !drafted.is_some_and(|drafted| product.is_as_drafted(root.certificate.public_key(), drafted)) {
            return Err(self.incident(format!("{object} is not what was drafted, or its signature is none")));
        }
        let verified = Action::Verified { act: number, object: object.clone() };
        if !self.table.did(|action| *action == verified) {
            self.table.record(verified)?;
        }
        let findings = self.lint(act, product, &root)?;
        let lints: Vec<String> = findings.iter().map(ToString::to_string).collect();
        let linted = Action::LintAfter { act: number, object: object.clone(), lints: lints.clone() };
        if !self.table.did(|action| *action == linted) {
            self.table.record(linted)?;
        }
        if !lints.is_empty() {
            return Err(self.incident(format!("{object} breaks rules: {}", lints.join("; "))));
        }
        settle(&self.scene.outputs().join(object.as_str()), &octets)?;
        self.say_where(&object, &output.sha256)?;
        Ok(output)
    }

    fn say_where(&mut self, object: &FileName, sha256: &Fingerprint) -> Result<(), GuidedError> {
        let words = sha256.words();
        let last = words.get(words.len().saturating_sub(4)..).unwrap_or_default().join(" ");
        self.table.show(&format!(
            "  {object} is signed, verified, linted and read back.\n  SHA-256 {}\n  Witnesses write down its last words: {last}",
            sha256.grouped()
        ))
    }

    /// Records an incident (case R-11): what was made stays in the ledger of its root, and leaves nowhere.
    fn incident(&mut self, what: String) -> GuidedError {
        match self.table.record(Action::Incident { what: what.clone() }) {
            Ok(()) => GuidedError::Incident { what },
            Err(error) => error,
        }
    }

    fn lint(&self, act: &Act, product: &Product, root: &Ceremony) -> Result<Vec<Finding>, GuidedError> {
        let tbs = to_be_signed(&product.der)?;
        let not_after = root.certificate.validity().not_after();
        let (tenant, points) = (root.charter.tenant.clone(), root.charter.points.clone());
        let issuer = Issuer::new(root.certificate.clone(), tenant, not_after, points);
        let issuer = issuer.map_err(crate::ceremony::OpenRootError::from)?;
        if product.is_crl {
            let profile = crl_profile(&product.der);
            return Ok(profile
                .map(|profile| lint_crl(&CrlLintInput { tbs, issuer: &issuer, profile: &profile }))
                .unwrap_or_default());
        }
        let (id, signed_by) = match &act.kind {
            ActKind::FoundRoot(_) => (root.charter.profile.clone(), SignedBy::Itself),
            ActKind::SignSubCa(signing) => (signing.profile.to_string(), SignedBy::Issuer(&issuer)),
            kind => return Err(GuidedError::UnknownAct { number: act.number, kind: kind.name() }),
        };
        let profile = root
            .profiles
            .certificate(&id)
            .ok_or_else(|| GuidedError::NotAsReviewed { what: format!("there is no profile {id}") })?;
        let input = LintInput { tbs, profile, signed_by, now: self.file.held() };
        Ok(policies::lint::linter().lint(&input))
    }

    /// Files that go with what was signed: the key that responses are verified with, the response to a request.
    fn companions(&mut self, act: &Act) -> Result<Vec<(FileName, Vec<u8>)>, GuidedError> {
        match &act.kind {
            ActKind::FoundRoot(founding) => {
                let root = self.root(self.plan(&founding.root)?, self.held())?;
                let key = root.charter.exchange_key.clone();
                self.key_made(&founding.root, RootKey::Exchange, &key)?;
                let name = format!("{}-exchange-key.pem", founding.root);
                Ok(vec![(name.try_into()?, armour("PUBLIC KEY", key.spki_der())?.into_bytes())])
            }
            ActKind::SignSubCa(signing) => {
                let log = ExchangeLog::open(&self.scene.root(&signing.root));
                let response = log.response_to(&self.request(&signing.request)?)?.unwrap_or_default();
                let name = format!("{}.response", stem(&signing.request));
                Ok(vec![(name.try_into()?, response.into_bytes())])
            }
            _ => Ok(Vec::new()),
        }
    }
}

fn named(name: &FileName, octets: &[u8]) -> NamedFingerprint {
    NamedFingerprint { name: format!("outputs/{name}"), sha256: Fingerprint::of(octets) }
}

/// The profile that a CRL of an offline CA has by its times.
fn crl_profile(der: &[u8]) -> Option<CrlProfile> {
    let crl = ParsedCrl::from_der(der).ok()?;
    let (this_update, next_update) = crl.tbs().period().ok()?;
    let seconds = next_update.seconds().saturating_sub(this_update.seconds());
    CrlProfile::offline(seconds, seconds / 2).ok()
}
