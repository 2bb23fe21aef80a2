//! Texts that say what to do: each is of a mistake that many make.

use super::*;

#[test]
fn a_url_that_is_empty_or_has_a_number_with_groups() {
    let expected = "ws://узел:порт/путь или wss://узел:порт/путь";
    let ru = format!("URL пустой: ожидается {expected}");
    let en = "the URL is empty: ws://host:port/path or wss://host:port/path is expected";
    connect_fails("", WSADDIN_BAD_ARGUMENT, en, &ru);
    connect_fails(" \r\n", WSADDIN_BAD_ARGUMENT, en, &ru);
    // What a number of 1C looks like in a text.
    for blank in ["\u{a0}", " ", "\u{202f}"] {
        let url = format!("ws://localhost:9{blank}098/");
        let hint = "a number goes into a text without separators of groups, in 1C by Format(Port, \"NG=0\")";
        let совет = "число вставляется в строку без разделителей групп, например Формат(Порт, \"ЧГ=0\")";
        connect_fails(
            &url,
            WSADDIN_BAD_ARGUMENT,
            &format!("the URL {url} is malformed: there is a space in the port: {hint}"),
            &format!("неверный URL {url}: в номере порта пробел: {совет}"),
        );
    }
}

#[test]
fn the_other_scheme_is_meant() {
    // With an alert, or not at all.
    let alert = Peer::new(|stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"\x15\x03\x01\x00\x02\x02\x46");
        Then::Keep
    });
    refused_by(
        &alert,
        WSADDIN_HANDSHAKE,
        "the server speaks TLS on this port: wss:// is needed instead of ws://",
        "сервер на этом порту использует TLS: вместо ws:// нужен wss://",
    );
    let silent = Peer::new(|stream| {
        let _ = stream.read(&mut [0; 4096]);
        Then::Close
    });
    refused_by(
        &silent,
        WSADDIN_HANDSHAKE,
        "the server closed the connection before it answered the handshake; a port that needs wss:// does so",
        "сервер закрыл соединение, не ответив на рукопожатие; так бывает, когда порту нужен wss://",
    );
}

#[test]
fn an_international_name_appears_as_it_was_written() {
    let (host, url) = ("нет-такого.invalid", "ws://нет-такого.invalid:8080/");
    connect_fails(
        url,
        WSADDIN_RESOLVE,
        &format!("connecting to {host}:8080: host {host} not found"),
        &format!("подключение к {host}:8080: узел {host} не найден"),
    );
}

/// Why there is no connection, and since when.
#[test]
fn not_connected_says_why() {
    let why = |client: &Client, en: &str, ru: &str| {
        let (en, ru) = (format!("not connected: {en}"), format!("соединение не установлено: {ru}"));
        fails(WSADDIN_NOT_CONNECTED, &en, &ru, || client.send("x"));
        fails(WSADDIN_NOT_CONNECTED, &en, &ru, || client.ping(1000));
    };
    let client = Client::new();
    why(&client, "no attempt to connect has been made yet", "подключение ещё не выполнялось");

    let nobody = closed_port();
    client.connect(&format!("ws://127.0.0.1:{nobody}/")).unwrap_err();
    let refused = format!("connecting to 127.0.0.1:{nobody}: connection refused");
    let отказ = format!("подключение к 127.0.0.1:{nobody}: соединение отклонено");
    why(
        &client,
        &format!("the attempt to connect failed * s ago: {refused} (Connection refused (os error 111))"),
        &format!("попытка подключения не удалась * с назад: {отказ} (код ошибки 111)"),
    );

    let server = Server::running();
    client.connect(&server.url()).unwrap();
    client.disconnect(1000, "").unwrap();
    why(&client, "it was closed by this side * s ago", "соединение закрыто этой стороной * с назад");

    client.connect(&server.url()).unwrap();
    let connection = server.opened();
    server.disconnect(connection, 1008, "нарушение правил").unwrap();
    until("closed", || client.ready_state() == 3);
    why(
        &client,
        "the server closed it * s ago with code 1008 and the reason \"нарушение правил\"",
        "сервер закрыл соединение * с назад с кодом 1008 и причиной «нарушение правил»",
    );
}

/// A call that cannot wait for the connection to come back says where that stands.
#[test]
fn reconnecting_says_which_attempt() {
    let client = Client::new();
    client.reconnect_interval(3_600_000);
    let peer = Peer::new(|stream| {
        let _ = stream.read(&mut [0; 4096]);
        Then::Close
    });
    client.begin_connect(&peer.url()).unwrap();
    until("failed", || client.status() == -1);
    fails(
        WSADDIN_NOT_CONNECTED,
        "not connected: reconnecting, attempt 2: the attempt to connect failed * does so",
        "соединение не установлено: идёт восстановление соединения, попытка 2: попытка подключения не удалась * wss://",
        || client.ping(1000),
    );
}
