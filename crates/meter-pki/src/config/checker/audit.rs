//! The checks of `[audit]`: the checkpoint key is nobody else's, and what is copied to is there.

use ca_core::key_ref::KeyRef;

use super::super::checked::{CheckedAudit, CheckedAuthority, Collector};
use super::super::{RawAudit, RawSyslog};
use super::Checker;

/// How long the name of a log may be, in octets.
const ORIGIN_LONGEST: usize = 255;

/// How many records a copy may lack unless the file says otherwise.
const RECORDS_BEHIND: u64 = 10_000;

impl Checker<'_> {
    /// Checks checkpoints and copies; `authorities` have keys of their own.
    pub(super) fn audit(&mut self, raw: &RawAudit, authorities: &[CheckedAuthority]) -> Option<CheckedAudit> {
        let notary = match (&raw.checkpoint_key, &raw.origin) {
            (Some(key), Some(origin)) => Some(self.notary(key, origin, authorities)?),
            (None, None) => None,
            _ => self.keep("audit", Err("give both checkpoint_key and origin, or neither"))?,
        };
        let export_directory = match &raw.export_directory {
            Some(directory) => Some(self.directory("audit.export_directory", directory)?),
            None => None,
        };
        let syslog = match &raw.syslog {
            Some(syslog) => Some(self.collector(syslog)?),
            None => None,
        };
        let allowance = raw.records_behind.unwrap_or(RECORDS_BEHIND);
        if allowance == 0 {
            self.note("audit.records_behind", "at least 1 record must be allowed");
        }
        Some(CheckedAudit { notary, export_directory, syslog, allowance })
    }

    fn notary(
        &mut self,
        key: &str,
        origin: &str,
        authorities: &[CheckedAuthority],
    ) -> Option<(KeyRef, String)> {
        self.keep("audit.origin", check_origin(origin))?;
        let key = KeyRef::parse(key).ok_or("a key's name has 40 hexadecimal digits");
        let key = self.keep("audit.checkpoint_key", key)?;
        // Whoever holds the key of an authority must not be able to rewrite the log of what was done with it.
        let others = authorities.iter().find(|one| one.issuer.key() == key || one.responder_key == key);
        let own = match others {
            Some(one) => {
                Err(format!("it is a key of authority {}: checkpoints need one of their own", one.name))
            }
            None => Ok(()),
        };
        self.keep("audit.checkpoint_key", own)?;
        Some((key, origin.to_owned()))
    }

    fn collector(&mut self, raw: &RawSyslog) -> Option<Collector> {
        match (&raw.tcp, &raw.socket) {
            (Some(address), None) => {
                let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
                self.keep(
                    "audit.syslog.tcp",
                    port.ok_or("host and port are expected, such as logs.example.org:601"),
                )?;
                Some(Collector::Tcp(address.clone()))
            }
            (None, Some(socket)) => Some(Collector::Unix(self.beside(socket))),
            _ => self.keep("audit.syslog", Err("give either tcp or socket")),
        }
    }
}

/// Says what is wrong with the name of a log, if anything.
fn check_origin(origin: &str) -> Result<(), String> {
    let unusable = |character: char| character.is_whitespace() || character.is_control() || character == '+';
    if origin.is_empty() || origin.len() > ORIGIN_LONGEST || origin.chars().any(unusable) {
        return Err(format!(
            "an origin has 1 to {ORIGIN_LONGEST} octets, without spaces and without +, such as example.org/meter-pki"
        ));
    }
    Ok(())
}
