//! The checks of `[[authority]]` and of what it offers.

use std::collections::BTreeSet;

use ca_core::certificate::Certificate;
use ca_core::issuer::{Issuer, PublicationPoints};
use ca_core::key_ref::KeyRef;
use ca_core::profile::{CertificateProfile, Hierarchy};
use ca_core::record::AfterWindow;
use ca_core::registration::{Door, ProductionRule, RepeatRule};
use ca_core::sharding::{CrlPlan, GridPlace, HashShards, Rest, Sharding};
use ca_core::tenant::TenantId;
use est_server::config::{BindingPolicy, ChallengeMeaning, ServerKeys};
use est_server::wire::base64::LineLength;
use policies::ProfileSet;

use super::super::checked::{CheckedAuthority, CheckedOffer};
use super::super::{RawAuthority, RawOffer};
use super::{Checker, approval};

impl Checker<'_> {
    /// Checks an authority; `known` are the manufacturers of the file.
    pub(super) fn authority(
        &mut self,
        raw: &RawAuthority,
        profiles: &ProfileSet,
        known: &BTreeSet<TenantId>,
    ) -> Option<CheckedAuthority> {
        let what = format!("authority {}", raw.name);
        let path = self.certificates(&what, &raw.path_files);
        let issuer = self.issuer(&what, raw);
        if let Some(issuer) = &issuer {
            self.check_path(&what, issuer, &path);
        }
        let generations = self.generations(&what, (&raw.further_root_files, &raw.link_files), path.last());
        let offers = self.each(&raw.offers, |checker, offer| checker.offer(&what, offer, profiles));
        let manufacturers = self.manufacturers(&what, &raw.manufacturers, known);
        let responder_key =
            KeyRef::parse(&raw.responder_key).ok_or("responder_key has 40 hexadecimal digits");
        let responder_key = self.keep(&what, responder_key);
        let responder_profile = self.profile(&what, &raw.responder_profile, profiles);
        let grace = self.keep(&what, grace(raw.uncertain_grace_seconds));
        let crl_profile = profiles
            .crl(&raw.crl_profile)
            .ok_or_else(|| format!("there is no crl_profile {}", raw.crl_profile));
        let crl_profile = self.keep(&what, crl_profile);
        let issuer = issuer.and_then(|issuer| {
            let deltas = crl_profile.as_ref().is_some_and(|profile| profile.deltas().is_some());
            let plan = self.keep(
                &what,
                sharding(raw.crl_shards, raw.crl_grid.as_deref())
                    .map(|sharding| CrlPlan { sharding, deltas }),
            )?;
            self.keep(&what, issuer.with_crl_plan(plan))
        });
        let ocsp_profile = profiles
            .ocsp(&raw.ocsp_profile)
            .ok_or_else(|| format!("there is no ocsp_profile {}", raw.ocsp_profile));
        let ocsp_profile = self.keep(&what, ocsp_profile);
        let below_root = raw.path_files.iter().rev().skip(1).rev();
        let chain_files = std::iter::once(&raw.certificate_file).chain(below_root);
        Some(CheckedAuthority {
            name: raw.name.clone(),
            chain_files: chain_files.map(|file| self.beside(file)).collect(),
            crl_profile: *crl_profile?,
            ocsp_profile: *ocsp_profile?,
            responder_key: responder_key?,
            responder_profile: responder_profile?,
            uncertain_grace_seconds: grace?,
            issuer: issuer?,
            path,
            generations,
            manufacturers,
            offers,
        })
    }

    /// Reads the names of manufacturers; `known` are those of the file.
    pub(super) fn manufacturers(
        &mut self,
        what: &str,
        names: &[String],
        known: &BTreeSet<TenantId>,
    ) -> BTreeSet<TenantId> {
        let named: BTreeSet<TenantId> =
            names.iter().filter_map(|name| self.keep(what, TenantId::parse(name))).collect();
        for missing in named.difference(known) {
            self.note(what, format!("there is no manufacturer {missing}"));
        }
        named
    }

    fn issuer(&mut self, what: &str, raw: &RawAuthority) -> Option<Issuer> {
        let certificate = self.certificate(what, &raw.certificate_file);
        let tenant = self.keep(what, TenantId::parse(&raw.tenant));
        let issues_until = match &raw.issues_until {
            None => None,
            Some(text) => Some(self.keep(what, crate::time_text::parse(text))?),
        };
        let certificate = certificate?;
        let window_ends = issues_until.unwrap_or_else(|| certificate.validity().not_after());
        let points = PublicationPoints {
            crl: raw.crl_uri.clone(),
            ca_issuers: raw.ca_issuers_uri.clone(),
            ocsp: raw.ocsp_uri.clone(),
        };
        self.keep(what, Issuer::new(certificate, tenant?, window_ends, points))
    }

    /// Each certificate of the path issued the one before it, and the last issued itself.
    pub(super) fn check_path(&mut self, what: &str, issuer: &Issuer, path: &[Certificate]) {
        let lower = std::iter::once(issuer.certificate()).chain(path);
        let upper = path.iter().chain(path.last());
        let sound = !path.is_empty()
            && lower.zip(upper).all(|(lower, upper)| {
                lower.issuer() == upper.subject()
                    && upper.public_key().verify(lower.tbs(), lower.signature()).is_ok()
            });
        if !sound {
            self.note(what, "path_files do not lead from the certificate to a self-signed root");
        }
    }

    fn offer(&mut self, authority: &str, raw: &RawOffer, profiles: &ProfileSet) -> Option<CheckedOffer> {
        let what = format!("{authority}: offer {}", raw.profile);
        let factory = Door::FactoryCertificate {
            grace_seconds: i64::from(raw.grace_minutes) * 60,
            expired_seconds: i64::from(raw.accept_expired_days) * 86_400,
        };
        let doors: Vec<Door> =
            raw.doors.iter().filter_map(|name| self.keep(&what, door(name, factory))).collect();
        let binding = self.keep(&what, binding(raw.channel_binding.as_deref()));
        let challenge = self.keep(&what, challenge(raw));
        let server_keys = self.keep(&what, server_keys(raw));
        let repeats = self.keep(&what, repeats(raw));
        let approval = self.keep(&what, approval::rule(&raw.approval));
        let line_length = self.keep(&what, LineLength::new(raw.base64_line));
        let profile = self.profile(authority, &raw.profile, profiles);
        let production = self.keep(&what, production(raw, profile.as_ref()));
        Some(CheckedOffer {
            binding: binding?,
            challenge: challenge?,
            server_keys: server_keys?,
            full_cmc: raw.full_cmc,
            profile: profile?,
            label: raw.label.clone(),
            line_length: line_length?,
            doors,
            repeats: repeats?,
            approval: approval?,
            production: production?,
        })
    }
}

