//! One command from its arguments to what is printed and the number that the program ends with.
//!
//! The verbs know nothing of this: they are given checked values and answer with what they made, or why not.

use std::fmt;
use std::io::{self, Write};

use clap::Parser;
use clap::error::ErrorKind;
use serde::Serialize;

use crate::arguments::{
    Arguments, CeremonyVerb, CloseSubcaArguments, CrlArguments, CrlSeriesArguments, CrossCertifyArguments,
    DestroyKeyArguments, LinkArguments, MediumArguments, PersonCheckArguments, PersonVerb, QrVerb,
    RevokeArguments, ShareCheckArguments, ShareRenewArguments, ShareVerb, ShowArguments, SignSubcaArguments,
    Verb, VerifyArguments,
};
use crate::bundle_review::{self, BundleReviewError};
use crate::ceremony::certify::CertifyError;
use crate::ceremony::crl::{CrlWish, SignCrlError};
use crate::ceremony::destruction::DestroyError;
use crate::ceremony::review::ReviewError;
use crate::ceremony::revocation::RevokeSubordinateError;
use crate::ceremony::root::FoundRootError;
use crate::ceremony::share_renewal::RenewSharesError;
use crate::ceremony::subordinate::SignSubordinateError;
use crate::ceremony::{
    OpenRootError, Root, closing, crl, crl_series, cross, destruction, link, review, revocation, root,
    share_renewal, subordinate,
};
use crate::codes::{self, CodesError};
use crate::explain::{Exit, Explained};
use crate::guided::{self, GuidedError};
use crate::input_file::{self, CheckFileError};
use crate::invocation::Invocation;
use crate::medium::{self, MediumError};
use crate::person::{self, PersonError};
use crate::refusal::sentence;
use crate::shares::{self, CombineSharesError};
use crate::show::{self, ShowError};

/// Runs one command. Results go to `out`, errors to `err`; returns the number to end with, 0 when all was done.
///
/// # Errors
/// What `out` or `err` says when it cannot be written to, such as a pipe that was closed.
pub fn run(invocation: &Invocation, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
    let wants_json = invocation.arguments.iter().any(|argument| argument == "--json");
    match Arguments::try_parse_from(&invocation.arguments) {
        Ok(arguments) => match act(arguments.verb, invocation) {
            Ok(done) => {
                if arguments.json {
                    writeln!(out, "{}", done.json)?;
                } else {
                    writeln!(out, "{}", done.text)?;
                }
                out.flush()?;
                Ok(0)
            }
            Err(error) => tell(&error, arguments.json, err),
        },
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            write!(out, "{error}")?;
            Ok(0)
        }
        Err(error) => {
            let exit = Exit::Usage.number();
            if wants_json {
                let message = error.to_string();
                Told { code: "usage", message: message.trim_end(), next: "see --help", exit }.write(err)?;
            } else {
                write!(err, "{error}")?;
            }
            Ok(exit)
        }
    }
}

/// What a verb made, in both forms.
struct Done {
    text: String,
    json: String,
}

impl Done {
    fn new(made: &(impl fmt::Display + Serialize)) -> Result<Self, CommandError> {
        let json = serde_json::to_string(made).map_err(CommandError::Json)?;
        Ok(Self { text: made.to_string(), json })
    }
}

