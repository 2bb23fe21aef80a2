//! What passes for an answer, what is left out of it, and what does not pass.

use super::*;

fn read(bytes: &[u8]) -> Result<(usize, Option<Answer>), BadAnswer> {
    AnswerReader::new().feed(bytes)
}

/// An answer that is whole: its status line and its headers.
fn whole(bytes: &[u8]) -> (String, Vec<(String, String)>) {
    let (taken, answer) = read(bytes).unwrap();
    assert_eq!(taken, bytes.len());
    let answer = answer.unwrap_or_else(|| panic!("not whole: {:?}", String::from_utf8_lossy(bytes)));
    (answer.status.to_string(), answer.headers)
}

#[test]
fn status_lines_as_they_come() {
    for (line, shown) in [
        ("HTTP/1.1 101 Switching Protocols", "101 Switching Protocols"),
        ("HTTP/1.1 101", "101"),
        ("HTTP/1.1 101 ", "101"),
        ("HTTP/1.1  404  Not  Found  ", "404 Not  Found"),
        ("HTTP/1.1 404\tNot Found", "404 Not Found"),
        ("HTTP/1.0 200 Connection established", "200 Connection established"),
        ("http/1.1 403 Forbidden", "403 Forbidden"),
        ("HTTP/1.2 403 Forbidden", "403 Forbidden"),
        ("HTTP/2 403", "403"),
        ("HTTP/1.1 403 Доступ запрещён", "403 Доступ запрещён"),
        ("HTTP/1.1 403 a\u{1}b\0c\u{7f}d", "403 a b c d"),
        ("HTTP/1.1 999 odd", "999 odd"),
    ] {
        for end in ["\r\n", "\n", "\r\r\n"] {
            assert_eq!(whole(format!("{line}{end}{end}").as_bytes()).0, shown, "{line:?}");
        }
    }
    let (shown, _) = whole(format!("HTTP/1.1 500 {}\r\n\r\n", "ю".repeat(500)).as_bytes());
    assert_eq!(shown.chars().count(), 101);
    let (shown, _) = whole(b"HTTP/1.1 403 \xe4\xf6\r\n\r\n");
    assert_eq!(shown, "403 \u{fffd}\u{fffd}");
}

