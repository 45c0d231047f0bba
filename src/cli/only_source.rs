//! The flag that chooses one of several sources.

use clap::Args;

use crate::config::Heading;
use crate::readings::SourceName;

#[derive(Debug, Default, Args)]
pub(crate) struct OnlySource {
    /// Read only this one of several sources
    #[arg(
        long = "source", value_name = "NAME", help_heading = Heading::Source.title(), hide_short_help = true,
        long_help = "Read only this one of several sources: the name of a [[source]] in the settings file, or a tenant"
    )]
    pub(crate) source: Option<SourceName>,
}
