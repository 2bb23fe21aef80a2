//! A page in Chromium as its user would handle it, over the browser's DevTools protocol: JSON over a WebSocket, through
//! our own client.

use crate::addin::{Client, Received};
use crate::peer::{Chromium, DEADLINE};
use serde_json::{Value, json};
use std::cell::Cell;

pub struct DevTools {
    client: Client,
    session: Value,
    last_id: Cell<u64>,
}

impl DevTools {
    /// The first page of the browser.
    pub fn of(chromium: &Chromium) -> Self {
        let client = Client::new().unwrap();
        client.connect(&chromium.peer.line_after("DevTools listening on ")).unwrap();
        let mut devtools = Self { client, session: Value::Null, last_id: Cell::new(0) };
        // The browser tells of every target that there is and of each that comes.
        devtools.call("Target.setDiscoverTargets", &json!({ "discover": true }));
        let page = loop {
            let event = devtools.next_event();
            let info = &event["params"]["targetInfo"];
            if event["method"] == "Target.targetCreated" && info["type"] == "page" {
                break info["targetId"].clone();
            }
        };
        let attached = devtools.call("Target.attachToTarget", &json!({ "targetId": page, "flatten": true }));
        devtools.session = attached["sessionId"].clone();
        devtools
    }

    /// The value of a JavaScript expression; a promise is waited for.
    pub fn evaluate(&self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let outcome = self.call("Runtime.evaluate", &parameters);
        assert!(outcome["exceptionDetails"].is_null(), "{expression}: {outcome}");
        outcome["result"]["value"].clone()
    }

    fn call(&self, method: &str, parameters: &Value) -> Value {
        // The protocol wants numbers as ids.
        self.last_id.set(self.last_id.get() + 1);
        let mut request = json!({ "id": self.last_id.get(), "method": method, "params": parameters });
        if !self.session.is_null() {
            request["sessionId"] = self.session.clone();
        }
        let answer = self.message(self.client.request(&request.to_string(), millis()));
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].clone()
    }

    fn next_event(&self) -> Value {
        self.message(self.client.receive(millis()))
    }

    fn message(&self, received: crate::addin::Result<Received>) -> Value {
        match received.unwrap() {
            Received::Message(message) => serde_json::from_str(message.text()).unwrap(),
            Received::Timeout => panic!("the browser does not answer"),
            Received::Closed => panic!("the browser has gone"),
        }
    }
}

fn millis() -> i64 {
    i64::try_from(DEADLINE.as_millis()).unwrap()
}
