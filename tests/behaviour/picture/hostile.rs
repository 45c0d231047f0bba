//! Hostile names of clusters in pictures.

use crate::support::{Asked, Folder, HOUR, METRICS, Metrics, START, etcd_heatmap, oracle, prometheus_of};

/// A cluster's name as label value, and as it must be displayed.
const NAMES: [(&str, &str); 7] = [
    ("\"><img src=x onerror=alert(1)>", "\"><img src=x onerror=alert(1)>"),
    ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ("=cmd|' /C calc'!A0 & ]]>", "=cmd|' /C calc'!A0 & ]]>"),
    ("red \u{1b}[31malert\u{7}", "red [U+001B][31malert[U+0007]"),
    ("two\nlines", "two[U+000A]lines"),
    ("\u{202e}exe.fdp\u{2066}", "[U+202E]exe.fdp[U+2066]"),
    ("🔥 日本 שלום", "🔥 日本 שלום"),
];

/// An hour of a cluster of each name, and of one whose name is 300 characters long.
fn pictured() -> Folder {
    let mut metrics = Metrics::default();
    let long = "n".repeat(300);
    for (place, name) in NAMES.iter().map(|(name, _)| *name).chain([long.as_str()]).enumerate() {
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels = format!("cluster=\"{quoted}\",job=\"etcd\",instance=\"m{place}\"");
        for metric in METRICS {
            metrics.recorded(metric, &labels, START..START + HOUR, |_| 0.002);
        }
    }
    let prometheus = prometheus_of(&metrics.text());
    let folder = Folder::new("hostile");
    let asked = Asked { step: 600, recorded: METRICS.to_vec(), ..Asked::all(&prometheus, START, START + HOUR) };
    asked.is_answered_exactly(&folder);
    folder
}

#[test]
fn hostile_names_are_harmless_and_legible_in_every_picture() {
    let folder = pictured();
    let (audit, svg, png) = (folder.at("audit"), folder.at("p.svg"), folder.at("p.png"));
    etcd_heatmap(&["show", &audit, "--svg", &svg, "--png", &png]).succeeds();
    // Well-formed, without elements or attributes that act, every cell in its place, every name visible in the PNG.
    oracle("picture.py", &[&svg, &folder.at("audit/heatmap.csv"), "--png", &png]);
    let drawn = folder.text("p.svg");
    for (_, seen) in NAMES {
        let escaped = seen.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let escaped = escaped.replace('"', "&quot;").replace('\'', "&#39;");
        assert_eq!(drawn.matches(&format!(">{escaped}</text>")).count(), 1, "{seen:?} is the name of one block");
    }
    let shortened = drawn.split("nnn…nnn").count() - 1;
    // In the block and in the description; in full only in the title.
    assert_eq!((shortened, drawn.matches(&"n".repeat(300)).count()), (2, 1));

    let shown = etcd_heatmap(&["show", &audit]).succeeds().stdout;
    let unwanted =
        |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!shown.contains(unwanted), "{shown:?}");
    for part in ["red \u{fffd}[31malert\u{fffd}: mean 10", "two\u{fffd}lines: mean 10", "🔥 日本 שלום: mean 10"]
    {
        assert!(shown.contains(part), "{part:?} is not in {shown:?}");
    }
    etcd_heatmap(&["show", &audit, "--cluster", "c"]).fails_saying(&["two\u{fffd}lines"]);
}
