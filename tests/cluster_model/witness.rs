//! What the scripts must do, in plain Rust: for each name who has it and what its list holds. It sees every step as it is
//! carried out, also those whose answer never reaches the server that asked.

use std::collections::VecDeque;

/// Messages are numbers; what stands in the broker is this.
pub fn payload(id: u64) -> String {
    format!("{id}:{}", "x".repeat(usize::try_from(id * 7 % 40).unwrap_or_default()))
}

pub fn size(id: u64) -> i64 {
    16 + payload(id).len() as i64
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Nobody has it.
    None,
    /// A connection of that server.
    Held(usize),
    /// Nobody, but whoever comes until then, in milliseconds, resumes it.
    Away(u64),
}

#[derive(Debug)]
pub struct Name {
    pub life: Life,
    pub resume: u64,
    /// Server, epoch and number of the connection that had it last.
    pub server: usize,
    pub epoch: Option<u64>,
    pub connection: u64,
    /// Whose release is waited for, with his epoch.
    pub before: Option<(usize, u64)>,
    /// The number of his connection.
    pub before_connection: u64,
    pub waiting: bool,
    /// The number of the first of the list.
    pub base: i64,
    /// The front of the list: what a kernel has taken without the broker's knowing.
    pub unacked: VecDeque<u64>,
    /// The rest of it.
    pub expected: VecDeque<u64>,
    /// Who wrote last, with his epoch.
    pub writer: Option<(usize, u64)>,
    /// Whose release was still waited for when the session ended: they may not know yet, and write what they had.
    pub loose: Vec<(usize, u64)>,
    /// Where the session stands in the log; not known once a dead server has been at it.
    pub position: Option<String>,
}

impl Default for Name {
    fn default() -> Self {
        Self {
            life: Life::None,
            resume: 0,
            server: 0,
            epoch: None,
            connection: 0,
            before: None,
            before_connection: 0,
            waiting: false,
            base: 0,
            unacked: VecDeque::new(),
            expected: VecDeque::new(),
            writer: None,
            loose: Vec::new(),
            position: None,
        }
    }
}

/// What there was to see, so that a run that shows nothing is noticed.
#[derive(Debug, Default)]
pub struct Seen {
    pub sent: u64,
    pub nobody: u64,
    pub full: u64,
    pub delivered: u64,
    pub again: u64,
    pub lost: u64,
    pub taken_over: u64,
    pub passed_over: u64,
    pub resumed: u64,
    pub buried: u64,
    pub refused: u64,
    pub kicked: u64,
    pub broadcasts: u64,
    pub repeats: u64,
    pub asserted: u64,
}

impl Seen {
    pub fn counts(&self) -> [u64; 15] {
        [
            self.sent,
            self.nobody,
            self.full,
            self.delivered,
            self.again,
            self.lost,
            self.taken_over,
            self.passed_over,
            self.resumed,
            self.buried,
            self.refused,
            self.kicked,
            self.broadcasts,
            self.repeats,
            self.asserted,
        ]
    }

    pub fn add(&mut self, other: &Seen) {
        self.sent += other.sent;
        self.nobody += other.nobody;
        self.full += other.full;
        self.delivered += other.delivered;
        self.again += other.again;
        self.lost += other.lost;
        self.taken_over += other.taken_over;
        self.passed_over += other.passed_over;
        self.resumed += other.resumed;
        self.buried += other.buried;
        self.refused += other.refused;
        self.kicked += other.kicked;
        self.broadcasts += other.broadcasts;
        self.repeats += other.repeats;
        self.asserted += other.asserted;
    }
}

impl Name {
    /// Whether a message finds it, where that server's lease ends, or ended, then.
    pub fn exists(&self, now: u64, lease: impl Fn(usize) -> u64) -> bool {
        match self.life {
            Life::None => false,
            Life::Held(server) => lease(server) + self.resume > now,
            Life::Away(until) => until > now,
        }
    }

    pub fn list(&self) -> impl Iterator<Item = u64> {
        self.unacked.iter().chain(&self.expected).copied()
    }

    pub fn bytes(&self) -> i64 {
        self.list().map(size).sum()
    }

    /// Nobody will get what is in the list.
    pub fn end(&mut self) -> usize {
        let lost = self.list().count();
        let mut loose = std::mem::take(&mut self.loose);
        loose.extend(self.before);
        *self = Self { writer: self.writer, loose, ..Self::default() };
        lost
    }

    pub fn owns(&self, server: usize, epoch: u64) -> bool {
        self.life == Life::Held(server) && self.epoch == Some(epoch)
    }

    /// Does what dead servers have left undone.
    pub fn settle(&mut self, now: u64, lease: impl Fn(usize) -> u64) -> bool {
        let waited = self.waiting;
        if self.before.is_some_and(|(before, _)| lease(before) <= now) {
            self.position = None;
            self.before = None;
            self.waiting = false;
        }
        let Life::Held(server) = self.life else { return false };
        if lease(server) > now {
            return false;
        }
        if !waited {
            self.position = None;
        }
        self.life = Life::Away(lease(server) + self.resume);
        self.epoch = None;
        self.waiting = false;
        true
    }

    /// A kernel takes a message of the list. `forced`: whether the one who wrote before may have been cut off.
    pub fn write(&mut self, server: usize, epoch: u64, id: u64, forced: impl Fn(usize) -> bool, seen: &mut Seen) {
        if self.loose.contains(&(server, epoch)) {
            return;
        }
        if self.writer != Some((server, epoch)) {
            if let Some((before, earlier)) = self.writer {
                assert!(epoch > earlier, "server {server} writes in epoch {epoch}, after {before} in {earlier}");
                if !self.unacked.is_empty() {
                    assert!(forced(before), "server {server} writes, and {before} has acknowledged nothing");
                    seen.again += self.unacked.len() as u64;
                    self.unacked.append(&mut self.expected);
                    self.expected = std::mem::take(&mut self.unacked);
                }
            }
            self.writer = Some((server, epoch));
        }
        assert_eq!(self.expected.pop_front(), Some(id), "first in, first out; written by server {server}");
        self.unacked.push_back(id);
        seen.delivered += 1;
    }

    /// On one server the connection goes to another, whose kernel goes on where this one's was.
    pub fn hand_over(&mut self, server: usize, from: u64, to: u64) {
        if self.writer == Some((server, from)) {
            self.writer = Some((server, to));
        }
    }
}
