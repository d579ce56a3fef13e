//! What a resource is called, read from its document.

use serde_json::Value;

fn parsed(body: &str) -> Value {
    // Bodies are written by this crate; one that cannot be read still gets a label.
    serde_json::from_str(body).unwrap_or(Value::Null)
}

fn text(document: &Value, attribute: &str) -> Option<String> {
    document
        .get(attribute)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// `displayName`, else `name.formatted`, else `userName`: the `display` of a member.
pub(crate) fn display(body: &str) -> String {
    let document = parsed(body);
    text(&document, "displayName")
        .or_else(|| {
            document
                .get("name")
                .and_then(|name| text(name, "formatted"))
        })
        .or_else(|| text(&document, "userName"))
        .unwrap_or_default()
}

/// `userName`, else `displayName`, else what a resource of another type is mostly called by: how logs name it.
pub(crate) fn name(body: &str) -> String {
    let document = parsed(body);
    ["userName", "displayName", "name", "externalId"]
        .iter()
        .find_map(|attribute| text(&document, attribute))
        .unwrap_or_default()
}
