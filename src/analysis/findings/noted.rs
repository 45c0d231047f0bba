//! Annotations beside findings: what people noted at the time. They change neither scores, losses, ranks nor problems; only
//! a leader change without a measured cause takes the cause of a planned move that was noted.

use super::spans::length;
use super::{Cause, Evidence, Finding, Findings, Kind, told};
use crate::analysis::annotations::{Annotation, AnnotationKind, Annotations};
use crate::time::Zone;

/// Most annotations in the evidence of a finding: an absence of weeks overlaps all of them.
const MOST: usize = 3;
/// Most characters of a text in a sentence; the evidence has all of it.
const MOST_CHARS: usize = 100;

/// What was noted near the incidents of a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    /// How many of the problem's incidents overlap an annotation.
    pub(crate) incidents: usize,
    /// The text of the annotation nearest to the start of the worst of them.
    pub(crate) text: String,
    /// When that annotation begins, milliseconds since 1970.
    pub(crate) at_ms: i64,
    pub(crate) end_ms: Option<i64>,
    /// How many other annotations these incidents overlap.
    pub(crate) more: usize,
}

impl Findings {
    /// Adds the annotations to the incidents, leader changes and defragmentations of their clusters that they overlap, and
    /// to the problems of these incidents. Call it before [`Findings::of_cluster`] and [`Findings::of_kind`].
    #[must_use]
    pub(crate) fn with_annotations(mut self, annotations: &Annotations) -> Self {
        if annotations.is_empty() {
            return self;
        }
        let near: Vec<Vec<&Annotation>> = self.all.iter().map(|finding| near(finding, annotations)).collect();
        for problem in &mut self.problems {
            let own = self.all.iter().zip(&near);
            let own = own.filter(|(f, _)| f.kind == Kind::Incident && f.problem.as_deref() == Some(&*problem.id));
            problem.noted = noted(&own.filter(|(_, near)| !near.is_empty()).collect::<Vec<_>>());
        }
        for (finding, near) in self.all.iter_mut().zip(&near) {
            tell(finding, near);
        }
        self
    }
}

/// The annotations that a finding overlaps: a planned move that holds all of a leader change first, then by their distance
/// to the finding's start. Empty for kinds that are no event.
fn near<'a>(finding: &Finding, annotations: &'a Annotations) -> Vec<&'a Annotation> {
    if !matches!(finding.kind, Kind::Incident | Kind::LeaderChange | Kind::Defragmentation) {
        return Vec::new();
    }
    let mut near: Vec<&Annotation> = annotations.near(&finding.cluster, finding.range()).collect();
    near.sort_by_key(|one| (!is_move(one, finding), one.at_ms.abs_diff(finding.start_ms), one.at_ms, one.line));
    near
}

/// Whether the annotation is a planned move within which a leader change lies. The range of a change has a step before and
/// after it, which may be longer than the slack of an annotation: so half of it is enough.
fn is_move(annotation: &Annotation, finding: &Finding) -> bool {
    finding.kind == Kind::LeaderChange
        && annotation.kind == AnnotationKind::PlannedMove
        && annotation
            .reach()
            .intersect(finding.range())
            .is_some_and(|both| 2 * length(&[both]) >= length(&[finding.range()]))
}

fn tell(finding: &mut Finding, near: &[&Annotation]) {
    let Some(first) = near.first() else { return };
    let is_move = is_move(first, finding);
    let noted = if is_move { "a planned move was noted" } else { "noted" };
    let more = if near.len() > 1 { format!(" and {} more", near.len() - 1) } else { String::new() };
    let end = first.end_ms.map_or_else(String::new, |end_ms| format!(" to {}", told::instant(end_ms)));
    let at = format!("{}{end}", told::instant(first.at_ms));
    finding.says += &format!("; {noted}: \"{}\" ({at}){more}", shortened(&first.text));
    if is_move && finding.cause == Some(Cause::Unexplained) {
        finding.cause = Some(Cause::PlannedMove);
        finding.tell("cause_by_readings", Cause::Unexplained.name());
    }
    for (index, annotation) in near.iter().take(MOST).enumerate() {
        let name = if index == 0 { "annotation".to_owned() } else { format!("annotation_{}", index + 1) };
        finding.tell(name.clone(), annotation.text.clone());
        finding.tell(format!("{name}_kind"), annotation.kind.name());
        finding.tell(format!("{name}_time"), Evidence::Instant(annotation.at_ms));
        if let Some(end_ms) = annotation.end_ms {
            finding.tell(format!("{name}_end"), Evidence::Instant(end_ms));
        }
    }
    if near.len() > MOST {
        finding.tell("annotations", near.len());
    }
}

