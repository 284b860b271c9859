//! L2: Newton's method, in the weights if there are fewer features than samples, else in the samples.
//!
//! With many features the weights are a mix of the samples, `w = X^T a`, and everything else is said by the products
//! of all pairs of samples, `K = X X^T`: the Newton step is the one of Rasmussen & Williams, "Gaussian Processes for
//! Machine Learning" (2006), algorithm 3.1, whose matrix `I + D^1/2 K D^1/2` has no eigenvalue below 1. A penalized
//! intercept is one more feature and adds 1 to each product; a free one is eliminated as in their section 2.7.

use super::{Ending, Fit, Hooks, Logistic, Options, Problem, linear, linear::Square, path};
use crate::error::Result;

/// Halvings of a Newton step before it is given up.
const HALVINGS: usize = 50;

/// Fits the L2 problem of the [module](super).
///
/// Takes `n^2 d / 2` multiplications and two matrices of `n` x `n` f64 (36 MB for 1,500 samples) if there are as many
/// features as samples or more, else matrices of features by features.
///
/// # Errors
/// [`crate::ErrorKind::Input`] if C is not above 0, or the features are so large that rounding leaves nothing of
/// the matrix to solve; [`crate::ErrorKind::Memory`].
pub fn fit_l2(problem: &Problem, c: f64, options: &Options, hooks: &Hooks) -> Result<Fit> {
    // One C makes one fit.
    let mut fits = path_l2(problem, &[c], options, hooks)?;
    Ok(fits.swap_remove(0))
}

/// Fits for each of `cs`, ascending, each from the one before; the products of the samples are made only once. If
/// stopped, the fits so far, the last of them unfinished.
///
/// # Errors
/// As [`fit_l2`]; [`crate::ErrorKind::Input`] if `cs` do not ascend.
pub fn path_l2(
    problem: &Problem,
    cs: &[f64],
    options: &Options,
    hooks: &Hooks,
) -> Result<Vec<Fit>> {
    if problem.features() < problem.samples() {
        return path(cs, |c, start| {
            let model = problem.start(c, start)?;
            primal(problem, c, options, hooks, model)
        });
    }
    if let Some(&c) = cs.first() {
        // Refused before the products are made.
        problem.start(c, None)?;
    }
    let Some(mut gram) = linear::gram(problem.features, hooks.should_stop)? else {
        return path(cs, |c, start| {
            let model = problem.start(c, start)?;
            Ok(ended(c, model, f64::INFINITY, 0, Ending::Stopped))
        });
    };
    if options.penalize_bias {
        gram.data.iter_mut().for_each(|k| *k += 1.0);
    }
    // The samples' shares `a` and the intercept so far; they scale with C, but every start leads to the one minimum.
    let mut from = (vec![0.0; problem.samples()], 0.0);
    path(cs, |c, _| {
        dual(problem, c, options, hooks, &gram, &mut from)
    })
}

fn ended(c: f64, model: Logistic, violation: f64, rounds: usize, ending: Ending) -> Fit {
    Fit {
        c,
        model,
        objective: f64::INFINITY,
        violation,
        rounds,
        ending,
    }
}

/// The largest `C c_i`: what the optimality conditions are measured by.
fn scale(problem: &Problem, c: f64) -> f64 {
    c * problem.weights.iter().fold(0.0_f64, |most, w| most.max(*w))
}

