//! The checks of `further_root_files` and `link_files`: other generations of a root, and what leads from one to another.
//!
//! Whether they are valid now is not looked at: a successor may be served before it begins. RFC 9810 §4.4.

use std::path::PathBuf;

use ca_core::certificate::Certificate;

use super::Checker;

impl Checker<'_> {
    /// Reads the other generations of `root`, and the links after them.
    pub(super) fn generations(
        &mut self,
        what: &str,
        (further_root_files, link_files): (&[PathBuf], &[PathBuf]),
        root: Option<&Certificate>,
    ) -> Vec<Certificate> {
        let further = self.certificates(what, further_root_files);
        let links = self.certificates(what, link_files);
        // That the path leads to a root at all is told elsewhere.
        let Some(root) = root else { return Vec::new() };
        for other in further.iter().filter(|other| !is_generation(other, root)) {
            let name = other.subject();
            self.note(
                what,
                format!("{name} in further_root_files is no other generation of {}", root.subject()),
            );
        }
        let roots: Vec<&Certificate> = std::iter::once(root).chain(&further).collect();
        for link in links.iter().filter(|link| !is_link(link, &roots)) {
            let serial = link.serial();
            self.note(what, format!("{serial} in link_files links no two of the roots that are named"));
        }
        further.into_iter().chain(links).collect()
    }
}

/// Another root of the same name, signed by itself.
fn is_generation(other: &Certificate, root: &Certificate) -> bool {
    other.public_key() != root.public_key() && other.subject() == root.subject() && is_signed_by(other, other)
}

/// The key of one of the roots, certified by another.
fn is_link(link: &Certificate, roots: &[&Certificate]) -> bool {
    let names_one =
        roots.iter().any(|root| link.public_key() == root.public_key() && link.subject() == root.subject());
    let by_another =
        roots.iter().any(|root| link.public_key() != root.public_key() && is_signed_by(link, root));
    names_one && by_another
}

fn is_signed_by(certificate: &Certificate, issuer: &Certificate) -> bool {
    certificate.issuer() == issuer.subject()
        && certificate.signature().curve() == issuer.public_key().curve()
        && issuer.public_key().verify(certificate.tbs(), certificate.signature()).is_ok()
}
