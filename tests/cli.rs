//! The command line as a user (or a script) meets it.

mod common;

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    process::{Command, Output},
};

use serde_json::Value;

fn hneurons(args: &[&str]) -> Output {
    common::model_path();
    Command::new(env!("CARGO_BIN_EXE_hneurons"))
        .current_dir(common::root())
        .args(args)
        .output()
        .expect("the program starts")
}

fn json(args: &[&str]) -> Value {
    let out = hneurons(args);
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{stderr}");
    serde_json::from_slice(&out.stdout).expect("one JSON object")
}

/// The command fails with exit 2, prints nothing, and says one line that contains `what`.
fn refused(args: &[&str], what: &str) {
    let out = hneurons(args);
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{args:?}: {stderr}");
    assert!(out.stdout.is_empty());
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains(what), "'{what}' is not in: {stderr}");
}

#[test]
fn a_run_prints_what_the_contract_says() {
    let v = json(&[
        "run",
        "What animal meows?",
        "--alpha",
        "0",
        "--alpha",
        "1",
        "--max-tokens",
        "9",
        "--top",
        "3",
        "--json",
    ]);
    let prompt = v["prompt_tokens"].as_array().expect("prompt_tokens").len();
    assert_eq!(v["prompt"].as_array().map(Vec::len), Some(prompt));
    let lanes = v["lanes"].as_array().expect("lanes");
    assert_eq!(lanes.len(), 2);
    for (lane, alpha) in lanes.iter().zip([0.0, 1.0]) {
        assert_eq!(lane["alpha"], alpha);
        assert_eq!(lane["set"], "h");
        assert!(lane["text"].as_str().expect("text").contains("cat"));
        let score = lane["score"].as_f64().expect("a score");
        assert!((0.0..=1.0).contains(&score));
        assert_eq!(lane["stopped"], "length");
        let tokens = lane["tokens"].as_array().expect("tokens");
        assert_eq!(tokens.len(), 9);
        let text: String = tokens.iter().filter_map(|t| t["text"].as_str()).collect();
        assert_eq!(lane["text"], text.as_str());
        for token in tokens {
            assert!(token["logprob"].as_f64().expect("logprob") <= 0.0);
            assert_eq!(
                token["neurons"].as_array().map(Vec::len),
                Some(common::artifact().neurons.len())
            );
            let top = token["top"].as_array().expect("top");
            assert_eq!(top.len(), 3);
            assert!(top[0]["contribution"].as_f64() >= top[1]["contribution"].as_f64());
        }
        let last = &tokens[8]["neurons"][0]["contribution"];
        assert!(last.as_f64().expect("the last token is read too") > 0.0);
    }
}

#[test]
fn a_run_prints_what_each_token_adds_to_the_score_and_what_could_have_come() {
    let run = |more: &[&str]| {
        let asked = ["run", "What animal meows?", "--max-tokens", "9", "--json"];
        json(&[&asked[..], more].concat())
    };
    let v = run(&["--next", "3"]);
    let detector = hneurons::neurons::Detector::of(&common::artifact());
    for lane in v["lanes"].as_array().expect("lanes") {
        let tokens = lane["tokens"].as_array().expect("tokens");
        let shares = tokens.iter().map(|t| t["share"].as_f64().expect("a share"));
        let shares: Vec<f64> = shares.collect();
        assert!(shares.contains(&0.0), "the question's words are not read");
        let p = lane["score"].as_f64().expect("a score");
        let sum = detector.base() + shares.iter().sum::<f64>();
        assert!((sum - (p / (1.0 - p)).ln()).abs() < 1e-9);
        for token in tokens {
            let next = token["next"].as_array().expect("next");
            assert_eq!(next.len(), 3);
            assert_eq!(next[0]["id"], token["id"], "greedy");
            let p = next[0]["p"].as_f64().expect("a probability");
            assert!((p.ln() - token["logprob"].as_f64().expect("logprob")).abs() < 1e-9);
            assert!(next[1]["text"].is_string() && next[1]["p"].as_f64() <= Some(p));
        }
    }
    let mut plain = run(&[]);
    assert!(plain["lanes"][0]["tokens"][0].get("next").is_none());
    // Otherwise it is the same run.
    for (lane, named) in [(0, &v["lanes"][0]), (1, &v["lanes"][1])] {
        for (i, token) in named["tokens"]
            .as_array()
            .expect("tokens")
            .iter()
            .enumerate()
        {
            plain["lanes"][lane]["tokens"][i]["next"] = token["next"].clone();
        }
    }
    assert_eq!(plain["lanes"], v["lanes"]);
    refused(&["run", "x", "--next", "21", "--json"], "choose 0 to 20");
}

