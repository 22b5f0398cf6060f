//! Sessions and lines as Stripe's API shows them (<https://docs.stripe.com/api/checkout/sessions/object>).

use serde_json::{Value, json};

use super::{Line, Session, Status};
use crate::state::State;
use crate::state::list;

/// A recovery URL works for this long after the session's expiry.
const RECOVERABLE: i64 = 30 * 24 * 60 * 60;

impl Session {
    /// The session object, whole: with everything that has to be expanded.
    pub(crate) fn render(&self, state: &State) -> Value {
        let params = &self.params;
        let totals = self.totals();
        let mut object = json!({
            "id": self.id,
            "object": "checkout.session",
            "adaptive_pricing": { "enabled": params["adaptive_pricing"]["enabled"] == true },
            "after_expiration": self.after_expiration(),
            "allow_promotion_codes": params["allow_promotion_codes"],
            "allowed_payment_method_types": params["allowed_payment_method_types"],
            "amount_subtotal": totals.subtotal,
            "amount_total": totals.total,
            "automatic_tax": self.automatic_tax_object(),
            "billing_address_collection": params["billing_address_collection"],
            "cancel_url": params["cancel_url"],
            "client_reference_id": params["client_reference_id"],
            "client_secret": self.client_secret.as_ref().filter(|_| self.is_open()),
            "collected_information": {
                "business_name": null,
                "individual_name": null,
                "shipping_details": self.shipping_details,
            },
            "consent": self.consent(),
            "consent_collection": self.consent_collection(),
            "created": self.created,
            "currency": self.currency,
            "currency_conversion": null,
            "custom_fields": self.custom_fields(),
            "custom_text": {
                "after_submit": message(&params["custom_text"]["after_submit"]),
                "shipping_address": message(&params["custom_text"]["shipping_address"]),
                "submit": message(&params["custom_text"]["submit"]),
                "terms_of_service_acceptance": message(&params["custom_text"]["terms_of_service_acceptance"]),
            },
            "customer": self.customer,
            "customer_account": null,
            "customer_creation": self.customer_creation(),
            "customer_details": self.customer_details,
            "customer_email": params["customer_email"],
            "discounts": self.discounts(),
            "expires_at": self.expires_at,
            "integration_identifier": params["integration_identifier"],
            "invoice": self.invoice,
            "invoice_creation": self.invoice_creation(),
            "line_items": self.line_items(state),
            "livemode": false,
            "locale": params["locale"],
            "managed_payments": { "enabled": params["managed_payments"]["enabled"] == true },
            "metadata": self.metadata,
            "mode": self.mode.name(),
            "origin_context": params["origin_context"],
            "payment_intent": self.payment_intent,
            "payment_link": null,
            "payment_method_collection": params["payment_method_collection"].as_str()
                .unwrap_or(if self.is_recurring() { "always" } else { "if_required" }),
            "payment_method_configuration_details": null,
            "payment_method_options": {},
            "payment_method_types": self.payment_method_types(),
            "payment_status": self.payment_status.name(),
            "permissions": null,
            "phone_number_collection": { "enabled": self.asks_for_phone() },
            "recovered_from": null,
            "saved_payment_method_options": null,
            "setup_intent": null,
            "shipping_address_collection": params["shipping_address_collection"],
            "shipping_cost": self.shipping_cost(),
            "shipping_options": self.shipping_options(),
            "status": self.status.name(),
            "submit_type": params["submit_type"],
            "subscription": self.subscription,
            "success_url": params["success_url"],
            "total_details": {
                "amount_discount": totals.discount,
                "amount_shipping": totals.shipping,
                "amount_tax": totals.tax,
                "breakdown": { "discounts": self.discount_breakdown(), "taxes": self.tax_breakdown() },
            },
            "ui_mode": params["ui_mode"].as_str().unwrap_or("hosted_page"),
            "url": self.url.as_ref().filter(|_| self.is_open()),
            "wallet_options": params["wallet_options"],
        });
        self.add_optional(&mut object);
        object
    }

    /// Fields that are there only when the session was created with them.
    fn add_optional(&self, object: &mut Value) {
        for name in ["excluded_payment_method_types", "name_collection", "redirect_on_completion", "return_url"] {
            if !self.params[name].is_null() {
                object[name] = self.params[name].clone();
            }
        }
        if self.params["tax_id_collection"].is_object() {
            object["tax_id_collection"] = json!({
                "enabled": self.params["tax_id_collection"]["enabled"],
                "required": self.params["tax_id_collection"]["required"].as_str().unwrap_or("never"),
            });
        }
    }

