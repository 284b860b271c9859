//! Where a comment names a call, the number is what scipy 1.17.1, scikit-learn 1.9.1 or numpy 2.4.6 said.

use proptest::prelude::*;

use super::*;

pub(super) const S: [f64; 12] = [0.1, 0.4, 0.4, 0.35, 0.8, -0.2, 0.4, 1.5, 0.0, 0.9, 0.2, 0.6];
const P: [f64; 12] = [
    0.05, 0.1, 0.15, 0.3, 0.35, 0.4, 0.55, 0.6, 0.62, 0.7, 0.9, 0.95,
];
pub(super) const ALPHA: [f64; 10] = [0.0, 0.5, 1.0, 2.0, 3.0, 0.0, 0.5, 1.0, 2.0, 3.0];
pub(super) const GIVES_IN: [f64; 10] = [0.72, 0.78, 0.83, 0.83, 0.89, 0.7, 0.8, 0.8, 0.85, 0.95];

pub(super) fn s_labels() -> Vec<bool> {
    bits("001010110011")
}

fn p_labels() -> Vec<bool> {
    bits("001001101111")
}

pub(super) fn bits(text: &str) -> Vec<bool> {
    text.bytes().map(|b| b == b'1').collect()
}

pub(super) fn near(a: f64, b: f64, within: f64) {
    assert!((a - b).abs() <= within, "{a} is not {b}");
}

pub(super) fn why<T: std::fmt::Debug>(it: Result<T>) -> String {
    it.expect_err("refused").to_string()
}

#[test]
fn auroc_counts_ties_half() {
    // sklearn.metrics.roc_auc_score(labels, S); scipy.stats.mannwhitneyu(...).statistic / 36 is the same
    near(
        auroc(&S, &s_labels()).expect("two classes"),
        0.777_777_777_777_777_8,
        1e-15,
    );
    assert_eq!(auroc(&[1.0; 4], &bits("0110")), Ok(0.5));
    assert_eq!(auroc(&[0.0, -0.0], &bits("01")), Ok(0.5));
    assert_eq!(auroc(&[1.0, 2.0, 3.0, 4.0], &bits("0011")), Ok(1.0));
    assert_eq!(auroc(&[1.0, 2.0, 3.0, 4.0], &bits("1100")), Ok(0.0));
    assert_eq!(auroc(&[1.0, 2.0, 2.0, 3.0], &bits("0101")), Ok(0.875));
}

#[test]
fn what_has_no_auroc_is_refused() {
    assert!(why(auroc(&[1.0, 2.0], &bits("11"))).contains("all 2 items are positive"));
    assert!(why(auroc(&[1.0], &bits("0"))).contains("all 1 items are negative"));
    assert!(why(auroc(&[], &[])).contains("nothing in the scores"));
    assert!(why(auroc(&[1.0, f64::NAN], &bits("01"))).contains("number 1 of the scores is NaN"));
    assert!(why(auroc(&[1.0, f64::INFINITY], &bits("01"))).contains("inf"));
    assert!(why(auroc(&[1.0, 2.0], &bits("011"))).contains("2 scores and 3 labels"));
}

#[test]
fn accuracy_and_its_best_threshold() {
    let labels = bits("00101111");
    let scores = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
    assert_eq!(accuracy(&scores, &labels, 2.0), Ok(0.875));
    assert_eq!(accuracy(&scores, &labels, 100.0), Ok(0.375));
    assert_eq!(accuracy(&[1.0], &[true], 1.0), Ok(1.0));
    // As good as 3.5, and lower.
    assert_eq!(best_threshold(&scores, &labels), Ok(1.5));
    // As good, but a wider gap.
    let wide = [0.0, 1.0, 2.0, 3.0, 9.0, 10.0, 11.0, 12.0];
    assert_eq!(best_threshold(&wide, &labels), Ok(6.0));
    // No threshold among tied scores does anything for one of them.
    assert_eq!(best_threshold(&[1.0, 1.0, 1.0], &bits("110")), Ok(1.0));
    let none = best_threshold(&[1.0, 1.0, 1.0], &bits("010")).expect("two classes");
    assert_eq!(accuracy(&[1.0; 3], &bits("010"), none), Ok(2.0 / 3.0));
    assert!(why(best_threshold(&[1.0, 2.0], &bits("00"))).contains("negative"));
    assert!(accuracy(&[f64::NAN], &[true], 0.0).is_err());
    assert!(accuracy(&[1.0], &[true], f64::NAN).is_err());
}

