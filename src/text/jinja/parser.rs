//! Tokens become statements and expressions, by Jinja's grammar.

use std::rc::Rc;

use super::{
    Fault,
    lexer::{Token, tokens},
    syntax::{
        Apply, Argument, Body, Comparison, Expr, For, Kind, Macro, Operator, Statement, Target,
    },
    text::{TEMPLATE, Text},
    value::Value,
};

/// How deep blocks and expressions may nest; they are walked recursively.
const MAX_DEPTH: usize = 60;

type Result<T> = std::result::Result<T, Fault>;

struct Parser {
    tokens: Vec<(u32, Token)>,
    at: usize,
    depth: usize,
}

/// The statements of a template.
pub(crate) fn parse(source: &str) -> Result<Body> {
    let mut parser = Parser {
        tokens: tokens(source)?,
        at: 0,
        depth: 0,
    };
    let (body, _) = parser.body(&[])?;
    Ok(body)
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)].1
    }

    fn line(&self) -> u32 {
        self.tokens[self.at.min(self.tokens.len() - 1)].0
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn fault<T>(&self, message: impl Into<String>) -> Result<T> {
        Err(Fault::new(self.line(), message))
    }

    fn unexpected<T>(&self, wanted: &str) -> Result<T> {
        let found = match self.peek() {
            Token::Data(_) => "text".to_owned(),
            Token::BlockBegin => "'{%'".to_owned(),
            Token::BlockEnd => "'%}'".to_owned(),
            Token::PrintBegin => "'{{'".to_owned(),
            Token::PrintEnd => "'}}'".to_owned(),
            Token::Name(name) => format!("'{name}'"),
            Token::Text(_) => "a string".to_owned(),
            Token::Integer(_) | Token::Float(_) => "a number".to_owned(),
            Token::Sign(sign) => format!("'{sign}'"),
            Token::End => "the template's end".to_owned(),
        };
        self.fault(format!("{wanted} is expected, not {found}"))
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(s) if *s == sign)
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        self.at += usize::from(found);
        found
    }

    fn need_sign(&mut self, sign: &str) -> Result<()> {
        if self.take_sign(sign) {
            Ok(())
        } else {
            self.unexpected(&format!("'{sign}'"))
        }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Name(n) if n == word)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn need_word(&mut self, word: &str) -> Result<()> {
        if self.take_word(word) {
            Ok(())
        } else {
            self.unexpected(&format!("'{word}'"))
        }
    }

    fn name(&mut self) -> Result<Rc<str>> {
        match self.peek() {
            Token::Name(name) => {
                let name = name.as_str().into();
                self.at += 1;
                Ok(name)
            }
            _ => self.unexpected("a name"),
        }
    }

    fn block_end(&mut self) -> Result<()> {
        match self.peek() {
            Token::BlockEnd => {
                self.at += 1;
                Ok(())
            }
            _ => self.unexpected("'%}'"),
        }
    }

    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == MAX_DEPTH {
            return self.fault("blocks or brackets nest too deep");
        }
        self.depth += 1;
        let out = parse(self);
        self.depth -= 1;
        out
    }

    /// Statements up to a block that begins with one of the words, which is taken; none stands for the template's end.
    fn body(&mut self, ends: &[&str]) -> Result<(Body, String)> {
        self.nested(|p| {
            let mut body = Vec::new();
            loop {
                let line = p.line();
                let kind = match p.next() {
                    Token::Data(text) => Kind::Text(Text::new(&text, TEMPLATE)),
                    Token::PrintBegin => {
                        let value = p.tuple_or_one()?;
                        match p.next() {
                            Token::PrintEnd => Kind::Print(value),
                            _ => {
                                p.at -= 1;
                                return p.unexpected("'}}'");
                            }
                        }
                    }
                    Token::BlockBegin => {
                        let word = p.name()?;
                        if ends.contains(&&*word) {
                            return Ok((body, word.to_string()));
                        }
                        p.block(&word)?
                    }
                    Token::End if ends.is_empty() => return Ok((body, String::new())),
                    _ => {
                        p.at -= 1;
                        return p
                            .unexpected(&format!("'{}'", ends.last().copied().unwrap_or("text")));
                    }
                };
                body.push(Statement { line, kind });
            }
        })
    }

    /// A body up to its one end, with the tag's end.
    fn whole(&mut self, end: &str) -> Result<Body> {
        let (body, _) = self.body(&[end])?;
        // `{% endmacro name %}` and the like may repeat a name.
        if let Token::Name(_) = self.peek() {
            self.at += 1;
        }
        self.block_end()?;
        Ok(body)
    }

    fn block(&mut self, word: &str) -> Result<Kind> {
        match word {
            "if" => self.if_block(),
            "for" => self.for_block(),
            "set" => self.set_block(),
            "macro" => {
                let name = self.name()?;
                let parameters = self.parameters()?;
                self.block_end()?;
                let body = self.whole("endmacro")?;
                Ok(Kind::Macro(Rc::new(Macro {
                    name,
                    parameters,
                    body,
                })))
            }
            "call" => {
                let parameters = if self.is_sign("(") {
                    self.parameters()?
                } else {
                    Vec::new()
                };
                let call = self.expression()?;
                let is_call = matches!(&call, Expr::Applied(_, last) if matches!(last.last(), Some((_, Apply::Call(_)))));
                if !is_call {
                    return self.unexpected("a call");
                }
                self.block_end()?;
                let body = self.whole("endcall")?;
                let name = "caller".into();
                Ok(Kind::Call(
                    Rc::new(Macro {
                        name,
                        parameters,
                        body,
                    }),
                    call,
                ))
            }
            "filter" => {
                let line = self.line();
                let name = self.dotted()?;
                let arguments = self.optional_arguments()?;
                let mut filters = vec![(line, Apply::Filter(name, arguments))];
                self.filters(&mut filters)?;
                self.block_end()?;
                Ok(Kind::Filter(filters, self.whole("endfilter")?))
            }
            "with" => {
                let mut values = Vec::new();
                while !matches!(self.peek(), Token::BlockEnd) {
                    if !values.is_empty() {
                        self.need_sign(",")?;
                    }
                    let target = self.target()?;
                    self.need_sign("=")?;
                    values.push((target, self.expression()?));
                }
                self.block_end()?;
                Ok(Kind::With(values, self.whole("endwith")?))
            }
            // Marks the answer's text for training; its text is like any other, in a scope of its own.
            "generation" => {
                self.block_end()?;
                Ok(Kind::With(Vec::new(), self.whole("endgeneration")?))
            }
            "break" => self.block_end().map(|()| Kind::Break),
            "continue" => self.block_end().map(|()| Kind::Continue),
            other => self.fault(format!("the block '{other}' is not known")),
        }
    }

    fn if_block(&mut self) -> Result<Kind> {
        let mut branches = Vec::new();
        loop {
            let test = self.tuple_or_one()?;
            self.block_end()?;
            let (body, end) = self.body(&["elif", "else", "endif"])?;
            branches.push((test, body));
            match end.as_str() {
                "elif" => {}
                "else" => {
                    self.block_end()?;
                    return Ok(Kind::If(branches, self.whole("endif")?));
                }
                _ => {
                    self.block_end()?;
                    return Ok(Kind::If(branches, Vec::new()));
                }
            }
        }
    }

    fn for_block(&mut self) -> Result<Kind> {
        let target = self.target()?;
        self.need_word("in")?;
        let over = self.tuple_of(Self::or)?;
        let only_if = if self.take_word("if") {
            Some(self.expression()?)
        } else {
            None
        };
        if self.is_word("recursive") {
            return self.fault("'recursive' loops are not known");
        }
        self.block_end()?;
        let (body, end) = self.body(&["endfor", "else"])?;
        self.block_end()?;
        let otherwise = if end == "else" {
            self.whole("endfor")?
        } else {
            Vec::new()
        };
        Ok(Kind::For(Box::new(For {
            target,
            over,
            only_if,
            body,
            otherwise,
        })))
    }

    fn set_block(&mut self) -> Result<Kind> {
        let target = self.target()?;
        if self.take_sign("=") {
            let value = self.tuple_or_one()?;
            self.block_end()?;
            return Ok(Kind::Set(target, value));
        }
        let mut filters = Vec::new();
        self.filters(&mut filters)?;
        self.block_end()?;
        Ok(Kind::SetBlock(target, filters, self.whole("endset")?))
    }

    fn target(&mut self) -> Result<Target> {
        let mut all = Vec::new();
        let mut tuple = false;
        loop {
            if self.take_sign("(") {
                all.push(self.nested(Self::target)?);
                self.need_sign(")")?;
            } else {
                let name = self.name()?;
                all.push(if self.take_sign(".") {
                    Target::Attribute(name, self.name()?)
                } else {
                    Target::Name(name)
                });
            }
            if !self.take_sign(",") {
                break;
            }
            tuple = true;
            if self.is_sign("=") || self.is_word("in") {
                break;
            }
        }
        match all.pop() {
            Some(one) if !tuple => Ok(one),
            Some(last) => {
                all.push(last);
                Ok(Target::Tuple(all))
            }
            None => self.unexpected("a name"),
        }
    }

    fn parameters(&mut self) -> Result<Vec<(Rc<str>, Option<Expr>)>> {
        self.need_sign("(")?;
        let mut out: Vec<(Rc<str>, Option<Expr>)> = Vec::new();
        while !self.take_sign(")") {
            if !out.is_empty() {
                self.need_sign(",")?;
                if self.take_sign(")") {
                    break;
                }
            }
            let name = self.name()?;
            let default = if self.take_sign("=") {
                Some(self.expression()?)
            } else {
                None
            };
            out.push((name, default));
        }
        Ok(out)
    }

    fn tuple_or_one(&mut self) -> Result<Expr> {
        self.tuple_of(Self::expression)
    }

    /// One expression, or several with commas between them.
    fn tuple_of(&mut self, one: fn(&mut Self) -> Result<Expr>) -> Result<Expr> {
        let first = one(self)?;
        if !self.is_sign(",") {
            return Ok(first);
        }
        let mut all = vec![first];
        while self.take_sign(",") {
            let over = matches!(
                self.peek(),
                Token::PrintEnd | Token::BlockEnd | Token::Sign(")" | "=")
            ) || self.is_word("if");
            if over {
                break;
            }
            all.push(one(self)?);
        }
        Ok(Expr::Tuple(all))
    }

    fn expression(&mut self) -> Result<Expr> {
        self.nested(|p| {
            let mut value = p.or()?;
            while p.take_word("if") {
                let test = p.or()?;
                let other = if p.take_word("else") {
                    Some(Box::new(p.expression()?))
                } else {
                    None
                };
                value = Expr::If(Box::new(test), Box::new(value), other);
            }
            Ok(value)
        })
    }

    fn or(&mut self) -> Result<Expr> {
        let mut all = vec![self.and()?];
        while self.take_word("or") {
            all.push(self.and()?);
        }
        Ok(one_or(all, Expr::Or))
    }

    fn and(&mut self) -> Result<Expr> {
        let mut all = vec![self.not()?];
        while self.take_word("and") {
            all.push(self.not()?);
        }
        Ok(one_or(all, Expr::And))
    }

    fn not(&mut self) -> Result<Expr> {
        if self.take_word("not") {
            return Ok(Expr::Not(Box::new(self.nested(Self::not)?)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Expr> {
        let first = self.sum()?;
        let mut rest = Vec::new();
        loop {
            let how = match self.peek() {
                Token::Sign("==") => Comparison::Equal,
                Token::Sign("!=") => Comparison::NotEqual,
                Token::Sign("<") => Comparison::Less,
                Token::Sign("<=") => Comparison::LessEqual,
                Token::Sign(">") => Comparison::Greater,
                Token::Sign(">=") => Comparison::GreaterEqual,
                Token::Name(n) if n == "in" => Comparison::In,
                Token::Name(n) if n == "not" => {
                    let then = self.tokens.get(self.at + 1).map(|t| &t.1);
                    if !matches!(then, Some(Token::Name(n)) if n == "in") {
                        break;
                    }
                    self.at += 1;
                    Comparison::NotIn
                }
                _ => break,
            };
            self.at += 1;
            rest.push((how, self.sum()?));
        }
        Ok(if rest.is_empty() {
            first
        } else {
            Expr::Compare(Box::new(first), rest)
        })
    }

    /// A chain of operators of one rank.
    fn chain(
        &mut self,
        ranks: &[(&str, Operator)],
        operand: fn(&mut Self) -> Result<Expr>,
    ) -> Result<Expr> {
        let first = operand(self)?;
        let mut rest = Vec::new();
        while let Some(&(_, operator)) = ranks.iter().find(|(sign, _)| self.is_sign(sign)) {
            self.at += 1;
            rest.push((operator, operand(self)?));
        }
        Ok(if rest.is_empty() {
            first
        } else {
            Expr::Chain(Box::new(first), rest)
        })
    }

    fn sum(&mut self) -> Result<Expr> {
        self.chain(
            &[("+", Operator::Add), ("-", Operator::Subtract)],
            Self::concat,
        )
    }

    fn concat(&mut self) -> Result<Expr> {
        let mut all = vec![self.product()?];
        while self.take_sign("~") {
            all.push(self.product()?);
        }
        Ok(one_or(all, Expr::Concat))
    }

    fn product(&mut self) -> Result<Expr> {
        let ranks = [
            ("*", Operator::Multiply),
            ("/", Operator::Divide),
            ("//", Operator::FloorDivide),
            ("%", Operator::Modulo),
        ];
        self.chain(&ranks, Self::power)
    }

    fn power(&mut self) -> Result<Expr> {
        self.chain(&[("**", Operator::Power)], |p| p.unary(true))
    }

    fn unary(&mut self, filtered: bool) -> Result<Expr> {
        let value = if self.take_sign("-") {
            Expr::Negative(Box::new(self.nested(|p| p.unary(false))?))
        } else if self.take_sign("+") {
            Expr::Positive(Box::new(self.nested(|p| p.unary(false))?))
        } else {
            self.primary()?
        };
        let mut applied = Vec::new();
        self.postfixes(&mut applied)?;
        if filtered {
            self.filters(&mut applied)?;
        }
        Ok(if applied.is_empty() {
            value
        } else {
            Expr::Applied(Box::new(value), applied)
        })
    }

    fn primary(&mut self) -> Result<Expr> {
        match self.next() {
            Token::Name(name) => Ok(match name.as_str() {
                "true" | "True" => Expr::Literal(Value::Bool(true)),
                "false" | "False" => Expr::Literal(Value::Bool(false)),
                "none" | "None" => Expr::Literal(Value::None),
                name => Expr::Name(name.into()),
            }),
            Token::Text(mut text) => {
                while let Token::Text(more) = self.peek() {
                    text.push_str(more);
                    self.at += 1;
                }
                Ok(Expr::Literal(Value::text(&text)))
            }
            Token::Integer(i) => Ok(Expr::Literal(Value::Int(i))),
            Token::Float(f) => Ok(Expr::Literal(Value::Float(f))),
            Token::Sign("(") => {
                if self.take_sign(")") {
                    return Ok(Expr::Tuple(Vec::new()));
                }
                let value = self.tuple_or_one()?;
                self.need_sign(")")?;
                Ok(value)
            }
            Token::Sign("[") => {
                let mut all = Vec::new();
                while !self.take_sign("]") {
                    if !all.is_empty() {
                        self.need_sign(",")?;
                        if self.take_sign("]") {
                            break;
                        }
                    }
                    all.push(self.expression()?);
                }
                Ok(Expr::List(all))
            }
            Token::Sign("{") => {
                let mut all = Vec::new();
                while !self.take_sign("}") {
                    if !all.is_empty() {
                        self.need_sign(",")?;
                        if self.take_sign("}") {
                            break;
                        }
                    }
                    let key = self.expression()?;
                    self.need_sign(":")?;
                    all.push((key, self.expression()?));
                }
                Ok(Expr::Dict(all))
            }
            _ => {
                self.at -= 1;
                self.unexpected("a value")
            }
        }
    }

    /// `.name`, `[…]` and `(…)`.
    fn postfixes(&mut self, out: &mut Vec<(u32, Apply)>) -> Result<()> {
        loop {
            let line = self.line();
            if self.take_sign(".") {
                let apply = match self.next() {
                    Token::Name(name) => Apply::Attribute(name.as_str().into()),
                    Token::Integer(i) => Apply::Item(Expr::Literal(Value::Int(i))),
                    _ => {
                        self.at -= 1;
                        return self.unexpected("a name");
                    }
                };
                out.push((line, apply));
            } else if self.take_sign("[") {
                let apply = self.subscript()?;
                out.push((line, apply));
            } else if self.is_sign("(") {
                let arguments = self.arguments()?;
                out.push((line, Apply::Call(arguments)));
            } else {
                return Ok(());
            }
        }
    }

    fn subscript(&mut self) -> Result<Apply> {
        let mut parts: [Option<Expr>; 3] = [None, None, None];
        let mut at = 0;
        loop {
            if self.take_sign("]") {
                break;
            }
            if self.take_sign(":") {
                at += 1;
                if at == 3 {
                    return self.fault("a slice has more than three parts");
                }
                continue;
            }
            if parts[at].is_some() {
                return self.unexpected("']'");
            }
            parts[at] = Some(self.expression()?);
        }
        match (at, parts) {
            (0, [Some(item), _, _]) => Ok(Apply::Item(item)),
            (0, _) => self.fault("an index is missing"),
            (_, parts) => Ok(Apply::Slice(Box::new(parts))),
        }
    }

    /// `| filter` and `is test`, and calls of what they give.
    fn filters(&mut self, out: &mut Vec<(u32, Apply)>) -> Result<()> {
        loop {
            let line = self.line();
            if self.take_sign("|") {
                let name = self.dotted()?;
                let arguments = self.optional_arguments()?;
                out.push((line, Apply::Filter(name, arguments)));
            } else if self.take_word("is") {
                let test = self.test()?;
                out.push((line, test));
            } else if self.is_sign("(") {
                let arguments = self.arguments()?;
                out.push((line, Apply::Call(arguments)));
            } else {
                return Ok(());
            }
        }
    }

    fn test(&mut self) -> Result<Apply> {
        let negated = self.take_word("not");
        let name = self.dotted()?;
        let arguments = if self.is_sign("(") {
            self.arguments()?
        } else {
            let one = match self.peek() {
                Token::Name(n) => !matches!(
                    n.as_str(),
                    "else" | "or" | "and" | "if" | "is" | "in" | "not"
                ),
                Token::Text(_) | Token::Integer(_) | Token::Float(_) | Token::Sign("[" | "{") => {
                    true
                }
                _ => false,
            };
            if one {
                let value = self.primary()?;
                let mut applied = Vec::new();
                self.postfixes(&mut applied)?;
                let value = if applied.is_empty() {
                    value
                } else {
                    Expr::Applied(Box::new(value), applied)
                };
                vec![Argument::Positional(value)]
            } else {
                Vec::new()
            }
        };
        Ok(Apply::Test {
            name,
            arguments,
            negated,
        })
    }

    fn dotted(&mut self) -> Result<Rc<str>> {
        let mut name = self.name()?.to_string();
        while self.take_sign(".") {
            name.push('.');
            name.push_str(&self.name()?);
        }
        Ok(name.into())
    }

    fn optional_arguments(&mut self) -> Result<Vec<Argument>> {
        if self.is_sign("(") {
            self.arguments()
        } else {
            Ok(Vec::new())
        }
    }

    fn arguments(&mut self) -> Result<Vec<Argument>> {
        self.need_sign("(")?;
        let mut out = Vec::new();
        while !self.take_sign(")") {
            if !out.is_empty() {
                self.need_sign(",")?;
                if self.take_sign(")") {
                    break;
                }
            }
            let named = match (self.peek(), self.tokens.get(self.at + 1).map(|t| &t.1)) {
                (Token::Name(name), Some(Token::Sign("="))) => Some(name.as_str().into()),
                _ => None,
            };
            out.push(if let Some(name) = named {
                self.at += 2;
                Argument::Named(name, self.expression()?)
            } else if self.take_sign("**") {
                Argument::ManyNamed(self.expression()?)
            } else if self.take_sign("*") {
                Argument::Many(self.expression()?)
            } else {
                Argument::Positional(self.expression()?)
            });
        }
        Ok(out)
    }
}

fn one_or(mut all: Vec<Expr>, several: fn(Vec<Expr>) -> Expr) -> Expr {
    match all.pop() {
        Some(one) if all.is_empty() => one,
        last => {
            all.extend(last);
            several(all)
        }
    }
}