#[test]
fn what_is_no_status_line() {
    for line in
        ["HTTP/nonsense", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 1O1 No", "HTTP/1.1 10", "HTTP/1.1 1010", "HTTP/1.1 099 x"]
    {
        let bad = BadAnswer::NotHttp(Some(line.trim().to_owned()));
        assert_eq!(read(format!("{line}\r\n").as_bytes()), Err(bad), "{line:?}");
    }
    for garbage in
        ["SSH-2.0-OpenSSH_9.6\r\n", "\0", "H\r\n", "HTTQ", " HTTP/1.1 200 OK\r\n", "ICY 200 OK\r\n", "\rX", "\r\nX"]
    {
        assert_eq!(read(garbage.as_bytes()), Err(BadAnswer::NotHttp(None)), "{garbage:?}");
    }
    for beginning in ["", "H", "http/", "\r", "\r\n", "\n\nHT", "HTTP/1.1 1O1"] {
        assert_eq!(read(beginning.as_bytes()), Ok((beginning.len(), None)), "{beginning:?}");
    }
}

/// Lines, and the headers that are read from them.
type Lines = (&'static [u8], &'static [(&'static str, &'static str)]);

#[test]
fn header_lines_as_they_come() {
    let cases: &[Lines] = &[
        (b"A: b", &[("A", "b")]),
        (b"A:b", &[("A", "b")]),
        (b"A \t: \t b \t ", &[("A", "b")]),
        (b"A:", &[("A", "")]),
        (b"A: 1\r\na: 2\r\nA: 1", &[("A", "1"), ("a", "2"), ("A", "1")]),
        (b"A: \xd1\x8f\xff", &[("A", "я\u{fffd}")]),
        // Folded: however many lines, and blanks around the fold become one.
        (b"A: b\r\n c\r\n\t  d\r\nE: f", &[("A", "b c d"), ("E", "f")]),
        (b"A:\r\n b", &[("A", "b")]),
        (b"A: b \r\n \r\n c\nE: f", &[("A", "b c"), ("E", "f")]),
        (b"A: b\n c", &[("A", "b c")]),
        // What cannot be read is left out, with the lines that go on with it.
        (b"no colon\r\nA: b", &[("A", "b")]),
        (b"A: b\r\nno colon\r\nC: d", &[("A", "b"), ("C", "d")]),
        (b": no name\r\nA: b", &[("A", "b")]),
        (b"bad name: x\r\nA: b", &[("A", "b")]),
        ("имя: x\r\nA: b".as_bytes(), &[("A", "b")]),
        (b"X: a\x01b\r\nA: b", &[("A", "b")]),
        (b"X: a\0b\r\nA: b", &[("A", "b")]),
        (b"X: a\rA: c\r\nA: b", &[("A", "b")]),
        (b"\rA: c\r\nA: b", &[("A", "b")]),
        (b"X: a\x7f\r\n goes on: y\r\nA: b", &[("A", "b")]),
        (b"X: a\r\n goes\x02on\r\nA: b", &[("A", "b")]),
        (b" folded before any\r\nA: b", &[("A", "b")]),
        (b"A: b\r", &[("A", "b")]),
    ];
    for (lines, expected) in cases {
        let head = [b"HTTP/1.1 200 OK\r\n", *lines, b"\r\n\r\n"].concat();
        let expected: Vec<_> = expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(whole(&head).1, expected, "{:?}", String::from_utf8_lossy(lines));
        if !lines.contains(&b'\r') {
            let head = [b"HTTP/1.1 200 OK\n", *lines, b"\n\n"].concat();
            assert_eq!(whole(&head).1, expected, "with LF alone: {:?}", String::from_utf8_lossy(lines));
        }
    }
}

#[test]
fn interim_answers_are_skipped_wherever_the_bytes_are_cut() {
    let wire = b"HTTP/1.1 100 Continue\r\n\r\n\r\nHTTP/1.1 102 Processing\nX: y\n\nHTTP/1.1 103 Early Hints\r\n\
        Link: </a>; rel=preload\r\n\r\nhttp/1.0 199\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n\x81\n\r\n";
    let end = wire.len() - 4;
    for cut in 0..=wire.len() {
        let mut reader = AnswerReader::new();
        let (mut taken, mut answer) = reader.feed(&wire[..cut]).unwrap();
        assert_eq!(taken, cut.min(end));
        if answer.is_none() {
            let (more, second) = reader.feed(&wire[cut..]).unwrap();
            (taken, answer) = (taken + more, second);
        }
        let answer = answer.unwrap();
        assert_eq!((taken, answer.status.code), (end, 101), "cut at {cut}");
        assert_eq!(answer.values("a").collect::<Vec<_>>(), ["b"]);
        assert_eq!(answer.values("X").count() + answer.values("Link").count(), 0);
        assert_eq!(reader.bytes(), &wire[..end]);
    }
    let mut reader = AnswerReader::new();
    let mut answers = wire.iter().filter_map(|byte| reader.feed(&[*byte]).unwrap().1);
    assert_eq!(answers.next().unwrap().status.code, 101);
}

#[test]
fn all_heads_together_have_one_limit() {
    let interim = b"HTTP/1.1 100\r\n\r\n".as_slice();
    let last = b"HTTP/1.1 101\r\n\r\n".as_slice();
    assert_eq!(LIMIT % interim.len(), 0);
    let fits = [interim.repeat(LIMIT / interim.len() - 1).as_slice(), last].concat();
    assert_eq!(read(&fits).unwrap().1.unwrap().status.code, 101);
    assert_eq!(read(&[interim, &fits].concat()), Err(BadAnswer::TooLong(LIMIT)));
    // A line that does not end, and lines that do not.
    let mut reader = AnswerReader::new();
    assert_eq!(
        reader.feed(&[b"HTTP/1.1 200 ", b"x".repeat(LIMIT).as_slice()].concat()),
        Err(BadAnswer::TooLong(LIMIT))
    );
    assert_eq!(reader.status(), None);
    let mut reader = AnswerReader::new();
    assert_eq!(
        reader.feed(&[b"HTTP/1.1 403 No\r\n", b"a: b\r\n".repeat(LIMIT).as_slice()].concat()),
        Err(BadAnswer::TooLong(LIMIT))
    );
    assert_eq!(reader.status().map(ToString::to_string).as_deref(), Some("403 No"));
    let most = b":\n".repeat(LIMIT / 2 - 20);
    assert_eq!(whole(&[b"HTTP/1.1 200 OK\n", most.as_slice(), b"A: b\n\n"].concat()).1.len(), 1);
    assert_eq!(read(&b"\r\n".repeat(LIMIT)), Err(BadAnswer::TooLong(LIMIT)));
}

#[test]
fn a_status_is_known_before_its_head_is_whole() {
    let mut reader = AnswerReader::new();
    let mut at = |bytes: &[u8]| {
        assert_eq!(reader.feed(bytes), Ok((bytes.len(), None)));
        reader.status().map(|status| status.code)
    };
    assert_eq!(at(b"HTTP/1.1 103 Early Hints\r\nLink"), None);
    assert_eq!(at(b": x\r\n\r\nHTTP/1.1 503 Full"), None);
    assert_eq!(at(b"\r\nContent-Le"), Some(503));
}
