//! One source module, read: what it imports and exports, where it names things, and what of its text must be written anew.
//!
//! oxc parses and resolves names. What this project's modules do not use, and the joining does not know, is refused with file
//! and line: it must never be passed on wrong.

use std::collections::{BTreeMap, BTreeSet};

use oxc_allocator::Allocator;
use oxc_ast::ast::{
    ArrowFunctionExpression, AssignmentTargetPropertyIdentifier, AwaitExpression,
    BindingIdentifier, BindingPattern, BindingProperty, Declaration, ExportSpecifier, Expression,
    ForOfStatement, Function, IdentifierReference, ImportDeclarationSpecifier, ImportExpression,
    ImportMeta, ModuleExportName, ObjectProperty, Program, Statement, StaticMemberExpression,
};
use oxc_ast_visit::{Visit, walk};
use oxc_parser::Parser;
use oxc_semantic::{Scoping, SemanticBuilder, SymbolId};
use oxc_span::{GetSpan as _, SourceType, Span};
use oxc_syntax::scope::ScopeFlags;

use crate::Result;

/// A part of the text, and what stands there instead.
pub type Edit = (usize, usize, String);

/// What an export is a name of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exported {
    /// A name of this module.
    Own(String),
    /// A name that another module exports.
    Of { module: String, name: String },
}

/// An import of a name. `at` is its place in the text.
#[derive(Debug)]
pub struct Import {
    pub module: String,
    pub name: String,
    pub at: usize,
}

/// A place where a name of the module's outermost scope stands.
#[derive(Debug)]
pub struct Use {
    pub start: usize,
    pub end: usize,
    pub name: String,
    /// `{ name }`: a property of that name too, which is called so whatever the variable is called.
    pub shorthand: bool,
}

/// `import("…")`: the place of the address in the text, and the module.
#[derive(Debug)]
pub struct Dynamic {
    pub start: usize,
    pub end: usize,
    pub module: String,
}

/// A module of the page.
#[derive(Debug)]
pub struct Module {
    pub path: String,
    pub source: String,
    /// The modules whose evaluation comes first, in the order of the imports; each with its place in the text.
    pub needs: Vec<(String, usize)>,
    pub imports: BTreeMap<String, Import>,
    pub exports: BTreeMap<String, Exported>,
    /// What it declares in its outermost scope.
    pub declares: BTreeSet<String>,
    /// Names that it takes from the browser.
    pub globals: BTreeSet<String>,
    /// Every name that stands in it.
    pub names: BTreeSet<String>,
    pub uses: Vec<Use>,
    pub dynamic: Vec<Dynamic>,
    /// `import(expression)`: right only from the module's own address.
    pub computed: Option<usize>,
    /// `import.meta.url`
    pub urls: Vec<(usize, usize)>,
    /// Imports, exports and comments, which go.
    pub edits: Vec<Edit>,
    /// Whether it does nothing and says nothing: a file of types.
    pub is_empty: bool,
}

/// `path:line`, for an error.
pub fn place(path: &str, source: &str, at: usize) -> String {
    let before = source.get(..at).unwrap_or(source);
    format!("{path}:{}", before.matches('\n').count() + 1)
}

impl Module {
    /// Reads the module at `path`, an address below the page's.
    pub fn read(path: &str, source: &str) -> Result<Self> {
        let allocator = Allocator::default();
        let program = parse(&allocator, path, source, SourceType::mjs())?;
        let built = SemanticBuilder::new_compiler().build(&program);
        if let Some(found) = built.diagnostics.errors().next() {
            let at = found.labels.first().map_or(0, |label| label.span().start);
            return Err(format!(
                "{}: {}",
                place(path, source, at as usize),
                found.message
            ));
        }
        let mut reader = Reader {
            scoping: built.semantic.scoping(),
            depth: 0,
            refused: None,
            module: Self {
                path: path.to_owned(),
                source: source.to_owned(),
                needs: Vec::new(),
                imports: BTreeMap::new(),
                exports: BTreeMap::new(),
                declares: BTreeSet::new(),
                globals: BTreeSet::new(),
                names: BTreeSet::new(),
                uses: Vec::new(),
                dynamic: Vec::new(),
                computed: None,
                urls: Vec::new(),
                edits: comments(&program),
                is_empty: program.body.iter().all(|statement| {
                    matches!(statement, Statement::ExportNamedDeclaration(it) if it.specifiers.is_empty())
                }),
            },
        };
        reader.program(&program);
        match reader.refused {
            Some((at, why)) => Err(format!("{}: {why}", place(path, source, at))),
            None => Ok(reader.module),
        }
    }
}

