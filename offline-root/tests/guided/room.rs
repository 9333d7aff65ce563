//! A private place with people, their media and a ceremony file; and the program, which is answered as people answer it.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_offline-root");

/// Who takes part in every ceremony of these tests.
const PEOPLE: [(&str, &str); 8] = [
    ("Ada", "administrator"),
    ("Olga", "operator"),
    ("Wim", "witness"),
    ("Sara", "share-holder"),
    ("Samir", "share-holder"),
    ("Sven", "share-holder"),
    ("Sita", "share-holder"),
    ("Simon", "share-holder"),
];

/// What somebody does when asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Say(String),
    /// The power goes.
    CutPower,
    /// Nobody is there.
    Leave,
}

/// How the program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: Option<i32>,
    pub(crate) out: String,
    /// What the room was shown, answers included.
    pub(crate) said: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.exit, Some(0), "{}\n{}", self.said, self.out);
        self
    }

    #[track_caller]
    pub(crate) fn refused(&self, exit: i32, code: &str) {
        assert_eq!(self.exit, Some(exit), "{}\n{}", self.said, self.out);
        assert!(self.said.contains(&format!("({code})")), "{code} is not in {}", self.said);
    }
}

pub(crate) struct Room {
    folder: TempDir,
    /// Arguments beside those that every ceremony has.
    pub(crate) more: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
    title: &'static str,
    held: &'static str,
    acts: String,
    roots: String,
    people: usize,
}

impl Room {
    /// A room with people who have their keys, and without a root. Share-holders are among them if there are to be shares.
    pub(crate) fn new(share_holders: bool) -> Self {
        let room = Self {
            folder: tempfile::tempdir().unwrap(),
            more: Vec::new(),
            environment: Vec::new(),
            title: "A ceremony of a test",
            held: "2026-11-28T09:00:00Z",
            acts: String::new(),
            roots: String::new(),
            people: if share_holders { PEOPLE.len() } else { 3 },
        };
        fs::create_dir(room.path("inputs")).unwrap();
        for (name, _) in room.people() {
            fs::create_dir(room.path(name)).unwrap();
            room.secret(&format!("{name}.pass"), &format!("the passphrase of {name}"));
            room.make_key(name);
        }
        room
    }

    /// Makes the key of a person.
    pub(crate) fn make_key(&self, name: &str) {
        let files = [format!("{name}.key"), format!("{name}.pem"), format!("{name}.pass")];
        let made = Command::new(PROGRAM)
            .args(["person", "create", "--name", name, "--out", &files[0], "--public", &files[1]])
            .args(["--passphrase-file", &files[2]])
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
    }

