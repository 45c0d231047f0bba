use crate::analysis::annotations::Annotations;
use crate::analysis::cell_readings::ReadingCells;
use crate::analysis::findings::Findings;
use crate::analysis::forecast::quantiles::MEDIAN;
use crate::analysis::forecast::result::Forecast;
use crate::folder::{MANIFEST, Manifest};
use crate::heatmap::{Cell, PackedLine};
use crate::outputs::report::page::{Shown, page};
use crate::outputs::shared::ahead::made::{ORIGIN, cluster, forecast};
use crate::scratch::Scratch;
use crate::time::HOUR_MS;

/// The page of clusters `c01` and `c02` with 60 hours before the origin, the last of them at 3 points.
fn made(forecast: Option<&Forecast>) -> String {
    let scratch = Scratch::new();
    std::fs::write(scratch.path().join(MANIFEST), include_str!("../../../folder/manifest/0.1.0.json")).unwrap();
    let manifest = Manifest::read(scratch.path()).unwrap().unwrap();
    // The origin is the last step of an hour.
    let end_ms = ORIGIN + HOUR_MS / 12;
    let cell = |hour: i64| Cell {
        start_ms: end_ms - hour * HOUR_MS,
        ..Cell::hour(12, 12, Some(if hour == 1 { 3.0 } else { 10.0 }), &[])
    };
    let line = |cluster: &str| {
        let mut line = PackedLine::new(cluster.into(), None);
        (1..=60).rev().map(cell).for_each(|cell| line.push(cell));
        line
    };
    let (lines, findings, readings) = ([line("c01"), line("c02")], Findings::default(), ReadingCells::default());
    let annotations = Annotations::default();
    page(Shown {
        manifest: &manifest,
        lines: &lines,
        findings: &findings,
        annotations: &annotations,
        readings: &readings,
        forecast,
    })
}

/// The part of a text between two others.
fn part<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let rest = text.split_once(from).unwrap_or_else(|| panic!("{from} is missing")).1;
    rest.split_once(to).unwrap_or_else(|| panic!("{to} is missing")).0
}

