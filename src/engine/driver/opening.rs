//! From the first step to an open connection.

use super::logging::log_head;
use super::setup::Raw;
use super::state::{Disposition, Driver, FIRST_READ, Phase};
use crate::engine::connection::{Connected, Info, Way};
use crate::engine::io::{DialPlan, ThreadContext};
use crate::error::{Arg, Error, Id};
use crate::net::{CompactInstant, Peer, Stream, TlsClient};
use crate::options::Opt;
use crate::ws::deflate::{self, Agreement, Deflater, Settings};
use crate::ws::{ClientHandshake, Heard, Message, Refusal, Request, Role};
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a rejected peer has to read the answer.
pub(super) const REJECTION_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the body of a refusal may take behind its head: its status is known, and a server that keeps the connection
/// may never say where it ends.
const BODY_TIMEOUT: Duration = Duration::from_secs(2);
/// What TLS handshakes may take of one round of the loop, but for the one that exceeds it: signing takes a millisecond
/// or more, and hundreds of new connections must not hold up the open ones.
const HANDSHAKE_BUDGET: Duration = Duration::from_micros(500);

fn since_1970() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Driver {
    pub fn start(&mut self, io: &mut ThreadContext, token: usize) -> Disposition {
        self.token = token;
        match &self.phase {
            Phase::Backoff => {
                self.log_wait(io.now);
                Disposition::Keep
            }
            Phase::Resolving(_) => {
                self.deadline = self.time(Opt::ConnectTimeout).map(|time| io.now + time);
                self.log_start();
                self.prepare(io)
            }
            Phase::Rejecting => {
                self.owner.rejected(0);
                Disposition::Remove
            }
            _ => {
                self.log_accepted();
                self.deadline = self.time(Opt::HandshakeTimeout).map(|time| io.now + time);
                let registered = self.stream.as_mut().map(|stream| stream.register(&io.reactor, token));
                match registered {
                    Some(Ok(())) => self.readable(io),
                    Some(Err(_)) | None => {
                        self.owner.rejected(0);
                        Disposition::Remove
                    }
                }
            }
        }
    }

    /// The transport to the server is there: TLS, if the URL says so, and the handshake.
    pub(super) fn connected(
        &mut self,
        io: &mut ThreadContext,
        plan: Box<DialPlan>,
        tls: Option<TlsClient>,
    ) -> Disposition {
        if let (Some(tls), Some(stream)) = (tls, &mut self.stream) {
            stream.start_tls_client(&tls, &plan.target.host);
        }
        self.phase = Phase::TlsHandshake(Some(plan));
        self.secure(io)
    }

    /// Goes on with the TLS handshake; a plain stream is through at once.
    pub(super) fn secure(&mut self, io: &mut ThreadContext) -> Disposition {
        let Some(stream) = &mut self.stream else { return Disposition::Remove };
        if stream.is_tls() && io.handshake_time >= HANDSHAKE_BUDGET {
            self.requeue(io);
            return Disposition::Keep;
        }
        let start = CompactInstant::now();
        let outcome = stream.handshake();
        io.handshake_time += start.elapsed();
        match outcome {
            Ok(false) => Disposition::Keep,
            // A peer that speaks without TLS can read an answer without TLS.
            Err(error) if !self.is_client() && error.id() == Id::TlsNot && self.is_plain() => {
                self.refuse(io, &Refusal::new(400, "This port needs TLS: https:// or wss://"))
            }
            Err(error) => self.refuse_to_open(io, error),
            Ok(true) => match self.tls_done() {
                Phase::TlsHandshake(Some(plan)) => {
                    let protocols: Vec<&str> = plan.protocols.iter().map(String::as_str).collect();
                    let settings = self.deflate_settings();
                    if let Some(client_part) = &mut self.client_part {
                        client_part.offered = settings;
                    }
                    let offer = settings.map(deflate::offer);
                    let handshake = ClientHandshake::new(&plan.target, &plan.headers, &protocols, offer.as_deref());
                    log_head(self.subject(), "out", handshake.request());
                    self.raw = Raw::new(handshake.request().to_vec());
                    self.phase = Phase::AwaitingResponse(Box::new(handshake));
                    self.keep_plan(plan);
                    if self.flush(io) == Disposition::Remove { Disposition::Remove } else { self.readable(io) }
                }
                _ => self.readable(io),
            },
        }
    }

    /// Reads once; `None` when there is nothing. No more than a request may have: what else the peer has sent is not
    /// worth decoding before that has been read.
    pub(super) fn read_some(&mut self, io: &mut ThreadContext) -> Result<Option<usize>, std::io::Error> {
        let Some(stream) = &mut self.stream else { return Ok(None) };
        loop {
            let Some(input) = io.input(FIRST_READ) else { return Err(ErrorKind::OutOfMemory.into()) };
            match stream.read(input) {
                Ok(count) => return Ok(Some(count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn read_answer(&mut self, io: &mut ThreadContext) -> Disposition {
        loop {
            let read = self.read_some(io);
            let subject = self.subject();
            let Phase::AwaitingResponse(handshake) = &mut self.phase else { return Disposition::Keep };
            let count = match read {
                Ok(None) => return Disposition::Keep,
                Ok(Some(count)) => count,
                // The connection ends in the body of a refusal.
                Err(_) if handshake.is_refused() => 0,
                Err(error) => match self.stream.as_ref().and_then(|stream| stream.tls_refusal(&error, true)) {
                    Some(refusal) => return self.refuse_to_open(io, refusal),
                    None => return self.lost(io, &error),
                },
            };
            if count == 0 {
                let error = handshake.cut();
                return self.refuse_to_open(io, error);
            }
            let was_refused = handshake.is_refused();
            let fed = handshake.feed(&io.input[..count]);
            let refused = handshake.is_refused() && !was_refused;
            if refused || !was_refused && !matches!(fed, Ok(None)) {
                log_head(subject, "in", handshake.answer());
            }
            if refused && let Some(disposition) = self.follow(io) {
                return disposition;
            }
            match fed {
                Ok(None) if refused => {
                    let until = io.now + BODY_TIMEOUT;
                    self.deadline = Some(self.deadline.map_or(until, |deadline| deadline.min(until)));
                }
                Ok(None) => {}
                Err(error) => return self.refuse_to_open(io, error),
                Ok(Some((agreed, rest))) => {
                    self.tell_answer();
                    if let Some(settings) = self.client_part.as_ref().and_then(|client_part| client_part.offered) {
                        match deflate::accepted(settings, &agreed.extensions) {
                            Ok(agreement) => self.deflate(agreement),
                            Err(error) => return self.refuse_to_open(io, error),
                        }
                    }
                    let peer = self.peer();
                    return self.open(io, [agreed.protocol, agreed.extensions], peer, None, rest);
                }
            }
        }
    }

    /// What the server has answered goes to the owner, before the outcome does.
    pub(super) fn tell_answer(&self) {
        if let Phase::AwaitingResponse(handshake) = &self.phase
            && let Some(answer) = handshake.heard()
        {
            self.owner.answered(&self.connection, answer);
        }
    }

    pub(super) fn read_request(&mut self, io: &mut ThreadContext) -> Disposition {
        let serves_http = self.owner.serves_http();
        loop {
            let Phase::AwaitingRequest(handshake) = &mut self.phase else { return Disposition::Keep };
            let waiting = handshake.take_waiting();
            let mut unread = !waiting.is_empty();
            let count = match if unread { Ok(Some(0)) } else { self.read_some(io) } {
                Ok(None) => return Disposition::Keep,
                Ok(Some(0)) if !unread => return self.break_off(io, Error::of(Id::ClosedEarly)),
                Err(error) => {
                    let refusal = self.stream.as_ref().and_then(|stream| stream.tls_refusal(&error, false));
                    let lost = || Error::of(Id::ConnectionLost).system(&error);
                    return self.break_off(io, refusal.unwrap_or_else(lost));
                }
                Ok(Some(count)) => count,
            };
            unread |=
                self.half_closed || !self.stream.as_ref().is_some_and(|stream| stream.is_drained(count, FIRST_READ));
            let Phase::AwaitingRequest(handshake) = &mut self.phase else { return Disposition::Keep };
            let bytes = if waiting.is_empty() { &io.input[..count] } else { &waiting[..] };
            let (mut request, rest) = match handshake.hear(bytes, serves_http) {
                Ok(None) => continue,
                Ok(Some(Heard::WebSocket(request, rest))) => (request, rest),
                Ok(Some(Heard::Plain(head, rest))) => return self.begin_exchange(io, head, rest, unread),
                Err(refusal) => return self.refuse(io, &refusal),
            };
            log_head(self.subject(), "in", request.head());
            let peer = self.peer();
            let checked = self.owner.trace(peer, &request).and_then(|peer| {
                let protocol = self.owner.check_request(&self.connection, &peer, &mut request)?;
                Ok((peer, protocol))
            });
            return match checked {
                Err(refusal) => self.refuse(io, &refusal),
                Ok((peer, protocol)) => {
                    let offered = request.extensions().unwrap_or_default();
                    let settings = self.deflate_settings();
                    let agreed = settings.and_then(|settings| deflate::negotiate(settings, &offered));
                    let (agreement, extensions) = agreed.unzip();
                    self.deflate(agreement);
                    let answer = request.accept(protocol.as_deref(), extensions.as_deref(), &self.more_headers());
                    log_head(self.subject(), "out", &answer);
                    self.raw = Raw::new(answer);
                    let agreed = [protocol.unwrap_or_default(), extensions.unwrap_or_default()];
                    self.open(io, agreed, peer, Some(request), rest)
                }
            };
        }
    }

    /// What the host adds to every answer to a handshake.
    fn more_headers(&self) -> Arc<str> {
        self.owner.answer_headers().unwrap_or_else(|| Arc::from(""))
    }

    fn is_plain(&self) -> bool {
        self.stream.as_ref().is_some_and(Stream::is_plain)
    }

    /// What the host wants of permessage-deflate; `None`: not to have it.
    fn deflate_settings(&self) -> Option<Settings> {
        let options = self.owner.options();
        (options.int(Opt::Compression) != 0).then(|| Settings {
            takeover: options.int(Opt::CompressionContext) != 0,
            bits: u8::try_from(options.int(Opt::CompressionWindowBits)).unwrap_or(15),
        })
    }

    /// What was agreed on, if anything.
    fn deflate(&mut self, agreement: Option<Agreement>) {
        if let Some(agreement) = agreement {
            self.decoder.inflate(agreement.inward);
            self.deflater = Some(Deflater::new(agreement.out));
        }
    }

    /// Sends an HTTP refusal and gives the peer time to read it.
    pub(super) fn refuse(&mut self, io: &mut ThreadContext, refusal: &Refusal) -> Disposition {
        self.log_refusal(refusal);
        self.owner.rejected(refusal.status);
        self.raw = Raw::new(refusal.answer(&self.more_headers()));
        self.phase = Phase::Rejecting;
        self.deadline = Some(io.now + REJECTION_TIMEOUT);
        self.flush(io)
    }

    fn open(
        &mut self,
        io: &mut ThreadContext,
        agreed: [String; 2],
        peer: Peer,
        request: Option<Request>,
        rest: Vec<u8>,
    ) -> Disposition {
        self.stream.iter_mut().for_each(Stream::forget_peer);
        let certificate = self.stream.as_ref().and_then(Stream::client_certificate);
        self.connection.set_info(Info {
            address: peer.address,
            way: Way::of(peer.proxy, certificate),
            agreed: io.agreed(agreed),
            connected: Connected::new(since_1970(), peer.secure),
            request,
        });
        if self.owner.pending(&self.connection) {
            return self.await_host(io, rest);
        }
        self.begin(io, rest)
    }

    /// Its first step as an open connection; `rest` came behind the handshake.
    pub(super) fn begin(&mut self, io: &mut ThreadContext, mut rest: Vec<u8>) -> Disposition {
        self.phase = Phase::Open;
        self.deadline = None;
        self.keepalive.begin(io.now);
        self.release_permit(io);
        self.forget_redirects();
        self.connection.outbox.open();
        self.connection.outbox.attach(self.connection.serial, self.hello());
        io.hand_over();
        if !self.owner.opened(&self.connection) {
            // Given up meanwhile: no event of it may reach the host.
            self.phase = Phase::Lingering;
            if let Some(stream) = &mut self.stream {
                stream.abort();
            }
            return Disposition::Remove;
        }
        self.log_open();
        if self.set_pace(io) == Disposition::Remove {
            return Disposition::Remove;
        }
        if self.consume(io, &mut rest) == Disposition::Remove {
            return Disposition::Remove;
        }
        if self.flush(io) == Disposition::Remove {
            return Disposition::Remove;
        }
        self.readable(io)
    }

    /// The message that a client sends first.
    fn hello(&self) -> Option<Message> {
        let text = self.owner.options().text(Opt::HelloMessage);
        (!text.is_empty()).then(|| Message::text(&text))
    }

    /// Ends an attempt with an error that names the address.
    pub(super) fn refuse_to_open(&mut self, io: &mut ThreadContext, error: Error) -> Disposition {
        let error = self.connecting(error);
        self.break_off(io, error)
    }

    pub(super) fn connect_timed_out(&mut self, io: &mut ThreadContext) -> Disposition {
        if let Phase::AwaitingResponse(handshake) = &self.phase
            && handshake.is_refused()
        {
            let refusal = handshake.cut();
            return self.refuse_to_open(io, refusal);
        }
        let stage = match &self.phase {
            Phase::Resolving(_) => {
                Arg::Both { en: "looking up the host", ru: "определение адреса узла" }
            }
            Phase::Dialing { .. } | Phase::Tunneling { .. } if self.proxy().is_some() => {
                Arg::Both { en: "no answer from the proxy", ru: "прокси не отвечает" }
            }
            Phase::Dialing { .. } => {
                Arg::Both { en: "no answer from the address", ru: "адрес не отвечает" }
            }
            Phase::TlsHandshake(_) => Arg::Both { en: "TLS handshake", ru: "рукопожатие TLS" },
            _ => Arg::Both { en: "no answer to the handshake", ru: "нет ответа на рукопожатие" },
        };
        let ms = self.owner.options().int(Opt::ConnectTimeout);
        self.refuse_to_open(io, Error::new(Id::ConnectTimeout, [ms.into(), stage]))
    }

    /// Whether this is the client's end.
    pub(super) fn is_client(&self) -> bool {
        self.role == Role::Client
    }
}
