//! The table of rules: every rule once, whether or not it found anything.

use super::{Column, Field};
use crate::analysis::findings::RULES as ALL;

pub(in crate::outputs) const RULES: [Column; 3] =
    [Column::of("rule", "Rule", 20.0), Column::of("kind", "Kind", 20.0), Column::of("text", "Text", 120.0)];

pub(in crate::outputs) fn rules() -> impl ExactSizeIterator<Item = Vec<Field<'static>>> {
    ALL.iter().map(|rule| vec![Field::text(rule.id), Field::text(rule.kind.name()), Field::text(rule.text)])
}
