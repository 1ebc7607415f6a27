//! The VFS. This is the only module with `unsafe` code: SQLite is written in C, and a VFS is a
//! table of C functions that receive pointers.
//!
//! Six functions are replaced. The table is a copy of the system's VFS with its own functions to
//! open and delete. Each open file keeps the system's methods, except the four that write,
//! truncate, sync and close it. SQLite's own code therefore locks, reads and shares memory as
//! usual.
//!
//! The code relies on these guarantees of <https://www.sqlite.org/c3ref/vfs.html> and
//! <https://www.sqlite.org/c3ref/io_methods.html>: SQLite passes the address of a VFS to each of
//! its functions, calls the methods of a file through its `pMethods`, uses one file from one thread
//! at a time, and closes every file that was opened.

#![expect(unsafe_code, reason = "a SQLite VFS is a table of C functions")]

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

/// This VFS and the system's one behind it. SQLite holds a pointer to the first field, for as long
/// as the process lives.
#[repr(C)]
struct Shim {
    vfs: sqlite3_vfs,
    real: *mut sqlite3_vfs,
    disk: Arc<dyn Disk>,
    /// The target of `vfs.zName`.
    _name: CString,
}

/// The methods and state of one open file. SQLite holds a pointer to the first field.
#[repr(C)]
struct Watched {
    methods: sqlite3_io_methods,
    real: *const sqlite3_io_methods,
    path: PathBuf,
    /// True if the next sync includes the folder, as in SQLite's `unixSync`.
    owes_folder: Cell<bool>,
    disk: Arc<dyn Disk>,
}

pub(crate) fn register(name: CString, disk: Arc<dyn Disk>) -> Result<(), NotRegistered> {
    // SAFETY: `sqlite3_initialize` may be called at any time. A null name asks for the default VFS,
    // which belongs to SQLite and is never freed.
    let real = unsafe {
        sqlite3_initialize();
        sqlite3_vfs_find(ptr::null())
    };
    // SAFETY: the pointer is null or the default VFS, as above.
    let system = unsafe { real.as_ref() }.ok_or(NotRegistered)?;
    let vfs = sqlite3_vfs {
        pNext: ptr::null_mut(),
        zName: name.as_ptr(),
        xOpen: Some(open),
        xDelete: Some(delete),
        ..*system
    };
    let shim = Box::into_raw(Box::new(Shim { vfs, real, disk, _name: name }));
    // SAFETY: the VFS is complete, and neither it nor its targets are ever freed.
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
    // SAFETY: SQLite passes the registered pointer, which is to the first field of a `Shim`.
    let shim = unsafe { &*vfs.cast::<Shim>() };
    // SAFETY: SQLite passes a name that is null or ends with a zero byte.
    let path = unsafe { path(name) };
    if let Some(path) = &path
        && shim.disk.decide(path, Change::Open { is_new: !path.exists() }) != Verdict::Make
    {
        // SAFETY: `file` points to memory for a file. SQLite does not close a file without methods.
        unsafe { (*file).pMethods = ptr::null() };
        return SQLITE_CANTOPEN;
    }
    // SAFETY: the arguments are those that SQLite would pass to the real VFS, and its own address.
    let opened = unsafe {
        let call = (*shim.real).xOpen;
        call.map_or(SQLITE_ERROR, |call| call(shim.real, name, file, flags, flags_out))
    };
    if let (SQLITE_OK, Some(path)) = (opened, path) {
        let journal = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL;
        let owes_folder = flags & SQLITE_OPEN_CREATE != 0 && flags & journal != 0;
        // SAFETY: the file has just been opened.
        unsafe { watch(file, path, owes_folder, Arc::clone(&shim.disk)) };
    }
    opened
}

/// Replaces the methods of a file with those of this module.
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
    // SAFETY: the file is open, and `close` frees the box.
    unsafe { (*file).pMethods = Box::into_raw(watched).cast() };
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: SQLite passes the registered pointer, which is to the first field of a `Shim`.
    let shim = unsafe { &*vfs.cast::<Shim>() };
    // SAFETY: SQLite passes a name that is null or ends with a zero byte.
    if let Some(path) = unsafe { path(name) } {
        let verdict = shim.disk.decide(&path, Change::Delete { with_folder: sync != 0 });
        if verdict != Verdict::Make {
            return SQLITE_IOERR_DELETE;
        }
    }
    // SAFETY: the arguments are those that SQLite would pass to the real VFS, and its own address.
    unsafe { (*shim.real).xDelete.map_or(SQLITE_ERROR, |call| call(shim.real, name, sync)) }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    data: *const c_void,
    length: c_int,
    at: sqlite3_int64,
) -> c_int {
    // SAFETY: only files that were passed to `watch` have this method.
    let watched = unsafe { watched(file) };
    // SAFETY: SQLite passes a pointer to `length` bytes, and `length` is not negative.
    let bytes = unsafe { slice::from_raw_parts(data.cast::<u8>(), length.unsigned_abs() as usize) };
    match watched.decide(Change::Write { at: at.unsigned_abs(), bytes }) {
        // SAFETY: the arguments are those that SQLite would pass to the real method.
        Verdict::Make => unsafe {
            (*watched.real).xWrite.map_or(SQLITE_ERROR, |call| call(file, data, length, at))
        },
        Verdict::NoRoom => SQLITE_FULL,
        Verdict::Broken => SQLITE_IOERR_WRITE,
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    // SAFETY: only files that were passed to `watch` have this method.
    let watched = unsafe { watched(file) };
    match watched.decide(Change::Truncate { size: size.unsigned_abs() }) {
        // SAFETY: the arguments are those that SQLite would pass to the real method.
        Verdict::Make => unsafe {
            (*watched.real).xTruncate.map_or(SQLITE_ERROR, |call| call(file, size))
        },
        Verdict::NoRoom | Verdict::Broken => SQLITE_IOERR_TRUNCATE,
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: only files that were passed to `watch` have this method.
    let watched = unsafe { watched(file) };
    match watched.decide(Change::Sync { with_folder: watched.owes_folder.get() }) {
        // SAFETY: the arguments are those that SQLite would pass to the real method.
        Verdict::Make => unsafe {
            watched.owes_folder.set(false);
            (*watched.real).xSync.map_or(SQLITE_ERROR, |call| call(file, flags))
        },
        Verdict::NoRoom | Verdict::Broken => SQLITE_IOERR_FSYNC,
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: only files that were passed to `watch` have this method, each has its own `Watched`,
    // and SQLite closes a file once. After this its methods are the real ones again.
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

/// The state that `watch` attached to a file.
///
/// # Safety
///
/// `file` was passed to `watch`, and has not been closed since.
unsafe fn watched<'a>(file: *mut sqlite3_file) -> &'a Watched {
    // SAFETY: the methods of such a file are the first field of a `Watched`.
    unsafe { &*(*file).pMethods.cast::<Watched>() }
}

/// The path of a file. `None` if the file has no name.
///
/// # Safety
///
/// `name` is null or ends with a zero byte.
unsafe fn path(name: *const c_char) -> Option<PathBuf> {
    if name.is_null() {
        return None;
    }
    // SAFETY: the name is not null, so the caller guarantees that it ends with a zero byte.
    let name = unsafe { CStr::from_ptr(name) };
    Some(Path::new(OsStr::from_bytes(name.to_bytes())).to_owned())
}
