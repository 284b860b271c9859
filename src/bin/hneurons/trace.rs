//! A trace: one prompt's run as `hneurons run --json` prints it, an object a line.

use hneurons::{
    Error, ErrorKind, Result,
    lab::{Lab, LanePlan, LaneRequest, Set},
    neurons::Neuron,
    session::{Candidate, Limit, Read, Stopped},
    text::{Conversation, Message, PromptToken},
};
use serde::Serialize;

#[derive(Serialize)]
struct Trace<'a> {
    model: Model<'a>,
    engine: String,
    artifact: Option<ArtifactId<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<&'a [Message]>,
    prompt_tokens: Vec<u32>,
    prompt: &'a [PromptToken],
    lanes: Vec<Lane>,
}

#[derive(Serialize)]
struct Model<'a> {
    id: &'a str,
    name: &'a str,
    sha256: &'a str,
}

#[derive(Serialize)]
struct ArtifactId<'a> {
    id: &'a str,
    provisional: bool,
}

#[derive(Serialize)]
pub struct Lane {
    pub alpha: f32,
    pub set: Set,
    /// The lever that is edited, or that a random set is a control of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lever: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    pub edited: Vec<(usize, usize)>,
    pub text: String,
    pub score: Option<f64>,
    pub stopped: Option<Stopped>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
    /// Contributions at each prompt token, as at the answer's.
    pub prompt_neurons: Vec<Vec<Contribution>>,
    pub tokens: Vec<Token>,
}

#[derive(Serialize)]
pub struct Token {
    pub id: u32,
    pub text: String,
    pub logprob: f64,
    pub neurons: Vec<Contribution>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub top: Vec<Contribution>,
    /// What it adds to the log-odds of the lane's score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<Candidate>,
}

#[derive(Clone, Serialize)]
pub struct Contribution {
    layer: usize,
    index: usize,
    contribution: f32,
}

impl Lane {
    /// A lane that has said nothing yet.
    pub fn new(plan: &LanePlan, asked: &LaneRequest) -> Self {
        Self {
            alpha: plan.alpha,
            set: plan.set,
            lever: plan.lever.clone(),
            seed: (plan.set == Set::Random).then_some(asked.seed),
            edited: plan.neurons.iter().map(|n| (n.layer, n.index)).collect(),
            text: String::new(),
            score: None,
            stopped: None,
            limit: None,
            prompt_neurons: Vec::new(),
            tokens: Vec::new(),
        }
    }

    /// For people.
    pub fn title(&self) -> String {
        let name = match (self.set, self.lever.as_deref()) {
            (Set::None, _) => return "as trained".to_owned(),
            _ if self.alpha == 1.0 => return "as trained (alpha 1)".to_owned(),
            (Set::H, _) => "H-Neurons".to_owned(),
            (Set::Random, None) => "random control".to_owned(),
            (Set::Random, Some(id)) => format!("random control of lever {id}"),
            (Set::Custom, _) => "my selection".to_owned(),
            (Set::Lever, id) => format!("lever {}", id.unwrap_or_default()),
        };
        format!("{name} x {}", self.alpha)
    }
}

impl Contribution {
    pub fn of(&(neuron, contribution): &(Neuron, f32)) -> Self {
        Self {
            layer: neuron.layer,
            index: neuron.index,
            contribution,
        }
    }
}

/// What was read of those of the `shown` neurons that a lane lists.
pub fn listed_of(shown: &[Neuron], listed: &[usize], read: &Read) -> Vec<Contribution> {
    listed
        .iter()
        .map(|&i| Contribution::of(&(shown[i], read.contributions[i])))
        .collect()
}

/// The run as one line of JSON.
pub fn json(
    lab: &mut Lab,
    conversation: &Conversation,
    prompt: &[PromptToken],
    lanes: Vec<Lane>,
) -> Result<String> {
    let engine = lab.engine().description();
    let (file, artifact) = (lab.file(), lab.artifact());
    let trace = Trace {
        model: Model {
            id: artifact.map_or("", |a| &a.model.id),
            name: artifact.map_or(&file.blueprint().name, |a| &a.model.name),
            sha256: file.sha256(),
        },
        engine,
        artifact: artifact.map(|a| ArtifactId {
            id: &a.id,
            provisional: a.provisional,
        }),
        messages: match conversation {
            Conversation::Messages(m) => Some(m),
            Conversation::Raw(_) => None,
        },
        prompt_tokens: prompt.iter().map(|t| t.id).collect(),
        prompt,
        lanes,
    };
    serde_json::to_string(&trace).map_err(|e| {
        Error::new(
            ErrorKind::Internal,
            format!("the result cannot be written ({e})"),
        )
    })
}
