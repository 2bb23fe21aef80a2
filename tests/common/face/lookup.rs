//! The server's names, and broadcasts with a choice.

use super::{Outcome, Server, check, done, text};
use std::ptr::null_mut;
use websocket_addin::capi::*;

// SAFETY, of every call below: slices are readable and places writable for the call, as the header demands.
impl Server {
    /// To a group or, where that is empty, to all, but for one connection; how many.
    pub fn broadcast_with(&self, message: &str, group: &str, except: u64, flags: wsaddin_flags) -> Outcome<i64> {
        let mut count = 0;
        let (data, size) = (message.as_ptr().cast(), message.len());
        let (group, group_size) = (group.as_ptr().cast(), group.len());
        let kind = WSADDIN_KIND_TEXT;
        done(unsafe {
            wsaddin_server_broadcast(self.0, kind, data, size, group, group_size, except, flags, &raw mut count)
        })?;
        Ok(count)
    }

    /// False: that connection has gone.
    pub fn abort(&self, connection: u64) -> Outcome<bool> {
        check(wsaddin_server_abort(self.0, connection)).map(|number| number == WSADDIN_OK)
    }

    /// False: that connection has gone.
    pub fn pause(&self, connection: u64, on: bool) -> Outcome<bool> {
        check(wsaddin_server_pause(self.0, connection, on.into())).map(|number| number == WSADDIN_OK)
    }

    pub fn set_paths(&self, value: &str) -> Outcome {
        done(unsafe { wsaddin_server_set_paths(self.0, value.as_ptr().cast(), value.len()) })
    }

    pub fn set_trusted_proxies(&self, value: &str) -> Outcome {
        done(unsafe { wsaddin_server_set_trusted_proxies(self.0, value.as_ptr().cast(), value.len()) })
    }

    pub fn set_response_header(&self, name: &str, value: &str) -> Outcome {
        let (name, name_size) = (name.as_ptr().cast(), name.len());
        let (value, size) = (value.as_ptr().cast(), value.len());
        done(unsafe { wsaddin_server_set_response_header(self.0, name, name_size, value, size) })
    }

    /// `None`: nobody has that name.
    pub fn name_info(&self, name: &str) -> Option<serde_json::Value> {
        let (name, size) = (name.as_ptr().cast(), name.len());
        let mut needed = 0;
        let asked = unsafe { wsaddin_server_name_info(self.0, name, size, null_mut(), 0, &raw mut needed) };
        if asked == WSADDIN_NOT_FOUND {
            return None;
        }
        let json =
            text(|buffer, room, needed| unsafe { wsaddin_server_name_info(self.0, name, size, buffer, room, needed) });
        Some(serde_json::from_str(&json.unwrap()).unwrap())
    }

    pub fn name_list(&self, prefix: &str) -> serde_json::Value {
        let (prefix, size) = (prefix.as_ptr().cast(), prefix.len());
        let json = text(|buffer, room, needed| unsafe {
            wsaddin_server_name_list(self.0, prefix, size, buffer, room, needed)
        });
        serde_json::from_str(&json.unwrap()).unwrap()
    }

    /// False: nobody has that name.
    pub fn disconnect_name(&self, name: &str, code: u16, reason: &str) -> Outcome<bool> {
        let (name, name_size) = (name.as_ptr().cast(), name.len());
        let (reason, size) = (reason.as_ptr().cast(), reason.len());
        let result = check(unsafe { wsaddin_server_disconnect_name(self.0, name, name_size, code, reason, size) })?;
        assert!(matches!(result, WSADDIN_OK | WSADDIN_NOT_FOUND), "{result}");
        Ok(result == WSADDIN_OK)
    }
}
