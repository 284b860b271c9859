//! L1: working sets around newGLMNET.
//!
//! Of tens of thousands of features some dozens have a weight. So a pass over all features only looks for those that
//! violate the optimality conditions most; these join the working set, on which the problem is then solved by Newton
//! steps, each a quadratic problem solved by coordinate descent (Yuan, Ho & Lin, "An improved GLMNET for
//! L1-regularized logistic regression", JMLR 13, 2012, section 5). The set only grows, so this ends; and it ends only
//! after a pass that finds no violation in any feature, so the answer is that of the whole problem.

use super::{Ending, Fit, Hooks, Logistic, Options, Problem, linear, path};
use crate::error::Result;

/// Features that may join the working set in one pass, if less than twice the weights that are not 0.
const JOIN: usize = 100;
/// Features between two questions whether to stop.
const ASK: usize = 2048;
/// Newton steps on one working set.
const STEPS: usize = 100;
/// Sweeps of coordinate descent in one Newton step.
const SWEEPS: usize = 1000;
/// Keeps the quadratic problem strictly convex (newGLMNET's nu).
const RIDGE: f64 = 1e-12;
/// Share of the predicted decrease that a step must bring (Armijo).
const ARMIJO: f64 = 0.01;

/// Fits the L1 problem of the [module](super), from `start` if there is one.
///
/// Reads the table once a pass (usually 5 to 15 passes); beside it only vectors of samples and of features are held.
///
/// # Errors
/// [`crate::ErrorKind::Input`] if C is not above 0, or `start` has another number of features or is not finite.
pub fn fit_l1(
    problem: &Problem,
    c: f64,
    options: &Options,
    start: Option<&Logistic>,
    hooks: &Hooks,
) -> Result<Fit> {
    let model = problem.start(c, start)?;
    Ok(Solver::new(problem, c, options, model, hooks).fit())
}

/// Fits for each of `cs`, ascending, each from the one before. If stopped, the fits so far, the last of them unfinished.
///
/// # Errors
/// As [`fit_l1`]; [`crate::ErrorKind::Input`] if `cs` do not ascend.
pub fn path_l1(
    problem: &Problem,
    cs: &[f64],
    options: &Options,
    hooks: &Hooks,
) -> Result<Vec<Fit>> {
    path(cs, |c, start| fit_l1(problem, c, options, start, hooks))
}

/// A coordinate of the problem: a feature, or the intercept's constant 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Feature(usize),
    Intercept,
}

/// A coordinate in the working set, with its part of the present Newton step.
struct Coordinate {
    of: Of,
    /// 1, or 0 for an intercept that is not penalized.
    penalty: f64,
    /// The derivative of the loss, and its derivative.
    gradient: f64,
    curvature: f64,
    /// The step.
    step: f64,
}

struct Solver<'a> {
    problem: &'a Problem<'a>,
    c: f64,
    options: &'a Options,
    hooks: &'a Hooks<'a>,
    model: Logistic,
    /// By sample: score, derivative of the loss by the score, its derivative, and what the step adds to the score.
    scores: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    change: Vec<f64>,
    /// `second * change`, kept because coordinate descent reads it at every coordinate.
    pull: Vec<f64>,
    set: Vec<Coordinate>,
    in_set: Vec<bool>,
}

impl<'a> Solver<'a> {
    fn new(
        problem: &'a Problem,
        c: f64,
        options: &'a Options,
        model: Logistic,
        hooks: &'a Hooks,
    ) -> Self {
        let n = problem.samples();
        let mut solver = Self {
            problem,
            c,
            options,
            hooks,
            scores: vec![0.0; n],
            first: vec![0.0; n],
            second: vec![0.0; n],
            change: vec![0.0; n],
            pull: vec![0.0; n],
            set: Vec::new(),
            in_set: vec![false; problem.features()],
            model,
        };
        solver.join(Of::Intercept);
        for j in solver.model.support() {
            solver.join(Of::Feature(j));
        }
        solver
    }

    fn join(&mut self, of: Of) {
        let penalty = match of {
            Of::Feature(j) => {
                self.in_set[j] = true;
                1.0
            }
            Of::Intercept => f64::from(self.options.penalize_bias),
        };
        self.set.push(Coordinate {
            of,
            penalty,
            gradient: 0.0,
            curvature: 0.0,
            step: 0.0,
        });
    }

