//! candle in the browser.
