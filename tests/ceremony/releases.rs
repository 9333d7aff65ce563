//! What a ceremony made for later, on a server that runs: kept, released by its date, and its end told (case R-16).

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use e2e::chapter::steps;
use e2e::patience::eventually;
use e2e::peer::path;
use e2e::process::program;
use e2e::tool::{Said, finish, openssl};
use serde_json::Value;
use tempfile::TempDir;

use crate::{CHAPTER, exchange_key, make_room, run_block};

/// A program that is ended with the test.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The room of the ceremony, which is the machine of the online authority as well.
pub(crate) struct Site {
    pub(crate) room: TempDir,
    root: String,
}

impl Site {
    /// Founds a root and an authority below it, and configures a server.
    pub(crate) fn new() -> Self {
        let room = make_room();
        let blocks: [&str; 5] = steps(CHAPTER);
        let key = exchange_key(&run_block(room.path(), blocks[0], ""));
        for block in &blocks[1..3] {
            let _ = run_block(room.path(), block, &key);
        }
        let site = Self { room, root: String::new() };
        fs::create_dir(site.room.path().join("incoming")).expect("it can be made");
        let import = ["ceremony", "import", "response.pem", "--out", "incoming", "--exchange-key", &key];
        let taken: Value = site.json(&import);
        let responder: Value =
            site.json(&["audit", "key", "--key-directory", "keys", "--passphrase-file", "passphrase"]);
        let name = |field: &str| taken[field].as_str().expect("a name").to_owned();
        let responder = responder["key"].as_str().expect("the name of a key");
        site.configure(&name("certificate_file"), &name("root_file"), responder);
        let root = Path::new(&name("root_file")).file_stem().expect("a name").to_string_lossy().into_owned();
        Self { root, ..site }
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(program(name));
        command.current_dir(self.room.path());
        command
    }

