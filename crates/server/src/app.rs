//! The application: what every handler can reach, and the server loop.
use tenure_engine::Engine;
use tenure_store::Store;

/// Settings of a server.
#[derive(Debug, Clone)]
pub struct Config {
    /// Base URL without trailing slash that people and clients see; absolute URLs are made from it, never from a Host header.
    pub public_url: String,
    /// Whether anybody may sign up for a workspace.
    pub open_sign_up: bool,
    /// Shows the demo strip.
    pub demo: bool,
}

/// State shared by all handlers; cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    pub store: Store,
    pub engine: Engine,
    pub config: std::sync::Arc<Config>,
}

/// Answers requests on a listener until `stop` becomes true, then drains (at most 25 s).
pub async fn serve(
    app: App,
    listener: tokio::net::TcpListener,
    stop: tokio::sync::watch::Receiver<bool>,
) -> std::io::Result<()> {
    let _ = (app, listener, stop, crate::console::router());
    todo!()
}
