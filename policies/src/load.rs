//! Loading profiles: the ones compiled in, or the files of a directory, whole or not at all.
//!
//! Every fault is reported, with file and line. What a profile means is said by `ca-core`; what stands in a file by
//! [`v1`](crate::v1).

mod nesting;
mod source;

use std::collections::BTreeMap;
use std::path::Path;

use ca_core::profile::{CertificateProfile, CrlProfile, OcspProfile, ProfileId};
use const_oid::ObjectIdentifier;

use self::source::Source;
use crate::described::{self, Field};
use crate::embedded::FILES;
use crate::fault::{FileFault, KeyFault, LoadProfileError};
use crate::file::{Origin, ProfileFile};
use crate::v1::read::{self, ReadCertificate};
use crate::v1::{CertificateFile, FORMAT};
use crate::variant::Variant;

/// What a deployment decides about all profiles at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The form of what meters load.
    pub variant: Variant,
    /// The arc below which the certificate policies of the deployment stand.
    pub policy_arc: ObjectIdentifier,
}

impl Settings {
    /// An arc for rehearsals: below the enterprise number that RFC 5612 sets aside for documentation.
    pub const PLACEHOLDER_ARC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1");
}

impl Default for Settings {
    fn default() -> Self {
        Self { variant: Variant::default(), policy_arc: Self::PLACEHOLDER_ARC }
    }
}

/// The profiles of a deployment, each sound in itself and nested in those of its issuers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProfileSet {
    certificates: BTreeMap<ProfileId, (CertificateProfile, Vec<ProfileId>)>,
    crls: BTreeMap<ProfileId, CrlProfile>,
    ocsp: BTreeMap<ProfileId, OcspProfile>,
    /// The file of each.
    files: BTreeMap<ProfileId, ProfileFile>,
    settings: Settings,
}

impl ProfileSet {
    /// Loads the profiles that are compiled in.
    ///
    /// # Errors
    /// [`LoadProfileError::Faulty`], for settings under which they are not sound.
    pub fn load_embedded(settings: &Settings) -> Result<Self, LoadProfileError> {
        Self::load(FILES.iter().copied(), settings, Origin::BuiltIn)
    }

    /// Loads every file of a directory whose name ends in `.toml`, in the order of their names, and nothing else.
    ///
    /// # Errors
    /// [`LoadProfileError`].
    pub fn load_dir(path: &Path, settings: &Settings) -> Result<Self, LoadProfileError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |cause| LoadProfileError::Unreadable { path, cause }
        };
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(path).map_err(unreadable(path))? {
            let file = entry.map_err(unreadable(path))?.path();
            if file.extension().is_some_and(|extension| extension == "toml") {
                let text = std::fs::read_to_string(&file).map_err(unreadable(&file))?;
                files.insert(file.display().to_string(), text);
            }
        }
        if files.is_empty() {
            return Err(LoadProfileError::Empty { path: path.to_owned() });
        }
        let files = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        Self::load(files, settings, Origin::Directory)
    }

    /// Loads files given by name and text.
    ///
    /// # Errors
    /// [`LoadProfileError::Faulty`].
    pub fn load_files<'a>(
        files: impl Iterator<Item = (&'a str, &'a str)>,
        settings: &Settings,
    ) -> Result<Self, LoadProfileError> {
        Self::load(files, settings, Origin::Directory)
    }

    fn load<'a>(
        files: impl Iterator<Item = (&'a str, &'a str)>,
        settings: &Settings,
        origin: Origin,
    ) -> Result<Self, LoadProfileError> {
        let set = Self { settings: *settings, ..Self::default() };
        let mut loading = Loading { settings, set, homes: BTreeMap::new(), faults: Vec::new() };
        for (name, text) in files {
            match Source::parse(name, text) {
                Ok(source) => loading.add(source),
                Err(faults) => loading.faults.extend(faults),
            }
        }
        // A set with holes would be reported as full of them.
        if loading.faults.is_empty() {
            loading.check_nesting();
        }
        if loading.faults.is_empty() {
            let file = |source: Source<'_>| ProfileFile::new(source.name(), source.text(), origin);
            let files = loading.homes.into_iter().map(|(id, source)| (id, file(source))).collect();
            return Ok(Self { files, ..loading.set });
        }
        loading.faults.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        Err(LoadProfileError::Faulty { faults: loading.faults })
    }

    /// Returns a certificate profile by its name, such as `meter-op-ds-s1`.
    #[must_use]
    pub fn certificate(&self, id: &str) -> Option<&CertificateProfile> {
        let id = ProfileId::parse(id).ok()?;
        self.certificates.get(&id).map(|(profile, _)| profile)
    }

    /// Returns the names of the CA profiles whose CAs may issue under a certificate profile; empty when it is not known or
    /// self-signed.
    #[must_use]
    pub fn issuers(&self, id: &str) -> &[ProfileId] {
        let id = ProfileId::parse(id).ok();
        id.and_then(|id| self.certificates.get(&id)).map_or(&[], |(_, issuers)| issuers)
    }

    /// Returns a CRL profile by its name, such as `crl-online`.
    #[must_use]
    pub fn crl(&self, id: &str) -> Option<&CrlProfile> {
        self.crls.get(&ProfileId::parse(id).ok()?)
    }

    /// Returns a profile of OCSP answers by its name, such as `ocsp-online`.
    #[must_use]
    pub fn ocsp(&self, id: &str) -> Option<&OcspProfile> {
        self.ocsp.get(&ProfileId::parse(id).ok()?)
    }

    /// Returns what a profile of any kind says, field by field.
    #[must_use]
    pub fn described(&self, id: &str) -> Option<Vec<Field>> {
        let certificate = self.certificate(id).map(|one| described::certificate(one, self.issuers(id)));
        let crl = || self.crl(id).map(described::crl);
        certificate.or_else(crl).or_else(|| self.ocsp(id).map(described::ocsp))
    }

    /// Returns the file that a profile of any kind was read from.
    #[must_use]
    pub fn file(&self, id: &str) -> Option<&ProfileFile> {
        self.files.get(&ProfileId::parse(id).ok()?)
    }

    /// Returns what the deployment decided about all of them at once.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the names of the certificate profiles, in ascending order.
    pub fn ids(&self) -> impl Iterator<Item = &ProfileId> {
        self.certificates.keys()
    }

    /// Returns the certificate profiles, in the order of their names.
    pub fn certificates(&self) -> impl Iterator<Item = &CertificateProfile> {
        self.certificates.values().map(|(profile, _)| profile)
    }

    /// Returns the names of the CRL profiles, in ascending order.
    pub fn crl_ids(&self) -> impl Iterator<Item = &ProfileId> {
        self.crls.keys()
    }

    /// Returns the names of the profiles of OCSP answers, in ascending order.
    pub fn ocsp_ids(&self) -> impl Iterator<Item = &ProfileId> {
        self.ocsp.keys()
    }
}

