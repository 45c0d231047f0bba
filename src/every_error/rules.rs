//! Rules for the text of an error: one short sentence in plain words, with correct plurals.

/// One message and the variant that it is a sample of.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) type_name: &'a str,
    pub(super) variant: &'a str,
    pub(super) text: &'a str,
}

/// Maximum number of words in a message, unless its variant is one of [`LONG`].
const MAX_WORDS: usize = 30;

/// Variants whose messages may have more than [`MAX_WORDS`] words, with the reason.
const LONG: [(&str, &str, &str); 2] = [
    ("ImportError", "Conflict", "shows a series with all its labels, both values, and two ways out"),
    ("DiffError", "NotAlike", "shows each setting that differs, and the command that makes them equal"),
];

/// Variants whose messages have more than one line, with the reason.
const WITH_LIST: [(&str, &str, &str); 1] = [("CommandError", "Below", "the cells and clusters follow, one a line")];

/// Words and phrases that are hard to read, or say nothing: use the plain word instead.
const DROPPED: [&str; 19] = [
    "nobody",
    "whoever",
    "whose",
    "of which",
    "of whom",
    "tells",
    "told",
    "says",
    "said",
    "what is",
    "what has",
    "is no",
    "are no",
    "are none",
    "lest",
    "likewise",
    "whereof",
    "mend",
    "without a word",
];

/// Units that messages must not use: they give sizes in KiB and MiB.
const OTHER_UNITS: [&str; 8] = ["kb", "mb", "gb", "kilobyte", "kilobytes", "megabyte", "megabytes", "gigabytes"];

/// Names that are written with a capital.
const NAMES: [&str; 3] = ["Prometheus", "OpenMetrics", "VictoriaMetrics"];

/// Words that end in `s` but are not plurals, so they may follow a `1`.
const AFTER_ONE: [&str; 9] = ["is", "was", "has", "lies", "does", "as", "address", "process", "series"];

/// Nouns that are wrong in the singular after any number but 1.
const NOUNS: [&str; 19] = [
    "day", "file", "sample", "cell", "cluster", "member", "step", "block", "fault", "query", "retry", "metric",
    "column", "byte", "second", "minute", "hour", "time", "line",
];

/// The faults of these messages, one line for each rule that a message breaks.
pub(super) fn faults(messages: &[Message<'_>]) -> Vec<String> {
    let mut found = Vec::new();
    for message in messages {
        let with_list = listed(message, &WITH_LIST);
        let (first, rest) = message.text.split_once('\n').unwrap_or((message.text, ""));
        let mut fault = |what: &str| found.push(format!("{}::{}: {what}: {first}", message.type_name, message.variant));
        if !rest.is_empty() && !with_list {
            fault("more than one line");
        }
        // The words of an inner error count only where its own sample is checked.
        let own = without_inner(message, first, messages);
        let plain = without_values(&own);
        let count = words(&own);
        if count > MAX_WORDS && !listed(message, &LONG) {
            fault(&format!("{count} words, {MAX_WORDS} are enough"));
        }
        text_faults(first, &plain).iter().for_each(|what| fault(what));
    }
    let is_long = |entry: &&(&str, &str, &str)| {
        let mut of = messages.iter().filter(|m| (m.type_name, m.variant) == (entry.0, entry.1));
        of.any(|message| words(&without_inner(message, message.text, messages)) > MAX_WORDS)
    };
    let short = LONG.iter().filter(|entry| !is_long(entry));
    found.extend(short.map(|(of, variant, _)| format!("{of}::{variant}: short enough, take it off the list LONG")));
    found
}

fn listed(message: &Message<'_>, list: &[(&str, &str, &str)]) -> bool {
    list.iter().any(|(type_name, variant, _)| (*type_name, *variant) == (message.type_name, message.variant))
}

/// The faults in one line of a message. `plain` is that line with each quoted value and inner error as one word.
fn text_faults(text: &str, plain: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !starts_well(text) {
        faults.push("starts with a capital".to_owned());
    }
    if text.ends_with(|c: char| c.is_whitespace() || ".!:;,".contains(c)) {
        faults.push("ends with a space or a punctuation mark".to_owned());
    }
    if text.contains("(s)") {
        faults.push("has (s) instead of a plural".to_owned());
    }
    if text.contains("  ") {
        faults.push("has two spaces in a row".to_owned());
    }
    if plain.split(", for ").skip(1).any(|rest| !rest.starts_with("example")) {
        faults.push("', for' instead of because".to_owned());
    }
    faults.extend(plural_fault(plain));
    let words: Vec<String> = plain.split_whitespace().map(|word| bare(word).to_lowercase()).collect();
    let joined = format!(" {} ", words.join(" "));
    faults.extend(DROPPED.iter().filter(|word| joined.contains(&format!(" {word} "))).map(|word| format!("'{word}'")));
    let unit = words.iter().find(|word| OTHER_UNITS.contains(&&***word));
    faults.extend(unit.map(|unit| format!("'{unit}' instead of KiB or MiB")));
    faults
}

/// Whether a text starts with lower case, a value, one of [`NAMES`], or a word in capitals such as `HTTP`, a
/// signal, or an environment variable.
fn starts_well(text: &str) -> bool {
    let first = bare(text.split_whitespace().next().unwrap_or_default());
    let is_upper = first.len() > 1 && !first.contains(char::is_lowercase);
    !text.starts_with(char::is_uppercase) || is_upper || NAMES.contains(&first)
}

/// A word without the punctuation around it.
fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| ",.;:!?()\"'".contains(c))
}