pub(super) fn sharding(shards: Option<u16>, grid: Option<&str>) -> Result<Sharding, &'static str> {
    let shards = match shards {
        None => None,
        Some(number) => Some(HashShards::new(number).ok_or("crl_shards is 2 to 4096")?),
    };
    let by = match grid {
        None => return Ok(shards.map_or(Sharding::None, Sharding::ByHash)),
        Some("region") => GridPlace::Region,
        Some("concentrator") => GridPlace::Concentrator,
        Some(_) => return Err("crl_grid is region or concentrator"),
    };
    Ok(Sharding::AlongGrid { by, rest: shards.map_or(Rest::OneShard, Rest::ByHash) })
}

/// An hour unless the file says otherwise: long enough for whoever operates the signer to look, short enough that nobody has
/// relied on the certificate.
fn grace(seconds: Option<u32>) -> Result<i64, &'static str> {
    match seconds.unwrap_or(3_600) {
        seconds @ 1..=604_800 => Ok(i64::from(seconds)),
        _ => Err("uncertain_grace_seconds is 1 to 604800, a week"),
    }
}

pub(super) fn binding(text: Option<&str>) -> Result<BindingPolicy, &'static str> {
    match text {
        None | Some("if-present") => Ok(BindingPolicy::IfPresent),
        Some("required") => Ok(BindingPolicy::Required),
        Some("off") => Ok(BindingPolicy::Off),
        Some(_) => Err("channel_binding is if-present, required or off"),
    }
}

fn challenge(raw: &RawOffer) -> Result<ChallengeMeaning, &'static str> {
    let meaning = match raw.challenge_password.as_deref() {
        None | Some("channel-binding") => ChallengeMeaning::ChannelBinding,
        Some("enrolment-code") => ChallengeMeaning::EnrolmentCode,
        Some("either") => ChallengeMeaning::EitherByPrefix,
        Some(_) => return Err("challenge_password is channel-binding, enrolment-code or either"),
    };
    let bound = raw.channel_binding.as_deref() == Some("required");
    if bound && meaning == ChallengeMeaning::EnrolmentCode {
        return Err("challenge_password cannot be an enrolment code where channel_binding is required");
    }
    Ok(meaning)
}

fn server_keys(raw: &RawOffer) -> Result<ServerKeys, &'static str> {
    match raw.server_key_generation.as_deref() {
        None | Some("off") => Ok(ServerKeys::Off),
        Some("in-tls") => Ok(ServerKeys::InTls),
        Some("encrypted") => Ok(ServerKeys::Encrypted),
        Some(_) => Err("server_key_generation is off, in-tls or encrypted"),
    }
}

/// What is counted is a device with its factory certificates.
fn production(raw: &RawOffer, profile: Option<&CertificateProfile>) -> Result<ProductionRule, &'static str> {
    let is_factory = profile.is_none_or(|profile| profile.parts().hierarchy == Hierarchy::Factory);
    match raw.order.as_deref() {
        None | Some("none") => Ok(ProductionRule::Unasked),
        Some("required") if is_factory => Ok(ProductionRule::Required),
        Some("required") => Err("order = \"required\" is for profiles of the factory hierarchy"),
        Some(_) => Err("order is none or required"),
    }
}

fn repeats(raw: &RawOffer) -> Result<RepeatRule, &'static str> {
    let after = match raw.after_window.as_deref() {
        None | Some("new") => AfterWindow::New,
        Some("return-existing") => AfterWindow::ReturnExisting,
        Some("refuse") => AfterWindow::Refuse,
        Some(_) => return Err("after_window is new, return-existing or refuse"),
    };
    let window_seconds = match raw.repeat_window_hours {
        None => RepeatRule::default().window_seconds,
        // Longer than a client tries again, and short enough that the ledger forgets.
        Some(hours @ 1..=720) => i64::from(hours) * 3_600,
        Some(_) => return Err("repeat_window_hours is 1 to 720"),
    };
    Ok(RepeatRule { window_seconds, after })
}

fn door(name: &str, factory: Door) -> Result<Door, String> {
    match name {
        "registration-authority" => Ok(Door::RegistrationAuthority),
        "one-time-token" => Ok(Door::OneTimeToken),
        "factory-certificate" => Ok(factory),
        "operational-certificate" => Ok(Door::OperationalCertificate),
        "operator" => Ok(Door::Operator),
        "campaign" => Ok(Door::Process),
        other => Err(format!("there is no door {other}")),
    }
}
