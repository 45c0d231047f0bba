//! Calibration: a logistic regression makes a probability from simulated courses and rates, and an isotonic one moves it to the
//! share of such forecasts that came true.

use super::isotonic::{Isotonic, Judged};

/// The inputs of a calibration, all as log odds, 0 where they do not apply: the usual rate, if the cluster was red within the
/// last day; the simulated courses or the usual rate, whichever is higher, if it was not; the simulated courses if it was, but is
/// not red now; the simulated courses if it is red now; and the same hours of earlier days.
pub const INPUTS: usize = 5;

/// The coefficients before anything is learned: the constant, then one for each input. Those of a cluster in any state add up to
/// about 1, so that inputs that agree are believed. A cluster that was calm for a day has little to learn from, so the courses
/// are believed as they are; after a red hour, the rate is the better guide.
const PRIOR: [f64; INPUTS + 1] = [0.0, 0.6, 1.0, 0.5, 0.15, 0.1];
/// How much the coefficients are held at the prior: as much as by this many outcomes, or by those of this many days, whichever are
/// fewer. With 10, ramps of disks that ended before anything was red taught the calibration that courses are always wrong, and it
/// announced a third fewer of those that did not end (`benches/forecast`, set `ramps`).
const HELD_OUTCOMES: f64 = 200.0;
const HELD_DAYS: f64 = 50.0;

/// How much coefficients are held if outcomes are those of this many hours.
pub fn ridge(hours: i64) -> f64 {
    HELD_OUTCOMES.min(HELD_DAYS * 24.0 / hours as f64)
}

/// The largest coefficient of an input. The smallest is 0: no input is taken for its opposite.
const LARGEST: f64 = 2.0;
/// Newton's method converges in a few steps on a concave likelihood.
const STEPS: usize = 25;

/// One outcome to learn from.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The inputs.
    pub inputs: [f64; INPUTS],
    /// Whether it happened.
    pub happened: bool,
    /// The weight. Outcomes that overlap in time share one.
    pub weight: f64,
}

/// A fitted calibration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// The constant, and the coefficient of each input.
    pub coefficients: [f64; INPUTS + 1],
}

impl Default for Calibration {
    fn default() -> Self {
        Self { coefficients: PRIOR }
    }
}

impl Calibration {
    /// Fits by penalized maximum likelihood, with Newton's method, and coefficients of inputs from 0 to 2. `ridge` is the weight of
    /// the prior, as [`ridge`] gives it.
    pub fn fit(examples: &[Example], ridge: f64) -> Self {
        let mut own = Self::default();
        for _ in 0..STEPS {
            let (mut gradient, mut hessian) = own.slope(examples, ridge);
            own.hold_at_bounds(&mut gradient, &mut hessian);
            let Some(step) = solve(hessian, gradient) else { break };
            // Limits a step where the likelihood is nearly flat.
            let longest = step.iter().fold(0.0, |longest: f64, s| longest.max(s.abs()));
            let factor = if longest > 1.0 { 1.0 / longest } else { 1.0 };
            own.coefficients.iter_mut().zip(step).for_each(|(c, s)| *c += factor * s);
            own.coefficients[1..].iter_mut().for_each(|c| *c = c.clamp(0.0, LARGEST));
            if longest < 1e-9 {
                break;
            }
        }
        own
    }

    /// The probability for these inputs.
    pub fn probability(&self, inputs: &[f64; INPUTS]) -> f64 {
        let [constant, of @ ..] = self.coefficients;
        let odds = constant + inputs.iter().zip(of).map(|(input, c)| input * c).sum::<f64>();
        1.0 / (1.0 + (-odds).exp())
    }

    /// Leaves out of a step the coefficients that would leave their bounds.
    fn hold_at_bounds(&self, gradient: &mut [f64; INPUTS + 1], hessian: &mut [[f64; INPUTS + 1]; INPUTS + 1]) {
        for i in 1..=INPUTS {
            let coefficient = self.coefficients[i];
            if coefficient <= 0.0 && gradient[i] < 0.0 || coefficient >= LARGEST && gradient[i] > 0.0 {
                gradient[i] = 0.0;
                hessian.iter_mut().for_each(|row| row[i] = 0.0);
                hessian[i] = std::array::from_fn(|j| f64::from(u8::from(i == j)));
            }
        }
    }