/// What a problem mentions, from its incidents that overlap annotations.
fn noted(incidents: &[(&Finding, &Vec<&Annotation>)]) -> Option<Noted> {
    let (_, near) = incidents.iter().min_by_key(|(incident, _)| incident.rank)?;
    let first = near.first()?;
    let mut lines: Vec<usize> = incidents.iter().flat_map(|(_, near)| near.iter().map(|one| one.line)).collect();
    lines.sort_unstable();
    lines.dedup();
    let (text, at_ms, end_ms) = (first.text.clone(), first.at_ms, first.end_ms);
    Some(Noted { incidents: incidents.len(), text, at_ms, end_ms, more: lines.len() - 1 })
}

impl Noted {
    /// In words: `"etcd upgrade" (2026-10-01 at 12:00)`, and for one of several incidents `…, at 2 of 3 incidents`.
    pub(super) fn in_words(&self, incidents: usize, zone: Zone) -> String {
        let at = match incidents {
            1 => String::new(),
            all => format!(", at {} of {all} incidents", self.incidents),
        };
        let begins = zone.in_words(self.at_ms);
        let ends = self.end_ms.map(|end_ms| {
            let ends = zone.in_words(end_ms);
            // The date is not repeated, and neither is the zone.
            let same = begins.split_inclusive(" at ").next().and_then(|date| ends.strip_prefix(date));
            format!(" to {}", same.unwrap_or(&ends))
        });
        let named = format!(" {zone}");
        let begins = begins.strip_suffix(&named).filter(|_| ends.is_some()).unwrap_or(&begins);
        let when = format!("{begins}{}", ends.unwrap_or_default());
        let more = if self.more > 0 { format!(" and {} more", self.more) } else { String::new() };
        format!("\"{}\" ({when}){more}{at}", shortened(&self.text))
    }
}

