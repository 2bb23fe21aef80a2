//! The scripts of the cluster in a real broker against a model in plain Rust: servers that come, die, freeze beyond their
//! leases and lose answers take their steps in a random order. A name has one owner; what is sent to it is handed to a
//! kernel once and in order, twice only where a server was cut off before it could acknowledge, and what nobody will get
//! is counted.
//!
//! Each world has a seed, which is printed where it breaks (`WSADDIN_CLUSTER_SEED` repeats it); with `WSADDIN_LONG=1`, as
//! `tests/run --long` sets it, there are many more. `WSADDIN_REDIS_SERVER` names another broker, for instance Valkey's.
#![cfg(unix)]

mod broker;
mod messages;
mod mutations;
mod server;
mod witness;
mod world;

use broker::Broker;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use witness::{Life, Seen};
use world::{SERVERS, World};

const STEPS: usize = 700;
const WORLDS: u64 = 40;

/// Something happens.
fn step(world: &mut World<'_>) {
    world.time += match world.random.below(200) {
        0 => 1000 * world.random.below(9000) as u64,
        _ => 1000 * world.random.below(120) as u64,
    };
    let living: Vec<_> = (0..world.servers.len()).filter(|me| !world.servers[*me].dead).collect();
    for me in &living {
        let now = world.now();
        let server = &mut world.servers[*me];
        // Its timer, but where it stands still.
        if !server.frozen && server.retry.is_none() && now >= server.beaten + world::LEASE / 3 {
            world.beat(*me);
        }
    }
    let me = living[world.random.below(living.len())];
    let at = world.random.below(world.names.len());
    if world.servers[me].frozen {
        world.servers[me].frozen = !world.random.chance(4);
        return;
    }
    if world.servers[me].retry.is_some() {
        // What its kernels have been given they take, whatever the broker does.
        return if world.random.chance(50) { world.write(me, at) } else { world.retry(me) };
    }
    if world.servers[me].connections.get(&at).is_some_and(|connection| connection.sealed) {
        return world.leave(me, at, "away");
    }
    let bell = world.servers[me].connections.get(&at).is_some_and(|connection| connection.bell && !connection.held);
    match world.random.below(1000) {
        0..40 => world.claim(me, at),
        40..60 => world.write(me, at),
        60..80 => world.leave(me, at, "away"),
        80..83 => world.leave(me, at, "end"),
        83..350 => world.send(me, at),
        350..380 => world.send_here(me, at),
        380..550 if bell => world.fetch(me, at),
        380..560 => world.tail(me, 3),
        560..780 => (0..3).for_each(|_| world.write(me, at)),
        780..790 => world.fetch(me, at),
        790..900 => world.tail(me, 100),
        900..920 => world.release(me),
        920..935 => world.bury(me),
        935..960 => world.reap(me),
        960..980 => world.broadcast(me),
        980..985 => world.kick(me, at),
        985..990 => world.die(me),
        990..993 => world.stop(me),
        993..997 => world.late(),
        _ => world.servers[me].frozen = true,
    }
}

/// Fetches and writes until there is nothing.
fn drain(world: &mut World<'_>, me: usize, at: usize) {
    let rings = |world: &World<'_>| {
        let connection = world.servers[me].connections.get(&at);
        connection.is_some_and(|connection| !connection.held && (connection.bell || !connection.outbox.is_empty()))
    };
    // Past the fence nothing is written.
    for _ in 0..100 {
        if !rings(world) {
            break;
        }
        world.fetch(me, at);
        (0..10).for_each(|_| world.write(me, at));
    }
}

/// Everybody has time to do what is to be done: then nothing is left.
fn settle(world: &mut World<'_>) {
    world.loses = false;
    for _ in 0..12 {
        world.time += 2_100_000;
        for me in 0..world.servers.len() {
            if world.servers[me].dead {
                continue;
            }
            world.servers[me].frozen = false;
            world.beat(me);
            world.retry(me);
            world.tail(me, 10_000);
            world.bury(me);
            world.release(me);
            for at in world.servers[me].names() {
                if world.servers[me].connections[&at].sealed {
                    world.leave(me, at, "away");
                    continue;
                }
                drain(world, me, at);
            }
        }
    }
    for at in 0..world.names.len() {
        let it = &world.names[at];
        let waits = it.waiting || it.before.is_some();
        assert!(!waits, "nobody is waited for for ever: {it:?}");
        match it.life {
            Life::Held(server) => {
                assert!(!world.servers[server].dead, "the dead are buried: {it:?}");
                assert_eq!(it.expected.len(), 0, "all is delivered: {it:?}, {:?}", world.servers[server].connections);
            }
            Life::Away(_) => {
                let me = world.servers.iter().position(|server| !server.dead).expect("one lives");
                world.claim(me, at);
                world.servers[me].connections.get_mut(&at).expect("it has it").held = false;
                drain(world, me, at);
                assert_eq!(world.names[at].expected.len(), 0, "all is delivered: {:?}", world.names[at]);
            }
            Life::None => {}
        }
    }
    // Whoever is absent for good is ended.
    let me = world.servers.iter().position(|server| !server.dead).expect("one lives");
    for at in world.servers[me].names() {
        world.leave(me, at, "away");
    }
    for _ in 0..20 {
        world.time += 2_100_000;
        for me in 0..world.servers.len() {
            if !world.servers[me].dead {
                world.beat(me);
                world.reap(me);
            }
        }
    }
    for it in &world.names {
        assert!(!matches!(it.life, Life::Away(_)), "it has ended: {it:?}");
    }
}

fn run(broker: &mut Broker, seed: u64) -> Seen {
    let mut world = World::new(broker, seed);
    (0..STEPS).for_each(|_| step(&mut world));
    settle(&mut world);
    assert!(world.servers.iter().filter(|server| !server.dead).count() == SERVERS);
    std::mem::take(&mut world.seen)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable}={text}: a number")))
}

#[test]
fn the_scripts_do_what_the_model_does() {
    let mut broker = Broker::start("model", |_, text| text);
    let long = std::env::var("WSADDIN_LONG").is_ok_and(|value| value == "1");
    let seeds = match number("WSADDIN_CLUSTER_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..if long { 50 * WORLDS } else { WORLDS },
    };
    let worlds = seeds.end - seeds.start;
    let mut seen = Seen::default();
    for seed in seeds {
        match catch_unwind(AssertUnwindSafe(|| run(&mut broker, seed))) {
            Ok(one) => seen.add(&one),
            Err(panic) => {
                eprintln!("this world has the seed {seed}: WSADDIN_CLUSTER_SEED={seed}");
                resume_unwind(panic);
            }
        }
    }
    println!("{worlds} worlds of {STEPS} steps: {seen:?}");
    assert!(worlds == 1 || seen.counts().iter().all(|count| *count > 0), "not all was met: {seen:?}");
}
