//! Fields of its own that a shop asks for on the page.
//!
//! Source of the limits: <https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-custom_fields>

use serde_json::{Value, json};

use crate::protocol::json_text;
use crate::protocol::refusal::Refusal;
use crate::session::Session;

const MOST_FIELDS: usize = 3;
const MOST_OPTIONS: usize = 200;
const KEY: usize = 200;
const TEXT: usize = 100;
/// What a field without a `maximum_length` takes.
const ANSWER: i64 = 255;

/// Refuses fields that Stripe would refuse.
pub(super) fn check_custom_fields(params: &Value) -> Result<(), Refusal> {
    let fields = params["custom_fields"].as_array().map_or(&[][..], Vec::as_slice);
    if fields.len() > MOST_FIELDS {
        return Err(Refusal::too_many("custom_fields", MOST_FIELDS, "custom fields"));
    }
    for (index, field) in fields.iter().enumerate() {
        let param = format!("custom_fields[{index}]");
        is_word(&field["key"], KEY, &format!("{param}[key]"))?;
        if fields[..index].iter().any(|other| other["key"] == field["key"]) {
            return Err(Refusal::invalid(format!("{param}[key]"), "The keys of custom fields must be unique."));
        }
        is_short(&field["label"]["custom"], &format!("{param}[label][custom]"))?;
        check_type(field, &param)?;
    }
    Ok(())
}

/// Refuses what does not belong to the field's type.
fn check_type(field: &Value, param: &str) -> Result<(), Refusal> {
    let kind = json_text(&field["type"]);
    if let Some(other) =
        ["dropdown", "numeric", "text"].into_iter().find(|name| *name != kind && !field[*name].is_null())
    {
        let message = format!("You can only pass `{other}` with the type `{other}`.");
        return Err(Refusal::invalid(format!("{param}[{other}]"), message));
    }
    let detail = &field[kind];
    let param = format!("{param}[{kind}]");
    if kind != "dropdown" {
        let (least, most) = bounds(detail);
        if least < 0 || least > most || !(1..=ANSWER).contains(&most) {
            let message =
                format!("The lengths must lie between 1 and {ANSWER}, and the minimum not above the maximum.");
            return Err(Refusal::invalid(param, message));
        }
        return match detail["default_value"].as_str() {
            Some(default) => fits(field, default).map_err(|message| Refusal::invalid(param, message)),
            None => Ok(()),
        };
    }
    let options = detail["options"].as_array().map_or(&[][..], Vec::as_slice);
    if options.is_empty() {
        return Err(Refusal::MissingParam { param: format!("{param}[options]") });
    }
    if options.len() > MOST_OPTIONS {
        return Err(Refusal::too_many(format!("{param}[options]"), MOST_OPTIONS, "options"));
    }
    for (index, option) in options.iter().enumerate() {
        let param = format!("{param}[options][{index}]");
        is_short(&option["label"], &format!("{param}[label]"))?;
        is_word(&option["value"], TEXT, &format!("{param}[value]"))?;
        if options[..index].iter().any(|other| other["value"] == option["value"]) {
            return Err(Refusal::invalid(format!("{param}[value]"), "The values of options must be unique."));
        }
    }
    let default = &detail["default_value"];
    if default.is_string() && !options.iter().any(|option| option["value"] == *default) {
        return Err(Refusal::invalid(format!("{param}[default_value]"), "The default must be the value of an option."));
    }
    Ok(())
}

fn is_word(text: &Value, most: usize, param: &str) -> Result<(), Refusal> {
    let text = json_text(text);
    if text.len() <= most && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(Refusal::invalid(param, format!("Invalid {param}: must be alphanumeric, of up to {most} characters.")))
}

fn is_short(text: &Value, param: &str) -> Result<(), Refusal> {
    if json_text(text).chars().count() <= TEXT {
        return Ok(());
    }
    Err(Refusal::invalid(param, format!("Invalid {param}: must be at most {TEXT} characters.")))
}

fn bounds(detail: &Value) -> (i64, i64) {
    let length = |name: &str| detail[name].as_i64();
    (length("minimum_length").unwrap_or(0), length("maximum_length").unwrap_or(ANSWER))
}

/// Says why an answer is not one to the field.
fn fits(field: &Value, answer: &str) -> Result<(), String> {
    let label = json_text(&field["label"]["custom"]);
    let kind = json_text(&field["type"]);
    if kind == "dropdown" {
        let options = field["dropdown"]["options"].as_array().map_or(&[][..], Vec::as_slice);
        let is_option = options.iter().any(|option| option["value"] == answer);
        return if is_option { Ok(()) } else { Err(format!("{label}: choose one of the options.")) };
    }
    if kind == "numeric" && !answer.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("{label}: only digits are allowed."));
    }
    let (least, most) = bounds(&field[kind]);
    let length = i64::try_from(answer.chars().count()).unwrap_or(i64::MAX);
    if (least..=most).contains(&length) {
        return Ok(());
    }
    Err(format!("{label}: write from {least} to {most} characters."))
}

impl Session {
    /// The fields that the shop asks for.
    pub(crate) fn custom_fields(&self) -> &[Value] {
        self.params["custom_fields"].as_array().map_or(&[], Vec::as_slice)
    }

    /// Keeps the shopper's answers. A field that `given` lacks has its default.
    ///
    /// # Errors
    ///
    /// Refuses an answer that does not fit its field, and the lack of one that is required.
    pub(super) fn answer_fields(&mut self, given: &[(String, String)]) -> Result<(), Refusal> {
        let mut answers = Vec::new();
        for field in self.custom_fields() {
            let key = json_text(&field["key"]);
            let answer = custom_answer(field, given);
            let refused = |message: String| Refusal::invalid(format!("custom_fields[{key}]"), message);
            if !answer.is_empty() {
                fits(field, &answer).map_err(refused)?;
                answers.push((key.to_owned(), answer));
            } else if field["optional"] != true {
                return Err(refused(format!("{} is missing.", json_text(&field["label"]["custom"]))));
            }
        }
        self.custom_answers = answers;
        Ok(())
    }

    /// The fields with their answers, as the session's object shows them.
    pub(super) fn custom_fields_object(&self) -> Value {
        let shown = |field: &Value| {
            let kind = json_text(&field["type"]);
            let given = &field[kind];
            let answer = self.custom_answers.iter().find(|(key, _)| field["key"] == key.as_str());
            let mut detail =
                json!({ "default_value": given["default_value"], "value": answer.map(|(_, answer)| answer) });
            let names: &[&str] = if kind == "dropdown" { &["options"] } else { &["maximum_length", "minimum_length"] };
            for name in names {
                detail[name] = given[name].clone();
            }
            json!({
                "key": field["key"],
                "label": field["label"],
                "optional": field["optional"] == true,
                "type": kind,
                (kind): detail,
            })
        };
        self.custom_fields().iter().map(shown).collect()
    }
}

/// The shopper's answer to a field: what the form had, or what the page shows at first.
pub(crate) fn custom_answer(field: &Value, given: &[(String, String)]) -> String {
    let own = given.iter().find(|(key, _)| field["key"] == key.as_str());
    match own {
        Some((_, answer)) => answer.trim().to_owned(),
        None => json_text(&field[json_text(&field["type"])]["default_value"]).to_owned(),
    }
}
