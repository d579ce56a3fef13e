//! Answers that are given before the request's body has been read (401, 404, 405, 413 and the like).
//!
//! What is left of the body stands between this answer and the next request on the connection. A small rest is read
//! and dropped; for a large or slow one the answer says that the connection will be closed, so that the client does
//! not send its next request into nothing.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{
        HeaderValue,
        header::{CONNECTION, EXPECT},
    },
    middleware::Next,
    response::Response,
};
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};

/// Most bytes that are read and dropped.
const REST_BYTES: usize = 64 * 1024;
/// Longest time for that.
const REST_TIME: Duration = Duration::from_secs(1);

/// Leaves the connection in order, or says that it will be closed.
pub(crate) async fn rest(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    // Reading would ask a client that waits for our consent to send what nobody wants.
    let waits = request.headers().contains_key(EXPECT);
    let left = Arc::new(Mutex::new(Left::InUse));
    let request = request.map(|body| {
        Body::new(Lent {
            body,
            begun: false,
            left: Arc::clone(&left),
        })
    });
    let mut response = next.run(request).await;
    let left = std::mem::replace(
        &mut *left.lock().unwrap_or_else(PoisonError::into_inner),
        Left::InUse,
    );
    let clean = match left {
        Left::Nothing => true,
        Left::Rest { begun, .. } if waits && !begun => false,
        Left::Rest { body, .. } => read_off(body).await,
        Left::InUse => false,
    };
    if !clean {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}

/// Whether the body came to its end soon.
async fn read_off(mut body: Body) -> bool {
    let more_than_enough =
        |bytes: u64| usize::try_from(bytes).is_ok_and(|bytes| bytes > REST_BYTES);
    if more_than_enough(body.size_hint().lower()) {
        return false;
    }
    let read = async {
        let mut room = REST_BYTES;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            let length = frame.data_ref().map_or(0, Bytes::len);
            let Some(less) = room.checked_sub(length) else {
                return false;
            };
            room = less;
        }
        true
    };
    tokio::time::timeout(REST_TIME, read).await.unwrap_or(false)
}

/// What a handler left of the body.
enum Left {
    /// The handler still has it.
    InUse,
    /// It was read to its end, or cannot be read any further.
    Nothing,
    /// The handler did not want it.
    Rest {
        /// The rest.
        body: Body,
        /// Whether some of it has been asked for.
        begun: bool,
    },
}

/// A body that comes back when the handler drops it.
struct Lent {
    body: Body,
    begun: bool,
    left: Arc<Mutex<Left>>,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.begun = true;
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let left = if self.body.is_end_stream() {
            Left::Nothing
        } else {
            Left::Rest {
                body: std::mem::take(&mut self.body),
                begun: self.begun,
            }
        };
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = left;
    }
}
