//! Servers that keep their compression context, whatever they are asked for.

use crate::deflate::{Expand, RSV1, Squeeze};
use crate::face::*;
use crate::raw::{self, BINARY, CLOSE, CONTINUE, FIN, PING, Peer, TEXT, Then};
use crate::{noise, words};
use std::io::Write;
use std::net::TcpStream;
use websocket_addin::capi::*;

/// Offers as servers see them: parameters, with their values.
type Offers<'a> = Vec<Vec<(&'a str, Option<&'a str>)>>;

fn offers(head: &str) -> Offers<'_> {
    fn parameter(part: &str) -> (&str, Option<&str>) {
        part.split_once('=').map_or((part.trim(), None), |(name, value)| (name.trim(), Some(value.trim())))
    }
    fn offer(text: &str) -> Vec<(&str, Option<&str>)> {
        let mut parts = text.split(';');
        assert_eq!(parts.next().map(str::trim), Some("permessage-deflate"));
        parts.map(parameter).collect()
    }
    raw::header(head, "Sec-WebSocket-Extensions").expect("compression is offered").split(',').map(offer).collect()
}

fn told(parameters: &[(&str, Option<&str>)]) -> String {
    let text = |(name, value): &(&str, Option<&str>)| match value {
        Some(value) => format!("; {name}={value}"),
        None => format!("; {name}"),
    };
    "permessage-deflate".to_owned() + &parameters.iter().map(text).collect::<String>()
}

/// What servers answer that keep their context; none of them but the last three is made up.
type Answering = (&'static str, fn(&Offers<'_>) -> String);
const SERVERS: [Answering; 8] = [
    ("Mojolicious and older libwebsockets", |_| told(&[])),
    // It loses parameters without a value, and takes the first offer as it then is.
    ("Tornado", |offers| told(&offers[0].iter().copied().filter(|(_, value)| value.is_some()).collect::<Vec<_>>())),
    // It declines what it may not do, and tells of windows where they are smaller.
    ("Netty", |offers| netty(offers, true)),
    ("Netty with the JDK's zlib", |offers| netty(offers, false)),
    ("Java-WebSocket 1.5", |_| told(&[("client_no_context_takeover", None)])),
    ("one that sends back what is asked of it", |_| told(&[("client_max_window_bits", None)])),
    ("one whose zlib makes 9 bits of 8", |_| told(&[("server_max_window_bits", Some("8"))])),
    ("one with windows of its own", |_| {
        told(&[("client_max_window_bits", Some("9")), ("server_max_window_bits", Some("12"))])
    }),
];

fn netty(offers: &Offers<'_>, has_windows: bool) -> String {
    let cannot = |name: &str| name == "server_no_context_takeover" || name == "server_max_window_bits" && !has_windows;
    let offer = offers.iter().find(|offer| !offer.iter().any(|(name, _)| cannot(name))).expect("an offer for Netty");
    let window = |(name, value): &(&str, Option<&str>)| {
        name.ends_with("_max_window_bits") && value.is_some_and(|value| value != "15")
    };
    told(&offer.iter().copied().filter(window).collect::<Vec<_>>())
}

fn bits(answer: &str, name: &str) -> u8 {
    answer.split(&format!("{name}=")).nth(1).map_or(15, |rest| rest.split(';').next().unwrap().parse().unwrap())
}

/// What a server says: each message is all in the one before it, as far away as its window reaches, so that only who has
/// kept that one can read it; long ones; an empty one.
fn sayings(window: u8) -> Vec<Vec<u8>> {
    // A match reaches back 262 bytes less than the window (zlib's look-ahead).
    let far = noise((1 << window.max(9)) - 300);
    let mut long = words(300_000).into_bytes();
    long.extend_from_slice(&far);
    vec![far.clone(), far.clone(), vec![], far.clone(), long.clone(), far, long]
}

/// Says all of it, with plain messages, fragments and pings in between, and hears as much from the client.
fn converse(stream: &mut TcpStream, window: u8, client_bits: u8) {
    // zlib has no smaller window; it compresses with 9 bits where 8 were agreed on.
    let mut squeeze = Squeeze::new(6, window.max(9));
    let mut expand = Expand::new(client_bits);
    for (round, data) in sayings(window).iter().enumerate() {
        let packed = squeeze.message(data);
        // Noise comes for nothing the second time.
        assert!(!(round == 1 || round == 3) || packed.len() < data.len() / 5, "{window} bits: {} bytes", packed.len());
        let (start, end) = packed.split_at(packed.len() / 2);
        let frames = match round % 2 {
            0 => raw::frame(FIN | RSV1 | BINARY, false, &packed),
            _ => [
                raw::frame(RSV1 | BINARY, false, start),
                raw::frame(FIN | PING, false, b"?"),
                raw::frame(FIN | CONTINUE, false, end),
            ]
            .concat(),
        };
        // What is not compressed is no part of the context.
        let plain = raw::frame(FIN | TEXT, false, b"plain");
        if stream.write_all(&[frames, plain].concat()).is_err() {
            return;
        }
        loop {
            match raw::read_frame(stream) {
                Some((first, payload)) if first == FIN | RSV1 | BINARY => {
                    assert_eq!(expand.message(&payload), *data, "round {round}");
                    break;
                }
                Some((first, payload)) if first == FIN | BINARY => {
                    assert_eq!(payload, *data, "round {round}");
                    break;
                }
                Some((first, _)) if first & 0xf == raw::PONG => {}
                _ => return,
            }
        }
    }
}

