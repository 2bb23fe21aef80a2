//! What a server answered to a client's handshake, as the client's host may ask for it.

use crate::net::{Answer, StatusLine};
use serde_json::{Map, Value};

/// An answer, successful or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerAnswer {
    pub status: u16,
    headers: Vec<(String, String)>,
    /// The beginning of a refusal's body as text.
    pub body: String,
}

impl ServerAnswer {
    pub(super) fn new(answer: &Answer, body: String) -> Self {
        let headers = answer.headers().map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        Self { status: answer.status.code, headers, body }
    }

    /// One with these headers, their names in lower case.
    #[cfg(test)]
    pub(crate) fn with_headers(status: u16, headers: &[(&str, &str)]) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { status, headers, body: String::new() }
    }

    /// One whose head never became whole.
    pub(super) fn cut(status: &StatusLine) -> Self {
        Self { status: status.code, ..Self::default() }
    }

    /// The values of the headers of this name, given in lower case, in their order.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// A JSON object: names in lower case, repeats joined by ", ", `set-cookie` an array, because a cookie may hold a
    /// comma.
    pub fn headers_json(&self) -> String {
        let mut object = Map::new();
        for (name, _) in &self.headers {
            if object.contains_key(name) {
                continue;
            }
            let values: Vec<&str> = self.values(name).collect();
            let value = if name == "set-cookie" { Value::from(values) } else { Value::from(values.join(", ")) };
            object.insert(name.clone(), value);
        }
        Value::Object(object).to_string()
    }
}