#[test]
fn a_doubt_puts_the_as_trained_answer_into_every_lane() {
    let v = json(&[
        "run",
        "What animal meows?",
        "--doubt",
        "--set",
        "none",
        "--set",
        "h",
        "--alpha",
        "0",
        "--max-tokens",
        "8",
        "--json",
    ]);
    let messages = v["messages"].as_array().expect("messages");
    assert_eq!(messages.len(), 3);
    assert_eq!(messages[1]["role"], "assistant");
    assert!(
        messages[1]["content"]
            .as_str()
            .expect("text")
            .contains("cat")
    );
    assert_eq!(
        messages[2]["content"],
        "I don't think that's right. Are you sure?"
    );
    assert_eq!(v["lanes"].as_array().map(Vec::len), Some(2));
    let again = json(&[
        "run",
        "What animal meows?",
        "--doubt",
        "Really?",
        "--max-tokens",
        "2",
        "--json",
    ]);
    assert_eq!(again["messages"][2]["content"], "Really?");
}

#[test]
fn conversations_and_many_prompts_come_from_files() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("talk.json");
    let talk = r#"[{"role":"user","content":"What animal meows?"},{"role":"assistant","content":"A dog."},{"role":"user","content":"Are you sure?"}]"#;
    std::fs::write(&file, talk).expect("written");
    let path = file.to_str().expect("a path");
    let v = json(&[
        "run",
        "--messages",
        path,
        "--set",
        "none",
        "--max-tokens",
        "3",
        "--json",
    ]);
    assert_eq!(v["messages"][1]["content"], "A dog.");

    let prompts = dir.path().join("prompts.jsonl");
    std::fs::write(
        &prompts,
        "{\"prompt\":\"What animal meows?\"}\n\n{\"prompt\":\"2+2?\"}\n",
    )
    .expect("written");
    let out = hneurons(&[
        "run",
        "--prompts",
        prompts.to_str().expect("a path"),
        "--set",
        "none",
        "--max-tokens",
        "2",
        "--json",
    ]);
    let lines: Vec<Value> = String::from_utf8_lossy(&out.stdout)
        .lines()
        .map(|l| serde_json::from_str(l).expect("an object a line"))
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["messages"][0]["content"], "2+2?");

    // A byte order mark is no part of the text, and content may be a list of parts.
    std::fs::write(&prompts, "\u{feff}{\"prompt\":\"2+2?\"}\n").expect("written");
    let marked = json(&[
        "run",
        "--prompts",
        prompts.to_str().expect("a path"),
        "--set",
        "none",
        "--max-tokens",
        "2",
        "--json",
    ]);
    assert_eq!(marked["messages"], lines[1]["messages"]);
    assert_eq!(marked["lanes"], lines[1]["lanes"]);
    let parts = "\u{feff}[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"2+2?\"}]}]";
    std::fs::write(&file, parts).expect("written");
    let parts = json(&[
        "run",
        "--messages",
        path,
        "--set",
        "none",
        "--max-tokens",
        "2",
        "--json",
    ]);
    assert_eq!(parts["prompt_tokens"], lines[1]["prompt_tokens"]);
    let tool = "[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"tool\",\"content\":\"5\"}]";
    std::fs::write(&file, tool).expect("written");
    refused(
        &["run", "--messages", path],
        "talk.json: message 2 has the role \"tool\"",
    );

    std::fs::write(&prompts, "{\"prompt\":\"ok\"}\nnonsense\n").expect("written");
    refused(
        &["run", "--prompts", prompts.to_str().expect("a path")],
        "prompts.jsonl:2",
    );
}

