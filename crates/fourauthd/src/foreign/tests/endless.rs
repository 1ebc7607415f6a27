//! A table whose pages refer to each other, so that reading it does not end.

use std::{fs, path::Path};

/// Size of the pages of a crafted file.
pub(crate) const PAGE: usize = 4096;

/// Levels of pages that lead to the same page hundreds of times each.
const LEVELS: u32 = 8;

/// Offset of the tree on the first page, after the header of the file.
const HEADER: usize = 100;

/// An interior page of a table, each of whose cells leads to page `child`. Rows are numbered from 1.
fn interior(child: u32, offset: usize) -> Vec<u8> {
    let cells = (PAGE - offset - 12) / 7 - 2;
    let mut page = vec![0; PAGE];
    let mut content = PAGE;
    for number in 0..cells {
        content -= 5;
        page[content..content + 4].copy_from_slice(&child.to_be_bytes());
        page[content + 4] = u8::try_from(number.min(126)).unwrap() + 1;
        let pointer = offset + 12 + 2 * number;
        page[pointer..pointer + 2].copy_from_slice(&u16::try_from(content).unwrap().to_be_bytes());
    }
    page[offset] = 5;
    page[offset + 3..offset + 5].copy_from_slice(&u16::try_from(cells).unwrap().to_be_bytes());
    page[offset + 5..offset + 7].copy_from_slice(&u16::try_from(content).unwrap().to_be_bytes());
    page[offset + 8..offset + 12].copy_from_slice(&child.to_be_bytes());
    page
}

/// Makes the tree at page `root` endless: its only leaf is reached on more ways than can be counted.
pub(crate) fn make_endless(path: &Path, root: usize) {
    let mut file = fs::read(path).unwrap();
    let offset = if root == 1 { HEADER } else { 0 };
    let place = (root - 1) * PAGE;
    let old = file[place..place + PAGE].to_vec();
    // The same cells on a page of their own.
    let mut leaf = vec![0; PAGE];
    let cells = usize::from(u16::from_be_bytes([old[offset + 3], old[offset + 4]]));
    let content = usize::from(u16::from_be_bytes([old[offset + 5], old[offset + 6]]));
    leaf[..8 + 2 * cells].copy_from_slice(&old[offset..offset + 8 + 2 * cells]);
    leaf[content..].copy_from_slice(&old[content..]);
    let mut last = u32::try_from(file.len() / PAGE).unwrap() + 1;
    file.extend(leaf);
    for _ in 0..LEVELS {
        file.extend(interior(last, 0));
        last += 1;
    }
    let mut top = interior(last, offset);
    top[..offset].copy_from_slice(&old[..offset]);
    file[place..place + PAGE].copy_from_slice(&top);
    file[28..32].copy_from_slice(&last.to_be_bytes());
    fs::write(path, file).unwrap();
}
