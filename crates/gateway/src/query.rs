//! The parameters after the `?` of a request, each with the type that its field has.

use crate::{percent::decoded_value, problem::Problem};
use serde_json::{Value, json};

/// One parameter that a route takes.
#[derive(Debug)]
pub(crate) struct Parameter {
    /// Its name, which is that of the field.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Flag,
}

impl Kind {
    /// The value of a text, if it has this type.
    fn value(self, text: &str) -> Option<Value> {
        match self {
            Self::Text => Some(json!(text)),
            Self::Number => text.parse::<i64>().ok().map(|number| json!(number)),
            Self::Flag => text.parse::<bool>().ok().map(|flag| json!(flag)),
        }
    }
}

/// Reads the query of a request that takes `parameters`.
pub(crate) fn read(
    query: Option<&str>,
    parameters: &'static [Parameter],
) -> Result<Vec<(&'static str, Value)>, Problem> {
    let mut values: Vec<(&'static str, Value)> = Vec::new();
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
        // Mail programs and advertisers append parameters of their own.
        let Some(parameter) = parameters.iter().find(|it| it.name == name) else { continue };
        if values.iter().any(|(seen, _)| *seen == parameter.name) {
            return Err(Problem::bad(format!("Parameter `{}` appears twice.", parameter.name)));
        }
        let value = decoded_value(text).and_then(|it| parameter.kind.value(&it));
        let value = value.ok_or_else(|| {
            Problem::bad(format!("Parameter `{}` has an impossible value.", parameter.name))
        })?;
        values.push((parameter.name, value));
    }
    Ok(values)
}

/// The text of one parameter; empty without it.
pub(crate) fn text<'a>(values: &'a [(&'static str, Value)], name: &str) -> &'a str {
    let found = values.iter().find(|(it, _)| *it == name);
    found.and_then(|(_, value)| value.as_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    static PARAMETERS: [Parameter; 3] = [
        Parameter { name: "mac", kind: Kind::Text },
        Parameter { name: "limit", kind: Kind::Number },
        Parameter { name: "success", kind: Kind::Flag },
    ];

    #[test]
    fn parameters_have_the_types_of_their_fields() {
        let values = read(Some("mac=00%3A1b+x&limit=5&success=false&utm=1&"), &PARAMETERS).unwrap();
        let expected = [("mac", json!("00:1b x")), ("limit", json!(5)), ("success", json!(false))];
        assert_eq!(values, expected);
        assert!(read(None, &PARAMETERS).unwrap().is_empty());
    }

    #[test]
    fn a_parameter_with_another_value_is_refused() {
        for query in ["limit=x", "limit=", "success=1", "mac=%ff", "mac=%", "mac=a&mac=b"] {
            assert!(read(Some(query), &PARAMETERS).is_err(), "{query}");
        }
    }
}
