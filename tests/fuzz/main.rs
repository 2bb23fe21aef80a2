//! The fuzz targets without a fuzzer: each replays the committed corpus, where inputs that once broke something stay
//! forever, and then changes it at random for a short while. `tests/fuzz/engine/run` has libFuzzer look for more.

mod targets;
#[path = "wsproto.rs"]
mod wsproto;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use targets::{TARGETS, Target};

/// How long each target is tried with changed inputs, in seconds; 0 only replays.
const SECONDS: &str = "FUZZ_SECONDS";

fn corpus(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a folder can be read").path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

/// A generator of numbers, the same from run to run.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or_default() % most.max(1)
    }

    /// One input made of two of the corpus: bytes set, removed, doubled, exchanged, two of them joined.
    fn change(&mut self, inputs: &[Vec<u8>]) -> Vec<u8> {
        let mut data = inputs[self.below(inputs.len())].clone();
        for _ in 0..=self.below(6) {
            let (at, size) = (self.below(data.len() + 1), 1 + self.below(16));
            let end = data.len().min(at + size);
            match self.below(6) {
                0 if at < data.len() => data[at] = [0, 1, 0x7f, 0x80, 0xff, b'\r', b'\n', b'"'][self.below(8)],
                1 if at < data.len() => data[at] ^= 1 << self.below(8),
                2 => drop(data.drain(at..end)),
                3 => {
                    let piece = data[at..end].to_vec();
                    data.splice(at..at, piece);
                }
                4 => data.insert(at, u8::try_from(self.below(256)).unwrap_or_default()),
                _ => {
                    let other = &inputs[self.below(inputs.len())];
                    let from = self.below(other.len() + 1);
                    data.truncate(at);
                    data.extend_from_slice(&other[from..]);
                }
            }
        }
        data.truncate(1 << 16);
        data
    }
}

/// Runs a target; an input that breaks it is kept, and its name is in what the test says.
fn run(target: &Target, data: &[u8], called: &str) {
    let (name, function) = target;
    if let Err(panic) = std::panic::catch_unwind(|| function(data)) {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}"));
        std::fs::write(&path, data).expect("the folder for such files can be written");
        eprintln!("{name} breaks on {called}, kept in {}", path.display());
        std::panic::resume_unwind(panic);
    }
}

fn replay(name: &str) {
    let target = TARGETS.iter().find(|(other, _)| *other == name).unwrap_or_else(|| panic!("no target {name}"));
    let files = corpus(name);
    let inputs: Vec<_> = files.iter().map(|file| std::fs::read(file).expect("a file of the corpus is read")).collect();
    for (file, data) in files.iter().zip(&inputs) {
        run(target, data, &file.display().to_string());
    }
    let seconds = std::env::var(SECONDS).map_or(1, |text| text.parse().expect("a number of seconds"));
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut count = 0;
    while Instant::now() < until {
        let data = random.change(&inputs);
        run(target, &data, "a changed input");
        count += 1;
    }
    println!("{name}: {} inputs of the corpus, {count} changed ones", inputs.len());
}

/// One test a target, and none without.
macro_rules! tests {
    ($($name:ident)*) => {
        $(#[test] fn $name() { replay(stringify!($name)); })*

        #[test]
        fn every_target_has_its_test() {
            let names: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

tests! { codec faces handshake json keys options plain_http proxies resp urls utf16 }
