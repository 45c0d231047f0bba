//! `config show`: all settings as a TOML file with their origins in comments. Used as the settings file, this
//! output gives the same settings.

use super::ConfigError;
use super::keys::{Key, Shape};
use super::lookup::{of_table, tables};
use super::settings::weighed_profile;
use super::several::{LIST, SHARED, SourceTable};
use super::value::{Given, Origin, Values};
use crate::sources::prometheus::shown_url;
use crate::spec::{Metric, Profile, WEIGHT_ONE};
use crate::text::characters::CharKind;
use crate::text::terminal::terminal_label;

const HEADER: &str = "\
# The settings in force and where each comes from. Saved as etcd-heatmap.toml, this gives the same settings.
";

/// One `key = value`, and its comment.
struct Line {
    setting: String,
    comment: String,
}

/// The text that `config show` prints. `profile` is the profile in force, with all changes.
pub(super) fn toml(
    values: &Values,
    sources: &[(SourceTable, Values)],
    profile: &Profile,
) -> Result<String, ConfigError> {
    let weighed = weighed_profile(values)?;
    let mut text = HEADER.to_owned();
    for table in tables() {
        let heading = if table == LIST && !sources.is_empty() { SHARED } else { table };
        text.push_str(&format!("\n[{heading}]\n"));
        let lines: Vec<Line> = match table {
            "weights" => Metric::ALL.map(|metric| weight(values, &weighed, profile, metric)).into(),
            "bands" => Metric::ALL.map(|metric| bands(values, profile, metric)).into(),
            "caps" => Metric::ALL.map(|metric| caps(values, profile, metric)).into(),
            _ => of_table(table).map(|key| line(values, key)).collect(),
        };
        push(&mut text, lines);
    }
    for (table, values) in sources {
        text.push_str(&format!("\n[[{LIST}]]\nname = {}\n", quoted(table.name.as_str())));
        let own = |given: &Given| {
            let Line { setting, comment } = line(values, given.key);
            let is_label = given.key.parts().0 != LIST;
            Line { setting: if is_label { format!("{}.{setting}", given.key.parts().0) } else { setting }, comment }
        };
        push(&mut text, table.given.iter().map(own).collect());
    }
    Ok(text)
}

fn push(text: &mut String, lines: Vec<Line>) {
    let width = lines.iter().map(|line| line.setting.chars().count()).max().unwrap_or(0);
    for Line { setting, comment } in lines {
        // The name of a file may contain a line break, which would end the comment.
        let comment = terminal_label(&comment);
        text.push_str(&format!("{setting:<width$}  # {comment}\n"));
    }
}

fn line(values: &Values, key: &Key) -> Line {
    let text = values.text(key.name);
    let origin = origin(values, key.name, "default");
    let (value, comment) = match key.shape {
        Shape::Url => match shown_url(text) {
            Ok((shown, true)) => {
                (quoted(&shown), format!("{origin}; without its login or query, which are never shown"))
            }
            _ if text.is_empty() => (quoted(""), "not set".to_owned()),
            _ => (quoted(text), origin),
        },
        // A flag accepts `.5`, which is not a number in TOML.
        Shape::Number => (text.trim().parse().map_or_else(|_| quoted(text), |n: f64| n.to_string()), origin),
        Shape::Switch => (text.trim().to_owned(), origin),
        Shape::List | Shape::Headers => (list(text), origin),
        Shape::Text | Shape::PerMetric => (quoted(text), origin),
    };
    let comment = match (key.name, text) {
        ("labels.cluster", "") => format!("{comment}: cluster, else job"),
        ("output.dir" | "source.preset", "") => "not set".to_owned(),
        _ => comment,
    };
    Line { setting: format!("{} = {value}", key.parts().1), comment }
}

/// The line that sets a metric's weight, as it is before `--weight` rescales it and before metrics are left out:
/// rescaled weights may have endless decimals. The comment shows the weight in force.
fn weight(values: &Values, weighed: &Profile, profile: &Profile, metric: Metric) -> Line {
    let share = weighed.rule(metric).weight as f64 / WEIGHT_ONE as f64;
    let comment = origin(values, &format!("weights.{metric}"), &format!("profile {}", profile_name(values)));
    let in_force = profile.share(metric);
    let comment = match profile.counts(metric) {
        false if share > 0.0 => format!("{comment}; left out"),
        true if (in_force - share).abs() > 1e-9 => {
            format!("{comment}; in force: {}", (in_force * 1e6).round() / 1e6)
        }
        _ => comment,
    };
    Line { setting: format!("{metric} = {share}"), comment }
}

fn bands(values: &Values, profile: &Profile, metric: Metric) -> Line {
    let comment = origin(values, &format!("bands.{metric}"), &format!("profile {}", profile_name(values)));
    Line { setting: format!("{metric} = {}", quoted(&profile.rule(metric).bands.to_string())), comment }
}

fn caps(values: &Values, profile: &Profile, metric: Metric) -> Line {
    let comment = origin(values, &format!("caps.{metric}"), &format!("profile {}", profile_name(values)));
    Line { setting: format!("{metric} = {}", quoted(&profile.rule(metric).caps.to_string())), comment }
}

fn profile_name(values: &Values) -> &str {
    values.text("score.profile")
}

/// The origin of a value; `or_else` if it is a default or no layer gives it.
fn origin(values: &Values, name: &str, or_else: &str) -> String {
    match values.get(name).map(|given| &given.origin) {
        None | Some(Origin::Default) => or_else.to_owned(),
        Some(origin) => origin.to_string(),
    }
}

fn list(text: &str) -> String {
    let items: Vec<String> = text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(quoted).collect();
    format!("[{}]", items.join(", "))
}

/// A text as a TOML string.
fn quoted(text: &str) -> String {
    // Selectors are full of double quotes, so single quotes keep them legible.
    if text.contains(['"', '\\']) && !text.contains(|c: char| c == '\'' || !CharKind::of(c).is_legible()) {
        return format!("'{text}'");
    }
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if !CharKind::of(c).is_legible() => quoted.push_str(&format!("\\U{:08X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::text::key_file::KeyFile;

    #[test]
    fn quoted_text_is_read_back_unchanged() {
        for text in ["", "now-7d", "job=\"etcd\"", "a'b", "a\\b", "job=~\"a|b\\\\d'\"", "line\nbreak\ttab", "Zürich"] {
            let file = KeyFile::toml(Path::new("x.toml"), &format!("key = {}", quoted(text))).unwrap();
            assert_eq!(file.entries[0].text, text);
        }
        let file = KeyFile::toml(Path::new("x.toml"), &format!("key = {}", list("a, b"))).unwrap();
        assert_eq!(file.entries[0].text, "a,b");
    }
}