/// The file's syntax tree, if it has no error.
pub fn parse<'a>(
    allocator: &'a Allocator,
    path: &str,
    source: &'a str,
    kind: SourceType,
) -> Result<Program<'a>> {
    let parsed = Parser::new(allocator, source, kind).parse();
    match parsed.diagnostics.errors().next() {
        Some(found) => {
            let at = found.labels.first().map_or(0, |label| label.span().start);
            Err(format!(
                "{}: {}",
                place(path, source, at as usize),
                found.message
            ))
        }
        None if parsed.panicked => Err(format!("{path}: this is not JavaScript")),
        None => Ok(parsed.program),
    }
}

/// What remains of each comment: nothing, or the end of a line, which can end a statement. A licence stays.
pub fn comments(program: &Program) -> Vec<Edit> {
    program
        .comments
        .iter()
        .filter(|comment| !comment.is_legal())
        .map(|comment| {
            let left = match () {
                () if comment.is_multiline_block() => "\n",
                () if comment.is_block() => " ",
                () => "",
            };
            let Span { start, end, .. } = comment.span;
            (start as usize, end as usize, left.to_owned())
        })
        .collect()
}

struct Reader<'s> {
    scoping: &'s Scoping,
    module: Module,
    /// How many functions the visited place lies in.
    depth: usize,
    refused: Option<(usize, String)>,
}

