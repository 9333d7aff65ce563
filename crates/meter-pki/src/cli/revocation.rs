//! `cert revoke`, `cert release`, `revocation` and `trust`: what is typed about revoking certificates and shutting out authorities.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `cert revoke`
#[derive(Debug, Clone, Args)]
pub struct RevokeArgs {
    /// Which.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// Why, as RFC 5280 names it: keyCompromise, superseded, cessationOfOperation, certificateHold, …
    #[arg(long, required_unless_present_any = ["apply", "cancel"])]
    pub reason: Option<String>,
    /// Since when the keys are suspected, such as 2026-11-21T00:00:00Z.
    #[arg(long)]
    pub invalidity_date: Option<String>,
    /// Revoke one certificate not now but then, such as 2026-12-24T00:00:00Z; in the place of what was scheduled for it before.
    #[arg(long, value_name = "TIME", conflicts_with_all = ["apply", "dry_run"])]
    pub at: Option<String>,
    /// Take back what is scheduled for one certificate.
    #[arg(long, conflicts_with_all = ["apply", "dry_run", "at", "reason"])]
    pub cancel: bool,
    /// Whether it is done.
    #[command(flatten)]
    pub mode: ModeArgs,
}

/// `cert release`
#[derive(Debug, Clone, Args)]
pub struct ReleaseArgs {
    /// Which.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// Whether it is done.
    #[command(flatten)]
    pub mode: ModeArgs,
}

/// Whether something is only shown, or done.
#[derive(Debug, Clone, Args)]
pub struct ModeArgs {
    /// Only show what it would come to, be it one certificate.
    #[arg(long, conflicts_with = "apply")]
    pub dry_run: bool,
    /// Do exactly what was shown with this digest; the same again goes on with it.
    #[arg(long, value_name = "DIGEST", conflicts_with_all = ["serials", "file", "system_title", "key", "tenant", "issuer", "profile", "hierarchy", "purpose", "manufacturer", "organization", "issued_since", "issued_before", "expires_before", "status"])]
    pub apply: Option<String>,
    /// How many of them to show.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub show: u32,
}

/// Which certificates are meant: what is named, if it fits to all else; where nothing is named, whatever fits.
#[derive(Debug, Clone, Args)]
pub struct SelectionArgs {
    /// Serial numbers in hexadecimal.
    #[arg(value_name = "SERIAL")]
    pub serials: Vec<String>,
    /// Those that a CSV file names in its columns `serial` or `system_title`.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Those of the device with this system title; may be repeated.
    #[arg(long, value_name = "HEX16")]
    pub system_title: Vec<String>,
    /// Those for this key: the SHA-256 of its SubjectPublicKeyInfo, or a file with a certificate, certification request or
    /// public key; may be repeated.
    #[arg(long, value_name = "HEX64|FILE")]
    pub key: Vec<String>,
    /// Only of this tenant.
    #[arg(long)]
    pub tenant: Option<String>,
    /// Only of the authority with this name.
    #[arg(long)]
    pub issuer: Option<String>,
    /// Only of this profile; with * at its end, of all whose names begin so.
    #[arg(long)]
    pub profile: Option<String>,
    /// Only of this hierarchy: factory, operational, maintenance or infrastructure.
    #[arg(long)]
    pub hierarchy: Option<String>,
    /// Only of this purpose: signature, key-agreement or tls.
    #[arg(long)]
    pub purpose: Option<String>,
    /// Only of devices of this manufacturer: the FLAG id, with which system titles begin.
    #[arg(long, value_name = "FLAG")]
    pub manufacturer: Option<String>,
    /// Only those whose subject is of this organization.
    #[arg(long)]
    pub organization: Option<String>,
    /// Only those issued at this time or later.
    #[arg(long, value_name = "TIME")]
    pub issued_since: Option<String>,
    /// Only those issued before this time.
    #[arg(long, value_name = "TIME")]
    pub issued_before: Option<String>,
    /// Only those that end before this time.
    #[arg(long, value_name = "TIME")]
    pub expires_before: Option<String>,
    /// Only of this status: good, on-hold or uncertain.
    #[arg(long)]
    pub status: Option<String>,
}

/// `revocation`
#[derive(Debug, Subcommand)]
pub enum RevocationCommand {
    /// List orders to revoke or release many certificates.
    List {
        /// Only of this state: planned, waiting, running, done, refused or expired.
        #[arg(long)]
        state: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Only those after this digest, as the list before said.
        #[arg(long)]
        after: Option<String>,
    },
    /// List revocations that are due later, the first due in front.
    Scheduled {
        /// At most so many.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Only those after this place in the list, as the list before said.
        #[arg(long)]
        after: Option<String>,
    },
    /// Show one order.
    Show {
        /// Its digest, or the first 8 or more digits of it.
        digest: String,
        /// Print its certificates as CSV, as they stand now.
        #[arg(long)]
        certificates: bool,
    },
    /// Approve an order that another operator asked for; it is then carried out.
    Approve {
        /// Its digest, or the first 8 or more digits of it.
        digest: String,
    },
    /// Refuse an order, or withdraw your own.
    Refuse {
        /// Its digest, or the first 8 or more digits of it.
        digest: String,
        /// Why, for the record.
        #[arg(long)]
        reason: String,
    },
}

/// `trust`
#[derive(Debug, Subcommand)]
pub enum TrustCommand {
    /// List the authorities by whose certificates somebody is let in, and those that are blocked.
    List,
    /// Let nobody in any more by certificates below an authority; at once, and on every front end.
    Block {
        /// Its key, 40 hexadecimal digits, as `trust list` shows it.
        #[arg(required_unless_present = "manufacturer")]
        key: Option<String>,
        /// Every authority of this manufacturer.
        #[arg(long, conflicts_with = "key")]
        manufacturer: Option<String>,
        /// Why, for the record.
        #[arg(long)]
        reason: String,
    },
    /// Let people in again by certificates below an authority; takes two operators where changes of many do.
    Unblock {
        /// Its key, 40 hexadecimal digits.
        key: String,
    },
}
