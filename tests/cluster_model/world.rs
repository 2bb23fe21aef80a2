//! Servers that share a broker, as far as the protocols go, and what befalls them. Each step is one command to the broker,
//! or one thing that a server does by itself.

use crate::broker::Broker;
use crate::server::{Connection, Retry, Server};
use crate::witness::{Life, Name, Seen};
use websocket_addin::cluster::resp::Value;
use websocket_addin::cluster::scripts::{self, Script};

pub const LEASE: u64 = 6000;
const MARGIN: u64 = 500;
const NAMES: usize = 4;
pub const SERVERS: usize = 3;
/// Of one list; small, so that it is met.
pub const BOUND: i64 = 600;
/// Of all.
pub const MEMORY: i64 = 1500;
const GRACE: u64 = LEASE;

/// A generator of numbers, the same from run to run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % most.max(1)
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

pub struct World<'a> {
    broker: &'a mut Broker,
    pub random: Random,
    /// In microseconds.
    pub time: u64,
    pub servers: Vec<Server>,
    pub names: Vec<Name>,
    /// The last of the messages and connections.
    last: u64,
    pub seen: Seen,
    /// What has been given up, with its server and name.
    pub past: Vec<(usize, usize, Connection)>,
    /// Answers get lost.
    pub loses: bool,
}

pub fn name(at: usize) -> String {
    format!("name-{at}")
}

pub fn n(at: usize) -> String {
    format!("{{p}}:n:{}", name(at))
}

pub fn q(at: usize) -> String {
    format!("{{p}}:q:{}", name(at))
}

pub fn due() -> String {
    "{p}:due".to_owned()
}

pub fn keys(more: impl IntoIterator<Item = String>) -> Vec<String> {
    ["{p}:servers".to_owned(), "{p}:log".to_owned()].into_iter().chain(more).collect()
}

pub fn number(value: &Value, at: usize) -> i64 {
    let item = value.array().and_then(|items| items.get(at));
    item.and_then(Value::integer).unwrap_or_else(|| panic!("{value:?} has no number at {at}"))
}

pub fn text(value: &Value, at: usize) -> String {
    let item = value.array().and_then(|items| items.get(at)).and_then(Value::bytes);
    String::from_utf8(item.unwrap_or_else(|| panic!("{value:?} has no text at {at}")).to_vec()).unwrap()
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.array().unwrap_or_default();
    (0..items.len()).map(|at| text(value, at)).collect()
}

pub fn at(name: &str) -> usize {
    name.rsplit('-').next().and_then(|digits| digits.parse().ok()).expect("one of the names")
}

impl<'a> World<'a> {
    pub fn new(broker: &'a mut Broker, seed: u64) -> Self {
        broker.call(&[b"FLUSHALL"]);
        // The keys' own ends are by the broker's clock, which must not be the quicker one; whole seconds, so that a seed
        // gives the same world again.
        let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let names = (0..NAMES).map(|_| Name::default()).collect();
        let (random, seen) = (Random(seed), Seen::default());
        let mut world = Self {
            broker,
            random,
            time: (time + 1) * 1_000_000,
            servers: Vec::new(),
            names,
            last: 0,
            seen,
            past: Vec::new(),
            loses: true,
        };
        (0..SERVERS).for_each(|_| world.start());
        world
    }

    pub fn now(&self) -> u64 {
        self.time / 1000
    }

    pub fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// The answer comes only to those whom this says.
    pub fn is_lost(&mut self) -> bool {
        self.loses && self.random.chance(6)
    }

    pub fn run(&mut self, script: &Script, keys: &[String], args: &[String]) -> Value {
        self.time += 1;
        self.broker.run(script, self.time, keys, args)
    }

    pub fn command(&mut self, words: &[&str]) -> Value {
        self.broker.call(&words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>())
    }

    fn lease(&self) -> impl Fn(usize) -> u64 + use<> {
        let leases: Vec<_> = self.servers.iter().map(|server| server.lease).collect();
        move |server| leases[server]
    }

    pub fn exists(&self, at: usize) -> bool {
        self.names[at].exists(self.now(), self.lease())
    }

    // --- servers -------------------------------------------------------------------------------------------------

