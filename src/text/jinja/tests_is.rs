//! Jinja's tests: what may stand after `is`, and in `select` and `reject`.

use super::{
    builtins::Args,
    run::{Result, Run},
    text::{lower, same, upper},
    value::{Value, contains, word},
};

pub(crate) fn holds(run: &mut Run, name: &str, value: &Value, args: Args) -> Result<bool> {
    let two = |run: &Run, args: Args| -> Result<Value> {
        match args.bind(run, ["other"])? {
            [Some(other)] => Ok(other),
            [None] => run.fault(format!("'is {name}' needs a value to compare with")),
        }
    };
    if matches!(
        name,
        "eq" | "equalto"
            | "=="
            | "ne"
            | "!="
            | "lt"
            | "lessthan"
            | "<"
            | "le"
            | "<="
            | "gt"
            | "greaterthan"
            | ">"
            | "ge"
            | ">="
            | "in"
            | "divisibleby"
            | "sameas"
    ) {
        let other = two(run, args)?;
        run.spend(value.size().saturating_add(other.size()))?;
        let order = |run: &Run| match value.order(&other) {
            Some(order) => Ok(order),
            None => run.unusable(value, "has no order here"),
        };
        return Ok(match name {
            "eq" | "equalto" | "==" => value.equals(&other),
            "ne" | "!=" => !value.equals(&other),
            "lt" | "lessthan" | "<" => order(run)?.is_lt(),
            "le" | "<=" => order(run)?.is_le(),
            "gt" | "greaterthan" | ">" => order(run)?.is_gt(),
            "ge" | ">=" => order(run)?.is_ge(),
            "in" => run.lined(contains(&other, value))?,
            "sameas" => match (value, &other) {
                (Value::Bool(a), Value::Bool(b)) => a == b,
                (Value::Bool(_), _) | (_, Value::Bool(_)) => false,
                _ => value.equals(&other),
            },
            _ => match (value.integer(), other.integer()) {
                (Some(a), Some(b)) if b != 0 => a.checked_rem(b) == Some(0),
                _ => return run.fault("'divisibleby' is asked of numbers, and not by zero"),
            },
        });
    }
    args.none(run)?;
    let text_is = |form: fn(&[super::Glyph]) -> Vec<super::Glyph>| match value {
        Value::Text(t) => {
            let cased = t
                .glyphs()
                .iter()
                .any(|g| g.c.is_lowercase() || g.c.is_uppercase());
            cased && same(&form(t.glyphs()), t.glyphs())
        }
        _ => false,
    };
    Ok(match name {
        "defined" => !matches!(value, Value::Undefined(_)),
        "undefined" => matches!(value, Value::Undefined(_)),
        "none" => matches!(value, Value::None),
        "boolean" => matches!(value, Value::Bool(_)),
        "true" => matches!(value, Value::Bool(true)),
        "false" => matches!(value, Value::Bool(false)),
        "string" => matches!(value, Value::Text(_)),
        "integer" => matches!(value, Value::Int(_)),
        "float" => matches!(value, Value::Float(_)),
        "number" => matches!(value, Value::Int(_) | Value::Float(_) | Value::Bool(_)),
        "mapping" => matches!(value, Value::Dict(_)),
        "sequence" => matches!(
            value,
            Value::Text(_)
                | Value::List(_)
                | Value::Tuple(_)
                | Value::Dict(_)
                | Value::Undefined(_)
        ),
        "iterable" => matches!(
            value,
            Value::Text(_)
                | Value::List(_)
                | Value::Tuple(_)
                | Value::Dict(_)
                | Value::Undefined(_)
                | Value::Loop(_)
        ),
        "callable" => matches!(
            value,
            Value::Macro(_) | Value::Builtin(_) | Value::Method(_)
        ),
        "even" | "odd" => match value.integer() {
            Some(i) => (i.rem_euclid(2) == 0) == (name == "even"),
            None => return run.unusable(value, &format!("is neither even nor odd ('is {name}')")),
        },
        "lower" => text_is(lower),
        "upper" => text_is(upper),
        "escaped" => false,
        "filter" => word(value).is_some_and(|n| super::filters::NAMES.contains(&n.as_str())),
        other => return run.fault(format!("the test 'is {other}' is not known")),
    })
}
