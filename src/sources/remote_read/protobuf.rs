//! The part of the protobuf encoding that remote read needs: varints, bytes, and doubles. Unknown fields are skipped.
//! A reader never allocates, so that a wrong length costs nothing.

use super::error::Malformed;

/// Longest varint, in bytes.
const LONGEST_VARINT: usize = 10;

const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const BYTES: u64 = 2;
const FIXED32: u64 = 5;

/// Decodes an unsigned integer of seven bits a byte, least significant first: its value and its length in bytes.
/// `Ok(None)` if the bytes end before it does, and an error if it has more than 64 bits.
pub(super) fn varint(bytes: &[u8]) -> Result<Option<(u64, usize)>, ()> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(LONGEST_VARINT).enumerate() {
        if index == LONGEST_VARINT - 1 && *byte > 1 {
            return Err(());
        }
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some((value, index + 1)));
        }
    }
    Ok(None)
}

/// The value of a field.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    /// A text, bytes, or a message, and where they begin.
    Bytes(Reader<'a>),
    /// Of no field that is read here.
    Fixed32,
}

/// A field of a message, and where it begins in the outermost message.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) number: u64,
    pub(super) at: usize,
    value: Value<'a>,
}

const OTHER_TYPE: &str = "a field has another type than in the protocol";

impl<'a> Field<'a> {
    fn malformed(&self, problem: &'static str) -> Malformed {
        Malformed { at: self.at, problem }
    }

    /// The value of a field `uint64` or `enum`.
    pub(super) fn unsigned(&self) -> Result<u64, Malformed> {
        match self.value {
            Value::Varint(value) => Ok(value),
            _ => Err(self.malformed(OTHER_TYPE)),
        }
    }

    /// The value of a field `int64`: two's complement, not zigzag.
    pub(super) fn signed(&self) -> Result<i64, Malformed> {
        self.unsigned().map(|value| value as i64)
    }

    /// The value of a field `double`.
    pub(super) fn double(&self) -> Result<f64, Malformed> {
        match self.value {
            Value::Fixed64(bits) => Ok(f64::from_bits(bits)),
            _ => Err(self.malformed(OTHER_TYPE)),
        }
    }

    /// The fields of a message in a field.
    pub(super) fn message(&self) -> Result<Reader<'a>, Malformed> {
        match self.value {
            Value::Bytes(reader) => Ok(reader),
            _ => Err(self.malformed(OTHER_TYPE)),
        }
    }

    /// The value of a field `bytes`.
    pub(super) fn bytes(&self) -> Result<&'a [u8], Malformed> {
        self.message().map(|reader| reader.bytes)
    }

    /// The value of a field `string`.
    pub(super) fn text(&self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| self.malformed("a label is not UTF-8"))
    }
}

/// The fields of a message, in the order of the bytes.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    /// The whole message.
    bytes: &'a [u8],
    at: usize,
    /// Where the message begins in the outermost one.
    base: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, base: 0 }
    }

    /// The next field, `None` at the end of the message.
    pub(super) fn next(&mut self) -> Result<Option<Field<'a>>, Malformed> {
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let at = self.base + self.at;
        let key = self.varint()?;
        let number = key >> 3;
        if number == 0 {
            return Err(Malformed { at, problem: "a field has the number 0" });
        }
        let value = match key & 7 {
            VARINT => Value::Varint(self.varint()?),
            FIXED64 => Value::Fixed64(self.take(8)?.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))),
            BYTES => {
                let length = self.varint()?;
                let base = self.base + self.at;
                Value::Bytes(Self { bytes: self.take(length)?, at: 0, base })
            }
            FIXED32 => self.take(4).map(|_| Value::Fixed32)?,
            _ => return Err(Malformed { at, problem: "a field has an unknown wire type" }),
        };
        Ok(Some(Field { number, at, value }))
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let problem = "an integer is longer than its message or than 64 bits";
        let malformed = Malformed { at: self.base + self.at, problem };
        let (value, length) = varint(&self.bytes[self.at..]).ok().flatten().ok_or(malformed)?;
        self.at += length;
        Ok(value)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let malformed = Malformed { at: self.base + self.at, problem: "a field is longer than its message" };
        let rest = &self.bytes[self.at..];
        let taken = usize::try_from(length).ok().and_then(|length| rest.get(..length)).ok_or(malformed)?;
        self.at += taken.len();
        Ok(taken)
    }
}

