//! Calibration: a logistic regression that turns what a simulation says into a probability that came true as often.

/// The inputs of a calibration, all as log odds: of the rate after hours like the last ones; of the simulated courses if the
/// cluster was not red for a day, if it was red within the last day, and if it is red now (0 in the two other places); and of
/// the same hours of earlier days.
pub const INPUTS: usize = 5;

/// The coefficients before anything is learned: the constant, then one for each input. Those of a cluster in any state add up to
/// 1, so that inputs that agree are believed.
const PRIOR: [f64; INPUTS + 1] = [0.0, 0.4, 0.4, 0.4, 0.4, 0.2];
/// How much the coefficients are held at the prior. With 2, a first red hour among weeks without any made the calibration
/// certain of the next (`benches/forecast`, set `ramps`).
const RIDGE: f64 = 10.0;
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
    /// Fits by penalized maximum likelihood, with Newton's method, and coefficients of inputs from 0 to 2.
    pub fn fit(examples: &[Example]) -> Self {
        let mut own = Self::default();
        for _ in 0..STEPS {
            let (mut gradient, mut hessian) = own.slope(examples);
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
    fn slope(&self, examples: &[Example]) -> ([f64; INPUTS + 1], [[f64; INPUTS + 1]; INPUTS + 1]) {
        let mut gradient = [0.0; INPUTS + 1];
        let mut hessian = [[0.0; INPUTS + 1]; INPUTS + 1];
        for (i, ((g, c), prior)) in gradient.iter_mut().zip(self.coefficients).zip(PRIOR).enumerate() {
            *g = RIDGE * (prior - c);
            hessian[i][i] = RIDGE;
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
