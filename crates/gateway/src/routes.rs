//! The one table of routes. The router is made from it, and so is the description of the API.

mod api;
mod docs;
mod health;
mod start;

use crate::{compat, console, forward_auth, portal, route::Route};

/// Every route of this crate.
pub(crate) fn all() -> Vec<&'static Route> {
    let own = start::ROUTES.iter().chain(&health::ROUTES).chain(&api::ROUTES).chain(&docs::ROUTES);
    let others = compat::ROUTES.iter().chain(&forward_auth::ROUTES).chain(&portal::ROUTES);
    own.chain(others).chain(&console::ROUTES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_route_is_listed_twice() {
        let mut seen = HashSet::new();
        for route in all() {
            // `/` is there twice. The settings do not let one listener have both.
            let is_new = seen.insert((&route.method, route.path, route.resource));
            assert!(is_new, "{} {}", route.method, route.path);
            assert!(route.path.starts_with('/') && route.path.matches('{').count() <= 1);
        }
    }
}
