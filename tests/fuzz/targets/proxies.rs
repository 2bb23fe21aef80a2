//! The setting of a proxy, the list of exceptions, and what proxies answer: the same however it is cut, nothing behind the
//! answer is taken, and no secret and no second line gets into what is shown.

use super::input::{Input, one_line};
use websocket_addin::error::Id;
use websocket_addin::host::Host;
use websocket_addin::net::{Step, Tunnel};
use websocket_addin::proxy::{Bypass, Kind, Setting};

const PROXIES: [&str; 4] = ["http://h:1", "http://u:SECRET@h:1", "socks5://h:1", "socks5://u:SECRET@h:1"];

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 3 {
        0 => setting(&String::from_utf8_lossy(input.rest())),
        1 => {
            let (list, host) = input.two_lines("host.example");
            let list = Bypass::parse(&list);
            for (host, port) in [(host.as_str(), 80), ("10.1.2.3", 443), ("::1", 1)] {
                assert_eq!(list.has(host, port), list.has(host, port));
            }
            assert!(Bypass::parse("*").has(&host, 80));
        }
        _ => {
            let proxy = PROXIES[usize::from(input.byte()) % PROXIES.len()];
            let bytes = input.rest();
            let (whole, cut) = (outcome(proxy, bytes, usize::MAX), outcome(proxy, bytes, 1));
            // Bytes that come before they may are seen only if they come at once.
            if whole.2 != Some(Id::ProxyAhead) {
                assert_eq!(whole, cut, "it depends on how it is cut");
            }
        }
    }
}

fn setting(text: &str) {
    let setting = match Setting::parse(text) {
        Ok(setting) => setting,
        Err(error) => return one_line(&error.to_string()),
    };
    let shown = setting.shown();
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    let Setting::Fixed(proxy) = &setting else { return };
    assert_eq!(Setting::parse(&shown).expect("what is shown can be set").shown(), shown);
    let host = Host::parse("host.example").expect("that is a host");
    match Tunnel::new(proxy, &host, 1) {
        Ok((_, hello)) if proxy.kind == Kind::Http => {
            let hello = String::from_utf8(hello).expect("a request is text");
            assert!(
                hello.starts_with("CONNECT host.example:1 HTTP/1.1\r\n") && hello.ends_with("\r\n\r\n"),
                "{hello:?}"
            );
            assert!(hello.lines().count() <= 6, "{hello:?}");
        }
        Ok(_) => {}
        Err(error) => one_line(&error.to_string()),
    }
}

/// What is sent, how much is taken when the tunnel opens, and the error.
fn outcome(proxy: &str, bytes: &[u8], most: usize) -> (Vec<Vec<u8>>, Option<usize>, Option<Id>) {
    let Ok(Setting::Fixed(proxy)) = Setting::parse(proxy) else { unreachable!("that is a proxy") };
    let host = Host::parse("host.example").expect("that is a host");
    let (mut tunnel, _) = Tunnel::new(&proxy, &host, 9).expect("it can be asked for that");
    let (mut sent, mut at) = (Vec::new(), 0);
    // What a connection would do: feed what is there, from the first byte that was not taken.
    let mut end = 0;
    while at < bytes.len() {
        end = bytes.len().min(end.max(at).saturating_add(most));
        match tunnel.feed(&bytes[at..end]) {
            Ok((taken, step)) => {
                assert!(taken <= end - at);
                at += taken;
                match step {
                    Step::Open => return (sent, Some(at), None),
                    Step::Send(more) | Step::Again(more) => sent.push(without_nonce(&more)),
                    Step::More if end == bytes.len() => break,
                    Step::More => {}
                }
            }
            Err(error) => {
                let text = error.to_string();
                one_line(&text);
                assert!(!text.contains("SECRET"), "{text}");
                return (sent, None, Some(error.id()));
            }
        }
    }
    one_line(&tunnel.cut().to_string());
    (sent, None, None)
}

/// Digest draws a nonce of its own, so that what depends on it differs from run to run.
fn without_nonce(request: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(request);
    if text.contains("Digest ") { b"digest".to_vec() } else { request.to_vec() }
}
