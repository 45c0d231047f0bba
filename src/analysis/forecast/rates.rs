//! How often clusters became red after hours like the last ones.

/// By how many origins the base rate of one cluster is pulled toward that of all.
const SHRINK: f64 = 24.0;

/// How long ago the last red hour of a cluster was. Trouble that has just ended is the least likely to come back, because
/// somebody has mended it; without a red hour for a day, little is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// The last hour was red.
    Now,
    /// One of the last three hours before it.
    Hours3,
    /// One of the last twelve.
    Hours12,
    /// One of the last 24.
    Day,
    /// None of the last 24, as far as is known.
    Longer,
}

impl Since {
    /// The number of values.
    const COUNT: usize = 5;

    const fn of_hours(hours: usize) -> Self {
        match hours {
            0 => Self::Now,
            1..=3 => Self::Hours3,
            4..=12 => Self::Hours12,
            13..=24 => Self::Day,
            _ => Self::Longer,
        }
    }
}

/// How long ago the last red hour was, at each origin.
pub fn since(now: &[Option<bool>], origins: &[usize], hour: usize) -> Vec<Since> {
    let mut last_red: Option<usize> = None;
    let at = |(is_red, origin): (&Option<bool>, &usize)| {
        if *is_red == Some(true) {
            last_red = Some(*origin);
        }
        last_red.map_or(Since::Longer, |red| Since::of_hours((origin - red) / hour))
    };
    now.iter().zip(origins).map(at).collect()
}

/// A number of outcomes, and how many of them happened.
type Counts = [f64; 2];

/// Counts of earlier outcomes.
pub struct Rates {
    /// For each cluster: after an hour that was not red, and after a red one.
    clusters: Vec<[Counts; 2]>,
    all: [Counts; 2],
    /// For each cluster, by the time since the last red hour.
    clusters_since: Vec<[Counts; Since::COUNT]>,
    all_since: [Counts; Since::COUNT],
}

/// Pulls the rate of some outcomes toward another rate.
fn pulled([all, happened]: Counts, toward: f64) -> f64 {
    (happened + SHRINK * toward) / (all + SHRINK)
}

impl Rates {
    /// Without any outcome.
    pub fn new(clusters: usize) -> Self {
        Self {
            clusters: vec![[[0.0; 2]; 2]; clusters],
            all: [[0.0; 2]; 2],
            clusters_since: vec![[[0.0; 2]; Since::COUNT]; clusters],
            all_since: [[0.0; 2]; Since::COUNT],
        }
    }

    /// Adds an outcome.
    pub fn add(&mut self, cluster: usize, was_red: Option<bool>, since: Since, happened: bool) {
        let (state, since) = (usize::from(was_red == Some(true)), since as usize);
        for counts in [
            &mut self.clusters[cluster][state],
            &mut self.all[state],
            &mut self.clusters_since[cluster][since],
            &mut self.all_since[since],
        ] {
            counts[0] += 1.0;
            counts[1] += f64::from(u8::from(happened));
        }
    }

    /// The rate after hours like the last one, of this cluster, pulled toward that of all clusters.
    pub fn conditional(&self, cluster: usize, is_red: Option<bool>) -> f64 {
        let state = usize::from(is_red == Some(true));
        let [all, happened] = self.all[state];
        // Before there is any outcome: rarely red, and as likely as not to stay red.
        let prior = [0.02, 0.5][state];
        pulled(self.clusters[cluster][state], (happened + 2.0 * prior) / (all + 2.0))
    }

    /// The rate after as long without a red hour, of this cluster, pulled toward that of all clusters, which is pulled toward the
    /// conditional rate.
    pub fn recent(&self, cluster: usize, is_red: Option<bool>, since: Since) -> f64 {
        let of_all = pulled(self.all_since[since as usize], self.conditional(cluster, is_red));
        pulled(self.clusters_since[cluster][since as usize], of_all)
    }

    /// The rate of all outcomes of this cluster; 0 before there is one.
    pub fn usual(&self, cluster: usize) -> f64 {
        let [[calm, calm_happened], [red, red_happened]] = self.clusters[cluster];
        if calm + red > 0.0 { (calm_happened + red_happened) / (calm + red) } else { 0.0 }
    }
}
