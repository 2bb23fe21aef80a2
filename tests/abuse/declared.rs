//! Frames that promise more than they bring.

use crate::alone;
use crate::bystander::beside;
use crate::face::*;
use crate::flow::status_kib;
use crate::raw::{self, BINARY, FIN};
use std::io::Write;

/// The head of a masked binary frame that declares `size` bytes.
fn head(size: u64) -> Vec<u8> {
    [&[FIN | BINARY, 0x80 | 127][..], &size.to_be_bytes(), &[0x37, 0xfa, 0x21, 0x3d]].concat()
}

#[test]
fn more_than_fits_anywhere() {
    let _alone = alone();
    let server = Server::running();
    let before = status_kib("VmRSS:");
    let count = beside("frames that declare 2^63 bytes and a little less", &server, |going| {
        let mut count = 0;
        while going.on() {
            // RFC 6455 section 5.2: the most significant bit must be 0.
            for (size, code) in [(1 << 63, 1002), ((1 << 63) - 1, 1009), (64 * 1024 * 1024 + 1, 1009)] {
                let mut stream = raw::client(server.port());
                stream.write_all(&head(size)).unwrap();
                assert_eq!(raw::read_close(&mut stream).map(|(code, _)| code), Some(code), "{size}");
                count += 1;
            }
        }
        count
    });
    let grown = status_kib("VmRSS:").saturating_sub(before);
    println!("{count} frames, {grown} KiB more");
    assert!(count > 0 && grown < 16 * 1024);
}

/// As many as could declare 12 GiB together.
const LIARS: usize = 200;

#[test]
fn as_much_as_is_allowed_and_nothing_more() {
    let _alone = alone();
    let server = Server::running();
    let size = 64 * 1024 * 1024;
    for (sent, allowed_kib) in [(0, 8), (1, 80)] {
        let before = [status_kib("VmRSS:"), status_kib("VmSize:")];
        let mut grown = [0; 2];
        beside(&format!("{LIARS} frames that declare 64 MiB and bring {sent} bytes"), &server, |going| {
            let liars: Vec<_> = (0..LIARS)
                .map(|_| {
                    let mut stream = raw::client(server.port());
                    stream.write_all(&[head(size), vec![b'x'; sent]].concat()).unwrap();
                    stream
                })
                .collect();
            while going.on() {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            let now = [status_kib("VmRSS:"), status_kib("VmSize:")];
            grown = [0, 1].map(|which| now[which].saturating_sub(before[which]));
            drop(liars);
        });
        println!("{} KiB resident, {} KiB of addresses more", grown[0], grown[1]);
        // A thread's stack and a heap of its own come along with the test.
        let spare = 4 * 1024;
        assert!(grown[0] <= LIARS as u64 * allowed_kib / 2 + spare, "{grown:?}");
        until("they have gone", || server.connection_count() == 0);
    }
}
