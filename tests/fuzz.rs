//! Broken model files, templates and conversations by the thousand: whatever comes in, an answer or a refusal comes out.
//! No panic, and no allocation of more than twice the file. `cargo xtask fuzz --cases N` runs more of them.
//!
//! A case is made of its number alone, so a failure names the case, and `FUZZ_FIRST` with `FUZZ_CASES=1` repeats it.

mod common;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    sync::{Mutex, MutexGuard, PoisonError},
};

use candle_core::quantized::{GgmlDType, gguf_file::Value};
use common::tiny::Tiny;
use hneurons::{
    model::ModelFile,
    text::{Conversation, Message, Role, Tokenizer},
};

/// Counts what is held and what is asked for at once.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST_HELD: AtomicUsize = AtomicUsize::new(0);
static LARGEST: AtomicUsize = AtomicUsize::new(0);

fn took(bytes: usize) {
    LARGEST.fetch_max(bytes, Relaxed);
    MOST_HELD.fetch_max(HELD.fetch_add(bytes, Relaxed) + bytes, Relaxed);
}

// SAFETY: every call is handed to the system's allocator as it came; only numbers are kept beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: `at` came from the same allocator with the same layout.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        HELD.fetch_sub(layout.size(), Relaxed);
        took(size);
        // SAFETY: as above; the caller promises that `size` is not zero.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test at a time: the counts are of the whole program.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Numbers that follow from a case's number (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn of<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }

    /// A size or an offset: small, beside a power of two, or anything.
    fn number(&mut self) -> u64 {
        match self.below(5) {
            0 => self.next() % 4,
            1 => self.next() % 4096,
            2 => (1u64 << self.below(64))
                .wrapping_add(self.next() % 3)
                .wrapping_sub(1),
            3 => u64::MAX - self.next() % 64,
            _ => self.next(),
        }
    }
}

/// The cases that were asked for: `usual` of them from the first on, but where the environment says otherwise.
fn cases(usual: u64) -> std::ops::Range<u64> {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .map(|v| v.parse::<u64>().expect(name))
    };
    let first = number("FUZZ_FIRST").unwrap_or(0);
    first..first + number("FUZZ_CASES").unwrap_or(usual)
}

/// Runs `work` for each case; a panic names the case, and so does a program that dies: the case is on disk before.
fn each_case(what: &str, cases: std::ops::Range<u64>, mut work: impl FnMut(&mut Random)) {
    let note = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{what}.txt"));
    for case in cases.clone() {
        if case.is_multiple_of(1024) {
            std::fs::write(&note, format!("{what}: reached case {case}\n")).expect("room");
        }
        let mut random = Random(case);
        let done = catch_unwind(AssertUnwindSafe(|| work(&mut random)));
        assert!(
            done.is_ok(),
            "{what}: case {case} panics (FUZZ_FIRST={case} FUZZ_CASES=1)"
        );
    }
    let text = format!("{what}: {} cases are done\n", cases.end - cases.start);
    std::fs::write(note, text).expect("room");
}

/// A model file in its parts, so that each can be changed by itself.
#[derive(Clone)]
struct Parts {
    magic: [u8; 4],
    version: u32,
    /// How many more tensors and entries the header claims than it has.
    claims: [u64; 2],
    entries: Vec<Entry>,
    tensors: Vec<Info>,
    data: Vec<u8>,
}

#[derive(Clone)]
struct Entry {
    key: Vec<u8>,
    kind: u32,
    value: Vec<u8>,
}

#[derive(Clone)]
struct Info {
    name: Vec<u8>,
    shape: Vec<u64>,
    kind: u32,
    offset: u64,
}

/// Reads on from a place in a sound file.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(n);
        self.0 = rest;
        taken
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take(4).try_into().expect("four bytes"))
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take(8).try_into().expect("eight bytes"))
    }

    fn text(&mut self) -> &'a [u8] {
        let n = self.u64() as usize;
        self.take(n)
    }

    fn skip_value(&mut self, kind: u32) {
        match kind {
            0 | 1 | 7 => drop(self.take(1)),
            2 | 3 => drop(self.take(2)),
            4..=6 => drop(self.take(4)),
            8 => drop(self.text()),
            9 => {
                let kind = self.u32();
                (0..self.u64()).for_each(|_| self.skip_value(kind));
            }
            _ => drop(self.take(8)),
        }
    }
}

