//! A third opinion on the conversations of the codec's corpus: Python's wsproto.

use super::targets::codec::{Conversation, ROOMY, Seen, ours};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// How many changed conversations it is shown beside the corpus.
const CHANGED: usize = 1000;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As the script says it; wsproto gives a message as text, so that damage is found out before. 1014, bad gateway, is
/// registered and may travel; wsproto does not know it and calls it a violation.
fn shown(seen: &Seen) -> Value {
    match seen {
        Seen::Message(text, data) => json!([if *text { "text" } else { "binary" }, hex(data)]),
        Seen::Ping(data) => json!(["ping", hex(data)]),
        Seen::Pong(data) => json!(["pong", hex(data)]),
        Seen::Close(Some(1014), _) => json!(["close", "1002"]),
        Seen::Close(code, _) => json!(["close", code.unwrap_or(1005).to_string()]),
    }
}

/// It gives what we give, up to a close or a violation, and calls a violation what we call one. It reports a violation as
/// a close with the code that it would send. Where both refuse, the codes may differ: it looks at the payload of a frame
/// before the length of a control frame, and takes the last of several faults.
#[test]
fn wsproto_agrees() {
    let Some(python) = std::env::var_os("WSADDIN_PYTHON") else {
        assert!(std::env::var_os("WSADDIN_NO_SKIP").is_none(), "WSADDIN_PYTHON names no Python");
        return println!("SKIPPED: without WSADDIN_PYTHON there is no wsproto");
    };
    let files = super::corpus("codec");
    let inputs: Vec<_> = files.iter().map(|file| std::fs::read(file).expect("a file of the corpus is read")).collect();
    let mut random = super::Random(0x1234_5678_9ABC_DEF1);
    let changed: Vec<_> = (0..CHANGED).map(|_| random.change(&inputs)).collect();
    let conversations = inputs.iter().chain(&changed).map(|data| Conversation::read(data));
    // Its compression is agreed on by its own handshake, and it has no limit.
    let conversations: Vec<_> = conversations.filter(|one| one.deflate.is_none() && one.limit == ROOMY).collect();
    assert!(conversations.len() > 100, "{} are left", conversations.len());

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/wsproto_codec.py");
    let mut peer = Command::new(python);
    peer.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
    if let Some(path) = std::env::var_os("WSADDIN_WSPROTO") {
        peer.env("PYTHONPATH", path);
    }
    let mut peer = peer.spawn().expect("Python starts");
    let mut input = peer.stdin.take().expect("a pipe");
    let said: Vec<String> = conversations
        .iter()
        .map(|one| format!("{} {}\n", if one.server { "server" } else { "client" }, hex(&one.bytes)))
        .collect();
    let writer =
        std::thread::spawn(move || said.iter().for_each(|line| input.write_all(line.as_bytes()).expect("it reads")));
    let output = peer.wait_with_output().expect("it ends");
    writer.join().expect("all was written");
    assert!(output.status.success(), "{}", output.status);
    let answers = String::from_utf8(output.stdout).expect("JSON is text");
    assert_eq!(answers.lines().count(), conversations.len());
    let mut refused = 0;
    for (conversation, answer) in conversations.iter().zip(answers.lines()) {
        let theirs: Value = serde_json::from_str(answer).expect("JSON");
        let (items, violation) = ours(conversation, 0, false);
        let mut items: Vec<Value> = items.iter().map(shown).collect();
        let mut theirs = theirs["seen"].as_array().expect("a list").clone();
        if let Some(code) = violation {
            refused += 1;
            let close = theirs.last().filter(|last| last[0] == "close").and_then(|last| last[1].as_str());
            let theirs_code = close.and_then(|code| code.parse::<u16>().ok());
            let refuses = theirs_code.is_some_and(|code| matches!(code, 1002 | 1003 | 1007 | 1009));
            // It has no limit, and waits for what is announced.
            assert!(refuses || code == 1009, "it takes {conversation:?}: {theirs:?}");
            if refuses {
                theirs.pop();
            }
            // What is whole is seen by both; a message may be refused by us before its end.
            items.truncate(theirs.len());
            theirs.truncate(items.len());
        }
        assert_eq!(items, theirs, "{conversation:?}");
    }
    println!("wsproto: {} conversations, {refused} of them refused by both", conversations.len());
}
