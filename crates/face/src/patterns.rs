//! Pictures that need no file, to see whether a network looks at its input. They show no face.

use crate::picture::Planes;

/// Pictures that look different to every network, in colours from 0 to 255.
pub(crate) fn all(side: usize) -> [Planes; 3] {
    let half = side / 2;
    [
        stripes(side),
        painted(side, |x, y| {
            if (x * 8 / side + y * 8 / side).is_multiple_of(2) { [230; 3] } else { [25; 3] }
        }),
        painted(side, |x, y| if x < half { [y * 255 / side, 60, 20] } else { [40, 90, 200] }),
    ]
}

/// Stripes of integers that differ between rows, columns and planes. The recorded outputs of networks
/// are those for this picture.
pub(crate) fn stripes(side: usize) -> Planes {
    painted(side, |x, y| [0, 40, 80].map(|plane| x * 3 + y * 5 + plane + x * y / 64))
}

/// The picture with these colours, each of them modulo 256.
fn painted(side: usize, colour: impl Fn(usize, usize) -> [usize; 3]) -> Planes {
    let mut planes = Planes::black(side);
    for y in 0..side {
        for x in 0..side {
            planes.put(x, y, colour(x, y).map(byte));
        }
    }
    planes
}

fn byte(value: usize) -> f32 {
    u8::try_from(value % 256).map_or(0.0, f32::from)
}
