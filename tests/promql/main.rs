//! The functions of `promql` beside a real Prometheus, Prometheus's own tests, and a second implementation.

mod prometheus;
mod promqltest;
mod random;
mod versions;
