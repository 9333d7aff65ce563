//! A real file system over a block device that drops what was not flushed: ext4 on a loop device on a file of FUSE, whose
//! writes wait for a flush (tests/crash/device). For the long form only: it needs root, loop devices and libfuse3.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::kill::Power;
use super::template::succeed;
use crate::patience::eventually;

/// The size of a device, in octets; its backing file is sparse.
const SIZE: u64 = 256 * 1024 * 1024;

/// Compiles the program that plays the device; nothing when libfuse3 is missing.
///
/// # Panics
/// When there is no C compiler or no libfuse3: `apt-get install gcc libc6-dev libfuse3-dev`.
#[must_use]
pub fn compile(grounds: &Path) -> PathBuf {
    let program = grounds.join("device");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("crash/device/device.c");
    let include = ["-D_FILE_OFFSET_BITS=64", "-I/usr/include/fuse3", "-O2", "-o"];
    let mut compiler = Command::new("cc");
    succeed(compiler.args(include).arg(&program).arg(source).args(["-lfuse3", "-lpthread"]));
    program
}

/// A device with a file system on it, mounted.
#[derive(Debug)]
pub struct Device {
    program: PathBuf,
    backing: PathBuf,
    fuse: PathBuf,
    mounted_at: PathBuf,
    attached: Option<Attached>,
}

#[derive(Debug)]
struct Attached {
    child: Child,
    node: String,
}

impl Device {
    /// Makes one beside `mount_point`, with an empty file system.
    ///
    /// # Panics
    /// When the machine does not let us: this needs root.
    #[must_use]
    pub fn new(program: &Path, mount_point: &Path) -> Self {
        let beside = |ending: &str| mount_point.with_extension(ending);
        let (backing, fuse) = (beside("backing"), beside("fuse"));
        fs::File::create(&backing).and_then(|file| file.set_len(SIZE)).expect("a sparse file");
        succeed(Command::new("mkfs.ext4").arg("-q").arg(&backing));
        fs::create_dir_all(&fuse).expect("a directory");
        fs::create_dir_all(mount_point).expect("a directory");
        let mounted_at = mount_point.to_owned();
        let mut device = Self { program: program.to_owned(), backing, fuse, mounted_at, attached: None };
        device.attach(1);
        device
    }

    fn attach(&mut self, seed: u64) {
        let mut device = Command::new(&self.program);
        device.arg(&self.backing).arg(seed.to_string()).arg(&self.fuse).args(["-f", "-s"]);
        let child = device.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("the device starts");
        let disk = self.fuse.join("disk");
        eventually("the device is there", || disk.exists().then_some(()));
        let said = Command::new("losetup").args(["-f", "--show"]).arg(&disk).output().expect("losetup");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        let node = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        succeed(Command::new("mount").arg(&node).arg(&self.mounted_at));
        self.attached = Some(Attached { child, node });
    }

    /// Cuts the power, and switches it on again: the file system replays its journal.
    ///
    /// # Panics
    /// When the file system cannot be mounted again.
    pub fn cut_power(&mut self, power: Power, seed: u64) {
        let how = match power {
            Power::Strict => "0",
            Power::Random => "1",
        };
        fs::write(self.fuse.join("power"), how).expect("the device is there");
        self.detach();
        self.attach(seed);
    }

    fn detach(&mut self) {
        let Some(Attached { mut child, node }) = self.attached.take() else { return };
        // What fails here fails because the power is gone.
        drop(Command::new("umount").arg(&self.mounted_at).output());
        drop(Command::new("losetup").args(["-d", &node]).output());
        drop(Command::new("umount").arg(&self.fuse).output());
        drop(child.wait());
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.detach();
    }
}
