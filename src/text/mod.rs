//! Text that comes in and goes out: keys of files, the nearest word, one sanitizer for each medium, one rounding and one
//! palette.

#[expect(unreachable_pub, reason = "the fuzz targets compile this file by its path")]
pub(crate) mod key_file;
pub(crate) mod named;
#[expect(unreachable_pub, reason = "the fuzz targets compile this file by its path")]
pub(crate) mod nearest;

pub(crate) mod characters;
pub(crate) mod comment;
mod count;
pub(crate) mod csv;
pub(crate) mod drawing;
pub(crate) mod html;
pub(crate) mod palette;
pub(crate) mod rounding;
pub(crate) mod sheet;
pub(crate) mod terminal;

pub(crate) use count::count;
