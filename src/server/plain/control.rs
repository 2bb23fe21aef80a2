//! `ControlPath`: what a program may ask that does not own the server object.

use super::super::{Selection, Shared};
use super::parameters::{Parameters, Target};
use crate::engine::{Plain, Reply, Wait};
use crate::error::{Code, Error, Id, Language, Result};
use crate::http::{Request, Response};
use crate::options::Opt;
use crate::ws::{Message, MessageKind};
use serde_json::json;
use subtle::ConstantTimeEq;

/// A longer message is checked, copied and compressed by a worker.
const SHORT: usize = 16 * 1024;
/// What a request may bring that needs no body.
const NO_BODY: usize = 4 * 1024;
/// The outcomes of C that are no errors there.
const CLOSED: i32 = 2;
const NOT_FOUND: i32 = 3;

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Send,
    Broadcast,
    Disconnect,
    Connections,
    Names,
    Statistics,
    Metrics,
}

impl Action {
    /// By the part of the path behind `ControlPath`.
    fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/send" => Action::Send,
            "/broadcast" => Action::Broadcast,
            "/disconnect" => Action::Disconnect,
            "/connections" => Action::Connections,
            "/names" => Action::Names,
            "/statistics" => Action::Statistics,
            "/metrics" => Action::Metrics,
            _ => return None,
        })
    }

    fn methods(self) -> &'static str {
        match self {
            Action::Send | Action::Broadcast | Action::Disconnect => "POST",
            Action::Connections | Action::Names | Action::Statistics | Action::Metrics => "GET, HEAD",
        }
    }

    fn parameters(self) -> &'static [&'static str] {
        match self {
            Action::Send => &["id", "name"],
            Action::Broadcast => &["group", "skip_full", "except"],
            Action::Disconnect => &["id", "name", "code", "reason"],
            Action::Connections => &["id"],
            Action::Names => &["prefix"],
            Action::Statistics | Action::Metrics => &[],
        }
    }
}

/// Why there is nothing to report: the status, the number that C has for it, and the error with its text.
struct Refused {
    status: u16,
    code: i32,
    error: Error,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        let status = match error.code() {
            Code::BadArgument | Code::BadUtf8 => 400,
            Code::QueueFull => 429,
            Code::TooBig => 413,
            Code::NotConnected => 409,
            Code::Cancelled | Code::NotRunning | Code::NoMemory => 503,
            _ => 500,
        };
        Self { status, code: error.code() as i32, error }
    }
}

impl Refused {
    fn new(status: u16, code: i32, error: Error) -> Self {
        Self { status, code, error }
    }

    fn response(self, language: Language) -> Response {
        json(self.status, &json!({ "error": self.code, "text": self.error.text(language) }))
    }
}

fn json(status: u16, value: &serde_json::Value) -> Response {
    private(Response::json(status, value.to_string()))
}

/// Nobody on the way may keep it.
fn private(response: Response) -> Response {
    response.with("Cache-Control", "no-store")
}

/// The language of the texts: Russian for who prefers it.
fn language(request: &Request) -> Language {
    let wanted = request.header("Accept-Language").unwrap_or_default();
    match wanted.trim_start().get(..2) {
        Some(first) if first.eq_ignore_ascii_case("ru") => Language::Russian,
        _ => Language::English,
    }
}

impl Shared {
    /// The part of a path behind `ControlPath`, where it is one of control.
    pub(super) fn below_control(&self, path: &str) -> Option<String> {
        let control = self.options.text(Opt::ControlPath);
        let below = path.strip_prefix(&*control).filter(|_| !control.is_empty())?;
        (below.is_empty() || below.starts_with('/')).then(|| below.to_owned())
    }

    fn may_control(&self, request: &Request) -> bool {
        let token = self.options.control_token();
        let given = request.header("Authorization").unwrap_or_default();
        let given = given.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"));
        // Without a token nobody may.
        given.is_some_and(|(_, given)| bool::from(given.trim().as_bytes().ct_eq(token.as_bytes())) && !token.is_empty())
    }

    /// The head of a request has come.
    pub(super) fn control(&self, request: &Request, below: &str) -> Plain {
        let language = language(request);
        let bad = |status, error: Error| Refused::new(status, error.code() as i32, error).response(language);
        let now = |response| Plain::Answer(Reply::Now(response));
        if !self.may_control(request) {
            // Before anything is told of what there is.
            return now(bad(401, Error::of(Id::ControlRefused)).with("WWW-Authenticate", "Bearer"));
        }
        let Some(action) = Action::of(below) else {
            return now(bad(404, Error::new(Id::ControlUnknown, [below.into()])));
        };
        let methods = action.methods();
        if !methods.split(", ").any(|method| method == request.method()) {
            return now(bad(405, Error::new(Id::ControlMethod, [methods.into()])).with("Allow", methods));
        }
        match action {
            Action::Send | Action::Broadcast => Plain::Body(self.options.size(Opt::MaxMessageSize)),
            Action::Disconnect => Plain::Body(NO_BODY),
            _ => Plain::Answer(self.later(action, request, None)),
        }
    }

    /// Its body, too.
    pub(super) fn control_body(&self, request: &Request, below: &str, body: Vec<u8>) -> Reply {
        let Some(action) = Action::of(below) else {
            return Response::text(404, "Not found").into();
        };
        // To one is as quick as a message that comes in.
        match action {
            Action::Send if body.len() <= SHORT => self.act(action, request, body).into(),
            Action::Disconnect => self.act(action, request, body).into(),
            _ => self.later(action, request, Some(body)),
        }
    }

