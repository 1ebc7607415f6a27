//! The interface to the inference engine: ONNX bytes in, numbers out. No other module uses tract.
//!
//! A [`Net`] is loaded once and shared by all threads. A call runs on the calling thread.

use crate::picture::Planes;
use std::{fmt, sync::Arc};
use tract_onnx::prelude::{
    Framework, InferenceModelExt, IntoRunnable, Tensor, TractResult, TypedRunnableModel, tvec,
};

/// A network that cannot be loaded or run, with the message of the engine.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NetError(String);

/// One loaded network: a square picture in, rows of numbers out.
pub(crate) struct Net {
    plan: Arc<TypedRunnableModel>,
    side: usize,
    outputs: Vec<usize>,
}

impl Net {
    /// Loads a network with input planes of `side` and outputs of the lengths in `outputs`.
    pub(crate) fn load(onnx: &[u8], side: usize, outputs: &[usize]) -> Result<Net, NetError> {
        let plan = planned(onnx).map_err(|error| NetError(format!("{error:#}")))?;
        let net = Net { plan, side, outputs: outputs.to_vec() };
        // Declared shapes may be wrong or missing, so one run on black input checks the real ones.
        net.run(&Planes::black(side))?;
        Ok(net)
    }

    /// Side of the square input, in pixels.
    pub(crate) fn side(&self) -> usize {
        self.side
    }

    /// Runs the network. All returned numbers are finite.
    pub(crate) fn run(&self, planes: &Planes) -> Result<Vec<Vec<f32>>, NetError> {
        let outputs = self.outputs(planes).map_err(|error| NetError(format!("{error:#}")))?;
        if !outputs.iter().map(Vec::len).eq(self.outputs.iter().copied()) {
            let sizes: Vec<usize> = outputs.iter().map(Vec::len).collect();
            return Err(NetError(format!("{sizes:?} output values, expected {:?}", self.outputs)));
        }
        if outputs.iter().flatten().all(|value| value.is_finite()) {
            return Ok(outputs);
        }
        Err(NetError("an output is not a finite number".to_owned()))
    }

    fn outputs(&self, planes: &Planes) -> TractResult<Vec<Vec<f32>>> {
        let side = planes.side();
        let input = Tensor::from_shape(&[1, 3, side, side], planes.values())?;
        let outputs = self.plan.run(tvec!(input.into()))?;
        outputs
            .iter()
            .map(|output| Ok(output.try_as_plain_ram()?.as_slice::<f32>()?.to_vec()))
            .collect()
    }
}

fn planned(onnx: &[u8]) -> TractResult<Arc<TypedRunnableModel>> {
    let model = tract_onnx::onnx().model_for_read(&mut &*onnx)?;
    model.into_optimized()?.into_runnable()
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Net")
            .field("side", &self.side)
            .field("outputs", &self.outputs)
            .finish_non_exhaustive()
    }
}
