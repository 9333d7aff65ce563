//! EJBCA: the table `CertificateData` of its database, exported as CSV.
//!
//! Columns by `doc/sql-scripts`: `base64Cert`, `status`, `revocationReason`, `revocationDate` in milliseconds, and `invalidityDate`
//! where the version has it. A status is 20 (active), 21 (told that it ends), 40 (revoked) or 60 (archived, since it expired); others
//! are of certificates that were never in use. Not revoked is -1, and 8 (removeFromCRL) for one that was released from hold.

use std::io::Read;

use crate::list::{List, Revoked, Row, Said, VALUE, reason_numbered};
use crate::read_error::ReadError;
use crate::table::{Fields, read as read_table};
use crate::{moment, octets};

const ACTIVE: [i64; 2] = [20, 21];
const REVOKED: i64 = 40;
const ARCHIVED: i64 = 60;

/// Reasons of what is not revoked: never, and released from hold.
const NOT_REVOKED: [i64; 2] = [-1, 8];

pub(crate) fn read(file: impl Read) -> Result<List, ReadError> {
    let needed = ["base64cert", "status", "revocationreason", "revocationdate"];
    read_table(file, &needed, row)
}

fn row(fields: &Fields<'_>, place: &str) -> Result<Row, Said> {
    let number = |name| {
        let text = fields.needed(name)?;
        text.parse::<i64>().map_err(|_| Said::new(VALUE, format!("{text:?} in {name} is no number")))
    };
    let (status, reason) = (number("status")?, number("revocationreason")?);
    let revoked = match status {
        REVOKED => true,
        ARCHIVED => !NOT_REVOKED.contains(&reason),
        status if ACTIVE.contains(&status) => false,
        other => {
            return Err(Said::new(VALUE, format!("status {other} is of no certificate that was in use")));
        }
    };
    let since = |name| {
        let text = fields.of(name).filter(|text| *text != "-1" && *text != "0");
        text.map(moment::milliseconds).transpose()
    };
    let revoked = if revoked {
        let no_date = || Said::new("migration.missing", "it is revoked and has no revocationDate");
        let (at, invalidity_date) = (since("revocationdate")?.ok_or_else(no_date)?, since("invaliditydate")?);
        Some(Revoked { at, reason: reason_numbered(reason)?, invalidity_date })
    } else {
        None
    };
    let certificate = octets::of_text(fields.needed("base64cert")?)?;
    Ok(Row { place: place.to_owned(), certificate, revoked })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use ca_core::reason::ReasonCode;
    use ca_core::validity::UnixTime;

    use super::*;
    use crate::samples::certificate;

    #[test]
    fn every_status_is_told_apart() {
        let row =
            |number: u8, rest: &str| format!("{},{rest}\n", STANDARD.encode(certificate(&[number], "a")));
        let text = format!(
            "base64Cert,status,revocationReason,revocationDate,invalidityDate\n{}{}{}{}{}{}{}",
            row(1, "20,-1,-1,"),
            row(2, "40,1,1795219200500,1795219100000"),
            row(3, "60,4,1795219200000,NULL"),
            row(4, "60,-1,-1,NULL"),
            row(5, "20,8,1795219200000,-1"),
            row(6, "0,-1,-1,"),
            row(7, "40,1,-1,"),
        );
        let list = read(text.as_bytes()).unwrap();
        let at = UnixTime::from_seconds(1_795_219_200);
        let key =
            Revoked { at, reason: ReasonCode::KeyCompromise, invalidity_date: Some(at.plus_seconds(-100)) };
        let old = Revoked { at, reason: ReasonCode::Superseded, invalidity_date: None };
        let revoked: Vec<_> = list.rows.iter().map(|row| row.revoked).collect();
        assert_eq!(revoked, [None, Some(key), Some(old), None, None]);
        let codes: Vec<_> = list.faults.iter().map(|fault| fault.code).collect();
        assert_eq!(codes, ["migration.value", "migration.missing"]);
    }
}