/// The first number that does not agree with its noun or verb, such as `1 days`, `2 day`, `1 day were`
/// or `2 days was`; `None` if all agree.
fn plural_fault(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.windows(2).enumerate().find_map(|(at, pair)| {
        let [number, raw] = pair else { return None };
        let before = at.checked_sub(1).map_or("", |before| words[before]);
        // A number after `line` is a position, not a count.
        let count = number.trim_start_matches('(').replace(',', "").parse::<u64>().ok().filter(|_| before != "line")?;
        let noun = bare(raw);
        let is_plural = noun.len() > 1 && noun.ends_with('s') && noun.chars().all(|c| c.is_ascii_lowercase());
        // After `2 of 3 days`, the verb agrees with the 2.
        let verb = if before == "of" || noun != *raw { "" } else { words.get(at + 2).map_or("", |word| bare(word)) };
        let wrong_noun = if count == 1 { is_plural && !AFTER_ONE.contains(&noun) } else { NOUNS.contains(&noun) };
        let wrong_verb = if count == 1 {
            NOUNS.contains(&noun) && ["are", "were", "have", "lie", "do"].contains(&verb)
        } else {
            is_plural && ["is", "was", "has", "lies", "does"].contains(&verb)
        };
        let shown = if wrong_verb { format!("{number} {noun} {verb}") } else { format!("{number} {noun}") };
        (wrong_noun || wrong_verb).then(|| format!("'{shown}'"))
    })
}

/// The message with each inner error that it repeats replaced by a single word.
fn without_inner(message: &Message<'_>, text: &str, messages: &[Message<'_>]) -> String {
    let mut inner: Vec<&str> = messages.iter().map(|m| m.text).filter(|inner| inner.len() > 20).collect();
    inner.sort_by_key(|inner| std::cmp::Reverse(inner.len()));
    let inner = inner.into_iter().filter(|inner| *inner != message.text);
    inner.fold(text.to_owned(), |text, inner| text.replace(inner, "…"))
}

/// The text with a single word for each value in single or double quotes.
fn without_values(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(start) = opening_quote(rest) {
        let (before, quoted) = rest.split_at(start);
        let quote = &quoted[..1];
        plain.push_str(before);
        // The quote ends before a space, punctuation or the end: 'it's' has an apostrophe inside.
        let ends = |at: &usize| !quoted[at + 1..].starts_with(char::is_alphanumeric);
        match quoted.match_indices(quote).map(|(at, _)| at).skip(1).find(ends) {
            Some(end) => {
                plain.push('…');
                rest = &quoted[end + 1..];
            }
            None => {
                plain.push_str(quote);
                rest = &quoted[1..];
            }
        }
    }
    plain + rest
}

/// The position of the first quote that starts a word. A quote within a word is an apostrophe.
fn opening_quote(text: &str) -> Option<usize> {
    let quotes = text.char_indices().filter(|(_, c)| ['\'', '"'].contains(c));
    quotes.map(|(at, _)| at).find(|&at| !text[..at].ends_with(char::is_alphanumeric))
}

/// The number of words as a reader counts them: a quoted value is one word, and in a comma-separated list, only the
/// first and last names count.
fn words(text: &str) -> usize {
    let plain = without_values(text);
    let words: Vec<&str> = plain.split_whitespace().collect();
    let is_listed = |at: &usize| *at > 0 && words[*at].ends_with(',') && words[at - 1].ends_with(',');
    (0..words.len()).filter(|at| !is_listed(at)).count()
}

#[test]
fn messages_that_break_a_rule_are_found() {
    let faults_of = |text: &str| faults(&[Message { type_name: "E", variant: "V", text }]).concat();
    let long = "a ".repeat(MAX_WORDS) + "b";
    for (text, expected) in [
        ("The file is gone", "starts with a capital"),
        ("the file is gone.", "punctuation"),
        ("the file\nis gone", "more than one line"),
        ("2 file(s) are gone", "(s)"),
        ("the file  is gone", "two spaces"),
        ("1 of 1 days could be pulled", "'1 days'"),
        ("stopped after 2 day", "'2 day'"),
        ("1 day were pulled", "'1 day were'"),
        ("12 days is missing", "'12 days is'"),
        ("a file that nobody wrote", "'nobody'"),
        ("there is no such file", "'is no'"),
        ("not imported, for it is too new", "', for'"),
        ("the server said 'no'", "'said'"),
        ("more than 256 MB", "'mb'"),
        (&long, "31 words"),
    ] {
        assert!(faults_of(text).contains(expected), "{text}: {}", faults_of(text));
    }
}

#[test]
fn good_messages_pass() {
    let inner = "cannot reach http://prometheus:9090: connection refused";
    let listed = "'x' is not a format: use one of parquet, csv, openmetrics, problems, findings, report, xlsx, svg, png and so on";
    let texts = [
        inner,
        listed,
        "ETCD_HEATMAP_URL is not UTF-8",
        "'what is told' is not a time",
        "# HELP of etcd_score comes after its samples",
        "x.toml, line 1: keys are missing",
        "1 day is missing, 2 days are missing, 1 of 2 days is missing, 0 of 1 day was pulled",
        "1 series has 2 series beside it, 1 process was started",
        "name two profiles, for example seed,etcd-faq",
        "the series {__name__=\"up\"} is not etcd's",
    ];
    let repeats = format!("cannot pull 2 of 3 days ({}): {inner}", "word ".repeat(20).trim_end());
    let texts = texts.into_iter().chain([&*repeats]);
    let messages: Vec<_> = texts.map(|text| Message { type_name: "E", variant: "V", text }).collect();
    let found = faults(&messages);
    let found: Vec<&String> = found.iter().filter(|fault| !fault.contains("list LONG")).collect();
    assert!(found.is_empty(), "{found:?}");
}
