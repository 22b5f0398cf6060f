//! SSM Parameter Store, as far as secrets are read from it.
//!
//! That takes one signed request, so the SDK of SSM is not linked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws::{Failure, Name, Service};
use https::Https;
use serde::Deserialize;
use serde_json::json;
use settings::Environment;

const NAME: Name = Name { signing: "ssm", setting: "SSM", target: "AmazonSSM", content: aws::JSON_1_1 };

/// Parameter Store in this function's region, as this function's role.
#[derive(Clone)]
pub(crate) struct ParameterStore(Service);

/// Why Parameter Store did not return parameters. Never holds a secret.
#[derive(Debug, thiserror::Error)]
#[error("Parameter Store cannot be read: {0}")]
pub struct Unreadable(String);

impl ParameterStore {
    pub(crate) fn new(environment: &Environment, https: &Https) -> Result<Self, settings::Error> {
        Service::new(NAME, environment, https).map(Self)
    }

    /// The values of all `parameters`, by parameter, within `time`.
    ///
    /// Parameter Store takes 40 requests a second of an account and region.
    ///
    /// Source: <https://docs.aws.amazon.com/general/latest/gr/ssm.html#limits_ssm>
    pub(crate) async fn read<'a>(
        &self,
        parameters: impl Iterator<Item = &'a String>,
        time: Duration,
    ) -> Result<BTreeMap<String, String>, Unreadable> {
        // Parameter Store refuses a name that is there twice.
        let parameters: BTreeSet<_> = parameters.map(String::as_str).collect();
        let parameters: Vec<_> = parameters.into_iter().collect();
        aws::persistently(time, || self.attempt(&parameters)).await.map_err(Unreadable)
    }

    async fn attempt(&self, parameters: &[&str]) -> Result<BTreeMap<String, String>, Failure> {
        let body = json!({ "Names": parameters, "WithDecryption": true }).to_string();
        values(&self.0.call("GetParameters", body).await?, parameters)
    }
}

/// Reads the answer to `GetParameters`.
///
/// Source: <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html>
fn values(answer: &[u8], parameters: &[&str]) -> Result<BTreeMap<String, String>, Failure> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        parameters: Vec<Parameter>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Parameter {
        name: String,
        #[serde(rename = "ARN", default)]
        arn: String,
        /// A version or a label, behind its colon.
        #[serde(default)]
        selector: String,
        value: String,
    }

    let answer: Answer = serde_json::from_slice(answer).map_err(|_| Failure::lasting("the answer cannot be read"))?;
    let found = |wanted: &&str| {
        let is_wanted = |parameter: &&Parameter| {
            let name = wanted.strip_suffix(&parameter.selector).unwrap_or(wanted);
            [&parameter.name, &parameter.arn].into_iter().any(|own| own == name)
        };
        let parameter = answer.parameters.iter().find(is_wanted);
        let parameter = parameter.ok_or_else(|| Failure::lasting(format!("there is no parameter {wanted}")))?;
        Ok(((*wanted).to_owned(), parameter.value.clone()))
    };
    parameters.iter().map(found).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &serde_json::Value, parameters: &[&str]) -> Result<BTreeMap<String, String>, Failure> {
        values(answer.to_string().as_bytes(), parameters)
    }

    #[test]
    fn a_parameter_may_be_named_by_version_label_or_arn() {
        let arn = "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/key";
        for (wanted, selector) in [("/shop/key", ""), ("/shop/key:3", ":3"), ("/shop/key:live", ":live"), (arn, "")] {
            let answer = json!({ "Parameters": [
                { "Name": "/shop/other", "ARN": "", "Value": "other" },
                { "Name": "/shop/key", "ARN": arn, "Selector": selector, "Value": "sk_live_1" },
            ] });

            assert_eq!(read(&answer, &[wanted]).unwrap()[wanted], "sk_live_1");
        }
    }

    #[test]
    fn what_is_missing_is_named_and_not_asked_for_again() {
        let answer = json!({ "Parameters": [], "InvalidParameters": ["/shop/key"] });

        let failure = read(&answer, &["/shop/key"]).unwrap_err();

        assert_eq!(failure, Failure::lasting("there is no parameter /shop/key"));
    }
}
