// What an address or a message may say that means harm, or means nothing.

export const HOSTILE = [
  "", " ", "0", "-1", "1e999", "-1e999", "NaN", "Infinity", "-Infinity", "0x10", "1,5", "٣", "null", "undefined", "true", "[]", "[object Object]",
  "__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "//evil.example", "../../x",
  "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'; alert(1); '", "${alert(1)}", "{{alert(1)}}", "\0", "\ud800", "\udfff\ud800", "\u202eabc", "a\r\nb", "%", "%2", "%ff",
  "é".repeat(10_000), "9".repeat(5_000), "1.1,".repeat(20_000), "a".repeat(300_000),
];

/** The keys of an address's hash, and two that are none. */
export const KEYS = ["prompt", "then", "alpha", "set", "off", "seed", "temp", "max", "engine", "model", "lesson", "recorded", "run", "__proto__", "constructor"];
