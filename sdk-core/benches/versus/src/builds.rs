//! What a program pays at build time: bytes and seconds.
//!
//! Each program is built alone into an empty folder, offline, with the sources already there.
//! Theirs with default features links the system's OpenSSL, whose bytes do not count against it.

use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Instant;

use crate::note;
use crate::program::cargo;
use crate::table::{Bar, Row, Unit, median};

const ROUNDS: usize = 3;
const HELLO: &str = "hello";
const OURS: &str = "hello-ours";
const THEIRS: [(&str, &str, &str); 2] = [
    (
        "hello-theirs",
        "default features",
        "reqwest, without the system's OpenSSL",
    ),
    ("hello-theirs-ureq", "ureq and rustls", "ureq"),
];

pub fn measure(root: &Path) -> Result<Vec<Row>, Box<dyn Error>> {
    if !cargo(root).arg("fetch").status()?.success() {
        return Err("cannot fetch the sources".into());
    }
    let hello = Built::new(root, HELLO)?.bytes;
    let mut builds: Vec<(&str, Vec<Built>)> = vec![(OURS, vec![])];
    builds.extend(THEIRS.map(|(package, ..)| (package, vec![])));
    for _ in 0..ROUNDS {
        for (package, built) in &mut builds {
            built.push(Built::new(root, package)?);
        }
    }
    let of = |package: &str, figure: fn(&Built) -> f64| {
        let built = builds.iter().filter(|(name, _)| *name == package);
        median(
            built
                .flat_map(|(_, built)| built.iter().map(figure))
                .collect(),
        )
    };
    let mut rows = Vec::new();
    for (package, features, label) in THEIRS {
        let bytes = |package| (of(package, |built| built.bytes) - hello) / 1000.0;
        rows.push(Row {
            what: format!("added bytes, stripped, {features}"),
            bar: Bar::AtMost(0.8),
            unit: Unit::KiloBytes,
            ours: bytes(OURS),
            theirs: bytes(package),
            remark: label.to_owned(),
        });
        rows.push(Row {
            what: format!("clean build, {features}"),
            bar: Bar::AtMost(0.8),
            unit: Unit::Seconds,
            ours: of(OURS, |built| built.seconds),
            theirs: of(package, |built| built.seconds),
            remark: label.to_owned(),
        });
    }
    Ok(rows)
}

struct Built {
    bytes: f64,
    seconds: f64,
}

impl Built {
    /// Builds a package from nothing.
    fn new(root: &Path, package: &str) -> Result<Self, Box<dyn Error>> {
        note(&format!("building {package} from nothing"));
        let folder = root.join("target").join("from-nothing");
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let begin = Instant::now();
        let status = cargo(root)
            .args(["build", "--profile", "stripped", "--offline"])
            .args(["--quiet", "-j", "2", "-p", package, "--target-dir"])
            .arg(&folder)
            .env_remove("CARGO_BUILD_JOBS")
            .status()?;
        let seconds = begin.elapsed().as_secs_f64();
        if !status.success() {
            return Err(format!("cannot build {package}").into());
        }
        let bytes = fs::metadata(folder.join("stripped").join(package))?.len() as f64;
        Ok(Self { bytes, seconds })
    }
}
