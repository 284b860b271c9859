//! Functions that templates may call, and the arguments of any call.

use std::{cell::RefCell, rc::Rc};

use super::{
    date,
    run::{Result, Run},
    value::{Names, Value, word},
};

/// Arguments of a call.
#[derive(Debug, Default)]
pub(crate) struct Args {
    pub plain: Vec<Value>,
    pub named: Names,
}

impl Args {
    /// The arguments in the order of their names; what is absent is `None`. More arguments, or others, are an error.
    pub fn bind<const N: usize>(self, run: &Run, names: [&str; N]) -> Result<[Option<Value>; N]> {
        let mut out = [const { None }; N];
        if self.plain.len() > N {
            return run.fault(format!(
                "{} arguments where at most {N} are expected",
                self.plain.len()
            ));
        }
        for (slot, value) in out.iter_mut().zip(self.plain) {
            *slot = Some(value);
        }
        for (name, value) in self.named {
            match names.iter().position(|n| *n == &*name) {
                Some(i) if out[i].is_none() => out[i] = Some(value),
                Some(_) => return run.fault(format!("the argument '{name}' is given twice")),
                None => return run.fault(format!("the argument '{name}' is not known")),
            }
        }
        Ok(out)
    }

    pub fn none(self, run: &Run) -> Result<()> {
        self.bind::<0>(run, []).map(|_| ())
    }
}

/// The function of that name, if there is one.
pub(crate) fn named(name: &str) -> Option<&'static str> {
    [
        "range",
        "dict",
        "namespace",
        "raise_exception",
        "strftime_now",
    ]
    .into_iter()
    .find(|n| *n == name)
}

pub(crate) fn call(run: &mut Run, name: &str, args: Args) -> Result<Value> {
    match name {
        "range" => {
            let [a, b, step] = args.bind(run, ["start", "stop", "step"])?;
            let number = |value: Option<Value>, default: i64| match value {
                None => Ok(default),
                Some(v) => match v.integer() {
                    Some(i) => Ok(i),
                    None => run.unusable(&v, "is no number for 'range'"),
                },
            };
            let step = number(step, 1)?;
            let (start, stop) = match (a, b) {
                (a, None) => (0, number(a, 0)?),
                (a, b) => (number(a, 0)?, number(b, 0)?),
            };
            if step == 0 {
                return run.fault("the step of 'range' is zero");
            }
            let distance = if step > 0 {
                stop.saturating_sub(start)
            } else {
                start.saturating_sub(stop)
            };
            let count = u64::try_from(distance)
                .unwrap_or(0)
                .div_ceil(step.unsigned_abs());
            // The sandbox of Jinja has the same bound.
            if count > 100_000 {
                return run.fault("'range' has more than 100000 numbers");
            }
            let items = (0..count as i64)
                .map(|i| Value::Int(start + i * step))
                .collect();
            run.list(items)
        }
        "dict" | "namespace" => {
            let [from] = Args {
                plain: args.plain,
                named: Vec::new(),
            }
            .bind(run, ["from"])?;
            let mut entries = match from {
                None => Vec::new(),
                Some(Value::Dict(d)) => d.entries.clone(),
                Some(other) => {
                    let mut entries = Vec::new();
                    for pair in run.items(&other)? {
                        match &run.items(&pair)?[..] {
                            [key, value] => entries.push((key.clone(), value.clone())),
                            _ => return run.fault("a dict is made of pairs"),
                        }
                    }
                    entries
                }
            };
            entries.extend(args.named.into_iter().map(|(n, v)| (Value::text(&n), v)));
            run.spend(entries.len().saturating_mul(entries.len()))?;
            let dict = run.lined(Value::dict(entries))?;
            match (name, &dict) {
                ("namespace", Value::Dict(d)) => {
                    let names = d.entries.iter();
                    let names = names.map(|(k, v)| (word(k).unwrap_or_default().into(), v.clone()));
                    Ok(Value::Namespace(Rc::new(RefCell::new(names.collect()))))
                }
                _ => Ok(dict),
            }
        }
        "raise_exception" => {
            let [message] = args.bind(run, ["message"])?;
            let message = message.unwrap_or(Value::text("no reason given"));
            let message = run.shown(&message)?.plain();
            run.raised(message)
        }
        "strftime_now" => {
            let [format] = args.bind(run, ["format"])?;
            let Some(format) = format.as_ref().and_then(word) else {
                return run.fault("'strftime_now' takes a format");
            };
            let text = run.lined(date::strftime(&format))?;
            Ok(Value::text(&text))
        }
        other => run.fault(format!("the function '{other}' is not known")),
    }
}
