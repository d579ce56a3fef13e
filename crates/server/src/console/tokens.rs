//! One SCIM token: its use, how its client is treated, and what its client does that the standard does not have.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use tenure_scim::Deviation;
use tenure_store::{
    Error, deviation,
    rules::{AbsentMembers, Rules, UnknownMembers},
    token::{self, Options, PatchAnswer, Scope, Token},
};

use super::{
    failure::Failure,
    form::{Field, Fields, Form},
    page::{self, Shell},
    visitor::{Member, Submission},
    words::{self, Badge, Moment},
};
use crate::App;

/// Most members that the form lets a client remove at once.
const CLEARED_MEMBERS: u64 = 10_000_000;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/w/{workspace}/settings/scim/{token}", get(show).post(save))
}

fn tick(on: bool) -> &'static str {
    if on { "on" } else { "" }
}

/// The options that concern groups.
fn member_fields(rules: &Rules) -> [Field; 4] {
    [
        Field::choice(
            "radio",
            "unknown_members",
            "Members that do not exist",
            &[
                ("refuse", "Refuse the request"),
                ("skip", "Leave them out and add the others"),
                ("park", "Keep them aside until a user or group with that id or externalId arrives"),
            ],
        )
        .value(match rules.unknown_members {
            UnknownMembers::Refuse => "refuse",
            UnknownMembers::Skip => "skip",
            UnknownMembers::Park => "park",
        }),
        Field::choice(
            "radio",
            "absent_members",
            "A PUT of a group that does not mention its members",
            &[("clear", "Removes all members, as the standard has it"), ("keep", "Leaves the members as they are")],
        )
        .value(match rules.absent_members {
            AbsentMembers::Clear => "clear",
            AbsentMembers::Keep => "keep",
        }),
        Field::new("number", "cleared_members", "Most members that one removal may take out")
            .value(rules.cleared_members.to_string())
            .required()
            .help("A PATCH that removes the members of a larger group as a whole is refused, because it is more often a mistake than a wish."),
        Field::new("checkbox", "unique_group_names", "Names of groups are unique")
            .value(tick(rules.unique_group_names))
            .help("A second group with the same displayName is refused with 409. The standard allows it."),
    ]
}

fn options_form(options: &Options) -> Form {
    let rules = &options.rules;
    let mut fields = vec![
        Field::new("checkbox", "strict_attributes", "Refuse unknown attributes and schemas")
            .value(tick(rules.strict_attributes))
            .help("Otherwise they are ignored and counted above. Refusing shows a client at once that it sends what is not kept."),
        Field::new("checkbox", "strict_paths", "Refuse PATCH paths that select nothing")
            .value(tick(rules.strict_paths))
            .help("Otherwise a path such as emails[type eq \"work\"].value creates the value when there is none, which Microsoft Entra ID relies on."),
        Field::new("checkbox", "revive_inactive", "Creating an inactive user brings it back")
            .value(tick(rules.revive_inactive))
            .help("Otherwise the userName of an inactive user is taken, and creating it again is refused with 409."),
        Field::new("checkbox", "repeat_deletes", "Deleting what is deleted already is a success")
            .value(tick(options.repeat_deletes))
            .help("Otherwise the second time is 404, as the standard has it."),
        Field::new("text", "me", "User that /Me stands for")
            .value(options.me.clone().unwrap_or_default())
            .help("The id of a user. Empty: /Me is not supported with this token."),
        Field::choice(
            "radio",
            "patch_answer",
            "A PATCH is answered with",
            &[
                ("automatic", "the resource, but nothing for a group of more than 1,000 members"),
                ("resource", "always the resource"),
                ("empty", "nothing (204), unless the request names attributes"),
            ],
        )
        .value(match options.patch_answer {
            PatchAnswer::Automatic => "automatic",
            PatchAnswer::Resource => "resource",
            PatchAnswer::Empty => "empty",
        }),
    ];
    fields.extend(member_fields(rules));
    Form::new(fields)
}

