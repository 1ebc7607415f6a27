//! The one place with `unsafe`: SQLite is C, and a VFS is a table of C functions that get pointers.
//!
//! It is no more than six of them. The table is a copy of that of the system's VFS, in which opening
//! and deleting are replaced; each open file keeps the system's methods but for the four that change
//! or close it. So SQLite's own code locks, reads, and shares memory as it always does.
//!
//! What is relied upon, all of it from <https://www.sqlite.org/c3ref/vfs.html> and
//! <https://www.sqlite.org/c3ref/io_methods.html>: a VFS passes its own address to each of its
//! functions, a file is found through the pointer to its methods, SQLite uses one file from one
//! thread at a time, and closes every file that was opened.

#![expect(unsafe_code, reason = "SQLite takes a VFS as a table of C functions and no other way")]

use crate::{Change, Disk, NotRegistered, Verdict};
use libsqlite3_sys::{
    SQLITE_CANTOPEN, SQLITE_ERROR, SQLITE_FULL, SQLITE_IOERR_DELETE, SQLITE_IOERR_FSYNC,
    SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_WRITE, SQLITE_OK, SQLITE_OPEN_CREATE,
    SQLITE_OPEN_MAIN_JOURNAL, SQLITE_OPEN_WAL, sqlite3_file, sqlite3_filename, sqlite3_initialize,
    sqlite3_int64, sqlite3_io_methods, sqlite3_vfs, sqlite3_vfs_find, sqlite3_vfs_register,
};
use std::{
    cell::Cell,
    ffi::{CStr, CString, OsStr, c_char, c_int, c_void},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    ptr, slice,
    sync::Arc,
};

/// Ours, and what it stands before. SQLite knows it by its first field and keeps it for ever.
#[repr(C)]
struct Shim {
    vfs: sqlite3_vfs,
    real: *mut sqlite3_vfs,
    disk: Arc<dyn Disk>,
    /// What `vfs.zName` points to.
    _name: CString,
}

/// The methods of one open file, and what belongs to it. SQLite knows it by its first field.
#[repr(C)]
struct Watched {
    methods: sqlite3_io_methods,
    real: *const sqlite3_io_methods,
    path: PathBuf,
    /// Whether the next sync is one of the folder as well, as `unixSync` has it.
    owes_folder: Cell<bool>,
    disk: Arc<dyn Disk>,
}

pub(crate) fn register(name: CString, disk: Arc<dyn Disk>) -> Result<(), NotRegistered> {
    // SAFETY: the first may be called at any time; a null name asks for the default, which is one of
    // SQLite's own and never freed.
    let real = unsafe {
        sqlite3_initialize();
        sqlite3_vfs_find(ptr::null())
    };
    // SAFETY: null, or as above.
    let system = unsafe { real.as_ref() }.ok_or(NotRegistered)?;
    let vfs = sqlite3_vfs {
        pNext: ptr::null_mut(),
        zName: name.as_ptr(),
        xOpen: Some(open),
        xDelete: Some(delete),
        ..*system
    };
    let shim = Box::into_raw(Box::new(Shim { vfs, real, disk, _name: name }));
    // SAFETY: a whole VFS, and nothing ever frees it or what it points to.
    match unsafe { sqlite3_vfs_register(shim.cast(), 0) } {
        SQLITE_OK => Ok(()),
        _ => Err(NotRegistered),
    }
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite passes what was registered, which is the first field of a `Shim`.
    let shim = unsafe { &*vfs.cast::<Shim>() };
    // SAFETY: a name is null or ends with a zero.
    let path = unsafe { path(name) };
    if let Some(path) = &path
        && shim.disk.decide(path, Change::Open { is_new: !path.exists() }) != Verdict::Make
    {
        // SAFETY: SQLite gives room for a file; without methods it is not one to be closed.
        unsafe { (*file).pMethods = ptr::null() };
        return SQLITE_CANTOPEN;
    }
    // SAFETY: the arguments are those that the real one would have got, and its own address.
    let opened = unsafe {
        let call = (*shim.real).xOpen;
        call.map_or(SQLITE_ERROR, |call| call(shim.real, name, file, flags, flags_out))
    };
    if let (SQLITE_OK, Some(path)) = (opened, path) {
        let journal = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL;
        let owes_folder = flags & SQLITE_OPEN_CREATE != 0 && flags & journal != 0;
        // SAFETY: it has just been opened.
        unsafe { watch(file, path, owes_folder, Arc::clone(&shim.disk)) };
    }
    opened
}

