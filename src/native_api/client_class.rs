//! `AddIn.WebSocket.Client`.

use super::call::Call;
use super::event_form::HostEvents;
use super::table::{Class, Getter, Method, Omitted, func, get, opt, out, proc, req, takes};
use super::variant::Output;
use crate::client::Client;
use crate::engine::{Body, Event, Outcome, Watchable};
use crate::error::{Code, Result};
use crate::net::TlsSources;
use crate::options::{Options, Side};
use std::sync::Arc;
use zeroize::Zeroizing;

static METHODS: &[Method<Client>] = &[
    // по-русски, ещё имена                    English             параметры                      обработчик
    func(&["Подключиться"], "Connect", &[req("URL", "URL")], connect),
    proc(&["НачатьПодключение"], "BeginConnect", &[req("URL", "URL")], begin_connect),
    func(
        &["Отключиться"],
        "Disconnect",
        &[opt("Код", "Code", Omitted::Int(1000)), opt("Причина", "Reason", Omitted::Text(""))],
        disconnect,
    ),
    proc(&["Оборвать"], "Abort", &[], |client, _| client.abort().map(|()| Output::Empty)),
    proc(&["Отправить"], "Send", &[req("Данные", "Data")], send),
    takes(&["Получить", "Принять"], "Receive", &[req("Таймаут", "Timeout"), out("Данные", "Data")], receive),
    takes(
        &["ПолучитьСобытие"],
        "ReceiveEvent",
        &[req("Таймаут", "Timeout"), out("Событие", "Event"), out("Данные", "Data")],
        receive_event,
    ),
    func(&["ПроверитьСвязь", "Пинг"], "Ping", &[opt("Таймаут", "Timeout", Omitted::Int(5000))], ping),
    func(
        &["Запросить"],
        "Request",
        &[
            req("Текст", "Text"),
            opt("Таймаут", "Timeout", Omitted::Int(30_000)),
            opt("ПолеИдентификатора", "IdField", Omitted::Text("id")),
            opt("ПолеОтвета", "ReplyField", Omitted::Text("")),
        ],
        request,
    ),
    proc(&["УстановитьЗаголовок"], "SetHeader", &[req("Имя", "Name"), req("Значение", "Value")], set_header),
    proc(
        &["УстановитьСертификатКлиента"],
        "SetClientCertificate",
        &[
            req("Сертификат", "Certificate"),
            opt("Ключ", "Key", Omitted::Text("")),
            opt("Пароль", "Password", Omitted::Text("")),
        ],
        set_client_certificate,
    ),
    func(&["ОписаниеОшибки"], "ErrorDescription", &[], |_, _| Ok(Output::Empty)),
    func(&["Статистика"], "Statistics", &[], |client, _| client.statistics().map(Output::Text)),
];

static GETTERS: &[Getter<Client>] = &[
    get("Статус", "Status", |client, _| Output::Int(client.status().into())),
    get("СостояниеСоединения", "ReadyState", |client, _| Output::Int(client.ready_state().into())),
    get("Сервер", "Server", |client, _| Output::Text(client.server())),
    get("НеотправленоБайт", "BufferedAmount", |client, _| count(client.buffered_amount())),
    get("СообщенийВОчереди", "Queued", |client, _| count(client.queued())),
    get("Подпротокол", "Protocol", |client, _| Output::Text(client.protocol())),
    get("Расширения", "Extensions", |client, _| Output::Text(client.extensions())),
    get("КодОтвета", "HandshakeStatus", |client, _| Output::Int(client.handshake_status().into())),
    get("ЗаголовкиОтвета", "ResponseHeaders", |client, _| Output::Text(client.response_headers())),
    get("ТелоОтвета", "ResponseBody", |client, _| Output::Text(client.response_body())),
    get("КодЗакрытия", "CloseCode", |client, _| Output::Int(client.close_code().into())),
    get("ПричинаЗакрытия", "CloseReason", |client, language| {
        Output::Text(client.close_reason(language))
    }),
    get("КодОшибки", "ErrorCode", |object, _| Output::Int(object.last_failure().code().into())),
    get("Версия", "Version", |_, _| Output::Text(env!("CARGO_PKG_VERSION").to_owned())),
];

