//! `meter-pki hsm`: keys on tokens through their life: found, made, tested, measured, copied, attested, destroyed.
//!
//! Each verb loads the vendor's module into this process, which ends with the verb. Not the signer: nothing here signs what leaves.

pub(super) mod access;
pub(super) mod attest;
pub(super) mod bench;
pub(super) mod copy;
pub(super) mod destroy;
pub(super) mod doctor;
pub(super) mod failure;
mod generate;
pub(super) mod key_file;
pub(super) mod list;
pub(super) mod request;
pub(super) mod test;
pub(super) mod uri;
mod wrapped_file;

use std::path::Path;

use super::printer::Printer;
use crate::cli::hsm::HsmCommand;
use crate::exit::Failure;

pub(super) fn run(command: &HsmCommand, config: &Path, printer: &Printer) -> Result<(), Failure> {
    match command {
        HsmCommand::List(args) => list::run(args, printer),
        HsmCommand::Uri(args) => uri::run(args, printer),
        HsmCommand::Doctor(args) => doctor::run(args, printer),
        HsmCommand::Generate(args) => generate::run(args, printer),
        HsmCommand::Request(args) => request::run(args, printer),
        HsmCommand::Test(args) => test::run(args, printer),
        HsmCommand::Bench(args) => bench::run(args, printer),
        HsmCommand::Recipient(args) => copy::recipient(args, printer),
        HsmCommand::Backup(args) => copy::backup(args, printer),
        HsmCommand::Restore(args) => copy::restore(args, printer),
        HsmCommand::Copy(args) => copy::copy(args, printer),
        HsmCommand::Seal(args) => copy::seal(args, printer),
        HsmCommand::Attest(args) => attest::run(args, printer),
        HsmCommand::Destroy(args) => destroy::run(args, config, printer),
    }
}
