//! Physical lines and CSV records of a file, with exact line numbers and bounded memory.

use std::collections::VecDeque;
use std::io::{self, BufRead};

/// Longest line, and longest record over several lines, in bytes.
pub(super) const LINE_BYTES: usize = 1024 * 1024;
/// Most lines of one record: a quote that is never closed must not swallow the file.
const RECORD_LINES: usize = 100;

/// A line or record that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadLine {
    /// From 1.
    pub(super) line: u64,
    /// Name of the column, when one is to blame.
    pub(super) column: Option<String>,
    /// What is wrong.
    pub(super) message: String,
}

impl BadLine {
    pub(super) fn new(line: u64, message: impl Into<String>) -> Self {
        Self {
            line,
            column: None,
            message: message.into(),
        }
    }
}

/// A physical line without its end, or the number of one that is too long.
type Line = (u64, Result<Vec<u8>, ()>);

/// Something usable or not, with the number of its first line.
type Numbered<T> = (u64, Result<T, BadLine>);

/// Reads physical lines.
pub(super) struct Lines<R> {
    reader: R,
    number: u64,
    /// Lines read ahead and given back.
    pending: VecDeque<Line>,
    /// Bytes taken from the reader.
    pub(super) bytes: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            number: 0,
            pending: VecDeque::new(),
            bytes: 0,
        }
    }

    /// The next line; `None` at the end of the file.
    pub(super) fn next(&mut self) -> io::Result<Option<Numbered<Vec<u8>>>> {
        let Some((number, line)) = self.take()? else {
            return Ok(None);
        };
        let too_long = || {
            BadLine::new(
                number,
                format!("the line is longer than {LINE_BYTES} bytes"),
            )
        };
        Ok(Some((number, line.map_err(|()| too_long()))))
    }

    fn take(&mut self) -> io::Result<Option<Line>> {
        match self.pending.pop_front() {
            Some(line) => Ok(Some(line)),
            None => self.read(),
        }
    }

    fn read(&mut self) -> io::Result<Option<Line>> {
        let mut line = Vec::new();
        let mut too_long = false;
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                break;
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let part = end.and_then(|end| buffer.get(..end)).unwrap_or(buffer);
            too_long |= line.len() + part.len() > LINE_BYTES;
            if too_long {
                line.clear();
            } else {
                line.extend_from_slice(part);
            }
            let used = end.map_or(buffer.len(), |end| end + 1);
            self.bytes += used as u64;
            self.reader.consume(used);
            if end.is_some() {
                return Ok(Some(self.number(line, too_long)));
            }
        }
        let nothing = line.is_empty() && !too_long;
        Ok((!nothing).then(|| self.number(line, too_long)))
    }

    fn number(&mut self, mut line: Vec<u8>, too_long: bool) -> Line {
        self.number += 1;
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if self.number == 1 && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        (self.number, if too_long { Err(()) } else { Ok(line) })
    }

    /// The next CSV record that is not an empty line, with the number of its first line. A record with an unclosed
    /// quote, or over several lines with a wrong number of fields, costs its first line only: reading goes on with
    /// the second.
    pub(super) fn record(
        &mut self,
        delimiter: u8,
        fields: Option<usize>,
    ) -> io::Result<Option<Numbered<Vec<Vec<u8>>>>> {
        loop {
            let Some((number, first)) = self.next()? else {
                return Ok(None);
            };
            match first {
                Err(bad) => return Ok(Some((number, Err(bad)))),
                Ok(first) if first.is_empty() => {}
                Ok(first) => {
                    let record = self.assemble(number, first, delimiter, fields)?;
                    return Ok(Some((number, record)));
                }
            }
        }
    }

    fn assemble(
        &mut self,
        number: u64,
        first: Vec<u8>,
        delimiter: u8,
        fields: Option<usize>,
    ) -> io::Result<Result<Vec<Vec<u8>>, BadLine>> {
        let mut text = first;
        let mut further: Vec<Line> = Vec::new();
        loop {
            match quotes(&text, delimiter) {
                Quotes::Closed => break,
                Quotes::Open => {}
                Quotes::Broken => {
                    self.give_back(None, further);
                    return Ok(Err(BadLine::new(
                        number,
                        "a quote is not closed where its field ends",
                    )));
                }
            }
            let next = if further.len() < RECORD_LINES {
                self.take()?
            } else {
                None
            };
            let Some((next_number, Ok(line))) = next else {
                self.give_back(next, further);
                return Ok(Err(BadLine::new(
                    number,
                    "a quote is opened and not closed",
                )));
            };
            text.push(b'\n');
            text.extend_from_slice(&line);
            further.push((next_number, Ok(line)));
            if text.len() > LINE_BYTES {
                self.give_back(None, further);
                return Ok(Err(BadLine::new(
                    number,
                    format!("the record is longer than {LINE_BYTES} bytes"),
                )));
            }
        }
        let split = split(&text, delimiter).map_err(io::Error::other)?;
        match fields {
            Some(wanted) if wanted != split.len() => {
                self.give_back(None, further);
                let message = format!(
                    "the line has {} fields, the header has {wanted}",
                    split.len()
                );
                Ok(Err(BadLine::new(number, message)))
            }
            _ => Ok(Ok(split)),
        }
    }

    fn give_back(&mut self, last: Option<Line>, mut lines: Vec<Line>) {
        lines.extend(last);
        for line in lines.into_iter().rev() {
            self.pending.push_front(line);
        }
    }
}

