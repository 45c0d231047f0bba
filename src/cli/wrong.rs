//! Errors of the command line: each becomes one sentence that names the flag and the remedy.
//!
//! clap's own texts take several lines, and its tip for a misspelled flag is to pass it as a value (`-- --flag`).

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};

use super::Cli;
use super::help::flags;
use crate::text::terminal::terminal_line;

/// Lowest similarity (normalized Damerau-Levenshtein, 0 to 1) at which a word counts as a misspelling of another.
const SIMILAR_ENOUGH: f64 = 0.65;

/// The error of a command line in one sentence; `None` if help or the version was asked for.
///
/// `words` is the command line, with the name of the program.
pub fn one_sentence(error: &clap::Error, words: &[OsString]) -> Option<String> {
    use ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
    if matches!(error.kind(), DisplayHelp | DisplayHelpOnMissingArgumentOrSubcommand | DisplayVersion) {
        return None;
    }
    let sentence = sentence(error, words).unwrap_or_else(|| as_clap_words_it(error));
    Some(terminal_line(&sentence))
}

fn sentence(error: &clap::Error, words: &[OsString]) -> Option<String> {
    let argument = texts(error, ContextKind::InvalidArg);
    let value = text(error, ContextKind::InvalidValue);
    let name = argument.first().map(|argument| name(argument));
    Some(match error.kind() {
        ErrorKind::UnknownArgument => unknown(argument.first()?, words),
        ErrorKind::InvalidSubcommand => {
            let typed = text(error, ContextKind::InvalidSubcommand)?;
            let (command, path) = command_before(&typed, words);
            // After `etcd-heatmap help TYPO`, refer to `etcd-heatmap --help`.
            let path = path.trim_end_matches(" help");
            let names = command.get_subcommands().map(Command::get_name);
            match nearest(&typed, names) {
                Some(meant) => format!("unknown command '{typed}': did you mean '{meant}'?"),
                None => format!("unknown command '{}': '{path} --help' lists all commands", without_login(&typed)),
            }
        }
        ErrorKind::MissingSubcommand => {
            let path = text(error, ContextKind::InvalidSubcommand)?;
            format!("no command: '{path} --help' lists all commands")
        }
        ErrorKind::ValueValidation => format!("{}: {}", name?, std::error::Error::source(error)?),
        ErrorKind::InvalidValue if value.as_deref() == Some("") => {
            format!("{} needs a value: {}", name?, argument.first()?)
        }
        ErrorKind::InvalidValue => {
            let (value, known) = (value?, texts(error, ContextKind::ValidValue));
            let meant = nearest(&value, known.iter().map(String::as_str));
            let meant = meant.map(|meant| format!(" (did you mean '{meant}'?)")).unwrap_or_default();
            format!("{}: '{value}' is unknown{meant}: use {}", name?, or(&known))
        }
        ErrorKind::ArgumentConflict => {
            let others: Vec<String> =
                texts(error, ContextKind::PriorArg).iter().map(|other| self::name(other)).collect();
            let name = name?;
            match others.first()? {
                other if *other == name => format!("{name} is given twice: give it once"),
                _ => format!("{name} cannot be used with {}: leave one of them out", or(&others)),
            }
        }
        ErrorKind::MissingRequiredArgument => {
            let missing: Vec<String> = argument.iter().map(|argument| alternatives(argument)).collect();
            let (_, path) = command_of(words);
            format!("'{path}' needs {}", missing.join(" and "))
        }
        ErrorKind::TooManyValues => format!("{} takes no value: leave out '{}'", name?, without_login(&value?)),
        ErrorKind::InvalidUtf8 => "an argument is not UTF-8: write it in UTF-8".to_owned(),
        _ => return None,
    })
}

/// An argument that the subcommand does not have: a misspelled flag, a flag of another subcommand, or a word too many.
fn unknown(argument: &str, words: &[OsString]) -> String {
    if argument.starts_with('-') && words_before(argument, words).iter().any(|word| word == "--") {
        return format!("{} comes after '--', which ends the flags: remove '--'", name(without_login(argument)));
    }
    let (command, path) = command_before(argument, words);
    let known: Vec<&str> = flags(&command).filter_map(|flag| flag.get_long()).collect();
    if !argument.starts_with('-') {
        let positionals: Vec<String> = command.get_positionals().map(|positional| positional.to_string()).collect();
        let takes =
            if positionals.is_empty() { "only flags".to_owned() } else { format!("only {}", positionals.join(" ")) };
        return match argument.contains("://") && known.contains(&"url") {
            true => "unexpected argument: give the URL of the server as --url URL".to_owned(),
            false => format!("unexpected argument '{}': '{path}' takes {takes}", without_login(argument)),
        };
    }
    // For `-url`, clap's error names only `-u`, so find the whole word.
    let typed = match argument.starts_with("--") {
        true => argument.to_owned(),
        false => word_with(argument, words).map_or(argument.to_owned(), |word| word.to_owned()),
    };
    let typed = typed.split('=').next().unwrap_or_default();
    let typed_name = typed.trim_start_matches('-');
    // `--member` for `--members`, although another command has `--member`.
    if let Some(plural) = known.iter().find(|flag| flag.strip_suffix('s') == Some(typed_name)) {
        return format!("unknown flag {typed}: did you mean --{plural}?");
    }
    if typed.starts_with("--") && !known.contains(&typed_name) {
        let others = others_with(typed_name);
        if !others.is_empty() {
            return format!("'{path}' has no flag {typed}: it belongs to {}", or(&others));
        }
    }
    if let Some(meant) = nearest(typed_name, known.iter().copied()) {
        return format!("unknown flag {typed}: did you mean --{meant}?");
    }
    // The flag may stand in front of its subcommand, or be a misspelled flag of another one.
    match nearest(typed_name, long_flags().iter().map(String::as_str)) {
        Some(meant) if typed.starts_with("--") => {
            format!("'{path}' has no flag {typed}: did you mean --{meant} of {}?", or(&others_with(meant)))
        }
        _ => format!("unknown flag {argument}: '{path} --help' lists all flags"),
    }
}

