//! Servers behind gateways with rules of their own: parameters, methods and limits that they refuse, `null` for an empty
//! list, and addresses that are not a Prometheus. Some gates are those of `cases/`, the others vary them.

mod limits;
mod methods;
mod mistaken;
mod parameters;

use std::sync::OnceLock;

use crate::support::{Doorman, Folder, Prometheus, Run, answer, behind, case, etcd_heatmap};

/// The first day of the history of the case `base`: three members, two days.
const DAY: [&str; 4] = ["--start", "2026-11-20", "--end", "2026-11-21"];

fn base() -> &'static Prometheus {
    static SHARED: OnceLock<Prometheus> = OnceLock::new();
    SHARED.get_or_init(|| case("base"))
}

fn backfill(url: &str, folder: &Folder, flags: &[&str]) -> Run {
    let backfill = ["backfill", "--formats", "csv", "--out", &folder.at("audit"), "--url", url];
    etcd_heatmap(&[&backfill, &DAY[..], flags].concat())
}

/// The cells of a pull without a gateway.
fn expected() -> &'static str {
    static SHARED: OnceLock<String> = OnceLock::new();
    SHARED.get_or_init(|| {
        let folder = Folder::new("no-gateway");
        backfill(&base().url(), &folder, &["--quiet"]).succeeds();
        folder.text("audit/heatmap.csv")
    })
}

/// A pull through the gateway gives the cells of one without it.
#[track_caller]
fn pulls_everything(url: &str, flags: &[&str]) -> Run {
    let folder = Folder::new("gateway");
    let run = backfill(url, &folder, flags).succeeds();
    assert_eq!(folder.text("audit/heatmap.csv"), expected(), "{run:?}");
    run
}

/// A gateway to the history `base`.
fn gateway(judge: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Doorman {
    Doorman::before(base().server().port(), judge)
}

fn json(status: &str, body: &str) -> String {
    answer(status, "Content-Type: application/json\r\n", body)
}

/// The query string and the form of a request together.
fn parameters_of(request: &str) -> Vec<(String, String)> {
    let (head, body) = request.split_once("\r\n\r\n").expect("a whole request");
    let address = head.split(' ').nth(1).unwrap_or_default();
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let all = [query, body].map(|text| url::form_urlencoded::parse(text.as_bytes()).into_owned().collect::<Vec<_>>());
    all.concat()
}

/// The value of a parameter in seconds.
fn second(request: &str, name: &str) -> i64 {
    let value = parameters_of(request).into_iter().find(|(key, _)| key == name);
    value.and_then(|(_, text)| text.parse::<f64>().ok()).unwrap_or_default() as i64
}

fn is_query(request: &str) -> bool {
    request.lines().next().is_some_and(|line| line.contains("/api/v1/query"))
}

#[test]
fn null_is_an_empty_list_for_check_and_for_a_choice_of_series() {
    let gate = behind(&base().url(), &["null-result"]);
    let run = etcd_heatmap(&[&["check", "--url", &gate.url()][..], &DAY].concat()).succeeds();
    assert!(run.stdout.contains("ready    a pull would work"), "{run:?}");
    pulls_everything(&gate.url(), &["--quiet", "--series", "auto"]);
    // Nothing at all is null, too.
    let nothing = ["--quiet", "--selector", "job=\"none\""];
    backfill(&gate.url(), &Folder::new("null"), &nothing).fails_saying(&["none of etcd's six metrics"]);
}

#[test]
fn null_in_lookups_and_in_data_is_an_empty_list() {
    let null = r#"{"status":"success","data":null,"warnings":null,"infos":null,"error":null,"errorType":null}"#;
    for path in ["/api/v1/series", "/api/v1/label/", "/api/v1/status/"] {
        let gate = gateway(move |request| {
            let line = request.lines().next().unwrap_or_default();
            line.contains(path).then(|| json("200 OK", null))
        });
        pulls_everything(&gate.url(""), &["--quiet"]);
    }
    let empty = gateway(move |request| is_query(request).then(|| json("200 OK", null)));
    backfill(&empty.url(""), &Folder::new("null"), &["--quiet"]).fails_saying(&["none of etcd's six metrics"]);
}
