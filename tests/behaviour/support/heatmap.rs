//! Reads heatmap.csv for tests that look at a few cells; `tests/oracle` compares all of them.

/// A cell of a cluster, or of a member if `member` is set.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) cluster: String,
    pub(crate) member: Option<String>,
    pub(crate) start: String,
    pub(crate) date: String,
    pub(crate) hour: u32,
    pub(crate) minute: u32,
    pub(crate) utc_offset_minutes: i32,
    pub(crate) mean: Option<f64>,
    pub(crate) scored: u32,
    pub(crate) expected: u32,
    pub(crate) idle: u32,
    pub(crate) uncertain: bool,
    pub(crate) after_restart: Option<u32>,
    pub(crate) worst_metric: String,
}

impl Cell {
    /// Local date, hour and minute at the start of the cell, and the offset from UTC.
    pub(crate) fn clock(&self) -> (u32, u32, i32) {
        (self.hour, self.minute, self.utc_offset_minutes)
    }
}

/// Parses a heat map whose labels contain no commas or quotes.
pub(crate) fn cells(csv: &str) -> Vec<Cell> {
    let mut lines = csv.lines();
    let columns: Vec<&str> = lines.next().expect("the first line names the columns").split(',').collect();
    lines.map(|line| cell(&columns, line)).collect()
}

fn cell(columns: &[&str], line: &str) -> Cell {
    let fields: Vec<&str> = line.split(',').collect();
    let field = |name: &str| match columns.iter().position(|column| *column == name) {
        Some(place) => fields[place],
        None => panic!("there is no column {name:?}: {columns:?}"),
    };
    let number = |name: &str| field(name).parse().unwrap_or_else(|_| panic!("{name} is no number: {line}"));
    Cell {
        cluster: field("cluster").to_owned(),
        member: (field("level") == "member").then(|| field("member").to_owned()),
        start: field("start").to_owned(),
        date: field("date").to_owned(),
        hour: number("hour"),
        minute: number("minute"),
        utc_offset_minutes: field("utc_offset_minutes").parse().expect("an offset is a number of minutes"),
        mean: field("mean").parse().ok(),
        scored: number("steps_scored"),
        expected: number("steps_expected"),
        idle: number("steps_idle"),
        uncertain: field("uncertain").parse().expect("true or false"),
        after_restart: field("steps_after_restart").parse().ok(),
        worst_metric: field("worst_metric").to_owned(),
    }
}
