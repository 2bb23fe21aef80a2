//! `AddIn.WebSocket.Server`.

use super::call::Call;
use super::client_class::{count, event_data, sources};
use super::event_form::HostEvents;
use super::table::{Class, Getter, Method, Omitted, func, get, opt, out, proc, req, takes, try_get};
use super::variant::Output;
use crate::engine::{Body, Event, Outcome, Watchable};
use crate::error::{Code, Result};
use crate::options::{Options, Side};
use crate::server::{Selection, Server};
use std::sync::Arc;

static METHODS: &[Method<Server>] = &[
    // по-русски, ещё имена                    English             параметры                      обработчик
    func(
        &["Запустить"],
        "Run",
        &[
            req("Интерфейс", "Interface"),
            req("Порт", "Port"),
            opt("Сертификат", "Certificate", Omitted::Text("")),
            opt("Ключ", "Key", Omitted::Text("")),
            opt("Пароль", "Password", Omitted::Text("")),
        ],
        run,
    ),
    proc(&["Остановить"], "Stop", &[], stop),
    func(
        &["ПеречитатьСертификат"],
        "ReloadCertificate",
        &[
            opt("Сертификат", "Certificate", Omitted::Text("")),
            opt("Ключ", "Key", Omitted::Text("")),
            opt("Пароль", "Password", Omitted::Text("")),
        ],
        reload_certificate,
    ),
    func(&["Отправить"], "Send", &[req("ИДКлиента", "ClientID"), req("Данные", "Data")], send),
    func(&["ОтправитьПоИмени"], "SendToName", &[req("Имя", "Name"), req("Данные", "Data")], send_to_name),
    func(
        &["Разослать"],
        "Broadcast",
        &[
            req("Данные", "Data"),
            opt("Группа", "Group", Omitted::Text("")),
            opt("КромеИД", "ExceptID", Omitted::Int(0)),
            opt("ПропускатьПолные", "SkipFull", Omitted::Bool(false)),
        ],
        broadcast,
    ),
    func(&["СведенияОбИмени"], "NameInfo", &[req("Имя", "Name")], |server, call| {
        server.name_info(&call.text(0)?).map(|info| Output::Text(info.unwrap_or_default()))
    }),
    func(
        &["СписокИмен"],
        "NameList",
        &[opt("Префикс", "Prefix", Omitted::Text(""))],
        |server, call| server.name_list(&call.text(0)?).map(Output::Text),
    ),
    func(
        &["ОтключитьИмя"],
        "DisconnectName",
        &[req("Имя", "Name"), opt("Код", "Code", Omitted::Int(1000)), opt("Причина", "Reason", Omitted::Text(""))],
        |server, call| server.disconnect_name(&call.text(0)?, call.code(1)?, &call.text(2)?).map(Output::Bool),
    ),
    func(
        &["УстановитьИмя"],
        "SetName",
        &[req("ИДКлиента", "ClientID"), req("Имя", "Name")],
        |server, call| server.set_name(call.connection(0)?, &call.text(1)?).map(Output::Bool),
    ),
    func(
        &["ДобавитьВГруппу"],
        "JoinGroup",
        &[req("ИДКлиента", "ClientID"), req("Группа", "Group")],
        |server, call| server.join_group(call.connection(0)?, &call.text(1)?).map(Output::Bool),
    ),
    func(
        &["ИсключитьИзГруппы"],
        "LeaveGroup",
        &[req("ИДКлиента", "ClientID"), req("Группа", "Group")],
        |server, call| server.leave_group(call.connection(0)?, &call.text(1)?).map(Output::Bool),
    ),
    takes(
        &["Получить", "Принять"],
        "Receive",
        &[req("Таймаут", "Timeout"), out("ИДКлиента", "ClientID"), out("Данные", "Data")],
        receive,
    ),
    takes(
        &["ПолучитьСобытие"],
        "ReceiveEvent",
        &[req("Таймаут", "Timeout"), out("Событие", "Event"), out("ИДКлиента", "ClientID"), out("Данные", "Data")],
        receive_event,
    ),
    func(
        &["Отключить"],
        "Disconnect",
        &[
            req("ИДКлиента", "ClientID"),
            opt("Код", "Code", Omitted::Int(1000)),
            opt("Причина", "Reason", Omitted::Text("")),
        ],
        disconnect,
    ),
    func(&["Оборвать"], "Abort", &[req("ИДКлиента", "ClientID")], |server, call| {
        server.abort(call.connection(0)?).map(Output::Bool)
    }),
    func(
        &["Приостановить"],
        "Pause",
        &[req("ИДКлиента", "ClientID"), opt("Вкл", "On", Omitted::Bool(true))],
        |server, call| server.pause(call.connection(0)?, call.flag(1)?).map(Output::Bool),
    ),
    proc(
        &["УстановитьЗаголовокОтвета"],
        "SetResponseHeader",
        &[req("Имя", "Name"), req("Значение", "Value")],
        |server, call| server.set_response_header(&call.text(0)?, &call.text(1)?).map(|()| Output::Empty),
    ),
    func(
        &["ПодтвердитьСоединение"],
        "Accept",
        &[req("ИДКлиента", "ClientID")],
        |server, call| server.accept(call.connection(0)?).map(Output::Bool),
    ),
    func(
        &["ОтклонитьСоединение"],
        "Reject",
        &[
            req("ИДКлиента", "ClientID"),
            opt("СтатусHTTP", "HttpStatus", Omitted::Int(403)),
            opt("Причина", "Reason", Omitted::Text("")),
        ],
        |server, call| server.reject(call.connection(0)?, call.int(1)?, &call.text(2)?).map(Output::Bool),
    ),
    func(&["СведенияОСоединении"], "ConnectionInfo", &[req("ИДКлиента", "ClientID")], connection_info),
    func(&["СписокСоединений"], "ConnectionList", &[], |server, _| {
        server.connection_list().map(Output::Text)
    }),
    func(
        &["ПроверитьСвязь", "Пинг"],
        "Ping",
        &[req("ИДКлиента", "ClientID"), opt("Таймаут", "Timeout", Omitted::Int(5000))],
        ping,
    ),
    func(&["ОписаниеОшибки"], "ErrorDescription", &[], |_, _| Ok(Output::Empty)),
    func(&["Метрики"], "Metrics", &[], |server, _| server.metrics().map(Output::Text)),
    func(&["Статистика"], "Statistics", &[], |server, call| {
        server.statistics(call.language).map(Output::Text)
    }),
];

