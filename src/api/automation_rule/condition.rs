//! Conditions of automation rules: the closed grammar of Microsoft Sentinel. Groups nest two levels deep and no
//! deeper, so each level has a type of its own and the schema has no recursion.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::cel;

use super::set::{
    ArrayChange, ArrayConditionType, ArrayType, ChangeType, ChangedArray, ChangedProperty, GroupOperator, Operator,
    PropertyName,
};

/// A condition. Exactly one field is set.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Condition {
    /// A property compared with values.
    Property(PropertyCondition),
    /// A property that changed; only for `triggersWhen: Updated`.
    PropertyChanged(PropertyChangedCondition),
    /// Something added to a list; only for `triggersWhen: Updated`.
    PropertyArrayChanged(PropertyArrayChangedCondition),
    /// Items of a list compared.
    PropertyArray(PropertyArrayCondition),
    /// A group of conditions joined by And or Or.
    Boolean(GroupCondition),
}

/// A member of a group. Exactly one field is set.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum GroupMember {
    /// A property compared with values.
    Property(PropertyCondition),
    /// A property that changed; only for `triggersWhen: Updated`.
    PropertyChanged(PropertyChangedCondition),
    /// Something added to a list; only for `triggersWhen: Updated`.
    PropertyArrayChanged(PropertyArrayChangedCondition),
    /// Items of a list compared.
    PropertyArray(PropertyArrayCondition),
    /// A group inside a group, the last level.
    Boolean(InnerGroupCondition),
}

/// A condition that is no group. Exactly one field is set.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PlainCondition {
    /// A property compared with values.
    Property(PropertyCondition),
    /// A property that changed; only for `triggersWhen: Updated`.
    PropertyChanged(PropertyChangedCondition),
    /// Something added to a list; only for `triggersWhen: Updated`.
    PropertyArrayChanged(PropertyArrayChangedCondition),
    /// Items of a list compared.
    PropertyArray(PropertyArrayCondition),
}

/// Compares a property with values; a positive operator holds if any value matches, a negative one if none does.
/// Of a property with several values (tags, tactics, entities) one matching value is enough for a positive operator.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PropertyCondition {
    /// The property.
    pub property_name: PropertyName,
    /// The comparison; case does not matter.
    pub operator: Operator,
    /// The values, 1 to 1000 of at most 4096 characters.
    #[schemars(length(min = 1, max = 1000), inner(length(max = 4096)))]
    pub property_values: Vec<String>,
}

/// Holds when a property changed in this update.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [
    cel::rule(
        "has(self.changeType) || !has(self.operator) && (!has(self.propertyValues) || size(self.propertyValues) == 0)",
        cel::VALUES_NEED_CHANGE_TYPE,
    ),
    cel::rule(
        "!has(self.changeType) || has(self.propertyValues) && size(self.propertyValues) > 0",
        cel::CHANGE_TYPE_NEEDS_VALUES,
    ),
]))]
pub struct PropertyChangedCondition {
    /// The property.
    pub property_name: ChangedProperty,
    /// From or to the values. Absent: any change, and then there are no operator and no values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_type: Option<ChangeType>,
    /// The comparison with the values. Absent: `Equals`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Operator>,
    /// The values, at most 1000 of at most 4096 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000), inner(length(max = 4096)))]
    pub property_values: Vec<String>,
}

/// Holds when something was added in this update.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PropertyArrayChangedCondition {
    /// The list.
    pub array_type: ChangedArray,
    /// What happened to it. Defaults to `Added`.
    #[serde(default)]
    pub change_type: ArrayChange,
}

/// Compares the items of a list.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [
    cel::rule("self.arrayType != 'CustomDetailValues'", cel::VALUES_ONLY_INSIDE),
]))]
pub struct PropertyArrayCondition {
    /// The list.
    pub array_type: ArrayType,
    /// How many items must satisfy the item conditions. Defaults to `AnyItem`.
    #[serde(default)]
    pub array_condition_type: ArrayConditionType,
    /// What an item must satisfy, 1 to 50; all of them.
    #[schemars(length(min = 1, max = 50))]
    pub item_conditions: Vec<ItemCondition>,
}

/// What an item of a list must satisfy. Exactly one field is set.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ItemCondition {
    /// A property of the item, such as `IncidentCustomDetailsKey`.
    Property(PropertyCondition),
    /// The values of a custom detail.
    PropertyArray(DetailValuesCondition),
}

/// Compares the values of a custom detail.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DetailValuesCondition {
    /// The list, `CustomDetailValues`.
    pub array_type: ArrayType,
    /// How many values must satisfy the conditions. Defaults to `AnyItem`.
    #[serde(default)]
    pub array_condition_type: ArrayConditionType,
    /// What a value must satisfy, 1 to 50; all of them.
    #[schemars(length(min = 1, max = 50))]
    pub item_conditions: Vec<DetailValueCondition>,
}

/// What a value of a custom detail must satisfy. Exactly one field is set.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DetailValueCondition {
    /// The value itself, as `IncidentCustomDetailsValue`.
    Property(PropertyCondition),
}

/// A group of conditions.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupCondition {
    /// How the members are joined.
    pub operator: GroupOperator,
    /// The members, 1 to 50.
    #[schemars(length(min = 1, max = 50))]
    pub inner_conditions: Vec<GroupMember>,
}

/// A group inside a group.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InnerGroupCondition {
    /// How the members are joined.
    pub operator: GroupOperator,
    /// The members, 1 to 50.
    #[schemars(length(min = 1, max = 50))]
    pub inner_conditions: Vec<PlainCondition>,
}
