//! What the methods do, in both languages. Names, parameters and defaults come from the library.

/// A method of a class: its English name, what it returns (`ValueKind` in words, empty for a procedure) and what it does.
pub struct Text {
    pub class: &'static str,
    pub name: &'static str,
    pub result: Returns,
    pub ru: &'static str,
    pub en: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returns {
    Nothing,
    Boolean,
    Number,
    Text,
}

const fn client(name: &'static str, result: Returns, ru: &'static str, en: &'static str) -> Text {
    Text { class: "Client", name, result, ru, en }
}

const fn server(name: &'static str, result: Returns, ru: &'static str, en: &'static str) -> Text {
    Text { class: "Server", name, result, ru, en }
}

use Returns::{Boolean, Nothing, Number};

pub const METHODS: &[Text] = &[
    client(
        "Connect",
        Boolean,
        "Устанавливает соединение и ждёт результата, но не дольше `ТаймаутПодключения`: в это время входят поиск адреса, \
         прокси, TLS и рукопожатие. Неудача вызывает исключение и не повторяется. Имя и пароль из URL передаются \
         серверу (Basic); фрагмент (`#…`) в URL недопустим. Если соединение уже есть, вызывается исключение \
         «Подключение уже выполнено», а само соединение остаётся.",
        "Connects and waits for the outcome, at most `ConnectTimeout`, which covers lookup, proxy, TLS and handshake. A \
         failure raises an exception and is not tried again. User and password in the URL are sent as Basic \
         authorization; a fragment (`#…`) is refused. With a connection already there it raises “Already connected” and \
         keeps that connection.",
    ),
    client(
        "BeginConnect",
        Nothing,
        "То же без ожидания: результат сообщают событие (`open` или `error`) и свойство `Статус`. При \
         `ИнтервалПереподключения` больше 0 попытки продолжаются до успеха или до вызова `Отключиться`.",
        "The same without waiting: an event (`open` or `error`) and `Status` tell the outcome. With `ReconnectInterval` \
         above 0 it goes on trying until it works or `Disconnect` is called.",
    ),
    client(
        "Disconnect",
        Boolean,
        "Отправляет то, что стоит в очереди, и закрывает соединение в пределах `ТаймаутЗакрытия`. Истина: всё отправлено и \
         закрытие прошло штатно. Ложь: соединения не было или закрытие не удалось. Ожидающие вызовы `Получить` этого \
         объекта сразу завершаются, переподключение прекращается. Исключение возможно только из-за недопустимого кода или \
         слишком длинной причины.",
        "Sends what is queued and closes the connection within `CloseTimeout`. True: everything was sent and the close \
         was clean. False: there was no connection, or the close failed. Waiting calls of `Receive` on this object end at \
         once, and so does reconnecting. Only a code that is not allowed or a reason that is too long raises an exception.",
    ),
    client(
        "Abort",
        Nothing,
        "Обрывает соединение сразу, без закрывающего рукопожатия: событие `close` с кодом 1006. То, что стоит в очереди, \
         отбрасывается; подключение и переподключение прекращаются. Если соединения нет, ничего не происходит.",
        "Ends the connection at once, without a close handshake: the event `close` with 1006. What is queued is dropped; \
         connecting and reconnecting stop. Without a connection nothing happens.",
    ),
    client(
        "Send",
        Nothing,
        "Ставит одно сообщение в очередь: строку как текст, двоичные данные как двоичное сообщение. Пока в очереди есть \
         место, возвращается сразу, иначе ждёт до `ТаймаутОтправки`. Без соединения вызывает исключение.",
        "Queues one message: a string as text, binary data as a binary one. Returns at once while there is room, and \
         otherwise waits up to `SendTimeout`. Without a connection it raises an exception.",
    ),
    client(
        "Receive",
        Boolean,
        "Следующее сообщение: строка или двоичные данные, в зависимости от того, что прислал сервер. Другие события перед ним \
         отбрасываются. Ложь: время вышло или соединение завершено, а очередь пуста; тогда `Данные` – пустая строка.",
        "The next message: a string or binary data, as the server sent it. Other events before it are discarded. False: \
         the time is up, or the connection has ended and the queue is empty; `Data` is then an empty string.",
    ),
    client(
        "ReceiveEvent",
        Boolean,
        "Следующее событие. Ложь – как у `Получить`.\n\n\
         | событие | данные |\n|---|---|\n\
         | `open` | [JSON](#json): `url`, `protocol`, `extensions`, `attempt` |\n\
         | `message` | сообщение |\n\
         | `close` | JSON: `code`, `reason`, `clean` |\n\
         | `error` | текст ошибки |\n\
         | `drained` | пусто: очередь отправки, которая была полна, опустела больше чем наполовину |",
        "The next event. False as for `Receive`.\n\n\
         | event | data |\n|---|---|\n\
         | `open` | [JSON](#json): `url`, `protocol`, `extensions`, `attempt` |\n\
         | `message` | the message |\n\
         | `close` | JSON: `code`, `reason`, `clean` |\n\
         | `error` | the text of the error |\n\
         | `drained` | nothing: the send queue, which was full, is less than half full |",
    ),
    client(
        "Ping",
        Number,
        "Время до ответа сервера в миллисекундах. Если ответа нет, вызывает исключение; также сразу, когда чтение \
         приостановлено (или приостановится) из-за полной очереди приёма или идёт переподключение.",
        "Milliseconds until the server answers. No answer raises an exception; so does, at once, a full receive queue that \
         has paused, or meanwhile pauses, reading, or a reconnection under way.",
    ),
    client(
        "Request",
        Returns::Text,
        "Отправляет объект JSON и возвращает ответ на него: сообщение, у которого поле `ПолеОтвета` равно полю \
         `ПолеИдентификатора` запроса.\n\n\
         | что | как |\n|---|---|\n\
         | в запросе нет этого поля | добавляется первым с уникальным значением; остальной текст уходит без изменений |\n\
         | числа | сравниваются точно, длина любая: `1`, `1.0` и `1e0` равны |\n\
         | строки | сравниваются по символам; строка не равна числу |\n\
         | объект, массив | идентификатором быть не могут |\n\
         | ответ | текст или двоичные данные; смотрится только это поле верхнего уровня, из повторов – последнее |\n\
         | остальные сообщения | остаются в очереди в прежнем порядке |\n\
         | опоздавший ответ | становится обычным сообщением |\n\
         | чтение приостановлено из-за полной очереди приёма | исключение сразу |",
        "Sends a JSON object and returns its answer: the message whose `ReplyField` equals the request's `IdField`.\n\n\
         | what | how |\n|---|---|\n\
         | a request without that field | is given a unique one, in front of the others; all else leaves as it is |\n\
         | numbers | are compared exactly, of any length: `1`, `1.0` and `1e0` are equal |\n\
         | strings | are compared by their characters; a string is no number |\n\
         | an object or array | is no id |\n\
         | the answer | a text or binary data; only that field of the top level is looked at, the last of its name |\n\
         | all other messages | stay queued in order |\n\
         | an answer that comes too late | is an ordinary message |\n\
         | a full receive queue that pauses reading | raises an exception at once |",
    ),
    client(
        "SetHeader",
        Nothing,
        "Заголовок HTTP для рукопожатия следующего подключения; пустое значение его убирает. Заголовки самого рукопожатия \
         и переводы строк недопустимы.",
        "An HTTP header for the handshake of the next connection; an empty value removes it. The handshake's own headers \
         and line breaks are refused.",
    ),
    client(
        "SetClientCertificate",
        Nothing,
        "Сертификат, который клиент предъявит серверу (взаимный TLS).",
        "The certificate that the client shows to the server (mutual TLS).",
    ),
    client("ErrorDescription", Returns::Text, ERROR_RU, ERROR_EN),
    client("Statistics", Returns::Text, STATISTICS_RU, STATISTICS_EN),
    server(
        "Run",
        Boolean,
        "Начинает принимать соединения в фоне. Если указан сертификат, сервер работает по TLS. Сразу после `Остановить` порт можно \
         занять снова; второй сервер на том же порту получит исключение.",
        "Begins to accept connections in the background. With a certificate it speaks TLS. Right after `Stop` the port can \
         be taken again; a second server on the same port is an exception.",
    ),
    server(
        "Stop",
        Nothing,
        "Закрывает все соединения с кодом 1001 в пределах `ТаймаутЗакрытия` и освобождает порт; имена, сеансы и группы \
         пропадают. `Получить` отдаёт то, что осталось в очереди, и затем сразу возвращает Ложь.",
        "Closes every connection with 1001 within `CloseTimeout` and frees the port; names, sessions and groups end. \
         `Receive` hands over what is queued and then returns False at once.",
    ),
    server(
        "ReloadCertificate",
        Boolean,
        "Новые соединения получат обновлённый сертификат, прежние не прерываются. Без параметров перечитывается то, что \
         было передано в `Запустить`. Если новый сертификат негоден, вызывается исключение и остаётся старый.",
        "New connections get the renewed certificate, those that are open are not touched. Without parameters what `Run` \
         was given is read again. A certificate that is no good raises an exception, and the old one stays.",
    ),
    server(
        "Send",
        Boolean,
        "Ставит сообщение в очередь одного соединения. Ложь: это соединение завершено. Номер, которого никогда не было, и \
         очередь, полная дольше `ТаймаутОтправки`, вызывают исключение.",
        "Queues a message for one connection. False: that connection has ended. An id that was never issued, and a queue \
         that stays full for `SendTimeout`, raise an exception.",
    ),
    server(
        "SendToName",
        Boolean,
        "Отправляет соединению с таким именем или его сеансу, который ждёт возвращения. Ложь: с таким именем никого нет.",
        "Sends to the connection of that name, or to its session that waits for it to come back. False: nobody has that \
         name.",
    ),
    server(
        "Broadcast",
        Number,
        "Отправляет всем или всем в группе; возвращает, для скольких сообщение поставлено в очередь, вместе с отсутствующими, \
         чей сеанс ждёт. Соединение, очередь которого полна, закрывается с кодом 1013, а с `ПропускатьПолные` просто не получает \
         сообщения; остальных оно не задерживает.",
        "Sends to all, or to all of a group; returns for how many it was queued, absent ones whose session waits included. \
         A connection whose queue is full is closed with 1013, or with `SkipFull` goes without; it delays nobody.",
    ),
    server(
        "NameInfo",
        Returns::Text,
        "Сведения об имени в [JSON](#json). Пустая строка: с таким именем никого нет.",
        "What is known of a name, as [JSON](#json). An empty string: nobody has that name.",
    ),
    server(
        "NameList",
        Returns::Text,
        "Массив JSON тех же сведений обо всех именах, которые начинаются с префикса, по алфавиту и без групп.",
        "A JSON array of the same of all names that begin with the prefix, in order and without groups.",
    ),
    server(
        "DisconnectName",
        Boolean,
        "Начинает закрытие соединения с таким именем и завершает его сеанс, в том числе ожидающий. Ложь: с таким именем никого нет.",
        "Starts the close of the connection of that name and ends its session, also one that is away. False: nobody has that \
         name.",
    ),
    server(
        "Receive",
        Boolean,
        "Следующее сообщение любого соединения и номер этого соединения. Другие события перед ним отбрасываются. Ложь: \
         время вышло или сервер остановлен, а очередь пуста; тогда `ИДКлиента` = 0, `Данные` – пустая строка.",
        "The next message of any connection, and that connection's id. Other events before it are discarded. False: the \
         time is up, or the server is stopped and the queue is empty; then `ClientID` is 0 and `Data` an empty string.",
    ),
    server(
        "ReceiveEvent",
        Boolean,
        "Следующее событие. Ложь – как у `Получить`.\n\n\
         | событие | когда | данные |\n|---|---|---|\n\
         | `pending` | соединение ждёт решения | [JSON](#json), как у `СведенияОСоединении` |\n\
         | `open` | соединение открыто | то же |\n\
         | `message` | сообщение | сообщение |\n\
         | `close` | соединение завершено | JSON: `code`, `reason`, `clean` |\n\
         | `expired` | сеанс с именем закончился, не получив всех сообщений | JSON: `name`, `messages` |\n\
         | `drained` | очередь отправки, которая была полна, опустела больше чем наполовину | пусто |",
        "The next event. False as for `Receive`.\n\n\
         | event | when | data |\n|---|---|---|\n\
         | `pending` | a connection waits for a decision | [JSON](#json), as of `ConnectionInfo` |\n\
         | `open` | a connection is open | the same |\n\
         | `message` | a message | the message |\n\
         | `close` | a connection has ended | JSON: `code`, `reason`, `clean` |\n\
         | `expired` | a named session has ended without getting all its messages | JSON: `name`, `messages` |\n\
         | `drained` | a send queue that was full is less than half full | nothing |",
    ),
    server(
        "Disconnect",
        Boolean,
        "Начинает закрытие соединения и сразу возвращается. То, что клиент уже прислал, ещё будет получено. Ложь: такого \
         соединения нет.",
        "Starts the close of a connection and returns at once. What the client had sent is still received. False: there is \
         no such connection.",
    ),
    server(
        "Abort",
        Boolean,
        "Обрывает соединение сразу, без закрывающего рукопожатия. Ложь: такого соединения нет.",
        "Ends a connection at once, without a close handshake. False: there is no such connection.",
    ),
    server(
        "Pause",
        Boolean,
        "Приостанавливает чтение из соединения или продолжает его: клиент ждёт. Уже прочитанное остаётся в очереди; проверка связи \
         соединение тем временем не обрывает. Ложь: такого соединения нет.",
        "Stops reading from a connection, or goes on: the client has to wait. What was read stays queued; keepalive does not end \
         the connection meanwhile. False: there is no such connection.",
    ),
    server(
        "SetResponseHeader",
        Nothing,
        "Заголовок HTTP всех ответов на рукопожатие, и 101, и отказов; пустое значение его убирает. Собственные заголовки ответа и \
         переводы строк недопустимы.",
        "An HTTP header of every answer to a handshake, 101 and refusals; an empty value removes it. The answer's own headers and \
         line breaks are refused.",
    ),
    server(
        "Accept",
        Boolean,
        "Впускает соединение, о котором сообщило событие `pending`. Ложь: такого уже нет.",
        "Lets in the connection that the event `pending` told of. False: it is gone.",
    ),
    server(
        "Reject",
        Boolean,
        "Отказывает соединению, о котором сообщило событие `pending`. Ложь: такого уже нет.",
        "Turns away the connection that the event `pending` told of. False: it is gone.",
    ),
    server(
        "SetName",
        Boolean,
        "Даёт соединению имя, например из его первого сообщения. Прежнее соединение с этим именем закрывается с кодом 4001, \
         его группы и неотправленные сообщения переходят к новому. Ложь: такого соединения нет.",
        "Names a connection, for example after its first message. An older connection of that name is closed with 4001; its \
         groups and unsent messages go to the new one. False: there is no such connection.",
    ),
    server(
        "JoinGroup",
        Boolean,
        "Добавляет соединение в группу. Ложь: такого соединения нет.",
        "Adds a connection to a group. False: there is no such connection.",
    ),
    server(
        "LeaveGroup",
        Boolean,
        "Исключает соединение из группы. Ложь: такого соединения нет.",
        "Takes a connection out of a group. False: there is no such connection.",
    ),
    server(
        "ConnectionInfo",
        Returns::Text,
        "Сведения о соединении в [JSON](#json): адрес, путь, параметры, заголовки, подпротокол, счётчики, время подключения.",
        "What is known of a connection, as [JSON](#json): address, path, query, headers, subprotocol, counters, since when.",
    ),
    server(
        "ConnectionList",
        Returns::Text,
        "Массив JSON тех же сведений обо всех соединениях, без заголовков.",
        "A JSON array of the same of all connections, without headers.",
    ),
    server(
        "Ping",
        Number,
        "Время до ответа клиента в миллисекундах. Если ответа нет, вызывает исключение.",
        "Milliseconds until the client answers. No answer raises an exception.",
    ),
    server("ErrorDescription", Returns::Text, ERROR_RU, ERROR_EN),
    server(
        "Metrics",
        Returns::Text,
        "Счётчики сервера в текстовом формате Prometheus; имена начинаются с `websocket_`. То же отдаётся по запросу \
         GET к `ПутьУправления`/metrics.",
        "The server's counters as text for Prometheus; the names begin with `websocket_`. GET of `ControlPath`/metrics \
         gets the same.",
    ),
    server("Statistics", Returns::Text, STATISTICS_RU, STATISTICS_EN),
];

const ERROR_RU: &str = "Текст последней ошибки этого объекта. Очищается следующим успешным вызовом метода.";
const ERROR_EN: &str = "The text of this object's last error, until its next method succeeds.";
const STATISTICS_RU: &str = "Счётчики объекта в [JSON](#json): сообщения, байты, длина очередей, подключения, отказы и закрытия по кодам, предупреждения.";
const STATISTICS_EN: &str = "The object's counters as [JSON](#json): messages, bytes, what is queued, connects, refusals and closes by code, warnings.";

/// A parameter wherever it occurs: English name, по-русски, in English. `Class.Method.Parameter` stands before `Parameter`.
pub const PARAMETERS: &[(&str, &str, &str)] = &[
    (
        "URL",
        "`ws://…` или `wss://…`; в Linux и `ws+unix:///run/app.sock:/путь`",
        "`ws://…` or `wss://…`; on Linux also `ws+unix:///run/app.sock:/path`",
    ),
    ("Code", "код закрытия: 1000–1003, 1007–1014, 3000–4999", "the close code: 1000–1003, 1007–1014, 3000–4999"),
    ("Reason", "причина, не более 123 байт в UTF-8", "why, at most 123 bytes of UTF-8"),
    ("Server.Reject.Reason", "пояснение для клиента", "an explanation for the client"),
    ("Data", "строка или двоичные данные", "a string or binary data"),
    ("Client.Receive.Data", "сообщение", "the message"),
    ("Server.Receive.Data", "сообщение", "the message"),
    ("Client.ReceiveEvent.Data", "данные события", "what the event tells"),
    ("Server.ReceiveEvent.Data", "данные события", "what the event tells"),
    (
        "Timeout",
        "сколько ждать, в миллисекундах; 0 – без ограничения, отрицательное – не ждать",
        "how long to wait, in milliseconds; 0 is without limit, negative does not wait",
    ),
    ("Event", "имя события", "the event's name"),
    ("Text", "объект JSON", "a JSON object"),
    ("IdField", "поле с идентификатором запроса", "the field with the request's id"),
    (
        "ReplyField",
        "поле ответа, которое его повторяет; пусто – то же поле",
        "the field of the answer that repeats it; empty: the same field",
    ),
    ("Name", "имя", "a name"),
    ("Client.SetHeader.Name", "имя заголовка", "the header's name"),
    ("Value", "значение заголовка", "the header's value"),
    ("Certificate", "путь к файлу или текст: PEM или PKCS#12", "a path or a text: PEM or PKCS#12"),
    (
        "Key",
        "закрытый ключ, если он не в том же файле: путь или текст PEM; другой текст при пустом пароле считается паролем",
        "the private key, unless it is in the same file: a path or PEM text; another text, with no password, is the password",
    ),
    ("Password", "пароль ключа или файла PKCS#12", "the password of the key or the PKCS#12 file"),
    (
        "Interface",
        "адрес IPv4 или IPv6 (link-local – с интерфейсом: `fe80::1%eth0`), `localhost`, пустая строка или `*` – все адреса; в Linux и Unix-сокет: `unix:/run/app.sock`",
        "an IPv4 or IPv6 address (a link-local one with its interface: `fe80::1%eth0`), `localhost`, an empty string or `*` for all; on Linux also a Unix socket: `unix:/run/app.sock`",
    ),
    (
        "Port",
        "номер порта; 0 – любой свободный; у Unix-сокета порта нет",
        "the port; 0 for any that is free; a Unix socket has none",
    ),
    ("ClientID", "номер соединения", "the connection's id"),
    ("Group", "группа", "a group"),
    ("Server.Broadcast.Group", "группа; пусто – всем", "a group; empty: to all"),
    (
        "ExceptID",
        "номер соединения, которому не отправлять, например автора; 0 – отправить всем",
        "the number of a connection that goes without, the author for example; 0 is none",
    ),
    (
        "SkipFull",
        "соединение, очередь которого полна, не закрывать, а пропустить",
        "whether a connection whose queue is full goes without, instead of being closed",
    ),
    ("On", "Истина – приостановить, Ложь – продолжить", "True stops, False goes on"),
    ("Server.SetResponseHeader.Name", "имя заголовка", "the header's name"),
    ("Prefix", "с чего начинается имя; пусто – все имена", "what the names begin with; empty: all names"),
    ("HttpStatus", "код ответа HTTP", "the HTTP status of the answer"),
];