    fn customer_creation(&self) -> Value {
        match &self.params["customer_creation"] {
            _ if self.params["customer"].is_string() => Value::Null,
            Value::String(creation) => json!(creation),
            _ if self.is_recurring() => json!("always"),
            _ => json!("if_required"),
        }
    }

    /// The lines, in a list object.
    fn line_items(&self, state: &State) -> Value {
        const SHOWN: usize = 10;
        let lines = self.lines.iter().take(SHOWN).map(|line| line.render(self, state)).collect();
        let url = format!("/v1/checkout/sessions/{}/line_items", self.id);
        list::list(&url, lines, self.lines.len() > SHOWN)
    }

    fn payment_method_types(&self) -> Value {
        match &self.params["allowed_payment_method_types"] {
            Value::Array(methods) if !methods.is_empty() => Value::Array(methods.clone()),
            _ => json!(["card"]),
        }
    }

    fn after_expiration(&self) -> Value {
        let recovery = &self.params["after_expiration"]["recovery"];
        if !recovery.is_object() {
            return Value::Null;
        }
        json!({ "recovery": {
            "allow_promotion_codes": recovery["allow_promotion_codes"] == true,
            "enabled": recovery["enabled"] == true,
            "expires_at": self.recovery_url.as_ref().map(|_| self.expires_at + RECOVERABLE),
            "url": self.recovery_url,
        } })
    }

    fn automatic_tax_object(&self) -> Value {
        let enabled = self.automatic_tax();
        let status = if self.status == Status::Complete { "complete" } else { "requires_location_inputs" };
        let liability = &self.params["automatic_tax"]["liability"];
        json!({
            "enabled": enabled,
            "liability": if !enabled { Value::Null } else if liability.is_object() { liability.clone() } else { json!({ "type": "self" }) },
            "provider": enabled.then_some("stripe"),
            "status": enabled.then_some(status),
        })
    }

    fn consent(&self) -> Value {
        let asked = &self.params["consent_collection"];
        if self.status != Status::Complete || !asked.is_object() {
            return Value::Null;
        }
        json!({
            "promotions": (asked["promotions"] == "auto").then_some("opt_out"),
            "terms_of_service": (asked["terms_of_service"] == "required").then_some("accepted"),
        })
    }

    fn consent_collection(&self) -> Value {
        let asked = &self.params["consent_collection"];
        if !asked.is_object() {
            return Value::Null;
        }
        json!({
            "payment_method_reuse_agreement": asked["payment_method_reuse_agreement"],
            "promotions": asked["promotions"],
            "terms_of_service": asked["terms_of_service"],
        })
    }

    fn custom_fields(&self) -> Value {
        let fields = self.params["custom_fields"].as_array().map_or(&[][..], Vec::as_slice);
        let with_value = |field: &Value| {
            let kind = super::json_text(&field["type"]);
            let given = &field[kind];
            let bounds = json!({
                "default_value": given["default_value"],
                "maximum_length": given["maximum_length"].as_str().and_then(|text| text.parse::<i64>().ok()),
                "minimum_length": given["minimum_length"].as_str().and_then(|text| text.parse::<i64>().ok()),
                "value": given["default_value"],
            });
            let choices = json!({
                "default_value": given["default_value"],
                "options": given["options"].as_array().cloned().unwrap_or_default(),
                "value": given["default_value"],
            });
            json!({
                "key": field["key"],
                "label": field["label"],
                "optional": field["optional"] == true,
                "type": kind,
                (kind): if kind == "dropdown" { choices } else { bounds },
            })
        };
        fields.iter().map(with_value).collect()
    }

    fn invoice_creation(&self) -> Value {
        if self.is_recurring() {
            return Value::Null;
        }
        let data = &self.params["invoice_creation"]["invoice_data"];
        let metadata = if data["metadata"].is_object() { data["metadata"].clone() } else { json!({}) };
        json!({
            "enabled": self.params["invoice_creation"]["enabled"] == true,
            "invoice_data": {
                "account_tax_ids": data["account_tax_ids"],
                "custom_fields": data["custom_fields"],
                "description": data["description"],
                "footer": data["footer"],
                "issuer": data["issuer"],
                "metadata": metadata,
                "rendering_options": data["rendering_options"],
            },
        })
    }