#[test]
fn quantiles_are_numpy_s() {
    // numpy.quantile(S, p)
    for (p, q) in [
        (0.0, -0.2),
        (0.025, -0.145),
        (0.25, 0.175),
        (0.5, 0.4),
        (0.9, 0.89),
        (1.0, 1.5),
    ] {
        near(quantile(&S, p).expect("some"), q, 1e-12);
    }
    assert_eq!(quantile(&[3.0], 0.7), Ok(3.0));
    assert!(quantile(&[], 0.5).is_err());
    assert!(quantile(&[f64::NAN], 0.5).is_err());
    assert!(quantile(&[1.0], 1.1).is_err() && quantile(&[1.0], f64::NAN).is_err());
}

#[test]
fn wilson_s_interval_is_scipy_s() {
    // scipy.stats.binomtest(hits, of).proportion_ci(level, method="wilson")
    for (hits, of, level, low, high) in [
        (
            17,
            40,
            0.95,
            0.285_093_925_599_503_75,
            0.578_049_314_580_089_2,
        ),
        (0, 10, 0.95, 0.0, 0.277_532_799_862_889_26),
        (10, 10, 0.95, 0.722_467_200_137_110_7, 1.0),
        (
            3,
            200,
            0.99,
            0.003_797_397_274_919_567,
            0.057_348_598_918_633_21,
        ),
        (1, 1, 0.9, 0.269_865_948_784_054_1, 1.0),
    ] {
        let it = wilson(hits, of, level).expect("a share");
        near(it.value, hits as f64 / of as f64, 0.0);
        near(it.low, low, 1e-12);
        near(it.high, high, 1e-12);
    }
    assert!(wilson(1, 0, 0.95).is_err() && wilson(3, 2, 0.95).is_err());
    assert!(wilson(1, 2, 1.0).is_err() && wilson(1, 2, f64::NAN).is_err());
    // scipy.stats.norm.ppf([.975, .995, .6, .9999])
    for (p, z) in [
        (0.975, 1.959_963_984_540_054),
        (0.995, 2.575_829_303_548_901),
        (0.6, 0.253_347_103_135_799_7),
        (0.9999, 3.719_016_485_455_709),
    ] {
        near(normal_quantile(p), z, 1e-12);
        near(normal_quantile(1.0 - p), -z, 1e-11);
    }
}

#[test]
fn empirical_p_counts_the_observed_one_and_ties() {
    let null = [1.0, 2.0, 3.0, 3.0, 4.0, -1.0, 0.0, 2.5, 0.5];
    assert_eq!(empirical_p(3.0, &null, Tail::Greater), Ok(0.4));
    assert_eq!(empirical_p(3.0, &null, Tail::Less), Ok(0.9));
    assert_eq!(empirical_p(3.0, &null, Tail::Both), Ok(0.8));
    assert_eq!(empirical_p(9.0, &null, Tail::Greater), Ok(0.1));
    assert_eq!(empirical_p(-9.0, &null, Tail::Both), Ok(0.2));
    assert_eq!(empirical_p(1.0, &[1.0], Tail::Both), Ok(1.0));
    assert!(empirical_p(f64::NAN, &null, Tail::Less).is_err());
    assert!(empirical_p(1.0, &[f64::NAN], Tail::Less).is_err());
    assert!(empirical_p(1.0, &[], Tail::Less).is_err());
}

#[test]
fn slope_is_that_of_least_squares() {
    // scipy.stats.linregress(ALPHA, GIVES_IN).slope
    near(
        slope(&ALPHA, &GIVES_IN).expect("varies"),
        0.060_775_862_068_965_51,
        1e-15,
    );
    assert!(why(slope(&[1.0; 3], &[1.0, 2.0, 3.0])).contains("one value only"));
    assert!(slope(&[1.0], &[1.0]).is_err());
    assert!(slope(&[1.0, 2.0], &[1.0]).is_err());
    assert!(slope(&[1.0, f64::NAN], &[1.0, 2.0]).is_err());
}

#[test]
fn platt_s_calibration_is_scikit_learn_s() {
    // scipy.optimize.minimize of Platt's likelihood, gtol 1e-12; sklearn.calibration._sigmoid_calibration agrees to 1e-6
    let it = Platt::fit(&S, &s_labels()).expect("two classes");
    near(it.slope, 1.798_365_8, 1e-6);
    near(it.intercept, -0.790_384_66, 1e-6);
    near(
        it.probability(0.0),
        1.0 / (1.0 + 0.790_384_66_f64.exp()),
        1e-6,
    );
    // The unit and the zero of the scores do not matter.
    let moved: Vec<f64> = S.iter().map(|s| 1e5 * s - 3e7).collect();
    let moved = Platt::fit(&moved, &s_labels()).expect("two classes");
    near(
        moved.probability(1e5 * 0.4 - 3e7),
        it.probability(0.4),
        1e-6,
    );
    // Classes that are apart keep a finite slope.
    let apart = Platt::fit(&[1.0, 2.0, 3.0, 4.0], &bits("0011")).expect("two classes");
    assert!(apart.slope > 0.0 && apart.slope.is_finite());
    // Scores that are all the same say the smoothed share and no more.
    let same = Platt::fit(&[0.3; 5], &bits("01111")).expect("two classes");
    near(same.slope, 0.0, 1e-9);
    near(
        same.probability(0.3),
        (4.0 * 5.0 / 6.0 + 1.0 / 3.0) / 5.0,
        1e-9,
    );
    assert!(why(Platt::fit(&[1.0, 2.0], &bits("11"))).contains("positive"));
    assert!(Platt::fit(&[1.0, f64::NAN], &bits("01")).is_err());
}