    fn fit(mut self) -> Fit {
        let (mut rounds, mut violation) = (0, f64::INFINITY);
        let ending = loop {
            self.score_anew();
            let Some((most, joining)) = self.violations() else {
                break Ending::Stopped;
            };
            violation = most;
            rounds += 1;
            let nonzero = self.model.support().len();
            self.hooks.tell(self.c, rounds, violation, nonzero);
            if violation <= self.options.tolerance {
                break Ending::Converged;
            }
            if rounds >= self.options.limit {
                break Ending::Limit;
            }
            for j in joining {
                self.join(Of::Feature(j));
            }
            // Early sets are only asked for where to look next.
            let within = (0.1 * violation).clamp(0.5 * self.options.tolerance, 0.1);
            if !self.solve_on_set(within) {
                break Ending::Stopped;
            }
        };
        let weights = self.model.weights.iter();
        let penalty = weights.map(|w| w.abs()).sum::<f64>()
            + f64::from(self.options.penalize_bias) * self.model.intercept.abs();
        let loss = self.problem.loss(self.c, self.scores.iter().copied());
        Fit {
            c: self.c,
            model: self.model,
            objective: penalty + loss,
            violation,
            rounds,
            ending,
        }
    }

    /// The scores from the weights, without the rounding that steps have left in them.
    fn score_anew(&mut self) {
        self.scores.fill(self.model.intercept);
        for j in self.model.support() {
            let column = self.problem.features.column(j);
            linear::add_scaled(&mut self.scores, column, self.model.weights[j]);
        }
        self.derive();
    }

    fn derive(&mut self) {
        self.problem
            .derivatives(self.c, &self.scores, &mut self.first, &mut self.second);
    }

    /// The largest violation in any coordinate, and the features outside the set that violate most; None if stopped.
    fn violations(&self) -> Option<(f64, Vec<usize>)> {
        let mut most = violation(
            self.model.intercept,
            self.first.iter().sum(),
            f64::from(self.options.penalize_bias),
        );
        let mut outside = Vec::new();
        for (j, column) in self.problem.features.columns().enumerate() {
            if j % ASK == 0 && (self.hooks.should_stop)() {
                return None;
            }
            let gradient = linear::dot(column, &self.first);
            let v = violation(self.model.weights[j], gradient, 1.0);
            most = most.max(v);
            if v > 0.0 && !self.in_set[j] {
                outside.push((v, j));
            }
        }
        outside.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        outside.truncate(JOIN.max(2 * self.model.support().len()));
        Some((most, outside.into_iter().map(|(_, j)| j).collect()))
    }

    /// Newton steps until no coordinate of the set violates its condition by more than `within`; false if stopped.
    fn solve_on_set(&mut self, within: f64) -> bool {
        for _ in 0..STEPS {
            if (self.hooks.should_stop)() {
                return false;
            }
            let mut most: f64 = 0.0;
            for at in 0..self.set.len() {
                let gradient = self.dot(self.set[at].of, &self.first);
                let weight = self.weight(self.set[at].of);
                most = most.max(violation(weight, gradient, self.set[at].penalty));
                self.set[at].gradient = gradient;
            }
            if most <= within {
                return true;
            }
            for at in 0..self.set.len() {
                let curvature = match self.set[at].of {
                    Of::Feature(j) => {
                        linear::dot_squares(self.problem.features.column(j), &self.second)
                    }
                    Of::Intercept => self.second.iter().sum(),
                };
                self.set[at].curvature = curvature + RIDGE;
            }
            // A tenth of the violation, and less and less of it: Newton's method then keeps its speed.
            if !self.find_step(most * (0.1 * most).clamp(1e-4, 0.05)) {
                return false;
            }
            if !self.take_step() {
                // Rounding hides any further decrease: the pass over all features says how good this is.
                return true;
            }
            self.derive();
        }
        true
    }

