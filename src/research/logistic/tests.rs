use std::cell::Cell;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

/// What scikit-learn found: tests/fixtures/solver/make_solver.py.
const FOUND: &str = include_str!("../../../tests/fixtures/solver/solver.json");

#[derive(Deserialize)]
struct Fixture {
    unit: f32,
    tables: Vec<Table>,
    problems: Vec<Found>,
}

#[derive(Deserialize)]
struct Table {
    samples: usize,
    labels: String,
    columns: Vec<Vec<i32>>,
}

#[derive(Deserialize)]
struct Found {
    table: usize,
    name: String,
    penalty: u8,
    c: f64,
    penalize_bias: bool,
    balanced: bool,
    weights: Option<Vec<f64>>,
    intercept: f64,
    coef: Vec<(usize, f64)>,
}

fn fixture() -> (Vec<(Features, Vec<bool>)>, Vec<Found>) {
    let fixture: Fixture = serde_json::from_str(FOUND).expect("the fixture is JSON");
    let table = |it: &Table| {
        let data = it.columns.iter().flatten();
        let data = data.map(|x| *x as f32 * fixture.unit).collect();
        let labels = it.labels.bytes().map(|b| b == b'1').collect();
        let table = Features::from_columns(it.samples, data).expect("sound");
        (table, labels)
    };
    (fixture.tables.iter().map(table).collect(), fixture.problems)
}

impl Found {
    fn problem<'a>(&self, (features, labels): &'a (Features, Vec<bool>)) -> Problem<'a> {
        let mut problem = Problem::new(features, labels).expect("sound");
        if let Some(weights) = &self.weights {
            problem = problem.weighted(weights).expect("sound");
        }
        if self.balanced {
            problem = problem.balanced();
        }
        problem
    }

    fn options(&self) -> Options {
        Options {
            penalize_bias: self.penalize_bias,
            ..Options::default()
        }
    }

    /// Compares with what scikit-learn found; the largest difference of a weight or the intercept.
    fn compare(&self, fit: &Fit) -> f64 {
        assert_eq!(fit.ending, Ending::Converged, "{}", self.name);
        let support: Vec<usize> = self.coef.iter().map(|(j, _)| *j).collect();
        assert_eq!(fit.model.support(), support, "{}", self.name);
        let off = self
            .coef
            .iter()
            .map(|(j, w)| (fit.model.weights[*j] - w).abs());
        let off = off.fold((fit.model.intercept - self.intercept).abs(), f64::max);
        assert!(off < 1e-5, "{}: off by {off}", self.name);
        off
    }
}

#[test]
fn l1_finds_scikit_learn_s_weights_and_support() {
    let (tables, found) = fixture();
    let found: Vec<_> = found.iter().filter(|f| f.penalty == 1).collect();
    assert!(found.len() >= 11);
    for it in found {
        let problem = it.problem(&tables[it.table]);
        let fit = fit_l1(&problem, it.c, &it.options(), None, &Hooks::NONE).expect("fits");
        let off = it.compare(&fit);
        println!("{}: off by {off:.1e} in {} passes", it.name, fit.rounds);
    }
}

#[test]
fn l2_finds_scikit_learn_s_weights_in_either_form() {
    let (tables, found) = fixture();
    let found: Vec<_> = found.iter().filter(|f| f.penalty == 2).collect();
    assert!(found.len() >= 5);
    for it in found {
        let problem = it.problem(&tables[it.table]);
        let fit = fit_l2(&problem, it.c, &it.options(), &Hooks::NONE).expect("fits");
        let off = it.compare(&fit);
        println!("{}: off by {off:.1e} in {} steps", it.name, fit.rounds);
        // A wrong step may still get there, but not as Newton's method does.
        assert!(fit.rounds <= 8, "{}: {} steps", it.name, fit.rounds);
    }
}

