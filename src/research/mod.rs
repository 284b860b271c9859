//! What is computed natively and published: the numbers behind the page. Not part of the page's wasm.

mod profile;

pub use profile::{promoted, reference_quantiles};
