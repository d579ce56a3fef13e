//! A server that answers bytes it was given and does nothing for them: what the HTTP stack and the load generator allow.

use axum::Router;
use axum::body::Bytes;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::IntoResponse;
use clap::Parser;
use std::path::PathBuf;

/// Answers GET with one file, GET with a filter with another, POST with 201 and the first.
#[derive(Debug, Parser)]
struct Options {
    /// The answer to GET and POST.
    #[arg(long)]
    resource: PathBuf,
    /// The answer to GET with a filter.
    #[arg(long)]
    list: PathBuf,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let options = Options::parse();
    let resource = Bytes::from(std::fs::read(options.resource)?);
    let list = Bytes::from(std::fs::read(options.list)?);
    let app = Router::new().fallback(move |method: Method, uri: Uri, _body: Bytes| {
        let (status, body) = match (method, uri.query()) {
            (Method::POST, _) => (StatusCode::CREATED, resource.clone()),
            (_, Some(query)) if query.starts_with("filter=") => (StatusCode::OK, list.clone()),
            _ => (StatusCode::OK, resource.clone()),
        };
        let answer = (
            status,
            [(header::CONTENT_TYPE, "application/scim+json")],
            body,
        );
        async { answer.into_response() }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await
}
