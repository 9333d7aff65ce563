//! step-ca: its tables `x509_certs` and `revoked_x509_certs` in PostgreSQL or `MySQL`, joined and exported as CSV.
//!
//! The tables have keys and values in octets. `certificate` is a value of the first, DER; `revocation` a value of the second, the JSON of
//! `RevokedCertificateInfo` in step-ca's `db`, of which `ReasonCode` and `RevokedAt` are read. What step-ca keeps in files of
//! its own, Badger or `BoltDB`, is not read.

use std::io::Read;

use serde::Deserialize;

use crate::list::{List, Revoked, Row, Said, VALUE, reason_numbered};
use crate::read_error::ReadError;
use crate::table::{Fields, read as read_table};
use crate::{moment, octets};

#[derive(Deserialize)]
struct RevokedCertificateInfo {
    #[serde(rename = "ReasonCode")]
    reason_code: i64,
    #[serde(rename = "RevokedAt")]
    revoked_at: String,
}

pub(crate) fn read(file: impl Read) -> Result<List, ReadError> {
    read_table(file, &["certificate", "revocation"], row)
}

fn row(fields: &Fields<'_>, place: &str) -> Result<Row, Said> {
    let certificate = octets::of_text(fields.needed("certificate")?)?;
    let revoked = fields.of("revocation").map(revocation).transpose()?;
    Ok(Row { place: place.to_owned(), certificate, revoked })
}

fn revocation(text: &str) -> Result<Revoked, Said> {
    let info: RevokedCertificateInfo = serde_json::from_str(text)
        .map_err(|error| Said::new(VALUE, format!("the revocation is not that of step-ca: {error}")))?;
    let at = moment::written(&info.revoked_at)?;
    Ok(Revoked { at, reason: reason_numbered(info.reason_code)?, invalidity_date: None })
}

#[cfg(test)]
mod tests {
    use ca_core::reason::ReasonCode;

    use super::*;
    use crate::samples::certificate;

    #[test]
    fn reads_the_join_of_both_tables() {
        let digits = |number: u8| format!("\\x{}", hex::encode(certificate(&[number], "a")));
        let info = r#"{""Serial"":""2"",""ProvisionerID"":""admin"",""ReasonCode"":5,""Reason"":""gone"",""RevokedAt"":""2026-11-21T00:00:00.25Z"",""TokenID"":"""",""MTLS"":true,""ACME"":false}"#;
        let text = format!(
            "serial,certificate,revocation\n1,{},\n2,{},\"{info}\"\n3,{},{{}}\n",
            digits(1),
            digits(2),
            digits(3)
        );
        let list = read(text.as_bytes()).unwrap();
        let reasons: Vec<_> = list.rows.iter().map(|row| row.revoked.map(|one| one.reason)).collect();
        assert_eq!(reasons, [None, Some(ReasonCode::CessationOfOperation)]);
        assert_eq!(list.faults.first().map(|fault| fault.code), Some(VALUE));
    }
}