/// A count for the host.
pub(super) fn count(number: u64) -> Output {
    Output::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn connect(client: &Client, call: &mut Call) -> Result<Output> {
    client.connect(&call.text(0)?)?;
    Ok(Output::Bool(true))
}

fn begin_connect(client: &Client, call: &mut Call) -> Result<Output> {
    client.begin_connect(&call.text(0)?)?;
    Ok(Output::Empty)
}

fn disconnect(client: &Client, call: &mut Call) -> Result<Output> {
    client.disconnect(call.code(0)?, &call.text(1)?).map(Output::Bool)
}

fn send(client: &Client, call: &mut Call) -> Result<Output> {
    client.send(call.message(0)?)?;
    Ok(Output::Empty)
}

fn receive(client: &Client, call: &mut Call) -> Result<Output> {
    let watchable = client.watchable();
    let clears = watchable.clears();
    let Outcome::Got(message) = client.receive(call.wait(0)?)? else {
        call.set(1, Output::Text(String::new()));
        return Ok(Output::Bool(false));
    };
    call.set(1, Output::Message(message.clone()));
    call.on_failure(move || watchable.put_back(Event { connection: 0, body: Body::Message(message) }, clears));
    Ok(Output::Bool(true))
}

fn receive_event(client: &Client, call: &mut Call) -> Result<Output> {
    let watchable = client.watchable();
    let clears = watchable.clears();
    let Outcome::Got(event) = client.receive_event(call.wait(0)?)? else {
        call.set(1, Output::Text(String::new()));
        call.set(2, Output::Text(String::new()));
        return Ok(Output::Bool(false));
    };
    call.set(1, Output::Text(event.name().to_owned()));
    call.set(2, event_data(&event, call.language));
    call.on_failure(move || watchable.put_back(event, clears));
    Ok(Output::Bool(true))
}

/// The data of an event: a message by its type, the others as text.
pub(super) fn event_data(event: &Event, language: crate::error::Language) -> Output {
    match event.message() {
        Some(message) => Output::Message(message.clone()),
        None => match event.data(language) {
            crate::engine::EventData::Text(text) => Output::Text(String::from_utf8_lossy(&text).into_owned()),
            crate::engine::EventData::Binary(_) => Output::Empty,
        },
    }
}

fn ping(client: &Client, call: &mut Call) -> Result<Output> {
    client.ping(call.wait(0)?).map(Output::Int)
}

fn request(client: &Client, call: &mut Call) -> Result<Output> {
    let watchable = client.watchable();
    let clears = watchable.clears();
    let reply = client.request(&call.text(0)?, call.wait(1)?, &call.text(2)?, &call.text(3)?)?;
    let output = Output::Message(reply.clone());
    call.on_failure(move || watchable.put_back(Event { connection: 0, body: Body::Message(reply) }, clears));
    Ok(output)
}

fn set_header(client: &Client, call: &mut Call) -> Result<Output> {
    client.set_header(&call.text(0)?, &call.text(1)?)?;
    Ok(Output::Empty)
}

fn set_client_certificate(client: &Client, call: &mut Call) -> Result<Output> {
    client.set_client_certificate(&sources(call, 0)?)?;
    Ok(Output::Empty)
}

/// Certificate, key and password from argument `at` on.
pub(super) fn sources(call: &Call, at: usize) -> Result<TlsSources> {
    let text = |at| call.text(at).map(Zeroizing::new);
    Ok(TlsSources::new(&text(at)?, &text(at + 1)?, &text(at + 2)?))
}

impl Class for Client {
    const NAME: &'static str = "Client";
    const SIDE: Side = Side::Client;

    fn methods() -> &'static [Method<Self>] {
        METHODS
    }

    fn getters() -> &'static [Getter<Self>] {
        GETTERS
    }

    fn new() -> Result<Arc<Self>> {
        Client::new()
    }

    fn options(&self) -> &Options {
        self.options()
    }

    fn watchable(&self) -> Watchable {
        self.watchable()
    }

    fn shut_down(&self) {
        // A second time there is nothing left to do.
        let _ = self.shut_down();
    }

    fn note_failure(&self, code: Code) {
        self.last_failure().note(code);
    }

    fn host_events() -> HostEvents {
        HostEvents::Plain
    }
}
