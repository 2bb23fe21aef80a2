//! The URL, and reaching the other side.

use super::*;

#[test]
fn a_malformed_url() {
    let cases = [
        ("ws://", "ws://"),
        ("ws://host:99999/x", "ws://host:99999/x"),
        ("ws://ho st/", "ws://ho st/"),
        ("ws://[::1/", "ws://[::1/"),
        ("ws://user:SECRET@host:99999?token=s3cret", "ws://***@host:99999"),
    ];
    for (url, shown) in cases {
        let client = Client::new();
        let ours = [format!("the URL {shown} is malformed"), format!("неверный URL {shown}")];
        let _guard = english();
        for (language, ours) in [WSADDIN_LANGUAGE_ENGLISH, WSADDIN_LANGUAGE_RUSSIAN].into_iter().zip(ours) {
            set_language(language);
            let fault = client.connect(url).unwrap_err();
            assert_eq!(fault.code, WSADDIN_BAD_ARGUMENT);
            assert!(fault.text.starts_with(&ours), "{}", fault.text);
            assert!(!fault.text.contains("SECRET") && !fault.text.contains("s3cret"), "{}", fault.text);
        }
        assert_eq!((client.status(), client.ready_state()), (0, 3), "nothing was tried");
    }
}

#[test]
fn a_url_without_a_scheme() {
    connect_fails(
        "localhost:9098/chat",
        WSADDIN_BAD_ARGUMENT,
        "the URL localhost:9098/chat is malformed: it has to begin with ws:// or wss://",
        "неверный URL localhost:9098/chat: он должен начинаться с ws:// или wss://",
    );
}

#[test]
fn an_unknown_scheme() {
    connect_fails(
        "http://user:SECRET@host/?token=s3cret",
        WSADDIN_BAD_ARGUMENT,
        "the URL http://***@host/ has the scheme http: ws, wss or ws+unix is needed",
        "URL http://***@host/: схема http не поддерживается, нужна ws, wss или ws+unix",
    );
}

#[test]
fn a_url_with_a_fragment() {
    connect_fails(
        "ws://host/path#s3cret",
        WSADDIN_BAD_ARGUMENT,
        "the URL ws://host/path has a fragment (#…), which RFC 6455 does not allow",
        "URL ws://host/path содержит фрагмент (#…), RFC 6455 этого не допускает",
    );
}

#[test]
fn a_host_that_does_not_resolve() {
    connect_fails(
        "ws://user:SECRET@nobody.invalid:9098/?token=s3cret",
        WSADDIN_RESOLVE,
        "connecting to nobody.invalid:9098: host nobody.invalid not found",
        "подключение к nobody.invalid:9098: узел nobody.invalid не найден",
    );
}

#[test]
fn a_refused_port() {
    let port = closed_port();
    connect_fails(
        &format!("ws://user:SECRET@127.0.0.1:{port}/?token=s3cret"),
        WSADDIN_REFUSED,
        &format!("connecting to 127.0.0.1:{port}: connection refused (*)"),
        &format!("подключение к 127.0.0.1:{port}: соединение отклонено (*)"),
    );
}

#[test]
fn an_address_that_does_not_answer() {
    let hole = BlackHole::new();
    let at = hole.address();
    let client = Client::new();
    client.connect_timeout(200);
    fails(
        WSADDIN_CONNECT_TIMEOUT,
        &format!("connecting to {at}: no connection within 200 ms: no answer from the address"),
        &format!("подключение к {at}: подключение не удалось за 200 мс: адрес не отвечает"),
        || client.connect(&hole.url()),
    );
    assert_eq!((client.status(), client.ready_state()), (-1, 3));
}
