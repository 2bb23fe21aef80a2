//! The servers: each sends back what comes, keeps books, and does something of its own now and then.

use crate::accounts::{Account, BROADCAST, PUSH, Random, message};
use crate::batches::{self, Came};
use crate::face::{Event, Got, Server};
use crate::{PATIENCE, tls};
use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, RwLock};
use websocket_addin::capi::*;

/// How a server takes what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Receive,
    Handler,
    /// Many in one call, both ways.
    Batches,
}

pub struct Echo {
    pub server: Server,
    way: Way,
    secure: bool,
    may_restart: bool,
    url: RwLock<String>,
    accounts: Mutex<HashMap<u64, Account>>,
    /// Connections that it ended, and restarts.
    pub cuts: AtomicU64,
    pub received: AtomicU64,
    resting: AtomicBool,
    broadcasts: AtomicI64,
}

pub const CUT: u16 = 4000;

impl Echo {
    /// `user_data` of a handler points to it, so it stays where it is.
    pub fn start(at: usize, authority: &tls::Authority) -> Arc<Self> {
        let way = [Way::Receive, Way::Handler, Way::Receive, Way::Receive, Way::Batches][at];
        let secure = at == 2;
        let server = Server::new();
        server
            .compression(i64::from(at == 3))
            .compression_context(i64::from(at == 3))
            .io_threads(1 + i64::from(at == 4));
        server.close_timeout(PATIENCE).pong_timeout(PATIENCE).handshake_timeout(PATIENCE).send_timeout(PATIENCE);
        let echo = Arc::new(Self {
            server,
            way,
            secure,
            may_restart: at >= 2,
            url: RwLock::default(),
            accounts: Mutex::default(),
            cuts: AtomicU64::new(0),
            received: AtomicU64::new(0),
            resting: AtomicBool::new(false),
            broadcasts: AtomicI64::new(0),
        });
        if way == Way::Handler {
            let user_data = Arc::as_ptr(&echo).cast_mut().cast::<c_void>();
            // SAFETY: the value lives until the server was freed, see `main`.
            assert_eq!(unsafe { wsaddin_server_set_handler(echo.server.0, Some(on_event), user_data) }, WSADDIN_OK);
        }
        echo.run(authority);
        echo
    }

    fn run(&self, authority: &tls::Authority) {
        let [certificate, key] = ["server.pem", "server.key"].map(|name| authority.path(name));
        match self.secure {
            true => self.server.run_tls(&certificate, &key, "").unwrap(),
            false => self.server.run("127.0.0.1", 0).unwrap(),
        }
        let url = if self.secure { self.server.secure_url("127.0.0.1") } else { self.server.url() };
        *self.url.write().unwrap() = url;
    }

    pub fn url(&self) -> String {
        self.url.read().unwrap().clone()
    }

    pub fn rest(&self, resting: bool) {
        self.resting.store(resting, SeqCst);
    }

    pub fn accounts_open(&self) -> usize {
        self.accounts.lock().unwrap().len()
    }

    /// Sends back and keeps the book.
    fn take(&self, event: &Event) {
        let id = event.connection;
        self.account(event);
        if event.event == WSADDIN_EVENT_MESSAGE {
            // It may have gone meanwhile.
            let sent = match event.kind {
                WSADDIN_KIND_BINARY => self.server.send_binary(id, &event.data),
                _ => self.server.send(id, event.text()),
            };
            sent.unwrap_or_else(|fault| panic!("sending back to {id}: {fault:?}"));
        }
    }

    fn take_all(&self, events: &[Event]) {
        events.iter().for_each(|event| self.account(event));
        let messages = events.iter().filter(|event| event.event == WSADDIN_EVENT_MESSAGE);
        let messages: Vec<_> = messages.map(|it| (it.connection, it.kind, &it.data[..])).collect();
        batches::send_to_clients(&self.server, &messages)
            .unwrap_or_else(|fault| panic!("sending back a batch: {fault:?}"));
    }

