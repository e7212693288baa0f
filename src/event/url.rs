//! The encoding of object keys in S3 event notifications and Batch Operations tasks:
//! `application/x-www-form-urlencoded`, that is percent-encoded UTF-8 with `+` for a space.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>
//!
//! Must never guess: what S3 can't have written is refused, as another key would be judged in its place.

/// Decodes a key; the error says what in it is wrong.
pub fn decode(encoded: &str) -> Result<String, &'static str> {
    let mut bytes = encoded.bytes();
    let mut decoded = Vec::with_capacity(encoded.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) = (bytes.next().and_then(hex), bytes.next().and_then(hex));
                let (Some(high), Some(low)) = (high, low) else {
                    return Err("`%` without two hexadecimal digits");
                };
                high * 16 + low
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).map_err(|_| "bytes that are not UTF-8")
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::decode;
    use proptest::prelude::*;

    #[test]
    fn keys_are_decoded_as_s3_encodes_them() {
        for (encoded, key) in [
            ("raw/a.png", "raw/a.png"),
            ("raw/a+b%2Bc.png", "raw/a b+c.png"),
            ("%E6%9D%B1%E4%BA%AC/%C3%BC.png", "東京/ü.png"),
            ("100%25.png", "100%.png"),
            ("a%2520b", "a%20b"),
            ("%e2%98%83", "☃"),
            ("bare/ü", "bare/ü"),
            ("", ""),
        ] {
            assert_eq!(decode(encoded).as_deref(), Ok(key), "{encoded}");
        }
        for encoded in ["100%.png", "%", "%4", "%g0", "%+1", "%ff", "%C3"] {
            assert!(decode(encoded).is_err(), "{encoded}");
        }
    }

    proptest! {
        #[test]
        fn every_key_comes_back_from_its_encoding(key in any::<String>()) {
            let encoded: String = key.bytes().map(|byte| match byte {
                b' ' => "+".to_owned(),
                b'a'..=b'z' | b'/' => char::from(byte).to_string(),
                byte => format!("%{byte:02X}"),
            }).collect();
            prop_assert_eq!(decode(&encoded), Ok(key));
        }

        #[test]
        fn nothing_panics(text in any::<String>()) {
            let _ = decode(&text);
        }
    }
}
