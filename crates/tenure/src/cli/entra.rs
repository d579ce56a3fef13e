//! Arguments of the commands for Entra ID's synchronization schemas.

use super::OfApplication;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum EntraSchema {
    /// Write mappings and scoping filters as a schema for Entra ID
    #[command(
        before_help = "Example:\n  tenure application schema export Payroll --workspace acme --output schema.json"
    )]
    Export {
        #[command(flatten)]
        of: OfApplication,
        /// File to write, in place of what it holds [default: stdout]
        #[arg(long, value_name = "FILE")]
        output: Option<String>,
    },
    /// Take mappings and scoping filters from a schema that Entra ID has exported
    #[command(
        before_help = "Example:\n  tenure application schema import Payroll schema.json --workspace acme --dry-run"
    )]
    Import {
        #[command(flatten)]
        of: OfApplication,
        /// JSON file with the schema; `-` reads stdin
        #[arg(value_name = "FILE")]
        file: String,
        /// Print the configuration that it would be, change nothing
        #[arg(long)]
        dry_run: bool,
    },
}