#[test]
fn a_client_talks_to_servers_that_keep_their_context() {
    for (name, answer) in SERVERS {
        for (takeover, wanted) in [(0, 15), (0, 12), (0, 9), (0, 8), (1, 15), (1, 11), (1, 8)] {
            let peer = Peer::new(move |stream| {
                let head = raw::read_head(stream);
                let offers = offers(&head);
                assert!(wanted < 15 || offers.len() == 1, "libwebsockets up to 3.0 knows no second one: {head}");
                let answer = answer(&offers);
                let header = format!("Sec-WebSocket-Extensions: {answer}\r\n");
                let _ = stream.write_all(raw::accept(&head, &header).as_bytes());
                converse(stream, bits(&answer, "server_max_window_bits"), bits(&answer, "client_max_window_bits"));
                let _ = stream.write_all(&raw::frame(FIN | CLOSE, false, &raw::close_body(1000, "done")));
                raw::read_close(stream);
                Then::Close
            });
            let what = format!("{name} with {takeover} and {wanted}");
            let client = Client::new();
            client.compression_context(takeover).compression_window_bits(wanted);
            client.connect(&peer.url()).unwrap_or_else(|fault| panic!("{what}: {}", fault.text));
            assert!(client.extensions().starts_with("permessage-deflate"), "{what}");
            assert_eq!(client.event().event, WSADDIN_EVENT_OPEN, "{what}");
            let window = bits(&client.extensions(), "server_max_window_bits");
            for data in sayings(window) {
                let event = client.event();
                assert_eq!(event.event, WSADDIN_EVENT_MESSAGE, "{what}: {}", String::from_utf8_lossy(&event.data));
                assert!(event.data == data, "{what}: {} bytes for {}", event.data.len(), data.len());
                assert_eq!(client.event().text(), "plain", "{what}");
                client.send_binary(&data).unwrap();
            }
            assert_eq!(client.event().close(), (1000, "done".into(), true), "{what}");
        }
    }
}

/// What the host asked for holds for what we send, whatever the server does: without context each message stands alone.
#[test]
fn a_client_keeps_no_context_of_its_own_for_such_a_server() {
    let list = ["alpha ", "beta ", "gamma ", "delta ", "epsilon ", "zeta ", "eta ", "theta "];
    let text: String = noise(200).iter().map(|byte| list[usize::from(byte % 8)]).collect();
    for (takeover, answer, alone) in [
        (0, "permessage-deflate", true),
        (0, "permessage-deflate; client_no_context_takeover", true),
        (1, "permessage-deflate; client_no_context_takeover", true),
        (1, "permessage-deflate; server_no_context_takeover", false),
        (1, "permessage-deflate", false),
    ] {
        let (tell, heard) = std::sync::mpsc::channel();
        let peer = crate::answering(answer, move |stream| {
            let frames = (0..2).map(|_| raw::read_frame(stream).expect("a message")).collect::<Vec<_>>();
            tell.send(frames).unwrap();
            Then::Keep
        });
        let client = Client::new();
        client.compression_context(takeover).connect(&peer.url()).unwrap();
        client.send(&text).unwrap();
        client.send(&text).unwrap();
        let frames = heard.recv_timeout(std::time::Duration::from_secs(20)).expect(answer);
        assert!(frames.iter().all(|(first, _)| *first == FIN | RSV1 | TEXT), "{answer}");
        let sizes: Vec<usize> = frames.iter().map(|(_, payload)| payload.len()).collect();
        assert!(
            if alone { sizes[1] == sizes[0] } else { sizes[1] < sizes[0] / 4 },
            "{takeover} and {answer}: {sizes:?}"
        );
        let mut expand = Expand::new(15);
        frames.iter().for_each(|(_, payload)| assert_eq!(expand.message(payload), text.as_bytes()));
        if alone {
            assert_eq!(Expand::new(15).message(&frames[1].1), text.as_bytes());
        }
    }
}

/// A bound on what is inflated, and the end of a damaged one, hold in a context that is kept, too.
#[test]
fn what_such_a_server_sends_is_checked() {
    let text = "a compressed message that cannot be inflated";
    let peer = crate::answering("permessage-deflate", |stream| {
        let mut squeeze = Squeeze::new(6, 15);
        for round in 0..3 {
            let mut packed = squeeze.message(&noise(5000));
            if round == 2 {
                packed.truncate(packed.len() - 3);
            }
            let _ = stream.write_all(&raw::frame(FIN | RSV1 | BINARY, false, &packed));
        }
        raw::read_close(stream);
        Then::Close
    });
    let client = Client::new();
    client.connect(&peer.url()).unwrap();
    assert_eq!(client.event().event, WSADDIN_EVENT_OPEN);
    assert_eq!(client.event().data, noise(5000));
    assert_eq!(client.event().data, noise(5000));
    assert_eq!(client.event().close(), (1007, text.into(), false));
    let peer = crate::answering("permessage-deflate", |stream| {
        let mut squeeze = Squeeze::new(6, 15);
        for size in [1 << 10, 1 << 20, 1 << 26] {
            let _ = stream.write_all(&raw::frame(FIN | RSV1 | BINARY, false, &squeeze.message(&vec![0; size])));
        }
        raw::read_close(stream);
        Then::Close
    });
    let client = Client::new();
    client.max_message_size(1 << 20).connect(&peer.url()).unwrap();
    assert_eq!(client.event().event, WSADDIN_EVENT_OPEN);
    assert_eq!([client.event().data.len(), client.event().data.len()], [1 << 10, 1 << 20]);
    assert_eq!(client.event().close().0, 1009);
}
