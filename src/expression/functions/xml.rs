//! XML functions beside `xml()` and `json()`.

use super::super::content::Envelope;
use super::super::value::Value;
use super::super::xml;
use super::{Call, Function, exactly};

pub(super) static XML: &[Function] = &[
    Function {
        name: "xpath",
        signature: "(xml: object, expression: string): any",
        arity: exactly(2),
        doc: "What an XPath 1.0 expression selects in XML: an array of nodes (elements as XML, others as text), a number, a \
          text or a truth value.",
        source: "Manipulation functions: JSON & XML",
        examples: r#"
            xpath(xml('<p><n>Gala</n><n>Honey</n></p>'), '/p/n/text()') => ["Gala","Honey"]
            xpath(xml('<p><c>20</c><c>10</c></p>'), 'sum(/p/c)') => 30.0
            xpath(xml('<p><n x="1">Gala</n></p>'), 'string(//n[@x = 1])') => "Gala"
            xpath(xml('<r><b>second</b></r>'), '/r/b') => [{"$content-type":"application/xml;charset=utf-8","$content":"PGI+c2Vjb25kPC9iPg=="}]
            string(xpath(xml('<f xmlns="u:f"><l>Paris</l></f>'), '/*[name()="f"]/*[local-name()="l"]')[0]) => "<l xmlns=\"u:f\">Paris</l>"
            xpath('<r/>', '/r') => error: be an XML object
        "#,
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
        signature: "(text: string): string",
        arity: exactly(1),
        doc: "The text escaped as a value in XML.",
        source: "Designer functions",
        examples: r#"
            encodeXmlValue('a<b & "c"') => "a&lt;b &amp; &quot;c&quot;"
            encodeXmlValue('plain') => "plain"
            encodeXmlValue('>') => "&gt;"
            encodeXmlValue(1) => error: be of type string
        "#,
        call: Call::Eager(|arguments| Ok(Value::from(xml::encode_value(arguments.text(0)?)))),
    },
    Function {
        name: "decodeXmlValue",
        signature: "(text: string): string",
        arity: exactly(1),
        doc: "The text of an escaped value in XML.",
        source: "Designer functions",
        examples: r#"
            decodeXmlValue('a&lt;b &#65;') => "a<b A"
            decodeXmlValue('&quot;&apos;') => "\"'"
            decodeXmlValue('plain') => "plain"
            decodeXmlValue('&nope;') => error: 'nope' is not declared
        "#,
        call: Call::Eager(|arguments| {
            let text = xml::decode_value(arguments.text(0)?);
            text.map(Value::from)
                .map_err(|reason| arguments.fail(format!("cannot decode: {reason}")))
        }),
    },
    Function {
        name: "encodeXmlName",
        signature: "(text: string): string",
        arity: exactly(1),
        doc: "The text as a name in XML: what cannot stand in one becomes `_xHHHH_`.",
        source: "Designer functions",
        examples: r#"
            encodeXmlName('my name') => "my_x0020_name"
            encodeXmlName('1a') => "_x0031_a"
            encodeXmlName('plain') => "plain"
            encodeXmlName(null) => error: be of type string
        "#,
        call: Call::Eager(|arguments| Ok(Value::from(xml::encode_name(arguments.text(0)?)))),
    },
    Function {
        name: "decodeXmlName",
        signature: "(text: string): string",
        arity: exactly(1),
        doc: "The text of an encoded name in XML.",
        source: "Designer functions",
        examples: r#"
            decodeXmlName('my_x0020_name') => "my name"
            decodeXmlName('_x0031_a') => "1a"
            decodeXmlName('plain') => "plain"
            decodeXmlName(1) => error: be of type string
        "#,
        call: Call::Eager(|arguments| Ok(Value::from(xml::decode_name(arguments.text(0)?)))),
    },
];