    /// Coordinate descent on the quadratic problem, until no coordinate is off by more than `within`; false if stopped.
    fn find_step(&mut self, within: f64) -> bool {
        self.change.fill(0.0);
        self.pull.fill(0.0);
        for coordinate in &mut self.set {
            coordinate.step = 0.0;
        }
        let mut everyone = true;
        for _ in 0..SWEEPS {
            if (self.hooks.should_stop)() {
                return false;
            }
            let mut most: f64 = 0.0;
            for at in 0..self.set.len() {
                let (of, penalty, step) = {
                    let it = &self.set[at];
                    (it.of, it.penalty, it.step)
                };
                let weight = self.weight(of) + step;
                // Shrinking: what is 0 is looked at again when the others are done.
                if !everyone && weight == 0.0 && penalty > 0.0 {
                    continue;
                }
                let gradient = self.set[at].gradient + self.dot(of, &self.pull);
                let v = violation(weight, gradient, penalty);
                if v == 0.0 {
                    continue;
                }
                most = most.max(v);
                let by = toward(weight, gradient, self.set[at].curvature, penalty);
                if by == -weight {
                    // Exactly back, so that the weight becomes exactly 0.
                    self.set[at].step = -self.weight(of);
                } else {
                    self.set[at].step += by;
                }
                self.move_by(of, by);
            }
            if most <= within {
                if everyone {
                    break;
                }
                everyone = true;
            } else {
                everyone = false;
            }
        }
        true
    }

    /// Goes along the step as far as the objective falls enough; false if it does not fall at all.
    fn take_step(&mut self) -> bool {
        let norm = |of: &Self, t: f64| -> f64 {
            let each = of.set.iter();
            each.map(|it| it.penalty * (of.weight(it.of) + t * it.step).abs())
                .sum()
        };
        let (at_start, at_end) = (norm(self, 0.0), norm(self, 1.0));
        let slope: f64 = self.set.iter().map(|it| it.gradient * it.step).sum();
        let predicted = slope + at_end - at_start;
        let loss = self.problem.loss(self.c, self.scores.iter().copied());
        // What rounding may add to a sum of this size.
        let slack = 1e-14 * (1.0 + loss + at_start);
        let mut t = 1.0;
        for _ in 0..40 {
            let along = self.scores.iter().zip(&self.change);
            let new = self.problem.loss(self.c, along.map(|(f, d)| f + t * d));
            if new - loss + norm(self, t) - at_start <= ARMIJO * t * predicted + slack {
                for (f, d) in self.scores.iter_mut().zip(&self.change) {
                    *f += t * d;
                }
                for at in 0..self.set.len() {
                    let by = t * self.set[at].step;
                    match self.set[at].of {
                        Of::Feature(j) => self.model.weights[j] += by,
                        Of::Intercept => self.model.intercept += by,
                    }
                }
                return true;
            }
            t *= 0.5;
        }
        false
    }

    fn weight(&self, of: Of) -> f64 {
        match of {
            Of::Feature(j) => self.model.weights[j],
            Of::Intercept => self.model.intercept,
        }
    }

    fn dot(&self, of: Of, v: &[f64]) -> f64 {
        match of {
            Of::Feature(j) => linear::dot(self.problem.features.column(j), v),
            Of::Intercept => v.iter().sum(),
        }
    }

    fn move_by(&mut self, of: Of, by: f64) {
        let each = self.change.iter_mut().zip(&mut self.pull).zip(&self.second);
        match of {
            Of::Feature(j) => {
                let column = self.problem.features.column(j);
                for (((change, pull), second), &x) in each.zip(column) {
                    let d = by * f64::from(x);
                    *change += d;
                    *pull += second * d;
                }
            }
            Of::Intercept => {
                for ((change, pull), second) in each {
                    *change += by;
                    *pull += second * by;
                }
            }
        }
    }
}

/// The smallest subgradient of `penalty |w| + loss` in size: 0 where the coordinate is optimal.
fn violation(weight: f64, gradient: f64, penalty: f64) -> f64 {
    if weight == 0.0 {
        (gradient.abs() - penalty).max(0.0)
    } else {
        (gradient + penalty * weight.signum()).abs()
    }
}

/// How far to move a weight to the minimum of `gradient d + curvature d^2 / 2 + penalty |weight + d|`.
fn toward(weight: f64, gradient: f64, curvature: f64, penalty: f64) -> f64 {
    if gradient + penalty <= curvature * weight {
        -(gradient + penalty) / curvature
    } else if gradient - penalty >= curvature * weight {
        -(gradient - penalty) / curvature
    } else {
        -weight
    }
}
