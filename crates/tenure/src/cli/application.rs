//! Applications and their jobs.

use super::{AuthenticationFlags, EntraSchema, InWorkspace, Secret};
use clap::{Args, Subcommand, ValueEnum};

/// An application of a workspace.
#[derive(Debug, Args)]
pub(crate) struct OfApplication {
    /// Application, by name or id
    #[arg(value_name = "APP")]
    pub(crate) application: String,
    #[command(flatten)]
    pub(crate) at: InWorkspace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scope {
    /// Only assigned users and groups
    Assigned,
    /// All users and groups
    All,
}

/// Users or groups by name or id.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Objects {
    /// User, by userName or id
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Vec<String>,
    /// Group, by displayName or id
    #[arg(long, value_name = "NAME")]
    pub(crate) group: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Application {
    /// Create an application, switched off
    #[command(
        before_help = "Example:\n  tenure application create --workspace acme --name Payroll --gallery custom --tenant-url https://payroll.example/scim --secret-token - --scope assigned < token.txt"
    )]
    Create(ApplicationCreate),
    /// List applications with their state
    List {
        #[command(flatten)]
        at: InWorkspace,
    },
    /// Show an application and its settings
    Show(OfApplication),
    /// Switch provisioning on
    Start(OfApplication),
    /// Switch provisioning off; a running cycle ends after its page
    Stop(OfApplication),
    /// Show state, last cycle, backlog and quarantine
    Status(OfApplication),
    /// Begin again with a full cycle
    Restart {
        #[command(flatten)]
        of: OfApplication,
        /// Also forget which accounts belong to whom; everything is matched again
        #[arg(long)]
        forget_links: bool,
        /// Keep the position in the change feed
        #[arg(long)]
        keep_watermark: bool,
    },
    /// Run one cycle now and wait for its result
    Run {
        #[command(flatten)]
        of: OfApplication,
        /// Plan everything, change nothing at the target
        #[arg(long)]
        dry_run: bool,
        /// Seconds to wait while another process runs a cycle of this application
        #[arg(long, default_value_t = 300, value_name = "SECONDS")]
        wait: u64,
    },
    /// Show what a cycle would do, with the saved or another configuration
    #[command(
        before_help = "Examples:\n  tenure application plan Payroll --workspace acme\n  tenure application plan Payroll --workspace acme --config new.json\n  tenure application apply Payroll cyc_… --workspace acme --yes"
    )]
    Plan {
        #[command(flatten)]
        of: OfApplication,
        /// JSON file with a configuration that is not saved yet; `-` reads stdin
        #[arg(long, value_name = "FILE")]
        config: Option<String>,
        /// Seconds to wait while another process runs a cycle of this application
        #[arg(long, default_value_t = 300, value_name = "SECONDS")]
        wait: u64,
    },
    /// Carry out a plan exactly as it was shown, or refuse when it is stale
    Apply {
        #[command(flatten)]
        of: OfApplication,
        /// Id of the plan, as `plan` and `undo` print it
        plan: String,
        /// Really
        #[arg(long)]
        yes: bool,
        /// Seconds to wait while another process runs a cycle of this application
        #[arg(long, default_value_t = 300, value_name = "SECONDS")]
        wait: u64,
    },
    /// Plan the way back from what a cycle did; `apply` goes it
    #[command(
        before_help = "Examples:\n  tenure application undo Payroll cyc_… --workspace acme\n  tenure application undo Payroll cyc_… --workspace acme --user ada@example.org --attribute title"
    )]
    Undo {
        #[command(flatten)]
        of: OfApplication,
        /// Id of the cycle to take back
        cycle: String,
        /// Only this user, by userName or id
        #[arg(long, value_name = "NAME", conflicts_with = "group")]
        user: Option<String>,
        /// Only this group, by displayName or id
        #[arg(long, value_name = "NAME")]
        group: Option<String>,
        /// Only this attribute of the target
        #[arg(long, value_name = "PATH")]
        attribute: Option<String>,
        /// Delete the accounts and groups that the cycle created
        #[arg(long)]
        delete_created: bool,
        /// Seconds to wait while another process runs a cycle of this application
        #[arg(long, default_value_t = 300, value_name = "SECONDS")]
        wait: u64,
    },
    /// Read every account of the target; plan what would repair those that were changed there, and note the unmanaged ones
    Drift {
        #[command(flatten)]
        of: OfApplication,
        /// Seconds to wait while another process runs a cycle of this application
        #[arg(long, default_value_t = 300, value_name = "SECONDS")]
        wait: u64,
    },
    /// List accounts of the target that are not managed, as the last `drift` found them
    Accounts {
        #[command(flatten)]
        of: OfApplication,
        /// Only those: local (nobody in the directory fits), unassigned (somebody who is not in scope), assigned (the next
        /// cycle takes it over), second (somebody who has another account)
        #[arg(long, value_parser = ["local", "unassigned", "assigned", "second"])]
        standing: Option<String>,
        /// Only after this number, to go on behind a full page
        #[arg(long, default_value_t = 0, value_name = "NUMBER")]
        after: i64,
    },
    /// List whose access would be taken away but is held by the deletion threshold
    Held(OfApplication),
    /// Allow what is held now; what is held later needs another approval
    AllowDeletes {
        #[command(flatten)]
        of: OfApplication,
        /// How many are held, as `held` counts them; nothing happens if there are others by now
        #[arg(long, value_name = "COUNT")]
        expect: u64,
    },
    /// Test Tenant URL and credentials; shows each request
    Test(OfApplication),
    /// Find out by reading how the target wants to be spoken to: filters, pages, PATCH or PUT, groups; writes nothing there
    #[command(
        before_help = "Examples:\n  tenure application probe Payroll --workspace acme\n  tenure application probe Payroll --workspace acme --save"
    )]
    Probe {
        #[command(flatten)]
        of: OfApplication,
        /// Write what was found into the dialect of the configuration
        #[arg(long)]
        save: bool,
    },
    /// Provision one user or group now, with every step shown
    Provision {
        #[command(flatten)]
        of: OfApplication,
        #[command(flatten)]
        objects: Objects,
        /// Plan only
        #[arg(long)]
        dry_run: bool,
    },
    /// Show why a user or group has an account there or has none, and what happens next; asks the target nothing
    #[command(
        before_help = "Example:\n  tenure application why Payroll --workspace acme --user ada@acme.example"
    )]
    Why {
        #[command(flatten)]
        of: OfApplication,
        #[command(flatten)]
        objects: Objects,
    },
    /// Give the application to users and groups
    Assign {
        #[command(flatten)]
        of: OfApplication,
        #[command(flatten)]
        objects: Objects,
    },
    /// Take the application away from users and groups
    Unassign {
        #[command(flatten)]
        of: OfApplication,
        #[command(flatten)]
        objects: Objects,
    },
    /// Change Tenant URL, method of authentication or secret
    Credentials {
        #[command(flatten)]
        of: OfApplication,
        /// New Tenant URL [default: as it is]
        #[arg(long, value_name = "URL")]
        tenant_url: Option<String>,
        #[command(flatten)]
        authentication: AuthenticationFlags,
        #[command(flatten)]
        secret: Secret,
    },
    /// Print the configuration, or set it
    Config {
        #[command(flatten)]
        of: OfApplication,
        /// JSON file with the new configuration; `-` reads stdin
        #[arg(long, value_name = "FILE")]
        set: Option<String>,
    },
    /// Mappings and scoping filters as Entra ID's synchronization schema
    #[command(subcommand)]
    Schema(EntraSchema),
    /// Delete an application with its log; accounts at the target stay
    Delete {
        #[command(flatten)]
        of: OfApplication,
        /// Really
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ApplicationCreate {
    #[command(flatten)]
    pub(crate) at: InWorkspace,
    /// Name, unique in the workspace
    #[arg(long, value_name = "APP")]
    pub(crate) name: String,
    /// Gallery entry: `custom` or an id
    #[arg(long, default_value = "custom", value_name = "ID")]
    pub(crate) gallery: String,
    /// SCIM base URL of the target [default: as the gallery entry says]
    #[arg(long, value_name = "URL")]
    pub(crate) tenant_url: Option<String>,
    #[command(flatten)]
    pub(crate) authentication: AuthenticationFlags,
    #[command(flatten)]
    pub(crate) secret: Secret,
    /// Who is provisioned
    #[arg(long, value_enum, default_value = "assigned")]
    pub(crate) scope: Scope,
}
