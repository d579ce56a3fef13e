//! How long a connection may be silent: shortly while the head of a request is on its way, longer between two
//! requests, so that a client that keeps its connection does not find it closed.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use crate::limits;

/// What a connection is doing.
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// The head of a request is awaited or arriving, since then.
    Head(Instant),
    /// A request is being answered; other limits hold.
    Busy,
    /// Nothing has happened since then.
    Idle(Instant),
}

/// The phase of a connection, known to its stream and to whoever answers its requests.
#[derive(Debug, Clone)]
pub(crate) struct Clock(Arc<Mutex<Phase>>);

impl Clock {
    /// For a new connection, whose first request is expected at once.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Phase::Head(Instant::now()))))
    }

    fn set(&self, phase: Phase) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    fn phase(&self) -> Phase {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request has arrived.
    pub(crate) fn busy(&self) {
        self.set(Phase::Busy);
    }

    /// Its answer is on the way.
    pub(crate) fn idle(&self) {
        self.set(Phase::Idle(Instant::now()));
    }

    /// When silence ends the connection.
    fn deadline(&self) -> Option<Instant> {
        match self.phase() {
            Phase::Head(since) => Some(since + limits::HEADER_READ),
            Phase::Idle(since) => Some(since + limits::KEEP_ALIVE),
            Phase::Busy => None,
        }
    }
}

/// A stream that ends when it is silent for too long.
#[derive(Debug)]
pub(crate) struct Timed<S> {
    stream: S,
    clock: Clock,
    alarm: Pin<Box<Sleep>>,
}

impl<S> Timed<S> {
    /// Watches a stream.
    pub(crate) fn new(stream: S, clock: Clock) -> Self {
        Self {
            stream,
            clock,
            alarm: Box::pin(sleep_until(Instant::now())),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(context, buffer) {
            if buffer.filled().len() > before && matches!(self.clock.phase(), Phase::Idle(_)) {
                self.clock.set(Phase::Head(Instant::now()));
            }
            return Poll::Ready(read);
        }
        let Some(deadline) = self.clock.deadline() else {
            return Poll::Pending;
        };
        if self.alarm.deadline() != deadline {
            self.alarm.as_mut().reset(deadline);
        }
        ready!(self.alarm.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        // An answer may take longer to send than a connection may be idle.
        if matches!(self.clock.phase(), Phase::Idle(_)) {
            self.clock.idle();
        }
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    fn connection() -> (DuplexStream, Timed<DuplexStream>, Clock) {
        let (client, server) = duplex(64);
        let clock = Clock::new();
        (client, Timed::new(server, clock.clone()), clock)
    }

    /// Seconds until a read fails.
    async fn silence(stream: &mut Timed<DuplexStream>) -> u64 {
        let started = Instant::now();
        let error = stream.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        started.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn heads_must_come_soon_and_connections_may_rest() {
        let (_client, mut stream, clock) = connection();
        assert_eq!(silence(&mut stream).await, limits::HEADER_READ.as_secs());
        clock.busy();
        clock.idle();
        assert_eq!(silence(&mut stream).await, limits::KEEP_ALIVE.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_starts_a_head_and_an_answer_keeps_the_connection() {
        let (mut client, mut stream, clock) = connection();
        clock.busy();
        clock.idle();
        client.write_u8(b'G').await.unwrap();
        stream.read_u8().await.unwrap();
        assert_eq!(silence(&mut stream).await, limits::HEADER_READ.as_secs());
        // A slow answer: something is written from time to time.
        clock.idle();
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(60)).await;
            stream.write_u8(b'x').await.unwrap();
        }
        assert_eq!(silence(&mut stream).await, limits::KEEP_ALIVE.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_at_work_is_not_disturbed() {
        let (mut client, mut stream, clock) = connection();
        clock.busy();
        let read = tokio::spawn(async move { stream.read_u8().await.unwrap() });
        tokio::time::sleep(Duration::from_secs(600)).await;
        client.write_u8(b'b').await.unwrap();
        assert_eq!(read.await.unwrap(), b'b');
    }
}
