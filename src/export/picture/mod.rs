//! The heat map as a drawing: `heatmap.svg`, and `heatmap.png`, which is the same drawing in pixels.
//!
//! Days go down, hours across; one block a cluster. A time that the clock showed twice has its place split: the first
//! time above, the second below. Both files draw their text with the same embedded font.

mod blocks;
mod layout;
mod png;
mod svg;
mod text;

use std::path::Path;

use super::{ExportError, Manifest, Written};
use crate::heatmap::{Folding, Line};
use crate::history::WholeFile;
use layout::Layout;
use text::Medium;

/// What is drawn.
struct Drawing<'a> {
    manifest: &'a Manifest,
    folding: Folding,
    lines: &'a [&'a Line],
    layout: Layout,
}

impl<'a> Drawing<'a> {
    fn new(manifest: &'a Manifest, lines: &'a [&'a Line]) -> Self {
        let folding = manifest.folding().unwrap_or_default();
        Self { manifest, folding, lines, layout: Layout::of(lines, folding.width) }
    }

    fn svg(&self, medium: Medium) -> String {
        svg::text_of(self, medium)
    }
}

/// Writes `heatmap.svg`: a block for each cluster.
pub fn write_svg(out: &Path, manifest: &Manifest, lines: &[Line]) -> Result<Written, ExportError> {
    draw_svg(out, &out.join("heatmap.svg"), manifest, &clusters(lines))
}

/// Writes `heatmap.png`: the same drawing.
pub fn write_png(out: &Path, manifest: &Manifest, lines: &[Line]) -> Result<Written, ExportError> {
    draw_png(out, &out.join("heatmap.png"), manifest, &clusters(lines))
}

/// Draws these lines into an SVG file.
pub fn draw_svg(out: &Path, path: &Path, manifest: &Manifest, lines: &[&Line]) -> Result<Written, ExportError> {
    let drawing = Drawing::new(manifest, lines);
    let stat = WholeFile::write(path, drawing.svg(Medium::Svg).as_bytes())?;
    Ok(Written::new(out, path, cells(lines), stat))
}

/// Draws these lines into a PNG file.
pub fn draw_png(out: &Path, path: &Path, manifest: &Manifest, lines: &[&Line]) -> Result<Written, ExportError> {
    let drawing = Drawing::new(manifest, lines);
    let pixels = png::of_svg(&drawing.svg(Medium::Png), drawing.layout.png_scale())?;
    let stat = WholeFile::write(path, &pixels)?;
    Ok(Written::new(out, path, cells(lines), stat))
}

fn clusters(lines: &[Line]) -> Vec<&Line> {
    lines.iter().filter(|line| line.member.is_none()).collect()
}

fn cells(lines: &[&Line]) -> u64 {
    lines.iter().map(|line| line.cells.len() as u64).sum()
}
