//! How often each client does what the standard does not have: counters per token, day and deviation.

use crate::{Error, TimeUs, Tx, WorkspaceId, connection::values};

/// Microseconds of a day.
pub const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;
/// Days for which counters are kept.
const DAYS: i64 = 90;
/// Longest example, in characters.
const EXAMPLE_CHARS: usize = 200;

/// That a token deviated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// `tok_…`.
    pub token_id: String,
    /// Code of the deviation.
    pub code: String,
    /// How often.
    pub count: u64,
    /// When last.
    pub at_us: TimeUs,
    /// Where, without personal data: `POST /Users: shoeSize`.
    pub example: String,
}

/// How a token deviated within a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Habit {
    /// Code of the deviation.
    pub code: String,
    /// How often within 7 days.
    pub week: u64,
    /// How often within 30 days.
    pub month: u64,
    /// When last.
    pub last_us: TimeUs,
    /// The last example.
    pub example: String,
}

/// Adds to the counters of one workspace.
///
/// # Errors
///
/// `Database`.
pub fn add(tx: &mut Tx<'_>, workspace: WorkspaceId, sightings: &[Sighting]) -> Result<(), Error> {
    for sighting in sightings {
        let example: String = sighting.example.chars().take(EXAMPLE_CHARS).collect();
        tx.execute(
            "INSERT INTO deviation (workspace_id, token_id, day, code, count, last_us, example) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (workspace_id, token_id, day, code) DO UPDATE SET count = deviation.count + excluded.count, \
             last_us = excluded.last_us, example = excluded.example",
            values![
                workspace, &sighting.token_id, sighting.at_us.div_euclid(DAY_US), &sighting.code, sighting.count,
                sighting.at_us, example
            ],
        )?;
    }
    Ok(())
}

/// How a token deviated within the last 30 days (in whole days of UTC), the most frequent first.
///
/// # Errors
///
/// `Database`.
pub fn of_token(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    token_id: &str,
) -> Result<Vec<Habit>, Error> {
    let today = tx.now_us().div_euclid(DAY_US);
    let rows = tx.query(
        "SELECT code, day, count, last_us, example FROM deviation WHERE workspace_id = $1 AND token_id = $2 AND day > $3 ORDER BY code, day",
        values![workspace, token_id, today - 30],
    )?;
    let mut habits: Vec<Habit> = Vec::new();
    for row in &rows {
        let (code, day, count) = (row.text(0)?, row.integer(1)?, row.unsigned(2)?);
        let week = if day > today - 7 { count } else { 0 };
        let (last_us, example) = (row.integer(3)?, row.text(4)?);
        match habits.last_mut().filter(|habit| habit.code == code) {
            Some(habit) => {
                habit.week += week;
                habit.month += count;
                (habit.last_us, habit.example) = (last_us, example);
            }
            None => habits.push(Habit {
                code,
                week,
                month: count,
                last_us,
                example,
            }),
        }
    }
    habits.sort_by_key(|habit| std::cmp::Reverse(habit.month));
    Ok(habits)
}

/// Removes counters that nobody looks at any more; returns how many.
///
/// # Errors
///
/// `Database`.
pub fn prune(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<u64, Error> {
    let first = tx.now_us().div_euclid(DAY_US) - DAYS;
    tx.execute(
        "DELETE FROM deviation WHERE workspace_id = $1 AND day < $2",
        values![workspace, first],
    )
}
