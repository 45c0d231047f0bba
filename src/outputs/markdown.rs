//! `report.md`: the verdict, the next 24 hours if there is a forecast, the problems and the clusters as Markdown that fits a pull request or a ticket.

use std::fmt::Write;

use super::OutputError;
use super::output::{Needs, Output, OwnedFiles, Scored};
use super::shared::ahead::{
    Ordered, detailed, expected, first_hour, headline, judgment, limits, metric_of, moment, usually, warnings,
};
use super::shared::folded::{figures, left_out, listable, without_data};
use crate::analysis::findings::{ClusterHealth, Findings, Problem, Verdict};
use crate::analysis::forecast::result::{ClusterForecast, Forecast};
use crate::files::WholeFile;
use crate::folder::{Manifest, Owned, Written};
use crate::text::count;
use crate::text::markdown::{markdown_code, markdown_text};
use crate::text::rounding::{loss_text, score_text};
use crate::time::{Zone, parse_instant};

const REPORT: &str = "report.md";
/// Most characters of the report. GitHub takes up to 65,536 in a comment, and GitLab and Jira take more or half.
const MOST_CHARS: usize = 65_000;
/// Most characters of the problems, so that there is room for clusters.
const MOST_OF_PROBLEMS: usize = 40_000;
/// Most dates of limits.
const MOST_DATES: usize = 10;
/// Most sentences about clusters.
const MOST_FACTS: usize = 10;
/// Characters that stay free for the sentences that say what was left out.
const RESERVE: usize = 500;
const HEADINGS: &str = "\
| cluster | status | mean score | hours < 7 | hours < 5 | hours unknown | points × h lost | problems | main cause |
|:--|:--|--:|--:|--:|--:|--:|--:|:--|
";

pub(crate) struct Markdown;

impl Output for Markdown {
    fn name(&self) -> &'static str {
        "markdown"
    }

    fn about(&self) -> &'static str {
        "report.md, the problems for a pull request or a ticket"
    }

    fn files(&self) -> &'static [OwnedFiles] {
        &[OwnedFiles { owned: Owned::Single(REPORT), row: "problem" }]
    }

    fn needs(&self) -> Needs {
        Needs { findings: true, ..Needs::default() }
    }

    fn write(&self, scored: &Scored<'_>) -> Result<Option<Written>, OutputError> {
        let path = scored.out.join(REPORT);
        let (text, problems) = report(scored.findings, scored.manifest, scored.forecast);
        let stat = WholeFile::write(&path, text.as_bytes())?;
        Ok(Some(Written::new(scored.out, &path, problems as u64, stat)))
    }
}

/// The whole report, of at most [`MOST_CHARS`] characters, and the number of problems that it lists.
fn report(findings: &Findings, manifest: &Manifest, forecast: Option<&Forecast>) -> (String, usize) {
    let zone = manifest.folding().map(|folding| folding.zone).unwrap_or_default();
    let verdict = Verdict::of(findings.clusters());
    let mut text = format!("# etcd health\n\n**{}**\n\n", markdown_text(&verdict.sentence()));
    let asked = [&manifest.asked.start, &manifest.asked.end];
    let [start, end] = asked.map(|at| parse_instant(at, 0).map_or_else(|_| at.clone(), |ms| zone.in_words(ms)));
    let profile = manifest.profile.as_ref().map(|p| format!(", profile {}", p.name)).unwrap_or_default();
    let range = format!("{start} to {end} ({zone}){profile}: {}.", figures(&verdict));
    let _ = writeln!(text, "{}\n", markdown_text(&range));
    for sentence in without_data(findings, zone) {
        let _ = writeln!(text, "Unknown: {}.\n", markdown_text(&sentence));
    }
    if let Some(forecast) = forecast {
        ahead(&mut text, forecast, zone);
    }
    text.push_str("## Problems\n\n");
    let listed = problems(&mut text, findings, zone);
    text.push_str("## Clusters\n\n");
    facts(&mut text, findings);
    clusters(&mut text, findings.clusters());
    (text, listed)
}

/// Adds the next 24 hours: each likely cluster, dates of limits, and how good such forecasts were.
fn ahead(text: &mut String, forecast: &Forecast, zone: Zone) {
    let ordered = Ordered::of(forecast);
    let _ = writeln!(
        text,
        "## Next 24 hours\n\nForecast from {} {zone}. Red is an hour with a mean score below 5.\n",
        moment(zone, forecast.origin_ms)
    );
    for of in &ordered.open {
        let _ = writeln!(text, "- {}", markdown_text(&format!("{}: {}", of.cluster, outlook(of, forecast, zone))));
    }
    if !ordered.folded.is_empty() {
        let more = count(ordered.folded.len(), "more cluster");
        let _ =
            writeln!(text, "- {more}, {} of them with less than 10 % within 24 h. See `report.html`.", ordered.quiet());
    }
    let (lines, without) = limits(forecast, zone);
    for line in lines.iter().take(MOST_DATES) {
        let _ =
            writeln!(text, "- {}", markdown_text(&format!("{}, {}: {}", line.of.cluster, line.of.member, line.says)));
    }
    if lines.len() > MOST_DATES {
        let _ = writeln!(
            text,
            "- {} of a quota or limit. See `report.html`.",
            count(lines.len() - MOST_DATES, "more date")
        );
    }
    if let Some(sentence) = without.sentence() {
        let _ = writeln!(text, "- Quotas and limits of open files without a date ({sentence})");
    }
    let _ = writeln!(
        text,
        "\n{}. {}.\n",
        markdown_text(&judgment(&forecast.trust)),
        markdown_text(&warnings(&forecast.trust))
    );
}

