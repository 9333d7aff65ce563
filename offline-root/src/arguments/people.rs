//! The options about people: their keys, the shares they hold, the shares they hand in.

use std::path::PathBuf;

use ceremony::people::Role;
use clap::{Args, Subcommand};

use crate::ceremony::share_renewal::RenewalWish;
use crate::person::PersonWish;
use crate::shares::{DealWish, HolderWish, ShareSources};
use crate::stated_time::StatedTime;

#[derive(Debug, Subcommand)]
pub(crate) enum PersonVerb {
    /// Makes a person's signing key, on the person's own medium
    Create(PersonCreateArguments),
    /// Opens a person's key, signs with it once, and shows its fingerprint
    Check(PersonCheckArguments),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ShareVerb {
    /// Checks that a share is whole and opens, without revealing it
    Check(ShareCheckArguments),
    /// Puts the keys under a new wrap key and deals new shares; the old ones are of no use afterwards
    Renew(Box<ShareRenewArguments>),
}

/// The shares that open shared keys.
#[derive(Debug, Args)]
pub(super) struct ShareArguments {
    /// A share file; once for each share
    #[arg(long, value_name = "FILE")]
    share_file: Vec<PathBuf>,
    /// File with the passphrase of a share, mode 0600, in the order of --share-file; asked for at the terminal, one after the
    /// other, when absent
    #[arg(long, value_name = "FILE", requires = "share_file")]
    share_passphrase_file: Vec<PathBuf>,
}

/// Who is to hold shares.
#[derive(Debug, Args)]
pub(super) struct DealArguments {
    /// Who holds a share, and the file of the person's public key; once for each person
    #[arg(long, value_name = "NAME=PEM", value_parser = holder, requires = "share_dir")]
    holder: Vec<(String, PathBuf)>,
    /// How many shares open the keys
    #[arg(long, value_name = "M", default_value_t = 3)]
    threshold: u8,
    /// The directory for the new share files, share-1.txt and so on: each goes to its holder's own medium
    #[arg(long, value_name = "DIR", requires = "holder")]
    share_dir: Option<PathBuf>,
    /// File with the passphrase of a new share, mode 0600, in the order of --holder; asked for at the terminal when absent
    #[arg(long, value_name = "FILE", requires = "holder")]
    new_share_passphrase_file: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct PersonCreateArguments {
    /// The person's name, as it is called in the room
    #[arg(long)]
    name: String,
    /// The person's role in the ceremony: administrator, operator, witness, share-holder or auditor
    #[arg(long)]
    role: Option<Role>,
    /// The key file to make
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The file of the public key to make
    #[arg(long, value_name = "PEM")]
    public: Option<PathBuf>,
    /// File with the passphrase of the key, mode 0600; asked for at the terminal when absent
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct PersonCheckArguments {
    /// The key file
    pub(crate) file: PathBuf,
    /// File with the passphrase of the key, mode 0600; asked for at the terminal when absent
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ShareCheckArguments {
    /// The share file
    pub(crate) file: PathBuf,
    /// The directory of the root whose keys it is to open; without it the share is checked for itself
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
    /// File with the passphrase of the share, mode 0600; asked for at the terminal when absent
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ShareRenewArguments {
    /// The directory of the root
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// The time of the ceremony as the people present agree: RFC 3339, or `now` for that of the machine
    #[arg(long)]
    pub(crate) time: StatedTime,
    #[command(flatten)]
    shares: ShareArguments,
    #[command(flatten)]
    dealing: DealArguments,
}

impl From<ShareArguments> for ShareSources {
    fn from(arguments: ShareArguments) -> Self {
        let ShareArguments { share_file, share_passphrase_file } = arguments;
        Self { files: share_file, passphrase_files: share_passphrase_file }
    }
}

impl DealArguments {
    /// Makes a wish of the options; nothing when no holder is named.
    pub(super) fn into_wish(self) -> Option<DealWish> {
        (!self.holder.is_empty()).then(|| self.into())
    }
}

impl From<DealArguments> for DealWish {
    fn from(arguments: DealArguments) -> Self {
        let DealArguments { holder, threshold, share_dir, new_share_passphrase_file } = arguments;
        let directory = share_dir.unwrap_or_default();
        let holders = holder.into_iter().zip(1..).map(|((name, key), number): (_, usize)| HolderWish {
            name,
            key,
            out: directory.join(format!("share-{number}.txt")),
        });
        Self { holders: holders.collect(), threshold, passphrase_files: new_share_passphrase_file }
    }
}

impl From<ShareRenewArguments> for RenewalWish {
    fn from(arguments: ShareRenewArguments) -> Self {
        Self { dealing: arguments.dealing.into(), shares: arguments.shares.into() }
    }
}

impl From<PersonCreateArguments> for PersonWish {
    fn from(arguments: PersonCreateArguments) -> Self {
        let PersonCreateArguments { name, role, out, public, passphrase_file } = arguments;
        Self { name, role, out, public, passphrase_file }
    }
}

fn holder(text: &str) -> Result<(String, PathBuf), &'static str> {
    let (name, file) =
        text.split_once('=').ok_or("say a name, =, and the file of the person's public key")?;
    Ok((name.to_owned(), file.into()))
}
