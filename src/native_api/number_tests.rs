//! Every method of the server's table that takes a connection's number says the same of a wrong one.

use super::call::Call;
use super::table::{Class, Method};
use super::variant::{Output, Variant};
use crate::client::Client;
use crate::error::{Error, Id, Language, Result};
use crate::server::Server;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Calls a method with this number and something harmless for whatever else it demands.
fn call(server: &Arc<Server>, method: &Method<Server>, number: i64) -> Result<Output> {
    let text: Vec<u16> = "x".encode_utf16().collect();
    let needed = method.parameters.iter().filter(|parameter| parameter.omitted.is_none());
    let mut arguments: Vec<Variant> = needed
        .map(|parameter| if parameter.en == "ClientID" { Variant::of_int(number) } else { Variant::of_text(&text) })
        .collect();
    let mut call = Call::new(method.parameters, &mut arguments, Language::English)?;
    (method.handler)(server, &mut call)
}

fn taking_a_number() -> impl Iterator<Item = &'static Method<Server>> {
    let takes = |method: &&Method<Server>| method.parameters.iter().any(|one| one.en == "ClientID" && !one.out);
    Server::methods().iter().filter(takes)
}

/// A server whose connection 1 has ended.
fn server_with_one_gone() -> Arc<Server> {
    let server = Server::new().unwrap();
    server.run("127.0.0.1", 0).unwrap();
    let client = Client::new().unwrap();
    client.connect(&format!("ws://127.0.0.1:{}/", server.port())).unwrap();
    client.disconnect(1000, "").unwrap();
    let since = Instant::now();
    while server.connection_count() > 0 || server.connection_info(1) != Ok(None) {
        assert!(since.elapsed() < Duration::from_secs(60), "the server notices");
        std::thread::yield_now();
    }
    client.shut_down().unwrap();
    server
}

#[test]
fn a_number_that_was_never_issued_is_an_error_everywhere() {
    let server = server_with_one_gone();
    for running in [true, false] {
        for method in taking_a_number() {
            for number in [0, 2, 4711, i64::MAX, -1, i64::MIN] {
                let error = call(&server, method, number).map(|_| method.en).unwrap_err();
                assert_eq!(error.id(), Id::UnknownConnection, "{} {number} {running}", method.en);
            }
        }
        server.stop().unwrap();
    }
    server.shut_down().unwrap();
}

#[test]
fn of_a_connection_that_has_ended_every_method_says_so() {
    let server = server_with_one_gone();
    let mut seen = 0;
    for running in [true, false] {
        for method in taking_a_number() {
            let outcome = call(&server, method, 1);
            let good = match method.en {
                // They have no False to give.
                "Ping" => outcome.as_ref().is_err_and(|error: &Error| error.id() == Id::NotConnected),
                "ConnectionInfo" => matches!(&outcome, Ok(Output::Text(text)) if text.is_empty()),
                _ => matches!(outcome, Ok(Output::Bool(false))),
            };
            assert!(good, "{} {running}: {outcome:?}", method.en);
            seen += 1;
        }
        server.stop().unwrap();
    }
    assert!(seen >= 2 * 9, "{seen}");
    server.shut_down().unwrap();
}
