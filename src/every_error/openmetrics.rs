//! Samples of the errors of `openmetrics`, mostly made by linting texts with one fault each.

use std::collections::BTreeSet;

use super::{START_MS, Samples, samples_of};
use crate::openmetrics::{HeadWindow, Wrong, lint};

/// Metadata lines of a gauge; each text appends its samples.
const HEAD: &str = "# HELP etcd_score Score.\n# TYPE etcd_score gauge\n";
/// Metadata lines of a counter; each text appends its samples.
const COUNTER: &str = "# HELP etcd_restarts Restarts.\n# TYPE etcd_restarts counter\n";

pub(super) fn samples() -> Vec<Samples> {
    let texts = [
        // Texts with a fault of syntax.
        format!("{HEAD}etcd_score{{member=\"a\"}} ten 1790812800\n# EOF\n"),
        format!("{HEAD}etcd_score{{member=\"a\"}} 10 noon\n# EOF\n"),
        format!("{HEAD}0score 10 1790812800\n# EOF\n"),
        format!("{HEAD}etcd_score{{0=\"a\"}} 10 1790812800\n# EOF\n"),
        format!("{HEAD}etcd_score{{member=a}} 10 1790812800\n# EOF\n"),
        format!("{HEAD}etcd_score{{member=\"a\";}} 10 1790812800\n# EOF\n"),
        format!("{HEAD}etcd_score{{member=\"a\n# EOF\n"),
        format!("{COUNTER}etcd_restarts_total 1 1790812800 x\n# EOF\n"),
        "# TYPE etcd_score\n# EOF\n".to_owned(),
        "# UNIT etcd_score sec-onds\n# EOF\n".to_owned(),
        // Texts with valid syntax but another fault.
        format!("\u{feff}{HEAD}etcd_score 10 1790812800\n# EOF\n"),
        format!("{HEAD}etcd_score{{member=\"a\\t\"}} 10 1790812800\n# EOF\n"),
        format!("{HEAD}etcd_score{{member=\"a\",member=\"b\"}} 10 1790812800\n# EOF\n"),
        format!("{HEAD}etcd_score{{__name__=\"a\"}} 10 1790812800\n# EOF\n"),
        format!("{HEAD}etcd_score{{}} 10 1790812800\n# EOF\n"),
        format!("{HEAD}etcd_score{{}} 10 1790812800\netcd_score{{}} 10 1790812860\n# EOF\n"),
        format!("{HEAD}etcd_score{{}} 1 1790812800\netcd_score{{}} 1 1790812860\netcd_score{{}} 1 1790812920\n# EOF\n"),
        format!("{HEAD}\netcd_score 10 1790812800\n# EOF\n"),
        format!("{HEAD}etcd_score 10 1790812800\r\n# EOF\n"),
        format!("{HEAD}etcd_score 10 1790812800\r\n# EOF\r\n"),
        format!("{HEAD}# scores of October\netcd_score 10 1790812800\n# EOF\n"),
        "# HELP etcd_score Score.\n# TYPE etcd_score score\n# EOF\n".to_owned(),
        "# UNIT etcd_score points\n# EOF\n".to_owned(),
        format!("{HEAD}etcd_score 10\n# EOF\n"),
        format!("{HEAD}etcd_score 10 1790812800000\n# EOF\n"),
        format!("{HEAD}etcd_score 10 1790812800000\netcd_score 10 1790812860000\n# EOF\n"),
        format!("{HEAD}etcd_score 10 -60\n# EOF\n"),
        format!("{HEAD}etcd_score 10 1790812800 # {{trace_id=\"x\"}} 0.5\n# EOF\n"),
        format!("{HEAD}etcd_score 10 1790812800\netcd_score 10 1790812740\n# EOF\n"),
        format!("{HEAD}etcd_score 10 1790812800\netcd_score 9 1790812800\n# EOF\n"),
        format!(
            "{HEAD}etcd_score{{member=\"a\"}} 1 1790812800\netcd_score{{member=\"b\"}} 1 1790812800\n\
             etcd_score{{member=\"a\"}} 1 1790812860\n# EOF\n"
        ),
        format!("{HEAD}etcd_score 1 1790812800\n{COUNTER}etcd_restarts_total 1 1790812800\n{HEAD}# EOF\n"),
        format!("# TYPE etcd_score gauge\n{HEAD}etcd_score 10 1790812800\n# EOF\n"),
        "# TYPE etcd_score gauge\netcd_score 10 1790812800\n# HELP etcd_score Score.\n# EOF\n".to_owned(),
        "etcd_score 10 1790812800\n# EOF\n".to_owned(),
        format!("{COUNTER}etcd_restarts 1 1790812800\n# EOF\n"),
        "# EOF\n".to_owned(),
        format!("{HEAD}etcd_score 10 1790812800\n"),
        format!("{HEAD}etcd_score 10 17908128"),
        format!("{HEAD}etcd_score 10 1790812800\n# EOF\netcd_score 9 1790812860\n"),
    ];
    let mut found: Vec<Wrong> = texts.iter().flat_map(|text| faults(text.as_bytes(), None)).collect();
    found.extend(faults(b"# HELP etcd_score \xff\n# EOF\n", None));
    found.extend(faults(&[b'a'; 2 << 20], None));
    let head = Some(HeadWindow { from_ms: START_MS });
    found.extend(faults(format!("{HEAD}etcd_score 10 1790812800\n# EOF\n").as_bytes(), head));
    let two = format!("{HEAD}etcd_score 10 1790812800\netcd_score 10 1790812860\n# EOF\n");
    found.extend(faults(two.as_bytes(), head));
    // Drop repeated faults: some texts have a second fault, which another text has too.
    let mut seen = BTreeSet::new();
    found.retain(|wrong| seen.insert(wrong.to_string()));
    vec![samples_of(found)]
}

fn faults(text: &[u8], head: Option<HeadWindow>) -> Vec<Wrong> {
    match lint(text, head).expect("a slice is readable") {
        Ok(_) => Vec::new(),
        Err(faults) => faults.told().iter().map(|fault| fault.wrong.clone()).collect(),
    }
}
