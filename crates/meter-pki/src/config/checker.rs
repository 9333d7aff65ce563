//! The checks of a configuration file: every fault is noted with its line, and the check goes on without the value.
//!
//! Reads certificates, profile files, and the EST server's certificate and key; opens no store, no signer and no token.

mod audit;
mod authority;
mod approval;
mod generations;
mod push;
mod cmp;
mod front;
mod keys;
mod signer;
mod uplift;
mod watch;

use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ca_core::certificate::Certificate;
use ca_core::fleet::uplift::UpliftMatrix;
use ca_core::orders::OrderRule;
use ca_core::path::TrustAnchor;
use ca_core::profile::{Approval, CertificateProfile, ProfileId};
use ca_core::tenant::TenantId;
use est_server::config::DlmsTools;
use policies::{ProfileSet, Settings, Variant};
use server_kit::tls::TlsIdentity;
use toml::Spanned;

use crate::backup::recovery_key::RecoveryPublicKey;
use crate::coaps;

use super::checked::{CheckedManufacturer, CheckedRegistrationAuthority, OperatorDoor, ShipmentTrust};
use super::{
    CheckConfigError, Config, RawBulk, RawConfig, RawDlmsTools, RawEst, RawManufacturer, RawOperator,
    RawProfiles, RawRegistrationAuthority, RawRevocation, RawStatus, RawVisits, beside,
};

/// How far the system is that is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It is being founded: it will itself issue the certificate of its EST server.
    Founding,
    /// It is to serve: everything must be there.
    Service,
}

/// Collects faults, so that all are told at once.
pub(super) struct Checker<'a> {
    file: &'a Path,
    pub(super) stage: Stage,
    /// Where the table that is being checked begins in the text.
    place: usize,
    /// Whether keys may be kept by software.
    software_keys: bool,
    /// Sentences with their places.
    faults: Vec<(usize, String)>,
}

impl<'a> Checker<'a> {
    /// Begins the check of a file.
    pub(super) const fn new(file: &'a Path, stage: Stage) -> Self {
        Self { file, stage, place: 0, software_keys: false, faults: Vec::new() }
    }

    /// Begins the check of a file of what is to serve.
    pub(super) const fn of_service(file: &'a Path) -> Self {
        Self::new(file, Stage::Service)
    }

    /// Checks everything.
    pub(super) fn check(mut self, raw: RawConfig) -> Result<Config, CheckConfigError> {
        match self.config(raw) {
            Some(config) if self.faults.is_empty() => Ok(config),
            _ => Err(CheckConfigError { faults: self.told() }),
        }
    }

    /// Returns the faults in the order of the file, each with file and line.
    fn told(mut self) -> Vec<String> {
        let text = std::fs::read_to_string(self.file).unwrap_or_default();
        self.faults.sort_by_key(|(place, _)| *place);
        let line = |place| text.get(..place).unwrap_or_default().matches('\n').count() + 1;
        let told = |(place, sentence)| format!("{}:{}: {sentence}", self.file.display(), line(place));
        self.faults.into_iter().map(told).collect()
    }

    /// Checks a table; its faults are told with its line.
    fn at<T, R>(&mut self, table: &Spanned<T>, check: impl FnOnce(&mut Self, &T) -> R) -> R {
        let outer = std::mem::replace(&mut self.place, table.span().start);
        let checked = check(self, table.get_ref());
        self.place = outer;
        checked
    }

    /// Checks each table of an array.
    fn each<T, R>(
        &mut self,
        tables: &[Spanned<T>],
        mut check: impl FnMut(&mut Self, &T) -> Option<R>,
    ) -> Vec<R> {
        tables.iter().filter_map(|table| self.at(table, |checker, one| check(checker, one))).collect()
    }

    /// Notes a fault.
    fn note(&mut self, what: &str, why: impl Display) {
        self.faults.push((self.place, format!("{what}: {why}")));
    }

