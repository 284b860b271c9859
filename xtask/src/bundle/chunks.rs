//! Which modules travel together.
//!
//! An entry is what a browser asks for by itself: a root, or what is imported with `import(…)`. Modules that the same entries
//! need are needed together or not at all, so they are one file. What is there anyway when an entry is asked for does not
//! count as its need: whatever a part of the page imports from the page that fetches it.

use std::collections::{BTreeMap, BTreeSet};

use super::module::{Module, place};
use crate::Result;

type Modules = BTreeMap<String, Module>;
type Set = BTreeSet<String>;

/// A joined file.
#[derive(Debug)]
pub struct Chunk {
    /// Where it lies: at the address of its entry, or of the module that comes last in it.
    pub path: String,
    /// Its modules, in the order of their evaluation.
    pub modules: Vec<String>,
    /// The files that it imports, in the order of their evaluation.
    pub needs: Vec<String>,
}

/// The joined files of one realm.
#[derive(Debug)]
pub struct Chunks {
    pub all: Vec<Chunk>,
    /// module -> the path of its file
    pub of: BTreeMap<String, String>,
    /// Modules whose exports must be had by their names.
    pub entries: Set,
}

impl Chunks {
    pub fn new(modules: &Modules, roots: &[&str]) -> Result<Self> {
        let roots: Vec<String> = roots.iter().map(|root| (*root).to_owned()).collect();
        let later: Set = modules
            .values()
            .flat_map(|module| module.dynamic.iter().map(|it| it.module.clone()))
            .collect();
        let order = order(modules, roots.iter().chain(&later));
        let needs: BTreeMap<String, Set> = roots
            .iter()
            .chain(&later)
            .map(|entry| (entry.clone(), closure(modules, entry)))
            .collect();
        let there = already_there(modules, &roots, &needs);
        // The entries that a module is fetched for -> the modules.
        let mut groups: BTreeMap<Vec<&String>, Vec<String>> = BTreeMap::new();
        for module in &order {
            let fetching = needs
                .iter()
                .filter(|(entry, needs)| needs.contains(module) && !there[*entry].contains(module))
                .map(|(entry, _)| entry)
                .collect();
            groups.entry(fetching).or_default().push(module.clone());
        }
        let mut chunks = Self {
            all: Vec::new(),
            of: BTreeMap::new(),
            entries: needs.keys().cloned().collect(),
        };
        for modules in groups.into_values() {
            let is_root = |path: &&String| roots.contains(path);
            let place = modules
                .iter()
                .find(is_root)
                .or_else(|| modules.iter().find(|path| later.contains(*path)))
                .or(modules.last())
                .cloned()
                .unwrap_or_default();
            for module in &modules {
                chunks.of.insert(module.clone(), place.clone());
            }
            chunks.all.push(Chunk {
                path: place,
                modules,
                needs: Vec::new(),
            });
        }
        chunks.link(modules, &order)?;
        chunks.refuse_moved(modules)?;
        Ok(chunks)
    }

    /// Says which file imports which.
    fn link(&mut self, modules: &Modules, order: &[String]) -> Result<()> {
        for i in 0..self.all.len() {
            let chunk = &self.all[i];
            let wanted: Set = chunk
                .modules
                .iter()
                .flat_map(|module| modules[module].needs.iter().map(|(to, _)| to))
                .chain(
                    chunk
                        .modules
                        .iter()
                        .flat_map(|module| origins(modules, module)),
                )
                .map(|to| self.of[to].clone())
                .filter(|to| *to != chunk.path)
                .collect();
            let mut needs = Vec::new();
            for module in order {
                let of = &self.of[module];
                if wanted.contains(of) && !needs.contains(of) {
                    needs.push(of.clone());
                }
            }
            self.all[i].needs = needs;
        }
        // Files that import each other would be evaluated in another order than their modules.
        for chunk in &self.all {
            for need in &chunk.needs {
                if self.waits_for(need).contains(&chunk.path) {
                    return Err(format!(
                        "{} and {need} would import each other; import one of them later, or at once",
                        chunk.path
                    ));
                }
            }
        }
        Ok(())
    }

