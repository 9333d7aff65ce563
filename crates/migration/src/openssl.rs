//! `openssl ca`: its `index.txt`, the certificates in `newcerts`, and `crlnumber`.
//!
//! A line of the index has six fields between tabs: `V`, `R` or `E`; the end of the certificate; when it was revoked, with the reason and
//! perhaps a time behind commas; the serial number; a file name, which is `unknown`; the subject. Reasons are those of `ca.c`:
//! RFC 5280's by name, `holdInstruction` and an object identifier, `keyTime` and `CAkeyTime` and the time since when a key is suspected.

use std::collections::BTreeMap;
use std::path::Path;

use ca_core::reason::ReasonCode;
use ca_core::serial_number::SerialNumber;

use crate::list::{List, Revoked, Row, Said, VALUE, reason_named, serial};
use crate::read_error::ReadError;
use crate::{moment, octets};

/// Reads the index, and the certificates that it names from the directory.
pub(crate) fn read(index: &Path, certificates: &Path) -> Result<List, ReadError> {
    let text = std::fs::read(index).map_err(|cause| ReadError::File { file: index.into(), cause })?;
    let text = String::from_utf8_lossy(&text).into_owned();
    // Names of files are serial numbers in digits that openssl writes large; others may have written them small.
    let entries = std::fs::read_dir(certificates)
        .map_err(|cause| ReadError::File { file: certificates.into(), cause })?;
    let files: BTreeMap<String, std::path::PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| (entry.file_name().to_string_lossy().to_uppercase(), entry.path()))
        .collect();
    let mut list = List::default();
    for (number, line) in (1_u64..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let place = format!("line {number}");
        let read = row(line, &place, &files);
        list.take(place, read);
    }
    list.last_crl_number = last_number(index);
    Ok(list)
}

/// The number before the one that `crlnumber` beside the index has for the next CRL.
fn last_number(index: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(index.with_file_name("crlnumber")).ok()?;
    u64::from_str_radix(text.trim(), 16).ok()?.checked_sub(1)
}

fn row(line: &str, place: &str, files: &BTreeMap<String, std::path::PathBuf>) -> Result<Row, Said> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [status, ends, revoked, number, _file, _subject] = fields.as_slice() else {
        let message =
            format!("a line of the index has six fields between tabs, and this one {}", fields.len());
        return Err(Said::new("migration.row", message));
    };
    moment::asn1(ends)?;
    let revoked = match *status {
        "V" | "E" if revoked.is_empty() => None,
        // What is revoked stays R when it expires.
        "R" => Some(revocation(revoked)?),
        other => return Err(Said::new(VALUE, format!("{other:?} is no status of the index"))),
    };
    let named = SerialNumber::parse(number)
        .map_err(|error| Said::new("migration.serial-number", format!("{number}: {error}")))?;
    let file = files.get(&format!("{}.PEM", number.to_uppercase())).ok_or_else(|| {
        Said::new("migration.certificate-missing", format!("there is no certificate {number}.pem"))
    })?;
    let unreadable =
        |error| Said::new("migration.file", format!("{} cannot be read: {error}", file.display()));
    let certificate = octets::of_file(&std::fs::read(file).map_err(unreadable)?)?;
    let own = serial(&certificate)?;
    if own != named {
        let message = format!("the line is of serial number {named}, and {number}.pem of {own}");
        return Err(Said::new("migration.other-serial", message));
    }
    Ok(Row { place: place.to_owned(), certificate, revoked })
}

/// `261121000000Z`, `261121000000Z,superseded`, `261121000000Z,keyTime,20261120000000Z` or `…,holdInstruction,holdInstructionReject`.
fn revocation(text: &str) -> Result<Revoked, Said> {
    let mut parts = text.splitn(3, ',');
    let at = moment::asn1(parts.next().unwrap_or_default())?;
    let (reason, more) = (parts.next(), parts.next());
    let since = || more.map(moment::asn1).transpose();
    let (reason, invalidity_date) = match reason {
        None => (ReasonCode::Unspecified, None),
        Some("keyTime") => (ReasonCode::KeyCompromise, since()?),
        Some("CAkeyTime") => (ReasonCode::CaCompromise, since()?),
        Some("holdInstruction") => (ReasonCode::CertificateHold, None),
        // openssl calls it so, and writes no reason into the CRL that anybody else knows.
        Some("removeFromCRL") => {
            let message = "removeFromCRL is no reason for which a certificate is revoked";
            return Err(Said::new("migration.reason", message));
        }
        Some(name) => (reason_named(name)?, None),
    };
    Ok(Revoked { at, reason, invalidity_date })
}

