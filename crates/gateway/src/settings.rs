//! The settings of a gateway. It reads no file and no environment: the program fills them in.

use fourauth_daemon::settings::{
    BrandConfig, Colour, ForwardAuthConfig, Logo, Origin, WebConfig, WebListener, WebResource,
};
use ipnet::IpNet;
use std::net::SocketAddr;

/// The settings of a gateway. They do not check themselves; the program that reads them does.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The networks of proxies. Their `X-Forwarded-For` is believed.
    pub proxies: Vec<IpNet>,
    /// Connections in total.
    pub connections: usize,
    /// Connections of one source. Those of proxies are counted only in total.
    pub connections_per_source: usize,
    /// Where browsers find the pages for people.
    pub origin: Option<Origin>,
    /// How these pages show their organisation.
    pub brand: Brand,
    /// Other services. Their proxies ask whether a request may pass.
    pub forward_auth: Option<ForwardAuth>,
    /// The listeners.
    pub listeners: Vec<ListenerSettings>,
}

/// The name, the logo and the colour of the pages for people.
#[derive(Debug, Clone, Default)]
pub struct Brand {
    /// The name at the top of each page and in its title.
    pub name: Option<String>,
    /// The logo, shown in place of the name.
    pub logo: Option<Logo>,
    /// The colour of links and buttons, in light and in dark. `None` for that of the style sheet.
    pub accent: [Option<Colour>; 2],
}

/// The services that a gateway answers for.
#[derive(Debug, Clone)]
pub struct ForwardAuth {
    /// Where people sign in.
    pub origin: Origin,
    /// The domain of the services, and the rules.
    pub config: ForwardAuthConfig,
}

/// One listener.
#[derive(Debug, Clone)]
pub struct ListenerSettings {
    /// The address that it listens on.
    pub bind: SocketAddr,
    /// True if it speaks TLS.
    pub tls: bool,
    /// What is served there.
    pub resources: Vec<Resource>,
}

/// A group of routes that a listener offers or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource {
    /// The API of this project, under `/api`.
    Api,
    /// The routes of older HTTP systems.
    Compat,
    /// `/forward-auth`.
    ForwardAuth,
    /// Where people sign in and see their own account.
    SignIn,
    /// The way there from `/`.
    Portal,
    /// `/console`, for administrators.
    Console,
    /// `/livez` and `/readyz`.
    Health,
    /// `/metrics`.
    Metrics,
}

impl From<&WebConfig> for Settings {
    fn from(web: &WebConfig) -> Self {
        Self {
            proxies: web.proxies.iter().map(|network| (*network).into()).collect(),
            connections: web.connections,
            connections_per_source: web.connections_per_source,
            origin: web.origin.clone(),
            brand: Brand::from(&web.brand),
            forward_auth: web.origin.clone().zip(web.forward_auth.clone()).map(ForwardAuth::from),
            listeners: web.listener.iter().map(ListenerSettings::from).collect(),
        }
    }
}

/// Without the logo, which is a file.
impl From<&BrandConfig> for Brand {
    fn from(config: &BrandConfig) -> Self {
        let BrandConfig { name, accent, accent_dark, .. } = config;
        Self { name: name.clone(), logo: None, accent: [*accent, *accent_dark] }
    }
}

impl From<(Origin, ForwardAuthConfig)> for ForwardAuth {
    fn from((origin, config): (Origin, ForwardAuthConfig)) -> Self {
        Self { origin, config }
    }
}

impl From<&WebListener> for ListenerSettings {
    fn from(listener: &WebListener) -> Self {
        let WebListener { bind, tls, resources } = listener;
        let resources = resources.iter().flat_map(|resource| Resource::of(*resource)).collect();
        Self { bind: *bind, tls: *tls, resources }
    }
}

impl Resource {
    /// The groups of routes that a resource of the settings stands for.
    fn of(resource: WebResource) -> Vec<Self> {
        match resource {
            WebResource::Api => vec![Self::Api],
            WebResource::Compat => vec![Self::Compat],
            WebResource::ForwardAuth => vec![Self::ForwardAuth, Self::SignIn],
            WebResource::Portal => vec![Self::Portal, Self::SignIn],
            WebResource::Console => vec![Self::Console, Self::SignIn],
            WebResource::Health => vec![Self::Health],
            WebResource::Metrics => vec![Self::Metrics],
        }
    }
}
