// <h-neurons>: an iframe of the page beside this file, as high as its content (docs/embedding.md).
(() => {
  if (customElements.get("h-neurons")) return; // loaded twice

  const script = /** @type {HTMLScriptElement | null} */ (
    document.currentScript ?? document.querySelector('script[src*="embed.js"]')
  );
  if (!script?.src)
    return console.error(
      "h-neurons: load embed.js by a <script src>; that says where the page is.",
    );
  // The file is in www/ too.
  const page = new URL(
    /\/www\/[^/]*$/.test(new URL(script.src).pathname) ? "../" : "./",
    script.src,
  );

  // For the page, which checks every value.
  const SETTINGS = [
    "prompt",
    "then",
    "more",
    "alpha",
    "set",
    "lever",
    "off",
    "seed",
    "temp",
    "max",
    "engine",
    "model",
    "lesson",
    "recorded",
  ];
  const LISTENED = [...SETTINGS, "run"];
  const HEIGHT = { least: 160, most: 8000, first: 640 }; // CSS pixels
  const EVENTS = ["ready", "run", "result", "error"];
  const clamp = (height) => Math.min(HEIGHT.most, Math.max(HEIGHT.least, Math.ceil(height)));

  class HNeurons extends HTMLElement {
    static observedAttributes = [...LISTENED, "hide", "height", "title"];
    #frame = null;
    #heard = false; // the page in the frame listens
    #wanted = ""; // "run" until it can be asked
    #height = HEIGHT.first; // what the page in the frame said
    #changed = new Set(); // attributes, told together
    #listen = (event) => this.#receive(event);

    connectedCallback() {
      addEventListener("message", this.#listen);
      // A frame that is moved begins anew.
      this.#heard = false;
      if (this.#frame) this.#frame.src = this.#address();
      else this.#build();
    }

    disconnectedCallback() {
      removeEventListener("message", this.#listen);
      this.#heard = false;
    }

    connectedMoveCallback() {} // moveBefore(): the frame goes on

    attributeChangedCallback(name, before, now) {
      if (!this.#frame || before === now) return;
      if (this.#changed.size === 0) queueMicrotask(() => this.#tellChanges());
      this.#changed.add(name);
    }

    /** Runs these settings. This fetches the model, where it is not stored: a button that calls it must say so. */
    run() {
      this.#wanted = "run";
      if (!this.#frame) return;
      this.#frame.loading = "eager";
      if (this.#heard) this.#ask();
    }

    /** Ends the run after the token in hand. */
    stop() {
      this.#wanted = "";
      if (this.#heard) this.#post({ type: "stop" });
    }

    #build() {
      // Keeps the host's styles from the frame, and these from the host.
      const root = this.attachShadow({ mode: "open" });
      try {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(":host { display: block } :host([hidden]) { display: none }");
        root.adoptedStyleSheets = [sheet];
      } catch {
        this.style.display = "block";
      }
      const frame = document.createElement("iframe");
      // allow-same-origin leaves the page its own origin, and so its stored model; nothing of the host's. What the sandbox
      // takes is the way to replace the host's page, and alerts over it.
      frame.setAttribute(
        "sandbox",
        "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox allow-downloads",
      );
      frame.allow = "clipboard-write";
      frame.loading = "lazy";
      Object.assign(frame.style, { display: "block", inlineSize: "100%", border: "0" });
      this.#frame = frame;
      this.#size();
      frame.title = this.#title();
      frame.src = this.#address();
      root.append(frame);
    }

    #title() {
      return (
        this.getAttribute("title") ||
        "H-Neuron Lab: a small language model, with and without its H-Neurons"
      );
    }

    #hash() {
      const query = new URLSearchParams();
      for (const name of SETTINGS)
        if (name !== "more" && this.hasAttribute(name)) query.set(name, this.getAttribute(name));
      // The turns after the second: in an address, `then` once more for each.
      if (query.has("then")) for (const turn of this.#more()) query.append("then", turn);
      if (this.hasAttribute("run")) query.set("run", "1");
      return `#${query.toString().replaceAll("+", "%20")}`;
    }

    #more() {
      try {
        const turns = JSON.parse(this.getAttribute("more") ?? "[]");
        return Array.isArray(turns) ? turns.filter((turn) => typeof turn === "string") : [];
      } catch {
        return [];
      }
    }

    #address() {
      const url = new URL(page);
      url.searchParams.set("embed", "1");
      // A host without an origin (a file, a sandbox) is told the height only.
      if (location.origin !== "null") url.searchParams.set("origin", location.origin);
      if (this.getAttribute("hide")) url.searchParams.set("hide", this.getAttribute("hide"));
      return url.href + this.#hash();
    }

    #size() {
      const fixed = Number.parseFloat(this.getAttribute("height"));
      this.#frame.style.blockSize = `${clamp(Number.isFinite(fixed) ? fixed : this.#height)}px`;
    }

    #tellChanges() {
      const changed = [...this.#changed];
      this.#changed.clear();
      if (changed.includes("height")) this.#size();
      if (changed.includes("title")) this.#frame.title = this.#title();
      const settings = changed.some((name) => LISTENED.includes(name));
      if (changed.includes("hide") || (settings && (!this.#heard || location.origin === "null"))) {
        this.#heard = false;
        this.#frame.src = this.#address();
      } else if (settings) {
        this.#post({ type: "set", hash: this.#hash() });
      }
    }

    #post(message) {
      this.#frame.contentWindow?.postMessage({ source: "hneurons-host", ...message }, page.origin);
    }

    #ask() {
      const type = this.#wanted;
      this.#wanted = "";
      if (type) this.#post({ type });
    }

    #receive({ source, origin, data }) {
      if (
        source !== this.#frame?.contentWindow ||
        origin !== page.origin ||
        data?.source !== "hneurons"
      )
        return;
      const { source: _, type, ...detail } = data;
      if (!this.#heard) {
        this.#heard = true;
        this.#ask();
      }
      if (type === "resize" && Number.isFinite(detail.height)) {
        this.#height = detail.height;
        this.#size();
      } else if (EVENTS.includes(type)) {
        this.dispatchEvent(
          new CustomEvent(`hneurons-${type}`, { detail, bubbles: true, composed: true }),
        );
      }
    }
  }

  customElements.define("h-neurons", HNeurons);
})();