    /// What takes longer is done by a worker. It counts as a call inside the object, whose end waits for it.
    fn later(&self, action: Action, request: &Request, body: Option<Vec<u8>>) -> Reply {
        let Some(shared) = self.me.upgrade() else { return Response::text(503, "Stopped").into() };
        let Ok(head) = request.copy_head() else { return Response::no_memory().into() };
        Reply::Later(Box::new(move || match Request::parse(head) {
            Ok(request) => shared.act(action, &request, body.unwrap_or_default()),
            Err(fault) => fault.into(),
        }))
    }

    fn act(&self, action: Action, request: &Request, body: Vec<u8>) -> Response {
        let language = language(request);
        self.try_to(action, request, body, language).unwrap_or_else(|refused| refused.response(language))
    }

    fn try_to(
        &self,
        action: Action,
        request: &Request,
        body: Vec<u8>,
        language: Language,
    ) -> Result<Response, Refused> {
        let _inside = self.enter()?;
        let parameters = Parameters::parse(request.query(), action.parameters())?;
        Ok(match action {
            Action::Send => {
                let message = message(request, body)?;
                self.send_to(&parameters, message)?;
                json(200, &json!({ "queued": 1 }))
            }
            Action::Broadcast => {
                let message = message(request, body)?;
                let group = parameters.text("group").unwrap_or_default();
                let except = parameters.number("except")?.unwrap_or(0);
                let skip_full = parameters.flag("skip_full")?;
                let queued = self.broadcast(message, &Selection { group, except, skip_full })?;
                json(200, &json!({ "queued": queued }))
            }
            Action::Disconnect => {
                self.disconnect_one(&parameters)?;
                json(200, &json!({ "closed": true }))
            }
            Action::Connections => match parameters.number("id")? {
                None => private(Response::json(200, self.connection_list()?)),
                Some(id) => match self.issued(id, self.connection_info(id))? {
                    Some(info) => private(Response::json(200, info)),
                    None => return Err(ended(id)),
                },
            },
            Action::Names => {
                private(Response::json(200, self.name_list(parameters.text("prefix").unwrap_or_default())?))
            }
            Action::Statistics => private(Response::json(200, self.statistics(language)?)),
            Action::Metrics => private(Response::new(200, super::metrics::KIND, self.metrics()?.into_bytes())),
        })
    }

    /// An id that was never given to a connection is nobody here, not a mistake of the host.
    fn issued<T>(&self, id: u64, outcome: Result<T>) -> Result<T, Refused> {
        outcome.map_err(|error| match error.root() {
            Id::UnknownConnection => Refused::new(404, NOT_FOUND, Error::new(Id::UnknownConnection, [id.into()])),
            _ => error.into(),
        })
    }

    fn send_to(&self, parameters: &Parameters, message: Message) -> Result<(), Refused> {
        match parameters.target()? {
            Target::Id(id) => {
                let connection = self.issued(id, self.find(id))?.ok_or_else(|| ended(id))?;
                match self.send_now(&connection, message)? {
                    true => Ok(()),
                    false => Err(ended(id)),
                }
            }
            Target::Name(name) => match self.send_to_name(name, &message, Wait::No)? {
                true => Ok(()),
                false => Err(nobody(name)),
            },
        }
    }

    fn disconnect_one(&self, parameters: &Parameters) -> Result<(), Refused> {
        let code = match parameters.number("code")? {
            None => 1000,
            Some(code) => u16::try_from(code).map_err(|_| Error::new(Id::CloseCode, [code.into()]))?,
        };
        let reason = parameters.text("reason").unwrap_or_default();
        match parameters.target()? {
            Target::Id(id) => match self.issued(id, self.disconnect(id, code, reason))? {
                true => Ok(()),
                false => Err(Refused { status: 404, ..ended(id) }),
            },
            Target::Name(name) => match self.disconnect_name(name, code, reason)? {
                true => Ok(()),
                false => Err(nobody(name)),
            },
        }
    }
}

fn ended(id: u64) -> Refused {
    Refused::new(409, CLOSED, Error::new(Id::ConnectionEnded, [id.into()]))
}

fn nobody(name: &str) -> Refused {
    Refused::new(404, NOT_FOUND, Error::new(Id::NobodyNamed, [name.into()]))
}

/// The body as a message: a text where its type says so or nothing.
fn message(request: &Request, body: Vec<u8>) -> Result<Message> {
    let kind = request.header("Content-Type").unwrap_or_default();
    let mut parts = kind.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    if !(essence.is_empty() || essence == "application/json" || essence.starts_with("text/")) {
        return Ok(Message::binary(body));
    }
    for part in parts {
        let Some((name, charset)) = part.split_once('=') else { continue };
        let charset = charset.trim_matches('"');
        let known = ["utf-8", "utf8", "us-ascii"].iter().any(|known| charset.eq_ignore_ascii_case(known));
        if name.eq_ignore_ascii_case("charset") && !known {
            return Err(Error::new(Id::BadValue, ["charset".into(), charset.into(), "UTF-8".into()]));
        }
    }
    match simdutf8::compat::from_utf8(&body) {
        Ok(_) => Ok(Message::received(MessageKind::Text, body.into())),
        Err(error) => Err(Error::new(Id::BadUtf8, ["body".into(), error.valid_up_to().into()])),
    }
}
