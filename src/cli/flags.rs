//! The flags of settings, generated from the table in `config`: which subcommand has which flag, and how
//! clap parses and lists it.

use std::marker::PhantomData;

use clap::error::Error;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueHint};

use crate::config::{Given, Heading, Key, Origin, Shape, keys};

/// Selects the settings for which a subcommand has flags.
pub(crate) trait Wanted {
    fn wants(key: &Key) -> bool;

    /// The heading under which the subcommand's help lists the setting.
    fn heading(default: Heading) -> Heading {
        default
    }

    /// Whether the subcommand takes the setting from the folder's manifest unless its flag is given.
    fn is_in_manifest(_key: &Key) -> bool {
        false
    }
}

/// Everything that `backfill` uses: all settings except those of the textfile.
#[derive(Clone, Copy, Debug)]
pub(crate) enum All {}

#[derive(Clone, Copy, Debug)]
pub(crate) enum OfPull {}

/// `check` writes nothing, so it has the flags of `pull` except `--out`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OfCheck {}

/// `--out` of `score` is an argument of its own, because its default is the folder that `score` reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OfScore {}

/// `explain` also has the flags that say where the raw counts behind an instant are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OfExplain {}

/// `findings` takes what `explain` takes to score a folder, and annotations.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OfFindings {}

/// `diff` has flags for `--fail-below`, `--min-coverage` and `--expect-members` only; the folders' manifests hold all
/// other settings.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OfDiff {}

#[derive(Clone, Copy, Debug)]
pub(crate) enum OfImport {}

/// `forecast` has the flags that say which server and series `--every` pulls from. The range is always the last days, and the
/// step that of the history. How requests are sent can be set in a settings file or the environment.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OfForecast {}

#[derive(Clone, Copy, Debug)]
pub(crate) enum OfTextfile {}

#[derive(Clone, Copy, Debug)]
pub(crate) enum OfRules {}

/// `show` takes everything else from the folder's manifest.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OfShow {}

#[derive(Clone, Copy, Debug)]
pub(crate) enum OfSql {}

impl Wanted for OfShow {
    fn wants(key: &Key) -> bool {
        key.name == "output.palette"
    }
}

impl Wanted for OfRules {
    fn wants(key: &Key) -> bool {
        is_of_profile(key)
            || key.parts().0 == "labels"
            || matches!(key.name, "source.preset" | "source.selector" | "source.queries")
    }
}

impl Wanted for OfTextfile {
    fn wants(key: &Key) -> bool {
        let is_of_a_range = matches!(
            key.name,
            "source.start"
                | "source.end"
                | "source.step"
                | "source.concurrency"
                | "source.max_qps"
                | "source.for_profiles"
                | "source.from"
                | "source.read"
                | "source.promql"
                | "source.replica"
                | "source.evidence"
        );
        matches!(key.parts().0, "source" | "labels" | "textfile") && !is_of_a_range
            || is_of_profile(key)
            || matches!(key.name, "score.rollup" | "output.labels")
    }
}

impl Wanted for OfImport {
    fn wants(key: &Key) -> bool {
        matches!(key.name, "source.http_config_file" | "source.headers" | "source.retries" | "source.timeout")
    }

    fn heading(default: Heading) -> Heading {
        // The login of `import` is for the server that receives the samples, so list its flags under that heading.
        if default == Heading::Source { Heading::Target } else { default }
    }
}

impl Wanted for OfDiff {
    fn wants(key: &Key) -> bool {
        matches!(key.name, "score.fail_below" | "score.min_coverage" | "score.expect_members")
    }

    fn is_in_manifest(key: &Key) -> bool {
        matches!(key.name, "score.min_coverage" | "score.expect_members")
    }
}

impl Wanted for OfSql {
    fn wants(key: &Key) -> bool {
        is_of_profile(key)
            || matches!(key.name, "score.min_coverage" | "score.time_zone" | "score.cell" | "score.rollup")
    }
}

fn is_of_profile(key: &Key) -> bool {
    matches!(key.name, "score.profile" | "score.weight" | "bands" | "score.without")
}

impl Wanted for All {
    fn wants(key: &Key) -> bool {
        key.parts().0 != "textfile"
    }
}

impl Wanted for OfPull {
    fn wants(key: &Key) -> bool {
        key.is_of_a_source() || matches!(key.name, "score.without" | "score.profile" | "output.dir")
    }
}

impl Wanted for OfCheck {
    fn wants(key: &Key) -> bool {
        OfPull::wants(key) && key.name != "output.dir"
    }
}

impl Wanted for OfScore {
    fn wants(key: &Key) -> bool {
        OfFindings::wants(key)
            || matches!(
                key.name,
                "score.fail_below"
                    | "output.formats"
                    | "output.palette"
                    | "output.retention"
                    | "output.emit"
                    | "output.labels"
            )
    }
}

