//! The engine of this program: tract.

use super::{NetError, Plan, Shape};
use std::sync::Arc;
use tract_onnx::prelude::{
    Datum, Framework, InferenceFact, InferenceModelExt, IntoRunnable, Tensor, TractResult,
    TypedFact, TypedModel, TypedRunnableModel, tvec,
};

/// Upper bound of one tensor of a network, in bytes. 64 channels at half of the largest side of a
/// detector, 1024 pixels, take 67 MB.
const MAX_TENSOR: usize = 256 << 20;

/// One loaded network.
pub(super) struct TractPlan {
    plan: Arc<TypedRunnableModel>,
    input: [usize; 4],
}

impl TractPlan {
    /// Loads a network of this shape. The engine panics about some files, such as one that asks for
    /// more memory than there is.
    pub(super) fn load(onnx: &[u8], shape: &Shape) -> Result<TractPlan, NetError> {
        let model = typed(onnx, shape).map_err(NetError::of_engine)?;
        if let Some(node) = model
            .nodes()
            .iter()
            .find(|node| node.outputs.iter().any(|output| !is_bounded(&output.fact)))
        {
            return Err(NetError(format!("{:?} needs more than 256 MiB", node.name)));
        }
        let plan = model.into_optimized().and_then(IntoRunnable::into_runnable);
        let plan = plan.map_err(NetError::of_engine)?;
        Ok(TractPlan { plan, input: shape.dimensions() })
    }

    fn outputs(&self, planes: &[f32]) -> TractResult<Vec<Vec<f32>>> {
        let input = Tensor::from_shape(&self.input, planes)?;
        let outputs = self.plan.run(tvec!(input.into()))?;
        outputs
            .iter()
            .map(|output| Ok(output.try_as_plain_ram()?.as_slice::<f32>()?.to_vec()))
            .collect()
    }
}

impl Plan for TractPlan {
    fn run(&self, planes: &[f32]) -> Result<Vec<Vec<f32>>, NetError> {
        self.outputs(planes).map_err(NetError::of_engine)
    }
}

fn typed(onnx: &[u8], shape: &Shape) -> TractResult<TypedModel> {
    let model = tract_onnx::onnx().model_for_read(&mut &*onnx)?;
    // Many networks leave the number of pictures or the side open.
    let input = InferenceFact::dt_shape(f32::datum_type(), shape.dimensions());
    model.with_input_fact(0, input)?.into_typed()
}

/// False if a tensor has more than [`MAX_TENSOR`] bytes. The size of some is known only when they are
/// computed.
fn is_bounded(fact: &TypedFact) -> bool {
    let Some(dimensions) = fact.shape.as_concrete() else { return true };
    let size = dimensions
        .iter()
        .try_fold(fact.datum_type.size_of(), |size, dimension| size.checked_mul(*dimension));
    size.is_some_and(|size| size <= MAX_TENSOR)
}
