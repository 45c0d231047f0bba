//! The verdict and the problems as text for a terminal: what an operator should look at first.

use std::fmt::Write;

use super::shared::folded::{figures, left_out, listable, without_data};
use super::terminal::Palette;
use crate::analysis::findings::{Findings, Kind, Problem, ProblemCause, Verdict};
use crate::text::count;
use crate::text::terminal::terminal_line;
use crate::text::wrap::wrapped;
use crate::time::Zone;

/// Most lines of a list that does not have all problems: one screen and a half.
const MOST_LINES: usize = 60;
/// Indent of lines that continue another.
const HANG: usize = 2;

/// How problems are listed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listing<'a> {
    pub(crate) palette: Palette,
    /// Width of the window in characters; `None` leaves sentences on one line.
    pub(crate) width: Option<usize>,
    pub(crate) zone: Zone,
    /// The scored folder, for commands.
    pub(crate) folder: &'a str,
    /// Most problems to list, worst first; `None` lists all of them, and scattered dips too.
    pub(crate) most: Option<usize>,
    /// Whether to say what to do about each cause.
    pub(crate) advises: bool,
    /// What lists everything that is left out, such as `--all`.
    pub(crate) all: &'a str,
    /// What lists the other findings.
    pub(crate) evidence: &'a str,
}

/// The verdict, and the problems in three lines each. A list that is not of all problems has at most [`MOST_LINES`]
/// lines and says what it leaves out.
pub(crate) fn problems_text(findings: &Findings, listing: &Listing<'_>) -> String {
    let Some(most) = listing.most else {
        return listing.text(findings, &findings.problems().iter().collect::<Vec<_>>());
    };
    let mut listed = listable(findings);
    listed.truncate(most);
    loop {
        let text = listing.text(findings, &listed);
        if text.lines().count() <= MOST_LINES || listed.len() <= 1 {
            return text;
        }
        listed.pop();
    }
}

impl Listing<'_> {
    fn text(&self, findings: &Findings, listed: &[&Problem]) -> String {
        let verdict = Verdict::of(findings.clusters());
        let mut text = format!("{}\n", self.palette.bold(&terminal_line(&verdict.sentence())));
        let _ = writeln!(text, "{}", figures(&verdict));
        for sentence in without_data(findings, self.zone) {
            let _ = writeln!(text, "{}", terminal_line(&sentence));
        }
        if !listed.is_empty() {
            text.push('\n');
        }
        listed.iter().for_each(|problem| self.problem(&mut text, problem));
        if let Some(left) = left_out(findings, listed) {
            let _ = writeln!(text, "not shown: {left}; {} lists them", self.all);
        }
        if self.advises && !listed.is_empty() {
            advice(&mut text, listed);
        }
        if let Some(others) = other_findings(findings) {
            let _ = writeln!(text, "also found: {others}; {} lists them", self.evidence);
        }
        wrapped(&text, self.width, HANG)
    }

    /// Three lines: what and where; when, how often and at what cost; the worst reading and the command that shows it. A
    /// fourth one between them if something was noted.
    fn problem(&self, text: &mut String, problem: &Problem) {
        let rank = self.palette.on_score(&format!("{:>2}.", problem.rank), severity(problem));
        let title = terminal_line(&format!("{}: {}", problem.cluster, problem.title()));
        let _ = writeln!(text, "{rank} {}", self.palette.bold(&title));
        let when = terminal_line(&problem.when(self.zone));
        // Two spaces between parts: a window that is too narrow breaks lines there first.
        let impact = Some(problem.impact_text()).filter(|impact| !impact.is_empty());
        let impact = impact.map(|impact| format!(";  {impact}")).unwrap_or_default();
        let _ = writeln!(text, "    {when}{impact}");
        if let Some(noted) = problem.noted_text(self.zone) {
            let _ = writeln!(text, "    noted: {}", terminal_line(&noted));
        }
        let reading = problem.reading_text().map(|reading| terminal_line(&reading) + "  ").unwrap_or_default();
        let _ = writeln!(text, "    {reading}{}", terminal_line(&problem.explain_command(self.folder)));
    }
}

/// The score whose color marks a problem: the lowest, or for absent members what an hour without them counts as.
fn severity(problem: &Problem) -> f64 {
    match problem.staffing {
        Some(staffing) => 10.0 - staffing.severity(),
        None => problem.lowest.unwrap_or(0.0),
    }
}

