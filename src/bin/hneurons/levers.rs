//! `hneurons levers`: small sets of neurons chosen for moving a behaviour, the positive control of every measurement.

use std::path::PathBuf;

use hneurons::{
    Error, ErrorKind, Result,
    engine::{Edits, Neuron, cpu::Cpu},
    model::ModelFile,
    research::{
        answers::{Progress, Subject},
        collect::Folder,
        gradient::{MarginPass, Sides},
        lever::{Attribution, Lever, Recipe, choose},
        log::{Log, write_whole},
        margins::{Behaviour, Choice, Portions, Sizes, portions, write_recipe},
        questions::bank,
        split::stable_hash,
    },
    text::Tokenizer,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{found, identify, model::ModelArgs};

/// The items that margins are read on; the same in every command that reads some.
#[derive(clap::Args)]
pub struct ItemArgs {
    /// Questions with answers, to make items of; give it again for more files.
    #[arg(
        long = "items",
        value_name = "FILE",
        default_value = "data/questions/facts.jsonl"
    )]
    files: Vec<PathBuf>,
    /// Items that wordings are chosen on.
    #[arg(long, value_name = "N", default_value_t = 60)]
    wording_items: usize,
    /// Items that levers are chosen on, by attribution.
    #[arg(long, value_name = "N", default_value_t = 60)]
    attribution_items: usize,
    /// Items that levers of different sizes and penalties are chosen from.
    #[arg(long, value_name = "N", default_value_t = 100)]
    validation_items: usize,
}

impl ItemArgs {
    /// Deals out the items, with `measured` of them to measure on; choices are kept in `folder`.
    pub fn portions(
        &self,
        subject: &mut Subject<'_>,
        measured: usize,
        seed: u64,
        folder: &std::path::Path,
    ) -> Result<Vec<Portions>> {
        let (facts, hashes) = identify::questions(&self.files, None)?;
        let sizes = Sizes {
            wording: self.wording_items,
            attribution: self.attribution_items,
            validation: self.validation_items,
            measured,
        };
        // Items that a lever was chosen on would else be measured on by a command of other sizes.
        let header = json!({
            "model": subject.file.sha256(), "questions": hashes, "seed": seed,
            "wording": sizes.wording, "attribution": sizes.attribution, "validation": sizes.validation,
        });
        Folder::open(folder, &header)?;
        let mut progress: Option<(String, Progress)> = None;
        let mut show = |what: &str, done: usize, of: usize| {
            if progress.as_ref().is_none_or(|(now, _)| now != what) {
                progress = Some((what.to_owned(), Progress::new(what)));
            }
            if let Some((_, progress)) = &mut progress {
                progress.show(done, of);
            }
        };
        let made_up = bank::made_up();
        let dealt = portions(subject, &facts, &made_up, sizes, seed, folder, &mut show)?;
        write_recipe(&dealt, sizes, folder)?;
        Ok(dealt)
    }
}

#[derive(clap::Args)]
pub struct Args {
    /// The folder of the other commands; what was done there is not done again.
    #[arg(long, value_name = "FOLDER", default_value = "target/identify")]
    run: PathBuf,
    /// Only these behaviours: opinion, doubt, misleading, false-premise, made-up.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = behaviour)]
    only: Vec<Behaviour>,
    #[command(flatten)]
    items: ItemArgs,
    /// Most neurons of a lever, as a share of all.
    #[arg(long, value_name = "SHARE", default_value_t = 0.001)]
    most: f64,
    /// Largest share of plain questions that a lever may turn from right to wrong.
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    harm: f64,
    /// Seed of everything that is drawn or chosen.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    model: ModelArgs,
}

/// A behaviour by its name.
pub fn behaviour(name: &str) -> std::result::Result<Behaviour, String> {
    let measured = Behaviour::MEASURED;
    let names = measured.map(Behaviour::name).join(", ");
    (measured.into_iter().find(|b| b.name() == name))
        .ok_or_else(|| format!("there is no behaviour '{name}': choose {names}"))
}

/// The gradient of one item, as kept.
#[derive(Serialize, Deserialize)]
struct Line {
    behaviour: Behaviour,
    id: String,
    /// A hash of the choice's tokens: the same item in another wording is another one.
    key: u64,
    margin: f64,
    mass: f64,
    /// In hundred-thousandths of a nat per unit of factor, those beyond a hundredth alone: place, value.
    factors: Vec<(u32, i32)>,
    /// The part that goes straight to the unembedding, likewise.
    direct: Vec<(u32, i32)>,
}

/// The values worth keeping.
fn sparse(values: &[f32]) -> Vec<(u32, i32)> {
    let large = values.iter().enumerate().filter(|(_, g)| g.abs() >= LEAST);
    large
        .map(|(i, g)| (i as u32, (g / UNIT).round() as i32))
        .collect()
}

/// All values again.
fn dense(sparse: &[(u32, i32)], len: usize) -> Vec<f32> {
    let mut out = vec![0f32; len];
    for &(place, value) in sparse {
        if let Some(g) = out.get_mut(place as usize) {
            *g = value as f32 * UNIT;
        }
    }
    out
}

