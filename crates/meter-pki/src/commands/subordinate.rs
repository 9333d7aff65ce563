//! `meter-pki ca request` and `ca import`: the online half of the exchange with the offline root.
//!
//! A request file stays open until its response is taken in; then it is renamed, so that no response is taken in twice. Outputs
//! are never written over. What the files are is decided in `ca_core::exchange`.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use ca_core::distinguished_name::DistinguishedName;
use ca_core::exchange::{
    ExchangeNonce, ExpectedResponse, RequestParts, SubordinateRequest, SubordinateResponse,
    certification_request,
};
use ca_core::key_ref::KeyRef;
use ca_core::oid;
use ca_core::ports::{Clock, Signer};
use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use policies::{ProfileSet, Settings};
use serde::Serialize;
use sha2::{Digest, Sha256};
use signer_file::{FileSigner, KeyDirectory, Passphrase, SystemEntropy};
use signer_pkcs11::{Pin, TokenSigner, TokenUri};

use super::printer::Printer;
use crate::cli::{ImportArgs, KeyArgs, RequestArgs};
use crate::compose::SystemClock;
use crate::exit::{Exit, Failure};

/// What a request amounts to.
#[derive(Debug, Serialize)]
struct RequestView {
    file: String,
    sha256: String,
    key: String,
    subject: String,
}

/// What a response brought.
#[derive(Debug, Serialize)]
struct ImportView {
    certificate_file: String,
    root_file: String,
    crl_file: Option<String>,
    key: String,
    subject: String,
}

pub(super) fn request(args: &RequestArgs, printer: &Printer) -> Result<(), Failure> {
    let profiles = ProfileSet::load_embedded(&Settings::default())
        .map_err(|error| Failure::new(Exit::Failed, "profile.faulty", error))?;
    let profile =
        profiles.certificate(&args.profile).filter(|profile| profile.is_authority()).ok_or_else(|| {
            let message = format!("{} is not a profile of authorities", args.profile);
            Failure::new(Exit::Usage, "profile.unknown", message)
                .then("use sub-operational-s1 or one like it")
        })?;
    let subject = DistinguishedName::from_attributes(&[
        (oid::COUNTRY_NAME, &args.country),
        (oid::ORGANIZATION_NAME, &args.organization),
        (oid::COMMON_NAME, &args.common_name),
    ])
    .map_err(|error| Failure::new(Exit::Usage, "subject.unfit", error))?;
    // Looked at before a key is made for nothing.
    refuse_existing(&args.out)?;
    let (signer, public_key) = match &args.renew {
        None => make_key(&args.keys, profile.curve(), &args.common_name)?,
        Some(key) => find_key(&args.keys, key)?,
    };
    let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "exchange.request", error);
    let csr =
        certification_request(&subject, &public_key.key_ref(), &*signer).map_err(|error| failed(&error))?;
    let parts = RequestParts {
        nonce: ExchangeNonce::draw(&SystemEntropy).map_err(|error| failed(&error))?,
        created: SystemClock.now(),
        profile: profile.id().clone(),
        subject: subject.clone(),
        csr,
    };
    let draft = SubordinateRequest::draft(parts).map_err(|error| failed(&error))?;
    let request = draft.sign(&*signer).map_err(|error| failed(&error))?;
    write_new(&args.out, request.to_text().map_err(|error| failed(&error))?.as_bytes())?;
    let view = RequestView {
        file: args.out.display().to_string(),
        sha256: hex::encode(request.digest()),
        key: public_key.key_ref().to_string(),
        subject: subject.to_string(),
    };
    printer.result(&view, |view| {
        vec![
            format!("request for {} is in {}", view.subject, view.file),
            format!("SHA-256, to be compared at the ceremony: {}", view.sha256),
            "keep the file: the response is taken in with it".to_owned(),
        ]
    });
    Ok(())
}

/// Finds a key that is to be certified again.
fn find_key(keys: &KeyArgs, key: &str) -> Result<(Box<dyn Signer>, PublicKey), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::NotFound, "key.missing", error);
    let key = KeyRef::parse(key)
        .ok_or_else(|| Failure::new(Exit::Usage, "key.name", "--renew has 40 hexadecimal digits"))?;
    let signer: Box<dyn Signer> =
        if let (Some(directory), Some(passphrase)) = (&keys.key_directory, &keys.passphrase_file) {
            let passphrase = Passphrase::load(passphrase).map_err(|error| failed(&error))?;
            let directory = KeyDirectory::open(directory).map_err(|error| failed(&error))?;
            let signer = FileSigner::new();
            signer.add(&directory, &key, &passphrase).map_err(|error| failed(&error))?;
            Box::new(signer)
        } else {
            Box::new(open_token(keys)?)
        };
    let public_key = signer.public_key(&key).map_err(|error| failed(&error))?;
    Ok((signer, public_key))
}

fn open_token(keys: &KeyArgs) -> Result<TokenSigner, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "key.not-made", error);
    let uri = keys.token_uri.as_deref().unwrap_or_default();
    let uri = TokenUri::parse(uri).map_err(|error| failed(&error))?;
    let source = uri.pin_source().ok_or_else(|| failed(&"the token URI names no pin-source"))?;
    let pin = Pin::load(source).map_err(|error| failed(&error))?;
    TokenSigner::open(&uri, pin).map_err(|error| failed(&error))
}

