//! `cargo bundle`: the library for every platform, the ZIP for 1C:Enterprise and the SDK for C and C++.

mod archive;
mod check;
mod compile;
mod info;
mod licenses;
mod manifest;
mod parts;
mod place;
mod project;
mod sbom;
mod sdk;
mod sysroot;
mod targets;
mod tools;

use anyhow::{Context, Result, bail};
use place::Place;
use project::Project;
use std::process::ExitCode;
use targets::{List, Target};

const USAGE: &str = "\
cargo bundle [-- OPTIONS]

Builds the library for every platform of bundle/targets.toml and packs dist/.

  --only NAMES   only these platforms, separated by commas, e.g. x86_64-linux,x86_64-windows
  --check        verify what is in dist/ instead of building: inspect every file, load it, use it
  --no-run       with --check: only inspect
  --licenses     write THIRD_PARTY_LICENSES anew
  --targets      list the platforms and how each would be built";

#[derive(Default)]
struct Options {
    only: Vec<String>,
    check: bool,
    no_run: bool,
    licenses: bool,
    targets: bool,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--only" => {
                    let names = arguments.next().context("--only needs the names of platforms")?;
                    options.only.extend(names.split(',').map(str::to_owned));
                }
                "--check" => options.check = true,
                "--no-run" => options.no_run = true,
                "--licenses" => options.licenses = true,
                "--targets" => options.targets = true,
                _ => bail!("unknown option {argument}\n\n{USAGE}"),
            }
        }
        Ok(options)
    }
}

fn run() -> Result<()> {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.peek().is_some_and(|first| first == "--help") {
        println!("{USAGE}");
        return Ok(());
    }
    let options = Options::parse(arguments)?;
    let project = Project::open()?;
    let list = List::read(&project.root.join("bundle/targets.toml"))?;
    let targets = list.select(&options.only)?;
    if options.targets {
        for target in targets {
            let way = compile::Way::of(target).map_or_else(|error| error.to_string(), |way| way.to_string());
            println!("{:15} {:26} {way}", target.name, target.triple);
        }
        return Ok(());
    }
    if options.licenses {
        let text = licenses::write(&parts::of(&project, &list)?)?;
        return archive::save(&project.root.join(licenses::FILE), text.as_bytes());
    }
    if options.check {
        return check::check(&project, &list, &targets, !options.no_run);
    }
    make(&project, &list, &targets)
}

fn make(project: &Project, list: &List, targets: &[&Target]) -> Result<()> {
    let place = Place::take(project)?;
    for target in targets {
        compile::prepare(&place, target).with_context(|| format!("building for {}", target.name))?;
    }
    let mut built = Vec::new();
    for target in targets {
        built.push(
            compile::build(project, &place, list, target).with_context(|| format!("building for {}", target.name))?,
        );
    }
    let bundle = archive::bundle(project, &built)?;
    let sdk = sdk::make(project, &place, list, &built)?;
    let sbom = project.sbom_path();
    archive::save(&sbom, sbom::write(project, &parts::of(project, list)?)?.as_bytes())?;
    archive::sums(project, &[&bundle, &sdk, &sbom])
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bundle: {error:#}");
            ExitCode::FAILURE
        }
    }
}
