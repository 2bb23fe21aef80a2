//! Requests that all readers understand alike, and those that they do not.

use super::{Body, Content, Framing, Request, Response};

fn request(head: &str) -> Result<Request, u16> {
    Request::parse(head.as_bytes().to_vec()).map_err(|fault| fault.status)
}

fn get(target: &str) -> Request {
    request(&format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")).unwrap()
}

/// The body that those bytes hold, and what is behind it; the same wherever they are cut.
fn body(framing: Framing, limit: usize, bytes: &[u8]) -> Result<(Vec<u8>, usize, bool), u16> {
    let whole = |cuts: &[usize]| {
        let mut body = Body::new(framing, limit)?;
        let (mut taken, mut from) = (0, 0);
        for to in cuts.iter().copied().chain([bytes.len()]) {
            let count = body.feed(&bytes[from..to])?;
            taken += count;
            if count < to - from {
                break;
            }
            from = to;
        }
        Ok((taken, body.is_done(), body.into_bytes()))
    };
    let told = whole(&[]).map_err(|fault: super::Fault| fault.status);
    for cut in 0..bytes.len() {
        assert_eq!(whole(&[cut]).map_err(|fault| fault.status), told, "cut at {cut}");
    }
    assert_eq!(whole(&(0..bytes.len()).collect::<Vec<_>>()).map_err(|fault| fault.status), told, "byte by byte");
    told.map(|(taken, done, bytes)| (bytes, taken, done))
}

#[test]
fn targets_are_split() {
    for (target, path, query) in [
        ("/", "/", ""),
        ("/a%20b?x=1&y", "/a%20b", "x=1&y"),
        ("http://host:80/a?b", "/a", "b"),
        ("http://host", "/", ""),
        ("http://host?q", "/", "q"),
        ("/a?b?c", "/a", "b?c"),
    ] {
        let request = get(target);
        assert_eq!((request.path(), request.query()), (path, query), "{target}");
    }
    let request = request("POST /x HTTP/1.1\r\nhost: x\r\nA: 1\r\na:2 \r\n\r\n").unwrap();
    assert_eq!((request.method(), request.header("A").as_deref(), request.is_read()), ("POST", Some("1, 2"), false));
}

#[test]
fn bad_heads_are_refused() {
    for (head, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\nx", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n", 400),
    ] {
        assert_eq!(request(head).unwrap_err(), status, "{head:?}");
    }
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(128));
    assert_eq!(request(&many).unwrap_err(), 431);
}

#[test]
fn a_body_is_told_in_one_way_or_refused() {
    let framing = |more: &str| {
        let request = request(&format!("POST / HTTP/1.1\r\nHost: x\r\n{more}\r\n")).unwrap();
        request.framing().map_err(|fault| fault.status)
    };
    assert_eq!(framing(""), Ok(Framing::Length(0)));
    assert_eq!(framing("Content-Length: 12\r\n"), Ok(Framing::Length(12)));
    assert_eq!(framing("Transfer-Encoding: Chunked\r\n"), Ok(Framing::Chunked));
    for (more, status) in [
        ("Content-Length: 1\r\nContent-Length: 1\r\n", 400),
        ("Content-Length: 1, 1\r\n", 400),
        ("Content-Length: +1\r\n", 400),
        ("Content-Length: -1\r\n", 400),
        ("Content-Length: 0x1\r\n", 400),
        ("Content-Length:\r\n", 400),
        ("Content-Length: 18446744073709551616\r\n", 400),
        ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 501),
        ("Transfer-Encoding: gzip, chunked\r\n", 501),
        ("Transfer-Encoding: chunked, identity\r\n", 501),
        ("Transfer-Encoding: xchunked\r\n", 501),
        ("Transfer-Encoding: \x0bchunked\r\n", 501),
    ] {
        let parsed = request(&format!("POST / HTTP/1.1\r\nHost: x\r\n{more}\r\n"));
        // What httparse refuses already is as good.
        let refused = parsed.and_then(|request| request.framing().map_err(|fault| fault.status)).unwrap_err();
        assert!(refused == status || refused == 400, "{more:?}: {refused}");
    }
    let old = request("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    assert_eq!(old.framing().unwrap_err().status, 400);
}

