//! The ARM functions that need nothing but their arguments, one row each; the examples are the tests.

use super::{collection, network, number, text, time};
use crate::expression::Value;

/// What a function does with its arguments; the error says what is wrong with them.
type Call = fn(&[Value]) -> Result<Value, String>;

/// What a function does where an argument is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GivenOpen {
    /// It hands them on unchanged.
    HandsOn,
    /// Its result is open too.
    StaysOpen,
    /// It takes what stands in for them, and says so.
    TakesStandIn,
}

/// One function.
pub(super) struct Function {
    /// Name in lower case.
    pub name: &'static str,
    /// Fewest arguments.
    pub least: usize,
    /// Most arguments.
    pub most: usize,
    /// What it does with open values.
    pub given_open: GivenOpen,
    /// What it does.
    pub call: Call,
    /// Expressions and the JSON of their values.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the tests and by people"))]
    pub examples: &'static [(&'static str, &'static str)],
}

impl Function {
    /// The number of arguments in words.
    pub(super) fn arity(&self) -> String {
        match (self.least, self.most) {
            (least, most) if least == most => least.to_string(),
            (least, MANY) => format!("{least} or more"),
            (least, most) => format!("{least} to {most}"),
        }
    }
}

const MANY: usize = usize::MAX;

type Examples = &'static [(&'static str, &'static str)];

/// A function that answers a question about its arguments.
const fn asks(name: &'static str, least: usize, most: usize, call: Call, examples: Examples) -> Function {
    Function {
        name,
        least,
        most,
        given_open: GivenOpen::TakesStandIn,
        call,
        examples,
    }
}

/// A function that makes another value of its arguments.
const fn makes(name: &'static str, least: usize, most: usize, call: Call, examples: Examples) -> Function {
    Function {
        name,
        least,
        most,
        given_open: GivenOpen::StaysOpen,
        call,
        examples,
    }
}

/// A function that hands its arguments on.
const fn hands_on(name: &'static str, least: usize, most: usize, call: Call, examples: Examples) -> Function {
    Function {
        name,
        least,
        most,
        given_open: GivenOpen::HandsOn,
        call,
        examples,
    }
}