fn act(verb: Verb, invocation: &Invocation) -> Result<Done, CommandError> {
    match verb {
        Verb::Init(arguments) => Done::new(&root::found(&arguments.into_wish())?),
        Verb::Show(ShowArguments { file }) => Done::new(&show::show(&file)?),
        Verb::SignSubca(arguments) => sign_subca(arguments),
        Verb::Crl(arguments) => sign_crl(arguments),
        Verb::CrlSeries(arguments) => sign_series(arguments),
        Verb::Revoke(arguments) => revoke(arguments),
        Verb::Link(arguments) => sign_link(arguments),
        Verb::CrossCertify(arguments) => cross_certify(arguments),
        Verb::CloseSubca(arguments) => close_subca(arguments),
        Verb::DestroyKey(arguments) => destroy_key(arguments),
        Verb::Verify(VerifyArguments { dir }) => Done::new(&review::review(&dir)?),
        Verb::Person(PersonVerb::Create(arguments)) => Done::new(&person::create(&arguments.into())?),
        Verb::Person(PersonVerb::Check(PersonCheckArguments { file, passphrase_file })) => {
            Done::new(&person::check(&file, passphrase_file.as_deref())?)
        }
        Verb::Share(ShareVerb::Check(arguments)) => check_share(&arguments),
        Verb::Share(ShareVerb::Renew(arguments)) => renew_shares(*arguments),
        Verb::Ceremony(CeremonyVerb::Check { file, script }) => {
            Done::new(&input_file::check(&file, script.as_deref())?)
        }
        Verb::Ceremony(CeremonyVerb::Run(arguments)) => Done::new(&guided::run(&arguments.into_wish())?),
        Verb::Ceremony(CeremonyVerb::Rehearse(arguments)) => {
            Done::new(&guided::run(&arguments.into_wish(invocation))?)
        }
        Verb::Ceremony(CeremonyVerb::Verify { bundle, previous }) => {
            Done::new(&bundle_review::review(&bundle, previous.as_deref())?)
        }
        Verb::Medium(MediumArguments { directory }) => Done::new(&medium::review(&directory)?),
        Verb::Qr(QrVerb::Encode { file, out }) => Done::new(&codes::encode(&file, &out)?),
        Verb::Qr(QrVerb::Scan { pictures, out }) => Done::new(&codes::scan(&pictures, &out)?),
    }
}

fn check_share(arguments: &ShareCheckArguments) -> Result<Done, CommandError> {
    let ShareCheckArguments { file, dir, passphrase_file } = arguments;
    let set = dir.as_deref().map(|dir| Root::open(dir)?.share_set()).transpose()?;
    Done::new(&shares::check(set.as_ref(), file, passphrase_file.as_deref())?)
}

fn renew_shares(arguments: ShareRenewArguments) -> Result<Done, CommandError> {
    let ceremony = Root::open(&arguments.dir)?.begin(arguments.time)?;
    Done::new(&share_renewal::renew(&ceremony, &arguments.into())?)
}

fn sign_subca(arguments: SignSubcaArguments) -> Result<Done, CommandError> {
    let ceremony = Root::open(&arguments.dir)?.begin(arguments.time)?;
    let wish = arguments.into_wish(&ceremony.charter.profiles);
    Done::new(&subordinate::sign(&ceremony, &wish)?)
}

fn sign_crl(arguments: CrlArguments) -> Result<Done, CommandError> {
    let root = Root::open(&arguments.dir)?;
    let wish: CrlWish = arguments.into();
    // Before anything is written: what is written carries the time that was stated.
    crl::check_not_far(&root, &wish)?;
    Done::new(&crl::sign(&root.begin(wish.time.unwrap_or(wish.this_update))?, &wish)?)
}

fn sign_series(arguments: CrlSeriesArguments) -> Result<Done, CommandError> {
    let ceremony = Root::open(&arguments.dir)?.begin(arguments.time)?;
    Done::new(&crl_series::sign(&ceremony, &arguments.into())?)
}

fn sign_link(arguments: LinkArguments) -> Result<Done, CommandError> {
    let ceremony = Root::open(&arguments.dir)?.begin(arguments.time)?;
    Done::new(&link::sign(&ceremony, &arguments.into())?)
}

fn cross_certify(arguments: CrossCertifyArguments) -> Result<Done, CommandError> {
    let ceremony = Root::open(&arguments.dir)?.begin(arguments.time)?;
    Done::new(&cross::certify(&ceremony, &arguments.into())?)
}

fn close_subca(arguments: CloseSubcaArguments) -> Result<Done, CommandError> {
    let ceremony = Root::open(&arguments.dir)?.begin(arguments.time)?;
    Done::new(&closing::close(&ceremony, &arguments.into())?)
}

fn destroy_key(arguments: DestroyKeyArguments) -> Result<Done, CommandError> {
    let (dir, time) = (arguments.dir.clone(), arguments.time);
    Done::new(&destruction::destroy(&dir, time, &arguments.into())?)
}

