//! Every kernel against plain arithmetic, over awkward shapes, in each of its forms that this adapter runs.
//!
//! What an adapter cannot run is printed with the reason. Without any adapter these tests fail: lavapipe is one
//! (Debian: mesa-vulkan-drivers).

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, OnceLock},
};

use proptest::{prelude::*, test_runner::Config as Cases};

use super::{Form, Kernel, SHARES, Tiling, Use};
use crate::{
    engine::{
        contribution,
        gpu::{
            bound::{FRAME, PLACE},
            device::{Buffer, Device, Options},
            lanes::PAGE,
            model::{CAPACITY, Dims, WANTED, stride},
            readback::{Mapping, Staging},
            weights::{Matrix, Order},
        },
    },
    model::Blueprint,
    quant::{Dense, Form as Stored, Matrix as Source, Quantization},
};

/// The device, and the pipelines compiled so far: compiling is most of these tests' time.
struct Rig {
    device: Device,
    pipelines: Mutex<HashMap<Form, wgpu::ComputePipeline>>,
}

fn rig() -> &'static Rig {
    static RIG: OnceLock<Rig> = OnceLock::new();
    RIG.get_or_init(|| {
        let device = pollster::block_on(Device::open(&Options::default(), 0)).expect(
            "these tests need a Vulkan, Metal or D3D12 adapter (Debian: mesa-vulkan-drivers)",
        );
        println!("adapter: {}", device.info.name);
        if !device.subgroups {
            println!("skipped: forms with subgroups, which this adapter lacks");
        }
        if !device.f16 {
            println!(
                "skipped: forms with shader-f16, which this adapter lacks or computes wrongly"
            );
        }
        Rig {
            device,
            pipelines: Mutex::default(),
        }
    })
}

/// The forms of threads and features that are tested.
fn forms() -> Vec<Form> {
    let device = &rig().device;
    let size = device.info.subgroup_min_size as usize;
    let base = device.form(Kernel::Embed, Stored::Dense(Dense::F32), 1);
    let mut forms = Vec::new();
    for (tiling, subgroups, shared, f16) in [
        (Tiling::WIDE, false, 0, false),
        (Tiling::EMULATED, false, 0, false),
        (Tiling::WIDE, device.subgroups, 0, device.f16),
        (
            Tiling::EMULATED,
            device.subgroups,
            if device.shared > 0 { size } else { 0 },
            device.f16,
        ),
    ] {
        let form = Form {
            tiling,
            subgroups,
            shared,
            f16,
            ..base
        };
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}

fn words(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

fn floats(words: &[u32]) -> Vec<f32> {
    words.iter().map(|&w| f32::from_bits(w)).collect()
}

enum Bind<'a> {
    Words(Vec<u32>),
    Buffer(&'a Buffer),
}

/// Runs a kernel; gives what its written bindings hold afterwards, in order.
fn run(form: &Form, bindings: Vec<Bind<'_>>, grid: [usize; 2]) -> Vec<Vec<u32>> {
    let rig = rig();
    let device = &rig.device;
    let layout = device.layout(form.kernel);
    let pipeline = rig
        .pipelines
        .lock()
        .expect("no test panics while it compiles")
        .entry(*form)
        .or_insert_with(|| device.pipeline(form, &layout))
        .clone();
    let uses = form.kernel.bindings();
    assert_eq!(uses.len(), bindings.len(), "bindings of {:?}", form.kernel);
    let made: Vec<Option<Buffer>> = bindings
        .iter()
        .zip(uses)
        .map(|(b, how)| match b {
            Bind::Buffer(_) => None,
            Bind::Words(words) => {
                let usage = match how {
                    Use::Uniform => wgpu::BufferUsages::UNIFORM,
                    Use::Read | Use::Write => wgpu::BufferUsages::STORAGE,
                };
                let usage = usage | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
                let buffer = device.buffer("test", words.len() * 4, usage);
                device.write(&buffer, 0, words);
                Some(buffer)
            }
        })
        .collect();
    let buffer = |i: usize| match (&bindings[i], &made[i]) {
        (Bind::Buffer(b), _) => *b,
        (_, Some(b)) => b,
        _ => unreachable!("every list of words has a buffer"),
    };
    let entries: Vec<_> = (0..bindings.len())
        .map(|i| wgpu::BindGroupEntry {
            binding: i as u32,
            resource: buffer(i).as_entire_binding(),
        })
        .collect();
    let group = device.device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &layout,
        entries: &entries,
    });
    let mut encoder = device.device.create_command_encoder(&Default::default());
    {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(grid[0] as u32, grid[1] as u32, 1);
    }
    let written: Vec<usize> = (0..uses.len()).filter(|&i| uses[i] == Use::Write).collect();
    let total: u64 = written.iter().map(|&i| buffer(i).size()).sum();
    let mut staging = Staging::default();
    let back = staging.take(device, total);
    let mut at = 0;
    for &i in &written {
        encoder.copy_buffer_to_buffer(buffer(i), 0, &back, at, buffer(i).size());
        at += buffer(i).size();
    }
    let submission = device.queue.submit([encoder.finish()]);
    let patience = std::time::Duration::from_secs(60);
    let mapping = Mapping::new(back, total, submission, patience);
    let all = pollster::block_on(staging.read(device, mapping)).expect("the kernel runs");
    let mut rest = &all[..];
    written
        .iter()
        .map(|&i| {
            let (own, more) = rest.split_at(buffer(i).size() as usize / 4);
            rest = more;
            own.to_vec()
        })
        .collect()
}

