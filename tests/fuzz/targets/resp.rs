//! What a broker says, or whoever answers in its place: the same replies, or the same refusal, however they are cut; and
//! a URL of a broker never shows its password.

use super::input::{Input, one_line, pieces};
use websocket_addin::cluster::resp::{Bounds, Decoder, Fault, Value, command};
use websocket_addin::cluster::url::ClusterUrl;

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() {
        0xff => url(&String::from_utf8_lossy(input.rest())),
        seed => replies(seed, input.rest()),
    }
}

fn replies(seed: u8, bytes: &[u8]) {
    let bounds = Bounds { depth: 4, line: 100, bulk: 1000, array: 1000, reply: 10_000 };
    let whole = read(bounds, &[bytes]);
    assert_eq!(whole, read(bounds, &pieces(bytes, seed)), "cut with {seed}");
    for value in whole.0 {
        assert!(depth(&value) <= 5 && size(&value) <= 10_000, "{value:?}");
        // What has been read can be said again: a command is an array of strings.
        let Value::Array(items) = &value else { continue };
        let words: Option<Vec<&[u8]>> =
            items.iter().map(|item| matches!(item, Value::Bulk(_)).then(|| item.bytes())?).collect();
        if let Some(words) = words {
            let mut out = Vec::new();
            command(&mut out, &words).expect("there is memory");
            assert_eq!(read(bounds, &[&out]), (vec![value], None));
        }
    }
}

fn read(bounds: Bounds, pieces: &[&[u8]]) -> (Vec<Value>, Option<Fault>) {
    let (mut decoder, mut all) = (Decoder::new(bounds), Vec::new());
    for mut piece in pieces.iter().copied() {
        while !piece.is_empty() {
            match decoder.read(&mut piece) {
                Ok(Some(value)) => all.push(value),
                Ok(None) => assert!(piece.is_empty(), "all is taken"),
                Err(fault) => return (all, Some(fault)),
            }
        }
    }
    (all, None)
}

fn depth(value: &Value) -> usize {
    value.array().map_or(0, |items| 1 + items.iter().map(depth).max().unwrap_or_default())
}

fn size(value: &Value) -> usize {
    let inner = value.array().map_or(0, |items| items.iter().map(size).sum());
    size_of::<Value>() + inner + value.bytes().map_or(0, <[u8]>::len)
}

fn url(text: &str) {
    match ClusterUrl::parse(text) {
        Err(error) => one_line(&error.to_string()),
        Ok(url) => {
            let shown = url.shown();
            one_line(&shown);
            let again = ClusterUrl::parse(&shown).unwrap_or_else(|error| panic!("{shown}: {error}"));
            assert_eq!(again.shown(), shown);
            let password = &url.login.password;
            assert!(again.login.password == "***" || password.is_empty(), "{shown}");
        }
    }
}
