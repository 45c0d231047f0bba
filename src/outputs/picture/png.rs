//! Renders the SVG to a PNG.

use std::io::Write;
use std::sync::Arc;

use png::{BitDepth, ColorType, Encoder, EncodingError};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use super::text::{FAMILY, FONT};
use crate::outputs::OutputError;

/// The number of rows of pixels that are rendered at once.
const BAND: u32 = 1024;

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
    let transform = Transform::from_scale(scale as f32, scale as f32);
    encoded(&tree, transform, width, height).map_err(|e| failed(e.to_string()))
}

/// Renders and encodes band by band: the pixels of a year of 20 clusters take 57 MB.
fn encoded(tree: &Tree, transform: Transform, width: u32, height: u32) -> Result<Vec<u8>, EncodingError> {
    let mut data = Vec::new();
    let mut encoder = Encoder::new(&mut data, width, height);
    encoder.set_color(ColorType::Rgba);
    encoder.set_depth(BitDepth::Eight);
    let mut header = encoder.write_header()?;
    let mut rows = header.stream_writer()?;
    for top in (0..height).step_by(BAND as usize) {
        let too_large = || std::io::Error::other(format!("{width} pixels in a row are too many"));
        let mut band = Pixmap::new(width, BAND.min(height - top)).ok_or_else(too_large)?;
        resvg::render(tree, transform.post_translate(0.0, -(top as f32)), &mut band.as_mut());
        rows.write_all(&band.take_demultiplied())?;
    }
    rows.finish()?;
    header.finish()?;
    Ok(data)
}
