//! The programs, the sink, and the rounds in which samples are taken.

use std::error::Error;
use std::path::Path;

use crate::note;
use crate::program::{Figures, Program};
use crate::sink::Sink;

/// Everything a row needs to be measured.
pub struct Lab {
    pub ours: Program,
    pub theirs: Vec<Program>,
    sink: Sink,
    /// The core that the programs run on, while the sink has another one.
    core: Option<&'static str>,
    samples: usize,
}

/// The samples of one kind, by program: ours first.
pub struct Measured(pub Vec<(Program, Vec<Figures>)>);

impl Lab {
    pub fn open(root: &Path, samples: usize) -> Result<Self, Box<dyn Error>> {
        note("building the samples' programs");
        Ok(Self {
            ours: Program::build(root, "versus-ours", "ours")?,
            theirs: vec![
                Program::build(root, "versus-theirs", "reqwest")?,
                Program::build(root, "versus-theirs-ureq", "ureq")?,
            ],
            sink: Sink::start(None)?,
            core: None,
            samples,
        })
    }

    /// Gives the programs and the sink a core each, or lets the system place them.
    pub fn keep_apart(&mut self, apart: bool) -> Result<(), Box<dyn Error>> {
        self.core = apart.then_some("0");
        self.sink = Sink::start(apart.then_some("1"))?;
        Ok(())
    }

    pub fn programs(&self) -> Vec<Program> {
        let mut programs = vec![self.ours.clone()];
        programs.extend(self.theirs.iter().cloned());
        programs
    }

    /// One sample; `DSN` among the words stands for a fresh one. What arrived is added.
    pub fn sample(&mut self, program: &Program, words: &str) -> Result<Figures, Box<dyn Error>> {
        let dsn = self.sink.new_dsn();
        let args: Vec<String> = words
            .split(' ')
            .map(|word| word.replace("DSN", &dsn))
            .collect();
        let mut figures = program.sample(&args, self.core)?;
        self.sink.count(&mut figures)?;
        Ok(figures)
    }

    /// Samples of all programs in turn; `words` tells what each program is to do.
    pub fn measure(
        &mut self,
        rounds: usize,
        words: impl Fn(&Program) -> String,
    ) -> Result<Measured, Box<dyn Error>> {
        let mut measured: Vec<_> = self.programs().into_iter().map(|p| (p, vec![])).collect();
        for _ in 0..rounds.saturating_mul(self.samples) {
            for (program, samples) in &mut measured {
                samples.push(self.sample(program, &words(program))?);
            }
        }
        Ok(Measured(measured))
    }

    /// How far down to call so that an event's stack has `frames` frames, by program.
    pub fn depths(
        &mut self,
        frames: f64,
        words: impl Fn(f64) -> String,
    ) -> Result<Vec<(&'static str, f64)>, Box<dyn Error>> {
        const FIRST_TRY: f64 = 20.0;
        let mut depths = Vec::new();
        for program in self.programs() {
            let seen = self.sample(&program, &words(FIRST_TRY))?.get("frames")?;
            let depth = FIRST_TRY + frames - seen;
            let seen = self.sample(&program, &words(depth))?.get("frames")?;
            if seen != frames {
                note(&format!("{}: a stack has {seen} frames", program.label));
            }
            depths.push((program.label, depth));
        }
        Ok(depths)
    }
}

/// What was found for a program.
pub fn found(list: &[(&'static str, f64)], program: &Program) -> f64 {
    let found = list.iter().find(|(label, _)| *label == program.label);
    found.map_or(0.0, |(_, value)| *value)
}
