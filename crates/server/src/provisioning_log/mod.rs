//! Records of the provisioning log as the management API, the console and the command line give them away.

mod advice;
mod csv;
mod export;
mod record;

pub(crate) use advice::advice;
pub use export::{Export, Format};
pub use record::{Names, record};
