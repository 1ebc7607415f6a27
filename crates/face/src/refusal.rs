//! The reasons for refusing a picture, specific enough for the user to correct the fault.

/// The reason why a picture (or a set of pictures) gives no embedding.
///
/// No reason reveals the identity of the face, so each may be sent to a peer that has proved
/// nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Not a JPEG or PNG, empty, damaged or cut short.
    #[error("This is not a readable JPEG or PNG picture.")]
    NotAnImage,
    /// More bytes or pixels than [`crate::decode`] accepts.
    #[error("The picture is too large: at most 6 MB, 4096 pixels a side and 12.5 million in all.")]
    TooLarge,
    /// The detector found no face.
    #[error("No face was found in the picture.")]
    NoFace,
    /// More than one face, and the largest is less than twice as large as the next.
    #[error("There are several faces in the picture.")]
    SeveralFaces,
    /// The face reaches beyond the edge of the picture.
    #[error("The face is not whole inside the picture.")]
    CutOff,
    /// The face has too few pixels.
    #[error("The face is too small in the picture; come closer.")]
    TooSmall,
    /// The face is out of focus or has motion blur.
    #[error("The face is blurred; hold still.")]
    Blurred,
    /// The head is turned, raised, lowered or tilted too far.
    #[error("The face is turned away; look straight into the camera.")]
    Turned,
    /// Too dark, too bright or without contrast.
    #[error("The light is too dark, too bright or too flat to see the face.")]
    BadLight,
    /// The pictures of one command do not show the same face.
    #[error("The pictures do not show the same face.")]
    Disagree,
    /// A print, a screen or a mask was shown instead of a face.
    #[error("The picture does not show a live face.")]
    NotLive,
    /// The networks gave no usable output. The picture is not at fault, and nothing was decided.
    #[error("The picture could not be examined.")]
    Unexamined,
}

impl Refusal {
    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Refusal::NotAnImage => "bad_image",
            Refusal::TooLarge => "image_too_large",
            Refusal::NoFace => "no_face",
            Refusal::SeveralFaces => "several_faces",
            Refusal::CutOff => "face_cut_off",
            Refusal::TooSmall => "face_too_small",
            Refusal::Blurred => "face_blurred",
            Refusal::Turned => "face_turned",
            Refusal::BadLight => "bad_light",
            Refusal::Disagree => "faces_disagree",
            Refusal::NotLive => "face_not_live",
            Refusal::Unexamined => "face_unexamined",
        }
    }
}
