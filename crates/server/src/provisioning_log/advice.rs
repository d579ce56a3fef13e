//! Help for error codes.

/// What an error code means, what we do by ourselves, and what an administrator does.
pub(crate) fn advice(code: &str) -> (&'static str, &'static str, &'static str) {
    match code {
        "Conflict" | "EntryConflict" => (
            "The target has another object with the same unique value.",
            "The object is tried again later.",
            "Change the value on one side. If the existing account is the same person, let a matching attribute find it.",
        ),
        "TooManyRequests" => (
            "The target asks us to slow down.",
            "We wait as long as it asks and try again; nothing is lost.",
            "Nothing, unless it happens in every cycle. Then lower the concurrency in the configuration.",
        ),
        "InsufficientRights" | "MethodNotAllowed" | "NotPermitted" | "Unauthorized" => (
            "The target refuses what the credentials are used for.",
            "The object is tried again later; if everything is refused, the job goes into quarantine.",
            "Create a token with administrator rights at the target and enter it under Admin Credentials.",
        ),
        "DuplicateTargetEntries" => (
            "Several accounts at the target have the same matching value.",
            "None of them is changed.",
            "Remove the superfluous accounts there, or choose another matching attribute.",
        ),
        "DuplicateSourceEntries" => (
            "Two users or groups here lead to the same account at the target.",
            "The account stays with the first one.",
            "Make the matching value unique in the directory.",
        ),
        "MandatoryFieldsMissing" | "MissingValues" => (
            "The target needs a value that is empty in the directory.",
            "The object is tried again when it changes.",
            "Fill in the attribute, or give its mapping a default value.",
        ),
        "SchemaAttributeNotFound" => (
            "A mapped attribute is unknown at the target.",
            "The object is tried again later.",
            "Remove the mapping or correct the target attribute under Mappings.",
        ),
        "InvalidAnchor" => (
            "The account that was linked does not exist at the target any more.",
            "The next cycle looks for a match again.",
            "Nothing, unless accounts keep disappearing at the target.",
        ),
        "ImportSkipped" => (
            "The object has no value for any matching attribute.",
            "It is skipped until it has one.",
            "Fill in the matching attribute, usually userName.",
        ),
        "Timeout" | "InternalServerError" | "WebExceptionProtocolError" | "InternalError" => (
            "The target did not answer as it should.",
            "The object is tried again with growing pauses.",
            "Look at the target's own status if it lasts.",
        ),
        "NotEffectivelyEntitled" => (
            "The object is not in scope: not assigned, filtered out, or disabled here.",
            "It is left alone, or disabled at the target when it was provisioned before.",
            "Assign it under Users and groups if it should be provisioned.",
        ),
        "RedundantExport" => (
            "Source and target are already equal.",
            "Nothing needs to be sent.",
            "Nothing.",
        ),
        "" => (
            "No error was reported.",
            "Nothing more happens to this object until it changes.",
            "Nothing.",
        ),
        _ => (
            "The target refused the request; its answer is under Steps.",
            "The object is tried again with growing pauses.",
            "Read the answer of the target, mend the value or the mapping, then provision the object on demand.",
        ),
    }
}
