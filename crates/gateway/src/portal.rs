//! The portal: the pages on which people sign in and see their own account.
//!
//! ```text
//! words      the texts of a request's language
//! page       a template with the headers that every page has
//! assets     the style sheet and the scripts, compiled in
//! brand      the name, the logo and the colour that an operator has set
//! session    the session of a browser's cookie, renewed if it is due
//! sign_in    /sign-in: password, one-time code, face (170, 180, 182)
//! ask        /sign-in/ask: a browser that asks to become a device (256)
//! more       /sign-in/more: what is missing for a page of a service (259)
//! bound      /session: a session that only its browser can renew (188, 189)
//! sign_out   /sign-out
//! account    /account: one's own sign-ins and devices, and browsers that ask to become one (257)
//! register   /sign-up and /invitation: password and authenticator of a new account (160, 162, 210)
//! enrol      its face and this browser (184)
//! forgotten  /forgotten: a code and a new password (340, 350, 360)
//! recover    /recover: the four recoveries (300 to 330)
//! done       the page that says what has been done
//! ended      tokens of sessions that have ended
//! trouble    the page about a request that no page can answer
//! nonce      /nonce: for a page that has been open for long
//! fault      what is wrong with one field of a form
//! ```
//!
//! Forms work without a script, except the face: it needs the camera and the key of the browser. No page
//! has text from another place than its template and `locales/pages`, and no script is in a page.

mod account;
mod ask;
mod assets;
mod bound;
mod brand;
mod complaint;
mod done;
mod ended;
mod enrol;
mod fault;
mod forgotten;
mod more;
mod nonce;
mod page;
mod recover;
mod register;
mod session;
mod sign_in;
mod sign_out;
mod trouble;
mod words;

pub(crate) use account::shown;
pub(crate) use complaint::of as complaint_of;
pub(crate) use ended::Ended;
pub(crate) use more::path as more_path;
pub(crate) use page::{Camera, bounce, page as rendered};
pub(crate) use session::Session;
pub(crate) use sign_in::{path as sign_in_path, proof_of};
pub(crate) use trouble::{as_page, reader};
pub(crate) use words::Words;

use crate::{
    call::Call,
    cookies::Cookie,
    problem::Problem,
    response,
    route::{Handler, Outcome, Route, Takes, Work},
    router::Found,
    settings::{
        Brand,
        Resource::{self, Console, Portal, SignIn},
    },
};
use fourauth_daemon::settings::Origin;
use fourauth_locale::{Catalogue, NotAText, Texts, Tongue};
use hyper::{
    Method, StatusCode,
    header::{HeaderName, LOCATION, ORIGIN, REFERER},
};
use serde::Deserialize;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

