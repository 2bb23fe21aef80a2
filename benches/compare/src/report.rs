//! Medians, the tables and JSON.

use crate::load::Case;
use crate::plan::{Plan, close_run};
use crate::plot;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// One measurement of one program in one case.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub rate: f64,
    pub cpu_us: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    pub p999_us: f64,
    /// CPUs that the program kept busy, and that the load generator did: it has one thread, so at 1 it is the limit.
    pub busy: f64,
    pub generator_busy: f64,
}

/// Silent connections of one program.
#[derive(Clone, Copy, Debug)]
pub struct Idle {
    /// Of the process, for each connection.
    pub bytes: f64,
    /// From the start until all were connected and had their first answers.
    pub seconds: f64,
}

/// What came of each try, or why nothing did; the same place in two lists is the same round.
#[derive(Default)]
pub struct Results {
    samples: BTreeMap<(usize, usize), Vec<Result<Sample, String>>>,
    pub instructions: BTreeMap<(usize, usize), f64>,
    pub idle: BTreeMap<usize, Result<Idle, String>>,
}

pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        length if length % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

/// The interval of the median at 95 %, from the ranks: for `n` values those at n/2 ∓ 0.98·√n.
fn interval(mut values: Vec<f64>) -> Option<(f64, f64)> {
    values.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    let low = (n / 2.0 - 0.98 * n.sqrt()).floor().max(0.0) as usize;
    let high = ((n / 2.0 + 0.98 * n.sqrt()).ceil() as usize).min(values.len().checked_sub(1)?);
    Some((values[low], values[high]))
}

const HEAD: [&str; 10] = [
    "program",
    "messages/s",
    "p50 µs",
    "p99 µs",
    "p99.9 µs",
    "CPU µs/message",
    "CPU against plain TCP (95 %)",
    "CPUs busy",
    "generator",
    "rounds",
];

impl Results {
    pub fn add(&mut self, case: usize, program: usize, sample: Result<Sample, String>) {
        self.samples.entry((case, program)).or_default().push(sample);
    }

    /// Whether it has failed twice and never worked: it would cost the time limit in every round.
    pub fn is_hopeless(&self, case: usize, program: usize) -> bool {
        let tries = self.tries(case, program);
        tries.len() >= 2 && tries.iter().all(Result::is_err)
    }

    fn tries(&self, case: usize, program: usize) -> &[Result<Sample, String>] {
        self.samples.get(&(case, program)).map(Vec::as_slice).unwrap_or_default()
    }

    fn all(&self, case: usize, program: usize, of: impl Fn(&Sample) -> f64) -> Vec<f64> {
        self.tries(case, program).iter().flatten().map(of).collect()
    }

    /// CPU per message over that of `base` in the same round.
    pub fn ratios(&self, case: usize, program: usize, base: usize) -> Vec<f64> {
        let pairs = self.tries(case, program).iter().zip(self.tries(case, base));
        pairs.filter_map(|(one, other)| Some(one.as_ref().ok()?.cpu_us / other.as_ref().ok()?.cpu_us)).collect()
    }

    pub fn print(&self, plan: &Plan) {
        for (at, case) in plan.cases.iter().enumerate() {
            println!(
                "\n### {} (connections: {}, in flight on each: {}, bytes: {})\n",
                case.name, case.connections, case.window, case.size
            );
            let counted = self.instructions.keys().any(|(case, _)| *case == at);
            let more = if counted { " instructions/message |" } else { "" };
            println!(
                "| {} |{more}\n|---|{}{}",
                HEAD.join(" | "),
                "---:|".repeat(HEAD.len() - 1),
                if counted { "---:|" } else { "" }
            );
            let mut failures = Vec::new();
            for (number, program) in plan.programs.iter().enumerate() {
                let mut row = self.row(plan, at, number);
                if counted {
                    let count = self.instructions.get(&(at, number));
                    row.push(count.map_or("–".to_owned(), |count| format!("{count:.0}")));
                }
                println!("| {} | {} |", program.name, row.join(" | "));
                if let Some(reason) = self.tries(at, number).iter().find_map(|sample| sample.as_ref().err()) {
                    failures.push(format!("{}: {reason}", program.name));
                }
            }
            for failure in failures {
                println!("\n– {failure}");
            }
        }
    }

