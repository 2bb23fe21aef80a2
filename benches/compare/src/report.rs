//! Medians, the tables, JSON and the plot.

use crate::load::Case;
use plotters::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// One measurement of one program in one case.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub rate: f64,
    pub cpu_us: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    pub p999_us: f64,
}

/// All samples, by case and program; the same place in two lists is the same round.
#[derive(Default)]
pub struct Results {
    pub samples: BTreeMap<(usize, usize), Vec<Option<Sample>>>,
    /// Bytes of the process per idle connection.
    pub idle: BTreeMap<usize, f64>,
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

impl Results {
    fn all(&self, case: usize, program: usize, of: impl Fn(&Sample) -> f64) -> Vec<f64> {
        let samples = self.samples.get(&(case, program)).map(Vec::as_slice).unwrap_or_default();
        samples.iter().flatten().map(of).collect()
    }

    /// CPU per message over that of `base` in the same round.
    pub fn ratios(&self, case: usize, program: usize, base: usize) -> Vec<f64> {
        let of = |program| self.samples.get(&(case, program)).map(Vec::as_slice).unwrap_or_default();
        let pairs = of(program).iter().zip(of(base));
        pairs.filter_map(|(one, other)| Some(one.as_ref()?.cpu_us / other.as_ref()?.cpu_us)).collect()
    }

    pub fn print(&self, cases: &[Case], programs: &[String], base: impl Fn(usize) -> usize) {
        for (at, case) in cases.iter().enumerate() {
            println!(
                "\n### {} ({} connections × {} in flight × {} B)\n",
                case.name, case.connections, case.window, case.size
            );
            println!(
                "| program | messages/s | p50 µs | p99 µs | p99.9 µs | CPU µs/message | CPU against plain TCP (95 %) | rounds |"
            );
            println!("|---|---:|---:|---:|---:|---:|---:|---:|");
            for (number, program) in programs.iter().enumerate() {
                let column = |of: fn(&Sample) -> f64| median(self.all(at, number, of));
                let (Some(rate), Some(cpu)) = (column(|sample| sample.rate), column(|sample| sample.cpu_us)) else {
                    continue;
                };
                let ratios = self.ratios(at, number, base(number));
                let rounds = ratios.len();
                let (low, high) = interval(ratios.clone()).unwrap_or((f64::NAN, f64::NAN));
                println!(
                    "| {program} | {rate:.0} | {:.1} | {:.1} | {:.1} | {cpu:.3} | {:.2} ({low:.2}–{high:.2}) | {rounds} |",
                    column(|sample| sample.p50_us).unwrap_or(f64::NAN),
                    column(|sample| sample.p99_us).unwrap_or(f64::NAN),
                    column(|sample| sample.p999_us).unwrap_or(f64::NAN),
                    median(ratios).unwrap_or(f64::NAN),
                );
            }
        }
        if !self.idle.is_empty() {
            println!("\n### Idle connections\n\n| program | memory of the process, KiB a connection |\n|---|---:|");
            for (program, bytes) in &self.idle {
                println!("| {} | {:.2} |", programs[*program], bytes / 1024.0);
            }
        }
    }

    pub fn json(&self, cases: &[Case], programs: &[String], base: impl Fn(usize) -> usize) -> Value {
        let mut rows = Vec::new();
        for ((at, number), samples) in &self.samples {
            let list = |of: fn(&Sample) -> f64| samples.iter().flatten().map(of).collect::<Vec<_>>();
            rows.push(json!({
                "case": cases[*at].name, "program": programs[*number],
                "messages_per_second": list(|sample| sample.rate), "cpu_us_per_message": list(|sample| sample.cpu_us),
                "p50_us": list(|sample| sample.p50_us), "p99_us": list(|sample| sample.p99_us),
                "p999_us": list(|sample| sample.p999_us),
                "cpu_against_tcp": self.ratios(*at, *number, base(*number)),
            }));
        }
        let idle = self.idle.iter().map(|(program, bytes)| (programs[*program].clone(), json!(bytes)));
        json!({ "results": rows, "idle_bytes_per_connection": idle.collect::<serde_json::Map<_, _>>() })
    }

    /// Bars of CPU against plain TCP, on a logarithmic scale, a panel a case.
    pub fn plot(
        &self,
        file: &Path,
        cases: &[Case],
        programs: &[String],
        base: impl Fn(usize) -> usize,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let panels: Vec<usize> =
            (0..cases.len()).filter(|at| self.samples.keys().any(|(case, _)| case == at)).collect();
        let (columns, rows) = (2, panels.len().div_ceil(2).max(1));
        let size = (1200, 40 + rows as u32 * (60 + 22 * programs.len() as u32));
        let root = SVGBackend::new(file, size).into_drawing_area();
        root.fill(&WHITE)?;
        let root = root.titled("CPU of the server per message, against a plain TCP echo", ("sans-serif", 22))?;
        for (area, at) in root.split_evenly((rows, columns)).iter().zip(panels) {
            let bars: Vec<(usize, f64)> = (0..programs.len())
                .filter_map(|number| Some((number, median(self.ratios(at, number, base(number)))?)))
                .collect();
            let most = bars.iter().map(|(_, ratio)| *ratio).fold(2.0, f64::max);
            let mut chart = ChartBuilder::on(area)
                .caption(cases[at].name, ("sans-serif", 16))
                .margin(8)
                .x_label_area_size(24)
                .y_label_area_size(170)
                .build_cartesian_2d((0.5..most * 1.6).log_scale(), (0..bars.len()).into_segmented())?;
            let name = |place: &SegmentValue<usize>| match place {
                SegmentValue::CenterOf(at) | SegmentValue::Exact(at) => bars
                    .get(bars.len().wrapping_sub(at + 1))
                    .map_or(String::new(), |(number, _)| programs[*number].clone()),
                SegmentValue::Last => String::new(),
            };
            chart.configure_mesh().disable_y_mesh().y_labels(bars.len()).y_label_formatter(&name).draw()?;
            for (place, (number, ratio)) in bars.iter().rev().enumerate() {
                let ours = programs[*number].starts_with("ours");
                let color = if ours { RGBColor(0xd6, 0x45, 0x27) } else { RGBColor(0x5b, 0x8d, 0xb8) };
                let mut bar = Rectangle::new(
                    [(0.5, SegmentValue::Exact(place)), (*ratio, SegmentValue::Exact(place + 1))],
                    color.filled(),
                );
                bar.set_margin(3, 3, 0, 0);
                chart.draw_series([bar])?;
                let label =
                    Text::new(format!(" {ratio:.2}"), (*ratio, SegmentValue::CenterOf(place)), ("sans-serif", 12));
                chart.draw_series([label])?;
            }
        }
        root.present()?;
        Ok(())
    }
}
