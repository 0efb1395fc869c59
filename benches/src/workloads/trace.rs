//! Recorded key accesses.
//!
//! Three forms, told apart by their content: text with one key a line; 32-bit big-endian numbers;
//! either of them compressed by xz. A file of numbers all of whose bytes are printable would pass
//! for text.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use liblzma::read::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

const XZ_MAGIC: &[u8] = b"\xfd7zXZ\0";

/// The most bytes that a trace may have once it is decompressed: a small file can claim to be any size.
const MOST: usize = 1 << 30;

/// The memory that decompressing may take: four times what the best setting of xz needs.
const XZ_MEMORY: u64 = 256 << 20;

/// A trace, ready for replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// `trace:` and the file's name.
    pub id: String,
    /// The keys in the order of access; keys of text are numbered by first appearance.
    pub keys: Vec<u32>,
    /// How many different keys there are.
    pub distinct: u64,
}

impl Trace {
    /// Reads a trace from a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is empty, too large, damaged or ends in the middle of a key.
    pub fn open(path: &Path) -> Result<Self> {
        let name = || format!("trace {}", path.display());
        let bytes = fs::read(path).with_context(name)?;
        let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        Self::parse(&file, bytes, MOST).with_context(name)
    }

    /// Reads a trace from the content of a file, of at most so many bytes once it is decompressed.
    ///
    /// # Errors
    ///
    /// If it is empty, too large, damaged or ends in the middle of a key.
    pub fn parse(file: &str, bytes: Vec<u8>, most: usize) -> Result<Self> {
        let keys = keys(bytes, most)?;
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        sorted.dedup();
        Ok(Self { id: format!("trace:{file}"), keys, distinct: sorted.len() as u64 })
    }

    /// One line: what it is.
    pub fn description(&self) -> String {
        format!(
            "{} recorded accesses to {} keys, in blocks dealt to the threads in turn: get, and \
             insert on a miss",
            self.keys.len(),
            self.distinct
        )
    }
}

fn keys(mut bytes: Vec<u8>, most: usize) -> Result<Vec<u32>> {
    if bytes.starts_with(XZ_MAGIC) {
        let decoder = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED)?;
        let mut content = Vec::new();
        XzDecoder::new_stream(bytes.as_slice(), decoder)
            .take(most as u64 + 1)
            .read_to_end(&mut content)
            .context("the xz stream is damaged or cut off")?;
        bytes = content;
    }
    ensure!(!bytes.is_empty(), "it is empty");
    ensure!(bytes.len() <= most, "it has more than {most} bytes");
    match std::str::from_utf8(&bytes) {
        Ok(text) if is_text(text) => number_lines(text),
        _ => numbers(&bytes),
    }
}

fn is_text(text: &str) -> bool {
    text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
}

fn number_lines(text: &str) -> Result<Vec<u32>> {
    let mut numbers = HashMap::new();
    let mut keys = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let next = numbers.len() as u32;
        keys.push(*numbers.entry(line).or_insert(next));
    }
    ensure!(!keys.is_empty(), "it has no keys, only blank lines");
    Ok(keys)
}

fn numbers(bytes: &[u8]) -> Result<Vec<u32>> {
    let (words, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        bail!("it ends in the middle of a key: {} bytes are no multiple of 4", bytes.len());
    }
    Ok(words.iter().map(|&word| u32::from_be_bytes(word)).collect())
}
