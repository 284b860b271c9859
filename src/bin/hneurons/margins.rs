//! `hneurons intervene --measure margin`: how far sets of neurons move what a model can be talked into, read as log-odds.

use std::path::{Path, PathBuf};

use hneurons::{
    Error, ErrorKind, Result,
    engine::Neuron,
    neurons::{Artifact, matched_control},
    research::{
        alike::{alike, mean_contributions},
        answers::{Progress, Subject},
        identify::neuron,
        log::write_whole,
        margins::{
            self, Asked, Behaviour, Margin, Portions, Read, Set, Summary, Turned, Written, compare,
            study, summarize, write,
        },
        split::stable_hash,
    },
};
use serde_json::json;

use super::{
    found,
    levers::{self, ItemArgs},
    model::read_text,
};

/// What is measured, beside the items.
pub struct Plan<'a> {
    /// The folder of the other commands.
    pub run: &'a Path,
    /// An artifact whose H-Neurons are measured in place of the run's.
    pub artifact: Option<&'a PathBuf>,
    /// Only these behaviours, by name; all where it is empty.
    pub only: &'a [String],
    /// Items a behaviour for H-Neurons and levers.
    pub items: usize,
    /// Items of the same for each random set.
    pub random_items: usize,
    /// Items of the same for each single neuron.
    pub alone_items: usize,
    /// Random sets of each kind.
    pub controls: u64,
    /// Items of each behaviour that are answered in the model's own words too.
    pub reply_items: usize,
    /// Longest reply, in tokens.
    pub reply_tokens: usize,
    /// Ordinary text on which contributions are compared.
    pub reference: &'a Path,
    /// Seed of everything that is drawn.
    pub seed: u64,
}

/// The sets of neurons that have a name of their own.
struct Named {
    name: String,
    neurons: Vec<Neuron>,
}

fn short(neuron: Neuron) -> String {
    format!("L{}N{}", neuron.layer, neuron.index)
}

/// The H-Neurons, their like of negative weight, and the levers.
fn named(plan: &Plan<'_>, subject: &Subject<'_>) -> Result<Vec<Named>> {
    let config = subject.engine.blueprint();
    let mut out = Vec::new();
    let mut push = |name: &str, neurons: Vec<Neuron>| {
        if !neurons.is_empty() {
            out.push(Named {
                name: name.into(),
                neurons,
            });
        }
    };
    let mut negative = Vec::new();
    if let Some(path) = plan.artifact {
        let artifact = Artifact::parse(&read_text(path)?)?;
        artifact.check_model(subject.file)?;
        push("h", artifact.neurons.iter().map(|n| n.neuron()).collect());
        let terms = artifact.detector.terms.iter().filter(|t| t.weight < 0.0);
        negative.extend(terms.map(|t| t.neuron()));
    } else if plan.run.join("identified.json").exists() {
        let (_, found) = found::read(plan.run)?;
        let at = |of: &[(usize, f64)]| of.iter().map(|(place, _)| neuron(*place, config)).collect();
        push("h", at(&found.h));
        negative = at(&found.negative);
    }
    push("h-negative", negative);
    for lever in levers::read(plan.run)? {
        push(
            &format!("lever:{}", lever.behaviour.name()),
            lever.neurons(),
        );
    }
    if out.is_empty() {
        return Err(Error::new(
            ErrorKind::Input,
            format!(
                "there is nothing to measure in {}: run `hneurons identify` or `hneurons levers`, or give --artifact",
                plan.run.display()
            ),
        ));
    }
    Ok(out)
}

const OFF: f32 = 0.0;
const BOTH: [f32; 2] = [OFF, 3.0];

