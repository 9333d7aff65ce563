//! What an act made: found in the ledgers by what the transcript says was drafted, then verified, linted and put among the
//! outputs.

use std::collections::BTreeMap;

use ca_core::certificate::{Certificate, to_be_signed};
use ca_core::crl::parsed::ParsedCrl;
use ca_core::exchange::{ExpectedResponse, SubordinateResponse};
use ca_core::issuer::{Issuer, SignedBy};
use ca_core::lint::crl::{CrlLintInput, lint_crl};
use ca_core::lint::{Finding, LintInput};
use ca_core::octets::Octets;
use ca_core::profile::CrlProfile;
use ca_core::public_key::PublicKey;
use ca_core::scope::CrlScope;
use ca_core::signature::EcdsaSignature;
use ceremony::file::act::{Act, ActKind, CrlPeriod, FileName, RootKey};
use ceremony::file::root::{RootName, RootPlan};
use ceremony::record::{CertificateRecord, Content, CrlStatement, Record};
use ceremony::transcript::NamedFingerprint;
use ceremony::transcript::action::Action;
use ceremony::words::Fingerprint;

use super::super::error::GuidedError;
use super::super::scene::settle;
use super::{Stage, inspected, stem};
use crate::ceremony::link;
use crate::ceremony::{OpenRootError, Root, armour};
use crate::exchange_log::ExchangeLog;
use crate::second_opinion::agrees;

/// What kind of thing a signed object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Certificate,
    Crl,
    /// Signed by the exchange key; it carries a certificate that was drafted and confirmed.
    Response,
}

/// A signed object: DER, of a response its text.
#[derive(Debug, Clone)]
pub(crate) struct Product {
    object: FileName,
    root: RootName,
    form: Form,
    content: Vec<u8>,
}

impl Product {
    /// Tells whether this root signed it.
    pub(super) fn is_by(&self, root: &RootName) -> bool {
        self.root == *root
    }

    /// Tells whether it is a CRL of this period.
    pub(super) fn speaks_for(&self, period: &CrlPeriod) -> bool {
        let Ok(crl) = ParsedCrl::from_der(&self.content) else { return false };
        crl.tbs().period() == Ok((period.this_update, period.next_update))
    }

    /// Returns what goes into the file: PEM of a certificate, DER of a CRL, the text of a response.
    fn octets(&self) -> Result<Vec<u8>, GuidedError> {
        match self.form {
            Form::Certificate => Ok(armour("CERTIFICATE", &self.content)?.into_bytes()),
            Form::Crl | Form::Response => Ok(self.content.clone()),
        }
    }

    /// Case R-11: the signature verifies by two implementations, and what it covers is what was drafted.
    fn is_as_drafted(&self, key: &PublicKey, drafted: Option<&Fingerprint>) -> bool {
        let Ok(tbs) = to_be_signed(&self.content) else { return false };
        let signed = self
            .signature()
            .is_some_and(|signature| key.verify(tbs, &signature).is_ok() && agrees(key, tbs, &signature));
        signed && drafted == Some(&Fingerprint::of(tbs))
    }

    fn signature(&self) -> Option<EcdsaSignature> {
        match self.form {
            Form::Certificate => {
                Certificate::from_der(&self.content).ok().map(|read| read.signature().clone())
            }
            Form::Crl => ParsedCrl::from_der(&self.content).ok().map(|read| read.signature().clone()),
            Form::Response => None,
        }
    }
}

impl Stage<'_, '_> {
    /// The last draft of each object of an act.
    fn drafts(&self, act: &Act) -> BTreeMap<FileName, Fingerprint> {
        let actions = self.table.transcript().actions();
        let drafted = actions.filter_map(|(_, action)| {
            let Action::Drafted { act: number, object, to_be_signed, .. } = action else { return None };
            (*number == act.number).then(|| (object.clone(), *to_be_signed))
        });
        drafted.collect()
    }

    /// Finds what an act made, so far.
    pub(super) fn products(&self, act: &Act) -> Result<Vec<Product>, GuidedError> {
        let drafts = self.drafts(act);
        let mut products = Vec::new();
        for root in act.kind.roots() {
            let Some(ledger) = inspected(&self.scene.root(root))? else { continue };
            let certificates =
                ledger.certificates.into_iter().map(|row| (Form::Certificate, row.certificate));
            let crls = ledger.crls.into_iter().map(|inspected| (Form::Crl, inspected.crl.der));
            for (form, content) in certificates.chain(crls) {
                let Ok(tbs) = to_be_signed(&content) else { continue };
                let sum = Fingerprint::of(tbs);
                if let Some((object, _)) = drafts.iter().find(|(_, drafted)| **drafted == sum) {
                    products.push(Product { object: object.clone(), root: root.clone(), form, content });
                }
            }
        }
        Ok(products)
    }

