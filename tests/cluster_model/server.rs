//! A server as it sees itself: what it has been told, which may be less than what has happened.

use std::collections::{HashMap, VecDeque};

#[derive(Clone, Debug)]
pub struct Message {
    pub id: u64,
    /// From the name's list; otherwise it was sent to the connection itself.
    pub listed: bool,
}

#[derive(Clone, Debug)]
pub struct Connection {
    pub number: u64,
    pub epoch: u64,
    pub resume: u64,
    /// It waits for the release of the one before.
    pub held: bool,
    /// Somebody else takes it.
    pub sealed: bool,
    /// Something may be in the list.
    pub bell: bool,
    /// The first of the list is known, with the first answer to a fetch.
    pub started: bool,
    /// The numbers up to which the kernel took the list's messages, and up to which they were fetched.
    pub taken: i64,
    pub fetched: i64,
    pub outbox: VecDeque<Message>,
}

impl Connection {
    pub fn new(number: u64, epoch: u64, resume: u64, held: bool) -> Self {
        Self {
            number,
            epoch,
            resume,
            held,
            sealed: false,
            bell: true,
            started: false,
            taken: 0,
            fetched: 0,
            outbox: VecDeque::new(),
        }
    }
}

/// What was said to the broker without an answer, and is said again before anything else.
#[derive(Clone, Debug)]
pub enum Retry {
    Claim { at: usize, connection: u64, resume: u64 },
    Leave { at: usize, connection: Connection, how: &'static str, position: String },
    Fetch { at: usize },
    Send { at: usize, number: u64, id: u64, outcome: i64 },
    Push { at: usize, number: u64, ids: Vec<u64>, outcome: i64 },
    Broadcast { number: u64, k: i64 },
}

pub struct Server {
    pub id: String,
    pub connections: HashMap<usize, Connection>,
    /// Those that have been replaced here before they were released.
    pub releasing: Vec<(usize, Connection)>,
    /// The end of its lease as the broker has it.
    pub lease: u64,
    /// Up to when it may write.
    pub valid: u64,
    /// When it last said that it is there.
    pub beaten: u64,
    /// How often its lease had lapsed before it came back.
    pub lapses: u64,
    pub buried: bool,
    pub dead: bool,
    pub frozen: bool,
    pub number: u64,
    /// Where its tail stands, and the number of the last broadcast there.
    pub position: String,
    pub broadcasts: u64,
    pub lapsed: Vec<String>,
    pub due: Vec<String>,
    pub retry: Option<Retry>,
    /// What the tail has told of a name before the answer to its claim: the epoch of a taker, that of a release.
    pub early: HashMap<usize, (u64, u64)>,
}

impl Server {
    pub fn new(id: String) -> Self {
        Self {
            id,
            connections: HashMap::new(),
            releasing: Vec::new(),
            lease: 0,
            valid: 0,
            beaten: 0,
            lapses: 0,
            buried: false,
            dead: false,
            frozen: false,
            number: 0,
            position: String::new(),
            broadcasts: 0,
            lapsed: Vec::new(),
            due: Vec::new(),
            retry: None,
            early: HashMap::new(),
        }
    }

    pub fn names(&self) -> Vec<usize> {
        let mut names: Vec<_> = self.connections.keys().copied().collect();
        names.sort_unstable();
        names
    }
}
