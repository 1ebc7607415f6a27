//! A dense float tensor in C order, with the operations that conversion needs.

use super::ConvertError;

/// Values and their shape. The product of the shape is the number of values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tensor {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Tensor {
    pub(super) fn new(shape: Vec<usize>, values: Vec<f32>) -> Result<Tensor, ConvertError> {
        if shape.iter().product::<usize>() == values.len() {
            return Ok(Tensor { shape, values });
        }
        Err(ConvertError::new(format!("{} values cannot have the shape {shape:?}", values.len())))
    }

    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    /// The shape, if it has `N` dimensions.
    pub(super) fn dims<const N: usize>(&self) -> Result<[usize; N], ConvertError> {
        <[usize; N]>::try_from(self.shape.as_slice())
            .map_err(|_| ConvertError::new(format!("{:?} should have {N} dimensions", self.shape)))
    }

    /// Reorders four dimensions: dimension `d` of the result is dimension `order[d]` of `self`.
    pub(super) fn permuted(&self, order: [usize; 4]) -> Result<Tensor, ConvertError> {
        let from = self.dims::<4>()?;
        let mut step = [1; 4];
        for dim in (0..3).rev() {
            step[dim] = step[dim + 1] * from[dim + 1];
        }
        let [a, b, c, d] = order.map(|dim| (from[dim], step[dim]));

        let mut values = Vec::with_capacity(self.values.len());
        for i in 0..a.0 {
            for j in 0..b.0 {
                for k in 0..c.0 {
                    for l in 0..d.0 {
                        values.push(self.values[i * a.1 + j * b.1 + k * c.1 + l * d.1]);
                    }
                }
            }
        }
        Tensor::new(vec![a.0, b.0, c.0, d.0], values)
    }

    /// Multiplies along the last dimension, with one factor for each index.
    pub(super) fn scaled_by(&self, factors: &Tensor) -> Result<Tensor, ConvertError> {
        if self.shape.last() != Some(&factors.values.len()) {
            return Err(ConvertError::new(format!(
                "{:?} scaled by {:?}",
                self.shape, factors.shape
            )));
        }
        let factors = factors.values.iter().cycle();
        let values =
            self.values.iter().zip(factors).map(|(value, factor)| value * factor).collect();
        Tensor::new(self.shape.clone(), values)
    }

    /// Adds a tensor of the same shape.
    pub(super) fn plus(&self, other: &Tensor) -> Result<Tensor, ConvertError> {
        if self.shape != other.shape {
            return Err(ConvertError::new(format!("{:?} added to {:?}", self.shape, other.shape)));
        }
        let values = self.values.iter().zip(&other.values).map(|(a, b)| a + b).collect();
        Tensor::new(self.shape.clone(), values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permuting_moves_values_with_their_indices() {
        let values: Vec<f32> = (0_u8..24).map(f32::from).collect();
        let tensor = Tensor::new(vec![1, 2, 3, 4], values).unwrap();
        let back = tensor.permuted([3, 2, 0, 1]).unwrap();
        assert_eq!(back.shape(), [4, 3, 1, 2]);
        // [l][k][0][j] holds the value from [0][j][k][l] = 12j + 4k + l
        assert_eq!(back.values()[..4], [0.0, 12.0, 4.0, 16.0]);
        assert_eq!(back.permuted([2, 3, 1, 0]).unwrap(), tensor);
    }

    #[test]
    fn a_shape_that_does_not_hold_its_values_is_refused() {
        assert!(Tensor::new(vec![2, 2], vec![0.0; 3]).is_err());
    }
}
