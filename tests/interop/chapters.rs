//! The chapters on CMP and on CoAP, step by step as they stand in `docs/operate`: OpenSSL, curl and libcoap are the devices.

use e2e::chapter::{Shell, blocks, steps};
use e2e::fleet::{Credential, Meter, Suite};
use e2e::patience::eventually;
use e2e::peer::{field, make_key};
use e2e::rehearsal::Rehearsal;
use e2e::tool::Said;

use crate::cmp::{DELIVERED, delivered, rehearsal_with};

const CMP: &str = include_str!("../../docs/operate/cmp.md");
const COAPS: &str = include_str!("../../docs/operate/coaps.md");

/// A system with a directory in which somebody types what a chapter says.
struct World {
    rehearsal: Rehearsal,
    shell: Shell,
}

impl World {
    fn of(rehearsal: Rehearsal) -> Self {
        let shell = Shell::new(&rehearsal.state(""), &rehearsal.scratch("programs"));
        Self { rehearsal, shell }
    }

    #[track_caller]
    fn run(&self, block: &str) -> Said {
        self.shell.run(block).ok()
    }

    /// Puts a device's certificate and key where the chapter has them.
    fn give(&self, credential: &Credential) {
        std::fs::copy(self.rehearsal.root(), self.rehearsal.state("root.pem")).expect("a root");
        std::fs::copy(&credential.certificate, self.rehearsal.state("meter.pem")).expect("a certificate");
        std::fs::copy(&credential.key, self.rehearsal.state("meter.key")).expect("a key");
    }
}

/// A configuration without CMP.
fn without_cmp(text: &str) -> String {
    let (before, rest) = text.split_once("[cmp]\n").expect("a rehearsal serves CMP");
    let (_, after) = rest.split_once("[status]\n").expect("and status after it");
    format!("{before}[status]\n{after}")
}

/// A configuration with CMP as the chapter switches it on, but for the keys that it makes for others, at the port where CMP was.
fn with_cmp(text: &str, port: &str) -> String {
    let [_, section] = <[&str; 2]>::try_from(blocks(CMP, "toml")).expect("an offer, and the section");
    let (section, _) = section.split_once("\n[cmp.central_keys]").expect("what is optional comes last");
    format!("{text}\n{}", section.replace("0.0.0.0:8080", &format!("127.0.0.1:{port}")))
}

#[test]
fn the_chapter_on_cmp_works_as_it_stands() {
    let [signer, secret, in_files] = steps(CMP);
    let mut rehearsal = Rehearsal::start(1);
    let port =
        rehearsal.text("cmp").split(['/', ':']).find(|part| part.parse::<u16>().is_ok()).expect("a port");
    let (port, configuration) = (port.to_owned(), "meter-pki.toml");
    rehearsal.stop();
    rehearsal.configure(configuration, |text| {
        let [offer, _] = <[&str; 2]>::try_from(blocks(CMP, "toml")).expect("an offer, and the section");
        assert!(text.contains(offer), "the rehearsal offers it as the chapter says");
        without_cmp(&text)
    });
    rehearsal.serve();
    let mut world = World::of(rehearsal);
    let said = world.run(signer);
    assert!(said.out.contains("message_certificate_file = \"tls/messages.cer\""), "{}", said.out);
    let infra = world.rehearsal.state("authorities/infra.cer");
    std::fs::copy(world.rehearsal.state("authorities/dso-infra-s1.cer"), infra)
        .expect("under the chapter's name");
    drop(world.run("mkdir -m 700 secrets"));
    world.rehearsal.stop();
    world.rehearsal.configure(configuration, |text| with_cmp(&text, &port));
    world.rehearsal.serve();

    // Whoever shares the secret gets a certificate, by OpenSSL.
    let factory = delivered(&world.rehearsal, DELIVERED, Suite::One);
    drop(world.run(secret));
    make_key(&world.rehearsal.state("new.key"), "P-256");
    drop(world.run(&format!(
        "openssl cmp -config '' -batch -cmd ir -server 127.0.0.1:{port} -path .well-known/cmp/p/meter-op-tls-s1 -ref C1 \
         -secret \"pass:$(cat secrets/C1)\" -mac hmacWithSHA256 -subject /CN={DELIVERED} -newkey new.key -certout new.pem"
    )));
    assert_eq!(field(&world.rehearsal.state("new.pem"), "-subject"), format!("CN={DELIVERED}"));

    // A message that somebody brings, and its answer, which goes back to the device.
    world.give(&factory);
    let ask = "cat meter.pem meter.key > factory.pem; chmod 600 factory.pem\n\
        meter-pki cmp ir --trust root.pem --credential factory.pem --out operational.pem";
    drop(world.run(&format!("{ask} --out-request request.pki")));
    drop(world.run(&in_files.replace("localhost:8080", &format!("127.0.0.1:{port}"))));
    let said = world.run(&format!("{ask} --in-response response.pki --out-request certConf.pki"));
    assert!(said.out.contains("is in operational.pem"), "{}", said.all());
}

/// Where a front of a log listens over CoAP.
fn address(rehearsal: &mut Rehearsal, front: &str) -> String {
    eventually("it is served over CoAP", || {
        let log = rehearsal.log();
        let line = log.lines().find(|line| line.contains(&format!("front=\"{front}\"")))?;
        line.split_once("coaps=")?.1.split_whitespace().next().map(str::to_owned)
    })
}

#[test]
fn the_chapter_on_coap_works_as_it_stands() {
    let [est, cmp] = steps(COAPS);
    let [settings] = <[&str; 1]>::try_from(blocks(COAPS, "toml")).expect("one setting");
    let settings = settings.replace("[::]:5684", "127.0.0.1:0").replace("[::]:5685", "127.0.0.1:0");
    let mut rehearsal = rehearsal_with("", |text| format!("{text}\n{settings}"));
    let (of_est, of_cmp) = (address(&mut rehearsal, "est-coaps"), address(&mut rehearsal, "cmp-coaps"));
    let world = World::of(rehearsal);
    let at = |file: &str| world.rehearsal.state(file);

    let meter = Meter::new(&world.rehearsal, DELIVERED, Suite::One);
    world.give(&delivered(&world.rehearsal, DELIVERED, Suite::One));
    std::fs::write(at("request.der"), meter.ask().request).expect("a request");
    let said = world.run(&est.replace("est.example", &of_est));
    assert!(said.out.contains(DELIVERED) && said.out.contains("BEGIN CERTIFICATE"), "{}", said.all());
    assert!(std::fs::metadata(at("crts.p7")).expect("the CA certificates").len() > 1_000);

    let title = "4D504B0000000001";
    world.give(&delivered(&world.rehearsal, title, Suite::One));
    std::fs::copy(at("tls/messages.pem"), at("messages.pem")).expect("who signs messages");
    make_key(&at("new.key"), "P-256");
    let said = world.run(&cmp.replace("cmp.example:5685", &of_cmp));
    assert!(said.out.contains(title), "{}", said.all());
    assert_eq!(field(&at("new.pem"), "-subject"), format!("CN={title}"));
}
