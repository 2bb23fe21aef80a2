//! The I/O thread's side of a connection: a state machine from the dial, or the accept, to the last byte.

mod answering;
mod caller;
mod closing;
mod failing;
mod keepalive;
mod opening;
mod pending;
mod reading;
mod straight;
mod telling;
mod tunneling;
mod writing;

use self::caller::Caller;
use self::closing::Closing;
use self::keepalive::Keepalive;
use self::pending::Newcomer;
use self::reading::Stash;
use self::writing::Raw;
use crate::engine::connection::Connection;
use crate::engine::io::{BUFFER, DialPlan, End, Io, Owner, Staged};
use crate::engine::shared::{Ending, Reason};
use crate::error::Error;
use crate::net::{Dial, Moment, Ready, Stream, TlsClient, TlsServer, Tunnel};
use crate::options::Opt;
use crate::ws::deflate::Packer;
use crate::ws::{ClientHandshake, Decoder, Role, ServerHandshake};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The furthest timer set: one that outlives its connection is in the way no longer than that.
const FURTHEST: Duration = Duration::from_secs(60);

/// Whether the thread keeps a driver after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    Keep,
    Gone,
}

/// Where a connection is in its life.
enum Phase {
    /// A client waits to dial again, and then for its turn.
    Waiting,
    /// A client waits for addresses and, for `wss`, the system's roots.
    Preparing(Box<DialPlan>),
    Dialing {
        plan: Box<DialPlan>,
        dial: Box<Dial>,
        tls: Option<TlsClient>,
    },
    /// The proxy is asked for a tunnel.
    Tunneling {
        plan: Box<DialPlan>,
        tunnel: Box<Tunnel>,
        tls: Option<TlsClient>,
    },
    /// TLS handshake; the plan is a client's.
    Securing(Option<Box<DialPlan>>),
    /// A client has sent its request.
    Asking(Box<ClientHandshake>),
    /// A server waits for a request.
    Hearing(Box<ServerHandshake>),
    /// A server's host decides whether to let it in.
    Pending(Box<Newcomer>),
    /// A server tells a newcomer why not.
    Refusing,
    Open,
    /// Everything is said; the peer closes the socket, or we do when it takes too long.
    Lingering,
}

pub(super) struct Driver {
    connection: Arc<Connection>,
    owner: Arc<dyn Owner>,
    role: Role,
    phase: Phase,
    stream: Option<Stream>,
    caller: Option<Box<Caller>>,
    token: usize,
    /// The end of the present phase.
    deadline: Option<Moment>,
    /// When the timer that is set will fire.
    armed: Option<Moment>,

    decoder: Decoder,
    /// Compresses what goes out, where permessage-deflate was agreed on.
    packer: Option<Packer>,
    /// Bytes of an unfinished message, as booked with the owner.
    held: usize,
    stash: Option<Box<Stash>>,
    /// The peer has closed its side: a short read does not mean that nothing is left to read.
    half_closed: bool,

    /// A handshake on its way out, before any frame.
    raw: Option<Box<Raw>>,
    /// What was once offered to TLS must be offered again unchanged. Never an empty one.
    staged: Option<Box<Staged>>,
    /// How much is encoded for one write: about what the kernel takes.
    portion: usize,
    /// The latest ping that could not be answered yet.
    unanswered: Option<Box<Bytes>>,
    /// It has its place among those that go on in a later round ([`Io::again`]).
    waits: bool,
    /// How much is read at once: less where that much took too long.
    appetite: u32,
    blocked: Option<Moment>,
    /// Writing failed; what the peer sent before is read all the same.
    unwritable: Option<Error>,

    closing: Closing,
    keepalive: Keepalive,
}

impl Driver {
    pub fn client(connection: Arc<Connection>, owner: Arc<dyn Owner>, plan: DialPlan) -> Self {
        let place = plan.target.address();
        let phase = Phase::Preparing(Box::new(plan));
        Self::new(connection, owner, Role::Client, phase, None, Caller::new(&place))
    }

    /// A client's next one, which dials at that time to that host and port.
    pub fn again(connection: Arc<Connection>, owner: Arc<dyn Owner>, place: Arc<str>, at: Moment) -> Self {
        let caller = Caller::new(&place);
        let mut driver = Self::new(connection, owner, Role::Client, Phase::Waiting, None, caller);
        driver.deadline = Some(at);
        driver
    }

