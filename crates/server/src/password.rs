//! Passwords of people who sign in: hashed with Argon2id, a few at a time, away from the request threads.
//!
//! One hash takes 64 MiB and about a tenth of a second. The permits below bound both, so that a storm of sign-ins
//! queues instead of eating the memory and the threads that SCIM requests need.

use std::sync::LazyLock;

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::phc::PasswordHash,
};
use tokio::sync::Semaphore;

/// Memory of one hash in KiB.
const MEMORY_KIB: u32 = 64 * 1024;
/// Passes over the memory.
const PASSES: u32 = 3;
/// Hashes computed at the same moment.
const PARALLEL_HASHES: usize = 4;
/// Fewest characters of a password.
pub(crate) const MIN_CHARS: usize = 15;
/// Most characters of a password.
pub(crate) const MAX_CHARS: usize = 256;

static PERMITS: Semaphore = Semaphore::const_new(PARALLEL_HASHES);

/// What is verified against when the account does not exist, so that the answer takes as long as for a real one.
/// Computed once, because its salt must not be in the program text of every installation.
static NOBODY: LazyLock<Option<String>> =
    LazyLock::new(|| compute("no account has this password").ok());

/// Long passwords that occur in every list of leaked ones, without case and spaces.
const COMMON: &[&str] = &[
    "000000000000000",
    "00000000000000000000",
    "111111111111111",
    "11111111111111111111",
    "112233445566778899",
    "123123123123123",
    "123456123456123456",
    "123456789012345",
    "1234567890123456",
    "12345678901234567890",
    "123456789123456",
    "123456789123456789",
    "123456789abcdef",
    "1q2w3e4r5t6y7u8i",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv",
    "1qaz2wsx3edc4rfv5tgb",
    "987654321987654321",
    "aaaaaaaaaaaaaaa",
    "aaaaaaaaaaaaaaaaaaaa",
    "abcabcabcabcabc",
    "abcdefghijklmno",
    "abcdefghijklmnop",
    "abcdefghijklmnopqrstuvwxyz",
    "administrator123",
    "administrator1234",
    "adminadminadmin",
    "asdfasdfasdfasdf",
    "asdfghjklasdfghjkl",
    "changemechangeme",
    "changemeplease123",
    "correcthorsebatterystaple",
    "iloveyouiloveyou",
    "letmeinletmeinletmein",
    "monkeymonkeymonkey",
    "passwordpassword",
    "passwordpassword1",
    "passwordpassword123",
    "passwordpasswordpassword",
    "qazwsxedcrfvtgb",
    "qwertyqwertyqwerty",
    "qwertyuiop123456",
    "qwertyuiop1234567890",
    "qwertyuiopasdfgh",
    "qwertyuiopasdfghjkl",
    "qwertyuiopasdfghjklzxcvbnm",
    "testtesttesttest",
    "thisisapassword",
    "thisismypassword",
    "welcomewelcomewelcome",
    "zxcvbnmzxcvbnmzxcvbnm",
];

/// A password could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("the password could not be hashed: {0}")]
pub struct HashError(String);

