// Small helpers for plots in SVG, without a library. Widths are percentages and heights pixels, so a plot follows its box
// from 320 px on with no script, and its text stays as large as other text. Colours come from the style sheet; what a mark is
// is told by its shape.

const SVG = "http://www.w3.org/2000/svg";

/** svg("circle", {cx: 4}, child): an SVG element. Attributes that are null or undefined are left out. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Each about its own middle, ten pixels or so across.
const SHAPES = {
  square: () => svg("rect", { x: -5, y: -5, width: 10, height: 10 }),
  dot: () => svg("circle", { r: 3.5 }),
  target: () => svg("g", {}, svg("circle", { r: 5 }), svg("circle", { r: 1.75, class: "core" })),
  diamond: () => svg("path", { d: "M0-6.5 6.5 0 0 6.5-6.5 0Z" }),
  triangle: () => svg("path", { d: "M0-6 6 5H-6Z" }),
  dashes: () => svg("path", { d: "M0-9V9" }),
  bar: () => svg("rect", { x: -1.5, y: -8, width: 3, height: 16 }),
  ring: () => svg("circle", { r: 2.75 }),
  field: () => svg("rect", { x: -9, y: -5, width: 18, height: 10 }),
};

/** A mark of its own, for a legend. */
export const sample = (shape, of) =>
  svg(
    "svg",
    { class: "sample", width: 20, height: 20, viewBox: "-10 -10 20 20", "aria-hidden": "true" },
    svg("g", { class: `mark ${shape} ${of}` }, SHAPES[shape]()),
  );

export class Plot {
  /**
   * @param label what a screen reader says in the plot's place
   * @param x, y  [low, high], the numbers at the edges; y may be left out where `at` is used
   */
  constructor({ label, height, x, y = [0, 1], kind = "" }) {
    this.height = height;
    this.domain = { x, y };
    this.element = svg("svg", {
      class: `plot ${kind}`,
      width: "100%",
      height,
      role: "img",
      "aria-label": label,
    });
  }

  /** A number's place, kept within the plot. */
  x(value) {
    const [low, high] = this.domain.x;
    return `${(100 * Math.min(1, Math.max(0, (value - low) / (high - low)))).toFixed(3)}%`;
  }
  y(value) {
    const [low, high] = this.domain.y;
    return this.height * (1 - Math.min(1, Math.max(0, (value - low) / (high - low))));
  }

  add(...elements) {
    this.element.append(...elements);
    return this;
  }

  /** Upright lines with their numbers below. The first and last number stay within the plot. */
  ticksX(values, words, { from = 0, to = this.height } = {}) {
    const [low, high] = this.domain.x;
    for (const value of values) {
      const x = this.x(value);
      const place = (value - low) / (high - low);
      this.add(
        svg("line", { class: "grid", x1: x, x2: x, y1: from, y2: to }),
        svg(
          "text",
          {
            class: "tick",
            x,
            y: to + 16,
            "text-anchor": place < 0.02 ? "start" : place > 0.98 ? "end" : "middle",
          },
          words(value),
        ),
      );
    }
    return this;
  }

  /** Level lines with their numbers on them, at the left. */
  ticksY(values, words) {
    for (const value of values) {
      const y = this.y(value);
      this.add(
        svg("line", { class: "grid", x1: 0, x2: "100%", y1: y, y2: y }),
        svg("text", { class: "tick", x: 0, y: y - 4 }, words(value)),
      );
    }
    return this;
  }

  line(from, to, of) {
    return this.add(
      svg("line", {
        class: of,
        x1: this.x(from[0]),
        y1: this.y(from[1]),
        x2: this.x(to[0]),
        y2: this.y(to[1]),
      }),
    );
  }

  /** Lines from point to point; each point is [x, y]. */
  path(points, of) {
    points.slice(1).forEach((point, i) => this.line(points[i], point, of));
    return this;
  }

  /** A filled band: [x, low, high] from left to right. */
  band(points, of) {
    const place = (x, y) => `${parseFloat(this.x(x))},${this.y(y)}`;
    const corners = [
      ...points.map(([x, low]) => place(x, low)),
      ...[...points].reverse().map(([x, , high]) => place(x, high)),
    ];
    return this.add(
      svg(
        "svg",
        {
          width: "100%",
          height: this.height,
          viewBox: `0 0 100 ${this.height}`,
          preserveAspectRatio: "none",
          "aria-hidden": "true",
        },
        svg("polygon", { class: of, points: corners.join(" ") }),
      ),
    );
  }

  /** A column from 0 to `top`, its number above it. */
  column([from, to], top, of, words) {
    const [x, y] = [parseFloat(this.x(from)), this.y(top)];
    const wide = parseFloat(this.x(to)) - x;
    return this.add(
      svg("rect", {
        class: of,
        x: `${x + 0.5}%`,
        y,
        width: `${wide - 1}%`,
        height: this.height - y,
      }),
      svg(
        "text",
        { class: "tick", x: `${x + wide / 2}%`, y: y - 4, "text-anchor": "middle" },
        words,
      ),
    );
  }

  /** A level bar from x to x, with its top at a height in pixels. */
  barAt([low, high], top, height, of) {
    const [from, to] = [parseFloat(this.x(low)), parseFloat(this.x(high))];
    return this.add(
      svg("rect", { class: of, x: `${from}%`, y: top, width: `${to - from}%`, height }),
    );
  }

  /** A mark at a height in pixels. */
  markAt(x, top, shape, of) {
    return this.add(
      svg(
        "svg",
        { x: this.x(x), y: top, overflow: "visible", width: 1, height: 1, "aria-hidden": "true" },
        svg("g", { class: `mark ${shape} ${of}` }, SHAPES[shape]()),
      ),
    );
  }
  mark([x, y], shape, of) {
    return this.markAt(x, this.y(y), shape, of);
  }

  /** A level interval line with ends, at a height in pixels. */
  intervalAt([low, high], top, of) {
    for (const x of [low, high])
      this.add(
        svg("line", {
          class: `interval ${of}`,
          x1: this.x(x),
          x2: this.x(x),
          y1: top - 5,
          y2: top + 5,
        }),
      );
    return this.add(
      svg("line", { class: `interval ${of}`, x1: this.x(low), x2: this.x(high), y1: top, y2: top }),
    );
  }

  /** An upright interval line. */
  interval(x, [low, high], of) {
    return this.line([x, low], [x, high], `interval ${of}`);
  }
}
