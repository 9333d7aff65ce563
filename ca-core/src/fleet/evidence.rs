//! What is kept of a device whose certificates were swapped: which, when, how it is known, and which audit records prove it.

use super::campaign::Goal;
use super::swap::{Passed, Proof, Swap};
use crate::profile::KeyPurpose;
use crate::record::CertificateId;
use crate::system_title::SystemTitle;
use crate::validity::UnixTime;

/// What was done to one device by one campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The device.
    pub title: SystemTitle,
    /// The campaign.
    pub campaign: [u8; 32],
    /// What it was for.
    pub goal: Goal,
    /// When the last of its certificates was in use.
    pub finished_at: UnixTime,
    /// The number of the audit record that tells of it.
    pub record: u64,
    /// The number of the audit record by which its factory certificates were superseded, if this campaign did that.
    pub factory_record: Option<u64>,
    /// Each certificate.
    pub certificates: Vec<SwappedCertificate>,
}

/// A certificate that a device took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwappedCertificate {
    /// Its type.
    pub purpose: KeyPurpose,
    /// Which.
    pub certificate: CertificateId,
    /// SHA-256 of its DER.
    pub digest: [u8; 32],
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub key: [u8; 32],
    /// How it is known that the device holds it.
    pub proof: Proof,
    /// Which stages its swap came to.
    pub passed: Vec<Passed>,
}

impl SwappedCertificate {
    /// Takes it from a swap that is complete.
    #[must_use]
    pub fn of(swap: &Swap) -> Option<Self> {
        let super::swap::Stage::Activated { made, proof } = &swap.stage else { return None };
        Some(Self {
            purpose: swap.purpose,
            certificate: made.certificate.clone(),
            digest: made.digest,
            key: made.asked.key,
            proof: *proof,
            passed: swap.passed.clone(),
        })
    }
}