pub(crate) static ROUTES: [Route; 42] = [
    page(SignIn, "/sign-in", |call| Box::pin(sign_in::form(call))),
    form(SignIn, "/sign-in", Takes::Form, |call| Box::pin(sign_in::password(call))),
    form(SignIn, "/sign-in/code", Takes::Form, |call| Box::pin(sign_in::code(call))),
    form(SignIn, "/sign-in/challenge", Takes::Json, |call| Box::pin(sign_in::challenge(call))),
    form(SignIn, "/sign-in/face", Takes::Pictures, |call| Box::pin(sign_in::face(call))),
    page(SignIn, "/sign-in/more", |call| Box::pin(more::form(call))),
    form(SignIn, "/sign-in/more", Takes::Form, |call| Box::pin(more::code(call))),
    form(SignIn, "/sign-in/more/face", Takes::Pictures, |call| Box::pin(more::face(call))),
    form(SignIn, "/sign-in/ask", Takes::Pictures, |call| Box::pin(ask::ask(call))),
    page(SignIn, "/sign-out", |call| Box::pin(async move { sign_out::question(&call) })),
    form(SignIn, "/sign-out", Takes::Form, |call| Box::pin(sign_out::out(call))),
    form(SignIn, "/language", Takes::Form, |call| Box::pin(async move { language(&call) })),
    page(SignIn, "/brand/{name}", |call| Box::pin(async move { brand::file(&call) })),
    page(SignIn, "/assets/{name}", |call| Box::pin(async move { assets::asset(&call) })),
    page(Portal, "/", |call| Box::pin(async move { start(&call) })),
    page(Portal, "/sign-up", |call| Box::pin(async move { register::form(&call) })),
    form(Portal, "/sign-up", Takes::Form, |call| Box::pin(register::register(call))),
    form(SignIn, "/sign-up/code", Takes::Form, |call| Box::pin(register::confirm(call))),
    form(SignIn, "/sign-up/face", Takes::Pictures, |call| Box::pin(enrol::face(call))),
    page(Portal, "/invitation", |call| Box::pin(async move { register::invitation(&call) })),
    form(Portal, "/invitation", Takes::Form, |call| Box::pin(register::accept(call))),
    page(SignIn, "/account", |call| Box::pin(account::show(call))),
    page(SignIn, "/account/sessions/{id}/proof", |call| Box::pin(account::proof(call))),
    form(SignIn, "/account/sessions/end", Takes::Form, |call| Box::pin(account::end_session(call))),
    form(SignIn, "/account/sessions/end-all", Takes::Form, |call| Box::pin(account::end_all(call))),
    page(SignIn, "/account/face", |call| Box::pin(account::face::form(call))),
    form(SignIn, "/account/face", Takes::Form, |call| Box::pin(account::face::prove(call))),
    page(SignIn, "/account/devices/revoke", |call| Box::pin(account::revoke::form(call))),
    form(SignIn, "/account/devices/revoke", Takes::Form, |call| {
        Box::pin(account::revoke::revoke(call))
    }),
    page(SignIn, "/account/devices/request", |call| Box::pin(account::request::form(call))),
    form(SignIn, "/account/devices/request", Takes::Form, |call| {
        Box::pin(account::request::decide(call))
    }),
    page(SignIn, "/forgotten", |call| Box::pin(async move { forgotten::form(&call) })),
    form(SignIn, "/forgotten", Takes::Form, |call| Box::pin(forgotten::request(call))),
    form(SignIn, "/forgotten/code", Takes::Form, |call| Box::pin(forgotten::code(call))),
    form(SignIn, "/forgotten/password", Takes::Form, |call| Box::pin(forgotten::password(call))),
    page(SignIn, "/recover", |call| Box::pin(async move { recover::choice(&call) })),
    page(SignIn, "/recover/{lost}", |call| Box::pin(recover::form(call))),
    form(SignIn, "/recover/{lost}", Takes::Pictures, |call| Box::pin(recover::replace(call))),
    form(SignIn, "/recover/authenticator/confirm", Takes::Json, |call| {
        Box::pin(recover::confirm(call))
    }),
    form(SignIn, "/session/bind", Takes::Anything, |call| Box::pin(bound::bind(call))),
    form(SignIn, "/session/renew/{id}", Takes::Anything, |call| Box::pin(bound::renew(call))),
    form(SignIn, "/nonce", Takes::Json, |call| Box::pin(nonce::fresh(call))),
];

pub(crate) const fn page(resource: Resource, path: &'static str, handler: Handler) -> Route {
    let (method, body) = (Method::GET, Takes::Nothing);
    Route { method, path, resource, body, work: Work::Own(handler) }
}

pub(crate) const fn form(
    resource: Resource,
    path: &'static str,
    body: Takes,
    handler: Handler,
) -> Route {
    Route { method: Method::POST, path, resource, body, work: Work::Own(handler) }
}

/// The texts of the pages in a language.
pub type TextsOf = fn(Tongue) -> Result<Texts, NotAText>;

/// The texts that are compiled in.
///
/// # Errors
///
/// Never: a test reads them.
pub fn texts(tongue: Tongue) -> Result<Texts, NotAText> {
    Texts::of(Catalogue::Pages, tongue)
}

