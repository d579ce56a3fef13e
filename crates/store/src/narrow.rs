//! Statements whose conditions depend on what was asked for.

use crate::{
    WorkspaceId,
    connection::{Value, values},
};

/// A WHERE clause that grows.
pub(crate) struct Narrowed {
    sql: String,
    parameters: Vec<Value>,
}

impl Narrowed {
    /// Begins with a statement that binds the workspace as `$1`.
    pub(crate) fn new(sql: String, workspace: WorkspaceId) -> Self {
        Self {
            sql,
            parameters: values![workspace].to_vec(),
        }
    }

    /// Adds a condition in which each `{}` stands for the value.
    pub(crate) fn and(&mut self, condition: &str, value: impl Into<Value>) {
        self.parameters.push(value.into());
        let place = format!("${}", self.parameters.len());
        self.sql.push_str(" AND ");
        self.sql.push_str(&condition.replace("{}", &place));
    }

    /// [`Self::and`], if there is a value.
    pub(crate) fn and_given<V: Into<Value>>(&mut self, condition: &str, value: Option<V>) {
        if let Some(value) = value {
            self.and(condition, value);
        }
    }

    /// Adds conditions of which one has to hold, each with its value.
    pub(crate) fn and_either<const N: usize>(
        &mut self,
        conditions: [&str; N],
        values: [&String; N],
    ) {
        let mut parts = Vec::with_capacity(N);
        for (condition, value) in conditions.into_iter().zip(values) {
            self.parameters.push(value.into());
            parts.push(condition.replace("{}", &format!("${}", self.parameters.len())));
        }
        self.sql.push_str(&format!(" AND ({})", parts.join(" OR ")));
    }

    /// The statement for the newest rows by their `seq`.
    pub(crate) fn newest_first(mut self, limit: u32) -> (String, Vec<Value>) {
        self.parameters.push(limit.into());
        let place = self.parameters.len();
        self.sql
            .push_str(&format!(" ORDER BY seq DESC LIMIT ${place}"));
        (self.sql, self.parameters)
    }
}