#[test]
fn both_forms_of_l2_agree() {
    let (tables, _) = fixture();
    // 39 features of 40 samples are solved in the weights; with five features of zeros beside them, in the samples.
    let (table, labels) = &tables[2];
    let some: Vec<usize> = (0..40).collect();
    let few = table.only_samples(&some).expect("exist");
    let labels = &labels[..40];
    let at = |features: &[usize], penalize_bias| {
        let table = few.only_features(features).expect("exist");
        let options = Options {
            penalize_bias,
            ..Options::default()
        };
        let problem = Problem::new(&table, labels).expect("sound");
        fit_l2(&problem, 0.7, &options, &Hooks::NONE).expect("fits")
    };
    for penalize_bias in [true, false] {
        let features: Vec<usize> = (0..39).collect();
        let primal = at(&features, penalize_bias);
        let mut wide = few.only_features(&features).expect("exist");
        let mut data: Vec<f32> = wide.columns().flatten().copied().collect();
        data.extend(std::iter::repeat_n(0.0, 40 * 5));
        wide = Features::from_columns(40, data).expect("sound");
        let problem = Problem::new(&wide, labels).expect("sound");
        let options = Options {
            penalize_bias,
            ..Options::default()
        };
        let dual = fit_l2(&problem, 0.7, &options, &Hooks::NONE).expect("fits");
        assert!((primal.objective - dual.objective).abs() < 1e-9);
        assert!((primal.model.intercept - dual.model.intercept).abs() < 1e-6);
        for (p, d) in primal.model.weights.iter().zip(&dual.model.weights) {
            assert!((p - d).abs() < 1e-6, "{p} {d}");
        }
        assert!(dual.model.weights[39..].iter().all(|w| *w == 0.0));
    }
}

#[test]
fn a_path_ends_where_single_fits_do() {
    let (tables, _) = fixture();
    for (features, labels) in &tables {
        let problem = Problem::new(features, labels).expect("sound");
        let options = Options::default();
        let cs = [0.05, 0.2, 0.5, 2.0];
        let path = path_l1(&problem, &cs, &options, &Hooks::NONE).expect("fits");
        for (fit, c) in path.iter().zip(cs) {
            let alone = fit_l1(&problem, c, &options, None, &Hooks::NONE).expect("fits");
            assert_eq!(fit.model.support(), alone.model.support());
            let pairs = fit.model.weights.iter().zip(&alone.model.weights);
            for (a, b) in pairs {
                assert!((a - b).abs() < 1e-5, "C {c}: {a} {b}");
            }
        }
        let path = path_l2(&problem, &cs, &options, &Hooks::NONE).expect("fits");
        for (fit, c) in path.iter().zip(cs) {
            let alone = fit_l2(&problem, c, &options, &Hooks::NONE).expect("fits");
            assert_eq!(fit.ending, Ending::Converged);
            assert!((fit.objective - alone.objective).abs() < 1e-7 * (1.0 + fit.objective));
        }
    }
}

#[test]
fn the_smallest_c_is_the_border_of_the_empty_fit() {
    let (tables, _) = fixture();
    for (features, labels) in &tables {
        let problem = Problem::new(features, labels).expect("sound");
        for penalize_bias in [true, false] {
            let options = Options {
                penalize_bias,
                ..Options::default()
            };
            let least = smallest_c(&problem, penalize_bias);
            let at = |c| fit_l1(&problem, c, &options, None, &Hooks::NONE).expect("fits");
            assert!(at(0.99 * least).model.support().is_empty());
            let above = at(1.05 * least).model;
            assert!(!above.support().is_empty() || above.intercept != 0.0);
        }
    }
}

#[test]
fn a_free_intercept_alone_is_the_log_odds() {
    let (tables, _) = fixture();
    let (features, labels) = &tables[0];
    let problem = Problem::new(features, labels).expect("sound");
    let options = Options {
        penalize_bias: false,
        ..Options::default()
    };
    let fit = fit_l1(&problem, 1e-4, &options, None, &Hooks::NONE).expect("fits");
    let positive = labels.iter().filter(|l| **l).count() as f64;
    let odds = positive / (labels.len() as f64 - positive);
    assert_eq!(fit.ending, Ending::Converged);
    assert!((fit.model.intercept - odds.ln()).abs() < 1e-2 * odds.ln().abs());
}

