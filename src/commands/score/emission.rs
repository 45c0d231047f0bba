//! Settings of the OpenMetrics files. Asks a server for its retention, which sets the block size, if a URL is set.

use crate::commands::{CommandError, runtime};
use crate::config::{RetentionSetting, Settings};
use crate::outputs::{Emission, Retention};
use crate::sources::prometheus::{Client, ServerKind, Terms, identify};

/// The settings of the OpenMetrics output. If `--retention` is a URL and an output needs the retention,
/// asks that server for it.
pub(in crate::commands) fn emission(settings: &Settings) -> Result<Emission, CommandError> {
    let asked = &settings.emission;
    let retention = match &asked.retention {
        RetentionSetting::Known(retention) => retention.clone(),
        RetentionSetting::AskedOf(_) if !settings.formats.needs().retention => Retention::default(),
        RetentionSetting::AskedOf(url) => of_server(settings, url)?,
    };
    Ok(Emission { retention, families: asked.families.clone(), labels: asked.labels.clone() })
}

fn of_server(settings: &Settings, url: &str) -> Result<Retention, CommandError> {
    let source = &settings.source;
    // `--server` sets the kind of the source's server, and `url` may be a different server.
    let terms = Terms { server: ServerKind::Auto, ..source.terms };
    let client = Client::new(url, &source.http_config()?, terms, None, &source.member_label)?;
    let server = runtime::start()?.block_on(identify(&client))?;
    match (server.retention.as_deref().and_then(Retention::of_server), server.refused) {
        (Some(retention), _) => Ok(retention),
        (None, Some(refused)) => Err(refused.into()),
        (None, None) => Err(CommandError::NoRetention(client.shown_url().to_owned())),
    }
}
