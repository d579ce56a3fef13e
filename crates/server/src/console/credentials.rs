//! The form "Admin Credentials": the target, how it recognises us, and the secret that goes with it.

use super::form::{Field, Fields, Form};
use tenure_plan::gallery;
use tenure_store::application::{
    self, Application, Authentication, ClientAuthentication, ClientCredentials,
};

/// Values of the choice of method, which are also the marks of the fields that belong to it.
const BEARER: &str = "bearer";
const BASIC: &str = "basic";
const CLIENT: &str = "client_credentials";

/// Each method's field for its secret.
const SECRETS: [(&str, &str); 3] = [
    (BEARER, "secret_token"),
    (BASIC, "password"),
    (CLIENT, "client_secret"),
];

const STORED: &str = "\u{2022}\u{2022}\u{2022}\u{2022}\u{2022}\u{2022} stored";

/// What was typed, when nothing is wrong with it.
#[derive(Clone)]
pub(super) struct Typed {
    pub(super) tenant_url: String,
    pub(super) authentication: Authentication,
    /// `None`: the stored one.
    pub(super) secret: Option<String>,
}

/// The form as the application has it.
pub(super) fn form(application: &Application) -> Form {
    let mut fields = vec![
        Field::new("url", "tenant_url", "Tenant URL")
            .value(application.tenant_url.clone())
            .placeholder("https://app.example.com/scim")
            .help("The SCIM address of the application, as its settings show it.")
            .required(),
        Field::choice(
            "select",
            "auth_method",
            "Authentication Method",
            &[
                (BEARER, "Bearer token"),
                (BASIC, "User name and password (HTTP Basic)"),
                (CLIENT, "OAuth 2.0 client credentials"),
            ],
        )
        .value(method(application)),
        secret_field(
            application,
            (BEARER, "secret_token", "Secret Token"),
            "The bearer token that the application gave you. It is stored encrypted and never shown again.",
            "A token is stored and never shown. Leave this empty to keep it.",
        ),
        Field::new("text", "user_name", "User Name")
            .value(user_name(&application.authentication))
            .autocomplete("off")
            .only(BASIC),
        secret_field(
            application,
            (BASIC, "password", "Password"),
            "It is stored encrypted and never shown again.",
            "A password is stored and never shown. Leave this empty to keep it.",
        ),
    ];
    fields.extend(client_fields(application));
    Form::new(fields)
}

fn client_fields(application: &Application) -> Vec<Field> {
    let client = client(&application.authentication);
    let in_body =
        client.is_some_and(|client| client.client_authentication == ClientAuthentication::Post);
    let text = |part: fn(&ClientCredentials) -> &str| client.map(part).unwrap_or_default();
    let parameters: Vec<String> = client
        .map(|client| client.parameters.as_slice())
        .unwrap_or_default()
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    vec![
        Field::new("url", "token_url", "Token URL")
            .value(text(|client| &client.token_url))
            .placeholder("https://login.example.com/oauth2/token")
            .help("Where access tokens are fetched. They are renewed by themselves and never stored.")
            .only(CLIENT),
        Field::new("text", "client_id", "Client ID")
            .value(text(|client| &client.client_id))
            .autocomplete("off")
            .only(CLIENT),
        secret_field(
            application,
            (CLIENT, "client_secret", "Client Secret"),
            "It is stored encrypted and never shown again.",
            "A client secret is stored and never shown. Leave this empty to keep it.",
        ),
        Field::choice(
            "select",
            "client_authentication",
            "Client Authentication",
            &[
                ("basic", "In the header (client_secret_basic)"),
                ("post", "In the body (client_secret_post)"),
            ],
        )
        .value(if in_body { "post" } else { "basic" })
        .only(CLIENT),
        Field::new("text", "oauth_scope", "OAuth Scope")
            .value(text(|client| client.scope.as_deref().unwrap_or_default()))
            .help("Optional; several are separated by spaces.")
            .autocomplete("off")
            .only(CLIENT),
        Field::new("textarea", "oauth_parameters", "Extra Parameters")
            .value(parameters.join("\n"))
            .help("Optional: one a line, such as audience=https://app.example.com. No secrets: these are shown.")
            .only(CLIENT),
    ]
}

fn secret_field(
    application: &Application,
    (method, name, label): (&'static str, &'static str, &'static str),
    new: &'static str,
    kept: &'static str,
) -> Field {
    let is_stored = application.has_secret && application.authentication.method() == method;
    let field = Field::new("password", name, label)
        .autocomplete("off")
        .only(method);
    if is_stored {
        field.placeholder(STORED).help(kept)
    } else {
        field.help(new)
    }
}

/// The stored method; before anything is stored, what the gallery knows of the application.
fn method(application: &Application) -> &'static str {
    if application.has_secret || application.authentication != Authentication::Bearer {
        return application.authentication.method();
    }
    match gallery::template(&application.gallery_id).map(|template| template.authentication) {
        Some(gallery::Authentication::Basic) => BASIC,
        Some(gallery::Authentication::OauthClient) => CLIENT,
        _ => BEARER,
    }
}