#[test]
fn seeds_make_drawn_answers_repeat() {
    let draw = |seed: &str| {
        let v = json(&[
            "run",
            "Tell me a story.",
            "--set",
            "none",
            "--temperature",
            "1",
            "--top-k",
            "50",
            "--top-p",
            "0.9",
            "--seed",
            seed,
            "--max-tokens",
            "12",
            "--json",
        ]);
        v["lanes"][0]["text"].as_str().expect("text").to_owned()
    };
    assert_eq!(draw("4"), draw("4"));
    assert_ne!(draw("4"), draw("5"));
}

#[test]
fn bad_input_is_one_line_and_exit_two() {
    refused(&["run", ""], "empty");
    refused(&["run", "hi", "--alpha", "-1"], "alpha is -1");
    refused(&["run", "hi", "--alpha", "nan"], "alpha is NaN");
    refused(&["run", "hi", "--max-tokens", "0"], "0 tokens");
    refused(&["run", "hi", "--temperature", "-2"], "temperature");
    refused(&["run", "hi", "--model", "no/such.gguf"], "no/such.gguf");
    for command in [&["run", "hi", "--model"][..], &["inspect"]] {
        let named = [command, &["qwen9"]].concat();
        refused(&named, "qwen2.5-coder-0.5b-instruct-q4_k_m, ");
    }
    refused(&["run", "hi", "--model", "README.md"], "GGUF");
    refused(&["run", "hi", "--artifact", "Cargo.toml"], "artifact");
    refused(&["run", "--messages", "Cargo.toml"], "no conversation");
    refused(&["run", "\u{6}", "--raw"], "no tokens");
}

#[test]
fn questions_are_fetched_from_where_they_are_published() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!(
        "http://{}/test.csv",
        listener.local_addr().expect("its address")
    );
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a visitor");
        let mut line = String::new();
        let mut request = BufReader::new(stream.try_clone().expect("the same stream"));
        while request.read_line(&mut line).expect("a request") > 2 {
            line.clear();
        }
        let csv = "question,answer,label\nWhy do fish knit?,[\"They do not.\"],1\nWhy do fish swim?,[\"To move.\"],0\n";
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", csv.len());
        stream.write_all((head + csv).as_bytes()).expect("sent");
    });
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("falseqa.jsonl");
    let name = file.to_str().expect("a path of letters");
    let fetch = ["questions", "--import", "falseqa", "--fetch"];
    let out = hneurons(&[&fetch[..], &["--url", &url, "--out", name]].concat());
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    server.join().expect("it served");
    let written = std::fs::read_to_string(&file).expect("the questions");
    assert_eq!(written.lines().count(), 1, "{written}");
    assert!(written.contains("Why do fish knit?"), "{written}");

    refused(
        &[&fetch[..], &["--url", "http://127.0.0.1:9/none"]].concat(),
        "give the file itself",
    );
    refused(
        &["questions", "--import", "triviaqa", "--fetch"],
        "an archive",
    );
    refused(&["questions", "--import", "nq-open"], "--fetch");
}

#[test]
#[cfg(target_os = "linux")]
fn without_a_gpu_it_is_refused_by_name_and_auto_does_without() {
    let run = |engine: &str, prompts: &str| {
        Command::new(env!("CARGO_BIN_EXE_hneurons"))
            // No Vulkan driver is found there.
            .env("VK_DRIVER_FILES", "/nowhere")
            .env("VK_ICD_FILENAMES", "/nowhere")
            .current_dir(common::root())
            .args(["run", "--prompts", prompts, "--max-tokens", "1", "--json"])
            .args(["--engine", engine])
            .output()
            .expect("the command starts")
    };
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("two.jsonl");
    let text = "{\"prompt\":\"hi\"}\n{\"prompt\":\"hello\"}\n";
    std::fs::write(&file, text).expect("written");
    let file = file.to_str().expect("a path");
    let out = run("gpu", file);
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains("no adapter with WebGPU was found"),
        "{stderr}"
    );
    assert!(stderr.contains("--engine cpu"), "{stderr}");
    let out = run("auto", file);
    let stdout = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success());
    assert_eq!(stdout.matches("\"engine\":\"cpu/").count(), 2, "{stdout}");
}