    /// The same with the response that carries a certificate to where its request came from.
    fn products_with_response(&self, act: &Act) -> Result<Vec<Product>, GuidedError> {
        let mut products = self.products(act)?;
        if let ActKind::SignSubCa(signing) = &act.kind {
            let log = ExchangeLog::open(&self.scene.root(&signing.root));
            let response = log.response_to(&self.request(&signing.request)?)?;
            let object: FileName = format!("{}.response", stem(&signing.request)).try_into()?;
            products.extend(response.map(|text| {
                let (root, content) = (signing.root.clone(), text.into_bytes());
                Product { object, root, form: Form::Response, content }
            }));
        }
        Ok(products)
    }

    /// Writes down what every object was made of, so that others derive it again.
    pub(crate) fn records(&self) -> Result<Vec<Record>, GuidedError> {
        let mut records = Vec::new();
        for act in self.file.acts() {
            let products = self.products_with_response(act)?;
            for product in &products {
                let plan = self.plan(&product.root)?;
                let content = match product.form {
                    Form::Certificate => self.record_of(act, plan, &product.content)?,
                    Form::Crl => Content::Crl(
                        ParsedCrl::from_der(&product.content)
                            .map_err(|cause| cause.to_string())
                            .and_then(|crl| CrlStatement::of(&crl))
                            .map_err(|what| GuidedError::NotAsReviewed { what })?,
                    ),
                    Form::Response => {
                        let certificate = products.iter().find(|other| other.form == Form::Certificate);
                        let certificate = certificate.map(|other| other.object.clone());
                        Content::Response {
                            certificate: certificate.unwrap_or_else(|| product.object.clone()),
                        }
                    }
                };
                let (object, root) = (product.object.clone(), product.root.clone());
                records.push(Record { act: act.number, object, root, content });
            }
        }
        Ok(records)
    }

    fn record_of(&self, act: &Act, plan: &RootPlan, der: &[u8]) -> Result<Content, GuidedError> {
        let certificate = Certificate::from_der(der)?;
        let root = self.known(plan)?;
        let itself = matches!(act.kind, ActKind::FoundRoot(_));
        let issuer = if itself { None } else { Some(&root.certificate) };
        let profile = profile_of(act, &root)?;
        Ok(Content::Certificate(Box::new(CertificateRecord::of(&certificate, &profile, plan, issuer))))
    }

    /// Verifies, lints and writes what an act made, and ends the act.
    pub(super) fn deliver(&mut self, act: &Act) -> Result<(), GuidedError> {
        let (products, drafts) = (self.products_with_response(act)?, self.drafts(act));
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
        self.once(signed, vec![output.clone()])?;
        let root = self.known(self.plan(&product.root)?)?;
        if !self.verifies(act, product, drafted, &root)? {
            return Err(self.incident(format!("{object} is not what was drafted, or its signature is none")));
        }
        self.once(Action::Verified { act: number, object: object.clone() }, Vec::new())?;
        let lints: Vec<String> = self.lint(act, product, &root)?.iter().map(ToString::to_string).collect();
        self.once(
            Action::LintAfter { act: number, object: object.clone(), lints: lints.clone() },
            Vec::new(),
        )?;
        if !lints.is_empty() {
            return Err(self.incident(format!("{object} breaks rules: {}", lints.join("; "))));
        }
        settle(&self.scene.outputs().join(object.as_str()), &octets)?;
        self.say_where(&object, &output.sha256)?;
        Ok(output)
    }

    /// Records a step, unless it stands in the transcript already.
    fn once(&mut self, action: Action, outputs: Vec<NamedFingerprint>) -> Result<(), GuidedError> {
        if self.table.did(|done| *done == action) {
            return Ok(());
        }
        self.table.record_with(action, Vec::new(), outputs)
    }

