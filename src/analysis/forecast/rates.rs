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

    /// So many whole hours after a red one, in an hour that is not red.
    const fn of_hours(hours: usize) -> Self {
        match hours {
            0..=3 => Self::Hours3,
            4..=12 => Self::Hours12,
            13..=24 => Self::Day,
            _ => Self::Longer,
        }
    }
}

/// How long ago the last red hour was, at each origin.
pub fn since(now: &[Option<bool>], origins: &[usize], hour: usize) -> Vec<Since> {
    let mut last_red: Option<usize> = None;
    let at = |(is_red, origin): (&Option<bool>, &usize)| match (is_red, last_red) {
        (Some(true), _) => {
            last_red = Some(*origin);
            Since::Now
        }
        // The last origin may be less than an hour after the one before it.
        (_, Some(red)) => Since::of_hours((origin - red) / hour),
        (_, None) => Since::Longer,
    };
    now.iter().zip(origins).map(at).collect()
}

/// A number of outcomes, and how many of them happened.
type Counts = [f64; 2];

/// Counts of earlier outcomes, by the time since the last red hour.
#[derive(Clone, Debug, Default)]
struct Tally([Counts; Since::COUNT]);

impl Tally {
    fn add(&mut self, since: Since, happened: bool) {
        let counts = &mut self.0[since as usize];
        counts[0] += 1.0;
        counts[1] += f64::from(u8::from(happened));
    }

    /// Those after as long without a red hour.
    fn after(&self, since: Since) -> Counts {
        self.0[since as usize]
    }

    /// Those after hours like the last one: red, or not.
    fn after_like(&self, since: Since) -> Counts {
        let [red, calm @ ..] = &self.0;
        if since == Since::Now { *red } else { sum(calm) }
    }
}

/// How often clusters became red so far.
pub struct Rates {
    clusters: Vec<Tally>,
    all: Tally,
}

fn sum(counts: &[Counts]) -> Counts {
    counts.iter().fold([0.0; 2], |sum, of| [sum[0] + of[0], sum[1] + of[1]])
}

/// Pulls the rate of some outcomes toward another rate.
fn pulled([all, happened]: Counts, toward: f64) -> f64 {
    (happened + SHRINK * toward) / (all + SHRINK)
}

impl Rates {
    /// Rates of this many clusters, before any outcome is known.
    pub fn new(clusters: usize) -> Self {
        Self { clusters: vec![Tally::default(); clusters], all: Tally::default() }
    }

    /// Adds an outcome: whether the cluster became red, and how long ago it had been red before.
    pub fn add(&mut self, cluster: usize, since: Since, happened: bool) {
        self.clusters[cluster].add(since, happened);
        self.all.add(since, happened);
    }

    /// The rate after hours like the last one, of this cluster, pulled toward that of all clusters.
    pub fn conditional(&self, cluster: usize, since: Since) -> f64 {
        let [all, happened] = self.all.after_like(since);
        // Before there is any outcome: rarely red, and as likely as not to stay red.
        let prior = if since == Since::Now { 0.5 } else { 0.02 };
        pulled(self.clusters[cluster].after_like(since), (happened + 2.0 * prior) / (all + 2.0))
    }

    /// The rate after as long without a red hour, of this cluster, pulled toward that of all clusters, which is pulled toward the
    /// conditional rate.
    pub fn recent(&self, cluster: usize, since: Since) -> f64 {
        let of_all = pulled(self.all.after(since), self.conditional(cluster, since));
        pulled(self.clusters[cluster].after(since), of_all)
    }

    /// The rate of all outcomes of this cluster; 0 before there is one.
    pub fn usual(&self, cluster: usize) -> f64 {
        let [all, happened] = sum(&self.clusters[cluster].0);
        if all > 0.0 { happened / all } else { 0.0 }
    }
}
