//! The life of a sub-CA: signed, renewed or re-keyed by its request, revoked.

use std::fs;

use ca_core::certificate::Certificate;
use ca_core::exchange::SubordinateRequest;
use ca_core::ports::StatusSource;
use ca_core::record::{CertificateId, CertificateStatus, StoredCertificate};
use ceremony::file::act::{Act, InputFile, Revoke, SignSubCa, Succession};
use ceremony::file::root::RootPlan;
use ceremony::transcript::action::Action;

use super::super::error::GuidedError;
use super::super::objects::{Earlier, Predecessor};
use super::super::scene::unreadable;
use super::{Stage, behind, inspected};
use crate::ceremony::revocation::{self, RevocationWish};
use crate::ceremony::subordinate::{self, SignSubordinateError, SubordinateWish};
use crate::exchange_log::ExchangeLog;
use crate::stated_time::StatedTime;

impl Stage<'_, '_> {
    pub(super) fn sign_subordinate(&mut self, act: &Act, signing: &SignSubCa) -> Result<(), GuidedError> {
        let plan = self.plan(&signing.root)?;
        let request = self.request(&signing.request)?;
        if *request.profile() != signing.profile {
            let (found, meant) = (request.profile(), &signing.profile);
            return Err(GuidedError::NotAsReviewed {
                what: format!(
                    "{} asks for the profile {found}, and {meant} was reviewed",
                    signing.request.name
                ),
            });
        }
        let log = ExchangeLog::open(&self.scene.root(&plan.name));
        if log.response_to(&request)?.is_some() && !self.products(act)?.is_empty() {
            return Ok(());
        }
        let predecessor = self.predecessor(plan, signing, &request)?;
        let earlier = Earlier { predecessor, ..self.earlier()? };
        let ceremony = self.root(plan, self.held())?;
        let opened = self.open_keys(plan, &ceremony)?;
        let (request, out) =
            (self.scene.inputs().join(signing.request.name.as_str()), self.scratch("response")?);
        self.watch(act, &earlier, |gate| {
            let secrets = behind(opened, gate);
            subordinate::sign(
                &ceremony,
                &SubordinateWish { request, digest: None, out, profiles: None, secrets },
            )
        })??;
        Ok(())
    }

    /// Finds the certificate that the ceremony file says is renewed or re-keyed: a good one of this root, for the name and, where
    /// it is renewed, the key of the request.
    fn predecessor(
        &self,
        plan: &RootPlan,
        signing: &SignSubCa,
        request: &SubordinateRequest,
    ) -> Result<Option<Predecessor>, GuidedError> {
        let (how, serial, same_key) = match &signing.succession {
            Succession::First => return Ok(None),
            Succession::Renews(serial) => ("Renews", serial, true),
            Succession::Rekeys(serial) => ("Rekeys", serial, false),
        };
        let refuse = |what: &str| {
            let name = &signing.request.name;
            Err(GuidedError::NotAsReviewed {
                what: format!("{name} follows the certificate {serial}: {what}"),
            })
        };
        let ledger = inspected(&self.scene.root(&plan.name))?;
        let rows = ledger.into_iter().flat_map(|ledger| ledger.certificates);
        let mut good = rows.filter(|row| row.id.serial == *serial && row.status == CertificateStatus::Good);
        let Some(row) = good.next() else { return refuse("the root has issued no good one of this number") };
        let certificate = Certificate::from_der(&row.certificate)?;
        if certificate.subject() != request.subject() {
            return refuse("it is for another name");
        }
        match (certificate.public_key() == request.csr().public_key(), same_key) {
            (false, true) => refuse("the request is for another key, so it is not renewed"),
            (true, false) => refuse("the request is for the same key, so it is not re-keyed"),
            _ => Ok(Some(Predecessor { how, certificate })),
        }
    }

    /// A response carries what people confirmed in this act. Within a day the root answers the same request with the
    /// certificate that it gave before; that is not what a ceremony is held for.
    pub(super) fn see_response(&mut self, act: &Act) -> Result<(), GuidedError> {
        if self
            .table
            .did(|action| matches!(action, Action::Confirmed { act: number, .. } if *number == act.number))
        {
            return self.table.show("  The exchange key signs the response.");
        }
        Err(GuidedError::NotAsReviewed {
            what: "this key has a certificate under this profile that is less than a day old, and would be given that one again".to_owned(),
        })
    }

    /// Reads a request among the inputs.
    pub(super) fn request(&self, input: &InputFile) -> Result<SubordinateRequest, GuidedError> {
        let path = self.scene.inputs().join(input.name.as_str());
        let text = fs::read_to_string(&path).map_err(unreadable(&path))?;
        Ok(SubordinateRequest::from_text(&text).map_err(SignSubordinateError::from)?)
    }

    /// Needs no key: the next CRL says so.
    pub(super) fn revoke(&mut self, act: &Act, wish: &Revoke) -> Result<(), GuidedError> {
        let ceremony = self.root(self.plan(&wish.root)?, self.held())?;
        let (number, serial, reason) = (act.number, wish.serial.to_string(), wish.reason.name().to_owned());
        if self.table.did(|action| matches!(action, Action::Revoked { act, .. } if *act == number)) {
            return Ok(());
        }
        let id = CertificateId {
            issuer: ceremony.certificate.public_key().key_ref(),
            serial: wish.serial.clone(),
        };
        let row = ceremony.ledger.certificate(&id)?;
        let subject = row.as_ref().map(|row| row.subject.clone()).unwrap_or_default();
        self.table.show(&format!("  The root {} revokes {serial}, {subject}: {reason}", wish.root))?;
        self.table.agree(&[])?;
        let done = |row: StoredCertificate| matches!(row.status, CertificateStatus::Revoked(revocation) if revocation.reason == wish.reason);
        if !row.is_some_and(done) {
            revocation::revoke(
                &ceremony,
                &RevocationWish {
                    serial: wish.serial.clone(),
                    reason: wish.reason,
                    invalidity_date: wish.invalidity_date.map(StatedTime::at),
                },
            )?;
        }
        self.table.record(Action::Revoked { act: number, root: wish.root.clone(), serial, reason })
    }
}