/// A message that is written. Fields with the value 0 are left out, as proto3 defines.
#[derive(Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn varint(&mut self, mut value: u64) {
        while value > 127 {
            self.0.push(value as u8 | 128);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// A field `int64` or `enum`.
    pub(super) fn signed(&mut self, number: u64, value: i64) {
        if value != 0 {
            self.varint(number << 3 | VARINT);
            self.varint(value as u64);
        }
    }

    /// A field `string`, `bytes`, or a message. It is written even if it is empty, because an empty message counts in a
    /// list.
    pub(super) fn bytes(&mut self, number: u64, bytes: &[u8]) {
        self.varint(number << 3 | BYTES);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// A field `double`.
    #[cfg(test)]
    pub(super) fn double(&mut self, number: u64, value: f64) {
        self.varint(number << 3 | FIXED64);
        self.0.extend(value.to_le_bytes());
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    /// The error of reading all fields.
    fn problem(bytes: &[u8]) -> Option<Malformed> {
        let mut reader = Reader::new(bytes);
        loop {
            match reader.next() {
                Ok(None) => return None,
                Ok(Some(_)) => {}
                Err(malformed) => return Some(malformed),
            }
        }
    }

    #[test]
    fn fields_are_those_of_the_encoding_guide() {
        // 1: 150 and 2: "testing" are the examples of protobuf.dev.
        let mut reader = Reader::new(&[0x08, 0x96, 0x01, 0x12, 7, b't', b'e', b's', b't', b'i', b'n', b'g']);
        let first = reader.next().unwrap().unwrap();
        assert_eq!((first.number, first.at, first.unsigned().unwrap()), (1, 0, 150));
        let second = reader.next().unwrap().unwrap();
        assert_eq!((second.number, second.at, second.text().unwrap()), (2, 3, "testing"));
        assert!(reader.next().unwrap().is_none());
        assert_eq!(second.unsigned().unwrap_err().at, 3);
        assert!(first.double().is_err() && first.bytes().is_err() && second.double().is_err());
    }

    #[test]
    fn what_is_written_is_read() {
        let mut writer = Writer::default();
        writer.signed(1, -1);
        writer.signed(2, 0);
        writer.bytes(3, b"");
        writer.double(16, -0.0);
        writer.signed(1 << 28, i64::MIN);
        let mut reader = Reader::new(&writer.0);
        let mut next = || reader.next().unwrap();
        assert_eq!(next().unwrap().signed().unwrap(), -1);
        assert_eq!(next().unwrap().bytes().unwrap(), b"");
        let double = next().unwrap();
        assert_eq!((double.number, double.double().unwrap().to_bits()), (16, 1 << 63));
        let last = next().unwrap();
        assert_eq!((last.number, last.signed().unwrap()), (1 << 28, i64::MIN));
        assert!(next().is_none());
    }

    #[test]
    fn every_wire_type_is_skipped_or_refused() {
        assert_eq!(problem(&[0x0d, 1, 2, 3, 4, 0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x0a, 0, 0x08, 0]), None);
        for (bytes, at, words) in [
            (&[0x0b][..], 0, "wire type"),
            (&[0x08, 1, 0x0c], 2, "wire type"),
            (&[0x0e], 0, "wire type"),
            (&[0x0f], 0, "wire type"),
            (&[0x00, 1], 0, "number 0"),
            (&[0x08], 1, "an integer is longer"),
            (&[0x88], 0, "an integer is longer"),
            (&[0x0d, 1, 2, 3], 1, "a field is longer"),
            (&[0x09, 1, 2, 3, 4, 5, 6, 7], 1, "a field is longer"),
            (&[0x0a, 2, 1], 2, "a field is longer"),
            (&[0x0a, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1], 11, "a field is longer"),
            (&[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2], 1, "an integer is longer"),
        ] {
            let malformed = problem(bytes).unwrap();
            assert!(malformed.at == at && malformed.problem.contains(words), "{bytes:?}: {malformed:?}");
        }
    }

    #[test]
    fn texts_are_utf_8() {
        let field = Reader::new(&[0x0a, 2, 0xc3, 0x28]).next().unwrap().unwrap();
        assert_eq!(field.text().unwrap_err().problem, "a label is not UTF-8");
    }
}