/// The function of a lower-case name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// Every function.
#[rustfmt::skip]
pub(super) const FUNCTIONS: &[Function] = &[
    // Text.
    hands_on("concat", 0, MANY, text::concat, &[("concat('a', 1, false())", "\"a1False\""), ("concat(createArray(1), createArray(2))", "[1,2]")]),
    hands_on("format", 1, MANY, text::format, &[("format('{1}-{0} {{x}}', 'a', 2)", "\"2-a {x}\"")]),
    hands_on("string", 1, 1, text::string, &[("string(createArray('a', 1))", "\"[\\\"a\\\",1]\""), ("string('a')", "\"a\"")]),
    makes("tolower", 1, 1, text::to_lower, &[("toLower('AbC')", "\"abc\"")]),
    makes("toupper", 1, 1, text::to_upper, &[("toUpper('AbC')", "\"ABC\"")]),
    makes("trim", 1, 1, text::trim, &[("trim('  a b ')", "\"a b\"")]),
    makes("replace", 3, 3, text::replace, &[("replace('a-b-c', '-', '')", "\"abc\"")]),
    makes("substring", 2, 3, text::substring, &[("substring('abcdef', 1, 3)", "\"bcd\""), ("substring('abc', 1)", "\"bc\"")]),
    makes("split", 2, 2, text::split, &[("split('a,b;c', createArray(',', ';'))", "[\"a\",\"b\",\"c\"]"), ("split('a,b', ',')", "[\"a\",\"b\"]")]),
    makes("join", 2, 2, text::join, &[("join(createArray('a', 2), '-')", "\"a-2\"")]),
    asks("startswith", 2, 2, text::starts_with, &[("startsWith('Abc', 'aB')", "true")]),
    asks("endswith", 2, 2, text::ends_with, &[("endsWith('abC', 'Bc')", "true")]),
    asks("indexof", 2, 2, text::index_of, &[("indexOf('Hello', 'L')", "2"), ("indexOf('a', 'b')", "-1"), ("indexOf(createArray('a', 'b'), 'b')", "1")]),
    asks("lastindexof", 2, 2, text::last_index_of, &[("lastIndexOf('Hello', 'l')", "3"), ("lastIndexOf(createArray(1, 2, 1), 1)", "2")]),
    makes("padleft", 2, 3, text::pad_left, &[("padLeft('12', 4, '0')", "\"0012\"")]),
    makes("base64", 1, 1, text::base64, &[("base64('one')", "\"b25l\"")]),
    makes("base64tostring", 1, 1, text::base64_to_string, &[("base64ToString('b25l')", "\"one\"")]),
    hands_on("uri", 2, 2, text::uri, &[("uri('https://a.b/c/d', 'e.json')", "\"https://a.b/c/e.json\""), ("uri('https://a.b', '/x')", "\"https://a.b/x\""), ("uri('https://a.b/', '/x')", "\"https://a.b/x\"")]),
    makes("uricomponent", 1, 1, text::uri_component, &[("uriComponent('a b/ü')", "\"a%20b%2F%C3%BC\"")]),
    makes("uricomponenttostring", 1, 1, text::uri_component_to_string, &[("uriComponentToString('a%20b')", "\"a b\"")]),
    makes("parseuri", 1, 1, text::parse_uri, &[("parseUri('https://a.b:8080/c?d=e')", "{\"scheme\":\"https\",\"host\":\"a.b\",\"port\":8080,\"path\":\"/c\",\"query\":\"?d=e\"}"), ("parseUri('https://a.b').port", "null")]),
    makes("builduri", 1, 1, text::build_uri, &[("buildUri(createObject('scheme', 'https', 'host', 'a.b', 'path', 'c', 'query', '?d=e'))", "\"https://a.b/c?d=e\""), ("buildUri(parseUri('https://a.b:8080/c'))", "\"https://a.b:8080/c\"")]),
    asks("uniquestring", 1, MANY, text::unique_string, &[("equals(uniqueString('a'), uniqueString('a'))", "true"), ("length(uniqueString('a', 'b'))", "13")]),
    asks("guid", 1, MANY, text::guid, &[("equals(guid('a'), guid('b'))", "false"), ("length(guid('a'))", "36")]),
    makes("datauri", 1, 1, text::data_uri, &[("dataUri('a')", "\"data:text/plain;charset=utf8;base64,YQ==\"")]),
    makes("datauritostring", 1, 1, text::data_uri_to_string, &[("dataUriToString('data:;base64,YQ==')", "\"a\""), ("dataUriToString('data:,a%20b')", "\"a b\"")]),
    makes("base64tojson", 1, 1, text::base64_to_json, &[("base64ToJson('eyJhIjoxfQ==')", "{\"a\":1}")]),
    // Networks, and the zones of regions, of which every region is taken to have three.
    makes("parsecidr", 1, 1, network::parse_cidr, &[("parseCidr('10.144.0.0/20')", "{\"network\":\"10.144.0.0\",\"netmask\":\"255.255.240.0\",\"broadcast\":\"10.144.15.255\",\"firstUsable\":\"10.144.0.1\",\"lastUsable\":\"10.144.15.254\",\"cidr\":20}"), ("parseCidr('fdad:3236:5555::/48').netmask", "\"ffff:ffff:ffff::\"")]),
    makes("cidrsubnet", 3, 3, network::cidr_subnet, &[("cidrSubnet('10.144.0.0/20', 24, 1)", "\"10.144.1.0/24\""), ("cidrSubnet('fdad:3236:5555::/48', 52, 1)", "\"fdad:3236:5555:1000::/52\"")]),
    makes("cidrhost", 2, 2, network::cidr_host, &[("cidrHost('10.144.3.0/24', 0)", "\"10.144.3.1\""), ("cidrHost('fdad:3236:5555:3000::/52', 1)", "\"fdad:3236:5555:3000::2\"")]),
    asks("pickzones", 3, 5, network::pick_zones, &[("pickZones('Microsoft.Compute', 'virtualMachines', 'westus2')", "[\"1\"]"), ("pickZones('A', 'b', 'c', 2, 2)", "[\"3\",\"1\"]")]),
    // Times.
    makes("datetimeadd", 2, 3, time::add, &[("dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y2M', 'yyyy-MM-dd')", "\"2023-06-07\""), ("dateTimeAdd('2020-04-07T14:53:14Z', '-PT1H')", "\"2020-04-07T13:53:14Z\"")]),
    makes("datetimetoepoch", 1, 1, time::to_epoch, &[("dateTimeToEpoch('2020-01-01T00:00:00Z')", "1577836800")]),
    makes("datetimefromepoch", 1, 1, time::from_epoch, &[("dateTimeFromEpoch(1577836800)", "\"2020-01-01T00:00:00Z\"")]),
    // Truth and comparison.
    asks("true", 0, 0, |_| Ok(Value::Bool(true)), &[("true()", "true")]),
    asks("false", 0, 0, |_| Ok(Value::Bool(false)), &[("false()", "false")]),
    asks("null", 0, 0, |_| Ok(Value::Null), &[("null()", "null")]),
    asks("not", 1, 1, number::not, &[("not(true())", "false")]),
    asks("and", 1, MANY, number::and, &[("and(true(), equals(1, 2))", "false")]),
    asks("or", 1, MANY, number::or, &[("or(false(), equals(1, 1))", "true")]),
    asks("equals", 2, 2, number::equals, &[("equals('a', 'A')", "false"), ("equals(createArray(1), createArray(1))", "true")]),
    asks("greater", 2, 2, |arguments| number::compare(arguments, std::cmp::Ordering::is_gt), &[("greater(2, 1)", "true")]),
    asks("greaterorequals", 2, 2, |arguments| number::compare(arguments, std::cmp::Ordering::is_ge), &[("greaterOrEquals(1, 1)", "true")]),
    asks("less", 2, 2, |arguments| number::compare(arguments, std::cmp::Ordering::is_lt), &[("less('a', 'b')", "true")]),
    asks("lessorequals", 2, 2, |arguments| number::compare(arguments, std::cmp::Ordering::is_le), &[("lessOrEquals(2, 1)", "false")]),
    asks("bool", 1, 1, number::bool, &[("bool('True')", "true"), ("bool(0)", "false")]),
    // Numbers.
    makes("int", 1, 1, number::int, &[("int('12')", "12")]),
    makes("float", 1, 1, number::float, &[("float('1.5')", "1.5"), ("float(2)", "2.0")]),
    makes("add", 2, 2, |arguments| number::calculate(arguments, i64::checked_add), &[("add(1, -3)", "-2")]),
    makes("sub", 2, 2, |arguments| number::calculate(arguments, i64::checked_sub), &[("sub(1, 3)", "-2")]),
    makes("mul", 2, 2, |arguments| number::calculate(arguments, i64::checked_mul), &[("mul(2, 3)", "6")]),
    makes("div", 2, 2, |arguments| number::calculate(arguments, i64::checked_div), &[("div(7, 2)", "3")]),
    makes("mod", 2, 2, |arguments| number::calculate(arguments, i64::checked_rem), &[("mod(7, 2)", "1")]),
    makes("min", 1, MANY, |arguments| number::extreme(arguments, i64::min), &[("min(2, 1)", "1"), ("min(createArray(3, 2))", "2")]),
    makes("max", 1, MANY, |arguments| number::extreme(arguments, i64::max), &[("max(2, 1)", "2")]),
    // Arrays and objects.
    hands_on("array", 1, 1, collection::array, &[("array('a')", "[\"a\"]"), ("array(createArray(1))", "[1]")]),
    hands_on("createarray", 0, MANY, |arguments| Ok(Value::array(arguments.to_vec())), &[("createArray(1, 'a')", "[1,\"a\"]")]),
    hands_on("createobject", 0, MANY, collection::create_object, &[("createObject('a', 1, 'b', true())", "{\"a\":1,\"b\":true}")]),
    hands_on("union", 1, MANY, collection::union, &[("union(createArray(1, 2), createArray(2, 3))", "[1,2,3]"), ("union(createObject('a', 1), createObject('a', 2, 'b', 3))", "{\"a\":2,\"b\":3}")]),
    makes("intersection", 1, MANY, collection::intersection, &[("intersection(createArray(1, 2), createArray(2, 3))", "[2]")]),
    hands_on("coalesce", 1, MANY, collection::coalesce, &[("coalesce(null(), 'a')", "\"a\"")]),
    makes("json", 1, 1, collection::json, &[("json('{\"a\": [1]}')", "{\"a\":[1]}")]),
    asks("empty", 1, 1, collection::empty, &[("empty('')", "true"), ("empty(createArray(1))", "false"), ("empty(null())", "true")]),
    asks("length", 1, 1, collection::length, &[("length('abc')", "3"), ("length(createArray(1))", "1")]),
    asks("contains", 2, 2, collection::contains, &[("contains('abc', 'b')", "true"), ("contains(createObject('A', 1), 'a')", "true"), ("contains(createArray(1, 2), 2)", "true")]),
    makes("first", 1, 1, collection::first, &[("first('abc')", "\"a\""), ("first(createArray(1, 2))", "1")]),
    makes("last", 1, 1, collection::last, &[("last('abc')", "\"c\""), ("last(createArray(1, 2))", "2")]),
    makes("skip", 2, 2, collection::skip, &[("skip('abc', 1)", "\"bc\""), ("skip(createArray(1, 2), 1)", "[2]")]),
    makes("take", 2, 2, collection::take, &[("take('abc', 2)", "\"ab\""), ("take(createArray(1, 2), 5)", "[1,2]")]),
    makes("items", 1, 1, collection::items, &[("items(createObject('b', 1, 'a', 2))", "[{\"key\":\"a\",\"value\":2},{\"key\":\"b\",\"value\":1}]")]),
    makes("objectkeys", 1, 1, collection::object_keys, &[("objectKeys(createObject('b', 1, 'a', 2))", "[\"a\",\"b\"]")]),
    hands_on("shallowmerge", 1, 1, collection::shallow_merge, &[("shallowMerge(createArray(createObject('a', 1), createObject('a', 2)))", "{\"a\":2}")]),
    makes("flatten", 1, 1, collection::flatten, &[("flatten(createArray(createArray(1), createArray(2, 3)))", "[1,2,3]")]),
    makes("indexfromend", 2, 2, collection::index_from_end, &[("indexFromEnd(createArray(1, 2), 1)", "2")]),
    makes("tryindexfromend", 2, 2, |arguments| Ok(collection::index_from_end(arguments).unwrap_or_default()), &[("tryIndexFromEnd(createArray(1), 2)", "null")]),
    asks("range", 2, 2, collection::range, &[("range(5, 2)", "[5,6]")]),
];