/// How the quotes of a record stand at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quotes {
    Closed,
    /// The record goes on with the next line.
    Open,
    /// Something follows a closing quote: most likely the quote belongs to another field.
    Broken,
}

fn quotes(text: &[u8], delimiter: u8) -> Quotes {
    #[derive(Clone, Copy)]
    enum At {
        Begin,
        Bare,
        Quoted,
        Quote,
    }
    let mut at = At::Begin;
    for byte in text {
        at = match (at, *byte) {
            (At::Begin | At::Quote, b'"') => At::Quoted,
            (At::Quoted, b'"') => At::Quote,
            (At::Quoted, _) => At::Quoted,
            (_, byte) if byte == delimiter => At::Begin,
            (At::Quote, _) => return Quotes::Broken,
            _ => At::Bare,
        };
    }
    match at {
        At::Quoted => Quotes::Open,
        _ => Quotes::Closed,
    }
}

/// The fields of one record.
fn split(text: &[u8], delimiter: u8) -> Result<Vec<Vec<u8>>, csv::Error> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(text.len().max(1))
        .from_reader(text);
    let mut record = csv::ByteRecord::new();
    reader.read_byte_record(&mut record)?;
    Ok(record.iter().map(<[u8]>::to_vec).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records as `line:field|field` or `line!message`.
    fn check(text: &[u8], expected: &[&str]) {
        let mut lines = Lines::new(text);
        let mut seen = Vec::new();
        while let Some((line, record)) = lines.record(b',', Some(2)).unwrap() {
            seen.push(match record {
                Ok(fields) => {
                    let fields: Vec<_> = fields
                        .iter()
                        .map(|field| String::from_utf8_lossy(field))
                        .collect();
                    format!("{line}:{}", fields.join("|"))
                }
                Err(bad) => format!("{line}!{}", bad.message),
            });
        }
        assert_eq!(seen, expected);
    }

    #[test]
    fn records_have_exact_lines() {
        check(b"\xef\xbb\xbfa,b\r\nc,d", &["1:a|b", "2:c|d"]);
        check(
            b"a,b\n\n\nc,\"d\ne\"\nf,g\n",
            &["1:a|b", "4:c|d\ne", "6:f|g"],
        );
        check(
            b"a,\"x \"\"y\"\"\"\nb,5\" disk\n",
            &["1:a|x \"y\"", "2:b|5\" disk"],
        );
    }

    #[test]
    fn broken_line_costs_only_itself() {
        check(
            b"a\nb,c\n",
            &["1!the line has 1 fields, the header has 2", "2:b|c"],
        );
        check(
            b"a,\"b\nc,d\ne,f\n",
            &["1!a quote is opened and not closed", "2:c|d", "3:e|f"],
        );
        check(
            b"a,\"b\nc,d\ne,\"f\"\ng,h\n",
            &[
                "1!a quote is not closed where its field ends",
                "2:c|d",
                "3:e|f",
                "4:g|h",
            ],
        );
    }

    #[test]
    fn long_line_is_not_kept() {
        let mut text = vec![b'x'; LINE_BYTES + 1];
        text.extend_from_slice(b"\na,b\n");
        check(&text, &["1!the line is longer than 1048576 bytes", "2:a|b"]);
        let mut text = b"a,\"".to_vec();
        text.extend(std::iter::repeat_n(b"x,y\n".as_slice(), 150).flatten());
        let mut lines = Lines::new(text.as_slice());
        assert!(lines.record(b',', Some(2)).unwrap().unwrap().1.is_err());
        assert_eq!(lines.record(b',', Some(2)).unwrap().unwrap().0, 2);
    }
}
