//! Receipts from lines of JSON: standard input, and files, which may still grow.
//!
//! How far a file was read is noted in the store once its receipts are there, so that a restart goes on where the last one
//! stopped. What is read twice after a crash is stored once.

use super::{Documents, Intake, IntakeError, Verdict};
use crate::store::{Store, StoreError};
use axum::body::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use std::io::{self, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;
use thiserror::Error;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncSeekExt, BufReader};
use tokio_util::sync::CancellationToken;

/// Lines handed over together.
const LINES: usize = 512;
/// How many such are under way at once.
const UNDER_WAY: usize = 8;
/// A longer line is no receipt: it is refused without being kept.
const LONGEST_LINE: usize = 8 << 10;
/// How often a file that was read to its end is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Why a source of lines was given up.
#[derive(Debug, Error)]
pub enum LinesError {
    /// It cannot be read.
    #[error("cannot read {path}: {error}")]
    Read {
        /// What.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// What was read is not taken.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// How far it was read cannot be noted.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Lines read together, and the bytes they take in the source.
#[derive(Debug, Default)]
struct Chunk {
    lines: Vec<Bytes>,
    bytes: usize,
    /// Whether the source has no more for now.
    ended: bool,
}

/// Takes the receipts of standard input, to its end or until told to stop.
///
/// # Errors
/// [`LinesError`].
pub async fn read_stdin(intake: &Intake, stop: &CancellationToken) -> Result<(), LinesError> {
    let mut reader = BufReader::new(tokio::io::stdin());
    let failed = |error| LinesError::Read { path: "standard input".into(), error };
    pump(intake, &mut reader, "standard input", true, stop, |_| Ok(())).await.map_err(|error| error.or(failed))?;
    Ok(())
}

/// Takes the receipts of a file and those appended to it, until told to stop.
///
/// # Errors
/// [`LinesError`].
pub async fn follow(intake: &Intake, store: &Store, path: &Path, stop: &CancellationToken) -> Result<(), LinesError> {
    let failed = |error| LinesError::Read { path: path.to_owned(), error };
    loop {
        let mut file = File::open(path).await.map_err(failed)?;
        let metadata = file.metadata().await.map_err(failed)?;
        let mut mark = Mark::load(store, path)?;
        if mark.inode != metadata.ino() || mark.position > metadata.len() {
            // Another file of that name, or the same written anew.
            mark = Mark { inode: metadata.ino(), position: 0 };
        }
        file.seek(SeekFrom::Start(mark.position)).await.map_err(failed)?;
        let mut reader = BufReader::new(file);
        let name = path.display().to_string();
        let noted = |bytes: usize| {
            mark.position = mark.position.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
            mark.save(store, path)
        };
        pump(intake, &mut reader, &name, false, stop, noted).await.map_err(|error| error.or(failed))?;
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}

/// How far a file was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    /// Which file it was.
    inode: u64,
    /// Bytes whose receipts are stored.
    position: u64,
}

impl Mark {
    fn name(path: &Path) -> String {
        format!("read/{}", path.display())
    }

    fn load(store: &Store, path: &Path) -> Result<Self, StoreError> {
        let note = store.note(&Self::name(path))?.unwrap_or_default();
        let number =
            |at: usize| note.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u64::from_be_bytes(*bytes));
        Ok(Self { inode: number(0), position: number(8) })
    }

    fn save(&self, store: &Store, path: &Path) -> Result<(), StoreError> {
        store.set_note(&Self::name(path), &[self.inode.to_be_bytes(), self.position.to_be_bytes()].concat())
    }
}

/// What goes wrong while lines are pumped.
enum PumpError {
    Read(io::Error),
    Other(LinesError),
}

impl PumpError {
    fn or(self, read: impl FnOnce(io::Error) -> LinesError) -> LinesError {
        match self {
            Self::Read(error) => read(error),
            Self::Other(error) => error,
        }
    }
}

impl<E: Into<LinesError>> From<E> for PumpError {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

/// Hands lines over until there are none for now. `stored` is told of the bytes whose receipts are stored, in their order.
/// `last` is whether a last line without an end is one: in a file it may still be being written.
async fn pump<R: AsyncRead + Unpin>(
    intake: &Intake,
    reader: &mut BufReader<R>,
    name: &str,
    last: bool,
    stop: &CancellationToken,
    mut stored: impl FnMut(usize) -> Result<(), StoreError>,
) -> Result<(), PumpError> {
    let mut under_way = FuturesOrdered::new();
    let mut line = 0usize;
    let mut settle = |done: Result<(usize, Vec<Verdict>), IntakeError>| {
        let (bytes, verdicts) = done?;
        line = report(name, line, &verdicts);
        stored(bytes).map_err(PumpError::from)
    };
    let mut ended = false;
    while !ended {
        let mut reading = pin!(read_chunk(reader, last));
        // While the source is silent, what came before is stored.
        let chunk = loop {
            tokio::select! {
                () = stop.cancelled() => break Chunk { ended: true, ..Chunk::default() },
                chunk = &mut reading, if under_way.len() < UNDER_WAY => break chunk.map_err(PumpError::Read)?,
                Some(done) = under_way.next() => settle(done)?,
            }
        };
        ended = chunk.ended;
        if chunk.bytes > 0 {
            under_way.push_back(async move {
                let room = intake.room(chunk.bytes).await?;
                Ok((chunk.bytes, intake.take(Documents::Json(chunk.lines), room).await?))
            });
        }
    }
    while let Some(done) = under_way.next().await {
        settle(done)?;
    }
    Ok(())
}

/// Tells of refused lines, of which `before` came earlier; how many there were with these.
pub(crate) fn report(name: &str, before: usize, verdicts: &[Verdict]) -> usize {
    for (index, verdict) in verdicts.iter().enumerate() {
        if let Verdict::Refused(refusal) = verdict {
            let receipt = before.saturating_add(index);
            tracing::warn!(source = name, receipt, code = refusal.code(), reason = %refusal, "receipt refused");
        }
    }
    before.saturating_add(verdicts.len())
}

/// Reads up to [`LINES`] lines: those there are, waiting only for the first.
async fn read_chunk<R: AsyncRead + Unpin>(reader: &mut BufReader<R>, last: bool) -> io::Result<Chunk> {
    let mut chunk = Chunk::default();
    while chunk.lines.len() < LINES && (chunk.lines.is_empty() || reader.buffer().contains(&b'\n')) {
        let mut line = Vec::new();
        let read = read_line(reader, &mut line).await?;
        if read == 0 || (line.last() != Some(&b'\n') && !last && line.len() < LONGEST_LINE) {
            chunk.ended = true;
            break;
        }
        chunk.bytes = chunk.bytes.saturating_add(read);
        if !line.trim_ascii().is_empty() {
            chunk.lines.push(Bytes::from(line));
        }
    }
    Ok(chunk)
}

/// Reads a line with its end, of which `line` gets no more than [`LONGEST_LINE`] bytes; returns how many it took.
async fn read_line<R: AsyncRead + Unpin>(reader: &mut BufReader<R>, line: &mut Vec<u8>) -> io::Result<usize> {
    let limit = u64::try_from(LONGEST_LINE).unwrap_or(u64::MAX);
    let mut read = (&mut *reader).take(limit).read_until(b'\n', line).await?;
    let mut rest = Vec::new();
    let mut cut = line.len() == LONGEST_LINE && line.last() != Some(&b'\n');
    while cut {
        rest.clear();
        read = read.saturating_add((&mut *reader).take(limit).read_until(b'\n', &mut rest).await?);
        cut = rest.len() == LONGEST_LINE && rest.last() != Some(&b'\n');
    }
    Ok(read)
}
