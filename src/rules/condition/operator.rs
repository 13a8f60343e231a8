//! The eight operators. Case never matters. A positive operator holds if any element matches any value; a negative one
//! if no element matches any value, so it also holds where there is no element.

use crate::api::automation_rule::Operator;

/// Compares the elements of a property with the values of a condition.
pub(super) fn compare(operator: Operator, elements: &[String], values: &[String]) -> bool {
    let any = |matches: fn(&str, &str) -> bool| {
        let values: Vec<_> = values.iter().map(|value| value.to_lowercase()).collect();
        let matches_a_value = |element: &str| values.iter().any(|value| matches(element, value));
        elements.iter().any(|element| matches_a_value(&element.to_lowercase()))
    };
    match operator {
        Operator::Equals => any(|element, value| element == value),
        Operator::NotEquals => !any(|element, value| element == value),
        Operator::Contains => any(|element, value| element.contains(value)),
        Operator::NotContains => !any(|element, value| element.contains(value)),
        Operator::StartsWith => any(|element, value| element.starts_with(value)),
        Operator::NotStartsWith => !any(|element, value| element.starts_with(value)),
        Operator::EndsWith => any(|element, value| element.ends_with(value)),
        Operator::NotEndsWith => !any(|element, value| element.ends_with(value)),
    }
}
