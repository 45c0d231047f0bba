//! A Prometheus server that receives samples by remote write, and its answers.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::super::super::block::Samples;
use crate::scratch::Scratch;

/// Samples by labels.
pub(in super::super) type Content = BTreeMap<Vec<(String, String)>, Samples>;

/// One series of a request: labels, samples, and times of native histograms.
#[derive(Clone, Default)]
pub(super) struct Written {
    pub(super) labels: Vec<(String, String)>,
    pub(super) samples: Vec<(i64, f64)>,
    pub(super) histograms: Vec<i64>,
}

/// A server that is killed at the end of the test.
pub(in super::super) struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts a server over the folder `data`, and waits until it answers.
    pub(in super::super) fn start(scratch: &Scratch, config: &str, arguments: &[&str]) -> Self {
        let config = scratch.write("prometheus.yml", config.as_bytes());
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", data(scratch).display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command.args(["--web.enable-admin-api", "--web.enable-remote-write-receiver"]);
        command.args(["--storage.tsdb.retention.time=100y"]).args(arguments);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("prometheus is installed");
        let server = Self { child, port };
        let start = Instant::now();
        while !server.request("GET", "/-/ready", &[]).0.contains("200 OK") {
            assert!(start.elapsed() < Duration::from_secs(60), "prometheus does not start");
            thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// Head and body of the answer, which are empty while nobody listens.
    fn request(&self, method: &str, path: &str, body: &[u8]) -> (String, String) {
        let mut answer = Vec::new();
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let length = body.len();
            let _ = write!(stream, "{method} {path} HTTP/1.0\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
            let _ = stream.write_all(body);
            let _ = stream.read_to_end(&mut answer);
        }
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        (head.to_owned(), body.to_owned())
    }

    pub(super) fn admin(&self, path: &str) {
        let (head, body) = self.request("POST", &format!("/api/v1/admin/tsdb/{path}"), &[]);
        assert!(head.starts_with("HTTP/1.0 20"), "{head} {body}");
    }

    /// Sends series, and gives the answer: empty if all samples were accepted, `None` if the server is gone.
    pub(super) fn try_write(&self, series: &[Written]) -> Option<String> {
        let request = snap::raw::Encoder::new().compress_vec(&request(series)).expect("a short request");
        let (head, body) = self.request("POST", "/api/v1/write", &request);
        if head.is_empty() {
            return None;
        }
        assert!(head.starts_with("HTTP/1.0 20") || head.starts_with("HTTP/1.0 400"), "{head} {body}");
        Some(body)
    }

    pub(super) fn write(&self, series: &[Written]) -> String {
        self.try_write(series).expect("a running server")
    }

    /// Kills the server while others still use it.
    pub(super) fn kill(&self) {
        let status = Command::new("kill").args(["-9", &self.child.id().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()));
    }

    /// All samples up to a time, without stale markers.
    pub(super) fn content(&self, last_ms: i64) -> Content {
        let time = last_ms.div_euclid(1000) + 1;
        let query = "%7B__name__%3D~%22.%2B%22%7D%5B20d%5D";
        let ask = || self.request("GET", &format!("/api/v1/query?time={time}&query={query}"), &[]);
        let (mut head, mut body) = ask();
        for _ in 0..20 {
            // A chunk that a compaction removes during the query is an error of the server.
            if head.starts_with("HTTP/1.0 422") {
                thread::sleep(Duration::from_millis(200));
                (head, body) = ask();
            }
        }
        assert!(head.starts_with("HTTP/1.0 200"), "{head} {body}");
        let answer: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        let result = answer["data"]["result"].as_array().expect("a matrix");
        result.iter().filter(|series| series["values"].is_array()).map(parse).collect()
    }

    /// Stops the server as an administrator does.
    pub(super) fn stop(mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The data directory.
pub(in super::super) fn data(scratch: &Scratch) -> PathBuf {
    scratch.path().join("data")
}

fn parse(series: &serde_json::Value) -> (Vec<(String, String)>, Samples) {
    let labels = series["metric"].as_object().expect("labels");
    let mut labels: Vec<(String, String)> =
        labels.iter().map(|(name, value)| (name.clone(), value.as_str().expect("a value").to_owned())).collect();
    labels.sort();
    let mut samples = Samples::default();
    for sample in series["values"].as_array().expect("samples") {
        let time = (sample[0].as_f64().expect("seconds") * 1000.0).round() as i64;
        samples.push(time, sample[1].as_str().expect("a value").parse().expect("a value"));
    }
    (labels, samples)
}

/// A `prometheus.WriteRequest`.
fn request(series: &[Written]) -> Vec<u8> {
    let mut request = Vec::new();
    for Written { labels, samples, histograms } in series {
        let mut message = Vec::new();
        for (name, value) in labels {
            let mut label = Vec::new();
            field(&mut label, 1, name.as_bytes());
            field(&mut label, 2, value.as_bytes());
            field(&mut message, 1, &label);
        }
        for (time, value) in samples {
            let mut sample = vec![1 << 3 | 1];
            sample.extend(value.to_le_bytes());
            sample.push(2 << 3);
            uvarint(&mut sample, *time as u64);
            field(&mut message, 2, &sample);
        }
        for time in histograms {
            field(&mut message, 4, &histogram(*time));
        }
        field(&mut request, 1, &message);
    }
    request
}

/// A native histogram of three observations in one bucket.
fn histogram(time_ms: i64) -> Vec<u8> {
    let mut bytes = vec![1 << 3, 3, 3 << 3 | 1];
    bytes.extend(4.5_f64.to_le_bytes());
    // Schema 1, zero threshold, and no observation in the zero bucket.
    bytes.extend([4 << 3, 2, 5 << 3 | 1]);
    bytes.extend(1e-9_f64.to_le_bytes());
    bytes.extend([6 << 3, 0]);
    // A positive span of offset 0 and length 1, and its count as a packed difference.
    field(&mut bytes, 11, &[1 << 3, 0, 2 << 3, 1]);
    field(&mut bytes, 12, &[6]);
    bytes.push(15 << 3);
    uvarint(&mut bytes, time_ms as u64);
    bytes
}

fn field(bytes: &mut Vec<u8>, number: u64, content: &[u8]) {
    uvarint(bytes, number << 3 | 2);
    uvarint(bytes, content.len() as u64);
    bytes.extend(content);
}

fn uvarint(bytes: &mut Vec<u8>, mut value: u64) {
    while value > 127 {
        bytes.push(value as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
}
