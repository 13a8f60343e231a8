//! Rules of the schemas that compare fields: CEL, which the API server runs at admission. Each says the same as a check
//! in `api::checks`, in the same words: a manifest that `validate` refuses, the API server refuses for the same reason.

use serde_json::{Value, json};

pub(super) const ONE_DEFINITION: &str = "exactly one of `definition` and `definitionText` must be set";
pub(super) const ONE_VALUE: &str = "exactly one of `value` and `valueFrom` must be set";
pub(super) const RESERVED_NAME: &str = "`$connections` is made of `spec.connections`; name the connections there";
pub(super) const NO_ADDRESS: &str = "this is no address; write it like `https://host/path`";
pub(super) const NO_HOST: &str = "this is no host; write `host` or `host:port`, without scheme and path";
pub(super) const NO_NETWORK: &str = "this is no network in CIDR form; write it like `10.20.0.0/16`";
pub(super) const ALERTS_ONLY_CREATED: &str =
    "a rule on alerts can only trigger when they are created; use `triggersWhen: Created`";
pub(super) const ALERTS_ONLY_RUN_PLAYBOOK: &str = "a rule on alerts can only run playbooks";
pub(super) const NEEDS_UPDATED: &str = "changes of incidents are seen only with `triggersWhen: Updated`";
pub(super) const VALUES_NEED_CHANGE_TYPE: &str = "values need `changeType`: `ChangedFrom` or `ChangedTo`";
pub(super) const CHANGE_TYPE_NEEDS_VALUES: &str =
    "`changeType` needs `propertyValues`; without both every change counts";
pub(super) const VALUES_ONLY_INSIDE: &str =
    "`CustomDetailValues` stands only inside a `propertyArray` over `CustomDetails`";
pub(super) const NOTHING_TO_DO: &str = "`modifyProperties` must set at least one field";
pub(super) const NEEDS_CLASSIFICATION: &str =
    "closing needs a `classification`: Undetermined, TruePositive, BenignPositive or FalsePositive";
pub(super) const NEEDS_REASON: &str =
    "`FalsePositive` needs a `classificationReason`: IncorrectAlertLogic or InaccurateData";
pub(super) const ONLY_CLOSED: &str = "a classification goes only with `status: Closed`";
pub(super) const WRONG_REASON: &str = "the `classificationReason` does not go with the `classification`";
pub(super) const RUN_IS_IMMUTABLE: &str = "the spec of a run cannot be changed but for `desiredState`";
pub(super) const STAYS_CANCELLED: &str = "a cancelled run cannot go on; create another run";
pub(super) const NO_DURATION: &str = "this is no duration; write it like `5m` or `PT5M`";
pub(super) const NEEDS_SCHEDULE: &str =
    "a scheduled rule needs `queryFrequency`, `queryPeriod`, `triggerOperator` and `triggerThreshold`";
pub(super) const SELECTED_NEEDS_GROUPS: &str =
    "`matchingMethod: Selected` needs `groupByEntities`, `groupByAlertDetails` or `groupByCustomDetails`";
pub(super) const ONE_REVISION: &str = "only one of `branch`, `tag`, `semver` and `commit` can be set";

/// One rule of `x-kubernetes-validations`.
pub(super) fn rule(rule: &str, message: &str) -> Value {
    json!({ "rule": rule, "message": message })
}

/// The given rules and those about closing an incident, which rules and people keep alike.
pub(super) fn with_closing(rules: &[Value]) -> Vec<Value> {
    let closing = [
        rule(
            "!has(self.status) || self.status != 'Closed' || has(self.classification)",
            NEEDS_CLASSIFICATION,
        ),
        rule(
            "!has(self.classification) || self.classification != 'FalsePositive' || has(self.classificationReason)",
            NEEDS_REASON,
        ),
        rule(
            "has(self.status) && self.status == 'Closed' || \
             !has(self.classification) && !has(self.classificationReason) && !has(self.classificationComment)",
            ONLY_CLOSED,
        ),
        rule(
            "!has(self.classification) || !has(self.classificationReason) || \
             self.classificationReason in {'Undetermined': [], 'TruePositive': ['SuspiciousActivity'], \
             'BenignPositive': ['SuspiciousButExpected'], \
             'FalsePositive': ['IncorrectAlertLogic', 'InaccurateData']}[self.classification]",
            WRONG_REASON,
        ),
    ];
    rules.iter().cloned().chain(closing).collect()
}
