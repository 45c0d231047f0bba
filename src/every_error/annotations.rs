//! Samples of the errors of annotations, made by reading faulty files.

use std::path::Path;

use super::{Samples, samples_of};
use crate::analysis::annotations::{AnnotationsError, MOST_BYTES, read};
use crate::time::Zone;

const HEADER: &str = "time,cluster,text,end,kind";

fn error(bytes: &[u8]) -> AnnotationsError {
    read(Path::new("deploys.csv"), bytes, "Europe/Berlin".parse::<Zone>().expect("a zone"), MOST_BYTES)
        .expect_err("a faulty file")
}

pub(super) fn samples() -> Vec<Samples> {
    let headers = ["", "when,cluster,text", "time,cluster,text,text", "time,text"];
    let long = format!("2026-10-01,c01,{},,", "x".repeat(501));
    let records = [
        "2026-10-01,c01,\"moved,,",
        "2026-10-01,c01,the \"leader\",,",
        "2026-10-01,c01,\"the\" leader,,",
        "2026-10-01,c01,moved, then patched,,",
        "noon,c01,moved,,",
        "now-1d,c01,moved,,",
        "1790856000000,c01,moved,,",
        "2026-03-29 02:30,c01,moved,,",
        "1960-01-01T00:00:00Z,c01,moved,,",
        "2026-10-02,c01,moved,2026-10-01,",
        "2026-10-02,c01,moved,,move",
        "2026-10-02,c01,,,",
        &long,
    ];
    let mut errors =
        vec![error(&vec![b'\n'; MOST_BYTES + 1]), error(b"time,cluster,text\n2026-10-01,c01,d\xe9plac\xe9\n")];
    errors.extend(headers.map(|text| error(text.as_bytes())));
    errors.extend(records.map(|row| error(format!("{HEADER}\n{row}\n").as_bytes())));
    let first = error(b"");
    vec![samples_of(errors.into_iter().map(|error| error.fault).collect()), samples_of(vec![first])]
}
