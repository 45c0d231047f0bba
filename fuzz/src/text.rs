//! The modules of `src/text` that parsers need: keys, names of enums, the nearest word, CSV, and text for a terminal.

#[path = "../../src/text/characters.rs"]
pub mod characters;
#[path = "../../src/text/count.rs"]
mod count;
#[path = "../../src/text/csv.rs"]
pub mod csv;
#[path = "../../src/text/key_file.rs"]
pub mod key_file;
#[path = "../../src/text/named.rs"]
pub mod named;
#[path = "../../src/text/nearest.rs"]
pub mod nearest;
#[path = "../../src/text/terminal.rs"]
pub mod terminal;

pub(crate) use count::count;
