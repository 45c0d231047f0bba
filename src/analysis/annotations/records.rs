//! Records of CSV text (RFC 4180), with the line at which each begins.
//!
//! Strict: a quotation mark that is not where it belongs is an error, because a lenient reader would take the rest of the
//! file for one field. Lines end with LF, CR LF or CR.

use super::Fault;

/// One record with its fields, without their quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The line at which the record begins, from 1. Quoted fields may span several lines.
    pub line: usize,
    pub fields: Vec<String>,
}

impl Record {
    /// Whether nothing is written in any field: an empty line, or only commas, as spreadsheets leave them.
    pub fn is_blank(&self) -> bool {
        self.fields.iter().all(|field| field.trim().is_empty())
    }
}

/// Reads record after record; ends after the first error, which comes with its line.
#[derive(Debug)]
pub struct Records<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Records<'a> {
    pub fn of(text: &'a str) -> Self {
        Self { rest: text, line: 1 }
    }

    /// Skips the end of a line, if it is next.
    fn ends_line(&mut self) -> bool {
        let after = self.rest.strip_prefix("\r\n").or_else(|| self.rest.strip_prefix(['\n', '\r']));
        self.rest = after.unwrap_or(self.rest);
        self.line += usize::from(after.is_some());
        after.is_some()
    }

    fn field(&mut self) -> Result<String, Fault> {
        if let Some(rest) = self.rest.strip_prefix('"') {
            self.rest = rest;
            return self.quoted();
        }
        let end = self.rest.find([',', '\n', '\r']).unwrap_or(self.rest.len());
        let (field, rest) = self.rest.split_at(end);
        self.rest = rest;
        if field.contains('"') { Err(Fault::QuoteInside) } else { Ok(field.to_owned()) }
    }

    /// The rest of a field whose first quotation mark has been read.
    fn quoted(&mut self) -> Result<String, Fault> {
        let mut field = String::new();
        loop {
            let Some((part, rest)) = self.rest.split_once('"') else { return Err(Fault::OpenQuote) };
            field.push_str(part);
            self.line += lines_in(part);
            self.rest = rest;
            match rest.strip_prefix('"') {
                Some(rest) => {
                    field.push('"');
                    self.rest = rest;
                }
                None if rest.is_empty() || rest.starts_with([',', '\n', '\r']) => return Ok(field),
                None => return Err(Fault::AfterQuote),
            }
        }
    }
}

/// The number of ends of lines in a text; CR LF is one.
fn lines_in(text: &str) -> usize {
    text.matches(['\n', '\r']).count() - text.matches("\r\n").count()
}

impl Iterator for Records<'_> {
    type Item = Result<Record, (usize, Fault)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let line = self.line;
        let mut fields = Vec::new();
        loop {
            let begins = self.line;
            match self.field() {
                Ok(field) => fields.push(field),
                Err(fault) => {
                    self.rest = "";
                    // A quote that is never closed is a mistake where it is opened.
                    let at = if matches!(fault, Fault::OpenQuote) { begins } else { self.line };
                    return Some(Err((at, fault)));
                }
            }
            match self.rest.strip_prefix(',') {
                Some(rest) => self.rest = rest,
                None => {
                    self.ends_line();
                    return Some(Ok(Record { line, fields }));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<Vec<Record>, (usize, Fault)> {
        Records::of(text).collect()
    }

    fn record(line: usize, fields: &[&str]) -> Record {
        Record { line, fields: fields.iter().map(|field| (*field).to_owned()).collect() }
    }

    #[test]
    fn quotes_commas_and_all_ends_of_lines_are_read() {
        let text = "a,\"b,\"\"c\"\"\"\r\n\"d\ne\r\nf\",\r,g\n\n\"\"\n";
        let expected =
            [record(1, &["a", "b,\"c\""]), record(2, &["d\ne\r\nf", ""]), record(5, &["", "g"]), record(6, &[""])];
        let read = all(text).expect("valid CSV");
        assert_eq!(read[..4], expected);
        assert_eq!(read[4..], [record(7, &[""])]);
        assert_eq!(all("a,").expect("valid CSV"), [record(1, &["a", ""])]);
        assert_eq!(all("").expect("no record"), []);
        assert!(Records::of(",, ").all(|record| record.is_ok_and(|record| record.is_blank())));
    }

    #[test]
    fn a_quotation_mark_out_of_place_is_an_error_with_its_line() {
        assert_eq!(all("a\nb,c\"d\n"), Err((2, Fault::QuoteInside)));
        assert_eq!(all("a\n\"b\nc\" d\n"), Err((3, Fault::AfterQuote)));
        assert_eq!(all("a\nb,\"c\nd\ne"), Err((2, Fault::OpenQuote)));
    }
}
