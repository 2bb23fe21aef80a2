//! A bot in Slack's Socket Mode, with a server that speaks like Slack's.

use super::*;
use serde_json::{Value, json};

/// Gives the bot an address, and greets it.
fn greet(bot: &mut Peer, server: &Server, ticket: &str) -> u64 {
    assert_eq!(bot.line(), "url?");
    bot.type_line(&format!("{}link?ticket={ticket}", server.url()));
    assert_eq!(bot.line(), "connected");
    let event = std::iter::repeat_with(|| server.event()).find(|event| event.event == WSADDIN_EVENT_OPEN).unwrap();
    assert_eq!(event.json()["query"], format!("ticket={ticket}"));
    let hello = json!({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}});
    server.send(event.connection, &hello.to_string()).unwrap();
    event.connection
}

#[test]
fn the_bot_acknowledges_answers_and_comes_back() {
    let server = Server::running();
    let (mut bot, _scratch) = program("slack-bot/bot", &[]);
    let connection = greet(&mut bot, &server, "one");
    let said = "эхо \"кавычки\", \\ и\nстрока 😀";
    for (envelope, expected) in [
        (
            json!({"envelope_id": "e-1", "type": "slash_commands", "accepts_response_payload": true,
                "payload": {"command": "/echo", "text": said, "user_id": "U1"}}),
            json!({"envelope_id": "e-1", "payload": {"text": said}}),
        ),
        (
            json!({"envelope_id": "e-2", "type": "events_api", "payload": {"event": {"type": "message", "text": "x"}}}),
            json!({"envelope_id": "e-2"}),
        ),
    ] {
        // Serialised in this order: its own `type` comes before the one inside.
        let mut text = String::from("{");
        for key in ["envelope_id", "type", "payload"] {
            text.push_str(&format!("{} : {},", json!(key), envelope[key]));
        }
        text.push_str("\"retry_attempt\":0}");
        server.send(connection, &text).unwrap();
        let (from, answer) = message(&server);
        assert_eq!(from, connection);
        assert_eq!(serde_json::from_str::<Value>(&answer).unwrap(), expected);
    }
    // Slack tells that it will close: the bot asks for another address before.
    server.send(connection, "{\"type\":\"disconnect\",\"reason\":\"refresh_requested\"}").unwrap();
    let again = greet(&mut bot, &server, "two");
    assert_ne!(again, connection);
    // And one that goes without a word.
    server.disconnect(again, 1001, "").unwrap();
    assert_eq!(bot.line(), "url?");
    assert!(bot.end().0);
}
