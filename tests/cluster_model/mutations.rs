//! Scripts that are broken on purpose: the model notices each.

use crate::broker::Broker;
use crate::{WORLDS, run};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What is replaced in which script by what.
const MUTATIONS: &[(&str, &str, &str)] = &[
    ("send", "redis.call('RPUSH', q, message)", "redis.call('LPUSH', q, message)"),
    ("send", "    return outcome\nend\nlocal record", "end\nlocal record"),
    ("send", "or ended(record)", ""),
    ("send", "    ring(record, name)\n", "\n"),
    ("fetch", "record.s ~= me or digits(record.e) ~= epoch or", ""),
    ("fetch", "or record.st ~= 'on'", ""),
    ("claim", "record.o, record.oe, record.st = record.s, record.e, 'mv'", ""),
    ("claim", "record.o and 'mv' or 'on'", "'on'"),
    ("claim", "if not alive(me) then", "if false then"),
    ("claim", "record.s == me and record.c == connection and", "record.s == me and"),
    ("claim", "record.e + 1 or 0, micros", "record.e or 0, 0"),
    ("leave", "for i = #ARGV, 11, -1 do", "for i = 11, #ARGV do"),
    ("leave", "if held == '1' or owns and record.st == 'mv' then", "if false then"),
    ("leave", "take(record, q, tonumber(fetched) - record.base)", ""),
    ("leave", "if record.st == 'mv' then\n        release", "if true then\n        release"),
    ("leave", "'off', now + record.rt, record.e + 1, tag", "'off', now + record.rt, record.e, tag"),
    ("leave", "record.o ~= me and (record.s ~= me or record.st == 'off')", "true"),
    ("leave", "redis.call('SREM', mine, name)\nend\nreturn", "end\nreturn"),
    ("bury", "if alive(dead) then", "if false then"),
    ("bury", "            leave_off(record, n, q, due, name)", ""),
    ("bury", "            release(record, name)", ""),
    ("bury", "if waited then", "if false then"),
    ("reap", "and ended(record)", ""),
    ("reap", "or record.un + grace <= now", ""),
    ("reap", "digits(-record.bytes)", "0"),
    ("beat", "'l:' .. me, digits(now + ms)", "'l:' .. me, now"),
    ("assert", "tonumber(epoch) <= record.e", "false"),
    ("broadcast", "redis.call('HSET', ring_key, 'n', number,", "redis.call('HSET', ring_key,"),
    ("kick", "or ended(record)", ""),
];

#[test]
fn each_broken_script_is_noticed() {
    let mut missed = Vec::new();
    for (at, (name, what, by)) in MUTATIONS.iter().enumerate() {
        let mut broker = Broker::start(&format!("mutated-{at}"), |script, text| {
            if script.name != *name {
                return text;
            }
            assert!(text.contains(what), "{name} has no {what}");
            text.replace(what, by)
        });
        let noticed = (0..WORLDS).find(|seed| catch_unwind(AssertUnwindSafe(|| run(&mut broker, *seed))).is_err());
        println!("MUTATION {name}: {what} → {by}: {noticed:?}");
        if noticed.is_none() {
            missed.push((name, what));
        }
    }
    assert!(missed.is_empty(), "not noticed: {missed:?}");
}
