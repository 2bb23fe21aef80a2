//! What is offered, answered and accepted.

use super::*;

const PLAIN: Settings = Settings { takeover: false, bits: 15 };
const KEEPING: Settings = Settings { takeover: true, bits: 15 };

fn direction(takeover: bool, bits: u8) -> Direction {
    Direction { takeover, bits }
}

#[test]
fn what_a_client_offers() {
    for (settings, expected) in [
        // The offer of browsers.
        (PLAIN, "permessage-deflate; client_max_window_bits"),
        (KEEPING, "permessage-deflate; client_max_window_bits"),
        (
            Settings { takeover: false, bits: 10 },
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; \
             client_max_window_bits=10, permessage-deflate; client_max_window_bits",
        ),
        (
            Settings { takeover: true, bits: 10 },
            "permessage-deflate; server_max_window_bits=10; client_max_window_bits=10, \
             permessage-deflate; client_max_window_bits",
        ),
        // A server that has zlib has no window of 8 bits.
        (
            Settings { takeover: true, bits: 8 },
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits=8, \
             permessage-deflate; client_max_window_bits",
        ),
    ] {
        assert_eq!(offer(settings), expected);
    }
}

#[test]
fn a_server_takes_the_first_offer_that_it_can_meet() {
    let none = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    for (settings, offered, answer, out, inward) in [
        (PLAIN, "permessage-deflate", none.to_owned(), direction(false, 15), direction(false, 15)),
        (
            PLAIN,
            "permessage-deflate; client_max_window_bits",
            none.to_owned(),
            direction(false, 15),
            direction(false, 15),
        ),
        (KEEPING, "permessage-deflate", "permessage-deflate".into(), direction(true, 15), direction(true, 15)),
        (
            KEEPING,
            "permessage-deflate; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover".into(),
            direction(false, 15),
            direction(true, 15),
        ),
        (
            KEEPING,
            "permessage-deflate; client_no_context_takeover; client_max_window_bits=8",
            "permessage-deflate; client_no_context_takeover; client_max_window_bits=8".into(),
            direction(true, 15),
            direction(false, 8),
        ),
        (
            PLAIN,
            "permessage-deflate; server_max_window_bits=\"8\"; client_max_window_bits",
            format!("{none}; server_max_window_bits=8"),
            direction(false, 8),
            direction(false, 15),
        ),
        (
            KEEPING,
            "permessage-deflate;server_max_window_bits=15;client_max_window_bits=15",
            "permessage-deflate; server_max_window_bits=15".into(),
            direction(true, 15),
            direction(true, 15),
        ),
        (
            Settings { takeover: true, bits: 11 },
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; server_max_window_bits=11; client_max_window_bits=11".into(),
            direction(true, 11),
            direction(true, 11),
        ),
        // A client with zlib has no window of 8 bits; one that names it has.
        (
            Settings { takeover: true, bits: 8 },
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; server_max_window_bits=8; client_max_window_bits=9".into(),
            direction(true, 8),
            direction(true, 9),
        ),
        (
            Settings { takeover: true, bits: 8 },
            "permessage-deflate; client_max_window_bits=12",
            "permessage-deflate; server_max_window_bits=8; client_max_window_bits=9".into(),
            direction(true, 8),
            direction(true, 9),
        ),
        (
            Settings { takeover: true, bits: 8 },
            "permessage-deflate; client_max_window_bits=8",
            "permessage-deflate; server_max_window_bits=8; client_max_window_bits=8".into(),
            direction(true, 8),
            direction(true, 8),
        ),
        // A client that cannot choose its window is not told to.
        (
            Settings { takeover: true, bits: 11 },
            "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate; server_max_window_bits=10".into(),
            direction(true, 10),
            direction(true, 15),
        ),
        // Offers that cannot be met before one that can, and other extensions around.
        (
            KEEPING,
            "x-other, permessage-deflate; foo, permessage-deflate; server_max_window_bits=7, \
             permessage-deflate; client_no_context_takeover, permessage-deflate",
            "permessage-deflate; client_no_context_takeover".into(),
            direction(true, 15),
            direction(false, 15),
        ),
    ] {
        let (agreement, text) = negotiate(settings, offered).expect(offered);
        assert_eq!(text, answer, "{offered}");
        assert_eq!(agreement, Agreement { out, inward }, "{offered}");
    }
}

