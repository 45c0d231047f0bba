//! Removes the parts of a server's message that repeat our request, so that a word in a query, selector or label
//! value cannot be mistaken for the reason of a refusal.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Minimum length of a sent value that is searched for in a message. Shorter values, such as a step, cannot be
/// mistaken for words of the server.
const MIN_CHARS: usize = 4;

/// The parameters of a request.
pub(super) type Parameters<'a> = [(&'a str, String)];

/// The server's own words: the message without the values that were sent, in plain and in encoded form, without
/// labels with their values, without quoted text that the request contains, and without URLs.
pub(super) fn own_words(message: &str, sent: &Parameters<'_>) -> String {
    let mut values: Vec<&str> = sent.iter().map(|(_, value)| value.as_str()).collect();
    values.retain(|value| value.len() >= MIN_CHARS && value.contains(|c: char| c.is_alphabetic()));
    // Longest first, because one value may be part of another.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    let whole = values.iter().fold(message.to_owned(), |text, value| without_value(text, value));
    without_urls(&without_quotations(&whole, &values))
}

/// Removes a value in the encodings of URLs, forms, JSON, Go and HTML.
fn without_value(text: String, value: &str) -> String {
    let percent = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
    let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let json = serde_json::to_string(value).unwrap_or_default();
    let json = json.trim_matches('"').to_owned();
    let page = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let quoted_page = page.replace('"', "&quot;");
    let go_page = page.replace('"', "&#34;").replace('\'', "&#39;");
    let shapes = [value.to_owned(), json, form, percent.to_lowercase(), percent, go_page, quoted_page, page];
    shapes.iter().filter(|shape| !shape.is_empty()).fold(text, |text, shape| text.replace(shape.as_str(), " "))
}

/// Removes quoted text that is part of a value that was sent, or that follows an operator of a label matcher.
fn without_quotations(text: &str, values: &[&str]) -> String {
    let mut rest = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(found) = text[at..].find(['"', '`', '\'', '“']) {
        let start = at + found;
        rest.push_str(&text[at..start]);
        let Some((content, end)) = quotation(text, start) else {
            // An apostrophe, or a quote that is never closed: not a quotation.
            let next = start + text[start..].chars().next().map_or(1, char::len_utf8);
            rest.push_str(&text[start..next]);
            at = next;
            continue;
        };
        let is_of_label = rest.trim_end_matches('\\').ends_with(['=', '~']);
        let is_sent = !content.trim().is_empty() && values.iter().any(|value| value.contains(content.trim()));
        if is_of_label || is_sent {
            rest.push(' ');
        } else {
            rest.push_str(&text[start..end]);
        }
        at = end;
    }
    rest.push_str(&text[at..]);
    rest
}

/// The content of the quotation that begins at `start`, without escapes, and the index after it.
fn quotation(text: &str, start: usize) -> Option<(String, usize)> {
    let mut chars = text[start..].char_indices();
    let (_, open) = chars.next()?;
    // In a text within JSON or Go quotes, the inner quotes are escaped themselves.
    let is_escaped = text[..start].ends_with('\\');
    let close = if open == '“' { '”' } else { open };
    if open == '\'' && text[..start].ends_with(char::is_alphanumeric) {
        return None;
    }
    let mut content = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if is_escaped && text[start + at + 1..].starts_with(close) => {
                return Some((content, start + at + 1 + close.len_utf8()));
            }
            '\\' => content.extend(chars.next().map(|(_, escaped)| escaped)),
            c if c == close => return Some((content, start + at + c.len_utf8())),
            c => content.push(c),
        }
    }
    None
}

/// Removes words that are URLs or API paths: their query may contain anything in any encoding.
fn without_urls(text: &str) -> String {
    let is_url = |word: &str| {
        let plain = percent_decode_str(word).decode_utf8_lossy();
        ["http://", "https://", "/api/v1/", "query="].iter().any(|part| plain.contains(part))
    };
    text.split_whitespace().filter(|word| !is_url(word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = r#"sum(x{job="too many samples"}) / on (job) y{job=~"partial|timeout"}"#;

    fn sent() -> Vec<(&'static str, String)> {
        vec![("query", QUERY.to_owned()), ("step", "60".to_owned()), ("timeout", "300s".to_owned())]
    }

    #[test]
    fn a_repeated_query_is_removed_in_every_encoding() {
        let json = serde_json::to_string(QUERY).unwrap_or_default();
        let form: String = url::form_urlencoded::byte_serialize(QUERY.as_bytes()).collect();
        let percent = utf8_percent_encode(QUERY, NON_ALPHANUMERIC).to_string();
        let page = QUERY.replace('"', "&#34;");
        for echo in [QUERY, &json, &form, &percent, &percent.to_lowercase(), &page] {
            let message = format!("cannot run {echo} now");
            let words = own_words(&message, &sent()).replace('"', "");
            assert_eq!(words.split_whitespace().collect::<Vec<_>>(), ["cannot", "run", "now"], "{echo}");
        }
    }

    #[test]
    fn quoted_parts_of_a_query_labels_and_urls_are_removed() {
        for (message, expected) in [
            (r#"1:5: parse error: unexpected "partial" in aggregation"#, "1:5: parse error: unexpected in aggregation"),
            ("bad value `too many samples` there", "bad value there"),
            ("bad value 'timeout' there", "bad value there"),
            ("bad value “timeout” there", "bad value there"),
            (r#"no match for {job="too many bytes", a=~"x|partial"} there"#, "no match for {job= , a=~ } there"),
            (r#"no match for {job=\"too many bytes\"} there"#, r"no match for {job=\ } there"),
            ("GET http://h/p?query=partial failed", "GET failed"),
            ("requestURI: /api/v1/query_range?query=a%20partial; unsupported", "requestURI: unsupported"),
            // Quoted text that the request does not contain stays, and so does an apostrophe.
            (r#"unknown parameter "nocache""#, r#"unknown parameter "nocache""#),
            ("the store's limit isn't 5\" wide", "the store's limit isn't 5\" wide"),
        ] {
            assert_eq!(own_words(message, &sent()), expected, "{message}");
        }
    }

    #[test]
    fn words_that_a_query_happens_to_contain_remain_elsewhere() {
        let message = "query processing would load too many samples into memory in query execution";
        assert_eq!(own_words(message, &sent()), message);
    }
}
