//! Streams in a file, for a program that replays them and is not this one.
//!
//! All numbers are little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `ATLASOP1` |
//! | 4, n | length and text of the mix's id |
//! | 8 | entries in the steady state |
//! | 4 | number of streams, one for each thread |
//! | 8, 4 × n | for each stream: its length, and a word for each operation |
//!
//! The upper two bits of a word are the operation (0 get, 1 put, 2 remove, 3 update), the others the
//! key's id.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::{Mix, Stream, Streams};

const MAGIC: &[u8; 8] = b"ATLASOP1";

/// Takes numbers off the front of a file's content.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, n: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n).context("it is cut off")?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.bytes(N)?.try_into()?)
    }

    fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

impl Streams {
    /// Writes the streams to a file.
    ///
    /// # Errors
    ///
    /// If that cannot be done.
    pub fn write(&self, path: &Path) -> Result<()> {
        let context = || format!("cannot write {}", path.display());
        let mut out = BufWriter::new(fs::File::create(path).with_context(context)?);
        let mut put = |bytes: &[u8]| out.write_all(bytes).with_context(context);
        put(MAGIC)?;
        put(&(self.mix.id().len() as u32).to_le_bytes())?;
        put(self.mix.id().as_bytes())?;
        put(&self.entries.to_le_bytes())?;
        put(&(self.threads.len() as u32).to_le_bytes())?;
        for stream in &self.threads {
            put(&(stream.words().len() as u64).to_le_bytes())?;
            for word in stream.words() {
                put(&word.to_le_bytes())?;
            }
        }
        out.flush().with_context(context)
    }

    /// Reads what [`Streams::write`] wrote.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or holds something else.
    pub fn read(path: &Path) -> Result<Self> {
        let context = || format!("stream file {}", path.display());
        let content = fs::read(path).with_context(context)?;
        Self::parse(&content).with_context(context)
    }

    fn parse(content: &[u8]) -> Result<Self> {
        let mut reader = Reader(content);
        ensure!(reader.bytes(MAGIC.len())? == MAGIC, "it is no stream file");
        let length = reader.u32()? as usize;
        let id = std::str::from_utf8(reader.bytes(length)?)?;
        let mix = Mix::ALL.into_iter().find(|mix| mix.id() == id).context("no such mix")?;
        let entries = reader.u64()?;
        let mut threads = Vec::new();
        for _ in 0..reader.u32()? {
            let length = usize::try_from(reader.u64()?)?.checked_mul(4).context("it is cut off")?;
            let words = reader.bytes(length)?.as_chunks::<4>().0;
            let words = words.iter().map(|&word| u32::from_le_bytes(word));
            threads.push(Stream::new(words.collect(), entries));
        }
        ensure!(reader.0.is_empty(), "it goes on after its end");
        Ok(Self { mix, entries, threads })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_survive_the_file() {
        let path = std::env::temp_dir().join(format!("atlas-streams-{}", std::process::id()));
        let streams = Streams::new(Mix::Exchange, 1000, 2, 7);
        streams.write(&path).unwrap();
        let read = Streams::read(&path);
        let content = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(read.unwrap(), streams);

        for damaged in [&content[..7], &content[..content.len() - 1], b"ATLASOP2", b""] {
            assert!(Streams::parse(damaged).is_err());
        }
        assert!(Streams::parse(&[&content[..], b"x"].concat()).is_err());
    }
}