/// Parameters that neither an offer nor an answer may have.
const BAD: [&str; 16] = [
    "unknown",
    "unknown=1",
    "server_no_context_takeover=1",
    "client_no_context_takeover=true",
    "server_no_context_takeover; server_no_context_takeover",
    "client_no_context_takeover; client_no_context_takeover",
    "server_max_window_bits",
    "server_max_window_bits=7",
    "server_max_window_bits=16",
    "server_max_window_bits=010",
    "server_max_window_bits=+10",
    "server_max_window_bits=10; server_max_window_bits=10",
    "client_max_window_bits=0",
    "client_max_window_bits=99999999999999999999",
    "client_max_window_bits=x",
    "client_max_window_bits=10; client_max_window_bits=10",
];

#[test]
fn a_server_declines_what_it_does_not_know() {
    for parameters in BAD {
        let offered = format!("permessage-deflate; {parameters}");
        assert_eq!(negotiate(PLAIN, &offered), None, "{offered}");
        assert!(negotiate(PLAIN, &format!("{offered}, permessage-deflate")).is_some(), "{offered}: the next one holds");
    }
    for offered in ["", "x-webkit-deflate-frame", "permessage-bzip2", "permessage-deflate;", "Permessage-Deflate"] {
        assert_eq!(negotiate(PLAIN, offered), None, "{offered}");
    }
}

/// Every answer that the grammar of section 7.1 has, for every setting: what the server wants of us is kept to, what it
/// does with its own messages is put up with, and of what the host wanted nothing is given up that is ours to keep.
#[test]
fn a_client_accepts_every_answer_that_can_be_met() {
    let numbers = || std::iter::once(None).chain((8..=15).map(Some));
    let mut count = 0;
    for (takeover, most) in [false, true].iter().flat_map(|takeover| (8..=15).map(move |most| (*takeover, most))) {
        let settings = Settings { takeover, bits: most };
        for (no_server, no_client) in [(false, false), (false, true), (true, false), (true, true)] {
            for (server_bits, client_bits) in numbers().flat_map(|server| numbers().map(move |client| (server, client)))
            {
                let mut answer = "permessage-deflate".to_owned();
                for (name, is_there) in [("server", no_server), ("client", no_client)] {
                    answer += &if is_there { format!("; {name}_no_context_takeover") } else { String::new() };
                }
                for (name, bits) in [("server", server_bits), ("client", client_bits)] {
                    answer += &bits.map_or(String::new(), |bits: u8| format!("; {name}_max_window_bits={bits}"));
                }
                let expected = Agreement {
                    out: direction(takeover && !no_client, client_bits.unwrap_or(15).min(most)),
                    inward: direction(!no_server, server_bits.unwrap_or(15)),
                };
                assert_eq!(accepted(settings, &answer).unwrap(), Some(expected), "{settings:?}: {answer}");
                count += 1;
            }
        }
        assert_eq!(accepted(settings, "").unwrap(), None);
        // A server that sends the offer back.
        let echoed = "permessage-deflate; server_no_context_takeover; client_max_window_bits";
        let expected = Agreement { out: direction(takeover, most), inward: direction(false, 15) };
        assert_eq!(accepted(settings, echoed).unwrap(), Some(expected), "{settings:?}");
    }
    assert_eq!(count, 16 * 4 * 81);
}

#[test]
fn a_client_refuses_what_has_no_meaning() {
    let refused = |answer: &str| {
        for settings in [PLAIN, KEEPING] {
            let error = accepted(settings, answer).expect_err(answer);
            assert_eq!(error.id(), Id::ExtensionAnswer, "{answer}");
        }
    };
    for parameters in BAD {
        refused(&format!("permessage-deflate; {parameters}"));
    }
    for answer in [
        "permessage-deflate, permessage-deflate",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
        "permessage-deflate; ",
        "permessage-deflate, x",
        "x",
    ] {
        refused(answer);
    }
}
