//! Loaded images as the dynamic linker of ELF systems tells of them.

#![expect(
    unsafe_code,
    reason = "the dynamic linker is asked through the C library"
)]

use std::ffi::{CStr, c_int, c_void};
use std::slice;

use super::loaded::{Image, MAX_IMAGES};

#[cfg(target_pointer_width = "32")]
type Header = libc::Elf32_Phdr;
#[cfg(target_pointer_width = "64")]
type Header = libc::Elf64_Phdr;

/// Bytes of notes that are copied of one image.
const MAX_NOTES: usize = 4_096;
/// Size of a page: images begin at one.
const PAGE: usize = 4_096;

/// Changes when images come and go.
pub(super) fn version() -> Option<(u64, u64)> {
    let mut version = None;
    for_each(|info| {
        version = Some((info.dlpi_adds, info.dlpi_subs));
        false
    });
    version
}

/// All loaded images.
pub(super) fn list() -> Vec<Image> {
    let mut images = Vec::new();
    for_each(|info| {
        images.extend(image(info));
        images.len() < MAX_IMAGES
    });
    images
}

/// Calls a function for each image until it returns false. It must not panic.
fn for_each<F: FnMut(&libc::dl_phdr_info) -> bool>(mut each: F) {
    extern "C" fn call<F: FnMut(&libc::dl_phdr_info) -> bool>(
        info: *mut libc::dl_phdr_info,
        _size: libc::size_t,
        each: *mut c_void,
    ) -> c_int {
        // SAFETY: `each` is the closure given below, which outlives the call and is used by
        // nobody else; the linker gives a valid `info`, or null nowhere that is known.
        match unsafe { (each.cast::<F>().as_mut(), info.as_ref()) } {
            (Some(each), Some(info)) => c_int::from(!each(info)),
            _ => 1,
        }
    }
    // SAFETY: the closure lives until the call returns, and `call` is made for its type.
    unsafe {
        libc::dl_iterate_phdr(Some(call::<F>), (&raw mut each).cast());
    }
}

fn image(info: &libc::dl_phdr_info) -> Option<Image> {
    if info.dlpi_phdr.is_null() {
        return None;
    }
    // SAFETY: the linker gives that many headers at this place.
    let headers = unsafe { slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
    let base = usize::try_from(info.dlpi_addr).ok()?;
    let loads = || {
        headers
            .iter()
            .filter(|header| header.p_type == libc::PT_LOAD)
    };
    let wanted = loads()
        .filter_map(|header| usize::try_from(header.p_vaddr).ok())
        .min()?;
    let wanted = wanted - wanted % PAGE;
    let end = loads()
        .filter_map(|header| range(header, base))
        .map(|(_, end)| end)
        .max()?;
    let notes = headers
        .iter()
        .filter(|header| header.p_type == libc::PT_NOTE)
        .filter_map(|header| {
            let (start, end) = range(header, base)?;
            let is_mapped = loads().any(|load| {
                load.p_flags & libc::PF_R != 0
                    && range(load, base).is_some_and(|(from, to)| from <= start && end <= to)
            });
            is_mapped.then(|| (start, end.saturating_sub(start).min(MAX_NOTES)))
        })
        .flat_map(|(start, len)| {
            // SAFETY: the range lies in a readable part of the image, which cannot be unloaded
            // while the linker is calling us.
            unsafe { slice::from_raw_parts(start as *const u8, len) }
        });
    let notes = notes.copied().take(MAX_NOTES).collect();
    let path = if info.dlpi_name.is_null() {
        String::new()
    } else {
        // SAFETY: a name that is not null is a C string of the linker's.
        let name = unsafe { CStr::from_ptr(info.dlpi_name) };
        name.to_string_lossy().into_owned()
    };
    Some(Image {
        start: base.checked_add(wanted)?,
        end,
        wanted,
        path,
        notes,
    })
}

/// Where a part of an image lies in memory.
fn range(header: &Header, base: usize) -> Option<(usize, usize)> {
    let start = base.checked_add(usize::try_from(header.p_vaddr).ok()?)?;
    let end = start.checked_add(usize::try_from(header.p_memsz).ok()?)?;
    Some((start, end))
}
