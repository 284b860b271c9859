//! Work that can be interrupted: lines of JSON, each written when its part is done and read back on the next start.

use std::{
    fs::{File, OpenOptions},
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use crate::error::{Error, ErrorKind, Result};

/// An error of a file, with its remedy.
pub(crate) fn io(path: &Path, what: &str, e: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::Io,
        format!(
            "cannot {what} {} ({e}): check the folder, its rights and the room on the disk",
            path.display()
        ),
    )
}

/// A file of one JSON value a line, to which only whole lines are ever added.
pub struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Opens a file, or makes it, and gives what it holds. A last line that was not finished is cut off.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; [`ErrorKind::Input`] for a line in the middle that is not what it should be.
    pub fn open<T: DeserializeOwned>(path: &Path) -> Result<(Self, Vec<T>)> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|e| io(path, "open", e))?;
        let text = std::fs::read(path).map_err(|e| io(path, "read", e))?;
        let whole = text
            .iter()
            .rposition(|&b| b == b'\n')
            .map_or(0, |at| at + 1);
        let mut held = Vec::new();
        for (i, line) in text[..whole].split_inclusive(|&b| b == b'\n').enumerate() {
            held.push(serde_json::from_slice(line).map_err(|e| {
                Error::input(format!(
                    "line {} of {} is not this program's ({e}): take another folder, or delete the file to do its work again",
                    i + 1,
                    path.display()
                ))
            })?);
        }
        file.set_len(whole as u64)
            .and_then(|()| file.seek(SeekFrom::End(0)))
            .map_err(|e| io(path, "write", e))?;
        let path = path.to_owned();
        Ok((Self { path, file }, held))
    }

    /// Adds a line, in one piece.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn push(&mut self, value: &impl Serialize) -> Result<()> {
        let mut line = serde_json::to_vec(value)
            .map_err(|e| Error::internal(format!("a result cannot be written ({e})")))?;
        line.push(b'\n');
        self.file
            .write_all(&line)
            .map_err(|e| io(&self.path, "write", e))
    }
}

/// Writes a file in one piece: it is there whole, or as it was.
///
/// # Errors
/// [`ErrorKind::Io`].
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    std::fs::write(&part, bytes)
        .and_then(|()| std::fs::rename(&part, path))
        .map_err(|e| io(path, "write", e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_comes_back_and_half_a_line_does_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log.jsonl");
        let (mut log, held) = Log::open::<u32>(&path).expect("a new log");
        assert!(held.is_empty());
        log.push(&1).expect("room");
        log.push(&22).expect("room");
        drop(log);
        let mut text = std::fs::read(&path).expect("the log");
        text.extend(b"33");
        std::fs::write(&path, text).expect("room");
        let (mut log, held) = Log::open::<u32>(&path).expect("the log");
        assert_eq!(held, [1, 22]);
        log.push(&4).expect("room");
        assert_eq!(
            std::fs::read_to_string(&path).expect("the log"),
            "1\n22\n4\n"
        );
        std::fs::write(&path, "1\nx\n3\n").expect("room");
        let e = Log::open::<u32>(&path).err().expect("a broken line");
        assert!(e.to_string().contains("line 2"), "{e}");
    }
}
