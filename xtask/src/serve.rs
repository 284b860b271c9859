//! A static server on this machine only: `dist/` at `/`, and `models/` at `/models/`, as the published page would have it.
//!
//! It sends the page's Content-Security-Policy with every file: a `<meta>` binds the page, but not its worker, which fetches the
//! model. `index.html` is the only place that states the policy.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use tokio::net::TcpListener;
use tower_http::services::ServeDir;

use crate::{Result, paths};

const FIRST_PORT: u16 = 8000;

/// Serves until interrupted.
pub fn serve(port: Option<u16>, open: bool) -> Result<()> {
    let dist = paths::root().join("dist");
    let page = fs::read_to_string(dist.join("index.html"))
        .map_err(|e| format!("cannot read dist/index.html ({e}); run `cargo xtask build` first"))?;
    let policy = policy(&page)?;
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|e| format!("cannot start the server: {e}"))?
        .block_on(async {
            let listener = listen(port).await?;
            let address = listener
                .local_addr()
                .map_err(|e| format!("cannot start the server: {e}"))?;
            let url = format!("http://{address}/");
            // On stdout, and alone: scripts wait for this line.
            println!("{url}");
            eprintln!("Ctrl-C stops the server");
            if open {
                open_browser(&url);
            }
            let app = Router::new()
                .nest_service("/models", ServeDir::new(paths::models()))
                .fallback_service(ServeDir::new(dist))
                .layer(map_response(move |response| {
                    with_headers(response, policy.clone())
                }));
            axum::serve(listener, app)
                .await
                .map_err(|e| format!("the server stopped: {e}"))
        })
}

/// The policy that the page states in its `<meta http-equiv="Content-Security-Policy">`.
fn policy(page: &str) -> Result<HeaderValue> {
    let (_, rest) = page
        .split_once("http-equiv=\"Content-Security-Policy\" content=\"")
        .ok_or(
            "dist/index.html states no Content-Security-Policy; run `cargo xtask build` again",
        )?;
    let (policy, _) = rest
        .split_once('"')
        .ok_or("the Content-Security-Policy of dist/index.html does not end")?;
    HeaderValue::from_str(policy)
        .map_err(|e| format!("the Content-Security-Policy of dist/index.html is no header: {e}"))
}

/// Everything is asked for again (and answered with "not modified" by its ETag), so that a rebuilt page is noticed at once.
async fn with_headers(mut response: Response, policy: HeaderValue) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

async fn listen(port: Option<u16>) -> Result<TcpListener> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let taken = |e: &io::Error| e.kind() == io::ErrorKind::AddrInUse;
    if let Some(port) = port {
        return bind(port).await.map_err(|e| {
            if taken(&e) {
                format!("port {port} is taken; choose another with --port")
            } else {
                format!("cannot listen on port {port}: {e}; choose another with --port")
            }
        });
    }
    for port in FIRST_PORT..FIRST_PORT + 100 {
        match bind(port).await {
            Ok(listener) => {
                if port != FIRST_PORT {
                    eprintln!("port {FIRST_PORT} is taken; using {port}");
                }
                return Ok(listener);
            }
            Err(e) if taken(&e) => {}
            Err(e) => return Err(format!("cannot listen on port {port}: {e}")),
        }
    }
    Err(format!(
        "ports {FIRST_PORT} to {} are all taken; choose one with --port",
        FIRST_PORT + 99
    ))
}

/// Opens the address where there is a desktop to open it on. The address is printed anyway.
fn open_browser(url: &str) {
    let (program, first): (&str, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(windows) {
        ("cmd", &["/C", "start", ""])
    } else {
        ("xdg-open", &[])
    };
    let _ = Command::new(program)
        .args(first)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn every_answer_has_the_policy_that_the_page_states() {
        let page = fs::read_to_string(paths::root().join("index.html")).unwrap();
        let stated = policy(&page).unwrap();
        let text = stated.to_str().unwrap();
        assert!(text.starts_with("default-src 'none'; "), "{text}");
        assert!(text.contains("connect-src 'self' https://huggingface.co "));
        let answer = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(with_headers(Response::new(Body::empty()), stated.clone()));
        assert_eq!(answer.headers()[header::CONTENT_SECURITY_POLICY], stated);
        assert!(policy("<!doctype html>").is_err());
    }
}
