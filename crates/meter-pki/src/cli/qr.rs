//! `qr`: what is typed about files on paper.

use std::path::PathBuf;

use clap::Subcommand;

/// `qr`
#[derive(Debug, Subcommand)]
pub enum QrCommand {
    /// Write a file as a series of QR codes.
    Encode {
        /// The file.
        file: PathBuf,
        /// The folder to be made, for sheets (SVG) and pictures (PNG).
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Make a file of the codes in pictures (PNG), in any order.
    Scan {
        /// The pictures, or folders of them.
        #[arg(required = true)]
        pictures: Vec<PathBuf>,
        /// The file to be made.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}
