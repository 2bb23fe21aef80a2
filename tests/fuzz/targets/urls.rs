//! URLs, headers, origins, and what the log shows of a head: nothing of it breaks out of its line, and what our client
//! writes our server reads.

use super::input::{Input, one_line};
use websocket_addin::options::is_allowed;
use websocket_addin::ws::{ClientHandshake, Heard, ServerHandshake, Target, check_header, show_head};

/// A server takes heads up to this; longer ones are the subject of other tests.
const SHORT: usize = 8000;

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 4 {
        0 => url(&String::from_utf8_lossy(input.rest())),
        1 => {
            let (name, value) = input.two_lines("value");
            header(&name, &value);
        }
        2 => {
            let (allowed, from) = input.two_lines("https://a.example");
            origin(&from);
            is_allowed(&allowed, &from);
        }
        _ => show_head(input.rest()).iter().for_each(|line| one_line(line)),
    }
}

fn url(text: &str) {
    let target = match Target::parse(text) {
        Ok(target) => target,
        Err(error) => return one_line(&error.to_string()),
    };
    let (host, address) = (target.host_header(), target.address());
    for part in [&target.resource, &host, &address] {
        assert!(!part.chars().any(char::is_control), "{part:?}");
    }
    assert!(target.resource.starts_with('/') && target.resource.is_ascii() && !target.resource.contains(' '));
    assert!(host.is_ascii() && !host.contains([' ', '/', '@', '?', '#']), "{host:?}");
    let request = request(&target, &[]);
    assert_eq!(request.matches("\r\n").count(), request.matches('\n').count());
    served(&request);
}

fn request(target: &Target, headers: &[(String, String)]) -> String {
    String::from_utf8(ClientHandshake::new(target, headers, &[], None).request().to_vec()).expect("a request is text")
}

/// Our own server reads what our client writes; gives what it read of that header.
fn served(request: &str) -> Option<websocket_addin::ws::Request> {
    if request.len() > SHORT {
        return None;
    }
    match ServerHandshake::new().hear(request.as_bytes(), false) {
        Ok(Some(Heard::Plain(..))) => panic!("plain HTTP is not served"),
        Ok(Some(Heard::WebSocket(request, rest))) => {
            assert!(rest.is_empty());
            Some(request)
        }
        Ok(None) => panic!("not complete: {request:?}"),
        Err(refusal) => panic!("refused with {}: {request:?}", refusal.status),
    }
}

fn header(name: &str, value: &str) {
    if let Err(error) = check_header(name, value) {
        return one_line(&error.to_string());
    }
    let target = Target::parse("ws://host/").expect("that is a URL");
    let plain = request(&target, &[]).split("\r\n").count();
    let request = request(&target, &[(name.to_owned(), value.to_owned())]);
    assert_eq!(request.split("\r\n").count(), plain + 1, "{request:?}");
    if let Some(read) = served(&request) {
        let blank = |c: char| c == ' ' || c == '\t';
        assert_eq!(
            read.header(name).as_deref().map(|value| value.trim_matches(blank)),
            Some(value.trim_matches(blank))
        );
    }
}

/// What is allowed is an origin, to the letter, of the one allowed site: read by another parser.
fn origin(from: &str) {
    if !is_allowed("https://shop.example, https://*.shop.example", from) {
        return;
    }
    let url = url::Url::parse(from).expect("an allowed origin is a URL");
    let host = url.host_str().unwrap_or_default();
    assert!(url.scheme() == "https" && (host == "shop.example" || host.ends_with(".shop.example")), "{from:?}");
    assert!(url.username().is_empty() && url.password().is_none() && url.port().is_none(), "{from:?}");
    assert!(url.path() == "/" && url.query().is_none() && url.fragment().is_none(), "{from:?}");
}
