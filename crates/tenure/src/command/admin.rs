//! `tenure admin`: people who sign in to the console.

use super::Session;
use crate::cli::{Admin as Command, Role};
use crate::error::{Exit, Failure};
use crate::output;
use serde_json::{Value, json};
use std::io::IsTerminal;
use tenure_store::account;

/// Fewest characters of a password that is the only factor.
const PASSWORD_CHARS: usize = 15;

pub(crate) async fn run(session: &Session, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Create {
            at,
            email,
            name,
            role,
            generate_password,
        } => {
            let workspace = session.workspace(&at.workspace).await?;
            let given = !generate_password && !std::io::stdin().is_terminal();
            let password = if given {
                super::read_stdin(1024)?
            } else {
                password()?
            };
            create(session, workspace.id, &email, &name, role, password.clone()).await?;
            let mut document = json!({ "email": email, "name": name, "workspace": workspace.slug });
            if !given {
                document["password"] = password.clone().into();
            }
            if session.out.json {
                output::line(&document.to_string())?;
            } else {
                output::note(&format!(
                    "{email} can sign in to {}",
                    output::plain(&workspace.name)
                ));
                if !given {
                    output::note("The password follows. It is not shown again.");
                    output::line(&password)?;
                }
            }
        }
        Command::List { at } => {
            let workspace = session.workspace(&at.workspace).await?.id;
            let members = session
                .store
                .read(move |tx| account::members(tx, workspace))
                .await?;
            let rows: Vec<Vec<String>> = members
                .iter()
                .map(|member| {
                    let role = format!("{:?}", member.role).to_lowercase();
                    vec![
                        member.account.email.clone(),
                        member.account.name.clone(),
                        role,
                    ]
                })
                .collect();
            let documents: Vec<Value> = rows
                .iter()
                .map(|row| json!({ "email": row.first(), "name": row.get(1), "role": row.get(2) }))
                .collect();
            session.out.list(
                &json!({ "members": documents }),
                &["EMAIL", "NAME", "ROLE"],
                &rows,
            )?;
        }
    }
    Ok(Exit::Done)
}

async fn create(
    session: &Session,
    workspace: tenure_store::WorkspaceId,
    email: &str,
    name: &str,
    role: Role,
    password: String,
) -> Result<(), Failure> {
    if password.chars().count() < PASSWORD_CHARS {
        return Err(Failure::usage(format!(
            "the password needs at least {PASSWORD_CHARS} characters"
        )));
    }
    let hash = hash(password).await?;
    let (email, name, role) = (email.to_owned(), name.to_owned(), super::role(role));
    session
        .store
        .write(session.actor.clone(), move |tx| {
            let account = account::create(tx, &email, &name, &hash)?;
            account::join(tx, workspace, &account.id, role)
        })
        .await?;
    Ok(())
}

/// The stored form of a password.
pub(super) async fn hash(password: String) -> Result<String, Failure> {
    tenure_server::hash_password(password)
        .await
        .map_err(|error| Failure::failed(error.to_string()))
}

/// A password of 20 characters, about 98 bits, without letters that look alike.
pub(super) fn password() -> Result<String, Failure> {
    const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let mut random = [0_u8; 20];
    let mut text = String::new();
    while text.len() < 24 {
        getrandom::fill(&mut random)
            .map_err(|error| Failure::failed(format!("no random numbers: {error}")))?;
        // Numbers beyond the last whole multiple would make the first letters likelier.
        let even = random
            .iter()
            .filter(|byte| usize::from(**byte) < 256 / LETTERS.len() * LETTERS.len());
        for byte in even {
            if text.len() == 24 {
                break;
            }
            if text.len() % 5 == 4 {
                text.push('-');
            }
            if let Some(letter) = LETTERS.get(usize::from(*byte) % LETTERS.len()) {
                text.push(char::from(*letter));
            }
        }
    }
    Ok(text)
}
