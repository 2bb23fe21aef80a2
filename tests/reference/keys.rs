//! The keys of all JSON that an object gives, in both languages. The reference is made of them, and tests of each object
//! compare them with what it gives.

#![allow(dead_code, reason = "each test looks at its own objects")]

/// One JSON object: its name in Russian and English, and its keys in the order in which they come: по-русски, in English.
pub struct Object {
    pub name: (&'static str, &'static str),
    pub keys: &'static [(&'static str, &'static str, &'static str)],
}

impl Object {
    /// The keys alone, without those that are there in some cases only.
    pub fn names(&self, but: &[&str]) -> Vec<&'static str> {
        self.keys.iter().map(|(key, ..)| *key).filter(|key| !but.contains(key)).collect()
    }
}

pub const OPEN: Object = Object {
    name: ("`open` клиента", "`open` of a client"),
    keys: &[
        ("url", "адрес сервера, без пароля", "the server's URL, without a password"),
        ("protocol", "согласованный подпротокол или пусто", "the subprotocol agreed on, or empty"),
        ("extensions", "согласованные расширения или пусто", "the extensions agreed on, or empty"),
        ("attempt", "которая попытка удалась, считая с 1", "which attempt succeeded, counted from 1"),
    ],
};

pub const CLOSE: Object = Object {
    name: ("`close`", "`close`"),
    keys: &[
        ("code", "код закрытия; 1006 – соединение оборвалось", "the close code; 1006: the connection was lost"),
        ("reason", "причина; у 1006 – текст, почему", "the reason; of 1006 why, in words"),
        ("clean", "`true`, если закрытие прошло штатно", "`true` after a whole close handshake"),
    ],
};

pub const EXPIRED: Object = Object {
    name: ("`expired`", "`expired`"),
    keys: &[
        ("name", "имя, чей сеанс закончился", "the name whose session has ended"),
        ("messages", "сколько сообщений он не получил", "how many messages it has not received"),
    ],
};

pub const CONNECTION: Object = Object {
    name: ("`СведенияОСоединении`, `open` и `pending` сервера", "`ConnectionInfo`, `open` and `pending` of a server"),
    keys: &[
        ("id", "номер соединения", "the connection's number"),
        ("name", "имя или пусто", "the name, or empty"),
        ("groups", "массив групп", "an array of groups"),
        (
            "address",
            "адрес и порт клиента; у Unix-сокета пусто",
            "the client's address and port; empty for a Unix socket",
        ),
        ("path", "путь запроса, как прислан: `%20` не раскодируется", "the path as it was sent: `%20` is not decoded"),
        ("query", "параметры запроса после `?`, как присланы", "what stands behind `?`, as it was sent"),
        (
            "headers",
            "объект: имена строчными буквами, повторы через `, `; в `СписокСоединений` этого поля нет",
            "an object: names in lower case, repeats joined by `, `; `ConnectionList` has no such field",
        ),
        (
            "proxy",
            "адрес доверенного прокси; поле есть только за ним",
            "the trusted proxy's address; only there behind one",
        ),
        (
            "certificate",
            "сертификат клиента, если он его показал: `subject`, `issuer`, `serial`, `sha256`, `not_after`, массив `names`",
            "the client's certificate, only there if it showed one: `subject`, `issuer`, `serial`, `sha256`, `not_after`, an array `names`",
        ),
        ("protocol", "согласованный подпротокол или пусто", "the subprotocol agreed on, or empty"),
        ("extensions", "согласованные расширения или пусто", "the extensions agreed on, or empty"),
        ("secure", "`true`, если клиент подключён по TLS", "`true` if the client speaks TLS"),
        ("state", "`pending` или `open`", "`pending` or `open`"),
        ("connected_at", "когда подключилось", "when it connected"),
        ("messages_in", "получено сообщений", "messages received"),
        ("messages_out", "отправлено сообщений", "messages sent"),
        ("bytes_in", "получено байт", "bytes received"),
        ("bytes_out", "отправлено байт", "bytes sent"),
        ("queued_in", "сообщений ждёт в очереди приёма", "messages that wait to be received"),
        ("queued_out", "сообщений ждёт отправки", "messages that wait to be sent"),
        ("queued_out_bytes", "байт ждёт отправки", "bytes that wait to be sent"),
        ("round_trip_ms", "последнее измеренное время ответа или `null`", "the last round trip measured, or `null`"),
    ],
};

pub const STATISTICS: Object = Object {
    name: ("`Статистика`", "`Statistics`"),
    keys: &[
        ("messages_in", "получено сообщений", "messages received"),
        ("messages_out", "отправлено сообщений", "messages sent"),
        ("bytes_in", "получено байт", "bytes received"),
        ("bytes_out", "отправлено байт", "bytes sent"),
        ("queued_in", "сообщений ждёт в очереди приёма", "messages that wait to be received"),
        ("queued_in_bytes", "байт ждёт в очереди приёма", "bytes that wait to be received"),
        ("queued_out_bytes", "байт ждёт отправки", "bytes that wait to be sent"),
        ("pings", "отправлено проверок связи", "pings sent"),
        (
            "round_trip_ms",
            "наибольшее из последних времён ответа или `null`",
            "the longest of the last round trips, or `null`",
        ),
        ("connects", "соединений с начала", "connections since the beginning"),
        ("reconnects", "из них переподключений (клиент)", "of these by reconnecting (client)"),
        (
            "rejected",
            "объект: код отказа или `handshake` → сколько раз (сервер)",
            "an object: status of the refusal, or `handshake` → count (server)",
        ),
        ("closes", "объект: код закрытия → сколько раз", "an object: close code → count"),
        ("connections", "открыто сейчас", "open now"),
        (
            "sessions_waiting",
            "сеансов с именем ждёт возвращения (сервер)",
            "named sessions that wait for a return (server)",
        ),
        (
            "warnings",
            "массив текстов, например о скором окончании сертификата",
            "an array of texts, such as of a certificate that expires soon",
        ),
        ("started_at", "с какого времени считается", "since when it is counted"),
    ],
};

pub const NAME: Object = Object {
    name: ("`СведенияОбИмени`, элемент `СписокИмен`", "`NameInfo`, an item of `NameList`"),
    keys: &[
        ("name", "имя", "the name"),
        (
            "state",
            "`open`; `moving` – передаётся неотправленное прежнего соединения; `waiting` – ждёт возвращения",
            "`open`; `moving`: the unsent messages of the connection before are on their way; `waiting`: for its return",
        ),
        ("server", "какой сервер", "which server"),
        ("id", "номер соединения; `null`, если ждёт", "the connection's number; `null` while waiting"),
        ("since", "с какого времени в этом состоянии", "since when it is in this state"),
        (
            "until",
            "когда сеанс закончится, если не вернётся; иначе `null`",
            "when a waiting session ends; otherwise `null`",
        ),
        ("queued", "сообщений ждёт отправки", "messages that wait to be sent"),
        ("queued_bytes", "байт ждёт отправки", "bytes that wait to be sent"),
        ("groups", "массив групп; в `СписокИмен` этого поля нет", "an array of groups; `NameList` has no such field"),
    ],
};

/// All, in the order of the reference.
pub const OBJECTS: [Object; 6] = [OPEN, CLOSE, EXPIRED, CONNECTION, NAME, STATISTICS];
