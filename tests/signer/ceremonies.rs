//! Where keys of authorities are made for the offline root when the server is asked to: on its token, and nowhere where it is not plain on
//! which, or where the keys are another process's.

use e2e::peer::path;
use e2e::tool::Said;

use crate::house::{House, Keeping};

impl House {
    /// Has requests made and responses taken in by the server, and starts.
    fn holding_ceremonies(mut self) -> Self {
        for name in ["exchanges", "incoming"] {
            std::fs::create_dir(self.at(name)).expect("a directory");
        }
        let lines = "[operator]\nexchanges_directory = \"exchanges\"\nincoming_directory = \"incoming\"\n";
        self.rehearsal.configure("ceremonies.toml", |text| text.replace("[operator]\n", lines));
        self.start();
        self
    }

    fn ask_the_root(&self, file: &str, more: &[&str]) -> Said {
        let out = path(&self.rehearsal.scratch(file));
        let verb = ["ceremony", "request", "--served", "--profile", "sub-operational-s1", "--out", &out];
        let subject = ["--country", "DE", "--organization", "Grid", "--common-name", "Grid Sub S1 G2"];
        self.rehearsal.operator(&[&["--json"], &verb[..], &subject, more].concat())
    }

    fn open_requests(&self) -> usize {
        std::fs::read_dir(self.at("exchanges/open")).map_or(0, Iterator::count)
    }
}

#[test]
fn a_key_for_the_root_is_made_on_the_servers_token_and_certified_again_there() {
    let house = House::prepared(Keeping::WithAuthority(&["online"])).holding_ceremonies();
    let made = house.ask_the_root("request.pem", &[]).ok();
    let made: serde_json::Value = serde_json::from_str(&made.out).expect("JSON");
    let key = made["key"].as_str().expect("a key");
    assert_eq!((house.tokens().calls("C_GenerateKeyPair"), house.open_requests()), (1, 1));
    let again = house.ask_the_root("again.pem", &["--renew", key]).ok();
    let again: serde_json::Value = serde_json::from_str(&again.out).expect("JSON");
    assert_eq!((&again["key"], house.open_requests()), (&made["key"], 2));
    assert_eq!(house.tokens().calls("C_GenerateKeyPair"), 1);
}

#[test]
fn no_key_is_made_on_one_of_two_tokens_or_with_a_signer() {
    for (keeping, code) in [
        (Keeping::WithAuthority(&["online", "second"]), "key.which-token"),
        (Keeping::WithSigner(&["online"]), "key.elsewhere"),
    ] {
        let house = House::prepared(keeping).holding_ceremonies();
        let refused = house.ask_the_root("request.pem", &[]);
        assert_eq!((refused.code, refused.err.contains(code)), (Some(7), true), "{}", refused.all());
        assert_eq!((house.tokens().calls("C_GenerateKeyPair"), house.open_requests()), (0, 0));
    }
}
