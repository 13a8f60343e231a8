//! From the bytes of a file to its text: UTF-8, or UTF-16 by its byte order mark, as Windows tools write templates.

/// The text of a file.
///
/// # Errors
/// Where the bytes are in none of these encodings.
pub fn decode(bytes: &[u8]) -> Result<String, String> {
    let wide = |read: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes[2..].as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| read(*pair)).collect();
        let text = String::from_utf16(&units).ok().filter(|_| rest.is_empty());
        text.ok_or_else(|| "is no UTF-16, though its byte order mark says so".to_owned())
    };
    match bytes {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()),
            Err(error) => Err(format!(
                "is neither UTF-8 nor UTF-16 with a byte order mark (byte {})",
                error.valid_up_to()
            )),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_encodings_by_their_marks() {
        let wide = |read: fn(u16) -> [u8; 2]| -> Vec<u8> { "\u{feff}{ä}".encode_utf16().flat_map(read).collect() };
        for bytes in [
            wide(u16::to_le_bytes),
            wide(u16::to_be_bytes),
            "\u{feff}{ä}".as_bytes().to_vec(),
        ] {
            assert_eq!(decode(&bytes).as_deref(), Ok("{ä}"));
        }
        for broken in [&[0xff, 0xfe, 0x00][..], &[0xff, 0xfe, 0x00, 0xd8], &[b'{', 0xe4, b'}']] {
            assert!(decode(broken).is_err(), "{broken:?}");
        }
    }
}
