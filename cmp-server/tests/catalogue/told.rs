//! What genm is told: CA certificates, the next root, request templates and CRLs, field by field (RFC 9483 §4.3).

use ca_core::actor::{Actor, Identity};
use ca_core::certificate::Certificate;
use ca_core::issuer::SignedBy;
use ca_core::suite::Curve;
use ca_core::validity::UnixTime;
use cmp_messages::body::PkiBody;
use cmp_messages::certificate_request::{ALG_ID, CertTemplate};
use cmp_messages::general::{
    CA_CERTS, CERT_REQ_TEMPLATE, CRL_STATUS_LIST, CRLS, CertReqTemplate, CrlSource, CrlStatus, ROOT_CA_CERT,
    ROOT_CA_KEY_UPDATE, RootCaKeyUpdate,
};
use cmp_messages::header::InfoTypeAndValue;
use cmp_messages::name::GeneralName;
use const_oid::ObjectIdentifier;
use der::asn1::{Any, Null};
use der::{Decode, Encode};
use spki::AlgorithmIdentifierOwned;
use x509_cert::time::Time;

use crate::client::{Message, time};
use crate::octets::common_name;
use crate::pki::{Ca, NOW, Pki, Wish, YEAR, authority, named, sign, tenant};
use crate::world::{DEVICE, Setting, World};

/// Asks one thing as the registration authority; the answer has one thing too.
async fn told(world: &World, question: InfoTypeAndValue) -> InfoTypeAndValue {
    told_to(world, world.by_station(PkiBody::Genm(vec![question]))).await
}

async fn told_to(world: &World, message: Message) -> InfoTypeAndValue {
    let answer = world.ask(&message).await;
    let PkiBody::Genp(told) = answer.body() else { panic!("{:?}", answer.body()) };
    let [one] = told.as_slice() else { panic!("{told:?}") };
    one.clone()
}

fn certificate(der: &Any) -> Certificate {
    Certificate::from_der(&der.to_der().unwrap()).unwrap()
}

/// A world of several generations of the root.
fn generations(further: &[&[u8]]) -> World {
    let further = further.iter().map(|der| Certificate::from_der(der).unwrap()).collect();
    World::with(&Setting { further, ..Setting::default() })
}

// RFC 9483 §4.3.1: all CA certificates that there are, as a sequence.
#[tokio::test]
async fn all_ca_certificates_are_told() {
    let roots = Roots::new();
    let world = generations(&[roots.new.certificate().der(), &roots.new_with_old]);
    let answer = told(&world, InfoTypeAndValue::empty(CA_CERTS)).await;
    assert_eq!(answer.info_type, CA_CERTS);
    let all: Vec<Any> = answer.info_value.unwrap().decode_as().unwrap();
    let all: Vec<Vec<u8>> = all.iter().map(|one| one.to_der().unwrap()).collect();
    let expected = [
        world.pki.root.certificate().der(),
        world.pki.operational.certificate().der(),
        roots.new.certificate().der(),
        &roots.new_with_old,
    ];
    assert_eq!(all, expected);
}

// RFC 9483 §4.3: where a question has no value, one is looked past.
#[tokio::test]
async fn a_value_where_none_belongs_is_looked_past() {
    let world = World::new();
    for kind in [CA_CERTS, CERT_REQ_TEMPLATE] {
        let plain = told(&world, InfoTypeAndValue::empty(kind)).await;
        assert_eq!(told(&world, InfoTypeAndValue::of(kind, &Null).unwrap()).await, plain);
        assert!(plain.info_value.is_some());
    }
}

/// The old root, the new one, and the links between the two.
struct Roots {
    old: Certificate,
    new: Ca,
    new_with_old: Vec<u8>,
    old_with_new: Vec<u8>,
}

impl Roots {
    fn new() -> Self {
        let old = Pki::new().root;
        let wish = |key, from| Wish {
            from,
            until: NOW.plus_seconds(40 * YEAR),
            ..Wish::new(authority(1), named("Grid Root"), key)
        };
        let new = Ca::of(sign(SignedBy::Itself, 9, &wish(9, NOW), 3), 9, "grid");
        Self {
            new_with_old: old.certify(&wish(9, NOW)),
            old_with_new: new.certify(&wish(1, NOW)),
            old: old.certificate().clone(),
            new,
        }
    }

    fn question(&self) -> InfoTypeAndValue {
        let old = Any::from_der(self.old.der()).unwrap();
        InfoTypeAndValue { info_type: ROOT_CA_CERT, info_value: Some(old) }
    }
}

// RFC 9483 §4.3.2: newWithNew is the new root, newWithOld its key signed by the old one, oldWithNew the old key signed by the new one.
#[tokio::test]
async fn the_root_that_follows_is_told_with_the_links_to_it() {
    let roots = Roots::new();
    let new = roots.new.certificate();
    let world = generations(&[new.der(), &roots.new_with_old, &roots.old_with_new]);
    let answer = told(&world, roots.question()).await;
    assert_eq!(answer.info_type, ROOT_CA_KEY_UPDATE);
    let update: RootCaKeyUpdate = answer.info_value.unwrap().decode_as().unwrap();
    assert_eq!(certificate(&update.new_with_new), *new);
    new.public_key().verify(new.tbs(), new.signature()).unwrap();
    let new_with_old = certificate(&update.new_with_old.unwrap());
    assert_eq!(new_with_old.public_key(), new.public_key());
    roots.old.public_key().verify(new_with_old.tbs(), new_with_old.signature()).unwrap();
    let old_with_new = certificate(&update.old_with_new.unwrap());
    assert_eq!(old_with_new.public_key(), roots.old.public_key());
    new.public_key().verify(old_with_new.tbs(), old_with_new.signature()).unwrap();
    // The new root has none that follows.
    let of_new = InfoTypeAndValue { info_value: Some(Any::from_der(new.der()).unwrap()), ..roots.question() };
    assert_eq!(told(&world, of_new).await, InfoTypeAndValue::empty(ROOT_CA_KEY_UPDATE));
}

