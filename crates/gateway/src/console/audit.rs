//! `/console/audit`: the audit log with filters, the proof of a row, and an export.

use super::visit::{Part, Visit, encoded};
use crate::{
    call::Call,
    portal::{Camera, Words, rendered as page},
    problem::Problem,
    query::{self, Kind, Parameter},
    response::{self, Response},
    route::Outcome,
};
use askama::Template;
use fourauth_protocol::{
    answer::AuditRow,
    command::{Command, ViewAudit},
};
use hyper::{
    StatusCode,
    header::{CONTENT_DISPOSITION, HeaderValue},
};

pub(super) static PARAMETERS: [Parameter; 5] = [
    Parameter { name: "username", kind: Kind::Text },
    Parameter { name: "action", kind: Kind::Text },
    Parameter { name: "outcome", kind: Kind::Text },
    Parameter { name: "before", kind: Kind::Number },
    Parameter { name: "after", kind: Kind::Number },
];

/// Rows on one page.
const AT_ONCE: u32 = 50;

/// Rows of an export: as many as the server sends at once.
const EXPORTED: u32 = 500;

/// Which rows a page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filter {
    username: String,
    action: String,
    success: Option<bool>,
    before: Option<i64>,
    /// For a page that follows the log.
    pub(super) after: Option<i64>,
}

#[derive(Template)]
#[template(path = "console/audit.html")]
struct AuditPage<'a> {
    words: Words<'a>,
    part: Part,
    filter: &'a Filter,
    rows: Vec<RowCard>,
    /// The filter as a query.
    query: String,
    newest: i64,
    older: Option<i64>,
}

struct RowCard {
    id: i64,
    at: String,
    username: String,
    action: String,
    success: bool,
    detail: String,
}

impl Filter {
    pub(super) fn of(call: &Call) -> Result<Self, Problem> {
        let mut filter = Self::default();
        for (name, value) in query::read(call.query.as_deref(), &PARAMETERS)? {
            let text = value.as_str().unwrap_or_default();
            match name {
                "username" => text.clone_into(&mut filter.username),
                "action" => text.clone_into(&mut filter.action),
                "outcome" => {
                    filter.success = match text {
                        "ok" => Some(true),
                        "failed" => Some(false),
                        _ => None,
                    }
                }
                "before" => filter.before = value.as_i64(),
                _ => filter.after = value.as_i64(),
            }
        }
        Ok(filter)
    }

    /// True for a row that the filter shows.
    pub(super) fn shows(&self, row: &AuditRow) -> bool {
        let is_named = |wanted: &str, is: &str| wanted.is_empty() || wanted == is;
        is_named(&self.username, row.username.as_deref().unwrap_or_default())
            && is_named(&self.action, row.action.as_str())
            && self.success.is_none_or(|wanted| wanted == row.success)
    }

    fn command(&self, visit: &Visit<'_>, limit: u32) -> Command {
        let mut view = ViewAudit::newest(visit.console()).limit(limit);
        view.username = Some(self.username.clone()).filter(|text| !text.is_empty());
        view.action = Some(self.action.clone()).filter(|text| !text.is_empty());
        (view.success, view.before_id) = (self.success, self.before);
        Command::ViewAudit(view)
    }

    const fn outcome(&self) -> &'static str {
        match self.success {
            None => "",
            Some(true) => "ok",
            Some(false) => "failed",
        }
    }

    fn query(&self) -> String {
        let (username, action) = (encoded(&self.username), encoded(&self.action));
        format!("username={username}&action={action}&outcome={}", self.outcome())
    }
}

impl RowCard {
    fn of(row: AuditRow) -> Self {
        Self {
            id: row.id,
            at: row.ts_utc.to_string(),
            username: row.username.unwrap_or_default(),
            action: row.action.to_string(),
            success: row.success,
            detail: row.detail,
        }
    }
}

pub(super) async fn show(call: Call) -> Outcome {
    let visit = match Visit::of(&call).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let filter = Filter::of(&call)?;
    let rows = match visit.ask(filter.command(&visit, AT_ONCE)).await? {
        Ok(answer) => answer.body.rows.unwrap_or_default(),
        Err(refused) => return Ok(refused.page()),
    };
    let is_full = rows.len() >= usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
    let audit = AuditPage {
        words: visit.words,
        part: Part::Audit,
        filter: &filter,
        query: filter.query(),
        newest: rows.first().map_or(0, |row| row.id),
        older: rows.last().filter(|_| is_full).map(|row| row.id),
        rows: rows.into_iter().map(RowCard::of).collect(),
    };
    Ok(visit.kept(page(StatusCode::OK, &audit, Camera::Forbidden)?))
}

/// The rows of the filter as JSON lines, newest first.
pub(super) async fn export(call: Call) -> Outcome {
    let visit = match Visit::of(&call).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let rows = match visit.ask(Filter::of(&call)?.command(&visit, EXPORTED)).await? {
        Ok(answer) => answer.body.rows.unwrap_or_default(),
        Err(refused) => return Ok(refused.page()),
    };
    let lines: Result<Vec<_>, _> = rows.iter().map(serde_json::to_string).collect();
    let mut lines = lines.map_err(|_| Problem::incomplete())?.join("\n");
    lines.push('\n');
    Ok(visit.kept(attachment("application/jsonl", lines, "audit.jsonl")))
}

/// The proof of one row, as a file that `fourauth-audit-verify` takes.
pub(super) async fn proof(call: Call) -> Outcome {
    let visit = match Visit::of(&call).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let id: i64 = call.parameter.parse().map_err(|_| Problem::not_found())?;
    let view = Command::ViewAudit(ViewAudit::newest(visit.console()).id(id));
    let proof = match visit.ask(view).await? {
        Ok(answer) => answer.body.proof.ok_or_else(Problem::not_found)?,
        Err(refused) => return Ok(refused.page()),
    };
    Ok(visit.kept(attachment("text/plain; charset=utf-8", proof, "row-proof.txt")))
}

fn attachment(media_type: &'static str, text: String, name: &str) -> Response {
    let mut response = response::whole(StatusCode::OK, media_type, text);
    let value = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    if let Ok(value) = value {
        response.headers_mut().insert(CONTENT_DISPOSITION, value);
    }
    response
}
