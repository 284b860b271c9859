//! A hub in miniature: one thread, one file, and the ways a server or a network goes wrong.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// How the server answers one request.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// As a good server does, ranges included.
    Good,
    /// As a good server does, but the connection closes after so many bytes of the body.
    CutAfter(usize),
    /// The whole file whatever range was asked for.
    WithoutRanges,
    /// This status and no file.
    Status(u16),
    /// A whole answer that is shorter than the file.
    Short(usize),
    /// The right number of wrong bytes.
    Wrong,
}

pub struct Server {
    pub base: String,
    requests: Arc<Mutex<Vec<Option<usize>>>>,
}

impl Server {
    /// Serves `file`; the n-th request gets the n-th answer, later ones the last.
    pub fn start(file: &'static [u8], answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answers) = (Arc::clone(&requests), answers.to_vec());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let from = read_range(&stream);
                let mut seen = seen.lock().unwrap();
                let answer = answers[seen.len().min(answers.len() - 1)];
                seen.push(from);
                drop(seen);
                // The client may hang up first; that is its business.
                let _ = send(&mut stream, file, from, answer);
            }
        });
        Self { base, requests }
    }

    /// Where each request so far asked to begin.
    pub fn requests(&self) -> Vec<Option<usize>> {
        self.requests.lock().unwrap().clone()
    }
}

fn read_range(stream: &TcpStream) -> Option<usize> {
    let mut from = None;
    for line in BufReader::new(stream).lines() {
        let line = line.unwrap().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.strip_prefix("range: bytes=") {
            from = Some(range.trim_end_matches('-').parse().unwrap());
        }
    }
    from
}

fn send(
    stream: &mut TcpStream,
    file: &[u8],
    from: Option<usize>,
    answer: Answer,
) -> std::io::Result<()> {
    let wrong = vec![b'x'; file.len()];
    let (body, from) = match answer {
        Answer::Status(code) => {
            return write!(
                stream,
                "HTTP/1.1 {code} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
        }
        Answer::Good | Answer::CutAfter(_) => (file, from),
        Answer::WithoutRanges => (file, None),
        Answer::Short(n) => (&file[..n], None),
        Answer::Wrong => (&wrong[..], from),
    };
    let rest = &body[from.unwrap_or(0)..];
    let head = match from {
        Some(from) => {
            let (last, total) = (body.len() - 1, body.len());
            format!("206 Partial Content\r\nContent-Range: bytes {from}-{last}/{total}")
        }
        None => "200 OK".to_owned(),
    };
    write!(
        stream,
        "HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        rest.len()
    )?;
    match answer {
        Answer::CutAfter(n) => stream.write_all(&rest[..n.min(rest.len())]),
        _ => stream.write_all(rest),
    }
}