static GETTERS: &[Getter<Server>] = &[
    get("Сервер", "Server", |server, _| Output::Text(server.server())),
    get("Порт", "Port", |server, _| Output::Int(server.port().into())),
    try_get("Соединения", "Connections", |server| server.connections().map(Output::Text)),
    get("КоличествоСоединений", "ConnectionCount", |server, _| count(server.connection_count())),
    get("СообщенийВОчереди", "Queued", |server, _| count(server.queued())),
    get("КодОшибки", "ErrorCode", |object, _| Output::Int(object.last_failure().code().into())),
    get("Версия", "Version", |_, _| Output::Text(env!("CARGO_PKG_VERSION").to_owned())),
];

fn run(server: &Server, call: &mut Call) -> Result<Output> {
    let sources = sources(call, 2)?;
    match sources.is_empty() {
        true => server.run(&call.text(0)?, call.int(1)?)?,
        false => server.run_tls(&call.text(0)?, call.int(1)?, sources)?,
    }
    Ok(Output::Bool(true))
}

fn reload_certificate(server: &Server, call: &mut Call) -> Result<Output> {
    server.reload_certificate(sources(call, 0)?)?;
    Ok(Output::Bool(true))
}

fn stop(server: &Server, _: &mut Call) -> Result<Output> {
    server.stop()?;
    Ok(Output::Empty)
}

fn send(server: &Server, call: &mut Call) -> Result<Output> {
    server.send(call.connection(0)?, call.message(1)?).map(Output::Bool)
}

fn broadcast(server: &Server, call: &mut Call) -> Result<Output> {
    let (message, group) = (call.message(0)?, call.text(1)?);
    let selection = Selection { group: &group, except: call.connection(2)?, skip_full: call.flag(3)? };
    server.broadcast(message, &selection).map(count)
}

fn send_to_name(server: &Server, call: &mut Call) -> Result<Output> {
    server.send_to_name(&call.text(0)?, &call.message(1)?).map(Output::Bool)
}

fn receive(server: &Server, call: &mut Call) -> Result<Output> {
    let watchable = server.watchable();
    let clears = watchable.clears();
    let Outcome::Got((connection, message)) = server.receive(call.wait(0)?)? else {
        call.set(1, Output::Int(0));
        call.set(2, Output::Text(String::new()));
        return Ok(Output::Bool(false));
    };
    call.set(1, count(connection));
    call.set(2, Output::Message(message.clone()));
    call.on_failure(move || watchable.put_back(Event { connection, body: Body::Message(message) }, clears));
    Ok(Output::Bool(true))
}

fn receive_event(server: &Server, call: &mut Call) -> Result<Output> {
    let watchable = server.watchable();
    let clears = watchable.clears();
    let Outcome::Got(event) = server.receive_event(call.wait(0)?)? else {
        call.set(1, Output::Text(String::new()));
        call.set(2, Output::Int(0));
        call.set(3, Output::Text(String::new()));
        return Ok(Output::Bool(false));
    };
    call.set(1, Output::Text(event.name().to_owned()));
    call.set(2, count(event.connection));
    call.set(3, event_data(&event, call.language));
    call.on_failure(move || watchable.put_back(event, clears));
    Ok(Output::Bool(true))
}

fn disconnect(server: &Server, call: &mut Call) -> Result<Output> {
    server.disconnect(call.connection(0)?, call.code(1)?, &call.text(2)?).map(Output::Bool)
}

/// Of a connection that has ended nothing is known any more: an empty string.
fn connection_info(server: &Server, call: &mut Call) -> Result<Output> {
    server.connection_info(call.connection(0)?).map(|info| Output::Text(info.unwrap_or_default()))
}

fn ping(server: &Server, call: &mut Call) -> Result<Output> {
    server.ping(call.connection(0)?, call.wait(1)?).map(Output::Int)
}

impl Class for Server {
    const NAME: &'static str = "Server";
    const SIDE: Side = Side::Server;

    fn methods() -> &'static [Method<Self>] {
        METHODS
    }

    fn getters() -> &'static [Getter<Self>] {
        GETTERS
    }

    fn new() -> Result<Arc<Self>> {
        Server::new()
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
        HostEvents::WithId
    }
}
