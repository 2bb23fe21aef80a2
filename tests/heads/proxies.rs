//! Answers of CONNECT proxies that open the tunnel in an odd way.

use super::*;

#[test]
fn odd_answers_of_proxies() {
    for answer in [
        "HTTP/1.1 200 Connection established\r\n\r\n",
        "HTTP/1.0 200\r\n\r\n",
        "http/1.1  204  Fine\r\n\r\n",
        "HTTP/1.1 200 Соединение установлено\n\n",
        "HTTP/1.1 200 OK\n\r\n",
        "HTTP/1.1 200 OK\r\nVia: 1.1 a,\r\n 1.1 b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nVia : 1.1 a\r\nVia: 1.1 b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\nProxy-Agent: \u{1}\r\nX: a\0b\r\nY: a\rb\r\n: c\r\n\r\n",
        // RFC 9110 section 9.3.6: neither means anything here.
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 102 Processing\r\n\r\n\r\nHTTP/1.1 103 Early Hints\r\nno colon\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        let proxy = proxy(answer, |stream| {
            let answer = right(&raw::read_head(stream));
            let _ = stream.write_all(&[answer.as_bytes(), &raw::frame(FIN | TEXT, false, b"first")].concat());
            echo(stream);
        });
        talks(&through(&proxy), BEHIND, answer);
    }
}
