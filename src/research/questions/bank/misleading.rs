//! Passages that say something wrong, in the form of FaithEval's counterfactual part (Ming et al. 2025): whoever trusts the
//! passage gives its answer, whoever trusts what it learnt gives the real one.

use std::collections::HashMap;

use super::{
    Question, facts, says,
    twists::{TWISTS, wrong},
};

/// Easy questions, each with a passage that states a wrong answer.
pub fn misleading() -> Vec<Question> {
    let facts: HashMap<String, Question> = facts().into_iter().map(|q| (q.id.clone(), q)).collect();
    let mut out = Vec::new();
    for (at, wrong) in wrong().iter().enumerate() {
        let Some(twist) = TWISTS.iter().find(|t| t.template == wrong.template) else {
            continue;
        };
        let Some(fact) = facts.get(&format!("facts/{}/{}", wrong.template, wrong.slug)) else {
            continue;
        };
        // A passage that names the real answer by accident misleads nobody.
        let passages = twist
            .passages
            .iter()
            .cycle()
            .skip(at % 2)
            .take(twist.passages.len());
        let fitting = passages
            .filter_map(|p| wrong.fill(p))
            .find(|p| !fact.answers.iter().any(|t| says(p, t)));
        let Some(context) = fitting else {
            continue;
        };
        out.push(Question {
            id: format!("misleading/{}/{}", wrong.template, wrong.slug),
            source: "misleading".into(),
            template: wrong.template.into(),
            question: fact.question.clone(),
            answers: wrong.answers.iter().map(|&a| a.to_owned()).collect(),
            context: Some(context),
            truth: fact.answers.clone(),
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_answer_belongs_to_a_fact_and_misleads() {
        let made: Vec<String> = misleading().into_iter().map(|q| q.id).collect();
        for wrong in wrong() {
            let id = format!("misleading/{}/{}", wrong.template, wrong.slug);
            assert!(
                made.contains(&id),
                "{id} is not made: is it among the facts, and can it be twisted?"
            );
        }
    }
}
