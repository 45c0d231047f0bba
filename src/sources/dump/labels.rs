//! Names and labels of a series.

use std::borrow::Cow;
use std::sync::Arc;

use crate::sources::spool::Labels;
use crate::sources::tsdb::block::METRIC_NAME;

/// What is wrong with the text of a series, as a noun.
pub(super) type Problem = &'static str;

const UNCLOSED: Problem = "labels without a closing brace";
const UTF8: Problem = "text that is not UTF-8";

/// The length of a series' text at the start of a line: the name, and the labels if there are any.
pub(super) fn extent(line: &[u8]) -> Result<usize, Problem> {
    let start = memchr::memchr2(b'{', b' ', line).ok_or("a line without value")?;
    if line[start] == b' ' {
        return Ok(start);
    }
    let (mut at, mut quoted) = (start, false);
    while let Some(byte) = line.get(at) {
        at += 1;
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => at += 1,
            b'}' if !quoted => return Ok(at),
            _ => {}
        }
    }
    Err(UNCLOSED)
}

/// Reads a series' text: `name`, `name{label="value"}` or `{"name", "label"="value"}`. Labels that are empty do not exist in
/// Prometheus.
pub(super) fn parse(text: &[u8]) -> Result<Labels, Problem> {
    let text = std::str::from_utf8(text).map_err(|_| UTF8)?;
    let (name, mut rest) = text.split_at(text.find('{').unwrap_or(text.len()));
    let mut labels = Vec::new();
    let mut names: Vec<Cow<'_, str>> = Vec::new();
    names.extend((!name.is_empty()).then_some(Cow::Borrowed(name)));
    if !rest.is_empty() {
        rest = rest[1..].trim_start();
        while let Some(after) = next(rest, &mut labels, &mut names)? {
            rest = after;
        }
    }
    let [name] = names.as_slice() else { return Err("a series without a single metric name") };
    labels.push((Cow::Borrowed(METRIC_NAME), name.clone()));
    labels.retain(|(_, value)| !value.is_empty());
    labels.sort();
    if labels.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err("a label that occurs twice");
    }
    Ok(labels.into_iter().map(|(name, value)| (Arc::from(name), Arc::from(value))).collect())
}

/// Reads a label or a quoted metric name, and gives the rest after its comma; nothing after the closing brace.
fn next<'a>(
    text: &'a str,
    labels: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>,
    names: &mut Vec<Cow<'a, str>>,
) -> Result<Option<&'a str>, Problem> {
    if let Some(after) = text.strip_prefix('}') {
        return if after.is_empty() { Ok(None) } else { Err("text after the labels") };
    }
    let (name, rest) = match text.strip_prefix('"') {
        Some(quoted) => unquote(quoted)?,
        None => {
            let end = text.find(['=', ',', '"', '}']).ok_or(UNCLOSED)?;
            (Cow::Borrowed(text[..end].trim_end()), &text[end..])
        }
    };
    let mut rest = rest.trim_start();
    if let Some(after) = rest.strip_prefix('=') {
        let quoted = after.trim_start().strip_prefix('"').ok_or("a label value without quotes")?;
        let (value, after) = unquote(quoted)?;
        if name.is_empty() {
            return Err("a label without name");
        }
        labels.push((name, value));
        rest = after.trim_start();
    } else if text.starts_with('"') {
        names.push(name);
    } else {
        return Err("a label without value");
    }
    match rest.strip_prefix(',') {
        Some(after) => Ok(Some(after.trim_start())),
        None if rest.starts_with('}') => Ok(Some(rest)),
        None => Err("labels without a comma between them"),
    }
}

/// Reads a text after its opening quote, and gives what follows the closing one.
fn unquote(text: &str) -> Result<(Cow<'_, str>, &str), Problem> {
    let plain = text.find(['"', '\\']).ok_or(UNCLOSED)?;
    if text.as_bytes()[plain] == b'"' {
        return Ok((Cow::Borrowed(&text[..plain]), &text[plain + 1..]));
    }
    let (mut value, mut rest) = (text[..plain].to_owned(), &text[plain..]);
    loop {
        let end = rest.find(['"', '\\']).ok_or(UNCLOSED)?;
        value.push_str(&rest[..end]);
        let after = &rest[end + 1..];
        if rest.as_bytes()[end] == b'"' {
            return Ok((Cow::Owned(value), after));
        }
        rest = unescape(after, &mut value)?;
    }
}

