//! One ARIMA equation: selected and estimated by `AutoARIMA`, and applied to any window.

use anofox_forecast::core::TimeSeries;
use anofox_forecast::models::Forecaster;
use anofox_forecast::models::arima::{AutoARIMA, AutoARIMAConfig, ndiffs_kpss};
use anofox_forecast::models::inspect::{Explanation, Inspectable};
use chrono::DateTime;

use super::super::super::order::median;

/// The most autoregressive and moving-average terms. On eleven real series, five of each changed the mean absolute error
/// by less than 1 % and doubled the time of a fit; two were 1 % worse between 1 and 6 h.
const MOST_TERMS: usize = 3;
/// The most differences. With two, a slope of noise is extrapolated for a day.
const MOST_DIFFERENCES: usize = 1;
/// Values that differ by less than this share of the largest are constant: rounding of sums.
const CONSTANT: f64 = 1e-9;

/// `w[t] = constant + Σ ar[i] w[t-1-i] + e[t] + Σ ma[i] e[t-1-i]`, where `w` is the window differenced `differences`
/// times and `e` are the errors of one step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Equation {
    ar: Vec<f64>,
    ma: Vec<f64>,
    differences: usize,
    constant: f64,
}

/// The equations of one window for both numbers of differences. Which one holds is decided again at each origin,
/// because a level that shifts after the fit makes an equation without differences return to the level before.
#[derive(Clone, Debug, Default)]
pub(super) struct Pair([Option<Equation>; 2]);

impl Pair {
    /// Fits both.
    pub(super) fn of(window: &[f64]) -> Self {
        Self([0, 1].map(|differences| Equation::fit(window, differences)))
    }

    /// Whether neither could be fitted.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// The next values after a window.
    pub(super) fn ahead(&self, window: &[f64], steps: usize) -> Option<Vec<f64>> {
        let wanted = differences(window);
        let equation = self.0[wanted].as_ref().or(self.0[1 - wanted].as_ref())?;
        equation.at_level_of(window)?.ahead(window, steps)
    }
}

/// The differences that values need to keep a level, by the KPSS test at 5 % (Kwiatkowski and others, 1992): 0 or 1.
fn differences(values: &[f64]) -> usize {
    ndiffs_kpss(values, 0.05, MOST_DIFFERENCES).min(MOST_DIFFERENCES)
}

impl Equation {
    /// The equation with the lowest AICc that a stepwise search finds (Hyndman and Khandakar, 2008) after so many
    /// differences. Without variation it is the constant; `None` for fewer than 10 values, or if no candidate converges.
    fn fit(values: &[f64], differences: usize) -> Option<Self> {
        // The search runs on the differenced values: it has no setting for the number of differences.
        let w = differenced(values, differences);
        let standard = Standard::of(&w)?;
        let equation = if standard.scale == 0.0 {
            Self { ar: vec![], ma: vec![], differences: 0, constant: standard.center }
        } else {
            // Differences keep their zero: a search that finds no drift must not get one back with the center.
            let center = if differences == 0 { standard.center } else { 0.0 };
            let standard = Standard { center, ..standard };
            Self::read(&selected(&standard, &w, 0)?, &standard, &w)?
        };
        Some(Self { differences, ..equation })
    }

    /// The equation with the level of another window: without differences, its mean becomes the median there, from which
    /// single peaks do not lift it.
    fn at_level_of(&self, window: &[f64]) -> Option<Self> {
        let constant = match self.differences {
            0 => median(window.iter().copied())? * (1.0 - self.ar.iter().sum::<f64>()),
            _ => self.constant,
        };
        Some(Self { constant, ..self.clone() })
    }

    /// Reads the equation from the selected model. It shows its terms and its errors, but not its constant, which is
    /// what remains of a fitted value without the terms.
    fn read(model: &AutoARIMA, standard: &Standard, values: &[f64]) -> Option<Self> {
        let Ok(Explanation::Arima(found)) = Inspectable::explanation(model) else { return None };
        let (p, differences, q) = found.order;
        let (ar, ma) = (found.coefficients.get(..p)?.to_vec(), found.coefficients.get(p..p + q)?.to_vec());
        let scaled: Vec<f64> = values.iter().map(|value| standard.to(*value)).collect();
        let w = differenced(&scaled, differences);
        let last = w.len().checked_sub(1).filter(|last| *last >= p.max(q))?;
        let fitted = *found.fitted_values.get(last)?;
        let errors = &found.residuals;
        let terms = dot(&ar, &w[..last]) + dot(&ma, errors.get(..last)?);
        let constant = (fitted - terms) * standard.scale;
        let level = if differences == 0 { standard.center * (1.0 - ar.iter().sum::<f64>()) } else { 0.0 };
        let finite = (constant + level).is_finite() && ar.iter().chain(&ma).all(|term| term.is_finite());
        finite.then_some(Self { ar, ma, differences, constant: constant + level })
    }