fn shortened(text: &str) -> String {
    match text.chars().count() {
        ..=MOST_CHARS => text.to_owned(),
        _ => text.chars().take(MOST_CHARS - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::super::{Problem, ProblemCause, Shape};
    use super::*;
    use crate::time::TimeRange;

    const MINUTE: i64 = 60_000;

    fn minutes(start: i64, end: i64) -> TimeRange {
        TimeRange { start_ms: start * MINUTE, end_ms: end * MINUTE }
    }

    fn finding(kind: Kind, range: TimeRange) -> Finding {
        let mut finding = Finding::new(kind, "c", range.start_ms, range.end_ms, "");
        finding.says = "it happened".to_owned();
        finding.cause = (kind == Kind::LeaderChange).then_some(Cause::Unexplained);
        finding
    }

    fn annotation(line: usize, kind: AnnotationKind, at: i64, end: Option<i64>) -> Annotation {
        let (at_ms, end_ms) = (at * MINUTE, end.map(|end| end * MINUTE));
        Annotation { line, at_ms, end_ms, cluster: Some("c".to_owned()), kind, text: format!("note {line}") }
    }

    fn with(findings: Vec<Finding>, annotations: Vec<Annotation>) -> Vec<Finding> {
        let findings = Findings::of(findings, Vec::new(), Vec::new());
        findings.with_annotations(&Annotations::new(annotations)).iter().cloned().collect()
    }

    fn evidence(finding: &Finding) -> Vec<String> {
        finding.evidence.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    #[test]
    fn an_unexplained_change_inside_a_planned_move_is_planned_and_a_measured_cause_stays() {
        let planned = || annotation(2, AnnotationKind::PlannedMove, 100, Some(110));
        let mut slow = finding(Kind::LeaderChange, minutes(104, 106));
        slow.cause = Some(Cause::SlowDisk);
        let unexplained = finding(Kind::LeaderChange, minutes(100, 102));
        // It began before the move, and a third of it is within.
        let partly = finding(Kind::LeaderChange, minutes(81, 102));
        let found = with(vec![slow, unexplained, partly], vec![planned()]);
        let causes: Vec<Option<Cause>> = found.iter().map(|finding| finding.cause).collect();
        assert_eq!(causes, [Cause::Unexplained, Cause::PlannedMove, Cause::SlowDisk].map(Some));
        let said = "note 2\" (1970-01-01T01:40:00Z to 1970-01-01T01:50:00Z)";
        assert_eq!(found[0].says, format!("it happened; noted: \"{said}"));
        assert_eq!(found[1].says, format!("it happened; a planned move was noted: \"{said}"));
        assert_eq!(found[2].says, found[1].says);
        assert_eq!(evidence(&found[1])[0], "cause_by_readings=unexplained");
        assert_eq!(
            evidence(&found[2]),
            [
                "annotation=note 2",
                "annotation_kind=planned_move",
                "annotation_time=1970-01-01T01:40:00Z",
                "annotation_end=1970-01-01T01:50:00Z"
            ]
        );
        // A deploy explains nothing.
        let deploy = annotation(2, AnnotationKind::Deploy, 101, None);
        let found = with(vec![finding(Kind::LeaderChange, minutes(100, 102))], vec![deploy]);
        assert_eq!(found[0].cause, Some(Cause::Unexplained));
    }

    #[test]
    fn the_nearest_annotations_are_told_and_the_others_counted() {
        let far = finding(Kind::Incident, minutes(100, 1000));
        let notes = [900, 300, 99, 120, 500].into_iter().enumerate();
        let notes = notes.map(|(line, at)| annotation(line + 2, AnnotationKind::Other, at, None)).collect();
        let found = with(vec![far, finding(Kind::Growth, minutes(0, 1000))], notes);
        assert_eq!(found[0].says, "it happened; noted: \"note 4\" (1970-01-01T01:39:00Z) and 4 more");
        let texts: Vec<String> = evidence(&found[0]).into_iter().filter(|one| one.contains("=note")).collect();
        assert_eq!(texts, ["annotation=note 4", "annotation_2=note 5", "annotation_3=note 3"]);
        assert_eq!(evidence(&found[0]).last().map(String::as_str), Some("annotations=5"));
        assert_eq!((found[1].says.as_str(), found[1].evidence.len()), ("it happened", 0));
    }

    #[test]
    fn a_problem_counts_its_incidents_that_overlap_annotations() {
        let mut incidents =
            [minutes(0, 30), minutes(100, 130), minutes(200, 230)].map(|range| finding(Kind::Incident, range));
        incidents.iter_mut().for_each(|incident| incident.problem = Some("c/slow_disk/1".to_owned()));
        incidents[1].impact = 2.0;
        incidents[2].impact = 1.0;
        let mut problem = Problem::empty("c", ProblemCause::SlowDisk, Shape::Repeated);
        problem.id = "c/slow_disk/1".to_owned();
        problem.occurrences = 3;
        let findings = Findings::of(incidents.to_vec(), vec![problem], Vec::new());
        let notes = vec![
            annotation(2, AnnotationKind::Other, 101, None),
            annotation(3, AnnotationKind::Other, 125, None),
            annotation(4, AnnotationKind::Other, 210, Some(220)),
        ];
        let noted = findings.clone().with_annotations(&Annotations::new(notes));
        let problem = &noted.problems()[0];
        let words = "\"note 2\" (1970-01-01 at 01:41) and 2 more, at 2 of 3 incidents";
        assert_eq!(problem.noted_text(Zone::default()).as_deref(), Some(words));
        let mut range = noted.problems()[0].noted.clone().unwrap();
        range.end_ms = Some(range.at_ms + 30 * MINUTE);
        assert_eq!(range.in_words(1, Zone::default()), "\"note 2\" (1970-01-01 at 01:41 to 02:11) and 2 more");
        range.end_ms = Some(range.at_ms + 24 * 60 * MINUTE);
        assert_eq!(
            range.in_words(1, Zone::default()),
            "\"note 2\" (1970-01-01 at 01:41 to 1970-01-02 at 01:41) and 2 more"
        );
        let impacts = |of: &Findings| of.iter().map(|f| (f.rank, f.impact, f.lost)).collect::<Vec<_>>();
        assert_eq!(impacts(&noted), impacts(&findings), "annotations change no rank and no loss");
        let none = findings.clone().with_annotations(&Annotations::default());
        assert_eq!(none, findings);
    }
}
