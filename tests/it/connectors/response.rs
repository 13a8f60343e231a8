//! What an answer becomes for expressions.

use proptest::prelude::*;
use riposte::connectors::response::{answer, decode};
use riposte::expression::Value;

use super::json;

#[test]
fn bodies_are_read_by_their_content_type() {
    let cases: &[(Option<&str>, &[u8], &str)] = &[
        (
            Some("application/json"),
            br#"{"n":12345678901234567}"#,
            r#"{"n":12345678901234567}"#,
        ),
        (Some("application/problem+json; charset=utf-8"), b"[1]", "[1]"),
        (Some("text/json"), b"\xef\xbb\xbf{}", "{}"),
        (Some("application/json"), b"not json", r#""not json""#),
        (Some("text/plain"), "hé".as_bytes(), r#""hé""#),
        (Some("text/html; charset=ISO-8859-1"), b"h\xe9", r#""hé""#),
        (
            Some("application/xml"),
            b"<a/>",
            r#"{"$content-type":"application/xml","$content":"PGEvPg=="}"#,
        ),
        (
            Some("text/xml"),
            b"<a/>",
            r#"{"$content-type":"text/xml","$content":"PGEvPg=="}"#,
        ),
        (
            None,
            b"<a/>",
            r#"{"$content-type":"application/octet-stream","$content":"PGEvPg=="}"#,
        ),
        (
            Some("application/x-www-form-urlencoded"),
            b"a=1&=x&b=c+d",
            r#"{"$content-type":"application/x-www-form-urlencoded","$content":"YT0xJj14JmI9Yytk",
                "$formdata":[{"key":"a","value":"1"},{"key":"","value":"x"},{"key":"b","value":"c d"}]}"#,
        ),
    ];
    for (media, bytes, expected) in cases {
        assert_eq!(decode(*media, bytes), Some(json(expected)), "{media:?}");
    }
    assert_eq!(decode(Some("application/json"), b""), None);
}

#[test]
fn multipart_bodies_have_parts() {
    let body = "preamble\r\n--b1\r\nContent-Type: text/plain\r\nX-A: 1\r\n\r\nhello --b1\r\n\r\n--b1 \r\n\r\nraw\r\n--b1\r\n--b1\r\n\
                Content-Type: application/json\r\n\r\n{\"a\":1}\r\n--b1--\r\nepilogue --b1 x";
    let read = decode(Some("multipart/mixed; boundary=\"b1\""), body.as_bytes()).unwrap();
    let parts = r#"[{"headers":{"Content-Type":"text/plain","X-A":"1"},"body":"hello --b1\r\n"},
        {"headers":{},"body":{"$content-type":"application/octet-stream","$content":"cmF3"}},
        {"headers":{},"body":null},
        {"headers":{"Content-Type":"application/json"},"body":{"a":1}}]"#;
    assert_eq!(read.get("$multipart"), Some(&json(parts)));
    assert!(read.get("$content").and_then(Value::as_str).is_some());
}

#[test]
fn headers_are_joined_and_named_as_dotnet_names_them() {
    let headers = [
        ("content-type", "text/plain"),
        ("etag", "1"),
        ("x-ms-a", "1"),
        ("x-ms-a", "2"),
        ("set-cookie", "c"),
    ];
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let answer = answer(404, &headers, b"gone");
    assert_eq!(answer.status, 404);
    assert_eq!(answer.body, Some(Value::from("gone")));
    let expected = json(r#"{"Content-Type":"text/plain","ETag":"1","x-ms-a":"1,2","Set-Cookie":"c"}"#);
    assert_eq!(Value::from(answer.headers), expected);
}

proptest! {
    #[test]
    fn no_bytes_break_it(media in "[a-z]{0,5}(multipart/mixed; boundary=b|application/json|text/x)?", bytes: Vec<u8>) {
        decode(Some(&media), &bytes);
        let mut parts = b"--b\r\n".to_vec();
        parts.extend(&bytes);
        parts.extend(b"--b");
        parts.extend(&bytes);
        decode(Some("multipart/mixed; boundary=b"), &parts);
    }
}
