// Plays a run that has ended: its words come one by one, and the strips with them. Everything stands on the page from the
// beginning and only becomes visible, so nothing moves.

const STEP = 70; // milliseconds a token
const LONGEST = 4000; // of the whole

export class Replay {
  #root;
  #timer = 0;
  #on;

  /**
   * @param {HTMLElement} root of the lanes
   * @param {(upTo: number) => void} on what has been played; Infinity at its end
   */
  constructor(root, on) {
    this.#root = root;
    this.#on = on;
  }

  get playing() {
    return this.#timer !== 0;
  }

  /** Plays `tokens` tokens. Where motion is not wanted, the end is there at once. */
  play(tokens) {
    this.end();
    if (tokens < 2 || matchMedia("(prefers-reduced-motion: reduce)").matches || document.hidden)
      return;
    const step = Math.min(STEP, LONGEST / tokens);
    const begun = performance.now();
    let shown = -1;
    this.#root.dataset.playing = "";
    const advance = () => {
      const upTo = Math.floor((performance.now() - begun) / step);
      if (upTo >= tokens) return this.end();
      if (upTo !== shown) this.#on((shown = upTo));
      this.#timer = requestAnimationFrame(advance);
    };
    this.#timer = requestAnimationFrame(advance);
    this.#on(0);
  }

  /** Ends what plays: all of it is there. */
  end() {
    if (!this.playing) return;
    cancelAnimationFrame(this.#timer);
    this.#timer = 0;
    delete this.#root.dataset.playing;
    this.#on(Infinity);
  }
}