/// What the pages of a gateway share.
#[derive(Debug)]
pub(crate) struct Pages {
    /// Where browsers find the pages.
    origin: Origin,
    brand: Brand,
    texts: Vec<(Tongue, Texts)>,
}

impl Pages {
    /// The pages at this origin.
    ///
    /// # Panics
    ///
    /// If `texts` fails. Those that are compiled in do not, and a test reads them.
    pub(crate) fn new(origin: Origin, brand: Brand, texts: TextsOf) -> Self {
        let texts = |tongue| Ok::<_, NotAText>((tongue, texts(tongue)?));
        let texts = Tongue::ALL.into_iter().map(texts).collect::<Result<_, _>>();
        Self { origin, brand, texts: texts.expect("the texts are valid") }
    }

    /// The texts of a language.
    fn texts(&self, tongue: Tongue) -> Option<&Texts> {
        self.texts.iter().find(|(it, _)| *it == tongue).map(|(_, texts)| texts)
    }
}

impl Call {
    /// The pages of this gateway. Without an origin its routes do not exist.
    fn pages(&self) -> Result<&Pages, Problem> {
        self.app.pages.as_ref().ok_or_else(Problem::not_found)
    }

    /// The texts in the language of this request.
    pub(crate) fn words(&self) -> Result<Words<'_>, Problem> {
        Words::of(self.pages()?, &self.headers)
    }

    /// False if the browser says that a page of another origin has caused this request (Fetch Metadata §2.3).
    pub(crate) fn is_of_this_site(&self) -> bool {
        let from = self.headers.get_all(FETCH_SITE).iter();
        from.into_iter().all(|it| it == "same-origin" || it == "none")
    }

    /// Refuses what a page of another origin has sent, by what the browser says about it.
    pub(crate) fn check_origin(&self) -> Result<(), Problem> {
        let origin = self.pages()?.origin.as_str();
        let is_of_ours =
            |name, value: &str| self.headers.get_all(name).iter().all(|it| it == value);
        if is_of_ours(ORIGIN, origin) && is_of_ours(FETCH_SITE, "same-origin") {
            return Ok(());
        }
        Err(Problem::new(StatusCode::FORBIDDEN, "A page of another site sent this form."))
    }
}

/// A redirect to a path of this origin, after a form.
pub(crate) fn see(path: &str) -> response::Response {
    let mut response = response::whole(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", "");
    response.headers_mut().insert(LOCATION, response::value(path));
    response
}

#[derive(Deserialize)]
struct Chosen {
    lang: String,
}

/// Remembers a language and shows the same page again, or the first one after the answer to a form.
fn language(call: &Call) -> Outcome {
    call.check_origin()?;
    let Chosen { lang } = call.read()?;
    let tongue = Tongue::find(&lang).ok_or_else(|| Problem::bad("Invalid field: lang"))?;
    let mut response = see(page_before(call).unwrap_or("/sign-in"));
    Cookie::Language.set(&mut response, tongue.tag());
    Ok(response)
}

/// The path and query of the page that sent a form, if it is a page of this origin that can be opened again.
fn page_before(call: &Call) -> Option<&str> {
    let address = call.headers.get(REFERER)?.to_str().ok()?;
    let path = address.strip_prefix(call.pages().ok()?.origin.as_str())?;
    let alone = path.split_once('?').map_or(path, |(alone, _)| alone);
    let all = [Portal, SignIn, Console];
    let found = call.app.router.find(&all, &Method::GET, alone);
    let is_page = matches!(found, Found::Route(route, _) if route.body == Takes::Nothing);
    (is_page && alone.starts_with('/')).then_some(path)
}

#[expect(clippy::unnecessary_wraps, reason = "all routes have the same type")]
fn start(_call: &Call) -> Outcome {
    Ok(see("/account"))
}
