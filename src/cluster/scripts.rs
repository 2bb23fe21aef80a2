//! The scripts that run in the broker: each is one step of the protocols, whole or not at all.
//!
//! Every key that a script touches is declared, nothing newer than Redis 5.0 is used, and the only clock is the broker's.

#[cfg(test)]
mod tests;

/// A script, without what stands in front of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Script {
    pub name: &'static str,
    body: &'static str,
}

/// How the broker's time is asked for.
pub const CLOCK: &str = include_str!("scripts/clock.lua");
const COMMON: &str = include_str!("scripts/common.lua");

macro_rules! scripts {
    ($($constant:ident $name:literal;)*) => {
        $(pub const $constant: Script = Script { name: $name, body: include_str!(concat!("scripts/", $name, ".lua")) };)*

        /// Every script.
        pub const ALL: &[Script] = &[$($constant),*];
    };
}

scripts! {
    ASSERT "assert";
    BEAT "beat";
    BROADCAST "broadcast";
    BURY "bury";
    BYE "bye";
    CLAIM "claim";
    FETCH "fetch";
    INFO "info";
    JOIN "join";
    KICK "kick";
    LEAVE "leave";
    PUSH "push";
    REAP "reap";
    SEND "send";
}

impl Script {
    /// What the broker loads. `clock` is [`CLOCK`], but where a test has a time of its own.
    pub fn text(&self, clock: &str) -> String {
        [clock, COMMON, self.body].join("\n")
    }
}
