//! The kernels: one WGSL file each, and the few lines that make a module of one.
//!
//! A kernel that multiplies with a matrix is its own file, `product.wgsl`, and the file of the matrix's numbers
//! (for integers with `scales.wgsl`). Files are
//! templates, so that what must be unrolled is, on every driver: lines between `//% for t in T` and `//% end` are
//! repeated with `$t` = 0, 1, …; lines between `//% if NAME` and `//% end` (or `//% else`) are kept where NAME is not 0.

use std::fmt::Write as _;

use crate::quant::{self, Dense, Integers, Scales};

/// Logits are searched in this many shares.
pub(crate) const SHARES: usize = 64;

/// A kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kernel {
    /// Embedding lookup.
    Embed,
    /// Norm, query, key and value, RoPE, cache.
    Qkv,
    /// Attention.
    Attention,
    /// The output projection of attention, into the residual stream.
    Output,
    /// Norm, gate, up, activation, edits.
    GateUp,
    /// The norm of what attention adds.
    OutputNorm,
    /// `W_down`, into the residual stream.
    Down,
    /// The norm of what the MLP adds.
    DownNorm,
    /// Norm, unembedding.
    Unembed,
    /// Greedy choice, first half.
    SelectScan,
    /// Greedy choice, second half.
    SelectPick,
    /// Norms and chosen neurons, packed.
    Activity,
    /// Largest contributions of all neurons.
    Top,
    /// A check of the adapter.
    Halves,
}

/// How a kernel uses a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Uniform,
    Read,
    Write,
}

impl Kernel {
    pub(crate) const ALL: [Self; 14] = [
        Self::Embed,
        Self::Qkv,
        Self::Attention,
        Self::Output,
        Self::OutputNorm,
        Self::GateUp,
        Self::Down,
        Self::DownNorm,
        Self::Unembed,
        Self::SelectScan,
        Self::SelectPick,
        Self::Activity,
        Self::Top,
        Self::Halves,
    ];

    /// The name in benchmarks and in debuggers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Embed => "embed",
            Self::Qkv => "qkv",
            Self::Attention => "attention",
            Self::Output => "output",
            Self::GateUp => "gate_up",
            Self::Down => "down",
            Self::OutputNorm => "output_norm",
            Self::DownNorm => "down_norm",
            Self::Unembed => "unembed",
            Self::SelectScan => "select_scan",
            Self::SelectPick => "select_pick",
            Self::Activity => "activity",
            Self::Top => "top",
            Self::Halves => "halves",
        }
    }

    /// Its bindings, in order.
    pub(crate) fn bindings(self) -> &'static [Use] {
        use Use::{Read, Uniform, Write};
        match self {
            Self::Embed => &[
                Uniform, Uniform, Read, Read, Read, Read, Read, Write, Write, Write,
            ],
            Self::Qkv => &[Uniform, Uniform, Read, Read, Read, Read, Read, Write, Write],
            Self::Attention => &[Uniform, Read, Read, Read, Write],
            Self::OutputNorm | Self::DownNorm => &[Uniform, Read, Read, Read, Write, Write],
            Self::Output | Self::Down => &[
                Uniform, Uniform, Read, Read, Read, Write, Write, Read, Write,
            ],
            Self::GateUp => &[
                Uniform, Uniform, Read, Read, Read, Read, Read, Read, Write, Write,
            ],
            Self::Unembed => &[Uniform, Uniform, Read, Read, Read, Read, Read, Write],
            Self::SelectScan => &[Uniform, Read, Write],
            Self::Halves => &[Read, Write],
            Self::SelectPick => &[Uniform, Read, Read, Write, Write],
            Self::Activity => &[Uniform, Uniform, Read, Read, Read, Read, Read, Read, Write],
            Self::Top => &[Uniform, Uniform, Read, Read, Write],
        }
    }

    /// Whether it multiplies with a matrix, and so comes in one form a kind of matrix and number of tokens.
    pub(crate) fn multiplies(self) -> bool {
        matches!(
            self,
            Self::Qkv | Self::Output | Self::GateUp | Self::Down | Self::Unembed
        )
    }

    fn source(self) -> &'static str {
        match self {
            Self::Embed => include_str!("embed.wgsl"),
            Self::Qkv => include_str!("qkv.wgsl"),
            Self::Attention => include_str!("attention.wgsl"),
            Self::Output | Self::Down => include_str!("residual.wgsl"),
            Self::OutputNorm | Self::DownNorm => include_str!("post_norm.wgsl"),
            Self::GateUp => include_str!("gate_up.wgsl"),
            Self::Unembed => include_str!("unembed.wgsl"),
            Self::SelectScan => include_str!("select_scan.wgsl"),
            Self::SelectPick => include_str!("select_pick.wgsl"),
            Self::Activity => include_str!("activity.wgsl"),
            Self::Top => include_str!("top.wgsl"),
            Self::Halves => include_str!("halves.wgsl"),
        }
    }
}