    pub fn start(&mut self) {
        let id = format!("s{}", self.servers.len());
        self.servers.push(Server::new(id));
        self.join(self.servers.len() - 1);
    }

    pub fn join(&mut self, me: usize) {
        let id = self.servers[me].id.clone();
        let args = [&id, "1", "6000", "info", "gen", &MEMORY.to_string(), "100000000", "1000000000000"];
        let answer = self.run(&scripts::JOIN, &keys([format!("{{p}}:r:{id}")]), &args.map(str::to_owned));
        assert_eq!(number(&answer, 0), 1);
        assert_eq!(text(&answer, 1), "gen");
        let now = self.now();
        let server = &mut self.servers[me];
        server.lease = now + LEASE;
        server.lapses += u64::from(server.buried);
        server.buried = false;
        server.valid = now + LEASE - MARGIN;
        if server.position.is_empty() {
            server.position = text(&answer, 2);
            server.broadcasts = number(&answer, 3) as u64;
        }
    }

    pub fn beat(&mut self, me: usize) {
        let now = self.now();
        let server = &mut self.servers[me];
        server.beaten = now;
        let fenced = server.valid <= now;
        let args = [server.id.clone(), LEASE.to_string(), "info".to_owned(), server.position.clone()];
        let answer = self.run(&scripts::BEAT, &keys([due()]), &args);
        let server = &mut self.servers[me];
        assert_eq!(number(&answer, 0), i64::from(!server.buried), "server {me} is known, or not");
        if !server.buried {
            if server.lease <= now {
                server.lapses += 1;
            }
            server.lease = now + LEASE;
        }
        if self.is_lost() {
            return;
        }
        if self.servers[me].buried {
            self.join(me);
        } else {
            let items = answer.array().unwrap_or_default();
            let lapsed: Vec<_> = texts(&items[4]);
            let expected = self.servers.iter().filter(|server| !server.buried && server.lease <= self.now());
            let mut expected: Vec<_> = expected.map(|server| server.id.clone()).collect();
            let mut found = lapsed.clone();
            expected.sort();
            found.sort();
            assert_eq!(found, expected, "who has lapsed");
            let server = &mut self.servers[me];
            server.lapsed = lapsed;
            server.due = texts(&items[5]);
        }
        // What had passed the fence is asked for first.
        if fenced {
            for at in self.servers[me].names() {
                self.assert(me, at);
            }
        }
        self.servers[me].valid = now + LEASE - MARGIN;
    }

    fn assert(&mut self, me: usize, at: usize) {
        let id = self.servers[me].id.clone();
        let connection = &self.servers[me].connections[&at];
        let (epoch, number_, resume) = (connection.epoch, connection.number, connection.resume);
        let acked = connection.taken;
        let args = [
            id.clone(),
            epoch.to_string(),
            number_.to_string(),
            resume.to_string(),
            "g".into(),
            acked.to_string(),
            name(at),
        ];
        let keys = keys([n(at), q(at), due(), format!("{{p}}:o:{id}")]);
        let answer = self.run(&scripts::ASSERT, &keys, &args);
        let renewed = (number(&answer, 0) == 3).then(|| number(&answer, 1) as u64);
        let answer = number(&answer, 0);
        self.seen.asserted += 1;
        let it = &mut self.names[at];
        let expected = match it.life {
            _ if it.before == Some((me, epoch)) => 2,
            Life::None => 3,
            _ if it.owns(me, epoch) => 1,
            _ => 0,
        };
        assert_eq!(answer, expected, "server {me} asserts {} in epoch {epoch}: {it:?}", name(at));
        let connection = self.servers[me].connections.get_mut(&at).expect("it has it");
        match answer {
            2 => connection.sealed = true,
            // What was in the list has been told as lost.
            3 => {
                connection.outbox.retain(|message| !message.listed);
                connection.fetched = connection.taken;
                connection.held = false;
                connection.epoch = renewed.expect("an epoch");
                *it = Name {
                    life: Life::Held(me),
                    resume,
                    server: me,
                    epoch: renewed,
                    connection: number_,
                    base: acked,
                    ..std::mem::take(it)
                };
            }
            0 => drop(self.servers[me].connections.remove(&at)),
            _ => {}
        }
        self.check(at);
    }