#[cfg(test)]
mod tests {
    use ca_core::validity::UnixTime;

    use super::*;
    use crate::samples::{certificate, pem};

    const AT: UnixTime = UnixTime::from_seconds(1_795_219_200);

    #[test]
    fn every_form_of_a_revocation() {
        for (text, reason, invalidity_date) in [
            ("261121000000Z", ReasonCode::Unspecified, None),
            ("261121000000Z,unspecified", ReasonCode::Unspecified, None),
            ("20261121000000Z,superseded", ReasonCode::Superseded, None),
            ("261121000000Z,CACompromise", ReasonCode::CaCompromise, None),
            ("261121000000Z,certificateHold", ReasonCode::CertificateHold, None),
            ("261121000000Z,holdInstruction,holdInstructionReject", ReasonCode::CertificateHold, None),
            (
                "261121000000Z,keyTime,20261120000000Z",
                ReasonCode::KeyCompromise,
                Some(AT.plus_seconds(-86_400)),
            ),
            (
                "261121000000Z,CAkeyTime,20261120000000Z",
                ReasonCode::CaCompromise,
                Some(AT.plus_seconds(-86_400)),
            ),
        ] {
            assert_eq!(revocation(text), Ok(Revoked { at: AT, reason, invalidity_date }), "{text}");
        }
        for text in ["", "yesterday,superseded", "261121000000Z,lost", "261121000000Z,removeFromCRL"] {
            assert!(revocation(text).is_err(), "{text}");
        }
    }

    #[test]
    fn reads_a_directory_and_tells_each_row_that_it_cannot_take() {
        let place = tempfile::tempdir().unwrap();
        let newcerts = place.path().join("newcerts");
        std::fs::create_dir(&newcerts).unwrap();
        for number in [1, 2, 3] {
            let text = format!("Certificate:\n{}", pem(&certificate(&[number], "a")));
            std::fs::write(newcerts.join(format!("0{number}.pem")), text).unwrap();
        }
        std::fs::write(newcerts.join("04.pem"), pem(&certificate(&[9], "a"))).unwrap();
        std::fs::write(newcerts.join("06.pem"), "rubbish").unwrap();
        std::fs::write(place.path().join("crlnumber"), "0A\n").unwrap();
        let index = place.path().join("index.txt");
        let lines = [
            "V\t271121000000Z\t\t01\tunknown\t/CN=a",
            "R\t271121000000Z\t261121000000Z,superseded\t02\tunknown\t/CN=a",
            "E\t251121000000Z\t\t03\tunknown\t/CN=a",
            "V\t271121000000Z\t\t04\tunknown\t/CN=a",
            "V\t271121000000Z\t\t05\tunknown\t/CN=a",
            "V\t271121000000Z\t\t06\tunknown\t/CN=a",
            "V\t271121000000Z",
            "E\t251121000000Z\t241121000000Z\t01\tunknown\t/CN=a",
        ];
        std::fs::write(&index, lines.join("\n")).unwrap();
        let list = read(&index, &newcerts).unwrap();
        assert_eq!(list.rows.len(), 3);
        assert_eq!(list.last_crl_number, Some(9));
        let faults: Vec<_> = list.faults.iter().map(|fault| (fault.place.as_str(), fault.code)).collect();
        assert_eq!(
            faults,
            [
                ("line 4", "migration.other-serial"),
                ("line 5", "migration.certificate-missing"),
                ("line 6", "migration.unreadable"),
                ("line 7", "migration.row"),
                ("line 8", "migration.value"),
            ]
        );
    }
}
