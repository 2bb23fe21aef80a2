//! SOCKS 5, RFC 1928, with user name and password (RFC 1929).

use super::Step;
use crate::error::{Arg, Error, Id, Result};
use std::net::IpAddr;

const VERSION: u8 = 5;
const NO_CREDENTIALS: u8 = 0;
const PASSWORD: u8 = 2;
const NONE_ACCEPTABLE: u8 = 0xff;

enum Stage {
    Method,
    Password,
    Connect,
}

pub struct Socks {
    stage: Stage,
    credentials: Option<(Vec<u8>, Vec<u8>)>,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Socks {
    pub(super) fn new(credentials: Option<(Vec<u8>, Vec<u8>)>, host: &str, port: u16) -> Result<(Self, Vec<u8>)> {
        let mut request = vec![VERSION, 1, 0];
        match host.parse() {
            Ok(IpAddr::V4(address)) => {
                request.push(1);
                request.extend(address.octets());
            }
            Ok(IpAddr::V6(address)) => {
                request.push(4);
                request.extend(address.octets());
            }
            Err(_) => {
                let length = u8::try_from(host.len()).map_err(|_| Error::new(Id::SocksName, [host.into()]))?;
                request.extend([3, length]);
                request.extend(host.as_bytes());
            }
        }
        request.extend(port.to_be_bytes());
        let hello = match &credentials {
            None => vec![VERSION, 1, NO_CREDENTIALS],
            Some(_) => vec![VERSION, 2, NO_CREDENTIALS, PASSWORD],
        };
        Ok((Self { stage: Stage::Method, credentials, request, answer: Vec::new() }, hello))
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(usize, Step)> {
        let mut taken = 0;
        while let Some(byte) = bytes.get(taken) {
            self.answer.push(*byte);
            taken += 1;
            self.check_version()?;
            if self.answer.len() < self.needed() {
                continue;
            }
            let answer = std::mem::take(&mut self.answer);
            let step = self.judge(&answer)?;
            if step == Step::Open && taken < bytes.len() {
                return Err(Id::ProxyAhead.into());
            }
            return Ok((taken, step));
        }
        Ok((taken, Step::More))
    }

    /// Garbage shows at its first byte.
    fn check_version(&self) -> Result<()> {
        let right = match self.stage {
            // RFC 1929 has a version of its own; some proxies repeat SOCKS's there.
            Stage::Password => [1, VERSION].contains(&self.answer[0]),
            Stage::Method | Stage::Connect => self.answer[0] == VERSION,
        };
        if right { Ok(()) } else { Err(Id::ProxyNotSocks.into()) }
    }

    /// How long the answer is, as far as that can be told by now.
    fn needed(&self) -> usize {
        match self.stage {
            Stage::Method | Stage::Password => 2,
            Stage::Connect => match (self.answer.get(3), self.answer.get(4)) {
                // A refusal may be cut after its reason.
                _ if self.answer.get(1).is_some_and(|code| *code != 0) => 2,
                (Some(1), _) => 10,
                (Some(4), _) => 22,
                (Some(3), Some(length)) => 7 + usize::from(*length),
                _ => 5,
            },
        }
    }

    fn judge(&mut self, answer: &[u8]) -> Result<Step> {
        match self.stage {
            Stage::Method => match (answer[1], self.credentials.take()) {
                (NO_CREDENTIALS, _) => Ok(self.connect()),
                (PASSWORD, Some((user, password))) => {
                    self.stage = Stage::Password;
                    // Both fit a byte: the setting was checked.
                    let mut message = vec![1, user.len() as u8];
                    message.extend(user);
                    message.push(password.len() as u8);
                    message.extend(password);
                    Ok(Step::Send(message))
                }
                (NONE_ACCEPTABLE, credentials) => Err(Error::new(Id::SocksDemands, [offered(credentials.is_some())])),
                _ => Err(Id::ProxyNotSocks.into()),
            },
            Stage::Password if answer[1] == 0 => Ok(self.connect()),
            Stage::Password => Err(Id::SocksRefuses.into()),
            Stage::Connect if answer[1] == 0 && [1, 3, 4].contains(&answer[3]) => Ok(Step::Open),
            Stage::Connect if answer[1] == 0 => Err(Id::ProxyNotSocks.into()),
            Stage::Connect => Err(Error::new(Id::SocksFailed, [reason(answer[1])])),
        }
    }

    fn connect(&mut self) -> Step {
        self.stage = Stage::Connect;
        Step::Send(std::mem::take(&mut self.request))
    }
}

fn offered(password: bool) -> Arg {
    match password {
        true => Arg::Both {
            en: "none, user name and password", ru: "без авторизации, имя и пароль"
        },
        false => Arg::Both {
            en: "none (no user name is set)", ru: "без авторизации (имя не задано)"
        },
    }
}

fn reason(code: u8) -> Arg {
    let (en, ru) = match code {
        1 => ("general failure", "общий сбой"),
        2 => ("forbidden by its rules", "запрещено правилами"),
        3 => ("network unreachable", "сеть недоступна"),
        4 => ("host unreachable or not found", "узел недоступен или не найден"),
        5 => ("connection refused", "соединение отклонено"),
        6 => ("time to live expired", "истекло время жизни пакета"),
        7 => ("command not supported", "команда не поддерживается"),
        8 => ("address type not supported", "тип адреса не поддерживается"),
        _ => return Arg::Plain(code.to_string()),
    };
    Arg::Both { en, ru }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_byte_by_byte() {
        let credentials = Some((b"user".to_vec(), b"pass".to_vec()));
        let (mut socks, hello) = Socks::new(credentials, "host.example", 443).unwrap();
        assert_eq!(hello, [5, 2, 0, 2]);
        assert_eq!(socks.feed(&[5]).unwrap(), (1, Step::More));
        let (taken, step) = socks.feed(&[2]).unwrap();
        assert_eq!((taken, step), (1, Step::Send(b"\x01\x04user\x04pass".to_vec())));
        let (taken, step) = socks.feed(&[1, 0]).unwrap();
        assert_eq!((taken, step), (2, Step::Send(b"\x05\x01\0\x03\x0chost.example\x01\xbb".to_vec())));
        let answer = b"\x05\0\0\x03\x03abc\x12\x34";
        for (at, byte) in answer.iter().enumerate() {
            let expected = if at + 1 == answer.len() { Step::Open } else { Step::More };
            assert_eq!(socks.feed(&[*byte]).unwrap(), (1, expected), "{at}");
        }
    }

    #[test]
    fn refusals_and_lies() {
        let fresh = || Socks::new(None, "::1", 80).unwrap().0;
        assert_eq!(fresh().feed(b"HTTP/1.1").unwrap_err().id(), Id::ProxyNotSocks);
        assert_eq!(fresh().feed(&[5, 0xff]).unwrap_err().id(), Id::SocksDemands);
        assert_eq!(fresh().feed(&[5, 2]).unwrap_err().id(), Id::ProxyNotSocks);
        let asked = || {
            let mut socks = fresh();
            let (_, step) = socks.feed(&[5, 0]).unwrap();
            let Step::Send(request) = step else { panic!("{step:?}") };
            assert_eq!(request[..4], [5, 1, 0, 4]);
            socks
        };
        assert_eq!(asked().feed(&[5, 5, 0, 1]).unwrap_err().id(), Id::SocksFailed);
        assert_eq!(asked().feed(&[5, 0, 0, 9, 0]).unwrap_err().id(), Id::ProxyNotSocks);
        assert_eq!(asked().feed(&[5, 0, 0, 1, 1, 2, 3, 4, 0, 80]).unwrap(), (10, Step::Open));
        assert_eq!(asked().feed(&[5, 0, 0, 1, 1, 2, 3, 4, 0, 80, 7]).unwrap_err().id(), Id::ProxyAhead);
    }
}
