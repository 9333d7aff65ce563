//! The options of a guided ceremony: where its file, its room and the media of the people are, and what was held before.

use std::path::PathBuf;

use ceremony::file::root::RootName;
use clap::Args;

use crate::guided::RunWish;
use crate::guided::beforehand::EarlierBundles;
use crate::guided::means::Means;
use crate::guided::soft_tokens::Rehearsal;
use crate::invocation::Invocation;

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    guided: GuidedArguments,
    /// The bundle of the last rehearsal of this very file, a directory or a .tar of it; without one the room is warned
    #[arg(long, value_name = "BUNDLE")]
    rehearsed: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RehearseArguments {
    #[command(flatten)]
    guided: GuidedArguments,
    /// The PKCS#11 module of SoftHSM2, which makes a token in the place of each that the file names; looked for when absent
    #[arg(long, value_name = "MODULE")]
    soft_token: Option<PathBuf>,
}

/// What ceremonies and rehearsals have alike.
#[derive(Debug, Args)]
struct GuidedArguments {
    /// The ceremony file; its inputs lie in `inputs` beside it
    file: PathBuf,
    /// The room: the directory of the roots and of the ceremonies that were held with them
    #[arg(long)]
    dir: PathBuf,
    /// The bundle of the previous ceremony, which the file names; what is signed is shown beside it
    #[arg(long, value_name = "BUNDLE")]
    previous: Option<PathBuf>,
    /// The key file of a person, on the person's own medium; asked for when absent
    #[arg(long, value_name = "NAME=FILE", value_parser = named_file)]
    key: Vec<(String, PathBuf)>,
    /// File with the passphrase of that key, mode 0600; asked for at the terminal when absent
    #[arg(long, value_name = "NAME=FILE", value_parser = named_file)]
    passphrase_file: Vec<(String, PathBuf)>,
    /// File with what opens the keys of a root, the passphrase of its key files or the PIN of its token, mode 0600; asked for
    /// at the terminal when absent
    #[arg(long, value_name = "ROOT=FILE", value_parser = root_file)]
    root_secret_file: Vec<(RootName, PathBuf)>,
    /// The medium of a share-holder, on which the share of a root is in ROOT.share; asked for when absent
    #[arg(long, value_name = "NAME=DIR", value_parser = named_file)]
    share_medium: Vec<(String, PathBuf)>,
    /// File with the passphrase of the shares on it, mode 0600; asked for at the terminal when absent
    #[arg(long, value_name = "NAME=FILE", value_parser = named_file)]
    share_passphrase_file: Vec<(String, PathBuf)>,
}

impl RunArguments {
    pub(crate) fn into_wish(self) -> RunWish {
        let Self { guided, rehearsed } = self;
        guided.into_wish(None, rehearsed)
    }
}

impl RehearseArguments {
    pub(crate) fn into_wish(self, invocation: &Invocation) -> RunWish {
        let Self { guided, soft_token } = self;
        guided.into_wish(Some(Rehearsal { soft_token, invocation: invocation.clone() }), None)
    }
}

impl GuidedArguments {
    fn into_wish(self, rehearsal: Option<Rehearsal>, rehearsed: Option<PathBuf>) -> RunWish {
        let means = Means {
            key_files: self.key.into_iter().collect(),
            passphrase_files: self.passphrase_file.into_iter().collect(),
            root_secrets: self.root_secret_file.into_iter().collect(),
            share_media: self.share_medium.into_iter().collect(),
            share_passphrases: self.share_passphrase_file.into_iter().collect(),
        };
        let earlier = EarlierBundles { previous: self.previous, rehearsed };
        RunWish { file: self.file, room: self.dir, rehearsal, means, earlier }
    }
}

fn named_file(text: &str) -> Result<(String, PathBuf), &'static str> {
    let (name, file) = text.split_once('=').ok_or("say a name, =, and a file")?;
    Ok((name.to_owned(), file.into()))
}

fn root_file(text: &str) -> Result<(RootName, PathBuf), String> {
    let (name, file) = named_file(text)?;
    Ok((RootName::try_from(name).map_err(|cause| cause.to_string())?, file))
}
