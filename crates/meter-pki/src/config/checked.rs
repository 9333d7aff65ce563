//! The configuration after every value was checked and every file it names was read.
//!
//! Private keys are not read here: `compose` opens them. Nothing here can be wrong in itself any more.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ca_core::certificate::Certificate;
use ca_core::issuer::{Issuer, PublicationPoints};
use ca_core::key_ref::KeyRef;
use ca_core::path::TrustAnchor;
use ca_core::profile::{CertificateProfile, CrlProfile, OcspProfile, ProfileId};
use ca_core::registration::Door;
use ca_core::tenant::TenantId;
use ca_store::EngineKind;
use est_server::config::BindingPolicy;
use est_server::wire::base64::LineLength;
use policies::{ProfileSet, Settings, Variant};

use super::{
    RawAuthority, RawConfig, RawEst, RawManufacturer, RawOffer, RawRegistrationAuthority, RawStatus, beside,
};

/// A configuration that is sound.
#[derive(Debug)]
pub struct Config {
    pub(crate) tenant: TenantId,
    pub(crate) store_directory: PathBuf,
    pub(crate) engine: EngineKind,
    pub(crate) keys: KeySource,
    pub(crate) est: RawEst,
    pub(crate) status: RawStatus,
    pub(crate) operator_socket: PathBuf,
    pub(crate) authorities: Vec<CheckedAuthority>,
    pub(crate) manufacturers: Vec<CheckedManufacturer>,
    pub(crate) registration_authorities: Vec<CheckedRegistrationAuthority>,
}

/// Where private keys are.
#[derive(Debug)]
pub enum KeySource {
    /// In a directory of encrypted files.
    Files {
        /// The directory.
        directory: PathBuf,
        /// The file whose content opens them.
        passphrase_file: PathBuf,
    },
    /// On a token.
    Token {
        /// Its PKCS#11 URI.
        uri: String,
    },
}

/// A certification authority as configured.
#[derive(Debug)]
pub struct CheckedAuthority {
    pub(crate) name: String,
    pub(crate) issuer: Issuer,
    pub(crate) path: Vec<Certificate>,
    pub(crate) crl_profile: CrlProfile,
    pub(crate) ocsp_profile: OcspProfile,
    pub(crate) responder_profile: CertificateProfile,
    pub(crate) responder_key: KeyRef,
    pub(crate) manufacturers: BTreeSet<TenantId>,
    pub(crate) offers: Vec<CheckedOffer>,
}

/// What an authority issues, to whom, and under which EST label.
#[derive(Debug)]
pub struct CheckedOffer {
    pub(crate) profile: CertificateProfile,
    pub(crate) label: Option<String>,
    pub(crate) doors: Vec<Door>,
    pub(crate) line_length: LineLength,
    pub(crate) binding: BindingPolicy,
}

/// A trusted manufacturer.
#[derive(Debug)]
pub struct CheckedManufacturer {
    pub(crate) tenant: TenantId,
    pub(crate) anchors: Vec<TrustAnchor>,
}

/// A registration authority and its bounds.
#[derive(Debug)]
pub struct CheckedRegistrationAuthority {
    pub(crate) name: String,
    pub(crate) tenant: TenantId,
    pub(crate) common_name: String,
    pub(crate) anchors: Vec<TrustAnchor>,
    pub(crate) profiles: Vec<ProfileId>,
    pub(crate) title_prefix: Vec<u8>,
    pub(crate) dns_suffixes: Vec<String>,
}

/// Everything that is wrong with a configuration, each in one sentence.
#[derive(Debug)]
pub struct CheckConfigError {
    /// The sentences, at least one.
    pub faults: Vec<String>,
}

impl std::fmt::Display for CheckConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.faults.join("\n"))
    }
}

impl std::error::Error for CheckConfigError {}

/// Collects faults, so that all are told at once.
struct Checker<'a> {
    file: &'a Path,
    faults: Vec<String>,
}

impl Config {
    /// Reads, checks, and resolves a configuration file.
    ///
    /// # Errors
    /// Every fault of the file and of the files it names.
    pub fn load(file: &Path) -> Result<Self, CheckConfigError> {
        let raw: RawConfig = server_kit::config::load(file).map_err(|error| CheckConfigError {
            faults: error.to_string().lines().map(str::to_owned).collect(),
        })?;
        Self::check(file, raw)
    }

