//! Arguments of what operators do with a whole database.

use super::InWorkspace;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  tenure backup /backups/\n  tenure backup --data /var/lib/tenure /backups/tenure.backup --force\n  tenure backup - | zstd > tenure.backup.zst",
    after_help = "The server goes on meanwhile. The file has everything but the master key, without which the secrets of applications cannot be opened: keep a copy of master.key, and keep it somewhere else than the backups."
)]
pub(crate) struct Backup {
    /// File to write; a directory: a new file in it with the time as its name; `-`: stdout
    pub(crate) file: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// Put the master key into the file: whoever has the file can then open every secret
    #[arg(long)]
    pub(crate) with_key: bool,
    /// Only read a backup and check that it is whole
    #[arg(long, conflicts_with_all = ["force", "with_key"])]
    pub(crate) verify: bool,
}

#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  tenure restore --data /var/lib/tenure --key-file /safe/master.key tenure.backup\n  tenure restore --data /var/lib/tenure --database postgres://tenure@db.example.com/tenure --moved tenure.backup",
    after_help = "Applications that were on are switched off: what was sent to them after the backup was made is not known any more.\nEverybody has to sign in again, and tokens that were revoked after the backup was made are valid again."
)]
pub(crate) struct RestoreBackup {
    /// Backup file; it is read twice, so that a pipe does not do
    pub(crate) file: PathBuf,
    /// Copy of the master.key that belongs to the backup [default: the one in the data directory or in the backup]
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// The master key is lost: restore without the secrets of applications, with a new key
    #[arg(long, conflicts_with = "key_file")]
    pub(crate) without_secrets: bool,
    /// The old server was stopped before the backup was made and will not be started again: applications stay on
    #[arg(long)]
    pub(crate) moved: bool,
}

#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  tenure doctor\n  tenure doctor --data /var/lib/tenure --reach --json",
    after_help = "Changes nothing. Exit code 1: something has to be done; the lines say what."
)]
pub(crate) struct Doctor {
    /// Leave out what takes minutes with a large database: indexes are not compared with their tables
    #[arg(long)]
    pub(crate) quick: bool,
    /// Also ask the host of each application for a sign of life; no credentials are sent
    #[arg(long)]
    pub(crate) reach: bool,
}

#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  tenure export --workspace acme acme.jsonl\n  tenure export --workspace acme - | jq -r 'select(.type == \"user\").user.userName'",
    after_help = "One JSON object a line, as of one moment. Secrets and tokens are not exported."
)]
pub(crate) struct ExportWorkspace {
    /// File to write, which must not exist; `-`: stdout
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) at: InWorkspace,
    /// Form of the file
    #[arg(long, default_value = "jsonl", value_parser = ["jsonl"])]
    pub(crate) format: String,
}
