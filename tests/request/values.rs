//! What leaves is what the host wrote; what answers has an equal value in the field, however it is written.

use super::*;

/// The text as it came, and the id that was put in, which it must have been behind the brace.
fn sent(text: &str) -> String {
    let (server, client) = pair();
    std::thread::scope(|scope| {
        let asks = scope.spawn(|| client.request(text, LONG, "id", "").unwrap());
        let question = server.receive(LONG).unwrap().text().to_owned();
        server.send_text(1, &question).unwrap();
        assert_eq!(asks.join().unwrap().text(), question);
        question
    })
}

#[test]
fn all_but_the_id_leaves_byte_for_byte() {
    for text in [
        "{}",
        " {\r\n\t} \n",
        r#"{"amount":12345678901234567890.12,"price":1.10,"e":1E+2,"zero":-0}"#,
        r#"{"a":1,"a":2,"b":{"id":7}}"#,
        r#" { "name" : "\u0041\/\ud83d", "ж":"😀" }  "#,
    ] {
        let question = sent(text);
        let (head, rest) = text.split_at(text.find('{').unwrap() + 1);
        let put_in = question.strip_prefix(head).and_then(|tail| tail.strip_suffix(rest)).expect(&question);
        let put_in = put_in.strip_prefix("\"id\":\"").expect(&question);
        let end = if rest.trim().len() == 1 { "\"" } else { "\"," };
        let id = put_in.strip_suffix(end).expect(&question);
        assert!(id.len() > 8 && !id.contains('"'), "{question}");
    }
    // The field is there, whatever its name is written like.
    for text in [r#"{"\u0069d":7}"#, r#"{"id":null,"x":1.0}"#, r#"{"id":1,"id":2}"#] {
        assert_eq!(sent(text), text);
    }
}

#[test]
fn ids_are_unique() {
    let (server, client) = pair();
    let ids: std::collections::HashSet<String> = (0..100)
        .map(|_| {
            assert_eq!(client.request("{}", NOW, "id", "").err(), Some(REQUEST_TIMEOUT));
            asked(&server)["id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(ids.len(), 100);
}

#[test]
fn a_text_that_is_no_object_is_refused_with_the_place() {
    let (server, client) = pair();
    for (text, place) in [
        (r#"{"a":1,}"#, "line 1, character 8"),
        ("{\n\"ж\": 01}", "line 2, character 7"),
        ("{\"a\":\"x\ty\"}", "line 1, character"),
        ("\u{feff}{}", "line 1, character 1"),
        ("{} x", "line 1, character 4"),
        ("[1]", "not a JSON object"),
        (r#"{"id":[1]}"#, "field id"),
        (r#"{"id":{}}"#, "field id"),
    ] {
        assert_eq!(client.request(text, LONG, "id", "").err(), Some(-2), "{text}");
        assert!(error_text().contains(place), "{text}: {}", error_text());
    }
    assert_eq!(server.receive(NOW).err(), Some(TIMEOUT), "nothing was sent");
}

/// The request's id, a message that is not its reply, and one that is.
const REPLIES: &[(&str, &str, &str)] = &[
    ("1", r#"{"id":"1"}"#, r#"{"id":1.0}"#),
    ("1", r#"{"id":10}"#, r#"{"id":1e0}"#),
    ("10.5e-1", r#"{"id":1.0500001}"#, r#"{"id":1.05}"#),
    ("18446744073709551617123", r#"{"id":18446744073709551617124}"#, r#"{"id":18446744073709551617123}"#),
    ("0", r#"{"id":null}"#, r#"{"id":-0.0}"#),
    ("1e999999999999999999999", r#"{"id":1e999999999999999999998}"#, r#"{"id":10e999999999999999999998}"#),
    (r#""a/ж😀""#, r#"{"id":"a/ж"}"#, r#"{"id":"\u0061\/\u0436\ud83d\ude00"}"#),
    (r#""\ud83d""#, "{\"id\":\"\u{fffd}\"}", r#"{"id":"\ud83D"}"#),
    ("true", r#"{"id":1}"#, r#"{"id":true}"#),
    ("null", r#"{"x":null}"#, r#"{"id":null}"#),
    // What a reader would refuse is in other fields.
    ("2", r#"{"x":{"id":2}}"#, r#"{"x":"\ud83d","y":[1e999,NaN],"id":2}"#),
    ("2", r#"{"id":2"#, r#"{"id":1,"id":2}"#),
    ("2", r#"{"id":2,"id":1}"#, r#"{"i\u0064":2}"#),
    ("3", r#"[{"id":3}]"#, "\u{feff} {\"id\":3}\r\n"),
];

#[test]
fn a_reply_has_the_same_value_however_it_is_written() {
    let (server, client) = pair();
    let deep = format!(r#"{{"x":{}{},"id":"deep"}}"#, r#"{"a":["#.repeat(5_000), "]}".repeat(5_000));
    let replies = REPLIES.iter().copied().chain([(r#""deep""#, r#"{"id":"dee"}"#, deep.as_str())]);
    for (id, other, reply) in replies {
        // A JSON in a binary message counts, too.
        for binary in [false, true] {
            let say = |text: &str| match binary {
                true => server.send(1, text.as_bytes()),
                false => server.send_text(1, text),
            };
            std::thread::scope(|scope| {
                let asks = scope.spawn(|| client.request(&format!(r#"{{"id":{id}}}"#), LONG, "id", "").unwrap());
                server.receive(LONG).unwrap();
                say(other).unwrap();
                say(reply).unwrap();
                assert_eq!(asks.join().unwrap().data(), reply.as_bytes(), "{id}");
            });
            assert_eq!(client.receive(LONG).unwrap().data(), other.as_bytes(), "{id}");
        }
    }
    assert_eq!(client.queued(), 0);
}
