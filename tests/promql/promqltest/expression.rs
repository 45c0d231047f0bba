//! The expressions of the test files that consist only of what the project computes.

/// A matcher of a selector: label, operator and value.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    pub(crate) label: String,
    pub(crate) operator: &'static str,
    pub(crate) value: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Selector {
    pub(crate) matchers: Vec<Matcher>,
    pub(crate) offset_ms: i64,
}

/// Which labels an aggregation or a set operator compares.
#[derive(Clone, Debug)]
pub(crate) enum Grouping {
    By(Vec<String>),
    Without(Vec<String>),
}

#[derive(Clone, Debug)]
pub(crate) enum Expression {
    Instant(Selector),
    /// `rate` or `changes` over a range in milliseconds.
    OverTime(&'static str, Selector, i64),
    /// `sum` or `max`.
    Aggregate(&'static str, Grouping, Box<Expression>),
    Quantile(f64, Box<Expression>),
    /// `or` or `and`.
    Set(&'static str, Grouping, Box<Expression>, Box<Expression>),
}

/// Reads an expression; the error is the reason why it is passed over.
pub(crate) fn parse(text: &str) -> Result<Expression, String> {
    let mut parser = Parser { rest: text.trim() };
    let expression = parser.either()?;
    if parser.rest.is_empty() { Ok(expression) } else { Err(parser.unknown()) }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    /// `or` binds less tightly than `and`.
    fn either(&mut self) -> Result<Expression, String> {
        let mut left = self.both()?;
        while self.word("or") {
            let grouping = self.matching()?;
            left = Expression::Set("or", grouping, Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Expression, String> {
        let mut left = self.operand()?;
        while self.word("and") {
            let grouping = self.matching()?;
            left = Expression::Set("and", grouping, Box::new(left), Box::new(self.operand()?));
        }
        Ok(left)
    }

    fn matching(&mut self) -> Result<Grouping, String> {
        if self.word("on") {
            return Ok(Grouping::By(self.names()?));
        }
        Ok(Grouping::Without(if self.word("ignoring") { self.names()? } else { Vec::new() }))
    }

    fn operand(&mut self) -> Result<Expression, String> {
        if self.sign("(") {
            let inner = self.either()?;
            return self.closed(inner);
        }
        for name in ["sum", "max"] {
            if self.word(name) {
                return self.aggregate(name);
            }
        }
        for name in ["rate", "changes"] {
            if self.call(name) {
                return self.over_time(name);
            }
        }
        if self.call("histogram_quantile") {
            let comma = self.rest.find(',').ok_or("no comma")?;
            let q = number(self.rest[..comma].trim()).ok_or("a quantile that is no number")?;
            self.rest = &self.rest[comma + 1..];
            let inner = Expression::Quantile(q, Box::new(self.either()?));
            return self.closed(inner);
        }
        Ok(Expression::Instant(self.selector()?))
    }

    fn aggregate(&mut self, name: &'static str) -> Result<Expression, String> {
        let before = self.grouping()?;
        self.expect("(")?;
        let inner = self.either()?;
        self.expect(")")?;
        let grouping = before.or(self.grouping()?).unwrap_or(Grouping::By(Vec::new()));
        Ok(Expression::Aggregate(name, grouping, Box::new(inner)))
    }

    fn grouping(&mut self) -> Result<Option<Grouping>, String> {
        if self.word("by") {
            return Ok(Some(Grouping::By(self.names()?)));
        }
        if self.word("without") { Ok(Some(Grouping::Without(self.names()?))) } else { Ok(None) }
    }

    fn over_time(&mut self, name: &'static str) -> Result<Expression, String> {
        let inner = self.sign("(");
        let mut selector = self.selector()?;
        self.expect("[")?;
        let range_ms =
            self.until("]").and_then(|text| duration_ms(text).ok_or("a subquery or no duration".to_owned()))?;
        selector.offset_ms = self.offset()?;
        if inner {
            self.expect(")")?;
        }
        self.closed(Expression::OverTime(name, selector, range_ms))
    }

    fn selector(&mut self) -> Result<Selector, String> {
        let name = self.name();
        let mut matchers = Vec::new();
        if self.sign("{") {
            while !self.sign("}") {
                matchers.push(self.matcher()?);
                self.sign(",");
            }
        } else if name.is_empty() || ["(", "by", "without"].iter().any(|next| self.rest.trim_start().starts_with(next))
        {
            return Err(self.not_computed(&name));
        }
        if !name.is_empty() {
            matchers.push(Matcher { label: "__name__".to_owned(), operator: "=", value: name });
        }
        Ok(Selector { matchers, offset_ms: self.offset()? })
    }

    fn matcher(&mut self) -> Result<Matcher, String> {
        let label = self.name();
        let operators = ["=~", "!~", "!=", "="];
        let operator = operators.into_iter().find(|sign| self.sign(sign)).ok_or("a name in quotes")?;
        let (value, rest) = quoted(self.rest.trim_start()).ok_or("no value in quotes")?;
        self.rest = &self.rest[self.rest.len() - rest..];
        Ok(Matcher { label, operator, value })
    }

    fn offset(&mut self) -> Result<i64, String> {
        if !self.word("offset") {
            return Ok(0);
        }
        let negative = self.sign("-");
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        self.rest = &rest[end..];
        let offset = duration_ms(&rest[..end]).ok_or("an offset that is no duration")?;
        Ok(if negative { -offset } else { offset })
    }

    fn names(&mut self) -> Result<Vec<String>, String> {
        self.expect("(")?;
        let names = self.until(")")?;
        Ok(names.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect())
    }

    fn name(&mut self) -> String {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':').unwrap_or(rest.len());
        self.rest = &rest[end..];
        rest[..end].to_owned()
    }

    fn closed(&mut self, expression: Expression) -> Result<Expression, String> {
        self.expect(")")?;
        Ok(expression)
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.sign(sign) { Ok(()) } else { Err(self.unknown()) }
    }

    fn sign(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// A keyword, in any case.
    fn word(&mut self, word: &str) -> bool {
        let before = self.rest;
        if self.name().eq_ignore_ascii_case(word) && !self.rest.starts_with(['{', '[']) {
            return true;
        }
        self.rest = before;
        false
    }

    fn call(&mut self, name: &str) -> bool {
        let before = self.rest;
        if self.name() == name && self.sign("(") {
            return true;
        }
        self.rest = before;
        false
    }

    fn until(&mut self, sign: &str) -> Result<&str, String> {
        let (text, rest) = self.rest.split_once(sign).ok_or_else(|| format!("no {sign}"))?;
        self.rest = rest;
        Ok(text)
    }

    fn not_computed(&self, name: &str) -> String {
        match name.parse::<f64>() {
            Err(_) if !name.is_empty() => format!("{}()", name.to_lowercase()),
            _ => "a scalar or a string".to_owned(),
        }
    }

    fn unknown(&self) -> String {
        let rest = self.rest.trim_start();
        let word: String = rest.chars().take_while(char::is_ascii_alphabetic).collect();
        match rest.chars().next() {
            _ if word == "anchored" || word == "smoothed" => format!("the modifier {word}"),
            _ if !word.is_empty() => format!("the operator {word}"),
            Some('[') => "a range selector without a function".to_owned(),
            Some('@') => "the modifier @".to_owned(),
            _ => "arithmetic or a comparison".to_owned(),
        }
    }
}

/// The text of a quoted string, and how many bytes follow it.
pub(crate) fn quoted(text: &str) -> Option<(String, usize)> {
    let quote = text.chars().next().filter(|c| ['"', '\'', '`'].contains(c))?;
    let mut value = String::new();
    let mut characters = text[1..].char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            _ if c == quote => return Some((value, text.len() - at - 2)),
            '\\' if quote != '`' => value.push(characters.next()?.1),
            _ => value.push(c),
        }
    }
    None
}

/// A number, or a quotient of two such as `1./6.`.
fn number(text: &str) -> Option<f64> {
    match text.split_once('/') {
        Some((dividend, divisor)) => Some(dividend.parse::<f64>().ok()? / divisor.parse::<f64>().ok()?),
        None => text.parse().ok(),
    }
}

/// `1h30m`, `10s53ms`, or a number of seconds.
pub(crate) fn duration_ms(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    if let Ok(seconds) = rest.parse::<f64>() {
        return Some((seconds * 1000.0).round() as i64);
    }
    let mut total = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|digits| *digits > 0)?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |end| digits + end);
        let unit_ms = match &rest[digits..unit_end] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total += rest[..digits].parse::<i64>().ok()? * unit_ms;
        rest = &rest[unit_end..];
    }
    Some(total)
}
