//! Versions as entity tags (RFC 7644 section 3.14).

/// The weak tag of a version.
pub(super) fn format(version: i64) -> String {
    format!("W/\"{version}\"")
}

/// Whether an If-Match or If-None-Match value names a version. Opaque tags are compared, although RFC 9110 wants
/// strong ones for If-Match: SCIM's own examples use weak tags there.
pub(super) fn matches(header: &str, version: i64) -> bool {
    let version = version.to_string();
    header.split(',').map(str::trim).any(|tag| {
        let opaque = tag.strip_prefix("W/").unwrap_or(tag);
        tag == "*"
            || opaque
                .strip_prefix('"')
                .and_then(|tag| tag.strip_suffix('"'))
                == Some(version.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        for (header, expected) in [
            ("W/\"3\"", true),
            ("\"3\"", true),
            ("\"2\", W/\"3\"", true),
            ("*", true),
            ("W/\"33\"", false),
            ("3", false),
            ("", false),
        ] {
            assert_eq!(matches(header, 3), expected, "{header}");
        }
        assert!(matches(&format(3), 3));
    }
}