    fn discounts(&self) -> Value {
        self.discount
            .iter()
            .map(|discount| {
                let code = discount.promotion_code.as_ref().map(|code| code["id"].clone());
                // A discount that came from a promotion code names only the code.
                let coupon = if code.is_none() { discount.coupon["id"].clone() } else { Value::Null };
                json!({ "coupon": coupon, "promotion_code": code })
            })
            .collect()
    }

    /// The discount object behind the session's discount.
    fn discount_object(&self) -> Option<Value> {
        let discount = self.discount.as_ref()?;
        Some(json!({
            "id": discount.id,
            "object": "discount",
            "checkout_session": self.id,
            "customer": self.customer,
            "customer_account": null,
            "end": null,
            "invoice": null,
            "invoice_item": null,
            "promotion_code": discount.promotion_code.as_ref().map(|code| code["id"].clone()),
            "source": { "coupon": discount.coupon["id"], "type": "coupon" },
            "start": self.created,
            "subscription": self.subscription,
            "subscription_item": null,
        }))
    }

    fn discount_breakdown(&self) -> Value {
        self.discount_object()
            .into_iter()
            .map(|discount| json!({ "amount": self.totals().discount, "discount": discount }))
            .collect()
    }

    fn tax_breakdown(&self) -> Value {
        let mut sums: Vec<(Value, i64, i64)> = Vec::new();
        for line in &self.lines {
            let taxes = &line.amounts.taxes;
            for (rate, amount) in line.amounts.rates.iter().zip(&taxes.amounts) {
                match sums.iter_mut().find(|(known, ..)| known["id"] == rate["id"]) {
                    Some((_, sum, taxable)) => {
                        *sum += amount;
                        *taxable += taxes.taxable;
                    }
                    None => sums.push((rate.clone(), *amount, taxes.taxable)),
                }
            }
        }
        sums.into_iter().map(|(rate, amount, taxable)| tax(&rate, amount, taxable)).collect()
    }

    fn shipping_cost(&self) -> Value {
        let Some((rate, amount)) = self.shipping_choice() else { return Value::Null };
        json!({
            "amount_subtotal": amount,
            "amount_tax": 0,
            "amount_total": amount,
            "shipping_rate": rate["id"],
            "taxes": [],
        })
    }

    fn shipping_options(&self) -> Value {
        self.shipping
            .iter()
            .map(|rate| {
                let amount = super::shipping_amount(rate, &self.currency).unwrap_or(0);
                json!({ "shipping_amount": amount, "shipping_rate": rate["id"] })
            })
            .collect()
    }
}

impl Line {
    /// The line item object, whole.
    pub(crate) fn render(&self, session: &Session, state: &State) -> Value {
        let amounts = &self.amounts;
        let discounts: Vec<Value> = session
            .discount_object()
            .filter(|_| amounts.discount > 0)
            .into_iter()
            .map(|discount| json!({ "amount": amounts.discount, "discount": discount }))
            .collect();
        let taxes: Vec<Value> = amounts
            .rates
            .iter()
            .zip(&amounts.taxes.amounts)
            .map(|(rate, amount)| tax(rate, *amount, amounts.taxes.taxable))
            .collect();
        json!({
            "id": self.id,
            "object": "item",
            "adjustable_quantity": self.adjustable.map(|adjustable| json!({
                "enabled": adjustable.enabled,
                "maximum": adjustable.maximum,
                "minimum": adjustable.minimum,
            })),
            "amount_discount": amounts.discount,
            "amount_subtotal": amounts.subtotal,
            "amount_tax": amounts.tax(),
            "amount_total": amounts.total(),
            "currency": session.currency,
            "description": self.description,
            "discounts": discounts,
            "metadata": self.metadata,
            "price": state.prices.get(&self.price),
            "quantity": self.quantity,
            "taxes": taxes,
        })
    }
}

fn message(given: &Value) -> Value {
    if given.is_object() { given.clone() } else { Value::Null }
}

fn tax(rate: &Value, amount: i64, taxable: i64) -> Value {
    json!({ "amount": amount, "rate": rate, "taxability_reason": "standard_rated", "taxable_amount": taxable })
}
