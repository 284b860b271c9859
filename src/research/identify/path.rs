//! The values of C that are tried: those asked for, or those along the path on which the set grows.

use crate::{
    error::{Error, Result},
    research::logistic::{Ending, Fit, Hooks, Logistic, Problem, fit_l1, path_l1, smallest_c},
};

use super::few::options;

/// Values of C in each decade of the search.
const A_DECADE: i32 = 12;
/// Steps of the search, three decades and more: a path that has no set within the cap by then has none.
const STEPS: i32 = 40;
/// Sets beyond the cap after which the search ends; positive weights can become fewer again for one step.
const BEYOND: usize = 2;
/// Halvings of the step from no neuron to more than the cap.
const HALVINGS: usize = 20;

/// How many neurons a fit gives a positive weight.
pub(super) fn size(fit: &Fit) -> usize {
    fit.model.positive().len()
}

/// Whether a fit's set may be published.
pub(super) fn admissible(fit: &Fit, cap: usize) -> bool {
    (1..=cap).contains(&size(fit))
}

/// The step of a geometric series that is the same for every table: three digits, so that every machine has the same.
fn lattice(step: i32) -> f64 {
    let c = 10f64.powf(f64::from(step) / f64::from(A_DECADE));
    // A float's shortest form with three digits is a number again.
    format!("{c:.2e}").parse().unwrap_or(c)
}

/// The fits at the C asked for; where there are none, or none of these gives from 1 to `cap` neurons, those along the
/// path from the C that gives the first. By C, ascending; those that did not converge are left out.
///
/// # Errors
/// As the solver; [`crate::ErrorKind::Input`] if no C gives such a set.
pub(super) fn fits(
    problem: &Problem<'_>,
    asked: &[f64],
    cap: usize,
    say: &dyn Fn(&str),
) -> Result<Vec<Fit>> {
    let mut fits = match asked {
        [] => Vec::new(),
        _ => path_l1(problem, asked, &options(), &Hooks::NONE)?,
    };
    for fit in fits.iter().filter(|f| f.ending != Ending::Converged) {
        say(&format!("C = {}: did not converge, left out", fit.c));
    }
    fits.retain(|f| f.ending == Ending::Converged);
    if !fits.iter().any(|f| admissible(f, cap)) {
        if !asked.is_empty() {
            let sizes: Vec<usize> = fits.iter().map(size).collect();
            say(&format!(
                "no C that was given leaves between 1 and {cap} H-Neurons (they leave {sizes:?}): C is searched for along the path"
            ));
        }
        let searched = search(problem, cap, say)?;
        fits.retain(|f| searched.iter().all(|s| s.c != f.c));
        fits.extend(searched);
        fits.sort_by(|a, b| a.c.total_cmp(&b.c));
    }
    if !fits.iter().any(|f| admissible(f, cap)) {
        let sizes: Vec<(f64, usize)> = fits.iter().map(|f| (f.c, size(f))).collect();
        return Err(Error::input(format!(
            "no C gives between 1 and {cap} H-Neurons (C and how many: {sizes:?}): give more questions, on whose answers \
             neurons can be told apart"
        )));
    }
    Ok(fits)
}

