//! `visit`: what is typed about visits of technicians.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `visit`
#[derive(Debug, Subcommand)]
pub enum VisitCommand {
    /// Open a visit: one technician, one hand-held unit, some meters, for a time.
    Open(OpenVisitArgs),
    /// Change a visit: nobody approved what it is then, and what was issued on it is revoked.
    Amend(OpenVisitArgs),
    /// List visits.
    List {
        /// Only of this tenant.
        #[arg(long)]
        tenant: Option<String>,
        /// Only of this technician.
        #[arg(long)]
        technician: Option<String>,
        /// Only one's own, which is what a technician sees.
        #[arg(long, conflicts_with = "technician")]
        own: bool,
        /// Only those of this state: waiting, approved, under-way, refused, ended or over.
        #[arg(long)]
        state: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Only those after this one.
        #[arg(long)]
        after: Option<String>,
    },
    /// Show one visit, with the digest that approvals are for.
    Show {
        /// Its name.
        id: String,
    },
    /// Approve a visit as it was shown.
    Approve {
        /// Its name.
        id: String,
        /// The digest that was shown.
        #[arg(long)]
        digest: String,
    },
    /// Refuse a visit as it was shown.
    Refuse {
        /// Its name.
        id: String,
        /// The digest that was shown.
        #[arg(long)]
        digest: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Have a certificate issued for the hand-held unit of one's own visit; it takes the place of the one before.
    Certificate {
        /// The name of the visit.
        id: String,
        /// The profile, such as hhu-op-ds-s1.
        #[arg(long)]
        profile: String,
        /// The certification request (PKCS#10) of the hand-held unit, PEM or DER.
        #[arg(long)]
        request: PathBuf,
        /// Where the certificate is written; never over a file that is there.
        #[arg(long)]
        out: PathBuf,
    },
    /// On the unit: get a certificate with a new key into the place of the one before, which is revoked.
    Renew(RenewVisitArgs),
    /// Make the signed bundle that is taken along where there is no coverage.
    Bundle {
        /// The name of the visit.
        id: String,
        /// Where it is written, CMS in DER; never over a file that is there.
        #[arg(long)]
        out: PathBuf,
    },
    /// Hand in what the hand-held unit wrote down, and have it checked.
    Receipts {
        /// The name of the visit.
        id: String,
        /// The log, CMS in DER, signed by the unit.
        #[arg(long = "in", value_name = "FILE")]
        file: PathBuf,
    },
    /// End a visit: what was issued on it is revoked.
    End {
        /// Its name.
        id: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// `visit open` and `visit amend`
#[derive(Debug, Clone, Args)]
pub struct OpenVisitArgs {
    /// Its name: 1 to 48 of A-Z, a-z, 0-9, '.', '_' and '-'.
    pub id: String,
    /// The owner of the meters.
    #[arg(long)]
    pub tenant: String,
    /// The id of the person who goes.
    #[arg(long)]
    pub technician: String,
    /// The system title that is allotted to the hand-held unit.
    #[arg(long)]
    pub unit: String,
    /// A meter, by its system title; several times for several.
    #[arg(long = "meter", value_name = "SYSTEM_TITLE")]
    pub meters: Vec<String>,
    /// The region whose meters belong to the visit too.
    #[arg(long, default_value = "")]
    pub region: String,
    /// Its first second, such as 2026-11-21T06:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub from: String,
    /// Its last second.
    #[arg(long, value_name = "TIME")]
    pub until: String,
    /// Why.
    #[arg(long)]
    pub reason: String,
}

/// `visit renew`
#[derive(Debug, Clone, Args)]
pub struct RenewVisitArgs {
    /// The name of the visit.
    pub id: String,
    /// The profile, such as hhu-op-ds-s1.
    #[arg(long)]
    pub profile: String,
    /// The system title of the hand-held unit.
    #[arg(long, value_name = "TITLE")]
    pub unit: String,
    /// The file with certificate and key (PEM, mode 0600): replaced, or made.
    #[arg(long, value_name = "FILE")]
    pub credential: PathBuf,
    /// Do nothing before half of the certificate's time is over.
    #[arg(long)]
    pub at_half_life: bool,
}
