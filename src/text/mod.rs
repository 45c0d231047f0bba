//! Text that goes in and text that goes out: reading keys, the nearest word, what may be shown of others' texts.

pub mod key_file;
pub mod nearest;
pub mod said;
