//! Errors: one table with the code, the English and the Russian text of each.
//!
//! A text says what failed, where and why. The *what* and *where* are an [`Error`], the *why* is its cause, and what
//! the operating system or the TLS library said follows in brackets. Texts are rendered when they are read, in the
//! language of the reader; secrets are never put into them. What is of use to nobody but us goes to the log only.

mod detail;
mod language;
pub mod memory;
mod parts;
mod quote;
mod row;
mod standard;
#[cfg(test)]
mod tests;

use self::detail::Detail;
use self::parts::fill;
use self::row::{Row, table};
pub use language::Language;
pub use parts::{Arg, Code, OneLine};
use std::fmt;
use std::io;

/// A failure: a row of the table, what fills its gaps, why it happened and what the system said.
// Boxed: whatever can fail carries room for it all the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<Failure>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Failure {
    id: Id,
    args: Vec<Arg>,
    cause: Option<Error>,
    detail: Option<Detail>,
    /// The code is the row's, not the cause's.
    own_code: bool,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of the table's row `id`; `args` fill `{0}`, `{1}`, … of its texts.
    pub fn new<const N: usize>(id: Id, args: [Arg; N]) -> Self {
        Self(Box::new(Failure { id, args: args.into(), cause: None, detail: None, own_code: false }))
    }

    /// An error whose text has no gaps.
    pub fn of(id: Id) -> Self {
        Self::new(id, [])
    }

    /// Adds why it happened; the code becomes that of the cause.
    #[must_use]
    pub fn because(mut self, cause: Error) -> Self {
        self.0.cause = Some(cause);
        self
    }

    /// Keeps the code of its own row, whatever the cause's is.
    #[must_use]
    pub fn with_own_code(mut self) -> Self {
        self.0.own_code = true;
        self
    }

    /// Adds what a library said, or a peer; it follows in brackets.
    #[must_use]
    pub fn detail(mut self, said: impl fmt::Display) -> Self {
        self.0.detail = Detail::new(said, false);
        self
    }

    /// The same where the row says all of it that a user can use: it stands in the log only.
    #[must_use]
    pub fn log_detail(mut self, said: impl fmt::Display) -> Self {
        self.0.detail = Detail::new(said, true);
        self
    }

    /// Adds what the operating system said.
    #[must_use]
    pub fn system(mut self, error: &io::Error) -> Self {
        self.0.detail = Detail::system(error);
        self
    }

    pub fn id(&self) -> Id {
        self.0.id
    }

    /// The code of the innermost cause: what really happened. One that keeps its own code ends the search.
    pub fn code(&self) -> Code {
        let cause = self.0.cause.as_ref().filter(|_| !self.0.own_code);
        cause.map_or_else(|| self.0.id.row().code, |cause| cause.code())
    }

    /// The row of the innermost cause.
    pub fn root(&self) -> Id {
        self.0.cause.as_ref().map_or(self.0.id, |cause| cause.root())
    }

    /// The whole text for a person who reads `language`.
    pub fn text(&self, language: Language) -> String {
        let mut out = String::new();
        self.write(&mut out, language, false);
        out
    }

    fn write(&self, out: &mut String, language: Language, for_log: bool) {
        let row = self.0.id.row();
        let template = match language {
            Language::English => row.en,
            Language::Russian => row.ru,
        };
        fill(out, template, &self.0.args, language);
        if let Some(cause) = &self.0.cause {
            out.push_str(": ");
            cause.write(out, language, for_log);
        }
        if let Some(detail) = &self.0.detail {
            detail.write(out, language, for_log);
        }
    }
}

