//! Sanitizes untrusted text for Markdown, so that it cannot become markup, HTML, links or further cells of a table.

use super::characters::CharKind;

/// Longest text in characters; a longer one is shortened. Names and sentences are far shorter unless they are hostile.
const LONGEST: usize = 600;

/// The text on one line, in which everything that Markdown or HTML could take for markup is escaped. Control, bidirectional
/// and invisible characters become U+FFFD.
pub(crate) fn markdown_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    let text = shortened(&legible(text));
    let lower = text.to_ascii_lowercase();
    for (at, c) in text.char_indices() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '!' | '|' | '~' | '$' | '@' => {
                escaped.extend(['\\', c]);
            }
            // GitHub makes links of http:// and www. without any brackets.
            ':' if text[at + 1..].starts_with('/') => escaped.push_str("\\:"),
            '.' if lower[..at].ends_with("www") => escaped.push_str("\\."),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The text as code, with a fence that its own backticks cannot end.
pub(crate) fn markdown_code(text: &str) -> String {
    let text = shortened(&legible(text));
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // One space at each side is not part of the code.
    let space = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

fn legible(text: &str) -> String {
    text.trim().chars().map(|c| if CharKind::of(c).is_legible() { c } else { '\u{fffd}' }).collect()
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped_and_plain_text_stays_readable() {
        assert_eq!(markdown_text("c01: 10.0.1.1:2379, 49 % - \"x\""), "c01: 10.0.1.1:2379, 49 % - \"x\"");
        assert_eq!(markdown_text("a|b `c` *d* _e_ [f](g)"), r"a\|b \`c\` \*d\* \_e\_ \[f\](g)");
        assert_eq!(markdown_text("<b>&lt;\n# h"), "&lt;b&gt;&amp;lt;\u{fffd}\\# h");
        assert_eq!(markdown_text("http://a.b WWW.c.d @team"), r"http\://a.b WWW\.c.d \@team");
        assert_eq!(markdown_text(r"\| ~x~ $y$"), r"\\\| \~x\~ \$y\$");
        assert_eq!(markdown_text(&"é".repeat(601)), "é".repeat(600) + "…");
    }

    #[test]
    fn code_has_a_fence_longer_than_its_backticks() {
        assert_eq!(markdown_code("a b"), "`a b`");
        assert_eq!(markdown_code("a`b"), "``a`b``");
        assert_eq!(markdown_code("```"), "```` ``` ````");
        assert_eq!(markdown_code("a\nb"), "`a\u{fffd}b`");
    }
}
