//! `ceremony run` and `ceremony rehearse`: leads the people in a room through the acts of a ceremony file, step by step.
//!
//! The transcript is at once the record and the journal: every step is on the disk, signed by operator and witnesses, before
//! its effect is told, and a run that was interrupted goes on after the last one. What is done is in the modules of the acts;
//! here are the people, the questions and the order. Modules stand in reading order; none imports one that stands above it.

mod closing;
mod acts;
mod opening;
mod setting;
mod previous;
mod objects;
mod table;
mod scene;
mod error;
pub(crate) mod beforehand;
mod originals;
pub(crate) mod soft_tokens;
pub(crate) mod means;
mod network;
mod room;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use ceremony::file::CeremonyFile;
use ceremony::file::inputs::Input;
use ceremony::transcript::Journal;
use ceremony::transcript::action::{Action, Tool};
use ceremony::words::Fingerprint;
use serde::Serialize;

use crate::input_file::INPUTS;
use acts::Stage;
use beforehand::{Beforehand, EarlierBundles};
pub(crate) use error::GuidedError;
use means::Means;
use originals::KnownFrom;
use room::Terminal;
use scene::{Scene, settle, unreadable};
use setting::Setting;
use soft_tokens::Rehearsal;
use table::Table;

/// Which ceremony is to be held, and where.
#[derive(Debug, Clone)]
pub(crate) struct RunWish {
    /// The ceremony file; its inputs lie beside it.
    pub(crate) file: PathBuf,
    /// The room.
    pub(crate) room: PathBuf,
    /// In a rehearsal, of which nothing may be relied on: what it needs.
    pub(crate) rehearsal: Option<Rehearsal>,
    pub(crate) means: Means,
    /// What was held before.
    pub(crate) earlier: EarlierBundles,
}

impl RunWish {
    const fn is_rehearsal(&self) -> bool {
        self.rehearsal.is_some()
    }
}

/// A ceremony that came to its end.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Held {
    pub(crate) title: String,
    pub(crate) rehearsal: bool,
    pub(crate) steps: usize,
    pub(crate) acts: usize,
    /// SHA-256 of the last line of the transcript.
    pub(crate) transcript_sha256: String,
    pub(crate) directory: PathBuf,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rehearsal {
            writeln!(f, "REHEARSAL: nothing of this may be relied on.")?;
        }
        writeln!(f, "The ceremony is over.")?;
        writeln!(f, "  Title       {}", self.title)?;
        writeln!(f, "  Acts        {}, in {} steps", self.acts, self.steps)?;
        writeln!(f, "  Transcript  {}", crate::fingerprint::grouped(&self.transcript_sha256))?;
        write!(f, "  Directory   {}", self.directory.display())
    }
}

/// Holds a ceremony, from wherever an earlier run left it.
pub(crate) fn run(wish: &RunWish) -> Result<Held, GuidedError> {
    let octets = fs::read(&wish.file).map_err(unreadable(&wish.file))?;
    let file = CeremonyFile::parse(&octets)?;
    let inputs = file.read_inputs(&wish.file.with_file_name(INPUTS)).map_err(GuidedError::Inputs)?;
    // before anything is written.
    network::check()?;
    let beforehand = Beforehand::open(&file, &wish.earlier)?;
    let known = KnownFrom { roots: wish.room.join(scene::ROOTS), previous: beforehand.previous.as_ref() };
    let originals = if wish.is_rehearsal() { known.originals(&file)? } else { Vec::new() };
    let scene = Scene::enter(&wish.room, &file, wish.is_rehearsal())?;
    // Before the transcript is opened: where SoftHSM2 has tokens elsewhere, the program begins anew here.
    let real = Setting::real(&file, &wish.means, beforehand);
    let setting = match &wish.rehearsal {
        Some(rehearsal) => real.rehearsed(originals, &scene, rehearsal)?,
        None => real,
    };
    let journal = journal(&scene, &file)?;
    for Input { name, octets, .. } in &inputs {
        settle(&scene.inputs().join(name.as_str()), octets)?;
    }
    let mut terminal = Terminal;
    let mut table = Table::lay(&file, &mut terminal, &wish.means, journal);
    match (scene.bundle().is_dir(), scene.export().is_dir()) {
        (true, true) => return Err(GuidedError::Over { path: scene.path().to_owned() }),
        (true, false) => {
            closing::export(&mut table, &scene)?;
            return report(&table, &scene, wish);
        }
        (false, _) => {}
    }
    if wish.is_rehearsal() {
        table.show("REHEARSAL: nothing that is made here may be relied on.")?;
    }
    setting.notices.iter().try_for_each(|notice| table.show(notice))?;
    let held = hold(&mut table, &scene, &setting, wish);
    let recorded = table.is_laid() && !table.transcript().entries().is_empty();
    let why = held.as_ref().err().and_then(GuidedError::breaks_off).filter(|_| recorded);
    if why.is_none() {
        held?;
        close(&mut table, &scene, &setting, None)?;
    } else {
        close(&mut table, &scene, &setting, why.as_deref())?;
        held?;
    }
    report(&table, &scene, wish)
}