fn argon2() -> Result<Argon2<'static>, HashError> {
    let params =
        Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|error| HashError(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn compute(password: &str) -> Result<String, HashError> {
    let hash = argon2()?
        .hash_password(password.as_bytes())
        .map_err(|error| HashError(error.to_string()))?;
    Ok(hash.to_string())
}

fn matches(hash: &str, password: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(hash) else {
        return false;
    };
    // The cost is read from the stored hash, so that hashes made with an earlier cost stay good.
    argon2().is_ok_and(|argon2| argon2.verify_password(password.as_bytes(), &parsed).is_ok())
}

/// Runs a hash on the blocking pool, at most [`PARALLEL_HASHES`] at a time.
async fn bounded<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, HashError> {
    let permit = PERMITS
        .acquire()
        .await
        .map_err(|error| HashError(error.to_string()))?;
    // The permit moves into the thread: a caller that goes away must not free it while the hash still runs.
    tokio::task::spawn_blocking(move || {
        let result = work();
        drop(permit);
        result
    })
    .await
    .map_err(|error| HashError(error.to_string()))
}

/// The PHC string of a new password, with a random salt: Argon2id, 64 MiB, three passes.
///
/// # Errors
/// When there is no randomness or no memory for the hash.
pub async fn hash(password: String) -> Result<String, HashError> {
    bounded(move || compute(&password)).await?
}

/// Whether a password belongs to a PHC string. A string that cannot be read matches nothing.
pub(crate) async fn verify(hash: String, password: String) -> bool {
    bounded(move || matches(&hash, &password))
        .await
        .unwrap_or(false)
}

/// Takes as long as [`verify`] and is never true: for a sign-in with an unknown e-mail address.
pub(crate) async fn verify_nobody(password: String) -> bool {
    let work = move || {
        if let Some(hash) = NOBODY.as_deref() {
            std::hint::black_box(matches(hash, &password));
        }
    };
    if let Err(error) = bounded(work).await {
        tracing::warn!(%error, "could not verify against the placeholder hash");
    }
    false
}

/// The form in which passwords are compared with words that must not be one: lower case, without spaces.
fn folded(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether `password` is nothing but `word`, possibly repeated and decorated with digits and punctuation.
fn is_built_from(password: &str, word: &str) -> bool {
    let is_letter = |character: &char| character.is_alphabetic();
    let word: String = word.chars().filter(is_letter).collect();
    let letters: String = password.chars().filter(is_letter).collect();
    !word.is_empty() && !letters.is_empty() && letters.replace(&word, "").is_empty()
}

/// Checks a new password: length, well-known ones, and names that an attacker would try first.
///
/// # Errors
/// One sentence for the person who types it.
pub fn check_rules(password: &str, email: &str, workspace: &str) -> Result<(), String> {
    let chars = password.chars().count();
    if chars < MIN_CHARS {
        return Err(format!(
            "The password has {chars} characters; it needs at least {MIN_CHARS}."
        ));
    }
    if chars > MAX_CHARS {
        return Err(format!(
            "The password has {chars} characters; at most {MAX_CHARS} are possible."
        ));
    }
    let password = folded(password);
    let repeated = password
        .chars()
        .all(|character| password.starts_with(character));
    if repeated || COMMON.contains(&password.as_str()) {
        return Err(
            "This password is in lists that attackers try first. Choose another one.".to_owned(),
        );
    }
    let email = folded(email);
    let (local, domain) = email.split_once('@').unwrap_or((email.as_str(), ""));
    let workspace = folded(workspace);
    let own = [email.as_str(), local, domain, workspace.as_str(), "tenure"];
    if own
        .iter()
        .any(|word| password == *word || is_built_from(&password, word))
    {
        return Err("The password is made of your e-mail address, the workspace or the product name. Choose another one."
            .to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn hash_verifies_only_its_password() {
        let stored = hash("a long enough sentence".to_owned()).await.unwrap();
        assert!(
            stored.starts_with("$argon2id$v=19$m=65536,t=3,p=1$"),
            "{stored}"
        );
        assert!(verify(stored.clone(), "a long enough sentence".to_owned()).await);
        assert!(!verify(stored, "a long enough sentencE".to_owned()).await);
        assert!(!verify("not a hash".to_owned(), "a long enough sentence".to_owned()).await);
        assert!(!verify_nobody("no account has this password".to_owned()).await);
    }

    #[tokio::test]
    async fn same_password_gets_different_salts() {
        let (first, second) = tokio::join!(hash("x".repeat(20)), hash("x".repeat(20)));
        assert_ne!(first.unwrap(), second.unwrap());
    }

    fn check(password: &str, accepted: bool) {
        let result = check_rules(password, "maria.lopez@acme.example", "Acme Holding");
        assert_eq!(result.is_ok(), accepted, "{password:?}: {result:?}");
    }

    #[test]
    fn rules() {
        check(&"ab".repeat(7), false);
        check("abcdefghijklmn-", true);
        check(&"xy".repeat(128), true);
        check(&format!("{}z", "xy".repeat(128)), false);
        check("ÄÖÜäöüß kennt jeder", true);
        check("Password Password", false);
        check("correct horse battery staple", false);
        check("zzzzzzzzzzzzzzzzzzz", false);
        check("maria.lopez@acme.example", false);
        check("Maria.Lopez12345", false);
        check("AcmeHolding2026!", false);
        check("tenure tenure 2026", false);
        check("acme holding has four lifts", true);
    }
}
