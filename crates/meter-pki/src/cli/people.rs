//! `people`: what is typed about who may do what.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

/// `people`
#[derive(Debug, Subcommand)]
pub enum PeopleCommand {
    /// List everybody with roles and credentials.
    List {
        /// Those who were removed too.
        #[arg(long)]
        removed: bool,
    },
    /// Show one person.
    Show {
        /// The id.
        id: String,
    },
    /// Put somebody on record, with a role and a credential if they are given.
    Add(AddPersonArgs),
    /// Change what somebody may do, or by what he is known.
    Change(ChangePersonArgs),
    /// Issue a client certificate and put it on record as a credential.
    Certificate(CertificateArgs),
    /// Sign in at the identity provider that the file of --config names; every verb with that file is then yours.
    SignIn {
        /// Show a code to be typed on another machine, instead of an address for a browser on this one.
        #[arg(long)]
        device: bool,
    },
    /// Forget the token, and have the identity provider forget it.
    SignOut,
    /// Show who you are to the server, and what you may do.
    Who,
    /// Remove somebody for good; the id is never used again.
    Remove {
        /// The id.
        id: String,
    },
}

/// `people add`
#[derive(Debug, Clone, Args)]
pub struct AddPersonArgs {
    /// The id: 1 to 32 of a-z, 0-9 and -.
    pub id: String,
    /// The name that is shown.
    #[arg(long)]
    pub name: String,
    /// A role: administrator, ca-operations, ra-officer, auditor, technician or approver.
    #[arg(long)]
    pub role: Option<String>,
    /// For which tenant; for every one unless given.
    #[arg(long, requires = "role")]
    pub tenant: Option<String>,
    /// The last second of the role, such as 2027-11-21T00:00:00Z.
    #[arg(long, requires = "role", value_name = "TIME")]
    pub until: Option<String>,
    /// A credential: uid:NUMBER, certificate:SHA256 or "oidc:ISSUER SUBJECT".
    #[arg(long)]
    pub credential: Option<String>,
}

/// `people certificate`
#[derive(Debug, Clone, Args)]
pub struct CertificateArgs {
    /// The id of the person, who is on record.
    pub id: String,
    /// The authority that issues it.
    #[arg(long)]
    pub issuer: String,
    /// An operator's profile.
    #[arg(long, default_value = "ra-operator-s1")]
    pub profile: String,
    /// The certification request of the person (PEM or DER); without one, a key is made here.
    #[arg(long, value_name = "FILE")]
    pub request: Option<PathBuf>,
    /// The organization in the name, where a key is made here.
    #[arg(long, required_unless_present = "request", conflicts_with = "request")]
    pub organization: Option<String>,
    /// The country in the name, two letters, where a key is made here.
    #[arg(long, required_unless_present = "request", conflicts_with = "request")]
    pub country: Option<String>,
    /// The new file: the certificate and the key that was made here, or the certificate alone (PEM).
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `people change`
#[derive(Debug, Clone, Args)]
#[command(group(
    ArgGroup::new("what").required(true).args(["grant", "withdraw", "add_credential", "remove_credential"])
))]
pub struct ChangePersonArgs {
    /// The id.
    pub id: String,
    /// Grant a role.
    #[arg(long, value_name = "ROLE")]
    pub grant: Option<String>,
    /// Withdraw a role.
    #[arg(long, value_name = "ROLE")]
    pub withdraw: Option<String>,
    /// For which tenant; for every one unless given.
    #[arg(long, conflicts_with_all = ["add_credential", "remove_credential"])]
    pub tenant: Option<String>,
    /// The last second of the role, such as 2027-11-21T00:00:00Z.
    #[arg(long, requires = "grant", value_name = "TIME")]
    pub until: Option<String>,
    /// Add a credential: uid:NUMBER, certificate:SHA256 or "oidc:ISSUER SUBJECT".
    #[arg(long, value_name = "CREDENTIAL")]
    pub add_credential: Option<String>,
    /// Take a credential away; it is never anybody else's.
    #[arg(long, value_name = "CREDENTIAL")]
    pub remove_credential: Option<String>,
}
