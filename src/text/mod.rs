//! Text that goes in and text that goes out: reading keys, the nearest word, what may be shown of others' texts.

#[expect(unreachable_pub, reason = "the fuzz targets compile this file by its path")]
pub(crate) mod key_file;
pub(crate) mod named;
#[expect(unreachable_pub, reason = "the fuzz targets compile this file by its path")]
pub(crate) mod nearest;
pub(crate) mod said;
