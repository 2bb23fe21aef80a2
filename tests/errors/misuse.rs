//! Using what is not there, and listening where one cannot.

use super::*;

#[test]
fn not_connected() {
    let client = Client::new();
    let en = "not connected: no attempt to connect has been made yet";
    let ru = "соединение не установлено: подключение ещё не выполнялось";
    fails(WSADDIN_NOT_CONNECTED, en, ru, || client.send("x"));
    fails(WSADDIN_NOT_CONNECTED, en, ru, || client.send_binary(b"x"));
    fails(WSADDIN_NOT_CONNECTED, en, ru, || client.ping(1000));
    fails(WSADDIN_NOT_CONNECTED, en, ru, || client.request("{}", 1000));
}

#[test]
fn connected_already_or_on_the_way() {
    let server = Server::running();
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    for url in [server.url().as_str(), "ws://nobody.invalid/"] {
        fails(WSADDIN_ALREADY_CONNECTED, "Already connected", "Подключение уже выполнено", || client.connect(url));
        fails(
            WSADDIN_ALREADY_CONNECTED,
            "Already connected",
            "Подключение уже выполнено",
            || client.begin_connect(url),
        );
    }
    assert_eq!(client.status(), 1, "the connection stays");
    let hanging = Peer::new(|_| Then::Keep);
    let client = Client::new();
    client.begin_connect(&hanging.url()).unwrap();
    fails(WSADDIN_CONNECTING, "Connection in progress", "Подключение уже выполняется", || {
        client.connect(&server.url())
    });
    assert_eq!(client.ready_state(), 0);
}

#[test]
fn closing_with_what_may_not_be_sent() {
    let server = Server::running();
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    let connection = server.opened();
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX] {
        let en = format!("close code {code} may not be sent: 1000–1003, 1007–1014 and 3000–4999 are allowed");
        let ru = format!("код закрытия {code} нельзя отправить: допустимы 1000–1003, 1007–1014 и 3000–4999");
        fails(WSADDIN_BAD_ARGUMENT, &en, &ru, || client.disconnect(code, ""));
        fails(WSADDIN_BAD_ARGUMENT, &en, &ru, || server.disconnect(connection, code, ""));
    }
    let reason = "ы".repeat(62);
    let en = "the close reason takes 124 bytes of UTF-8, 123 are allowed";
    let ru = "причина закрытия занимает 124 байт в UTF-8, допустимо 123";
    fails(WSADDIN_BAD_ARGUMENT, en, ru, || client.disconnect(1000, &reason));
    fails(WSADDIN_BAD_ARGUMENT, en, ru, || server.disconnect(connection, 1000, &reason));
    assert_eq!((client.status(), server.connection_count()), (1, 1), "nothing happened");
}

#[test]
fn headers_that_are_refused() {
    let client = Client::new();
    fails(
        WSADDIN_BAD_ARGUMENT,
        "the header Sec-WebSocket-Key belongs to the handshake and cannot be set",
        "заголовок Sec-WebSocket-Key относится к рукопожатию, задать его нельзя",
        || client.set_header("Sec-WebSocket-Key", "x"),
    );
    fails(
        WSADDIN_BAD_ARGUMENT,
        "the value of the header X-Token holds a character that is not allowed",
        "значение заголовка X-Token содержит недопустимый символ",
        || client.set_header("X-Token", "SECRET\r\nX-Injected: 1"),
    );
    fails(
        WSADDIN_BAD_ARGUMENT,
        "X Token is not a name of an HTTP header",
        "X Token: недопустимое имя заголовка HTTP",
        || client.set_header("X Token", "x"),
    );
}

#[test]
fn a_port_in_use() {
    let server = Server::running();
    let port = server.port();
    let second = Server::new();
    fails(
        WSADDIN_ADDRESS,
        &format!("listening on 127.0.0.1:{port}: the port is in use (*)"),
        &format!("прослушивание 127.0.0.1:{port}: порт занят (*)"),
        || second.run("127.0.0.1", port.into()),
    );
    assert_eq!((second.port(), second.server()), (0, String::new()));
    fails(
        WSADDIN_ALREADY_RUNNING,
        &format!("the server is already running on 127.0.0.1:{port}"),
        &format!("сервер уже запущен на 127.0.0.1:{port}"),
        || server.run("127.0.0.1", 0),
    );
    server.stop().unwrap();
    second.run("127.0.0.1", port.into()).unwrap();
}

#[test]
fn an_interface_that_is_none_of_ours() {
    let server = Server::new();
    fails(
        WSADDIN_ADDRESS,
        "listening on 192.0.2.1:0: the address does not belong to this machine (*)",
        "прослушивание 192.0.2.1:0: адрес не принадлежит этому компьютеру (*)",
        || server.run("192.0.2.1", 0),
    );
    for name in ["eth0", "999.1.1.1", "example.com", "127.0.0.1:80"] {
        fails(
            WSADDIN_ADDRESS,
            &format!("{name} is not an IP address"),
            &format!("{name} не является IP-адресом"),
            || server.run(name, 0),
        );
    }
    for port in [-1, 65536, i64::MAX, i64::MIN] {
        fails(
            WSADDIN_BAD_ARGUMENT,
            &format!("port {port} is out of range 0…65535"),
            &format!("порт {port} вне диапазона 0…65535"),
            || server.run("127.0.0.1", port),
        );
    }
}

#[test]
fn connections_that_are_not_there() {
    let server = Server::new();
    let never_issued = |en: &str, ru: &str| {
        fails(WSADDIN_BAD_ARGUMENT, en, ru, || server.send(7, "x"));
        fails(WSADDIN_BAD_ARGUMENT, en, ru, || server.ping(7, 1000));
    };
    never_issued("connection 7 was never issued: the server is not running", "соединения 7 не было: сервер не запущен");
    server.run("127.0.0.1", 0).unwrap();
    never_issued("connection 7 was never issued", "соединения 7 не было");
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    let connection = server.opened();
    assert!(client.disconnect(1000, "").unwrap());
    until("the server knows", || server.connection_count() == 0);
    assert!(!server.send(connection, "x").unwrap());
    assert!(!server.disconnect(connection, 1000, "").unwrap());
}
