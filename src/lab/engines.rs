//! Which engine a lab runs on, and what happens when it fails.

use super::Lab;
use crate::{
    choose::{Chosen, GOLDEN_TEXT, Golden, Wanted, pace},
    engine::{
        Edits, Engine, Watch,
        cpu::{Cpu, Isa},
        gpu::{Gpu, KernelTime, Options},
    },
    error::{Error, ErrorKind, Result},
};

/// The engine in use.
pub(super) enum Running {
    Cpu(Box<Cpu>),
    Gpu(Box<Gpu>),
    /// One that a caller brought.
    Other(Box<dyn Engine>),
}

impl Running {
    pub(super) fn get(&self) -> &dyn Engine {
        match self {
            Self::Cpu(e) => e.as_ref(),
            Self::Gpu(e) => e.as_ref(),
            Self::Other(e) => e.as_ref(),
        }
    }

    pub(super) fn get_mut(&mut self) -> &mut dyn Engine {
        match self {
            Self::Cpu(e) => e.as_mut(),
            Self::Gpu(e) => e.as_mut(),
            Self::Other(e) => e.as_mut(),
        }
    }
}

impl Lab {
    /// Chooses the engine by running both, where there are two (see [`crate::choose`]); `now` is a clock in seconds. A GPU
    /// that is not there, or computes wrongly, leaves the CPU, and says why.
    ///
    /// # Errors
    /// [`ErrorKind::Memory`], [`ErrorKind::Model`]: none of the GPU's.
    pub async fn choose(&mut self, wanted: Wanted, now: impl Fn() -> f64) -> Result<Chosen> {
        self.rereading.close(self.engine.get_mut());
        self.take_cpu()?;
        let mut chosen = Chosen {
            engine: "cpu",
            cpu: None,
            gpu: None,
            adapter: None,
            refused: None,
        };
        if wanted == Wanted::Cpu {
            chosen.cpu = Some(pace(self.engine.get_mut(), &now).await?);
            return Ok(chosen);
        }
        let norms = match &self.engine {
            Running::Cpu(cpu) => Some(cpu.shared_column_norms()),
            _ => None,
        };
        let options = Options {
            emulated: wanted == Wanted::Gpu,
            ..Options::default()
        };
        let measured = match Gpu::open(&self.file, norms, &options).await {
            Err(e) => Err(e),
            Ok(mut gpu) => {
                chosen.adapter = Some(gpu.adapter());
                let known = self.artifact.as_ref().and_then(|a| a.model.golden.clone());
                let golden = match known {
                    Some(golden) => golden,
                    None => Golden::make(self.engine.get_mut(), &self.text, GOLDEN_TEXT).await?,
                };
                if wanted == Wanted::Auto {
                    let run = golden.measure(self.engine.get_mut(), &self.text, &now);
                    chosen.cpu = Some(run.await?.tokens_per_second);
                }
                match golden.measure(&mut gpu, &self.text, &now).await {
                    Err(e) => Err(e),
                    Ok(run) => golden.check(&run).map(|()| (gpu, run)),
                }
            }
        };
        match measured {
            Err(e) => {
                chosen.refused = Some(e.to_string());
                if chosen.cpu.is_none() {
                    chosen.cpu = Some(pace(self.engine.get_mut(), &now).await?);
                }
            }
            Ok((gpu, run)) => {
                chosen.gpu = Some(run.tokens_per_second);
                if chosen.cpu.is_none_or(|cpu| run.tokens_per_second > cpu) {
                    chosen.engine = "gpu";
                    self.engine = Running::Gpu(Box::new(gpu));
                }
            }
        }
        Ok(chosen)
    }

    /// Something a visitor should know about the engine, once.
    pub fn take_notice(&mut self) -> Option<String> {
        self.notice.take()
    }

    /// The GPU in use, if it is.
    pub fn gpu(&mut self) -> Option<&mut Gpu> {
        match &mut self.engine {
            Running::Gpu(gpu) => Some(gpu),
            _ => None,
        }
    }

    /// Time by kernel of `tokens` tokens decoded on the GPU with the H-Neurons silenced and shown, on a device of its own: each
    /// kernel is a pass there, so that it can be timed. Nothing where the adapter has no timestamps.
    ///
    /// # Errors
    /// [`ErrorKind::Gpu`] where there is no GPU; [`Lab::h_neurons`].
    pub async fn kernel_times(&self, tokens: usize) -> Result<Vec<KernelTime>> {
        let neurons = self.h_neurons()?;
        let edits = Edits::scale(&neurons, 0.0, self.file.blueprint())?;
        let options = Options {
            profile: true,
            ..Options::default()
        };
        let norms = self.engine.get().column_norms().into();
        let mut gpu = Gpu::open(&self.file, Some(norms), &options).await?;
        gpu.time_decoding(&edits, &Watch::Chosen(neurons), tokens)
            .await
    }

    /// The CPU engine in use, if it is.
    pub fn cpu(&self) -> Option<&Cpu> {
        match &self.engine {
            Running::Cpu(cpu) => Some(cpu),
            _ => None,
        }
    }

    /// Takes the CPU engine with the kernels of a named instruction set. For tests and benchmarks: the best are taken of themselves.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for one that this machine lacks; as [`Cpu::new`].
    pub fn use_isa(&mut self, name: &str) -> Result<()> {
        let sets = Isa::available();
        let isa = sets.iter().find(|isa| isa.name() == name).ok_or_else(|| {
            let names: Vec<&str> = sets.iter().map(|isa| isa.name()).collect();
            Error::input(format!(
                "there are no kernels '{name}' here: choose {}",
                names.join(", ")
            ))
        })?;
        self.rereading.close(self.engine.get_mut());
        self.engine = Running::Cpu(Box::new(Cpu::with_isa(&self.file, *isa)?));
        Ok(())
    }

    /// Puts the CPU in the engine's place, if it is not there.
    fn take_cpu(&mut self) -> Result<()> {
        if !matches!(self.engine, Running::Cpu(_)) {
            self.engine = Running::Cpu(Box::new(Cpu::new(&self.file)?));
        }
        Ok(())
    }

    /// After an error of the GPU: the CPU takes over, and goes on `whence`. Any other error is given back.
    pub(super) fn fall_back(&mut self, error: Error, whence: &str) -> Result<()> {
        if error.kind() != ErrorKind::Gpu || !matches!(self.engine, Running::Gpu(_)) {
            return Err(error);
        }
        self.rereading.close(self.engine.get_mut());
        self.take_cpu()?;
        self.notice = Some(format!(
            "The GPU stopped working ({error}). The CPU goes on{whence}."
        ));
        Ok(())
    }
}
