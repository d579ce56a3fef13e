//! The tenure command: parses arguments, runs one command, turns its outcome into an exit code.

mod cli;
mod command;
mod error;
mod output;
mod telemetry;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match &cli.command {
        cli::Command::Serve(serve) => telemetry::install_for_server(&serve.operation.logging),
        _ => telemetry::install_for_command(),
    }
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(error::Failure::from)
        .and_then(|runtime| runtime.block_on(command::run(cli)));
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::failure(&failure);
            failure.exit.into()
        }
    }
}