// RFC 9483 §4.3.2: newWithNew and newWithOld are both there, or there is no update.
#[tokio::test]
async fn without_a_root_that_the_old_one_vouches_for_nothing_is_told() {
    let roots = Roots::new();
    let new = roots.new.certificate().der();
    let nothing = InfoTypeAndValue::empty(ROOT_CA_KEY_UPDATE);
    // A link of the right names that somebody else signed.
    let stranger = Pki::new().manufacturer;
    let forged = stranger.certify(&Wish { from: NOW, ..Wish::new(authority(1), named("Grid Root"), 9) });
    for further in [&[][..], &[new], &[&roots.new_with_old], &[new, &roots.old_with_new], &[new, &forged]] {
        assert_eq!(told(&generations(further), roots.question()).await, nothing, "{}", further.len());
    }
    let world = generations(&[new, &roots.new_with_old]);
    let update: RootCaKeyUpdate =
        told(&world, roots.question()).await.info_value.unwrap().decode_as().unwrap();
    assert_eq!(update.old_with_new, None, "which may be absent");
}

/// The template that is told, and the one algorithm in it.
async fn template(world: &World, message: Message) -> (CertTemplate, AlgorithmIdentifierOwned) {
    let answer = told_to(world, message).await;
    assert_eq!(answer.info_type, CERT_REQ_TEMPLATE);
    let CertReqTemplate { cert_template, key_spec } = answer.info_value.unwrap().decode_as().unwrap();
    let key_spec = key_spec.unwrap();
    let [algorithm] = key_spec.as_slice() else { panic!("{key_spec:?}") };
    assert_eq!(algorithm.kind, ALG_ID);
    (cert_template, algorithm.value.decode_as().unwrap())
}

// RFC 9483 §4.3.3: the template has neither key nor what the authority decides; which key will do, algorithm and curve, is in keySpec.
#[tokio::test]
async fn a_template_says_names_extensions_and_which_key_will_do() {
    let world = World::new();
    let asked = || PkiBody::Genm(vec![InfoTypeAndValue::empty(CERT_REQ_TEMPLATE)]);
    let of_device = Some(Any::from_der(&common_name(DEVICE)).unwrap());
    // RFC 9483 §4.3.3: a NULL-DN is to be filled in, by who asks for others.
    let null_dn = Some(Any::from_der(&[0x30, 0x00]).unwrap());
    let by_device = Message { body: asked(), ..world.cr() };
    let by_secret = Message { body: asked(), ..world.ir() };
    for (message, subject) in
        [(by_device, of_device.clone()), (by_secret, of_device), (world.by_station(asked()), null_dn)]
    {
        let (told, algorithm) = template(&world, message).await;
        let extensions = told.extensions.clone().unwrap();
        assert_eq!(
            told,
            CertTemplate { subject, extensions: Some(extensions.clone()), ..CertTemplate::default() }
        );
        let kinds: Vec<String> = extensions.iter().map(|one| one.extn_id.to_string()).collect();
        assert_eq!(kinds, ["2.5.29.15"], "keyUsage");
        assert_eq!(extensions[0].extn_value.as_bytes(), [0x03, 0x02, 0x07, 0x80], "digitalSignature");
        assert_eq!(algorithm.oid.to_string(), "1.2.840.10045.2.1", "id-ecPublicKey");
        let curve: ObjectIdentifier = algorithm.parameters.unwrap().decode_as().unwrap();
        assert_eq!(curve, Curve::P256.oid());
    }
}

fn asking(this_update: Option<UnixTime>) -> InfoTypeAndValue {
    let name = GeneralName::common_name("Grid Operational CA").unwrap();
    let this_update = this_update.map(|at| Time::GeneralTime(time(at.seconds())));
    InfoTypeAndValue::of(
        CRL_STATUS_LIST,
        &vec![CrlStatus { source: CrlSource::Issuer(vec![name]), this_update }],
    )
    .unwrap()
}

// RFC 9483 §4.3.4: the last CRL is told to who has none and to who has an older one; nothing to who has it.
#[tokio::test]
async fn the_last_crl_is_told_to_who_has_an_older_one_or_none() {
    let world = World::new();
    let actor = Actor { tenant: tenant("grid"), identity: Identity::Process { name: "publisher" } };
    world.authority.issue_crl(&actor).unwrap();
    world.pass(60);
    let last = world.authority.issue_crl(&actor).unwrap();
    for had in [None, Some(NOW), Some(last.this_update.plus_seconds(-1))] {
        let answer = told(&world, asking(had)).await;
        assert_eq!(answer.info_type, CRLS);
        let crls: Vec<Any> = answer.info_value.unwrap().decode_as().unwrap();
        let [one] = crls.as_slice() else { panic!("one CRL, not {}", crls.len()) };
        assert_eq!(one.to_der().unwrap(), last.der.to_vec().unwrap(), "{had:?}");
    }
    for had in [last.this_update, last.this_update.plus_seconds(YEAR)] {
        assert_eq!(told(&world, asking(Some(had))).await, InfoTypeAndValue::empty(CRLS));
    }
}
