//! A device names itself first, and comes back to a server that was restarted under it.

use super::*;

#[test]
fn a_device_says_who_it_is_after_every_connect() {
    let server = Server::running();
    let port = server.port();
    let (mut device, _scratch) = program("simpleui/device", &[&server.url(), "1234"]);
    assert_eq!(device.line(), "open");
    let (connection, hello) = message(&server);
    assert_eq!(hello, "id:1234");
    device.type_line("привет");
    assert_eq!(message(&server), (connection, "привет".to_owned()));
    server.send(connection, "и тебе").unwrap();
    assert_eq!(device.line(), "message и тебе");

    server.stop().unwrap();
    assert!(device.line().starts_with("close {\"code\":1001"));
    // It waits for the next connection, behind the name.
    device.type_line("пока сервера нет");
    server.run("127.0.0.1", port.into()).unwrap();
    device.line_after("open");
    let (connection, hello) = message(&server);
    assert_eq!(hello, "id:1234");
    assert_eq!(message(&server), (connection, "пока сервера нет".to_owned()));

    device.type_line("stop");
    let (well, _) = device.end();
    assert!(well);
    until("it does not come again", || server.connection_count() == 0);
}
