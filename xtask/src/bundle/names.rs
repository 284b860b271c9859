//! What each variable is called in the joined files: as in its source, or, where that could be taken for another variable,
//! by a name that stands nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use super::chunks::Chunks;
use super::module::{Exported, Module, place};
use crate::Result;

type Modules = BTreeMap<String, Module>;

/// The names of one realm's variables: (module, name in its source) -> name.
#[derive(Debug)]
pub struct Names(BTreeMap<(String, String), String>);

impl Names {
    pub fn new(modules: &Modules, chunks: &Chunks) -> Result<Self> {
        let mut taken: BTreeSet<&str> = BTreeSet::new();
        for module in modules.values() {
            taken.extend(module.names.iter().map(String::as_str));
            taken.extend(module.imports.keys().map(String::as_str));
            taken.extend(module.exports.keys().map(String::as_str));
        }
        // The browser's own names must not be hidden by a variable of another module.
        let mut used: BTreeSet<&str> = modules
            .values()
            .flat_map(|module| module.globals.iter().map(String::as_str))
            .collect();
        let aliased = aliased(modules)?;
        let mut names = BTreeMap::new();
        // Entries come first, because what they export keeps its name.
        let (entries, others): (Vec<_>, Vec<_>) = modules
            .iter()
            .partition(|(path, _)| chunks.entries.contains(*path));
        for (path, module) in entries.into_iter().chain(others) {
            for name in &module.declares {
                let variable = (path.clone(), name.clone());
                let is_free = used.insert(name);
                let called = if is_free && !aliased.contains(&variable) {
                    name.clone()
                } else {
                    (1..)
                        .map(|n| format!("{name}${n}"))
                        .find(|fresh| {
                            !taken.contains(fresh.as_str()) && !names.values().any(|it| it == fresh)
                        })
                        .unwrap_or_default()
                };
                names.insert(variable, called);
            }
        }
        Ok(Self(names))
    }

    /// The name of what `module` calls `name`, be it its own or imported.
    pub fn of(&self, modules: &Modules, module: &str, name: &str) -> Result<String> {
        let variable = variable(modules, module, name)?;
        self.0.get(&variable).cloned().ok_or_else(|| {
            let (module, name) = variable;
            format!("{module}: it has no {name}")
        })
    }
}

/// Variables that some module has under another name. A name of that module's functions could hide the variable's own.
fn aliased(modules: &Modules) -> Result<BTreeSet<(String, String)>> {
    let mut found = BTreeSet::new();
    for (path, module) in modules {
        for local in module.imports.keys() {
            let variable = variable(modules, path, local)?;
            if variable.1 != *local {
                found.insert(variable);
            }
        }
        for exported in module.exports.keys() {
            origin(modules, path, exported)
                .map_err(|why| format!("{}: {why}", place(path, &module.source, 0)))?;
        }
    }
    Ok(found)
}

/// The module that declares what `module` calls `name`, and the name there.
pub fn variable(modules: &Modules, module: &str, name: &str) -> Result<(String, String)> {
    let source = &modules[module];
    match source.imports.get(name) {
        Some(import) => origin(modules, &import.module, &import.name)
            .map_err(|why| format!("{}: {why}", place(module, &source.source, import.at))),
        None => Ok((module.to_owned(), name.to_owned())),
    }
}

/// The module that declares what `module` exports as `name`, and the name there.
pub fn origin(modules: &Modules, module: &str, name: &str) -> Result<(String, String)> {
    let (mut at, mut name) = (module.to_owned(), name.to_owned());
    // Each module on the way once; more are a ring of modules that pass a name on to each other.
    for _ in 0..=modules.len() {
        let missing = || format!("{at} does not export {name}");
        let found = modules.get(&at).ok_or_else(missing)?;
        match found.exports.get(&name).ok_or_else(missing)? {
            Exported::Own(own) => match found.imports.get(own) {
                Some(import) => (at, name) = (import.module.clone(), import.name.clone()),
                None if found.declares.contains(own) => return Ok((at, own.clone())),
                None => return Err(format!("{at} exports {own}, which it does not have")),
            },
            Exported::Of { module, name: of } => (at, name) = (module.clone(), of.clone()),
        }
    }
    Err(format!("{module} exports {name}, which no module has"))
}