/// How a product is cut into threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tiling {
    /// Threads side by side over rows.
    pub rows: usize,
    /// Threads side by side over the columns of a row.
    pub splits: usize,
    /// Rows of a thread.
    pub per: usize,
}

impl Tiling {
    /// For graphics processors: rows are short, so a row is shared by several threads.
    pub const WIDE: Self = Self {
        rows: 8,
        splits: 8,
        per: 1,
    };
    /// For processors that emulate one (lavapipe, SwiftShader): a thread is a lane of a SIMD register, and loads are cheap
    /// only where all lanes read the same place.
    pub const EMULATED: Self = Self {
        rows: 16,
        splits: 1,
        per: 8,
    };

    /// Rows of a tile.
    pub(crate) fn tile(self) -> usize {
        self.rows * self.per
    }
}

/// What kernels do only for some models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Features {
    /// The matrix has a bias.
    pub(crate) bias: bool,
    /// The MLP's activation is GELU in its tanh form.
    pub(crate) gelu: bool,
    /// Query and key heads are normalized.
    pub(crate) qk_norm: bool,
    /// What attention and MLP add is normalized.
    pub(crate) post_norm: bool,
    /// Some layers see a window of positions.
    pub(crate) window: bool,
}

/// Which form of a kernel is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Form {
    pub(crate) kernel: Kernel,
    /// How the matrix lies in memory; anything where there is none.
    pub(crate) stored: quant::Form,
    /// What the model has beyond a plain Llama.
    pub(crate) features: Features,
    /// Tokens of a group, where the kernel multiplies.
    pub(crate) tokens: usize,
    pub(crate) tiling: Tiling,
    /// Registers of the attention kernel: width of a head in units of 64.
    pub(crate) dims: usize,
    /// Query heads that share a key head.
    pub(crate) group: usize,
    pub(crate) subgroups: bool,
    /// Threads of a subgroup that load a vector together in products; 0 where each thread loads for itself.
    pub(crate) shared: usize,
    pub(crate) f16: bool,
}

impl Form {
    /// The WGSL of this form.
    pub(crate) fn wgsl(&self) -> String {
        let mut out = String::new();
        // naga takes both without; browsers insist.
        if self.f16 {
            out += "enable f16;\n";
        }
        if self.subgroups && cfg!(target_arch = "wasm32") {
            out += "enable subgroups;\n";
        }
        for (name, value) in [
            ("T", self.tokens),
            ("ROWS", self.tiling.rows),
            ("SPLITS", self.tiling.splits),
            ("PER", self.tiling.per),
            ("SHARES", SHARES),
            ("GROUP", self.group),
            ("SHARED", self.shared),
            ("QUARTER", self.shared / 4),
            ("CENTRE", Integers::Nibbles.centre() as usize),
        ] {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "const {name}: u32 = {value}u;");
        }
        let mut template = String::from(include_str!("frame.wgsl"));
        let reads_weights = self.kernel.multiplies() || self.kernel == Kernel::Embed;
        if reads_weights || self.kernel == Kernel::Halves {
            template += if self.f16 {
                include_str!("halves_f16.wgsl")
            } else {
                include_str!("halves_plain.wgsl")
            };
        }
        if reads_weights {
            template += include_str!("block.wgsl");
            template += match self.stored {
                quant::Form::Dense(Dense::F32) => include_str!("f32.wgsl"),
                quant::Form::Dense(Dense::F16) => {
                    concat!(include_str!("f16.wgsl"), include_str!("pairs.wgsl"))
                }
                quant::Form::Dense(Dense::Bf16) => {
                    concat!(include_str!("bf16.wgsl"), include_str!("pairs.wgsl"))
                }
                quant::Form::Blocks(Integers::Nibbles, _) => {
                    concat!(include_str!("scales.wgsl"), include_str!("nibbles.wgsl"))
                }
                // Numbers of five and six bits are bytes on a device.
                quant::Form::Blocks(Integers::Fives | Integers::Sixes | Integers::Bytes, _) => {
                    concat!(include_str!("scales.wgsl"), include_str!("bytes.wgsl"))
                }
            };
        }
        if self.kernel.multiplies() {
            template += include_str!("product.wgsl");
        }
        if matches!(self.kernel, Kernel::Qkv | Kernel::GateUp | Kernel::Unembed) {
            template += include_str!("normed.wgsl");
        }
        if matches!(
            self.kernel,
            Kernel::Embed
                | Kernel::SelectScan
                | Kernel::Activity
                | Kernel::OutputNorm
                | Kernel::DownNorm
        ) {
            template += if self.subgroups {
                include_str!("reduce_subgroup.wgsl")
            } else {
                include_str!("reduce_plain.wgsl")
            };
        }
        template += self.kernel.source();
        let scaled = |which: &[Scales]| match self.stored {
            quant::Form::Blocks(_, scales) => usize::from(which.contains(&scales)),
            quant::Form::Dense(_) => 0,
        };
        let numbers = [
            ("T", self.tokens),
            ("PER", self.tiling.per),
            ("DIMS", self.dims),
            ("GROUP", self.group),
            ("SPLIT", usize::from(self.tiling.splits > 1)),
            ("DOWN", usize::from(self.kernel == Kernel::Down)),
            ("SHARED", self.shared),
            ("LOADS", 32usize.checked_div(self.shared).unwrap_or(0)),
            ("QUARTER", self.shared / 4),
            ("SUBGROUPS", usize::from(self.subgroups)),
            ("CENTRED", scaled(&[Scales::Centred])),
            ("PLAIN", scaled(&[Scales::Plain])),
            ("MINIMUM", scaled(&[Scales::Minimum])),
            ("SUPER16", scaled(&[Scales::Super16Centred])),
            (
                "FACTORS",
                scaled(&[Scales::Super32, Scales::Super16Minimum]),
            ),
            ("ADDS", 1 - scaled(&[Scales::Plain, Scales::Super16Centred])),
            ("BIAS", usize::from(self.features.bias)),
            ("GELU", usize::from(self.features.gelu)),
            ("QK_NORM", usize::from(self.features.qk_norm)),
            ("POST_NORM", usize::from(self.features.post_norm)),
            ("WINDOW", usize::from(self.features.window)),
        ];
        let lines: Vec<&str> = template.lines().collect();
        expand(&lines, &numbers, &mut out);
        out
    }
}

