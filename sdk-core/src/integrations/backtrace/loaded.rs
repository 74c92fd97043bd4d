//! The images that are loaded: the program and its libraries.

use super::build_id::{build_id, code_id, debug_id};
use super::images;
use crate::protocol::{Addr, DebugImage};

/// Images that are remembered.
pub(super) const MAX_IMAGES: usize = 4_096;

/// One loaded image, as the system tells of it.
#[derive(Debug, Default)]
pub(super) struct Image {
    /// Where it begins in memory.
    pub(super) start: usize,
    /// Where it ends in memory.
    pub(super) end: usize,
    /// Where it wanted to begin.
    pub(super) wanted: usize,
    /// Its path; empty for the program itself.
    pub(super) path: String,
    /// Its notes, as they lie in memory.
    pub(super) notes: Vec<u8>,
}

/// The loaded images by address, looked at again when one came or went.
#[derive(Debug, Default)]
pub(super) struct Images {
    images: Vec<Known>,
    version: Option<(u64, u64)>,
}

/// What is known of one image.
#[derive(Debug)]
struct Known {
    start: usize,
    end: usize,
    image: DebugImage,
}

impl Images {
    fn refresh(&mut self) {
        let version = images::version();
        if self.version.is_none() || self.version != version {
            self.images = images::list().into_iter().map(Known::from).collect();
            self.images.sort_unstable_by_key(|image| image.start);
            self.version = version.or(Some((0, 0)));
        }
    }

    fn index_of(&self, address: usize) -> Option<usize> {
        let behind = self.images.partition_point(|image| image.start <= address);
        let index = behind.checked_sub(1)?;
        (address < self.images.get(index)?.end).then_some(index)
    }

    /// Where the image begins that an address lies in, as of the last look.
    pub(super) fn start_of(&mut self, address: usize) -> Option<usize> {
        if self.version.is_none() {
            self.refresh();
        }
        let index = self.index_of(address)?;
        self.images.get(index).map(|image| image.start)
    }

    /// The images that addresses lie in.
    pub(super) fn of(&mut self, addresses: &[usize]) -> Vec<DebugImage> {
        self.refresh();
        let mut hit: Vec<usize> = Vec::new();
        for index in addresses
            .iter()
            .filter_map(|address| self.index_of(*address))
        {
            if !hit.contains(&index) {
                hit.push(index);
            }
        }
        hit.sort_unstable();
        hit.into_iter()
            .filter_map(|index| self.images.get(index))
            .map(|known| known.image.clone())
            .collect()
    }
}

impl From<Image> for Known {
    fn from(image: Image) -> Self {
        let build_id = build_id(&image.notes);
        let path = if image.path.is_empty() {
            let program = std::env::current_exe().ok();
            program.map(|path| path.to_string_lossy().into_owned())
        } else {
            Some(image.path)
        };
        Self {
            start: image.start,
            end: image.end,
            image: DebugImage {
                ty: Some("elf".to_owned()),
                debug_id: build_id.map(debug_id),
                code_id: build_id.map(code_id),
                code_file: path,
                image_addr: Some(Addr(image.start as u64)),
                image_size: Some(image.end.saturating_sub(image.start) as u64),
                image_vmaddr: (image.wanted != 0).then_some(Addr(image.wanted as u64)),
                arch: Some(std::env::consts::ARCH.to_owned()),
                ..DebugImage::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_looked_for_in_the_image_before_it() {
        let image = |start, end| Image {
            start,
            end,
            ..Image::default()
        };
        let mut images = Images {
            images: vec![image(0x1000, 0x2000).into(), image(0x4000, 0x5000).into()],
            version: Some((1, 0)),
        };
        for (address, want) in [
            (0xfff, None),
            (0x1000, Some(0x1000)),
            (0x1fff, Some(0x1000)),
            (0x2000, None),
            (0x4fff, Some(0x4000)),
            (usize::MAX, None),
        ] {
            assert_eq!(images.start_of(address), want);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_program_itself_is_among_the_images() {
        let own = (the_program_itself_is_among_the_images as fn()) as usize;
        let images = Images::default().of(&[own, own, 1]);
        assert_eq!(images.len(), 1);
        let program = std::env::current_exe().unwrap();
        assert_eq!(images[0].code_file.as_deref(), program.to_str());
        let start = usize::try_from(images[0].image_addr.unwrap().0).unwrap();
        assert!(start <= own);
        assert!(own - start < usize::try_from(images[0].image_size.unwrap()).unwrap());
    }
}