/// Adds the character of an escape, of which `text` begins after the backslash, and gives what follows.
fn unescape<'a>(text: &'a str, value: &mut String) -> Result<&'a str, Problem> {
    let mut characters = text.chars();
    let kind = characters.next().ok_or(UNCLOSED)?;
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => 0,
    };
    let simple = match kind {
        '\\' | '"' => kind,
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'v' => '\u{b}',
        _ => {
            let code = characters.as_str().get(..digits).filter(|code| !code.is_empty());
            let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let Some(code) = code else {
                value.push('\\');
                value.push(kind);
                return Ok(characters.as_str());
            };
            // \x80 and above are bytes that are no character.
            let number = u32::from_str_radix(code, 16).ok().filter(|number| digits > 2 || *number < 0x80);
            value.push(number.and_then(char::from_u32).ok_or(UTF8)?);
            return Ok(&characters.as_str()[digits..]);
        }
    };
    value.push(simple);
    Ok(characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<(String, String)>, Problem> {
        assert_eq!(extent(format!("{text} 1 2").as_bytes()), Ok(text.len()), "{text}");
        parse(text.as_bytes())
            .map(|labels| labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
    }

    fn owned(labels: &[(&str, &str)]) -> Vec<(String, String)> {
        labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn names_and_labels_are_read_in_all_notations() {
        for (text, labels) in [
            ("up", &[("__name__", "up")][..]),
            ("up{}", &[("__name__", "up")]),
            (r#"up{b="2",a="1"}"#, &[("__name__", "up"), ("a", "1"), ("b", "2")]),
            (r#"up{ a = "1" , }"#, &[("__name__", "up"), ("a", "1")]),
            (r#"up{a="",b="2"}"#, &[("__name__", "up"), ("b", "2")]),
            (r#"{"a.b"}"#, &[("__name__", "a.b")]),
            (r#"{"a.b","c d"="ü}"}"#, &[("__name__", "a.b"), ("c d", "ü}")]),
            (r#"{c="1","a b",}"#, &[("__name__", "a b"), ("c", "1")]),
            (r#"a.b{c.d="1"}"#, &[("__name__", "a.b"), ("c.d", "1")]),
            (r#"up{Z="}",a="{,="}"#, &[("Z", "}"), ("__name__", "up"), ("a", "{,=")]),
        ] {
            assert_eq!(parsed(text), Ok(owned(labels)), "{text}");
        }
    }

    #[test]
    fn escapes_are_those_of_go() {
        for (text, value) in [
            (r#"\\\"\n"#, "\\\"\n"),
            (r#"x\ty\u00adz\U0001F600"#, "x\ty\u{ad}z😀"),
            (r#"\x7f\x00"#, "\u{7f}\0"),
            (r#"\d+\.\u12\xg"#, r#"\d+\.\u12\xg"#),
            (r#"ü\\"#, r#"ü\"#),
        ] {
            let series = parsed(&format!("up{{a=\"{text}\"}}"));
            assert_eq!(series, Ok(owned(&[("__name__", "up"), ("a", value)])), "{text}");
        }
    }

    #[test]
    fn what_is_no_series_is_refused() {
        for text in [
            r#"{}"#,
            r#"{a="1"}"#,
            r#"up{"up"}"#,
            r#"{"a","b"}"#,
            r#"up{a}"#,
            r#"up{a=1}"#,
            r#"up{a="1""b"}"#,
            r#"up{="1"}"#,
            r#"up{a="1" b="2"}"#,
            r#"up{a="1",a="2"}"#,
            r#"up{__name__="b"}"#,
            r#"up{a="\xff"}"#,
            r#"up{a="\ud800"}"#,
            r#"up{,}"#,
        ] {
            assert!(parsed(text).is_err(), "{text}");
        }
        for text in ["up", "up{", r#"up{a="} 1 2"#, r#"up{a="\"} 1 2"#, r#"up{a="\"#] {
            assert!(extent(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse(b"up{a=\"\xff\"}").is_err());
    }
}
