//! `crl-series`: signs the root's CRLs for the coming periods in one session, each to be released when its time comes.
//!
//! The CRLs and `series.json`, which lists them with their SHA-256, go into a new directory; the list is written last. Every
//! number is above those before. A revocation later is on none of them: the CRL that is signed then has a higher number than
//! all, and what is left of the series is never released. RFC 5280 §5.2.3.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use ca_core::validity::UnixTime;
use serde::{Deserialize, Serialize};

use super::Ceremony;
use super::crl::{SERIES_LIMIT, SignCrlError, check_present, kept, made_obsolete, profile, tell_obsolete};
use crate::fingerprint;
use crate::keys::SecretSource;
use crate::ledger_file::KeptCrl;
use crate::new_file::{self, Readers};
use crate::stated_time::StatedTime;

/// The name of the list in the directory.
const LIST: &str = "series.json";

/// The one version of its format.
const FORMAT: u8 = 1;

const DAY: i64 = 86_400;

/// What is asked for. The time that the ceremony was opened with is the present.
#[derive(Debug, Clone)]
pub(crate) struct SeriesWish {
    /// thisUpdate of the first CRL.
    pub(crate) first: StatedTime,
    /// From one thisUpdate to the next.
    pub(crate) every_days: u32,
    /// How long a CRL is valid beyond the thisUpdate of the next one.
    pub(crate) overlap_days: u32,
    /// How many.
    pub(crate) count: u32,
    /// The directory to be made.
    pub(crate) out: PathBuf,
    pub(crate) secrets: SecretSource,
}

/// What was made, as it stands in `series.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignedSeries {
    pub(crate) format: u8,
    pub(crate) issuer: String,
    /// The key identifier of the root, by which its generations are told apart.
    pub(crate) issuer_key: String,
    pub(crate) signed_at: String,
    pub(crate) crls: Vec<SeriesMember>,
    /// The numbers of CRLs signed ahead before that never come into force.
    pub(crate) obsolete_crls: Vec<u64>,
}

/// A CRL of the series.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeriesMember {
    /// Its file, beside the list.
    pub(crate) file: String,
    pub(crate) sha256: String,
    pub(crate) number: u64,
    pub(crate) this_update: String,
    pub(crate) next_update: String,
    /// Before that it is not to be published: relying parties would refuse it, or wait for no other.
    pub(crate) release: String,
    pub(crate) entries: u64,
}

impl SignedSeries {
    /// Reads a list in the one form in which lists are written.
    pub(crate) fn read(octets: &[u8]) -> Option<Self> {
        let series: Self = serde_json::from_slice(octets).ok()?;
        (series.list().ok()?.as_bytes() == octets).then_some(series)
    }

    fn list(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

impl fmt::Display for SignedSeries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} CRLs are signed.", self.crls.len())?;
        writeln!(f, "  Issuer  {}", self.issuer)?;
        for crl in &self.crls {
            let SeriesMember { file, number, release, next_update, sha256, .. } = crl;
            writeln!(f, "  {file}  number {number}, from {release} to {next_update}")?;
            writeln!(f, "    SHA-256  {}", fingerprint::grouped(sha256))?;
        }
        tell_obsolete(f, &self.obsolete_crls)?;
        write!(
            f,
            "Next: release each on its day; after a revocation none of them, but a new CRL and a new series"
        )
    }
}

/// Signs a series.
pub(crate) fn sign(ceremony: &Ceremony, wish: &SeriesWish) -> Result<SignedSeries, SignCrlError> {
    new_file::check_free(&wish.out)?;
    let times = times(ceremony, wish)?;
    let (first, seconds) = (wish.first.time(), wish.every_seconds() + wish.overlap_seconds());
    let profile = profile(ceremony, first, first.plus_seconds(seconds))?;
    check_present(ceremony)?;
    let keys = Arc::new(ceremony.unlock(&[], &wish.secrets)?);
    let authority = ceremony.authority(keys, profile, &ceremony.profiles)?;
    let obsolete_crls = made_obsolete(ceremony, first);
    let actor = ceremony.actor();
    let mut crls = Vec::with_capacity(times.len());
    for this_update in times {
        crls.push(kept(authority.issue_crl_ahead(&actor, this_update)?)?);
    }
    let series = SignedSeries {
        format: FORMAT,
        issuer: ceremony.certificate.subject().to_string(),
        issuer_key: ceremony.certificate.public_key().key_ref().to_string(),
        signed_at: ceremony.time.to_string(),
        crls: crls.iter().zip(1..).map(|(crl, place)| member(crl, place)).collect(),
        obsolete_crls,
    };
    write(wish, &series, &crls)?;
    Ok(series)
}

impl SeriesWish {
    fn every_seconds(&self) -> i64 {
        i64::from(self.every_days) * DAY
    }

    fn overlap_seconds(&self) -> i64 {
        i64::from(self.overlap_days) * DAY
    }
}

/// Returns the thisUpdate of each CRL, all of them while the root is valid.
fn times(ceremony: &Ceremony, wish: &SeriesWish) -> Result<Vec<UnixTime>, SignCrlError> {
    let sound = (1..=SERIES_LIMIT).contains(&wish.count) && wish.every_days >= 1 && wish.overlap_days >= 1;
    if !sound {
        return Err(SignCrlError::Series);
    }
    let first = wish.first.time();
    let times: Vec<UnixTime> =
        (0..wish.count).map(|place| first.plus_seconds(i64::from(place) * wish.every_seconds())).collect();
    let not_after = ceremony.certificate.validity().not_after();
    // All or none: what is signed half way would burn numbers for nothing.
    match times.last() {
        Some(last) if *last >= not_after => Err(SignCrlError::BeyondRoot { this_update: *last, not_after }),
        Some(_) | None => Ok(times),
    }
}

fn member(crl: &KeptCrl, place: usize) -> SeriesMember {
    SeriesMember {
        file: format!("crl-{place:02}.crl"),
        sha256: fingerprint::of(&crl.der),
        number: crl.number,
        this_update: crl.this_update.to_string(),
        next_update: crl.next_update.to_string(),
        release: crl.this_update.to_string(),
        entries: crl.entries,
    }
}

/// Writes the CRLs, and last the list of them: a directory without it is unfinished.
fn write(wish: &SeriesWish, series: &SignedSeries, crls: &[KeptCrl]) -> Result<(), SignCrlError> {
    new_file::directory(&wish.out)?;
    for (member, crl) in series.crls.iter().zip(crls) {
        new_file::create(&wish.out.join(&member.file), &crl.der, Readers::Everybody)?;
    }
    Ok(new_file::create(&wish.out.join(LIST), series.list()?.as_bytes(), Readers::Everybody)?)
}