/// Makes a key where the arguments say; `label` names it on a token.
pub(super) fn make_key(
    keys: &KeyArgs,
    curve: Curve,
    label: &str,
) -> Result<(Box<dyn Signer>, PublicKey), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "key.not-made", error);
    if let (Some(directory), Some(passphrase)) = (&keys.key_directory, &keys.passphrase_file) {
        let passphrase = Passphrase::load(passphrase).map_err(|error| failed(&error))?;
        let directory = if directory.exists() {
            KeyDirectory::open(directory).map_err(|error| failed(&error))?
        } else {
            KeyDirectory::create(directory).map_err(|error| failed(&error))?
        };
        let public_key = directory.generate(curve, &passphrase).map_err(|error| failed(&error))?;
        let signer = FileSigner::new();
        signer.add(&directory, &public_key.key_ref(), &passphrase).map_err(|error| failed(&error))?;
        return Ok((Box::new(signer), public_key));
    }
    let signer = open_token(keys)?;
    let public_key = signer.generate(curve, label).map_err(|error| failed(&error))?;
    Ok((Box::new(signer), public_key))
}

pub(super) fn import(args: &ImportArgs, printer: &Printer) -> Result<(), Failure> {
    let refused = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Refused, "exchange.response", error)
            .then("compare what the ceremony showed: request SHA-256 and exchange key SHA-256")
    };
    let request = SubordinateRequest::from_text(&read(&args.request)?).map_err(|error| refused(&error))?;
    let response = SubordinateResponse::from_text(&read(&args.response)?).map_err(|error| refused(&error))?;
    // Fingerprints are shown in groups of four digits.
    let digits: String = args.exchange_key.split_whitespace().collect();
    let exchange_key: [u8; 32] =
        hex::decode(digits).ok().and_then(|octets| octets.try_into().ok()).ok_or_else(|| {
            Failure::new(Exit::Usage, "exchange.key", "--exchange-key has 64 hexadecimal digits")
        })?;
    let expected =
        ExpectedResponse { request: &request, exchange_key: &exchange_key, now: SystemClock.now() };
    let accepted = response.verify(&expected).map_err(|error| refused(&error))?;

    let key = accepted.certificate.public_key().key_ref();
    let file = |name: String| args.out.join(name);
    let certificate_file = file(format!("{key}.cer"));
    let root_file = file(format!("{}.cer", accepted.root.public_key().key_ref()));
    let crl_file =
        accepted.crl.as_ref().map(|_| file(format!("{}.crl", accepted.root.public_key().key_ref())));
    write_new(&certificate_file, accepted.certificate.der())?;
    write_same_or_new(&root_file, accepted.root.der())?;
    if let (Some(path), Some(octets)) = (&crl_file, &accepted.crl) {
        write_same_or_new(path, octets)?;
    }
    close(&args.request)?;
    let view = ImportView {
        certificate_file: certificate_file.display().to_string(),
        root_file: root_file.display().to_string(),
        crl_file: crl_file.map(|path| path.display().to_string()),
        key: key.to_string(),
        subject: accepted.certificate.subject().to_string(),
    };
    let root_sha256 = hex::encode(Sha256::digest(accepted.root.der()));
    printer.result(&view, |view| {
        vec![
            format!("certificate of {} is in {}", view.subject, view.certificate_file),
            format!("its root is in {}, SHA-256 {root_sha256}", view.root_file),
            format!(
                "next: add an [[authority]] with certificate_file and path_files to the configuration; its key is {}",
                view.key
            ),
        ]
    });
    Ok(())
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::new(Exit::Usage, "file.unreadable", format!("cannot read {}: {error}", path.display()))
    })
}

/// Renames an answered request, so that it cannot be answered again.
fn close(request: &Path) -> Result<(), Failure> {
    let mut name = request.as_os_str().to_owned();
    name.push(".answered");
    std::fs::rename(request, PathBuf::from(name)).map_err(|error| {
        Failure::new(Exit::Failed, "file.unwritable", format!("{}: {error}", request.display()))
    })
}

pub(super) fn refuse_existing(path: &Path) -> Result<(), Failure> {
    if path.symlink_metadata().is_ok() {
        let message = format!("{} exists, and nothing is written over", path.display());
        return Err(Failure::new(Exit::Conflict, "file.exists", message).then("name another file"));
    }
    Ok(())
}

pub(super) fn write_new(path: &Path, octets: &[u8]) -> Result<(), Failure> {
    refuse_existing(path)?;
    let written = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(octets)?;
        file.sync_all()?;
        let directory =
            path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        File::open(directory)?.sync_all()
    };
    written().map_err(|error| {
        Failure::new(Exit::Failed, "file.unwritable", format!("{}: {error}", path.display()))
    })
}

/// The root comes along with every response: the same octets again are no conflict.
fn write_same_or_new(path: &Path, octets: &[u8]) -> Result<(), Failure> {
    if std::fs::read(path).is_ok_and(|present| present == octets) {
        return Ok(());
    }
    write_new(path, octets)
}