table! {
    // Arguments.
    BadHandle BadHandle "no such object: the handle is zero, freed or of another kind" "объекта нет: дескриптор нулевой, освобождён или другого вида";
    NullPointer BadArgument "{0} is NULL" "{0}: передан NULL";
    SizeTooBig BadArgument "{0}: no memory has the size {1}" "{0}: размер {1} больше любой области памяти";
    BufferTooSmall TooBig "the buffer holds {0} bytes, the text with its NUL takes {1}" "буфер вмещает {0} байт, тексту с завершающим нулём нужно {1}";
    BadUtf8 BadUtf8 "{0} is not valid UTF-8 (at byte {1})" "{0}: недопустимый UTF-8 (байт {1})";
    BadUtf16 BadUtf8 "{0}: unpaired surrogate at position {1}" "{0}: непарный суррогат в позиции {1}";
    BadCast BadArgument "<bad cast>: {0} {1}: expected {2}, {3}" "<bad cast>: {0} {1}: ожидается {2}, {3}";
    BadValue BadArgument "{0}: the value {1} is not allowed, expected {2}" "{0}: значение {1} недопустимо, ожидается {2}";
    OutOfRange BadArgument "{0}: {1} is out of range, {2}…{3} is allowed" "{0}: значение {1} вне диапазона, допустимо {2}…{3}";
    ReadOnly BadArgument "{0} is read-only" "{0}: свойство доступно только для чтения";
    ParameterCount BadArgument "wrong number of parameters: {0} to {1} are needed, {2} were given" "неверное число параметров: нужно от {0} до {1}, передано {2}";
    CountZero BadArgument "{0}: at least one object is needed" "{0}: нужен хотя бы один объект";
    CloseCode BadArgument "close code {0} may not be sent: 1000–1003, 1007–1014 and 3000–4999 are allowed" "код закрытия {0} нельзя отправить: допустимы 1000–1003, 1007–1014 и 3000–4999";
    CloseReason BadArgument "the close reason takes {0} bytes of UTF-8, 123 are allowed" "причина закрытия занимает {0} байт в UTF-8, допустимо 123";
    HeaderName BadArgument "{0} is not a name of an HTTP header" "{0}: недопустимое имя заголовка HTTP";
    HeaderValue BadArgument "the value of the header {0} holds a character that is not allowed" "значение заголовка {0} содержит недопустимый символ";
    HeaderReserved BadArgument "the header {0} belongs to the handshake and cannot be set" "заголовок {0} относится к рукопожатию, задать его нельзя";
    Subprotocol BadArgument "{0} is not a name of a subprotocol: letters, digits and !#$%&'*+-.^_`|~ are allowed" "{0}: недопустимое имя подпротокола, разрешены латинские буквы, цифры и !#$%&'*+-.^_`|~";
    SubprotocolTwice BadArgument "the subprotocol {0} is named twice" "подпротокол {0} назван дважды";
    Origin BadArgument "{0} is not an origin: scheme://host[:port], scheme://*.host or null is expected" "{0} — не источник: ожидается схема://узел[:порт], схема://*.узел или null";
    Path BadArgument "{0} is not a path: /folder/name, or /folder/* for all below it, is expected" "{0} — не путь: ожидается /папка/имя или /папка/* для всего, что ниже";
    TrustedProxy BadArgument "{0} is neither an address nor a network (10.0.0.0/8) nor unix" "{0} — не адрес, не подсеть (10.0.0.0/8) и не unix";
    UnixPathForm BadArgument "{0} does not name a Unix socket: /folder/name, or @name for an abstract one, is expected" "{0} — не имя Unix-сокета: ожидается /папка/имя или @имя для абстрактного";
    UnixPathLong BadArgument "the name {0} of the Unix socket takes {1} bytes, {2} are allowed" "имя Unix-сокета {0} занимает {1} байт, допустимо {2}";
    UrlMalformed BadArgument "the URL {0} is malformed" "неверный URL {0}";
    UrlEmpty BadArgument "the URL is empty: ws://host:port/path or wss://host:port/path is expected" "URL пустой: ожидается ws://узел:порт/путь или wss://узел:порт/путь";
    UrlHost BadArgument "it names no host, or one with characters that a name or address cannot have" "в нём нет узла или недопустимые символы в имени либо адресе узла";
    UrlPort BadArgument "the port is no number from 0 to 65535" "порт должен быть числом от 0 до 65535";
    UrlPortBlank BadArgument "there is a space in the port: a number goes into a text without separators of groups, in 1C by Format(Port, \"NG=0\")" "в номере порта пробел: число вставляется в строку без разделителей групп, например Формат(Порт, \"ЧГ=0\")";
    UrlScheme BadArgument "the URL {0} has the scheme {1}: ws, wss or ws+unix is needed" "URL {0}: схема {1} не поддерживается, нужна ws, wss или ws+unix";
    UrlUnix BadArgument "ws+unix:///folder/name.sock:/path, or ws+unix://@name:/path, is expected" "ожидается ws+unix:///папка/имя.sock:/путь или ws+unix://@имя:/путь";
    UrlFragment BadArgument "the URL {0} has a fragment (#…), which RFC 6455 does not allow" "URL {0} содержит фрагмент (#…), RFC 6455 этого не допускает";
    UrlZone BadArgument "a zone (%interface) belongs to a link-local IPv6 address (fe80::…) in brackets" "зона (%интерфейс) допустима только у адреса IPv6 link-local (fe80::…), в скобках";
    UrlNoScheme BadArgument "it has to begin with ws:// or wss://" "он должен начинаться с ws:// или wss://";

    FileUnwritable File "the file cannot be opened for writing" "файл не открывается для записи";
    FileKind File "it is neither a file nor a terminal nor a pipe" "это не файл, не терминал и не канал";
    FileUnread File "it is a pipe or socket that nobody reads" "это канал или сокет, из которого никто не читает";
    FileHangs File "it did not answer within {0} ms" "нет ответа в течение {0} мс";
    LogFile File "the log file {0} cannot be written" "не удаётся писать в файл журнала {0}";

    // States.
    NotConnected NotConnected "not connected" "соединение не установлено";
    NeverMade NotConnected "no attempt to connect has been made yet" "подключение ещё не выполнялось";
    BeingMade NotConnected "the connection is still being made" "подключение ещё выполняется";
    BeingClosed NotConnected "it is being closed" "соединение закрывается";
    AttemptFailed NotConnected "the attempt to connect failed {0}" "попытка подключения не удалась {0}";
    ClosedByHost NotConnected "it was closed by this side {0}" "соединение закрыто этой стороной {0}";
    ClosedByServer NotConnected "the server closed it {0} with code {1}" "сервер закрыл соединение {0} с кодом {1}";
    ClosedByServerWith NotConnected "the server closed it {0} with code {1} and the reason \"{2}\"" "сервер закрыл соединение {0} с кодом {1} и причиной «{2}»";
    Broken NotConnected "it ended {0} with code {1}" "соединение прервалось {0}, код {1}";
    Reconnecting NotConnected "reconnecting, attempt {0}" "идёт восстановление соединения, попытка {0}";
    GivenUp NotConnected "given up after {0} attempts in a row" "переподключение прекращено, неудачных попыток подряд: {0}";
    AlreadyConnected AlreadyConnected "Already connected" "Подключение уже выполнено";
    Connecting Connecting "Connection in progress" "Подключение уже выполняется";
    NotRunning NotRunning "the server is not running" "сервер не запущен";
    AlreadyRunning AlreadyRunning "the server is already running on {0}" "сервер уже запущен на {0}";
    Cancelled Cancelled "cancelled" "операция прервана";
    WouldDeadlock WouldDeadlock "{0} would wait for the I/O thread that it is called on" "{0}: вызов из обработчика событий ждал бы собственного потока";
    HandlerSet HandlerSet "an event handler is set: events go to it, not to {0}" "установлен обработчик: события получает он, а не {0}";
    EventsToHost HandlerSet "external events are switched on: events go to the host, not to {0}; ExternalEvents = \"\" brings them back" "включены внешние события: данные получает приложение, а не {0}; чтобы снова получать их методом, установите ВнешниеСобытия = \"\"";
    UnixNone Unsupported "this system has no Unix sockets for the library: they are available on Linux" "Unix-сокеты доступны только в Linux";
    Unsupported Unsupported "{0} is not available here" "{0}: здесь недоступно";
    Forked Unsupported "this process was forked from one that has clients or servers: use the library there, or fork before the first object is made" "процесс порождён вызовом fork, когда клиенты или серверы уже были: библиотека работает только в исходном процессе; вызывайте fork до создания первого объекта";
    NoMemory NoMemory "out of memory" "недостаточно памяти";
    Panic Panic "internal error; please report it" "внутренняя ошибка; сообщите о ней разработчику";
    Io Io "input/output error" "ошибка ввода-вывода";
    TooManyObjects NoMemory "too many objects" "слишком много объектов";

    // Connecting. The code is that of the cause.
    ConnectingTo Io "connecting to {0}" "подключение к {0}";
    Refused Refused "connection refused" "соединение отклонено";
    UnixRefused Refused "nobody listens on the Unix socket" "Unix-сокет никто не слушает";
    UnixMissing Refused "there is no such Unix socket" "такого Unix-сокета нет";
    UnixForbidden Refused "no right to connect to the Unix socket" "нет прав на подключение к Unix-сокету";
    Unreachable Refused "the address cannot be reached" "адрес недоступен";
    Reset Refused "the connection was reset" "соединение сброшено";
    SocketFailed Io "the socket failed" "ошибка сокета";
    ConnectTimeout ConnectTimeout "no connection within {0} ms: {1}" "подключение не удалось за {0} мс: {1}";
    HostNotFound Resolve "host {0} not found" "узел {0} не найден";
    ZoneUnknown Resolve "there is no network interface {0}" "нет сетевого интерфейса {0}";
    ZoneMissing Refused "a link-local address takes its interface: fe80::…%interface" "для адреса link-local нужен интерфейс: fe80::…%интерфейс";
    LookupFailed Resolve "looking up host {0} failed" "не удалось определить адрес узла {0}";
    TlsFailed Tls "TLS handshake failed" "сбой рукопожатия TLS";
    TlsClosed Tls "the peer closed the connection during the TLS handshake" "соединение закрыто во время рукопожатия TLS";
    TlsReset Tls "the peer reset the connection during the TLS handshake" "соединение сброшено во время рукопожатия TLS";
    TlsUnused Tls "the peer sent nothing and closed the connection" "соединение закрыто, данных не было";
    TlsSetUp Tls "TLS could not be set up" "не удалось подготовить TLS";
    CertificateExpired Certificate "the server's certificate has expired" "срок действия сертификата сервера истёк";
    CertificateNotYetValid Certificate "the server's certificate is not yet valid" "срок действия сертификата сервера ещё не наступил";
    CertificateSelfSigned Certificate "the server's certificate is self-signed; to trust it, name it in CAFile" "сертификат сервера самоподписанный; чтобы доверять ему, укажите его в свойстве ФайлСертификатовУЦ";
    CertificateUnknownAuthority Certificate "the server's certificate comes from an unknown authority; to trust it, name the authority's certificate in CAFile" "сертификат сервера выдан неизвестным удостоверяющим центром; чтобы доверять ему, укажите сертификат центра в свойстве ФайлСертификатовУЦ";
    CertificateWrongHost Certificate "the server's certificate is not for {0}" "сертификат сервера выдан не для {0}";
    CertificateRevoked Certificate "the server's certificate has been revoked" "сертификат сервера отозван";
    CertificateWithoutNames Certificate "the server's certificate names no host in subjectAltName, and its common name alone does not count (RFC 9525): have it issued anew with {0} in subjectAltName" "в сертификате сервера нет имён узлов (subjectAltName), а одного общего имени (CN) недостаточно (RFC 9525): его нужно выпустить заново, указав {0} в subjectAltName";
    CertificateWrongUsage Certificate "the server's certificate is not meant for a TLS server" "сертификат сервера не предназначен для сервера TLS";
    CertificateChain Certificate "the chain from the server's certificate to its authority is not valid" "цепочка от сертификата сервера до удостоверяющего центра недействительна";
    CertificateSignature Certificate "the signature of the server's certificate, or of one above it in the chain, is wrong" "подпись сертификата сервера или одного из вышестоящих в цепочке неверна";
    CertificateTooWeak Certificate "the key or the signature of the server's certificate, or of one above it in the chain, is too weak" "ключ или подпись сертификата сервера или одного из вышестоящих в цепочке слишком слабые";
    CertificateDistrusted Certificate "the server's certificate is expressly distrusted on this machine" "сертификату сервера явно отказано в доверии на этом компьютере";
    CertificateRevocationUnknown Certificate "it could not be checked whether the server's certificate has been revoked" "не удалось проверить, не отозван ли сертификат сервера";
    CertificatePin Certificate "no key of {0} is among PinnedCertificates, its own is {1}" "ключей сервера {0} нет в свойстве ОтпечаткиСертификатов, отпечаток его собственного: {1}";
    CertificateRefused Certificate "the server's certificate was refused" "сертификат сервера отвергнут";
    TlsRefused Tls "the other side refused the TLS handshake: it may demand a client certificate or other ciphers" "другая сторона отказалась от рукопожатия TLS: возможно, ей нужен сертификат клиента или другие шифры";
    TlsVersion Tls "the other side speaks only versions of TLS before 1.2" "другая сторона поддерживает только TLS ниже версии 1.2";
    TlsNot Tls "the other side does not speak TLS" "другая сторона не использует TLS";
    ServerWithoutTls Tls "the server does not speak TLS on this port: ws:// connects without it" "сервер на этом порту не использует TLS: для подключения без TLS нужен ws://";
    ClientCertificateNeeded Certificate "the server demands a client certificate" "сервер требует сертификат клиента";
    ClientCertificateRefused Certificate "the server refused the client certificate" "сервер отверг сертификат клиента";

    // Certificates and keys of our own.
    InCertificate File "certificate {0}" "сертификат {0}";
    InKey File "private key {0}" "закрытый ключ {0}";
    InPair File "certificate {0} with private key {1}" "сертификат {0} с закрытым ключом {1}";
    InCaFile File "CA certificates {0}" "сертификаты УЦ {0}";
    InClientCa File "CA certificates of clients {0}" "сертификаты УЦ клиентов {0}";
    ClientCaMissing BadArgument "ClientCertificates needs ClientCAFile, with the authorities that issue the clients' certificates" "для СертификатыКлиентов нужен ФайлУЦКлиентов с удостоверяющими центрами, которые их выпускают";
    ClientCertificatesWithoutTls BadArgument "ClientCertificates needs TLS: start the server with a certificate" "для СертификатыКлиентов нужен TLS: запустите сервер с сертификатом";
    ClientCertificatesUnsupported Unsupported "on this system a server cannot ask clients for certificates" "в этой системе сервер не может запросить сертификат клиента";
    ClientCertificatesMode BadArgument "\"{0}\" is no value of ClientCertificates: request, require, or nothing" "«{0}» — не значение СертификатыКлиентов: допустимы request, require или пустая строка";
    RevocationListDamaged File "a revocation list (X509 CRL) in it is damaged" "список отозванных сертификатов (X509 CRL) в нём повреждён";
    RevocationListForeign File "a revocation list (X509 CRL) in it is signed by none of the authorities in it" "список отозванных сертификатов (X509 CRL) не подписан ни одним из УЦ, которые есть в файле";
    FileUnreadable File "the file cannot be read" "не удалось прочитать файл";
    FileIrregular File "it is a folder, a pipe or a device, not a file" "это папка, канал или устройство, а не файл";
    FileTooBig File "the file is larger than {0} bytes" "файл больше {0} байт";
    PemDamaged File "the PEM text is damaged" "текст PEM повреждён";
    CertificateMissing BadArgument "there is a key or a password, but no certificate" "указан ключ или пароль, но не указан сертификат";
    CertificateForm File "neither PEM nor PKCS#12" "это не PEM и не PKCS#12";
    CertificateAbsent File "there is no certificate in it" "сертификата в нём нет";
    CertificateDamaged File "a certificate in it is damaged" "сертификат в нём повреждён";
    KeyAbsent File "there is no private key in it" "закрытого ключа в нём нет";
    KeyTwoReadings File "the key's argument is neither a file nor PEM text and was taken for the password; if it names a file, that file does not exist" "параметр «Ключ» — не файл и не текст PEM, поэтому он принят за пароль; если это имя файла, то такого файла нет";
    KeyNotPem File "it is not PEM" "это не PEM";
    KeyDamaged File "the private key is damaged" "закрытый ключ повреждён";
    KeyForm File "private keys of the form {0} are not supported" "закрытые ключи вида {0} не поддерживаются";
    KeyCost File "opening it would take too long: it asks for more than two million rounds of key derivation or 256 MiB; encrypt it anew with: openssl pkcs8 -topk8 -v2 aes256" "открытие заняло бы слишком много времени: файл требует больше двух миллионов раундов вычисления ключа или 256 МиБ памяти; зашифруйте его заново: openssl pkcs8 -topk8 -v2 aes256";
    KeyCurve File "the elliptic curve of the key has no name" "эллиптическая кривая ключа задана не именем";
    KeyEncryption File "the encryption {0} of the private key is not supported; convert it with: openssl pkcs8 -topk8 -v2 aes256" "шифрование {0} закрытого ключа не поддерживается; преобразуйте его: openssl pkcs8 -topk8 -v2 aes256";
    KeyMismatch File "the private key does not belong to the certificate" "закрытый ключ не подходит к сертификату";
    KeyBeside File "the certificate's PKCS#12 file holds its key itself, so this one cannot be used: leave the key empty" "файл PKCS#12 с сертификатом уже содержит ключ, поэтому этот использовать нельзя: оставьте ключ пустым";
    KeyTooWeak File "its key or signature is too weak for TLS: it takes RSA from 2048 bits or an elliptic curve from 224 bits, signed with SHA-256 or better" "ключ или подпись слишком слабые для TLS: нужны RSA от 2048 бит или эллиптическая кривая от 224 бит с подписью SHA-256 или сильнее";
    KeyUnusable File "certificate and key cannot be used" "сертификат и ключ не удалось использовать";
    PasswordMissing File "it is encrypted, and no password was given" "данные зашифрованы, а пароль не указан";
    PasswordWrong File "wrong password, or the data is damaged" "неверный пароль, либо данные повреждены";
    Pkcs12Old File "its encryption is not supported; convert it with: openssl pkcs12 -legacy -nodes -in old.p12 -out new.pem" "его шифрование не поддерживается; преобразуйте файл: openssl pkcs12 -legacy -nodes -in old.p12 -out new.pem";
    PeerCertificateMissing Certificate "the client has shown no certificate" "клиент не предъявил сертификат";
    PeerCertificateExpired Certificate "the client's certificate has expired" "срок действия сертификата клиента истёк";
    PeerCertificateNotYetValid Certificate "the client's certificate is not valid yet" "сертификат клиента ещё не действует";
    PeerCertificateUnknownAuthority Certificate "the client's certificate was issued by none of the authorities of ClientCAFile" "сертификат клиента выпущен не теми УЦ, что указаны в ФайлУЦКлиентов";
    PeerCertificateWrongUsage Certificate "the client's certificate is not meant for clients of TLS" "сертификат клиента не предназначен для клиентов TLS";
    PeerCertificateRevoked Certificate "the client's certificate has been revoked" "сертификат клиента отозван";
    PeerCertificateListOld Certificate "the revocation list of the client's authority is out of date" "список отозванных сертификатов УЦ клиента устарел";
    PeerCertificateRefused Certificate "the client's certificate was refused" "сертификат клиента отвергнут";
    OwnCertificateRefused Certificate "the client refused the server's certificate" "клиент отверг сертификат сервера";
    OwnCertificateExpired Certificate "the server's own certificate expired on {0}" "срок действия собственного сертификата сервера истёк {0}";
    OwnCertificateNotYetValid Certificate "the server's own certificate is not valid before {0}" "собственный сертификат сервера действует только с {0}";
    NoTls Unsupported "the server was started without a certificate" "сервер запущен без сертификата";

    // Proxies.
    ProxyMalformed BadArgument "{0} is not a proxy: http://host:port, socks5://host:port, env or system is expected" "{0} — не прокси: ожидается http://узел:порт, socks5://узел:порт, env или system";
    ProxyVariable Proxy "the proxy settings ({0}) cannot be used" "настройки прокси ({0}) использовать нельзя";
    ConnectingThrough Proxy "connecting to {0} through the proxy {1}" "подключение к {0} через прокси {1}";
    ProxyNotHttp Proxy "the proxy's answer is not HTTP" "ответ прокси не похож на HTTP";
    ProxyNotSocks Proxy "the proxy's answer is not SOCKS 5" "ответ прокси не похож на SOCKS 5";
    ProxyTooLong Proxy "the proxy's answer exceeds {0} bytes" "ответ прокси длиннее {0} байт";
    ProxyCut Proxy "the proxy closed the connection before it answered" "прокси закрыл соединение, не ответив";
    ProxyAhead Proxy "the proxy sent data of its own after its answer" "прокси прислал посторонние данные вслед за ответом";
    ProxyStatus Proxy "the proxy answered HTTP {0} instead of 200" "прокси ответил HTTP {0} вместо 200";
    ProxyZone Proxy "{0} is known on this computer only, a proxy cannot connect to it" "{0} существует только на этом компьютере, прокси не может к нему подключиться";
    ProxyDemands Proxy "the proxy demands authorization (407), it offers: {0}" "прокси требует авторизации (407), предлагает: {0}";
    ProxySchemes Proxy "the proxy demands authorization (407) and offers only what is not supported: {0}; supported are Basic and Digest (MD5, SHA-256, SHA-512-256; qop auth)" "прокси требует авторизации (407), но предлагает только то, что не поддерживается: {0}; поддерживаются Basic и Digest (MD5, SHA-256, SHA-512-256; qop auth)";
    ProxyRefuses Proxy "the proxy refused the user name or password (407), it offers: {0}" "прокси отверг имя или пароль (407), предлагает: {0}";
    SocksDemands Proxy "the proxy accepts none of the offered methods of authorization: {0}" "прокси не принял ни одного способа авторизации: {0}";
    SocksRefuses Proxy "the proxy refused the user name or password" "прокси отверг имя или пароль";
    SocksFailed Proxy "the proxy could not connect: {0}" "прокси не смог подключиться: {0}";
    SocksName Proxy "the host name {0} is too long for SOCKS 5" "имя узла {0} слишком длинное для SOCKS 5";

    // The opening handshake, RFC 6455 section 4.
    ClosedEarly Handshake "the client closed the connection" "клиент закрыл соединение";
    ProxyHeadBad Handshake "the head of the PROXY protocol is damaged" "повреждён заголовок протокола PROXY";
    HandshakeTimeout Handshake "not within {0} ms" "не завершено за {0} мс";
    HttpStatus Handshake "the server answered HTTP {0} instead of 101 for {1}" "сервер ответил HTTP {0} вместо 101 на запрос {1}";
    HttpRedirect Handshake "the server answered HTTP {0} and redirects to {1}; MaxRedirects says how many redirects are followed" "сервер ответил HTTP {0} и перенаправляет на {1}; сколько перенаправлений выполнять, задаёт МаксимумПеренаправлений";
    RedirectBad Handshake "the server redirects to {0}, which is no URL for a WebSocket" "сервер перенаправляет на {0}, это не URL для WebSocket";
    RedirectInsecure Handshake "the server redirects from wss:// to {0}, which is not encrypted" "сервер перенаправляет с wss:// на {0}, то есть в соединение без шифрования";
    RedirectLoop Handshake "the redirects form a loop: {0}" "перенаправления идут по кругу: {0}";
    RedirectLimit Handshake "more than {0} redirects: {1}" "перенаправлений больше {0}: {1}";
    Redirected Handshake "after the redirects {0}" "после перенаправлений {0}";
    AnswerIsTls Handshake "the server speaks TLS on this port: wss:// is needed instead of ws://" "сервер на этом порту использует TLS: вместо ws:// нужен wss://";
    NotHttp Handshake "the server's answer is not HTTP" "ответ сервера не похож на HTTP";
    AnswerTooLong Handshake "the answer to the handshake exceeds {0} bytes" "ответ на рукопожатие длиннее {0} байт";
    AnswerCut Handshake "the server closed the connection before it answered the handshake" "сервер закрыл соединение, не ответив на рукопожатие";
    AnswerCutPlain Handshake "the server closed the connection before it answered the handshake; a port that needs wss:// does so" "сервер закрыл соединение, не ответив на рукопожатие; так бывает, когда порту нужен wss://";
    AnswerHeader Handshake "the server's answer lacks a valid header {0}" "в ответе сервера нет правильного заголовка {0}";
    AcceptMismatch Handshake "the server's Sec-WebSocket-Accept does not belong to this request" "Sec-WebSocket-Accept сервера не соответствует запросу";
    SubprotocolIgnored Handshake "the server selected none of the offered subprotocols ({0})" "сервер не выбрал ни одного из предложенных подпротоколов ({0})";
    SubprotocolForeign Handshake "the server selected the subprotocol {0}, which was not offered" "сервер выбрал подпротокол {0}, который не предлагался";
    ExtensionAnswer Handshake "the server's answer on extensions is not valid: {0}" "недопустимый ответ сервера о расширениях: {0}";
    ExtensionForeign Handshake "the server uses the extension {0}, which was not offered" "сервер использует расширение {0}, которое не предлагалось";

    // A connection's life.
    QueueFull QueueFull "the send queue is full: {0} of {1} bytes wait" "очередь отправки заполнена: ожидает {0} из {1} байт";
    MessageTooBig TooBig "a message of {0} bytes exceeds the limit of {1}" "сообщение в {0} байт превышает предел {1}";
    OutgoingTooBig TooBig "a message of {0} bytes exceeds what a frame can hold" "сообщение в {0} байт не помещается в кадр";
    PeerGone PingTimeout "no answer to a ping within {0} ms" "нет ответа на пинг за {0} мс";
    PingTimeout PingTimeout "no pong within {0} ms" "ответ на пинг не получен за {0} мс";
    ReadingPaused QueueFull "reading is paused because the receive queue is full" "приём приостановлен: очередь приёма заполнена";
    RequestTimeout RequestTimeout "no reply within {0} ms" "ответ на запрос не получен за {0} мс";
    RequestNotObject BadArgument "the request is not a JSON object" "запрос не является объектом JSON";
    RequestMalformed BadArgument "the request is not well-formed JSON: line {0}, character {1}" "ошибка в JSON запроса: строка {0}, символ {1}";
    RequestId BadArgument "the field {0} of the request has to be a string, a number, true, false or null" "поле {0} запроса должно быть строкой, числом, true, false или null";
    ConnectionLost Io "the connection was lost" "соединение потеряно";
    ClosedWithoutHandshake Io "the peer closed the connection without a close handshake" "соединение закрыто без закрывающего рукопожатия";
    Idle Io "no message in either direction for {0} ms" "сообщений не было {0} мс ни в одну сторону";
    ClosedWhileWaiting NotConnected "the connection was closed meanwhile" "соединение закрыто во время ожидания";
    AssemblyFull TooBig "the unfinished messages of all connections take too much memory" "незавершённые сообщения всех соединений занимают слишком много памяти";
    CloseTimeout Io "the close handshake was not finished within {0} ms" "закрывающее рукопожатие не завершено за {0} мс";
    ServerStopped Cancelled "the server was stopped" "сервер остановлен";

    // Violations of the protocol by the peer, RFC 6455 sections 5 to 8.
    FrameReservedBits Handshake "the peer set a reserved bit" "в кадре установлен зарезервированный бит";
    DeflateData Handshake "a compressed message that cannot be inflated" "сжатое сообщение не удалось распаковать";
    MessageInflatedTooBig TooBig "a compressed message exceeds the limit of {0} bytes" "сжатое сообщение после распаковки превышает предел {0} байт";
    FrameOpcode Handshake "the peer used the reserved opcode {0}" "в кадре зарезервированный код операции {0}";
    FrameUnmasked Handshake "the client sent an unmasked frame" "клиент прислал немаскированный кадр";
    FrameMasked Handshake "the server sent a masked frame" "сервер прислал маскированный кадр";
    FrameControlLong Handshake "a control frame of {0} bytes, 125 are allowed" "управляющий кадр в {0} байт, допустимо 125";
    FrameControlFragmented Handshake "a fragmented control frame" "фрагментированный управляющий кадр";
    FrameContinuation Handshake "a continuation frame without a beginning" "кадр продолжения без начала сообщения";
    FrameInterrupted Handshake "a new message began inside another" "новое сообщение началось внутри другого";
    FrameLength Handshake "a frame length that is not minimal or not possible" "длина кадра записана неверно";
    TextUtf8 Handshake "a text message that is not valid UTF-8" "текстовое сообщение с недопустимым UTF-8";
    CloseFrameCode Handshake "the peer closed with the forbidden code {0}" "соединение закрыто с недопустимым кодом {0}";
    CloseFrameBody Handshake "a close frame of one byte" "закрывающий кадр из одного байта";
    CloseFrameUtf8 Handshake "a close reason that is not valid UTF-8" "причина закрытия с недопустимым UTF-8";

    // The server.
    ListenOn Address "listening on {0}" "прослушивание {0}";
    PortInUse Address "the port is in use" "порт занят";
    PortRange BadArgument "port {0} is out of range 0…65535" "порт {0} вне диапазона 0…65535";
    PortForbidden Address "no right to listen on this port" "нет прав на прослушивание этого порта";
    UnixInUse Address "another program listens on this Unix socket" "этот Unix-сокет слушает другая программа";
    UnixOccupied Address "there is a file of this name that is no socket; it was left alone" "файл с таким именем уже есть, это не сокет; он оставлен как был";
    UnixFolderMissing Address "the folder does not exist" "такой папки нет";
    UnixFolderForbidden Address "no right to make a Unix socket in this folder" "нет прав на создание Unix-сокета в этой папке";
    InterfaceInvalid Address "{0} is not an IP address" "{0} не является IP-адресом";
    InterfaceForeign Address "the address does not belong to this machine" "адрес не принадлежит этому компьютеру";
    ListenFailed Address "the address cannot be used" "адрес нельзя использовать";
    NameRefused BadArgument "{0}: a text of at most 1024 bytes without control characters is expected" "{0}: ожидается текст не длиннее 1024 байт без управляющих символов";
    ControlToken BadArgument "ControlPath is set and ControlToken is empty: anybody could send through the server" "ПутьУправления задан, а ТокенУправления пуст: отправлять через сервер мог бы кто угодно";
    ControlRefused BadArgument "Authorization: Bearer with the server's ControlToken is needed" "нужен заголовок Authorization: Bearer с токеном из свойства ТокенУправления (ControlToken)";
    ControlUnknown BadArgument "{0} is nothing that can be asked for: send, broadcast, disconnect, connections, names, statistics and metrics can" "{0}: такого запроса нет, есть send, broadcast, disconnect, connections, names, statistics и metrics";
    ControlMethod BadArgument "the method {0} is needed" "нужен метод {0}";
    ParameterUnknown BadArgument "the parameter {0} is unknown, or given twice" "параметр {0} неизвестен или указан дважды";
    ControlTarget BadArgument "either id or name is needed, and not both" "нужен либо id, либо name, но не оба";
    NobodyNamed BadArgument "nobody is named {0}" "нет соединения с именем {0}";
    ConnectionEnded BadArgument "connection {0} has ended" "соединение {0} уже закрыто";
    UnknownConnection BadArgument "connection {0} was never issued" "соединения {0} не было";
    ClusterUrl BadArgument "the cluster's URL {0} cannot be used" "URL кластера {0} не подходит";
    ClusterUrlForm BadArgument "redis://user:password@host:6379/db, rediss://… or redis+sentinel://host:26379,host:26379/service is expected, without spaces" "ожидается redis://пользователь:пароль@узел:6379/база, rediss://… или redis+sentinel://узел:26379,узел:26379/служба, без пробелов";
    ClusterUrlScheme BadArgument "the scheme {0} is unknown: redis, rediss, redis+sentinel or rediss+sentinel is needed" "схема {0} не поддерживается, нужна redis, rediss, redis+sentinel или rediss+sentinel";
    ClusterUrlPort BadArgument "the port is no number from 1 to 65535" "порт должен быть числом от 1 до 65535";
    ClusterUrlDatabase BadArgument "the database is no number" "база данных должна быть числом";
    ClusterUrlPassword BadArgument "a user without a password" "указан пользователь, но нет пароля";
    ClusterUrlEncoding BadArgument "a percent-encoded part is not UTF-8 or holds control characters" "часть URL в процентной кодировке не в UTF-8 или содержит управляющие символы";
    ClusterUrlSentinel BadArgument "with Sentinels the service is needed, and at most 16 of them: redis+sentinel://host,host/service" "для Sentinel нужно имя службы, а узлов не больше 16: redis+sentinel://узел,узел/служба";
    ClusterParameterText BadArgument "the parameter {0} cannot be \"{1}\": it is empty, too long or holds braces" "параметр {0} не может быть «{1}»: он пуст, слишком длинный или содержит фигурные скобки";
    ClusterParameterScheme BadArgument "the parameter {0} is for {1} only" "параметр {0} допустим только с {1}";
    ClusterParameterKey BadArgument "a key without a certificate" "указан ключ, но нет сертификата";
}
