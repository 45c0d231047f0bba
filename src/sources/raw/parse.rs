//! Parses the part of PromQL that can be evaluated without a server.

use super::matcher::Matcher;
use super::query::Query;
use super::selector::Selector;
use crate::text::terminal::terminal_line;

/// Most operands and parentheses of an expression. Both nest, and each level needs some of the stack.
const MOST_PARTS: u32 = 200;

/// Parses an expression. Fails with the reason, in a few words on one line, if it uses anything else of PromQL.
pub(super) fn parse(text: &str) -> Result<Query, String> {
    // A reason may repeat a part of the text, which can have control characters.
    whole(text).map_err(|reason| terminal_line(&reason))
}

fn whole(text: &str) -> Result<Query, String> {
    let mut parser = Parser { rest: text, parts: 0 };
    let query = parser.expression()?;
    match parser.peek() {
        None => Ok(query),
        Some(_) => Err(format!("'{}' is not supported here", parser.excerpt())),
    }
}

/// A parser of the text that is left.
struct Parser<'a> {
    rest: &'a str,
    /// Operands and parentheses so far.
    parts: u32,
}

impl<'a> Parser<'a> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn peek(&mut self) -> Option<char> {
        self.skip_space();
        self.rest.chars().next()
    }

    /// The next few characters, for errors.
    fn excerpt(&self) -> String {
        let end: String = self.rest.chars().take(24).collect();
        if end.is_empty() { "end of the query".to_owned() } else { end }
    }

    /// Takes a token if it comes next.
    fn takes(&mut self, token: &str) -> bool {
        self.skip_space();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.takes(token) { Ok(()) } else { Err(format!("expected '{token}' instead of '{}'", self.excerpt())) }
    }

    /// Takes a word if it comes next, in any case, as PromQL's keywords are.
    fn takes_word(&mut self, word: &str) -> bool {
        self.skip_space();
        let next = name_of(self.rest);
        let is_word = next.eq_ignore_ascii_case(word);
        if is_word {
            self.rest = &self.rest[next.len()..];
        }
        is_word
    }

    /// `and` binds stronger than `or`; both are left-associative.
    fn expression(&mut self) -> Result<Query, String> {
        let mut left = self.conjunction()?;
        while self.takes_word("or") {
            left = Query::Or(Box::new(left), Box::new(self.conjunction()?));
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Query, String> {
        let mut left = self.operand()?;
        while self.takes_word("and") {
            if !self.takes_word("on") {
                return Err("'and' needs 'on (…)'".to_owned());
            }
            let labels = self.names()?;
            left = Query::AndOn(Box::new(left), labels, Box::new(self.operand()?));
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Query, String> {
        self.parts += 1;
        if self.parts > MOST_PARTS {
            return Err(format!("it has more than {MOST_PARTS} operands and parentheses"));
        }
        if self.takes("(") {
            let inner = self.expression()?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self.takes_word("sum") {
            let (by, (selector, window_ms)) = self.sum_by_of_rate("a sum")?;
            return Ok(Query::Sum { by, selector, window_ms });
        }
        self.skip_space();
        let name = name_of(self.rest);
        if !self.rest[name.len()..].trim_start().starts_with('(') {
            return Ok(Query::Select(self.selector()?));
        }
        self.rest = &self.rest[name.len()..];
        match name.to_ascii_lowercase().as_str() {
            "rate" => self.over_time().map(|(selector, window_ms)| Query::Rate(selector, window_ms)),
            "changes" => self.over_time().map(|(selector, window_ms)| Query::Changes(selector, window_ms)),
            "last_over_time" => self.over_time().map(|(selector, window_ms)| Query::Last(selector, window_ms)),
            "histogram_quantile" => self.quantile(),
            _ => Err(format!("the function '{name}' is not supported here")),
        }
    }

    /// `(name{…}[window])`
    fn over_time(&mut self) -> Result<(Selector, i64), String> {
        self.expect("(")?;
        let selector = self.selector()?;
        self.expect("[")?;
        let (duration, rest) = self.rest.split_once(']').ok_or("a window has no ']'")?;
        self.rest = rest;
        let duration = duration.trim();
        let window_ms = duration_ms(duration).ok_or_else(|| format!("'{duration}' is not a duration"))?;
        self.expect(")")?;
        Ok((selector, window_ms))
    }

    /// `(q, sum by (…, le) (rate(…)))`
    fn quantile(&mut self) -> Result<Query, String> {
        self.expect("(")?;
        self.skip_space();
        let end = self.rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(self.rest.len());
        let number = &self.rest[..end];
        let q: f64 = number.parse().map_err(|_| format!("'{}' is not a quantile", self.excerpt()))?;
        self.rest = &self.rest[end..];
        self.expect(",")?;
        if !self.takes_word("sum") {
            return Err("a quantile needs 'sum by (…, le) (rate(…))'".to_owned());
        }
        let (mut by, (buckets, window_ms)) = self.sum_by_of_rate("a quantile")?;
        let all = by.len();
        by.retain(|name| name != "le");
        if by.len() + 1 != all {
            return Err("a quantile needs 'le' in 'by (…)'".to_owned());
        }
        self.expect(")")?;
        Ok(Query::Quantile { q, by, buckets, window_ms })
    }

    /// `by (…) (rate(name{…}[window]))`, after `sum`; `what` needs it, for the error.
    fn sum_by_of_rate(&mut self, what: &str) -> Result<(Vec<String>, (Selector, i64)), String> {
        if !self.takes_word("by") {
            return Err(format!("{what} needs 'by (…) (rate(…))'"));
        }
        let by = self.names()?;
        self.expect("(")?;
        if !self.takes_word("rate") {
            return Err(format!("{what} needs a rate"));
        }
        let rate = self.over_time()?;
        self.expect(")")?;
        Ok((by, rate))
    }

    /// `(name, "name", …)`
    fn names(&mut self) -> Result<Vec<String>, String> {
        self.expect("(")?;
        let mut names = Vec::new();
        while !self.takes(")") {
            names.push(self.label_name()?);
            if !self.takes(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(names)
    }

    fn label_name(&mut self) -> Result<String, String> {
        if matches!(self.peek(), Some('"' | '\'' | '`')) {
            return self.string();
        }
        let name = name_of(self.rest);
        if name.is_empty() {
            return Err(format!("expected the name of a label instead of '{}'", self.excerpt()));
        }
        self.rest = &self.rest[name.len()..];
        Ok(name.to_owned())
    }

    /// `name` or `name{…}`
    fn selector(&mut self) -> Result<Selector, String> {
        self.skip_space();
        let name = name_of(self.rest);
        if name.is_empty() {
            return Err(format!("expected the name of a metric instead of '{}'", self.excerpt()));
        }
        self.rest = &self.rest[name.len()..];
        let mut matchers = Vec::new();
        if self.takes("{") {
            while !self.takes("}") {
                matchers.push(self.matcher()?);
                if !self.takes(",") {
                    self.expect("}")?;
                    break;
                }
            }
        }
        Ok(Selector { name: name.to_owned(), matchers })
    }

    fn matcher(&mut self) -> Result<Matcher, String> {
        let name = self.label_name()?;
        let operator = ["=~", "!~", "!=", "="].into_iter().find(|operator| self.takes(operator));
        let operator = operator.ok_or_else(|| format!("expected a matcher instead of '{}'", self.excerpt()))?;
        let value = self.string()?;
        Matcher::new(&name, operator, &value).map_err(|reason| format!("the pattern '{value}' is invalid ({reason})"))
    }

    /// A string in double, single or back quotes.
    fn string(&mut self) -> Result<String, String> {
        let quote = self.peek().filter(|c| matches!(c, '"' | '\'' | '`'));
        let Some(quote) = quote else { return Err(format!("expected a string instead of '{}'", self.excerpt())) };
        self.rest = &self.rest[1..];
        let mut text = String::new();
        loop {
            let mut chars = self.rest.chars();
            let next = chars.next().ok_or("a string has no closing quote")?;
            self.rest = chars.as_str();
            match next {
                _ if next == quote => return Ok(text),
                '\\' if quote != '`' => text.push(self.escaped()?),
                _ => text.push(next),
            }
        }
    }

    /// The character for an escape, after its backslash.
    fn escaped(&mut self) -> Result<char, String> {
        let mut chars = self.rest.chars();
        let kind = chars.next().ok_or("a string has no closing quote")?;
        self.rest = chars.as_str();
        let digits = match kind {
            'n' => return Ok('\n'),
            't' => return Ok('\t'),
            'r' => return Ok('\r'),
            'a' => return Ok('\u{7}'),
            'b' => return Ok('\u{8}'),
            'f' => return Ok('\u{c}'),
            'v' => return Ok('\u{b}'),
            '\\' | '"' | '\'' => return Ok(kind),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => return Err(format!("the escape '\\{kind}' is not supported")),
        };
        let code = self.rest.get(..digits).and_then(|text| u32::from_str_radix(text, 16).ok()).and_then(char::from_u32);
        // A byte above 127 would be a part of a character.
        let code = code.filter(|c| kind != 'x' || c.is_ascii());
        let code = code.ok_or_else(|| format!("the escape '\\{kind}' has an invalid number"))?;
        self.rest = &self.rest[digits..];
        Ok(code)
    }
}

/// The name of a metric, label or function at the start of the text; empty if there is none.
fn name_of(text: &str) -> &str {
    let is_inside = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let end = text.find(|c| !is_inside(c)).unwrap_or(text.len());
    if text.starts_with(|c: char| c.is_ascii_digit()) { "" } else { &text[..end] }
}

/// A duration such as `5m` or `1h30m`, in milliseconds.
fn duration_ms(text: &str) -> Option<i64> {
    const UNITS: [(&str, i64); 7] = [
        ("ms", 1),
        ("s", 1_000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
        ("w", 604_800_000),
        ("y", 31_536_000_000),
    ];
    let (mut rest, mut total) = (text, 0_i64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: i64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = UNITS.iter().find(|(name, _)| rest.starts_with(name))?;
        rest = &rest[unit.0.len()..];
        total = total.checked_add(count.checked_mul(unit.1)?)?;
    }
    (total > 0).then_some(total)
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
