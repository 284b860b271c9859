//! Executes a template.

use std::{cell::RefCell, rc::Rc};

use super::{
    Fault,
    builtins::{self, Args},
    filters, methods,
    syntax::{
        Apply, Argument, Body, Comparison, Expr, For, Kind, Macro, Operator, Statement, Target,
    },
    tests_is,
    text::{Glyph, Text},
    value::{Callable, List, Loop, Names, Value, contains},
};

/// Work a template may do besides what grows with the conversation; a unit is a character or part of a step.
///
/// SmolLM2's template takes about 150 units a message. A character in memory takes eight bytes, so that this bounds memory too: no
/// template holds more than 64 MB.
const WORK: u64 = 8_000_000;

/// Work a template may do for each character and each message that it is given.
const WORK_PER_CHARACTER: u64 = 60;

/// Units of a step.
const STEP: usize = 8;

/// How deep evaluation may nest, macros that call themselves included. The stack of a browser's worker is small.
const MAX_DEPTH: usize = 160;

pub(crate) type Result<T> = std::result::Result<T, Fault>;

enum Flow {
    On,
    Break,
    Continue,
}

/// One rendering.
pub(crate) struct Run {
    scopes: Vec<Names>,
    /// The text so far; one more for each block whose text is taken.
    out: Vec<Vec<Glyph>>,
    work: u64,
    depth: usize,
    line: u32,
}

impl Run {
    pub fn new(variables: Vec<(&str, Value)>) -> Self {
        let size: u64 = variables.iter().map(|(_, v)| v.size() as u64).sum();
        Self {
            scopes: vec![
                variables
                    .into_iter()
                    .map(|(name, value)| (name.into(), value))
                    .collect(),
            ],
            out: vec![Vec::new()],
            work: WORK + WORK_PER_CHARACTER.saturating_mul(size),
            depth: 0,
            line: 1,
        }
    }

    pub fn render(mut self, body: &Body) -> Result<Vec<Glyph>> {
        self.body(body)?;
        Ok(self.out.pop().unwrap_or_default())
    }

    pub fn fault<T>(&self, message: impl Into<String>) -> Result<T> {
        Err(Fault::new(self.line, message))
    }

    /// Gives what went wrong the line it went wrong in.
    pub fn lined<T>(&self, result: std::result::Result<T, String>) -> Result<T> {
        result.map_err(|message| Fault::new(self.line, message))
    }

    pub fn raised<T>(&self, message: String) -> Result<T> {
        Err(Fault {
            line: self.line,
            message,
            raised: true,
        })
    }

    /// Accounts for work before it is done.
    pub fn spend(&mut self, units: usize) -> Result<()> {
        match self.work.checked_sub(units as u64) {
            Some(left) => {
                self.work = left;
                Ok(())
            }
            None => self.fault(
                "the template does too much: more text or more steps than a conversation needs",
            ),
        }
    }

    /// A text that was made.
    pub fn made(&mut self, glyphs: Vec<Glyph>) -> Result<Value> {
        self.spend(glyphs.len())?;
        Ok(Value::Text(glyphs.into()))
    }

    /// A list that was made.
    pub fn list(&mut self, items: Vec<Value>) -> Result<Value> {
        self.spend(items.len().saturating_mul(STEP))?;
        self.lined(Value::list(items))
    }

    /// Python's `str(…)` of a value.
    pub fn shown(&mut self, value: &Value) -> Result<Text> {
        self.spend(value.size())?;
        Ok(match value {
            Value::Text(text) => text.clone(),
            other => other.shown().into(),
        })
    }

    fn deeper<T>(&mut self, act: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.spend(STEP)?;
        if self.depth == MAX_DEPTH {
            return self.fault("the template nests too deep");
        }
        self.depth += 1;
        let out = act(self);
        self.depth -= 1;
        out
    }

    // Statements.

    fn body(&mut self, body: &[Statement]) -> Result<Flow> {
        self.deeper(|run| {
            for statement in body {
                run.line = statement.line;
                match run.statement(&statement.kind)? {
                    Flow::On => {}
                    other => return Ok(other),
                }
            }
            Ok(Flow::On)
        })
    }

