//! `report.md`, read by a Markdown parser.

use crate::support::{Asked, DAY, Folder, HOUR, Metrics, START, oracle, prometheus_of, sample_is_scored_exactly};

/// Names that could act as markup, HTML, links or further cells of a table.
const NAMES: [&str; 9] = [
    "a|b||c",
    "`code` ``more``",
    "<script>alert(1)</script><!--",
    "[link](http://example.org) <http://example.org> http://example.org www.example.org",
    "![image](x.png) &lt;b&gt; &amp;",
    "*bold* __strong__ ~~gone~~",
    "two\n\n# lines",
    r"\| \\ end\",
    "=cmd()",
];

#[test]
fn a_markdown_parser_reads_the_same_problems_and_clusters() {
    oracle("markdown.py", &[&sample_is_scored_exactly(&[]).at("audit")]);
}

#[test]
fn hostile_names_stay_text_in_markdown() {
    let mut metrics = Metrics::every(300);
    for (place, cluster) in NAMES.iter().enumerate() {
        for further in [1, 4] {
            let escaped = |name: &str| name.replace('\\', r"\\").replace('\n', r"\n");
            let (cluster, member) = (escaped(cluster), escaped(NAMES[(place + further) % NAMES.len()]));
            let labels = format!(r#"cluster="{cluster}",job="etcd",instance="{member}""#);
            let slow = |t: i64| further == 1 && (START + 2 * HOUR..START + 3 * HOUR).contains(&t);
            metrics.member_with_slow_disk(&labels, START - HOUR..START + DAY, slow);
        }
    }
    let (prometheus, folder) = (prometheus_of(&metrics.text()), Folder::new("markdown-hostile"));
    let asked = Asked { step: 300, ..Asked::all(&prometheus, START, START + 5 * HOUR) };
    asked.run("backfill", &folder).succeeds();
    oracle("markdown.py", &[&folder.at("audit")]);
}
