//! Functions over the roles of a person, `[appRoleAssignments]`.

use super::{
    ExpressionError,
    catalogue::{Function, function},
    evaluate::{Arguments, Evaluator, text_of},
};
use serde_json::{Map, Value};

type Evaluated = Result<Value, ExpressionError>;

pub(super) static FUNCTIONS: [Function; 4] = [
    function(
        "AppRoleAssignments(roles)",
        "The values of all roles.",
        (1, 1),
        &[],
        values,
    ),
    function(
        "AppRoleAssignmentsComplex(roles)",
        "All roles; those that the account has already are kept.",
        (1, 1),
        &[],
        additive,
    ),
    function(
        "AssertiveAppRoleAssignmentsComplex(roles)",
        "All roles; the account loses those that are not among them.",
        (1, 1),
        &[],
        assertive,
    ),
    function(
        "SingleAppRoleAssignment(roles)",
        "The value of the primary role, else of the first.",
        (1, 1),
        &[],
        single,
    ),
];

/// The type of a role that names none, as applications know it from Entra ID.
const ROLE_TYPE: &str = "WindowsAzureActiveDirectoryRole";

/// A role with its value.
struct Role {
    value: String,
    members: Map<String, Value>,
}

impl Role {
    fn member(&self, name: &str) -> Option<&str> {
        crate::target::get(&self.members, name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }

    fn is_primary(&self) -> bool {
        crate::target::get(&self.members, "primary") == Some(&Value::Bool(true))
    }
}

/// Roles that have a value, in the order of the source. Roles may be plain texts as well.
fn roles(
    evaluator: &mut Evaluator<'_>,
    arguments: Arguments<'_>,
) -> Result<Vec<Role>, ExpressionError> {
    let elements = match evaluator.whole(arguments, 0)? {
        Value::Null => Vec::new(),
        Value::Array(elements) => elements,
        single => vec![single],
    };
    let mut roles = Vec::new();
    for element in elements {
        let text = text_of(&element).map_err(|message| arguments.parameter(0, message))?;
        let members = match element {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        if let Some(value) = text.filter(|text| !text.is_empty()) {
            roles.push(Role { value, members });
        }
    }
    Ok(roles)
}

fn values(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let roles = roles(evaluator, arguments)?;
    Ok(roles.into_iter().map(|role| role.value).collect())
}

fn single(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let roles = roles(evaluator, arguments)?;
    let chosen = roles
        .iter()
        .find(|role| role.is_primary())
        .or(roles.first());
    Ok(chosen.map_or(Value::Null, |role| Value::from(role.value.as_str())))
}

/// Without roles nothing flows, because this function never takes a role away.
fn additive(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let roles = complex(evaluator, arguments)?;
    Ok(if roles.is_empty() {
        Value::Null
    } else {
        Value::Array(roles)
    })
}

fn assertive(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    complex(evaluator, arguments).map(Value::Array)
}

fn complex(
    evaluator: &mut Evaluator<'_>,
    arguments: Arguments<'_>,
) -> Result<Vec<Value>, ExpressionError> {
    let roles = roles(evaluator, arguments)?;
    let as_value = |role: Role| {
        serde_json::json!({
            "primary": false,
            "type": role.member("type").unwrap_or(ROLE_TYPE),
            "display": role.member("display").unwrap_or(&role.value),
            "value": role.value,
        })
    };
    Ok(roles.into_iter().map(as_value).collect())
}
