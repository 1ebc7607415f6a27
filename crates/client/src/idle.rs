//! Connections that wait for the next command of a client.

use crate::connection::Connection;
use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
};

/// Connections that a client keeps open between commands. Each occupies a slot of the server, and
/// more are only of use to a program that sends many commands at the same time.
const MAX_IDLE: usize = 4;

/// The idle connections of a client. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Idle(Arc<Mutex<Vec<Connection>>>);

impl Idle {
    /// Takes a connection that the server has kept open. Closes those that it has not.
    pub(crate) async fn take(&self) -> Option<Connection> {
        while let Some(mut connection) = self.pop() {
            if connection.is_ready().await {
                return Some(connection);
            }
        }
        None
    }

    /// Lends `connection`; it comes back when the loan ends.
    pub(crate) fn lend(&self, connection: Connection) -> Ready {
        Ready { connection: Some(connection), idle: self.clone() }
    }

    fn pop(&self) -> Option<Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn put(&self, connection: Connection) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(connection);
        }
    }
}

/// A connection of a [`Client`](crate::Client) that is ready for a command. When it is dropped, the
/// client keeps it for the next command, unless an exchange on it did not finish.
pub struct Ready {
    connection: Option<Connection>,
    idle: Idle,
}

impl Deref for Ready {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("it is taken by drop only")
    }
}

impl DerefMut for Ready {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("it is taken by drop only")
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take().filter(Connection::is_settled) {
            self.idle.put(connection);
        }
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ready").field(&**self).finish()
    }
}
