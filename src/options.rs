//! The settable properties of a client and a server: one table with names, type, range and defaults.
//!
//! The C interface, the 1C tables and the reference pages read this list; a property exists once it has a row here.

mod origin;
mod path;
mod pins;
mod trusted;
mod values;

pub use self::origin::is_allowed;
pub use self::path::is_served;
pub use self::pins::{Pin, pins, show_pin};
pub use self::trusted::is_trusted;
pub use self::values::Options;
use crate::error::{Arg, Error, Id, Result};

/// Which of the two objects a property belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Client,
    Server,
}

/// The type of a property, with the range of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Int { min: i64, max: i64 },
    Bool,
    Text,
}

/// A default value; `Flag` is stored as 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    Int(i64),
    Flag(bool),
    Text(&'static str),
}

/// One property.
#[derive(Debug)]
pub struct Row {
    pub option: Opt,
    pub en: &'static str,
    pub ru: &'static str,
    pub kind: Kind,
    /// The default of a client, `None` where a client has no such property.
    pub client: Option<Default>,
    /// The default of a server, `None` where a server has no such property.
    pub server: Option<Default>,
}

impl Row {
    pub fn default(&self, side: Side) -> Option<Default> {
        match side {
            Side::Client => self.client,
            Side::Server => self.server,
        }
    }
}