/// Newton's method on the weights.
fn primal(
    problem: &Problem,
    c: f64,
    options: &Options,
    hooks: &Hooks,
    mut model: Logistic,
) -> Result<Fit> {
    let (n, d) = (problem.samples(), problem.features());
    let table = problem.features;
    let bias_penalty = f64::from(options.penalize_bias);
    let (mut first, mut second) = (vec![0.0; n], vec![0.0; n]);
    let penalty = |w: &[f64], b: f64| 0.5 * (linear::dot64(w, w) + bias_penalty * b * b);
    let mut rounds = 0;
    let mut scores = model.scores(table)?;
    loop {
        problem.derivatives(c, &scores, &mut first, &mut second);
        // The intercept comes last.
        let mut gradient: Vec<f64> = table
            .columns()
            .zip(&model.weights)
            .map(|(x, w)| w + linear::dot(x, &first))
            .collect();
        gradient.push(bias_penalty * model.intercept + first.iter().sum::<f64>());
        let most = gradient.iter().fold(0.0_f64, |most, g| most.max(g.abs()));
        let violation = most / scale(problem, c);
        hooks.tell(c, rounds, violation, d);
        let loss = problem.loss(c, scores.iter().copied());
        let objective = loss + penalty(&model.weights, model.intercept);
        let ending = if violation <= options.tolerance {
            Some(Ending::Converged)
        } else if rounds >= options.limit {
            Some(Ending::Limit)
        } else if (hooks.should_stop)() {
            Some(Ending::Stopped)
        } else {
            None
        };
        if let Some(ending) = ending {
            return Ok(Fit {
                objective,
                ..ended(c, model, violation, rounds, ending)
            });
        }
        let mut hessian = Square::zeros(d + 1)?;
        let mut scaled = vec![0.0; n];
        for i in 0..=d {
            match i < d {
                true => {
                    let each = scaled.iter_mut().zip(table.column(i)).zip(&second);
                    each.for_each(|((to, &x), s)| *to = f64::from(x) * s);
                }
                false => scaled.copy_from_slice(&second),
            }
            let row = &mut hessian.data[i * (d + 1)..][..=i];
            for (j, to) in row.iter_mut().enumerate() {
                *to = match j < d {
                    true => linear::dot(table.column(j), &scaled),
                    false => scaled.iter().sum(),
                };
            }
            row[i] += if i < d { 1.0 } else { bias_penalty };
        }
        if hessian.factor(hooks.should_stop)?.is_none() {
            return Ok(Fit {
                objective,
                ..ended(c, model, violation, rounds, Ending::Stopped)
            });
        }
        let mut step = gradient.clone();
        hessian.solve(&mut step);
        step.iter_mut().for_each(|s| *s = -*s);
        let slope = linear::dot64(&gradient, &step);
        let toward = Logistic {
            intercept: step[d],
            weights: step[..d].to_vec(),
        };
        let change = toward.scores(table)?;
        let along = |t: f64| {
            let f = scores.iter().zip(&change).map(|(f, d)| f + t * d);
            let each = model.weights.iter().zip(&toward.weights);
            let w: Vec<f64> = each.map(|(w, s)| w + t * s).collect();
            problem.loss(c, f) + penalty(&w, model.intercept + t * toward.intercept)
        };
        let Some(t) = length(objective, slope, along) else {
            return Ok(Fit {
                objective,
                ..ended(c, model, violation, rounds, Ending::Limit)
            });
        };
        for (w, s) in model.weights.iter_mut().zip(&toward.weights) {
            *w += t * s;
        }
        model.intercept += t * toward.intercept;
        // From the weights, so that no rounding piles up.
        scores = model.scores(table)?;
        rounds += 1;
    }
}

