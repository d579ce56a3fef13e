//! The engine's requests without the engine: POSTs made with the product's own client, to take their cost off a cycle's.

use clap::Parser;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tenure_egress::{Authorization, Body, Call, Egress, Policy};

/// Creates users at a target, as a cycle does.
#[derive(Debug, Parser)]
struct Options {
    /// http://127.0.0.1:8080/scim
    #[arg(long)]
    url: String,
    #[arg(long)]
    requests: u64,
    /// Requests in flight.
    #[arg(long, default_value_t = 8)]
    concurrency: usize,
    /// A user as JSON; `userName` is replaced.
    #[arg(long)]
    body: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let egress = Egress::new(Policy::AllowPrivate);
    let template: Value = serde_json::from_str(&options.body)?;
    let url = format!("{}/Users", options.url);
    let started = Instant::now();
    let calls = (0..options.requests).map(|number| {
        let mut document = template.clone();
        if let Some(object) = document.as_object_mut() {
            object.insert(
                "userName".to_owned(),
                json!(format!("call{number}@northwind.example")),
            );
        }
        let (egress, url) = (egress.clone(), url.clone());
        async move {
            let call = Call {
                method: "POST".to_owned(),
                url,
                authorization: Some(Authorization::Bearer("secret".to_owned())),
                body: Some(Body::Scim(document)),
                media_type: tenure_egress::MediaType::Scim,
                timeout: Duration::from_secs(30),
            };
            // The engine reads the answer, too.
            let reply = egress.send(call).await.ok()?;
            let answer: Value = serde_json::from_slice(&reply.body).ok()?;
            (reply.status == 201 && answer.get("id").is_some()).then_some(())
        }
    });
    let good = stream::iter(calls)
        .buffer_unordered(options.concurrency)
        .filter(|answer| std::future::ready(answer.is_some()))
        .count()
        .await;
    println!(
        "{}",
        json!({ "good": good, "seconds": started.elapsed().as_secs_f64() })
    );
    Ok(())
}
