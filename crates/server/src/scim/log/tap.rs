//! A body that shows its beginning to a record while it goes by. Nothing is held back, and nothing beyond what is kept
//! is copied.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

use super::{Follower, Record, Side};

struct Tap {
    body: Body,
    record: Arc<Record>,
    side: Side,
    /// Its end is the end of the request.
    _follower: Option<Follower>,
}

/// Lets the body of a request go through a record.
pub(super) fn request(body: Body, record: &Arc<Record>) -> Body {
    Body::new(Tap {
        body,
        record: Arc::clone(record),
        side: Side::Request,
        _follower: None,
    })
}

/// Lets the body of an answer go through a record, and its follower end with it.
pub(super) fn response(body: Body, follower: Follower) -> Body {
    Body::new(Tap {
        body,
        record: Arc::clone(follower.record()),
        side: Side::Response,
        _follower: Some(follower),
    })
}

impl HttpBody for Tap {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.record.keep(self.side, data);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
