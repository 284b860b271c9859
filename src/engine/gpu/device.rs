//! The adapter and the device, what they can do, and what becomes of them.

use std::{
    ops::Deref,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

#[cfg(target_arch = "wasm32")]
use super::browser;
use super::{
    kernels::{Features, Form, Kernel, Tiling, Use},
    readback::{Mapping, Staging},
};
use crate::{
    error::{Error, ErrorKind, Result},
    quant::{Dense, Form as Stored},
};

/// Which of an adapter's abilities may be used; for tests and benchmarks, which compare them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How products are cut into threads; by the kind of adapter where `None`.
    pub tiling: Option<Tiling>,
    /// Use subgroups where the adapter has them.
    pub subgroups: bool,
    /// Use shader-f16 where the adapter has it.
    pub f16: bool,
    /// Take an adapter that is a program on the CPU (lavapipe, SwiftShader). It is never faster than the CPU engine.
    pub emulated: bool,
    /// Measure each kernel, where the adapter can. Every kernel is then a pass of its own, which costs time.
    pub profile: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tiling: None,
            subgroups: true,
            f16: true,
            emulated: true,
            profile: false,
        }
    }
}

/// How long a result may take: from here on, for each token, and where kernels had to be compiled for it.
const PATIENCE: Duration = Duration::from_secs(10);
const PATIENCE_TOKEN: Duration = Duration::from_millis(40);
const PATIENCE_COMPILING: Duration = Duration::from_secs(60);
/// So many times as long, by token, and without one, for an adapter that is a program on the CPU.
const EMULATED: u32 = 2;
const EMULATED_TOKEN: u32 = 10;

/// A device and what is known of it.
pub(crate) struct Device {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    pub(crate) info: wgpu::AdapterInfo,
    pub(crate) tiling: Tiling,
    /// Whether the adapter is a program on the CPU.
    emulated: bool,
    pub(crate) subgroups: bool,
    /// See [`Form::shared`].
    pub(crate) shared: usize,
    pub(crate) f16: bool,
    pub(crate) timestamps: bool,
    /// The first thing that went wrong, if anything did.
    failure: Arc<Mutex<Option<String>>>,
    bytes: Arc<AtomicU64>,
}

/// A buffer that is counted, and freed at once when dropped: a browser's collector takes its time.
pub(crate) struct Buffer {
    buffer: wgpu::Buffer,
    bytes: Arc<AtomicU64>,
}

impl Deref for Buffer {
    type Target = wgpu::Buffer;
    fn deref(&self) -> &wgpu::Buffer {
        &self.buffer
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.bytes.fetch_sub(self.buffer.size(), Ordering::Relaxed);
        self.buffer.destroy();
    }
}

/// An error of the GPU. Only the cause: the remedy is always the CPU, and who shows it knows whether it serves already.
pub(crate) fn gpu_error(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Gpu, why.to_string())
}