/// The outlook of a cluster in a line, or why there is none.
fn outlook(of: &ClusterForecast, forecast: &Forecast, zone: Zone) -> String {
    let outlooks = match &of.outlooks {
        Err(reason) => return format!("unknown. {reason}"),
        Ok(outlooks) => outlooks,
    };
    let first = headline(outlooks, forecast.trust.warns_from);
    let mut text = format!("red within {} h: {}", first.hours, usually(first));
    let Some(shown) = detailed(of, forecast) else { return text };
    if let Some(hour) = shown.first {
        let _ = write!(text, "; first red hour, if within {} h: {}", shown.hours, first_hour(hour, zone));
    }
    if let Some(blame) = &shown.blame {
        let told = metric_of(forecast, &of.cluster, blame).and_then(|of| expected(of, shown, forecast.origin_ms, zone));
        let told = told.map_or_else(String::new, |told| format!(": {told}"));
        let _ = write!(text, "; most likely cause: {}, {}{told}", blame.member, blame.metric.title());
    }
    text
}

/// Adds the problems that fit, worst first, and says what is left out.
fn problems(text: &mut String, findings: &Findings, zone: Zone) -> usize {
    let all = listable(findings);
    let mut room = MOST_OF_PROBLEMS;
    let mut listed = Vec::new();
    for problem in all {
        let section = section(problem, zone);
        let Some(left) = room.checked_sub(section.chars().count()) else { break };
        room = left;
        text.push_str(&section);
        listed.push(problem);
    }
    if listed.is_empty() {
        text.push_str("None.\n\n");
    } else {
        text.push_str("The commands run in the folder of this report.\n\n");
    }
    if let Some(left) = left_out(findings, &listed) {
        let _ = writeln!(text, "Not shown: {left}. `etcd-heatmap findings . --all` lists them.\n");
    }
    listed.len()
}

/// A problem as a section: a heading, and a list of its facts.
fn section(problem: &Problem, zone: Zone) -> String {
    let title = format!("{}: {}", problem.cluster, problem.title());
    let mut text = format!("### {}. {}\n\n", problem.rank, markdown_text(&title));
    let facts = [
        ("When", Some(problem.when(zone))),
        ("Impact", Some(problem.impact_text()).filter(|impact| !impact.is_empty())),
        ("Reading", problem.reading_text()),
        ("Noted", problem.noted_text(zone)),
        ("Next", Some(problem.next_step())),
    ];
    for (name, fact) in facts {
        if let Some(fact) = fact {
            let _ = writeln!(text, "- {name}: {}", markdown_text(&fact));
        }
    }
    let _ = writeln!(text, "- {}\n", markdown_code(&problem.explain_command(".")));
    text
}

/// Adds what is true of clusters whatever their score.
fn facts(text: &mut String, findings: &Findings) {
    let facts = findings.facts();
    for fact in facts.iter().take(MOST_FACTS) {
        let _ = writeln!(text, "- {}", markdown_text(&fact.says));
    }
    if let Some(more) = facts.len().checked_sub(MOST_FACTS).filter(|more| *more > 0) {
        let _ = writeln!(text, "- {} like these. See `report.html`.", count(more, "more sentence"));
    }
    if !facts.is_empty() {
        text.push('\n');
    }
}

/// Adds the table of clusters, worst first, as far as it fits.
fn clusters(text: &mut String, all: &[ClusterHealth]) {
    text.push_str(HEADINGS);
    let mut room = (MOST_CHARS - RESERVE).saturating_sub(text.chars().count());
    let mut listed = 0;
    for health in all {
        let row = row(health);
        let Some(left) = room.checked_sub(row.chars().count()) else { break };
        room = left;
        text.push_str(&row);
        listed += 1;
    }
    if listed < all.len() {
        let left = count(all.len() - listed, "more cluster");
        let _ = writeln!(text, "\nNot shown: {left}, all less affected than these. See `report.html`.");
    }
}

fn row(health: &ClusterHealth) -> String {
    let cells = [
        markdown_text(&health.cluster),
        if health.needs_attention { "needs attention" } else { "ok" }.to_owned(),
        health.mean.map_or_else(|| "–".to_owned(), score_text),
        health.below_7.to_string(),
        health.below_5.to_string(),
        loss_text(health.unknown_hours),
        loss_text(health.lost),
        health.problems.to_string(),
        health.main_cause.map_or("–", |cause| cause.title()).to_owned(),
    ];
    format!("| {} |\n", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::findings::ProblemCause;
    use crate::time::HOUR_MS;

    #[test]
    fn clusters_that_do_not_fit_are_counted() {
        let all: Vec<ClusterHealth> = (0..2000)
            .map(|number| {
                ClusterHealth::never_seen(&format!("cluster-{number:04}"), ProblemCause::MemberWithoutData, HOUR_MS)
            })
            .collect();
        let mut text = String::new();
        clusters(&mut text, &all);
        let listed = text.lines().filter(|line| line.starts_with("| cluster-")).count();
        assert!(listed > 500 && text.chars().count() <= MOST_CHARS, "{listed}: {}", text.len());
        assert!(text.contains(&format!("\nNot shown: {} more clusters", grouped(2000 - listed))), "{text}");
        text.clear();
        clusters(&mut text, &all[..3]);
        assert!(text.lines().count() == 5 && !text.contains("Not shown"), "{text}");
    }

    /// With a comma before the last three digits.
    fn grouped(number: usize) -> String {
        if number < 1000 { number.to_string() } else { format!("{},{:03}", number / 1000, number % 1000) }
    }
}