    fn emit(&mut self, text: &[Glyph]) -> Result<()> {
        self.spend(text.len())?;
        if let Some(out) = self.out.last_mut() {
            out.extend_from_slice(text);
        }
        Ok(())
    }

    fn statement(&mut self, kind: &Kind) -> Result<Flow> {
        self.spend(STEP)?;
        match kind {
            Kind::Text(text) => self.emit(text.glyphs())?,
            Kind::Print(value) => {
                let value = self.eval(value)?;
                let text = self.shown(&value)?;
                self.emit(text.glyphs())?;
            }
            Kind::If(branches, otherwise) => {
                for (test, body) in branches {
                    if self.eval(test)?.is_true() {
                        return self.body(body);
                    }
                }
                return self.body(otherwise);
            }
            Kind::For(parts) => self.for_loop(parts)?,
            Kind::Set(target, value) => {
                let value = self.eval(value)?;
                self.assign(target, value)?;
            }
            Kind::SetBlock(target, filters, body) => {
                let text = self.taken(body)?;
                let value = self.apply_all(Value::Text(text), filters)?;
                self.assign(target, value)?;
            }
            Kind::Macro(code) => {
                let value = Value::Macro(Rc::new(Callable {
                    code: code.clone(),
                    scopes: None,
                }));
                self.set(&code.name, value);
            }
            Kind::Call(code, call) => {
                // Its body sees the variables of the place where it stands.
                let scopes = self.scopes.clone();
                self.spend(
                    scopes
                        .iter()
                        .map(Vec::len)
                        .sum::<usize>()
                        .saturating_mul(STEP),
                )?;
                let caller = Callable {
                    code: code.clone(),
                    scopes: Some(scopes),
                };
                let value = self.call_with(call, Value::Macro(Rc::new(caller)))?;
                let text = self.shown(&value)?;
                self.emit(text.glyphs())?;
            }
            Kind::Filter(filters, body) => {
                let text = self.taken(body)?;
                let value = self.apply_all(Value::Text(text), filters)?;
                let text = self.shown(&value)?;
                self.emit(text.glyphs())?;
            }
            Kind::With(values, body) => {
                let mut all = Vec::with_capacity(values.len());
                for (target, value) in values {
                    all.push((target, self.eval(value)?));
                }
                self.scopes.push(Vec::new());
                let flow = all
                    .into_iter()
                    .try_for_each(|(target, value)| self.assign(target, value))
                    .and_then(|()| self.body(body));
                self.scopes.pop();
                return flow;
            }
            Kind::Break => return Ok(Flow::Break),
            Kind::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    /// The text of a block, taken instead of printed. What it sets stays inside.
    fn taken(&mut self, body: &Body) -> Result<Text> {
        self.out.push(Vec::new());
        self.scopes.push(Vec::new());
        let done = self.body(body);
        self.scopes.pop();
        let text = self.out.pop().unwrap_or_default();
        done?;
        Ok(text.into())
    }

    fn for_loop(&mut self, parts: &For) -> Result<()> {
        let over = self.eval(&parts.over)?;
        let mut items = self.items(&over)?;
        if let Some(test) = &parts.only_if {
            let mut kept = Vec::new();
            for item in items {
                self.scopes.push(Vec::new());
                let keep = self
                    .assign(&parts.target, item.clone())
                    .and_then(|()| self.eval(test));
                self.scopes.pop();
                if keep?.is_true() {
                    kept.push(item);
                }
            }
            items = kept;
        }
        if items.is_empty() {
            self.scopes.push(Vec::new());
            let done = self.body(&parts.otherwise);
            self.scopes.pop();
            return done.map(|_| ());
        }
        let items = Rc::new(self.lined(List::new(items))?);
        let changed = Rc::new(RefCell::new(None));
        for (index, item) in items.items.iter().enumerate() {
            let state = Loop {
                items: items.clone(),
                index,
                changed: changed.clone(),
            };
            self.scopes
                .push(vec![("loop".into(), Value::Loop(Rc::new(state)))]);
            let flow = self
                .assign(&parts.target, item.clone())
                .and_then(|()| self.body(&parts.body));
            self.scopes.pop();
            if matches!(flow?, Flow::Break) {
                break;
            }
        }
        Ok(())
    }

    fn assign(&mut self, target: &Target, value: Value) -> Result<()> {
        match target {
            Target::Name(name) => self.set(name, value),
            Target::Attribute(name, attribute) => match self.get(name) {
                Some(Value::Namespace(names)) => {
                    if matches!(
                        value,
                        Value::Namespace(_) | Value::Loop(_) | Value::Macro(_) | Value::Method(_)
                    ) {
                        return self
                            .fault(format!("{} cannot be kept in a namespace", value.kind()));
                    }
                    if attribute.starts_with('_') {
                        return self.fault(format!("the attribute '{attribute}' is not allowed"));
                    }
                    let mut names = names.borrow_mut();
                    match names.iter_mut().find(|(n, _)| n == attribute) {
                        Some(entry) => entry.1 = value,
                        None => names.push((attribute.clone(), value)),
                    }
                }
                _ => {
                    return self.fault(format!(
                        "'{name}' is no namespace, and only a namespace's attributes can be set"
                    ));
                }
            },
            Target::Tuple(targets) => {
                let items = self.items(&value)?;
                if items.len() != targets.len() {
                    return self.fault(format!(
                        "{} values for {} names",
                        items.len(),
                        targets.len()
                    ));
                }
                for (target, item) in targets.iter().zip(items) {
                    self.assign(target, item)?;
                }
            }
        }
        Ok(())
    }

    fn set(&mut self, name: &Rc<str>, value: Value) {
        if let Some(scope) = self.scopes.last_mut() {
            match scope.iter_mut().find(|(n, _)| n == name) {
                Some(entry) => entry.1 = value,
                None => scope.push((name.clone(), value)),
            }
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        let found = |scope: &'_ Names| scope.iter().position(|(n, _)| &**n == name);
        self.scopes
            .iter()
            .rev()
            .find_map(|scope| found(scope).map(|i| &scope[i].1))
    }

    /// What a loop over the value goes through.
    pub fn items(&mut self, value: &Value) -> Result<Vec<Value>> {
        let items = match value {
            Value::List(l) | Value::Tuple(l) => {
                self.spend(l.items.len().saturating_mul(STEP))?;
                l.items.clone()
            }
            Value::Text(text) => {
                self.spend(text.len().saturating_mul(2 * STEP))?;
                text.glyphs()
                    .iter()
                    .map(|g| Value::Text([*g][..].into()))
                    .collect()
            }
            Value::Dict(d) => {
                self.spend(d.entries.len().saturating_mul(STEP))?;
                d.entries.iter().map(|(k, _)| k.clone()).collect()
            }
            Value::Undefined(_) => Vec::new(),
            other => return self.fault(format!("a loop cannot go through {}", other.kind())),
        };
        Ok(items)
    }

    // Expressions.

    pub fn eval(&mut self, expr: &Expr) -> Result<Value> {
        self.deeper(|run| run.value(expr))
    }

    fn value(&mut self, expr: &Expr) -> Result<Value> {
        match expr {
            Expr::Literal(value) => Ok(value.clone()),
            Expr::Name(name) => Ok(match self.get(name) {
                Some(value) => value.clone(),
                None => match builtins::named(name) {
                    Some(name) => Value::Builtin(name),
                    None => Value::Undefined(format!("'{name}' is undefined").into()),
                },
            }),
            Expr::List(items) => {
                let items = self.all(items)?;
                self.list(items)
            }
            Expr::Tuple(items) => {
                let items = self.all(items)?;
                self.lined(Value::tuple(items))
            }
            Expr::Dict(entries) => {
                let mut all = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    all.push((self.eval(key)?, self.eval(value)?));
                }
                self.spend(all.len().saturating_mul(all.len()))?;
                self.lined(Value::dict(all))
            }
            Expr::Not(value) => Ok(Value::Bool(!self.eval(value)?.is_true())),
            Expr::Negative(value) => match self.eval(value)? {
                Value::Float(f) => Ok(Value::Float(-f)),
                other => match other.integer().and_then(i64::checked_neg) {
                    Some(i) => Ok(Value::Int(i)),
                    None => self.unusable(&other, "has no negative"),
                },
            },
            Expr::Positive(value) => match self.eval(value)? {
                Value::Float(f) => Ok(Value::Float(f)),
                other => match other.integer() {
                    Some(i) => Ok(Value::Int(i)),
                    None => self.unusable(&other, "is no number"),
                },
            },
            Expr::And(all) => self.until(all, false),
            Expr::Or(all) => self.until(all, true),
            Expr::Chain(first, rest) => {
                let mut value = self.eval(first)?;
                for (operator, other) in rest {
                    let other = self.eval(other)?;
                    value = self.arithmetic(*operator, &value, &other)?;
                }
                Ok(value)
            }
            Expr::Concat(all) => {
                let mut out = Vec::new();
                for value in all {
                    let value = self.eval(value)?;
                    out.extend_from_slice(self.shown(&value)?.glyphs());
                }
                self.made(out)
            }
            Expr::Compare(first, rest) => {
                let mut left = self.eval(first)?;
                for (how, right) in rest {
                    let right = self.eval(right)?;
                    if !self.compare(*how, &left, &right)? {
                        return Ok(Value::Bool(false));
                    }
                    left = right;
                }
                Ok(Value::Bool(true))
            }
            Expr::If(test, then, other) => {
                if self.eval(test)?.is_true() {
                    return self.eval(then);
                }
                match other {
                    Some(other) => self.eval(other),
                    None => Ok(Value::Undefined(
                        "an 'if' without 'else' gave nothing".into(),
                    )),
                }
            }
            Expr::Applied(value, all) => {
                // Whether a name is defined may be asked of a name that is not.
                let value = self.eval(value)?;
                self.apply_all(value, all)
            }
        }
    }

    fn all(&mut self, exprs: &[Expr]) -> Result<Vec<Value>> {
        exprs.iter().map(|e| self.eval(e)).collect()
    }

    /// The first value that is as true as `end`, or the last.
    fn until(&mut self, all: &[Expr], end: bool) -> Result<Value> {
        let mut last = Value::None;
        for expr in all {
            last = self.eval(expr)?;
            if last.is_true() == end {
                break;
            }
        }
        Ok(last)
    }

    /// An error about a value that cannot be used so; what is undefined says so itself.
    pub fn unusable<T>(&self, value: &Value, why: &str) -> Result<T> {
        match value {
            Value::Undefined(what) => self.fault(what.to_string()),
            other => self.fault(format!("{} {why}", other.kind())),
        }
    }

    fn arithmetic(&mut self, operator: Operator, a: &Value, b: &Value) -> Result<Value> {
        use Operator::{Add, Divide, FloorDivide, Modulo, Multiply, Power, Subtract};
        if let Value::Undefined(_) = a {
            return self.unusable(a, "");
        }
        if let Value::Undefined(_) = b {
            return self.unusable(b, "");
        }
        match (operator, a, b) {
            (Add, Value::Text(a), Value::Text(b)) => {
                self.spend(a.len() + b.len())?;
                let both: Vec<Glyph> = a.glyphs().iter().chain(b.glyphs()).copied().collect();
                return Ok(Value::Text(both.into()));
            }
            (Add, Value::List(a), Value::List(b)) => {
                let both = a.items.iter().chain(&b.items).cloned().collect();
                return self.list(both);
            }
            (Add, Value::Tuple(a), Value::Tuple(b)) => {
                self.spend((a.items.len() + b.items.len()).saturating_mul(STEP))?;
                let both = a.items.iter().chain(&b.items).cloned().collect();
                return self.lined(Value::tuple(both));
            }
            (Multiply, Value::Text(t), n) | (Multiply, n, Value::Text(t))
                if n.integer().is_some() =>
            {
                let times = usize::try_from(n.integer().unwrap_or(0)).unwrap_or(0);
                self.spend(t.len().saturating_mul(times))?;
                return Ok(Value::Text(
                    t.glyphs()
                        .repeat(if t.len() == 0 { 0 } else { times })
                        .into(),
                ));
            }
            (Multiply, Value::List(l), n) | (Multiply, n, Value::List(l))
                if n.integer().is_some() =>
            {
                let times = usize::try_from(n.integer().unwrap_or(0)).unwrap_or(0);
                self.spend(l.items.len().saturating_mul(times).saturating_mul(STEP))?;
                let times = if l.items.is_empty() { 0 } else { times };
                let items = (0..times).flat_map(|_| l.items.iter().cloned()).collect();
                return self.lined(Value::list(items));
            }
            (Modulo, Value::Text(form), values) => return methods::percent(self, form, values),
            _ => {}
        }
        let zero = || Fault::new(self.line, "a division by zero");
        let (Some(x), Some(y)) = (a.number(), b.number()) else {
            let what = format!("and {} cannot be computed with", b.kind());
            return self.unusable(a, &what);
        };
        if let (Some(i), Some(j)) = (a.integer(), b.integer()) {
            let whole = match operator {
                Add => i.checked_add(j),
                Subtract => i.checked_sub(j),
                Multiply => i.checked_mul(j),
                FloorDivide | Modulo => {
                    let quotient = i.checked_div(j).ok_or_else(zero)?;
                    let rest = i.wrapping_sub(quotient.wrapping_mul(j));
                    let down = rest != 0 && (rest < 0) != (j < 0);
                    match operator {
                        Modulo => Some(if down { rest + j } else { rest }),
                        _ => Some(quotient - i64::from(down)),
                    }
                }
                Divide => None,
                Power => match u32::try_from(j) {
                    Ok(j) => i.checked_pow(j),
                    Err(_) => return Ok(Value::Float(x.powf(y))),
                },
            };
            return match whole {
                Some(whole) => Ok(Value::Int(whole)),
                None if operator == Divide && j != 0 => Ok(Value::Float(x / y)),
                None if operator == Divide => Err(zero()),
                None => self.fault("a number is too large"),
            };
        }
        let value = match operator {
            Add => x + y,
            Subtract => x - y,
            Multiply => x * y,
            Power => x.powf(y),
            Divide | FloorDivide | Modulo if y == 0.0 => return Err(zero()),
            Divide => x / y,
            FloorDivide => (x / y).floor(),
            Modulo => x - y * (x / y).floor(),
        };
        Ok(Value::Float(value))
    }

    fn compare(&mut self, how: Comparison, a: &Value, b: &Value) -> Result<bool> {
        self.spend(a.size().saturating_add(b.size()))?;
        match how {
            Comparison::Equal => return Ok(a.equals(b)),
            Comparison::NotEqual => return Ok(!a.equals(b)),
            Comparison::In => return self.lined(contains(b, a)),
            Comparison::NotIn => return self.lined(contains(b, a)).map(|found| !found),
            Comparison::Less
            | Comparison::LessEqual
            | Comparison::Greater
            | Comparison::GreaterEqual => {}
        }
        let Some(order) = a.order(b) else {
            let undefined = if let Value::Undefined(_) = b { b } else { a };
            return self.unusable(undefined, &format!("and {} have no order", b.kind()));
        };
        Ok(match how {
            Comparison::Less => order.is_lt(),
            Comparison::LessEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            _ => order.is_ge(),
        })
    }

    fn apply_all(&mut self, mut value: Value, all: &[(u32, Apply)]) -> Result<Value> {
        for (line, apply) in all {
            self.line = *line;
            value = self.apply(value, apply, None)?;
        }
        Ok(value)
    }

    /// Evaluates a call with the body of a `call` block as its `caller`.
    fn call_with(&mut self, call: &Expr, caller: Value) -> Result<Value> {
        let Expr::Applied(value, all) = call else {
            return self.fault("a call is expected");
        };
        let Some(((line, last), first)) = all.split_last() else {
            return self.fault("a call is expected");
        };
        let value = self.eval(value)?;
        let value = self.apply_all(value, first)?;
        self.line = *line;
        self.apply(value, last, Some(caller))
    }

    fn apply(&mut self, value: Value, apply: &Apply, caller: Option<Value>) -> Result<Value> {
        self.spend(STEP)?;
        match apply {
            Apply::Attribute(name) => methods::attribute(self, &value, name),
            Apply::Item(item) => {
                let item = self.eval(item)?;
                methods::item(self, &value, &item)
            }
            Apply::Slice(parts) => {
                let mut all = [None; 3];
                for (part, out) in parts.iter().zip(&mut all) {
                    if let Some(part) = part {
                        let value = self.eval(part)?;
                        *out = match value {
                            Value::None => None,
                            ref v => match v.integer() {
                                Some(i) => Some(i),
                                None => return self.unusable(v, "is no place in a slice"),
                            },
                        };
                    }
                }
                methods::slice(self, &value, all)
            }
            Apply::Call(arguments) => {
                let mut args = self.args(arguments)?;
                if let Some(caller) = caller {
                    args.named.push(("caller".into(), caller));
                }
                self.call(&value, args)
            }
            Apply::Filter(name, arguments) => {
                let args = self.args(arguments)?;
                filters::apply(self, name, value, args)
            }
            Apply::Test {
                name,
                arguments,
                negated,
            } => {
                let args = self.args(arguments)?;
                Ok(Value::Bool(
                    tests_is::holds(self, name, &value, args)? != *negated,
                ))
            }
        }
    }

    fn args(&mut self, arguments: &[Argument]) -> Result<Args> {
        let mut args = Args::default();
        for argument in arguments {
            match argument {
                Argument::Positional(value) => args.plain.push(self.eval(value)?),
                Argument::Named(name, value) => {
                    let value = self.eval(value)?;
                    args.named.push((name.clone(), value));
                }
                Argument::Many(value) => {
                    let value = self.eval(value)?;
                    args.plain.extend(self.items(&value)?);
                }
                Argument::ManyNamed(value) => match self.eval(value)? {
                    Value::Dict(d) => {
                        self.spend(d.entries.len().saturating_mul(STEP))?;
                        for (key, value) in &d.entries {
                            let name = self.shown(key)?.plain();
                            args.named.push((name.into(), value.clone()));
                        }
                    }
                    other => return self.unusable(&other, "is no dict of arguments"),
                },
            }
        }
        Ok(args)
    }

    fn call(&mut self, value: &Value, args: Args) -> Result<Value> {
        match value {
            Value::Macro(callable) => self.call_macro(callable, args),
            Value::Builtin(name) => builtins::call(self, name, args),
            Value::Method(method) => methods::call(self, &method.0, &method.1, args),
            other => self.unusable(other, "cannot be called"),
        }
    }

    fn call_macro(&mut self, callable: &Callable, args: Args) -> Result<Value> {
        let Macro {
            name,
            parameters,
            body,
        } = &*callable.code;
        let mut plain = args.plain.into_iter();
        let mut named = args.named;
        let mut scope: Names = Vec::new();
        let mut defaults = Vec::new();
        for (parameter, default) in parameters {
            let at = named.iter().position(|(n, _)| n == parameter);
            match (plain.next(), at) {
                (Some(value), None) => scope.push((parameter.clone(), value)),
                (None, Some(at)) => scope.push((parameter.clone(), named.swap_remove(at).1)),
                (None, None) => defaults.push((parameter, default)),
                (Some(_), Some(_)) => {
                    return self.fault(format!("'{name}' is given '{parameter}' twice"));
                }
            }
        }
        if let Some(at) = named.iter().position(|(n, _)| &**n == "caller") {
            scope.push(named.swap_remove(at));
        }
        scope.push(("varargs".into(), self.lined(Value::tuple(plain.collect()))?));
        let rest = named
            .into_iter()
            .map(|(n, v)| (Value::text(&n), v))
            .collect();
        scope.push(("kwargs".into(), self.lined(Value::dict(rest))?));
        // A macro sees the template's own variables and its parameters, not those of the place where it is called.
        let scopes = match &callable.scopes {
            Some(scopes) => scopes.clone(),
            None => vec![std::mem::take(&mut self.scopes[0])],
        };
        let own_globals = callable.scopes.is_none();
        let outer = std::mem::replace(&mut self.scopes, scopes);
        self.scopes.push(scope);
        let text = defaults
            .into_iter()
            .try_for_each(|(parameter, default)| {
                let value = match default {
                    Some(default) => self.eval(default)?,
                    None => {
                        Value::Undefined(format!("parameter '{parameter}' was not provided").into())
                    }
                };
                self.set(parameter, value);
                Ok(())
            })
            .and_then(|()| {
                self.out.push(Vec::new());
                let done = self.body(body);
                let text = self.out.pop().unwrap_or_default();
                done.map(|_| text)
            });
        let mut inner = std::mem::replace(&mut self.scopes, outer);
        if own_globals {
            inner.truncate(1);
            self.scopes[0] = inner.pop().unwrap_or_default();
        }
        Ok(Value::Text(text?.into()))
    }
}