#[test]
fn without_a_forecast_nothing_of_it_is_on_the_page() {
    let page = made(None);
    for word in ["ahead", "Next 24 hours", "outlook", "class=\"fan\"", "anomaly"] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn every_cluster_has_a_card_with_its_probabilities_beside_the_usual_rate() {
    let page = made(Some(&forecast()));
    let section = part(&page, "<section id=\"next\"", "</section>");
    assert_eq!(section.matches("<article class=\"outlook\"").count(), 3);
    assert!(
        section.contains("Forecast from Oct 14 23:55 UTC") && section.contains(">3 shown = 3 clusters<"),
        "{section}"
    );
    let card = part(section, "data-name=\"c01\"", "</article>");
    assert!(card.contains("Red within 24 h: usually 41\u{a0}%, now 86\u{a0}%"), "{card}");
    assert!(card.contains("<strong>12 %</strong>") && card.contains("usually 11 %"), "{card}");
    assert_eq!(card.matches("is-warning").count(), 1, "only 86 % is a warning");
    assert!(
        card.contains("First red hour, if within 24 h: Oct 15 14:00, with 80 % between 13:00 and Oct 16 01:00"),
        "{card}"
    );
    assert!(card.contains("<bdi>10.0.1.1:2379</bdi>, WAL fsync p99: now 2 to 4 ms, 8 to 16 ms expected"), "{card}");
    assert!(section.contains("2 with a date + 2 without = 4 limits."), "{section}");
}

#[test]
fn an_unknown_outlook_is_gray_with_its_reason_and_never_has_a_probability() {
    let page = made(Some(&forecast()));
    let card = part(&page, "data-name=\"c03\"", "</article>");
    assert!(
        card.contains(
            "<span class=\"chip unknown\">unknown</span> 10.0.3.1:2379 has less than 2 days of readings &lt;so far&gt;."
        ),
        "{card}"
    );
    assert!(!card.contains('%') && !card.contains("band-ok") && !card.contains("class=\"s"), "{card}");
}

#[test]
fn the_strip_has_48_hours_of_the_past_and_24_ahead() {
    let page = made(Some(&forecast()));
    let strip = part(&page, "class=\"hours\"", "</div>");
    let classes: Vec<&str> = strip.split("<i class=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(classes.len(), 72);
    assert!(classes[..47].iter().all(|class| *class == "s100"), "{classes:?}");
    assert_eq!(classes[47], "s30", "the hour before the origin");
    let expected: Vec<&str> =
        (0..24).map(|hour| if (14..17).contains(&hour) { "s42 ahead" } else { "s97 ahead" }).collect();
    assert_eq!(classes[48..], expected);
    let label = "median ahead at least 4.20, lowest at Oct 15 14:00; red in 3 of 24 hours";
    assert!(strip.contains(label), "{strip}");
}

#[test]
fn a_fan_is_drawn_from_its_last_reading_and_named_in_a_sentence() {
    let page = made(Some(&forecast()));
    let fan = part(&page, "<figure class=\"fan\">", "</figure>");
    let label = "WAL fsync p99 of 10.0.1.1:2379: now 2 to 4 ms; expected Oct 15 05:55 2 to 4 ms, with 80 % 1 to 16 ms; \
                 Oct 15 23:55 2 to 4 ms, with 80 % 1 to 16 ms";
    assert_eq!(part(fan, "aria-label=\"", "\""), label);
    for class in ["band95", "band80", "band50"] {
        // From the reading now, along 24 points and back.
        let path = part(fan, &format!("class=\"{class}\" d=\""), "\"");
        assert!(
            path.starts_with("M480.0 ") && path.ends_with('z') && path.matches('L').count() == 49,
            "{class}: {path}"
        );
    }
    assert!(
        fan.contains(">threshold 10 ms<")
            && fan.contains(">now 23:55<")
            && fan.contains("forecast by last_hour and rhythm"),
        "{fan}"
    );
    assert!(!fan.contains("NaN") && !fan.contains("inf"), "{fan}");
}

#[test]
fn bad_values_leave_no_nan_on_the_page() {
    let mut forecast = forecast();
    for metric in &mut forecast.metrics {
        metric.now = None;
        for point in metric.fan.as_mut().unwrap() {
            point.quantiles[MEDIAN] = f64::NAN;
            point.quantiles[0] = -1.0;
            point.quantiles[22] = f64::INFINITY;
        }
    }
    let page = made(Some(&forecast));
    let section = part(&page, "<section id=\"next\"", "</section>");
    assert!(!section.contains("NaN") && !section.contains(">inf"), "{section}");
    assert!(!section.contains("class=\"fan\""), "no point has a median");
    forecast.metrics.clear();
    assert!(made(Some(&forecast)).contains("<article class=\"outlook\""));
}

#[test]
fn many_quiet_clusters_are_folded_and_the_numbers_add_up() {
    let mut many = forecast();
    many.clusters.extend((10..40).map(|number| cluster(&format!("c{number}"), [0.0, 0.01, 0.02], 9.7)));
    let page = made(Some(&many));
    assert!(page.contains(">2 shown + 31 folded = 33 clusters<"), "{page}");
    let folded = part(&page, "<details class=\"more\" id=\"more-ahead\">", "</details>");
    assert_eq!(folded.matches("<article").count(), 31);
    assert!(folded.contains("31 more clusters, 31 of them with less than 10 % at any horizon"));
}

#[test]
fn the_script_has_the_hours_of_each_cluster_in_local_minutes() {
    let page = made(Some(&forecast()));
    let json: serde_json::Value =
        serde_json::from_str(part(&page, "<script id=\"ahead-hours\" type=\"application/json\">", "</script>"))
            .unwrap();
    let hours = json[0].as_array().unwrap();
    assert_eq!((hours.len(), json.as_array().unwrap().len()), (24, 2));
    assert_eq!(hours[14][0], (ORIGIN + HOUR_MS / 12 + 14 * HOUR_MS) / 60_000);
    assert_eq!(hours[14][1], 420);
    let says =
        "Forecast for Oct 15 14:00: median 4.20, 80 % between 3.47 and 4.92; red in over 99 % of simulated courses";
    assert_eq!(hours[14][2], says);
}
