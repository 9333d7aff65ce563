//! The checks of the signer's configuration: what each key is for, and no key for two things.

use std::collections::BTreeSet;

use ca_core::issuer::{Issuer, PublicationPoints};
use ca_core::key_ref::KeyRef;
use ca_core::ocsp::IssuerHashes;
use ca_core::profile::CrlProfile;
use ca_core::sharding::CrlPlan;
use ca_core::tenant::TenantId;
use policies::ProfileSet;
use signer_link::charter::{AuthorityCharter, Purpose, Rates};
use signer_link::client::LONGEST_ANSWER;
use signer_link::log::{LogPlan, SegmentBounds};

use super::Checker;
use super::authority::sharding;
use crate::config::signer::CheckedKey;
use crate::config::{CheckConfigError, KeySource, RawKey, RawSigner, SignerConfig};

impl Checker<'_> {
    /// Checks everything.
    pub(in crate::config) fn check_signer(
        mut self,
        raw: &RawSigner,
    ) -> Result<SignerConfig, CheckConfigError> {
        match self.signer(raw) {
            Some(config) if self.faults.is_empty() => Ok(config),
            _ => Err(CheckConfigError { faults: self.told() }),
        }
    }

    fn signer(&mut self, raw: &RawSigner) -> Option<SignerConfig> {
        let keys = self.at(&raw.keys, Self::keys);
        if matches!(keys, Some(KeySource::Signer { .. })) {
            self.at(&raw.keys, |checker, _| {
                checker.note("keys.signer_socket", "a signer has its keys itself, and asks no other");
            });
        }
        if let Some(KeySource::Tokens { options, .. }) = &keys
            && options.longest_queue + options.longest_call >= LONGEST_ANSWER
        {
            let most = LONGEST_ANSWER.as_secs();
            self.note(
                "keys.token",
                format!(
                    "longest_queue_seconds and longest_call_seconds are together less than {most}: an authority waits no longer for \
                     its signer, and takes what was not answered for uncertain"
                ),
            );
        }
        if raw.charters.is_empty() {
            self.note("key", "at least one is needed");
        }
        let profiles = self.at(&raw.profiles, Self::profiles)?;
        let charters = self.each(&raw.charters, |checker, one| checker.charter(one, &profiles));
        let mut seen = BTreeSet::new();
        for charter in &charters {
            if !seen.insert(charter.key) {
                self.note("key", format!("{} is given twice: a key is for one thing", charter.key));
            }
        }
        let (socket, log) = (self.beside(&raw.socket), self.log(raw));
        let metrics_file = raw.metrics_file.as_deref().map(|file| self.beside(file));
        Some(SignerConfig { socket, users: raw.users.clone(), log, metrics_file, keys: keys?, charters })
    }

    fn log(&mut self, raw: &RawSigner) -> LogPlan {
        let unless_given = SegmentBounds::default();
        let segment = SegmentBounds {
            records: raw.log_segment_records.unwrap_or(unless_given.records),
            octets: raw.log_segment_octets.unwrap_or(unless_given.octets),
        };
        if segment.records == 0 || segment.octets == 0 {
            self.note("log", "log_segment_records and log_segment_octets are 1 or more");
        }
        LogPlan { path: self.beside(&raw.log), segment }
    }

    fn charter(&mut self, raw: &RawKey, profiles: &ProfileSet) -> Option<CheckedKey> {
        let purposes: Vec<&str> = raw.purposes.iter().map(String::as_str).collect();
        let (key, purpose) = match purposes.as_slice() {
            ["certificate"] | ["crl"] | ["certificate", "crl"] => {
                let charter = self.authority_charter(raw, profiles)?;
                (charter.issuer.key(), Purpose::Authority(Box::new(charter)))
            }
            ["ocsp"] => {
                let issuer = self.charter_issuer(raw);
                let (key, issuer) = (self.charter_key(raw)?, issuer?);
                let hashes = Box::new(IssuerHashes::of(&issuer));
                (key, Purpose::Responder { issuer: issuer.key(), hashes })
            }
            ["checkpoint"] => {
                let origin = raw.origin.clone().ok_or("origin is needed: the name of the log");
                (self.charter_key(raw)?, Purpose::Checkpoint { origin: self.keep("key.origin", origin)? })
            }
            ["message"] => (self.charter_key(raw)?, Purpose::Messages),
            _ => {
                let why = "certificate and crl, together or alone; or ocsp, checkpoint or message, alone";
                return self.keep("key.purposes", Err(why));
            }
        };
        if raw.per_second == Some(0) || raw.per_day == Some(0) {
            self.note("key", "per_second and per_day are 1 or more; without them there is no bound");
        }
        let rates = Rates { per_second: raw.per_second, per_day: raw.per_day };
        Some(CheckedKey { key, purpose, rates })
    }

    fn charter_key(&mut self, raw: &RawKey) -> Option<KeyRef> {
        let key = raw.key.as_deref().and_then(KeyRef::parse);
        self.keep("key.key", key.ok_or("40 hexadecimal digits are needed"))
    }

    fn charter_issuer(&mut self, raw: &RawKey) -> Option<Issuer> {
        let Some(file) = &raw.certificate_file else {
            return self.keep("key.certificate_file", Err("the authority's certificate is needed"));
        };
        let certificate = self.certificate("key.certificate_file", file)?;
        let window_ends = match &raw.issues_until {
            None => certificate.validity().not_after(),
            Some(text) => self.keep("key.issues_until", crate::time_text::parse(text))?,
        };
        let points = PublicationPoints {
            crl: raw.crl_uri.clone(),
            ca_issuers: raw.ca_issuers_uri.clone(),
            ocsp: raw.ocsp_uri.clone(),
        };
        // Whose authority it is makes no difference to what it signs.
        let tenant = self.keep("key", TenantId::parse("signer"))?;
        self.keep("key", Issuer::new(certificate, tenant, window_ends, points))
    }

    fn authority_charter(&mut self, raw: &RawKey, profiles: &ProfileSet) -> Option<AuthorityCharter> {
        for (purpose, named) in [("certificate", &raw.profiles), ("crl", &raw.crl_profiles)] {
            if raw.purposes.contains(purpose) == named.is_empty() {
                let field = if purpose == "crl" { "crl_profiles" } else { "profiles" };
                self.note("key", format!("the purpose {purpose} and {field} go together"));
            }
        }
        let crl_profiles: Vec<CrlProfile> = raw
            .crl_profiles
            .iter()
            .filter_map(|name| {
                let last = (name == "last").then(CrlProfile::last);
                let found = last.or_else(|| profiles.crl(name).copied());
                self.keep("key.crl_profiles", found.ok_or_else(|| format!("there is no crl_profile {name}")))
            })
            .collect();
        let deltas = crl_profiles.iter().any(|profile| profile.deltas().is_some());
        let certificates =
            raw.profiles.iter().filter_map(|name| self.profile("key.profiles", name, profiles)).collect();
        let plan =
            sharding(raw.crl_shards, raw.crl_grid.as_deref()).map(|sharding| CrlPlan { sharding, deltas });
        let plan = self.keep("key", plan);
        let issuer = self.charter_issuer(raw)?.with_crl_plan(plan?);
        let issuer = self.keep("key", issuer)?;
        if raw.key.as_deref().is_some_and(|key| KeyRef::parse(key) != Some(issuer.key())) {
            self.note("key.key", "it is not the key of the certificate");
        }
        Some(AuthorityCharter {
            issuer,
            linter: policies::lint::linter(),
            profiles: certificates,
            crl_profiles,
        })
    }
}