    /// The next values after a window; `None` if the window is too short for the terms.
    pub(super) fn ahead(&self, window: &[f64], steps: usize) -> Option<Vec<f64>> {
        let mut w = differenced(window, self.differences);
        let known = w.len();
        let first = self.ar.len().max(self.ma.len());
        if known <= first {
            return None;
        }
        let mut errors = vec![0.0; first];
        for t in first..known + steps {
            let expected = self.constant + dot(&self.ar, &w[..t]) + dot(&self.ma, &errors);
            match w.get(t) {
                Some(value) => errors.push(value - expected),
                None => {
                    w.push(expected);
                    errors.push(0.0);
                }
            }
        }
        let mut ahead = w.split_off(known);
        for level in (0..self.differences).rev() {
            let mut sum = *differenced(window, level).last()?;
            for value in &mut ahead {
                sum += *value;
                *value = sum;
            }
        }
        Some(ahead)
    }
}

/// Searches and fits a model of the values in standard units, with at most so many differences.
fn selected(standard: &Standard, values: &[f64], differences: usize) -> Option<AutoARIMA> {
    let times = (0..values.len()).map(|second| DateTime::from_timestamp(second as i64, 0));
    let scaled = values.iter().map(|value| standard.to(*value)).collect();
    let series = TimeSeries::univariate(times.collect::<Option<Vec<_>>>()?, scaled).ok()?;
    let config = AutoARIMAConfig::default().with_max_orders(MOST_TERMS, differences, MOST_TERMS);
    let mut model = AutoARIMA::with_config(config);
    model.fit(&series).ok()?;
    Some(model)
}

/// Sum of products of terms with the latest values, the latest first.
fn dot(terms: &[f64], values: &[f64]) -> f64 {
    terms.iter().zip(values.iter().rev()).map(|(term, value)| term * value).sum()
}

/// The values differenced so many times.
fn differenced(values: &[f64], times: usize) -> Vec<f64> {
    let mut values = values.to_vec();
    for _ in 0..times {
        values = values.windows(2).map(|two| two[1] - two[0]).collect();
    }
    values
}

/// Center and scale of values. In standard units, no input is so large or so small that the search overflows, which
/// would keep its line search from ending.
struct Standard {
    center: f64,
    scale: f64,
}

impl Standard {
    /// The mean and the standard deviation, which is 0 for values that are as good as constant; `None` unless all values
    /// and both results are finite.
    fn of(values: &[f64]) -> Option<Self> {
        let count = values.len() as f64;
        let center = values.iter().map(|value| value / count).sum::<f64>();
        let largest = values.iter().fold(0.0, |largest: f64, value| largest.max((value - center).abs()));
        // Divided before they are squared, because the square of a large value overflows.
        let squares = values.iter().map(|value| ((value - center) / largest).powi(2)).sum::<f64>();
        let scale = largest * (squares / count).sqrt();
        let level = values.iter().fold(0.0, |level: f64, value| level.max(value.abs()));
        if largest <= CONSTANT * level || largest == 0.0 {
            return (center.is_finite() && !values.is_empty()).then_some(Self { center, scale: 0.0 });
        }
        (center.is_finite() && scale.is_finite() && scale > 0.0).then_some(Self { center, scale })
    }

    fn to(&self, value: f64) -> f64 {
        (value - self.center) / self.scale
    }
}

#[cfg(test)]
impl Equation {
    /// The equation that `AutoARIMA` itself would forecast with, and the widths of its 95 % intervals, to compare them
    /// with other implementations. Forecasts take their intervals from past residuals.
    pub(super) fn auto(values: &[f64], steps: usize) -> Option<(Self, Vec<f64>)> {
        let standard = Standard::of(values)?;
        let model = selected(&standard, values, MOST_DIFFERENCES)?;
        let bounds = model.predict_with_intervals(steps, 0.95).ok()?;
        let (low, high) = (bounds.lower_series(0).ok()?, bounds.upper_series(0).ok()?);
        let widths = low.iter().zip(high).map(|(low, high)| (high - low) * standard.scale).collect();
        Some((Self::read(&model, &standard, values)?, widths))
    }

    /// The equation that forecasts come from, before its level is adapted.
    pub(super) fn used(values: &[f64]) -> Option<Self> {
        Self::fit(values, differences(values))
    }

    /// The numbers of autoregressive terms, differences and moving-average terms.
    pub(super) fn order(&self) -> [usize; 3] {
        [self.ar.len(), self.differences, self.ma.len()]
    }
}