    /// Notes a fault and goes on without the value.
    pub(super) fn keep<T, E: Display>(&mut self, what: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.note(what, error)).ok()
    }

    /// Returns the file that is checked.
    pub(super) const fn file(&self) -> &Path {
        self.file
    }

    pub(super) fn beside(&self, path: &Path) -> PathBuf {
        beside(self.file, path)
    }

    fn config(&mut self, raw: RawConfig) -> Option<Config> {
        let store = self.at(&raw.store, Self::store);
        let keys = self.at(&raw.keys, Self::keys);
        let profiles = self.at(&raw.profiles, Self::profiles);
        let est = self.at(&raw.est, Self::est);
        let cmp = raw.cmp.as_ref();
        let cmp = cmp.map(|section| self.at(section, |checker, cmp| checker.cmp(cmp, raw.est.get_ref())));
        let status = self.at(&raw.status, Self::status);
        let recovery_key = raw.backup.recovery_key_file.as_ref().map(|path| {
            let path = self.beside(path);
            self.keep("backup.recovery_key_file", RecoveryPublicKey::load(&path))
        });
        let orders = self.at(&raw.revocation, Self::orders);
        let operator_profiles = Self::operator_profiles(raw.operator.get_ref());
        let operator_door = raw.operator.get_ref().listen.map(|listen| {
            self.at(&raw.operator, |checker, one| checker.operator_door(listen, one, raw.est.get_ref()))
        });
        if raw.operator.get_ref().listen.is_none() && raw.operator.get_ref().sign_in.is_some() {
            self.at(&raw.operator, |checker, _| {
                checker.note("operator.sign_in", "goes with operator.listen");
            });
        }
        let break_glass_hours = self.at(&raw.operator, Self::break_glass);
        let two_give = self.at(&raw.operator, Self::two_give);
        let exchanges = self.at(&raw.operator, |checker, one| {
            let named = one.exchanges_directory.as_ref();
            named.map(|path| checker.directory("operator.exchanges_directory", path))
        });
        let incoming = self.at(&raw.operator, Self::incoming);
        let visit_approvals = self.at(&raw.visits, Self::visits);
        let operator_socket = self.beside(&raw.operator.get_ref().socket);
        self.check_names(&raw);
        let manufacturers = self.each(&raw.manufacturers, Self::manufacturer);
        // Without profiles, whatever names one could not be checked.
        let profiles = profiles?;
        let known: BTreeSet<TenantId> = manufacturers.iter().map(|one| one.tenant.clone()).collect();
        let authorities =
            self.each(&raw.authorities, |checker, one| checker.authority(one, &profiles, &known));
        let registration_authorities = self.each(&raw.registration_authorities, |checker, one| {
            checker.registration_authority(one, &profiles)
        });
        let uplifts = self.each(&raw.uplifts, |checker, one| checker.uplift(one, &known));
        let audit = self.at(&raw.audit, |checker, raw| checker.audit(raw, &authorities));
        let closed_authorities = self.at(&raw.status, |checker, raw| {
            checker.certificates("status.closed_authority_files", &raw.closed_authority_files)
        });
        let (tenant, store) = store?;
        Some(Config {
            tenant,
            store,
            keys: keys?,
            est: est?,
            cmp: cmp.flatten(),
            status: status?,
            operator_socket,
            operator_door: operator_door.flatten(),
            operator_profiles,
            break_glass_hours: break_glass_hours?,
            two_give: two_give?,
            exchanges: exchanges.flatten(),
            incoming,
            operator_users: raw.operator.get_ref().users.clone(),
            audit: audit?,
            file: self.file.to_path_buf(),
            recovery_key: recovery_key.flatten(),
            orders: orders?,
            visit_approvals: visit_approvals?,
            authorities,
            closed_authorities,
            manufacturers,
            registration_authorities,
            uplifts: UpliftMatrix::new(uplifts),
            profiles: Arc::new(profiles),
        })
    }

    /// Which certificates are operators'.
    fn operator_profiles(raw: &RawOperator) -> Vec<String> {
        let usual = || ["ra-operator-s1", "ra-operator-s2"].map(str::to_owned).into();
        raw.certificate_profiles.clone().unwrap_or_else(usual)
    }

    /// Where operators come with client certificates.
    fn operator_door(&mut self, listen: SocketAddr, raw: &RawOperator, est: &RawEst) -> Option<OperatorDoor> {
        let (certificate, key) = match (&raw.certificate_file, &raw.key_file) {
            (Some(certificate), Some(key)) => (certificate, key),
            (None, None) => (&est.certificate_file, &est.key_file),
            (Some(_), None) | (None, Some(_)) => {
                return self.keep("operator.certificate_file, key_file", Err("are given both, or none"));
            }
        };
        // That of `[est]` is judged there.
        if self.stage == Stage::Service && raw.certificate_file.is_some() {
            let octets = self.readable("operator.certificate_file", certificate);
            let secret = self.readable("operator.key_file", key);
            self.keep("operator.certificate_file, key_file", TlsIdentity::from_pem(&octets?, &secret?))?;
        }
        let (certificate_file, key_file) = (self.beside(certificate), self.beside(key));
        let sign_in = match &raw.sign_in {
            Some(raw) => Some(self.sign_in(raw)?),
            None => None,
        };
        Some(OperatorDoor { listen, certificate_file, key_file, limits: raw.limits.clone(), sign_in })
    }

    /// Whether it takes two administrators to give somebody a role or a credential.
    fn two_give(&mut self, raw: &RawOperator) -> Option<bool> {
        match raw.people.as_deref() {
            None | Some("one") => Some(false),
            Some("two") => Some(true),
            Some(_) => self.keep("operator.people", Err("is one or two")),
        }
    }

    /// For how many hours somebody has a role in an emergency at most.
    fn break_glass(&mut self, raw: &RawOperator) -> Option<u8> {
        match raw.break_glass_hours {
            None => Some(4),
            Some(hours @ 1..=24) => Some(hours),
            Some(_) => self.keep("operator.break_glass_hours", Err("is 1 to 24")),
        }
    }

    /// How many people a change of many certificates needs.
    fn orders(&mut self, raw: &RawRevocation) -> Option<OrderRule> {
        let usual = OrderRule::default();
        let lifetime_seconds = match raw.wait_hours {
            None => usual.lifetime_seconds,
            Some(hours @ 1..=720) => i64::from(hours) * 3_600,
            Some(_) => self.keep("revocation.wait_hours", Err("is 1 to 720, which is 30 days"))?,
        };
        Some(OrderRule {
            two_people_from: raw.two_people_from.unwrap_or(usual.two_people_from),
            lifetime_seconds,
        })
    }

    /// How many people a visit of a technician needs.
    fn visits(&mut self, raw: &RawVisits) -> Option<Approval> {
        let approvals = raw.approvals.as_deref().map_or(Some(Approval::Two), Approval::from_name);
        self.keep("visits.approvals", approvals.ok_or("is none, one or two"))
    }

    /// What must exist is not created.
    fn incoming(&mut self, raw: &RawOperator) -> Option<PathBuf> {
        let named = raw.incoming_directory.as_ref()?;
        if raw.exchanges_directory.is_none() {
            self.note("operator.incoming_directory", "goes with operator.exchanges_directory");
        }
        self.directory("operator.incoming_directory", named)
    }

    pub(super) fn directory(&mut self, what: &str, path: &Path) -> Option<PathBuf> {
        let path = self.beside(path);
        let found = path.is_dir().then(|| path.clone());
        self.keep(what, found.ok_or_else(|| format!("there is no directory {}", path.display())))
    }

    fn readable(&mut self, what: &str, path: &Path) -> Option<Vec<u8>> {
        let path = self.beside(path);
        let octets = std::fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()));
        self.keep(what, octets)
    }

    fn est(&mut self, raw: &RawEst) -> Option<RawEst> {
        if self.stage == Stage::Service {
            let certificate = self.readable("est.certificate_file", &raw.certificate_file);
            let key = self.readable("est.key_file", &raw.key_file);
            if let (Some(certificate), Some(key)) = (certificate, key) {
                self.keep("est.certificate_file, key_file", TlsIdentity::from_pem(&certificate, &key))?;
                if raw.coaps.is_some() {
                    self.keep("est.coaps", coaps::check(&certificate, &key))?;
                }
            }
        }
        if raw.message_key_file.is_some() {
            self.software_key("est.message_key_file");
        }
        self.head_ends(raw);
        Some(RawEst {
            certificate_file: self.beside(&raw.certificate_file),
            key_file: self.beside(&raw.key_file),
            message_certificate_file: raw.message_certificate_file.as_deref().map(|file| self.beside(file)),
            message_key_file: raw.message_key_file.as_deref().map(|file| self.beside(file)),
            message_passphrase_file: raw.message_passphrase_file.as_deref().map(|file| self.beside(file)),
            ..raw.clone()
        })
    }

    /// What head-ends may do, and how often who may ask.
    fn head_ends(&mut self, raw: &RawEst) {
        let RawBulk { max_lines, max_octets, uploads, upload_seconds } = raw.bulk;
        if max_lines == 0 || max_octets == 0 || uploads == 0 || upload_seconds == 0 {
            self.note("est.bulk", "no value may be 0");
        }
        let rates = &raw.rates;
        let given = [rates.address, rates.device, rates.registration_authority, rates.tenant];
        if given.into_iter().flatten().any(|rate| rate.per_second > 0 && rate.burst == 0) {
            self.note("est.rates", "a burst of 0 lets nobody in; per_second = 0 is no limit");
        }
        if let Some(RawDlmsTools { path, labels }) = &raw.dlms_tools {
            let service = DlmsTools { path: path.clone(), labels: labels.clone() };
            if !service.has_sound_path() {
                let why = "is not an absolute path of letters, digits, -, _ and ., or is another's";
                self.note("est.dlms_tools.path", format!("{path} {why}"));
            }
        }
    }

    fn status(&mut self, raw: &RawStatus) -> Option<RawStatus> {
        let directory = self.directory("status.directory", &raw.directory)?;
        let releases_directory = match &raw.releases_directory {
            Some(directory) => Some(self.directory("status.releases_directory", directory)?),
            None => None,
        };
        let push = raw.push.iter().filter_map(|target| self.push(target)).collect();
        Some(RawStatus { directory, releases_directory, push, ..raw.clone() })
    }

    fn profiles(&mut self, raw: &RawProfiles) -> Option<ProfileSet> {
        let mut settings = Settings::default();
        let hw_type = match &raw.hw_type {
            Some(text) => Some(self.keep("profiles.hw_type", text.parse())?),
            None => None,
        };
        if let Some(name) = &raw.variant {
            settings.variant = self.keep("profiles.variant", Variant::named(name, hw_type))?;
        } else if hw_type.is_some() {
            let why = "only the variants greenbook-san and strict-empty use it";
            return self.keep("profiles.hw_type", Err(why));
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
        let octets = self.readable(what, path)?;
        let parsed = Certificate::from_der(&octets);
        self.keep(what, parsed.map_err(|error| format!("{}: {error}", self.beside(path).display())))
    }

    fn certificates(&mut self, what: &str, files: &[PathBuf]) -> Vec<Certificate> {
        files.iter().filter_map(|file| self.certificate(what, file)).collect()
    }

    fn anchors(&mut self, what: &str, files: &[PathBuf]) -> Vec<TrustAnchor> {
        if files.is_empty() {
            self.note(what, "at least one anchor file is needed");
        }
        let certificates = self.certificates(what, files);
        certificates.iter().map(TrustAnchor::from_certificate).collect()
    }

    fn manufacturer(&mut self, raw: &RawManufacturer) -> Option<CheckedManufacturer> {
        let what = format!("manufacturer {}", raw.tenant);
        let anchors = self.anchors(&what, &raw.anchor_files);
        let vouching = self.certificates(&what, &raw.shipment_anchor_files);
        let shipments = ShipmentTrust {
            anchors: vouching.iter().map(TrustAnchor::from_certificate).collect(),
            organization: raw.shipment_organization.clone(),
        };
        let tenant = self.keep(&what, TenantId::parse(&raw.tenant))?;
        Some(CheckedManufacturer { tenant, anchors, shipments })
    }

    fn profile(&mut self, what: &str, name: &str, profiles: &ProfileSet) -> Option<CertificateProfile> {
        let profile = profiles.certificate(name).ok_or_else(|| format!("there is no profile {name}"));
        self.keep(what, profile).cloned()
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
        let prefix = self.keep(&what, prefix.ok_or("title_prefix is up to 8 octets in hexadecimal"));
        let tenant = self.keep(&what, TenantId::parse(&raw.tenant));
        Some(CheckedRegistrationAuthority {
            name: raw.name.clone(),
            tenant: tenant?,
            common_name: raw.common_name.clone(),
            title_prefix: prefix?,
            dns_suffixes: raw.dns_suffixes.clone(),
            forwards: raw.forwards,
            anchors,
            profiles,
        })
    }

    /// There is an authority; names of authorities and labels are unique; the default label exists.
    fn check_names(&mut self, raw: &RawConfig) {
        if raw.authorities.is_empty() {
            self.note("authority", "at least one is needed");
        }
        let (mut names, mut labels) = (BTreeSet::new(), BTreeSet::new());
        for authority in &raw.authorities {
            self.at(authority, |checker, one| {
                if !names.insert(one.name.clone()) {
                    checker.note(&format!("authority {}", one.name), "another one has this name");
                }
            });
            for offer in &authority.get_ref().offers {
                self.at(offer, |checker, one| {
                    if let Some(label) = one.label.as_ref().filter(|label| !labels.insert((*label).clone())) {
                        checker.note(
                            &format!("offer {}", one.profile),
                            format!("the label {label} is given twice"),
                        );
                    }
                });
            }
        }
        self.at(&raw.est, |checker, est| {
            if !labels.contains(&est.default_label) {
                checker.note("est.default_label", format!("no offer has the label {}", est.default_label));
            }
            let named = est.dlms_tools.iter().flat_map(|service| &service.labels);
            for label in named.filter(|label| !labels.contains(*label)) {
                checker.note("est.dlms_tools.labels", format!("no offer has the label {label}"));
            }
        });
        if let Some(section) = &raw.cmp {
            self.at(section, |checker, cmp| {
                for label in cmp.labels.iter().filter(|label| !labels.contains(*label)) {
                    checker.note("cmp.labels", format!("no offer has the label {label}"));
                }
            });
        }
    }
}
