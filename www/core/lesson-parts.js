// The page's parts by the names that lessons and links use, in words: what a step can point at, and what a class's
// link can hide. A name that a page does not have is passed over, so a part may come later. Pure.

/** What `show` of a step can name: [name, words]. */
export const PARTS = new Map([
  ["answers", "the answers"],
  ["conversation", "the conversation"],
  ["score", "the detector readings"],
  ["board", "the neuron board"],
  ["alpha", "the slider"],
  ["set", "the choice of neurons"],
  ["prompt", "the prompt"],
  ["gallery", "the recorded runs"],
  ["doubt", "the doubt"],
  ["sweep", "the sweep"],
  ["card", "the neuron card"],
  ["map", "the layer map"],
  ["evidence", "the evidence"],
  ["detector", "the evidence: spotting wrong answers"],
  ["effects", "the evidence: changing what it says"],
  ["about", "“What am I looking at?”"],
]);

/** What `hide` can name: [name, words]. */
export const PANELS = new Map([
  ["prompt", "Everything above the answers: prompt, recorded runs, slider, Run"],
  ["gallery", "Recorded runs"],
  ["controls", "Slider, choice of neurons, Run"],
  ["advanced", "Advanced settings"],
  ["lanes", "Answers"],
  ["conversation", "Conversation above the answers"],
  ["doubt", "“Doubt it”"],
  ["score", "Detector readings"],
  ["export", "Export"],
  ["sweep", "Sweep"],
  ["board", "Neuron board"],
  ["card", "Neuron card"],
  ["map", "Layer map"],
  ["next", "Next words"],
  ["evidence", "Evidence"],
  ["about", "“What am I looking at?”"],
  ["lessons", "The button “Lessons”"],
  ["header", "Head of the page"],
  ["footer", "Foot of the page"],
]);

/** Names a step may hide or point at, as they are written in a file or a link. */
export const NAME = /^[a-z]{1,30}$/;