/// A set that is being put together.
struct Loading<'a> {
    settings: &'a Settings,
    set: ProfileSet,
    /// Which file each name came from.
    homes: BTreeMap<ProfileId, Source<'a>>,
    faults: Vec<FileFault>,
}

impl<'a> Loading<'a> {
    fn add(&mut self, source: Source<'a>) {
        if source.integer("format") != Some(FORMAT) {
            return self.faults.push(source.fault("format", KeyFault::Format));
        }
        match source.string("kind") {
            Some("certificate") => self.add_certificates(&source),
            Some("crl") => self.add_crl(&source),
            Some("ocsp") => self.add_ocsp(&source),
            _ => self.faults.push(source.fault("kind", KeyFault::Kind)),
        }
    }

    fn add_certificates(&mut self, source: &Source<'a>) {
        let arc = self.settings.policy_arc;
        for read in
            self.read(source, |file: &CertificateFile| read::certificates(file, &arc)).unwrap_or_default()
        {
            let ReadCertificate { parts, issuers } = read;
            let id = parts.id.clone();
            match CertificateProfile::new(self.settings.variant.apply(parts)) {
                Ok(profile) if self.settle(&id, source) => {
                    self.set.certificates.insert(id, (profile, issuers));
                }
                Ok(_) => {}
                Err(faults) => {
                    for fault in faults {
                        let fault = source.fault(read::key_of(&fault), KeyFault::Unsound(fault));
                        // Both suites of a file have the same fault.
                        if !self.faults.contains(&fault) {
                            self.faults.push(fault);
                        }
                    }
                }
            }
        }
    }

    fn add_crl(&mut self, source: &Source<'a>) {
        if let Some((id, profile)) = self.read(source, read::crl)
            && self.settle(&id, source)
        {
            self.set.crls.insert(id, profile);
        }
    }

    fn add_ocsp(&mut self, source: &Source<'a>) {
        if let Some((id, profile)) = self.read(source, read::ocsp)
            && self.settle(&id, source)
        {
            self.set.ocsp.insert(id, profile);
        }
    }

    /// Decodes a file and reads it; notes every fault of either.
    fn read<F: serde::Deserialize<'a>, T>(
        &mut self,
        source: &Source<'a>,
        read: impl FnOnce(&F) -> Result<T, read::Faults>,
    ) -> Option<T> {
        let (file, faults, spoiled) = source.decode::<F>();
        let faultless = faults.is_empty();
        self.faults.extend(faults);
        match read(&file?) {
            Ok(value) => faultless.then_some(value),
            Err(faults) => {
                self.faults.extend(source.locate(faults, &spoiled));
                None
            }
        }
    }

    /// Takes a name, if no other file has it.
    fn settle(&mut self, id: &ProfileId, source: &Source<'a>) -> bool {
        if let Some(home) = self.homes.get(id) {
            let other = home.name().to_owned();
            self.faults.push(source.fault("id", KeyFault::Duplicate { id: id.clone(), other }));
            return false;
        }
        self.homes.insert(id.clone(), source.clone());
        true
    }
}
