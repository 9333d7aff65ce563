//! The checks of the file of a front end: what it must name, and what it must not have.

use std::collections::BTreeSet;

use ca_core::issuer::{Issuer, PublicationPoints};
use ca_core::oid;
use ca_core::tenant::TenantId;
use cmp_client::Endpoint;
use est_server::wire::base64::LineLength;
use policies::ProfileSet;

use super::super::RawEst;
use super::super::front::{
    CheckedUpstream, Elsewhere, ForwardedOffer, FrontConfig, RawElsewhere, RawForwardedOffer, RawFront,
    RawUpstream,
};
use super::{CheckConfigError, Checker, authority};

impl Checker<'_> {
    /// Checks everything.
    pub(in crate::config) fn check_front(mut self, raw: &RawFront) -> Result<FrontConfig, CheckConfigError> {
        match self.front(raw) {
            Some(config) if self.faults.is_empty() => Ok(config),
            _ => Err(CheckConfigError { faults: self.told() }),
        }
    }

    fn front(&mut self, raw: &RawFront) -> Option<FrontConfig> {
        self.check_absent(raw);
        let profiles = self.at(&raw.profiles, Self::profiles);
        let est = self.at(&raw.est, Self::est_of_front);
        let upstream = self.at(&raw.upstream, Self::upstream);
        self.check_labels(raw);
        let manufacturers = self.each(&raw.manufacturers, Self::manufacturer);
        let profiles = profiles?;
        let known: BTreeSet<TenantId> = manufacturers.iter().map(|one| one.tenant.clone()).collect();
        let authorities =
            self.each(&raw.authorities, |checker, one| checker.elsewhere(one, &profiles, &known));
        Some(FrontConfig {
            est: est?,
            upstream: upstream?,
            health: raw.health.clone(),
            authorities,
            manufacturers,
        })
    }

    /// What would make an authority of a front end is refused, not looked past.
    fn check_absent(&mut self, raw: &RawFront) {
        let sections = [
            ("store", &raw.store, "a front end has no ledger"),
            ("keys", &raw.keys, "a front end has no key of an authority"),
            ("cmp", &raw.cmp, "whoever speaks CMP asks the authority itself"),
            ("status", &raw.status, "CRLs and OCSP are published by the authority"),
            ("operator", &raw.operator, "there is nothing to operate: ask the authority"),
            ("audit", &raw.audit, "the audit trail is the authority's"),
            ("backup", &raw.backup, "a front end keeps nothing that could be lost"),
        ];
        for (name, section, why) in sections {
            if let Some(section) = section {
                self.at(section, |checker, _| checker.note(name, format!("{why}: leave the section out")));
            }
        }
        for station in raw.registration_authority.iter().flatten() {
            let why =
                "registration authorities and head-ends ask the authority itself: leave the section out";
            self.at(station, |checker, _| checker.note("registration_authority", why));
        }
    }

    fn est_of_front(&mut self, raw: &RawEst) -> Option<RawEst> {
        if raw.dlms_tools.is_some() {
            self.note("est.dlms_tools", "head-ends ask the authority itself: leave the section out");
        }
        let signs = [&raw.message_certificate_file, &raw.message_key_file, &raw.message_passphrase_file];
        if signs.into_iter().any(Option::is_some) {
            let why =
                "a front end signs no CMS: serverkeygen and full CMC are served by the authority itself";
            self.note("est.message_certificate_file, message_key_file, message_passphrase_file", why);
        }
        self.est(raw)
    }

    fn upstream(&mut self, raw: &RawUpstream) -> Option<CheckedUpstream> {
        let endpoint = self.keep("upstream.url", Endpoint::parse(&raw.url, None));
        let trust = self.certificates("upstream.trust_files", &raw.trust_files);
        if raw.trust_files.is_empty() {
            self.note("upstream.trust_files", "at least one root is needed");
        }
        let certificates = self.certificates("upstream.certificate_files", &raw.certificate_files);
        // RFC 7030 §3.7, RFC 9810 §4.5: whoever forwards is a registration authority.
        let is_station =
            certificates.first().is_some_and(|own| own.extended_key_usages().contains(&oid::CMC_RA));
        if !is_station {
            self.note("upstream.certificate_files", "the first is a certificate with id-kp-cmcRA");
        }
        drop(self.readable("upstream.key_file", &raw.key_file));
        drop(self.readable("upstream.passphrase_file", &raw.passphrase_file));
        if !(1..=300).contains(&raw.timeout_seconds) {
            self.note("upstream.timeout_seconds", "1 to 300");
        }
        Some(CheckedUpstream {
            endpoint: endpoint?,
            trust,
            certificates,
            key_file: self.beside(&raw.key_file),
            passphrase_file: self.beside(&raw.passphrase_file),
            timeout_seconds: raw.timeout_seconds,
            time_window_seconds: raw.time_window_seconds,
        })
    }

    /// There is an authority; labels are unique; the default label exists.
    fn check_labels(&mut self, raw: &RawFront) {
        if raw.authorities.is_empty() {
            self.note("authority", "at least one is needed");
        }
        let mut labels = BTreeSet::new();
        for offer in raw.authorities.iter().flat_map(|authority| &authority.get_ref().offers) {
            self.at(offer, |checker, one| {
                if !labels.insert(one.label.clone()) {
                    let why = format!("the label {} is given twice", one.label);
                    checker.note(&format!("offer {}", one.profile), why);
                }
            });
        }
        self.at(&raw.est, |checker, est| {
            if !labels.contains(&est.default_label) {
                checker.note("est.default_label", format!("no offer has the label {}", est.default_label));
            }
        });
    }

    fn elsewhere(
        &mut self,
        raw: &RawElsewhere,
        profiles: &ProfileSet,
        known: &BTreeSet<TenantId>,
    ) -> Option<Elsewhere> {
        let what = format!("authority {}", raw.name);
        let path = self.certificates(&what, &raw.path_files);
        let tenant = self.keep(&what, TenantId::parse(&raw.tenant));
        let certificate = self.certificate(&what, &raw.certificate_file);
        let issuer = certificate.zip(tenant).and_then(|(certificate, tenant)| {
            let ends = certificate.validity().not_after();
            self.keep(&what, Issuer::new(certificate, tenant, ends, PublicationPoints::default()))
        });
        if let Some(issuer) = &issuer {
            self.check_path(&what, issuer, &path);
        }
        let generations = self.generations(&what, (&raw.further_root_files, &raw.link_files), path.last());
        let manufacturers = self.manufacturers(&what, &raw.manufacturers, known);
        let offers = self.each(&raw.offers, |checker, offer| checker.forwarded(&what, offer, profiles));
        let issuer = issuer?;
        Some(Elsewhere {
            tenant: issuer.tenant().clone(),
            certificate: issuer.certificate().clone(),
            path,
            generations,
            manufacturers,
            offers,
        })
    }

    fn forwarded(
        &mut self,
        authority: &str,
        raw: &RawForwardedOffer,
        profiles: &ProfileSet,
    ) -> Option<ForwardedOffer> {
        let what = format!("{authority}: offer {}", raw.profile);
        let binding = self.keep(&what, authority::binding(raw.channel_binding.as_deref()));
        let line_length = self.keep(&what, LineLength::new(raw.base64_line));
        let profile = self.profile(authority, &raw.profile, profiles);
        Some(ForwardedOffer {
            profile: profile?,
            label: raw.label.clone(),
            certificate_profile: raw.certificate_profile.clone().unwrap_or_else(|| raw.label.clone()),
            line_length: line_length?,
            binding: binding?,
        })
    }
}
