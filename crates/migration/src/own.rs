//! The form of our own, for whatever has no reader here: CSV with the columns `certificate`, `status`, `revoked_at`, `reason` and
//! `invalidity_date`.
//!
//! A certificate is PEM, base64 or hexadecimal, or the name of a file beside the list after an `@`. A status is `good` or `revoked`.
//! Times are those of RFC 3339, a reason is the name of RFC 5280 §5.3.1. A `serial`, where there is one, must be that of the certificate.

use std::io::Read;
use std::path::Path;

use ca_core::reason::ReasonCode;
use ca_core::serial_number::SerialNumber;

use crate::list::{List, Revoked, Row, Said, VALUE, reason_named, serial};
use crate::read_error::ReadError;
use crate::table::{Fields, read as read_table};
use crate::{moment, octets};

pub(crate) fn read(file: impl Read, beside: &Path) -> Result<List, ReadError> {
    read_table(file, &["certificate", "status"], |fields, place| row(fields, place, beside))
}

fn row(fields: &Fields<'_>, place: &str, beside: &Path) -> Result<Row, Said> {
    let text = fields.needed("certificate")?;
    let certificate = match text.strip_prefix('@') {
        Some(name) => {
            let unreadable = |error| Said::new("migration.file", format!("{name} cannot be read: {error}"));
            octets::of_file(&std::fs::read(beside.join(name)).map_err(unreadable)?)?
        }
        None => octets::of_text(text)?,
    };
    if let Some(named) = fields.of("serial") {
        let named = SerialNumber::parse(named).map_err(|error| Said::new(VALUE, error.to_string()))?;
        let own = serial(&certificate)?;
        if own != named {
            let message = format!("the row is of serial number {named}, and its certificate of {own}");
            return Err(Said::new("migration.other-serial", message));
        }
    }
    let revoked = match fields.needed("status")?.to_lowercase().as_str() {
        "good" => None,
        "revoked" => Some(Revoked {
            at: moment::written(fields.needed("revoked_at")?)?,
            reason: fields.of("reason").map_or(Ok(ReasonCode::Unspecified), reason_named)?,
            invalidity_date: fields.of("invalidity_date").map(moment::written).transpose()?,
        }),
        other => return Err(Said::new(VALUE, format!("{other:?} is no status: good or revoked"))),
    };
    Ok(Row { place: place.to_owned(), certificate, revoked })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::samples::certificate;

    #[test]
    fn reads_good_ones_and_revoked_ones_and_tells_the_others() {
        let text = |number: u8| STANDARD.encode(certificate(&[number], "a"));
        let list = format!(
            "Serial,certificate,status,revoked_at,reason,invalidity_date\n\
             01,{},good,,,\n\
             02,{},revoked,2026-11-21T00:00:00Z,keyCompromise,2026-11-20T00:00:00Z\n\
             03,{},revoked,2026-11-21 00:00:00,,\n\
             05,{},good,,,\n\
             ,{},lost,,,\n\
             ,{},revoked,,,\n\
             ,§,good,,,\n\
             ,,good,,,\n\
             ,@nowhere.pem,good,,,\n",
            text(1),
            text(2),
            text(3),
            text(4),
            text(6),
            text(7),
        );
        let read = read(list.as_bytes(), Path::new("/nonexistent")).unwrap();
        let revoked: Vec<_> = read.rows.iter().map(|row| row.revoked).collect();
        let at = ca_core::validity::UnixTime::from_seconds(1_795_219_200);
        let unspecified = Revoked { at, reason: ReasonCode::Unspecified, invalidity_date: None };
        let key = Revoked {
            reason: ReasonCode::KeyCompromise,
            invalidity_date: Some(at.plus_seconds(-86_400)),
            ..unspecified
        };
        assert_eq!(revoked, [None, Some(key), Some(unspecified)]);
        let faults: Vec<_> = read.faults.iter().map(|fault| (fault.place.as_str(), fault.code)).collect();
        assert_eq!(
            faults,
            [
                ("line 5", "migration.other-serial"),
                ("line 6", "migration.value"),
                ("line 7", "migration.missing"),
                ("line 8", "migration.unreadable"),
                ("line 9", "migration.missing"),
                ("line 10", "migration.file"),
            ]
        );
        assert_eq!(read.total, 9);
    }

    #[test]
    fn a_list_without_a_column_is_refused_as_a_whole() {
        let error = read("certificate\nMA==\n".as_bytes(), Path::new(".")).unwrap_err();
        assert!(matches!(error, ReadError::Column { missing } if missing == "status"));
    }
}
