//! CFSSL: the table `certificates` of its certdb, which is the same in `SQLite`, PostgreSQL and `MySQL`, exported as CSV.
//!
//! Columns by `certdb/*/migrations`: `pem`, `status` (`good` or `revoked`), `reason` (a number), `revoked_at`; others are not read.

use std::io::Read;

use crate::list::{List, Revoked, Row, Said, VALUE, reason_numbered};
use crate::read_error::ReadError;
use crate::table::{Fields, read as read_table};
use crate::{moment, octets};

pub(crate) fn read(file: impl Read) -> Result<List, ReadError> {
    let needed = ["pem", "status", "reason", "revoked_at"];
    read_table(file, &needed, row)
}

fn row(fields: &Fields<'_>, place: &str) -> Result<Row, Said> {
    let certificate = octets::of_text(fields.needed("pem")?)?;
    let revoked = match fields.needed("status")? {
        "good" => None,
        "revoked" => {
            let reason = fields.of("reason").unwrap_or("0");
            let number = reason.parse().map_err(|_| Said::new(VALUE, format!("{reason:?} is no number")))?;
            let at = moment::written(fields.needed("revoked_at")?)?;
            Some(Revoked { at, reason: reason_numbered(number)?, invalidity_date: None })
        }
        other => return Err(Said::new(VALUE, format!("{other:?} is no status of CFSSL"))),
    };
    Ok(Row { place: place.to_owned(), certificate, revoked })
}

#[cfg(test)]
mod tests {
    use ca_core::reason::ReasonCode;

    use super::*;
    use crate::samples::{certificate, pem};

    #[test]
    fn reads_what_sqlite3_exports() {
        let quoted = |number: u8| format!("\"{}\"", pem(&certificate(&[number], "a")));
        let text = format!(
            "serial_number,authority_key_identifier,ca_label,status,reason,expiry,revoked_at,pem\r\n\
             1,ab,,good,0,\"2027-11-21 00:00:00+00:00\",\"0001-01-01 00:00:00+00:00\",{}\r\n\
             2,ab,,revoked,4,\"2027-11-21 00:00:00+00:00\",\"2026-11-21 00:00:00.5+00:00\",{}\r\n\
             3,ab,,revoked,8,\"2027-11-21 00:00:00+00:00\",\"2026-11-21 00:00:00+00:00\",{}\r\n",
            quoted(1),
            quoted(2),
            quoted(3),
        );
        let list = read(text.as_bytes()).unwrap();
        let reasons: Vec<_> = list.rows.iter().map(|row| row.revoked.map(|one| one.reason)).collect();
        assert_eq!(reasons, [None, Some(ReasonCode::Superseded)]);
        assert_eq!(list.faults.first().map(|fault| fault.code), Some("migration.reason"));
    }
}
