//! What every neuron contributed to an answer: the classifier's features.
//!
//! An answer is read again, prompt and all, as the model read it when it wrote it, and the contributions (CETT) of all neurons
//! are averaged over three places: the answer's own words, the other tokens of the response, and the prompt's last token.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::{
    answers::Subject,
    log::{Log, io},
    questions::Question,
};
use crate::{
    engine::{Edits, Feed, Logits, Watch, contribution, open_lanes},
    error::{Error, Result},
    neurons::answer_words,
    text::TextStream,
};

/// Answers read together.
const TOGETHER: usize = 16;

/// Where contributions are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The words of the answer that are new (see [`answer_words`]).
    Answer = 0,
    /// The other tokens of the response.
    Other = 1,
    /// The last token of the prompt.
    Prompt = 2,
}

/// How many places there are.
const PLACES: usize = 3;

/// One answer to be read.
pub struct Item<'a> {
    /// What was asked.
    pub question: &'a Question,
    /// How (see [`super::answers::Asking::prompt`]).
    pub template: &'a str,
    /// What was answered.
    pub ids: &'a [u32],
}

/// What was read of one answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Which question.
    pub id: String,
    /// Tokens of the answer's words, of the rest, and 1.
    pub tokens: [usize; PLACES],
}

/// Features of answers in a file: for each entry three rows of all neurons, f32, little-endian. A part without tokens is all zero.
pub struct Contributions {
    file: File,
    path: std::path::PathBuf,
    neurons: usize,
    /// What the rows belong to, in their order.
    pub entries: Vec<Entry>,
}

