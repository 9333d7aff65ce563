//! Which certificates of a rehearsed system are looked at: one of every profile that was issued, in each suite.

use std::path::PathBuf;

use e2e::fleet::Suite;
use e2e::peer::to_pem;
use e2e::rehearsal::Rehearsal;
use e2e::tool::openssl;

/// The meters of a fleet of two.
pub(crate) const FLEET: [(&str, Suite); 2] =
    [("4D504B0100000000", Suite::One), ("4D504B0200000001", Suite::Two)];

/// A certificate and the name of the authority that issued it.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    /// PEM.
    pub(crate) certificate: PathBuf,
    /// As the configuration calls it.
    pub(crate) issuer: String,
    /// For messages.
    pub(crate) what: String,
}

/// The names of all authorities that serve.
pub(crate) fn authorities(rehearsal: &Rehearsal) -> Vec<String> {
    let all = rehearsal.operator_json(&["ca", "list"]);
    let names =
        all.as_array().expect("a list").iter().map(|one| one["name"].as_str().expect("a name").to_owned());
    names.collect()
}

/// The root above an authority.
pub(crate) fn root_of(authority: &str) -> String {
    let (tenant, suite) = (authority.split('-').next(), authority.rsplit('-').next());
    format!("{}-root-{}", tenant.expect("a tenant"), suite.expect("a suite"))
}

/// Every end entity certificate of a rehearsal with a fleet of two.
pub(crate) fn end_entities(rehearsal: &Rehearsal) -> Vec<Chosen> {
    let mut all = Vec::new();
    for (title, suite) in FLEET {
        for (life, authority) in [("meter-factory", "maker-factory"), ("meter-op", "dso-operational")] {
            for purpose in ["tls", "ds", "ka"] {
                let certificate = rehearsal.unique("meter.pem");
                to_pem(&rehearsal.state(&format!("fleet/{title}/{life}-{purpose}.cer")), &certificate);
                let what = format!("{life}-{purpose} of {title}");
                all.push(Chosen { certificate, issuer: format!("{authority}-{}", suite.suffix()), what });
            }
        }
    }
    for (file, issuer) in [("server", "dso-infra-s1"), ("line-station", "maker-infra-s1")] {
        let certificate = rehearsal.unique("tls.pem");
        let bundle = rehearsal.state(&format!("tls/{file}.pem"));
        let (input, out) = (bundle.to_string_lossy(), certificate.to_string_lossy());
        drop(openssl(["x509", "-in", &input, "-out", &out]).ok());
        all.push(Chosen { certificate, issuer: issuer.to_owned(), what: file.to_owned() });
    }
    for issuer in authorities(rehearsal) {
        let key = rehearsal.operator_json(&["ca", "show", &issuer])["key"].clone();
        let certificate = rehearsal.unique("responder.pem");
        let file = format!("published/{}.ocsp.cer", key.as_str().expect("a key"));
        to_pem(&rehearsal.state(&file), &certificate);
        all.push(Chosen { certificate, what: format!("responder of {issuer}"), issuer });
    }
    all
}
