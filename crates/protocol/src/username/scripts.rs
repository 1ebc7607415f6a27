//! Which scripts belong together in one name.

use unicode_security::mixed_script::AugmentedScriptSet;

/// True unless the letters are of one script, or of Latin and one of Chinese, Japanese and Korean:
/// the level "highly restrictive" of UTS 39 §5.2, without its list of allowed characters. Digits,
/// punctuation and spaces belong to every script.
pub(super) fn are_mixed(name: &str) -> bool {
    let latin = AugmentedScriptSet::for_char('a').base;
    let is_latin = |set: &AugmentedScriptSet| !set.base.intersection(latin).is_empty();
    let sets = || name.chars().map(AugmentedScriptSet::for_char);
    let others = common(sets().filter(|set| !is_latin(set)));
    common(sets()).is_empty() && !others.hanb && !others.jpan && !others.kore
}

/// The scripts that every character can be of.
fn common(sets: impl Iterator<Item = AugmentedScriptSet>) -> AugmentedScriptSet {
    sets.fold(AugmentedScriptSet::default(), |mut all, set| {
        all.intersect_with(set);
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_of_one_language_belong_together() {
        for name in [
            "alice",
            "O'Brien-Smith 2 (office)",
            "Ірина 7",
            "Ελένη",
            "محمد",
            "田中 o'brien",
            "タナカさん田中 desk",
            "김철수 kim",
            "राम",
            "123 +4930",
            "José",
            "🙂 alice",
        ] {
            assert!(!are_mixed(name), "{name}");
        }
    }

    #[test]
    fn scripts_that_look_alike_do_not_belong_together() {
        for name in ["\u{430}lice", "p\u{430}ul", "\u{3b1}lice", "Иван A", "田中и", "김철수さん"]
        {
            assert!(are_mixed(name), "{name}");
        }
    }
}