    pub fn server(
        connection: Arc<Connection>,
        owner: Arc<dyn Owner>,
        mut stream: Stream,
        tls: Option<TlsServer>,
    ) -> Self {
        let phase = match tls {
            Some(tls) => {
                stream.start_tls_server(&tls);
                Phase::Securing(None)
            }
            None => Phase::Hearing(Box::default()),
        };
        Self::new(connection, owner, Role::Server, phase, Some(stream), None)
    }

    fn new(
        connection: Arc<Connection>,
        owner: Arc<dyn Owner>,
        role: Role,
        phase: Phase,
        stream: Option<Stream>,
        caller: Option<Box<Caller>>,
    ) -> Self {
        Self {
            connection,
            owner,
            role,
            phase,
            stream,
            caller,
            token: 0,
            deadline: None,
            armed: None,
            decoder: Decoder::new(role),
            packer: None,
            held: 0,
            stash: None,
            half_closed: false,
            raw: None,
            staged: None,
            portion: BUFFER,
            unanswered: None,
            waits: false,
            appetite: reading::FIRST as u32,
            blocked: None,
            unwritable: None,
            closing: Closing::default(),
            keepalive: Keepalive::default(),
        }
    }

    pub fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// It is open, and TLS is not in between.
    pub fn is_everyday(&self) -> bool {
        matches!(self.phase, Phase::Open) && self.stream.as_ref().is_some_and(|stream| !stream.is_tls())
    }

    fn time(&self, option: Opt) -> Option<Duration> {
        let ms = u64::try_from(self.owner.options().int(option)).unwrap_or(0);
        (ms > 0).then(|| Duration::from_millis(ms))
    }

    /// The socket has news.
    pub fn ready(&mut self, io: &mut Io, event: &Ready) -> After {
        self.half_closed |= event.read_closed;
        if let Phase::Dialing { dial, .. } = &mut self.phase {
            let state = dial.ready(&io.reactor, self.token, event.token, io.now);
            return self.dialed(io, state);
        }
        if event.writable && self.blocked.take().is_some() {
            self.keepalive.unblocked(io.now);
            if self.flush(io) == After::Gone {
                return After::Gone;
            }
        }
        if event.readable && self.stash.is_some() {
            return self.show_life(io);
        }
        if self.waits {
            // More from one who has not read all of what came before: he has his place in the queue.
            return After::Keep;
        }
        // TLS may have waited for room to write before it could read on.
        let secure = self.stream.as_ref().is_some_and(Stream::is_tls);
        if event.readable || event.read_closed || event.writable && secure {
            return self.readable(io);
        }
        After::Keep
    }

    /// Something can be read.
    pub fn readable(&mut self, io: &mut Io) -> After {
        match &self.phase {
            Phase::Waiting | Phase::Preparing(_) | Phase::Dialing { .. } => After::Keep,
            Phase::Tunneling { .. } => self.tunnel(io),
            Phase::Securing(_) => self.secure(io),
            Phase::Asking(_) => self.read_answer(io),
            Phase::Hearing(_) => self.read_request(io),
            Phase::Pending(_) => self.read_early(io),
            Phase::Open => self.read_frames(io),
            Phase::Refusing | Phase::Lingering => self.discard_input(io),
        }
    }

    /// A timer has fired.
    pub fn tick(&mut self, io: &mut Io) -> After {
        if let Phase::Dialing { dial, .. } = &mut self.phase
            && dial.next_due().is_some_and(|due| due <= io.now)
        {
            let state = dial.advance(&io.reactor, self.token, io.now);
            if self.dialed(io, state) == After::Gone {
                return After::Gone;
            }
        }
        if self.deadline.is_some_and(|deadline| deadline <= io.now) {
            return self.overdue(io);
        }
        if matches!(self.phase, Phase::Open) && !self.closing.has_begun() {
            return self.keep_alive(io);
        }
        After::Keep
    }