fn user_name(authentication: &Authentication) -> &str {
    match authentication {
        Authentication::Basic { user_name } => user_name,
        Authentication::Bearer | Authentication::ClientCredentials(_) => "",
    }
}

fn client(authentication: &Authentication) -> Option<&ClientCredentials> {
    match authentication {
        Authentication::ClientCredentials(client) => Some(client),
        Authentication::Bearer | Authentication::Basic { .. } => None,
    }
}

/// What was typed, or the form with what is wrong.
pub(super) fn read(application: &Application, fields: &Fields) -> Result<Typed, Form> {
    let mut form = form(application);
    form.fill(fields);
    form.check_required(fields);
    check_url(&mut form, fields, "tenant_url", "Tenant URL");
    let authentication = match fields.raw("auth_method") {
        BASIC => {
            demand(&mut form, fields, "user_name", "User Name");
            Authentication::Basic {
                user_name: fields.text("user_name"),
            }
        }
        CLIENT => read_client(&mut form, fields),
        _ => Authentication::Bearer,
    };
    let typed = Typed {
        tenant_url: fields.text("tenant_url"),
        secret: secret(fields, &authentication),
        authentication,
    };
    if !form.failed()
        && let Err(error) = typed.authentication.check()
    {
        form.fail("", format!("Admin Credentials: {error}."));
    }
    check_secret(&mut form, application, &typed);
    if form.failed() { Err(form) } else { Ok(typed) }
}

/// The form as it was typed, secrets included: for a test that did not pass.
pub(super) fn typed_again(application: &Application, fields: &Fields) -> Form {
    let mut form = form(application);
    form.fill(fields);
    for (_, name) in SECRETS {
        form.restore(name, fields.raw(name));
    }
    form
}

fn read_client(form: &mut Form, fields: &Fields) -> Authentication {
    demand(form, fields, "token_url", "Token URL");
    demand(form, fields, "client_id", "Client ID");
    check_url(form, fields, "token_url", "Token URL");
    let mut parameters = Vec::new();
    for line in fields.raw("oauth_parameters").lines().map(str::trim) {
        match line.split_once('=') {
            Some((name, value)) => {
                parameters.push((name.trim().to_owned(), value.trim().to_owned()));
            }
            None if line.is_empty() => {}
            None => form.fail(
                "oauth_parameters",
                "Each line is a name, an equals sign and a value.",
            ),
        }
    }
    Authentication::ClientCredentials(ClientCredentials {
        token_url: fields.text("token_url"),
        client_id: fields.text("client_id"),
        client_authentication: match fields.raw("client_authentication") {
            "post" => ClientAuthentication::Post,
            _ => ClientAuthentication::Basic,
        },
        scope: fields.given("oauth_scope"),
        parameters,
    })
}

/// The secret of the chosen method. Passwords are taken as they are, the others without space that was pasted along.
fn secret(fields: &Fields, authentication: &Authentication) -> Option<String> {
    let (_, name) = SECRETS
        .into_iter()
        .find(|(method, _)| *method == authentication.method())?;
    match authentication {
        Authentication::Basic { .. } => {
            Some(fields.raw(name).to_owned()).filter(|password| !password.is_empty())
        }
        Authentication::Bearer | Authentication::ClientCredentials(_) => fields.given(name),
    }
}

/// A secret has to be there, and the stored one does not go elsewhere than it was entered for.
fn check_secret(form: &mut Form, application: &Application, typed: &Typed) {
    let keeps = application::keeps_secret(application, &typed.tenant_url, &typed.authentication);
    let is_same_method = application.authentication.method() == typed.authentication.method();
    if typed.secret.is_some() || (application.has_secret && keeps) {
        return;
    }
    let (field, missing) = match typed.authentication {
        Authentication::Bearer => ("secret_token", None),
        Authentication::Basic { .. } => ("password", Some("Password is missing.")),
        Authentication::ClientCredentials(_) => {
            ("client_secret", Some("Client Secret is missing."))
        }
    };
    if application.has_secret && is_same_method {
        form.fail(
            field,
            "What is stored is not sent to another address. Enter it again.",
        );
    } else if let Some(missing) = missing {
        form.fail(field, missing);
    }
}

fn demand(form: &mut Form, fields: &Fields, name: &'static str, label: &str) {
    if fields.text(name).is_empty() {
        form.fail(name, format!("{label} is missing."));
    }
}

fn check_url(form: &mut Form, fields: &Fields, name: &'static str, label: &str) {
    let text = fields.text(name);
    if text.is_empty() {
        return;
    }
    match url::Url::parse(&text) {
        Ok(parsed) if !matches!(parsed.scheme(), "https" | "http") => {
            form.fail(name, format!("The {label} begins with https://."));
        }
        Ok(parsed)
            if parsed.fragment().is_some()
                || !parsed.username().is_empty()
                || parsed.password().is_some() =>
        {
            form.fail(
                name,
                format!("The {label} must not contain a user name, a password or a # part."),
            );
        }
        Ok(_) => {}
        Err(_) => form.fail(
            name,
            "This is not a URL. It should look like https://app.example.com/scim.",
        ),
    }
}
