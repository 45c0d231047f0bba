//! The problems as cards, worst first: ten that are open, and the others folded below them.

use maud::{Markup, html};

use super::verdict::capitalized;
use super::{number_of, sparkline};
use crate::analysis::findings::{Findings, Problem};
use crate::heatmap::PackedLine;
use crate::text::count;
use crate::text::html::html_text;
use crate::time::{TimeRange, Zone};

/// Maximum number of cards that are not folded.
const OPEN_CARDS: usize = 10;
/// The folder in commands: they run in the folder that holds the report.
const FOLDER: &str = ".";

/// Everything that a card needs besides its problem.
#[derive(Clone, Copy)]
pub(super) struct Deck<'a> {
    pub(super) lines: &'a [PackedLine],
    pub(super) zone: Zone,
    /// The scored range, which sparklines span.
    pub(super) range: TimeRange,
}

/// The open cards, the folded ones, and how many there are of each.
pub(super) fn cards(findings: &Findings, deck: Deck<'_>) -> Markup {
    let all = findings.problems();
    if all.is_empty() {
        return html! { p { "No problem was found in this range: no cluster lost points, and no member was without data." } };
    }
    let open: Vec<&Problem> = all.iter().filter(|problem| !problem.is_rest()).take(OPEN_CARDS).collect();
    let is_open = |problem: &&Problem| open.iter().any(|shown| shown.rank == problem.rank);
    let folded: Vec<&Problem> = all.iter().filter(|problem| !is_open(problem)).collect();
    let scattered = folded.iter().filter(|problem| problem.is_rest()).count();
    html! {
        p.quiet {
            "Worst first, by points below 10 × hours; missing members by what is left of the cluster. "
            span #problem-count { (open.len()) " shown" @if !folded.is_empty() { " + " (folded.len()) " folded" } " = " (count(all.len(), "problem")) }
            @if scattered > 0 { " (" (scattered) " of the folded ones " @if scattered == 1 { "is" } @else { "are" } " scattered short dips)" }
            "."
        }
        div.cards { @for problem in &open { (card(problem, deck)) } }
        @if !folded.is_empty() {
            details.more #more-problems {
                summary { (count(folded.len(), "more problem")) @if scattered > 0 { ", " (scattered) " of them scattered short dips" } }
                div.cards { @for problem in &folded { (card(problem, deck)) } }
            }
        }
    }
}

fn card(problem: &Problem, deck: Deck<'_>) -> Markup {
    let number = number_of(&problem.cluster, deck.lines);
    let shape = problem.shape.name();
    let heading = format!("problem-{}-title", problem.rank);
    html! {
        article.problem id={ "problem-" (problem.rank) } aria-labelledby=(heading) data-rank=(problem.rank)
            data-name=(html_text(&problem.cluster)) data-cause=(problem.cause.name()) data-shape=(shape) data-id=(html_text(&problem.id)) {
            div.rank { a href={ "#problem-" (problem.rank) } aria-label={ "Link to problem " (problem.rank) } { (problem.rank) } }
            div.what {
                h3 id=(heading) { bdi.cluster-name { (html_text(&problem.cluster)) } " " span.title { (capitalized(&html_text(&problem.title()))) } }
                p.impact { (capitalized(&html_text(&problem.impact_text()))) }
                p.when { (capitalized(&html_text(&problem.when(deck.zone)))) }
                @if let Some(reading) = problem.reading_text() { p.reading { (capitalized(&html_text(&reading))) } }
                @if let Some(noted) = problem.noted_text(deck.zone) { p.noted { "Noted: " (html_text(&noted)) } }
                p.next { (problem.next_step()) }
                code.command hidden { (html_text(&problem.explain_command(FOLDER))) }
            }
            div.side {
                (sparkline::sparkline(problem, deck.range, deck.zone))
                p.actions.scripted {
                    @if let Some(number) = number {
                        button.show type="button" data-cluster=(number) data-problem=(problem.rank) aria-label={ "Show problem " (problem.rank) " in the heat map" } { "Show" }
                    }
                    button.copy type="button" aria-label={ "Copy problem " (problem.rank) " as Markdown" } { "Copy as Markdown" }
                }
            }
        }
    }
}
