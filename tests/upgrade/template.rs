//! The resources that hold data: CloudFormation replaces one that is renamed or keyed otherwise, and the data with it.

use serde_json::Value;

/// The resource with this logical id.
fn resource(template: &Value, id: &str) -> Value {
    let resource = &template["Resources"][id];
    assert!(resource.is_object(), "{id} is gone");
    resource.clone()
}

fn parsed(template: &str) -> Value {
    serde_saphyr::from_str(template).unwrap()
}

fn elements(list: &Value) -> Vec<Value> {
    list.as_array().cloned().unwrap_or_default()
}

#[test]
fn what_holds_data_keeps_its_logical_id_and_its_keys() {
    let then = parsed(include_str!("0.1.0/template.yaml"));
    let now = parsed(include_str!("../../template.yaml"));
    let resources = then["Resources"].as_object().unwrap();
    let keeps_data = |resource: &Value| {
        ["AWS::DynamoDB::Table", "AWS::Events::EventBus"].contains(&resource["Type"].as_str().unwrap())
    };
    let ids: Vec<_> = resources.iter().filter(|(_, resource)| keeps_data(resource)).map(|(id, _)| id).collect();

    assert_eq!(ids, ["Carts", "Catalog", "Events", "Orders"]);
    for id in ids {
        let [then, now] = [&then, &now].map(|template| resource(template, id));
        assert_eq!(now["Type"], then["Type"], "{id}");
        let [then, now] = [&then["Properties"], &now["Properties"]];
        // A property that CloudFormation can only change by replacing the resource.
        for name in ["KeySchema", "Name", "TableName"] {
            assert_eq!(now[name], then[name], "{id}.{name}");
        }
        // What was there stays: other indexes and their attributes may come beside.
        for name in ["AttributeDefinitions", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
            for element in elements(&then[name]) {
                assert!(elements(&now[name]).contains(&element), "{id}.{name} lacks {element}");
            }
        }
        assert_eq!(
            now["TimeToLiveSpecification"]["AttributeName"], then["TimeToLiveSpecification"]["AttributeName"],
            "{id} would delete by another attribute"
        );
    }
}
