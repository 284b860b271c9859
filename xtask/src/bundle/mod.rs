//! The page's modules for the web: those that always travel together are joined into one file, so that a first visit asks
//! for few files. The sources stay plain modules, which a browser runs as they are.
//!
//! A joined file is itself a module. Its modules stand in it one after the other, in the order in which a browser evaluates
//! them, and share one scope, as with Rollup: what one exports and another imports is one variable, so it changes for both,
//! and modules that import each other work as they do apart. Names that would clash are written anew. No module is
//! there twice, and none is evaluated that the sources would not evaluate.
//!
//! | file | purpose |
//! |---|---|
//! | `module.rs` | reads one module |
//! | `chunks.rs` | which modules travel together |
//! | `names.rs` | what each variable is called in the joined files |
//! | `text.rs` | writes the joined files, without comments and indentation |
//! | `styles.rs` | joins style sheets |
//! | `page.rs` | writes `index.html`, and into it what is certain to be asked for next |

mod chunks;
mod module;
mod names;
pub mod page;
mod styles;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use crate::Result;
use chunks::Chunks;
use module::Module;

pub use styles::joined as join_styles;
pub use text::plain;

/// Text files by their path below the page.
pub type Texts = BTreeMap<String, String>;

/// The joined modules.
#[derive(Debug)]
pub struct Joined {
    pub files: Texts,
    /// For each root the files that its evaluation waits for, itself first.
    pub waits_for: BTreeMap<String, Vec<String>>,
}

/// Joins the modules of `sources` that the roots import, at once or later. A realm is what shares its modules' variables: the
/// page is one and a worker another. Roots of a realm are evaluated by a page or by nobody, each on its own. What no root reaches
/// must be named among the `unused`.
pub fn join(sources: &Texts, realms: &[&[&str]], unused: &[&str]) -> Result<Joined> {
    let mut joined = Joined {
        files: Texts::new(),
        waits_for: BTreeMap::new(),
    };
    let mut reached = BTreeSet::new();
    for roots in realms {
        let modules = read(sources, roots)?;
        let chunks = Chunks::new(&modules, roots)?;
        let names = names::Names::new(&modules, &chunks)?;
        for chunk in &chunks.all {
            let text = text::write(&modules, &chunks, &names, chunk)?;
            if joined.files.insert(chunk.path.clone(), text).is_some() {
                return Err(format!(
                    "{} would be the place of two joined files; it is reached from the page and from a worker",
                    chunk.path
                ));
            }
        }
        for root in *roots {
            let files = chunks.waits_for(root);
            joined.waits_for.insert((*root).to_owned(), files);
        }
        reached.extend(modules.into_keys());
    }
    for (path, source) in sources {
        let known = reached.contains(path) || unused.contains(&path.as_str());
        if !known && !Module::read(path, source)?.is_empty {
            return Err(format!(
                "{path}: no module imports it, so no visitor would get it; delete it, or name it in xtask/src/dist.rs"
            ));
        }
    }
    Ok(joined)
}

/// The modules that the roots reach.
fn read(sources: &Texts, roots: &[&str]) -> Result<BTreeMap<String, Module>> {
    let mut modules = BTreeMap::new();
    let mut open = Vec::new();
    for root in roots {
        open.push(((*root).to_owned(), format!("the page names {root}")));
    }
    while let Some((path, who)) = open.pop() {
        if modules.contains_key(&path) {
            continue;
        }
        let source = sources
            .get(&path)
            .ok_or_else(|| format!("{who}, and there is no module {path}"))?;
        let module = Module::read(&path, source)?;
        let wanted = module.needs.iter().map(|(to, at)| (to, *at));
        let later = module.dynamic.iter().map(|it| (&it.module, it.start));
        for (to, at) in wanted.chain(later) {
            let who = format!("{}: it imports {to}", module::place(&path, source, at));
            open.push((to.clone(), who));
        }
        modules.insert(path, module);
    }
    Ok(modules)
}

#[cfg(test)]
mod tests;
