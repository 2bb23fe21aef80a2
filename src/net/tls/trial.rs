//! Whether a certificate can be used at all: a handshake with itself, in memory, before a peer comes. A key that the
//! library takes need not be one that it can sign with.

use super::failure::Failure;
use super::platform::{Client, Identity, Outcome, Server};
use super::step::Step;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::rc::Rc;

/// A handshake takes two or three.
const ROUNDS: usize = 32;

type Way = Rc<RefCell<VecDeque<u8>>>;

/// One end of a connection in memory.
struct End {
    incoming: Way,
    outgoing: Way,
}

impl Read for End {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.incoming.borrow_mut().read(buffer)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }
}

impl Write for End {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.outgoing.borrow_mut().write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes some milliseconds.
pub(super) fn run(identity: &Identity) -> Result<(), Failure> {
    handshake(&Client::for_trial()?, "localhost", &Server::new(identity, None)?)
}

/// A handshake of these two; what fails is told as the side that failed first has it.
pub(super) fn handshake(client: &Client, host: &str, server: &Server) -> Result<(), Failure> {
    let (there, back) = (Way::default(), Way::default());
    let (near, far) =
        (End { incoming: back.clone(), outgoing: there.clone() }, End { incoming: there, outgoing: back });
    let (mut client, mut server) = (client.connect(host, near), server.accept(far));
    for _ in 0..ROUNDS {
        // The client goes first in each round.
        (client, server) = match (client, server) {
            (Step::Failed(failure), _) | (_, Step::Failed(failure)) => return Err(failure),
            (Step::Through(_), Step::Through(_)) => return Ok(()),
            (client, server) => (next(client), next(server)),
        };
    }
    Err(Failure { text: "the handshake does not end".into(), code: None, is_cut: false, judged: None })
}

fn next(step: Outcome<End>) -> Outcome<End> {
    match step {
        Step::Going(mid_handshake) => mid_handshake.handshake(),
        other => other,
    }
}
