//! Converts a server's answers into the readings of members.

use reqwest::StatusCode;

use super::echo::Parameters;
use super::failure::{Cure, Failure, warns_of_a_part};
use super::matrix::{Envelope, SeriesLabels, decode_matrix};
use super::refusal::is_web_page;
use super::{Client, PromError};
use crate::readings::{ColumnReadings, Member, MissingLabel};
use crate::spec::Column;
use crate::text::terminal::{terminal_label, terminal_message};
use crate::time::Grid;

/// Memory limit for the readings of one column of a day, over all answers. A series with one sample takes only a
/// few dozen bytes in an answer, but this program stores a value per step for each series.
const MAX_READINGS_BYTES: usize = 1 << 30;

/// Whether the readings of this many members on this grid would exceed the memory limit.
pub(super) fn is_too_much(members: usize, grid: &Grid) -> bool {
    members.saturating_mul(grid.len()).saturating_mul(size_of::<f64>()) > MAX_READINGS_BYTES
}

impl Client {
    /// The readings in an answer to the query `sent`.
    pub(super) fn decode(
        &self,
        column: Column,
        body: &[u8],
        grid: &Grid,
        sent: &str,
    ) -> Result<(ColumnReadings, Envelope), Failure> {
        let mut readings = ColumnReadings::of(column);
        let mut wrong = None;
        let envelope = self.walk(body, grid, sent, &mut |labels, values| match self.name(column, labels) {
            Ok(_) if is_too_much(readings.len(), grid) => {
                wrong = wrong.take().or(Some(PromError::TooManyMembers { column, members: readings.len() }));
            }
            Ok(member) => {
                let label = |name: &str| labels.get(name).map(String::as_str);
                readings.merge_labeled(member, grid.len(), label, values);
            }
            Err(error) => wrong = wrong.take().or(Some(error)),
        })?;
        if is_partial(&envelope) {
            readings.mark_partial(0..grid.len());
        }
        wrong.map_or(Ok((readings, envelope)), |error| Err(Failure::new(error, Cure::Nothing)))
    }

    /// Passes each series of an answer to the query `sent` to `take`.
    pub(super) fn walk(
        &self,
        body: &[u8],
        grid: &Grid,
        sent: &str,
        take: &mut dyn FnMut(&SeriesLabels, &[f64]),
    ) -> Result<Envelope, Failure> {
        let envelope = decode_matrix(body, grid, take).map_err(|e| match e.is_eof() {
            _ if is_web_page(body) => self.web_page(body),
            // The JSON ends too early. The body may have been cut off in transit, so retry.
            true => Failure { cure: Cure::Again, ..self.not_a_matrix(&e) },
            false => self.not_a_matrix(&e),
        })?;
        self.heed(&envelope, &[("query", sent.to_owned())])?;
        self.refuse_part(&envelope)?;
        self.traffic().add(envelope.samples, body.len() as u64);
        Ok(envelope)
    }

    /// Returns an error if the envelope reports one. Otherwise keeps the server's warnings and infos as notes.
    /// `sent` are the request's parameters.
    pub(super) fn heed(&self, envelope: &Envelope, sent: &Parameters<'_>) -> Result<(), Failure> {
        if envelope.status != "success" {
            return Err(self.refused(StatusCode::OK, &envelope.error_type, &envelope.error, sent));
        }
        // Hide secrets, because the server may quote the request with its login.
        let hidden = |texts: &[String]| texts.iter().map(|text| self.access().hide(text)).collect::<Vec<_>>();
        self.learnt_notes().add("warning from the server", &hidden(&envelope.warnings));
        self.learnt_notes().add("info from the server", &hidden(&envelope.infos));
        Ok(())
    }

