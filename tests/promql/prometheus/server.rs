//! A Prometheus on a free port, its API, and the two ways to fill it: blocks and remote write.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

pub(crate) type Labels = BTreeMap<String, String>;

/// A series as the API returns it: timestamps in milliseconds, values as float64.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) labels: Labels,
    pub(crate) timestamps_ms: Vec<i64>,
    pub(crate) values: Vec<f64>,
}

#[derive(Deserialize)]
struct Response {
    status: String,
    #[serde(default)]
    error: String,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Matrix>,
}

#[derive(Deserialize)]
struct Matrix {
    metric: Labels,
    values: Vec<(f64, String)>,
}

/// A running server; stops with the value.
pub(crate) struct Server {
    process: Child,
    port: u16,
    pub(crate) folder: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Server {
    /// Starts Prometheus over blocks made from this text in the OpenMetrics format.
    pub(crate) fn with_blocks(openmetrics: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("promql-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for the server");
        let text = folder.join("samples.txt");
        std::fs::write(&text, openmetrics).expect("a file of samples");
        let blocks = Command::new("promtool")
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([text.as_path(), &folder.join("data")])
            .stdout(Stdio::null())
            .status()
            .expect("promtool runs (package prometheus)");
        assert!(blocks.success(), "promtool writes blocks");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
        std::fs::write(folder.join("prometheus.yml"), "scrape_configs: []\n").expect("a configuration");
        let process = run(&folder, port, 300_000);
        let server = Self { process, port, folder };
        server.wait();
        server
    }

    /// Starts again with this `--query.lookback-delta`.
    pub(crate) fn restart(&mut self, lookback_ms: i64) {
        self.process.kill().and_then(|()| self.process.wait()).expect("Prometheus stops");
        self.process = run(&self.folder, self.port, lookback_ms);
        self.wait();
    }

    fn wait(&self) {
        for _ in 0..600 {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() && self.get("/-/ready").0 == 200 {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("Prometheus is not ready after a minute");
    }

    pub(crate) fn version(&self) -> String {
        let (_, body) = self.get("/api/v1/status/buildinfo");
        let info: serde_json::Value = serde_json::from_slice(&body).expect("build information");
        info["data"]["version"].as_str().expect("a version").to_owned()
    }

    /// The raw samples of a selector in this range of milliseconds, both ends included.
    pub(crate) fn raw(&self, selector: &str, start_ms: i64, end_ms: i64) -> Vec<Answer> {
        let range = end_ms - start_ms;
        self.query(&format!("/api/v1/query?query={}&time={}", encode(&format!("{selector}[{range}ms]")), time(end_ms)))
    }

    /// A range query.
    pub(crate) fn range(&self, query: &str, times_ms: &[i64]) -> Vec<Answer> {
        let (start, end) = (times_ms[0], times_ms[times_ms.len() - 1]);
        let step = times_ms.get(1).map_or(1000, |second| second - start);
        let query = encode(query);
        let (start, end) = (time(start), time(end));
        self.query(&format!("/api/v1/query_range?query={query}&start={start}&end={end}&step={step}ms"))
    }

    fn query(&self, path: &str) -> Vec<Answer> {
        let (_, body) = self.get(path);
        let response: Response = serde_json::from_slice(&body).expect("an answer in JSON");
        assert_eq!(response.status, "success", "{path}: {}", response.error);
        let series = response.data.expect("data").result.into_iter().map(|matrix| Answer {
            labels: matrix.metric,
            timestamps_ms: matrix.values.iter().map(|(seconds, _)| (seconds * 1000.0).round() as i64).collect(),
            values: matrix.values.iter().map(|(_, text)| text.parse().expect("a float64")).collect(),
        });
        series.collect()
    }

    /// Appends samples by remote write, which also writes staleness markers.
    pub(crate) fn write(&self, series: &[Answer]) {
        let body = uncompressed_snappy(&write_request(series));
        let head = format!(
            "POST /api/v1/write HTTP/1.0\r\nContent-Encoding: snappy\r\nContent-Type: application/x-protobuf\r\n\
             X-Prometheus-Remote-Write-Version: 0.1.0\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let (status, answer) = self.send(&[head.as_bytes(), &body].concat());
        assert_eq!(status, 204, "{}", String::from_utf8_lossy(&answer));
    }

    fn get(&self, path: &str) -> (u16, Vec<u8>) {
        self.send(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())
    }

    /// HTTP/1.0, so that the answer ends with the connection.
    fn send(&self, request: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        stream.write_all(request).expect("a request");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let body = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("the end of the headers") + 4;
        let status = String::from_utf8_lossy(&answer[9..12]).parse().expect("a status");
        (status, answer.split_off(body))
    }
}

fn run(folder: &Path, port: u16, lookback_ms: i64) -> Child {
    Command::new("prometheus")
        .arg(flag("config.file", &folder.join("prometheus.yml")))
        .arg(flag("storage.tsdb.path", &folder.join("data")))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg(format!("--query.lookback-delta={lookback_ms}ms"))
        .args(["--storage.tsdb.retention.time=100y", "--web.enable-remote-write-receiver", "--log.level=error"])
        .spawn()
        .expect("prometheus runs (package prometheus)")
}

fn flag(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

/// Seconds since 1970 with milliseconds.
fn time(ms: i64) -> String {
    format!("{}.{:03}", ms.div_euclid(1000), ms.rem_euclid(1000))
}

fn encode(query: &str) -> String {
    let letter = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    query.bytes().map(letter).collect()
}

/// A `prometheus.WriteRequest` in the Protobuf encoding.
fn write_request(series: &[Answer]) -> Vec<u8> {
    let mut request = Vec::new();
    for series in series {
        let mut message = Vec::new();
        for (name, value) in &series.labels {
            let mut label = Vec::new();
            field(&mut label, 1, name.as_bytes());
            field(&mut label, 2, value.as_bytes());
            field(&mut message, 1, &label);
        }
        for (timestamp, value) in series.timestamps_ms.iter().zip(&series.values) {
            let mut sample = vec![1 << 3 | 1];
            sample.extend(value.to_bits().to_le_bytes());
            sample.push(2 << 3);
            varint(&mut sample, *timestamp as u64);
            field(&mut message, 2, &sample);
        }
        field(&mut request, 1, &message);
    }
    request
}

fn field(message: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    message.push(number << 3 | 2);
    varint(message, bytes.len() as u64);
    message.extend(bytes);
}

fn varint(message: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        message.push(number as u8 | 0x80);
        number >>= 7;
    }
    message.push(number as u8);
}

/// Snappy's block format with literals only.
fn uncompressed_snappy(bytes: &[u8]) -> Vec<u8> {
    let mut block = Vec::new();
    varint(&mut block, bytes.len() as u64);
    for literal in bytes.chunks(1 << 16) {
        block.push(61 << 2);
        block.extend(((literal.len() - 1) as u16).to_le_bytes());
        block.extend(literal);
    }
    block
}