impl Reader<'_> {
    fn program(&mut self, program: &Program) {
        for statement in &program.body {
            self.statement(statement);
        }
        let removed = |statement: &Statement| {
            matches!(
                statement,
                Statement::ImportDeclaration(_)
                    | Statement::ExportNamedDeclaration(_)
                    | Statement::ExportFromDeclaration(_)
            )
        };
        for (i, statement) in program.body.iter().enumerate() {
            if removed(statement) {
                // It ended the statement before it, where that has no semicolon of its own.
                let before = i.checked_sub(1).and_then(|i| program.body.get(i));
                let ended = before.is_none_or(|before| self.text(before.span()).ends_with(';'));
                let Span { start, end, .. } = statement.span();
                let left = if ended { "" } else { ";" };
                self.module
                    .edits
                    .push((start as usize, end as usize, left.to_owned()));
            } else {
                self.visit_statement(statement);
            }
        }
        let root = self.scoping.root_scope_id();
        for symbol in self.scoping.symbol_ids() {
            let name = self.scoping.symbol_name(symbol).to_owned();
            if self.scoping.symbol_scope_id(symbol) == root
                && !self.module.imports.contains_key(&name)
            {
                self.module.declares.insert(name.clone());
            }
            self.module.names.insert(name);
        }
        for name in self.scoping.root_unresolved_references().keys() {
            self.module.globals.insert(name.to_string());
            self.module.names.insert(name.to_string());
        }
        if self.module.globals.contains("eval") {
            self.refuse(
                0,
                "eval sees names as they are in the source; do without it",
            );
        }
    }

    /// The imports and exports of a statement.
    fn statement(&mut self, statement: &Statement) {
        let at = statement.span().start as usize;
        match statement {
            Statement::ImportDeclaration(it) => {
                if it.with_clause.is_some() || it.phase.is_some() {
                    return self.refuse(at, "an import with attributes cannot be joined");
                }
                let Some(module) = self.resolved(&it.source.value, at) else {
                    return;
                };
                self.module.needs.push((module.clone(), at));
                for specifier in it.specifiers.iter().flatten() {
                    let ImportDeclarationSpecifier::ImportSpecifier(specifier) = specifier else {
                        return self.refuse(
                            at,
                            "write the names that are imported, import { name } from …: a default or a namespace cannot be joined",
                        );
                    };
                    let at = specifier.span.start as usize;
                    let Some(name) = self.plain(&specifier.imported) else {
                        return;
                    };
                    let import = Import {
                        module: module.clone(),
                        name,
                        at,
                    };
                    let local = specifier.local.name.to_string();
                    self.module.imports.insert(local, import);
                }
            }
            Statement::ExportFromDeclaration(it) => {
                if it.with_clause.is_some() {
                    return self.refuse(at, "an import with attributes cannot be joined");
                }
                let Some(module) = self.resolved(&it.source.value, at) else {
                    return;
                };
                self.module.needs.push((module.clone(), at));
                for specifier in &it.specifiers {
                    let Some((name, exported)) = self.names_of(specifier) else {
                        return;
                    };
                    let module = module.clone();
                    self.module
                        .exports
                        .insert(exported, Exported::Of { module, name });
                }
            }
            Statement::ExportNamedDeclaration(it) => {
                for specifier in &it.specifiers {
                    let Some((name, exported)) = self.names_of(specifier) else {
                        return;
                    };
                    self.module.exports.insert(exported, Exported::Own(name));
                }
            }
            Statement::ExportDeclaration(it) => {
                let mut found = Vec::new();
                match &it.declaration {
                    Declaration::FunctionDeclaration(it) => found.extend(it.id.as_ref()),
                    Declaration::ClassDeclaration(it) => found.extend(it.id.as_ref()),
                    Declaration::VariableDeclaration(it) => {
                        for declarator in &it.declarations {
                            bound(&declarator.id, &mut found);
                        }
                    }
                    _ => return self.refuse(at, "this export cannot be joined"),
                }
                for id in found {
                    let name = id.name.to_string();
                    self.module
                        .exports
                        .insert(name.clone(), Exported::Own(name));
                }
                let start = it.declaration.span().start as usize;
                self.module.edits.push((at, start, String::new()));
            }
            Statement::ExportDefaultDeclaration(_) => {
                self.refuse(
                    at,
                    "give what is exported a name: a default cannot be joined",
                );
            }
            Statement::ExportAllDeclaration(_) => {
                self.refuse(at, "write the names that are exported, in place of *");
            }
            _ => {}
        }
    }

    /// The module that a specifier of this module means: a path below the page's.
    fn resolved(&mut self, specifier: &str, at: usize) -> Option<String> {
        let found = resolve(&self.module.path, specifier);
        if found.is_none() {
            self.refuse(
                at,
                &format!("{specifier:?} is not the relative address of a file of the page"),
            );
        }
        found
    }

    fn names_of(&mut self, specifier: &ExportSpecifier) -> Option<(String, String)> {
        Some((
            self.plain(&specifier.local)?,
            self.plain(&specifier.exported)?,
        ))
    }

    /// A name that is an identifier, and not the default's.
    fn plain(&mut self, name: &ModuleExportName) -> Option<String> {
        let at = name.span().start as usize;
        match name {
            ModuleExportName::IdentifierName(it) if it.name != "default" => {
                Some(it.name.to_string())
            }
            ModuleExportName::IdentifierReference(it) => Some(it.name.to_string()),
            _ => {
                self.refuse(at, "give it a plain name: this one cannot be joined");
                None
            }
        }
    }

    fn text(&self, span: Span) -> &str {
        let range = span.start as usize..span.end as usize;
        self.module.source.get(range).unwrap_or_default()
    }

    /// Keeps the first thing that is refused.
    fn refuse(&mut self, at: usize, why: &str) {
        self.refused.get_or_insert_with(|| (at, why.to_owned()));
    }

    fn is_outermost(&self, symbol: SymbolId) -> bool {
        self.scoping.symbol_scope_id(symbol) == self.scoping.root_scope_id()
    }

    fn used(&mut self, span: Span, name: &str, shorthand: bool) {
        self.module.uses.push(Use {
            start: span.start as usize,
            end: span.end as usize,
            name: name.to_owned(),
            shorthand,
        });
    }

    fn reference(&mut self, it: &IdentifierReference, shorthand: bool) {
        self.module.names.insert(it.name.to_string());
        let reference = self.scoping.get_reference(it.reference_id());
        let Some(symbol) = reference.symbol_id().filter(|id| self.is_outermost(*id)) else {
            return;
        };
        if reference.is_write() && self.module.imports.contains_key(it.name.as_str()) {
            let why = format!(
                "{} is imported, and only its own module can set it",
                it.name
            );
            self.refuse(it.span.start as usize, &why);
        }
        debug_assert_eq!(self.scoping.symbol_name(symbol), it.name.as_str());
        self.used(it.span, &it.name, shorthand);
    }

    fn binding(&mut self, it: &BindingIdentifier, shorthand: bool) {
        if self.is_outermost(it.symbol_id()) {
            self.used(it.span, &it.name, shorthand);
        }
    }
}

/// The names that a pattern gives.
fn bound<'p, 'a>(pattern: &'p BindingPattern<'a>, found: &mut Vec<&'p BindingIdentifier<'a>>) {
    match pattern {
        BindingPattern::BindingIdentifier(it) => found.push(it),
        BindingPattern::AssignmentPattern(it) => bound(&it.left, found),
        BindingPattern::ArrayPattern(it) => {
            for element in it.elements.iter().flatten() {
                bound(element, found);
            }
            if let Some(rest) = &it.rest {
                bound(&rest.argument, found);
            }
        }
        BindingPattern::ObjectPattern(it) => {
            for property in &it.properties {
                bound(&property.value, found);
            }
            if let Some(rest) = &it.rest {
                bound(&rest.argument, found);
            }
        }
    }
}

