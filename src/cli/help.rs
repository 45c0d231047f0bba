//! The help texts of a subcommand: `-h` lists the common flags on one screen; `--help` lists all flags
//! and shows examples of command lines.
//!
//! clap's layout for long help puts every text below its flag, with a blank line between flags, which makes pages
//! of 170 lines. Its layout for short help puts flag and text side by side. So `--help` uses the layout for short
//! help, with the long texts in place of the short ones. The commands for `-h` and `--help` parse in the same way.

use std::ffi::OsString;

use clap::{Arg, Command};

use super::examples::LAYERS;

/// If a subcommand has at most this many flags, `-h` lists all of them.
const ALL_FIT: usize = 19;

/// A subcommand with any of these flags has settings, so its help explains where settings come from.
const OF_SETTINGS: [&str; 3] = ["profile", "timeout", "fail-below"];

/// clap's help template without the description; `{before-help}` prints the long description instead.
const WITHOUT_ABOUT: &str = "{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}";

/// Whether the command line asks for the help with all flags.
pub(super) fn asks_for_all(words: &[OsString]) -> bool {
    words.iter().skip(1).take_while(|word| *word != "--").any(|word| word == "--help" || word == "help")
}

/// The command for `-h`. Its help lists the common flags and ends with a line that refers to `--help`.
pub(super) fn short(command: Command) -> Command {
    each(command, &|command, inherited, path| {
        let flags: Vec<&Arg> = flags(&command).chain(inherited).collect();
        let all_fit = flags.len() <= ALL_FIT;
        let count = flags.len();
        let more = match all_fit {
            _ if command.has_subcommands() => {
                format!("'{path} COMMAND -h' lists common flags; '--help' lists all flags.")
            }
            true => format!("'{path} --help' explains all {count} flags, with examples."),
            false => format!("'{path} --help' lists all {count} flags, with examples."),
        };
        command.after_help(more).mut_args(|arg| if all_fit { arg.hide_short_help(false) } else { arg })
    })
}

/// The command for `--help`. Its help lists all flags with their long texts, and examples.
pub(super) fn long(command: Command) -> Command {
    each(command, &|command, _, _| {
        let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let has_settings = flags(&command).any(|flag| flag.get_long().is_some_and(|flag| OF_SETTINGS.contains(&flag)));
        let after = if has_settings { format!("{LAYERS}\n\n{examples}") } else { examples };
        let about = command.get_long_about().or(command.get_about()).cloned().unwrap_or_default();
        // `about` keeps the short text, which the list of subcommands shows.
        let command = command.after_help(after).before_help(about).long_about(None).help_template(WITHOUT_ABOUT);
        command.mut_args(|arg| {
            let help = arg.get_long_help().or(arg.get_help()).cloned().unwrap_or_default();
            arg.help(help).long_help(None).hide_short_help(false)
        })
    })
}

pub(super) fn flags(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| !arg.is_positional())
}

/// Applies `change` to a command and all its subcommands. `change` receives the command, the flags it
/// inherits, and its full name.
fn each(command: Command, change: &impl Fn(Command, &[Arg], &str) -> Command) -> Command {
    fn walk(
        command: Command,
        inherited: &[Arg],
        path: &str,
        change: &impl Fn(Command, &[Arg], &str) -> Command,
    ) -> Command {
        let name = format!("{path}{}", command.get_name());
        let globals = flags(&command).filter(|arg| arg.is_global_set()).cloned();
        let below: Vec<Arg> = inherited.iter().cloned().chain(globals).collect();
        change(command, inherited, &name).mut_subcommands(|sub| walk(sub, &below, &format!("{name} "), change))
    }
    walk(command, &[], "", change)
}