/// The long names of the flags of all subcommands.
fn long_flags() -> Vec<String> {
    let command = Cli::command();
    let names = command.get_subcommands().flat_map(|command| flags(command).filter_map(|flag| flag.get_long()));
    names.map(str::to_owned).collect()
}

/// The names of the subcommands that have this flag, in quotes.
fn others_with(flag: &str) -> Vec<String> {
    let command = Cli::command();
    let has = |command: &&Command| flags(command).any(|known| known.get_long() == Some(flag));
    command.get_subcommands().filter(has).map(|command| format!("'{}'", command.get_name())).collect()
}

/// The known word that is most similar to the typed one, if it is similar enough.
fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |word: &str| {
        // In a short word, one typo is a large share (half of `ta`), so a single typo always counts as similar.
        let one_mistake = f64::from(u8::from(strsim::damerau_levenshtein(typed, word) == 1));
        let is_part = typed.len() > 2 && word.split(['_', '-', '.']).any(|part| part == typed);
        let similar = strsim::normalized_damerau_levenshtein(typed, word);
        one_mistake + if is_part { similar.max(SIMILAR_ENOUGH) } else { similar }
    };
    let nearest = known.into_iter().map(|word| (likeness(word), word)).max_by(|a, b| a.0.total_cmp(&b.0));
    nearest.filter(|(likeness, _)| *likeness >= SIMILAR_ENOUGH).map(|(_, word)| word)
}

/// The subcommand of a command line, with all its flags, and its full name.
fn command_of(words: &[OsString]) -> (Command, String) {
    let mut command = Cli::command();
    // `build` adds the global flags to every subcommand.
    command.build();
    let mut path = command.get_name().to_owned();
    for word in words.iter().skip(1).filter_map(|word| word.to_str()) {
        if let Some(sub) = command.find_subcommand(word).cloned() {
            path = format!("{path} {word}");
            command = sub;
        }
    }
    (command, path)
}

/// The subcommand that the words before `argument` name, with its full name.
fn command_before(argument: &str, words: &[OsString]) -> (Command, String) {
    command_of(words_before(argument, words))
}

/// The words of a command line before `argument`, or all words if `argument` is not among them.
fn words_before<'a>(argument: &str, words: &'a [OsString]) -> &'a [OsString] {
    let is_it = |word: &OsString| {
        word.to_str().is_some_and(|word| word == argument || word.split('=').next() == Some(argument))
    };
    let end = words.iter().skip(1).position(is_it).map_or(words.len(), |position| position + 1);
    &words[..end]
}

/// The first word that starts with `start` but not with two dashes.
fn word_with<'a>(start: &str, words: &'a [OsString]) -> Option<&'a str> {
    words
        .iter()
        .skip(1)
        .filter_map(|word| word.to_str())
        .find(|word| word.starts_with(start) && !word.starts_with("--"))
}

/// A flag without its value: `--url` for `--url <URL>`.
fn name(argument: &str) -> String {
    argument.split_whitespace().next().unwrap_or_default().trim_end_matches("...").to_owned()
}

/// Formats a missing argument: `<--data-dir <DIR>|--victoria-metrics <URL>>` becomes
/// `--data-dir <DIR> or --victoria-metrics <URL>`.
fn alternatives(argument: &str) -> String {
    // clap's error does not mention `--at`, which makes AFTER optional.
    if argument == "<AFTER>" {
        return "<AFTER> or --at <TIME>".to_owned();
    }
    match argument.strip_prefix("<--").and_then(|rest| rest.strip_suffix('>')) {
        Some(group) => format!("--{}", group.replace('|', " or ")),
        None => argument.to_owned(),
    }
}

/// The word as an error prints it: `…` if it may contain a login.
fn without_login(word: &str) -> &str {
    if word.contains('@') { "…" } else { word }
}

fn or(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first, second] => format!("{first} or {second}"),
        [first @ .., last] => format!("{}, or {last}", first.join(", ")),
    }
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    texts(error, kind).into_iter().next()
}

fn texts(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

/// The first paragraph of clap's own text, for kinds of errors that no flag causes today.
fn as_clap_words_it(error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    text.split("\n\n").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}
