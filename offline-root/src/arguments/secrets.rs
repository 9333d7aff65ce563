//! Where the secret that opens a root's keys is read from.

use std::path::PathBuf;

use clap::Args;

use super::people::ShareArguments;
use crate::keys::SecretSource;

/// Where the secret is read from.
#[derive(Debug, Args)]
pub(crate) struct SecretArguments {
    /// File with the passphrase of the key files, mode 0600; asked for at the terminal when absent
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// File with the PIN of the token, mode 0600; asked for at the terminal when absent, unless the URI has a pin-source
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    pin_file: Option<PathBuf>,
    #[command(flatten)]
    shares: ShareArguments,
}

impl From<SecretArguments> for SecretSource {
    fn from(arguments: SecretArguments) -> Self {
        let SecretArguments { passphrase_file, pin_file, shares } = arguments;
        Self { passphrase_file, pin_file, shares: shares.into(), ..Self::default() }
    }
}
