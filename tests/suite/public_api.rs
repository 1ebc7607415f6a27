//! The public API of the crates that are published is checked in, so that every change to it is a
//! visible difference in a review.
//!
//! The list is made from the source: every `pub` item, the variants of enums, implemented traits,
//! and the tables of macros that make methods. The lint `unreachable_pub` refuses a `pub` item that
//! cannot be reached, so what is listed is public.

use crate::checked_in;
use std::{fmt::Write as _, fs, path::Path};

/// The crates that are published, in the order in which they can be.
pub(crate) const PUBLISHED: [&str; 6] =
    ["protocol", "text-file", "private-file", "audit", "client", "audit-verify"];

/// Collects the items of one file.
#[derive(Default)]
struct Listing {
    items: Vec<String>,
    /// Attributes and the `impl` that the next public item belongs to.
    pending: Vec<String>,
}

impl Listing {
    fn add(&mut self, item: String) {
        self.items.append(&mut self.pending);
        self.items.push(item);
    }

    fn read(mut self, text: &str) -> Vec<String> {
        let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
        let mut lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        while let Some(line) = lines.next() {
            let item = line.trim_start();
            let indent = line.len() - item.len();
            if is_attribute(item) {
                self.pending.push(line.to_owned());
            } else if item.starts_with("pub ")
                || (item.starts_with("impl") && line.contains(" for "))
            {
                let whole = whole(line, &mut lines);
                let is_enum = item.starts_with("pub enum ");
                self.add(whole);
                if is_enum {
                    self.body(indent, &mut lines);
                }
            } else if item.starts_with("impl") {
                self.pending = vec![whole(line, &mut lines)];
            } else if indent == 0 && item.ends_with("! {") && !item.starts_with("macro_rules!") {
                self.add(line.to_owned());
                self.body(indent, &mut lines);
            } else if !item.is_empty() && !item.starts_with('#') {
                self.pending.retain(|line| line.starts_with("impl"));
            }
        }
        self.items
    }

    /// Adds every line up to the closing brace with this indentation, without attributes: the text
    /// of an error is not part of its type.
    fn body<'a>(&mut self, indent: usize, lines: &mut impl Iterator<Item = &'a str>) {
        let end = format!("{}}}", " ".repeat(indent));
        let mut is_attribute = false;
        for line in lines.take_while(|line| *line != end) {
            is_attribute |= line.trim_start().starts_with("#[");
            if !is_attribute {
                self.items.push(line.to_owned());
            }
            is_attribute &= !line.ends_with(']');
        }
    }
}

/// True for the attributes that a user of the item notices.
fn is_attribute(item: &str) -> bool {
    ["#[non_exhaustive]", "#[derive(", "#[cfg("].iter().any(|start| item.starts_with(start))
}

/// The item without its body, in one line.
fn whole<'a>(first: &str, lines: &mut impl Iterator<Item = &'a str>) -> String {
    let item = first.trim_start().trim_start_matches("pub ");
    let has_body = ["fn ", "const fn ", "async fn ", "struct ", "enum ", "trait ", "impl"];
    let has_body = has_body.iter().any(|start| item.starts_with(start));
    let is_field = item.split_once(": ").is_some_and(|(name, _)| !name.contains(' '));
    let ends = match (has_body, is_field) {
        (true, _) => &['{', ';', '}'][..],
        (false, true) => &[','],
        (false, false) => &[';'],
    };
    let mut text = first.to_owned();
    while !text.ends_with(ends) {
        let Some(line) = lines.next() else { break };
        text = format!("{text} {}", line.trim());
    }
    text.trim_end_matches([' ', '{']).to_owned()
}

fn list(folder: &Path, root: &Path, out: &mut String) {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            list(&path, root, out);
            continue;
        }
        let items = Listing::default().read(&fs::read_to_string(&path).unwrap());
        if !items.is_empty() {
            let name = path.strip_prefix(root).unwrap().display();
            writeln!(out, "\n## {name}\n\n{}", items.join("\n")).unwrap();
        }
    }
}

#[test]
fn the_public_api_is_the_checked_in_one() {
    for name in PUBLISHED {
        let root = checked_in::path("crates").join(name);
        let mut made = format!(
            "# Public items of fourauth-{name}; FOURAUTH_UPDATE=1 cargo test public_api rewrites it\n"
        );
        list(&root.join("src"), &root, &mut made);
        checked_in::settle(&format!("docs/api/{name}.txt"), &made);
    }
}

#[test]
fn an_item_is_listed_with_its_signature_and_without_its_body() {
    let text = "/// A.\n#[derive(Debug)]\npub struct A {\n    /// B.\n    pub b: B,\n    c: C,\n}\n\nimpl \
                A {\n    pub(crate) fn no() {}\n\n    pub fn yes(\n        self,\n    ) -> B {\n        \
                self.b\n    }\n}\n\npub use x::{\n    C, D,\n};\n\n#[cfg(test)]\nmod tests {\n    pub \
                fn t() {}\n}\n";
    let expected = [
        "#[derive(Debug)]",
        "pub struct A",
        "    pub b: B,",
        "impl A",
        "    pub fn yes( self, ) -> B",
        "pub use x::{ C, D, };",
    ];
    assert_eq!(Listing::default().read(text), expected);
}
