//! The command line. What the options say is checked here; what they mean is in the modules of the verbs.
//!
//! No option takes a secret: a command line is seen by every process of the machine (case I-03).

mod ending;
mod founding;
mod guided;
mod signing;
mod secrets;
mod people;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use ending::{CloseSubcaArguments, DestroyKeyArguments, RevokeArguments};
use founding::InitArguments;
use guided::{RehearseArguments, RunArguments};
pub(crate) use people::{
    PersonCheckArguments, PersonVerb, ShareCheckArguments, ShareRenewArguments, ShareVerb,
};
pub(crate) use signing::{
    CrlArguments, CrlSeriesArguments, CrossCertifyArguments, LinkArguments, SignSubcaArguments,
};

/// The ceremony program for a root that is kept off line.
#[derive(Debug, Parser)]
#[command(name = "offline-root", version, about, max_term_width = 110)]
pub(crate) struct Arguments {
    /// Prints JSON, errors too
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Makes the root of one suite in a new directory
    Init(Box<InitArguments>),
    /// Says in words what is in a request, response, certificate, CRL or public key
    Show(ShowArguments),
    /// Signs the certificate of a sub-CA, from a request file into a response file
    SignSubca(SignSubcaArguments),
    /// Signs the next CRL of the root
    Crl(CrlArguments),
    /// Signs the CRLs of the coming periods, each to be released when its time comes
    CrlSeries(CrlSeriesArguments),
    /// Certifies the root of another generation: a link certificate, new with old or old with new
    Link(LinkArguments),
    /// Certifies the issuing CA of another PKI
    CrossCertify(CrossCertifyArguments),
    /// Records that a sub-CA is closed, shown by its last CRL
    CloseSubca(CloseSubcaArguments),
    /// Destroys the keys of the root, for good
    DestroyKey(DestroyKeyArguments),
    /// Records that a certificate of the root is revoked; the next CRL will say so
    Revoke(RevokeArguments),
    /// Looks at everything in the directory of a root once more, and changes nothing
    Verify(VerifyArguments),
    /// The ceremony as a whole: its file, its script, its bundle
    #[command(subcommand)]
    Ceremony(CeremonyVerb),
    /// Looks at everything on a medium before it leaves the room, and refuses what is not public
    Medium(MediumArguments),
    /// Files on paper
    #[command(subcommand)]
    Qr(QrVerb),
    /// Makes and checks the own signing keys of people
    #[command(subcommand)]
    Person(PersonVerb),
    /// Checks and renews the shares of a root's keys
    #[command(subcommand)]
    Share(ShareVerb),
}

#[derive(Debug, Subcommand)]
pub(crate) enum CeremonyVerb {
    /// Checks a ceremony file and its inputs, shows its SHA-256 in digits and words, and writes the script
    Check {
        /// The ceremony file; its inputs lie in `inputs` beside it
        file: PathBuf,
        /// Where the script goes: a name that ends in .md or .html
        #[arg(long, value_name = "FILE")]
        script: Option<PathBuf>,
    },
    /// Holds a ceremony step by step, or goes on with one that was interrupted
    Run(Box<RunArguments>),
    /// The same in a place of its own, with soft tokens for those that the file names; everything that it makes says REHEARSAL
    Rehearse(Box<RehearseArguments>),
    /// Checks the bundle of a ceremony again, from the bundle alone
    Verify {
        /// The directory of the bundle, or a .tar of it
        bundle: PathBuf,
        /// The bundle of the ceremony before: then it is also checked that the one goes on where the other ended
        #[arg(long, value_name = "BUNDLE")]
        previous: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The file
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct MediumArguments {
    /// The directory that the medium is mounted at
    pub(crate) directory: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QrVerb {
    /// Writes a request, response, certificate, CRL or public key as a series of QR codes
    Encode {
        /// The file
        file: PathBuf,
        /// The folder to make, for sheets (SVG) and pictures (PNG)
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Makes a file of the codes in pictures (PNG), in any order
    Scan {
        /// The pictures, or folders of them
        #[arg(required = true)]
        pictures: Vec<PathBuf>,
        /// The file to make
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The directory of the root
    #[arg(long)]
    pub(crate) dir: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }
}
