//! A folder of pictures and sheets, and a file of the pictures that a scanner or a camera left.
//!
//! Nothing is written over: the folder is made here.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::part::{Part, PartError, SetId};
use crate::picture::{self, DrawError, ReadPictureError};
use crate::series::{self, JoinError, SplitError};
use crate::sheet;

/// The longest picture that is read, in octets.
const MAX_PICTURE: u64 = 64 << 20;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenSeries {
    /// The SHA-256 of the file.
    pub set: SetId,
    /// One picture a code, in their order.
    pub pictures: Vec<PathBuf>,
    /// The sheets for the printer.
    pub sheets: Vec<PathBuf>,
}

/// Writes a file as codes into a new folder: each as a picture, all on sheets.
///
/// # Errors
/// [`WriteSeriesError`]. What was made until then stays, and no later attempt writes over it.
pub fn write(octets: &[u8], title: &str, folder: &Path) -> Result<WrittenSeries, WriteSeriesError> {
    let parts = series::split(octets)?;
    let drawn = parts.iter().map(picture::draw).collect::<Result<Vec<_>, _>>()?;
    let sheets = sheet::draw(title, &parts)?;
    fs::create_dir(folder).map_err(WriteSeriesError::at(folder))?;
    let put = |name: String, octets: &[u8]| {
        let path = folder.join(name);
        let write = || {
            let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
            file.write_all(octets)?;
            file.sync_all()
        };
        write().map_err(WriteSeriesError::at(&path)).map(|()| path.clone())
    };
    let count = parts.len();
    let pictures = parts
        .iter()
        .zip(&drawn)
        .map(|(part, png)| put(format!("code-{:02}-of-{count:02}.png", part.index()), png))
        .collect::<Result<Vec<_>, _>>()?;
    let count = sheets.len();
    let sheets = sheets
        .iter()
        .enumerate()
        .map(|(at, svg)| put(format!("sheet-{:02}-of-{count:02}.svg", at + 1), svg.as_bytes()))
        .collect::<Result<Vec<_>, _>>()?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(WriteSeriesError::at(folder))?;
    Ok(WrittenSeries { set: SetId::of(octets), pictures, sheets })
}

/// Why no codes were written.
#[derive(Debug, thiserror::Error)]
pub enum WriteSeriesError {
    /// The file has no length for it.
    #[error(transparent)]
    Length(#[from] SplitError),
    /// A code was not drawn.
    #[error(transparent)]
    NotDrawn(#[from] DrawError),
    /// A file or the folder was not made.
    #[error("{path} cannot be made: {cause}", path = path.display())]
    NotWritten {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
}

impl WriteSeriesError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::NotWritten { path: path.to_owned(), cause }
    }

    /// Returns the stable reason code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Length(error) => error.code(),
            Self::NotDrawn(_) => "paper.not-drawn",
            Self::NotWritten { cause, .. } if cause.kind() == io::ErrorKind::AlreadyExists => "file.exists",
            Self::NotWritten { .. } => "file.unwritable",
        }
    }
}

/// Reads the codes in pictures and returns the file that they make. A folder stands for every `.png` in it.
///
/// # Errors
/// [`ScanError`], which names the picture.
pub fn scan(places: &[PathBuf]) -> Result<Vec<u8>, ScanError> {
    let mut parts = Vec::new();
    for path in pictures(places)? {
        let octets = read(&path).map_err(ScanError::at(&path))?;
        let texts =
            picture::read(&octets).map_err(|cause| ScanError::Picture { path: path.clone(), cause })?;
        for text in texts {
            let part =
                Part::from_text(&text).map_err(|cause| ScanError::Part { path: path.clone(), cause })?;
            parts.push(part);
        }
    }
    Ok(series::join(&parts)?)
}

fn pictures(places: &[PathBuf]) -> Result<Vec<PathBuf>, ScanError> {
    let mut pictures = Vec::new();
    for place in places {
        if !place.is_dir() {
            pictures.push(place.clone());
            continue;
        }
        let entries = fs::read_dir(place).map_err(ScanError::at(place))?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>();
        let mut paths = paths.map_err(ScanError::at(place))?;
        paths.retain(|path| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png")));
        paths.sort();
        pictures.append(&mut paths);
    }
    Ok(pictures)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    File::open(path)?.take(MAX_PICTURE).read_to_end(&mut octets)?;
    Ok(octets)
}

/// Why pictures are not a file.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// A picture cannot be read from disk.
    #[error("{path} cannot be read: {cause}", path = path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// There is no code in a picture.
    #[error("{path}: {cause}", path = path.display())]
    Picture {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: ReadPictureError,
    },
    /// A code is no part of a file.
    #[error("{path}: {cause}", path = path.display())]
    Part {
        /// The picture it is in.
        path: PathBuf,
        /// Why.
        cause: PartError,
    },
    /// The parts make no file.
    #[error(transparent)]
    Join(#[from] JoinError),
}

impl ScanError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::Unreadable { path: path.to_owned(), cause }
    }

    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "file.unreadable",
            Self::Picture { cause, .. } => cause.code(),
            Self::Part { cause, .. } => cause.code(),
            Self::Join(error) => error.code(),
        }
    }
}
