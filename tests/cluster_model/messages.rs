//! The steps of a world that move messages.

use crate::server::{Connection, Message, Retry};
use crate::witness::{Life, payload, size};
use crate::world::{BOUND, MEMORY, World, due, keys, n, name, number, q, text};
use websocket_addin::cluster::resp::Value;
use websocket_addin::cluster::scripts;

impl World<'_> {
    fn numbered(&mut self, me: usize) -> u64 {
        self.servers[me].number += 1;
        self.servers[me].number
    }

    fn ring(&self, me: usize) -> String {
        format!("{{p}}:r:{}", self.servers[me].id)
    }

    pub fn send(&mut self, me: usize, at: usize) {
        let (number, id) = (self.numbered(me), self.next());
        let total: i64 = self.names.iter().map(|it| it.bytes()).sum();
        let it = &self.names[at];
        let outcome = match () {
            () if !self.exists(at) => 0,
            () if it.list().next().is_some() && it.bytes() + size(id) > BOUND => -1,
            () if total + size(id) > MEMORY => -2,
            () => 1,
        };
        match outcome {
            1 => self.seen.sent += 1,
            0 => self.seen.nobody += 1,
            _ => self.seen.full += 1,
        }
        if outcome == 1 {
            self.names[at].expected.push_back(id);
        }
        self.send_as(me, at, number, id, outcome);
        if self.is_lost() {
            self.servers[me].retry = Some(Retry::Send { at, number, id, outcome });
        }
    }

    fn send_as(&mut self, me: usize, at: usize, number: u64, id: u64, outcome: i64) {
        let server = self.servers[me].id.clone();
        let args = [server, number.to_string(), BOUND.to_string(), name(at), payload(id)];
        let answer = self.run(&scripts::SEND, &keys([n(at), q(at), self.ring(me), due()]), &args);
        assert_eq!(answer.integer(), Some(outcome), "server {me} sends {id} to {}: {:?}", name(at), self.names[at]);
        self.check(at);
    }

    /// What nobody took from a connection that was passed over.
    fn push(&mut self, me: usize, at: usize, ids: Vec<u64>) {
        if ids.is_empty() {
            return;
        }
        let number = self.numbered(me);
        let outcome = i64::from(self.exists(at));
        if outcome == 1 {
            self.names[at].expected.extend(&ids);
        }
        self.push_as(me, at, number, &ids, outcome);
        if self.is_lost() {
            self.servers[me].retry = Some(Retry::Push { at, number, ids, outcome });
        }
    }

    fn push_as(&mut self, me: usize, at: usize, number: u64, ids: &[u64], outcome: i64) {
        let server = self.servers[me].id.clone();
        let args = [server, number.to_string(), name(at)].into_iter().chain(ids.iter().copied().map(payload));
        let args: Vec<_> = args.collect();
        let answer = self.run(&scripts::PUSH, &keys([n(at), q(at), self.ring(me), due()]), &args);
        assert_eq!(answer.integer(), Some(outcome), "server {me} pushes {ids:?} to {}", name(at));
        self.check(at);
    }

    pub fn broadcast(&mut self, me: usize) {
        let number = self.numbered(me);
        let k = self.seen.broadcasts as i64 + 1;
        self.seen.broadcasts += 1;
        self.broadcast_as(me, number, k);
        if self.is_lost() {
            self.servers[me].retry = Some(Retry::Broadcast { number, k });
        }
    }

    fn broadcast_as(&mut self, me: usize, number: u64, k: i64) {
        let args = [self.servers[me].id.clone(), number.to_string(), "g".into(), format!("broadcast {number}")];
        let answer = self.run(&scripts::BROADCAST, &keys([self.ring(me)]), &args);
        assert_eq!(answer.integer(), Some(k), "server {me} tells everybody");
    }

    /// What was not answered is said again.
    pub fn retry(&mut self, me: usize) {
        self.seen.repeats += 1;
        match self.servers[me].retry.take() {
            None => {}
            Some(Retry::Claim { at, connection, resume }) => self.claim_as(me, at, connection, resume),
            Some(Retry::Leave { at, connection, how, position }) => self.leave_as(me, at, connection, how, position),
            Some(Retry::Fetch { at }) => self.fetch(me, at),
            Some(Retry::Send { at, number, id, outcome }) => self.send_as(me, at, number, id, outcome),
            Some(Retry::Push { at, number, ids, outcome }) => self.push_as(me, at, number, &ids, outcome),
            Some(Retry::Broadcast { number, k }) => self.broadcast_as(me, number, k),
        }
    }

    pub fn fetch(&mut self, me: usize, at: usize) {
        let Some(connection) = self.servers[me].connections.get(&at).cloned() else { return };
        // A successor learns from the first answer where the list begins: it has moved on since the claim.
        let unknown = i64::MIN >> 12;
        let (acked, from) =
            if connection.started { (connection.taken, connection.fetched) } else { (unknown, unknown) };
        let most = 1 + self.random.below(120);
        let args = [
            self.servers[me].id.clone(),
            connection.epoch.to_string(),
            acked.to_string(),
            from.to_string(),
            most.to_string(),
        ];
        let answer = self.run(&scripts::FETCH, &keys([n(at), q(at)]), &args);
        let it = &mut self.names[at];
        let allowed = it.owns(me, connection.epoch) && !it.waiting;
        assert_eq!(number(&answer, 0), i64::from(allowed), "server {me} reads {}: {it:?}", name(at));
        if !allowed {
            self.seen.refused += 1;
            let connection = self.servers[me].connections.get_mut(&at).expect("it is there");
            connection.bell = false;
            return;
        }
        if connection.started {
            for _ in it.base..acked {
                it.unacked.pop_front().expect("only what was written is acknowledged");
            }
            it.base = acked;
        }
        assert_eq!(number(&answer, 1), it.base, "where the list of {} begins", name(at));
        let from = from.max(it.base);
        let fetched: Vec<_> = (3..answer.array().unwrap().len()).map(|at| id(&text(&answer, at))).collect();
        let there: Vec<_> = it.list().skip(usize::try_from(from - it.base).unwrap()).collect();
        assert!(there.starts_with(&fetched), "{fetched:?} of {there:?}");
        assert!(!fetched.is_empty() || there.is_empty(), "{} has more", name(at));
        let base = it.base;
        self.check(at);
        if self.is_lost() {
            self.servers[me].retry = Some(Retry::Fetch { at });
            return;
        }
        let connection = self.servers[me].connections.get_mut(&at).expect("it is there");
        if !connection.started {
            (connection.started, connection.taken, connection.fetched) = (true, base, base);
        }
        connection.bell = !fetched.is_empty();
        connection.fetched += fetched.len() as i64;
        connection.outbox.extend(fetched.into_iter().map(|id| Message { id, listed: true }));
    }

    /// To the connection itself.
    pub fn send_here(&mut self, me: usize, at: usize) {
        let id = self.next();
        if let Some(connection) = self.servers[me].connections.get_mut(&at)
            && !connection.sealed
        {
            connection.outbox.push_back(Message { id, listed: false });
        }
    }

    /// The kernel takes a message.
    pub fn write(&mut self, me: usize, at: usize) {
        let now = self.now();
        let server = &mut self.servers[me];
        let fenced = server.valid <= now;
        let Some(connection) = server.connections.get_mut(&at) else { return };
        if fenced || connection.held || connection.sealed {
            return;
        }
        let epoch = connection.epoch;
        let Some(message) = connection.outbox.pop_front() else { return };
        if !message.listed {
            return;
        }
        connection.taken += 1;
        let forced: Vec<_> = self
            .servers
            .iter()
            .map(|server| server.dead || server.lapses > 0 || server.buried || server.lease <= now)
            .collect();
        self.names[at].write(me, epoch, message.id, |server| forced[server], &mut self.seen);
    }

    pub fn leave(&mut self, me: usize, at: usize, how: &'static str) {
        let Some(connection) = self.servers[me].connections.remove(&at) else { return };
        let position = self.servers[me].position.clone();
        self.leave_as(me, at, connection, how, position);
    }

    /// Those that have been replaced here.
    pub fn release(&mut self, me: usize) {
        while self.servers[me].retry.is_none()
            && let Some((at, connection)) = self.servers[me].releasing.pop()
        {
            let position = self.servers[me].position.clone();
            self.leave_as(me, at, connection, "away", position);
        }
    }

    pub fn leave_as(&mut self, me: usize, at: usize, connection: Connection, how: &'static str, position: String) {
        self.past.push((me, at, connection.clone()));
        let server = self.servers[me].id.clone();
        // What has fetched nothing has nothing of the list.
        let held = connection.held || !connection.started;
        let fetched = if connection.started { connection.fetched } else { 0 };
        let rest: Vec<_> = connection.outbox.iter().map(|message| message.id).collect();
        let mut args = vec![
            server.clone(),
            connection.epoch.to_string(),
            fetched.to_string(),
            u8::from(held).to_string(),
            how.to_owned(),
            "g".to_owned(),
            position.clone(),
            server.clone(),
            "0".to_owned(),
            name(at),
        ];
        args.extend(rest.iter().copied().map(payload));
        let answer = self.run(&scripts::LEAVE, &keys([n(at), q(at), due(), format!("{{p}}:o:{server}")]), &args);
        let accepted = number(&answer, 0) == 1;
        let now = self.now();
        let it = &mut self.names[at];
        let owns = it.owns(me, connection.epoch);
        let releases = it.before == Some((me, connection.epoch));
        if !owns && !releases {
            // It may be a repeat.
            self.seen.refused += u64::from(!accepted);
            self.check(at);
            if !accepted {
                let own = connection.outbox.iter().filter(|message| !message.listed).map(|message| message.id);
                self.push(me, at, own.collect());
            }
            return;
        }
        assert!(accepted, "server {me} leaves {}: {it:?}", name(at));
        if held || owns && it.waiting {
            it.expected.extend(&rest);
        } else {
            let list: Vec<_> = it.list().collect();
            let (taken, fetched) = (connection.taken - it.base, connection.fetched - it.base);
            let (taken, fetched) = (usize::try_from(taken).unwrap(), usize::try_from(fetched).unwrap());
            let unsent = connection.outbox.iter().filter(|message| message.listed).map(|message| message.id);
            assert_eq!(unsent.collect::<Vec<_>>(), list[taken..fetched], "what is given back");
            assert!(taken == 0 || taken == it.unacked.len(), "what is acknowledged: {it:?}");
            it.unacked.clear();
            it.expected = rest.iter().copied().chain(list[fetched..].iter().copied()).collect();
            it.base = connection.fetched - rest.len() as i64;
            it.position = Some(position.clone());
        }
        if releases {
            it.before = None;
            it.waiting = false;
        } else if how == "end" {
            self.seen.lost += it.list().count() as u64;
            assert_eq!(number(&answer, 1), it.end() as i64, "what nobody will get");
        } else {
            it.life = Life::Away(now + it.resume);
            it.epoch = None;
            it.waiting = false;
        }
        self.check(at);
        if self.is_lost() {
            self.servers[me].retry = Some(Retry::Leave { at, connection, how, position });
        }
    }

    pub fn kick(&mut self, me: usize, at: usize) {
        let answer = self.run(&scripts::KICK, &keys([n(at), q(at), due()]), &["4000".into(), "out".into(), name(at)]);
        let exists = self.exists(at);
        let it = &mut self.names[at];
        let expected = match it.life {
            _ if !exists => 0,
            Life::Away(_) => 1,
            _ => 2,
        };
        assert_eq!(number(&answer, 0), expected, "server {me} closes {}: {it:?}", name(at));
        if expected == 1 {
            self.seen.lost += it.list().count() as u64;
            assert_eq!(number(&answer, 1), it.end() as i64);
        }
        self.seen.kicked += u64::from(expected > 0);
        self.check(at);
    }

    /// What a server said long ago arrives only now.
    pub fn late(&mut self) {
        if self.past.is_empty() {
            return;
        }
        let (me, at, connection) = self.past[self.random.below(self.past.len())].clone();
        let (server, epoch) = (self.servers[me].id.clone(), connection.epoch);
        let it = &self.names[at];
        if it.owns(me, epoch) || it.before == Some((me, epoch)) {
            return;
        }
        let from = connection.fetched.to_string();
        let args = [server.clone(), epoch.to_string(), from.clone(), from.clone(), "100".to_owned()];
        let answer = self.run(&scripts::FETCH, &keys([n(at), q(at)]), &args);
        assert_eq!(number(&answer, 0), 0, "server {me} reads {} in the epoch {epoch}", name(at));
        self.check(at);
        let own = format!("{{p}}:o:{server}");
        let args = [&server, &epoch.to_string(), &from, "0", "away", "g", "0-0", &server, "0", &name(at), "late"];
        self.run(&scripts::LEAVE, &keys([n(at), q(at), due(), own.clone()]), &args.map(str::to_owned));
        self.check(at);
        if self.servers[me].lease <= self.now() {
            let args = [server, "0".to_owned(), "1000".to_owned(), "g".to_owned(), name(at)];
            let answer = self.run(&scripts::CLAIM, &keys([n(at), q(at), due(), own]), &args);
            assert_eq!(number(&answer, 0), 0, "a dead server takes nothing");
            self.check(at);
        }
    }

    /// Reads on in the log.
    pub fn tail(&mut self, me: usize, most: usize) {
        let (most, from) = (most.to_string(), self.servers[me].position.clone());
        let words = ["XREAD", "COUNT", &most, "STREAMS", "{p}:log", &from];
        let answer = self.command(&words);
        let Some([Value::Array(stream)]) = answer.array() else { return };
        for entry in stream[1].array().unwrap() {
            self.servers[me].position = text(entry, 0);
            let fields = entry.array().unwrap()[1].array().unwrap();
            let field = |called: &str| {
                let pair = fields.chunks(2).find(|pair| pair[0].bytes() == Some(called.as_bytes()));
                let value = pair.and_then(|pair| pair[1].bytes()).unwrap_or_else(|| panic!("{called} in {fields:?}"));
                String::from_utf8(value.to_vec()).unwrap()
            };
            let kind = field("t");
            if kind == "B" {
                let k: u64 = field("k").parse().unwrap();
                self.servers[me].broadcasts += 1;
                assert_eq!(k, self.servers[me].broadcasts, "server {me} misses no broadcast and gets none twice");
            } else if field("s") == self.servers[me].id {
                let (at, epoch) = (crate::world::at(&field("name")), field("e").parse().unwrap());
                self.told(me, at, epoch, &kind);
            }
        }
    }

    fn told(&mut self, me: usize, at: usize, epoch: u64, kind: &str) {
        let server = &mut self.servers[me];
        let waits = matches!(&server.retry, Some(Retry::Claim { at: claimed, .. }) if *claimed == at);
        if waits && kind != "H" {
            let early = server.early.entry(at).or_default();
            match kind {
                "T" => early.0 = early.0.max(epoch),
                "R" => early.1 = early.1.max(epoch),
                _ => {}
            }
        }
        let Some(connection) = server.connections.get_mut(&at) else { return };
        match kind {
            "H" => connection.bell = true,
            "T" if epoch > connection.epoch => connection.sealed = true,
            "R" if epoch == connection.epoch => (connection.held, connection.bell) = (false, true),
            "K" if epoch == connection.epoch && self.servers[me].retry.is_none() => self.leave(me, at, "end"),
            _ => {}
        }
    }

    /// What stands in the broker is what should.
    pub fn check(&mut self, at: usize) {
        let list = self.command(&["LRANGE", &q(at), "0", "-1"]);
        let list: Vec<_> = (0..list.array().unwrap().len()).map(|at| id(&text(&list, at))).collect();
        let record = self.command(&["HMGET", &n(at), "len", "bytes", "base", "st", "s"]);
        let all = self.command(&["HGET", "{p}:servers", "m"]).integer().unwrap_or_default();
        let end = self.command(&["ZSCORE", &due(), &name(at)]).integer();
        let owners = [Some(self.names[at].server), self.names[at].before.map(|(before, _)| before)];
        let own: Vec<_> = owners
            .into_iter()
            .flatten()
            .map(|me| self.command(&["SISMEMBER", &format!("{{p}}:o:{}", self.servers[me].id), &name(at)]).integer())
            .collect();
        let it = &self.names[at];
        let until = match it.life {
            Life::Away(until) => Some(until as i64),
            _ => None,
        };
        assert_eq!(end, until, "the end of {}: {it:?}", name(at));
        let held = matches!(it.life, Life::Held(_));
        let listed = own.iter().skip(usize::from(!held)).all(|is| *is == Some(1));
        assert!(listed, "{} is among its server's: {it:?}", name(at));
        assert_eq!(list, it.list().collect::<Vec<_>>(), "the list of {}", name(at));
        if it.life != Life::None {
            let (len, bytes, base) = (number(&record, 0), number(&record, 1), number(&record, 2));
            let state = match it.life {
                Life::Away(_) => "off",
                _ if it.waiting => "mv",
                _ => "on",
            };
            let whose = (text(&record, 3), text(&record, 4));
            assert_eq!(whose, (state.to_owned(), self.servers[it.server].id.clone()), "{}: {it:?}", name(at));
            assert_eq!((len, bytes, base), (list.len() as i64, it.bytes(), it.base), "the counts of {}", name(at));
        }
        assert_eq!(all, self.names.iter().map(|it| it.bytes()).sum::<i64>(), "bytes of all lists");
    }
}

fn id(payload: &str) -> u64 {
    payload.split(':').next().and_then(|digits| digits.parse().ok()).expect("one of the messages")
}
