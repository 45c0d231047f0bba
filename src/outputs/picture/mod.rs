//! The heat map as a drawing: `heatmap.svg`, and `heatmap.png`, the same drawing rendered to pixels.
//!
//! Each cluster or member is a block with one row per day and one column per cell. If the clock shows a time twice,
//! two cells share one place: the first in its upper half, the second in its lower half. Both files use the same
//! embedded font. `layout` computes sizes, `blocks` and `svg` write the SVG, `text` fits names, and `png` renders.

mod blocks;
mod layout;
mod png;
mod svg;
mod text;

use std::path::Path;

use super::OutputError;
use super::output::{Needs, Output, OwnedFiles, Scored};
use crate::files::WholeFile;
use crate::folder::{Manifest, Owned, Written};
use crate::heatmap::{Folding, Line, PackedLine, worst_first};
use crate::text::palette::Scale;
use layout::Layout;
use text::Medium;

/// A drawing: its data and its layout.
struct Drawing<'a> {
    manifest: &'a Manifest,
    folding: Folding,
    lines: &'a [&'a Line],
    layout: Layout,
    /// The colors of scores.
    scale: Scale,
}

impl<'a> Drawing<'a> {
    fn new(manifest: &'a Manifest, lines: &'a [&'a Line], scale: Scale) -> Self {
        let folding = manifest.folding().unwrap_or_default();
        Self { manifest, folding, lines, layout: Layout::of(lines, folding.width), scale }
    }

    fn svg(&self, medium: Medium) -> String {
        svg::text_of(self, medium)
    }
}

const SVG: &str = "heatmap.svg";
const PNG: &str = "heatmap.png";

pub(crate) struct Svg;

impl Output for Svg {
    fn name(&self) -> &'static str {
        "svg"
    }

    fn about(&self) -> &'static str {
        "heatmap.svg, the heat map as a drawing"
    }

    fn files(&self) -> &'static [OwnedFiles] {
        &[OwnedFiles { owned: Owned::Single(SVG), row: "cell" }]
    }

    fn needs(&self) -> Needs {
        Needs { cells: true, ..Needs::default() }
    }

    fn write(&self, scored: &Scored<'_>) -> Result<Option<Written>, OutputError> {
        let lines = clusters(scored.lines);
        draw_svg(scored.out, &scored.out.join(SVG), scored.manifest, &worst_first(&lines), scored.scale).map(Some)
    }
}

pub(crate) struct Png;

impl Output for Png {
    fn name(&self) -> &'static str {
        "png"
    }

    fn about(&self) -> &'static str {
        "heatmap.png, the same drawing in pixels"
    }

    fn files(&self) -> &'static [OwnedFiles] {
        &[OwnedFiles { owned: Owned::Single(PNG), row: "cell" }]
    }

    fn needs(&self) -> Needs {
        Needs { cells: true, ..Needs::default() }
    }

    fn write(&self, scored: &Scored<'_>) -> Result<Option<Written>, OutputError> {
        let lines = clusters(scored.lines);
        draw_png(scored.out, &scored.out.join(PNG), scored.manifest, &worst_first(&lines), scored.scale).map(Some)
    }
}

/// Draws the clusters and members in `lines`, one block each, into an SVG file.
pub(crate) fn draw_svg(
    out: &Path,
    path: &Path,
    manifest: &Manifest,
    lines: &[&Line],
    scale: Scale,
) -> Result<Written, OutputError> {
    let drawing = Drawing::new(manifest, lines, scale);
    let stat = WholeFile::write(path, drawing.svg(Medium::Svg).as_bytes())?;
    Ok(Written::new(out, path, cells(lines), stat))
}

/// Draws the clusters and members in `lines`, one block each, into a PNG file.
pub(crate) fn draw_png(
    out: &Path,
    path: &Path,
    manifest: &Manifest,
    lines: &[&Line],
    scale: Scale,
) -> Result<Written, OutputError> {
    let drawing = Drawing::new(manifest, lines, scale);
    let pixels = png::of_svg(&drawing.svg(Medium::Png), drawing.layout.png_scale())?;
    let stat = WholeFile::write(path, &pixels)?;
    Ok(Written::new(out, path, cells(lines), stat))
}

/// The clusters without their members.
fn clusters(lines: &[PackedLine]) -> Vec<Line> {
    lines.iter().filter(|line| line.member.is_none()).map(PackedLine::line).collect()
}

fn cells(lines: &[&Line]) -> u64 {
    lines.iter().map(|line| line.cells.len() as u64).sum()
}