fn revoke(arguments: RevokeArguments) -> Result<Done, CommandError> {
    let ceremony = Root::open(&arguments.dir)?.begin(arguments.time)?;
    Done::new(&revocation::revoke(&ceremony, &arguments.into())?)
}

fn tell(error: &CommandError, json: bool, err: &mut dyn Write) -> io::Result<u8> {
    let (message, next, exit) = (sentence(error), error.next(), error.exit().number());
    if json {
        Told { code: error.code(), message: &message, next: &next, exit }.write(err)?;
    } else {
        writeln!(err, "offline-root: {message} ({})\n  next: {next}", error.code())?;
    }
    err.flush()?;
    Ok(exit)
}

/// An error as JSON, in the form of every program of the suite.
#[derive(Serialize)]
struct Told<'a> {
    code: &'a str,
    message: &'a str,
    next: &'a str,
    exit: u8,
}

impl Told<'_> {
    fn write(&self, err: &mut dyn Write) -> io::Result<()> {
        writeln!(err, "{}", serde_json::to_string(self)?)
    }
}

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    /// The root was not opened.
    #[error(transparent)]
    Open(#[from] OpenRootError),
    /// No root was made.
    #[error(transparent)]
    Found(#[from] FoundRootError),
    /// No sub-CA was signed.
    #[error(transparent)]
    SignSubordinate(#[from] SignSubordinateError),
    /// No CRL was signed.
    #[error(transparent)]
    SignCrl(#[from] SignCrlError),
    /// A person's key was not made or not opened.
    #[error(transparent)]
    Person(#[from] PersonError),
    /// A share is not in order.
    #[error(transparent)]
    Share(#[from] CombineSharesError),
    /// Shares were not renewed.
    #[error(transparent)]
    RenewShares(#[from] RenewSharesError),
    /// Another CA was not certified, or a sub-CA not closed.
    #[error(transparent)]
    Certify(#[from] CertifyError),
    /// The keys were not destroyed.
    #[error(transparent)]
    Destroy(#[from] DestroyError),
    /// Nothing was revoked.
    #[error(transparent)]
    Revoke(#[from] RevokeSubordinateError),
    /// Not everything is in order.
    #[error(transparent)]
    Review(#[from] ReviewError),
    /// The ceremony file cannot be carried out.
    #[error(transparent)]
    CheckFile(#[from] CheckFileError),
    /// The bundle is not intact.
    #[error(transparent)]
    Bundle(#[from] BundleReviewError),
    /// The file is not shown.
    #[error(transparent)]
    Show(#[from] ShowError),
    /// The medium does not leave.
    #[error(transparent)]
    Medium(#[from] MediumError),
    /// There are no codes, or no file of them.
    #[error(transparent)]
    Codes(#[from] CodesError),
    /// A guided ceremony did not go on.
    #[error(transparent)]
    Guided(#[from] GuidedError),
    /// The result cannot be written as JSON.
    #[error("the result cannot be written as JSON: {0}")]
    Json(#[source] serde_json::Error),
}

impl CommandError {
    fn explained(&self) -> Option<&dyn Explained> {
        Some(match self {
            Self::Open(error) => error,
            Self::Found(error) => error,
            Self::SignSubordinate(error) => error,
            Self::SignCrl(error) => error,
            Self::Person(error) => error,
            Self::Share(error) => error,
            Self::RenewShares(error) => error,
            Self::Certify(error) => error,
            Self::Destroy(error) => error,
            Self::Revoke(error) => error,
            Self::Review(error) => error,
            Self::CheckFile(error) => error,
            Self::Bundle(error) => error,
            Self::Show(error) => error,
            Self::Guided(error) => error,
            Self::Medium(error) => error,
            Self::Codes(error) => error,
            Self::Json(_) => return None,
        })
    }
}

impl Explained for CommandError {
    fn exit(&self) -> Exit {
        self.explained().map_or(Exit::Failed, Explained::exit)
    }

    fn code(&self) -> &'static str {
        self.explained().map_or("output.json", Explained::code)
    }

    fn next(&self) -> String {
        self.explained().map_or_else(|| "repeat without --json".to_owned(), Explained::next)
    }
}
