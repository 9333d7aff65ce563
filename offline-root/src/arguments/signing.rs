//! The options of the verbs that sign: sub-CAs, CRLs, links, cross-certificates.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::secrets::SecretArguments;
use super::values::digest;
use crate::ceremony::crl::CrlWish;
use crate::ceremony::crl_series::SeriesWish;
use crate::ceremony::cross::{CrossCandidate, CrossWish};
use crate::ceremony::link::LinkWish;
use crate::ceremony::subordinate::SubordinateWish;
use crate::charter::ProfileChoice;
use crate::stated_time::StatedTime;

#[derive(Debug, Args)]
pub(crate) struct SignSubcaArguments {
    /// The directory of the root
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// The time of the ceremony as the people present agree: RFC 3339, or `now` for that of the machine
    #[arg(long)]
    pub(crate) time: StatedTime,
    /// The request file
    #[arg(long)]
    request: PathBuf,
    /// SHA-256 of the request as people compared it; another request is refused
    #[arg(long, value_name = "HEX", value_parser = digest)]
    request_sha256: Option<[u8; 32]>,
    /// The response file to make
    #[arg(long)]
    out: PathBuf,
    /// The form of the certificate, if it is another than that of the root
    #[arg(long, value_name = "VARIANT")]
    profile_set: Option<String>,
    /// The hwType that goes with --profile-set
    #[arg(long, value_name = "OID", requires = "profile_set")]
    hw_type: Option<String>,
    #[command(flatten)]
    secrets: SecretArguments,
}

#[derive(Debug, Args)]
pub(crate) struct CrlArguments {
    /// The directory of the root
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// From when the CRL speaks: RFC 3339, or `now` for the time of the machine
    #[arg(long)]
    pub(crate) this_update: StatedTime,
    /// By when there will be another one
    #[arg(long)]
    next_update: StatedTime,
    /// The present, if --this-update lies more than a year after what was last recorded
    #[arg(long)]
    time: Option<StatedTime>,
    /// The CRL file to make, in DER
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    secrets: SecretArguments,
}

#[derive(Debug, Args)]
pub(crate) struct CrlSeriesArguments {
    /// The directory of the root
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// The time of the ceremony as the people present agree: RFC 3339, or `now` for that of the machine
    #[arg(long)]
    pub(crate) time: StatedTime,
    /// From when the first CRL speaks
    #[arg(long)]
    first: StatedTime,
    /// From one CRL to the next, in days
    #[arg(long, value_name = "DAYS")]
    every_days: u32,
    /// How long each is valid beyond the beginning of the next, in days
    #[arg(long, value_name = "DAYS")]
    overlap_days: u32,
    /// How many CRLs
    #[arg(long)]
    count: u32,
    /// The directory to make, for the CRLs and series.json
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    secrets: SecretArguments,
}

#[derive(Debug, Args)]
pub(crate) struct LinkArguments {
    /// The directory of the root that signs
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// The time of the ceremony as the people present agree: RFC 3339, or `now` for that of the machine
    #[arg(long)]
    pub(crate) time: StatedTime,
    /// The root certificate of the other generation
    #[arg(long, value_name = "FILE")]
    other: PathBuf,
    /// SHA-256 of that certificate as people compared it; another one is refused
    #[arg(long, value_name = "HEX", value_parser = digest)]
    other_sha256: Option<[u8; 32]>,
    /// The certificate to make, in PEM
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    secrets: SecretArguments,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("candidate").required(true))]
pub(crate) struct CrossCertifyArguments {
    /// The directory of the root
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// The time of the ceremony as the people present agree: RFC 3339, or `now` for that of the machine
    #[arg(long)]
    pub(crate) time: StatedTime,
    /// The certification request (PKCS#10) of the other CA
    #[arg(long, group = "candidate", value_name = "FILE")]
    csr: Option<PathBuf>,
    /// The certificate that the other CA signed for itself
    #[arg(long, group = "candidate", value_name = "FILE")]
    root_certificate: Option<PathBuf>,
    /// SHA-256 of the DER of either as people compared it; another one is refused
    #[arg(long, value_name = "HEX", value_parser = digest)]
    sha256: Option<[u8; 32]>,
    /// The profile, without its suite
    #[arg(long, default_value = "cross")]
    profile: String,
    /// The certificate to make, in PEM
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    secrets: SecretArguments,
}

impl SignSubcaArguments {
    /// Makes a wish of the arguments; `own` are the settings of the root.
    pub(crate) fn into_wish(self, own: &ProfileChoice) -> SubordinateWish {
        let (hw_type, policy_arc) = (self.hw_type, own.policy_arc.clone());
        SubordinateWish {
            request: self.request,
            digest: self.request_sha256,
            out: self.out,
            profiles: self.profile_set.map(|variant| ProfileChoice { variant, hw_type, policy_arc }),
            secrets: self.secrets.into(),
        }
    }
}

impl From<CrlArguments> for CrlWish {
    fn from(arguments: CrlArguments) -> Self {
        let CrlArguments { this_update, next_update, time, out, secrets, .. } = arguments;
        Self { this_update, next_update, time, out, secrets: secrets.into() }
    }
}

impl From<CrlSeriesArguments> for SeriesWish {
    fn from(arguments: CrlSeriesArguments) -> Self {
        let CrlSeriesArguments { first, every_days, overlap_days, count, out, secrets, .. } = arguments;
        Self { first, every_days, overlap_days, count, out, secrets: secrets.into() }
    }
}

impl From<LinkArguments> for LinkWish {
    fn from(arguments: LinkArguments) -> Self {
        let LinkArguments { other, other_sha256, out, secrets, .. } = arguments;
        Self { other, digest: other_sha256, out, secrets: secrets.into() }
    }
}

impl From<CrossCertifyArguments> for CrossWish {
    fn from(arguments: CrossCertifyArguments) -> Self {
        let CrossCertifyArguments { csr, root_certificate, sha256, profile, out, secrets, .. } = arguments;
        // The group makes sure that exactly one of the two is given.
        let candidate = csr.map_or_else(
            || CrossCandidate::Root(root_certificate.unwrap_or_default()),
            CrossCandidate::Request,
        );
        Self { candidate, digest: sha256, profile, out, secrets: secrets.into() }
    }
}
