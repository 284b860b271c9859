// A button that copies a field's text. Where the browser refuses (an embed without the permission, an insecure page), the
// text is selected, so that the visitor's own Copy takes it.

import { h, say } from "./dom.js";

export function copyButton(field, words) {
  let back = 0;
  const button = h(
    "button",
    {
      type: "button",
      class: "quiet",
      async onclick() {
        clearTimeout(back);
        try {
          await navigator.clipboard.writeText(field.value);
          button.textContent = "Copied";
          say("Copied.");
        } catch {
          field.focus();
          field.select();
          button.textContent = "Selected: copy it now";
          say("The browser does not let this page copy. The text is selected; copy it now.");
        }
        back = setTimeout(() => (button.textContent = words), 2500);
      },
    },
    words,
  );
  return button;
}