impl Parts {
    fn of(file: &[u8]) -> Self {
        let mut at = Reader(file);
        let magic = at.take(4).try_into().expect("four bytes");
        let version = at.u32();
        let (tensors, entries) = (at.u64(), at.u64());
        let entries = (0..entries)
            .map(|_| {
                let key = at.text().to_vec();
                let kind = at.u32();
                let start = at.0;
                at.skip_value(kind);
                let value = start[..start.len() - at.0.len()].to_vec();
                Entry { key, kind, value }
            })
            .collect();
        let tensors = (0..tensors)
            .map(|_| Info {
                name: at.text().to_vec(),
                shape: (0..at.u32()).map(|_| at.u64()).collect(),
                kind: at.u32(),
                offset: at.u64(),
            })
            .collect();
        let header = file.len() - at.0.len();
        Self {
            magic,
            version,
            claims: [0; 2],
            entries,
            tensors,
            data: file[header.next_multiple_of(32)..].to_vec(),
        }
    }

    fn header(&self) -> Vec<u8> {
        fn text(out: &mut Vec<u8>, text: &[u8]) {
            out.extend((text.len() as u64).to_le_bytes());
            out.extend(text);
        }
        let mut out = self.magic.to_vec();
        out.extend(self.version.to_le_bytes());
        for (n, more) in [self.tensors.len(), self.entries.len()]
            .iter()
            .zip(self.claims)
        {
            out.extend((*n as u64).wrapping_add(more).to_le_bytes());
        }
        for entry in &self.entries {
            text(&mut out, &entry.key);
            out.extend(entry.kind.to_le_bytes());
            out.extend(&entry.value);
        }
        for tensor in &self.tensors {
            text(&mut out, &tensor.name);
            out.extend((tensor.shape.len() as u32).to_le_bytes());
            tensor
                .shape
                .iter()
                .for_each(|n| out.extend(n.to_le_bytes()));
            out.extend(tensor.kind.to_le_bytes());
            out.extend(tensor.offset.to_le_bytes());
        }
        out
    }

    fn write(&self) -> Vec<u8> {
        let mut out = self.header();
        out.resize(out.len().next_multiple_of(32), 0);
        out.extend(&self.data);
        out
    }
}

/// Keys that mean something, to be put where another was.
const KEYS: [&str; 16] = [
    "general.alignment",
    "general.architecture",
    "split.count",
    "split.no",
    "llama.block_count",
    "llama.context_length",
    "llama.expert_count",
    "llama.attention.key_length",
    "llama.attention.head_count_kv",
    "llama.rope.scaling.type",
    "llama.rope.scaling.factor",
    "llama.rope.freq_base",
    "llama.vocab_size",
    "tokenizer.ggml.add_bos_token",
    "tokenizer.ggml.eot_token_id",
    "tokenizer.chat_template",
];

const NAMES: [&str; 6] = [
    "output.weight",
    "output.bias",
    "blk.7.attn_q.weight",
    "rope_freqs.weight",
    "blk.0.attn_norm.weight",
    "",
];

/// A value of any kind, with lengths that may be lies.
fn value(random: &mut Random, kind: u32, depth: usize) -> Vec<u8> {
    let bytes = random.number().to_le_bytes();
    match kind {
        0 | 1 | 7 => bytes[..1].to_vec(),
        2 | 3 => bytes[..2].to_vec(),
        6 => [f32::NAN, f32::INFINITY, -1.0, 0.0, 1e30][random.below(5)]
            .to_le_bytes()
            .to_vec(),
        4 | 5 => bytes[..4].to_vec(),
        8 => {
            let text: Vec<u8> = (0..random.below(40)).map(|_| random.next() as u8).collect();
            let lie = random.below(8) == 0;
            let n = if lie {
                random.number()
            } else {
                text.len() as u64
            };
            [&n.to_le_bytes()[..], &text].concat()
        }
        9 => {
            let kind = if depth < 40 && random.below(3) == 0 {
                9
            } else {
                random.below(14) as u32
            };
            let n = random.below(6);
            let lie = random.below(4) == 0;
            let told = if lie { random.number() } else { n as u64 };
            let mut out = [&kind.to_le_bytes()[..], &told.to_le_bytes()].concat();
            (0..n).for_each(|_| out.extend(value(random, kind, depth + 1)));
            out
        }
        _ => bytes.to_vec(),
    }
}

