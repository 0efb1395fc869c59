//! A first look at a recorded trace, so that a bad one is refused before anything is built.
//!
//! The measuring program reads traces in full; this looks only at what is cheap: that the file is
//! there, can be read, holds something and is not cut off.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result, ensure};

const XZ_START: &[u8] = b"\xFD7zXZ\0";
const XZ_END: &[u8] = b"YZ";
/// The header and the footer of an xz stream, 12 bytes each, and the smallest index.
const XZ_LEAST: u64 = 32;

/// Refuses a trace that cannot be replayed, with the path and the reason.
pub fn check(path: &Path) -> Result<()> {
    look(path).with_context(|| format!("trace {}", path.display()))
}

fn look(path: &Path) -> Result<()> {
    let mut file = File::open(path)?;
    ensure!(file.metadata()?.is_file(), "not a file");
    let length = file.metadata()?.len();
    ensure!(length > 0, "the file is empty");

    let mut start = Vec::new();
    file.by_ref().take(4096).read_to_end(&mut start)?;
    if start.starts_with(XZ_START) {
        let mut end = [0; 2];
        file.seek(SeekFrom::End(-2))?;
        file.read_exact(&mut end)?;
        let whole = length >= XZ_LEAST && length % 4 == 0 && end == XZ_END;
        ensure!(whole, "the xz file is truncated");
    } else if is_text(&start) {
        ensure!(start.iter().any(|byte| !byte.is_ascii_whitespace()), "no key in it");
    } else {
        ensure!(
            length % 4 == 0,
            "{length} bytes are not a whole number of 4-byte keys: truncated, or of another format"
        );
    }
    Ok(())
}

fn is_text(start: &[u8]) -> bool {
    start.iter().all(|&byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace() || byte >= 0x80)
        && (str::from_utf8(start).is_ok() || start.len() == 4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(name: &str, bytes: &[u8]) -> Result<(), String> {
        let path = std::env::temp_dir().join(format!("atlas-trace-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).expect("a temporary file");
        let verdict = look(&path).map_err(|error| error.to_string());
        std::fs::remove_file(&path).expect("removed");
        verdict
    }

    #[test]
    fn good_traces() {
        assert_eq!(verdict("text", b"17\n/index.html\n17\n"), Ok(()));
        assert_eq!(verdict("binary", &[0, 0, 0, 1, 0, 0, 0, 2]), Ok(()));
        let mut xz = XZ_START.to_vec();
        xz.resize(30, 0);
        xz.extend(XZ_END);
        assert_eq!(verdict("xz", &xz), Ok(()));
    }

    #[test]
    fn bad_traces() {
        for (name, bytes, reason) in [
            ("empty", &b""[..], "empty"),
            ("blank", b" \n\n", "no key"),
            ("short", &[0, 0, 0, 1, 0], "truncated"),
            ("cut-xz", b"\xFD7zXZ\0\0\x04\xE6\xD6\xB4\x46\x02\0\x21\x01", "truncated"),
        ] {
            let error = verdict(name, bytes).expect_err(name);
            assert!(error.contains(reason), "{name}: {error}");
        }
        assert!(check(Path::new("no such file")).is_err());
        assert!(check(&std::env::temp_dir()).is_err());
    }
}
