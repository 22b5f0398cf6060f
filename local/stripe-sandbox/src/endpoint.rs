//! What an endpoint of the API is: a method, a path, parameters, and what it does.

use http::Method;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::protocol::check::check;
use crate::protocol::parameters::{Definitions, Fields};
use crate::protocol::refusal::Refusal;
use crate::state::State;
use crate::state::list::within;
use crate::state::table::Table;

/// Parameters that were checked: each has its type.
pub(crate) type Params = Map<String, Value>;
/// The object to answer with, whole; what was not asked for is left out later.
pub(crate) type Answer = Result<Value, Refusal>;

/// Parameters of endpoints that take nothing but `expand`, or nothing.
pub(crate) static COMMON: Definitions = Definitions::new(include_str!("../data/parameters/common.json"));

/// A request to one endpoint.
#[derive(Debug)]
pub(crate) struct Request {
    /// The id in the path; empty where there is none.
    pub(crate) id: String,
    pub(crate) params: Params,
}

/// An endpoint.
#[derive(Debug)]
pub(crate) struct Route {
    method: Method,
    /// The path below `/v1/`, with `{id}` in the place of an id.
    path: &'static str,
    definitions: &'static Definitions,
    /// The endpoint's name among the definitions.
    name: &'static str,
    act: fn(&mut State, &Request) -> Answer,
}

impl Route {
    pub(crate) const fn get(
        path: &'static str,
        (definitions, name): (&'static Definitions, &'static str),
        act: fn(&mut State, &Request) -> Answer,
    ) -> Self {
        Self { method: Method::GET, path, definitions, name, act }
    }

    pub(crate) const fn post(
        path: &'static str,
        (definitions, name): (&'static Definitions, &'static str),
        act: fn(&mut State, &Request) -> Answer,
    ) -> Self {
        Self { method: Method::POST, path, definitions, name, act }
    }

    pub(crate) const fn delete(path: &'static str, act: fn(&mut State, &Request) -> Answer) -> Self {
        Self { method: Method::DELETE, path, definitions: &COMMON, name: "delete", act }
    }

    /// An endpoint that looks up one object.
    pub(crate) const fn retrieve(path: &'static str, act: fn(&mut State, &Request) -> Answer) -> Self {
        Self::get(path, (&COMMON, "retrieve"), act)
    }

    /// The id in a path of this endpoint, which is empty where the endpoint has none; `None` for any other path.
    pub(crate) fn id(&self, method: &Method, path: &str) -> Option<String> {
        if self.method != *method {
            return None;
        }
        let mut id = "";
        let mut given = path.split('/');
        for own in self.path.split('/') {
            match given.next()? {
                segment if own == "{id}" => id = segment,
                segment if own == segment => {}
                _ => return None,
            }
        }
        given.next().is_none().then(|| percent_decode_str(id).decode_utf8_lossy().into_owned())
    }

    pub(crate) fn parameters(&self) -> &'static Fields {
        self.definitions.of(self.name)
    }

    /// Checks the parameters and does what the endpoint is for.
    pub(crate) fn answer(&self, state: &mut State, id: String, form: &Map<String, Value>) -> Answer {
        let params = check(form, self.parameters())?;
        (self.act)(state, &Request { id, params })
    }
}

/// The object of a table that a request names.
pub(crate) fn retrieve(table: &Table<Value>, request: &Request) -> Answer {
    table.found(&request.id).cloned()
}

/// Whether an object has the values that the filters name, and was created within the bounds.
pub(crate) fn matches(object: &Value, params: &Params, fields: &[&str]) -> bool {
    fields.iter().all(|field| params.get(*field).is_none_or(|wanted| object[*field] == *wanted))
        && within(params.get("created"), object["created"].as_i64().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_endpoint_and_its_id() {
        let route = Route::retrieve("checkout/sessions/{id}/line_items", |_, _| Ok(Value::Null));

        assert_eq!(route.id(&Method::GET, "checkout/sessions/cs_1/line_items"), Some("cs_1".to_owned()));
        let old = "checkout/sessions/a%2Fb%20c:1.0/line_items";
        assert_eq!(route.id(&Method::GET, old), Some("a/b c:1.0".to_owned()), "an id may have slashes and spaces");
        for other in ["checkout/sessions/cs_1", "checkout/sessions/cs_1/line_items/li_1", "products/cs_1/line_items"] {
            assert_eq!(route.id(&Method::GET, other), None, "{other}");
        }
        assert_eq!(route.id(&Method::POST, "checkout/sessions/cs_1/line_items"), None);
    }
}
