//! The method of authentication from the command line.

use crate::cli::{AuthenticationFlags, ClientAuth, Method, Secret};
use crate::error::Failure;
use tenure_store::application::{Authentication, ClientAuthentication, ClientCredentials};

/// Most bytes of a secret.
const SECRET_BYTES: usize = 16 * 1024;

/// What the flags make of the present method.
pub(super) fn apply(
    flags: &AuthenticationFlags,
    present: &Authentication,
) -> Result<Authentication, Failure> {
    let method = flags.auth.unwrap_or(match present {
        Authentication::Bearer => Method::Bearer,
        Authentication::Basic { .. } => Method::Basic,
        Authentication::ClientCredentials(_) => Method::ClientCredentials,
    });
    if flags.user_name.is_some() && method != Method::Basic {
        return Err(Failure::usage("--user-name belongs to --auth basic"));
    }
    if is_for_client(flags) && method != Method::ClientCredentials {
        return Err(Failure::usage(
            "--token-url, --client-id, --client-auth, --oauth-scope and --oauth-parameter belong to --auth client-credentials",
        ));
    }
    let authentication = match method {
        Method::Bearer => Authentication::Bearer,
        Method::Basic => Authentication::Basic {
            user_name: match (&flags.user_name, present) {
                (Some(name), _) | (None, Authentication::Basic { user_name: name }) => name.clone(),
                (None, _) => return Err(Failure::usage("--user-name is needed")),
            },
        },
        Method::ClientCredentials => Authentication::ClientCredentials(client(flags, present)?),
    };
    authentication
        .check()
        .map_err(|error| Failure::usage(error.to_string()))?;
    Ok(authentication)
}

/// Whether anything about the method is given.
pub(super) fn is_given(flags: &AuthenticationFlags) -> bool {
    flags.auth.is_some() || flags.user_name.is_some() || is_for_client(flags)
}

fn is_for_client(flags: &AuthenticationFlags) -> bool {
    flags.token_url.is_some()
        || flags.client_id.is_some()
        || flags.client_auth.is_some()
        || flags.oauth_scope.is_some()
        || !flags.oauth_parameter.is_empty()
}

fn client(
    flags: &AuthenticationFlags,
    present: &Authentication,
) -> Result<ClientCredentials, Failure> {
    let present = match present {
        Authentication::ClientCredentials(client) => Some(client.clone()),
        Authentication::Bearer | Authentication::Basic { .. } => None,
    };
    let mut client = present.unwrap_or(ClientCredentials {
        token_url: String::new(),
        client_id: String::new(),
        client_authentication: ClientAuthentication::Basic,
        scope: None,
        parameters: Vec::new(),
    });
    if let Some(url) = &flags.token_url {
        super::check_url("--token-url", url)?;
        client.token_url.clone_from(url);
    }
    if let Some(id) = &flags.client_id {
        client.client_id.clone_from(id);
    }
    if client.token_url.is_empty() || client.client_id.is_empty() {
        return Err(Failure::usage("--token-url and --client-id are needed"));
    }
    match flags.client_auth {
        Some(ClientAuth::Header) => client.client_authentication = ClientAuthentication::Basic,
        Some(ClientAuth::Body) => client.client_authentication = ClientAuthentication::Post,
        None => {}
    }
    if let Some(scope) = &flags.oauth_scope {
        client.scope = Some(scope.trim().to_owned()).filter(|scope| !scope.is_empty());
    }
    if !flags.oauth_parameter.is_empty() {
        client.parameters = flags
            .oauth_parameter
            .iter()
            .map(|text| match text.split_once('=') {
                Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
                None => Err(Failure::usage("--oauth-parameter has the form NAME=VALUE")),
            })
            .collect::<Result<_, _>>()?;
    }
    Ok(client)
}

/// The secret, if one was given. Passwords and client secrets do not stand on the command line, where others can see them.
pub(super) fn secret(
    from: &Secret,
    authentication: &Authentication,
) -> Result<Option<String>, Failure> {
    let is_bearer = *authentication == Authentication::Bearer;
    let read = |from: &str| crate::command::read_file(from, SECRET_BYTES);
    let secret = match (
        &from.secret_token,
        &from.secret_token_env,
        &from.secret_file,
    ) {
        (Some(text), _, _) if text == "-" => read("-")?,
        (Some(text), _, _) if is_bearer => text.clone(),
        (Some(_), _, _) => {
            return Err(Failure::usage(
                "a password or client secret must not stand on the command line",
            )
            .hint("give --secret-token - with the secret on stdin, --secret-token-env or --secret-file"));
        }
        (None, Some(variable), _) => std::env::var(variable).map_err(|_| {
            Failure::usage(format!(
                "environment variable {variable} has no readable value"
            ))
        })?,
        (None, None, Some(file)) => read(file)?,
        (None, None, None) => return Ok(None),
    };
    // A password may begin or end with a space; what a file or an editor adds is a line end.
    let secret = match authentication {
        Authentication::Basic { .. } => secret.trim_end_matches(['\r', '\n']),
        Authentication::Bearer | Authentication::ClientCredentials(_) => secret.trim(),
    };
    if secret.is_empty() {
        return Err(Failure::usage("the secret is empty"));
    }
    Ok(Some(secret.to_owned()))
}
