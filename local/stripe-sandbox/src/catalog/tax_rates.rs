//! Tax rates (<https://docs.stripe.com/api/tax_rates>).

use serde_json::{Value, json};

use super::reader::{Kind, Object, Read, Reader, missing};
use crate::endpoint::{Answer, Request, Route, matches, retrieve};
use crate::protocol::parameters::Definitions;
use crate::protocol::template::Template;
use crate::state::{State, list};

static PARAMETERS: Definitions = Definitions::new(include_str!("../../data/parameters/tax_rates.json"));
static TEMPLATE: Template = Template::new(include_str!("../../data/objects/tax_rate.json"));

pub(crate) static ROUTES: [Route; 2] = [
    Route::get("tax_rates", (&PARAMETERS, "list"), list),
    Route::retrieve("tax_rates/{id}", |state, request| retrieve(&state.tax_rates, request)),
];

/// A tax rate, as <https://docs.stripe.com/api/tax_rates/object> describes it.
pub(crate) fn tax_rate(given: &Object, now: i64) -> Read<Value> {
    let reader = Reader::new(given);
    let Some(percentage) = reader.percentage("percentage")? else {
        return missing("percentage");
    };
    let mut rate = reader.start(&TEMPLATE, &reader.id("txr")?, now)?;
    rate["display_name"] = json!(reader.required("display_name")?);
    rate["percentage"] = percentage.clone();
    rate["effective_percentage"] = percentage.clone();
    reader.take(&mut rate, Kind::Boolean, &["active", "inclusive"])?;
    let texts = ["country", "description", "jurisdiction", "jurisdiction_level", "state", "tax_type"];
    reader.take(&mut rate, Kind::Text, &texts)?;
    Ok(rate)
}

fn list(state: &mut State, request: &Request) -> Answer {
    let params = &request.params;
    list::page(&state.tax_rates, "/v1/tax_rates", params, |rate| matches(rate, params, &["active", "inclusive"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_exact_or_refused() {
        let rate = |percentage: Value| {
            let given = json!({ "id": "txr_a", "display_name": "Tax", "percentage": percentage });
            tax_rate(given.as_object().unwrap(), 0).map(|rate| rate["percentage"].clone())
        };

        for good in [json!(0), json!(8.625), json!(19), json!(100), json!(0.000_1)] {
            assert_eq!(rate(good.clone()), Ok(good));
        }
        for bad in [json!(-1), json!(100.1), json!(1e300), json!(1e-9), json!("19"), json!(null)] {
            assert!(rate(bad.clone()).is_err(), "{bad}");
        }
    }
}
