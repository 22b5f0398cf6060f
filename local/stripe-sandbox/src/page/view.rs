//! The hosted page as HTML.

use maud::{Markup, html};
use serde_json::Value;

use super::form::countries;
use super::frame::document;
use crate::checkout::{Answers, custom_answer};
use crate::money::currency;
use crate::protocol::json_text;
use crate::session::{Line, Session, Status, shipping_amount};
use crate::state::State;

pub(super) fn ended(session: &Session) -> String {
    let (title, text) = match session.status {
        Status::Expired => {
            ("This checkout session has expired", "Nothing was charged. Go back to the shop to start again.")
        }
        Status::Complete | Status::Open => ("This checkout session is complete", "There is nothing left to pay here."),
    };
    let onward = match session.status {
        Status::Complete => session.success_url(),
        Status::Open | Status::Expired => session.cancel_url().map(str::to_owned),
    };
    document(
        title,
        &html! {
            header { h1 { (title) } span.badge { "SANDBOX" } }
            div.card {
                p { (text) }
                @if let Some(url) = onward { p { a href=(url) { "Continue to the shop" } } }
            }
        },
    )
}

pub(super) fn page(state: &State, session: &Session, answers: &Answers, error: Option<&str>) -> String {
    let content = html! {
        header {
            h1 { @if let Some(url) = session.cancel_url() { a href=(url) rel="back" { "← Back" } } @else { "Checkout" } }
            span.badge { "SANDBOX" }
        }
        @if let Some(error) = error { p.error role="alert" { (error) } }
        form method="post" {
            // The first button of a form is the one that the enter key presses.
            button hidden name="action" value="pay" tabindex="-1" aria-hidden="true" {}
            div.columns {
                section.card aria-label="Order" { (summary(state, session, answers)) }
                section.card aria-label="Payment" { (details(session, answers)) }
            }
        }
    };
    document("Checkout", &content)
}

fn summary(state: &State, session: &Session, answers: &Answers) -> Markup {
    let totals = session.totals();
    let money = |amount| currency::format(amount, &session.currency);
    let adjustable = session
        .lines
        .iter()
        .any(|line| line.pricing.is_custom() || line.adjustable.is_some_and(|bounds| bounds.enabled));
    html! {
        div.soft { @if session.is_recurring() { "Subscribe" } @else { "Pay" } }
        div.total { (money(totals.total)) }
        @if session.has_trial() { div.soft { "Your free trial begins today." } }
        ul.lines { @for line in &session.lines { (line_item(state, session, line)) } }
        @if !session.optional.is_empty() {
            h2 { "Add to your order" }
            ul.lines { @for line in &session.optional { (optional_item(state, session, line)) } }
        }
        @if adjustable || !session.optional.is_empty() { p { button.plain name="action" value="update" { "Update order" } } }
        @if session.takes_promotion_codes() {
            div.inline {
                label { "Promotion code"
                    input name="promotion_code" value=(promotion_code(session, answers)) autocomplete="off";
                }
                button name="action" value="update" { "Apply" }
            }
        }
        h2 { "Total" }
        dl {
            dt { "Subtotal" } dd.money { (money(totals.subtotal)) }
            @if let Some(discount) = &session.discount {
                dt { "Discount" @if let Some(name) = discount.coupon["name"].as_str() { " (" (name) ")" } }
                dd.money { (money(-totals.discount)) }
            }
            @if session.shipping_choice().is_some() { dt { "Shipping" } dd.money { (money(totals.shipping)) } }
            @if totals.tax > 0 { dt { "Tax" } dd.money { (money(totals.tax)) } }
            dt.sum { "Due today" } dd.money.sum { (money(totals.total)) }
        }
    }
}

fn promotion_code<'a>(session: &'a Session, answers: &'a Answers) -> &'a str {
    let code = session.discount.as_ref().and_then(|discount| discount.promotion_code.as_ref());
    code.map(|code| json_text(&code["code"])).or(answers.promotion_code.as_deref()).unwrap_or_default()
}