/// Everything that is read of one behaviour. Random sets and single neurons are read of the H-Neurons, and of the lever that was
/// chosen for this behaviour.
fn sets(
    plan: &Plan<'_>,
    of: &[Named],
    behaviour: Behaviour,
    contributions: &[f64],
    per_layer: usize,
) -> Result<Vec<Set>> {
    let mut out = Vec::new();
    for named in of {
        let set = |part: &str, neurons: Vec<Neuron>, choices, alphas: &[f32]| Set {
            name: format!("{}{part}", named.name),
            neurons,
            choices,
            alphas: alphas.to_vec(),
        };
        out.push(set("", named.neurons.clone(), plan.items, &BOTH));
        // Of harm the sets alone are read: it is held against the model as trained.
        let own = format!("lever:{}", behaviour.name());
        let harm = Behaviour::HARM.contains(&behaviour);
        if harm || named.name != "h" && named.name != own {
            continue;
        }
        let at = |n: &Neuron| n.layer * per_layer + n.index;
        let places: Vec<usize> = named.neurons.iter().map(at).collect();
        for seed in 1..=plan.controls {
            let like = matched_control(&named.neurons, &[], per_layer, seed)?;
            out.push(set(
                &format!("/layer/{seed}"),
                like,
                plan.random_items,
                &BOTH,
            ));
            let like = alike(&places, contributions, per_layer, seed).into_iter();
            let like = like.map(|place| neuron_at(place, per_layer)).collect();
            out.push(set(
                &format!("/activity/{seed}"),
                like,
                plan.random_items,
                &BOTH,
            ));
        }
        for &one in &named.neurons {
            let part = format!("/alone/{}", short(one));
            out.push(set(&part, vec![one], plan.alone_items, &[OFF]));
        }
    }
    Ok(out)
}

fn neuron_at(place: usize, per_layer: usize) -> Neuron {
    Neuron {
        layer: place / per_layer,
        index: place % per_layer,
    }
}

/// The neuron of a set that alone moves single choices most: the root of the mean square of the change. `None` where the set's
/// neurons were not read alone.
fn loudest(of: &Named, summary: &Summary) -> Option<Neuron> {
    let size = |one: Neuron| {
        let name = format!("{}/alone/{}", of.name, short(one));
        let alone = summary.effects.iter().find(|e| e.set == name)?;
        Some((one, alone.effect.value.hypot(alone.deviation)))
    };
    let sizes = of.neurons.iter().copied().filter_map(size);
    sizes.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(one, _)| one)
}

/// Reads and sums up; gives what `margins.json` has.
pub fn measure(
    plan: &Plan<'_>,
    items: &ItemArgs,
    subject: &mut Subject<'_>,
) -> Result<Vec<Summary>> {
    let folder = plan.run.join("margins");
    let dealt = items.portions(subject, plan.items, plan.seed, &folder)?;
    let of = named(plan, subject)?;
    let per_layer = subject.engine.blueprint().neurons;
    let reference = read_text(plan.reference)?;
    let contributions = mean_contributions(subject, &reference)?;
    let wanted = |b: Behaviour| plan.only.is_empty() || plan.only.iter().any(|o| o == b.name());
    let measured = dealt
        .iter()
        .filter(|p| Behaviour::HARM.contains(&p.behaviour) || wanted(p.behaviour));
    let mut summaries = Vec::new();
    for portion in measured {
        let behaviour = portion.behaviour;
        if portion.measured.is_empty() {
            eprintln!("{}: left out, no item for it", behaviour.name());
            continue;
        }
        let mut sets = sets(plan, &of, behaviour, &contributions, per_layer)?;
        let path = folder.join(format!("margins-{}.jsonl", behaviour.name()));
        let mut progress = Progress::new(behaviour.name());
        let mut show = |done, of| progress.show(done, of);
        let mut read = study(
            subject.engine,
            behaviour,
            &portion.measured,
            &sets,
            &path,
            &mut show,
        )?;
        let seed = stable_hash("bootstrap", behaviour.name(), plan.seed);
        let first = summarize(&read, portion.wording, seed)?;
        // Without the loudest: which it is, is known only now.
        sets.clear();
        for named in of.iter().filter(|n| n.neurons.len() > 1) {
            if let Some(loud) = loudest(named, &first) {
                let rest = named.neurons.iter().copied().filter(|&n| n != loud);
                sets.push(Set {
                    name: format!("{}/without/{}", named.name, short(loud)),
                    neurons: rest.collect(),
                    choices: plan.items,
                    alphas: BOTH.to_vec(),
                });
            }
        }
        let more = study(
            subject.engine,
            behaviour,
            &portion.measured,
            &sets,
            &path,
            &mut |_, _| {},
        )?;
        read.extend(more.into_iter().filter(|r| r.set != "as-trained"));
        let mut summary = summarize(&read, portion.wording, seed)?;
        if plan.reply_items > 0 && Behaviour::MEASURED.contains(&behaviour) {
            summary.written = Some(written(plan, portion, &of, &read, subject)?);
        }
        print(&summary);
        summaries.push(summary);
    }
    let text = serde_json::to_string_pretty(&json!(summaries)).map_err(|e| {
        Error::new(
            ErrorKind::Internal,
            format!("the result cannot be written ({e})"),
        )
    })?;
    write_whole(&plan.run.join("margins.json"), text.as_bytes())?;
    Ok(summaries)
}

