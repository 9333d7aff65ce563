//! What `meter-pki quickstart` founds, without its story: it is ended as soon as its configuration is there, which is written last.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use std::sync::Arc;
use tokio::runtime::Runtime;

use crate::applicants::Credential;
use crate::http::{Client, trusting};
use crate::process::{PATIENCE, Process};
use crate::speed::Stopwatch;

/// How long is waited before the server is asked again; so far may what is measured of its start be too long.
const PAUSE: Duration = Duration::from_millis(1);

/// The installation.
pub(super) struct Installation {
    executable: PathBuf,
    place: PathBuf,
    /// Where EST is served.
    pub(super) est: SocketAddr,
    /// Where CRLs and OCSP are served, and whether the server is ready.
    status: SocketAddr,
}

/// One registration authority asks as much as the machine bears, which is more than it may unless told.
const UNLIMITED: &str = "
[est.rates]
registration_authority = { per_second = 0, burst = 1 }
tenant = { per_second = 0, burst = 1 }
";

impl Installation {
    /// Founds it in a directory that is absent.
    pub(super) fn found(place: &Path, executable: &Path, runtime: &Runtime) -> anyhow::Result<Self> {
        std::fs::create_dir(place)?;
        let mut quickstart = command(executable, place)?;
        // Nobody enrols before it is ended; a fleet has one meter at least.
        quickstart.args(["quickstart", "--meters", "1", "--exit", "--state", "state"]);
        let mut quickstart = Process::start(&mut quickstart)?;
        let file = place.join("state").join("meter-pki.toml");
        let founded = async || Ok(file.exists());
        runtime.block_on(until(founded, &mut quickstart)).with_context(|| said(place))?;
        drop(quickstart);
        let text = std::fs::read_to_string(&file)?;
        std::fs::write(&file, format!("{text}{UNLIMITED}"))?;
        let listens =
            |section| listens(&text, section).with_context(|| format!("[{section}] listens nowhere"));
        Ok(Self {
            executable: executable.to_owned(),
            place: place.to_owned(),
            est: listens("est")?,
            status: listens("status")?,
        })
    }

    /// Starts `serve`, and waits until it says that it is ready.
    pub(super) fn serve(&self, runtime: &Runtime) -> anyhow::Result<Process> {
        let mut serve = command(&self.executable, &self.place)?;
        let mut serve = Process::start(serve.args(["--config", "state/meter-pki.toml", "serve"]))?;
        let is_ready = async || match Client::connect(self.status, None).await {
            Ok(mut client) => {
                let is_ready = client.finds("/readyz").await;
                client.close().await?;
                is_ready
            }
            // It does not listen yet.
            Err(_) => Ok(false),
        };
        runtime.block_on(until(is_ready, &mut serve)).with_context(|| said(&self.place))?;
        Ok(serve)
    }

    /// What the factory line shows.
    pub(super) fn line_station(&self) -> anyhow::Result<Credential> {
        self.credential("line-station")
    }

    /// What the EST server shows.
    pub(super) fn est_server(&self) -> anyhow::Result<Credential> {
        self.credential("server")
    }

    /// Whom clients of the EST server trust.
    pub(super) fn trusted(&self) -> anyhow::Result<Arc<RootCertStore>> {
        trusting(&std::fs::read(self.state().join("authorities/dso-root-s1.cer"))?)
    }

    fn credential(&self, name: &str) -> anyhow::Result<Credential> {
        let file = self.state().join("tls").join(name);
        let certificates = CertificateDer::pem_file_iter(file.with_extension("pem"))?
            .map(|one| Ok(one?.to_vec()))
            .collect::<anyhow::Result<_>>()?;
        let key = PrivatePkcs8KeyDer::from_pem_file(file.with_extension("key"))?;
        Ok(Credential { certificates, key: key.secret_pkcs8_der().to_vec() })
    }

    fn state(&self) -> PathBuf {
        self.place.join("state")
    }
}

/// The program in the directory, which writes into a file there what it has to say.
fn command(executable: &Path, place: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(executable);
    command.current_dir(place).stdout(Stdio::null()).stderr(File::create(place.join("said"))?);
    Ok(command)
}

/// The last line of what it said.
fn said(place: &Path) -> String {
    let said = std::fs::read_to_string(place.join("said")).unwrap_or_default();
    format!("meter-pki says: {}", said.lines().last().unwrap_or("nothing"))
}

/// Waits for something that a process does.
async fn until(is_done: impl AsyncFn() -> anyhow::Result<bool>, process: &mut Process) -> anyhow::Result<()> {
    let watch = Stopwatch::start();
    while !is_done().await? {
        if let Some(status) = process.ended()? {
            bail!("it ended too early: {status}");
        }
        ensure!(watch.elapsed() < PATIENCE, "nothing happened in {} s", PATIENCE.as_secs());
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// The first `listen` of a section.
fn listens(configuration: &str, section: &str) -> Option<SocketAddr> {
    let head = format!("[{section}]");
    let mut lines = configuration.lines().skip_while(|line| *line != head).skip(1);
    let line = lines.find_map(|line| line.strip_prefix("listen = "))?;
    line.trim_matches('"').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::listens;

    #[test]
    fn finds_where_each_section_listens() {
        let text =
            "[operator]\nlisten = \"127.0.0.1:1\"\n\n[est]\nkey_file = \"a\"\nlisten = \"127.0.0.1:2\"\n";
        assert_eq!(listens(text, "est"), "127.0.0.1:2".parse().ok());
        assert_eq!(listens(text, "status"), None);
    }
}