/// The settings with which a folder is scored again.
fn is_of_scoring(key: &Key) -> bool {
    key.parts().0 == "score" && !matches!(key.name, "score.fail_below" | "score.annotations") || key.name == "bands"
}

impl Wanted for OfExplain {
    fn wants(key: &Key) -> bool {
        let is_of_raw_counts = matches!(
            key.name,
            "source.url" | "source.from" | "source.http_config_file" | "source.headers" | "source.replica"
        );
        is_of_scoring(key) || is_of_raw_counts
    }

    fn heading(default: Heading) -> Heading {
        if default == Heading::Source { Heading::RawCounts } else { default }
    }

    fn is_in_manifest(key: &Key) -> bool {
        matches!(
            key.name,
            "score.profile"
                | "score.rollup"
                | "score.time_zone"
                | "score.cell"
                | "score.min_duration"
                | "score.expect_members"
        )
    }
}

impl Wanted for OfFindings {
    fn wants(key: &Key) -> bool {
        is_of_scoring(key) || key.name == "score.annotations"
    }

    fn is_in_manifest(key: &Key) -> bool {
        OfExplain::is_in_manifest(key) || key.name == "score.annotations"
    }
}

impl Wanted for OfForecast {
    fn wants(key: &Key) -> bool {
        let says_from_where = matches!(
            key.name,
            "source.url"
                | "source.http_config_file"
                | "source.headers"
                | "source.preset"
                | "source.selector"
                | "source.merge_members"
        );
        is_of_scoring(key) || says_from_where || key.parts().0 == "labels" || key.name == "output.labels"
    }

    fn is_in_manifest(key: &Key) -> bool {
        OfExplain::is_in_manifest(key)
    }
}

/// The flags for the settings that `Of` selects, with their values from the command line.
#[derive(Clone, Debug)]
pub(crate) struct Flags<Of> {
    pub(crate) given: Vec<Given>,
    of: PhantomData<Of>,
}

impl<Of: Wanted> Args for Flags<Of> {
    fn augment_args(command: Command) -> Command {
        let mut arguments: Vec<(Heading, Arg)> =
            keys().filter(|key| Of::wants(key)).filter_map(argument::<Of>).collect();
        // clap lists headings in the order in which it first meets them.
        arguments.sort_by_key(|(heading, _)| *heading);
        arguments.into_iter().fold(command, |command, (_, argument)| command.arg(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<Of: Wanted> FromArgMatches for Flags<Of> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let given = keys().filter(|key| Of::wants(key)).filter_map(|key| {
            let name = key.flag.as_ref()?.name;
            let texts: Vec<&str> = matches.get_many::<String>(name)?.map(String::as_str).collect();
            Some(Given { key, text: texts.join(key.separator()), origin: Origin::Flag(name) })
        });
        Ok(Self { given: given.collect(), of: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn argument<Of: Wanted>(key: &'static Key) -> Option<(Heading, Arg)> {
    let flag = key.flag.as_ref()?;
    let heading = Of::heading(flag.heading);
    let default = if Of::is_in_manifest(key) { "as scored".into() } else { key.shown_default() };
    let argument = Arg::new(flag.name)
        .long(flag.name)
        .value_name(flag.value)
        .help_heading(heading.title())
        .help(with_default(flag.help, &default))
        .long_help(with_default(&flag.long_help(), &default))
        .hide_short_help(!flag.is_common)
        // A time may start with a hyphen: before 1970, it is a negative number of seconds.
        .allow_hyphen_values(flag.value == "TIME");
    // Tells shell completions to offer files or directories.
    let argument = argument.value_hint(match flag.value {
        "FILE" => ValueHint::FilePath,
        "DIR" => ValueHint::DirPath,
        _ => ValueHint::Other,
    });
    let argument = if flag.name == "out" { argument.short('o') } else { argument };
    let many = matches!(key.shape, Shape::List | Shape::Headers | Shape::PerMetric);
    let argument = argument.action(if many { ArgAction::Append } else { ArgAction::Set });
    let argument = match key.shape {
        // Require `=`. Otherwise, an argument that follows the flag, such as DIR, would be taken for its value.
        Shape::Switch => argument.num_args(0..=1).require_equals(true).default_missing_value("true"),
        _ => argument,
    };
    let argument = match key.shape {
        // Do not check these values here, because clap's error would print them: a URL may contain a login,
        // and a header a secret.
        Shape::Url | Shape::Headers => argument,
        _ => argument.value_parser(|text: &str| key.check(text).map(|()| text.to_owned())),
    };
    Some((heading, argument))
}

/// Adds the default at the end of the text, or of its first line if a list of values follows.
fn with_default(help: &str, default: &str) -> String {
    match help.split_once('\n') {
        _ if default.is_empty() => help.to_owned(),
        Some((first, values)) => format!("{first} [default: {default}]\n{values}"),
        None => format!("{help} [default: {default}]"),
    }
}
