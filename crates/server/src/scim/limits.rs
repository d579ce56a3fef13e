//! Limits of the SCIM API.

use std::time::Duration;

/// Members read in one go.
pub(super) const MEMBERS_CHUNK: u32 = 1000;
/// Most members in one answer with several resources; more is 400 `tooMany`.
pub(super) const MEMBERS_ANSWER: u64 = 200_000;
/// A group with more members is sent while they are read.
pub(super) const MEMBERS_STREAMED: u64 = 5000;
/// A PATCH of a larger group is answered without it, so that a change costs the same in every group.
pub(super) const MEMBERS_PATCH_ANSWER: u64 = 1000;
/// How often the use of a token is written down.
pub(super) const TOUCH: Duration = Duration::from_secs(60);
/// Tokens whose last use is remembered.
pub(super) const TOUCHED_TOKENS: usize = 4096;
/// Bulk requests that are carried out at the same time; others wait before their bodies are read.
pub(super) const BULKS: usize = 4;
/// Operations of a bulk request in one transaction: others may write between two of them. A circle of references is
/// not parted.
pub(super) const BULK_CHUNK: usize = 100;
