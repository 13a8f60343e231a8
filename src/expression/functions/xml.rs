//! XML functions beside `xml()` and `json()`.

use super::super::content::Envelope;
use super::super::value::Value;
use super::super::xml;
use super::{Call, Function, exactly};

pub(super) static XML: &[Function] = &[
    Function {
        name: "xpath",
        arity: exactly(2),
        doc: "What an XPath 1.0 expression selects in XML: an array of nodes (elements as XML, others as text), a number, a \
          text or a truth value.",
        source: "Manipulation functions: JSON & XML",
        examples: &[
            (
                "xpath(xml('<p><n>Gala</n><n>Honey</n></p>'), '/p/n/text()')",
                "[\"Gala\",\"Honey\"]",
            ),
            ("xpath(xml('<p><c>20</c><c>10</c></p>'), 'sum(/p/c)')", "30.0"),
            (
                "xpath(xml('<p><n x=\"1\">Gala</n></p>'), 'string(//n[@x = 1])')",
                "\"Gala\"",
            ),
            (
                "string(first(xpath(xml('<f xmlns=\"u:f\"><l>Paris</l></f>'), '/*[name()=\"f\"]/*[local-name()=\"l\"]')))",
                "\"<l xmlns=\\\"u:f\\\">Paris</l>\"",
            ),
        ],
        call: Call::Eager(|arguments| {
            let envelope = Envelope::of(arguments.value(0)).filter(Envelope::is_xml);
            let Some(envelope) = envelope else {
                return Err(arguments.wrong_kind(0, "an XML object"));
            };
            let value = xml::xpath(&envelope.text(), arguments.text(1)?);
            value.map_err(|reason| arguments.fail(format!("cannot be evaluated: {reason}")))
        }),
    },
    Function {
        name: "encodeXmlValue",
        arity: exactly(1),
        doc: "The text escaped as a value in XML.",
        source: "Designer functions",
        examples: &[("encodeXmlValue('a<b & \"c\"')", "\"a&lt;b &amp; &quot;c&quot;\"")],
        call: Call::Eager(|arguments| Ok(Value::from(xml::encode_value(arguments.text(0)?)))),
    },
    Function {
        name: "decodeXmlValue",
        arity: exactly(1),
        doc: "The text of an escaped value in XML.",
        source: "Designer functions",
        examples: &[("decodeXmlValue('a&lt;b &#65;')", "\"a<b A\"")],
        call: Call::Eager(|arguments| {
            let text = xml::decode_value(arguments.text(0)?);
            text.map(Value::from)
                .map_err(|reason| arguments.fail(format!("cannot decode: {reason}")))
        }),
    },
    Function {
        name: "encodeXmlName",
        arity: exactly(1),
        doc: "The text as a name in XML: what cannot stand in one becomes `_xHHHH_`.",
        source: "Designer functions",
        examples: &[("encodeXmlName('my name')", "\"my_x0020_name\"")],
        call: Call::Eager(|arguments| Ok(Value::from(xml::encode_name(arguments.text(0)?)))),
    },
    Function {
        name: "decodeXmlName",
        arity: exactly(1),
        doc: "The text of an encoded name in XML.",
        source: "Designer functions",
        examples: &[("decodeXmlName('my_x0020_name')", "\"my name\"")],
        call: Call::Eager(|arguments| Ok(Value::from(xml::decode_name(arguments.text(0)?)))),
    },
];
