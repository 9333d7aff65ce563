//! A board with a TPM 2.0: swtpm, a resource manager before it (tpm2-abrmd, on a bus of its own), and the token of tpm2-pkcs11.
//!
//! A bare swtpm serves one program at a time and has room for three loaded objects. The resource manager takes them in and out, as
//! the kernel does behind `/dev/tpmrm0`. None of it needs systemd, and every program ends with whoever started it.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

const INSTALL: &str = "is not installed: run tests/run, which installs what the tests need";

/// A bus that lets everybody talk to everybody: nobody but this test knows it.
const BUS: &str = "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
    \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n\
    <busconfig><type>session</type><listen>unix:path=LISTEN</listen><auth>EXTERNAL</auth><policy context=\"default\">\
    <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>\n";

/// The board, for as long as this lives.
pub(crate) struct Board {
    directory: PathBuf,
    // They end in this order.
    manager: Option<Running>,
    simulator: Option<Running>,
    _bus: Running,
}

/// A program that is killed when this is dropped, and by the kernel should its parent die before that.
struct Running(Child);

impl Running {
    fn start(program: &str, arguments: &[String], environment: &[(&str, OsString)], log: &Path) -> Self {
        let log = fs::OpenOptions::new().create(true).append(true).open(log).expect("a log");
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", program])
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn();
        Self(child.unwrap_or_else(|_| panic!("setpriv {INSTALL}")))
    }

    fn awaits(&mut self, program: &str, is_there: impl Fn() -> bool) {
        while !is_there() {
            let ended = self.0.try_wait().expect("a child can be waited for");
            assert!(ended.is_none(), "{program} ended, or {INSTALL}");
            thread::park_timeout(Duration::from_millis(2));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only for a child that ended before.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Board {
    /// Makes a new board in an empty directory.
    pub(crate) fn start(directory: &Path) -> Self {
        let at = |name: &str| directory.join(name);
        for name in ["state", "store"] {
            fs::create_dir(at(name)).expect("a directory");
        }
        fs::write(at("bus.conf"), BUS.replace("LISTEN", &text(&at("bus")))).expect("the bus's configuration");
        let arguments =
            [format!("--config-file={}", text(&at("bus.conf"))), "--nofork".into(), "--print-address".into()];
        let mut bus = Running::start("dbus-daemon", &arguments, &[], &at("bus.log"));
        let said = BufReader::new(bus.0.stdout.take().expect("its words")).lines().next();
        assert!(said.is_some_and(|line| line.is_ok()), "dbus-daemon {INSTALL}");
        let mut board = Self { directory: directory.to_owned(), manager: None, simulator: None, _bus: bus };
        board.power_on();
        board.manage();
        board
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// What a program that loads the module has in its environment.
    pub(crate) fn environment(directory: &Path) -> [(&'static str, OsString); 3] {
        [
            ("TPM2_PKCS11_TCTI", "tabrmd:bus_type=session".into()),
            ("TPM2_PKCS11_STORE", directory.join("store").into()),
            ("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", text(&directory.join("bus"))).into()),
        ]
    }

    /// Starts the TPM, which has what it kept, and nothing of what was loaded.
    pub(crate) fn power_on(&mut self) {
        let at = |name: &str| text(&self.at(name));
        let arguments = [
            "socket".to_owned(),
            "--tpm2".into(),
            "--flags".into(),
            "not-need-init,startup-clear".into(),
            "--tpmstate".into(),
            format!("dir={}", at("state")),
            "--server".into(),
            format!("type=unixio,path={}", at("tpm")),
            // tpm2-tss looks for it beside the other.
            "--ctrl".into(),
            format!("type=unixio,path={}", at("tpm.ctrl")),
        ];
        let mut simulator = Running::start("swtpm", &arguments, &[], &self.at("swtpm.log"));
        let control = self.at("tpm.ctrl");
        simulator.awaits("swtpm", || UnixStream::connect(&control).is_ok());
        self.simulator = Some(simulator);
    }

    /// Takes the TPM's power away: whoever waits for it finds the line cut.
    pub(crate) fn power_off(&mut self) {
        self.simulator = None;
    }

    /// Starts the resource manager.
    pub(crate) fn manage(&mut self) {
        let environment = Self::environment(&self.directory);
        let tcti = format!("--tcti=swtpm:path={}", text(&self.at("tpm")));
        // What the one before it left in the TPM when it was killed goes: a TPM has room for three sessions.
        let arguments = ["--session".to_owned(), "--allow-root".into(), "--flush-all".into(), tcti];
        // In sbin, which not everybody's path has.
        let in_sbin = Path::new("/usr/sbin/tpm2-abrmd");
        let program = if in_sbin.exists() { "/usr/sbin/tpm2-abrmd" } else { "tpm2-abrmd" };
        let mut manager = Running::start(program, &arguments, &environment, &self.at("abrmd.log"));
        manager.awaits("tpm2-abrmd", || is_on_the_bus(&environment));
        self.manager = Some(manager);
    }

    /// Ends the resource manager in the middle of whatever it does.
    pub(crate) fn kill_manager(&mut self) {
        self.manager = None;
    }

    /// Makes the token with the tool that any module is used with.
    pub(crate) fn make_token(&self, module: &Path, label: &str, pin: &str) {
        let officer = ["--login", "--login-type", "so", "--so-pin", "so-1234"];
        for arguments in [
            &["--init-token", "--slot-index", "0", "--label", label, "--so-pin", "so-1234"][..],
            &[&["--token-label", label][..], &officer, &["--init-pin", "--pin", pin]].concat(),
        ] {
            let mut tool = Command::new("pkcs11-tool");
            tool.arg("--module").arg(module).args(arguments).envs(Self::environment(&self.directory));
            let output = tool.output().unwrap_or_else(|_| panic!("pkcs11-tool {INSTALL}"));
            assert!(output.status.success(), "{output:?}");
        }
    }
}

fn is_on_the_bus(environment: &[(&str, OsString)]) -> bool {
    let question = [
        "--session",
        "--print-reply",
        "--dest=org.freedesktop.DBus",
        "/org/freedesktop/DBus",
        "org.freedesktop.DBus.NameHasOwner",
        "string:com.intel.tss2.Tabrmd",
    ];
    let mut ask = Command::new("dbus-send");
    ask.args(question).envs(environment.iter().map(|(name, value)| (name, value)));
    let answer = ask.output().unwrap_or_else(|_| panic!("dbus-send {INSTALL}"));
    String::from_utf8_lossy(&answer.stdout).contains("boolean true")
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
