//! Many answers at once are the answers one at a time.

mod common;

use candle_core::quantized::GgmlDType;
use common::tiny::Tiny;
use hneurons::{
    engine::{Edits, Engine, Neuron, cpu::Cpu},
    model::ModelFile,
    research::bulk::{Answer, Job, run},
    session::Sampling,
};

const EOS: u32 = 2;

fn answers(engine: &mut dyn Engine, jobs: &[Job]) -> Vec<Vec<Answer>> {
    let mut out = vec![Vec::new(); jobs.len()];
    pollster::block_on(run(engine, &[EOS], jobs, &mut |job, answers| {
        assert!(out[job].is_empty(), "job {job} is done once");
        out[job] = answers;
        Ok(true)
    }))
    .expect("it runs");
    out
}

#[test]
fn an_answer_is_the_same_alone_and_in_a_batch() {
    let file = ModelFile::parse(Tiny::new(GgmlDType::Q4_1).write()).expect("a tiny model");
    let neurons: Vec<Neuron> = (0..9)
        .map(|i| Neuron {
            layer: i % 2,
            index: 7 * i,
        })
        .collect();
    let jobs: Vec<Job> = (0..40)
        .map(|j| {
            let draws = (0..j % 4).map(|d| Sampling {
                temperature: 0.9,
                top_k: Some(30),
                top_p: Some(0.95),
                seed: 100 * j + d,
            });
            Job {
                // A beginning that all share, and an end of their own.
                prompt: (0..6 + j % 11)
                    .map(|i| {
                        if i < 4 {
                            20 + i as u32
                        } else {
                            (5 + 13 * j + i) as u32 % 250 + 3
                        }
                    })
                    .collect(),
                edits: match j % 3 {
                    0 => Edits::none(),
                    _ => Edits::scale(&neurons, (j % 3) as f32 - 1.0, file.blueprint())
                        .expect("edits"),
                },
                samplings: [Sampling::greedy()].into_iter().chain(draws).collect(),
                max_tokens: 5 + j as usize % 20,
            }
        })
        .collect();
    let mut engine = Cpu::new(&file).expect("an engine");
    engine.set_threads(2);
    let together = answers(&mut engine, &jobs);
    engine.set_threads(1);
    for (job, expected) in jobs.iter().zip(&together) {
        assert_eq!(expected.len(), job.samplings.len());
        let alone = answers(&mut engine, std::slice::from_ref(job));
        assert_eq!(alone[0], *expected);
        for answer in expected {
            assert_eq!(answer.ids.len(), answer.logprobs.len());
            assert!(answer.finished || answer.ids.len() == job.max_tokens);
        }
    }
    // Every lane was closed: a new one takes the first place.
    let lane = engine.open(&Edits::none()).expect("a lane");
    assert_eq!(engine.position(lane), 0);
}

#[test]
fn it_can_be_stopped() {
    let file = ModelFile::parse(Tiny::new(GgmlDType::Q8_0).write()).expect("a tiny model");
    let mut engine = Cpu::new(&file).expect("an engine");
    let jobs: Vec<Job> = (0..300)
        .map(|j| Job {
            prompt: vec![3 + j % 200, 9],
            edits: Edits::none(),
            samplings: vec![Sampling::greedy()],
            max_tokens: 4,
        })
        .collect();
    let mut done = 0;
    pollster::block_on(run(&mut engine, &[EOS], &jobs, &mut |_, _| {
        done += 1;
        Ok(done < 10)
    }))
    .expect("it runs");
    assert_eq!(done, 10);
}