    fn meter_pki(&self, arguments: &[&str]) -> Said {
        finish(self.command("meter-pki").arg("--json").args(arguments))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.meter_pki(arguments).ok().out).expect("a view")
    }

    fn configure(&self, certificate: &str, root: &str, responder: &str) {
        let made = "mkdir published releases && meter-pki store create store && openssl req -x509 -newkey ec \
                    -pkeyopt ec_paramgen_curve:P-256 -subj /CN=localhost -days 2 -nodes -keyout server.key -out server.pem";
        let _ = run_block(self.room.path(), made, "");
        let text = format!(
            "[store]\ndirectory = \"store\"\ntenant = \"dso\"\n\n\
             [keys]\nallow_software_key = true\ndirectory = \"keys\"\npassphrase_file = \"passphrase\"\n\n[operator]\nsocket = \"operator.sock\"\n\n\
             [est]\nlisten = \"127.0.0.1:0\"\ncertificate_file = \"server.pem\"\nkey_file = \"server.key\"\n\
             default_label = \"meter\"\n\n\
             [status]\nlisten = \"127.0.0.1:0\"\ndirectory = \"published\"\nreleases_directory = \"releases\"\n\n\
             [[authority]]\nname = \"operational\"\ntenant = \"dso\"\ncertificate_file = \"{certificate}\"\n\
             path_files = [\"{root}\"]\ncrl_profile = \"crl-online\"\nocsp_profile = \"ocsp-online\"\n\
             responder_profile = \"ocsp-s1\"\nresponder_key = \"{responder}\"\ncrl_uri = \"http://localhost/a.crl\"\n\
             ca_issuers_uri = \"http://localhost/a.cer\"\nocsp_uri = \"http://localhost/ocsp\"\n\n\
             [[authority.offer]]\nprofile = \"meter-op-tls-s1\"\nlabel = \"meter\"\ndoors = [\"one-time-token\"]\n"
        );
        fs::write(self.room.path().join("meter-pki.toml"), text).expect("a configuration");
    }

    fn serve(&self) -> Serving {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(program("meter-pki")).arg("serve");
        let log = fs::File::create(self.room.path().join("serve.log")).expect("a log");
        command.current_dir(self.room.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut serving = Serving(command.spawn().expect("setpriv of util-linux starts meter-pki"));
        eventually("serve answers its operator", || {
            assert!(serving.0.try_wait().expect("a child").is_none(), "serve ended: {}", self.log());
            self.meter_pki(&["ca", "list"]).success.then_some(())
        });
        serving
    }

    fn log(&self) -> String {
        fs::read_to_string(self.room.path().join("serve.log")).unwrap_or_default()
    }

    /// Signs a series of three: one for now, one for a few seconds from now, one in 80 days, which ends 90 days later.
    fn sign_series(&self) {
        let sign = "mkdir series
            stamp() { date -u -d \"$1\" +%Y-%m-%dT%H:%M:%SZ; }
            now=$(stamp now); soon=$(stamp '+4 seconds'); later=$(stamp '+80 days')
            crl() { offline-root crl --dir root-s1 --this-update $2 --next-update $3 --out series/$1 --passphrase-file passphrase; }
            crl 1.crl $now $(stamp '+90 days')
            crl 2.crl $now $(stamp '+90 days')
            crl 3.crl $later $(stamp '+170 days')
            sum() { sha256sum < series/$1 | cut -d' ' -f1; }
            entry() { printf '{\"file\": \"%s\", \"sha256\": \"%s\", \"release\": \"%s\"}' $1 $(sum $1) $2; }
            printf '{\"format\": 1, \"crls\": [%s, %s, %s]}' \"$(entry 1.crl $now)\" \"$(entry 2.crl $soon)\" \"$(entry 3.crl $later)\" \
                > series/series.json";
        let _ = run_block(self.room.path(), sign, "");
    }

    /// Waits until a CRL of the series is the one that is published.
    fn published(&self, name: &str) {
        let wanted = fs::read(self.room.path().join("series").join(name)).expect("it was signed");
        let file = self.room.path().join("published").join(format!("{}.crl", self.root));
        eventually("the CRL is published", || {
            fs::read(&file).is_ok_and(|octets| octets == wanted).then_some(())
        });
        let text = openssl(["crl", "-inform", "DER", "-in", &path(&file), "-noout", "-crlnumber"]).ok().out;
        assert!(text.contains("crlNumber"), "{text}");
    }
}

fn states(view: &Value) -> Vec<&str> {
    let releases = view["releases"].as_array().expect("a list");
    releases.iter().map(|one| one["state"].as_str().expect("a state")).collect()
}

#[test]
fn r_16_a_series_is_released_by_date_and_its_end_is_told() {
    let site = Site::new();
    site.sign_series();
    let serving = site.serve();
    let kept = site.json(&["ceremony", "keep", "series"]);
    assert_eq!(kept["new"], 3, "{kept}");
    site.published("2.crl");
    assert_eq!(states(&site.json(&["ceremony", "releases"])), ["out", "out", "next"]);

    // A server that stops in between takes up where it was, and the series is not taken in twice.
    drop(serving);
    let _serving = site.serve();
    assert_eq!(site.json(&["ceremony", "keep", "series"])["new"], 0);
    assert_eq!(states(&site.json(&["ceremony", "releases"])), ["out", "out", "next"]);
    let health = "curl --silent --show-error --unix-socket operator.sock http://operator/health";
    let health = run_block(site.room.path(), health, "");
    assert!(health.contains("the last CRL of") && health.contains("hold a ceremony before"), "{health}");
    let metrics = "curl --silent --show-error --unix-socket operator.sock http://operator/metrics";
    let metrics = run_block(site.room.path(), metrics, "");
    let gauge = format!("pki_root_days_left{{root=\"{}\",what=\"crl\"}} 1", site.root);
    assert!(metrics.contains(&gauge), "169 days or 170: {metrics}");
    assert!(site.log().contains("plan the next ceremony"), "{}", site.log());
    let audit = site.json(&["audit", "list", "--limit", "1000"]).to_string();
    assert!(audit.contains("kept until") && audit.contains("released"), "{audit}");
}

#[test]
fn r_08_a_series_that_was_altered_on_its_way_is_refused_as_a_whole() {
    let site = Site::new();
    let sign = "offline-root crl-series --dir root-s1 --time now --first now --every-days 80 --overlap-days 10 --count 3 \
                --out series --passphrase-file passphrase";
    let _ = run_block(site.room.path(), sign, "");
    let _serving = site.serve();
    let list = fs::read(site.room.path().join("series/series.json")).expect("it was signed");
    let list: Value = serde_json::from_slice(&list).expect("it is a list");
    let file = site.room.path().join("series").join(list["crls"][1]["file"].as_str().expect("a name"));
    let signed = fs::read(&file).expect("it was signed");
    let mut octets = signed.clone();
    *octets.last_mut().expect("it has octets") ^= 1;
    fs::write(&file, octets).expect("it is ours");
    let refused = site.meter_pki(&["ceremony", "keep", "series"]);
    assert_eq!(refused.code, Some(9), "{}", refused.all());
    assert!(refused.err.contains("releases.digest"), "{}", refused.err);
    let audit = site.json(&["audit", "list", "--limit", "1000"]);
    let record = audit.as_array().and_then(|records| records.last()).expect("a record");
    assert_eq!((&record["act"], &record["reason"]), (&"request-refused".into(), &"releases.digest".into()));
    assert_eq!(states(&site.json(&["ceremony", "releases"])), Vec::<&str>::new());
    fs::write(&file, signed).expect("it is ours");
    assert_eq!(site.json(&["ceremony", "keep", "series"])["new"], 3);
}
