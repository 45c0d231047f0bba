//! `etcd-heatmap man`: prints the manual, one page for each subcommand.

use std::io::{self, Write};
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::CommandError;
use super::stdout::print;
use crate::cli::{Cli, ManArgs};
use crate::files::{FileError, WholeFile};

/// Prints the main page, or writes all pages into a folder.
pub(super) fn run(args: &ManArgs) -> Result<(), CommandError> {
    // The `help` subcommand would add pages that only repeat the names of the other subcommands.
    let mut main = Cli::command().disable_help_subcommand(true);
    // Gives each subcommand its global flags and its full name.
    main.build();
    match &args.out {
        Some(folder) => write_all(&main, folder),
        None => Ok(print(&page(&main, Path::new("standard output"))?)?),
    }
}

fn write_all(command: &Command, folder: &Path) -> Result<(), CommandError> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let path = folder.join(format!("{name}.1"));
    WholeFile::write(&path, page(command, &path)?.as_bytes())?;
    command.get_subcommands().try_for_each(|subcommand| write_all(subcommand, folder))
}

fn page(command: &Command, path: &Path) -> Result<String, FileError> {
    let mut text = Vec::new();
    let rendered = render(command, &mut text).and_then(|()| write!(text, "{}", extra(command)));
    rendered.map_err(|error| FileError::new("write", path, error))?;
    Ok(ascii(&String::from_utf8_lossy(&text)))
}

/// Renders all of clap's sections except the one after the flags (examples or notes): roff would
/// join its lines into paragraphs.
fn render(command: &Command, text: &mut Vec<u8>) -> io::Result<()> {
    let man = Man::new(command.clone()).source(concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")));
    man.render_title(text)?;
    man.render_name_section(text)?;
    man.render_synopsis_section(text)?;
    man.render_description_section(text)?;
    man.render_options_section(text)?;
    if command.has_subcommands() { man.render_subcommands_section(text) } else { Ok(()) }
}

/// The examples or notes after the flags, line by line, so that they can be copied from the page.
fn extra(command: &Command) -> String {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (heading, lines) = match help.strip_prefix("Examples:\n") {
        Some(examples) => ("EXAMPLES", examples),
        None if help.is_empty() => return help,
        None => ("NOTES", help.as_str()),
    };
    // `\&` keeps a leading dot from being a roff command, and `\(aq` keeps apostrophes straight.
    let lines: Vec<_> = lines
        .lines()
        .map(|line| format!("\\&{}", line.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq")))
        .collect();
    format!(".SH {heading}\n.nf\n{}\n.fi\n", lines.join("\n"))
}

/// Replaces each character outside ASCII, because not every formatter reads UTF-8: an ellipsis becomes three dots,
/// any other character a roff escape.
fn ascii(text: &str) -> String {
    let spelt = |c: char| match c {
        '…' => "...".to_owned(),
        c if c.is_ascii() => c.to_string(),
        c => format!("\\[u{:04X}]", c as u32),
    };
    text.chars().map(spelt).collect()
}