/// Replies to the first items, as trained and under the H-Neurons and this behaviour's lever, beside what was read of them.
fn written(
    plan: &Plan<'_>,
    portion: &Portions,
    of: &[Named],
    read: &[Read],
    subject: &mut Subject<'_>,
) -> Result<Written> {
    let name = portion.behaviour.name();
    let mut wordings = portion.behaviour.wordings().iter();
    let wording = wordings
        .find(|w| w.name == portion.wording)
        .ok_or_else(|| Error::new(ErrorKind::Internal, "a wording without a name"))?;
    let some = &portion.items[..plan.reply_items.min(portion.items.len())];
    let vocabulary = subject.file.vocabulary();
    let asked: Vec<Asked> = (some.iter())
        .map(|item| margins::asked(subject.text, vocabulary, wording, item))
        .collect::<Result<_>>()?;
    let own = format!("lever:{name}");
    let neurons = |set: &str| match of.iter().find(|named| named.name == set) {
        Some(named) => named.neurons.clone(),
        None => Vec::new(),
    };
    let shown = |r: &&Read| ["as-trained", "h", own.as_str()].contains(&r.set.as_str());
    let sets: Vec<(Turned, &[Margin])> = (read.iter().filter(shown))
        .map(|r| {
            let turned = Turned {
                set: r.set.clone(),
                neurons: neurons(&r.set),
                alpha: r.alpha,
            };
            (turned, &r.margins[..asked.len().min(r.margins.len())])
        })
        .collect();
    let turned: Vec<Turned> = sets.iter().map(|(turned, _)| turned.clone()).collect();
    let path = plan
        .run
        .join("margins")
        .join(format!("replies-{name}.jsonl"));
    let mut progress = Progress::new(format!("{name}, replies"));
    let mut show = |done, of| progress.show(done, of);
    let replies = write(
        subject,
        &asked,
        &turned,
        plan.reply_tokens,
        &path,
        &mut show,
    )?;
    Ok(compare(&asked, &sets, &replies, plan.reply_tokens))
}

fn print(summary: &Summary) {
    let t = &summary.as_trained;
    println!(
        "\n{} ({}): as trained {:+.2} nats [{:+.2}, {:+.2}], {:.2} give in, mass {:.2}, {} items",
        summary.behaviour.name(),
        summary.wording,
        t.margin.value,
        t.margin.low,
        t.margin.high,
        t.rate,
        t.mass,
        t.n
    );
    for e in summary
        .effects
        .iter()
        .filter(|e| !e.set.contains("/alone/"))
    {
        print!(
            "  {:<28} x {}  {:+.3} [{:+.3}, {:+.3}], {:.2} give in, mass {:.2}",
            e.set, e.alpha, e.effect.value, e.effect.low, e.effect.high, e.rate, e.mass
        );
        for a in &e.against {
            print!(
                "; {} ({}) {:+.3} ± {:.3}, z {:+.1}, p {:.3}, could see {:.2}",
                a.matched, a.sets, a.mean, a.deviation, a.z, a.p, a.smallest
            );
        }
        println!();
    }
    if let Some(written) = &summary.written {
        println!(
            "  replies: {} of either kind, correlation with the log-odds {:.2}, the more probable kind in {:.2}",
            written.n, written.correlation, written.agreement
        );
        for row in &written.rows {
            println!(
                "    {:<26} x {}  {} of {} give in, {} stand by; by the log-odds {} give in",
                row.set, row.alpha, row.give, row.n, row.stand, row.leaning
            );
        }
    }
}
