//! Files of `--http.config.file`, valid or not, with a secret as one of their values: no error may contain it.

#![no_main]

use std::path::Path;

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use under_test::sources::prometheus::{PlainHeaders, parse_http_config};

const SECRET: &str = "Zq7canary";
/// The value under keys that are not secret. `Debug` may show it; an error may not, because errors do not know the key.
const PUBLIC: &str = "Zq8canary";
const PUBLIC_KEYS: [&str; 5] = ["files", "type", "client_id", "server_name", "no_proxy"];

/// Lines of valid files, each with its key and a valid value. The last file is valid for promtool but not supported.
const FILES: [&[(&str, &str)]; 8] = [
    &[
        ("basic_auth", ""),
        ("  username", "ann"),
        ("  username_file", "~"),
        ("  password", "p"),
        ("  password_file", "''"),
    ],
    &[("authorization", ""), ("  type", "Bearer"), ("  credentials", "c"), ("  credentials_file", "")],
    &[
        ("oauth2", ""),
        ("  client_id", "i"),
        ("  client_secret", "s"),
        ("  scopes", "[a, b]"),
        ("  token_url", "https://h/t"),
        ("  endpoint_params", ""),
        ("    audience", "x"),
        ("  grant_type", "client_credentials"),
        ("  proxy_url", "http://p:1"),
        ("  tls_config", ""),
        ("    ca", "a"),
        ("    insecure_skip_verify", "false"),
    ],
    &[("bearer_token", "t"), ("bearer_token_file", "~"), ("follow_redirects", "on"), ("enable_http2", "no")],
    &[
        ("tls_config", ""),
        ("  ca", "a"),
        ("  ca_file", ""),
        ("  cert", "b"),
        ("  key", "k"),
        ("  key_file", "~"),
        ("  server_name", "n"),
        ("  min_version", "TLS12"),
        ("  max_version", "TLS13"),
        ("  insecure_skip_verify", "true"),
    ],
    &[
        ("proxy_url", "http://p:3128"),
        ("no_proxy", "a.example"),
        ("proxy_from_environment", "false"),
        ("proxy_connect_header", ""),
        ("  X-A", "[b]"),
    ],
    &[
        ("http_headers", ""),
        ("  X-Scope-OrgID", ""),
        ("    values", "[a]"),
        ("  X-Key", ""),
        ("    secrets", "[s]"),
        ("    files", "~"),
    ],
    &[("basic_auth", ""), ("  password_ref", "r")],
];

/// How a line is changed.
#[derive(Arbitrary, Debug)]
enum Fate {
    Stays,
    Goes,
    Typo,
    Deeper,
    Secret(Style, Around),
    List(Style, Around),
    Map(Style, Around),
}

#[derive(Arbitrary, Debug)]
enum Style {
    Plain,
    Single,
    Double,
    Block,
    Folded,
    Tag,
    Anchor,
}

/// The text around the secret.
#[derive(Arbitrary, Debug)]
enum Around {
    Nothing,
    Url,
    SocksUrl,
    Escape,
    Spaces,
    Unclosed,
}

#[derive(Arbitrary, Debug)]
struct Story {
    files: Vec<(u8, [Fate; 12])>,
    /// Where the file is truncated, as by an editor on a full disk.
    end: Option<u16>,
}

fuzz_target!(|data: &[u8]| {
    let Ok(story) = Story::arbitrary(&mut Unstructured::new(data)) else { return };
    let mut text = String::new();
    for (file, fates) in &story.files {
        for ((key, right), fate) in FILES[usize::from(*file) % FILES.len()].iter().zip(fates) {
            write_line(&mut text, key, right, fate);
        }
    }
    if let Some(end) = story.end {
        text.truncate(text.floor_char_boundary(usize::from(end)));
    }
    match parse_http_config(Path::new("http.yml"), &text) {
        Ok(config) => assert!(!format!("{config:?}").contains(SECRET), "Debug shows a secret of\n{text}"),
        Err(error) => {
            let said = error.to_string();
            assert!(!said.contains(SECRET) && !said.contains(PUBLIC), "{said}: the secret of\n{text}");
        }
    }
    for line in text.lines().filter(|line| line.contains(SECRET)) {
        let said = PlainHeaders::parse(line).err().unwrap_or_default();
        assert!(!said.contains(SECRET), "{said}: the secret of --header '{line}'");
    }
});

fn write_line(text: &mut String, key: &str, right: &str, fate: &Fate) {
    let name = key.trim_start();
    let word = if name.ends_with("_file") || PUBLIC_KEYS.contains(&name) { PUBLIC } else { SECRET };
    let line = match fate {
        Fate::Stays => format!("{key}: {right}"),
        Fate::Goes => return,
        Fate::Typo => format!("{key}s: {word}"),
        Fate::Deeper => format!("{key}:\n{}{word}", " ".repeat(9)),
        Fate::Secret(style, around) => format!("{key}: {}", value(word, style, around)),
        Fate::List(style, around) => format!("{key}: [{}, a]", value(word, style, around)),
        Fate::Map(style, around) => format!("{key}: {{a: {}}}", value(word, style, around)),
    };
    text.push_str(&line);
    text.push('\n');
}

fn value(word: &str, style: &Style, around: &Around) -> String {
    let inner = match around {
        Around::Nothing | Around::Unclosed => word.to_owned(),
        Around::Url => format!("http://ann:{word}@h:1/?q={word}"),
        Around::SocksUrl => format!("socks5://{word}@h"),
        Around::Escape => format!("%{word}\\q"),
        Around::Spaces => format!("{word} {word}"),
    };
    let (begin, end) = match style {
        Style::Plain => ("", ""),
        Style::Block => ("|\n         ", ""),
        Style::Folded => (">-\n         ", ""),
        Style::Single => ("'", "'"),
        Style::Double => ("\"", "\""),
        Style::Tag => ("!!binary ", ""),
        Style::Anchor => ("&a ", ""),
    };
    let end = if matches!(around, Around::Unclosed) { "" } else { end };
    format!("{begin}{inner}{end}")
}
