//! Programs that run beside a test and end with its process, however it ends.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

type Order = (Command, Sender<std::io::Result<Child>>);

/// Starts a program from a thread that lives as long as the process.
///
/// The signal that `setpriv --pdeathsig` asks for comes when the *thread* ends that started the program: a server that
/// several tests share would end with the test that was first.
#[track_caller]
pub(crate) fn start(command: Command) -> Child {
    static NURSERY: OnceLock<Sender<Order>> = OnceLock::new();
    let nursery = NURSERY.get_or_init(|| {
        let (orders, taken) = channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in taken {
                drop(answer.send(command.stdin(Stdio::null()).spawn()));
            }
        });
        orders
    });
    let line = format!("{command:?}");
    let (answer, started) = channel();
    nursery.send((command, answer)).expect("the thread lives as long as the process");
    started.recv().expect("it answers each").unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// Runs a program to its end; what it said on standard error, when it fails.
pub(crate) fn finish(mut command: Command) -> Result<String, String> {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap_or_else(|error| {
        panic!("{command:?}: {error}; install what the tests need with `tests/run tools`")
    });
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).trim_end().to_owned();
    if status.success() {
        return Ok(text(&stdout));
    }
    Err(format!("{command:?}\nended with {status}\n{}\n{}", text(&stdout), text(&stderr)))
}

/// The same for what must not fail.
#[track_caller]
pub(crate) fn done(command: Command) -> String {
    finish(command).unwrap_or_else(|said| panic!("{said}"))
}

/// Sends a signal, such as `STOP`, to processes; those that are gone do not mind.
pub(crate) fn signal(name: &str, processes: &[u32]) {
    let mut command = Command::new("kill");
    command.arg(format!("-{name}")).args(processes.iter().map(u32::to_string));
    drop(finish(command));
}

/// The octets of random that a name or a password has, in hexadecimal.
pub(crate) fn random() -> String {
    use std::io::Read;
    let mut octets = [0; 8];
    let source = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut octets));
    source.expect("the system has random octets");
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Returns a port of 127.0.0.1 that is free now.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.expect("the system has a free port").port()
}

/// The end of a file, for messages.
pub(crate) fn tail(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(30)..).unwrap_or_default().join("\n")
}