    fn check(file: &Path, raw: RawConfig) -> Result<Self, CheckConfigError> {
        let mut checker = Checker { file, faults: Vec::new() };
        let config = checker.config(raw);
        match config {
            Some(config) if checker.faults.is_empty() => Ok(config),
            _ => Err(CheckConfigError { faults: checker.faults }),
        }
    }
}

impl Checker<'_> {
    /// Notes a fault and goes on without the value.
    fn keep<T, E: std::fmt::Display>(&mut self, what: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.faults.push(format!("{}: {what}: {error}", self.file.display()))).ok()
    }

    fn refuse<T>(&mut self, what: &str, why: &str) -> Option<T> {
        self.keep(what, Err(why))
    }

    fn beside(&self, path: &Path) -> PathBuf {
        beside(self.file, path)
    }

    fn config(&mut self, raw: RawConfig) -> Option<Config> {
        let engine = EngineKind::from_name(&raw.store.engine).ok_or("the engines are fjall and sled");
        let engine = self.keep("store.engine", engine);
        let tenant = self.keep("store.tenant", TenantId::parse(&raw.store.tenant));
        let keys = self.keys(&raw.keys);
        let profiles = self.profiles(&raw.profiles)?;
        let manufacturers: Vec<_> =
            raw.manufacturers.iter().filter_map(|one| self.manufacturer(one)).collect();
        let known: BTreeSet<TenantId> = manufacturers.iter().map(|one| one.tenant.clone()).collect();
        let authorities: Vec<_> =
            raw.authorities.iter().filter_map(|one| self.authority(one, &profiles, &known)).collect();
        self.check_names(&authorities, &raw.est);
        let registration_authorities: Vec<_> = raw
            .registration_authorities
            .iter()
            .filter_map(|one| self.registration_authority(one, &profiles))
            .collect();
        Some(Config {
            tenant: tenant?,
            store_directory: self.beside(&raw.store.directory),
            engine: engine?,
            keys: keys?,
            est: RawEst {
                certificate_file: self.beside(&raw.est.certificate_file),
                key_file: self.beside(&raw.est.key_file),
                ..raw.est
            },
            status: RawStatus { directory: self.beside(&raw.status.directory), ..raw.status },
            operator_socket: self.beside(&raw.operator.socket),
            authorities,
            manufacturers,
            registration_authorities,
        })
    }

    fn keys(&mut self, raw: &super::RawKeys) -> Option<KeySource> {
        match (&raw.directory, &raw.passphrase_file, &raw.token_uri) {
            (Some(directory), Some(passphrase_file), None) => Some(KeySource::Files {
                directory: self.beside(directory),
                passphrase_file: self.beside(passphrase_file),
            }),
            (None, None, Some(uri)) => Some(KeySource::Token { uri: uri.clone() }),
            _ => self.refuse("keys", "give either directory and passphrase_file, or token_uri"),
        }
    }

    fn profiles(&mut self, raw: &super::RawProfiles) -> Option<ProfileSet> {
        let mut settings = Settings::default();
        let hw_type = match &raw.hw_type {
            Some(text) => Some(self.keep("profiles.hw_type", text.parse())?),
            None => None,
        };
        if let Some(name) = &raw.variant {
            settings.variant = self.keep("profiles.variant", Variant::named(name, hw_type))?;
        } else if hw_type.is_some() {
            return self
                .refuse("profiles.hw_type", "only the variants greenbook-san and strict-empty use it");
        }
        if let Some(text) = &raw.policy_arc {
            settings.policy_arc = self.keep("profiles.policy_arc", text.parse())?;
        }
        let loaded = match &raw.directory {
            Some(directory) => ProfileSet::load_dir(&self.beside(directory), &settings),
            None => ProfileSet::load_embedded(&settings),
        };
        self.keep("profiles", loaded)
    }

    fn certificate(&mut self, what: &str, path: &Path) -> Option<Certificate> {
        let path = self.beside(path);
        let octets = std::fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()));
        let octets = self.keep(what, octets)?;
        let parsed = Certificate::from_der(&octets).map_err(|error| format!("{}: {error}", path.display()));
        self.keep(what, parsed)
    }

    fn anchors(&mut self, what: &str, files: &[PathBuf]) -> Vec<TrustAnchor> {
        if files.is_empty() {
            self.faults.push(format!("{}: {what}: at least one anchor file is needed", self.file.display()));
        }
        let certificates: Vec<_> = files.iter().filter_map(|file| self.certificate(what, file)).collect();
        certificates.iter().map(TrustAnchor::from_certificate).collect()
    }

    fn manufacturer(&mut self, raw: &RawManufacturer) -> Option<CheckedManufacturer> {
        let what = format!("manufacturer {}", raw.tenant);
        let anchors = self.anchors(&what, &raw.anchor_files);
        Some(CheckedManufacturer { tenant: self.keep(&what, TenantId::parse(&raw.tenant))?, anchors })
    }

    fn authority(
        &mut self,
        raw: &RawAuthority,
        profiles: &ProfileSet,
        known: &BTreeSet<TenantId>,
    ) -> Option<CheckedAuthority> {
        let what = format!("authority {}", raw.name);
        let certificate = self.certificate(&what, &raw.certificate_file);
        let path: Vec<_> = raw.path_files.iter().filter_map(|file| self.certificate(&what, file)).collect();
        let offers: Vec<_> =
            raw.offers.iter().filter_map(|offer| self.offer(&what, offer, profiles)).collect();
        let manufacturers: BTreeSet<TenantId> =
            raw.manufacturers.iter().filter_map(|name| self.keep(&what, TenantId::parse(name))).collect();
        for missing in manufacturers.difference(known) {
            self.faults.push(format!("{}: {what}: there is no manufacturer {missing}", self.file.display()));
        }
        let certificate = certificate?;
        let window_ends = match &raw.issues_until {
            None => certificate.validity().not_after(),
            Some(text) => self.keep(&what, crate::time_text::parse(text))?,
        };
        let points = PublicationPoints {
            crl: raw.crl_uri.clone(),
            ca_issuers: raw.ca_issuers_uri.clone(),
            ocsp: raw.ocsp_uri.clone(),
        };
        let tenant = self.keep(&what, TenantId::parse(&raw.tenant))?;
        let issuer = Issuer::new(certificate, tenant, window_ends, points);
        let issuer = self.keep(&what, issuer)?;
        self.check_path(&what, &issuer, &path);
        let responder_key = KeyRef::parse(&raw.responder_key);
        let responder_key = responder_key.ok_or("responder_key has 40 hexadecimal digits");
        let crl_profile = profiles.crl(&raw.crl_profile).ok_or("there is no such crl_profile");
        let ocsp_profile = profiles.ocsp(&raw.ocsp_profile).ok_or("there is no such ocsp_profile");
        Some(CheckedAuthority {
            name: raw.name.clone(),
            crl_profile: *self.keep(&what, crl_profile)?,
            ocsp_profile: *self.keep(&what, ocsp_profile)?,
            responder_key: self.keep(&what, responder_key)?,
            responder_profile: self.profile(&what, &raw.responder_profile, profiles)?,
            issuer,
            path,
            manufacturers,
            offers,
        })
    }

    /// Each certificate of the path issued the one before it, and the last issued itself.
    fn check_path(&mut self, what: &str, issuer: &Issuer, path: &[Certificate]) {
        let lower = std::iter::once(issuer.certificate()).chain(path);
        let upper = path.iter().chain(path.last());
        let sound = !path.is_empty()
            && lower.zip(upper).all(|(lower, upper)| {
                lower.issuer() == upper.subject()
                    && upper.public_key().verify(lower.tbs(), lower.signature()).is_ok()
            });
        if !sound {
            let why = "path_files do not lead from the certificate to a self-signed root";
            self.faults.push(format!("{}: {what}: {why}", self.file.display()));
        }
    }

    fn profile(&mut self, what: &str, name: &str, profiles: &ProfileSet) -> Option<CertificateProfile> {
        let profile = profiles.certificate(name).ok_or_else(|| format!("there is no profile {name}"));
        self.keep(what, profile).cloned()
    }

    fn offer(&mut self, what: &str, raw: &RawOffer, profiles: &ProfileSet) -> Option<CheckedOffer> {
        let what = format!("{what}: offer {}", raw.profile);
        let grace_seconds = i64::from(raw.grace_minutes) * 60;
        let doors: Vec<Door> = raw
            .doors
            .iter()
            .filter_map(|name| {
                let door = match name.as_str() {
                    "registration-authority" => Ok(Door::RegistrationAuthority),
                    "one-time-token" => Ok(Door::OneTimeToken),
                    "factory-certificate" => Ok(Door::FactoryCertificate { grace_seconds }),
                    "operational-certificate" => Ok(Door::OperationalCertificate),
                    "operator" => Ok(Door::Operator),
                    other => Err(format!("there is no door {other}")),
                };
                self.keep(&what, door)
            })
            .collect();
        let binding = match raw.channel_binding.as_deref() {
            None | Some("if-present") => Ok(BindingPolicy::IfPresent),
            Some("required") => Ok(BindingPolicy::Required),
            Some("off") => Ok(BindingPolicy::Off),
            Some(_) => Err("channel_binding is if-present, required or off"),
        };
        Some(CheckedOffer {
            binding: self.keep(&what, binding)?,
            profile: self.profile(&what, &raw.profile, profiles)?,
            label: raw.label.clone(),
            line_length: self.keep(&what, LineLength::new(raw.base64_line))?,
            doors,
        })
    }

    fn registration_authority(
        &mut self,
        raw: &RawRegistrationAuthority,
        profiles: &ProfileSet,
    ) -> Option<CheckedRegistrationAuthority> {
        let what = format!("registration_authority {}", raw.name);
        let anchors = self.anchors(&what, &raw.anchor_files);
        let profiles: Vec<ProfileId> = raw
            .profiles
            .iter()
            .filter_map(|name| self.profile(&what, name, profiles))
            .map(|profile| profile.id().clone())
            .collect();
        let prefix = hex::decode(&raw.title_prefix).ok().filter(|prefix| prefix.len() <= 8);
        let prefix = prefix.ok_or("title_prefix is up to 8 octets in hexadecimal");
        Some(CheckedRegistrationAuthority {
            name: raw.name.clone(),
            tenant: self.keep(&what, TenantId::parse(&raw.tenant))?,
            common_name: raw.common_name.clone(),
            title_prefix: self.keep(&what, prefix)?,
            dns_suffixes: raw.dns_suffixes.clone(),
            anchors,
            profiles,
        })
    }

    /// Names of authorities and labels are unique; the default label exists.
    fn check_names(&mut self, authorities: &[CheckedAuthority], est: &RawEst) {
        if authorities.is_empty() {
            self.faults.push(format!("{}: there is no usable [[authority]]", self.file.display()));
        }
        let mut names = BTreeSet::new();
        let mut labels = BTreeSet::new();
        for authority in authorities {
            if !names.insert(&authority.name) {
                self.faults.push(format!(
                    "{}: two authorities are called {}",
                    self.file.display(),
                    authority.name
                ));
            }
            for label in authority.offers.iter().filter_map(|offer| offer.label.as_ref()) {
                if !labels.insert(label) {
                    self.faults.push(format!("{}: the label {label} is given twice", self.file.display()));
                }
            }
        }
        if !labels.contains(&est.default_label) {
            let label = &est.default_label;
            self.faults
                .push(format!("{}: est.default_label: no offer has the label {label}", self.file.display()));
        }
    }
}

impl Config {
    /// Reads only where the operator's socket is, so that a client needs no key, certificate or profile to be sound.
    ///
    /// # Errors
    /// The faults of the file itself.
    pub fn socket(file: &Path) -> Result<PathBuf, CheckConfigError> {
        let raw: RawConfig = server_kit::config::load(file).map_err(|error| CheckConfigError {
            faults: error.to_string().lines().map(str::to_owned).collect(),
        })?;
        Ok(beside(file, &raw.operator.socket))
    }
}