    /// Returns an error if the answer is partial and `--allow-partial` is off. The request is then retried, because the
    /// stores that did not answer may be available again.
    pub(super) fn refuse_part(&self, envelope: &Envelope) -> Result<(), Failure> {
        if self.terms().allow_partial || !is_partial(envelope) {
            return Ok(());
        }
        let warning = envelope.warnings.iter().find(|warning| warns_of_a_part(warning));
        let message =
            warning.map_or_else(|| "isPartial".to_owned(), |warning| terminal_message(&self.access().hide(warning)));
        Err(Failure::new(PromError::PartialAnswer { url: self.shown_url().to_owned(), message }, Cure::Again))
    }

    /// The member that a series belongs to.
    pub(super) fn name(&self, column: Column, labels: &SeriesLabels) -> Result<Member, PromError> {
        let named = self.naming().name(|name| labels.get(name).map(String::as_str));
        named.map_err(|MissingLabel { label, remedy }| PromError::NoLabel {
            column,
            series: terminal_label(&self.access().hide(&serde_json::to_string(labels).unwrap_or_default())),
            label,
            remedy,
        })
    }

    pub(super) fn not_a_matrix(&self, reason: &dyn ToString) -> Failure {
        let error = PromError::NotAMatrix {
            url: self.shown_url().to_owned(),
            reason: terminal_message(&self.access().hide(&reason.to_string())),
        };
        Failure::new(error, Cure::Nothing)
    }
}

