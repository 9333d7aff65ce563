//! The installed program as a process of its own: how soon it starts, and what it has of memory while clients load it. The PKI is
//! founded by the program's own `quickstart`.

mod served;
mod starts;
mod installation;

use tokio::runtime::Runtime;

use crate::measure::measure;
use crate::stage::Stage;
use crate::yardsticks::Yardsticks;
use installation::Installation;
use served::Clients;
use starts::{Helping, Serving};

/// Measures all rows about the installed program.
pub(crate) fn rows(stage: &Stage<'_>, runtime: &Runtime, yardsticks: &mut Yardsticks) -> anyhow::Result<()> {
    let (help, ready) = ("starts, meter-pki --help", "starts, meter-pki serve until it is ready");
    let loaded = "serve, EST, P-256, 64 clients on kept connections";
    if stage.wants(help) {
        let mut scene = Helping { executable: &stage.means.executable };
        stage.keep(measure(help, &mut scene, stage.pace(), yardsticks)?);
    }
    let (wants_ready, wants_loaded) = (stage.wants(ready), stage.wants(loaded));
    if !wants_ready && !wants_loaded {
        return Ok(());
    }
    let installation =
        Installation::found(&stage.directory("installation"), &stage.means.executable, runtime)?;
    if wants_ready {
        let mut scene = Serving::new(&installation, runtime);
        stage.keep(measure(ready, &mut scene, stage.pace(), yardsticks)?);
    }
    if wants_loaded {
        let mut scene = Clients::open(&installation, runtime)?;
        stage.keep(measure(loaded, &mut scene, stage.pace(), yardsticks)?);
        scene.close()?;
    }
    Ok(())
}
