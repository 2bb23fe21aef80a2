//! The tables, JSON and the plot.

use crate::load::Case;
use crate::plan::{Plan, close_run};
use crate::plot;
use crate::results::{Idle, Results, Sample, interval, median};
use serde_json::{Map, Value, json};

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
