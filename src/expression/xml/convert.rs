//! XML to JSON and back by the rules of Newtonsoft's converter, which the original uses.

use indexmap::IndexMap;

use super::super::number::float_text;
use super::super::value::{Object, Value};
use super::parse::{is_name_char, is_name_start, is_xml_char};
use super::tree::{Attribute, Declaration, Doctype, Document, Element, Kind, MAX_DEPTH, Name};

/// Encodings that a declaration may name.
const ENCODINGS: [&str; 3] = ["utf-8", "ascii", "us-ascii"];

/// A document as JSON.
///
/// # Errors
/// A declared encoding that is not known.
pub(super) fn to_json(document: &Document) -> Result<Value, String> {
    for node in &document.nodes {
        let Kind::Declaration(Declaration {
            encoding: Some(encoding),
            ..
        }) = &node.kind
        else {
            continue;
        };
        let name = encoding.to_ascii_lowercase();
        if !ENCODINGS.contains(&name.as_str()) && !name.starts_with("iso-8859-") && !name.starts_with("windows-125") {
            return Err(format!("the encoding '{encoding}' is not supported"));
        }
    }
    let mut object = Object::new();
    insert_children(&mut object, document, 0);
    Ok(Value::from(object))
}

/// Inserts the children of a node, those of one name in one array.
fn insert_children(object: &mut Object, document: &Document, node: usize) {
    let mut groups: IndexMap<String, Vec<usize>> = IndexMap::new();
    for &child in &document.nodes[node].children {
        groups.entry(member_name(document, child)).or_default().push(child);
    }
    for (name, nodes) in groups {
        // A comment has no value: a single one leaves nothing, several an empty array.
        let values: Vec<Value> = nodes.iter().filter_map(|&node| node_json(document, node)).collect();
        match nodes.len() {
            1 => values.into_iter().for_each(|value| object.insert(name.as_str(), value)),
            _ => object.insert(name, Value::array(values)),
        }
    }
}

fn member_name(document: &Document, node: usize) -> String {
    match &document.nodes[node].kind {
        Kind::Document => "#document".to_owned(),
        Kind::Element(element) => element.name.written(),
        Kind::Text(_) => "#text".to_owned(),
        Kind::CData(_) => "#cdata-section".to_owned(),
        Kind::Comment(_) => "#comment".to_owned(),
        Kind::Instruction { target, .. } => format!("?{target}"),
        Kind::Declaration(_) => "?xml".to_owned(),
        Kind::Doctype(_) => "!DOCTYPE".to_owned(),
    }
}

fn node_json(document: &Document, node: usize) -> Option<Value> {
    match &document.nodes[node].kind {
        Kind::Document | Kind::Comment(_) => None,
        Kind::Element(element) => Some(element_json(document, node, element)),
        Kind::Text(text) | Kind::CData(text) | Kind::Instruction { data: text, .. } => Some(Value::from(text.as_str())),
        Kind::Declaration(declaration) => Some(present([
            ("@version", Some(&declaration.version)),
            ("@encoding", declaration.encoding.as_ref()),
            ("@standalone", declaration.standalone.as_ref()),
        ])),
        Kind::Doctype(doctype) => Some(present([
            ("@name", Some(&doctype.name)),
            ("@public", doctype.public.as_ref()),
            ("@system", doctype.system.as_ref()),
            ("@internalSubset", doctype.subset.as_ref()),
        ])),
    }
}

/// An object of the members that are there and not empty.
fn present<const N: usize>(members: [(&str, Option<&String>); N]) -> Value {
    let present = members
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.filter(|text| !text.is_empty())?)));
    Value::object(present.map(|(name, text)| (name, text.as_str())))
}