    pub fn die(&mut self, me: usize) {
        self.servers[me].dead = true;
        for at in self.servers[me].names() {
            let connection = self.servers[me].connections.remove(&at).expect("it has it");
            self.past.push((me, at, connection));
        }
        self.servers[me].retry = None;
        self.start();
    }

    /// Closes everybody and goes.
    pub fn stop(&mut self, me: usize) {
        for at in self.servers[me].names() {
            self.leave(me, at, "away");
        }
        if self.servers[me].retry.is_some() {
            return;
        }
        let id = self.servers[me].id.clone();
        let keys = keys([format!("{{p}}:o:{id}"), format!("{{p}}:r:{id}")]);
        let gone = self.run(&scripts::BYE, &keys, &[id]).integer() == Some(1);
        let free = self.servers[me].lapses == 0 && self.servers[me].releasing.is_empty();
        assert!(gone || !free, "server {me} has no names");
        if gone {
            for (at, it) in self.names.iter().enumerate() {
                let has = it.life == Life::Held(me) || it.before.is_some_and(|(before, _)| before == me);
                assert!(!has, "server {me} went with {}: {it:?}", name(at));
            }
            self.servers[me].buried = true;
            self.servers[me].lease = self.now();
            self.die(me);
        }
    }

    pub fn bury(&mut self, me: usize) {
        for id in std::mem::take(&mut self.servers[me].lapsed) {
            let set = format!("{{p}}:o:{id}");
            let all = texts(&self.broker.call(&[b"SMEMBERS", set.as_bytes()]));
            let pairs = all.iter().flat_map(|name| [n(at(name)), q(at(name))]);
            let keys = keys([due(), set.clone()].into_iter().chain(pairs));
            let args: Vec<_> = std::iter::once(id.clone()).chain(all).collect();
            let answer = self.run(&scripts::BURY, &keys, &args).integer();
            let dead = self.servers.iter().position(|server| server.id == id).expect("one of them");
            let lives = self.servers[dead].lease > self.now() && !self.servers[dead].buried;
            assert_eq!(answer, Some(i64::from(!lives)), "server {dead} is buried");
            if lives {
                continue;
            }
            let (now, lease) = (self.now(), self.lease());
            for it in &mut self.names {
                let its = it.life == Life::Held(dead) || it.before.is_some_and(|(before, _)| before == dead);
                if its && it.settle(now, &lease) {
                    self.seen.buried += 1;
                }
            }
            self.servers[dead].buried = true;
            (0..NAMES).for_each(|at| self.check(at));
        }
    }

    pub fn reap(&mut self, me: usize) {
        let mut all = std::mem::take(&mut self.servers[me].due);
        if self.random.chance(30) {
            // As if it had been told of long ago.
            all = (0..NAMES).map(name).collect();
        }
        if all.is_empty() {
            return;
        }
        let keys = keys(std::iter::once(due()).chain(all.iter().flat_map(|name| [n(at(name)), q(at(name))])));
        let id = self.servers[me].id.clone();
        let args: Vec<_> = [id, GRACE.to_string()].into_iter().chain(all.clone()).collect();
        let answer = self.run(&scripts::REAP, &keys, &args);
        let now = self.now();
        for (position, name) in all.iter().enumerate() {
            let lost = number(&answer, position);
            let it = &mut self.names[at(name)];
            let over = match it.life {
                Life::Away(until) => until <= now && (it.server == me || until + GRACE <= now),
                _ => false,
            };
            let expected = if over { it.end() as i64 } else { -1 };
            assert_eq!(lost, expected, "server {me} ends {name}");
            self.seen.lost += lost.max(0) as u64;
        }
        all.iter().for_each(|name| self.check(at(name)));
    }

    // --- names ---------------------------------------------------------------------------------------------------

    pub fn claim(&mut self, me: usize, at: usize) {
        let resume = 1000 * (3 + self.random.below(15) as u64);
        let connection = self.next();
        self.claim_as(me, at, connection, resume);
    }

