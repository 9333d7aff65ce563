//! The maker of a simulated fleet: an authority of its own, factory certificates for each meter, and the file that it delivers with them.
//!
//! Everything is made by rcgen, so that the programs that import the delivery judge what others wrote. Its keys are thrown away: nothing
//! is issued later.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::profile::KeyPurpose;
use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use serde::Serialize;

use crate::key::{MeterKey, NoKey, name};
use crate::memory::{Fleet, Kind, Life, MemoryError, MeterLine, Place, meters_file};

/// What a simulated maker makes.
#[derive(Debug, Clone)]
pub struct Maker {
    /// How many meters.
    pub meters: u32,
    /// Of which suite; of both in turn unless given.
    pub suite: Option<SecuritySuite>,
    /// The three letters that its system titles begin with.
    pub flag: [u8; 3],
    /// The name of the batch.
    pub batch: String,
    /// Behind how many data concentrators they will be; 0 says nothing of it.
    pub concentrators: u32,
}

/// A line of `delivery.jsonl`.
#[derive(Serialize)]
struct Delivered {
    system_title: String,
    serial_number: String,
    model: &'static str,
    firmware: &'static str,
    batch: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    concentrator: Option<String>,
    /// Base64 of DER.
    certificates: Vec<String>,
}

/// An authority that signs factory certificates.
struct Authority {
    suite: SecuritySuite,
    issuer: Issuer<'static, KeyPair>,
}

impl Maker {
    /// Makes the fleet in an empty directory: `meters.jsonl`, `memory.jsonl`, `delivery.jsonl`, and of each suite
    /// `maker-root-sN.cer` and `maker-factory-sN.cer`, DER. Tells after each meter how many there are.
    ///
    /// # Errors
    /// [`BornError`].
    pub fn make(&self, directory: &Path, mut told: impl FnMut(u32)) -> Result<(), BornError> {
        fs::create_dir_all(directory)?;
        if fs::read_dir(directory)?.next().is_some() {
            return Err(BornError::NotEmpty);
        }
        let suites = self
            .suite
            .map_or_else(|| vec![SecuritySuite::Suite1, SecuritySuite::Suite2], |suite| vec![suite]);
        let authorities = suites
            .into_iter()
            .map(|suite| Authority::found(directory, suite))
            .collect::<Result<Vec<_>, _>>()?;
        let mut meters = BufWriter::new(File::create(meters_file(directory))?);
        let mut titles = Vec::new();
        for (number, authority) in (0..self.meters).zip(authorities.iter().cycle()) {
            let title = self.title(number, authority.suite);
            write_line(
                &mut meters,
                &MeterLine { system_title: title.to_string(), suite: authority.suite.number() },
            )?;
            titles.push((title, authority));
        }
        meters.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        let fleet = Fleet::open(directory)?;
        let mut delivery = BufWriter::new(File::create(directory.join("delivery.jsonl"))?);
        for (number, (title, authority)) in (0..self.meters).zip(titles) {
            write_line(&mut delivery, &self.bear(&fleet, authority, (number, title))?)?;
            told(number.saturating_add(1));
        }
        delivery.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        Ok(())
    }

    /// The generic layout of a system title: the letters of the maker, and five octets of its own.
    fn title(&self, number: u32, suite: SecuritySuite) -> SystemTitle {
        let ([f, l, g], [a, b, c, d]) = (self.flag, number.to_be_bytes());
        SystemTitle::new([f, l, g, suite.number(), a, b, c, d])
    }

    /// Makes one meter with its three keys.
    fn bear(
        &self,
        fleet: &Fleet,
        authority: &Authority,
        (number, title): (u32, SystemTitle),
    ) -> Result<Delivered, BornError> {
        let mut certificates = Vec::new();
        for purpose in [KeyPurpose::Signature, KeyPurpose::KeyAgreement, KeyPurpose::Tls] {
            let key = MeterKey::generate(authority.suite)?;
            let certificate = authority.certify(&title, purpose, &key)?;
            let place = Place { title, life: Life::Factory, purpose, kind: Kind::Key };
            fleet.keep(place, key.pkcs8())?;
            fleet.keep(Place { kind: Kind::Certificate, ..place }, &certificate)?;
            certificates.push(STANDARD.encode(certificate));
        }
        let concentrator = number.checked_rem(self.concentrators).map(|place| format!("dc-{place}"));
        Ok(Delivered {
            system_title: title.to_string(),
            serial_number: format!("{number:09}"),
            model: "SIM-3",
            firmware: "1.0.0",
            batch: self.batch.clone(),
            concentrator,
            certificates,
        })
    }
}

fn write_line(to: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *to, line)?;
    to.write_all(b"\n")
}

impl Authority {
    /// Makes root and factory authority of a suite, and writes their certificates.
    fn found(directory: &Path, suite: SecuritySuite) -> Result<Self, BornError> {
        let (root_key, key) = (MeterKey::generate(suite)?, MeterKey::generate(suite)?);
        let suffix = suite.suffix();
        let root = authority_params(&format!("Simulated Maker Root {suffix}"), 1)?;
        let root_certificate = root.self_signed(root_key.pair())?;
        let root_issuer = Issuer::from_params(&root, root_key.pair());
        let params = authority_params(&format!("Simulated Maker Factory CA {suffix}"), 0)?;
        let certificate = params.signed_by(key.pair(), &root_issuer)?;
        fs::write(directory.join(format!("maker-root-{suffix}.cer")), root_certificate.der())?;
        fs::write(directory.join(format!("maker-factory-{suffix}.cer")), certificate.der())?;
        Ok(Self { suite, issuer: Issuer::new(params, key.into_pair()) })
    }

    fn certify(&self, title: &SystemTitle, purpose: KeyPurpose, key: &MeterKey) -> Result<Vec<u8>, NoKey> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name = name(&[(DnType::CommonName, &title.to_string())]);
        last_for_ever(&mut params);
        params.use_authority_key_identifier_extension = true;
        (params.key_usages, params.extended_key_usages) = match purpose {
            KeyPurpose::Tls => (
                vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyAgreement],
                vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
            ),
            KeyPurpose::KeyAgreement => (vec![KeyUsagePurpose::KeyAgreement], Vec::new()),
            KeyPurpose::Signature | KeyPurpose::CertificateSigning => {
                (vec![KeyUsagePurpose::DigitalSignature], Vec::new())
            }
        };
        Ok(params.signed_by(key.pair(), &self.issuer)?.der().to_vec())
    }
}

fn authority_params(common_name: &str, path_length: u8) -> Result<CertificateParams, NoKey> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name =
        name(&[(DnType::OrganizationName, "Simulated Maker"), (DnType::CommonName, common_name)]);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    last_for_ever(&mut params);
    params.use_authority_key_identifier_extension = path_length == 0;
    Ok(params)
}

/// RFC 5280 §4.1.2.5: 99991231235959Z says that there is no end that is known.
fn last_for_ever(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(9999, 12, 31) + Duration::from_secs(86_399);
}

/// Why a fleet was not made.
#[derive(Debug, thiserror::Error)]
pub enum BornError {
    /// There is something in the directory.
    #[error("the directory is not empty: a fleet is made in a new one")]
    NotEmpty,
    /// A file cannot be written.
    #[error("a file of the fleet cannot be written: {0}")]
    File(#[from] io::Error),
    /// What was written cannot be read.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// A key or certificate cannot be made.
    #[error("a simulated certificate cannot be made: {0}")]
    Made(#[from] rcgen::Error),
    /// A key cannot be made.
    #[error(transparent)]
    Key(#[from] NoKey),
}