#[test]
fn who_goes_on_and_who_waits() {
    let of = |version: &str, more: &str| request(&format!("GET / HTTP/{version}\r\nHost: x\r\n{more}\r\n")).unwrap();
    assert!(of("1.1", "").keeps_alive());
    assert!(!of("1.1", "Connection: x, Close\r\n").keeps_alive());
    assert!(!of("1.0", "").keeps_alive());
    assert!(of("1.0", "Connection: Keep-Alive\r\n").keeps_alive());
    assert_eq!(of("1.1", "Expect: 100-Continue\r\n").expects_continue(), Ok(true));
    assert_eq!(of("1.0", "Expect: 100-continue\r\n").expects_continue(), Ok(false));
    assert_eq!(of("1.1", "").expects_continue(), Ok(false));
    assert_eq!(of("1.1", "Expect: more\r\n").expects_continue().unwrap_err().status, 417);
}

#[test]
fn bodies_end_where_they_should() {
    assert_eq!(body(Framing::Length(3), 3, b"abcd").unwrap(), (b"abc".to_vec(), 3, true));
    assert_eq!(body(Framing::Length(3), 2, b"abc").unwrap_err(), 413);
    assert_eq!(body(Framing::Length(3), 9, b"ab").unwrap(), (b"ab".to_vec(), 2, false));
    let chunks = b"3\r\nabc\r\n0a;x=\"y\"\r\n0123456789\r\n0\r\nT: x\r\n\r\nGET";
    assert_eq!(body(Framing::Chunked, 13, chunks).unwrap(), (b"abc0123456789".to_vec(), chunks.len() - 3, true));
    assert_eq!(body(Framing::Chunked, 12, chunks).unwrap_err(), 413);
    assert_eq!(body(Framing::Chunked, 9, b"0\r\n\r\n").unwrap(), (Vec::new(), 5, true));
    for bad in [
        &b"g\r\n"[..],
        b"-1\r\n",
        b"0x3\r\nabc\r\n",
        b"+3\r\nabc\r\n",
        b" 3\r\nabc\r\n",
        b"3 \r\nabc\r\n",
        b"3\nabc\r\n",
        b"3\r\nabcd\r\n",
        b"3\r\nabc\n0\r\n\r\n",
        b"3\r\nabc0\r\n\r\n",
        b"\r\n",
        b"ffffffffffffffff\r\n",
        b"3;x\ry\r\nabc\r\n",
        b"0\r\nT: x\n\r\n",
        b"0\r\n\n",
    ] {
        assert_eq!(body(Framing::Chunked, 100, bad).unwrap_err(), 400, "{:?}", String::from_utf8_lossy(bad));
    }
    let long = [b"3;".to_vec(), vec![b'x'; 300]].concat();
    assert_eq!(body(Framing::Chunked, 100, &long).unwrap_err(), 400);
    let trailers = [b"0\r\nT: ".to_vec(), vec![b'x'; 9000]].concat();
    assert_eq!(Body::new(Framing::Chunked, 9).unwrap().feed(&trailers).unwrap_err().status, 400);
}

#[test]
fn a_declared_length_costs_nothing() {
    let mut body = Body::new(Framing::Length(1 << 40), usize::MAX).unwrap();
    body.feed(b"x").unwrap();
    assert!(body.held() <= 64 * 1024 + 1);
}

#[test]
fn answers_say_how_long_they_are() {
    let head = |response: &Response, keep, old| String::from_utf8(response.head(keep, old)).unwrap();
    let answer = Response::json(200, "{}".to_owned()).with("ETag", "\"1\"");
    let told = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: \"1\"\r\nContent-Length: 2\r\n\r\n";
    assert_eq!(head(&answer, true, false), told);
    assert!(head(&answer, true, true).contains("\r\nConnection: keep-alive\r\n"));
    assert!(head(&answer, false, true).contains("\r\nConnection: close\r\n"));
    assert!(!head(&Response::bare(304), true, false).contains("Content-Length"));
    let wrong = Response::wrong_method("GET, HEAD");
    assert!(head(&wrong, true, false).contains("\r\nAllow: GET, HEAD\r\n"));
    assert!(matches!(&wrong.content, Content::Bytes(text) if text == b"GET, HEAD is needed"));
    let fresh = |value: &str| {
        let request = request(&format!("GET / HTTP/1.1\r\nHost: x\r\nIf-None-Match: {value}\r\n\r\n")).unwrap();
        Response::is_fresh(&request, "\"a\"")
    };
    assert!(fresh("\"a\"") && fresh("W/\"a\"") && fresh("\"b\", \"a\"") && fresh("*"));
    assert!(!fresh("\"b\"") && !fresh("a"));
}
