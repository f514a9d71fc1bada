//! Server-sent events, as the WHATWG specification parses them, from bytes in pieces of any size.
//!
//! The crates for it either keep an unfinished line however long it grows, or fail on what is not UTF-8 in a comment. Here the
//! caller bounds the bytes that it feeds, and what an event's data is, is for who reads it.
//!
//! Two things differ from the specification, because servers do so. A last event without its blank line counts: llama.cpp ends
//! with `data: [DONE]` and one newline. And a line that begins with `error:` makes an event, as llama.cpp did until September
//! 2025.

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Its data: the `data` lines, joined by newlines.
    Data(Vec<u8>),
    /// The value of an `error` line.
    Error(Vec<u8>),
}

/// Finds events in bytes.
#[derive(Debug, Default)]
pub(super) struct Parser {
    /// The line in hand.
    line: Vec<u8>,
    /// The data lines of the event in hand.
    data: Option<Vec<u8>>,
    /// Whether a line feed that comes next ends no line, since the carriage return before it did.
    after_return: bool,
    /// Whether a line was read: the first one may begin with a byte order mark.
    begun: bool,
}

impl Parser {
    /// The events that these bytes complete.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for byte in bytes {
            let skip = std::mem::take(&mut self.after_return) && *byte == b'\n';
            match byte {
                _ if skip => {}
                b'\n' | b'\r' => {
                    self.after_return = *byte == b'\r';
                    events.extend(self.end_line());
                }
                _ => self.line.push(*byte),
            }
        }
        events
    }

    /// The event that the end of the stream completes.
    pub fn finish(&mut self) -> Option<Event> {
        let last = if self.line.is_empty() { None } else { self.end_line() };
        last.or_else(|| self.data.take().map(Event::Data))
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let begun = std::mem::replace(&mut self.begun, true);
        let line = if begun { line.as_slice() } else { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line) };
        if line.is_empty() {
            return self.data.take().map(Event::Data);
        }
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (field, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                let data = self.data.as_mut();
                match data {
                    Some(data) => data.extend([b"\n", value].concat()),
                    None => self.data = Some(value.to_vec()),
                }
                None
            }
            b"error" => Some(Event::Error(value.to_vec())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(text: &str) -> Event {
        Event::Data(text.as_bytes().to_vec())
    }

    /// Parses `bytes` cut into pieces of `size`.
    fn parse(bytes: &[u8], size: usize) -> Vec<Event> {
        let mut parser = Parser::default();
        let mut events: Vec<Event> = bytes.chunks(size).flat_map(|piece| parser.feed(piece)).collect();
        events.extend(parser.finish());
        events
    }

    #[test]
    fn all_line_ends_comments_and_fields_in_pieces_of_every_size() {
        let stream = "\u{feff}: ping\r\n\r\ndata: a\r\ndata:b\r\n\r\nevent: x\nid: 1\nretry: 9\ndata:  c\n\ndata\n\ndata: ü\rdata: d\r\r";
        let expected = [data("a\nb"), data(" c"), data(""), data("ü\nd")];
        for size in 1..=stream.len() {
            assert_eq!(parse(stream.as_bytes(), size), expected, "in pieces of {size}");
        }
    }

    #[test]
    fn an_event_without_data_is_none() {
        assert_eq!(parse(b"event: ping\n\n: only a comment\n\nid: 4\n\n\n\n", 3), []);
        assert_eq!(parse(b"", 1), []);
    }

    #[test]
    fn the_last_event_counts_without_its_blank_line() {
        assert_eq!(parse(b"data: a\n\ndata: [DONE]\n", 4), [data("a"), data("[DONE]")]);
        assert_eq!(parse(b"data: [DONE]", 4), [data("[DONE]")]);
    }

    #[test]
    fn an_error_line_is_an_event() {
        let expected = [Event::Error(b"{\"code\":500}".to_vec()), data("[DONE]")];
        assert_eq!(parse(b"error: {\"code\":500}\n\ndata: [DONE]\n\n", 5), expected);
    }
}
