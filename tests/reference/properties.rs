//! What the properties are, in both languages. A property that both classes have is described once.

/// English name, по-русски, in English. `Class.Property` stands before `Property`.
pub const PROPERTIES: &[(&str, &str, &str)] = &[
    (
        "Status",
        "1 – соединение есть; 0 – нет: новое, подключается или закрыто; −1 – подключиться не удалось, соединение оборвано \
         или идёт переподключение",
        "1: connected; 0: not, being new, under way or closed; −1: failed, broken or reconnecting",
    ),
    (
        "ReadyState",
        "как в браузере: 0 – подключается, 1 – открыто, 2 – закрывается, 3 – закрыто",
        "as in a browser: 0 connecting, 1 open, 2 closing, 3 closed",
    ),
    (
        "Client.Server",
        "адрес (URL) сервера без пароля и параметров; пусто, если соединения нет",
        "the URL connected to, without password and query; empty when not connected",
    ),
    (
        "Server.Server",
        "адрес, на котором принимаются соединения, без порта; пусто, если сервер остановлен",
        "the address listened on, without the port; empty when stopped",
    ),
    ("Port", "порт; 0, если сервер остановлен", "the port; 0 when stopped"),
    (
        "BufferedAmount",
        "сколько байт принято методом `Отправить` и ещё не передано системе",
        "bytes that `Send` has accepted and the system has not taken yet",
    ),
    ("Queued", "сколько полученных сообщений ждёт в очереди", "messages received and not yet taken"),
    ("Protocol", "согласованный подпротокол", "the subprotocol agreed on"),
    ("Extensions", "согласованные расширения", "the extensions agreed on"),
    (
        "HandshakeStatus",
        "код HTTP, которым сервер ответил на последнее рукопожатие, удачное или нет; 0 – ответа не было",
        "the HTTP status that the server answered to the last handshake, successful or not; 0: no answer",
    ),
    (
        "ResponseHeaders",
        "заголовки этого ответа: объект JSON, имена строчными буквами, повторы через `, `, `set-cookie` – массив; пусто, если \
         ответа не было",
        "the headers of that answer: a JSON object, names in lower case, repeats joined by `, `, `set-cookie` an array; empty \
         without an answer",
    ),
    (
        "ResponseBody",
        "первые 16 КиБ тела этого ответа текстом, если сервер отказал или перенаправил",
        "the first 16 KiB of that answer's body as text, where it was a refusal or a redirect",
    ),
    (
        "Client.ErrorCode",
        "[код](#коды-ошибок) последней ошибки: вызова или, позже, попытки переподключиться; 0 – ошибок не было. Успешный вызов \
         его не сбрасывает",
        "the [number](#error-codes) of the last failure: of a call or, later, of an attempt to reconnect; 0: nothing has failed \
         yet. Success does not reset it",
    ),
    (
        "Server.ErrorCode",
        "[код](#коды-ошибок) последней ошибки вызова; 0 – ошибок не было. Успешный вызов его не сбрасывает",
        "the [number](#error-codes) of the last call that failed; 0: none has. Success does not reset it",
    ),
    (
        "CloseCode",
        "код, с которым закрылось последнее соединение; 1006 – оборвалось",
        "the code that the last connection ended with; 1006: it broke",
    ),
    ("CloseReason", "причина закрытия последнего соединения", "why the last connection ended"),
    ("Version", "версия компоненты", "the component's version"),
    (
        "Connections",
        "соединения: `1: 127.0.0.1:50412 | 2: 127.0.0.1:50413`",
        "the connections: `1: 127.0.0.1:50412 | 2: 127.0.0.1:50413`",
    ),
    ("ConnectionCount", "число соединений", "how many connections there are"),
    (
        "ExternalEvents",
        "внешние события: пусто – выключены; `data` – событие несёт данные; `doorbell` – событие лишь сообщает, что пора \
         вызвать `Получить`",
        "external events: empty is off; `data`: an event carries its data; `doorbell`: it only says that `Receive` has \
         something",
    ),
    ("EventSource", "источник внешних событий этого объекта", "the source of this object's external events"),
    ("LogFile", "файл журнала, один на процесс; пусто – журнала нет", "the log file, one a process; empty is none"),
    ("LogLevel", "`error`, `info`, `debug` или `frames`", "`error`, `info`, `debug` or `frames`"),
    (
        "ConnectTimeout",
        "мс на поиск адреса, прокси, TLS и рукопожатие вместе; 0 – без ограничения",
        "ms for lookup, proxy, TLS and handshake together; 0 is without limit",
    ),
    (
        "CloseTimeout",
        "мс на закрытие соединения; 0 – оборвать сразу",
        "ms for the close of a connection; 0 breaks it off at once",
    ),
    (
        "SendTimeout",
        "мс, сколько `Отправить` ждёт места в очереди; 0 – без ограничения, отрицательное – не ждать",
        "ms that `Send` waits for room; 0 is without limit, negative does not wait",
    ),
    (
        "PingInterval",
        "мс тишины, после которых проверяется связь; 0 – не проверять",
        "ms of silence after which a ping is sent; 0 is off",
    ),
    (
        "PongTimeout",
        "мс на ответ при такой проверке; без ответа соединение считается оборванным; 0 – не проверять",
        "ms for the answer to that ping, or the connection is taken for broken; 0 is off",
    ),
    (
        "MaxMessageSize",
        "наибольшее входящее сообщение в байтах; большее закрывает соединение с кодом 1009",
        "the largest incoming message in bytes; a larger one closes the connection with 1009",
    ),
    (
        "ReceiveQueueMessages",
        "сколько сообщений может ждать в очереди приёма; затем чтение из сети приостанавливается",
        "messages that may wait to be received; beyond, reading from the network pauses",
    ),
    (
        "ReceiveQueueBytes",
        "сколько байт может ждать в очереди приёма; затем чтение из сети приостанавливается",
        "bytes that may wait to be received; beyond, reading from the network pauses",
    ),
    (
        "SendQueueBytes",
        "сколько байт может ждать отправки в одном соединении",
        "bytes that may wait to be sent on one connection",
    ),
    ("Client.Protocols", "предлагаемые подпротоколы через запятую", "the subprotocols offered, comma separated"),
    (
        "Server.Protocols",
        "поддерживаемые подпротоколы через запятую, в порядке предпочтения",
        "the subprotocols supported, comma separated, preferred first",
    ),
    (
        "ReconnectInterval",
        "мс до попытки восстановить потерянное соединение; 0 – не восстанавливать",
        "ms before a lost connection is tried again; 0 is off",
    ),
    (
        "ReconnectMaxInterval",
        "если больше `ИнтервалПереподключения`: ожидание растёт до этого предела, каждый раз случайное",
        "above `ReconnectInterval`: the waits grow up to this, each a random part of its bound",
    ),
    (
        "MaxReconnectAttempts",
        "после скольких неудачных попыток подряд прекратить: `Статус` −1, `СостояниеСоединения` 3, об этом говорит последнее \
         событие `error`; 0 – не прекращать. `Retry-After` ответов 429 и 503 соблюдается, но не дольше большего из \
         `МаксимальныйИнтервалПереподключения` и 60 секунд",
        "failures in a row after which it gives up: `Status` −1, `ReadyState` 3, the last `error` event says so; 0: never. A \
         `Retry-After` of 429 or 503 is kept to, but no longer than the larger of `ReconnectMaxInterval` and 60 seconds",
    ),
    (
        "MaxRedirects",
        "сколько перенаправлений (301, 302, 303, 307, 308) выполнять при подключении; 0 – ни одного. С `wss://` на `ws://` – \
         никогда; на другой узел или порт не передаются пароль из URL, свои заголовки и сертификат клиента. Переподключение \
         начинается с исходного URL",
        "redirects (301, 302, 303, 307, 308) that are followed when it connects; 0: none. Never from `wss://` to `ws://`; no \
         password of the URL, own headers and client certificate go to another host or port. A reconnection begins at the \
         first URL",
    ),
    (
        "HelloMessage",
        "текст, который отправляется первым в каждом соединении",
        "a text that is sent first on every connection",
    ),
    (
        "Client.Compression",
        "предлагать сжатие сообщений (permessage-deflate)",
        "whether compression of messages (permessage-deflate) is offered",
    ),
    (
        "Server.Compression",
        "принимать сжатие сообщений (permessage-deflate)",
        "whether compression of messages (permessage-deflate) is accepted",
    ),
    (
        "CompressionContext",
        "сжимать с учётом предыдущих сообщений: лучше, но требует памяти на каждое соединение",
        "whether a message may refer to those before it: better, at the cost of memory for each connection",
    ),
    ("CompressionWindowBits", "размер окна сжатия, двоичный логарифм", "the window of the compression, in bits"),
    (
        "CAFile",
        "файл PEM с доверенными корневыми сертификатами в дополнение к системным",
        "a PEM file with trusted roots beside the system's",
    ),
    (
        "PinnedCertificates",
        "открытые ключи через запятую: `sha256/` и SHA-256 ключа (SubjectPublicKeyInfo) в Base64, как в curl. Кроме обычных \
         проверок один из ключей проверенной цепочки должен быть в списке; если сертификат не проверяется, то ключ самого \
         сервера; пусто – подходит любой",
        "public keys, comma separated: `sha256/` and the Base64 of a key's SHA-256 (SubjectPublicKeyInfo), as curl has them. \
         Beside the usual checks one key of the verified chain must be among them; where the certificate is not checked, the \
         server's own; empty: any",
    ),
    ("VerifyCertificate", "проверять сертификат сервера", "whether the server's certificate is checked"),
    (
        "Proxy",
        "`http://…`, `socks5://…`, `env` или `system`; пусто – без прокси. Вместо пароля читается `***`",
        "`http://…`, `socks5://…`, `env` or `system`; empty is none. The password reads back as `***`",
    ),
    (
        "MaxConnections",
        "сколько соединений держит сервер; следующему отвечают 503",
        "connections that the server holds; the next one gets 503",
    ),
    (
        "MaxConnectionsPerAddress",
        "сколько из них с одного адреса; 0 – без ограничения",
        "how many of them from one address; 0 is without limit",
    ),
    (
        "AllowedOrigins",
        "допустимые значения `Origin` через запятую; пусто – любые",
        "what `Origin` may be, comma separated; empty allows all",
    ),
    (
        "HealthPath",
        "путь, например `/health`, на который балансировщику отвечают 200 и `{\"status\":\"ok\"}`; пусто – не отвечают",
        "a path, like `/health`, that answers load balancers with 200 and `{\"status\":\"ok\"}`; empty: none does",
    ),
    (
        "PagesFolder",
        "каталог, файлы которого отдаются браузеру с того же порта (`/` – это `index.html`); пусто – не отдаются",
        "a folder whose files are served to browsers on the same port (`/` is `index.html`); empty: none",
    ),
    (
        "ControlPath",
        "путь, например `/control`, по которому другой сеанс отправляет сообщения и узнаёт, кто подключён; пусто – никто",
        "a path, like `/control`, below which another session sends and learns who is there; empty: none may",
    ),
    (
        "ControlToken",
        "токен для `ПутьУправления`: без него `Запустить` не выполняется; читается как `***`",
        "the token for `ControlPath`, without which `Run` fails; reads back as `***`",
    ),
    (
        "AccessToken",
        "токен, без которого рукопожатие отклоняется с кодом 401; пусто – не требуется. Вместо него читается `***`",
        "a handshake without this token gets 401; empty asks for none. Reads back as `***`",
    ),
    (
        "ManualAccept",
        "впускать каждое соединение вручную: событие `pending`, затем `ПодтвердитьСоединение` или `ОтклонитьСоединение`",
        "whether each connection is let in by hand: the event `pending`, then `Accept` or `Reject`",
    ),
    (
        "Draining",
        "новых соединений не принимать: отвечать 503 с `Retry-After`; открытые остаются до своего конца или до `Остановить`",
        "newcomers get 503 with `Retry-After`; open connections stay until they end or `Stop`",
    ),
    (
        "Paths",
        "пути, которые можно запрашивать, через запятую; `/api/*` – всё внутри `/api/`; на прочие ответ 404; пусто – любые",
        "the paths that may be asked for, comma separated; `/api/*` is everything below `/api/`; another gets 404; empty: any",
    ),
    (
        "ClientCertificates",
        "`request` или `require` – запросить у клиента TLS сертификат, выпущенный УЦ из `ФайлУЦКлиентов`: негодный отвергается \
         в обоих случаях, отсутствующий – при `require`; пусто – не запрашивать. В Windows недоступно",
        "`request` or `require`: asks TLS clients for a certificate that an authority of `ClientCAFile` has issued; a bad one \
         is refused in both cases, none with `require`; empty: nobody is asked. Not on Windows",
    ),
    (
        "ClientCAFile",
        "УЦ, выпускающие сертификаты клиентов, и их списки отозванных: файл или текст PEM",
        "authorities of the clients' certificates and their revocation lists: a PEM file or text",
    ),
    (
        "TrustedProxies",
        "обратные прокси, которым сервер верит: адреса и подсети через запятую, `unix` – Unix-сокет. Только от них понимается \
         протокол PROXY, а `Forwarded` либо `X-Forwarded-For` и `X-Forwarded-Proto` сообщают адрес клиента и наличие TLS",
        "reverse proxies that the server believes: addresses and networks, comma separated, `unix` for a Unix socket. From them \
         alone the PROXY protocol is understood, and `Forwarded`, or `X-Forwarded-For` and `X-Forwarded-Proto`, tell the \
         client's address and whether it speaks TLS",
    ),
    (
        "IdleTimeout",
        "мс без сообщений в обе стороны, после которых соединение закрывается с кодом 1001; проверка связи не в счёт; 0 – не закрывать",
        "ms without a message in either direction after which a connection is closed with 1001; pings do not count; 0 is off",
    ),
    (
        "MessagesPerSecond",
        "сколько сообщений в секунду одно соединение может присылать в среднем, разом – вдвое больше; затем чтение из него \
         приостанавливается; 0 – без ограничения",
        "messages a second that one connection may send on average, with a burst of twice that; beyond it reading pauses; 0 is \
         without limit",
    ),
    (
        "ConnectionQueueMessages",
        "сколько сообщений одного соединения может ждать в очереди приёма: дольше этого оно не задержит остальных; не больше \
         четверти `ПределОчередиПриемаСообщений`",
        "messages of one connection that may wait to be received, so that it delays the others by no more; at most a quarter of \
         `ReceiveQueueMessages`",
    ),
    (
        "ConnectionQueueBytes",
        "сколько байт одного соединения может ждать в очереди приёма; не больше четверти `ПределОчередиПриемаБайт`",
        "bytes of one connection that may wait to be received; at most a quarter of `ReceiveQueueBytes`",
    ),
    ("AcceptTimeout", "мс на такое решение; затем ответ 503", "ms for that decision; then the answer is 503"),
    (
        "NameParameter",
        "параметр запроса или заголовок, который даёт соединению имя; пусто – имён нет",
        "the parameter of the query, or the header, that names a connection; empty: none does",
    ),
    (
        "ResumeTimeout",
        "мс, сколько сеанс оборванного соединения с именем ждёт его возвращения; 0 – не ждёт",
        "ms that the session of a broken connection with a name waits for it; 0 is off",
    ),
    (
        "HandshakeTimeout",
        "мс на TLS и рукопожатие нового соединения",
        "ms for TLS and handshake of an incoming connection",
    ),
    (
        "AssemblyBytes",
        "сколько байт могут занимать незавершённые сообщения всех соединений; лишнее соединение закрывается с кодом 1013",
        "bytes of unfinished messages of all connections; who would exceed it is closed with 1013",
    ),
    ("IoThreads", "сколько потоков ввода-вывода нужно этому серверу", "I/O threads that this server wants"),
];