fn line_item(state: &State, session: &Session, line: &Line) -> Markup {
    let interval = state.prices.get(&line.price).map(|price| every(&price["recurring"]));
    let code = &session.currency;
    let is_optional = session.optional.iter().any(|own| own.id == line.id);
    html! {
        li {
            (picture(state, line))
            div {
                div { (line.description) }
                @if let Some(interval) = interval { div.soft { (interval) } }
                @if let Some(bounds) = line.adjustable.filter(|bounds| bounds.enabled && !is_optional) {
                    label { "Quantity"
                        input type="number" name={ "quantity[" (line.id) "]" } value=(line.quantity.unwrap_or(0))
                            min=(bounds.minimum) max=(bounds.maximum);
                    }
                } @else if let Some(quantity) = line.quantity.filter(|quantity| *quantity != 1) {
                    div.soft { "Quantity " (quantity) }
                }
                @if line.pricing.is_custom() {
                    label { "Amount (" (code.to_uppercase()) ")"
                        input inputmode="decimal" name={ "amount[" (line.id) "]" }
                            value=(currency::plain(line.pricing.amount_at(1, line.chosen_unit), code));
                    }
                }
            }
            div.money {
                (currency::format(line.amounts.subtotal, code))
                @if line.amounts.discount > 0 { div.soft { (currency::format(-line.amounts.discount, code)) } }
            }
        }
    }
}

fn picture(state: &State, line: &Line) -> Markup {
    let image = state.products.get(&line.product).and_then(|product| product["images"][0].as_str());
    html! { @if let Some(image) = image { img src=(image) alt=""; } @else { div.blank {} } }
}

fn optional_item(state: &State, session: &Session, line: &Line) -> Markup {
    let added = session.lines.iter().find(|own| own.id == line.id).and_then(|own| own.quantity).unwrap_or(0);
    let quantity = line.quantity.unwrap_or(1);
    let name = format!("optional[{}]", line.id);
    html! {
        li {
            (picture(state, line))
            div {
                @if let Some(bounds) = line.adjustable.filter(|bounds| bounds.enabled) {
                    label { (line.description)
                        input type="number" name=(name) value=(added) min="0" max=(bounds.maximum);
                    }
                } @else {
                    @let text = if quantity == 1 { line.description.clone() } else { format!("{} × {quantity}", line.description) };
                    (tick(&name, (&quantity.to_string(), "0"), added > 0, &text))
                }
            }
            div.money { (currency::format(line.pricing.amount_at(quantity, None), &session.currency)) }
        }
    }
}

fn every(recurring: &Value) -> String {
    let interval = json_text(&recurring["interval"]);
    match recurring["interval_count"].as_i64() {
        None => String::new(),
        Some(1) => format!("Every {interval}"),
        Some(count) => format!("Every {count} {interval}s"),
    }
}

fn details(session: &Session, answers: &Answers) -> Markup {
    let total = currency::format(session.totals().total, &session.currency);
    html! {
        h2 { "Contact" }
        label { "Email" input type="email" name="email" value=(answers.email) autocomplete="email" required; }
        label { "Name" input name="name" value=(answers.name) autocomplete="name" required; }
        @if session.asks_for_phone() {
            label { "Phone" input type="tel" name="phone" value=(answers.phone.as_deref().unwrap_or_default()) autocomplete="tel" required; }
        }
        @if session.asks_for_tax_id() { (business(answers)) }
        @if session.adapts_prices() {
            label { "Show the total in (three letters)"
                input name="presentment_currency" value=(session.presentment_currency.as_ref().unwrap_or(&session.currency));
            }
        }
        @if session.asks_for_shipping() {
            h2 { "Shipping address" }
            (shops_text(session, "shipping_address"))
            label { "Name" input name="shipping_name" value=(answers.shipping_name) required; }
            (address_fields("shipping", &answers.shipping_address, &countries(session)))
        }
        @if session.asks_for_billing() {
            h2 { "Billing address" }
            (address_fields("billing", &answers.billing_address, &[]))
        }
        @if !session.custom_fields().is_empty() {
            h2 { "More" }
            @for field in session.custom_fields() { (custom_field(field, &custom_answer(field, &answers.custom_fields))) }
        }
        @if !session.shipping.is_empty() {
            h2 { "Shipping method" }
            @for (index, rate) in session.shipping.iter().enumerate() {
                label.choice {
                    input type="radio" name="shipping_option" value=(index) checked[index == session.chosen_shipping];
                    span { (json_text(&rate["display_name"])) }
                    span.money { (currency::format(shipping_amount(rate, &session.currency).unwrap_or(0), &session.currency)) }
                }
            }
            p { button.plain name="action" value="update" { "Update total" } }
        }
        @if session.asks_for_promotions() {
            (tick("promotions", ("opt_in", "opt_out"), answers.promotions == Some(true), "Keep me updated with news and offers"))
        }
        @if session.asks_for_terms() {
            (tick("terms_of_service", ("accepted", "declined"), answers.terms != Some(false), "I accept the terms of service"))
        }
        (shops_text(session, "terms_of_service_acceptance"))
        (shops_text(session, "submit"))
        button.pay name="action" value="pay" { (session.submit_text()) " " (total) }
        div.others {
            @if session.takes_delayed_methods() { button name="action" value="pay_later" { "Pay later" } }
            button name="action" value="fail" { "Fail" }
        }
        (shops_text(session, "after_submit"))
        p.soft { "No money moves here: " b { "Pay later" } " stands for a delayed payment method such as a bank debit, " b { "Fail" } " for a card that is declined." }
    }
}

