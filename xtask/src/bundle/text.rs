//! Writes the joined files. Comments and indentation, which only readers of the source need, are left out; lines stay, so that a
//! browser's error still says where.

use std::collections::{BTreeMap, BTreeSet};

use oxc_allocator::Allocator;
use oxc_ast::ast::{Program, StringLiteral, TemplateElement};
use oxc_ast_visit::Visit;
use oxc_span::{SourceType, Span};

use super::chunks::{Chunk, Chunks};
use super::module::{Edit, Module, comments, parse, relative};
use super::names::{Names, origin, variable};
use crate::Result;

type Modules = BTreeMap<String, Module>;

/// The text of a joined file.
pub fn write(modules: &Modules, chunks: &Chunks, names: &Names, chunk: &Chunk) -> Result<String> {
    let mut body = String::new();
    // file -> the names that are imported from it
    let mut imports: BTreeMap<&String, BTreeSet<String>> = BTreeMap::new();
    for path in &chunk.modules {
        let module = &modules[path];
        for local in module.imports.keys() {
            let (from, _) = variable(modules, path, local)?;
            let file = &chunks.of[&from];
            if *file != chunk.path {
                let name = names.of(modules, path, local)?;
                imports.entry(file).or_default().insert(name);
            }
        }
        let text = edited(
            &module.source,
            edits(modules, chunks, names, chunk, module)?,
        )?;
        let text = text.trim();
        body.push_str(text);
        // The end of a file ends its last statement.
        let ended = text.is_empty() || text.ends_with(';');
        body.push_str(if ended { "\n" } else { "\n;\n" });
    }
    let mut exports = BTreeMap::new();
    for path in chunk
        .modules
        .iter()
        .filter(|path| chunks.entries.contains(*path))
    {
        for exported in modules[path].exports.keys() {
            let (from, name) = origin(modules, path, exported)?;
            let called = names.of(modules, &from, &name)?;
            let file = &chunks.of[&from];
            if *file != chunk.path {
                imports.entry(file).or_default().insert(called.clone());
            }
            export(&mut exports, chunk, exported, &called)?;
        }
    }
    for name in wanted(modules, chunks, names, chunk)? {
        export(&mut exports, chunk, &name, &name)?;
    }

    let mut text = String::new();
    for file in &chunk.needs {
        let from = relative(&chunk.path, file);
        match imports.get(file) {
            Some(names) => {
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                text.push_str(&format!(
                    "import {{ {} }} from \"{from}\";\n",
                    names.join(", ")
                ));
            }
            None => text.push_str(&format!("import \"{from}\";\n")),
        }
    }
    if let Some((file, _)) = imports.iter().find(|(file, _)| !chunk.needs.contains(file)) {
        return Err(format!(
            "{} needs {file} unawares: this is a fault of xtask",
            chunk.path
        ));
    }
    text.push_str(&body);
    let exports: Vec<_> = exports
        .into_iter()
        .map(|(name, called)| match name == called {
            true => name,
            false => format!("{called} as {name}"),
        })
        .collect();
    if !exports.is_empty() {
        text.push_str(&format!("export {{ {} }};\n", exports.join(", ")));
    }
    squeezed(
        &format!("{} (joined)", chunk.path),
        &text,
        SourceType::mjs(),
    )
}

/// A script that is no module, or a module that stays alone, without comments and indentation.
pub fn plain(path: &str, source: &str) -> Result<String> {
    let allocator = Allocator::default();
    let kind = SourceType::script();
    let edits = comments(&parse(&allocator, path, source, kind)?);
    squeezed(path, &edited(source, edits)?, kind)
}

fn export(
    exports: &mut BTreeMap<String, String>,
    chunk: &Chunk,
    name: &str,
    called: &str,
) -> Result<()> {
    match exports.insert(name.to_owned(), called.to_owned()) {
        Some(other) if other != called => Err(format!(
            "{}: two of its modules export {name}; give one another name",
            chunk.path
        )),
        _ => Ok(()),
    }
}

/// The names that other files import from this one.
fn wanted(
    modules: &Modules,
    chunks: &Chunks,
    names: &Names,
    chunk: &Chunk,
) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for (path, module) in modules
        .iter()
        .filter(|(path, _)| chunks.of[*path] != chunk.path)
    {
        for local in module.imports.keys() {
            let (from, _) = variable(modules, path, local)?;
            if chunks.of[&from] == chunk.path {
                found.insert(names.of(modules, path, local)?);
            }
        }
        let passed = if chunks.entries.contains(path) {
            module.exports.keys()
        } else {
            Default::default()
        };
        for exported in passed {
            let (from, name) = origin(modules, path, exported)?;
            if chunks.of[&from] == chunk.path {
                found.insert(names.of(modules, &from, &name)?);
            }
        }
    }
    Ok(found)
}

