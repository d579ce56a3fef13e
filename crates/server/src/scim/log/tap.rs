//! A body that shows its beginning to a record while it goes by. Nothing is held back, and nothing beyond what is kept
//! is copied.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

use super::{Record, Side};

struct Tap {
    body: Body,
    record: Arc<Record>,
    side: Side,
}

/// Lets a body go through a record, which lives at least as long as the body.
pub(super) fn tap(body: Body, record: &Arc<Record>, side: Side) -> Body {
    Body::new(Tap {
        body,
        record: Arc::clone(record),
        side,
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
