//! Reads answers: series become readings of members.

use reqwest::StatusCode;

use super::failure::{Cure, Failure, says_partial};
use super::matrix::{Envelope, SeriesLabels, decode_matrix};
use super::transport::is_web_page;
use super::{Client, PromError};
use crate::readings::{ColumnReadings, Member};
use crate::spec::Column;
use crate::text::terminal::{terminal_label, terminal_message};
use crate::time::Grid;

/// The memory that the readings of one column of a day may take, of one answer or of several together. A series costs
/// a server a few dozen bytes, and us a value for every step.
const MAX_READINGS_BYTES: usize = 1 << 30;

/// Whether the readings of so many members do not fit into memory.
pub(super) fn is_too_much(members: usize, grid: &Grid) -> bool {
    members.saturating_mul(grid.len()).saturating_mul(size_of::<f64>()) > MAX_READINGS_BYTES
}

/// The labels that name a series' cluster and member.
#[derive(Clone, Debug)]
pub(super) struct NamingLabels {
    pub(super) cluster: Option<String>,
    pub(super) member: String,
}

impl Client {
    pub(super) fn decode(
        &self,
        column: Column,
        body: &[u8],
        grid: &Grid,
    ) -> Result<(ColumnReadings, Envelope), Failure> {
        let mut readings = ColumnReadings::of(column);
        let mut wrong = None;
        let envelope = self.walk(body, grid, &mut |labels, values| match self.name(column, labels) {
            Ok(_) if is_too_much(readings.len(), grid) => {
                wrong = wrong.take().or(Some(PromError::TooManyMembers { column, members: readings.len() }));
            }
            Ok(member) => readings.merge_series(member, grid.len(), 0, values),
            Err(error) => wrong = wrong.take().or(Some(error)),
        })?;
        if self.is_partial(&envelope) {
            readings.mark_partial(0..grid.len());
        }
        wrong.map_or(Ok((readings, envelope)), |error| Err(Failure::new(error, Cure::Nothing)))
    }

    /// Hands each series of an answer to `take`.
    pub(super) fn walk(
        &self,
        body: &[u8],
        grid: &Grid,
        take: &mut dyn FnMut(&SeriesLabels, &[f64]),
    ) -> Result<Envelope, Failure> {
        let envelope = decode_matrix(body, grid, take).map_err(|e| match e.is_eof() {
            _ if is_web_page(body) => {
                Failure::new(PromError::WebPage { url: self.shown_url().to_owned() }, Cure::Nothing)
            }
            // Cut off on the way, perhaps.
            true => Failure { cure: Cure::Again, ..self.not_a_matrix(&e) },
            false => self.not_a_matrix(&e),
        })?;
        if envelope.status != "success" {
            return Err(self.refused(StatusCode::OK, &envelope.error_type, &envelope.error));
        }
        // A server may repeat what it was asked, with the login.
        let hidden = |texts: &[String]| texts.iter().map(|text| self.access().hide(text)).collect::<Vec<_>>();
        self.learnt_notes().add("the server warns", &hidden(&envelope.warnings));
        self.learnt_notes().add("the server notes", &hidden(&envelope.infos));
        if self.is_partial(&envelope) && !self.terms().allow_partial {
            return Err(self.partial(&envelope));
        }
        self.traffic().add(envelope.samples, body.len() as u64);
        Ok(envelope)
    }

    fn is_partial(&self, envelope: &Envelope) -> bool {
        envelope.is_partial || envelope.warnings.iter().any(|warning| says_partial(warning))
    }

    /// The stores may be back the next time.
    fn partial(&self, envelope: &Envelope) -> Failure {
        let warning = envelope.warnings.iter().find(|warning| says_partial(warning));
        let message =
            warning.map_or_else(|| "isPartial".to_owned(), |warning| terminal_message(&self.access().hide(warning)));
        Failure::new(PromError::PartialAnswer { url: self.shown_url().to_owned(), message }, Cure::Again)
    }

    /// Which member a series belongs to.
    fn name(&self, column: Column, labels: &SeriesLabels) -> Result<Member, PromError> {
        let label = |name: &str| labels.get(name).filter(|value| !value.is_empty());
        let no_label = |label: &str, remedy| PromError::NoLabel {
            column,
            series: terminal_label(&self.access().hide(&serde_json::to_string(labels).unwrap_or_default())),
            label: label.to_owned(),
            remedy,
        };
        let cluster = match &self.naming().cluster {
            Some(name) => label(name).ok_or_else(|| no_label(name, "name the right one with --cluster-label")),
            None => label("cluster").or_else(|| label("job")).ok_or_else(|| {
                no_label(
                    "cluster or job",
                    "name the one that tells clusters apart with --cluster-label, or take --series raw",
                )
            }),
        }?;
        let member = label(&self.naming().member).ok_or_else(|| {
            no_label(&self.naming().member, "name the one that tells members apart with --member-label")
        })?;
        Ok(Member::new(cluster, member))
    }

    pub(super) fn not_a_matrix(&self, reason: &dyn ToString) -> Failure {
        let error = PromError::NotAMatrix {
            url: self.shown_url().to_owned(),
            reason: terminal_message(&self.access().hide(&reason.to_string())),
        };
        Failure::new(error, Cure::Nothing)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::sources::prometheus::{HttpConfig, Terms};

    fn labels(pairs: &[(&str, &str)]) -> SeriesLabels {
        pairs.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect()
    }

    #[test]
    fn the_cluster_is_named_by_cluster_else_by_job() {
        let client = Client::new("http://h", &HttpConfig::default(), Terms::default(), None, "instance").unwrap();
        let name = |pairs: &[(&str, &str)]| client.name(crate::spec::Metric::DbSize.into(), &labels(pairs));
        assert_eq!(name(&[("cluster", "c"), ("job", "j"), ("instance", "i")]).unwrap(), Member::new("c", "i"));
        assert_eq!(name(&[("cluster", ""), ("job", "j"), ("instance", "i")]).unwrap(), Member::new("j", "i"));
        assert!(name(&[("instance", "i")]).unwrap_err().to_string().contains("--cluster-label"));
        assert!(name(&[("job", "j")]).unwrap_err().to_string().contains("--member-label"));
    }
}