    pub(crate) fn people(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        PEOPLE.into_iter().take(self.people)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn secret(&self, name: &str, text: &str) {
        fs::write(self.path(name), format!("{text}\n")).unwrap();
        fs::set_permissions(self.path(name), Permissions::from_mode(0o600)).unwrap();
    }

    /// Adds a root to the ceremony file; `keys` is where its key is, as the file says it.
    pub(crate) fn root(&mut self, name: &str, suite: &str, keys: &str) {
        self.secret(&format!("{name}.pass"), &format!("the passphrase of the root {name}"));
        self.more.extend(["--root-secret-file".to_owned(), format!("{name}={name}.pass")]);
        self.roots += &format!(
            r#"
[[root]]
name = "{name}"
suite = {suite}
tenant = "grid"
subject = {{ country = "NL", organization = "Example Grid", common_name = "Example Root {name}" }}
profile = "root"
profiles = {{ variant = "gurux-safe", policy_arc = "1.3.6.1.4.1.32473.1" }}
publication = {{ crl = "http://pki.example/{name}.crl", ca_issuers = "http://pki.example/{name}.crt" }}
keys = {keys}
"#
        );
    }

    /// Gives a root the name of another one in its certificate.
    pub(crate) fn rename_root(&mut self, root: &str, like: &str) {
        self.roots = self.roots.replace(&format!("Example Root {root}\""), &format!("Example Root {like}\""));
    }

    /// Begins the file of another ceremony, held at another time; these roots are known from before, by their certificates.
    pub(crate) fn later(&mut self, held: &'static str, roots: &[&str]) {
        (self.title, self.held, self.acts) = ("A later ceremony", held, String::new());
        for root in roots {
            let sha256 = certificate_sha256(&self.path(&format!("room/roots/{root}/public/root.crt")));
            let name = format!("name = \"{root}\"\n");
            self.roots = self.roots.replace(&name, &format!("{name}certificate = \"{sha256}\"\n"));
        }
    }

    /// Lays a file among the inputs; returns its name and SHA-256 as an act has them, under these keys.
    pub(crate) fn input(&self, (key, sum): (&str, &str), name: &str, octets: &[u8]) -> String {
        let path = self.path("inputs").join(name);
        fs::write(&path, octets).unwrap();
        format!("{key} = \"{name}\"\n{sum} = \"{}\"\n", sha256(&path))
    }

    /// Adds an act.
    pub(crate) fn act(&mut self, text: &str) {
        self.acts += &format!("\n[[act]]\n{text}\n");
    }

    pub(crate) fn found(&mut self, root: &str) {
        self.act(&format!("kind = \"found-root\"\nroot = \"{root}\""));
    }

    pub(crate) fn crl(&mut self, root: &str) {
        self.act(&format!(
            "kind = \"crl\"\nroot = \"{root}\"\nthis_update = \"2026-11-28T09:00:00Z\"\nnext_update = \"2027-05-28T09:00:00Z\""
        ));
    }

    /// Writes the ceremony file.
    pub(crate) fn write(&self) {
        let mut text = format!("format = 1\ntitle = \"{}\"\nheld = \"{}\"\n", self.title, self.held);
        if self.people == PEOPLE.len() {
            text += "\n[quorum]\nthreshold = 3\n";
        }
        for (name, role) in self.people() {
            let key = fs::read_to_string(self.path(&format!("{name}.pem"))).unwrap();
            text +=
                &format!("\n[[person]]\nname = \"{name}\"\nrole = \"{role}\"\nkey = \"\"\"\n{key}\"\"\"\n");
        }
        fs::write(self.path("ceremony.toml"), text + &self.roots + &self.acts).unwrap();
    }

    /// Prepares the program in a namespace without a network.
    fn command(&self, verb: &str) -> Command {
        // As on a machine without a network: the kernel shows one interface, the loopback, and it is down.
        let alone = "mount -t sysfs none /sys && exec \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--net", "--mount", "sh", "-c", alone, "sh"]);
        command.args([PROGRAM, "ceremony", verb, "ceremony.toml", "--dir", "room"]).args(&self.more);
        self.with_media(&mut command);
        command
    }

    /// Says where the media of the people are.
    pub(crate) fn with_media(&self, command: &mut Command) {
        for (name, role) in self.people() {
            command.args(["--key", &format!("{name}={name}.key")]);
            command.args(["--passphrase-file", &format!("{name}={name}.pass")]);
            if role == "share-holder" {
                command.args(["--share-medium", &format!("{name}={name}")]);
                command.args(["--share-passphrase-file", &format!("{name}={name}.pass")]);
            }
        }
        command.envs(self.environment.iter().cloned()).current_dir(self.folder.path());
    }

    /// Holds the ceremony with people who do as they are told.
    pub(crate) fn hold(&self) -> Ran {
        self.hold_with(|_, _| None)
    }

    /// Holds the ceremony; `otherwise` is asked first, with the number of the question from 1.
    pub(crate) fn hold_with(&self, otherwise: impl FnMut(usize, &str) -> Option<Answer>) -> Ran {
        answered(&mut self.command("run"), otherwise)
    }

    pub(crate) fn rehearse(&self) -> Ran {
        self.rehearse_with(|_, _| None)
    }

    /// Rehearses; `otherwise` is asked first.
    pub(crate) fn rehearse_with(&self, otherwise: impl FnMut(usize, &str) -> Option<Answer>) -> Ran {
        answered(&mut self.command("rehearse"), otherwise)
    }

    /// Rehearses until a question is asked for the second time, at which the power goes.
    pub(crate) fn rehearse_until_again(&self, question: &str) {
        let mut asked = 0;
        let ran = self.rehearse_with(|_, line| {
            asked += usize::from(line.contains(question));
            (asked == 2).then_some(Answer::CutPower)
        });
        assert_eq!(ran.exit, None, "{}", ran.said);
    }

    /// The directory of the ceremony of the file, below `base`.
    pub(crate) fn ceremony(&self, base: &str) -> PathBuf {
        let file = fs::read(self.path("ceremony.toml")).unwrap();
        let all = fs::read_dir(self.path(base).join("ceremonies")).unwrap();
        let mut all = all.map(|entry| entry.unwrap().path());
        all.find(|path| fs::read(path.join("ceremony.toml")).unwrap() == file).unwrap()
    }

    /// Runs openssl in the place; it must be content. Returns what it said, on either channel.
    #[track_caller]
    pub(crate) fn openssl(&self, arguments: &str) -> String {
        let (content, said) = self.try_openssl(arguments);
        assert!(content, "openssl {arguments}: {said}");
        said
    }

    /// Runs openssl in the place; tells whether it was content, and what it said.
    pub(crate) fn try_openssl(&self, arguments: &str) -> (bool, String) {
        let mut openssl = Command::new("openssl");
        openssl.args(arguments.split(' ')).current_dir(self.folder.path()).stdin(Stdio::null());
        let ran = openssl
            .output()
            .expect("openssl is not installed: run tests/run, which installs what the tests need");
        (ran.status.success(), String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap())
    }

    /// The kinds of steps in the transcript.
    pub(crate) fn steps(&self, base: &str) -> Vec<String> {
        let text = fs::read_to_string(self.ceremony(base).join("transcript.jsonl")).unwrap();
        let kind = |line: &str| {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            entry["action"]["kind"].as_str().unwrap().to_owned()
        };
        text.lines().map(kind).collect()
    }

    /// Takes the last step out of the transcript, as if the power had gone before it.
    pub(crate) fn lose_last_step(&self, base: &str) {
        let path = self.ceremony(base).join("transcript.jsonl");
        let text = fs::read_to_string(&path).unwrap();
        let kept = text.trim_end().rsplit_once('\n').unwrap().0;
        fs::write(path, format!("{kept}\n")).unwrap();
    }

    /// The bundle is what outsiders believe; everything in the ledgers is in order.
    #[track_caller]
    pub(crate) fn verify(&self, base: &str) -> String {
        let bundle = self.ceremony(base).join("bundle");
        let verified = Command::new(PROGRAM).args(["ceremony", "verify"]).arg(bundle).output().unwrap();
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
        for root in fs::read_dir(self.path(base).join("roots")).unwrap() {
            let root = root.unwrap().path();
            if root.join("ceremony.toml").is_file() {
                let looked = Command::new(PROGRAM).args(["verify", "--dir"]).arg(&root).output().unwrap();
                assert!(looked.status.success(), "{looked:?}");
            }
        }
        String::from_utf8(verified.stdout).unwrap()
    }
}

