// Drawing surfaces, sharp on any screen.

/** A canvas's pen, in CSS pixels, on a surface of this size that is wiped. */
export function context(canvas, width, height) {
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const [w, hgt] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== hgt) {
    canvas.width = w;
    canvas.height = hgt;
    canvas.style.inlineSize = `${width}px`;
    canvas.style.blockSize = `${height}px`;
  }
  const ink = canvas.getContext("2d");
  ink.setTransform(ratio, 0, 0, ratio, 0, 0);
  ink.clearRect(0, 0, width, height);
  return ink;
}

/** A square on its corner, with its middle here and its corners `half` away. */
export function diamond(ink, x, y, half) {
  ink.moveTo(x, y - half);
  ink.lineTo(x + half, y);
  ink.lineTo(x, y + half);
  ink.lineTo(x - half, y);
  ink.closePath();
}
