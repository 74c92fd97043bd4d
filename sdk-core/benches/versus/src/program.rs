//! One side's program, and what a sample of it tells.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that runs samples.
#[derive(Clone)]
pub struct Program {
    /// What the table calls it.
    pub label: &'static str,
    path: PathBuf,
}

impl Program {
    /// Builds the program, each by itself so that no features are unified between the sides.
    pub fn build(root: &Path, package: &str, label: &'static str) -> Result<Self, Box<dyn Error>> {
        let status = cargo(root)
            .args(["build", "--release", "--quiet", "-p", package])
            .status()?;
        if !status.success() {
            return Err(format!("cannot build {package}").into());
        }
        let path = root.join("target").join("release").join(package);
        Ok(Self { label, path })
    }

    /// Runs one sample to its end.
    pub fn sample(&self, args: &[String], core: Option<&str>) -> Result<Figures, Box<dyn Error>> {
        let output = on_core(core, &self.path)
            .args(args)
            // Settings of the person at the machine must not change one side's defaults.
            .env_clear()
            .output()?;
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("{} {args:?}: {reason}", self.label).into());
        }
        let mut figures = Figures::default();
        for line in String::from_utf8(output.stdout)?.lines() {
            if let Some((name, value)) = line.split_once(' ') {
                figures.set(name, value.parse()?);
            }
        }
        Ok(figures)
    }
}

/// A command that runs on one processor core only, where one is named.
pub fn on_core(core: Option<&str>, program: &Path) -> Command {
    let Some(core) = core else {
        return Command::new(program);
    };
    // By its path, for the samples have no environment to search.
    let mut command = Command::new("/usr/bin/taskset");
    command.args(["-c", core]).arg(program);
    command
}

/// The cargo that built this driver, in the comparison's own workspace.
pub fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    cargo
        .current_dir(root)
        .env_remove("RUSTFLAGS")
        .env("CARGO_TARGET_DIR", root.join("target"));
    cargo
}

/// Figures by name.
#[derive(Clone, Default)]
pub struct Figures(BTreeMap<String, f64>);

impl Figures {
    pub fn set(&mut self, name: &str, value: f64) {
        self.0.insert(name.to_owned(), value);
    }

    pub fn get(&self, name: &str) -> Result<f64, Box<dyn Error>> {
        let figure = self.0.get(name).copied();
        figure.ok_or_else(|| format!("the sample did not tell {name}").into())
    }
}
