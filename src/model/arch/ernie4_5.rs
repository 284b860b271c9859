//! ERNIE 4.5 without experts (Baidu 2025): a plain Llama.
//!
//! Its published models have no biases, and a file that has some is refused. Neighbours are turned together in transformers
//! too, so that a converter leaves the rows of queries and keys as they are.

use super::{Architecture, Blueprint, Keys, Result};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "ernie4_5",
    read,
};

fn read(_: &Keys<'_, '_>, _: &mut Blueprint) -> Result<()> {
    Ok(())
}
