//! What was measured, and its figures.

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
    pub samples: BTreeMap<(usize, usize), Vec<Result<Sample, String>>>,
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
pub fn interval(mut values: Vec<f64>) -> Option<(f64, f64)> {
    values.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    let low = (n / 2.0 - 0.98 * n.sqrt()).floor().max(0.0) as usize;
    let high = ((n / 2.0 + 0.98 * n.sqrt()).ceil() as usize).min(values.len().checked_sub(1)?);
    Some((values[low], values[high]))
}

impl Results {
    pub fn add(&mut self, case: usize, program: usize, sample: Result<Sample, String>) {
        self.samples.entry((case, program)).or_default().push(sample);
    }

    /// Whether it has failed twice and never worked: it would cost the time limit in every round.
    pub fn is_hopeless(&self, case: usize, program: usize) -> bool {
        let tries = self.tries(case, program);
        tries.len() >= 2 && tries.iter().all(Result::is_err)
    }

    pub fn tries(&self, case: usize, program: usize) -> &[Result<Sample, String>] {
        self.samples.get(&(case, program)).map(Vec::as_slice).unwrap_or_default()
    }

    pub fn all(&self, case: usize, program: usize, of: impl Fn(&Sample) -> f64) -> Vec<f64> {
        self.tries(case, program).iter().flatten().map(of).collect()
    }

    /// CPU per message over that of `base` in the same round.
    pub fn ratios(&self, case: usize, program: usize, base: usize) -> Vec<f64> {
        let pairs = self.tries(case, program).iter().zip(self.tries(case, base));
        pairs.filter_map(|(one, other)| Some(one.as_ref().ok()?.cpu_us / other.as_ref().ok()?.cpu_us)).collect()
    }
}
