//! Fields of forms: what was typed, what is wrong with it, and how it is shown.

use askama::{Template, filters::HtmlSafe};

/// Name/value pairs of a form or of a query, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded` text; anything is accepted.
    pub(super) fn parse(text: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(text).into_owned().collect())
    }

    /// The value exactly as it was sent; empty when absent.
    pub(super) fn raw(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// The value without surrounding space.
    pub(super) fn text(&self, name: &str) -> String {
        self.raw(name).trim().to_owned()
    }

    /// Whether a checkbox was ticked.
    pub(super) fn ticked(&self, name: &str) -> bool {
        !self.raw(name).is_empty()
    }

    /// The value, or `None` when it is empty.
    pub(super) fn given(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }
}

/// One choice of a select or radio field.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
}

/// One field of a form. Shown by its own template, so that every label, help and error is wired alike.
#[derive(Debug, Clone, Template, Default)]
#[template(path = "part/field.html")]
pub(super) struct Field {
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    value: String,
    help: &'static str,
    error: String,
    autocomplete: &'static str,
    placeholder: &'static str,
    required: bool,
    choices: Vec<Choice>,
    /// Shown only while the form's choice of method has this value.
    only: &'static str,
}

/// The template of a field escapes what it shows.
impl HtmlSafe for Field {}

impl Field {
    /// An input of an HTML type: `text`, `email`, `password`, `url`, `number`, or `textarea`, `checkbox`.
    pub(super) fn new(kind: &'static str, name: &'static str, label: &'static str) -> Self {
        Self {
            name,
            label,
            kind,
            ..Self::default()
        }
    }

    /// A choice among values, as `select` or `radio`.
    pub(super) fn choice(
        kind: &'static str,
        name: &'static str,
        label: &'static str,
        choices: &[(&str, &str)],
    ) -> Self {
        let choices = choices
            .iter()
            .map(|(value, label)| Choice {
                value: (*value).to_owned(),
                label: (*label).to_owned(),
            })
            .collect();
        Self {
            choices,
            ..Self::new(kind, name, label)
        }
    }

    pub(super) fn value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }

    pub(super) fn help(mut self, help: &'static str) -> Self {
        self.help = help;
        self
    }

    pub(super) fn autocomplete(mut self, autocomplete: &'static str) -> Self {
        self.autocomplete = autocomplete;
        self
    }

    pub(super) fn placeholder(mut self, placeholder: &'static str) -> Self {
        self.placeholder = placeholder;
        self
    }

    pub(super) fn only(mut self, method: &'static str) -> Self {
        self.only = method;
        self
    }

    pub(super) fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

/// A form: its fields and the problems that have no field.
#[derive(Debug, Clone, Default)]
pub(super) struct Form {
    pub(super) fields: Vec<Field>,
    pub(super) problems: Vec<String>,
}

impl Form {
    pub(super) fn new(fields: Vec<Field>) -> Self {
        Self {
            fields,
            problems: Vec::new(),
        }
    }

    /// Fills every field but passwords with what was typed.
    pub(super) fn fill(&mut self, fields: &Fields) {
        for field in &mut self.fields {
            if field.kind != "password" {
                field.value = fields.raw(field.name).to_owned();
            }
        }
    }

    /// Gives a password field back what was typed, after a try that changed nothing.
    pub(super) fn restore(&mut self, name: &str, value: &str) {
        if let Some(field) = self.fields.iter_mut().find(|field| field.name == name) {
            value.clone_into(&mut field.value);
        }
    }

    /// Puts an error on a field, or above the form when no field has the name.
    pub(super) fn fail(&mut self, name: &str, message: impl Into<String>) {
        let message = message.into();
        match self.fields.iter_mut().find(|field| field.name == name) {
            Some(field) => field.error = message,
            None => self.problems.push(message),
        }
    }

    /// Asks for every required field that is empty.
    pub(super) fn check_required(&mut self, typed: &Fields) {
        for field in &mut self.fields {
            if field.required && typed.raw(field.name).trim().is_empty() {
                field.error = format!("{} is missing.", field.label);
            }
        }
    }

    pub(super) fn failed(&self) -> bool {
        !self.problems.is_empty() || self.fields.iter().any(|field| !field.error.is_empty())
    }

    /// Field name and message of every error, for the summary above the form.
    pub(super) fn errors(&self) -> Vec<(&'static str, &str)> {
        let fields = self.fields.iter().filter(|field| !field.error.is_empty());
        let fields = fields.map(|field| (field.name, field.error.as_str()));
        self.problems
            .iter()
            .map(|problem| ("", problem.as_str()))
            .chain(fields)
            .collect()
    }

    /// The form as HTML without the surrounding `<form>`.
    pub(super) fn body(&self) -> FormBody<'_> {
        FormBody { form: self }
    }
}

/// Error summary and fields of a form.
#[derive(Template)]
#[template(path = "part/form.html")]
pub(super) struct FormBody<'a> {
    form: &'a Form,
}

/// The template escapes what it shows.
impl HtmlSafe for FormBody<'_> {}