    /// An address that is computed is meant from the module's own place.
    fn refuse_moved(&self, modules: &Modules) -> Result<()> {
        for (path, module) in modules {
            if let Some(at) = module.computed.filter(|_| self.of[path] != *path) {
                return Err(format!(
                    "{}: the module that import() fetches must be written as a string here",
                    place(path, &module.source, at)
                ));
            }
        }
        Ok(())
    }

    /// The files that are evaluated before the module `path` has been, its own first.
    pub fn waits_for(&self, path: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut open = vec![self.of[path].clone()];
        while let Some(path) = open.pop() {
            if found.contains(&path) {
                continue;
            }
            let chunk = self.all.iter().find(|chunk| chunk.path == path);
            open.extend(
                chunk
                    .into_iter()
                    .flat_map(|chunk| chunk.needs.iter().cloned()),
            );
            found.push(path);
        }
        found
    }
}

/// The modules whose variables a module names, behind modules that pass them on.
fn origins<'m>(modules: &'m Modules, path: &str) -> Vec<&'m String> {
    let module = &modules[path];
    let imported = module.imports.values().map(|it| (&it.module, &it.name));
    let passed = module.exports.values().filter_map(|it| match it {
        super::module::Exported::Of { module, name } => Some((module, name)),
        super::module::Exported::Own(_) => None,
    });
    imported
        .chain(passed)
        .filter_map(|(from, name)| {
            let (from, _) = super::names::origin(modules, from, name).ok()?;
            modules.get_key_value(&from).map(|(path, _)| path)
        })
        .collect()
}

/// What is there whenever an entry is asked for: what all that ask for it have, or, for a root, nothing.
fn already_there(
    modules: &Modules,
    roots: &[String],
    needs: &BTreeMap<String, Set>,
) -> BTreeMap<String, Set> {
    let everything: Set = modules.keys().cloned().collect();
    let mut there: BTreeMap<String, Set> = needs
        .keys()
        .map(|entry| {
            let is_root = roots.contains(entry);
            let first = if is_root {
                Set::new()
            } else {
                everything.clone()
            };
            (entry.clone(), first)
        })
        .collect();
    // Each round can only take away, so this ends.
    loop {
        let mut next = there.clone();
        for (entry, has) in &mut next {
            for (path, module) in modules {
                if !module.dynamic.iter().any(|it| it.module == *entry) {
                    continue;
                }
                for (other, needs) in needs.iter().filter(|(_, needs)| needs.contains(path)) {
                    has.retain(|module| needs.contains(module) || there[other].contains(module));
                }
            }
        }
        if next == there {
            return there;
        }
        there = next;
    }
}

/// What `entry` imports at once, whatever is between them; itself too.
fn closure(modules: &Modules, entry: &str) -> Set {
    let mut found = Set::new();
    let mut open = vec![entry.to_owned()];
    while let Some(path) = open.pop() {
        if found.insert(path.clone()) {
            open.extend(modules[&path].needs.iter().map(|(to, _)| to.clone()));
        }
    }
    found
}

/// The modules in the order in which a browser evaluates them: first what a module imports, in the order of its imports.
fn order<'a>(modules: &Modules, entries: impl Iterator<Item = &'a String>) -> Vec<String> {
    fn visit(modules: &Modules, path: &str, seen: &mut Set, order: &mut Vec<String>) {
        if !seen.insert(path.to_owned()) {
            return;
        }
        for (to, _) in &modules[path].needs {
            visit(modules, to, seen, order);
        }
        order.push(path.to_owned());
    }
    let (mut seen, mut found) = (Set::new(), Vec::new());
    for entry in entries {
        visit(modules, entry, &mut seen, &mut found);
    }
    found
}