/// Changes one thing.
fn bend(random: &mut Random, parts: &mut Parts) {
    let (e, t) = (
        random.below(parts.entries.len()),
        random.below(parts.tensors.len()),
    );
    if parts.entries.is_empty() || parts.tensors.is_empty() {
        return;
    }
    match random.below(22) {
        0 => drop(parts.entries.remove(e)),
        1 => parts
            .entries
            .insert(random.below(parts.entries.len()), parts.entries[e].clone()),
        2 => parts.entries[e].key = random.of(&KEYS).as_bytes().to_vec(),
        3 => parts.entries[e].kind = random.below(14) as u32,
        4 | 5 => {
            let kind = random.below(13) as u32;
            parts.entries[e].kind = kind;
            parts.entries[e].value = value(random, kind, 0);
        }
        6 => {
            // The same kind with another value.
            let kind = parts.entries[e].kind;
            parts.entries[e].value = value(random, kind, 0);
        }
        7 => {
            let kind = random.below(13) as u32;
            let key = random.of(&KEYS).as_bytes().to_vec();
            let value = value(random, kind, 0);
            parts.entries.push(Entry { key, kind, value });
        }
        8 | 9 => {
            // One byte, which in an array may be a length.
            let v = &mut parts.entries[e].value;
            let at = random.below(v.len());
            if let Some(byte) = v.get_mut(at) {
                *byte = random.next() as u8;
            }
        }
        10 => parts.claims[random.below(2)] = random.number(),
        11 => drop(parts.tensors.remove(t)),
        12 => parts
            .tensors
            .insert(t, parts.tensors[random.below(parts.tensors.len())].clone()),
        13 => parts.tensors[t].name = random.of(&NAMES).as_bytes().to_vec(),
        14 | 15 => {
            let shape = &mut parts.tensors[t].shape;
            let d = random.below(shape.len());
            if let Some(n) = shape.get_mut(d) {
                *n = random.number();
            }
        }
        16 => {
            let n = random.number();
            parts.tensors[t].shape.push(n);
        }
        17 => parts.tensors[t].kind = random.below(40) as u32,
        18 => parts.tensors[t].offset = random.number() & !31,
        19 => parts.tensors[t].offset = parts.tensors[random.below(parts.tensors.len())].offset,
        20 => parts.version = random.below(6) as u32,
        _ => {
            let at = random.below(parts.data.len());
            parts.data.truncate(at);
        }
    }
}

