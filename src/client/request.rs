//! A client's requests: JSON objects that are answered by id.

use super::{Client, Shared};
use crate::engine::{Command, Deadline, Wait, lock, refuse_on_io_thread};
use crate::error::{Error, Id, Result};
use crate::json::{self, Scalar};
use crate::options::Opt;
use crate::ws::{Message, MessageCow, MessageKind, random_u64};
use std::sync::OnceLock;

/// A value, as JSON, that no other request has, of this process or another.
fn fresh_id() -> String {
    static PROCESS: OnceLock<u64> = OnceLock::new();
    format!("\"{:016x}-{}\"", PROCESS.get_or_init(random_u64), crate::engine::serial())
}

/// A request as it leaves.
struct Question<'a> {
    draft: MessageCow<'a>,
    /// The value of its id field, as JSON.
    id: String,
}

impl<'a> Question<'a> {
    /// A text with the field goes as it is; one without gets it in front of the others.
    fn new(text: &'a str, field: &str) -> Result<Self> {
        json::check(text).map_err(|place| {
            Error::new(Id::RequestMalformed, [place.line.to_string().into(), place.column.to_string().into()])
        })?;
        if !text.trim_start().starts_with('{') {
            return Err(Error::of(Id::RequestNotObject));
        }
        if let Some(place) = json::find(text.as_bytes(), field) {
            let id = &text[place];
            // Objects have too many forms to be told apart by, and no protocol uses them.
            Scalar::parse(id.as_bytes()).ok_or_else(|| Error::new(Id::RequestId, [field.to_owned().into()]))?;
            return Ok(Self { draft: MessageCow::text(text)?, id: id.to_owned() });
        }
        let id = fresh_id();
        let text = json::with_field(text, field, &id).ok_or_else(|| Error::of(Id::NoMemory))?;
        Ok(Self { draft: Message::received(MessageKind::Text, text.into()).into(), id })
    }
}

impl Client {
    /// Sends a JSON object and returns the message that answers it. An empty `reply_field` is `id_field`. Blocks until
    /// the reply has come, for `timeout` at most, waiting for room in the send queue included.
    pub fn request(&self, text: &str, timeout: Wait, id_field: &str, reply_field: &str) -> Result<Message> {
        let _inside = self.enter()?;
        refuse_on_io_thread("request")?;
        let deadline = Deadline::of(timeout);
        let Question { draft, id } = Question::new(text, id_field)?;
        let Shared { inbox, options, .. } = &*self.shared;
        // A break from here on fails the request; one before it is seen now.
        let life = inbox.life();
        let connection = self.shared.open_connection()?;
        let reply_field = if reply_field.is_empty() { id_field } else { reply_field };
        let io = lock(&self.runtime).as_ref().ok_or_else(|| Error::of(Id::Cancelled))?.io()?;
        let queue = inbox.clone();
        let dispatches = Box::new(move || io.post(Command::Dispatch(queue.clone())));
        let mut guard = None;
        let accepted = connection.outbox.push_if(
            draft,
            || options.size(Opt::SendQueueBytes),
            self.shared.send_timeout().min(timeout),
            || inbox.check_request(&connection, life),
            || {
                guard = Some(inbox.expect(&connection, life, (reply_field, &id), dispatches)?);
                Ok(())
            },
        )?;
        self.shared.flush(&connection, &accepted);
        match guard {
            Some(guard) => guard.wait(timeout, deadline),
            None => Err(Error::of(Id::Cancelled)),
        }
    }
}
