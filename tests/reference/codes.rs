//! The numbers of `ErrorCode`, which are the results of the C interface.

/// By their numbers, from −1 on: the name in C without its prefix, по-русски, in English.
pub const CODES: &[(&str, &str, &str)] = &[
    ("BAD_HANDLE", "объекта нет (только C)", "no such object (C only)"),
    (
        "BAD_ARGUMENT",
        "недопустимый параметр или значение свойства",
        "a parameter, or a property's value, that is not allowed",
    ),
    ("BAD_UTF8", "строка с ошибкой кодирования", "a text that is not well-formed"),
    ("NOT_CONNECTED", "соединения нет", "there is no connection"),
    ("ALREADY_CONNECTED", "подключение уже выполнено", "already connected"),
    ("CONNECTING", "подключение уже выполняется", "a connection is in progress"),
    ("NOT_RUNNING", "сервер не запущен", "the server is not running"),
    ("ALREADY_RUNNING", "сервер уже запущен", "the server is already running"),
    ("CANCELLED", "вызов прерван", "the call was cancelled"),
    ("CONNECT_TIMEOUT", "подключиться за отведённое время не удалось", "no connection in time"),
    ("RESOLVE", "имя узла не найдено", "the host was not found"),
    ("REFUSED", "соединение отклонено или адрес недоступен", "refused, or the address cannot be reached"),
    ("TLS", "сбой TLS", "TLS failed"),
    ("CERTIFICATE", "сертификат не принят", "a certificate was not accepted"),
    ("PROXY", "прокси не соединил", "the proxy did not connect"),
    (
        "HANDSHAKE",
        "сервер ответил не так: HTTP 401, 404 и другие, нарушение протокола",
        "the server answered otherwise: HTTP 401, 404 and so on, a breach of the protocol",
    ),
    ("QUEUE_FULL", "очередь заполнена", "a queue is full"),
    ("TOO_BIG", "слишком большое сообщение", "too big"),
    ("PING_TIMEOUT", "нет ответа на пинг", "no answer to a ping"),
    ("REQUEST_TIMEOUT", "нет ответа на запрос", "no answer to a request"),
    ("ADDRESS", "порт занят или адрес нельзя использовать", "the port is in use, or the address cannot be used"),
    ("FILE", "файл, сертификат или ключ не читается", "a file, certificate or key cannot be read"),
    (
        "WOULD_DEADLOCK",
        "вызов из обработчика ждал бы сам себя (только C)",
        "called in a handler, it would wait for itself (C only)",
    ),
    ("HANDLER_SET", "события получает обработчик или приложение", "the events go to a handler or to the application"),
    ("UNSUPPORTED", "здесь недоступно", "not available here"),
    ("NO_MEMORY", "недостаточно памяти", "out of memory"),
    ("IO", "соединение потеряно, ошибка ввода-вывода", "the connection was lost, or input/output failed"),
    ("PANIC", "внутренняя ошибка", "an internal error"),
];

#[test]
fn every_code_is_described() {
    let header = include_str!("../../include/websocket_addin.h");
    let results = header.lines().filter(|line| line.starts_with("#define WSADDIN_")).filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let name = words.next()?.strip_prefix("WSADDIN_")?;
        let number: i64 = words.next()?.trim_matches(['(', ')']).parse().ok()?;
        (number < 0 && name != "NO_WAIT").then_some((name, number))
    });
    let mut seen = 0;
    for (name, number) in results {
        assert_eq!(CODES.get(usize::try_from(-1 - number).unwrap()).map(|code| code.0), Some(name));
        seen += 1;
    }
    assert_eq!(seen, CODES.len());
}