    /// The cells behind the program's name.
    fn row(&self, plan: &Plan, case: usize, program: usize) -> Vec<String> {
        let cell = |of: fn(&Sample) -> f64, digits: usize| {
            median(self.all(case, program, of)).map_or("–".to_owned(), |value| format!("{value:.digits$}"))
        };
        let ratios = self.ratios(case, program, plan.base(program));
        let ratio = match (median(ratios.clone()), interval(ratios.clone())) {
            (Some(ratio), Some((low, high))) => format!("{ratio:.2} ({low:.2}–{high:.2})"),
            _ => "–".to_owned(),
        };
        vec![
            cell(|sample| sample.rate, 0),
            cell(|sample| sample.p50_us, 1),
            cell(|sample| sample.p99_us, 1),
            cell(|sample| sample.p999_us, 1),
            cell(|sample| sample.cpu_us, 3),
            ratio,
            cell(|sample| sample.busy, 2),
            cell(|sample| sample.generator_busy, 2),
            self.all(case, program, |sample| sample.rate).len().to_string(),
        ]
    }

    pub fn print_idle_head(&self, connections: usize) {
        println!("\n### {connections} silent connections\n");
        println!("| program | memory of the process, KiB a connection | seconds to have them |\n|---|---:|---:|");
    }

    pub fn print_idle(&self, program: &str, outcome: &Result<Idle, String>) {
        match outcome {
            Ok(idle) => println!("| {program} | {:.2} | {:.1} |", idle.bytes / 1024.0, idle.seconds),
            Err(reason) => println!("| {program} | – ({reason}) | – |"),
        }
    }

    /// `compare.json` and `compare.svg`, with what is known by now.
    pub fn write(&self, plan: &Plan) -> Result<(), Box<dyn std::error::Error>> {
        std::fs::write(plan.output.join("compare.json"), serde_json::to_string_pretty(&self.json(plan))?)?;
        plot::draw(&plan.output.join("compare.svg"), plan, self)
    }

    fn json(&self, plan: &Plan) -> Value {
        let mut rows = Vec::new();
        for ((at, number), samples) in &self.samples {
            let list = |of: fn(&Sample) -> f64| samples.iter().flatten().map(of).collect::<Vec<_>>();
            let Case { name, connections, window, size } = plan.cases[*at];
            rows.push(json!({
                "case": name, "connections": connections, "in_flight": window, "bytes": size,
                "program": plan.programs[*number].name, "against": plan.programs[plan.base(*number)].name,
                "messages_per_second": list(|sample| sample.rate), "cpu_us_per_message": list(|sample| sample.cpu_us),
                "p50_us": list(|sample| sample.p50_us), "p99_us": list(|sample| sample.p99_us),
                "p999_us": list(|sample| sample.p999_us),
                "cpus_busy": list(|sample| sample.busy), "generator_busy": list(|sample| sample.generator_busy),
                "cpu_against_tcp": self.ratios(*at, *number, plan.base(*number)),
                "instructions_per_message": self.instructions.get(&(*at, *number)),
                "failures": samples.iter().filter_map(|sample| sample.as_ref().err()).collect::<Vec<_>>(),
            }));
        }
        let idle = self.idle.iter().map(|(program, outcome)| {
            let value = match outcome {
                Ok(idle) => json!({ "bytes_per_connection": idle.bytes, "seconds": idle.seconds }),
                Err(reason) => json!({ "failure": reason }),
            };
            (plan.programs[*program].name.clone(), value)
        });
        let pairs = plan.cases.iter().filter(|case| close_run(case)).map(|case| plan.rounds_of(case)).max();
        json!({
            "rounds": plan.rounds, "pairs_at_64_x_1": pairs, "seconds_each": plan.time.as_secs_f64(),
            "results": rows,
            "idle": { "connections": plan.idle, "programs": idle.collect::<Map<_, _>>() },
        })
    }
}
