//! The functions of XPath 1.0.

use super::super::text::MAX_TEXT;
use super::xpath::{Context, Evaluation, Node, Outcome, truth};
use super::xpath_parse::Expr;

/// Calls a function.
///
/// # Errors
/// A function that is not known or not called with arguments that it takes.
pub(super) fn call(
    evaluation: &mut Evaluation<'_>,
    name: &str,
    arguments: &[Expr],
    context: Context,
) -> Result<Outcome, String> {
    let values = arguments
        .iter()
        .map(|argument| evaluation.expr(argument, context))
        .collect::<Result<Vec<_>, _>>()?;
    match (name, values.as_slice()) {
        ("last", []) => Ok(Outcome::Number(context.size as f64)),
        ("position", []) => Ok(Outcome::Number(context.position as f64)),
        ("count", [Outcome::Nodes(nodes)]) => Ok(Outcome::Number(nodes.len() as f64)),
        ("sum", [Outcome::Nodes(nodes)]) => {
            let mut sum = 0.0;
            for &node in nodes {
                sum += to_number(&evaluation.node_text(node)?);
            }
            Ok(Outcome::Number(sum))
        }
        ("local-name" | "name" | "namespace-uri", [] | [Outcome::Nodes(_)]) => {
            let node = match values.first() {
                Some(Outcome::Nodes(nodes)) => nodes.first().copied(),
                _ => Some(context.node),
            };
            let name = node.map(|node| node_name(evaluation, node, name));
            Ok(Outcome::Text(name.unwrap_or_default()))
        }
        ("boolean", [value]) => Ok(Outcome::Truth(truth(value))),
        ("not", [value]) => Ok(Outcome::Truth(!truth(value))),
        ("true", []) => Ok(Outcome::Truth(true)),
        ("false", []) => Ok(Outcome::Truth(false)),
        ("number", [value]) => evaluation.number(value).map(Outcome::Number),
        ("floor", [value]) => Ok(Outcome::Number(evaluation.number(value)?.floor())),
        ("ceiling", [value]) => Ok(Outcome::Number(evaluation.number(value)?.ceil())),
        ("round", [value]) => Ok(Outcome::Number((evaluation.number(value)? + 0.5).floor())),
        _ => on_texts(evaluation, name, &values, context),
    }
}

fn node_name(evaluation: &Evaluation<'_>, node: Node, part: &str) -> String {
    let Some(name) = evaluation.name(node) else {
        return String::new();
    };
    match part {
        "local-name" => name.local.clone(),
        "namespace-uri" => name.namespace.clone(),
        _ => name.written(),
    }
}

/// The functions that take texts.
fn on_texts(
    evaluation: &mut Evaluation<'_>,
    name: &str,
    values: &[Outcome],
    context: Context,
) -> Result<Outcome, String> {
    let mut texts = values
        .iter()
        .map(|value| evaluation.text(value))
        .collect::<Result<Vec<_>, _>>()?;
    if texts.is_empty() && matches!(name, "string" | "string-length" | "normalize-space" | "number") {
        texts.push(evaluation.node_text(context.node)?);
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let text = match (name, texts.as_slice()) {
        ("string", [text]) => (*text).to_owned(),
        ("number", [text]) => return Ok(Outcome::Number(to_number(text))),
        ("concat", [_, _, ..]) => texts.concat(),
        ("starts-with", [text, start]) => return Ok(Outcome::Truth(text.starts_with(start))),
        ("contains", [text, part]) => return Ok(Outcome::Truth(text.contains(part))),
        ("substring-before", [text, mark]) => text
            .split_once(mark)
            .map(|(before, _)| before)
            .unwrap_or_default()
            .to_owned(),
        ("substring-after", [text, mark]) => text
            .split_once(mark)
            .map(|(_, after)| after)
            .unwrap_or_default()
            .to_owned(),
        ("substring", [text, ..]) if matches!(values.len(), 2 | 3) => {
            let start = evaluation.number(&values[1])?;
            let length = values.get(2).map(|value| evaluation.number(value)).transpose()?;
            substring(text, start, length.unwrap_or(f64::INFINITY))
        }
        ("string-length", [text]) => return Ok(Outcome::Number(text.chars().count() as f64)),
        ("normalize-space", [text]) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        ("translate", [text, from, to]) => {
            evaluation.spend(text.len().saturating_mul(from.len()) / 64)?;
            translate(text, from, to)
        }
        _ => {
            return Err(format!(
                "the function '{name}' is not known, or not with these arguments"
            ));
        }
    };
    if text.len() > MAX_TEXT {
        return Err("the result is too large".to_owned());
    }
    Ok(Outcome::Text(text))
}

/// The characters at the positions from `start` on, counted from 1, as XPath rounds them.
fn substring(text: &str, start: f64, length: f64) -> String {
    let round = |number: f64| (number + 0.5).floor();
    let (first, end) = (round(start), round(start) + round(length));
    let within = |index: usize| {
        let position = index as f64 + 1.0;
        position >= first && position < end
    };
    text.chars()
        .enumerate()
        .filter(|(index, _)| within(*index))
        .map(|(_, c)| c)
        .collect()
}

fn translate(text: &str, from: &str, to: &str) -> String {
    let to: Vec<char> = to.chars().collect();
    let map = |c: char| match from.chars().position(|wanted| wanted == c) {
        Some(index) => to.get(index).copied(),
        None => Some(c),
    };
    text.chars().filter_map(map).collect()
}

/// The number that a text is, else NaN.
pub(super) fn to_number(text: &str) -> f64 {
    let text = text.trim();
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
    if plain {
        text.parse().unwrap_or(f64::NAN)
    } else {
        f64::NAN
    }
}

/// A number as XPath writes it.
pub(super) fn number_text(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if number == 0.0 {
        "0".to_owned()
    } else {
        format!("{number}")
    }
}
