//! Reads heatmap.csv for tests that look at a few cells; `tests/oracle` compares all of them.

/// A cell of one cluster or, with its name, of one member.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) cluster: String,
    pub(crate) member: Option<String>,
    pub(crate) hour: u32,
    pub(crate) mean: Option<f64>,
    pub(crate) scored: u32,
    pub(crate) expected: u32,
    pub(crate) worst_metric: String,
}

/// The cells of a heat map whose labels are free of commas and quotes.
pub(crate) fn cells(csv: &str) -> Vec<Cell> {
    csv.lines().skip(1).map(cell).collect()
}

fn cell(line: &str) -> Cell {
    let fields: Vec<&str> = line.split(',').collect();
    let number = |field: &str| field.parse().unwrap_or_else(|_| panic!("{field:?} is no number: {line}"));
    Cell {
        cluster: fields[1].to_owned(),
        member: (fields[0] == "member").then(|| fields[2].to_owned()),
        hour: number(fields[5]),
        mean: fields[6].parse().ok(),
        scored: number(fields[8]),
        expected: number(fields[9]),
        worst_metric: fields[11].to_owned(),
    }
}
