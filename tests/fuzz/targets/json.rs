//! What `Request` looks for in a peer's text: the same place at one go and in steps, and where the text is JSON, the value
//! that serde_json finds.

use super::input::Input;
use serde_json::Value;
use websocket_addin::json::{self, Scan, Step};

const FIELDS: [&str; 4] = ["id", "requestId", "é\"\\", ""];

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let (field, step) = (FIELDS[usize::from(input.byte()) % FIELDS.len()], 1 + usize::from(input.byte()));
    let text = input.rest();
    let found = json::find(text, field);
    if let Some(place) = &found {
        assert!(place.start < place.end && place.end <= text.len(), "{place:?}");
    }
    let mut scan = Scan::default();
    let in_steps = (0..=2 * text.len() + 2).find_map(|_| match scan.go_on(text, field, step) {
        Step::Done(found) => Some(found),
        Step::More => None,
    });
    assert_eq!(in_steps, Some(found.clone()), "it depends on the steps");
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    assert!(json::check(text).is_ok());
    let expected = value.as_object().and_then(|object| object.get(field));
    let ours = found.map(|place| serde_json::from_str::<Value>(&text[place]).expect("a value of JSON is JSON"));
    assert_eq!(ours.as_ref(), expected);
    if value.is_object() && expected.is_none() {
        let with = json::with_field(text, field, "17").expect("there is memory");
        let with: Value = serde_json::from_slice(&with).expect("an object with a field more is JSON");
        assert_eq!(with.get(field), Some(&Value::from(17)));
    }
}
