//! Settings of the outputs and of `textfile`.

use super::{Flag, Key, Shape};
use crate::config::parse::{age, every, extra_labels, families, offset, ok, retention};
use crate::config::{Formats, Heading};
use crate::outputs::OUTPUTS;
use crate::text::palette::Scale;

pub(super) static OUTPUTS_AND_TEXTFILE: [Key; 9] = [
    Key::text(
        "output.dir",
        "",
        Flag::new(Heading::Output, "out", "DIR", "Folder or s3:// address to write to; created if missing").common(),
        |_| Ok(()),
    ),
    Key::text(
        "output.formats",
        "",
        Flag::new(Heading::Output, "formats", "FORMATS", "Outputs to write, such as csv,report")
            .common()
            .listing(formats_help)
            .defaulting_to("all"),
        |text| ok(text.parse::<Formats>()),
    )
    .with_default(Formats::default_text)
    .of_shape(Shape::List),
    Key::text(
        "output.palette",
        "red-green",
        Flag::new(Heading::Output, "palette", "COLORS", "Colors: red-green or color-blind-safe orange-blue").common(),
        |text| ok(text.parse::<Scale>()),
    ),
    Key::text(
        "output.retention",
        "15d",
        Flag::new(Heading::Output, "retention", "DURATION", "Retention of the target Prometheus; sets the block size")
            .explained(
                "Retention of the target Prometheus, such as 90d or 1y, or the URL from which to read it; sets the \
                 block size in openmetrics/",
            ),
        |text| ok(retention(text)),
    )
    .of_shape(Shape::Url),
    Key::text(
        "output.emit",
        "scores",
        Flag::new(Heading::Output, "emit", "SERIES", "Series to export, such as worst,points").explained(
            "Series to export besides etcd_score (scores): worst (cluster:etcd_score:worst), points (etcd_points)",
        ),
        |text| ok(families(text)),
    )
    .of_shape(Shape::List),
    Key::text(
        "output.labels",
        "",
        Flag::new(Heading::Output, "label", "NAME=VALUE", "Extra label for exported series, such as env=prod")
            .explained("Extra label for exported series, such as env=prod; repeatable"),
        |text| ok(extra_labels(text)),
    )
    .of_shape(Shape::List),
    Key::text(
        "textfile.every",
        "",
        Flag::new(
            Heading::Schedule,
            "every",
            "DURATION",
            "Repeat at every multiple of this, such as 15s, until stopped",
        )
        .common()
        .explained(
            "Repeat at every multiple of this, such as 15s (1s to 1h), until stopped; an evaluation that takes \
                 longer is canceled",
        ),
        |text| ok(every(text)),
    ),
    Key::text(
        "textfile.query_offset",
        "15s",
        Flag::new(
            Heading::Schedule,
            "query-offset",
            "DURATION",
            "Evaluate this far in the past, to allow for scrape delay",
        )
        .explained(
            "Evaluate this far in the past, to allow for scrape delay, 0s to 1h. If a scrape takes longer, the \
                 score misses samples that a backfill will see",
        ),
        |text| ok(offset(text)),
    ),
    Key::text(
        "textfile.max_age",
        "5m",
        Flag::new(Heading::Schedule, "max-age", "DURATION", "Keep the last scores this long while the server is away")
            .explained(
                "Keep the last scores this long while the server does not answer, 1s to 1d; after that, \
                 etcd_score_unknown is 1 for every member",
            ),
        |text| ok(age(text)),
    ),
];

/// The help of `--formats`: a line for each output.
fn formats_help() -> String {
    let lines: Vec<String> = OUTPUTS.iter().map(|o| format!("- {}: {}", o.name(), o.about())).collect();
    format!("Outputs to write, separated by commas\n{}", lines.join("\n"))
}