/// Runs the program and answers its questions.
pub(crate) fn answered(
    command: &mut Command,
    mut otherwise: impl FnMut(usize, &str) -> Option<Answer>,
) -> Ran {
    let mut process =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut said, mut questions, mut last) = (String::new(), 0, 0);
    let mut screen = process.stderr.take().unwrap();
    let mut keyboard = process.stdin.take();
    let mut octets = [0; 4096];
    loop {
        let read = screen.read(&mut octets).unwrap();
        if read == 0 {
            break;
        }
        said += core::str::from_utf8(&octets[..read]).unwrap();
        let line = said.get(last..).unwrap().rsplit('\n').next().unwrap();
        let Some(usual) = line.ends_with(": ").then(|| usual(line, &said)).flatten() else { continue };
        questions += 1;
        let line = line.to_owned();
        last = said.len();
        match otherwise(questions, &line).unwrap_or(Answer::Say(usual)) {
            Answer::Say(text) => writeln!(keyboard.as_mut().unwrap(), "{text}").unwrap(),
            Answer::CutPower => process.kill().unwrap(),
            Answer::Leave => drop(keyboard.take()),
        }
    }
    ended(process, said)
}

fn ended(mut process: Child, said: String) -> Ran {
    let mut out = String::new();
    process.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    Ran { exit: process.wait().unwrap().code(), out, said }
}

/// What people who do as they are told answer; nothing when it is no question yet.
pub(crate) fn usual(question: &str, said: &str) -> Option<String> {
    let after = |mark: &str| said.rsplit(mark).next().unwrap().to_owned();
    let words = || {
        let page = after("SHA-256 of ");
        let rows: Vec<String> = page
            .lines()
            .filter(|line| line.starts_with("  ") && line.split_whitespace().count() == 5)
            .map(str::to_owned)
            .collect();
        rows.iter().flat_map(|row| row.split_whitespace().skip(1)).map(str::to_owned).collect::<Vec<_>>()
    };
    let answers: [(&str, &dyn Fn() -> String); 9] = [
        ("Why is the ceremony broken off", &|| "the lights went out".to_owned()),
        ("type the time", &|| after("speaks for ").split(".\n").next().unwrap().to_owned()),
        ("type the first word", &|| words().first().unwrap().clone()),
        ("type the last word", &|| words().last().unwrap().clone()),
        ("those who are absent", &String::new),
        ("type yes", &|| "yes".to_owned()),
        ("Why was it interrupted", &|| "the power went".to_owned()),
        ("Type their names", &|| "Sara, Sven, Simon".to_owned()),
        ("type `again`", &|| "stop".to_owned()),
    ];
    answers.iter().find(|(mark, _)| question.contains(mark)).map(|(_, answer)| answer())
}

/// The files of a directory with their octets.
pub(crate) fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

/// Every file below a directory with its octets.
pub(crate) fn tree(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(tree(&path));
        } else {
            all.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    all.sort();
    all
}

/// The SHA-256 of a file, as others count it.
pub(crate) fn sha256(path: &Path) -> String {
    let said = Command::new("sha256sum").arg(path).output().unwrap();
    String::from_utf8(said.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

/// The SHA-256 of the DER of a certificate in PEM.
pub(crate) fn certificate_sha256(path: &Path) -> String {
    let der = path.with_extension("der");
    let mut openssl = Command::new("openssl");
    openssl.args(["x509", "-outform", "DER", "-in"]).arg(path).arg("-out").arg(&der);
    assert!(openssl.status().unwrap().success());
    let sum = sha256(&der);
    fs::remove_file(der).unwrap();
    sum
}
