use super::*;
use serde_json::{Map, Value};

fn scalar(token: &str) -> Scalar<'_> {
    Scalar::parse(token.as_bytes()).unwrap_or_else(|| panic!("{token}"))
}

fn value<'a>(text: &'a str, field: &str) -> Option<&'a str> {
    find(text.as_bytes(), field).map(|place| &text[place])
}

#[test]
fn a_field_is_found_at_the_top_level_alone() {
    for (text, expected) in [
        (r#"{"id":1}"#, Some("1")),
        ("\u{feff}{\"id\":1}", Some("1")),
        (" \t\r\n{ \"id\" : 1 \r\n, \"x\":[]} \n", Some("1")),
        (r#"{"a":{"id":2},"b":[{"id":3}],"id":4}"#, Some("4")),
        (r#"{"a":{"id":2}}"#, None),
        (r#"{"\u0069\u0064":"x"}"#, Some(r#""x""#)),
        (r#"{"\u0069D":"x"}"#, None),
        (r#"{"id":1,"id":2}"#, Some("2")),
        (r#"{"id":1,"i\u0064":{"id":[]}}"#, Some(r#"{"id":[]}"#)),
        (r#"{"a":"\"id\":5,{","id":6}"#, Some("6")),
        (r#"{"a":"\\","id":7}"#, Some("7")),
        (r#"{"id":null}"#, Some("null")),
        // What others write, in fields that nobody looks at.
        (r#"{"a":NaN,"b":1e999,"c":"\ud83d","d":[1,{"x":Infinity}],"id":8}"#, Some("8")),
        // No objects.
        ("", None),
        ("{}", None),
        ("{ }", None),
        ("7", None),
        (r#"["id",1]"#, None),
        (r#"{"id":1"#, None),
        (r#"{"id":1}}"#, None),
        (r#"{"id":1}{"#, None),
        (r#"{"id":1} x"#, None),
        (r#"{"id" 1}"#, None),
        (r#"{"id":}"#, None),
        (r#"{"id":1,}"#, None),
        (r#"{,"id":1}"#, None),
        (r#"{"id":1 2}"#, None),
        (r#"{"id":1"a":2}"#, None),
        (r#"{"a":[1,"id":1}"#, None),
        (r#"{"id":"1}"#, None),
        (r#"{id:1}"#, None),
        ("\u{feff}\u{feff}{\"id\":1}", None),
    ] {
        assert_eq!(value(text, "id"), expected, "{text}");
    }
    assert_eq!(find(b"{\"a\":\"\xff\xc3\",\"id\":1}", "id"), Some(15..16), "bytes that are no UTF-8");
    assert_eq!(value("{\"\":1}", ""), Some("1"));
    assert_eq!(value(r#"{"\ud83d\ude00 ж":1}"#, "😀 ж"), Some("1"));
    assert_eq!(value(r#"{"\ud83d":1}"#, "\u{fffd}"), None);
}

#[test]
fn depth_and_length_cost_no_memory_and_steps_may_be_of_any_length() {
    let deep = format!(r#"{{"a":{}{},"id":"x"}}"#, "[".repeat(300_000), "]".repeat(300_000));
    assert_eq!(value(&deep, "id"), Some(r#""x""#));
    let text = r#" {"a":"\"\\",  "b":{"c":["\u0041\\"]},"i\u0064" : "\\\"x" , "d":-1.5e3}  "#;
    let whole = find(text.as_bytes(), "id");
    assert_eq!(&text[whole.clone().unwrap()], r#""\\\"x""#);
    for most in 1..text.len() {
        let mut scan = Scan::default();
        let mut steps = 0;
        let found = loop {
            match scan.go_on(text.as_bytes(), "id", most) {
                Step::More => steps += 1,
                Step::Done(found) => break found,
            }
        };
        assert_eq!(found, whole, "{most}");
        assert!(steps >= text.len() / most - 1, "{most}: {steps}");
    }
}

#[test]
fn numbers_are_equal_by_their_exact_value() {
    let long = format!("1{}", "0".repeat(1000));
    let same: &[&[&str]] = &[
        &["1", "1.0", "1e0", "1E+0", "10e-1", "0.1e1", "0.001e3", "1000e-3", "1.000e00", "1e-0"],
        &["0", "-0", "0.0", "0e5", "-0.0e-7", "0e99999999999999999999999999"],
        &["-1.5", "-15e-1", "-0.15E1"],
        &["12345678901234567890.12", "1234567890123456789012e-2", "12345678901234567890.120"],
        &["18446744073709551617", "18446744073709551617.0"],
        &["18446744073709551616"],
        &[&long, "1e1000", "1000e997", "0.01e1002"],
        &[
            "1e999999999999999999999999999999",
            "10e999999999999999999999999999998",
            "0.1e1000000000000000000000000000000",
        ],
        &["1e-1000000000000000000000000000000", "10e-1000000000000000000000000000001"],
        &["1e99999999999999999999999999"],
        &["0.1", "1e-1", "100e-3"],
        &["100", "1e2", "1.00e2"],
    ];
    for (at, group) in same.iter().enumerate() {
        for (other_at, other) in same.iter().enumerate() {
            for (left, right) in group.iter().flat_map(|left| other.iter().map(move |right| (left, right))) {
                assert_eq!(scalar(left) == scalar(right), at == other_at, "{left} and {right}");
            }
        }
    }
    for bad in ["01", "1.", ".5", "+1", "1e", "1e+", "--1", "-", "0x1", "1 ", "NaN", "1e1.0", "[1]", "{}", "\"", "tru"]
    {
        assert!(Scalar::parse(bad.as_bytes()).is_none(), "{bad}");
    }
}

#[test]
fn texts_are_equal_by_their_characters() {
    for (left, right, equal) in [
        (r#""a\u0062c""#, r#""abc""#, true),
        (r#""\ud83d\ude00""#, r#""😀""#, true),
        (r#""\uD83D""#, r#""\ud83d""#, true),
        (r#""\ud83d""#, "\"\u{fffd}\"", false),
        (r#""\ud83d\ude00""#, r#""\ud83d\ude01""#, false),
        (r#""\/\"\\\b\f\n\r\t""#, r#""\u002f\u0022\u005c\u0008\u000c\u000a\u000d\u0009""#, true),
        (r#""é""#, "\"e\u{301}\"", false),
        (r#""1""#, "1", false),
        (r#""true""#, "true", false),
        ("true", "true", true),
        ("true", "false", false),
        ("null", "null", true),
        ("null", "0", false),
        (r#""a""#, r#""ab""#, false),
        (r#""""#, r#""""#, true),
        // What is no text equals nothing, itself included.
        (r#""\x""#, r#""\x""#, false),
        (r#""\u12""#, r#""\u12""#, false),
    ] {
        assert_eq!(scalar(left) == scalar(right), equal, "{left} and {right}");
        assert_eq!(scalar(right) == scalar(left), equal, "{right} and {left}");
    }
    assert!(Scalar::parse(b"\"\xff\"").unwrap() != Scalar::parse(b"\"\xff\"").unwrap());
}

#[test]
fn a_text_that_is_no_json_is_refused_with_the_place() {
    for text in ["{}", " {\"a\":[1,{\"b\":\"\\ud83d\"}], \"c\":1e999}\n", "7", r#"{"a":1,"a":2}"#] {
        assert_eq!(check(text), Ok(()), "{text}");
    }
    assert_eq!(check(&format!("{}{}", "[".repeat(200_000), "]".repeat(200_000))), Ok(()));
    for (text, line, column) in [
        ("", 1, 1),
        ("{", 1, 2),
        ("{\"a\":01}", 1, 7),
        ("{\"ж\":x}", 1, 6),
        ("{\n \"a\":1,\n}", 3, 1),
        ("{}\n}", 2, 1),
        ("\u{feff}{}", 1, 1),
        ("{\"a\":\"\n\"}", 1, 7),
    ] {
        let place = check(text).unwrap_err();
        assert!(place.line == line && place.column.abs_diff(column) <= 1, "{text:?}: {place:?}");
    }
}

#[test]
fn a_field_is_put_in_front_and_all_else_stays() {
    for (text, expected) in [
        ("{}", r#"{"i\"d":"7"}"#),
        (" { \n} ", " {\"i\\\"d\":\"7\" \n} "),
        (r#" { "a" : 1.10 } "#, r#" {"i\"d":"7", "a" : 1.10 } "#),
        (r#"{"a":1,"a":2}"#, r#"{"i\"d":"7","a":1,"a":2}"#),
    ] {
        assert_eq!(String::from_utf8(with_field(text, "i\"d", "\"7\"").unwrap()).unwrap(), expected);
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn value(&mut self, depth: usize) -> String {
        let blank = |random: &mut Self| random.pick(&["", "", " ", "\n\t", "\r"]).to_owned();
        let text = match self.below(if depth > 3 { 6 } else { 9 }) {
            0 | 1 => self.pick(&["0", "-0", "1", "1.0", "12e1", "-7.25", "3E+2", "18446744073709551615"]).to_owned(),
            2 => self.pick(&["true", "false", "null"]).to_owned(),
            3..6 => self.text(),
            6 | 7 => self.object(depth + 1),
            _ => {
                let items: Vec<_> = (0..self.below(4)).map(|_| self.value(depth + 1)).collect();
                format!("[{}{}]", items.join(","), blank(self))
            }
        };
        blank(self) + &text + &blank(self)
    }

    fn text(&mut self) -> String {
        let piece =
            ["id", "\\u0069d", "a", "ж", "😀", "\\ud83d\\ude00", "\\\\", "\\\"", "{", "]", ",", ":", "\\n", " "];
        format!("\"{}\"", (0..self.below(4)).map(|_| self.pick(&piece)).collect::<String>())
    }

    fn object(&mut self, depth: usize) -> String {
        let fields: Vec<_> = (0..self.below(5)).map(|_| format!("{} :{}", self.text(), self.value(depth))).collect();
        format!("{{{}}}", fields.join(", "))
    }
}

/// Whatever `serde_json` reads we read alike, and what it refuses is no object for us unless a value inside is the
/// cause.
#[test]
fn it_agrees_with_serde_json() {
    let mut random = Random(4);
    let (mut read, mut found, mut refused) = (0, 0, 0);
    for _ in 0..40_000 {
        let mut bytes = random.object(0).into_bytes();
        for _ in 0..random.below(3) {
            let at = random.below(bytes.len());
            match random.below(3) {
                0 => drop(bytes.remove(at)),
                1 => bytes.insert(at, b"{}[]\":,\\ 1a"[random.below(11)]),
                _ => bytes.truncate(at.max(1)),
            }
            if bytes.is_empty() {
                bytes.push(b'x');
            }
        }
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        let ours = find(&bytes, "id").map(|place| &bytes[place]);
        let Ok(object) = serde_json::from_slice::<Map<String, Value>>(&bytes) else {
            refused += 1;
            continue;
        };
        read += 1;
        assert_eq!(check(&shown), Ok(()), "{shown}");
        let theirs = object.get("id");
        assert_eq!(ours.is_some(), theirs.is_some(), "{shown}");
        let (Some(ours), Some(theirs)) = (ours, theirs) else { continue };
        found += 1;
        assert_eq!(serde_json::from_slice::<Value>(ours).unwrap(), *theirs, "{shown}");
        if theirs.is_f64() {
            // It has lost digits on the way.
            assert!(matches!(Scalar::parse(ours), Some(Scalar::Number(_))), "{shown}");
            continue;
        }
        let again = theirs.to_string();
        match Scalar::parse(ours) {
            Some(scalar) => assert!(Scalar::parse(again.as_bytes()).is_some_and(|other| other == scalar), "{shown}"),
            None => assert!(theirs.is_object() || theirs.is_array(), "{shown}"),
        }
    }
    assert!(read > 10_000 && found > 1_000 && refused > 1_000, "{read} {found} {refused}");
}
