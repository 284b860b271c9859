// Which set of neurons settings and lanes are of. Apart from sweep.js because an embed's first view has no use for that. Pure.

/** The set a sweep of these settings is of: the visitor's own, or the H-Neurons. */
export const setOf = ({ set }) => (set === "custom" ? "custom" : "h");

/** Does the lane edit just this selection, with these factors? */
export function sameSelection({ neurons, own }, off) {
  const names = new Set(neurons.map(([layer, index]) => `${layer}.${index}`));
  return (
    off.length === names.size &&
    off.every(
      ([layer, index, factor]) =>
        names.has(`${layer}.${index}`) && own.get(`${layer}.${index}`) === factor,
    )
  );
}