fn element_json(document: &Document, node: usize, element: &Element) -> Value {
    let children = &document.nodes[node].children;
    if element.attributes.is_empty() {
        match children.as_slice() {
            [] if element.empty => return Value::Null,
            [] => return Value::from(""),
            [only] => {
                if let Kind::Text(text) = &document.nodes[*only].kind {
                    return Value::from(text.as_str());
                }
            }
            _ => {}
        }
    }
    let mut object = Object::new();
    for attribute in &element.attributes {
        object.insert(format!("@{}", attribute.name.written()), attribute.value.as_str());
    }
    insert_children(&mut object, document, node);
    Value::from(object)
}

/// The document of an object with one member that is an element.
///
/// # Errors
/// More than one root; a value that XML cannot hold.
pub(super) fn from_object(object: &Object) -> Result<Document, String> {
    let mut builder = Builder {
        document: Document::new(),
        prefixes: vec!["xml".to_owned()],
    };
    for (name, value) in object.iter() {
        match (&**name, value) {
            ("?xml", Value::Object(parts)) => builder.declaration(parts),
            ("!DOCTYPE", Value::Object(parts)) => builder.doctype(parts),
            (name, Value::Array(items)) => {
                items.iter().try_for_each(|item| builder.member(0, name, item, 0))?;
            }
            (name, value) => builder.member(0, name, value, 0)?,
        }
    }
    let document = builder.document;
    let roots = &document.nodes[0].children;
    if roots.iter().filter(|&&node| document.element(node).is_some()).count() > 1 {
        return Err("the object has more than one property: More than one root element".to_owned());
    }
    if roots
        .iter()
        .any(|&node| matches!(document.nodes[node].kind, Kind::Text(_) | Kind::CData(_)))
    {
        return Err("text stands outside of the root element".to_owned());
    }
    Ok(document)
}

/// A name with its value.
type Member<'a> = (&'a str, &'a Value);

struct Builder {
    document: Document,
    /// Declared prefixes, the innermost last.
    prefixes: Vec<String>,
}

impl Builder {
    fn declaration(&mut self, parts: &Object) {
        let part = |name: &str| parts.get_exact(name).map(Value::to_text);
        let declaration = Declaration {
            version: part("@version").unwrap_or_else(|| "1.0".to_owned()),
            encoding: part("@encoding"),
            standalone: part("@standalone"),
        };
        self.document.add(0, Kind::Declaration(declaration));
    }

    fn doctype(&mut self, parts: &Object) {
        let part = |name: &str| parts.get_exact(name).map(Value::to_text);
        let doctype = Doctype {
            name: part("@name").unwrap_or_default(),
            public: part("@public"),
            system: part("@system"),
            subset: part("@internalSubset"),
        };
        self.document.add(0, Kind::Doctype(doctype));
    }

