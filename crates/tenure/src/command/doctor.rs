//! `tenure doctor`.

use super::{backup::Place, now_us};
use crate::cli::Doctor;
use crate::error::{Exit, Failure};
use crate::output::{self, Output};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tenure_egress::{Call, Egress, EgressError, MediaType, Policy};
use tenure_store::examine::{self, Finding, Standing, Wanted};

/// How long a host may take to give a sign of life.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

pub(crate) async fn run(
    out: Output,
    place: Place<'_>,
    arguments: &Doctor,
) -> Result<Exit, Failure> {
    let wanted = Wanted {
        quick: arguments.quick,
        now_us: now_us(),
    };
    let mut findings = examine::examine(place.data, place.database, wanted);
    if arguments.reach {
        findings.extend(reach(place).await);
    }
    let documents: Vec<Value> = findings.iter().map(document).collect();
    let bad = findings.iter().any(|one| one.standing == Standing::Bad);
    let rows: Vec<Vec<String>> = findings.iter().map(row).collect();
    out.list(
        &json!({ "ok": !bad, "checks": documents }),
        &["CHECK", "STATE", "FOUND", "WHAT TO DO"],
        &rows,
    )?;
    Ok(if bad { Exit::Failed } else { Exit::Done })
}

fn document(finding: &Finding) -> Value {
    json!({
        "check": finding.what,
        "state": finding.standing.as_str(),
        "found": finding.detail,
        "advice": (!finding.advice.is_empty()).then_some(&finding.advice),
    })
}

fn row(finding: &Finding) -> Vec<String> {
    vec![
        finding.what.to_owned(),
        finding.standing.as_str().to_owned(),
        finding.detail.clone(),
        finding.advice.clone(),
    ]
}

/// Asks each host once, whatever it answers.
async fn reach(place: Place<'_>) -> Vec<Finding> {
    const WHAT: &str = "reach";
    let targets = match examine::targets(place.data, place.database) {
        Ok(targets) => targets,
        Err(error) => {
            return vec![Finding {
                what: WHAT,
                standing: Standing::Bad,
                detail: format!("the applications cannot be read: {error}"),
                advice: "see the lines above".to_owned(),
            }];
        }
    };
    let mut hosts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (application, url) in targets {
        hosts.entry(origin(&url)).or_default().push(application);
    }
    let egress = Egress::new(Policy::AllowPrivate);
    let mut findings = Vec::new();
    for (host, applications) in hosts {
        let outcome = egress
            .send(Call {
                method: "GET".to_owned(),
                url: format!("{host}/"),
                authorization: None,
                body: None,
                media_type: MediaType::default(),
                timeout: SIGN_OF_LIFE,
            })
            .await;
        findings.push(finding(WHAT, &host, &applications, outcome.err()));
    }
    findings
}

fn finding(
    what: &'static str,
    host: &str,
    applications: &[String],
    error: Option<EgressError>,
) -> Finding {
    let first = applications.first().map_or("", String::as_str);
    match error {
        // Whatever it said, and be it too long: somebody is there.
        None | Some(EgressError::TooLarge(_)) => Finding {
            what,
            standing: Standing::Good,
            detail: format!("{host} answers ({first})"),
            advice: String::new(),
        },
        Some(error) => Finding {
            what,
            standing: Standing::Bad,
            detail: format!("{host}: {error} ({first})"),
            advice: "see whether this machine may reach it: name, firewall, proxy, certificate"
                .to_owned(),
        },
    }
}

/// Scheme and authority, without what a path or a login could give away.
fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    output::plain(&format!("{scheme}://{host}"))
}
