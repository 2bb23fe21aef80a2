//! A server that has much to send and no memory for the places of it, to a peer that does not read.

use super::lib;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

/// For a queue to fill.
const LIMIT: Duration = Duration::from_secs(60);
/// What finds no room for so long finds none.
const STEADY: Duration = Duration::from_millis(300);
const WATCHED: Duration = Duration::from_millis(600);

/// The processor's time that this process has taken, in ticks of 10 ms.
fn ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

fn read_frame(peer: &mut TcpStream) -> std::io::Result<()> {
    let mut head = [0; 2];
    peer.read_exact(&mut head)?;
    let length = match head[1] {
        126 => {
            peer.read_exact(&mut head)?;
            u16::from_be_bytes(head).into()
        }
        short => short.into(),
    };
    peer.read_exact(&mut vec![0; length])
}

/// Sends until nothing is taken any more, and then looks on: the share of one processor that is used meanwhile, and how
/// many messages wait.
pub fn share_of_processor(arm: impl FnOnce()) -> (f64, usize) {
    let mut server = wsaddin_server { id: 0 };
    let mut port = 0;
    // SAFETY: live memory for the time of each call.
    unsafe {
        assert_eq!(wsaddin_server_new(&raw mut server), WSADDIN_OK);
        assert_eq!(wsaddin_server_set_close_timeout(server, 0), WSADDIN_OK);
        assert_eq!(wsaddin_server_set_send_timeout(server, -1), WSADDIN_OK);
        assert_eq!(wsaddin_server_run(server, c"127.0.0.1".as_ptr().cast(), 9, 0), WSADDIN_OK);
        assert_eq!(wsaddin_server_get_port(server, &raw mut port), WSADDIN_OK);
    }
    let mut peer = TcpStream::connect(("127.0.0.1", port as u16)).unwrap();
    peer.write_all(
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
          Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    .unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        peer.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(String::from_utf8_lossy(&head).contains("permessage-deflate"));
    arm();
    let data: Vec<u8> = (0..700_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let (begin, mut last, mut queued) = (Instant::now(), Instant::now(), 0);
    while last.elapsed() < STEADY {
        // SAFETY: readable for the call.
        match lib(|| unsafe { wsaddin_server_send_binary(server, 1, data.as_ptr().cast(), data.len()) }) {
            WSADDIN_OK => (last, queued) = (Instant::now(), queued + 1),
            _ => std::thread::sleep(Duration::from_millis(1)),
        }
        assert!(begin.elapsed() < LIMIT, "its queue is never full, after {queued} messages");
    }
    let (begin, before) = (Instant::now(), ticks());
    std::thread::sleep(WATCHED);
    let share = (ticks() - before) as f64 * 0.01 / begin.elapsed().as_secs_f64();
    // It goes on when the peer reads on, with as little memory.
    peer.set_read_timeout(Some(LIMIT)).unwrap();
    for number in 0..queued {
        assert!(read_frame(&mut peer).is_ok(), "{number} of {queued} have come");
    }
    lib(|| wsaddin_server_free(server));
    (share, queued)
}