    /// Adds what a member that is no array stands for.
    fn member(&mut self, parent: usize, name: &str, value: &Value, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("the value is nested deeper than {MAX_DEPTH}"));
        }
        match name {
            "#text" => {
                let text = scalar(value)?;
                self.document.add(parent, Kind::Text(text));
            }
            "#cdata-section" => {
                let text = scalar(value)?;
                if text.contains("]]>") {
                    return Err("Cannot have ']]>' inside an XML CDATA block".to_owned());
                }
                self.document.add(parent, Kind::CData(text));
            }
            _ => match name.strip_prefix('?') {
                Some(target) => {
                    let kind = Kind::Instruction {
                        target: encoded(target),
                        data: scalar(value)?,
                    };
                    self.document.add(parent, kind);
                }
                None => self.element(parent, name, value, depth)?,
            },
        }
        Ok(())
    }

    fn element(&mut self, parent: usize, name: &str, value: &Value, depth: usize) -> Result<(), String> {
        if name.is_empty() {
            return Err("an element has an empty name".to_owned());
        }
        let outside = self.prefixes.len();
        let (attributes, members) = match value {
            Value::Object(object) => self.attributes(object)?,
            _ => (Vec::new(), Vec::new()),
        };
        let element = Element {
            name: self.known(name),
            attributes,
            empty: !matches!(value, Value::String(_)),
        };
        let node = self.document.add(parent, Kind::Element(element));
        match value {
            Value::Null => {}
            Value::Object(_) => {
                for (name, member) in members {
                    match member {
                        Value::Array(items) => {
                            items
                                .iter()
                                .try_for_each(|item| self.member(node, name, item, depth + 1))?;
                        }
                        member => self.member(node, name, member, depth + 1)?,
                    }
                }
            }
            Value::Array(items) => items
                .iter()
                .try_for_each(|item| self.member(node, name, item, depth + 1))?,
            scalar_value => {
                let text = scalar(scalar_value)?;
                if !text.is_empty() {
                    self.document.add(node, Kind::Text(text));
                }
            }
        }
        self.prefixes.truncate(outside);
        Ok(())
    }

    /// The members at the start of an object that are attributes, and the others.
    fn attributes<'a>(&mut self, object: &'a Object) -> Result<(Vec<Attribute>, Vec<Member<'a>>), String> {
        let members: Vec<Member<'a>> = object.iter().map(|(name, value)| (&**name, value)).collect();
        let is_attribute = |value: &Value| !matches!(value, Value::Array(_) | Value::Object(_));
        let count = members
            .iter()
            .take_while(|(name, value)| name.starts_with('@') && is_attribute(value))
            .count();
        for (name, _) in &members[..count] {
            self.prefixes
                .extend(Name::split(&name[1..]).declared_prefix().map(str::to_owned));
        }
        let mut attributes = Vec::new();
        for (name, value) in &members[..count] {
            let name = if Name::split(&name[1..]).declared_prefix().is_some() {
                Name::split(&name[1..])
            } else {
                self.known(&name[1..])
            };
            attributes.push(Attribute {
                name,
                value: scalar(value)?,
            });
        }
        Ok((attributes, members[count..].to_vec()))
    }

    /// The name encoded, without a prefix that is not declared.
    fn known(&self, name: &str) -> Name {
        let mut name = Name::split(&encoded(name));
        if !self.prefixes.contains(&name.prefix) {
            name.prefix.clear();
        }
        name
    }
}

/// A scalar as XML writes it.
fn scalar(value: &Value) -> Result<String, String> {
    let text = match value {
        Value::Null => String::new(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) if number.is_infinite() => if *number > 0.0 { "INF" } else { "-INF" }.to_owned(),
        Value::Float(number) => float_text(*number),
        Value::Decimal(number) => number.to_string(),
        Value::String(text) => text.to_string(),
        Value::Array(_) | Value::Object(_) => return Err("a text or attribute is an array or object".to_owned()),
    };
    match text.chars().find(|&c| !is_xml_char(c)) {
        None => Ok(text),
        Some(c) => Err(format!("the character U+{:04X} cannot stand in XML", c as u32)),
    }
}

/// A name with what cannot stand in it as `_xHHHH_`.
pub(in super::super) fn encoded(name: &str) -> String {
    let mut text = String::new();
    for (index, c) in name.char_indices() {
        let escape = c == '_' && is_escape(&name[index..]);
        let fits = if index == 0 { is_name_start(c) } else { is_name_char(c) };
        if fits && !escape {
            text.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            text.push_str(&format!("_x{unit:04X}_"));
        }
    }
    text
}

/// Whether a text begins like an escape, `_x0020_`.
fn is_escape(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 7 && bytes[1] == b'x' && bytes[2..6].iter().all(u8::is_ascii_hexdigit) && bytes[6] == b'_'
}

/// A name with every `_xHHHH_` as the character that it stands for.
pub(in super::super) fn decoded(name: &str) -> String {
    let mut units = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let unit = is_escape(rest)
            .then(|| u16::from_str_radix(&rest[2..6], 16).ok())
            .flatten();
        let length = match unit {
            Some(unit) => {
                units.push(unit);
                7
            }
            None => {
                units.extend_from_slice(first.encode_utf16(&mut [0; 2]));
                first.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    String::from_utf16_lossy(&units)
}
