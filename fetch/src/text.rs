//! A text file from its publisher: small, and without a hash to hold it to, since publishers correct theirs.

use std::io::Read as _;

use crate::{Error, Progress, Result, hub};

/// More than any list of questions has.
const MOST: u64 = 256 << 20;

/// The UTF-8 text at an address.
///
/// # Errors
/// One line with the address, the reason and the remedy.
pub fn text(url: &str, progress: &Progress) -> Result<String> {
    let failed = |why: String| Error::text(url, &why);
    let mut response = (hub::agent().get(url).call()).map_err(|e| failed(e.to_string()))?;
    let status = response.status();
    if status != 200 {
        return Err(failed(format!("HTTP {status}")));
    }
    let total = response.body().content_length().unwrap_or(0);
    let mut meter = progress.begin(&format!("downloading {url}"), total, 0);
    let mut body = response.body_mut().with_config().limit(MOST).reader();
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
    loop {
        match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
            Err(e) => return Err(failed(e.to_string())),
        }
        meter.at(bytes.len() as u64);
    }
    if (bytes.len() as u64) < total {
        return Err(failed(format!(
            "it ended after {} of {total} bytes",
            bytes.len()
        )));
    }
    String::from_utf8(bytes).map_err(|_| failed("it is not UTF-8 text".to_owned()))
}