#[test]
fn a_fit_that_is_stopped_says_so_and_can_be_taken_up() {
    let (tables, _) = fixture();
    let (features, labels) = &tables[2];
    let problem = Problem::new(features, labels).expect("sound");
    let options = Options::default();
    for after in [0, 1, 4, 9] {
        let (asked, told) = (Cell::new(0), Cell::new(0));
        let stop = || {
            asked.set(asked.get() + 1);
            asked.get() > after
        };
        let progress = |_: &Progress| told.set(told.get() + 1);
        let hooks = Hooks {
            should_stop: &stop,
            progress: Some(&progress),
        };
        let fits = path_l1(&problem, &[1.0, 3.0], &options, &hooks).expect("stops");
        let last = fits.last().expect("the unfinished one");
        assert_eq!((last.ending, told.get() > 0), (Ending::Stopped, after > 0));
        let on = fit_l1(&problem, 3.0, &options, Some(&last.model), &Hooks::NONE);
        let whole = fit_l1(&problem, 3.0, &options, None, &Hooks::NONE).expect("fits");
        assert!((on.expect("fits").objective - whole.objective).abs() < 1e-6);
        asked.set(0);
        let fits = path_l2(&problem, &[1.0, 3.0], &options, &hooks).expect("stops");
        assert_eq!(fits.last().map(|f| f.ending), Some(Ending::Stopped));
    }
}

#[test]
fn too_few_passes_are_told() {
    let (tables, _) = fixture();
    let problem = Problem::new(&tables[1].0, &tables[1].1).expect("sound");
    let options = Options {
        limit: 1,
        ..Options::default()
    };
    for fit in [
        fit_l1(&problem, 1.0, &options, None, &Hooks::NONE),
        fit_l2(&problem, 1.0, &options, &Hooks::NONE),
    ] {
        let fit = fit.expect("a fit, if an unfinished one");
        assert_eq!(fit.ending, Ending::Limit);
        assert!(fit.violation > options.tolerance);
    }
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let table = Features::from_columns(4, vec![1.0, 2.0, 3.0, 4.0]).expect("sound");
    let labels = [true, false, true, false];
    let why = |it: Result<Problem>| it.expect_err("refused").to_string();
    assert!(why(Problem::new(&table, &labels[..3])).contains("3 labels for 4"));
    assert!(why(Problem::new(&table, &[true; 4])).contains("all samples are positive"));
    let problem = Problem::new(&table, &labels).expect("sound");
    assert!(why(problem.clone().weighted(&[1.0; 3])).contains("3 weights"));
    assert!(why(problem.clone().weighted(&[1.0, -1.0, 1.0, 1.0])).contains("sample 1"));
    assert!(problem.clone().weighted(&[f64::NAN; 4]).is_err());
    assert!(why(problem.clone().weighted(&[0.0, 1.0, 0.0, 1.0])).contains("weight 0"));
    let options = Options::default();
    for c in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(fit_l1(&problem, c, &options, None, &Hooks::NONE).is_err());
        assert!(fit_l2(&problem, c, &options, &Hooks::NONE).is_err());
    }
    let wrong = Logistic {
        weights: vec![0.0; 2],
        intercept: 0.0,
    };
    assert!(fit_l1(&problem, 1.0, &options, Some(&wrong), &Hooks::NONE).is_err());
    assert!(path_l1(&problem, &[1.0, 1.0], &options, &Hooks::NONE).is_err());
    assert!(wrong.scores(&table).is_err());
}