/// Newton's method on the samples' shares; `from` holds the start and receives the end.
fn dual(
    problem: &Problem,
    c: f64,
    options: &Options,
    hooks: &Hooks,
    gram: &Square,
    from: &mut (Vec<f64>, f64),
) -> Result<Fit> {
    let n = problem.samples();
    let free = !options.penalize_bias;
    let (a, b) = (&mut from.0, &mut from.1);
    let (mut first, mut second) = (vec![0.0; n], vec![0.0; n]);
    let mut rounds = 0;
    // `K a`, the scores without a free intercept.
    let mut products = gram.times(a);
    let (violation, objective, ending) = loop {
        let scores: Vec<f64> = products.iter().map(|k| k + *b).collect();
        problem.derivatives(c, &scores, &mut first, &mut second);
        let off = a.iter().zip(&first).map(|(a, g)| (a + g).abs());
        let total = if free {
            first.iter().sum::<f64>().abs()
        } else {
            0.0
        };
        let violation = off.fold(total, f64::max) / scale(problem, c);
        hooks.tell(c, rounds, violation, problem.features());
        let objective = 0.5 * linear::dot64(a, &products) + problem.loss(c, scores.iter().copied());
        if violation <= options.tolerance {
            break (violation, objective, Ending::Converged);
        } else if rounds >= options.limit {
            break (violation, objective, Ending::Limit);
        }
        let root: Vec<f64> = second.iter().map(|d| d.sqrt()).collect();
        let mut matrix = Square::zeros(n)?;
        for i in 0..n {
            let (to, k) = (&mut matrix.data[i * n..][..=i], &gram.data[i * n..]);
            for (j, to) in to.iter_mut().enumerate() {
                *to = root[i] * k[j] * root[j];
            }
            to[i] += 1.0;
        }
        if matrix.factor(hooks.should_stop)?.is_none() {
            break (violation, objective, Ending::Stopped);
        }
        // (I + D K)^-1 v = v - D^1/2 (I + D^1/2 K D^1/2)^-1 D^1/2 K v
        let solve = |v: &[f64]| -> Vec<f64> {
            let mut x: Vec<f64> = gram
                .times(v)
                .iter()
                .zip(&root)
                .map(|(k, r)| k * r)
                .collect();
            matrix.solve(&mut x);
            let each = v.iter().zip(&x).zip(&root);
            each.map(|((v, x), r)| v - r * x).collect()
        };
        // The shares that minimize the quadratic around these scores, for an intercept that does not move …
        let each = second.iter().zip(&products).zip(&first);
        let target: Vec<f64> = each.map(|((d, k), g)| d * k - g).collect();
        let mut new = solve(&target);
        let mut shift = 0.0;
        if free {
            // … and then with the move of it that makes the shares sum to 0.
            let of_shift = solve(&second);
            shift = new.iter().sum::<f64>() / of_shift.iter().sum::<f64>();
            for (new, s) in new.iter_mut().zip(&of_shift) {
                *new -= shift * s;
            }
        }
        let step: Vec<f64> = new.iter().zip(a.iter()).map(|(new, a)| new - a).collect();
        let change = gram.times(&step);
        let slope = linear::dot64(a, &change)
            + first
                .iter()
                .zip(&change)
                .map(|(g, d)| g * (d + shift))
                .sum::<f64>();
        let along = |t: f64| {
            let f = scores.iter().zip(&change).map(|(f, d)| f + t * (d + shift));
            let each = a.iter().zip(&step).zip(products.iter().zip(&change));
            let norm: f64 = each.map(|((a, s), (k, d))| (a + t * s) * (k + t * d)).sum();
            0.5 * norm + problem.loss(c, f)
        };
        let Some(t) = length(objective, slope, along) else {
            break (violation, objective, Ending::Limit);
        };
        a.iter_mut().zip(&step).for_each(|(a, s)| *a += t * s);
        *b += t * shift;
        products = gram.times(a);
        rounds += 1;
    };
    let weights = problem
        .features
        .columns()
        .map(|x| linear::dot(x, a))
        .collect();
    let intercept = if free { *b } else { a.iter().sum() };
    let model = Logistic { weights, intercept };
    Ok(Fit {
        objective,
        ..ended(c, model, violation, rounds, ending)
    })
}

/// The first of 1, 1/2, 1/4 … at which the objective has fallen enough; None if rounding hides any fall.
fn length(objective: f64, slope: f64, along: impl Fn(f64) -> f64) -> Option<f64> {
    let slack = 1e-14 * (1.0 + objective.abs());
    let mut t = 1.0;
    for _ in 0..HALVINGS {
        if along(t) <= objective + 1e-4 * t * slope + slack {
            return Some(t);
        }
        t *= 0.5;
    }
    None
}
