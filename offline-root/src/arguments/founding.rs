//! The options of `init`: what a new root is, and where its keys go.

use std::path::PathBuf;

use ca_core::issuer::PublicationPoints;
use ca_core::suite::SecuritySuite;
use ca_core::tenant::TenantId;
use clap::{ArgGroup, Args};
use policies::{Settings, Variant};

use super::people::DealArguments;
use super::secrets::SecretArguments;
use crate::ceremony::root::RootWish;
use crate::charter::{KeyStore, ProfileChoice};
use crate::stated_time::StatedTime;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("store").required(true))]
pub(crate) struct InitArguments {
    /// The DLMS security suite: 1 (P-256) or 2 (P-384)
    #[arg(long, value_parser = suite)]
    suite: SecuritySuite,
    /// The directory to make
    #[arg(long)]
    dir: PathBuf,
    /// Country of the root's name, two upper-case letters
    #[arg(long)]
    country: String,
    /// Organization of the root's name
    #[arg(long)]
    organization: String,
    /// Common name of the root, such as "Example Root S1 G1"
    #[arg(long)]
    common_name: String,
    /// The time of the ceremony as the people present agree, from when the root is valid: RFC 3339, or `now` for that of the
    /// machine
    #[arg(long, visible_alias = "not-before")]
    time: StatedTime,
    /// The owner, as audit records name it
    #[arg(long, default_value = "root", value_parser = TenantId::parse)]
    tenant: TenantId,
    /// The profile of the root, without its suite
    #[arg(long, default_value = "root")]
    profile: String,
    #[command(flatten)]
    form: ProfileArguments,
    /// The root certificate that this root succeeds: it must be one that can be linked to it
    #[arg(long, value_name = "FILE")]
    successor_of: Option<PathBuf>,
    /// Keeps the keys in encrypted files in the directory
    #[arg(long, group = "store")]
    key_file: bool,
    /// Keeps the keys in encrypted files in the directory, under a wrap key shared among the holders
    #[arg(long, group = "store", requires = "holder")]
    shared: bool,
    #[command(flatten)]
    dealing: DealArguments,
    /// Keeps the keys on a PKCS#11 token, such as pkcs11:token=root?module-path=/usr/lib/module.so
    #[arg(long, group = "store", value_name = "URI")]
    token_uri: Option<String>,
    /// What the key is called on the token [default: --common-name]
    #[arg(long, requires = "token_uri")]
    key_label: Option<String>,
    #[command(flatten)]
    secrets: SecretArguments,
    /// http:// URI of the root's CRL, for sub-CA certificates that carry one
    #[arg(long, value_name = "URI")]
    crl_uri: Option<String>,
    /// http:// URI of the root's certificate
    #[arg(long, value_name = "URI")]
    ca_issuers_uri: Option<String>,
    /// http:// URI of an OCSP responder for the root
    #[arg(long, value_name = "URI")]
    ocsp_uri: Option<String>,
}

/// In which form certificates are written.
#[derive(Debug, Args)]
struct ProfileArguments {
    /// The form: gurux-safe, greenbook-san, strict-empty or small
    #[arg(long, value_name = "VARIANT", default_value = Variant::NAMES[0])]
    profile_set: String,
    /// The hwType of hardwareModuleNames, where the form has them
    #[arg(long, value_name = "OID")]
    hw_type: Option<String>,
    /// The arc of the certificate policies
    #[arg(long, value_name = "OID", default_value_t = Settings::PLACEHOLDER_ARC.to_string())]
    policy_arc: String,
}

impl InitArguments {
    pub(crate) fn into_wish(self) -> RootWish {
        let ProfileArguments { profile_set, hw_type, policy_arc } = self.form;
        RootWish {
            directory: self.dir,
            suite: self.suite,
            tenant: self.tenant,
            country: self.country,
            organization: self.organization,
            common_name: self.common_name,
            profile: self.profile,
            profiles: ProfileChoice { variant: profile_set, hw_type, policy_arc },
            time: self.time,
            // The group makes sure that exactly one of the three is given.
            keys: match self.token_uri {
                Some(uri) => KeyStore::Token { uri },
                None if self.shared => KeyStore::Shared,
                None => KeyStore::File,
            },
            dealing: self.dealing.into_wish(),
            key_label: self.key_label,
            secrets: self.secrets.into(),
            successor_of: self.successor_of,
            points: PublicationPoints {
                crl: self.crl_uri,
                ca_issuers: self.ca_issuers_uri,
                ocsp: self.ocsp_uri,
            },
        }
    }
}

fn suite(text: &str) -> Result<SecuritySuite, &'static str> {
    text.parse().ok().and_then(SecuritySuite::from_number).ok_or("the suites with public keys are 1 and 2")
}
