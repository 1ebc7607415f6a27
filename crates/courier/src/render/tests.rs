use super::*;
use std::fs;

fn renderer(folder: Option<&Path>) -> Result<Renderer, NotATemplate> {
    Renderer::new("4Auth", Tongue::En, folder)
}

/// A template's folder with one file.
fn with(name: &str, text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    folder
}

#[test]
fn a_name_from_a_peer_is_escaped_in_html() {
    let (_, context) = samples().pop().unwrap();
    let name = DeviceName::parse("<a href=\"https://evil.example\">&</a>").unwrap();
    let event = Event::DeviceBound { name };
    let rendered = renderer(None).unwrap().render(&event, &context, None, Tongue::En).unwrap();
    assert!(!rendered.letter.html.contains("<a "), "{}", rendered.letter.html);
    assert!(rendered.letter.html.contains("&lt;a href="), "{}", rendered.letter.html);
    assert!(rendered.letter.text.contains("<a href="), "plain text has no markup");
}

#[test]
fn arabic_is_written_from_right_to_left() {
    let (event, context) = samples().pop().unwrap();
    for (tongue, dir) in [(Tongue::Ar, "rtl"), (Tongue::De, "ltr")] {
        let html =
            renderer(None).unwrap().render(&event, &context, None, tongue).unwrap().letter.html;
        let head = format!("<html lang=\"{}\" dir=\"{dir}\">", tongue.tag());
        assert!(html.contains(&head), "{html}");
    }
}

#[test]
fn subjects_and_text_messages_have_no_isolation_marks() {
    let renderer = renderer(None).unwrap();
    for (event, context) in samples() {
        for tongue in Tongue::ALL {
            let made = renderer.render(&event, &context, None, tongue).unwrap();
            let short = made.letter.subject.clone() + &made.sms;
            assert!(!short.contains(['\u{2068}', '\u{2069}', '\n']), "{short}");
            assert!(made.letter.text.contains('\u{2068}'), "bodies have them");
        }
    }
}

#[test]
fn an_operator_can_replace_a_template() {
    let folder = with("mail.txt", "ACME: {{ text }}\n");
    let (event, context) = samples().remove(2);
    let replaced = renderer(Some(folder.path())).unwrap();
    let rendered = replaced.render(&event, &context, None, Tongue::En).unwrap();
    assert!(rendered.letter.text.starts_with("ACME: The password of"), "{}", rendered.letter.text);
    assert!(rendered.letter.html.contains("<table"), "the other templates are the built-in ones");
}

#[test]
fn a_broken_template_is_found_at_the_start() {
    for (name, text) in [
        ("mail.html", "{{ text"),
        ("mail.txt", "{{ no_such_value }}"),
        ("sms.txt", "{% include 'other.txt' %}"),
    ] {
        let folder = with(name, text);
        let refused = renderer(Some(folder.path())).unwrap_err().to_string();
        assert!(refused.contains(name), "{refused}");
    }
}