/// Numbers that repeat with their seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn float(&mut self) -> f32 {
        (self.next() % 20_001) as f32 / 10_000.0 - 1.0
    }

    fn floats(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.float()).collect()
    }

    fn below(&mut self, n: usize) -> usize {
        self.next() as usize % n
    }
}

/// A matrix of a format, on the device and as it is.
struct Weights {
    matrix: Matrix,
    rows: Vec<Vec<f32>>,
}

fn matrix(random: &mut Random, format: Quantization, rows: usize, columns: usize) -> Weights {
    let mut bytes = format.random_rows(rows, columns, random.next());
    format.tame(&mut bytes, || 0.02 * random.float());
    let source = Source::from_bytes(format, rows, columns, &bytes).expect("finite numbers");
    let device = &rig().device;
    let matrix =
        Matrix::upload(device, "test", &[&source], Order::Stacked, &[]).expect("there is room");
    let rows = (0..rows)
        .map(|r| {
            let mut out = vec![0f32; columns];
            source.dequantize_row(r, &mut out);
            out
        })
        .collect();
    Weights { matrix, rows }
}

impl Weights {
    fn times(&self, x: &[f32]) -> Vec<f64> {
        let dot = |row: &Vec<f32>| {
            row.iter()
                .zip(x)
                .map(|(w, x)| f64::from(*w) * f64::from(*x))
                .sum()
        };
        self.rows.iter().map(dot).collect()
    }
}

fn config(hidden: usize) -> Blueprint {
    Blueprint {
        name: "test".into(),
        architecture: "llama".into(),
        layers: 2,
        hidden,
        neurons: 32,
        heads: 1,
        kv_heads: 1,
        head_dim: hidden,
        rope_dim: hidden,
        context: 1024,
        vocabulary: 300,
        ..Blueprint::llama()
    }
}

/// The first of `tokens, wanted, wanted_at, watched, capture, report_at, ticket, edit_stride, edits, report_stride, top`.
fn frame<const N: usize>(values: [usize; N]) -> Bind<'static> {
    let mut words = vec![0; FRAME];
    for (w, v) in words.iter_mut().zip(values) {
        *w = v as u32;
    }
    Bind::Words(words)
}

fn close(got: f32, expected: f64, size: f64, what: &str) {
    let off = (f64::from(got) - expected).abs();
    assert!(
        off <= 2e-5 * size.max(1.0),
        "{what}: {got} where {expected} was expected"
    );
}

/// Rows of width `width`, each padded with zeros to whole blocks.
fn padded(rows: &[Vec<f32>]) -> Vec<f32> {
    rows.iter()
        .flat_map(|row| {
            let mut row = row.clone();
            row.resize(stride(row.len()), 0.0);
            row
        })
        .collect()
}

/// The residual stream's buffer: as it is, then times the norm's weight.
fn stream(plain: &[Vec<f32>], normed: &[Vec<f32>]) -> Vec<u32> {
    let width = stride(plain[0].len());
    let mut out = padded(plain);
    out.resize(CAPACITY * width, 0.0);
    out.extend(padded(normed));
    out.resize(2 * CAPACITY * width, 0.0);
    words(&out)
}

