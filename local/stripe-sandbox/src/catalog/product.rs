//! The product object (<https://docs.stripe.com/api/products/object>).

use serde_json::{Value, json};

use super::reader::{Kind, Object, Read, Reader};
use crate::protocol::template::Template;

static TEMPLATE: Template = Template::new(include_str!("../../data/objects/product.json"));

pub(crate) fn product(given: &Object, now: i64) -> Read<Value> {
    let reader = Reader::new(given);
    let mut product = reader.start(&TEMPLATE, &reader.id("prod")?, now)?;
    product["name"] = json!(reader.required("name")?);
    product["images"] = reader.texts("images")?;
    product["package_dimensions"] = dimensions(&reader)?;
    product["updated"] = product["created"].clone();
    reader.take(&mut product, Kind::Boolean, &["active", "shippable"])?;
    reader.take(&mut product, Kind::Integer, &["updated"])?;
    reader.take(&mut product, Kind::List, &["marketing_features"])?;
    reader.take(&mut product, Kind::Reference, &["default_price", "tax_code"])?;
    reader.take(&mut product, Kind::Text, &["description", "statement_descriptor", "unit_label", "url"])?;
    if let Some(kind) = reader.word("type", &["good", "service"])? {
        product["type"] = json!(kind);
    }
    if product["tax_code"].is_string() {
        product["tax_details"] = json!({ "performance_location": null, "tax_code": product["tax_code"] });
    }
    Ok(product)
}

fn dimensions(reader: &Reader<'_>) -> Read<Value> {
    let Some(dimensions) = reader.within("package_dimensions")? else { return Ok(Value::Null) };
    let mut sides = json!({ "height": 0, "length": 0, "weight": 0, "width": 0 });
    dimensions.take(&mut sides, Kind::Number, &["height", "length", "weight", "width"])?;
    Ok(sides)
}