impl<'a> Visit<'a> for Reader<'_> {
    fn visit_identifier_reference(&mut self, it: &IdentifierReference<'a>) {
        self.reference(it, false);
    }

    fn visit_binding_identifier(&mut self, it: &BindingIdentifier<'a>) {
        self.binding(it, false);
    }

    fn visit_object_property(&mut self, it: &ObjectProperty<'a>) {
        match &it.value {
            Expression::Identifier(value) if it.shorthand => self.reference(value, true),
            _ => walk::walk_object_property(self, it),
        }
    }

    fn visit_binding_property(&mut self, it: &BindingProperty<'a>) {
        match &it.value {
            BindingPattern::BindingIdentifier(value) if it.shorthand => self.binding(value, true),
            BindingPattern::AssignmentPattern(value) if it.shorthand => {
                if let BindingPattern::BindingIdentifier(left) = &value.left {
                    self.binding(left, true);
                }
                self.visit_expression(&value.right);
            }
            _ => walk::walk_binding_property(self, it),
        }
    }

    fn visit_assignment_target_property_identifier(
        &mut self,
        it: &AssignmentTargetPropertyIdentifier<'a>,
    ) {
        self.reference(&it.binding, true);
        if let Some(init) = &it.init {
            self.visit_expression(init);
        }
    }

    fn visit_static_member_expression(&mut self, it: &StaticMemberExpression<'a>) {
        if matches!(it.object, Expression::ImportMeta(_)) && it.property.name == "url" {
            let Span { start, end, .. } = it.span;
            self.module.urls.push((start as usize, end as usize));
        } else {
            walk::walk_static_member_expression(self, it);
        }
    }

    fn visit_import_meta(&mut self, it: &ImportMeta) {
        self.refuse(
            it.span.start as usize,
            "of import.meta only import.meta.url can be joined",
        );
    }

    fn visit_import_expression(&mut self, it: &ImportExpression<'a>) {
        let at = it.span.start as usize;
        if it.options.is_some() || it.phase.is_some() {
            return self.refuse(at, "an import with options cannot be joined");
        }
        let Expression::StringLiteral(source) = &it.source else {
            self.module.computed.get_or_insert(at);
            return self.visit_expression(&it.source);
        };
        if let Some(module) = self.resolved(&source.value, at) {
            self.module.dynamic.push(Dynamic {
                start: source.span.start as usize,
                end: source.span.end as usize,
                module,
            });
        }
    }

    fn visit_function(&mut self, it: &Function<'a>, flags: ScopeFlags) {
        self.depth += 1;
        walk::walk_function(self, it, flags);
        self.depth -= 1;
    }

    fn visit_arrow_function_expression(&mut self, it: &ArrowFunctionExpression<'a>) {
        self.depth += 1;
        walk::walk_arrow_function_expression(self, it);
        self.depth -= 1;
    }

    fn visit_await_expression(&mut self, it: &AwaitExpression<'a>) {
        if self.depth == 0 {
            self.refuse(it.span.start as usize, TOP_AWAIT);
        }
        walk::walk_await_expression(self, it);
    }

    fn visit_for_of_statement(&mut self, it: &ForOfStatement<'a>) {
        if it.r#await && self.depth == 0 {
            self.refuse(it.span.start as usize, TOP_AWAIT);
        }
        walk::walk_for_of_statement(self, it);
    }
}

const TOP_AWAIT: &str =
    "await outside of a function would hold up the modules that this one is joined with";

/// The path that `specifier` means in the file `from`; paths have no leading slash. None where it leads out of the page.
pub fn resolve(from: &str, specifier: &str) -> Option<String> {
    if !(specifier.starts_with("./") || specifier.starts_with("../"))
        || specifier.contains(['?', '#', '%', '\\'])
    {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in specifier.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop()?;
            }
            "" => return None,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The address of the file `to` as it is written in the file `from`.
pub fn relative(from: &str, to: &str) -> String {
    let (mut from, mut to): (Vec<_>, Vec<_>) = (from.split('/').collect(), to.split('/').collect());
    let (_, name) = (from.pop(), to.pop().unwrap_or_default());
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = if from.len() == same {
        "./".to_owned()
    } else {
        "../".repeat(from.len() - same)
    };
    let down: String = to
        .iter()
        .skip(same)
        .map(|part| format!("{part}/"))
        .collect();
    format!("{up}{down}{name}")
}