/// Random rows; with partial sums of squares (of `tiles` a row) and the inverse root mean square of each.
fn normed_rows(
    random: &mut Random,
    n: usize,
    c: &Blueprint,
    tiles: usize,
) -> (Vec<Vec<f32>>, Vec<f32>, Vec<f64>) {
    let rows: Vec<Vec<f32>> = (0..n).map(|_| random.floats(c.hidden)).collect();
    let mut partials = Vec::new();
    let mut inverse = Vec::new();
    for _ in 0..n {
        // Any numbers do: the kernel only adds them.
        let own: Vec<f32> = (0..tiles).map(|_| random.float().abs() + 0.1).collect();
        let sum: f64 = own.iter().map(|v| f64::from(*v)).sum();
        inverse.push(1.0 / (sum / c.hidden as f64 + f64::from(c.norm_eps)).sqrt());
        partials.extend(own);
    }
    (rows, partials, inverse)
}

fn cases(n: u32) -> Cases {
    Cases {
        cases: n,
        // The seed of a failure is printed; files beside the sources would only be noise.
        failure_persistence: None,
        ..Cases::default()
    }
}

fn format() -> impl Strategy<Value = Quantization> {
    prop::sample::select(Quantization::all().collect::<Vec<_>>())
}

/// Columns that a format allows: for floats any even number, else whole blocks.
fn columns(format: Quantization, n: usize) -> usize {
    match format.block_len() {
        1 => 2 * n,
        32 => 32 * n.div_ceil(12),
        more => more,
    }
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn unembed(seed: u64, format in format(), rows in 1usize..150, n in 1usize..40, tokens in 1usize..12) {
        let mut random = Random(seed);
        let c = Blueprint { vocabulary: rows, ..config(columns(format, n)) };
        let tiles = 1 + random.below(12);
        let w = matrix(&mut random, format, rows, c.hidden);
        let (x, partials, inverse) = normed_rows(&mut random, tokens, &c, tiles);
        // Some of the tokens, in another order.
        let wanted: Vec<usize> = (0..tokens.min(WANTED)).rev().step_by(2).collect();
        let batch: Vec<u32> = wanted.iter().flat_map(|&t| [t as u32, 0]).collect();
        let input = CAPACITY * stride(c.hidden) / 32;
        let dims = Dims { rows, blocks: w.matrix.blocks, layer: 0, tiles, input, extras: w.matrix.extras, turns: 0 }.words(&c);
        for form in forms() {
            let group = wanted.len().min(8);
            let form = Form { kernel: Kernel::Unembed, stored: w.matrix.form, tokens: group, ..form };
            let out = run(&form, vec![
                Bind::Words(dims.to_vec()),
                frame([tokens, wanted.len(), 0, 0, 0, 0, 0, 0, 0]),
                Bind::Buffer(&w.matrix.quads),
                Bind::Buffer(&w.matrix.scales),
                Bind::Words(stream(&x, &x)),
                Bind::Words(words(&partials)),
                Bind::Words(batch.clone()),
                Bind::Words(vec![0; wanted.len() * rows]),
            ], [rows.div_ceil(form.tiling.tile()), wanted.len().div_ceil(group)]);
            let got = floats(&out[0]);
            for (i, &t) in wanted.iter().enumerate() {
                for (r, y) in w.times(&x[t]).iter().enumerate() {
                    close(got[i * rows + r], y * inverse[t], c.hidden as f64 * inverse[t], &format!("{form:?} token {t} row {r}"));
                }
            }
        }
    }

    #[test]
    fn qkv(seed: u64, format in format(), heads in 1usize..5, pick in 0usize..6, tokens in 1usize..11) {
        let mut random = Random(seed);
        let head_dim = [2, 8, 16, 32, 64, 80][pick];
        // A row of a projection's input is a whole number of blocks.
        let (head_dim, heads) = match format.block_len() {
            1 => (head_dim, heads),
            32 => (head_dim.max(32) / 32 * 32, heads),
            _ => (64, 4),
        };
        let hidden = heads * head_dim;
        let c = Blueprint { heads, kv_heads: if heads % 2 == 0 { heads / 2 } else { 1 }, head_dim, ..config(hidden) };
        let kv = c.kv_width();
        let rows = hidden + 2 * kv;
        let tiles = 3;
        let w = matrix(&mut random, format, rows, hidden);
        let (x, partials, inverse) = normed_rows(&mut random, tokens, &c, tiles);
        // One lane on pages out of order; RoPE's pairs are any points of the circle.
        let position = random.below(2 * PAGE);
        let pages = [2u32, 0, 1];
        let turns: Vec<Vec<f32>> = (0..tokens).map(|_| (0..head_dim / 2).flat_map(|_| {
            let angle = 3.0 * random.float();
            [angle.cos(), angle.sin()]
        }).collect()).collect();
        let pages_at = tokens * (PLACE + head_dim);
        let mut batch = vec![0u32; pages_at];
        for t in 0..tokens {
            let at = tokens * PLACE + t * head_dim;
            batch[t * PLACE..][..5].copy_from_slice(&[0, (position + t) as u32, 0, pages_at as u32, at as u32]);
            batch[at..][..head_dim].copy_from_slice(&words(&turns[t]));
        }
        batch.extend(pages);
        let input = CAPACITY * stride(hidden) / 32;
        let dims = Dims { rows, blocks: w.matrix.blocks, layer: 0, tiles, input, extras: w.matrix.extras, turns: 0 }.words(&c);
        for form in forms() {
            let group = tokens.min(8);
            let form = Form { kernel: Kernel::Qkv, stored: w.matrix.form, tokens: group, ..form };
            let out = run(&form, vec![
                Bind::Words(dims.to_vec()),
                frame([tokens, 0, 0, 0, 0, 0, 0, 0, 0]),
                Bind::Buffer(&w.matrix.quads),
                Bind::Buffer(&w.matrix.scales),
                Bind::Words(stream(&x, &x)),
                Bind::Words(words(&partials)),
                Bind::Words(batch.clone()),
                Bind::Words(vec![0; tokens * hidden]),
                Bind::Words(vec![0; 3 * 2 * kv * PAGE]),
            ], [rows.div_ceil(form.tiling.tile()), tokens.div_ceil(group)]);
            let (queries, cache) = (floats(&out[0]), floats(&out[1]));
            for t in 0..tokens {
                let y: Vec<f64> = w.times(&x[t]).iter().map(|v| v * inverse[t]).collect();
                let turned = |from: usize, d: usize| {
                    let (a, b) = (y[from + (d & !1)], y[from + (d | 1)]);
                    let (cos, sin) = (f64::from(turns[t][d & !1]), f64::from(turns[t][d | 1]));
                    if d.is_multiple_of(2) { a * cos - b * sin } else { a * sin + b * cos }
                };
                let size = hidden as f64 * inverse[t];
                for i in 0..hidden {
                    close(queries[t * hidden + i], turned(i - i % head_dim, i % head_dim), size, &format!("{form:?} query {i}"));
                }
                let at = position + t;
                let page = pages[at / PAGE] as usize * 2 * kv * PAGE;
                for i in 0..kv {
                    let key = cache[page + i * PAGE + at % PAGE];
                    let value = cache[page + kv * PAGE + (i / head_dim * PAGE + at % PAGE) * head_dim + i % head_dim];
                    close(key, turned(hidden + i - i % head_dim, i % head_dim), size, &format!("{form:?} key {i}"));
                    close(value, y[hidden + kv + i], size, &format!("{form:?} value {i}"));
                }
            }
        }
    }

    #[test]
    fn attention(seed: u64, kv_heads in 1usize..4, shared in 1usize..4, pick in 0usize..5, position in 0usize..180) {
        let mut random = Random(seed);
        let head_dim = [2, 16, 64, 80, 128][pick];
        let heads = kv_heads * shared;
        let c = Blueprint { heads, kv_heads, head_dim, ..config(heads * head_dim) };
        let kv = c.kv_width();
        let pages = [3u32, 1, 2, 0];
        // Two tokens of two lanes on the same pages, at different positions.
        let positions = [position, position / 2];
        let queries = random.floats(2 * c.hidden).iter().map(|v| 3.0 * v).collect::<Vec<_>>();
        let cache = random.floats(4 * 2 * kv * PAGE);
        let mut batch = vec![0u32; 2 * PLACE];
        for (t, &p) in positions.iter().enumerate() {
            batch[t * PLACE..][..4].copy_from_slice(&[t as u32, p as u32, 0, 2 * PLACE as u32]);
        }
        batch.extend(pages);
        let dims = Dims { rows: 0, blocks: 0, layer: 0, tiles: 1, input: 0, extras: 0, turns: 0 }.words(&c);
        let form = Form { kernel: Kernel::Attention, dims: head_dim.div_ceil(64), group: shared, ..forms()[0] };
        let out = run(&form, vec![
            Bind::Words(dims.to_vec()),
            Bind::Words(words(&queries)),
            Bind::Words(words(&cache)),
            Bind::Words(batch),
            Bind::Words(vec![0; 2 * stride(c.hidden)]),
        ], [kv_heads, 2]);
        let got = floats(&out[0]);
        for (t, &p) in positions.iter().enumerate() {
            for h in 0..heads {
                let kv_head = h / shared;
                let page = |k: usize| pages[k / PAGE] as usize * 2 * kv * PAGE;
                let key = |k: usize, d: usize| f64::from(cache[page(k) + (kv_head * head_dim + d) * PAGE + k % PAGE]);
                let value = |k: usize, d: usize| f64::from(cache[page(k) + kv * PAGE + (kv_head * PAGE + k % PAGE) * head_dim + d]);
                let q = &queries[t * c.hidden + h * head_dim..][..head_dim];
                let scores: Vec<f64> = (0..=p).map(|k| {
                    q.iter().enumerate().map(|(d, q)| f64::from(*q) * key(k, d)).sum::<f64>() / (head_dim as f64).sqrt()
                }).collect();
                let most = scores.iter().copied().fold(f64::MIN, f64::max);
                let sum: f64 = scores.iter().map(|s| (s - most).exp()).sum();
                for d in 0..head_dim {
                    let expected: f64 = scores.iter().enumerate().map(|(k, s)| (s - most).exp() / sum * value(k, d)).sum();
                    close(got[t * stride(c.hidden) + h * head_dim + d], expected, 1.0, &format!("position {p} head {h} dimension {d}"));
                }
            }
        }
    }

    #[test]
    fn residual(seed: u64, format in format(), rows in 2usize..150, n in 1usize..40, tokens in 1usize..12, down: bool) {
        let mut random = Random(seed);
        let columns = columns(format, n);
        let c = config(rows);
        let w = matrix(&mut random, format, rows, columns);
        let x: Vec<Vec<f32>> = (0..tokens).map(|_| random.floats(columns)).collect();
        let before: Vec<Vec<f32>> = (0..tokens).map(|_| random.floats(rows)).collect();
        let weight = random.floats(rows);
        let layer = 1;
        for form in forms() {
            let group = tokens.min(8);
            let kernel = if down { Kernel::Down } else { Kernel::Output };
            let form = Form { kernel, stored: w.matrix.form, tokens: group, ..form };
            let tiles = rows.div_ceil(form.tiling.tile());
            let dims = Dims { rows, blocks: w.matrix.blocks, layer, tiles, input: 0, extras: w.matrix.extras, turns: 0 }.words(&c);
            let out = run(&form, vec![
                Bind::Words(dims.to_vec()),
                frame([tokens, 0, 0, 0, 1, 0, 0, 0, 0]),
                Bind::Buffer(&w.matrix.quads),
                Bind::Buffer(&w.matrix.scales),
                Bind::Words(words(&padded(&x))),
                Bind::Words(stream(&before, &before)),
                Bind::Words(vec![0; CAPACITY * tiles]),
                Bind::Words(words(&weight)),
                Bind::Words(vec![0; 2 * CAPACITY * rows]),
            ], [tiles, tokens.div_ceil(group)]);
            let (after, partials, outputs) = (floats(&out[0]), floats(&out[1]), floats(&out[2]));
            for t in 0..tokens {
                let h = w.times(&x[t]);
                let mut squares = 0.0;
                for r in 0..rows {
                    let sum = f64::from(before[t][r]) + h[r];
                    let size = columns as f64;
                    close(after[t * stride(rows) + r], sum, size, &format!("{form:?} token {t} row {r}"));
                    close(after[(CAPACITY + t) * stride(rows) + r], sum * f64::from(weight[r]), size, &format!("{form:?} times the weight"));
                    let kept = outputs[(layer * CAPACITY + t) * rows + r];
                    close(kept, if down { h[r] } else { 0.0 }, size, &format!("{form:?} output kept"));
                    squares += sum * sum;
                }
                let got: f32 = partials[t * tiles..][..tiles].iter().sum();
                close(got, squares, 4.0 * squares, &format!("{form:?} squares of token {t}"));
            }
        }
    }

    #[test]
    fn gate_up(seed: u64, format in format(), neurons in 1usize..90, n in 1usize..40, tokens in 1usize..11) {
        let mut random = Random(seed);
        let c = Blueprint { neurons, ..config(columns(format, n)) };
        let w = matrix(&mut random, format, 2 * neurons, c.hidden);
        let tiles = 9;
        let (x, partials, inverse) = normed_rows(&mut random, tokens, &c, tiles);
        // Tokens of two lanes in turn.
        let slots: Vec<usize> = (0..tokens).map(|t| t % 2).collect();
        let factors: Vec<f32> = (0..2 * c.layers * neurons).map(|_| [0.0, 0.5, 1.0, 3.0][random.below(4)]).collect();
        let batch: Vec<u32> = slots.iter().flat_map(|&s| [s as u32, 0, 0, 0, 0, 0, 0, 0]).collect();
        let (layer, input) = (1, CAPACITY * stride(c.hidden) / 32);
        let dims = Dims { rows: 2 * neurons, blocks: w.matrix.blocks, layer, tiles, input, extras: w.matrix.extras, turns: 0 }.words(&c);
        for form in forms() {
            let group = tokens.min(8);
            let form = Form { kernel: Kernel::GateUp, stored: w.matrix.form, tokens: group, ..form };
            let out = run(&form, vec![
                Bind::Words(dims.to_vec()),
                frame([tokens, 0, 0, 0, 1, 0, 0, 0, 0]),
                Bind::Buffer(&w.matrix.quads),
                Bind::Buffer(&w.matrix.scales),
                Bind::Words(stream(&x, &x)),
                Bind::Words(words(&partials)),
                Bind::Words(batch.clone()),
                Bind::Words(words(&factors)),
                Bind::Words(vec![0; tokens * stride(neurons)]),
                Bind::Words(vec![0; c.layers * CAPACITY * neurons]),
            ], [(2 * neurons).div_ceil(form.tiling.tile()), tokens.div_ceil(group)]);
            let (edited, activity) = (floats(&out[0]), floats(&out[1]));
            for t in 0..tokens {
                let y = w.times(&x[t]);
                for j in 0..neurons {
                    let (gate, up) = (y[2 * j] * inverse[t], y[2 * j + 1] * inverse[t]);
                    let z = gate / (1.0 + (-gate).exp()) * up;
                    let size = c.hidden as f64 * inverse[t] * (1.0 + gate.abs() + up.abs());
                    close(activity[(layer * CAPACITY + t) * neurons + j], z, size, &format!("{form:?} z {j}"));
                    let factor = factors[(slots[t] * c.layers + layer) * neurons + j];
                    close(edited[t * stride(neurons) + j], z * f64::from(factor), 3.0 * size, &format!("{form:?} edited {j}"));
                    if factor == 1.0 {
                        assert_eq!(edited[t * stride(neurons) + j].to_bits(), activity[(layer * CAPACITY + t) * neurons + j].to_bits());
                    }
                }
            }
        }
    }

    #[test]
    fn embed(seed: u64, format in format(), n in 1usize..60, tokens in 1usize..9) {
        let mut random = Random(seed);
        let c = Blueprint { vocabulary: 37, ..config(columns(format, n)) };
        let w = matrix(&mut random, format, c.vocabulary, c.hidden);
        let weight = random.floats(c.hidden);
        let chosen = [5u32, 36, 0, 0];
        let tiles = 70;
        let mut batch = vec![0u32; tokens * PLACE];
        let ids: Vec<usize> = (0..tokens).map(|t| {
            let id = random.below(c.vocabulary);
            // Every third token is what its lane chose last.
            let goes_on = t % 3 == 1;
            batch[t * PLACE] = (t % 2) as u32;
            batch[t * PLACE + 2] = if goes_on { u32::MAX } else { id as u32 };
            if goes_on { chosen[t % 2] as usize } else { id }
        }).collect();
        let dims = Dims { rows: c.vocabulary, blocks: w.matrix.blocks, layer: 0, tiles, input: 0, extras: w.matrix.extras, turns: 0 }.words(&c);
        for form in forms() {
            let form = Form { kernel: Kernel::Embed, stored: w.matrix.form, ..form };
            let out = run(&form, vec![
                Bind::Words(dims.to_vec()),
                frame([tokens, 0, 0, 0, 0, 0, 77, 0, 0]),
                Bind::Buffer(&w.matrix.quads),
                Bind::Buffer(&w.matrix.scales),
                Bind::Words(batch.clone()),
                Bind::Words(chosen.to_vec()),
                Bind::Words(words(&weight)),
                Bind::Words(vec![0; 2 * CAPACITY * stride(c.hidden)]),
                Bind::Words(vec![f32::NAN.to_bits(); tokens * tiles]),
                Bind::Words(vec![0; 4]),
            ], [tokens, 1]);
            let (stream, partials) = (floats(&out[0]), floats(&out[1]));
            assert_eq!(out[2][0], 77, "the ticket is handed back");
            for (t, &id) in ids.iter().enumerate() {
                for (i, &v) in w.rows[id].iter().enumerate() {
                    close(stream[t * stride(c.hidden) + i], f64::from(v), 1.0, &format!("{form:?} token {t} at {i}"));
                    let normed = stream[(CAPACITY + t) * stride(c.hidden) + i];
                    close(normed, f64::from(v) * f64::from(weight[i]), 1.0, "times the weight");
                }
                let squares: f64 = w.rows[id].iter().map(|v| f64::from(*v).powi(2)).sum();
                close(partials[t * tiles..][..tiles].iter().sum(), squares, squares, "squares");
            }
        }
    }

    #[test]
    fn select(seed: u64, vocabulary in 1usize..5000, rows in 1usize..4, spread in 1u32..40) {
        let mut random = Random(seed);
        let c = Blueprint { vocabulary, ..config(8) };
        // Coarse logits, so that several are the largest.
        let logits: Vec<f32> = (0..rows * vocabulary).map(|_| (random.float() * spread as f32).round()).collect();
        let dims = Dims { rows: 0, blocks: 0, layer: 0, tiles: 1, input: 0, extras: 0, turns: 0 }.words(&c);
        let slots = [2u32, 0, 1];
        let batch: Vec<u32> = (0..rows).flat_map(|r| [r as u32, slots[r]]).collect();
        for form in forms() {
            let scan = Form { kernel: Kernel::SelectScan, ..form };
            let shares = run(&scan, vec![
                Bind::Words(dims.to_vec()),
                Bind::Words(words(&logits)),
                Bind::Words(vec![0; rows * SHARES * 3]),
            ], [SHARES, rows]).remove(0);
            let pick = Form { kernel: Kernel::SelectPick, ..form };
            let out = run(&pick, vec![
                frame([rows, rows, 0, 0, 0, 0, 0, 0, 0]),
                Bind::Words(shares),
                Bind::Words(batch.clone()),
                Bind::Words(vec![0; 4]),
                Bind::Words(vec![0; 4 + 2 * rows]),
            ], [rows, 1]);
            for r in 0..rows {
                let own = &logits[r * vocabulary..][..vocabulary];
                let expected = crate::engine::Choice::of(own);
                assert_eq!(out[0][slots[r] as usize], expected.id, "{form:?}");
                assert_eq!(out[1][4 + 2 * r], expected.id);
                close(f32::from_bits(out[1][5 + 2 * r]), expected.logprob, 1.0, "log-probability");
            }
        }
    }

    #[test]
    fn activity(seed: u64, hidden in 1usize..150, tokens in 1usize..6, edited in 0usize..9, watched in 0usize..70) {
        let mut random = Random(seed);
        let c = Blueprint { layers: 3, ..config(hidden) };
        let outputs = random.floats(c.layers * CAPACITY * hidden);
        let z = random.floats(c.layers * CAPACITY * c.neurons);
        // Two slots with room for nine edits; the second one has them.
        let room = 9;
        let edit_words = c.layers + 1 + 2 * room;
        let mut edits: Vec<(usize, usize, f32)> = (0..edited).map(|i| (random.below(c.layers), i, 1.0 + random.float())).collect();
        edits.sort_by_key(|e| e.0);
        let mut list = vec![0u32; 2 * edit_words];
        for l in 0..=c.layers {
            list[edit_words + l] = edits.iter().filter(|e| e.0 < l).count() as u32;
        }
        for (i, e) in edits.iter().enumerate() {
            list[edit_words + c.layers + 1 + 2 * i] = e.1 as u32;
            list[edit_words + c.layers + 2 + 2 * i] = (1.0 - e.2).to_bits();
        }
        let columns = random.floats(2 * room * hidden);
        let chosen: Vec<(usize, usize)> = (0..watched).map(|_| (random.below(c.layers), random.below(c.neurons))).collect();
        let batch: Vec<u32> = (0..tokens).flat_map(|t| [(t % 2) as u32, 0, 0, 0, 0, 0, 0, 0]).collect();
        let dims = Dims { rows: 0, blocks: 0, layer: 0, tiles: 1, input: 0, extras: 0, turns: 0 }.words(&c);
        let each = c.layers + watched;
        for form in forms() {
            let form = Form { kernel: Kernel::Activity, ..form };
            let out = run(&form, vec![
                Bind::Words(dims.to_vec()),
                frame([tokens, 0, 0, watched, 1, 4, 0, edit_words, room, each, 0]),
                Bind::Words(batch.clone()),
                Bind::Words(words(&outputs)),
                Bind::Words(words(&z)),
                Bind::Words(list.clone()),
                Bind::Words(words(&columns)),
                Bind::Words(chosen.iter().flat_map(|n| [n.0 as u32, n.1 as u32]).collect()),
                Bind::Words(vec![0; 4 + tokens * each]),
            ], [c.layers, tokens]);
            let got = floats(&out[0]);
            for t in 0..tokens {
                for l in 0..c.layers {
                    let squares: f64 = (0..hidden).map(|r| {
                        let mut h = f64::from(outputs[(l * CAPACITY + t) * hidden + r]);
                        for (i, e) in edits.iter().enumerate().filter(|(_, e)| t % 2 == 1 && e.0 == l) {
                            let z = f64::from(z[(l * CAPACITY + t) * c.neurons + e.1]);
                            h += z * f64::from(1.0 - e.2) * f64::from(columns[(room + i) * hidden + r]);
                        }
                        h * h
                    }).sum();
                    close(got[4 + t * each + l], squares.sqrt(), 4.0 * squares.sqrt(), &format!("{form:?} token {t} layer {l}"));
                }
                for (i, n) in chosen.iter().enumerate() {
                    let expected = z[(n.0 * CAPACITY + t) * c.neurons + n.1];
                    assert_eq!(got[4 + t * each + c.layers + i].to_bits(), expected.to_bits());
                }
            }
        }
    }

    #[test]
    fn top(seed: u64, neurons in 1usize..400, tokens in 1usize..4, watched in 0usize..4, top in 1usize..40, levels in 1usize..50) {
        let mut random = Random(seed);
        let c = Blueprint { layers: 3, neurons, ..config(32) };
        let top = top.min(c.neuron_count());
        // Few different sizes, so that many are equal; one layer puts nothing out.
        let z: Vec<f32> = random.floats(c.layers * CAPACITY * neurons).iter().map(|v| (v * levels as f32).round()).collect();
        let columns: Vec<f32> = (0..c.neuron_count()).map(|_| (1 + random.below(2)) as f32).collect();
        let each = c.layers + watched + 2 * top;
        let mut report = vec![0u32; 4 + tokens * each];
        let norms: Vec<f32> = (0..tokens * c.layers).map(|i| if i % 5 == 1 { 0.0 } else { 1.0 + random.float().abs() }).collect();
        for t in 0..tokens {
            report[4 + t * each..][..c.layers].copy_from_slice(&words(&norms[t * c.layers..][..c.layers]));
        }
        let dims = Dims { rows: 0, blocks: 0, layer: 0, tiles: 1, input: 0, extras: 0, turns: 0 }.words(&c);
        let form = Form { kernel: Kernel::Top, ..forms()[0] };
        let out = run(&form, vec![
            Bind::Words(dims.to_vec()),
            frame([tokens, 0, 0, watched, 1, 4, 0, 0, 0, each, top]),
            Bind::Words(words(&z)),
            Bind::Words(words(&columns)),
            Bind::Words(report),
        ], [tokens, 1]);
        for t in 0..tokens {
            let got = &out[0][4 + t * each + c.layers + watched..][..2 * top];
            let of = |i: usize| {
                let (layer, index) = (i / neurons, i % neurons);
                contribution(z[(layer * CAPACITY + t) * neurons + index], columns[i], norms[t * c.layers + layer])
            };
            let mut seen = HashSet::new();
            let mut sizes: Vec<f32> = (0..c.neuron_count()).map(of).collect();
            sizes.sort_by(|a, b| b.total_cmp(a));
            let mut last = (f32::MAX, 0);
            for (pair, expected) in got.as_chunks::<2>().0.iter().zip(sizes) {
                let (at, value) = (pair[0] as usize, f32::from_bits(pair[1]));
                prop_assert!(seen.insert(at), "neuron {at} twice");
                close(value, f64::from(expected), f64::from(expected), "size");
                close(value, f64::from(of(at)), f64::from(expected), "size of its neuron");
                // Equal ones come in the order of the model.
                prop_assert!(value < last.0 || (value == last.0 && at > last.1));
                last = (value, at);
            }
        }
    }
}
