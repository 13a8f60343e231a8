//! Picking entities of a kind out of what playbooks have, and merging those of an incident.

use proptest::prelude::*;
use riposte::expression::Value;
use riposte::rules::body::{alert_trigger, incident_resource};
use riposte::rules::entities::{ExtractError, extract};
use riposte::rules::{EntityKind, IncidentView};
use serde_json::{Value as Json, json};

use super::{alert, entity, ids, view};

fn picked(kind: EntityKind, input: Json) -> Json {
    Json::from(&extract(kind, &Value::from(input)).expect("a list"))
}

#[test]
fn each_operation_answers_its_own_list() {
    let input = json!([
        {"kind": "Account", "properties": {"accountName": "ann", "ntDomain": "EX", "upnSuffix": "example.com", "aadUserId": "u"}},
        {"kind": "Host", "properties": {"hostName": "web-0", "netBiosName": "WEB", "azureID": "z", "osFamily": "Linux", "omsAgentID": "o"}},
        {"kind": "Ip", "properties": {"address": "10.0.0.7", "location": {"city": "Bern"}}},
        {"kind": "Url", "properties": {"url": "https://example.com/a"}},
        {"kind": "FileHash", "properties": {"hashValue": "abc", "algorithm": "MD5"}},
        {"kind": "DnsResolution", "properties": {"domainName": "example.com"}},
        {"kind": "SecurityAlert", "properties": {}},
        "not an entity"
    ]);
    for (kind, expected) in [
        (
            EntityKind::Account,
            json!({"Accounts": [{"Name": "ann", "NTDomain": "EX", "UPNSuffix": "example.com", "AadUserId": "u", "Type": "account"}]}),
        ),
        (
            EntityKind::Host,
            json!({"Hosts": [{"HostName": "web-0", "NetBiosName": "WEB", "AzureID": "z", "OSFamily": "Linux", "OMSAgentID": "o", "Type": "host"}]}),
        ),
        (
            EntityKind::Ip,
            json!({"IPs": [{"Address": "10.0.0.7", "Location": {"city": "Bern"}, "Type": "ip"}]}),
        ),
        (
            EntityKind::Url,
            json!({"URLs": [{"Url": "https://example.com/a", "Type": "url"}]}),
        ),
        (
            EntityKind::FileHash,
            json!({"Filehashes": [{"Value": "abc", "Algorithm": "MD5", "Type": "filehash"}]}),
        ),
        (
            EntityKind::DnsResolution,
            json!({"Dnsresolutions": [{"DomainName": "example.com", "Type": "dns"}]}),
        ),
    ] {
        assert_eq!(picked(kind, input.clone()), expected);
    }
}

#[test]
fn entities_of_an_alert_come_as_text_with_links() {
    let text =
        r#"[{"$id":"1","HostName":"web-0","Type":"host"},{"$id":"2","Address":"10.0.0.7","Type":"ip"},{"$ref":"2"}]"#;
    let expected = json!({"IPs": [{"Address": "10.0.0.7", "Type": "ip"}, {"Address": "10.0.0.7", "Type": "ip"}]});
    assert_eq!(picked(EntityKind::Ip, json!(text)), expected);
}

#[test]
fn nothing_is_an_empty_list() {
    for input in [Json::Null, json!(""), json!("null"), json!([]), json!("[]")] {
        assert_eq!(picked(EntityKind::Ip, input), json!({"IPs": []}));
    }
}

#[test]
fn what_is_no_list_is_refused() {
    let error = |kind, input: Json| extract(kind, &Value::from(input)).unwrap_err();
    assert!(matches!(error(EntityKind::Ip, json!("[{")), ExtractError::NotJson(_)));
    assert_eq!(error(EntityKind::Ip, json!(7)), ExtractError::NotAList);
    assert_eq!(
        error(EntityKind::Malware, json!([])),
        ExtractError::Kind(EntityKind::Malware)
    );
}

#[test]
fn triggers_and_operations_fit_together() {
    let ips = json!({"IPs": [{"Address": "10.0.0.7", "Type": "ip"}, {"Address": "203.0.113.9", "Type": "ip"}]});
    let body = alert_trigger(&alert(), &ids());
    assert_eq!(
        Json::from(&extract(EntityKind::Ip, body.get("Entities").unwrap()).unwrap()),
        ips
    );
    let incident = incident_resource(&view(), &ids());
    let related = incident.at(&["properties", "relatedEntities"]).unwrap();
    let picked = Json::from(&extract(EntityKind::Ip, related).unwrap());
    let addresses: Vec<_> = picked["IPs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|ip| &ip["Address"])
        .collect();
    assert_eq!(addresses, ["10.0.0.7", "203.0.113.9"]);
}

#[test]
fn an_incident_has_each_entity_once_with_all_its_facts() {
    let (mut first, mut second) = (alert(), alert());
    first.entities = vec![entity(EntityKind::Host, json!({"hostName": "web-0"}))];
    second.entities = vec![
        entity(EntityKind::Host, json!({"hostName": "WEB-0", "osFamily": "Linux"})),
        entity(EntityKind::Ip, json!({"address": "10.0.0.7"})),
    ];
    let view = IncidentView {
        alerts: vec![first, second],
        ..IncidentView::default()
    };
    let entities = view.entities();
    assert_eq!(entities.len(), 2);
    assert_eq!(
        entities[0],
        entity(EntityKind::Host, json!({"hostName": "web-0", "osFamily": "Linux"}))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_breaks_it(text in ".{0,200}") {
        let _ = extract(EntityKind::Ip, &Value::from(text.as_str()));
        let _ = extract(EntityKind::Account, &Value::from(json!([{"Type": text, "Name": text}, {"$ref": text}])));
    }
}
