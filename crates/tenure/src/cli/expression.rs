//! Arguments of `expression` and `scope`, which need no data directory.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum Expression {
    /// Evaluate a mapping expression for an object and print the value with its type
    Test(TestExpression),
}

#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  tenure expression test 'Join(\".\", ToLower([givenName]), ToLower([surname]))' --attributes ada.json\n  echo '{\"givenName\": \"Ada\", \"surname\": \"Okafor\"}' | tenure expression test 'Left([givenName], 1)' --attributes -"
)]
pub(crate) struct TestExpression {
    /// The expression as it stands in a mapping
    pub(crate) expression: String,
    /// JSON file with a SCIM document, or with attributes by name; `-` reads stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) attributes: Option<String>,
    /// What the object is
    #[arg(long, value_enum, default_value_t = ObjectType::User)]
    pub(crate) kind: ObjectType,
    /// What DefaultDomain gives
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) default_domain: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Scoping {
    /// Say whether scoping filters let an object pass, and why
    Test(TestScope),
}

#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  tenure scope test --filters filters.json --attributes ada.json\n  tenure user get ada@acme.example --workspace acme | tenure scope test --filters filters.json --attributes -"
)]
pub(crate) struct TestScope {
    /// JSON file with a list of filters, or with `users` or `groups` as an application's configuration has them
    #[arg(long, value_name = "FILE")]
    pub(crate) filters: String,
    /// JSON file with a SCIM document, or with attributes by name; `-` reads stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) attributes: String,
    /// What the object is
    #[arg(long, value_enum, default_value_t = ObjectType::User)]
    pub(crate) kind: ObjectType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ObjectType {
    User,
    Group,
}