/// Fits along the path from where the first weight appears to where the set is beyond the cap.
fn search(problem: &Problem<'_>, cap: usize, say: &dyn Fn(&str)) -> Result<Vec<Fit>> {
    let least = smallest_c(problem, options().penalize_bias);
    if !least.is_finite() {
        return Ok(Vec::new());
    }
    // The first step above, which is 0 only for a C of 1.
    let first = (least.log10() * f64::from(A_DECADE)).floor() as i32;
    let mut fits: Vec<Fit> = Vec::new();
    let at = |c: f64, from: Option<&Logistic>| fit_l1(problem, c, &options(), from, &Hooks::NONE);
    for step in first..first + STEPS {
        let c = lattice(step);
        if c <= least {
            continue;
        }
        let fit = at(c, fits.last().map(|f| &f.model))?;
        if fit.ending != Ending::Converged {
            say(&format!("C = {c}: did not converge, the search ends here"));
            break;
        }
        say(&format!(
            "C = {c}: {} neurons of positive weight",
            size(&fit)
        ));
        fits.push(fit);
        if fits.iter().filter(|f| size(f) > cap).count() == BEYOND {
            break;
        }
    }
    // Two steps may jump over the cap: between them there is a C, unless several weights appear at once.
    for _ in 0..HALVINGS {
        if fits.iter().any(|f| admissible(f, cap)) {
            break;
        }
        let Some(above) = fits.iter().position(|f| size(f) > cap) else {
            break;
        };
        let below = above.checked_sub(1).map(|i| &fits[i]);
        let c = (below.map_or(least, |f| f.c) * fits[above].c).sqrt();
        let fit = at(c, below.map(|f| &f.model))?;
        fits.insert(above, fit);
    }
    fits.retain(|f| f.ending == Ending::Converged);
    Ok(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::research::{Features, split::stable_hash};

    /// Sixty samples of thirty features; ten of them say the label, less and less clearly.
    fn table() -> (Features, Vec<bool>) {
        let labels: Vec<bool> = (0..60).map(|i| i % 2 == 1).collect();
        let noise = |i: usize, j: usize| {
            stable_hash("noise", &format!("{i} {j}"), 1) as f64 / u64::MAX as f64 - 0.5
        };
        let mut data = Vec::new();
        for j in 0..30 {
            let clear = 10_usize.saturating_sub(j) as f64 * 0.03;
            for (i, label) in labels.iter().enumerate() {
                let of_label = if *label { clear } else { -clear };
                data.push((of_label + noise(i, j)) as f32);
            }
        }
        (Features::from_columns(60, data).expect("a table"), labels)
    }

    #[test]
    fn a_search_finds_every_size_that_the_cap_allows_and_ends_beyond_it() {
        let (features, labels) = table();
        let problem = Problem::new(&features, &labels).expect("both labels");
        for cap in [1, 3, 8] {
            let found = fits(&problem, &[], cap, &|_| ()).expect("some C");
            assert!(found.iter().any(|f| admissible(f, cap)), "cap {cap}");
            assert!(found.windows(2).all(|f| f[0].c < f[1].c));
            assert!(found.len() < STEPS as usize, "it ended beyond the cap");
            assert_eq!(found, fits(&problem, &[], cap, &|_| ()).expect("again"));
        }
    }

    #[test]
    fn a_list_that_leaves_nothing_is_gone_on_from_aloud() {
        let (features, labels) = table();
        let problem = Problem::new(&features, &labels).expect("both labels");
        let said = std::cell::RefCell::new(Vec::new());
        let say = |what: &str| said.borrow_mut().push(what.to_owned());
        let useless = [1e-7, 1e3];
        let found = fits(&problem, &useless, 4, &say).expect("some C in between");
        assert!(found.iter().any(|f| admissible(f, 4)));
        assert!(found.iter().any(|f| f.c == 1e-7), "what was tried is told");
        assert!(
            said.borrow()[0].contains("searched for along the path"),
            "{said:?}"
        );
        // A list that leaves a set is taken as it is.
        let own = found.iter().find(|f| admissible(f, 4)).expect("one").c;
        assert_eq!(fits(&problem, &[own], 4, &say).expect("it").len(), 1);
    }

    #[test]
    fn of_features_that_say_nothing_there_is_no_set() {
        let features = Features::from_columns(8, vec![1.0; 24]).expect("a table");
        let labels: Vec<bool> = (0..8).map(|i| i % 2 == 0).collect();
        let problem = Problem::new(&features, &labels).expect("both labels");
        let error = fits(&problem, &[0.1], 2, &|_| ()).expect_err("nothing can be told apart");
        assert!(error.to_string().contains("no C gives"), "{error}");
    }
}