    pub fn claim_as(&mut self, me: usize, at: usize, connection: u64, resume: u64) {
        let id = self.servers[me].id.clone();
        let args = [id.clone(), connection.to_string(), resume.to_string(), "g".to_owned(), name(at)];
        let answer = self.run(&scripts::CLAIM, &keys([n(at), q(at), due(), format!("{{p}}:o:{id}")]), &args);
        let (now, lease) = (self.now(), self.lease());
        if self.servers[me].buried || self.servers[me].lease <= now {
            assert_eq!(number(&answer, 0), 0, "a dead server takes nothing");
            // An earlier try may have been carried out: it is said again until it is known.
            self.servers[me].retry = Some(Retry::Claim { at, connection, resume });
            return self.beat(me);
        }
        let it = &self.names[at];
        if let Some((_, epoch)) = it.before.filter(|before| before.0 == me && it.before_connection == connection) {
            assert_eq!((number(&answer, 0), number(&answer, 1) as u64), (2, epoch), "{}: {it:?}", name(at));
            self.passed(me, at, Connection::new(connection, epoch, resume, true), number(&answer, 2) as u64);
            return;
        }
        assert_eq!(number(&answer, 0), 1);
        let (epoch, inherited) = (number(&answer, 1) as u64, number(&answer, 11) as u64);
        let existed = self.exists(at);
        let it = &mut self.names[at];
        let repeated = it.life == Life::Held(me) && it.connection == connection;
        if repeated {
            assert_eq!(Some(epoch), it.epoch, "a repeat changes nothing");
        } else {
            let lost = if existed { 0 } else { it.end() };
            assert_eq!(number(&answer, 6), lost as i64, "what nobody will get");
            self.seen.lost += lost as u64;
            if existed {
                it.settle(now, lease);
                match it.life {
                    Life::Held(other) if other != me && !it.waiting => {
                        it.before = it.epoch.map(|epoch| (other, epoch));
                        it.before_connection = it.connection;
                        self.seen.taken_over += 1;
                    }
                    Life::Held(other) if other != me => self.seen.passed_over += 1,
                    Life::Away(_) => self.seen.resumed += 1,
                    _ => {}
                }
                // One's own takes over within the server.
                it.waiting = it.before.is_some();
            } else {
                it.position = Some(String::new());
            }
            it.life = Life::Held(me);
            (it.server, it.epoch, it.connection, it.resume) = (me, Some(epoch), connection, resume);
        }
        assert_eq!(text(&answer, 2), if it.waiting { "mv" } else { "on" }, "{}: {it:?}", name(at));
        assert_eq!(number(&answer, 4), it.list().count() as i64, "{}", name(at));
        assert_eq!(number(&answer, 5), it.bytes(), "{}", name(at));
        if let Some(position) = &it.position {
            assert_eq!(&text(&answer, 8), position, "where the session of {} stands", name(at));
        }
        let waiting = it.waiting;
        self.check(at);
        if self.is_lost() {
            self.servers[me].retry = Some(Retry::Claim { at, connection, resume });
            return;
        }
        let server = &mut self.servers[me];
        let local = server.connections.remove(&at);
        let mut new = Connection::new(connection, epoch, resume, waiting);
        match local {
            // The one before was of this server: what it had goes along.
            Some(old) if old.epoch == inherited => {
                self.names[at].hand_over(me, old.epoch, epoch);
                new = Connection { number: connection, epoch, resume, bell: true, held: false, ..old };
            }
            Some(old) => server.releasing.push((at, old)),
            None => {}
        }
        if let Some((taken, released)) = server.early.remove(&at) {
            new.sealed |= taken > epoch;
            new.held &= released != epoch;
        }
        server.connections.insert(at, new);
    }

    /// The answer to a claim came too late: somebody else has the name. What is left is to be released.
    fn passed(&mut self, me: usize, at: usize, mut new: Connection, inherited: u64) {
        let server = &mut self.servers[me];
        server.early.remove(&at);
        if let Some(old) = server.connections.remove(&at) {
            if old.epoch == inherited {
                self.names[at].hand_over(me, old.epoch, new.epoch);
                new = Connection { number: new.number, epoch: new.epoch, held: false, ..old };
            } else {
                server.releasing.push((at, old));
            }
        }
        self.servers[me].releasing.push((at, new));
    }
}
