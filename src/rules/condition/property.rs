//! What each property name means: the texts that a condition compares. A property that an incident has several times
//! (labels, tactics, entity properties) gives several texts.

use serde_json::Value;

use super::list::{Item, details};
use super::{Scope, Subject};
use crate::api::automation_rule::{Owner, PropertyName};
use crate::rules::evaluation::Occasion;
use crate::rules::{Author, EntityKind};

/// Where the texts of a property come from.
enum Source {
    /// The incident or its alerts.
    Incident(fn(&Scope) -> Vec<String>),
    /// All entities of this kind: their property of this name.
    Entity(EntityKind, &'static str),
}

/// The texts of a property.
pub(super) fn values(property: PropertyName, scope: &Scope) -> Vec<String> {
    match source(property) {
        Source::Incident(read) => read(scope),
        Source::Entity(kind, name) => entity_values(kind, name, scope.subject),
    }
}

/// The one table of property names.
fn source(property: PropertyName) -> Source {
    use EntityKind::{
        Account, AzureResource, CloudApplication, DnsResolution, File, FileHash, Host, IoTDevice, Ip, MailMessage,
        Mailbox, Malware, Process, RegistryKey, RegistryValue, Url,
    };
    use PropertyName as P;
    use Source::{Entity, Incident};
    match property {
        P::IncidentTitle => Incident(|scope| vec![scope.subject.view.incident.title.clone()]),
        P::IncidentDescription => Incident(|scope| vec![scope.subject.view.incident.description.clone()]),
        P::IncidentSeverity => Incident(|scope| vec![scope.subject.view.incident.severity.as_str().to_owned()]),
        P::IncidentStatus => Incident(|scope| vec![scope.subject.view.incident.status.as_str().to_owned()]),
        P::IncidentRelatedAnalyticRuleIds | P::AlertAnalyticRuleIds => Incident(|scope| rule_names(scope.subject)),
        P::IncidentTactics => Incident(|scope| owned(scope.subject.view.tactics())),
        P::IncidentLabel => Incident(labels),
        P::IncidentProviderName => Incident(|scope| vec![scope.subject.view.incident.provider_name.clone()]),
        P::IncidentUpdatedBySource => Incident(|scope| updated_by(scope.subject)),
        P::IncidentCustomDetailsKey => Incident(detail_keys),
        P::IncidentCustomDetailsValue => Incident(detail_values),
        P::AlertProductNames => Incident(|scope| owned(scope.subject.view.product_names())),
        P::AccountAadTenantId => Entity(Account, "aadTenantId"),
        P::AccountAadUserId => Entity(Account, "aadUserId"),
        P::AccountName => Entity(Account, "accountName"),
        P::AccountNTDomain => Entity(Account, "ntDomain"),
        P::AccountObjectGuid => Entity(Account, "objectGuid"),
        P::AccountPUID => Entity(Account, "puid"),
        P::AccountSid => Entity(Account, "sid"),
        P::AccountUPNSuffix => Entity(Account, "upnSuffix"),
        P::AzureResourceResourceId => Entity(AzureResource, "resourceId"),
        P::AzureResourceSubscriptionId => Entity(AzureResource, "subscriptionId"),
        P::CloudApplicationAppId => Entity(CloudApplication, "appId"),
        P::CloudApplicationAppName => Entity(CloudApplication, "appName"),
        P::DNSDomainName => Entity(DnsResolution, "domainName"),
        P::FileDirectory => Entity(File, "directory"),
        P::FileHashValue => Entity(FileHash, "hashValue"),
        P::FileName => Entity(File, "fileName"),
        P::HostAzureID => Entity(Host, "azureID"),
        P::HostName => Entity(Host, "hostName"),
        P::HostNetBiosName => Entity(Host, "netBiosName"),
        P::HostNTDomain => Entity(Host, "ntDomain"),
        P::HostOSVersion => Entity(Host, "osVersion"),
        P::IoTDeviceId => Entity(IoTDevice, "deviceId"),
        P::IoTDeviceModel => Entity(IoTDevice, "model"),
        P::IoTDeviceName => Entity(IoTDevice, "deviceName"),
        P::IoTDeviceOperatingSystem => Entity(IoTDevice, "operatingSystem"),
        P::IoTDeviceType => Entity(IoTDevice, "deviceType"),
        P::IoTDeviceVendor => Entity(IoTDevice, "vendor"),
        P::IPAddress => Entity(Ip, "address"),
        P::MailboxDisplayName => Entity(Mailbox, "displayName"),
        P::MailboxPrimaryAddress => Entity(Mailbox, "mailboxPrimaryAddress"),
        P::MailboxUPN => Entity(Mailbox, "upn"),
        P::MailMessageDeliveryAction => Entity(MailMessage, "deliveryAction"),
        P::MailMessageDeliveryLocation => Entity(MailMessage, "deliveryLocation"),
        P::MailMessageP1Sender => Entity(MailMessage, "p1Sender"),
        P::MailMessageP2Sender => Entity(MailMessage, "p2Sender"),
        P::MailMessageRecipient => Entity(MailMessage, "recipient"),
        P::MailMessageSenderIP => Entity(MailMessage, "senderIP"),
        P::MailMessageSubject => Entity(MailMessage, "subject"),
        P::MalwareCategory => Entity(Malware, "category"),
        P::MalwareName => Entity(Malware, "malwareName"),
        P::ProcessCommandLine => Entity(Process, "commandLine"),
        P::ProcessId => Entity(Process, "processId"),
        P::RegistryKey => Entity(RegistryKey, "key"),
        P::RegistryValueData => Entity(RegistryValue, "valueData"),
        P::Url => Entity(Url, "url"),
    }
}

/// Names of the analytics rules behind the incident or the alert; for alerts of other sources the rule of the source.
pub(super) fn rule_names(subject: Subject) -> Vec<String> {
    let of_incident = subject.view.incident.related_analytic_rules.iter();
    let of_alerts = subject
        .alerts()
        .flat_map(|alert| alert.analytics_rule.iter().chain([&alert.alert_type]));
    let of_alerts: Vec<_> = of_alerts.filter(|name| !name.is_empty()).collect();
    match subject.occasion {
        Occasion::AlertCreated { .. } => of_alerts.into_iter().cloned().collect(),
        Occasion::IncidentCreated { .. } | Occasion::IncidentUpdated { .. } => {
            of_incident.chain(of_alerts).cloned().collect()
        }
    }
}

/// The texts by which an owner can be named in a condition.
pub(super) fn owner_names(owner: &Owner) -> Vec<String> {
    let names = [
        &owner.object_id,
        &owner.user_principal_name,
        &owner.email,
        &owner.assigned_to,
    ];
    names.into_iter().flatten().cloned().collect()
}

/// The kind of the author in every spelling that rules use for it.
fn updated_by(subject: Subject) -> Vec<String> {
    let names: &[&str] = match subject.occasion.author() {
        Some(Author::Rule(_)) => &["Automation rule", "AutomationRule"],
        Some(Author::AlertGrouping) => &["Alert grouping", "AlertGrouping"],
        Some(author @ (Author::User(_) | Author::Playbook { .. } | Author::Application(_))) => &[author.source()],
        None => &[],
    };
    owned(names.to_vec())
}

fn labels(scope: &Scope) -> Vec<String> {
    match scope.item {
        Some(Item::Label(label)) => vec![label.to_owned()],
        Some(Item::Detail { .. } | Item::DetailValue(_)) | None => {
            let labels = scope.subject.view.incident.labels.iter();
            labels.map(|label| label.label_name.clone()).collect()
        }
    }
}

fn detail_keys(scope: &Scope) -> Vec<String> {
    match scope.item {
        Some(item @ Item::Detail { .. }) => key_of(item).into_iter().collect(),
        Some(Item::Label(_) | Item::DetailValue(_)) | None => details(scope).filter_map(key_of).collect(),
    }
}

fn detail_values(scope: &Scope) -> Vec<String> {
    match scope.item {
        Some(Item::DetailValue(value)) => vec![value.to_owned()],
        Some(item @ Item::Detail { .. }) => values_of(item).to_vec(),
        Some(Item::Label(_)) | None => details(scope).flat_map(values_of).cloned().collect(),
    }
}

fn key_of(item: Item) -> Option<String> {
    match item {
        Item::Detail { key, .. } => Some(key.to_owned()),
        Item::Label(_) | Item::DetailValue(_) => None,
    }
}

fn values_of(item: Item<'_>) -> &[String] {
    match item {
        Item::Detail { values, .. } => values,
        Item::Label(_) | Item::DetailValue(_) => &[],
    }
}

/// Entities are not merged here: each appearance may know another value, and each value counts.
fn entity_values(kind: EntityKind, name: &str, subject: Subject) -> Vec<String> {
    let of_alerts = subject.alerts().flat_map(|alert| &alert.entities);
    let entities = subject.view.incident.entities.iter().chain(of_alerts);
    let properties = entities
        .filter(|entity| entity.kind == kind)
        .flat_map(|entity| &entity.properties);
    let named = properties.filter(|(key, _)| key.eq_ignore_ascii_case(name));
    named.flat_map(|(_, value)| texts(value)).collect()
}

/// A value of an entity as texts; each item of a list counts.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        Value::Bool(truth) => vec![truth.to_string()],
        Value::Array(items) => items
            .iter()
            .filter_map(|item| item.as_str())
            .map(str::to_owned)
            .collect(),
        Value::Null | Value::Object(_) => Vec::new(),
    }
}

fn owned(names: Vec<&str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}
