// How one moves about the layer map: mouse, fingers and keys, told apart here so that the view only draws.

const STILL = 5; // CSS pixels a pointer may wander and still be a click

export class MapMoves {
  #map;
  #on;
  #pointers = new Map(); // id -> {x, y}
  #dragged = 0; // how far since the pointer went down

  /**
   * @param {any} map
   * @param {object} on
   * @param {(layer: number, index: number, back: () => void) => void} on.card
   * @param {(layer: number, index: number) => void} on.toggle
   */
  constructor(map, on) {
    this.#map = map;
    this.#on = on;
    const { canvas, readout } = map;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event, true));
    canvas.addEventListener("pointercancel", (event) => this.#up(event, false));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.#key(event));
    // Spoken only while the map has the focus, as on the board.
    canvas.addEventListener("focus", () => readout.setAttribute("aria-live", "polite"));
    canvas.addEventListener("blur", () => readout.setAttribute("aria-live", "off"));
  }

  #point({ clientX, clientY }) {
    const box = this.#map.canvas.getBoundingClientRect();
    return { x: clientX - box.left, y: clientY - box.top };
  }

  #down(event) {
    if (event.button !== 0 || !this.#map.field) return;
    if (this.#pointers.size === 0) this.#dragged = 0;
    this.#pointers.set(event.pointerId, this.#point(event));
    this.#map.canvas.setPointerCapture(event.pointerId);
  }

  #move(event) {
    const now = this.#point(event);
    const before = this.#pointers.get(event.pointerId);
    if (!before) {
      const neuron = this.#map.find(now.x, now.y);
      if (neuron) this.#map.moveTo(neuron.layer, neuron.index);
      return;
    }
    this.#dragged += Math.hypot(now.x - before.x, now.y - before.y);
    if (this.#pointers.size === 1) {
      if (this.#dragged > STILL) this.#map.pan((before.x - now.x) * this.#map.scale);
    } else {
      const other = [...this.#pointers].find(([id]) => id !== event.pointerId)[1];
      const apart = (point) => Math.max(10, Math.hypot(point.x - other.x, point.y - other.y));
      this.#map.zoom(apart(now) / apart(before), this.#map.across((now.x + other.x) / 2));
    }
    this.#pointers.set(event.pointerId, now);
  }

  #up(event, ended) {
    const alone = this.#pointers.size === 1;
    if (!this.#pointers.delete(event.pointerId) || !ended || !alone || this.#dragged > STILL)
      return;
    const { x, y } = this.#point(event);
    const neuron = this.#map.find(x, y);
    if (!neuron) return;
    this.#map.moveTo(neuron.layer, neuron.index);
    this.#card(neuron);
  }

  // The wheel scrolls the page, unless the visitor is in the map or holds Ctrl (which a pinch on a touchpad also sends).
  #wheel(event) {
    if (
      !this.#map.field ||
      !(event.ctrlKey || event.metaKey || document.activeElement === this.#map.canvas)
    )
      return;
    event.preventDefault();
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY))
      return this.#map.pan(event.deltaX * this.#map.scale);
    this.#map.zoom(
      Math.exp(-event.deltaY / (event.ctrlKey ? 100 : 400)),
      this.#map.across(this.#point(event).x),
    );
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !this.#map.field) return;
    const { layer, index } = this.#map.cursor;
    const far = event.shiftKey ? 10 : 1;
    const act = {
      ArrowLeft: () => this.#map.moveTo(layer, index - far),
      ArrowRight: () => this.#map.moveTo(layer, index + far),
      ArrowUp: () => this.#map.moveTo(layer - 1, index),
      ArrowDown: () => this.#map.moveTo(layer + 1, index),
      Home: () => this.#map.moveTo(layer, 0),
      End: () => this.#map.moveTo(layer, Infinity),
      PageUp: () => this.#map.moveTo(layer - 5, index),
      PageDown: () => this.#map.moveTo(layer + 5, index),
      "+": () => this.#map.zoom(2),
      "=": () => this.#map.zoom(2),
      "-": () => this.#map.zoom(0.5),
      0: () => this.#map.zoom(0),
      h: () => this.#map.toH(1),
      H: () => this.#map.toH(-1),
      Enter: () => this.#card({ layer, index }),
      " ": () => this.#on.toggle(layer, index),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  #card({ layer, index }) {
    this.#on.card(layer, index, () => this.#map.canvas.focus({ preventScroll: true }));
  }
}
