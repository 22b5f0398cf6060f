//! Lists and their pages (<https://docs.stripe.com/api/pagination>).

use serde_json::{Map, Value, json};

use super::table::Table;
use crate::protocol::refusal::Refusal;

/// The parameters of paging.
#[derive(Clone, Debug)]
pub(crate) struct Paging {
    limit: usize,
    after: Option<String>,
    before: Option<String>,
}

impl Paging {
    pub(crate) fn of(params: &Map<String, Value>) -> Result<Self, Refusal> {
        let limit = params.get("limit").and_then(Value::as_i64).unwrap_or(10);
        let bound = match limit {
            ..1 => "greater than or equal to 1",
            1..=100 => "",
            101.. => "less than or equal to 100",
        };
        if !bound.is_empty() {
            let message = format!("This value must be {bound} (it currently is '{limit}').");
            return Err(Refusal::coded("parameter_invalid_integer", "limit", message));
        }
        let text = |name: &str| params.get(name).and_then(Value::as_str).map(str::to_owned);
        let paging = Self {
            limit: usize::try_from(limit).unwrap_or(10),
            after: text("starting_after"),
            before: text("ending_before"),
        };
        if paging.after.is_some() && paging.before.is_some() {
            let message = "You can only provide one of `starting_after` and `ending_before`.";
            return Err(Refusal::invalid("ending_before", message));
        }
        Ok(paging)
    }

    /// Cuts one page out of rows that are in the order of the list.
    pub(crate) fn cut<'a, T: 'a>(
        &self,
        noun: &'static str,
        rows: impl Iterator<Item = (&'a str, &'a T)>,
        keep: impl Fn(&T) -> bool,
    ) -> Result<(Vec<&'a T>, bool), Refusal> {
        let mut passed = self.after.is_none();
        let mut reached = false;
        let mut page = std::collections::VecDeque::new();
        let mut more = false;
        for (id, row) in rows {
            if self.before.as_deref() == Some(id) {
                reached = true;
                break;
            }
            if passed && keep(row) {
                page.push_back(row);
                if page.len() > self.limit {
                    more = true;
                    if self.before.is_none() {
                        page.pop_back();
                        break;
                    }
                    page.pop_front();
                }
            }
            passed |= self.after.as_deref() == Some(id);
        }
        let unknown = match (&self.after, &self.before) {
            (Some(id), _) if !passed => Some((id, "starting_after")),
            (_, Some(id)) if !reached => Some((id, "ending_before")),
            _ => None,
        };
        match unknown {
            Some((id, param)) => Err(Refusal::UnknownReference { noun, id: id.clone(), param: param.to_owned() }),
            None => Ok((page.into(), more)),
        }
    }
}

/// A list object.
pub(crate) fn object(url: &str, data: Vec<Value>, has_more: bool) -> Value {
    json!({ "object": "list", "data": Value::Array(data), "has_more": has_more, "url": url })
}

/// One page of a table, newest first.
pub(crate) fn page(
    table: &Table<Value>,
    url: &str,
    params: &Map<String, Value>,
    keep: impl Fn(&Value) -> bool,
) -> Result<Value, Refusal> {
    let (rows, more) = Paging::of(params)?.cut(table.noun(), table.newest(), keep)?;
    Ok(object(url, rows.into_iter().cloned().collect(), more))
}

/// Whether a moment lies within the bounds of a `created` parameter.
pub(crate) fn within(bounds: Option<&Value>, moment: i64) -> bool {
    match bounds {
        None => true,
        Some(Value::Object(bounds)) => bounds.iter().all(|(name, bound)| {
            let bound = bound.as_i64().unwrap_or(0);
            match name.as_str() {
                "gt" => moment > bound,
                "gte" => moment >= bound,
                "lt" => moment < bound,
                _ => moment <= bound,
            }
        }),
        Some(exact) => exact.as_i64() == Some(moment),
    }
}