/// What the shop says at a place of the page.
fn shops_text(session: &Session, place: &str) -> Markup {
    let message = session.params["custom_text"][place]["message"].as_str();
    html! { @if let Some(message) = message { p.soft { (message) } } }
}

/// A box to tick. One that is not ticked sends nothing: the field before it says that.
fn tick(name: &str, (ticked, not_ticked): (&str, &str), is_ticked: bool, text: &str) -> Markup {
    html! {
        input type="hidden" name=(name) value=(not_ticked);
        label.choice { input type="checkbox" name=(name) value=(ticked) checked[is_ticked]; span { (text) } }
    }
}

fn business(answers: &Answers) -> Markup {
    let (kind, number) = answers.tax_id.as_ref().map_or(("eu_vat", ""), |(kind, number)| (kind, number));
    html! {
        h2 { "Business (optional)" }
        label { "Business name" input name="business_name" value=(answers.business_name.as_deref().unwrap_or_default()); }
        div.pair {
            label { "Kind of tax ID" input name="tax_id[type]" value=(kind); }
            label { "Tax ID" input name="tax_id[value]" value=(number); }
        }
    }
}

fn custom_field(field: &Value, answer: &str) -> Markup {
    let name = format!("custom_fields[{}]", json_text(&field["key"]));
    let is_required = field["optional"] != true;
    let kind = json_text(&field["type"]);
    let options = field["dropdown"]["options"].as_array().map_or(&[][..], Vec::as_slice);
    html! {
        label {
            (json_text(&field["label"]["custom"])) @if !is_required { " (optional)" }
            @if kind == "dropdown" {
                select name=(name) required[is_required] {
                    option value="" {}
                    @for option in options {
                        option value=(json_text(&option["value"])) selected[option["value"] == answer] { (json_text(&option["label"])) }
                    }
                }
            } @else {
                input name=(name) value=(answer) inputmode=[(kind == "numeric").then_some("numeric")]
                    minlength=[field[kind]["minimum_length"].as_i64()] maxlength=[field[kind]["maximum_length"].as_i64()]
                    required[is_required];
            }
        }
    }
}

fn address_fields(group: &str, address: &Value, countries: &[&str]) -> Markup {
    let field = |key: &str, label: &str, required: bool| {
        html! {
            label { (label) input name={ (group) "[" (key) "]" } value=(json_text(&address[key])) required[required]; }
        }
    };
    html! {
        (field("line1", "Address", true))
        (field("line2", "Address, second line", false))
        div.pair { (field("postal_code", "Postal code", false)) (field("city", "City", false)) }
        div.pair {
            (field("state", "State or region", false))
            @if countries.is_empty() { (field("country", "Country (two letters)", true)) } @else {
                label { "Country"
                    select name={ (group) "[country]" } {
                        @for country in countries { option value=(country) selected[address["country"] == *country] { (country) } }
                    }
                }
            }
        }
    }
}