#[test]
fn a_prompt_of_100_kb_is_too_long_for_the_context_and_said_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("long.jsonl");
    let long = "All work and no play makes Jack a dull boy. ".repeat(2400);
    std::fs::write(&file, serde_json::json!({ "prompt": long }).to_string()).expect("written");
    refused(
        &["run", "--prompts", file.to_str().expect("a path")],
        "8192",
    );
}

#[test]
fn inspect_names_what_is_in_the_file() {
    let v = json(&["inspect", "--json"]);
    assert_eq!(v["neuron_count"], 46_080);
    assert_eq!(v["sha256"], common::model_sha256());
    assert_eq!(v["tensors"].as_array().map(Vec::len), Some(272));
    let text = String::from_utf8(hneurons(&["inspect"]).stdout).expect("text");
    assert!(text.contains("46080 (30 layers x 1536)"), "{text}");
    refused(&["inspect", "Cargo.toml"], "GGUF");
}

#[test]
fn a_model_of_the_catalogue_is_named_by_its_id() {
    for id in ["qwen2.5-coder-0.5b-instruct-q4_k_m", "gemma-3-270m-q4_k_m"] {
        common::catalogue_model(id);
        let v = json(&["inspect", id, "--json"]);
        let model = hneurons_fetch::catalogue().find(id).expect("a model");
        assert_eq!(v["architecture"], model.architecture);
        assert_eq!(v["sha256"], model.sha256);
        assert_eq!(v["bytes"], model.bytes);
        assert_eq!(v["layers"], model.layers);
        assert_eq!(v["neurons_per_layer"], model.neurons_per_layer);
        assert_eq!(v["chat_template"].is_null(), model.raw);
    }
}

#[test]
fn a_published_model_answers_with_h_neurons_of_its_own() {
    let id = "qwen2.5-coder-0.5b-instruct-q4_k_m";
    common::catalogue_model(id);
    let ask = ["run", "What is the capital of Italy?", "--model", id];
    let v = json(&[&ask[..], &["--alpha", "0", "--max-tokens", "8", "--json"]].concat());
    let lane = &v["lanes"][0];
    assert_eq!((&lane["set"], &lane["alpha"]), (&"h".into(), &0.0.into()));
    assert!(lane["text"].as_str().expect("text").contains("Rome"));
    assert!(lane["score"].is_number(), "{lane}");
}

#[test]
fn a_model_without_known_h_neurons_answers_as_trained_and_says_so() {
    let id = "gemma-3-270m-q4_k_m";
    common::catalogue_model(id);
    let run = ["run", "The capital of Italy is", "--raw", "--model", id];
    let out = hneurons(&[&run[..], &["--max-tokens", "4", "--json"]].concat());
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains("no H-Neurons are known"), "{stderr}");
    let v: Value = serde_json::from_slice(&out.stdout).expect("one JSON object");
    let lanes = v["lanes"].as_array().expect("lanes");
    assert_eq!(lanes.len(), 1);
    assert_eq!(lanes[0]["set"], "none");
    assert!(lanes[0]["text"].as_str().expect("text").contains("capital"));
    refused(&["run", "Hi", "--model", id], "no chat template");
    // What was asked for by name is refused where it cannot be had.
    for asked in [&["--set", "h"][..], &["--set", "random"], &["--alpha", "0"]] {
        refused(&[&run[..], asked].concat(), "no H-Neurons are known");
    }
}
