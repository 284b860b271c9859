//! Behaviour read as a margin: the log-odds of giving in against standing by, at the place where the two kinds of replies part.
//!
//! A reply is a coin thrown once: sixty-four of them tell a share to within six points. A margin is the coin's own bias, read from
//! the next token's probabilities without writing a reply: a thousand of them, each under the edit and as trained, tell a change
//! of a hundredth of a nat. What is left is the spread between random sets, so many of these are read too.

mod behaviour;
mod choose;
mod items;
mod measure;
mod portions;
mod study;
mod summary;
mod written;

pub use behaviour::{Behaviour, Wording};
pub use choose::{Tried, choices, choose};
pub use items::{Asked, Choice, Item, asked, choice, items, unanswerable};
pub use measure::{Margin, margins};
pub use portions::{Portions, Sizes, portions, write_recipe};
pub use study::{Read, Set, study};
pub use summary::{Against, AsTrained, Effect, Summary, summarize};
pub use written::{Row, Turned, Written, compare, gives_in, write};
