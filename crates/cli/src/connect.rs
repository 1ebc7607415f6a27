//! The client that the options and the saved settings describe.

use crate::{args::Options, failure::Failure, settings::Settings};
use fourauth_client::{Client, Roots, ServerAddress, Trust};
use std::time::Duration;

/// The server if neither the options nor the settings name one.
const DEFAULT_SERVER: &str = "127.0.0.1:65432";

/// The wait before each further attempt: long enough for a server that restarts.
const RETRY_DELAY: Duration = Duration::from_secs(2);

impl Settings {
    /// The client for these options and settings. Options override settings.
    pub(crate) fn client(&self, options: &Options) -> Result<Client, Failure> {
        let server = self.server(options);
        let Some(trust) = self.trust(options, &server)? else {
            return Err(Failure::Usage(format!(
                "{server} is not trusted: give the fingerprint that fourauthd printed, with \
                 `fourauth trust --server {server} --pin HEX`, or --ca FILE"
            )));
        };
        let builder = Client::builder(server, trust).retries(options.retries, RETRY_DELAY);
        Ok(if options.tls12 { builder.allow_tls12() } else { builder }.build())
    }

    /// The server from the options, else from the settings, else the default.
    pub(crate) fn server(&self, options: &Options) -> ServerAddress {
        options.server.clone().unwrap_or_else(|| self.saved_server())
    }

    fn saved_server(&self) -> ServerAddress {
        self.server.clone().unwrap_or_else(|| {
            ServerAddress::parse(DEFAULT_SERVER).expect("the default is a valid address")
        })
    }

    /// The saved fingerprint or authorities apply to the saved server only.
    fn trust(&self, options: &Options, server: &ServerAddress) -> Result<Option<Trust>, Failure> {
        let saved = Some(self).filter(|_| *server == self.saved_server());
        let is_given = options.pin.is_some() || options.ca.is_some();
        let (pin, ca) = match saved {
            Some(settings) if !is_given => (settings.pin, settings.ca.as_ref()),
            _ => (options.pin, options.ca.as_ref()),
        };
        if let Some(pin) = pin {
            return Ok(Some(Trust::Pin(pin)));
        }
        let roots = ca.map(|path| {
            Roots::from_file(path).map_err(|reason| Failure::Roots { path: path.clone(), reason })
        });
        Ok(roots.transpose()?.map(Trust::Roots))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Cli;
    use clap::Parser as _;
    use fourauth_client::Fingerprint;

    fn options(line: &str) -> Options {
        Cli::try_parse_from(line.split(' ')).unwrap().options
    }

    fn saved() -> Settings {
        Settings {
            server: ServerAddress::parse("a.example").ok(),
            pin: Fingerprint::parse(&"ba".repeat(32)).ok(),
            ..Settings::default()
        }
    }

    #[test]
    fn no_server_is_trusted_by_default() {
        let refused = Settings::default().client(&options("fourauth hello"));
        assert!(matches!(refused, Err(Failure::Usage(_))));
        assert!(saved().client(&options("fourauth hello")).is_ok());
    }

    #[test]
    fn a_saved_fingerprint_applies_to_its_server_only() {
        let refused = saved().client(&options("fourauth hello --server b.example"));
        assert!(matches!(refused, Err(Failure::Usage(_))));
        let same = saved().client(&options("fourauth hello --server a.example:65432"));
        assert!(same.is_ok());
    }
}
