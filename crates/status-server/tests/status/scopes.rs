//! CRLs of shards and deltas on disk: each in its own line, and in no other.

use std::sync::Arc;

use ca_core::issuer::{Issuer, PublicationPoints};
use ca_core::scope::{CrlLine, CrlScope, Shard};
use ca_core::sharding::{CrlPlan, HashShards, Sharding};
use status_server::publish::{CrlFolder, PublishError, UnfitCrl};
use status_server::repository::{Repository, line_path};

use crate::world::World;

fn scope(name: &str) -> CrlScope {
    CrlScope::Shard(Shard::parse(name).unwrap())
}

/// The CA of a world, its CRLs divided, with deltas, under this host.
fn divided(world: &World, host: &str) -> Issuer {
    let whole = &world.issuer;
    let crl = Some(format!("http://{host}/crl/{}.crl", whole.key()));
    let points = PublicationPoints { crl, ..PublicationPoints::default() };
    let plan = CrlPlan { sharding: Sharding::ByHash(HashShards::new(16).unwrap()), deltas: true };
    Issuer::new(whole.certificate().clone(), whole.tenant().clone(), whole.window_ends(), points)
        .and_then(|issuer| issuer.with_crl_plan(plan))
        .unwrap()
}

fn folder(world: &World) -> CrlFolder {
    CrlFolder::open(world.path()).unwrap()
}

// RFC 5280 §5.2.3: numbers are compared within a scope.
#[test]
fn l_01_each_line_is_followed_by_higher_numbers_of_its_own() {
    let world = World::new();
    let issuer = divided(&world, "crl.example.net");
    let (first, second) =
        (world.crl_in(&issuer, &scope("0a"), None), world.crl_in(&issuer, &scope("0a"), None));
    let all = world.crl_in(&issuer, &CrlScope::All, None);
    assert_eq!(all.number, first.number);
    for crl in [&all, &second] {
        folder(&world).publish(&crl.line(), &issuer, crl.der.reader()).unwrap();
    }
    let error = folder(&world).publish(&first.line(), &issuer, first.der.reader()).unwrap_err();
    assert!(matches!(error, PublishError::NumberNotGreater { .. }), "{error}");
    let names = [first.line(), all.line()].map(|line| {
        folder(&world).file_of(&line).strip_prefix(world.path()).unwrap().to_string_lossy().into_owned()
    });
    assert_eq!(names, [format!("{}/0a.crl", issuer.key()), format!("{}.crl", issuer.key())]);
    // Another process finds all lines, and serves each under its own path.
    let other = Repository::new(folder(&world), &[Arc::new(issuer)]);
    other.refresh().unwrap();
    for crl in [&all, &second] {
        assert_eq!(other.standing_of(&crl.line()).map(|standing| standing.number), Some(crl.number));
        assert!(other.serves(&line_path(&crl.line())), "{}", line_path(&crl.line()));
    }
}

// RFC 5280 §5.2.5: the scope of a CRL at one place does not change, and is the one that certificates name.
#[test]
fn l_02_a_list_of_another_scope_is_refused_in_every_line() {
    let world = World::new();
    let issuer = divided(&world, "crl.example.net");
    let all = world.crl_in(&issuer, &CrlScope::All, None);
    let one = world.crl_in(&issuer, &scope("0a"), None);
    folder(&world).publish(&one.line(), &issuer, one.der.reader()).unwrap();
    let delta = world.crl_in(&issuer, &scope("0a"), Some(one.number));
    let other = CrlLine::complete(issuer.key(), scope("0b"));
    for (line, crl) in [
        (&all.line(), &one),
        (&one.line(), &all),
        (&other, &one),
        (&one.line(), &delta),
        (&delta.line(), &one),
    ] {
        let error = folder(&world).publish(line, &issuer, crl.der.reader()).unwrap_err();
        assert!(matches!(error, PublishError::Unfit(UnfitCrl::OtherLine)), "{line}: {error}");
    }
    // Where the place has moved, certificates name another one than the CRL.
    let moved = divided(&world, "crl.example.org");
    let next = world.crl_in(&moved, &scope("0a"), None);
    let error = folder(&world).publish(&next.line(), &moved, next.der.reader()).unwrap_err();
    assert!(matches!(error, PublishError::OtherScope), "{error}");
}

// RFC 5280 §5.2.4: the base is the complete CRL that is published.
#[test]
fn l_15_a_delta_is_published_only_beside_its_base() {
    let world = World::new();
    let issuer = divided(&world, "crl.example.net");
    let base = world.crl_in(&issuer, &scope("0a"), None);
    let delta = world.crl_in(&issuer, &scope("0a"), Some(base.number));
    let publish =
        |crl: &ca_core::record::CrlRecord| folder(&world).publish(&crl.line(), &issuer, crl.der.reader());
    let error = publish(&delta).unwrap_err();
    assert!(matches!(error, PublishError::NotItsBase { published: None, .. }), "{error}");
    publish(&base).unwrap();
    publish(&delta).unwrap();
    let next = world.crl_in(&issuer, &scope("0a"), None);
    let late = world.crl_in(&issuer, &scope("0a"), Some(next.number));
    let error = publish(&late).unwrap_err();
    assert_eq!(error.code(), "publish.base");
    assert!(matches!(error, PublishError::NotItsBase { published, .. } if published == Some(base.number)));
    publish(&next).unwrap();
    publish(&late).unwrap();
}
