//! The flags of settings, made from their table.

use std::marker::PhantomData;

use clap::error::Error;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueHint};

use crate::config::{Given, Key, Origin, Shape, keys};

/// Which settings a subcommand has flags for.
pub(crate) trait Wanted {
    /// Whether this is one of them.
    fn wants(key: &Key) -> bool;
}

/// What `backfill` uses: all of them but those of the live score.
#[derive(Clone, Copy, Debug)]
pub(crate) enum All {}

/// What `pull` uses.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OfPull {}

/// What `check` uses: what `pull` does, except that it writes nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OfCheck {}

/// What `score` uses; where it writes to depends on its folder.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OfScore {}

/// What `explain` uses.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OfExplain {}

/// What `diff` uses: the rest stands in the manifests of what it compares.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OfDiff {}

/// What `import` uses.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OfImport {}

/// What `textfile` uses.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OfTextfile {}

/// What `rules` uses.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OfRules {}

/// What `sql` uses; it folds hours of UTC, and clusters are their worst member.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OfSql {}

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
}

impl Wanted for OfDiff {
    fn wants(key: &Key) -> bool {
        matches!(key.name, "score.fail_below" | "score.min_coverage")
    }
}

impl Wanted for OfSql {
    fn wants(key: &Key) -> bool {
        is_of_profile(key) || key.name == "score.min_coverage"
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
        matches!(key.parts().0, "source" | "labels")
            || matches!(key.name, "score.without" | "score.profile" | "output.dir")
    }
}

impl Wanted for OfCheck {
    fn wants(key: &Key) -> bool {
        OfPull::wants(key) && key.name != "output.dir"
    }
}

impl Wanted for OfScore {
    fn wants(key: &Key) -> bool {
        OfExplain::wants(key)
            || matches!(
                key.name,
                "score.fail_below" | "output.formats" | "output.retention" | "output.emit" | "output.labels"
            )
    }
}

impl Wanted for OfExplain {
    fn wants(key: &Key) -> bool {
        key.parts().0 == "score" && key.name != "score.fail_below" || key.name == "bands"
    }
}

/// The flags of some settings as they were typed.
#[derive(Clone, Debug)]
pub(crate) struct Flags<Of> {
    /// Those that were.
    pub(crate) given: Vec<Given>,
    of: PhantomData<Of>,
}

impl<Of: Wanted> Args for Flags<Of> {
    fn augment_args(command: Command) -> Command {
        keys().filter(|key| Of::wants(key)).filter_map(argument).fold(command, Command::arg)
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

fn argument(key: &'static Key) -> Option<Arg> {
    let flag = key.flag.as_ref()?;
    let help = match key.default() {
        default if default.is_empty() => flag.help().into_owned(),
        default if flag.help().ends_with('\n') => format!("{}[default: {default}]", flag.help()),
        default => format!("{} [default: {default}]", flag.help()),
    };
    let argument = Arg::new(flag.name).long(flag.name).value_name(flag.value).help(help);
    // `now-7d` needs no hyphen in front, the seconds of a year before 1970 do.
    let argument = argument.allow_hyphen_values(flag.value == "TIME");
    // What a shell completes.
    let argument = argument.value_hint(match flag.value {
        "FILE" => ValueHint::FilePath,
        "DIR" => ValueHint::DirPath,
        _ => ValueHint::Other,
    });
    let argument = if flag.name == "out" { argument.short('o') } else { argument };
    let many = matches!(key.shape, Shape::List | Shape::Headers | Shape::PerMetric);
    let argument = argument.action(if many { ArgAction::Append } else { ArgAction::Set });
    Some(match key.shape {
        // clap would repeat a URL that is none, with its login, and a header, with its secret.
        Shape::Url | Shape::Headers => argument,
        _ => argument.value_parser(|text: &str| key.check(text).map(|()| text.to_owned())),
    })
}
