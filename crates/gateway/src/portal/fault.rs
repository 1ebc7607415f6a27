//! What is wrong with one field of a form. The sentence stands beside the field.

/// The field with the fault and the sentence about it, if there is one.
#[derive(Debug, Default)]
pub(super) struct Fault(Option<(&'static str, String)>);

impl Fault {
    /// A fault of the field with this id.
    pub(super) const fn at(field: &'static str, sentence: String) -> Self {
        Self(Some((field, sentence)))
    }

    /// The sentence about this field.
    pub(super) fn of(&self, field: &str) -> Option<&str> {
        self.0.as_ref().filter(|(it, _)| *it == field).map(|(_, sentence)| sentence.as_str())
    }

    /// The attributes of a field that lead to its texts: the sentence about its fault, and `help`, the
    /// id of another text, which may be empty. Both ids are of this program.
    pub(super) fn marks(&self, field: &str, help: &str) -> String {
        match (self.of(field), help) {
            (None, "") => String::new(),
            (None, help) => format!(" aria-describedby=\"{help}\""),
            (Some(_), "") => format!(" aria-invalid=\"true\" aria-describedby=\"{field}-fault\""),
            (Some(_), help) => {
                format!(" aria-invalid=\"true\" aria-describedby=\"{field}-fault {help}\"")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_leads_to_its_fault_and_its_help() {
        let fault = Fault::at("otp", "It is wrong.".into());
        assert_eq!((fault.of("otp"), fault.of("password")), (Some("It is wrong."), None));
        assert_eq!(fault.marks("password", ""), "");
        assert_eq!(fault.marks("password", "help"), " aria-describedby=\"help\"");
        let (alone, both) = (fault.marks("otp", ""), fault.marks("otp", "otp-help"));
        assert_eq!(alone, " aria-invalid=\"true\" aria-describedby=\"otp-fault\"");
        assert_eq!(both, " aria-invalid=\"true\" aria-describedby=\"otp-fault otp-help\"");
    }
}