    /// Keeps the book.
    fn account(&self, event: &Event) {
        let id = event.connection;
        match event.event {
            WSADDIN_EVENT_OPEN => {
                assert!(self.accounts.lock().unwrap().insert(id, Account::default()).is_none(), "{id} opens twice");
            }
            WSADDIN_EVENT_CLOSE => {
                assert!(self.accounts.lock().unwrap().remove(&id).is_some(), "{id} closes twice");
            }
            WSADDIN_EVENT_MESSAGE => {
                self.received.fetch_add(1, SeqCst);
                let mut accounts = self.accounts.lock().unwrap();
                let account = accounts.get_mut(&id).unwrap_or_else(|| panic!("{id} is not open"));
                account.take(&event.data).unwrap_or_else(|error| panic!("connection {id}: {error}"));
            }
            other => panic!("event {other}: {event:?}"),
        }
    }

    /// A thread's work until `over`.
    pub fn serve(&self, seed: u64, over: &AtomicBool, authority: &tls::Authority) {
        let mut random = Random::new(seed);
        while !over.load(SeqCst) {
            if self.way == Way::Batches {
                if let Came::Events(events) = batches::of_server(&self.server, 20).unwrap() {
                    self.take_all(&events);
                }
            } else if self.way == Way::Receive {
                let mut left = 200;
                while let Got::Event(event) = self.server.receive_event(if left == 200 { 20 } else { -1 }).unwrap() {
                    self.take(&event);
                    left -= 1;
                    if left == 0 {
                        break;
                    }
                }
            } else {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            if !self.resting.load(SeqCst) {
                self.act(&mut random, authority);
            }
        }
    }

    fn act(&self, random: &mut Random, authority: &tls::Authority) {
        let some = {
            let accounts = self.accounts.lock().unwrap();
            let at = random.below(1.max(accounts.len() as u64)) as usize;
            accounts.keys().nth(at).copied()
        };
        let Some(id) = some else { return };
        match random.below(60) {
            0..12 => {
                // Numbered under the lock: a handler's thread may close the account.
                let mut accounts = self.accounts.lock().unwrap();
                let Some(account) = accounts.get_mut(&id) else { return };
                let number = account.pushed;
                account.pushed += 1;
                drop(accounts);
                let data = message(PUSH, id, number, random.size().min(3000));
                self.server.send_binary(id, &data).unwrap();
            }
            12..20 => {
                let number = self.broadcasts.fetch_add(1, SeqCst) as u64;
                let data = message(BROADCAST, 0, number, 100);
                self.server.broadcast(std::str::from_utf8(&data).unwrap()).unwrap();
            }
            20..24 => {
                let _ = self.server.ping(id, if self.way == Way::Handler { PATIENCE } else { 50 });
            }
            24 => {
                self.cuts.fetch_add(1, SeqCst);
                self.server.disconnect(id, CUT, "cut").unwrap();
            }
            26..30 => {
                let _ = self.server.connection_info(id).unwrap();
            }
            30 => assert!(self.server.connection_list().is_array()),
            31 => assert!(self.server.statistics().is_object()),
            32 => assert_eq!(self.server.broadcast_to("nobody's", "x"), Ok(0)),
            34 if self.may_restart && random.below(10) == 0 => {
                self.cuts.fetch_add(1, SeqCst);
                self.server.stop().unwrap();
                // What had come before is still there.
                while let Got::Event(event) = self.server.receive_event(-1).unwrap() {
                    self.take_late(&event);
                }
                self.accounts.lock().unwrap().clear();
                self.run(authority);
            }
            _ => {}
        }
    }

    /// After a stop nobody is there to send it back to.
    fn take_late(&self, event: &Event) {
        match event.event {
            WSADDIN_EVENT_MESSAGE => {
                let mut accounts = self.accounts.lock().unwrap();
                let account = accounts.get_mut(&event.connection).expect("it is open");
                account.take(&event.data).unwrap_or_else(|error| panic!("connection {}: {error}", event.connection));
            }
            _ => self.take(event),
        }
    }
}

unsafe extern "C" fn on_event(message: *const wsaddin_message, echo: *mut c_void) {
    // SAFETY: what `start` set; a message is good until the return.
    let (echo, event) = unsafe { (&*echo.cast::<Echo>(), crate::copied(message)) };
    crate::in_handler(std::panic::AssertUnwindSafe(|| echo.take(&event)));
}
