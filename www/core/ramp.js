// The map's colours: one hue, from the ground to the ink, in even steps of lightness (OKLCH), so that a larger contribution
// always stands out more, in light and dark and to eyes that do not tell hues apart. Pure.

/** `steps` colours "rgb(r g b)", faintest first. */
export function ramp(dark, steps = 32) {
  const [from, to] = dark ? [0.25, 0.93] : [0.955, 0.3];
  return Array.from({ length: steps }, (_, i) => {
    const t = i / (steps - 1);
    return rgb(
      from + (to - from) * t,
      0.02 + 0.09 * Math.sin(Math.PI * Math.min(1, 0.15 + 0.7 * t)),
      172,
    );
  });
}

// OKLCH to sRGB (Ottosson, "A perceptual color space for image processing", 2020).
function rgb(lightness, chroma, hue) {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  const channel = (x) =>
    Math.round(
      255 * Math.min(1, Math.max(0, x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055)),
    );
  return `rgb(${linear.map(channel).join(" ")})`;
}
