//! A relying party: it trusts one root, and fetches over HTTP whatever else it needs.

use std::path::{Path, PathBuf};

use e2e::peer::{curl, path};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, openssl, run};

use crate::chosen::root_of;

/// What a relying party of one authority has at hand, all PEM.
#[derive(Debug)]
pub(crate) struct Relying {
    /// The trust anchor.
    pub(crate) root: PathBuf,
    /// The authority's certificate, as its repository gives it.
    pub(crate) authority: PathBuf,
    /// The CRL of the root, as the repository gives it.
    pub(crate) root_crl: PathBuf,
    /// The CRL of the authority, as the repository gives it.
    pub(crate) crl: PathBuf,
    /// Both CRLs in one file.
    crls: PathBuf,
}

impl Relying {
    /// Fetches everything.
    pub(crate) fn on(rehearsal: &Rehearsal, authority: &str) -> Self {
        let root = rehearsal.authority(&root_of(authority));
        let view = rehearsal.operator_json(&["ca", "show", authority]);
        let key = view["key"].as_str().expect("a key");
        let certificate = fetch(rehearsal, &format!("{}/ca/{key}.cer", rehearsal.status()));
        let pem = rehearsal.unique("authority.pem");
        drop(openssl(["x509", "-inform", "DER", "-in", &path(&certificate), "-out", &path(&pem)]).ok());
        let root_crl = pem_of_crl(rehearsal, &fetch(rehearsal, &root_crl_uri(rehearsal, &root)));
        let crl = pem_of_crl(rehearsal, &fetch(rehearsal, view["crl_uri"].as_str().expect("a CRL")));
        let crls = rehearsal.unique("crls.pem");
        let both = [&root_crl, &crl].map(|file| std::fs::read_to_string(file).expect("PEM"));
        std::fs::write(&crls, both.concat()).expect("CRLs can be written");
        Self { root, authority: pem, root_crl, crl, crls }
    }

    /// Asks OpenSSL for the path of certificates, with every check that it knows.
    pub(crate) fn verify(&self, certificates: &[&Path]) -> Said {
        self.verify_with(&self.crls, certificates)
    }

    /// As [`Self::verify`] with other CRLs than are at hand.
    pub(crate) fn verify_with(&self, crls: &Path, certificates: &[&Path]) -> Said {
        let (root, authority, crls) = (path(&self.root), path(&self.authority), path(crls));
        let checks = ["verify", "-x509_strict", "-crl_check_all", "-CAfile", &root];
        let found = ["-untrusted", &authority, "-CRLfile", &crls];
        let certificates: Vec<String> = certificates.iter().map(|file| path(file)).collect();
        let fixed = checks.into_iter().chain(found).map(str::to_owned);
        openssl(fixed.chain(certificates))
    }

    /// Asks GnuTLS for the path of a certificate.
    pub(crate) fn verify_by_gnutls(&self, rehearsal: &Rehearsal, certificate: &Path) -> Said {
        let chain = rehearsal.unique("chain.pem");
        let texts = [certificate, &self.authority].map(|file| std::fs::read_to_string(file).expect("PEM"));
        std::fs::write(&chain, texts.concat()).expect("it can be written");
        let (root, crls, chain) = (path(&self.root), path(&self.crls), path(&chain));
        run("certtool", ["--verify", "--load-ca-certificate", &root, "--load-crl", &crls, "--infile", &chain])
    }
}

/// Where the CRL of an offline root is: under its key, which its certificate names as subjectKeyIdentifier.
pub(crate) fn root_crl_uri(rehearsal: &Rehearsal, root: &Path) -> String {
    let said = openssl(["x509", "-noout", "-ext", "subjectKeyIdentifier", "-in", &path(root)]).ok();
    let key = said.out.lines().last().expect("the value").trim().replace(':', "").to_lowercase();
    format!("{}/crl/{key}.crl", rehearsal.status())
}

/// Fetches a document into a file.
pub(crate) fn fetch(rehearsal: &Rehearsal, uri: &str) -> PathBuf {
    let answer = curl(rehearsal, uri, &[] as &[&str]);
    assert_eq!(answer.status, 200, "{uri}");
    let file = rehearsal.unique("fetched.der");
    std::fs::write(&file, answer.body).expect("it can be written");
    file
}

pub(crate) fn pem_of_crl(rehearsal: &Rehearsal, der: &Path) -> PathBuf {
    let pem = rehearsal.unique("crl.pem");
    drop(openssl(["crl", "-inform", "DER", "-in", &path(der), "-out", &path(&pem)]).ok());
    pem
}
