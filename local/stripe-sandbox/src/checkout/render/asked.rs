//! What a session's parameters ask Stripe's page to do.

use serde_json::{Map, Value, json};

use crate::checkout::recover::RECOVERABLE;
use crate::protocol::metadata;
use crate::protocol::template::fill;
use crate::session::{Line, Session, Status};

impl Session {
    /// What the session was asked for, where the object shows it in another form.
    pub(super) fn asked(&self) -> Value {
        let params = &self.params;
        let text = |name: &str| message(&params["custom_text"][name]);
        let mut asked = json!({
            "adaptive_pricing": { "enabled": params["adaptive_pricing"]["enabled"] == true },
            "after_expiration": self.after_expiration(),
            "automatic_tax": self.automatic_tax_object(),
            "consent_collection": self.consent_collection(),
            "custom_fields": self.custom_fields_object(),
            "custom_text": {
                "after_submit": text("after_submit"),
                "shipping_address": text("shipping_address"),
                "submit": text("submit"),
                "terms_of_service_acceptance": text("terms_of_service_acceptance"),
            },
            "customer_creation": self.customer_creation(),
            "invoice_creation": self.invoice_creation(),
            "managed_payments": { "enabled": params["managed_payments"]["enabled"] == true },
            "payment_method_types": self.payment_methods,
            "phone_number_collection": { "enabled": self.asks_for_phone() },
        });
        if params["tax_id_collection"].is_object() {
            asked["tax_id_collection"] = json!({
                "enabled": params["tax_id_collection"]["enabled"],
                "required": params["tax_id_collection"]["required"].as_str().unwrap_or("never"),
            });
        }
        if !self.optional.is_empty() {
            asked["optional_items"] = self.optional.iter().map(Line::render_optional).collect();
        }
        if let Value::Object(given) = &params["branding_settings"] {
            asked["branding_settings"] = branding(given);
        }
        if let Value::Object(given) = &params["saved_payment_method_options"] {
            asked["saved_payment_method_options"] = saved_methods(given);
        }
        asked
    }

    fn customer_creation(&self) -> Value {
        match &self.params["customer_creation"] {
            _ if self.params["customer"].is_string() => Value::Null,
            Value::String(creation) => json!(creation),
            _ if self.is_recurring() => json!("always"),
            _ => json!("if_required"),
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
        let liability = match &self.params["automatic_tax"]["liability"] {
            _ if !enabled => Value::Null,
            Value::Object(liability) => json!(liability),
            _ => json!({ "type": "self" }),
        };
        json!({
            "enabled": enabled,
            "liability": liability,
            "provider": enabled.then_some("stripe"),
            "status": enabled.then_some(status),
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

    fn invoice_creation(&self) -> Value {
        if self.is_recurring() {
            return Value::Null;
        }
        let data = &self.params["invoice_creation"]["invoice_data"];
        json!({
            "enabled": self.params["invoice_creation"]["enabled"] == true,
            "invoice_data": {
                "account_tax_ids": data["account_tax_ids"],
                "custom_fields": data["custom_fields"],
                "description": data["description"],
                "footer": data["footer"],
                "issuer": data["issuer"],
                "metadata": metadata::kept(&data["metadata"]),
                "rendering_options": data["rendering_options"],
            },
        })
    }
}

/// How the page shall look, with Stripe's look where nothing was given.
fn branding(given: &Map<String, Value>) -> Value {
    let mut look = json!({
        "background_color": "#ffffff",
        "border_style": "rounded",
        "button_color": "#0074d4",
        "display_name": "Stripe sandbox",
        "font_family": "default",
        "icon": null,
        "logo": null,
    });
    fill(&mut look, json!(given));
    look
}

fn saved_methods(given: &Map<String, Value>) -> Value {
    let mut options =
        json!({ "allow_redisplay_filters": null, "payment_method_remove": null, "payment_method_save": null });
    fill(&mut options, json!(given));
    options
}

fn message(given: &Value) -> Value {
    if given.is_object() { given.clone() } else { Value::Null }
}
