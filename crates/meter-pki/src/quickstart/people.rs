//! The people of the story: put on record by the first administrator, each with a certificate of his own and the file by which
//! the command line is him.

use std::path::PathBuf;

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::suite::SecuritySuite;

use super::key_pair;
use super::layout::Layout;
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::people::{NewcomerText, PersonChangeText, PersonView};
use crate::operator::wire::{CertificateView, CertificationText};
use crate::people::certificate::credential;
use crate::private_text;

/// Somebody with a role for the owner's meters.
#[derive(Debug)]
pub(super) struct Person {
    /// How records name him.
    pub id: &'static str,
    /// The name that is shown.
    pub name: &'static str,
    /// His role.
    pub role: &'static str,
}

/// Puts a person on record, unless that was done before; returns the file that `--config` names.
pub(super) async fn equip(
    layout: &Layout,
    origin: &str,
    person: &Person,
    administrator: &OperatorClient,
) -> anyhow::Result<PathBuf> {
    let Person { id, name, role } = person;
    let (file, certificate) = (layout.person(id, "toml"), layout.person(id, "pem"));
    if file.exists() {
        return Ok(file);
    }
    let newcomer = NewcomerText { id: (*id).to_owned(), name: (*name).to_owned() };
    unless_done(administrator.post::<PersonView>("/v1/people", &newcomer).await)?;
    let tenant = Some("dso".to_owned());
    let granted = PersonChangeText {
        act: "grant".to_owned(),
        role: Some((*role).to_owned()),
        tenant,
        ..Default::default()
    };
    unless_done(change(id, &granted, administrator).await)?;

    let key = key_pair::generate(SecuritySuite::Suite1)?;
    let text = CertificationText {
        issuer: "dso-infra-s1".to_owned(),
        profile: "ra-operator-s1".to_owned(),
        request: STANDARD.encode(key_pair::named_request("Example Grid", id, &[], &key)?),
    };
    let issued: CertificateView = administrator.post("/v1/certificates", &text).await?;
    let pem = issued.pem.context("the answer has no certificate")?;
    let (_, der) = der::pem::decode_vec(pem.as_bytes())?;
    private_text::replace(&certificate, format!("{pem}{}", key.serialize_pem()).as_bytes())?;
    let bound = PersonChangeText {
        act: "add-credential".to_owned(),
        credential: Some(credential(&der).to_string()),
        ..Default::default()
    };
    unless_done(change(id, &bound, administrator).await)?;
    // Written last: it exists exactly when he can be at work.
    private_text::replace(&file, client_file(origin, id).as_bytes())?;
    Ok(file)
}

async fn change(id: &str, text: &PersonChangeText, client: &OperatorClient) -> Result<PersonView, Failure> {
    client.post(&format!("/v1/people/{id}/changes"), text).await
}

/// The file by which the command line is this person.
fn client_file(origin: &str, id: &str) -> String {
    format!(
        "[server]\nurl = \"{origin}\"\ntrust_file = \"../authorities/dso-root-s1.cer\"\n\
         certificate_file = \"{id}.pem\"\n"
    )
}

/// Takes what an interrupted run did before as done.
fn unless_done<T>(outcome: Result<T, Failure>) -> Result<(), Failure> {
    match outcome {
        Err(failure) if failure.exit != Exit::Conflict => Err(failure),
        Ok(_) | Err(_) => Ok(()),
    }
}