fn journal<'a>(scene: &Scene, file: &'a CeremonyFile) -> Result<Journal<'a>, GuidedError> {
    let path = scene.transcript();
    if path.exists() { Ok(Journal::resume(&path, file)?) } else { Ok(Journal::create(&path, file)?) }
}

fn hold<'a>(
    table: &mut Table<'a>,
    scene: &'a Scene,
    setting: &'a Setting,
    wish: &RunWish,
) -> Result<(), GuidedError> {
    let file = table.file;
    opening::open(table, &setting.beforehand, (tool()?, wish.is_rehearsal()))?;
    if table.did(|action| matches!(action, Action::Aborted { .. } | Action::Closed)) {
        return Ok(());
    }
    Stage::new(scene, setting, table).make_stand_ins()?;
    opening::read_aloud(table, scene)?;
    let mut stage = Stage::new(scene, setting, table);
    for act in file.acts() {
        stage.perform(act)?;
    }
    Ok(())
}

/// Ends a ceremony. Case R-21: one that was broken off says so, and leaves no key that was never used.
fn close<'a>(
    table: &mut Table<'a>,
    scene: &'a Scene,
    setting: &'a Setting,
    broken_off: Option<&str>,
) -> Result<(), GuidedError> {
    table.show("\nClosing")?;
    if let Some(why) = broken_off {
        table.record(Action::Aborted { why: why.to_owned() })?;
    }
    let mut stage = Stage::new(scene, setting, table);
    stage.settle_if_broken_off()?;
    stage.destroy_unused_if_broken_off()?;
    let records = stage.records()?;
    if !table.did(|action| matches!(action, Action::Closed)) {
        table.record(Action::Closed)?;
    }
    closing::bundle(table, scene, &records)?;
    closing::export(table, scene)
}

/// Says how the ceremony ended, also one that was broken off in an earlier run.
fn report(table: &Table<'_>, scene: &Scene, wish: &RunWish) -> Result<Held, GuidedError> {
    let why = table
        .transcript()
        .actions()
        .find_map(|(_, action)| if let Action::Aborted { why } = action { Some(why.clone()) } else { None });
    if let Some(why) = why {
        return Err(GuidedError::Aborted { why });
    }
    Ok(Held {
        title: table.file.title().to_owned(),
        rehearsal: wish.is_rehearsal(),
        steps: table.transcript().entries().len(),
        acts: table.file.acts().len(),
        transcript_sha256: table.transcript().tip().to_string(),
        directory: scene.path().to_owned(),
    })
}

/// Says which program runs: its own file, as the kernel has it open.
fn tool() -> Result<Tool, GuidedError> {
    let path = Path::new("/proc/self/exe");
    let octets = fs::read(path).map_err(unreadable(path))?;
    Ok(Tool {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sha256: Fingerprint::of(&octets),
    })
}
