//! Case H-01 over CoAP: a meter is told when to come again by Max-Age (RFC 9148 §4.7, RFC 7252 §5.10.5).

use std::path::PathBuf;
use std::process::Command;

use e2e::fleet::{Credential, Meter, Suite};
use e2e::patience::eventually;
use e2e::peer::path;
use e2e::tool::finish;
use pkcs11_faults::Plan;

use crate::house::{House, Keeping};

const TITLE: &str = "4D504B01001500C0";

impl House {
    /// Where EST over CoAP is served.
    fn coaps(&mut self) -> String {
        eventually("EST over CoAP is served", || {
            let log = self.rehearsal.log();
            let told =
                log.lines().find_map(|line| line.split_once("coaps=").map(|(_, told)| told.to_owned()));
            told.and_then(|told| told.split_whitespace().next().map(str::to_owned))
        })
    }

    /// Asks for a certificate over CoAP: what came, and what libcoap says of the answer.
    fn ask_over_coaps(&self, address: &str, factory: &Credential, request: &[u8]) -> (Vec<u8>, String) {
        let (out, file): (PathBuf, PathBuf) =
            (self.rehearsal.unique("coap.out"), self.rehearsal.unique("request.der"));
        std::fs::write(&file, request).expect("the request");
        let root = path(&self.rehearsal.root());
        let mut client = Command::new("coap-client-openssl");
        client.args([
            "-v",
            "7",
            "-B",
            "40",
            "-m",
            "post",
            "-t",
            "286",
            "-f",
            &path(&file),
            "-o",
            &path(&out),
        ]);
        client.args(["-C", &root, "-R", &root, "-c", &path(&factory.certificate), "-j", &path(&factory.key)]);
        let said = finish(client.arg(format!("coaps://{address}/.well-known/est/meter-op-tls-s1/sen")));
        (std::fs::read(out).unwrap_or_default(), said.all())
    }
}

#[test]
fn h_01_a_meter_that_asks_over_coap_while_the_token_is_away_is_told_when_to_come_again() {
    let mut house = House::prepared(Keeping::WithAuthority(&["online"]));
    house.rehearsal.configure("coaps.toml", |text| text + "\n[est.coaps]\nlisten = \"127.0.0.1:0\"\n");
    house.start();
    let address = house.coaps();
    let meter = Meter::new(&house.rehearsal, TITLE, Suite::One);
    meter.deliver();
    let (factory, request) = (meter.manufacture(), meter.ask().request);
    house.tokens().plan(&Plan::new().gone("online"));
    eventually("the meter is put off", || {
        let (body, said) = house.ask_over_coaps(&address, &factory, &request);
        assert!(body.is_empty() || said.contains("2.04"), "{said}");
        let age = said.split_once("Max-Age:").map(|(_, rest)| rest.to_owned());
        let seconds = age.map(|age| age.chars().take_while(char::is_ascii_digit).collect::<String>());
        let seconds: u64 = seconds.and_then(|seconds| seconds.parse().ok())?;
        assert!(said.contains("5.03"), "{said}");
        // The request at which the token failed is told the usual time.
        assert!((1..=2).contains(&seconds) || seconds == 30, "{seconds}");
        (seconds <= 2).then_some(())
    });

    // It is looked at from time to time: what it said before the token failed says nothing of now.
    eventually("the authority says that it is not ready", || (!house.ready()).then_some(()));
    house.tokens().plan(&Plan::new());
    eventually("the authority says that it is ready", || house.ready().then_some(()));
    let (body, said) = house.ask_over_coaps(&address, &factory, &request);
    assert!(!body.is_empty() && said.contains("2.04"), "{said}");
    // The factory certificate and one other; the request at which the token failed may have left an intent.
    let statuses = house.statuses_of(TITLE);
    let good = statuses.iter().filter(|status| *status == "good").count();
    assert!(good == 2 && statuses.len() <= 3, "{statuses:?}");
    house.check();
}
