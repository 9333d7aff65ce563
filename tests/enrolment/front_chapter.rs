//! The chapter on front ends as it stands in `docs/operate/front.md`: both configurations, and the command that serves.

use e2e::chapter::{Shell, blocks, steps};
use e2e::fleet::{Meter, Suite};
use e2e::patience::eventually;
use e2e::peer::{certificate_of, curl, encoded, field, posting};
use e2e::rehearsal::Rehearsal;

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/front.md");

const METER: &str = "4D504B01000000F1";

/// What whoever sets up a front end does before: a key of its own and its certificate, and what is copied from the authority.
const BEFORE: &str = "umask 077; mkdir tls; echo 'a passphrase of the front end' > front.passphrase\n\
    cp \"$STATE/tls/server.pem\" \"$STATE/tls/server.key\" tls; cp \"$STATE/authorities/dso-root-s1.cer\" root.cer\n\
    cp \"$STATE/authorities/dso-operational-s1.cer\" authority.cer; cp \"$STATE/authorities/maker-factory-s1.cer\" maker.cer\n\
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/C=DE/O=Example Grid/CN=Front End 1' \
      -keyout clear.key -out front.csr\n\
    meter-pki --config \"$STATE/meter-pki.toml\" cert issue front.csr --issuer dso-infra-s1 --profile ra-station-s1 --out front.pem\n\
    openssl x509 -in front.pem -outform DER -out front.cer\n\
    openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -iter 10000 -in clear.key -passout file:front.passphrase -out front.key\n\
    rm clear.key";

#[test]
fn the_chapter_on_front_ends_works_as_it_stands() {
    let [serve] = steps(CHAPTER);
    let [at_authority, at_front] = <[&str; 2]>::try_from(blocks(CHAPTER, "toml")).expect("one for each side");
    let mut authority = Rehearsal::start(1);
    let place = authority.scratch("front");
    std::fs::create_dir(&place).expect("a directory");
    let shell = Shell::new(&place, &authority.scratch("programs")).with("STATE", authority.state(""));
    drop(shell.run(BEFORE).ok());
    authority.stop();
    authority.configure("meter-pki.toml", |text| format!("{text}\n{at_authority}"));
    authority.serve();

    let configuration = at_front
        .replace("0.0.0.0:8443", "127.0.0.1:0")
        .replace("127.0.0.1:9100", "127.0.0.1:0")
        .replace("https://ca.internal:8443", &authority.origin());
    std::fs::write(place.join("front.toml"), configuration).expect("a configuration");
    let mut front = shell.begin(serve, &authority.scratch("front.log"));
    let port = eventually("the front end listens", || {
        assert!(front.ended().is_none(), "it ended: {}", front.log());
        let log = front.log();
        let line = log.lines().find(|line| line.contains("forwarding"))?;
        let listens = line.split("est=").nth(1)?.split_whitespace().next()?.to_owned();
        listens.rsplit(':').next().map(str::to_owned)
    });

    let meter = Meter::new(&authority, METER, Suite::One);
    meter.deliver();
    let (shown, asked) = (meter.manufacture().shown(), meter.ask());
    let before = authority.audited();
    let options = posting(&authority, encoded(&asked.request).as_bytes(), &shown, &[]);
    let url = format!("https://localhost:{port}/.well-known/est/meter-op-tls-s1/simpleenroll");
    let certificate = certificate_of(&authority, &curl(&authority, &url, &options));
    assert_eq!(field(&certificate, "-subject"), format!("CN={METER}"));
    let records = authority.audit_after(before);
    let issued = records.iter().find(|record| record["act"] == "certificate-issued").expect("a record");
    assert_eq!(issued["actor"], format!("device:{METER} by ra:front-1"), "as the chapter says");
    assert!(front.stop().success());
}
