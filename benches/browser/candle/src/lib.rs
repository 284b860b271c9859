//! candle-transformers' quantized Llama behind the smallest wasm-bindgen surface that can be raced: the peer our engine is
//! measured against, on the same file, the same token ids, in the same browser.
//!
//! Nothing here is tuned for or against candle: it is the library's own forward pass, built with the same compiler flags and
//! the same profile as ours, fed as its own examples feed it (the prompt in one batch, then token by token).

use std::io::Cursor;

use candle_core::quantized::gguf_file;
use candle_core::{Device, Result, Tensor};
use candle_transformers::models::quantized_llama::ModelWeights;
use wasm_bindgen::prelude::*;

/// One model, and the place in the sequence where it is.
#[wasm_bindgen]
pub struct CandlePeer {
    weights: ModelWeights,
    /// How many tokens have been read.
    at: usize,
    /// The token that comes next.
    next: u32,
}

#[wasm_bindgen]
impl CandlePeer {
    /// Loads a GGUF file.
    ///
    /// # Errors
    ///
    /// When candle cannot read it.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: Vec<u8>) -> std::result::Result<CandlePeer, JsError> {
        let mut reader = Cursor::new(bytes);
        let content = gguf_file::Content::read(&mut reader)?;
        let weights = ModelWeights::from_gguf(content, &mut reader, &Device::Cpu)?;
        Ok(Self {
            weights,
            at: 0,
            next: 0,
        })
    }

    /// Forgets everything read, reads `tokens` in one batch and returns the most likely next token.
    ///
    /// # Errors
    ///
    /// When candle refuses the tokens.
    pub fn prefill(&mut self, tokens: &[u32]) -> std::result::Result<u32, JsError> {
        self.weights.clear_kv_cache();
        self.at = 0;
        self.next = self.read(tokens)?;
        Ok(self.next)
    }

    /// Reads `n` tokens one by one, the first being the one `prefill` (or the last `decode`) returned last, and returns the
    /// `n` tokens that came next: the greedy continuation.
    ///
    /// # Errors
    ///
    /// When candle refuses a token.
    pub fn decode(&mut self, n: usize) -> std::result::Result<Vec<u32>, JsError> {
        let mut tokens = Vec::with_capacity(n);
        for _ in 0..n {
            self.next = self.read(&[self.next])?;
            tokens.push(self.next);
        }
        Ok(tokens)
    }

    fn read(&mut self, tokens: &[u32]) -> Result<u32> {
        let input = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
        let logits = self.weights.forward(&input, self.at)?.squeeze(0)?;
        self.at += tokens.len();
        let logits = logits.to_vec1::<f32>()?;
        Ok(argmax(&logits))
    }
}

/// The index of the largest value, the first of equals.
fn argmax(values: &[f32]) -> u32 {
    let mut best = 0;
    for (i, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = i;
        }
    }
    best as u32
}
