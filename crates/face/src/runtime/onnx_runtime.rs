//! ONNX Runtime, a library that is loaded at run time through the crate `ort`.
//!
//! A session is used by one thread at a time, so there is one for each thread that runs networks. A
//! session starts no threads of its own. The library sends nothing about its use.

use super::{EngineError, NetError, Plan, Shape, library::Sealed};
use crate::Digest;
use ort::{environment::Environment, logging::LogLevel, session::Session, value::TensorRef};
use std::{
    panic::catch_unwind,
    path::Path,
    sync::{Condvar, Mutex, PoisonError},
};

/// The library that this process has loaded. It can load one only.
static LOADED: Mutex<Option<(Digest, Environment)>> = Mutex::new(None);

/// A loaded library.
#[derive(Debug, Clone)]
pub(super) struct OnnxRuntime {
    environment: Environment,
    sessions: usize,
}

impl OnnxRuntime {
    /// Loads the library if it has this SHA-256. Each network gets this number of sessions.
    pub(super) fn load(
        library: &Path,
        sha256: &Digest,
        sessions: usize,
    ) -> Result<OnnxRuntime, EngineError> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let environment = match &*loaded {
            Some((digest, environment)) if digest == sha256 => environment.clone(),
            Some(_) => return Err(EngineError::AnotherLoaded),
            None => {
                let environment = started(library, sha256)?;
                *loaded = Some((*sha256, environment.clone()));
                environment
            }
        };
        Ok(OnnxRuntime { environment, sessions })
    }

    /// Loads a network.
    pub(super) fn plan(&self, onnx: &[u8], shape: &Shape) -> Result<Sessions, NetError> {
        let session = |_| self.session(onnx);
        let idle = (0..self.sessions.max(1)).map(session).collect::<Result<_, _>>();
        let idle = idle.map_err(NetError::of_engine)?;
        Ok(Sessions { idle: Mutex::new(idle), returned: Condvar::new(), input: shape.dimensions() })
    }

    fn session(&self, onnx: &[u8]) -> ort::Result<Session> {
        let builder = Session::builder(&self.environment)?;
        let mut builder = builder.with_intra_threads(1)?.with_inter_threads(1)?;
        builder.commit_from_memory(onnx)
    }
}

/// Loads a library and starts it.
fn started(library: &Path, sha256: &Digest) -> Result<Environment, EngineError> {
    let refused = |reason: String| EngineError::Library { path: library.to_owned(), reason };
    let sealed = Sealed::copy(library, sha256).map_err(|error| refused(error.to_string()))?;
    // The crate panics about a library that lacks a function.
    let environment = catch_unwind(|| {
        let builder = ort::init_from(sealed.path()).map_err(|error| error.to_string())?;
        builder.with_telemetry(false).build().map_err(|error| error.to_string())
    });
    let environment = environment
        .unwrap_or_else(|_| Err("it failed; its message is above".to_owned()))
        .map_err(refused)?;
    environment.set_log_level(LogLevel::Error);
    Ok(environment)
}

/// The sessions of one network that no thread is using.
pub(super) struct Sessions {
    idle: Mutex<Vec<Session>>,
    returned: Condvar,
    input: [usize; 4],
}

impl Sessions {
    /// Takes a session, or waits for one.
    fn take(&self) -> Session {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(session) = idle.pop() {
                return session;
            }
            idle = self.returned.wait(idle).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give_back(&self, session: Session) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        self.returned.notify_one();
    }
}

impl Plan for Sessions {
    fn run(&self, planes: &[f32]) -> Result<Vec<Vec<f32>>, NetError> {
        let mut session = self.take();
        let outputs = outputs(&mut session, self.input, planes);
        self.give_back(session);
        outputs.map_err(NetError::of_engine)
    }
}

fn outputs(session: &mut Session, input: [usize; 4], planes: &[f32]) -> ort::Result<Vec<Vec<f32>>> {
    let tensor = TensorRef::from_array_view((input, planes))?;
    let outputs = session.run(ort::inputs![tensor])?;
    outputs.values().map(|output| Ok(output.try_extract_tensor::<f32>()?.1.to_vec())).collect()
}