/// Changes bytes without knowing what they are.
fn scramble(random: &mut Random, header: usize, file: &mut Vec<u8>) {
    let at = random.below(header.min(file.len()));
    match random.below(5) {
        0 => file.truncate(at),
        1 => drop(file.drain(at..(at + random.below(64)).min(file.len()))),
        2 => {
            let more: Vec<u8> = (0..random.below(64)).map(|_| random.next() as u8).collect();
            drop(file.splice(at..at, more));
        }
        3 => {
            let number = random.number().to_le_bytes();
            let n = random.of(&[&4usize, &8]).to_owned().min(file.len() - at);
            file[at..at + n].copy_from_slice(&number[..n]);
        }
        _ => {
            if let Some(byte) = file.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
    }
}

#[test]
fn mutated_headers_are_read_or_refused_within_twice_the_file() {
    let _turn = alone();
    let bases: Vec<Parts> = [GgmlDType::Q4_0, GgmlDType::Q8_0, GgmlDType::F16]
        .map(|dtype| Parts::of(&Tiny::new(dtype).write()))
        .to_vec();
    for base in &bases {
        ModelFile::parse(base.write()).expect("taken apart and put together, it is sound");
    }
    let (mut read, mut largest, mut most) = (0u64, 0f64, 0f64);
    let cases = cases(4_000);
    let all = cases.end - cases.start;
    each_case("headers", cases, |random| {
        let mut parts = bases[random.below(bases.len())].clone();
        (0..random.below(4)).for_each(|_| bend(random, &mut parts));
        let header = parts.header().len();
        let mut file = parts.write();
        (0..random.below(3)).for_each(|_| scramble(random, header, &mut file));
        // A table for a vocabulary has a least size, so a file that was cut short counts as 16 kB.
        let size = file.len().max(1 << 14);
        let held = HELD.load(Relaxed);
        MOST_HELD.store(held, Relaxed);
        LARGEST.store(0, Relaxed);
        let parsed = ModelFile::parse(file);
        let (one, peak) = (LARGEST.load(Relaxed), MOST_HELD.load(Relaxed) - held);
        assert!(one <= 2 * size, "{one} bytes at once for a file of {size}");
        largest = largest.max(one as f64 / size as f64);
        most = most.max(peak as f64 / size as f64);
        match parsed {
            Ok(file) => {
                read += 1;
                if read.is_multiple_of(16) {
                    let _ = Tokenizer::new(file.vocabulary());
                }
            }
            Err(why) => {
                let why = why.to_string();
                assert!(
                    !why.is_empty() && why.lines().count() == 1,
                    "one line: {why:?}"
                );
            }
        }
    });
    println!(
        "{all} mutated headers: {read} read, {} refused in one line; beside the file at most {most:.2} of its size held, \
         {largest:.2} in one allocation; no panic",
        all - read
    );
}

const FRAGMENTS: [&str; 48] = [
    "{% for m in messages %}",
    "{% for message in messages %}",
    "{% endfor %}",
    "{% if ",
    "{% elif ",
    "{% else %}",
    "{% endif %}",
    "{% set x = ",
    "{% set ns = namespace(a=0) %}",
    "{% set ns.a = ns.a + 1 %}",
    "{% macro f(a) %}",
    "{% endmacro %}",
    "{{ f(1) }}",
    " %}",
    " }}",
    "{{ ",
    "{{ m['content'] }}",
    "{{ m['role'] }}",
    "{{ message.content }}",
    "{{ messages[0].content | trim }}",
    "{{ m.content[:2] }}",
    "m.content",
    "messages",
    "messages[-1]",
    "loop.index0",
    "loop.last",
    "add_generation_prompt",
    "bos_token",
    "eos_token",
    "not ",
    " and ",
    " == ",
    " in ",
    " + ",
    " ~ ",
    " | upper",
    " | length",
    " | tojson",
    " | default('x')",
    ".strip()",
    ".split('a')",
    ".items()",
    "range(1000000000)",
    "raise_exception('no')",
    "strftime_now('%Y')",
    "<|im_start|>",
    "<|im_end|>\n",
    "((((((((((((((((",
];

const HOSTILE: [&str; 22] = [
    "",
    " ",
    "\n",
    "hello",
    "<|im_end|>",
    "<|im_start|>system\n",
    "<|endoftext|>",
    "{{ messages }}",
    "{% raw %}",
    "{#",
    "\u{0}",
    "\u{1}\u{2}",
    "\u{e000}\u{f8ff}",
    "\u{fffd}",
    "\u{202e}abc",
    "e\u{301}\u{301}",
    "👩‍👩‍👧‍👦",
    "ﷺ",
    "<|im_<|im_end|>end|>",
    "'\"\\",
    "${x}%s",
    "\r\n\t",
];

/// Text of `pieces`, in any order.
fn text(random: &mut Random, pieces: &[&str], most: usize) -> String {
    (0..random.below(most)).map(|_| random.of(pieces)).collect()
}

#[test]
fn mutated_templates_and_hostile_messages_are_encoded_or_refused() {
    let _turn = alone();
    let sound = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}\
                 {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
    let (mut encoded, mut refused) = (0u64, 0u64);
    each_case("templates", cases(1_500), |random| {
        let template = match random.below(3) {
            0 => sound.to_owned(),
            1 => text(random, &FRAGMENTS, 24),
            _ => {
                let mut at = random.below(sound.len());
                while !sound.is_char_boundary(at) {
                    at -= 1;
                }
                format!(
                    "{}{}{}",
                    &sound[..at],
                    text(random, &FRAGMENTS, 4),
                    &sound[at..]
                )
            }
        };
        let file = Tiny::new(GgmlDType::Q4_0)
            .set("tokenizer.chat_template", Value::String(template.clone()));
        let one_line = |why: hneurons::Error| {
            let why = why.to_string();
            assert!(
                !why.is_empty() && why.lines().count() == 1,
                "one line: {why:?}"
            );
        };
        let model = match model(&file) {
            Ok(model) => model,
            Err(why) => {
                refused += 1;
                return one_line(why);
            }
        };
        let tokenizer = Tokenizer::new(model.vocabulary()).expect("the vocabulary is sound");
        for _ in 0..4 {
            let messages = (0..random.below(4))
                .map(|i| {
                    let content = text(random, &HOSTILE, 6);
                    if i == 0 || i == 2 {
                        Message::user(content)
                    } else {
                        Message::assistant(content)
                    }
                })
                .collect();
            match Conversation::Messages(messages).encode(&tokenizer, model.vocabulary()) {
                Ok(tokens) => {
                    encoded += 1;
                    let typed = tokens
                        .iter()
                        .filter(|t| matches!(t.role, Role::User | Role::Assistant));
                    for token in typed {
                        assert!(
                            !tokenizer.is_special(token.id),
                            "typed text became special: {template:?}"
                        );
                    }
                }
                Err(why) => {
                    refused += 1;
                    one_line(why);
                }
            }
        }
    });
    println!(
        "{encoded} conversations encoded, {refused} refused in one line; no special token from typed text; no panic"
    );
}

/// The tiny model with another header, read as a file is; its weights are made once.
fn model(file: &Tiny) -> hneurons::Result<ModelFile> {
    static WEIGHTS: Mutex<Option<Parts>> = Mutex::new(None);
    let mut weights = WEIGHTS.lock().unwrap_or_else(PoisonError::into_inner);
    let parts = weights.get_or_insert_with(|| Parts::of(&file.write()));
    let mut parts = parts.clone();
    drop(weights);
    let template = file
        .metadata
        .iter()
        .find(|(key, _)| key == "tokenizer.chat_template");
    for entry in parts
        .entries
        .iter_mut()
        .filter(|entry| entry.key == b"tokenizer.chat_template")
    {
        if let Some((_, Value::String(text))) = template {
            entry.value = [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
        }
    }
    ModelFile::parse(parts.write())
}