/// Writes `lines` with their directives carried out. The templates are our own: an unknown name counts as 0, a directive
/// without an end reaches to the last line, and the tests compile every form.
fn expand(lines: &[&str], numbers: &[(&str, usize)], out: &mut String) {
    let number = |name: &str| {
        name.parse().unwrap_or_else(|_| {
            let known = numbers.iter().find(|(n, _)| *n == name);
            known.map_or(0, |(_, v)| *v)
        })
    };
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let Some(directive) = line.trim_start().strip_prefix("//%") else {
            out.push_str(line);
            out.push('\n');
            at += 1;
            continue;
        };
        let (middle, end) = extent(lines, at);
        let words: Vec<&str> = directive.split_whitespace().collect();
        let body = &lines[(at + 1).min(end)..middle];
        match words[..] {
            ["for", name, "in", count] => {
                for i in 0..number(count) {
                    let mark = format!("${name}");
                    let repeated: Vec<String> = body
                        .iter()
                        .map(|l| l.replace(&mark, &i.to_string()))
                        .collect();
                    let repeated: Vec<&str> = repeated.iter().map(String::as_str).collect();
                    expand(&repeated, numbers, out);
                }
            }
            ["if", name] if number(name) > 0 => expand(body, numbers, out),
            ["if", _] => expand(&lines[(middle + 1).min(end)..end], numbers, out),
            _ => {}
        }
        at = end + 1;
    }
}

/// Where the block that begins at `start` has its `else` (or its end), and its end.
fn extent(lines: &[&str], start: usize) -> (usize, usize) {
    let mut depth = 0;
    let mut middle = None;
    for (i, line) in lines.iter().enumerate().skip(start) {
        let Some(directive) = line.trim_start().strip_prefix("//%") else {
            continue;
        };
        match directive.split_whitespace().next() {
            Some("for" | "if") => depth += 1,
            Some("else") if depth == 1 => middle = Some(i),
            Some("end") => {
                depth -= 1;
                if depth == 0 {
                    return (middle.unwrap_or(i), i);
                }
            }
            _ => {}
        }
    }
    (lines.len(), lines.len())
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod templates {
    use super::*;

    #[test]
    fn loops_are_unrolled_and_conditions_decided() {
        let text = "a\n//% for t in T\n//% for i in 2\nx$t_$i $tu\n//% end\n//% end\n//% if YES\nyes\n//% else\nno\n//% end\n//% if NO\nyes\n//% else\nno\n//% end\nz";
        let lines: Vec<&str> = text.lines().collect();
        let mut out = String::new();
        expand(&lines, &[("T", 2), ("YES", 1)], &mut out);
        assert_eq!(out, "a\nx0_0 0u\nx0_1 0u\nx1_0 1u\nx1_1 1u\nyes\nno\nz\n");
    }
}
