//! From the wait for a turn to a connected socket.

use super::state::{Disposition, Driver, Phase};
use super::tunneling::Way;
use crate::engine::io::{Command, ThreadContext};
use crate::error::Result;
use crate::net::{Dial, DialState, Place, TlsClient, look_up, resolve_now};
use std::net::SocketAddr;
use std::sync::Arc;

impl Driver {
    /// The wait is over. Waiting for a permit takes nothing from `ConnectTimeout`, which begins with the dial.
    pub(super) fn acquire_permit(&mut self, io: &mut ThreadContext) -> Disposition {
        self.deadline = None;
        if io.dial_limit.acquire(&self.connection, &Arc::from(self.authority())) {
            self.dial_again(io)
        } else {
            Disposition::Keep
        }
    }

    /// It has got its permit.
    pub fn dial_again(&mut self, io: &mut ThreadContext) -> Disposition {
        if !matches!(self.phase, Phase::Backoff) {
            return Disposition::Keep;
        }
        let Some(plan) = self.owner.dial_plan(&self.connection) else { return Disposition::Remove };
        self.phase = Phase::Resolving(Box::new(plan));
        self.start(io, self.token)
    }

    /// It no longer dials: its permit goes to the next connection.
    pub(super) fn release_permit(&mut self, io: &mut ThreadContext) {
        if self.is_client()
            && let Some(next) = io.dial_limit.release(&self.connection)
        {
            io.handle.post(Command::DialPermitted(next));
        }
    }

    /// Finds the addresses and the system's roots; what may block goes to a worker.
    pub(super) fn prepare(&mut self, io: &mut ThreadContext) -> Disposition {
        let (host, port) = match self.choose_route() {
            Ok(Way::Network(host, port)) => (host, port),
            Ok(Way::Local(path)) => return self.prepared(io, Ok((vec![Place::Unix(path)], None))),
            Err(error) => return self.refuse_to_open(io, error),
        };
        let Phase::Resolving(plan) = &self.phase else { return Disposition::Keep };
        let target = &plan.target;
        if let (Some(addresses), false) = (resolve_now(&host, port), target.secure) {
            return self.prepared(io, Ok((places(addresses), None)));
        }
        let options = target.secure.then(|| plan.tls.clone());
        let (connection, handle, cache) = (self.connection.clone(), io.handle.clone(), io.tls.clone());
        let started = io.workers.run(move |worker| {
            let look_up = || worker.may_hang(|| look_up(&host, port));
            let addresses = resolve_now(&host, port).map_or_else(look_up, Ok);
            let outcome = addresses.and_then(|addresses| {
                let tls = options.map(|options| cache.get(&options)).transpose()?;
                Ok((places(addresses), tls))
            });
            handle.post(Command::Prepared { connection, outcome });
        });
        started.map_or_else(|error| self.refuse_to_open(io, error), |()| Disposition::Keep)
    }

    /// The worker is done.
    pub fn prepared(
        &mut self,
        io: &mut ThreadContext,
        outcome: Result<(Vec<Place>, Option<TlsClient>)>,
    ) -> Disposition {
        match (outcome, std::mem::replace(&mut self.phase, Phase::Lingering)) {
            (Ok((addresses, tls)), Phase::Resolving(plan)) => {
                let mut dial = Box::new(Dial::new(addresses, self.subject()));
                let state = dial.advance(&io.reactor, self.token, io.now);
                self.phase = Phase::Dialing { plan, dial, tls };
                self.dialed(io, state)
            }
            (Err(error), phase @ Phase::Resolving(_)) => {
                self.phase = phase;
                self.refuse_to_open(io, error)
            }
            (_, phase) => {
                self.phase = phase;
                Disposition::Keep
            }
        }
    }

    pub(super) fn dialed(&mut self, io: &mut ThreadContext, state: DialState) -> Disposition {
        match state {
            DialState::Pending => Disposition::Keep,
            DialState::Failed(error) if self.proxy().is_some() => self.refuse_to_open(io, error),
            DialState::Failed(error) => {
                let error = self.after_redirects(error);
                self.break_off(io, error)
            }
            DialState::Connected(mut stream) => {
                let Phase::Dialing { plan, tls, .. } = std::mem::replace(&mut self.phase, Phase::Lingering) else {
                    return Disposition::Remove;
                };
                let registered = stream.reregister(&io.reactor, self.token);
                self.stream = Some(stream);
                if let Err(error) = registered {
                    self.phase = Phase::TlsHandshake(Some(plan));
                    return self.lost(io, &error);
                }
                if self.proxy().is_some() { self.ask_proxy(io, plan, tls) } else { self.connected(io, plan, tls) }
            }
        }
    }
}

fn places(addresses: Vec<SocketAddr>) -> Vec<Place> {
    addresses.into_iter().map(Place::Tcp).collect()
}
