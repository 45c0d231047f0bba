//! The decoder of streamed responses: frames of a length, a CRC32C and a message, in pieces of any size.

use super::Limits;
use super::error::{Place, RemoteReadError};
use super::message::{Texts, chunked_read_response};
use super::protobuf::varint;
use super::series::{RemoteChunk, RemoteSeries};

/// Size of a CRC32C in bytes. It precedes the bytes that it covers, most significant byte first.
const CRC_SIZE: usize = 4;

/// Fewest bytes that are taken for a message of the server: shorter ones may be damaged frames.
const SHORTEST_TEXT: usize = 4;

/// Characters of a message of the server that an error has.
const LONGEST_TEXT: usize = 200;

/// Decodes a streamed response.
#[derive(Debug)]
pub(super) struct Stream {
    queries: usize,
    limits: Limits,
    /// Bytes of the body after the last whole frame.
    buffer: Vec<u8>,
    /// Bytes of the body before `buffer`.
    offset: u64,
    /// Number of the frame at the start of `buffer`, counted from 1.
    frame: u64,
    texts: Texts,
    /// The last series, which the next frame may continue.
    open: Option<RemoteSeries>,
    /// Memory for its chunks, in bytes.
    open_size: usize,
}

impl Stream {
    pub(super) fn new(queries: usize, limits: Limits) -> Self {
        let (buffer, texts) = (Vec::new(), Texts::default());
        Self { queries, limits, buffer, offset: 0, frame: 1, texts, open: None, open_size: 0 }
    }

    /// Takes the next bytes, and gives the series that they complete. A frame that causes an error stays, so that later
    /// calls fail too.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<RemoteSeries>, RemoteReadError> {
        self.buffer.extend_from_slice(bytes);
        let (mut complete, mut at) = (Vec::new(), 0);
        let mut result = Ok(());
        while result.is_ok() && at < self.buffer.len() {
            match self.frame_at(at, &mut complete) {
                Ok(Some(length)) => at += length,
                Ok(None) => break,
                Err(error) => result = Err(error),
            }
        }
        self.buffer.drain(..at);
        result.map(|()| complete)
    }

    /// Ends the response. Gives the last series.
    pub(super) fn finish(mut self) -> Result<Option<RemoteSeries>, RemoteReadError> {
        // Fails again if the last call did.
        self.push(&[])?;
        if self.buffer.is_empty() {
            return Ok(self.open);
        }
        let (place, received) = (self.place(0), self.buffer.len());
        Err(self.stopped(&self.buffer, place).unwrap_or(RemoteReadError::Truncated { place, received }))
    }

    /// The place of a byte in the frame that is decoded.
    fn place(&self, at: usize) -> Place {
        Place::Frame { number: self.frame, offset: self.offset + at as u64 }
    }

    /// Decodes the frame that begins at an index of the buffer, and gives its length. `None` if not all of it is there.
    fn frame_at(&mut self, at: usize, complete: &mut Vec<RemoteSeries>) -> Result<Option<usize>, RemoteReadError> {
        let rest = &self.buffer[at..];
        let place = self.place(0);
        let length = varint(rest).map_err(|()| RemoteReadError::FrameLength { place })?;
        let Some((size, length_size)) = length else { return Ok(None) };
        let limit = self.limits.frame_bytes;
        let fits = usize::try_from(size).ok().filter(|size| *size <= limit);
        let fits = fits.ok_or(RemoteReadError::FrameTooLarge { place, size, limit })?;
        let start = length_size + CRC_SIZE;
        let Some(content) = rest.get(start..).and_then(|rest| rest.get(..fits)) else { return Ok(None) };
        let stored = rest[length_size..start].iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        let computed = crc32c::crc32c(content);
        if stored != computed {
            let checksum = RemoteReadError::Checksum { place, stored, computed };
            return Err(self.stopped(rest, place).unwrap_or(checksum));
        }
        let parts = chunked_read_response(content, self.queries, &mut self.texts).map_err(|malformed| {
            RemoteReadError::Malformed { place: self.place(start + malformed.at), problem: malformed.problem }
        })?;
        for part in parts {
            self.add(part, complete)?;
        }
        self.offset += (start + fits) as u64;
        self.frame += 1;
        Ok(Some(start + fits))
    }

    /// Adds a part of a series to the last series, or completes that.
    fn add(&mut self, part: RemoteSeries, complete: &mut Vec<RemoteSeries>) -> Result<(), RemoteReadError> {
        let size = |chunk: &RemoteChunk| size_of::<RemoteChunk>() + chunk.content.size();
        let added = part.chunks.iter().map(size).sum::<usize>();
        match &mut self.open {
            Some(open) if open.query == part.query && open.labels == part.labels => {
                open.chunks.extend(part.chunks);
                self.open_size += added;
            }
            _ => {
                complete.extend(self.open.replace(part));
                self.open_size = added;
            }
        }
        match &self.open {
            Some(open) if self.open_size > self.limits.message_bytes => {
                let what = format!("series {open}");
                Err(RemoteReadError::TooLarge { what, limit: self.limits.message_bytes })
            }
            _ => Ok(()),
        }
    }

    /// The error for bytes that are text instead of a frame. A server that fails after the first frame can no longer
    /// change the status, and writes its message after the last frame.
    fn stopped(&self, bytes: &[u8], place: Place) -> Option<RemoteReadError> {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            // The last character may be incomplete.
            Err(error) if error.error_len().is_none() => std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?,
            Err(_) => return None,
        };
        let is_text = text.chars().all(|character| !character.is_control() || "\n\r\t".contains(character));
        let text = text.trim();
        let text = (is_text && text.len() >= SHORTEST_TEXT).then(|| text.chars().take(LONGEST_TEXT).collect())?;
        Some(RemoteReadError::Stopped { place, text })
    }
}
