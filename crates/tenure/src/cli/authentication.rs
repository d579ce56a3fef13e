//! How the target of an application recognises us.

use clap::{Args, ValueEnum};

/// Where the secret of an application comes from.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Secret {
    /// Secret token; `-` reads it, or a password or client secret, from stdin
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub(crate) secret_token: Option<String>,
    /// Environment variable that holds the secret token, password or client secret
    #[arg(long, value_name = "VARIABLE")]
    pub(crate) secret_token_env: Option<String>,
    /// File that holds the secret token, password or client secret
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<String>,
}

/// Method of authentication, with all but its secret.
#[derive(Debug, Args)]
pub(crate) struct Authentication {
    /// How the target recognises us [default: as it is, at first `bearer`]
    #[arg(long, value_enum, value_name = "METHOD")]
    pub(crate) auth: Option<Method>,
    /// User name, for `basic`
    #[arg(long, value_name = "NAME")]
    pub(crate) user_name: Option<String>,
    /// Where access tokens are fetched, for `client-credentials`
    #[arg(long, value_name = "URL")]
    pub(crate) token_url: Option<String>,
    /// Client id at the token endpoint
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// Where the token request carries id and secret [default: as it is, at first `header`]
    #[arg(long, value_enum, value_name = "PLACE")]
    pub(crate) client_auth: Option<ClientAuth>,
    /// Scopes to ask for, with spaces between them; empty asks for none
    #[arg(long, value_name = "SCOPES")]
    pub(crate) oauth_scope: Option<String>,
    /// Another parameter of the token request, such as audience=…; may be repeated, and replaces all present ones
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) oauth_parameter: Vec<String>,
}

/// A method of authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    /// A bearer token, which is the secret
    Bearer,
    /// User name and password (HTTP Basic)
    Basic,
    /// Access tokens by the OAuth 2.0 client credentials grant
    ClientCredentials,
}

/// Where a client proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClientAuth {
    /// In the Authorization header (client_secret_basic)
    Header,
    /// In the body (client_secret_post)
    Body,
}
