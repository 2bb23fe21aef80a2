//! Disks that take nothing for a while, as a pipe does that nobody reads.

use super::entry::compose;
use super::writer::Writer;
use super::{Level, Object};
use crate::library;
use std::fs::File;
use std::io::{PipeReader, Read};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);

/// A writer whose thread is inside a write that does not return.
fn hanging() -> (&'static Writer, PipeReader) {
    let writer: &'static Writer = Box::leak(Box::new(Writer::new()));
    let (reader, pipe) = std::io::pipe().unwrap();
    writer.begin_with(File::from(OwnedFd::from(pipe)));
    let line = compose(Level::Info, Object::Library.itself(), format_args!("{}", "x".repeat(1000)));
    (0..200).for_each(|_| writer.add(&line));
    (writer, reader)
}

fn eventually(path: &std::path::Path, wanted: &str) {
    let since = Instant::now();
    while !std::fs::read_to_string(path).is_ok_and(|text| text.contains(wanted)) {
        assert!(since.elapsed() < LIMIT, "{wanted} is not in {}", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn another_file_is_written_while_the_old_one_hangs_and_nothing_hangs_with_it() {
    let folder = std::env::temp_dir().join(format!("wsaddin-hanging-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("new.log");
    let (writer, mut reader) = hanging();
    let since = Instant::now();
    writer.set(path.to_str().unwrap(), Level::Info).unwrap();
    assert!(since.elapsed() < LIMIT);
    writer.add("a line of its own\n");
    eventually(&path, "a line of its own");
    eventually(&path, "lines dropped");
    // Once it answers the old thread goes, and takes nothing with it.
    let mut old = String::new();
    reader.read_to_string(&mut old).unwrap();
    assert!(old.contains("xxx") && !old.contains("of its own"));
    writer.end();
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn one_that_answers_again_gets_all_that_waited() {
    let (writer, mut reader) = hanging();
    writer.add("the last of them\n");
    let (say, hear) = std::sync::mpsc::channel();
    let reading = library::spawn("test", move || {
        let mut all = String::new();
        reader.read_to_string(&mut all).unwrap();
        say.send(all).unwrap();
    });
    writer.end();
    let all = hear.recv().unwrap();
    reading.unwrap().join();
    assert_eq!(all.matches("xxx\n").count(), 200);
    assert!(all.ends_with("the last of them\n"));
}
