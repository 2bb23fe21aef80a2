//! The head of an HTTP answer, read from servers and proxies alike, as tolerantly as browsers and curl do.
//!
//! Interim answers are skipped (RFC 9110 section 15.2); 101 is final. A header line that cannot be parsed is ignored
//! instead of making a good answer a bad one, folded lines are joined (RFC 9112 section 5.2), lines end with CRLF or
//! LF, and of the status line only the status matters. Requests are parsed elsewhere, and strictly: the server that
//! answers was asked by us, and no other program reads that answer differently.

use httparse::{ParserConfig, Status};

/// The longest answer with all interim ones before it, in bytes: what servers commonly accept as a request, with a
/// margin for long cookies.
const LIMIT: usize = 64 * 1024;
const PREFIX: &[u8] = b"HTTP/";
/// Characters of a status line that are shown.
const SHOWN: usize = 100;

/// The status of an answer and the reason that it gives, which may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusLine {
    pub code: u16,
    reason: String,
}

impl StatusLine {
    /// `HTTP/1.1 404 Not Found`. The name in any case, any version, more than one blank and no reason at all pass.
    fn read(line: &[u8]) -> Option<Self> {
        let line = String::from_utf8_lossy(line);
        let (version, rest) = line.get(PREFIX.len()..)?.split_once([' ', '\t'])?;
        let numbers = version.split('.').all(|number| number.parse::<u8>().is_ok());
        let (code, reason) = rest.trim_start().split_at_checked(3)?;
        let digits = code.bytes().all(|byte| byte.is_ascii_digit()) && !code.starts_with('0');
        let apart = reason.is_empty() || reason.starts_with([' ', '\t']);
        if !(numbers && digits && apart) {
            return None;
        }
        Some(Self { code: code.parse().ok()?, reason: reason.trim().to_owned() })
    }

    fn is_interim(&self) -> bool {
        self.code < 200 && self.code != 101
    }
}

/// `404 Not Found`, on one line and not too long.
impl std::fmt::Display for StatusLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&printable(&format!("{} {}", self.code, self.reason)))
    }
}

/// A final answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: StatusLine,
    headers: Vec<(String, String)>,
}

impl Answer {
    /// All headers that can be read, in their order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The values of the headers of this name, in any case, in their order. Bytes that are not UTF-8 are replaced.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What makes an answer useless.
#[derive(Debug, PartialEq, Eq)]
pub enum BadAnswer {
    /// It is no HTTP; the status line, if that is what is wrong.
    NotHttp(Option<String>),
    /// More bytes than this.
    TooLong(usize),
}

/// Collects an answer up to the end of its head and takes nothing behind it.
#[derive(Default)]
pub struct AnswerReader {
    bytes: Vec<u8>,
    /// Where the head begins that is being read; an interim one may be before it.
    head: usize,
    /// Where the line begins that is being read.
    line: usize,
    /// Once the first line of the head is whole.
    status: Option<StatusLine>,
}

impl AnswerReader {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what has come: how many of the bytes belong to the answer and, when its head is whole, the answer.
    ///
    /// # Errors
    /// As soon as it shows that this becomes no answer.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(usize, Option<Answer>), BadAnswer> {
        for (at, byte) in bytes.iter().enumerate() {
            if self.bytes.len() == LIMIT {
                return Err(BadAnswer::TooLong(LIMIT));
            }
            self.bytes.push(*byte);
            if *byte == b'\n'
                && let Some(answer) = self.end_line()?
            {
                return Ok((at + 1, Some(answer)));
            }
        }
        if self.status.is_none() && !self.begins_well() {
            return Err(BadAnswer::NotHttp(None));
        }
        Ok((bytes.len(), None))
    }

    /// A line is whole; the answer, if it was the empty one at its end.
    fn end_line(&mut self) -> Result<Option<Answer>, BadAnswer> {
        let line = content(&self.bytes[self.line..]);
        let end = self.bytes.len();
        match &self.status {
            // Empty lines before an answer are left over from what was before it.
            None if line.is_empty() => self.head = end,
            None if !self.begins_well() => return Err(BadAnswer::NotHttp(None)),
            None => {
                let bad = || BadAnswer::NotHttp(Some(printable(&String::from_utf8_lossy(line))));
                self.status = Some(StatusLine::read(line).ok_or_else(bad)?);
            }
            Some(status) if line.is_empty() => {
                if !status.is_interim() {
                    let headers = headers(&self.bytes[self.head..]);
                    return Ok(self.status.clone().map(|status| Answer { status, headers }));
                }
                self.status = None;
                self.head = end;
            }
            Some(_) => {}
        }
        self.line = end;
        Ok(None)
    }

    /// Whether what is known of the head begins as one does.
    fn begins_well(&self) -> bool {
        let head = &self.bytes[self.head..];
        let known = head.len().min(PREFIX.len());
        // The beginning of an empty line.
        head == b"\r" || head[..known].eq_ignore_ascii_case(&PREFIX[..known])
    }

    /// Everything that came of the answer, with the interim ones before it. It may hold secrets.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The status of an answer that is not whole, unless it is an interim one.
    pub fn status(&self) -> Option<&StatusLine> {
        self.status.as_ref().filter(|status| !status.is_interim())
    }
}

/// A line without what ends it.
fn content(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let end = line.iter().rposition(|byte| *byte != b'\r').map_or(0, |last| last + 1);
    &line[..end]
}

/// The headers of a whole head that can be read.
fn headers(head: &[u8]) -> Vec<(String, String)> {
    let mut lines = head.split_inclusive(|byte| *byte == b'\n').map(content);
    // The status line is known, and may be one that the parser does not take.
    lines.next();
    let mut clean = b"HTTP/1.1 200 OK\r\n".to_vec();
    let mut count = 0;
    for line in lines {
        // A NUL or a CR inside of a line would be an error even to a parser that ignores what it cannot read.
        clean.extend(line.iter().map(|byte| if matches!(byte, b'\0' | b'\r') { 1 } else { *byte }));
        clean.extend_from_slice(b"\r\n");
        count += 1;
    }
    let mut headers = vec![httparse::EMPTY_HEADER; count];
    let mut response = httparse::Response::new(&mut headers);
    let mut config = ParserConfig::default();
    config
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .ignore_invalid_headers_in_responses(true);
    // It cannot fail: there is room for every line, an empty one at the end, and no byte that is not ignored.
    let Ok(Status::Complete(_)) = config.parse_response(&mut response, &clean) else { return Vec::new() };
    response.headers.iter().map(|header| (header.name.to_owned(), unfolded(header.value))).collect()
}

/// A value on one line.
fn unfolded(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    text.split("\r\n").map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What came from outside, fit for an error's text.
fn printable(text: &str) -> String {
    let text = text.trim();
    let mut shown: String = text.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