macro_rules! options {
    ($($(#[doc = $doc:literal])* $option:ident $ru:ident $kind:expr, $client:expr, $server:expr;)*) => {
        /// The settable properties.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Opt { $($(#[doc = $doc])* $option),* }

        /// All of them, in the order of [`Opt`].
        pub static TABLE: &[Row] = &[$(Row {
            option: Opt::$option,
            en: stringify!($option),
            ru: stringify!($ru),
            kind: $kind,
            client: $client,
            server: $server,
        }),*];
    };
}

const MIB: i64 = 1 << 20;
/// Time-outs in milliseconds fit 31 bits: 24 days.
const MAX_TIME: i64 = i32::MAX as i64;
const TIME: Kind = Kind::Int { min: 0, max: MAX_TIME };
const DEADLINE: Kind = Kind::Int { min: 1, max: 600_000 };
const SIGNED_TIME: Kind = Kind::Int { min: i32::MIN as i64, max: MAX_TIME };
/// Sizes and counts reach 2^53, what a 1C number and a double hold exactly.
const SIZE: Kind = Kind::Int { min: 1, max: 1 << 53 };

const fn int(value: i64) -> Option<Default> {
    Some(Default::Int(value))
}

const EMPTY: Option<Default> = Some(Default::Text(""));

options! {
    /// Milliseconds for lookup, proxy, TLS and handshake together; 0 is without limit.
    ConnectTimeout ТаймаутПодключения TIME, int(10_000), None;
    /// Milliseconds for the close handshake; 0 aborts at once.
    CloseTimeout ТаймаутЗакрытия TIME, int(3_000), int(3_000);
    /// Milliseconds that `Send` waits for room; 0 is without limit, negative does not wait.
    SendTimeout ТаймаутОтправки SIGNED_TIME, int(5_000), int(-1);
    /// Milliseconds without a received byte after which a ping is sent; 0 is off.
    PingInterval ИнтервалПинга TIME, int(20_000), int(20_000);
    /// Milliseconds for the answer to such a ping; 0 is off.
    PongTimeout ТаймаутОтветаНаПинг TIME, int(20_000), int(20_000);
    /// The largest incoming message in bytes; a larger one is answered with 1009.
    MaxMessageSize МаксимальныйРазмерСообщения SIZE, int(64 * MIB), int(64 * MIB);
    /// Messages that may wait for `Receive`; beyond, reading from the network pauses.
    ReceiveQueueMessages ПределОчередиПриемаСообщений SIZE, int(65_536), int(65_536);
    /// Bytes that may wait for `Receive`; beyond, reading from the network pauses.
    ReceiveQueueBytes ПределОчередиПриемаБайт SIZE, int(64 * MIB), int(64 * MIB);
    /// Bytes that may wait to be sent on one connection.
    SendQueueBytes ПределОчередиОтправкиБайт SIZE, int(64 * MIB), int(4 * MIB);
    /// Subprotocols offered or supported, comma separated, preferred first.
    Protocols Подпротоколы Kind::Text, EMPTY, EMPTY;
    /// Milliseconds before a lost connection is tried again; 0 is off.
    ReconnectInterval ИнтервалПереподключения TIME, int(0), None;
    /// Above `ReconnectInterval`: the waits double up to this, each drawn anew between nothing and its bound.
    ReconnectMaxInterval МаксимальныйИнтервалПереподключения TIME, int(0), None;
    /// Failures in a row after which a client gives up; 0 is never.
    MaxReconnectAttempts МаксимумПопытокПереподключения Kind::Int { min: 0, max: MAX_TIME }, int(0), None;
    /// Redirects that a client follows when it connects; 0 is none.
    MaxRedirects МаксимумПеренаправлений Kind::Int { min: 0, max: 20 }, int(0), None;
    /// Whether permessage-deflate is offered, or accepted.
    Compression Сжатие Kind::Bool, Some(Default::Flag(true)), Some(Default::Flag(true));
    /// Whether a message may refer to those before it: better compression, and memory for each connection.
    CompressionContext СохранятьКонтекстСжатия Kind::Bool, Some(Default::Flag(false)), Some(Default::Flag(false));
    /// The largest window of either direction, in bits.
    CompressionWindowBits РазрядностьОкнаСжатия Kind::Int { min: 8, max: 15 }, int(15), int(15);
    /// A text that is sent first on every connection.
    HelloMessage ПриветственноеСообщение Kind::Text, EMPTY, None;
    /// Trusted roots beside the system's: the path of a PEM file.
    CAFile ФайлСертификатовУЦ Kind::Text, EMPTY, None;
    /// Whether a server's certificate is checked.
    VerifyCertificate ПроверятьСертификат Kind::Bool, Some(Default::Flag(true)), None;
    /// Public keys of which a server's verified chain must have one; empty: any chain that is trusted.
    PinnedCertificates ОтпечаткиСертификатов Kind::Text, EMPTY, None;
    /// What to connect through: `http://…`, `socks5://…`, `env`, `system`; empty is nothing.
    Proxy Прокси Kind::Text, EMPTY, None;
    /// Connections a server holds at most; the next one gets 503.
    MaxConnections МаксимумСоединений SIZE, None, int(10_000);
    /// Connections of one address a server holds at most, 0 is without limit; the next one gets 503.
    MaxConnectionsPerAddress МаксимумСоединенийСАдреса Kind::Int { min: 0, max: 1 << 53 }, None, int(0);
    /// What a browser's `Origin` may be, comma separated; empty allows all.
    AllowedOrigins РазрешенныеИсточники Kind::Text, None, EMPTY;
    /// What a handshake must carry, reads back as `***`; empty asks for nothing.
    AccessToken ТокенДоступа Kind::Text, None, EMPTY;
    /// Whether the host accepts each connection itself.
    ManualAccept ПодтверждатьСоединения Kind::Bool, None, Some(Default::Flag(false));
    /// Whether new connections are refused, because the server is about to end.
    Draining ВыводИзРаботы Kind::Bool, None, Some(Default::Flag(false));
    /// Reverse proxies that speak for others: addresses, networks and `unix`, comma separated.
    TrustedProxies ДоверенныеПрокси Kind::Text, None, EMPTY;
    /// Whether TLS clients are asked for a certificate: `request`, `require`, or empty for not.
    ClientCertificates СертификатыКлиентов Kind::Text, None, EMPTY;
    /// Who issues the certificates of clients, and what they have revoked: a file or PEM text.
    ClientCAFile ФайлУЦКлиентов Kind::Text, None, EMPTY;
    /// The paths that may be asked for, comma separated, `/…/*` for all below; empty: any.
    Paths Пути Kind::Text, None, EMPTY;
    /// Milliseconds without a message in either direction after which a connection is closed with 1001; 0 is off.
    IdleTimeout ТаймаутПростоя TIME, None, int(0);
    /// Messages a second that one connection may send on average; 0 is without limit.
    MessagesPerSecond СообщенийВСекунду Kind::Int { min: 0, max: 1_000_000_000 }, None, int(0);
    /// Messages that one connection may have waiting for `Receive`, at most a quarter of all that may.
    ConnectionQueueMessages ПределОчередиСоединенияСообщений SIZE, None, int(1024);
    /// Bytes that one connection may have waiting for `Receive`, at most a quarter of all that may.
    ConnectionQueueBytes ПределОчередиСоединенияБайт SIZE, None, int(16 * MIB);
    /// Milliseconds that an incoming connection waits for the host; then it gets 503.
    AcceptTimeout ТаймаутПодтверждения DEADLINE, None, int(30_000);
    /// The parameter of the query, or else the header, that names a connection; empty: none does.
    NameParameter ПараметрИмениСоединения Kind::Text, None, EMPTY;
    /// Milliseconds that the session of a broken connection with a name waits for it; 0 is off.
    ResumeTimeout ТаймаутВозобновления TIME, None, int(60_000);
    /// Milliseconds for TLS and HTTP of an incoming connection.
    HandshakeTimeout ТаймаутРукопожатия DEADLINE, None, int(10_000);
    /// Bytes of unfinished messages of all connections together; one that would exceed it is closed with 1013.
    AssemblyBytes ПределНезавершенныхСообщенийБайт SIZE, None, int(256 * MIB);
    /// The path that answers load balancers with 200; empty: none does.
    HealthPath ПутьПроверки Kind::Text, None, EMPTY;
    /// A folder whose files are served to browsers; empty: none.
    PagesFolder КаталогСтраниц Kind::Text, None, EMPTY;
    /// The path below which another program may send, list and disconnect; empty: none may.
    ControlPath ПутьУправления Kind::Text, None, EMPTY;
    /// What such a request must carry, reads back as `***`.
    ControlToken ТокенУправления Kind::Text, None, EMPTY;
    /// I/O threads this server wants, 1 to 64.
    IoThreads КоличествоПотоковВводаВывода Kind::Int { min: 1, max: 64 }, None, int(1);
}

impl Opt {
    pub fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    fn label(self) -> Arg {
        Arg::Both { en: self.row().en, ru: self.row().ru }
    }
}

/// The entries of a comma separated list, without blanks.
pub fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

/// Whether `text` is a token of RFC 9110 section 5.6.2, as header and subprotocol names must be.
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// What `ClientCertificates` asks of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskClients {
    /// For a certificate, which may be missing.
    Request,
    Require,
}

impl AskClients {
    /// `None`: nothing.
    pub fn read(value: &str) -> Result<Option<Self>> {
        match value {
            "" => Ok(None),
            "request" => Ok(Some(AskClients::Request)),
            "require" => Ok(Some(AskClients::Require)),
            other => Err(Error::new(Id::ClientCertificatesMode, [other.into()])),
        }
    }
}

/// RFC 6455 section 4.1: each subprotocol is a token, and none is named twice.
fn check_protocols(value: &str) -> Result<()> {
    let names: Vec<&str> = list(value).collect();
    for (at, name) in names.iter().enumerate() {
        if !is_token(name) {
            return Err(Error::new(Id::Subprotocol, [(*name).into()]));
        }
        if names[..at].contains(name) {
            return Err(Error::new(Id::SubprotocolTwice, [(*name).into()]));
        }
    }
    Ok(())
}

/// RFC 3986 section 3.3: a path as it stands in a request, or nothing.
fn check_path(option: Opt, value: &str) -> Result<()> {
    let good = |byte: u8| byte.is_ascii_graphic() && !b"?#\"<>\\^`{|}".contains(&byte);
    let ends_well = option != Opt::ControlPath || !value.ends_with('/');
    if value.is_empty() || value.starts_with('/') && value.bytes().all(good) && ends_well {
        return Ok(());
    }
    let expected = Arg::Both {
        en: "a path that begins with / and is percent-encoded",
        ru: "путь, который начинается с /, в кодировке URL",
    };
    Err(Error::new(Id::BadValue, [option.label(), value.into(), expected]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_the_enum_and_defaults_are_in_range() {
        for (at, row) in TABLE.iter().enumerate() {
            assert_eq!(row.option as usize, at);
            for default in [row.client, row.server].into_iter().flatten() {
                match (row.kind, default) {
                    (Kind::Int { min, max }, Default::Int(value)) => assert!((min..=max).contains(&value)),
                    (Kind::Bool, Default::Flag(_)) | (Kind::Text, Default::Text(_)) => {}
                    (kind, default) => panic!("{}: {kind:?} {default:?}", row.en),
                }
            }
        }
    }
}
