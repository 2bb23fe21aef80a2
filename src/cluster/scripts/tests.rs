//! The scripts as texts; what they do is the model's business, `tests/cluster_model`.

use super::*;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// What each command that a script may call has been able to do since Redis 5.0.
const COMMANDS: &[&str] = &[
    "DEL",
    "HDEL",
    "HGET",
    "HGETALL",
    "HINCRBY",
    "HSET",
    "HSETNX",
    "LPUSH",
    "LRANGE",
    "LTRIM",
    "PERSIST",
    "PEXPIREAT",
    "RPUSH",
    "SADD",
    "SCARD",
    "SREM",
    "TIME",
    "XADD",
    "XLEN",
    "XRANGE",
    "XREVRANGE",
    "XTRIM",
    "ZADD",
    "ZRANGEBYSCORE",
    "ZREM",
];

#[test]
fn every_file_is_one_of_the_scripts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cluster/scripts");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<_> = files.filter(|file| file.ends_with(".lua")).collect();
    let mut known: Vec<_> = ALL.iter().map(|script| format!("{}.lua", script.name)).collect();
    known.extend(["clock.lua".to_owned(), "common.lua".to_owned()]);
    files.sort();
    known.sort();
    assert_eq!(files, known);
}

#[test]
fn every_script_compiles_and_keeps_to_local_names() {
    for script in ALL {
        let luac = ["luac5.1", "luac"].into_iter().find_map(|luac| {
            // The listing tells of each global name that is read or set.
            let mut luac = Command::new(luac);
            luac.args(["-p", "-l", "-"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .ok()
        });
        let mut luac = luac.expect("luac is installed: tests/run installs lua5.1");
        let mut input = luac.stdin.take().expect("it was asked for");
        let text = script.text(CLOCK);
        let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let output = luac.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", script.name);
        writer.join().unwrap().expect("it reads all");
        let listing = String::from_utf8(output.stdout).unwrap();
        assert!(listing.contains("GETGLOBAL"), "the listing was read");
        for line in listing.lines() {
            let name = line.rsplit("; ").next().unwrap_or_default();
            assert!(!line.contains("SETGLOBAL"), "{} sets the global {name}", script.name);
            let known = ["redis", "KEYS", "ARGV", "math", "string", "tonumber", "type", "ipairs", "unpack"];
            assert!(!line.contains("GETGLOBAL") || known.contains(&name), "{} reads the global {name}", script.name);
        }
    }
}

#[test]
fn scripts_call_nothing_that_is_newer_than_redis_5() {
    let mut called = std::collections::BTreeSet::new();
    for script in ALL {
        let text = script.text(CLOCK);
        assert!(!text.contains("pcall(") && !text.contains("redis.call(\""), "{}", script.name);
        let calls = text.split("redis.call(").skip(1);
        called.extend(calls.map(|call| call.split('\'').nth(1).unwrap_or_default().to_owned()));
    }
    let called: Vec<_> = called.iter().map(String::as_str).collect();
    assert_eq!(called, COMMANDS);
}
