//! `/console`: a search for accounts, and the page of one.

use super::visit::{Part, Visit, encoded, person};
use crate::{
    call::Call,
    portal::{Camera, Words, rendered as page, shown},
    problem::Problem,
    query::{self, Kind, Parameter},
    route::Outcome,
};
use askama::Template;
use fourauth_protocol::{
    answer::{AccountRow, DeviceRow, SessionRow},
    command::{Command, ListAccounts, ShowAccount},
    group::Group,
    receipt::Method,
    username::Username,
};
use hyper::StatusCode;

/// The parameter of the page of one account. A name may have letters that a path may not.
static OF_A_PERSON: [Parameter; 1] = [Parameter { name: "name", kind: Kind::Text }];

static PARAMETERS: [Parameter; 3] = [
    Parameter { name: "search", kind: Kind::Text },
    Parameter { name: "after", kind: Kind::Text },
    Parameter { name: "which", kind: Kind::Text },
];

/// The value of `which` for accounts with an invitation that was not accepted yet.
const INVITED: &str = "invited";

/// Accounts on one page.
const AT_ONCE: u32 = 50;

#[derive(Template)]
#[template(path = "console/people.html")]
struct PeoplePage<'a> {
    words: Words<'a>,
    part: Part,
    search: &'a str,
    invited: bool,
    people: Vec<PersonCard>,
    /// The address of the next page.
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "console/person.html")]
struct PersonPage<'a> {
    words: Words<'a>,
    part: Part,
    person: PersonCard,
    failures: String,
    consents: Vec<(String, String, String)>,
    devices: Vec<(String, String, String)>,
    sessions: Vec<(String, String, String, String)>,
    encoded: String,
    /// The groups, as a value in a query.
    groups: String,
    /// True for the account of the administrator.
    is_own: bool,
    has_code: bool,
    has_face: bool,
}

/// One account.
struct PersonCard {
    name: String,
    path: String,
    email: Option<String>,
    phone: Option<String>,
    factors: Vec<&'static str>,
    groups: String,
    created: String,
    is_disabled: bool,
    is_administrator: bool,
    invitation: Option<Invitation>,
}

/// An invitation that was not accepted yet.
struct Invitation {
    until: String,
    is_valid: bool,
}

impl PersonCard {
    fn of(row: AccountRow) -> Self {
        let factors = row.factors.iter().filter_map(|method| match method {
            Method::Password => Some("factor-password"),
            Method::OneTimeCode => Some("factor-code"),
            Method::Face => Some("factor-face"),
            Method::DeviceKey => Some("factor-device"),
            _ => None,
        });
        Self {
            path: person(&row.username),
            factors: factors.collect(),
            groups: row.groups.iter().map(Group::as_str).collect::<Vec<_>>().join(", "),
            created: shown(row.created_at),
            name: row.username,
            email: row.email,
            phone: row.phone,
            is_disabled: row.disabled,
            is_administrator: row.administrator,
            invitation: row
                .invitation
                .map(|it| Invitation { until: shown(it.expires_at), is_valid: it.valid }),
        }
    }
}

pub(super) async fn list(call: Call) -> Outcome {
    let visit = match Visit::of(&call).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let values = query::read(call.query.as_deref(), &PARAMETERS)?;
    let value = |name| query::text(&values, name);
    let (search, after) = (value("search"), value("after"));
    let mut list = ListAccounts::new(visit.console()).limit(AT_ONCE + 1);
    list.search = Some(search.to_owned()).filter(|text| !text.is_empty());
    list.invited = value("which") == INVITED;
    let invited = list.invited;
    list.after = Some(after.to_owned()).filter(|text| !text.is_empty());
    let answer = match visit.ask(Command::ListAccounts(list)).await? {
        Ok(answer) => answer,
        Err(refused) => return Ok(refused.page()),
    };
    let mut people: Vec<_> =
        answer.body.accounts.unwrap_or_default().into_iter().map(PersonCard::of).collect();
    let most = usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
    let has_more = people.len() > most;
    people.truncate(most);
    let which = if invited { "&which=invited" } else { "" };
    let next = people.last().filter(|_| has_more).map(|last| {
        format!("/console?search={}{which}&after={}", encoded(search), encoded(&last.name))
    });
    let people =
        PeoplePage { words: visit.words, part: Part::People, search, invited, people, next };
    Ok(visit.kept(page(StatusCode::OK, &people, Camera::Forbidden)?))
}

pub(super) async fn show(call: Call) -> Outcome {
    let visit = match Visit::of(&call).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let values = query::read(call.query.as_deref(), &OF_A_PERSON)?;
    let name = Username::parse(query::text(&values, "name")).map_err(|_| Problem::not_found())?;
    let command = Command::ShowAccount(ShowAccount::new(visit.console(), name));
    let body = match visit.ask(command).await? {
        Ok(answer) => *answer.body,
        Err(refused) => return Ok(refused.page()),
    };
    let row = body.accounts.and_then(|mut rows| rows.pop()).ok_or_else(Problem::incomplete)?;
    let consents = row
        .consents
        .iter()
        .map(|it| (it.what.clone(), it.notice.clone().unwrap_or_default(), shown(it.given_at)));
    let device = |it: DeviceRow| (encoded(&it.name), it.name, shown(it.last_seen));
    let session = |it: SessionRow| {
        let device = it.device.unwrap_or_default();
        (it.id, it.peer, device, shown(it.last_seen))
    };
    let person = PersonPage {
        words: visit.words,
        part: Part::People,
        failures: row.failures.unwrap_or_default().to_string(),
        consents: consents.collect(),
        devices: body.devices.unwrap_or_default().into_iter().map(device).collect(),
        sessions: body.sessions.unwrap_or_default().into_iter().rev().map(session).collect(),
        encoded: encoded(&row.username),
        groups: encoded(&row.groups.iter().map(Group::as_str).collect::<Vec<_>>().join(", ")),
        is_own: visit.session.body.username.as_ref().is_some_and(|it| it.as_str() == row.username),
        has_code: row.factors.contains(&Method::OneTimeCode),
        has_face: row.factors.contains(&Method::Face),
        person: PersonCard::of(row),
    };
    Ok(visit.kept(page(StatusCode::OK, &person, Camera::Forbidden)?))
}
