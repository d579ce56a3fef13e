//! HTTP/1.1 over one kept connection with blocking sockets: cheap enough that the generator is not what is measured.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest wait for a part of an answer.
const READ: Duration = Duration::from_secs(300);
/// Bytes read at once.
const CHUNK: usize = 64 * 1024;
/// Bytes of an answer's head.
const HEAD: usize = 64 * 1024;

/// One connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    address: SocketAddr,
    input: Vec<u8>,
    body: Vec<u8>,
    is_over: bool,
}

struct Head {
    status: u16,
    keep: bool,
    length: Option<usize>,
    chunked: bool,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    ///
    /// Those of the socket.
    pub fn open(address: SocketAddr) -> Result<Self> {
        Ok(Self {
            stream: connect(address)?,
            address,
            is_over: false,
            input: Vec::with_capacity(CHUNK),
            body: Vec::new(),
        })
    }

    /// The body of the last answer.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Sends a whole request and reads the whole answer; connects again if the server said after the last answer that it
    /// closes.
    ///
    /// # Errors
    ///
    /// Those of the socket, and `InvalidData` for what is not HTTP.
    pub fn exchange(&mut self, request: &[u8]) -> Result<u16> {
        if self.is_over {
            self.stream = connect(self.address)?;
            self.input.clear();
        }
        self.stream.write_all(request)?;
        self.body.clear();
        let head = self.head()?;
        let has_body = !(head.status == 204 || head.status == 304);
        match (has_body, head.chunked, head.length) {
            (false, _, _) => {}
            (true, true, _) => self.chunks()?,
            (true, false, Some(length)) => self.take(length)?,
            (true, false, None) => {
                self.body.append(&mut self.input);
                self.stream.read_to_end(&mut self.body)?;
            }
        }
        self.is_over = !head.keep || (has_body && !head.chunked && head.length.is_none());
        Ok(head.status)
    }

    fn more(&mut self) -> Result<()> {
        let filled = self.input.len();
        self.input.resize(filled + CHUNK, 0);
        let read = match self.input.get_mut(filled..) {
            Some(free) => self.stream.read(free),
            None => Ok(0),
        };
        self.input
            .truncate(filled + read.as_ref().map_or(0, |read| *read));
        match read {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Reads up to and including `end`; what is before it.
    fn until(&mut self, end: &[u8]) -> Result<Vec<u8>> {
        let mut searched: usize = 0;
        loop {
            let from = searched.saturating_sub(end.len());
            let rest = self.input.get(from..).unwrap_or_default();
            if let Some(found) = rest.windows(end.len()).position(|window| window == end) {
                let before = from + found;
                let mut taken: Vec<u8> = self.input.drain(..before + end.len()).collect();
                taken.truncate(before);
                return Ok(taken);
            }
            searched = self.input.len();
            if searched > HEAD {
                return Err(invalid("a line without end"));
            }
            self.more()?;
        }
    }

    fn head(&mut self) -> Result<Head> {
        loop {
            let bytes = self.until(b"\r\n\r\n")?;
            let text =
                std::str::from_utf8(&bytes).map_err(|_| invalid("a head that is no text"))?;
            let head = parse(text).ok_or_else(|| invalid("not a status line"))?;
            if head.status != 100 {
                return Ok(head);
            }
        }
    }

    fn take(&mut self, length: usize) -> Result<()> {
        while self.input.len() < length {
            self.more()?;
        }
        self.body.extend(self.input.drain(..length));
        Ok(())
    }

    fn chunks(&mut self) -> Result<()> {
        loop {
            let line = self.until(b"\r\n")?;
            let size = std::str::from_utf8(&line)
                .ok()
                .and_then(|line| line.split(';').next())
                .and_then(|size| usize::from_str_radix(size.trim(), 16).ok())
                .ok_or_else(|| invalid("not the size of a chunk"))?;
            self.take(size)?;
            self.until(b"\r\n")?;
            if size == 0 {
                return Ok(());
            }
        }
    }
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(READ))?;
    Ok(stream)
}

fn parse(text: &str) -> Option<Head> {
    let mut lines = text.split("\r\n");
    let mut status_line = lines.next()?.split(' ');
    let version = status_line.next()?;
    let mut head = Head {
        status: status_line.next()?.parse().ok()?,
        keep: version == "HTTP/1.1",
        length: None,
        chunked: false,
    };
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            head.length = value.parse().ok();
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            head.chunked = value.eq_ignore_ascii_case("chunked");
        } else if name.eq_ignore_ascii_case("connection") {
            head.keep = !value.eq_ignore_ascii_case("close");
        }
    }
    Some(head)
}

fn invalid(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// Two exchanges over one connection with a server that sends `answer` twice, a few bytes at a time.
    #[track_caller]
    fn check(answer: &'static str, status: u16, body: &str) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = [0; 64];
            for _ in 0..2 {
                assert_eq!(stream.read(&mut buffer).unwrap(), 1);
                for part in answer.as_bytes().chunks(7) {
                    stream.write_all(part).unwrap();
                }
            }
        });
        let mut connection = Connection::open(address).unwrap();
        for _ in 0..2 {
            assert_eq!(connection.exchange(b"x").unwrap(), status);
            assert!(!connection.is_over);
            assert_eq!(connection.body(), body.as_bytes());
        }
        server.join().unwrap();
    }

    #[test]
    fn answers_in_every_form() {
        check(
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            200,
            "hello",
        );
        check("HTTP/1.1 204 No Content\r\nETag: \"1\"\r\n\r\n", 204, "");
        check(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nA;x\r\n, it is me\r\n0\r\n\r\n",
            200,
            "hello, it is me",
        );
        check(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n",
            201,
            "",
        );
    }

    #[test]
    fn an_end_that_is_announced() {
        let head = parse("HTTP/1.1 200 OK\r\nConnection: close").unwrap();
        assert!(!head.keep);
        assert!(!parse("HTTP/1.0 200 OK").unwrap().keep);
        assert!(parse("SSH-2.0").is_none());
    }
}
