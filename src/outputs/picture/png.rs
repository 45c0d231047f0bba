//! Renders the SVG to a PNG.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use super::text::{FAMILY, FONT};
use crate::outputs::OutputError;

/// Renders an SVG. Only the embedded font is used, so that the pixels are the same on every machine.
pub(super) fn of_svg(svg: &str, scale: f64) -> Result<Vec<u8>, OutputError> {
    let failed = |reason: String| OutputError::Png(reason);
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(FONT.to_vec());
    let options = Options { font_family: FAMILY.to_owned(), fontdb: Arc::new(fonts), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|e| failed(e.to_string()))?;
    let size = tree.size();
    let pixels = |length: f32| (f64::from(length) * scale).floor().max(1.0) as u32;
    let (width, height) = (pixels(size.width()), pixels(size.height()));
    let mut pixmap =
        Pixmap::new(width, height).ok_or_else(|| failed(format!("{width} × {height} pixels are too many")))?;
    let scale = scale as f32;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    pixmap.encode_png().map_err(|e| failed(e.to_string()))
}