#[test]
fn separable_classes_and_features_that_are_alike_or_empty_still_converge() {
    // Twice the same feature that tells the classes apart, and one that is 0 everywhere.
    let x: Vec<f32> = (0..30).map(|i| i as f32 / 10.0 - 1.45).collect();
    let data = [x.clone(), x.clone(), vec![0.0; 30]].concat();
    let table = Features::from_columns(30, data).expect("sound");
    let labels: Vec<bool> = (0..30).map(|i| i >= 15).collect();
    let problem = Problem::new(&table, &labels).expect("sound");
    for c in [0.1, 10.0, 1e4] {
        let fit = fit_l1(&problem, c, &Options::default(), None, &Hooks::NONE).expect("fits");
        assert_eq!(fit.ending, Ending::Converged, "C {c}");
        assert_eq!(fit.model.weights[2], 0.0);
        let scores = fit.model.scores(&table).expect("its own table");
        assert!(scores.iter().zip(&labels).all(|(s, l)| (*s > 0.0) == *l));
        let fit = fit_l2(&problem, c, &Options::default(), &Hooks::NONE).expect("fits");
        assert_eq!(fit.ending, Ending::Converged, "C {c}");
        assert!((fit.model.weights[0] - fit.model.weights[1]).abs() < 1e-6);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_l1_fit_meets_the_optimality_conditions(
        (samples, cells) in (4_usize..24).prop_flat_map(|n| {
            (Just(n), (1_usize..30).prop_flat_map(move |d| prop::collection::vec(-4_i8..5, n * d)))
        }),
        seed in any::<u64>(),
        log_c in -3.0_f64..3.0,
        penalize_bias in any::<bool>(),
    ) {
        let data: Vec<f32> = cells.iter().map(|x| f32::from(*x) / 2.0).collect();
        let table = Features::from_columns(samples, data).expect("sound");
        let mut labels: Vec<bool> = (0..samples).map(|i| seed >> i & 1 == 1).collect();
        (labels[0], labels[1]) = (true, false);
        let problem = Problem::new(&table, &labels).expect("sound");
        let (c, options) = (log_c.exp(), Options { penalize_bias, ..Options::default() });
        let fit = fit_l1(&problem, c, &options, None, &Hooks::NONE).expect("fits");
        prop_assert_eq!(fit.ending, Ending::Converged);
        let scores = fit.model.scores(&table).expect("its own table");
        let residual: Vec<f64> = scores
            .iter()
            .zip(&labels)
            .map(|(f, l)| c * (1.0 / (1.0 + (-f).exp()) - f64::from(*l)))
            .collect();
        for (column, w) in table.columns().zip(&fit.model.weights) {
            let g: f64 = column.iter().zip(&residual).map(|(x, r)| f64::from(*x) * r).sum();
            let off = if *w == 0.0 { g.abs() - 1.0 } else { (g + w.signum()).abs() };
            prop_assert!(off < 1e-6, "w {} g {}", w, g);
        }
    }
}

#[test]
fn a_screened_fit_of_some_samples_is_the_fit_of_these_samples() {
    let (tables, problems) = fixture();
    let options = Options::default();
    let mut compared = 0;
    for found in problems
        .iter()
        .filter(|p| p.penalty == 1 && p.penalize_bias)
    {
        let (features, labels) = &tables[found.table];
        let problem = Problem::new(features, labels).expect("sound");
        let whole = fit_l1(&problem, found.c, &options, None, &Hooks::NONE).expect("sound");
        let some: Vec<usize> = (0..labels.len()).filter(|i| i % 3 != 1).collect();
        let their: Vec<bool> = some.iter().map(|&i| labels[i]).collect();
        let part = features.only_samples(&some).expect("some");
        let weights = vec![1.5; some.len()];
        let plain = Problem::new(&part, &their)
            .and_then(|p| p.weighted(&weights))
            .expect("both labels");
        let plain = fit_l1(&plain, found.c, &options, None, &Hooks::NONE).expect("sound");
        // A screen that lets nothing in but the whole fit's own features, one that lets some in, and all.
        for least in [f64::INFINITY, 0.8, 0.0] {
            let screen = Screen::around(features, labels, &whole, least).expect("sound");
            let fit = screen.fit(&some, 1.5, &options).expect("it converges");
            assert_eq!(fit.model.support(), plain.model.support(), "{}", found.name);
            let pairs = fit.model.weights.iter().zip(&plain.model.weights);
            let off = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(off < 1e-5, "{}: off by {off}", found.name);
            compared += 1;
        }
    }
    assert!(compared >= 6, "{compared}");
}
