//! Arguments of `tenure log`.

use super::InWorkspace;
use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum Log {
    /// List records, newest first
    List(LogList),
    /// Show a record with its steps and modified properties
    Show {
        #[command(flatten)]
        at: InWorkspace,
        /// Id of the record
        id: String,
    },
    /// Write records to stdout as a file
    #[command(
        before_help = "Example:\n  tenure log export --workspace acme --format csv --from 2026-11-01 --to 2026-12-01 > november.csv"
    )]
    Export(LogExport),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// One line a record
    Csv,
    /// One array of records
    Json,
}

/// Which records.
#[derive(Debug, Args)]
pub(crate) struct LogFilter {
    #[command(flatten)]
    pub(crate) at: InWorkspace,
    /// Only this application, by name or id
    #[arg(long, value_name = "APP")]
    pub(crate) application: Option<String>,
    /// Only this outcome: success, failure, skipped or warning
    #[arg(long, value_parser = ["success", "failure", "skipped", "warning"])]
    pub(crate) status: Option<String>,
    /// Only this action
    #[arg(long, value_parser = ["create", "update", "disable", "delete", "stagedDelete", "other"])]
    pub(crate) action: Option<String>,
    /// Only users or groups
    #[arg(long, value_parser = ["user", "group"])]
    pub(crate) kind: Option<String>,
    /// Only this cycle
    #[arg(long, value_name = "ID")]
    pub(crate) cycle: Option<String>,
    /// Only this change
    #[arg(long, value_name = "ID")]
    pub(crate) change: Option<String>,
    /// Only the object with this id in the directory
    #[arg(long, value_name = "ID")]
    pub(crate) source: Option<String>,
    /// Only the object with this id at the target
    #[arg(long, value_name = "ID")]
    pub(crate) target: Option<String>,
    /// Only this error code
    #[arg(long, value_name = "CODE")]
    pub(crate) error_code: Option<String>,
    /// Only records whose name contains this, or with this source or target id
    #[arg(long)]
    pub(crate) text: Option<String>,
    /// Only from this time on: 2026-11-24 or 2026-11-24T20:30:40Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) from: Option<i64>,
    /// Only before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) to: Option<i64>,
}

#[derive(Debug, Args)]
pub(crate) struct LogList {
    #[command(flatten)]
    pub(crate) filter: LogFilter,
    /// Most records to list
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
    /// Continue after the record of this id
    #[arg(long, value_name = "ID")]
    pub(crate) before: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LogExport {
    #[command(flatten)]
    pub(crate) filter: LogFilter,
    /// Format of the file
    #[arg(long, value_enum, default_value = "csv")]
    pub(crate) format: LogFormat,
}

/// A time in microseconds since 1970; a day means its beginning in UTC.
fn time(text: &str) -> Result<i64, String> {
    let whole = if text.contains(['T', 't']) {
        text.to_owned()
    } else {
        format!("{text}T00:00:00Z")
    };
    tenure_scim::value::parse_time_us(&whole)
        .ok_or_else(|| "give a day as 2026-11-24 or a time as 2026-11-24T20:30:40Z".to_owned())
}
