//! What can be wrong with a profile, in one sentence each.

/// What is wrong with a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileFault {
    /// The name is malformed.
    #[error("a profile is named by 1 to 64 of the characters a-z, 0-9 and -")]
    Id,
    /// The version is 0.
    #[error("versions count from 1")]
    Version,
    /// The keyUsage bits are not one of the four combinations of DLMS.
    #[error("key usage is digitalSignature, keyAgreement, both, or keyCertSign with cRLSign")]
    KeyUsage,
    /// cA and keyCertSign do not go together.
    #[error("a path length belongs to keyCertSign and to nothing else")]
    BasicConstraints,
    /// A CA outside the authority hierarchy, or an end entity inside it.
    #[error("CAs, and only CAs, belong to the hierarchy `authority`")]
    Hierarchy,
    /// A CA without a distinguished name of at most 127 octets.
    #[error("a CA is named by a distinguished name of at most 127 octets")]
    AuthorityName,
    /// An issuing window on an end entity.
    #[error("only a CA has an issuing window")]
    IssuingWindow,
    /// id-pkix-ocsp-nocheck without OCSPSigning, or the reverse.
    #[error("OCSPSigning and ocsp-nocheck go together")]
    OcspNoCheck,
    /// digitalSignature with keyAgreement, but no extended key usage.
    #[error("digitalSignature with keyAgreement needs an extended key usage")]
    ExtendedKeyUsageMissing,
    /// Empty, doubled, anyExtendedKeyUsage, or at odds with keyUsage.
    #[error("the extended key usage is empty, doubled, or does not fit the key usage")]
    ExtendedKeyUsage,
    /// An empty subject without a hardwareModuleName.
    #[error("an empty subject needs a hardwareModuleName")]
    NoName,
    /// A hardwareModuleName where no system title is.
    #[error("a hardwareModuleName belongs to subjects that are system titles")]
    HardwareModuleWithoutTitle,
    /// Lengths out of order, or notBefore more than an hour back.
    #[error("validity lengths are positive and in order, and notBefore lies at most an hour back")]
    Validity,
    /// A renewal window of no length, or longer than the validity it lies in.
    #[error("a renewal window is positive and no longer than the validity")]
    RenewalWindow,
    /// A spread that leaves less than half of the renewal window, or one of a window that is always open.
    #[error(
        "a renewal spread leaves at least half of the renewal window, which must not be open at any time"
    )]
    RenewalSpread,
    /// No renewal at all.
    #[error("a certificate may be renewed at least once; whoever may not renew is given no door for it")]
    RenewalLimit,
    /// Approval by operators of what a ceremony makes.
    #[error("the quorum of a ceremony approves certificates of CAs, not the operators of a server")]
    ApprovalOfAuthority,
    /// cRLDistributionPoints or authorityInfoAccess on what meters load.
    #[error(
        "a meter-facing certificate carries no CRL distribution point and no authority information access"
    )]
    PointersOnMeterFacing,
    /// A critical extended key usage on what meters load.
    #[error("a meter-facing certificate has no critical extended key usage")]
    CriticalExtendedKeyUsage,
    /// The longest certificate is below 300 or above 4096 octets.
    #[error("the longest certificate is 300 to 4096 octets, not {octets}")]
    MaxOctets {
        /// What was asked for.
        octets: u16,
    },
    /// Short-lived for long, of a CA, or with pointers.
    #[error(
        "a short-lived certificate is an end entity's, valid for at most 7 days, and has no pointers to CRLs that do not list it"
    )]
    ShortLived,
    /// CRL times out of order.
    #[error(
        "a CRL is replaced after at least 60 seconds and at most half its validity, which is at most 10 days, or 366 for an offline key"
    )]
    CrlTimes,
    /// Delta CRL times out of range.
    #[error(
        "a delta CRL is replaced after at least 60 seconds and at most half its validity, which is at most that of a complete \
         CRL, and an offline key signs none"
    )]
    DeltaTimes,
    /// OCSP bounds out of range.
    #[error("OCSP answers are valid for 60 seconds to 10 days and cover 1 to 64 certificates")]
    OcspTimes,
    /// Expired certificates are answered for no days or for more than a century.
    #[error("expired certificates are answered for 1 to 36525 days, or for ever when nothing is said")]
    OcspArchive,
}