/// Puts methods of ours in the place of the file's.
///
/// # Safety
///
/// `file` is open.
unsafe fn watch(file: *mut sqlite3_file, path: PathBuf, owes_folder: bool, disk: Arc<dyn Disk>) {
    // SAFETY: an open file has methods, which the real VFS never frees.
    let real = unsafe { (*file).pMethods };
    let methods = sqlite3_io_methods {
        xClose: Some(close),
        xWrite: Some(write),
        xTruncate: Some(truncate),
        xSync: Some(sync),
        // SAFETY: as above.
        ..unsafe { *real }
    };
    let owes_folder = Cell::new(owes_folder);
    let watched = Box::new(Watched { methods, real, path, owes_folder, disk });
    // SAFETY: `close` takes it back.
    unsafe { (*file).pMethods = Box::into_raw(watched).cast() };
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: SQLite passes what was registered, which is the first field of a `Shim`.
    let shim = unsafe { &*vfs.cast::<Shim>() };
    // SAFETY: a name is null or ends with a zero.
    if let Some(path) = unsafe { path(name) } {
        let verdict = shim.disk.decide(&path, Change::Delete { with_folder: sync != 0 });
        if verdict != Verdict::Make {
            return SQLITE_IOERR_DELETE;
        }
    }
    // SAFETY: the arguments are those that the real one would have got, and its own address.
    unsafe { (*shim.real).xDelete.map_or(SQLITE_ERROR, |call| call(shim.real, name, sync)) }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    data: *const c_void,
    length: c_int,
    at: sqlite3_int64,
) -> c_int {
    // SAFETY: only files that `watch` was given have this method.
    let watched = unsafe { watched(file) };
    // SAFETY: SQLite says where the data are and how much they are, which is not negative.
    let bytes = unsafe { slice::from_raw_parts(data.cast::<u8>(), length.unsigned_abs() as usize) };
    match watched.decide(Change::Write { at: at.unsigned_abs(), bytes }) {
        // SAFETY: the arguments are those that the real one would have got.
        Verdict::Make => unsafe {
            (*watched.real).xWrite.map_or(SQLITE_ERROR, |call| call(file, data, length, at))
        },
        Verdict::NoRoom => SQLITE_FULL,
        Verdict::Broken => SQLITE_IOERR_WRITE,
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    // SAFETY: only files that `watch` was given have this method.
    let watched = unsafe { watched(file) };
    match watched.decide(Change::Truncate { size: size.unsigned_abs() }) {
        // SAFETY: the arguments are those that the real one would have got.
        Verdict::Make => unsafe {
            (*watched.real).xTruncate.map_or(SQLITE_ERROR, |call| call(file, size))
        },
        Verdict::NoRoom | Verdict::Broken => SQLITE_IOERR_TRUNCATE,
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: only files that `watch` was given have this method.
    let watched = unsafe { watched(file) };
    match watched.decide(Change::Sync { with_folder: watched.owes_folder.get() }) {
        // SAFETY: the arguments are those that the real one would have got.
        Verdict::Make => unsafe {
            watched.owes_folder.set(false);
            (*watched.real).xSync.map_or(SQLITE_ERROR, |call| call(file, flags))
        },
        Verdict::NoRoom | Verdict::Broken => SQLITE_IOERR_FSYNC,
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: only files that `watch` was given have this method, each has its own `Watched`, and
    // SQLite closes a file once. From here on its methods are the real ones again.
    unsafe {
        let watched = Box::from_raw((*file).pMethods.cast_mut().cast::<Watched>());
        (*file).pMethods = watched.real;
        (*watched.real).xClose.map_or(SQLITE_ERROR, |call| call(file))
    }
}

impl Watched {
    fn decide(&self, change: Change<'_>) -> Verdict {
        self.disk.decide(&self.path, change)
    }
}

/// What `watch` left with a file.
///
/// # Safety
///
/// `watch` was given `file`, and it has not been closed since.
unsafe fn watched<'a>(file: *mut sqlite3_file) -> &'a Watched {
    // SAFETY: then its methods are the first field of a `Watched`.
    unsafe { &*(*file).pMethods.cast::<Watched>() }
}

/// The name of a file, unless it has none.
///
/// # Safety
///
/// `name` is null or ends with a zero.
unsafe fn path(name: *const c_char) -> Option<PathBuf> {
    if name.is_null() {
        return None;
    }
    // SAFETY: as the caller says.
    let name = unsafe { CStr::from_ptr(name) };
    Some(Path::new(OsStr::from_bytes(name.to_bytes())).to_owned())
}