impl Device {
    /// Opens the adapter that the system prefers. `largest` is the size of the largest single binding needed: WebGPU's
    /// default limits do for it, or the adapter's own are asked for.
    ///
    /// # Errors
    /// [`ErrorKind::Gpu`] where there is none, or it is too small.
    pub(crate) async fn open(options: &Options, largest: u64) -> Result<Self> {
        #[cfg(target_arch = "wasm32")]
        browser::probe().await?;
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let adapter = instance
            .request_adapter(&wgpu::RequestAdapterOptions {
                power_preference: wgpu::PowerPreference::HighPerformance,
                ..Default::default()
            })
            .await
            .map_err(|_| gpu_error("no adapter with WebGPU was found"))?;
        let info = adapter.get_info();
        let emulated = info.device_type == wgpu::DeviceType::Cpu || {
            // Browsers do not tell the kind of adapter, but what it is called.
            let name = format!("{} {} {}", info.name, info.driver, info.driver_info).to_lowercase();
            ["swiftshader", "llvmpipe", "lavapipe", "software"]
                .iter()
                .any(|n| name.contains(n))
        };
        if emulated && !options.emulated {
            return Err(gpu_error(format!(
                "{} is emulated on the CPU",
                if info.name.is_empty() {
                    "the adapter"
                } else {
                    &info.name
                }
            )));
        }
        let has = adapter.features();
        let subgroups = options.subgroups && has.contains(wgpu::Features::SUBGROUP);
        let f16 = options.f16 && has.contains(wgpu::Features::SHADER_F16);
        let timestamps = options.profile && has.contains(wgpu::Features::TIMESTAMP_QUERY);
        let mut features = wgpu::Features::empty();
        features.set(wgpu::Features::SUBGROUP, subgroups);
        features.set(wgpu::Features::SHADER_F16, f16);
        features.set(wgpu::Features::TIMESTAMP_QUERY, timestamps);
        let mut limits = wgpu::Limits::default();
        let own = adapter.limits();
        if largest > limits.max_storage_buffer_binding_size {
            if largest > own.max_storage_buffer_binding_size || largest > own.max_buffer_size {
                return Err(gpu_error(format!(
                    "a matrix of this model has {largest} bytes, and {} takes {} at once",
                    info.name, own.max_storage_buffer_binding_size
                )));
            }
            limits.max_storage_buffer_binding_size = own.max_storage_buffer_binding_size;
            limits.max_buffer_size = own.max_buffer_size;
        }
        let request = |required_limits: wgpu::Limits| {
            adapter.request_device(&wgpu::DeviceDescriptor {
                label: Some("hneurons"),
                required_features: features,
                required_limits,
                ..Default::default()
            })
        };
        let (device, queue) = match request(limits).await {
            Ok(pair) => pair,
            // An adapter may be below the defaults in something we do not use.
            Err(_) => request(own).await.map_err(gpu_error)?,
        };
        let failure = Arc::new(Mutex::new(None));
        let put = |failure: &Arc<Mutex<Option<String>>>, why: String| {
            if let Ok(mut first) = failure.lock() {
                first.get_or_insert(why);
            }
        };
        let lost = failure.clone();
        device.set_device_lost_callback(move |reason, message| {
            put(&lost, format!("the device was lost: {reason:?} {message}"));
        });
        let wrong = failure.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            put(&wrong, line.to_owned());
        }));
        let tiling = options.tiling.unwrap_or(if emulated {
            Tiling::EMULATED
        } else {
            Tiling::WIDE
        });
        // Needs subgroups of one known size that fill a workgroup, and threads that walk a row in step.
        let size = info.subgroup_min_size as usize;
        let known = size == info.subgroup_max_size as usize && [4, 8, 16, 32].contains(&size);
        let fits = tiling.splits == 1 && tiling.rows.is_multiple_of(size.max(1));
        let shared = if subgroups && known && fits { size } else { 0 };
        #[cfg(target_arch = "wasm32")]
        let info = wgpu::AdapterInfo {
            name: browser::adapter_name(&device, info.name),
            ..info
        };
        let mut opened = Self {
            tiling,
            emulated,
            shared,
            device,
            queue,
            info,
            subgroups,
            f16,
            timestamps,
            failure,
            bytes: Arc::default(),
        };
        opened.f16 = f16 && opened.halves_are_right().await?;
        Ok(opened)
    }

    /// Whether this adapter converts half-precision numbers rightly. One with the feature need not: lavapipe of Mesa 22
    /// gives zeros.
    async fn halves_are_right(&self) -> Result<bool> {
        // 1 and -2; 65504 and the smallest normal; 1/3 and 0.
        let words = [0xc000_3c00, 0x0400_7bff, 0x0000_3555];
        let expected = [1.0, -2.0, 65504.0, 2f32.powi(-14), 0.333_251_95, 0.0];
        let form = Form {
            f16: true,
            ..self.form(Kernel::Halves, Stored::Dense(Dense::F32), 1)
        };
        let layout = self.layout(Kernel::Halves);
        let pipeline = self.pipeline(&form, &layout);
        let input = self.filled("halves", &words);
        let output = self.storage("floats", expected.len() * 4);
        let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("halves"),
            layout: &layout,
            entries: &[
                wgpu::BindGroupEntry {
                    binding: 0,
                    resource: input.as_entire_binding(),
                },
                wgpu::BindGroupEntry {
                    binding: 1,
                    resource: output.as_entire_binding(),
                },
            ],
        });
        let mut staging = Staging::default();
        let size = expected.len() as u64 * 4;
        let back = staging.take(self, size);
        let mut encoder = self.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&pipeline);
            pass.set_bind_group(0, &group, &[]);
            pass.dispatch_workgroups(1, 1, 1);
        }
        encoder.copy_buffer_to_buffer(&output, 0, &back, 0, size);
        let submission = self.queue.submit([encoder.finish()]);
        let read = staging
            .read(
                self,
                Mapping::new(back, size, submission, self.patience(1, true)),
            )
            .await?;
        Ok(read
            .iter()
            .zip(expected)
            .all(|(&w, e)| f32::from_bits(w) == e))
    }

    /// What went wrong, if anything did.
    pub(crate) fn check(&self) -> Result<()> {
        match self.failure.lock() {
            Ok(first) => first.as_ref().map_or(Ok(()), |why| Err(gpu_error(why))),
            Err(_) => Err(gpu_error("its errors cannot be read")),
        }
    }

    /// Takes the device for lost.
    pub(crate) fn give_up(&self, why: &str) {
        if let Ok(mut first) = self.failure.lock() {
            first.get_or_insert_with(|| why.to_owned());
        }
    }

    /// How long the result of `tokens` tokens may take before the device counts as lost. Far longer than any adapter takes:
    /// a driver that hangs is often reset within seconds, and is then lost by itself.
    pub(crate) fn patience(&self, tokens: usize, compiling: bool) -> Duration {
        let tokens = u32::try_from(tokens).unwrap_or(u32::MAX);
        let (slow, slow_token) = match self.emulated {
            true => (EMULATED, EMULATED_TOKEN),
            false => (1, 1),
        };
        let compiling = match compiling {
            true => PATIENCE_COMPILING,
            false => Duration::ZERO,
        };
        PATIENCE
            .saturating_mul(slow)
            .saturating_add(PATIENCE_TOKEN.saturating_mul(tokens.saturating_mul(slow_token)))
            .saturating_add(compiling)
    }

    /// Bytes of all buffers that exist.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// A zeroed buffer of `size` bytes, at least 16 and rounded up to whole words.
    pub(crate) fn buffer(&self, label: &str, size: usize, usage: wgpu::BufferUsages) -> Buffer {
        let size = size.max(16).next_multiple_of(16) as u64;
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size,
            usage,
            mapped_at_creation: false,
        });
        self.bytes.fetch_add(size, Ordering::Relaxed);
        Buffer {
            buffer,
            bytes: self.bytes.clone(),
        }
    }

    /// A storage buffer that can be written to from here.
    pub(crate) fn storage(&self, label: &str, size: usize) -> Buffer {
        use wgpu::BufferUsages as U;
        self.buffer(label, size, U::STORAGE | U::COPY_DST | U::COPY_SRC)
    }

    /// A storage buffer with these words in it.
    pub(crate) fn filled(&self, label: &str, words: &[u32]) -> Buffer {
        let buffer = self.storage(label, words.len() * 4);
        self.write(&buffer, 0, words);
        buffer
    }

    /// Writes words at a word offset; ordered before everything submitted later.
    pub(crate) fn write(&self, buffer: &wgpu::Buffer, at: usize, words: &[u32]) {
        if words.is_empty() {
            return;
        }
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        self.queue.write_buffer(buffer, at as u64 * 4, &bytes);
    }

    /// The layout of a kernel's bindings.
    pub(crate) fn layout(&self, kernel: Kernel) -> wgpu::BindGroupLayout {
        let entries: Vec<_> = kernel
            .bindings()
            .iter()
            .zip(0..)
            .map(|(how, binding)| wgpu::BindGroupLayoutEntry {
                binding,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: wgpu::BindingType::Buffer {
                    ty: match how {
                        Use::Uniform => wgpu::BufferBindingType::Uniform,
                        Use::Read => wgpu::BufferBindingType::Storage { read_only: true },
                        Use::Write => wgpu::BufferBindingType::Storage { read_only: false },
                    },
                    has_dynamic_offset: false,
                    min_binding_size: None,
                },
                count: None,
            })
            .collect();
        self.device
            .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                label: Some(kernel.name()),
                entries: &entries,
            })
    }

    /// Compiles one form of a kernel.
    pub(crate) fn pipeline(
        &self,
        form: &Form,
        layout: &wgpu::BindGroupLayout,
    ) -> wgpu::ComputePipeline {
        let label = Some(form.kernel.name());
        let module = self
            .device
            .create_shader_module(wgpu::ShaderModuleDescriptor {
                label,
                source: wgpu::ShaderSource::Wgsl(form.wgsl().into()),
            });
        let layout = self
            .device
            .create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label,
                bind_group_layouts: &[Some(layout)],
                ..Default::default()
            });
        self.device
            .create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label,
                layout: Some(&layout),
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    // Everything a kernel reads from shared memory it has written before.
                    zero_initialize_workgroup_memory: false,
                    ..Default::default()
                },
                cache: None,
            })
    }

    /// A kernel's form on this device.
    pub(crate) fn form(&self, kernel: Kernel, stored: Stored, tokens: usize) -> Form {
        Form {
            kernel,
            stored,
            features: Features::default(),
            tokens,
            tiling: self.tiling,
            dims: 1,
            group: 1,
            subgroups: self.subgroups,
            shared: self.shared,
            f16: self.f16,
        }
    }
}
