//! What is measured: the cases, and what the command line says of programs and numbers.

use crate::load::{Case, Speech};
use std::path::PathBuf;
use std::time::Duration;

pub const CASES: &[Case] = &[
    Case { name: "64 × 1 × 64 B", connections: 64, window: 1, size: 64 },
    Case { name: "8 × 32 × 64 B", connections: 8, window: 32, size: 64 },
    Case { name: "64 × 1 × 1 KiB", connections: 64, window: 1, size: 1024 },
    Case { name: "4 × 4 × 64 KiB", connections: 4, window: 4, size: 64 * 1024 },
    Case { name: "1 × 1 × 64 B", connections: 1, window: 1, size: 64 },
    Case { name: "1 × 4 × 1 MiB", connections: 1, window: 4, size: 1024 * 1024 },
];

pub struct Program {
    pub name: String,
    pub command: Vec<String>,
    pub speech: Speech,
    /// It connects to us.
    pub connects: bool,
}

pub struct Plan {
    pub programs: Vec<Program>,
    pub cases: Vec<Case>,
    pub rounds: usize,
    /// Rounds of the cases with one message in flight on many connections, where the programs hardly differ.
    pub pairs: usize,
    pub time: Duration,
    /// Connections that say nothing, and how long it may take to have them.
    pub idle: usize,
    pub idle_limit: Duration,
    pub output: PathBuf,
    /// Instructions are counted, too.
    pub instructions: bool,
}

impl Program {
    /// It is interpreted, or compiled while it runs: counting its instructions takes minutes and says little.
    pub fn is_script(&self) -> bool {
        let program = self.command.first().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        ["node", "python"].iter().any(|name| program.starts_with(name))
    }
}

impl Plan {
    /// `--rounds N --pairs N --time MS --idle N --idle-limit S --instructions yes --cases A,B --output DIR` and, for each
    /// program, `NAME=COMMAND ARGUMENTS…` as one argument after `--plain`, `--server`, `--secure` (a server under TLS),
    /// or with `-client` for one that connects to us.
    pub fn read() -> Result<Self, Box<dyn std::error::Error>> {
        use lexopt::prelude::*;
        let mut plan = Self {
            programs: Vec::new(),
            cases: CASES.to_vec(),
            rounds: 5,
            pairs: 0,
            time: Duration::from_millis(1000),
            idle: 0,
            idle_limit: Duration::from_secs(120),
            output: PathBuf::from("."),
            instructions: false,
        };
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            let Long(name) = argument else { return Err(argument.unexpected().into()) };
            let name = name.to_owned();
            let value = parser.value()?.string()?;
            match name.as_str() {
                "rounds" => plan.rounds = value.parse()?,
                "pairs" => plan.pairs = value.parse()?,
                "time" => plan.time = Duration::from_millis(value.parse()?),
                "idle" => plan.idle = value.parse()?,
                "idle-limit" => plan.idle_limit = Duration::from_secs(value.parse()?),
                "output" => plan.output = value.into(),
                "instructions" => plan.instructions = value == "yes",
                "cases" => plan.choose(&value)?,
                "plain" | "server" | "secure" | "plain-client" | "client" => {
                    let (program, command) = value.split_once('=').ok_or("a program is NAME=COMMAND")?;
                    plan.programs.push(Program {
                        name: program.to_owned(),
                        command: command.split_whitespace().map(str::to_owned).collect(),
                        speech: match name.as_str() {
                            "server" => Speech::Client,
                            "secure" => Speech::SecureClient,
                            "client" => Speech::Server,
                            _ => Speech::Plain,
                        },
                        connects: name.ends_with("client"),
                    });
                }
                _ => return Err(format!("unknown option --{name}").into()),
            }
        }
        Ok(plan)
    }

    /// Takes the cases by their names, with `x` or `×`.
    fn choose(&mut self, names: &str) -> Result<(), String> {
        let mut chosen = Vec::new();
        for name in names.split(',').map(|name| name.trim().replace('x', "×")).filter(|name| !name.is_empty()) {
            match CASES.iter().find(|case| case.name.replace(' ', "") == name.replace(' ', "")) {
                Some(case) => chosen.push(*case),
                None => return Err(format!("no case is called {name}; there are {}", names_of(CASES))),
            }
        }
        self.cases = chosen;
        Ok(())
    }

    pub fn rounds_of(&self, case: &Case) -> usize {
        if close_run(case) { self.rounds.max(self.pairs) } else { self.rounds }
    }

    /// The program that gives the limit for this one: it does the same without WebSocket.
    pub fn base(&self, number: usize) -> usize {
        let connects = self.programs[number].connects;
        let plain = |program: &Program| program.speech == Speech::Plain && program.connects == connects;
        self.programs.iter().position(plain).unwrap_or(number)
    }
}

/// Where system calls are nearly all of the cost, so that programs differ by less than a round's noise.
pub fn close_run(case: &Case) -> bool {
    case.connections == 64 && case.window == 1
}

fn names_of(cases: &[Case]) -> String {
    cases.iter().map(|case| format!("«{}»", case.name)).collect::<Vec<_>>().join(", ")
}
