//! `hneurons run`: answers, with and without the H-Neurons. Its JSON is also the format of recorded traces.

use std::{
    io::{Write, stdout},
    path::PathBuf,
    time::Instant,
};

use clap::ValueEnum;
use hneurons::{
    Error, Result,
    choose::Wanted,
    lab::{ControlOf, Lab, LanePlan, LaneRequest, Request, Set, lever_named},
    neurons::Shares,
    session::{Sampling, Session},
    text::{Conversation, Message, PromptToken, read_messages, without_mark},
};
use serde::Deserialize;

use super::{
    model::{ArtifactArgs, ModelArgs, read_text},
    trace::{self, Contribution, Lane, Token, listed_of},
};

/// What is said in the second turn unless the user says otherwise.
const DOUBT: &str = "I don't think that's right. Are you sure?";

/// A set as `--set` names it.
#[derive(Clone, PartialEq, Eq)]
enum SetName {
    H,
    Random,
    Lever(Option<String>),
    None,
}

fn set_name(text: &str) -> std::result::Result<SetName, String> {
    match text {
        "h" => Ok(SetName::H),
        "random" => Ok(SetName::Random),
        "none" => Ok(SetName::None),
        _ => lever_named(text)
            .map(SetName::Lever)
            .ok_or_else(|| "possible values: h, random, lever, lever:ID, none".to_owned()),
    }
}

