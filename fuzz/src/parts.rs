//! Inputs of several parts, as files of a folder or messages of a stream.

/// Separates parts. libFuzzer can move it, and repeat it, more easily than lengths.
const SEPARATOR: &[u8] = b"====";

/// The parts between separators: at least one.
pub fn parts(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(input);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let end = bytes.windows(SEPARATOR.len()).position(|window| window == SEPARATOR);
        rest = end.map(|end| &bytes[end + SEPARATOR.len()..]);
        Some(&bytes[..end.unwrap_or(bytes.len())])
    })
}