    /// The gradient of the penalized log likelihood, and its negative second derivatives.
    fn slope(&self, examples: &[Example], ridge: f64) -> ([f64; INPUTS + 1], [[f64; INPUTS + 1]; INPUTS + 1]) {
        let mut gradient = [0.0; INPUTS + 1];
        let mut hessian = [[0.0; INPUTS + 1]; INPUTS + 1];
        for (i, ((g, c), prior)) in gradient.iter_mut().zip(self.coefficients).zip(PRIOR).enumerate() {
            *g = ridge * (prior - c);
            hessian[i][i] = ridge;
        }
        for Example { inputs, happened, weight } in examples {
            let p = self.probability(inputs);
            let x: [f64; INPUTS + 1] = std::array::from_fn(|i| if i == 0 { 1.0 } else { inputs[i - 1] });
            for i in 0..=INPUTS {
                gradient[i] += weight * x[i] * (f64::from(u8::from(*happened)) - p);
                for j in 0..=INPUTS {
                    hessian[i][j] += weight * p * (1.0 - p) * x[i] * x[j];
                }
            }
        }
        (gradient, hessian)
    }
}

/// A probability, with what it is learned from later.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    inputs: [f64; INPUTS],
    /// The probability of the logistic regression alone.
    logistic: f64,
    /// The probability after both regressions, 0 to 1.
    pub probability: f64,
}

/// Both regressions, with the outcomes so far.
#[derive(Clone, Debug)]
pub struct Learner {
    calibration: Calibration,
    isotonic: Isotonic,
    examples: Vec<Example>,
    judged: Vec<Judged>,
}

impl Default for Learner {
    fn default() -> Self {
        Self {
            calibration: Calibration::default(),
            isotonic: Isotonic::fit(&[]),
            examples: Vec::new(),
            judged: Vec::new(),
        }
    }
}

impl Learner {
    /// Adds what came of an answer.
    pub fn add(&mut self, answer: &Answer, happened: bool, weight: f64) {
        self.examples.push(Example { inputs: answer.inputs, happened, weight });
        self.judged.push(Judged { probability: answer.logistic, happened, weight });
    }

    /// Fits both regressions to all outcomes so far.
    pub fn refit(&mut self, ridge: f64) {
        self.calibration = Calibration::fit(&self.examples, ridge);
        self.isotonic = Isotonic::fit(&self.judged);
    }

    /// The probability for these inputs, as learned so far.
    pub fn answer(&self, inputs: [f64; INPUTS]) -> Answer {
        let logistic = self.calibration.probability(&inputs);
        Answer { inputs, logistic, probability: self.isotonic.moved(logistic) }
    }
}

/// The log odds of a probability.
pub fn log_odds(p: f64) -> f64 {
    let p = p.clamp(1e-6, 1.0 - 1e-6);
    (p / (1.0 - p)).ln()
}

/// Solves a system of equations by elimination with pivots; `None` if it is singular.
#[expect(clippy::needless_range_loop, reason = "the indices of a matrix")]
fn solve<const N: usize>(mut a: [[f64; N]; N], mut b: [f64; N]) -> Option<[f64; N]> {
    for column in 0..N {
        let pivot = (column..N).max_by(|i, j| a[*i][column].abs().total_cmp(&a[*j][column].abs()))?;
        if a[pivot][column].abs() < 1e-12 {
            return None;
        }
        a.swap(column, pivot);
        b.swap(column, pivot);
        for row in column + 1..N {
            let factor = a[row][column] / a[column][column];
            for k in column..N {
                a[row][k] -= factor * a[column][k];
            }
            b[row] -= factor * b[column];
        }
    }
    for row in (0..N).rev() {
        let known: f64 = (row + 1..N).map(|k| a[row][k] * b[k]).sum();
        b[row] = (b[row] - known) / a[row][row];
    }
    b.iter().all(|value| value.is_finite()).then_some(b)
}
