//! `tenure application probe`: how the target wants to be spoken to.

use super::{cycle::check_line, settings};
use crate::cli::OfApplication;
use crate::command::Session;
use crate::error::{Exit, Failure};
use crate::output;
use serde_json::{Value, json};
use tenure_engine::{Finding, ProbeReport};
use tenure_plan::ApplicationConfig;
use tenure_store::application;

pub(super) async fn run(
    session: &Session,
    of: &OfApplication,
    save: bool,
) -> Result<Exit, Failure> {
    let (workspace, stored) = super::resolve(session, of).await?;
    let report = super::engine(session).probe(workspace, stored.key).await?;
    let saves = save && report.passed && !report.findings.is_empty();
    if saves {
        let mut config: ApplicationConfig = serde_json::from_str(&stored.config)?;
        config.dialect = report.dialect.clone();
        settings::compiled(&config)?;
        let config = serde_json::to_string(&config)?;
        let (key, version, name) = (stored.key, stored.version, stored.name.clone());
        session
            .store
            .write(session.actor.clone(), move |tx| {
                application::update(tx, workspace, key, version, &name, &config)
            })
            .await?;
    }
    let mut document = serde_json::to_value(&report)?;
    document["saved"] = json!(saves);
    session
        .out
        .result(&document, || story(&report, saves, &stored.name))?;
    Ok(if report.passed {
        Exit::Done
    } else {
        Exit::Unreachable
    })
}

fn story(report: &ProbeReport, saved: bool, name: &str) -> String {
    let mut lines: Vec<String> = report.checks.iter().map(check_line).collect();
    lines.push(String::new());
    lines.push(output::plain(&report.summary));
    lines.extend(report.findings.iter().map(finding_line));
    if saved {
        lines.push(format!("saved in the dialect of {}", output::plain(name)));
    } else if !report.findings.is_empty() {
        lines.push("Nothing was saved; --save writes this into the configuration.".to_owned());
    }
    lines.join("\n")
}

fn finding_line(finding: &Finding) -> String {
    let shown = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    output::plain(&format!(
        "  {}: {} → {}, because {}",
        finding.field,
        shown(&finding.before),
        shown(&finding.after),
        finding.evidence
    ))
}
