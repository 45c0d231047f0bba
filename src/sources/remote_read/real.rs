//! Comparison of both response types with the query API and with blocks of a Prometheus server.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::ops::Range;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::*;
use crate::scratch::Scratch;
use crate::sources::tsdb::block::random::Random;
use crate::sources::tsdb::block::real::server::{Server, counters, histogram, scraped, snapshot};
use crate::sources::tsdb::block::real::{random_text, write_blocks};
use crate::sources::tsdb::block::{Block, BlockFolders, Samples, merge};

mod servers;

/// The value that ends a series.
const STALE: u64 = 0x7ff0_0000_0000_0002;

/// Samples of series by their labels.
type Content = BTreeMap<Vec<(String, String)>, Samples>;

/// Which response types a request accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Accept {
    /// What the client sends.
    Streamed,
    /// What a client sends that is older than streaming.
    Samples,
}

const BOTH: [Accept; 2] = [Accept::Streamed, Accept::Samples];

/// Status, content type and body.
struct Answer {
    status: u16,
    content_type: Option<String>,
    body: Vec<u8>,
}

/// Sends a request with HTTP 1.0, so that the body of the answer ends with the connection.
fn http(server: &Server, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).expect("a running server");
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("{method} {path} HTTP/1.0\r\nHost: x\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat()).expect("a running server");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("a running server");
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(answer[..end].to_vec()).expect("a head");
    let content_type = head.lines().find_map(|line| line.strip_prefix("Content-Type: ")).map(str::to_owned);
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, content_type, body: answer.split_off(end + 4) }
}

/// Sends a remote-read request.
fn post(server: &Server, request: &Request, accept: Accept) -> Answer {
    let mut body = request.encode().expect("a short request");
    if accept == Accept::Samples {
        let mut message = snap::raw::Decoder::new().decompress_vec(&body).expect("a snappy block");
        message.truncate(message.len() - 4);
        body = snap::raw::Encoder::new().compress_vec(&message).expect("a short request");
    }
    http(server, "POST", "/api/v1/read", &REQUEST_HEADERS, &body)
}

/// All series of an answer with status 200.
fn decode(answer: &Answer, queries: usize) -> Result<Vec<RemoteSeries>, RemoteReadError> {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let mut response = Response::new(answer.content_type.as_deref(), queries, Limits::default())?;
    let mut series = Vec::new();
    for bytes in answer.body.chunks(4096) {
        series.extend(response.push(bytes)?);
    }
    series.extend(response.finish()?);
    Ok(series)
}

/// All samples of each query's series.
fn read(server: &Server, request: &Request, accept: Accept) -> Vec<Content> {
    let answer = post(server, request, accept);
    let series = decode(&answer, request.queries.len()).expect("an intact response");
    let mut contents = vec![Content::new(); request.queries.len()];
    for series in series {
        let labels = series.labels.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        let samples = series.samples(i64::MIN..i64::MAX).expect("intact chunks");
        assert!(contents[series.query].insert(labels.collect(), samples).is_none(), "{series} comes twice");
    }
    contents
}

fn matcher(kind: MatcherKind, name: &str, value: &str) -> Matcher {
    Matcher::new(kind, name, value)
}

fn named(name: &str, range_ms: Range<i64>) -> Query {
    let matchers = vec![matcher(MatcherKind::Equal, "__name__", name)];
    Query { start_ms: range_ms.start, end_ms: range_ms.end - 1, matchers }
}

/// The PromQL selector of a query.
fn selector(query: &Query) -> String {
    let matchers = query.matchers.iter().map(|matcher| {
        let operator = match matcher.kind {
            MatcherKind::Equal => "=",
            MatcherKind::NotEqual => "!=",
            MatcherKind::Regex => "=~",
            MatcherKind::NotRegex => "!~",
        };
        format!("{}{operator}{:?}", matcher.name, matcher.value)
    });
    format!("{{{}}}", matchers.collect::<Vec<_>>().join(","))
}

/// What the query API has for a query: no stale markers, and NaN without its bits.
fn promql(server: &Server, query: &Query) -> Content {
    // Both ends of the range are included before Prometheus 3.
    let promql = format!("{}[{}ms]", selector(query), query.end_ms - query.start_ms);
    let promql: String = promql.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let time = format!("{}.{:03}", query.end_ms / 1000, query.end_ms % 1000);
    let answer = http(server, "GET", &format!("/api/v1/query?query={promql}&time={time}"), &[], b"");
    let answer: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    let series = answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{answer}"));
    series.iter().map(|series| (labels(&series["metric"]), samples(&series["values"]))).collect()
}

fn labels(metric: &serde_json::Value) -> Vec<(String, String)> {
    let metric: BTreeMap<String, String> = serde_json::from_value(metric.clone()).expect("labels");
    metric.into_iter().collect()
}

fn samples(values: &serde_json::Value) -> Samples {
    let mut samples = Samples::default();
    for value in values.as_array().expect("samples") {
        let number = value[1].as_str().expect("a value").parse().expect("a number");
        samples.push((value[0].as_f64().expect("a time") * 1000.0).round() as i64, number);
    }
    samples
}

/// What PromQL shows of samples.
fn visible(content: &Content) -> Content {
    let mut visible = Content::new();
    for (labels, samples) in content {
        let mut kept = Samples::default();
        for (time_ms, value) in samples.iter().filter(|(_, value)| value.to_bits() != STALE) {
            kept.push(time_ms, if value.is_nan() { f64::NAN } else { value });
        }
        if !kept.is_empty() {
            visible.insert(labels.clone(), kept);
        }
    }
    visible
}

/// What a response of samples has: 0 instead of -0.
fn positive(content: &Content) -> Content {
    let mut content = content.clone();
    // Adding 0 to all values would change the bits of stale markers.
    content
        .values_mut()
        .flat_map(|samples| &mut samples.values)
        .filter(|value| **value == 0.0)
        .for_each(|value| *value = 0.0);
    content
}

/// What the blocks in a folder have in a range.
fn blocks(data: &Path, name: &str, range_ms: &Range<i64>) -> Content {
    let mut parts: BTreeMap<Vec<(String, String)>, Vec<Samples>> = BTreeMap::new();
    for folder in BlockFolders::read(data).expect("the folder of blocks").current {
        let block = Block::open(folder.dir).expect("an intact block");
        for series in block.series_named(&[name]).expect("an intact index") {
            let labels = series.labels.iter().map(|(name, value)| (name.to_string(), value.to_string()));
            let samples = block.samples(&series, range_ms.clone()).expect("intact chunks");
            parts.entry(labels.collect()).or_default().push(samples);
        }
    }
    let merged = parts.into_iter().map(|(labels, parts)| (labels, merge(parts).samples));
    merged.filter(|(_, samples)| !samples.is_empty()).collect()
}

fn count(contents: &[Content]) -> usize {
    contents.iter().flat_map(Content::values).map(Samples::len).sum()
}
