//! A token endpoint on loopback whose newest access token is the only one that a target accepts.

use super::target::Target;
use axum::{
    Router,
    extract::{Form, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::json;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::net::TcpListener;

pub(crate) const CLIENT: &str = "tenure client";
pub(crate) const CLIENT_SECRET: &str = "cl1ent~s3cret/+:";

/// One request as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) authorization: String,
    pub(crate) form: Vec<(String, String)>,
}

/// What is answered instead of a token: status, headers, body.
pub(crate) type Answer = (u16, Vec<(&'static str, String)>, String);

pub(crate) struct Office {
    pub(crate) asked: Vec<Asked>,
    /// The next answers.
    pub(crate) answers: VecDeque<Answer>,
    pub(crate) expires_in: i64,
    /// Whether the target gets to know the tokens.
    pub(crate) tells_target: bool,
    issued: usize,
    at_once: usize,
    pub(crate) most_at_once: usize,
}

#[derive(Clone)]
pub(crate) struct Issuer {
    office: Arc<Mutex<Office>>,
    target: Target,
    name: &'static str,
    pub(crate) url: String,
}

impl Issuer {
    /// `name` begins each of its tokens.
    pub(crate) async fn start(target: &Target, name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        let office = Office {
            asked: Vec::new(),
            answers: VecDeque::new(),
            expires_in: 3600,
            tells_target: true,
            issued: 0,
            at_once: 0,
            most_at_once: 0,
        };
        let issuer = Self {
            office: Arc::new(Mutex::new(office)),
            target: target.clone(),
            name,
            url,
        };
        target.world().accepts = Some("nothing".to_owned());
        let router = Router::new()
            .route("/token", post(answer))
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        issuer
    }

    pub(crate) fn office(&self) -> MutexGuard<'_, Office> {
        self.office.lock().unwrap()
    }

    /// How often a token was asked for since the last call.
    pub(crate) fn asked(&self) -> usize {
        std::mem::take(&mut self.office().asked).len()
    }

    pub(crate) fn answer_next(&self, times: usize, answer: &Answer) {
        let answers = std::iter::repeat_n(answer.clone(), times);
        self.office().answers.extend(answers);
    }

    /// RFC 6749 section 5.2, with the secret in the description as no server should have it.
    fn respond(&self, asked: &Asked) -> Response {
        let mut office = self.office();
        if let Some((status, headers, body)) = office.answers.pop_front() {
            let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            return response;
        }
        let given = |name: &str| {
            let field = asked.form.iter().find(|(field, _)| field == name);
            field.map(|(_, value)| value.as_str())
        };
        let body_fits =
            (given("client_id"), given("client_secret")) == (Some(CLIENT), Some(CLIENT_SECRET));
        // base64 of `tenure+client:cl1ent~s3cret%2F%2B%3A`
        let header = "Basic dGVudXJlK2NsaWVudDpjbDFlbnR+czNjcmV0JTJGJTJCJTNB";
        if !body_fits && asked.authorization != header {
            let heard = given("client_secret").unwrap_or(&asked.authorization);
            let body =
                json!({ "error": "invalid_client", "error_description": format!("not {heard}") });
            return (StatusCode::UNAUTHORIZED, body.to_string()).into_response();
        }
        office.issued += 1;
        let token = format!("{}-token-{}", self.name, office.issued);
        if office.tells_target {
            self.target.world().accepts = Some(format!("Bearer {token}"));
        }
        json!({ "access_token": token, "token_type": "Bearer", "expires_in": office.expires_in })
            .to_string()
            .into_response()
    }
}

async fn answer(
    State(issuer): State<Issuer>,
    headers: HeaderMap,
    Form(form): Form<Vec<(String, String)>>,
) -> Response {
    let authorization = headers
        .get("authorization")
        .map(|value| value.to_str().unwrap().to_owned())
        .unwrap_or_default();
    let asked = Asked {
        authorization,
        form,
    };
    {
        let mut office = issuer.office();
        office.asked.push(asked.clone());
        office.at_once += 1;
        office.most_at_once = office.most_at_once.max(office.at_once);
    }
    // Long enough that others would ask meanwhile if they could.
    tokio::time::sleep(Duration::from_millis(20)).await;
    let response = issuer.respond(&asked);
    issuer.office().at_once -= 1;
    response
}
