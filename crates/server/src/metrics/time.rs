//! The metrics of the clock.

use fourauth_metrics::{Exposition, Kind, Value};
use fourauth_timekeeper::{Reading, State, Timekeeper};

/// Every state.
const STATES: [State; 4] = [State::Synced, State::Holdover, State::Local, State::Denied];

/// Writes the state and the error of the time, and what the timekeeper knows about the servers. A
/// clock from the caller asks no servers.
pub(super) fn write(time: Reading, keeper: Option<&Timekeeper>, exposition: &mut Exposition) {
    let mut family = exposition.family(
        "fourauth_time_state",
        Kind::Gauge,
        "How far the time is trusted: 1 for the present state, 0 for the others.",
    );
    for state in STATES {
        family.sample(&[("state", state.as_str())], state == time.state);
    }
    let error = match time.error_ms {
        Reading::UNBOUNDED => f64::INFINITY,
        error_ms => seconds(error_ms.into()),
    };
    exposition.single(
        "fourauth_time_error_bound_seconds",
        Kind::Gauge,
        "Upper bound of the error of the time; +Inf if no time server confirms it.",
        error,
    );
    write_servers(keeper, exposition);
}

fn write_servers(keeper: Option<&Timekeeper>, exposition: &mut Exposition) {
    let status = keeper.map(Timekeeper::status);
    let mut sample = |name, help, value: Option<Value>| {
        let mut family = exposition.family(name, Kind::Gauge, help);
        if let Some(value) = value {
            family.sample(&[], value);
        }
    };
    let status = status.as_ref();
    sample(
        "fourauth_system_clock_offset_seconds",
        "How far the system clock is ahead of the trusted time.",
        status.map(|status| Value::from(seconds(status.system_clock_ahead_ms))),
    );
    sample(
        "fourauth_time_servers",
        "Configured time servers.",
        status.map(|status| Value::from(status.servers.len())),
    );
    sample(
        "fourauth_time_servers_agreeing",
        "Time servers in the last quorum.",
        status.map(|status| Value::from(status.agreeing())),
    );
}

#[expect(clippy::cast_precision_loss, reason = "exact for 285 000 years of milliseconds")]
fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}
