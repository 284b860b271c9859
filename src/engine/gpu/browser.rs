//! What only a browser does: it says no by throwing, and it may never answer at all.
//!
//! wgpu takes neither: an exception that is thrown at once passes through this module's frames and leaves everything that
//! was borrowed so for ever, and a promise that never settles is waited for without end.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use futures_channel::oneshot;
use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;

use super::device::gpu_error;
use crate::error::Result;

/// How long a browser may look for an adapter, or open it.
const OPENING: Duration = Duration::from_secs(30);

/// A timer of the page's or the worker's, taken back when dropped.
struct Timer {
    id: JsValue,
    _ring: Closure<dyn FnMut()>,
}

impl Timer {
    /// Calls `act` after `time`; `None` where the global scope has no timers.
    fn start(time: Duration, act: impl FnOnce() + 'static) -> Option<Self> {
        let ring = Closure::once(act);
        let set: Function = global("setTimeout")?;
        let ms = JsValue::from_f64(time.as_secs_f64() * 1000.0);
        let id = set.call2(&js_sys::global(), ring.as_ref(), &ms).ok()?;
        Some(Self { id, _ring: ring })
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(clear) = global("clearTimeout") {
            // What has rung already cannot be taken back, and need not be.
            let _ = clear.call1(&js_sys::global(), &self.id);
        }
    }
}

fn global(name: &str) -> Option<Function> {
    Reflect::get(&js_sys::global(), &name.into())
        .ok()?
        .dyn_into()
        .ok()
}

/// What `future` gives, or `None` if that takes longer than `time`.
pub(super) async fn within<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
    let (send, mut over) = oneshot::channel();
    let _timer = Timer::start(time, move || {
        // Whoever waited has what it waited for.
        let _ = send.send(());
    });
    let mut future = pin!(future);
    poll_fn(|context| {
        if let Poll::Ready(value) = future.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        match Pin::new(&mut over).poll(context) {
            Poll::Ready(Ok(())) => Poll::Ready(None),
            // Without timers there is no bound.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Asks once for an adapter and a device, with every way to fail taken for a no.
///
/// # Errors
/// [`crate::ErrorKind::Gpu`].
pub(super) async fn probe() -> Result<()> {
    let none = || gpu_error("no adapter with WebGPU was found");
    let get = |of: &JsValue, key: &str| Reflect::get(of, &key.into()).unwrap_or(JsValue::UNDEFINED);
    let gpu = get(&get(&js_sys::global(), "navigator"), "gpu");
    if gpu.is_undefined() || gpu.is_null() {
        return Err(none());
    }
    let options = js_sys::Object::new();
    // Setting a property of a fresh object cannot fail.
    let _ = Reflect::set(
        &options,
        &"powerPreference".into(),
        &"high-performance".into(),
    );
    let adapter = asked(&gpu, "requestAdapter", &options).await?;
    if adapter.is_null() || adapter.is_undefined() {
        return Err(none());
    }
    let device = asked(&adapter, "requestDevice", &js_sys::Object::new()).await?;
    if let Ok(destroy) = get(&device, "destroy").dyn_into::<Function>() {
        // It served its purpose, whatever becomes of it.
        let _ = destroy.call0(&device);
    }
    Ok(())
}

/// Calls a method that gives a promise, and waits for it.
async fn asked(of: &JsValue, method: &str, options: &JsValue) -> Result<JsValue> {
    let failed =
        |why: &JsValue| gpu_error(format!("the browser’s {method} failed ({})", words(why)));
    let call: Function = Reflect::get(of, &method.into())
        .and_then(JsCast::dyn_into)
        .map_err(|_| gpu_error(format!("the browser has no {method}")))?;
    let promise = call.call1(of, options).map_err(|why| failed(&why))?;
    match within(OPENING, JsFuture::from(Promise::resolve(&promise))).await {
        Some(answer) => answer.map_err(|why| failed(&why)),
        None => Err(gpu_error(format!(
            "the browser’s {method} did not answer within {} seconds",
            OPENING.as_secs()
        ))),
    }
}

/// What was thrown, in one line.
fn words(thrown: &JsValue) -> String {
    let message = Reflect::get(thrown, &"message".into()).ok();
    message
        .and_then(|m| m.as_string())
        .or_else(|| thrown.as_string())
        .and_then(|text| text.lines().next().map(str::to_owned))
        .filter(|line| !line.trim().is_empty())
        .unwrap_or_else(|| "it gave no reason".to_owned())
}

/// The adapter's name: wgpu takes the description, which most leave empty, and leaves out the rest.
pub(super) fn adapter_name(device: &wgpu::Device, name: String) -> String {
    if !name.trim().is_empty() {
        return name;
    }
    let get = |of: &JsValue, key: &str| Reflect::get(of, &key.into()).ok();
    let info = device
        .as_webgpu()
        .and_then(|device| get(device.as_ref(), "adapterInfo"))
        .unwrap_or(JsValue::UNDEFINED);
    let parts: Vec<String> = ["vendor", "architecture", "device"]
        .iter()
        .filter_map(|key| get(&info, key)?.as_string())
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(" ")
}
