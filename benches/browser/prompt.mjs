// What the engines are given to read: ordinary English, a task first and then a text, of which the race takes as much as
// makes a prompt of the wanted length. The task is to copy, which leaves no choice between words that are almost equally
// likely: engines that compute the same then say the same, although they round differently. Written for this project.

export const TEXT = `Repeat the following text word for word. \
A rainbow is not a thing that stands somewhere in the sky, but a picture that every eye makes for itself. When the sun comes out \
behind you while rain is still falling in front of you, its light meets millions of drops. Each drop is a little ball of water. \
Light that enters it is bent, because light moves more slowly in water than in air; it is thrown back at the far side of the drop, \
and bent once more as it leaves. White light is a mixture of all colours, and water does not bend them all alike: violet is bent \
most, red least. So the colours leave the drop in slightly different directions, like the ribs of a fan. From each drop only one \
colour reaches your eye, the others pass above it or below it. The drops that send you red light stand highest, those that send \
you violet stand lowest, and all the drops that stand at the same angle from the line through the sun and your head send the same \
colour. That is why the rainbow is round, why its colours always come in the same order, and why nobody can ever reach its foot: \
when you walk, other drops take over, and the bow walks with you. Your neighbour, two steps away, sees other drops, and therefore \
another rainbow. Sometimes there is a second bow above the first, fainter and wider. Its light was thrown back twice inside the \
drops, so that the order of its colours is turned round, with red below and violet above. Between the two bows the sky looks \
darker than elsewhere, because the drops there send hardly any light to your eye. In the morning a rainbow stands in the west, in \
the evening in the east, and at noon in summer there is none at all, since the sun is then too high. Whoever wants one at any hour \
can make it with a garden hose: stand with your back to the sun, spray the water as finely as you can, and look at the shadow of \
your head.`;