/// What is written anew in a module: names, addresses, imports and exports.
fn edits(
    modules: &Modules,
    chunks: &Chunks,
    names: &Names,
    chunk: &Chunk,
    module: &Module,
) -> Result<Vec<Edit>> {
    let mut edits = module.edits.clone();
    for it in &module.uses {
        let called = names.of(modules, &module.path, &it.name)?;
        if called != it.name {
            let text = if it.shorthand {
                format!("{}: {called}", it.name)
            } else {
                called
            };
            edits.push((it.start, it.end, text));
        }
    }
    for it in &module.dynamic {
        let to = relative(&chunk.path, &chunks.of[&it.module]);
        edits.push((it.start, it.end, format!("\"{to}\"")));
    }
    // A module's own address is the joined file's, from there to where the module's source lies.
    if module.path != chunk.path {
        let from = relative(&chunk.path, &module.path);
        for (start, end) in &module.urls {
            let text = format!("new URL(\"{from}\", import.meta.url).href");
            edits.push((*start, *end, text));
        }
    }
    Ok(edits)
}

/// `source` with these edits. One that lies in another, as a comment in an import, is part of that.
fn edited(source: &str, mut edits: Vec<Edit>) -> Result<String> {
    edits.sort_by_key(|(start, end, _)| (*start, std::cmp::Reverse(*end)));
    let mut text = String::new();
    let mut at = 0;
    for (start, end, left) in edits {
        if end <= at && start < at {
            continue;
        }
        let kept = source.get(at..start);
        text.push_str(kept.ok_or("two edits of a script overlap: this is a fault of xtask")?);
        text.push_str(&left);
        at = end;
    }
    text.push_str(source.get(at..).unwrap_or_default());
    Ok(text)
}

/// The script with one end of a line for each run of white space that has one. What is in a template or a string stays.
fn squeezed(path: &str, text: &str, kind: SourceType) -> Result<String> {
    let allocator = Allocator::default();
    let program = parse(&allocator, path, text, kind)?;
    let mut kept = Kept(Vec::new());
    kept.visit_program(&program);
    // What is left of comments is a licence.
    kept.0
        .extend(program.comments.iter().map(|comment| comment.span));
    kept.0.sort_by_key(|span| span.start);
    let mut out = String::new();
    let mut at = 0;
    for span in kept.0 {
        let (start, end) = (span.start as usize, span.end as usize);
        lines(text.get(at..start).unwrap_or_default(), &mut out);
        out.push_str(text.get(start..end).unwrap_or_default());
        at = end;
    }
    lines(text.get(at..).unwrap_or_default(), &mut out);
    let out = format!("{}\n", out.trim());
    same(path, &program, &out, kind)?;
    Ok(out)
}

/// Adds code that has no string over several lines.
fn lines(code: &str, out: &mut String) {
    let mut rest = code;
    while let Some(from) = rest.find(|c: char| c.is_whitespace()) {
        let (before, after) = rest.split_at(from);
        let to = after
            .find(|c: char| !c.is_whitespace())
            .unwrap_or(after.len());
        let (space, after) = after.split_at(to);
        out.push_str(before);
        out.push_str(if space.contains(['\n', '\r', '\u{2028}', '\u{2029}']) {
            "\n"
        } else {
            space
        });
        rest = after;
    }
    out.push_str(rest);
}

/// Refuses a text that is not the same program.
fn same(path: &str, program: &Program, text: &str, kind: SourceType) -> Result<()> {
    use oxc_span::ContentEq as _;
    let allocator = Allocator::default();
    let again = parse(&allocator, path, text, kind)?;
    if again.content_eq(program) {
        Ok(())
    } else {
        Err(format!(
            "{path}: without its indentation it would be another program; this is a fault of xtask"
        ))
    }
}

/// Where white space counts.
struct Kept(Vec<Span>);

impl<'a> Visit<'a> for Kept {
    fn visit_template_element(&mut self, it: &TemplateElement<'a>) {
        self.0.push(it.span);
    }

    fn visit_string_literal(&mut self, it: &StringLiteral<'a>) {
        self.0.push(it.span);
    }
}