    fn verifies(
        &self,
        act: &Act,
        product: &Product,
        drafted: Option<&Fingerprint>,
        root: &Root,
    ) -> Result<bool, GuidedError> {
        let ActKind::SignSubCa(signing) = &act.kind else {
            return Ok(product.is_as_drafted(root.certificate.public_key(), drafted));
        };
        if product.form != Form::Response {
            return Ok(product.is_as_drafted(root.certificate.public_key(), drafted));
        }
        let request = self.request(&signing.request)?;
        let exchange_key = root.charter.exchange_key.fingerprint();
        let expected =
            ExpectedResponse { request: &request, exchange_key: &exchange_key, now: self.file.held() };
        let text = String::from_utf8_lossy(&product.content);
        let read = SubordinateResponse::from_text(&text);
        Ok(read.is_ok_and(|response| response.verify(&expected).is_ok()))
    }

    fn say_where(&mut self, object: &FileName, sha256: &Fingerprint) -> Result<(), GuidedError> {
        let words = sha256.words();
        let last = words.get(words.len().saturating_sub(4)..).unwrap_or_default().join(" ");
        self.table.show(&format!(
            "  {object} is signed, verified, linted and read back.\n  SHA-256 {}\n  Witnesses write down its last words: {last}",
            sha256.grouped()
        ))
    }

    fn lint(&self, act: &Act, product: &Product, root: &Root) -> Result<Vec<Finding>, GuidedError> {
        if product.form == Form::Response {
            // Its certificate is an object of its own.
            return Ok(Vec::new());
        }
        let tbs = to_be_signed(&product.content)?;
        let not_after = root.certificate.validity().not_after();
        let (tenant, points) = (root.charter.tenant.clone(), root.charter.points.clone());
        let issuer = Issuer::new(root.certificate.clone(), tenant, not_after, points);
        let issuer = issuer.map_err(OpenRootError::from)?;
        if product.form == Form::Crl {
            let tbs = Octets::from(tbs.to_vec());
            let linted = |profile: CrlProfile| {
                lint_crl(&CrlLintInput {
                    tbs: &tbs,
                    issuer: &issuer,
                    profile: &profile,
                    scope: &CrlScope::All,
                    base: None,
                })
            };
            return Ok(crl_profile(&product.content).map(linted).unwrap_or_default());
        }
        let id = profile_of(act, root)?;
        let itself = matches!(act.kind, ActKind::FoundRoot(_));
        let signed_by = if itself { SignedBy::Itself } else { SignedBy::Issuer(&issuer) };
        let profile = root.profiles.certificate(&id);
        let profile = profile
            .ok_or_else(|| GuidedError::NotAsReviewed { what: format!("there is no profile {id}") })?;
        // A link is valid for as long as the certificates that it joins.
        let validity = Certificate::from_der(&product.content)?.validity();
        let bound = profile.bound_to(validity);
        let profile = bound.as_ref().unwrap_or(profile);
        let input = LintInput { tbs, profile, signed_by, now: self.file.held(), shard: None };
        Ok(policies::lint::linter().lint(&input))
    }

    /// What goes with a root: the key that responses are verified with.
    fn companions(&mut self, act: &Act) -> Result<Vec<(FileName, Vec<u8>)>, GuidedError> {
        let ActKind::FoundRoot(founding) = &act.kind else { return Ok(Vec::new()) };
        let root = self.known(self.plan(&founding.root)?)?;
        let key = root.charter.exchange_key;
        self.key_made(&founding.root, RootKey::Exchange, &key)?;
        let name = format!("{}-exchange-key.pem", founding.root);
        Ok(vec![(name.try_into()?, armour("PUBLIC KEY", key.spki_der())?.into_bytes())])
    }
}

/// The profile of the certificate that an act makes.
fn profile_of(act: &Act, root: &Root) -> Result<String, GuidedError> {
    match &act.kind {
        ActKind::FoundRoot(_) => Ok(root.charter.profile.clone()),
        ActKind::SignSubCa(signing) => Ok(signing.profile.to_string()),
        ActKind::CrossCertificate(signing) => Ok(signing.profile.to_string()),
        ActKind::LinkCertificates(_) => Ok(format!("{}-{}", link::PROFILE, root.charter.suite.suffix())),
        ActKind::Crl(_)
        | ActKind::CrlSeries(_)
        | ActKind::Revoke(_)
        | ActKind::CloseSubCa(_)
        | ActKind::DestroyKey(_) => {
            Err(GuidedError::UnknownAct { number: act.number, kind: act.kind.name() })
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
