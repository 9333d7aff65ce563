//! The directory of certificates: each under the name that says device and purpose, whole or not there. What is there is done.

use std::io;
use std::path::{Path, PathBuf};

use ca_core::certificate::Certificate;
use ca_core::csr::CertificationRequest;
use ca_core::public_key::PublicKey;
use der::pem::LineEnding;

use super::aside;
use super::names::Wish;
use crate::exit::{Exit, Failure};

/// On how many threads a group is written: each waits for the disk most of the time, which takes several at once as one.
const WRITERS: usize = 8;

/// Where certificates are written.
pub(crate) struct Results {
    directory: PathBuf,
}

/// A certificate to be written.
pub(crate) struct Made {
    pub(crate) wish: Wish,
    pub(crate) der: Vec<u8>,
}

/// What there is already for a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Before {
    Nothing,
    /// Its certificate.
    Done,
    /// Something else, which is not written over.
    Other(&'static str),
}

impl Results {
    /// Opens the directory, which is made when absent.
    pub(crate) fn open(directory: &Path, requests: &Path) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| {
            Failure::new(Exit::Usage, "out.unusable", format!("{}: {error}", directory.display()))
        };
        std::fs::create_dir_all(directory).map_err(|error| failed(&error))?;
        let same = directory.canonicalize().ok() == requests.canonicalize().ok();
        if same {
            return Err(failed(&"requests and certificates lie in different directories"));
        }
        Ok(Self { directory: directory.to_path_buf() })
    }

    /// Returns the path of a file there.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Tells whether a request was answered in a run before.
    pub(crate) fn before(&self, wish: &Wish, request: &CertificationRequest) -> io::Result<Before> {
        let text = match std::fs::read(self.path(&wish.result_name())) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Before::Nothing),
            Err(error) => return Err(error),
        };
        let read = der::pem::decode_vec(&text).ok().filter(|(label, _)| *label == "CERTIFICATE");
        let certificate = read.and_then(|(_, der)| Certificate::from_der(&der).ok());
        Ok(match certificate {
            Some(certificate) if is_answer(&certificate, wish, request.public_key()) => Before::Done,
            Some(_) => Before::Other("a certificate for another key or device is there already"),
            None => Before::Other("a file that is no certificate is there already"),
        })
    }

    /// Writes a group: all of it lasts when this returns.
    pub(crate) fn write(&self, group: &[Made]) -> io::Result<()> {
        if group.is_empty() {
            return Ok(());
        }
        let share = group.len().div_ceil(WRITERS).max(1);
        let one = |result: &Made| {
            let text = der::pem::encode_string("CERTIFICATE", LineEnding::LF, &result.der)
                .map_err(|error| io::Error::other(error.to_string()))?;
            aside::put(&self.path(&result.wish.result_name()), text.as_bytes())
        };
        let one = &one;
        std::thread::scope(|scope| {
            let writers: Vec<_> = group
                .chunks(share)
                .map(|share| scope.spawn(move || share.iter().try_for_each(one)))
                .collect();
            writers
                .into_iter()
                .try_for_each(|writer| writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })?;
        aside::sync(&self.directory)
    }
}

/// Tells whether a certificate is for this device and key.
pub(crate) fn is_answer(certificate: &Certificate, wish: &Wish, key: &PublicKey) -> bool {
    certificate.system_title().as_ref() == Some(&wish.title) && certificate.public_key() == key
}
