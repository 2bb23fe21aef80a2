use super::*;

fn binary(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let size = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&SIGNATURE[..], &[command, family], &size, body].concat()
}

fn whole(size: usize, source: &str, secure: Option<bool>) -> ProxyHead {
    ProxyHead::Whole { size, source: source.parse().ok(), secure }
}

/// However it is cut: partial until it is whole, and what follows does not matter.
fn reads(head: &[u8], expected: ProxyHead) {
    for cut in 0..head.len() {
        assert_eq!(read_proxy_head(&head[..cut]), ProxyHead::Partial, "{cut} of {head:?}");
    }
    assert_eq!(read_proxy_head(head), expected, "{head:?}");
    assert_eq!(read_proxy_head(&[head, b"GET / HTTP/1.1\r\n"].concat()), expected, "{head:?}");
}

#[test]
fn lines_of_version_1_are_read() {
    for (line, source) in [
        ("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n", "192.0.2.1:56324"),
        ("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n", "[2001:db8::1]:1"),
        ("PROXY UNKNOWN\r\n", ""),
        ("PROXY UNKNOWN ffff::1 ffff::2 65535 65535 and more\r\n", ""),
    ] {
        reads(line.as_bytes(), whole(line.len(), source, None));
    }
    for bad in [
        "PROXY TCP4 192.0.2.1 192.0.2.2 56324\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443 1\r\n",
        "PROXY TCP4 2001:db8::1 ::1 1 2\r\n",
        "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 65536 443\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 +1 443\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 01 443\r\n",
        "PROXY TCP4  192.0.2.1 192.0.2.2 1 443\r\n",
        "PROXY UDP4 192.0.2.1 192.0.2.2 1 443\r\n",
        "PROXY \r\n",
    ] {
        assert_eq!(read_proxy_head(bad.as_bytes()), ProxyHead::Bad, "{bad}");
    }
    let endless = format!("PROXY UNKNOWN {}", "x".repeat(200));
    assert_eq!(read_proxy_head(&endless.as_bytes()[..106]), ProxyHead::Partial);
    assert_eq!(read_proxy_head(endless.as_bytes()), ProxyHead::Bad);
}

#[test]
fn heads_of_version_2_are_read() {
    let four = [192, 0, 2, 1, 192, 0, 2, 2, 0xDC, 4, 1, 187];
    let head = binary(0x21, 0x11, &four);
    reads(&head, whole(28, "192.0.2.1:56324", None));
    let mut six = [0; 36];
    (six[0], six[1], six[15], six[33]) = (0x20, 1, 7, 9);
    reads(&binary(0x21, 0x21, &six), whole(52, "[2001::7]:9", None));
    // With additions: a checksum, and TLS.
    let tls = [&four[..], &[3, 0, 4, 1, 2, 3, 4], &[0x20, 0, 5, 1, 0, 0, 0, 0]].concat();
    reads(&binary(0x21, 0x11, &tls), whole(43, "192.0.2.1:56324", Some(true)));
    let plain = [&four[..], &[0x20, 0, 5, 0, 0, 0, 0, 0]].concat();
    reads(&binary(0x21, 0x11, &plain), whole(36, "192.0.2.1:56324", Some(false)));
    // For itself, by a Unix socket, not told, of a family that is unknown.
    reads(&binary(0x20, 0, &[]), whole(16, "", None));
    reads(&binary(0x20, 0x11, &four), whole(28, "", None));
    reads(&binary(0x21, 0x31, &[b'x'; 216]), whole(232, "", None));
    reads(&binary(0x21, 0, &[1, 2, 3]), whole(19, "", None));
    reads(&binary(0x21, 0x12, &four), whole(28, "", None));
    for bad in [
        binary(0x11, 0x11, &four),
        binary(0x22, 0x11, &four),
        binary(0x21, 0x11, &four[..11]),
        binary(0x21, 0x21, &four),
        binary(0x21, 0x11, &[&four[..], &[3, 0, 4, 1]].concat()),
        binary(0x21, 0x11, &[&four[..], &[0x20, 0, 0]].concat()),
        binary(0x21, 0, &[0; LONGEST]),
    ] {
        assert_eq!(read_proxy_head(&bad), ProxyHead::Bad, "{bad:?}");
    }
}

#[test]
fn what_is_no_head_is_left_alone() {
    for other in [&b"GET / HTTP/1.1"[..], b"\x16\x03\x01", b"PUT /", b"POST /", b"\r\nGET", b"proxy TCP4", b"\0"] {
        assert_eq!(read_proxy_head(other), ProxyHead::Absent, "{other:?}");
    }
    assert_eq!(read_proxy_head(b"P"), ProxyHead::Partial);
    assert_eq!(read_proxy_head(b"\r\n"), ProxyHead::Partial);
}

/// Whatever comes, it is read without a panic, and a whole head is no longer than what there is.
#[test]
fn damage_does_no_harm() {
    let good = binary(0x21, 0x21, &[7; 60]);
    let mut seed = 1_u32;
    for _ in 0..50_000 {
        let mut head = good.clone();
        for _ in 0..3 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (seed >> 16) as usize % head.len();
            head[at] = (seed >> 8) as u8;
        }
        head.truncate((seed >> 4) as usize % (head.len() + 1));
        if let ProxyHead::Whole { size, .. } = read_proxy_head(&head) {
            assert!(size <= head.len());
        }
    }
}