#[test]
fn brier_and_the_calibration_error() {
    // sklearn.metrics.brier_score_loss(labels, P)
    near(
        brier(&P, &p_labels()).expect("some"),
        0.176_408_333_333_333_33,
        1e-12,
    );
    // sklearn.calibration.calibration_curve(labels, P, n_bins=4, strategy="quantile"), and the mean of the differences
    let four = bins(&P, &p_labels(), 4).expect("some");
    let expected = [
        (0.1, 1.0 / 3.0),
        (0.35, 1.0 / 3.0),
        (0.59, 2.0 / 3.0),
        (0.85, 1.0),
    ];
    assert_eq!(four.len(), 4);
    for (bin, (probability, positive)) in four.iter().zip(expected) {
        assert_eq!(bin.items, 3);
        near(bin.probability, probability, 1e-12);
        near(bin.positive, positive, 1e-12);
    }
    near(
        calibration_error(&P, &p_labels(), 4).expect("some"),
        0.119_166_666_666_666_66,
        1e-12,
    );
    // One bin: the difference of the means. More bins than items: each by itself.
    near(
        calibration_error(&P, &p_labels(), 1).expect("some"),
        (7.0 - 5.67) / 12.0,
        1e-12,
    );
    assert_eq!(bins(&P, &p_labels(), 50).map(|b| b.len()), Ok(12));
    assert_eq!(calibration_error(&[0.5; 4], &bits("0101"), 2), Ok(0.0));
    assert_eq!(brier(&[1.0], &[true]), Ok(0.0));
    assert_eq!(calibration_error(&[0.25], &[true], 10), Ok(0.75));
    for wrong in [1.5, -0.1, f64::NAN] {
        assert!(brier(&[wrong], &[true]).is_err());
        assert!(calibration_error(&[wrong], &[true], 2).is_err());
    }
    assert!(bins(&P, &p_labels(), 0).is_err() && brier(&[], &[]).is_err());
}

proptest! {
    #[test]
    fn auroc_is_the_share_of_pairs(items in prop::collection::vec((-3_i8..4, any::<bool>()), 2..40)) {
        let scores: Vec<f64> = items.iter().map(|(s, _)| f64::from(*s)).collect();
        let labels: Vec<bool> = items.iter().map(|(_, l)| *l).collect();
        let (mut won, mut pairs) = (0.0, 0.0);
        for (a, _) in items.iter().filter(|(_, l)| *l) {
            for (b, _) in items.iter().filter(|(_, l)| !*l) {
                pairs += 1.0;
                won += if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 };
            }
        }
        match auroc(&scores, &labels) {
            Ok(area) => prop_assert!((area - won / pairs).abs() < 1e-12),
            Err(_) => prop_assert_eq!(pairs, 0.0),
        }
    }

    #[test]
    fn no_threshold_is_better_than_the_best(items in prop::collection::vec((-9_i8..10, any::<bool>()), 2..30)) {
        let scores: Vec<f64> = items.iter().map(|(s, _)| f64::from(*s)).collect();
        let labels: Vec<bool> = items.iter().map(|(_, l)| *l).collect();
        if let Ok(best) = best_threshold(&scores, &labels) {
            let at_best = accuracy(&scores, &labels, best).expect("sound");
            for t in -20..21 {
                prop_assert!(accuracy(&scores, &labels, f64::from(t) / 2.0).expect("sound") <= at_best);
            }
        }
    }

    #[test]
    fn calibration_does_not_depend_on_the_order(
        items in prop::collection::vec((0_u8..6, any::<bool>()), 1..30),
        turn in 0_usize..30,
        count in 1_usize..8,
    ) {
        let of = |items: &[(u8, bool)]| {
            let p: Vec<f64> = items.iter().map(|(p, _)| f64::from(*p) / 5.0).collect();
            let labels: Vec<bool> = items.iter().map(|(_, l)| *l).collect();
            bins(&p, &labels, count).expect("sound")
        };
        let mut turned = items.clone();
        turned.rotate_left(turn % items.len());
        let (a, b) = (of(&items), of(&turned));
        prop_assert_eq!(a.iter().map(|b| b.items).sum::<usize>(), items.len());
        prop_assert_eq!(a, b);
    }
}
