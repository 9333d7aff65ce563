//! Certificates between CAs that are each other's peers: links between two generations of a root, and cross-certificates.

use std::fs;

use ceremony::file::act::{Act, CrossCertificate};
use ceremony::file::root::RootName;

use super::super::error::GuidedError;
use super::{Stage, behind};
use crate::ceremony::cross::{self, CrossCandidate, CrossWish};
use crate::ceremony::link::{self, LinkWish};

impl Stage<'_, '_> {
    /// One root certifies the other (RFC 9810 §4.4).
    pub(super) fn link(&mut self, act: &Act, by: &RootName, other: &RootName) -> Result<(), GuidedError> {
        if self.products(act)?.iter().any(|product| product.is_by(by)) {
            return Ok(());
        }
        let plan = self.plan(by)?;
        let earlier = self.earlier()?;
        let other = self.scene.root(other).join("public/root.crt");
        let ceremony = self.root(plan, self.held())?;
        let opened = self.open_keys(plan, &ceremony)?;
        let out = self.scratch("link")?;
        by.as_str().clone_into(&mut self.signing);
        self.watch(act, &earlier, |gate| {
            link::sign(&ceremony, &LinkWish { other, digest: None, out, secrets: behind(opened, gate) })
        })??;
        Ok(())
    }

    /// Certifies a CA of somebody else: by its request, or by the certificate that it signed for itself.
    pub(super) fn cross_certify(&mut self, act: &Act, wish: &CrossCertificate) -> Result<(), GuidedError> {
        if !self.products(act)?.is_empty() {
            return Ok(());
        }
        let plan = self.plan(&wish.root)?;
        let earlier = self.earlier()?;
        let file = self.scene.inputs().join(wish.request.name.as_str());
        let text = fs::read(&file).map_err(super::unreadable(&file))?;
        let is_certificate = text.starts_with(b"-----BEGIN CERTIFICATE-----");
        let candidate =
            if is_certificate { CrossCandidate::Root(file) } else { CrossCandidate::Request(file) };
        let suffix = format!("-{}", plan.suite.suffix());
        let profile = wish.profile.as_str();
        let profile = profile.strip_suffix(&suffix).unwrap_or(profile).to_owned();
        let ceremony = self.root(plan, self.held())?;
        let opened = self.open_keys(plan, &ceremony)?;
        let out = self.scratch("cross")?;
        self.watch(act, &earlier, |gate| {
            let secrets = behind(opened, gate);
            cross::certify(&ceremony, &CrossWish { candidate, digest: None, profile, out, secrets })
        })??;
        Ok(())
    }
}