/// What was typed as options; errors go to the form.
fn read_options(form: &mut Form, fields: &Fields) -> Options {
    let unknown_members = match fields.raw("unknown_members") {
        "refuse" => Some(UnknownMembers::Refuse),
        "skip" => Some(UnknownMembers::Skip),
        "park" => Some(UnknownMembers::Park),
        _ => None,
    };
    let absent_members = match fields.raw("absent_members") {
        "clear" => Some(AbsentMembers::Clear),
        "keep" => Some(AbsentMembers::Keep),
        _ => None,
    };
    let patch_answer = match fields.raw("patch_answer") {
        "automatic" => Some(PatchAnswer::Automatic),
        "resource" => Some(PatchAnswer::Resource),
        "empty" => Some(PatchAnswer::Empty),
        _ => None,
    };
    let cleared = fields.text("cleared_members").parse::<u64>();
    let cleared_members = cleared.ok().filter(|number| *number <= CLEARED_MEMBERS);
    for (name, is_chosen) in [
        ("unknown_members", unknown_members.is_some()),
        ("absent_members", absent_members.is_some()),
        ("patch_answer", patch_answer.is_some()),
    ] {
        if !is_chosen {
            form.fail(name, "Choose one of these.");
        }
    }
    if cleared_members.is_none() {
        form.fail("cleared_members", "Give a whole number, 0 to 10,000,000.");
    }
    Options {
        rules: Rules {
            unknown_members: unknown_members.unwrap_or_default(),
            absent_members: absent_members.unwrap_or_default(),
            cleared_members: cleared_members.unwrap_or_default(),
            unique_group_names: fields.ticked("unique_group_names"),
            revive_inactive: fields.ticked("revive_inactive"),
            strict_attributes: fields.ticked("strict_attributes"),
            strict_paths: fields.ticked("strict_paths"),
        },
        patch_answer: patch_answer.unwrap_or_default(),
        repeat_deletes: fields.ticked("repeat_deletes"),
        me: fields.given("me"),
    }
}

/// A deviation as a row.
struct HabitRow {
    code: String,
    text: &'static str,
    example: String,
    week: String,
    month: String,
    last: String,
}

#[derive(Template)]
#[template(path = "token_options.html")]
struct TokenPage {
    shell: Shell,
    token: Token,
    badge: Badge,
    created: Moment,
    expires: Option<Moment>,
    last_used: Option<String>,
    habits: Vec<HabitRow>,
    form: Form,
}

async fn page(app: &App, member: &Member, form: Option<Form>) -> Result<TokenPage, Failure> {
    let (workspace, id) = (member.workspace.id, member.param("token"));
    let found = app
        .store
        .read(move |tx| {
            let tokens = token::list(tx, workspace)?;
            let is_it = |token: &Token| token.id == id && token.scope == Scope::Scim;
            let Some(token) = tokens.into_iter().find(is_it) else {
                return Ok(None);
            };
            let habits = deviation::of_token(tx, workspace, &token.id)?;
            Ok(Some((tx.now_us(), token, habits)))
        })
        .await?;
    let (now_us, token, habits) = found.ok_or(Failure::NotFound)?;
    let habits = habits.into_iter().map(|habit| HabitRow {
        text: Deviation::from_code(&habit.code).map_or("", Deviation::text),
        code: habit.code,
        example: habit.example,
        week: words::number(habit.week),
        month: words::number(habit.month),
        last: words::relative(now_us, habit.last_us),
    });
    Ok(TokenPage {
        shell: member.shell(&format!("Token {}", token.name), "settings"),
        badge: words::token_badge(&token, now_us),
        created: words::moment(token.created_us),
        expires: token.expires_us.map(words::moment),
        last_used: token
            .last_used_us
            .map(|at_us| words::relative(now_us, at_us)),
        habits: habits.collect(),
        form: form.unwrap_or_else(|| options_form(&token.options)),
        token,
    })
}

async fn show(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    page::show(&page(&app, &member, None).await?)
}

async fn save(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let Submission { member, fields } = sent;
    let mut form = options_form(&Options::default());
    form.fill(&fields);
    let options = read_options(&mut form, &fields);
    if form.failed() {
        let page = page(&app, &member, Some(form)).await?;
        return page::show_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    // Only a token that the page shows has options.
    let token = page(&app, &member, None).await?.token;
    let (workspace, id) = (member.workspace.id, token.id.clone());
    let written = app
        .store
        .write(member.actor(), move |tx| {
            token::set_options(tx, workspace, &id, &options)
        })
        .await;
    if let Err(Error::Invalid(message)) = written {
        form.fail("me", format!("This cannot be saved: {message}."));
        let page = page(&app, &member, Some(form)).await?;
        return page::show_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    written?;
    let to = format!("{}/settings/scim/{}?notice=saved", member.root(), token.id);
    Ok(Redirect::to(&to).into_response())
}