impl Contributions {
    /// Reads what has not been read yet; goes on where an earlier run stopped. `rows` is the file of numbers, `log` that of what
    /// they belong to.
    ///
    /// # Errors
    /// As [`crate::engine::Engine::forward`] and [`Log`].
    pub fn make(
        subject: &mut Subject<'_>,
        items: &[Item<'_>],
        rows: &Path,
        log: &Path,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self> {
        let neurons = subject.engine.blueprint().neuron_count();
        let (mut log_file, entries) = Log::open::<Entry>(log)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(rows)
            .map_err(|e| io(rows, "open", e))?;
        let record = (PLACES * neurons * size_of::<f32>()) as u64;
        let mut contributions = Self {
            file,
            path: rows.to_owned(),
            neurons,
            entries,
        };
        // Rows are written before their entry, so that an entry always has its rows.
        let held = contributions.entries.len() as u64 * record;
        let length = contributions
            .file
            .metadata()
            .map_err(|e| io(rows, "read", e))?
            .len();
        if length < held {
            return Err(Error::input(format!(
                "{} is shorter than {} says: delete both to do their work again",
                rows.display(),
                log.display()
            )));
        }
        contributions
            .file
            .set_len(held)
            .map_err(|e| io(rows, "write", e))?;
        let have: std::collections::HashSet<String> =
            contributions.entries.iter().map(|e| e.id.clone()).collect();
        let left: Vec<&Item<'_>> = items
            .iter()
            .filter(|i| !have.contains(&i.question.id))
            .collect();
        for some in left.chunks(TOGETHER) {
            for (entry, rows_of) in read(subject, some)? {
                let bytes: Vec<u8> = rows_of.iter().flat_map(|v| v.to_le_bytes()).collect();
                contributions
                    .file
                    .seek(SeekFrom::End(0))
                    .and_then(|_| contributions.file.write_all(&bytes))
                    .map_err(|e| io(rows, "write", e))?;
                log_file.push(&entry)?;
                contributions.entries.push(entry);
            }
            progress(contributions.entries.len(), items.len());
        }
        Ok(contributions)
    }

    /// The rows of one place for the answers to `ids`, one after the other; those not read, or without tokens there, are left
    /// out of both. Gives the ids kept and the matrix, `ids x neurons`, row by row.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`], [`crate::ErrorKind::Memory`].
    pub fn matrix<'a>(
        &mut self,
        ids: &[&'a str],
        place: Place,
    ) -> Result<(Vec<&'a str>, Vec<f32>)> {
        let at: std::collections::HashMap<&str, usize> = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, e)| e.tokens[place as usize] > 0)
            .map(|(i, e)| (e.id.as_str(), i))
            .collect();
        let kept: Vec<(&'a str, usize)> = ids
            .iter()
            .filter_map(|id| at.get(id).map(|&i| (*id, i)))
            .collect();
        let mut values = Vec::new();
        values
            .try_reserve_exact(kept.len() * self.neurons)
            .map_err(|_| Error::memory("the features", kept.len() * self.neurons * 4))?;
        let mut bytes = vec![0u8; self.neurons * size_of::<f32>()];
        for (_, i) in &kept {
            let offset = (i * PLACES + place as usize) * bytes.len();
            self.file
                .seek(SeekFrom::Start(offset as u64))
                .and_then(|_| self.file.read_exact(&mut bytes))
                .map_err(|e| io(&self.path, "read", e))?;
            values.extend(
                bytes
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .map(|b| f32::from_le_bytes(*b)),
            );
        }
        Ok((kept.into_iter().map(|(id, _)| id).collect(), values))
    }
}

/// Reads some answers together.
fn read(subject: &mut Subject<'_>, items: &[&Item<'_>]) -> Result<Vec<(Entry, Vec<f32>)>> {
    let mut tokens = Vec::with_capacity(items.len());
    for item in items {
        let prompt = subject.prompt(item.template, item.question)?;
        tokens.push((prompt.len(), [&prompt, item.ids].concat()));
    }
    let lanes = open_lanes(subject.engine, vec![&Edits::none(); items.len()])?;
    // All but the last token of the prompt are read without being looked at.
    let first: Vec<Feed<'_>> = lanes
        .iter()
        .zip(&tokens)
        .filter(|(_, (prompt, _))| *prompt > 1)
        .map(|(&lane, (prompt, ids))| Feed {
            lane,
            tokens: &ids[..prompt - 1],
            logits: Logits::None,
        })
        .collect();
    let rest: Vec<Feed<'_>> = lanes
        .iter()
        .zip(&tokens)
        .map(|(&lane, (prompt, ids))| Feed {
            lane,
            tokens: &ids[prompt - 1..],
            logits: Logits::None,
        })
        .collect();
    let readings = pollster::block_on(async {
        if !first.is_empty() {
            subject.engine.forward(&first, &Watch::None).await?;
        }
        subject.engine.forward(&rest, &Watch::All).await
    });
    for &lane in &lanes {
        subject.engine.close(lane);
    }
    let config = subject.engine.blueprint().clone();
    let norms = subject.engine.column_norms();
    let all = config.neuron_count();
    let mut out = Vec::with_capacity(items.len());
    for (item, reading) in items.iter().zip(readings?) {
        let message = item
            .template
            .replace(
                "{context}",
                item.question.context.as_deref().unwrap_or_default(),
            )
            .replace("{question}", &item.question.question);
        let mut stream = TextStream::default();
        let pieces = item
            .ids
            .iter()
            .map(|&id| stream.push(subject.text.bytes(id)));
        let texts: Vec<String> = pieces.collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let span = answer_words(&message, &texts);
        let mut sums = vec![0f64; PLACES * all];
        let mut counts = [0usize; PLACES];
        for (i, activity) in reading.activity.iter().enumerate() {
            let place = match i.checked_sub(1) {
                None => Place::Prompt,
                Some(t) if span[t] => Place::Answer,
                Some(_) => Place::Other,
            } as usize;
            counts[place] += 1;
            let sums = &mut sums[place * all..][..all];
            for (at, ((sum, &z), &norm)) in sums.iter_mut().zip(&activity.z).zip(norms).enumerate()
            {
                let output = activity.output_norms[at / config.neurons];
                *sum += f64::from(contribution(z, norm, output));
            }
        }
        let rows = sums
            .chunks_exact(all)
            .zip(counts)
            .flat_map(|(sums, n)| sums.iter().map(move |s| (s / n.max(1) as f64) as f32))
            .collect();
        let id = item.question.id.clone();
        out.push((Entry { id, tokens: counts }, rows));
    }
    Ok(out)
}