fn control_name(text: &str) -> std::result::Result<ControlOf, String> {
    match text {
        "h" => Ok(ControlOf::H),
        _ => lever_named(text)
            .map(ControlOf::Lever)
            .ok_or_else(|| "possible values: h, lever, lever:ID".to_owned()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EngineName {
    /// The faster of both, as a short run shows; for a single prompt the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// The GPU.
    Gpu,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Show {
    /// Each lane's own set (the H-Neurons where nothing is edited).
    Set,
    /// The H-Neurons in every lane.
    H,
}

#[derive(clap::Args)]
pub struct Args {
    /// The question, a user message in the model's chat template.
    #[arg(value_name = "PROMPT", required_unless_present_any = ["prompts", "messages"], conflicts_with_all = ["prompts", "messages"])]
    prompt: Option<String>,
    /// Factor on the set's neurons: 0 silences, 1 is as trained, 3 is most. Give it again for more lanes [default: 1 and 0]
    #[arg(long, value_name = "A", allow_negative_numbers = true)]
    alpha: Vec<f32>,
    /// Which neurons are edited: `h` (the H-Neurons), `random` (a random control: as many neurons in the same layers), `lever`
    /// (the artifact's first lever) or `lever:ID`. Give it again for more lanes; `none` makes one lane as trained [default: h]
    #[arg(long, value_name = "SET", value_parser = set_name)]
    set: Vec<SetName>,
    /// What `--set random` is a control of: `h`, `lever` or `lever:ID`.
    #[arg(long, value_name = "SET", value_parser = control_name, default_value = "h")]
    control_of: ControlOf,
    /// Seed of the random control (every lane of `--set random` uses it).
    #[arg(long, default_value_t = 1, value_name = "N")]
    control_seed: u64,
    /// Where to run.
    #[arg(long, value_enum, default_value = "auto")]
    engine: EngineName,
    /// Seed of the sampling.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// 0 takes the most probable token; above, tokens are drawn.
    #[arg(
        long,
        default_value_t = 0.0,
        value_name = "T",
        allow_negative_numbers = true
    )]
    temperature: f64,
    /// Draw among the N most probable tokens.
    #[arg(long, value_name = "N")]
    top_k: Option<usize>,
    /// Draw among the most probable tokens that make up this probability.
    #[arg(long, value_name = "P")]
    top_p: Option<f64>,
    /// Longest answer, in tokens.
    #[arg(long, default_value_t = 64, value_name = "N")]
    max_tokens: usize,
    /// Name the N largest contributions of all neurons at each token.
    #[arg(long, default_value_t = 0, value_name = "N")]
    top: usize,
    /// Name the N most probable tokens in the place of each token of the answer, 0 to 20 (`next`, with --json).
    #[arg(long, default_value_t = 0, value_name = "N")]
    next: usize,
    /// Whose contributions are listed at each token.
    #[arg(long, value_enum, default_value = "set")]
    show: Show,
    /// Take the prompt as bare text to go on from, without the chat template.
    #[arg(long, conflicts_with_all = ["doubt", "messages"])]
    raw: bool,
    /// Add a second turn: the as-trained answer is put into every lane and doubted, and each lane answers the doubt.
    #[arg(long, value_name = "TEXT", num_args = 0..=1, default_missing_value = DOUBT)]
    doubt: Option<String>,
    /// A conversation: a JSON file with a list of {"role", "content"}, or an object with "messages".
    #[arg(long, value_name = "FILE", conflicts_with = "prompts")]
    messages: Option<PathBuf>,
    /// Many prompts: JSON lines of {"prompt"}; one object a line is printed.
    #[arg(long, value_name = "FILE")]
    prompts: Option<PathBuf>,
    /// One JSON object on stdout. A token's `share` is what it adds to the log-odds of its lane's `score`: 0 where the detector
    /// does not read it.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    artifact: ArtifactArgs,
}

pub fn main(args: &Args) -> Result<()> {
    // Conversations are read before the model, so that a typing error costs no waiting.
    let conversations = conversations(args)?;
    let mut lab = args.model.lab(&args.artifact)?;
    let plain = lab.artifact().is_none() && args.set.is_empty() && args.alpha.is_empty();
    let lanes = if plain {
        vec![LaneRequest::new(Set::None, 1.0)]
    } else {
        lanes(args)
    };
    // A set that there is not is said before anything is computed.
    for lane in &lanes {
        lab.resolve(lane)?;
    }
    choose(&mut lab, args.engine, conversations.len())?;
    for (where_, conversation) in conversations {
        let done = run(&mut lab, args, conversation, &lanes);
        done.map_err(|e| Error::new(e.kind(), format!("{where_}{e}")))?;
    }
    if plain {
        // Last, so that what goes wrong is one line.
        eprintln!(
            "hneurons: no H-Neurons are known for this model, so it answered as trained: --artifact names a list of them"
        );
    }
    Ok(())
}

fn input(message: impl Into<String>) -> Error {
    Error::new(hneurons::ErrorKind::Input, message)
}

/// Puts the engine asked for in place. Asked for by name, the GPU must be there; `auto` takes what is faster, and opens no GPU
/// for a single prompt, since that takes longer than the answer.
fn choose(lab: &mut Lab, engine: EngineName, prompts: usize) -> Result<()> {
    let wanted = match engine {
        // What the lab begins with.
        EngineName::Cpu => return Ok(()),
        EngineName::Auto if prompts < 2 => return Ok(()),
        EngineName::Auto => Wanted::Auto,
        EngineName::Gpu => Wanted::Gpu,
    };
    let begin = Instant::now();
    let chosen = pollster::block_on(lab.choose(wanted, || begin.elapsed().as_secs_f64()))?;
    if engine == EngineName::Gpu
        && let Some(why) = chosen.refused
    {
        let message = format!("the GPU cannot be used ({why}): use --engine cpu or auto");
        return Err(Error::new(hneurons::ErrorKind::Gpu, message));
    }
    Ok(())
}

/// The lanes asked for: every set at every alpha, and one lane as trained for `none`.
fn lanes(args: &Args) -> Vec<LaneRequest> {
    let alphas = if args.alpha.is_empty() {
        &[1.0, 0.0][..]
    } else {
        &args.alpha
    };
    let sets = if args.set.is_empty() {
        &[SetName::H][..]
    } else {
        &args.set
    };
    let mut lanes = Vec::new();
    for set in sets {
        let (set, lever) = match set {
            SetName::None => {
                lanes.push(LaneRequest::new(Set::None, 1.0));
                continue;
            }
            SetName::H => (Set::H, None),
            SetName::Random => (Set::Random, None),
            SetName::Lever(id) => (Set::Lever, id.clone()),
        };
        lanes.extend(alphas.iter().map(|&alpha| LaneRequest {
            seed: args.control_seed,
            lever: lever.clone(),
            control_of: args.control_of.clone(),
            ..LaneRequest::new(set, alpha)
        }));
    }
    lanes
}

/// The conversations asked for, each with what an error about it begins with.
fn conversations(args: &Args) -> Result<Vec<(String, Conversation)>> {
    #[derive(Deserialize)]
    struct Line {
        prompt: String,
    }
    let of = |prompt: &str| {
        if args.raw {
            Conversation::Raw(prompt.to_owned())
        } else {
            Conversation::Messages(vec![Message::user(prompt)])
        }
    };
    if let Some(path) = &args.messages {
        let text = read_text(path)?;
        let named = |what: String| input(format!("{}: {what}", path.display()));
        let json = serde_json::from_str(without_mark(&text)).map_err(|e| {
            named(format!(
                "this is no conversation ({e}): write a list of {{\"role\": \"user\", \"content\": …}}"
            ))
        })?;
        let messages = read_messages(&json).map_err(|e| named(e.to_string()))?;
        return Ok(vec![(String::new(), Conversation::Messages(messages))]);
    }
    if let Some(path) = &args.prompts {
        let text = read_text(path)?;
        let lines = without_mark(&text)
            .lines()
            .enumerate()
            .filter(|(_, l)| !l.trim().is_empty());
        let all = lines
            .map(|(i, line)| {
                let where_ = format!("{}:{}: ", path.display(), i + 1);
                let line: Line = serde_json::from_str(line).map_err(|e| {
                    input(format!(
                        "{where_}not a prompt ({e}): write {{\"prompt\": …}}"
                    ))
                })?;
                Ok((where_, of(&line.prompt)))
            })
            .collect::<Result<Vec<_>>>()?;
        if all.is_empty() {
            return Err(input(format!(
                "{} has no prompts: write one {{\"prompt\": …}} a line",
                path.display()
            )));
        }
        return Ok(all);
    }
    let prompt = args.prompt.as_deref().unwrap_or_default();
    Ok(vec![(String::new(), of(prompt))])
}

fn run(
    lab: &mut Lab,
    args: &Args,
    conversation: Conversation,
    lanes: &[LaneRequest],
) -> Result<()> {
    let mut request = Request {
        conversation,
        lanes: lanes.to_vec(),
        max_tokens: args.max_tokens,
        sampling: Sampling {
            temperature: args.temperature,
            top_k: args.top_k,
            top_p: args.top_p,
            seed: args.seed,
        },
        top: args.top,
        show: Vec::new(),
        next: args.next,
    };
    if let Some(doubt) = &args.doubt {
        request.conversation = pollster::block_on(lab.doubted(&request, doubt))?;
    }
    if !args.json
        && args.doubt.is_some()
        && let Conversation::Messages(messages) = &request.conversation
    {
        for m in messages {
            println!("[{}] {}", format!("{:?}", m.role).to_lowercase(), m.content);
        }
        println!();
    }
    let (session, plans) = lab.start(&request)?;
    let live = !args.json && request.lanes.len() == 1;
    let out = drive(lab, session, &plans, &request, args, live)?;
    let (prompt, lanes) = out;
    if args.json {
        let line = trace::json(lab, &request.conversation, &prompt, lanes)?;
        println!("{line}");
    } else {
        for lane in &lanes {
            if live {
                println!();
            } else {
                println!("— {}", lane.title());
                println!("{}", lane.text.trim_end());
            }
            if let Some(score) = lane.score {
                println!("  detector {score:.2}");
            }
            println!();
        }
    }
    Ok(())
}

fn drive(
    lab: &mut Lab,
    mut session: Session,
    plans: &[LanePlan],
    request: &Request,
    args: &Args,
    live: bool,
) -> Result<(Vec<PromptToken>, Vec<Lane>)> {
    let shown = session.plan().shown.clone();
    let prompt = session.plan().prompt.clone();
    let h = lab.h_neurons().unwrap_or_default();
    let mut lanes: Vec<Lane> = plans
        .iter()
        .zip(&request.lanes)
        .map(|(plan, asked)| Lane::new(plan, asked))
        .collect();
    let mut shares = vec![Shares::default(); lanes.len()];
    // Which of the shown neurons each lane lists.
    let listed: Vec<Vec<usize>> = plans
        .iter()
        .map(|plan| {
            let own = match (plan.set, args.show) {
                (Set::None | Set::H, _) | (_, Show::H) => &h,
                _ => &plan.neurons,
            };
            (0..shown.len())
                .filter(|&i| own.contains(&shown[i]))
                .collect()
        })
        .collect();
    loop {
        let step = pollster::block_on(lab.step(&mut session))?;
        if let Some(notice) = lab.take_notice() {
            eprintln!("hneurons: {notice}");
        }
        for event in step.lanes {
            let (lane, listed) = (&mut lanes[event.lane], &listed[event.lane]);
            let shares = &mut shares[event.lane];
            for read in &event.read {
                if let Some(pull) = read.pull {
                    shares.read(pull);
                }
                let neurons = listed_of(&shown, listed, read);
                match read.at.checked_sub(prompt.len()) {
                    None => lane.prompt_neurons.push(neurons),
                    Some(i) => {
                        lane.tokens[i].neurons = neurons;
                        lane.tokens[i].top = read.top.iter().map(Contribution::of).collect();
                    }
                }
            }
            if let Some(news) = &event.span {
                shares.tell(news);
            }
            if let Some(token) = event.token {
                if live {
                    print!("{}", token.text);
                    // A closed pipe is found when the line is written.
                    let _ = stdout().flush();
                }
                lane.text.push_str(&token.text);
                lane.tokens.push(Token {
                    id: token.id,
                    text: token.text,
                    logprob: token.logprob,
                    neurons: Vec::new(),
                    top: Vec::new(),
                    share: None,
                    next: token.next,
                });
            }
            lane.score = event.score.or(lane.score);
            lane.stopped = event.stopped.or(lane.stopped);
            lane.limit = event.limit.or(lane.limit);
        }
        if step.done {
            for (lane, shares) in lanes.iter_mut().zip(shares) {
                for (token, share) in lane.tokens.iter_mut().zip(shares.shares()) {
                    token.share = Some(share);
                }
            }
            return Ok((prompt, lanes));
        }
    }
}
