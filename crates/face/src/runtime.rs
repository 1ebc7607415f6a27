//! The interface to the programs that run networks: ONNX bytes in, numbers out.
//!
//! A [`Net`] is loaded once and shared by all threads. A call runs on the calling thread. `tract.rs` has
//! the engine of this crate. With the feature `onnx-runtime`, `onnx_runtime.rs` has another one, a
//! library that `library.rs` checks. No other module uses their crates.

#[cfg(feature = "onnx-runtime")]
mod library;
#[cfg(feature = "onnx-runtime")]
mod onnx_runtime;
mod tract;

#[cfg(feature = "onnx-runtime")]
use self::onnx_runtime::OnnxRuntime;
use self::tract::TractPlan;
use crate::Digest;
use std::{
    fmt::{self, Display},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

/// A network that cannot be loaded or run, with the message of the engine.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NetError(String);

impl NetError {
    /// A network with this fault.
    pub(crate) fn new(fault: &str) -> NetError {
        NetError(fault.to_owned())
    }

    fn of_engine(error: impl Display) -> NetError {
        NetError(format!("{error:#}"))
    }
}

/// The shape of a network: planes of a square picture in, rows of numbers out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Number of planes: 3 for colours, 1 for grey.
    pub(crate) planes: usize,
    /// Side of each plane, in pixels.
    pub(crate) side: usize,
    /// Number of values of each output.
    pub(crate) outputs: Vec<usize>,
}

impl Shape {
    /// A network for a picture in colours.
    pub(crate) fn colours(side: usize, outputs: Vec<usize>) -> Shape {
        Shape { planes: 3, side, outputs }
    }

    /// Number of values of the input.
    pub(crate) fn input(&self) -> usize {
        self.planes * self.side * self.side
    }

    /// One picture, its planes, rows and columns.
    fn dimensions(&self) -> [usize; 4] {
        [1, self.planes, self.side, self.side]
    }
}

/// What runs the networks of a pack. The default is tract, which is part of this crate.
#[derive(Debug, Clone, Default)]
pub struct Runtime(Kind);

#[derive(Debug, Clone, Default)]
enum Kind {
    #[default]
    Tract,
    #[cfg(feature = "onnx-runtime")]
    OnnxRuntime(OnnxRuntime),
}

/// ONNX Runtime cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The program lacks it. Build it with the feature `onnx-runtime`.
    #[error("this program was built without the feature onnx-runtime")]
    NotBuilt,
    /// The library cannot be loaded. Correct its path or its SHA-256, or install another version.
    #[error("cannot load {}: {reason}", path.display())]
    Library {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// This process has loaded another library. Start it again.
    #[error("another library of ONNX Runtime is loaded already")]
    AnotherLoaded,
}

impl Runtime {
    /// ONNX Runtime 1.24 or later, from a shared library that must have this SHA-256. `threads` is the
    /// number of threads that run a network at the same time, at least one; others wait.
    ///
    /// The library keeps pixels and embeddings in memory of its own, which is not wiped.
    ///
    /// # Errors
    ///
    /// [`EngineError`] tells whether to build, install or restart.
    pub fn onnx_runtime(
        library: &Path,
        sha256: &Digest,
        threads: usize,
    ) -> Result<Runtime, EngineError> {
        #[cfg(feature = "onnx-runtime")]
        return OnnxRuntime::load(library, sha256, threads).map(Kind::OnnxRuntime).map(Runtime);
        #[cfg(not(feature = "onnx-runtime"))]
        {
            let _unused = (library, sha256, threads);
            Err(EngineError::NotBuilt)
        }
    }

    fn plan(&self, onnx: &[u8], shape: &Shape) -> Result<Box<dyn Plan>, NetError> {
        Ok(match &self.0 {
            Kind::Tract => Box::new(TractPlan::load(onnx, shape)?),
            #[cfg(feature = "onnx-runtime")]
            Kind::OnnxRuntime(library) => Box::new(library.plan(onnx, shape)?),
        })
    }
}

/// A network, ready to run in one of the engines.
trait Plan: Send + Sync {
    /// The outputs for the values of the planes.
    fn run(&self, planes: &[f32]) -> Result<Vec<Vec<f32>>, NetError>;
}

/// One loaded network.
pub(crate) struct Net {
    plan: Box<dyn Plan>,
    shape: Shape,
}

impl Net {
    /// Loads a network of this shape.
    pub(crate) fn load(runtime: &Runtime, onnx: &[u8], shape: Shape) -> Result<Net, NetError> {
        // An engine may panic about a file. What it has built by then is dropped.
        let checked = AssertUnwindSafe(|| Net::checked(runtime, onnx, shape));
        catch_unwind(checked).unwrap_or_else(|_| {
            Err(NetError::new("the inference engine failed; its message is above"))
        })
    }

    fn checked(runtime: &Runtime, onnx: &[u8], shape: Shape) -> Result<Net, NetError> {
        let net = Net { plan: runtime.plan(onnx, &shape)?, shape };
        // Declared shapes may be wrong or missing, so one run on black input checks the real ones.
        net.run(&vec![0.0; net.shape.input()])?;
        Ok(net)
    }

    /// Side of the square input, in pixels.
    pub(crate) fn side(&self) -> usize {
        self.shape.side
    }

    /// Runs the network on the values of its planes, plane by plane, rows from the top. All returned
    /// numbers are finite.
    pub(crate) fn run(&self, planes: &[f32]) -> Result<Vec<Vec<f32>>, NetError> {
        let outputs = self.plan.run(planes)?;
        let sizes: Vec<usize> = outputs.iter().map(Vec::len).collect();
        if sizes != self.shape.outputs {
            let expected = &self.shape.outputs;
            return Err(NetError(format!("{sizes:?} output values, expected {expected:?}")));
        }
        if outputs.iter().flatten().all(|value| value.is_finite()) {
            return Ok(outputs);
        }
        Err(NetError("an output is not a finite number".to_owned()))
    }
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Net").field("shape", &self.shape).finish_non_exhaustive()
    }
}
