//! The reader of traces: three forms are accepted, damaged files refused with a reason.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use atlas_benches::workloads::trace::Trace;

const KEYS: [u32; 5] = [7, 0x0102_0304, 7, u32::MAX, 0];

fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, content).unwrap();
    path
}

fn binary() -> Vec<u8> {
    KEYS.iter().flat_map(|key| key.to_be_bytes()).collect()
}

fn xz(content: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn refusal(name: &str, content: &[u8]) -> String {
    let error = format!("{:#}", Trace::open(&file(name, content)).unwrap_err());
    assert!(error.contains(name), "{error}");
    assert!(!error.contains('\n'), "{error}");
    error
}

#[test]
fn numbers() {
    let trace = Trace::open(&file("numbers.trace", &binary())).unwrap();
    assert_eq!((trace.keys.as_slice(), trace.distinct), (&KEYS[..], 4));
    assert_eq!(trace.id, "trace:numbers.trace");
}

#[test]
fn compressed_numbers() {
    let trace = Trace::open(&file("numbers.trace.xz", &xz(&binary()))).unwrap();
    assert_eq!(trace.keys, KEYS);
}

#[test]
fn lines_of_text_are_numbered_by_first_appearance() {
    let text = "/home\n/über uns\r\n\n/home\n42";
    for (name, content) in
        [("text.trace", text.as_bytes().to_vec()), ("text.trace.xz", xz(text.as_bytes()))]
    {
        let trace = Trace::open(&file(name, &content)).unwrap();
        assert_eq!((trace.keys, trace.distinct), (vec![0, 1, 0, 2], 3), "{name}");
    }
}

#[test]
fn a_missing_file_is_refused() {
    let error = Trace::open(&PathBuf::from("no/such.trace")).unwrap_err();
    assert!(format!("{error:#}").contains("no/such.trace"));
}

#[test]
fn empty_files_are_refused() {
    assert!(refusal("empty.trace", b"").contains("empty"));
    assert!(refusal("empty.trace.xz", &xz(b"")).contains("empty"));
    assert!(refusal("blank.trace", b"\n\n \n").contains("no keys"));
}

#[test]
fn a_key_that_is_cut_off_is_refused() {
    let content = binary();
    let cut = &content[..content.len() - 1];
    assert!(refusal("cut.trace", cut).contains("multiple of 4"));
    assert!(refusal("cut-inside.trace.xz", &xz(cut)).contains("multiple of 4"));
}

#[test]
fn damaged_xz_is_refused() {
    let whole = xz(&binary());
    assert!(refusal("cut.trace.xz", &whole[..whole.len() - 9]).contains("damaged"));
    let mut damaged = whole;
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    assert!(refusal("damaged.trace.xz", &damaged).contains("damaged"));
}

#[test]
fn a_small_file_that_says_it_is_large_is_refused() {
    let bomb = xz(&vec![7; 10 << 20]);
    assert!(bomb.len() < 10_000, "{} bytes", bomb.len());
    let error = Trace::parse("bomb", bomb.clone(), 1 << 20).unwrap_err();
    assert_eq!(error.to_string(), "it has more than 1048576 bytes");
    assert_eq!(Trace::parse("bomb", bomb, 10 << 20).unwrap().keys.len(), (10 << 20) / 4);
}
