//! What one sample does: the same source for both sides. Each side brings `model` and `sdk`, the
//! few lines in which the two crates are called differently.

mod breadcrumbs;
mod burst;
mod capture;
mod deliver;
mod init;
pub mod sample;
mod serialise;
mod stack;

use std::env;
use std::error::Error;
use std::str::FromStr;

pub type Outcome = Result<(), Box<dyn Error>>;

/// Runs the sample that the arguments name and prints its figures, one `name value` per line.
pub fn run() -> Outcome {
    let mut args = Args(env::args().skip(1).collect::<Vec<_>>().into_iter());
    match args.text()?.as_str() {
        "burst" => burst::run(&mut args),
        "init" => init::run(&mut args),
        "capture" => capture::run(&mut args),
        "breadcrumbs" => breadcrumbs::run(&mut args),
        "deliver" => deliver::run(&mut args),
        "serialise" => serialise::run(&mut args),
        other => Err(format!("no sample is called {other}").into()),
    }
}

/// The arguments that are left.
pub struct Args(std::vec::IntoIter<String>);

impl Args {
    pub fn text(&mut self) -> Result<String, Box<dyn Error>> {
        self.0.next().ok_or_else(|| "an argument is missing".into())
    }

    pub fn number<T: FromStr<Err: Error + 'static>>(&mut self) -> Result<T, Box<dyn Error>> {
        Ok(self.text()?.parse()?)
    }
}

/// Prints a figure for the driver.
pub fn tell(name: &str, value: f64) {
    println!("{name} {value}");
}

/// The middle of a sample's batches, so that one disturbed batch does not show.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
