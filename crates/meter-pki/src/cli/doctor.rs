//! `doctor`: what is typed to have the whole PKI examined.

use clap::Args;

/// `doctor`
#[derive(Debug, Clone, Args)]
pub struct DoctorArgs {
    /// Only checks whose names begin so, such as `crl` or `doctor.crl.late`; several with commas.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Not these checks.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub skip: Vec<String>,
    /// List all checks with what they look at, and examine nothing.
    #[arg(long)]
    pub list: bool,
    /// Have the server itself look, from its own machine; for whoever is elsewhere. A report is given again for a minute.
    #[arg(long, conflicts_with = "login")]
    pub served: bool,
    /// Where nobody serves: open tokens with their PIN, to see that they sign.
    #[arg(long)]
    pub login: bool,
}