    fn overdue(&mut self, io: &mut Io) -> After {
        match &self.phase {
            Phase::Waiting => self.ask_for_turn(io),
            Phase::Preparing(_)
            | Phase::Dialing { .. }
            | Phase::Tunneling { .. }
            | Phase::Securing(Some(_))
            | Phase::Asking(_) => self.connect_timed_out(io),
            Phase::Securing(None) | Phase::Hearing(_) => {
                self.tell_lost_newcomer(&"it took too long");
                self.owner.rejected(0);
                After::Gone
            }
            Phase::Pending(_) => self.lapse(io, "Nobody let it in"),
            Phase::Refusing | Phase::Lingering => After::Gone,
            Phase::Open if self.closing.is_held() => self.farewell_due(io),
            Phase::Open => self.close_timed_out(io),
        }
    }

    /// Sets the timer for what comes first.
    pub fn arm(&mut self, io: &mut Io, token: usize) {
        let dial = if let Phase::Dialing { dial, .. } = &self.phase { dial.next_due() } else { None };
        let alive = match self.phase {
            Phase::Open if !self.closing.has_begun() => self.alive_until(),
            _ => None,
        };
        if let Some(due) = [self.deadline, dial, alive].into_iter().flatten().min()
            && let due = due.min(io.now + FURTHEST)
            && self.armed.is_none_or(|armed| due < armed)
        {
            io.timers.set(due, token, self.connection.serial);
            self.armed = Some(due);
        }
    }

    /// Whether a timer that fires is this driver's; it must be armed again.
    pub fn timer_fired(&mut self, stamp: u64) -> bool {
        let own = self.connection.serial == stamp;
        if own {
            self.armed = None;
        }
        own
    }

    /// The connection has broken, or is given up: reports it, once, and drops the socket.
    pub fn break_off(&mut self, io: &mut Io, error: Error) -> After {
        match &self.phase {
            Phase::Open => {
                let (ending, broken) = self.closing.ending_or(error);
                self.report_end(io, ending, broken);
                if let Some(stream) = &mut self.stream {
                    stream.abort();
                }
            }
            Phase::Lingering | Phase::Refusing => {}
            Phase::Securing(None) | Phase::Hearing(_) | Phase::Pending(_) => {
                self.tell_lost_newcomer(&error);
                self.owner.lapsed(&self.connection);
                self.owner.rejected(0);
            }
            Phase::Waiting
            | Phase::Preparing(_)
            | Phase::Dialing { .. }
            | Phase::Tunneling { .. }
            | Phase::Securing(Some(_))
            | Phase::Asking(_) => {
                self.tell_failure(&error);
                self.owner.failed(&self.connection, &error);
            }
        }
        self.phase = Phase::Lingering;
        After::Gone
    }

    /// Tells the owner how an open connection ended, once.
    fn report_end(&mut self, io: &mut Io, ending: Ending, broken: bool) {
        if std::mem::replace(&mut self.closing.reported, true) {
            return;
        }
        self.deliver_rest(io);
        let (unwritten, _) = self.connection.outbox.waiting();
        self.hand_back();
        self.tell_end(&ending, unwritten);
        let end = End { ending, broken, all_written: unwritten == 0 };
        // Its messages come before its end.
        io.hand_over();
        self.owner.ended(&self.connection, &end);
    }

    /// The thread lets go of the connection.
    pub fn leave(mut self: Box<Self>, io: &mut Io) {
        if let Some(mut stream) = self.stream.take() {
            stream.deregister(&io.reactor);
        }
        self.phase = Phase::Lingering;
        self.book_held(0);
        self.hand_back();
        self.leave_turn(io);
        self.owner.gone(&self.connection);
    }

    /// Books the bytes of an unfinished message; false when all connections together hold too many.
    fn book_held(&mut self, now: usize) -> bool {
        let before = std::mem::replace(&mut self.held, now);
        let Some((total, limit)) = self.owner.assembly() else { return true };
        if now >= before {
            let sum = total.fetch_add(now - before, Relaxed) + (now - before);
            now == before || sum <= limit
        } else {
            total.fetch_sub(before - now, Relaxed);
            true
        }
    }

    /// The end of a connection that broke without a close frame.
    fn broken_ending(error: Error) -> Ending {
        Ending { code: 1006, reason: Reason::Ours(error), clean: false }
    }
}