/// What to do about each cause of the listed problems.
fn advice(text: &mut String, listed: &[&Problem]) {
    text.push_str("\nwhat to do:\n");
    let mut causes: Vec<ProblemCause> = Vec::new();
    for problem in listed {
        if !causes.contains(&problem.cause) {
            causes.push(problem.cause);
            let _ = writeln!(text, "  {}: {}", problem.cause.title(), problem.next_step());
        }
    }
}

/// The findings that belong to no problem, counted by kind; `None` if there are none.
fn other_findings(findings: &Findings) -> Option<String> {
    let counted = Kind::ALL.into_iter().filter_map(|kind| {
        let noun = match kind {
            // Problems are made of incidents, and their schedules are recurrences.
            Kind::Incident | Kind::Recurrence => return None,
            Kind::LeaderChange => "leader change",
            Kind::Defragmentation => "defragmentation",
            Kind::Growth => "growing database",
            Kind::Fragmentation => "fragmentation",
            Kind::ClusterSize => "even cluster size",
            Kind::MixedVersions => "mixed version",
            Kind::TwoLeaders => "leader overlap",
            Kind::MaintenanceWindow => "maintenance window",
            Kind::Anomaly => "anomaly",
        };
        let found = findings.iter().filter(|finding| finding.kind == kind).count();
        (found > 0).then(|| count(found, noun))
    });
    let counted: Vec<String> = counted.collect();
    (!counted.is_empty()).then(|| counted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::findings::Shape;
    use crate::time::{DAY_MS, HOUR_MS, TimeRange};

    /// Problems of 20 clusters and, for every third of them, scattered dips; each cost half a point hour.
    fn year() -> Findings {
        let problem = |number: usize| {
            let cause = ProblemCause::ALL[number % ProblemCause::ALL.len()];
            let shape = if number.is_multiple_of(3) { Shape::Scattered } else { Shape::Repeated };
            Problem {
                id: format!("p{number}"),
                members: (0..3).map(|member| format!("etcd-{member}.production.svc:2379")).collect(),
                spans: vec![TimeRange { start_ms: 0, end_ms: number as i64 * DAY_MS }],
                occurrences: number,
                low_ms: HOUR_MS,
                lost: 0.5,
                share: Some(0.25),
                lowest: Some(5.0),
                impact: number as f64,
                ..Problem::empty(&format!("c{:02}", number % 20), cause, shape)
            }
        };
        Findings::of(Vec::new(), (0..150).map(problem).collect(), Vec::new())
    }

    fn told(width: Option<usize>, most: Option<usize>) -> String {
        let (palette, zone) = (Palette::plain(), Zone::default());
        let listing = Listing {
            palette,
            width,
            zone,
            folder: "audit",
            most,
            advises: true,
            all: "--all",
            evidence: "--evidence",
        };
        problems_text(&year(), &listing)
    }

    /// The number of problems with a title of their own.
    fn listed(text: &str) -> usize {
        let is_rank =
            |line: &&str| line.trim_start().split_once(". c").is_some_and(|(rank, _)| rank.parse::<u32>().is_ok());
        text.lines().filter(is_rank).count()
    }

    #[test]
    fn a_year_fits_60_lines_at_any_width_and_what_is_listed_and_left_out_adds_up() {
        for width in [Some(40), Some(60), Some(80), Some(120), None] {
            let text = told(width, Some(10));
            assert!(text.lines().count() <= 60, "{width:?}: {text}");
            assert!(text.lines().all(|line| width.is_none_or(|width| line.chars().count() <= width)), "{text}");
            let shown = listed(&text);
            assert!((1..=10).contains(&shown) && (width.is_some() || shown == 10), "{width:?}: {text}");
            // 150 problems, of which each third is scattered.
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let left = 100 - shown;
            let lost = left as f64 / 2.0;
            let expected = format!(
                "not shown: {left} more problems ({lost} points × h) and 50 rows of short dips (25 points × h); --all"
            );
            assert!(words.contains(&expected), "{width:?}: {words}");
        }
        let all = told(None, None);
        assert!(listed(&all) == 150 && !all.contains("not shown"), "{all}");
    }

    #[test]
    fn the_next_step_of_a_cause_is_given_once() {
        let text = told(None, Some(10));
        for cause in ProblemCause::ALL {
            let times = text.matches(cause.advice().sentence).count();
            assert_eq!(times, usize::from(text.contains(&format!(": {}", cause.title()))), "{cause}: {text}");
        }
    }
}