fn is_partial(envelope: &Envelope) -> bool {
    envelope.is_partial || envelope.warnings.iter().any(|warning| warns_of_a_part(warning))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::readings::Window;
    use crate::sources::prometheus::{HttpConfig, Terms};
    use crate::spec::Metric;
    use crate::time::{Step, TimeRange};

    fn labels(pairs: &[(&str, &str)]) -> SeriesLabels {
        pairs.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect()
    }

    fn client(url: &str, terms: Terms) -> Client {
        Client::new(url, &HttpConfig::default(), terms, None, "instance").unwrap()
    }

    /// An answer with one series and one sample at second 60, plus more fields.
    fn answer(result_type: &str, value: &str, more: &str) -> String {
        let series = format!(r#"{{"metric":{{"job":"etcd","instance":"a"}},"values":[[60,"{value}"]]}}"#);
        let data = format!(r#"{{"resultType":"{result_type}","result":[{series}]}}"#);
        format!(r#"{{"status":"success","data":{data}{more}}}"#)
    }

    fn decoded(client: &Client, body: &str) -> Result<ColumnReadings, Failure> {
        let grid = Grid::within(TimeRange { start_ms: 60_000, end_ms: 120_000 }, Step::from_millis(60_000).unwrap());
        client.decode(Metric::DbSize.into(), body.as_bytes(), &grid, "up").map(|(readings, _)| readings)
    }

    #[test]
    fn an_answer_is_partial_if_its_field_or_a_warning_about_a_store_shows_it() {
        let strict = client("http://h", Terms::default());
        let lenient = client("http://h", Terms { allow_partial: true, ..Terms::default() });
        for (more, message) in [
            (r#","isPartial":true"#, "isPartial"),
            (r#","isPartial":true,"warnings":[],"infos":[]"#, "isPartial"),
            (r#","isPartial":true,"warnings":["PromQL info: x"]"#, "isPartial"),
            (r#","warnings":["receive series from Addr: 10.0.0.7"]"#, "Addr: 10.0.0.7"),
            (r#","isPartial":false,"warnings":["x","fetch series for {} a"]"#, "fetch series for {} a"),
        ] {
            let body = answer("matrix", "1", more);
            let failure = decoded(&strict, &body).unwrap_err();
            assert_eq!(failure.cure, Cure::Again, "the stores may be back: {more}");
            let error = failure.error.to_string();
            assert!(error.contains("--allow-partial") && error.contains(message), "{more}: {error}");
            let window = Window::join(grid_of_one(), [(Metric::DbSize.into(), decoded(&lenient, &body).unwrap())]);
            assert_eq!(window.partial().steps().first(), Some(&(0..1)), "{more}");
        }
        for more in ["", r#","isPartial":false"#, r#","isPartial":null,"warnings":null"#, r#","warnings":["slow"]"#] {
            let readings = decoded(&strict, &answer("matrix", "1", more)).unwrap();
            let window = Window::join(grid_of_one(), [(Metric::DbSize.into(), readings)]);
            assert!(window.partial().is_empty(), "{more}");
        }
    }

    fn grid_of_one() -> Grid {
        Grid::second(60)
    }

    #[test]
    fn secrets_repeated_by_a_server_are_hidden_everywhere() {
        const SECRET: &str = "s3cret-word";
        let client = client(&format!("http://ann:{SECRET}@h"), Terms::default());
        let error = |status: &str| format!(r#"{{"status":"error","errorType":"{status}","error":"no {SECRET}"}}"#);
        let partial = format!(r#","isPartial":true,"warnings":["partial {SECRET}"]"#);
        let no_bool = format!(r#","isPartial":"{SECRET}""#);
        for (body, words) in [
            (answer(SECRET, "1", ""), "instead of a matrix"),
            (answer("matrix", SECRET, ""), "is not a number"),
            (answer("matrix", "1", &partial), "with partial data (partial"),
            (answer("matrix", "1", &no_bool), "invalid type"),
            (
                answer("matrix", "1", "").replace(r#""instance":"a""#, &format!(r#""pod":"{SECRET}""#)),
                "has no label instance",
            ),
            (error("bad_data"), "cannot evaluate the query (no"),
            (error(SECRET), "answered"),
        ] {
            let error = decoded(&client, &body).unwrap_err().error.to_string();
            assert!(error.contains(words) && !error.contains(SECRET), "{body}: {error}");
        }
        for kind in ["warnings", "infos"] {
            decoded(&client, &answer("matrix", "1", &format!(r#","{kind}":["{kind} with {SECRET}"]"#))).unwrap();
        }
        // A note may end with the `…` that hides a secret, or be cut off before it, so ignore that character.
        let notes: Vec<_> = client.notes().iter().map(|note| note.trim_end_matches([' ', '…']).to_owned()).collect();
        let expected = [
            "info from the server: infos with",
            "warning from the server: partial",
            "warning from the server: warnings with",
        ];
        assert_eq!(notes, expected);
    }

    #[test]
    fn the_cluster_name_is_the_label_cluster_or_else_job() {
        let client = client("http://h", Terms::default());
        let name = |pairs: &[(&str, &str)]| client.name(Metric::DbSize.into(), &labels(pairs));
        assert_eq!(name(&[("cluster", "c"), ("job", "j"), ("instance", "i")]).unwrap(), Member::new("c", "i"));
        assert_eq!(name(&[("cluster", ""), ("job", "j"), ("instance", "i")]).unwrap(), Member::new("j", "i"));
        assert!(name(&[("instance", "i")]).unwrap_err().to_string().contains("--cluster-label"));
        assert!(name(&[("job", "j")]).unwrap_err().to_string().contains("--member-label"));
    }

    #[test]
    fn several_labels_are_joined_and_each_of_them_is_required() {
        let client =
            Client::new("http://h", &HttpConfig::default(), Terms::default(), Some("env,region"), "node, port")
                .unwrap();
        let name = |pairs: &[(&str, &str)]| client.name(Metric::DbSize.into(), &labels(pairs));
        let whole = [("env", "e"), ("region", "r"), ("node", "n"), ("port", "1"), ("instance", "i")];
        assert_eq!(name(&whole).unwrap(), Member::new("e/r", "n/1"));
        for (missing, flag) in [("region", "--cluster-label"), ("port", "--member-label"), ("env", "--cluster-label")] {
            let rest: Vec<_> = whole.into_iter().filter(|(label, _)| *label != missing).collect();
            let error = name(&rest).unwrap_err().to_string();
            assert!(error.contains(&format!("has no label {missing}")) && error.contains(flag), "{error}");
        }
    }
}