const UNIT: f32 = 1e-5;
const LEAST: f32 = 1e-2;

/// Attributes the margins of choices, by their gradient and by its direct part; what the log has is not computed again.
fn attribute(
    pass: &mut Option<MarginPass>,
    file: &ModelFile,
    behaviour: Behaviour,
    choices: &[Choice],
    folder: &std::path::Path,
) -> Result<[Attribution; 2]> {
    let path = folder.join(format!("attribution-{}.jsonl", behaviour.name()));
    let (mut log, held) = Log::open::<Line>(&path)?;
    let mut progress = Progress::new(format!("attribution, {}", behaviour.name()));
    let (mut gradient, mut direct) = (Attribution::default(), Attribution::default());
    let neurons = file.blueprint().neuron_count();
    for (done, choice) in choices.iter().enumerate() {
        let key = stable_hash("attribution", &format!("{choice:?}"), 0);
        let known = held.iter().find(|line| line.key == key);
        let line = match known {
            Some(line) => line,
            None => {
                let pass = match &*pass {
                    Some(pass) => pass,
                    None => pass.insert(MarginPass::new(file)?),
                };
                let sides = Sides {
                    give: &choice.give,
                    stand: &choice.stand,
                };
                let read = pass.gradient(&choice.prompt, &sides, &Edits::none())?;
                &Line {
                    behaviour,
                    id: choice.id.clone(),
                    key,
                    margin: read.margin.value,
                    mass: read.margin.mass,
                    factors: sparse(&read.factors),
                    direct: sparse(&read.direct),
                }
            }
        };
        if known.is_none() {
            log.push(line)?;
        }
        gradient.add(&dense(&line.factors, neurons));
        direct.add(&dense(&line.direct, neurons));
        progress.show(done + 1, choices.len());
    }
    Ok([gradient, direct])
}

/// A lever, as `levers.json` has it.
#[derive(Serialize, Deserialize)]
pub struct Chosen {
    /// What it was chosen for.
    pub behaviour: Behaviour,
    /// In which wording.
    pub wording: String,
    /// Neurons and trials.
    pub lever: Lever,
    /// How it was chosen.
    pub recipe: Recipe,
}

impl Chosen {
    /// Its neurons.
    pub fn neurons(&self) -> Vec<Neuron> {
        self.lever.neurons.iter().map(|(n, _)| *n).collect()
    }
}

/// The levers of a run; none where none were chosen.
pub fn read(run: &std::path::Path) -> Result<Vec<Chosen>> {
    found::optional(run, "levers.json", "levers")
}

pub fn main(args: &Args) -> Result<()> {
    let file = args.model.file()?;
    let text = Tokenizer::new(file.vocabulary())?;
    let mut engine = Cpu::new(&file)?;
    let mut subject = Subject {
        file: &file,
        text: &text,
        engine: &mut engine,
    };
    let folder = args.run.join("margins");
    let dealt = args.items.portions(&mut subject, 0, args.seed, &folder)?;
    let of = |behaviour: Behaviour| {
        (dealt.iter().find(|p| p.behaviour == behaviour))
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a behaviour without items"))
    };
    let mut pass = None;
    let recipe = Recipe {
        most: args.most,
        harm: args.harm,
        ..Recipe::default()
    };
    let mut harm = Attribution::default();
    for behaviour in Behaviour::HARM {
        let choices = &of(behaviour)?.attribution;
        let [gradient, _] = attribute(&mut pass, &file, behaviour, choices, &folder)?;
        harm.join(&gradient);
    }
    let mut levers = Vec::new();
    let wanted = |b: &Behaviour| args.only.is_empty() || args.only.contains(b);
    for behaviour in Behaviour::MEASURED.into_iter().filter(wanted) {
        let items = of(behaviour)?;
        let [gradient, direct] =
            attribute(&mut pass, &file, behaviour, &items.attribution, &folder)?;
        let mut progress = Progress::new(format!("lever, {}", behaviour.name()));
        let lever = choose(
            subject.engine,
            &recipe,
            &[("gradient", &gradient), ("direct", &direct)],
            &harm,
            &items.validation,
            &of(Behaviour::Plain)?.validation,
            &mut |done, of| progress.show(done, of),
        )?;
        println!("{} ({}):", behaviour.name(), items.wording);
        for (i, t) in lever.tried.iter().enumerate() {
            println!(
                "  {:>3} neurons by {}, penalty {}: {:+.2} nats, {:.2} give in, {:.2} of plain answers lost{}",
                t.size,
                t.method,
                t.penalty,
                t.effect,
                t.rate,
                t.harm,
                if i == lever.chosen { "  <- chosen" } else { "" }
            );
        }
        levers.push(Chosen {
            behaviour,
            wording: items.wording.into(),
            lever,
            recipe: recipe.clone(),
        });
    }
    let out = serde_json::to_string_pretty(&levers).map_err(|e| {
        Error::new(
            ErrorKind::Internal,
            format!("the result cannot be written ({e})"),
        )
    })?;
    let path = args.run.join("levers.json");
    write_whole(&path, out.as_bytes())?;
    eprintln!("wrote {}", path.display());
    Ok(())
}
