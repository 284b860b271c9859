//! What a template is made of, once parsed.

use std::rc::Rc;

use super::{text::Text, value::Value};

/// An expression.
///
/// What associates to the left is a flat list here, so that a long sum nests no deeper than a short one.
#[derive(Debug)]
pub(crate) enum Expr {
    Literal(Value),
    Name(Rc<str>),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    Not(Box<Expr>),
    Negative(Box<Expr>),
    Positive(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    /// `+ - * / // % **`, from left to right.
    Chain(Box<Expr>, Vec<(Operator, Expr)>),
    /// `~`.
    Concat(Vec<Expr>),
    Compare(Box<Expr>, Vec<(Comparison, Expr)>),
    /// `then if test else other`, written in the order: test, then, other.
    If(Box<Expr>, Box<Expr>, Option<Box<Expr>>),
    /// A value and what is applied to it, from left to right, each with its line.
    Applied(Box<Expr>, Vec<(u32, Apply)>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    NotIn,
}

/// What follows a value: `.name`, `[…]`, `(…)`, `| filter`, `is test`.
#[derive(Debug)]
pub(crate) enum Apply {
    Attribute(Rc<str>),
    Item(Expr),
    Slice(Box<[Option<Expr>; 3]>),
    Call(Vec<Argument>),
    Filter(Rc<str>, Vec<Argument>),
    Test {
        name: Rc<str>,
        arguments: Vec<Argument>,
        negated: bool,
    },
}

#[derive(Debug)]
pub(crate) enum Argument {
    Positional(Expr),
    Named(Rc<str>, Expr),
    /// `*list`.
    Many(Expr),
    /// `**dict`.
    ManyNamed(Expr),
}

/// What is assigned to.
#[derive(Debug)]
pub(crate) enum Target {
    Name(Rc<str>),
    /// `namespace.attribute`.
    Attribute(Rc<str>, Rc<str>),
    Tuple(Vec<Target>),
}

/// A statement and its line.
#[derive(Debug)]
pub(crate) struct Statement {
    pub line: u32,
    pub kind: Kind,
}

pub(crate) type Body = Vec<Statement>;

#[derive(Debug)]
pub(crate) enum Kind {
    Text(Text),
    Print(Expr),
    If(Vec<(Expr, Body)>, Body),
    For(Box<For>),
    Set(Target, Expr),
    /// `{% set x | filter %}…{% endset %}`.
    SetBlock(Target, Vec<(u32, Apply)>, Body),
    Macro(Rc<Macro>),
    /// `{% call(parameters) macro(…) %}…{% endcall %}`.
    Call(Rc<Macro>, Expr),
    Filter(Vec<(u32, Apply)>, Body),
    With(Vec<(Target, Expr)>, Body),
    Break,
    Continue,
}

#[derive(Debug)]
pub(crate) struct For {
    pub target: Target,
    pub over: Expr,
    pub only_if: Option<Expr>,
    pub body: Body,
    pub otherwise: Body,
}

#[derive(Debug)]
pub(crate) struct Macro {
    pub name: Rc<str>,
    pub parameters: Vec<(Rc<str>, Option<Expr>)>,
    pub body: Body,
}
