//! The files of a scan: its checkpoint, and the list of objects.
//!
//! A checkpoint is somebody's input. Must never be seen half written, or read by others than its owner.

use crate::model::contract::Contract;
use crate::report::scan::list::heading;
use crate::report::scan::unfit;
use crate::scan::checkpoint::{Checkpoint, MOST_BYTES, Subject};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What a checkpoint says; none where there is no such file yet.
///
/// # Errors
/// It can't be gone on with.
pub(super) fn checkpoint(path: &Path, of: &Subject, contract: &Contract) -> Result<Option<Checkpoint>, String> {
    let wrong = |why: &str| format!("--save `{}` {why}. Name another file", path.display());
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // Better said before a scan than after it.
            Kept::begin(path)?;
            return Ok(None);
        }
        file => file.map_err(|error| wrong(&format!("can't be read ({error})")))?,
    };
    let metadata = file.metadata().map_err(|error| wrong(&format!("can't be read ({error})")))?;
    if !metadata.is_file() {
        return Err(wrong("is no file"));
    }
    if metadata.len() > MOST_BYTES {
        return Err(wrong("is larger than any checkpoint"));
    }
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o022 != 0 {
        return Err(wrong("can be written by others than its owner"));
    }
    let mut text = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut text).map_err(|error| wrong(&format!("can't be read ({error})")))?;
    Checkpoint::read(&text, of, contract).map(Some).map_err(|why| unfit(&why, &path.display().to_string()))
}

/// The end of a scan that is whole.
///
/// # Errors
/// It can't be removed, and would be gone on with the next time.
pub(super) fn remove(path: &Path) -> Result<(), String> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(format!("the scan is whole, but its --save `{}` can't be removed: {error}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Writing a checkpoint.
pub(super) struct Kept;

impl Kept {
    /// Writes it beside the old one, and puts it in its place.
    pub(super) fn write(path: &Path, checkpoint: &Checkpoint) -> Result<(), String> {
        let failed = |why: String| format!("--save `{}` can't be written: {why}", path.display());
        let text = serde_json::to_vec(checkpoint).map_err(|error| failed(error.to_string()))?;
        let (beside, mut file) = Self::beside(path).map_err(|error| failed(error.to_string()))?;
        let written = file.write_all(&text).and_then(|()| file.sync_all());
        written.and_then(|()| std::fs::rename(&beside, path)).map_err(|error| failed(error.to_string()))
    }

    /// Whether one could be written.
    fn begin(path: &Path) -> Result<(), String> {
        let beside = Self::beside(path).and_then(|(beside, _)| std::fs::remove_file(beside));
        beside.map_err(|error| format!("--save `{}` can't be written: {error}", path.display()))
    }

    fn beside(path: &Path) -> std::io::Result<(PathBuf, File)> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let beside = path.with_file_name(name);
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&beside).map(|file| (beside, file))
    }
}

/// The list of objects that can't be read.
#[derive(Debug)]
pub(super) struct ObjectList {
    file: File,
    path: PathBuf,
}

impl ObjectList {
    /// Begins it.
    pub(super) fn create(path: &Path) -> Result<Self, String> {
        let file = File::create(path).map_err(|error| broken(path, &error))?;
        let mut list = Self { file, path: path.to_owned() };
        list.add(&heading())?;
        Ok(list)
    }

    /// Goes on behind what counts: what a scan wrote and did not live to count is taken off.
    pub(super) fn go_on(path: &Path, bytes: u64) -> Result<Self, String> {
        let mut file = OpenOptions::new().write(true).open(path).map_err(|error| broken(path, &error))?;
        let length = file.metadata().map_err(|error| broken(path, &error))?.len();
        if length < bytes {
            return Err(format!("--csv `{}` is shorter than the checkpoint says: it is not its list", path.display()));
        }
        file.set_len(bytes).and_then(|()| file.seek(SeekFrom::End(0))).map_err(|error| broken(path, &error))?;
        Ok(Self { file, path: path.to_owned() })
    }

    pub(super) fn add(&mut self, rows: &str) -> Result<(), String> {
        self.file.write_all(rows.as_bytes()).map_err(|error| broken(&self.path, &error))
    }

    /// Makes sure of what was written; its length.
    pub(super) fn keep(&mut self) -> Result<u64, String> {
        let kept = self.file.sync_data().and_then(|()| self.file.stream_position());
        kept.map_err(|error| broken(&self.path, &error))
    }
}

fn broken(path: &Path, error: &std::io::Error) -> String {
    format!("--csv `{}` can't be written: {error}", path.display())
}
