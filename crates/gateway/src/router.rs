//! Finds the route of a request.

use crate::{percent::decoded_text, route::Route, settings::Resource};
use hyper::Method;
use std::collections::HashMap;

/// The routes, by their paths.
#[derive(Debug)]
pub(crate) struct Router {
    /// The routes without a parameter.
    exact: HashMap<&'static str, Vec<&'static Route>>,
    /// The routes with a parameter. An exact path comes before them.
    patterns: Vec<&'static Route>,
}

/// What a path and a method lead to.
pub(crate) enum Found {
    /// A route, and the text of its parameter.
    Route(&'static Route, String),
    /// The path has routes, with other methods.
    OtherMethods(String),
    /// The path has no route here.
    Nothing,
}

impl Router {
    /// Takes all routes.
    pub(crate) fn new(routes: Vec<&'static Route>) -> Self {
        let (patterns, others): (Vec<_>, Vec<_>) =
            routes.into_iter().partition(|route| route.path.contains('{'));
        let mut exact: HashMap<_, Vec<_>> = HashMap::new();
        for route in others {
            exact.entry(route.path).or_default().push(route);
        }
        Self { exact, patterns }
    }

    /// Finds the route of a request among those of `resources`. Paths are compared as they arrive, so
    /// an encoded `/` or `.` leads nowhere.
    pub(crate) fn find(&self, resources: &[Resource], method: &Method, path: &str) -> Found {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let is_here = |route: &Route| resources.contains(&route.resource);
        if let Some(routes) = self.exact.get(path) {
            let here = routes.iter().filter(|route| is_here(route));
            return choose(here.map(|route| (*route, String::new())), method);
        }
        let here = self.patterns.iter().filter(|route| is_here(route));
        choose(here.filter_map(|route| Some((*route, parameter(route.path, path)?))), method)
    }
}

/// The route with this method among those of one path.
fn choose(matching: impl Iterator<Item = (&'static Route, String)>, method: &Method) -> Found {
    let mut methods: Vec<&str> = Vec::new();
    for (route, parameter) in matching {
        if route.method == *method {
            return Found::Route(route, parameter);
        }
        methods.push(route.method.as_str());
        if route.method == Method::GET {
            methods.push(Method::HEAD.as_str());
        }
    }
    if methods.is_empty() { Found::Nothing } else { Found::OtherMethods(methods.join(", ")) }
}

/// `None` if `path` is not one of `pattern`, else the text of its parameter, which is empty if the
/// pattern has none.
fn parameter(pattern: &str, path: &str) -> Option<String> {
    let mut found = String::new();
    let (mut expected, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (expected.next(), given.next()) {
            (None, None) => return Some(found),
            (Some(expected), Some(given)) if expected.starts_with('{') => {
                found = decoded(given)?;
            }
            (Some(expected), Some(given)) if expected == given => {}
            _ => return None,
        }
    }
}

/// The text of a segment. `None` for one that could be taken for a part of a path.
fn decoded(segment: &str) -> Option<String> {
    let text = decoded_text(segment)?;
    let is_plain = !text.is_empty() && !text.chars().any(|c| c.is_control() || "/\\".contains(c));
    (is_plain && !matches!(text.as_str(), "." | "..")).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes;

    #[test]
    fn an_exact_path_comes_before_a_pattern() {
        let router = Router::new(routes::all());
        for (path, expected) in [
            ("/console/audit/export", "/console/audit/export"),
            ("/console/audit/7", "/console/audit/{id}"),
        ] {
            let found = router.find(&[Resource::Console], &Method::GET, path);
            assert!(matches!(found, Found::Route(route, _) if route.path == expected), "{path}");
        }
    }

    #[test]
    fn a_path_has_the_methods_of_its_routes() {
        let router = Router::new(routes::all());
        let find = |method, path| router.find(&[Resource::Health], &method, path);
        for method in [Method::GET, Method::HEAD] {
            assert!(
                matches!(find(method, "/livez"), Found::Route(route, _) if route.path == "/livez")
            );
        }
        let Found::OtherMethods(allowed) = find(Method::POST, "/livez") else { panic!("found") };
        assert_eq!(allowed, "GET, HEAD");
        assert!(matches!(find(Method::GET, "/forward-auth"), Found::Nothing));
    }

    #[test]
    fn a_parameter_stands_for_one_segment() {
        let of = |path: &str| parameter("/devices/{name}", path);
        assert_eq!(of("/devices/laptop"), Some("laptop".into()));
        assert_eq!(of("/devices/my%20caf%C3%A9"), Some("my café".into()));
        assert_eq!(parameter("/devices", "/devices"), Some(String::new()));
    }

    #[test]
    fn a_path_with_tricks_leads_nowhere() {
        for path in [
            "/devices/",
            "/devices/a/",
            "/devices//a",
            "//devices/a",
            "/devices/a%2fb",
            "/devices/a%5Cb",
            "/devices/..",
            "/devices/%2e%2e",
            "/devices/%2E",
            "/devices/a%00",
            "/devices/%ff",
            "/devices/%",
            "/devices/%4",
            "/devices/%+1",
            "/devices/%zz",
            "/Devices/a",
            "/%64evices/a",
            "devices/a",
            "/devices/a/../b",
            "",
        ] {
            assert_eq!(parameter("/devices/{name}", path), None, "{path}");
        }
    }
}
