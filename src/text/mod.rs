//! Text in and out: files of keys and values, names of enums, suggestions for typos, counts with nouns, one
//! sanitizer per medium, one rounding and one palette.
//!
//! Untrusted text, such as labels and servers' messages, must pass through the sanitizer of the medium that shows
//! it. The wording of messages does not belong here, but in the module that reports them.

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
pub(crate) mod markdown;
pub(crate) mod palette;
pub(crate) mod rounding;
pub(crate) mod sheet;
pub(crate) mod terminal;
pub(crate) mod wrap;

pub(crate) use count::{count, grouped};
