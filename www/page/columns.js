// The board's columns: the words of the conversation, without the chat template's own tokens, then a lane's answer.

/**
 * @returns {{at: number, text: string, segment: string, label: string, answer?: number}[]} `at` indexes prompt then
 *   answer; `segment` tells the turns apart, `label` names them
 */
export function columnsOf(trace, lane) {
  return withTokens(prompted(trace), trace, lane);
}

function prompted(trace) {
  const columns = [];
  let said = 0; // turns of the visitor
  trace.prompt.forEach(({ text, role, turn }, at) => {
    if (role !== "user" && role !== "assistant") return;
    const segment = `${role}${turn}`;
    const before = columns.at(-1);
    if (role === "user" && before?.segment !== segment) said++;
    const label =
      role === "assistant" ? "Answer" : (["Prompt", "Doubt"][said - 1] ?? `Turn ${said}`);
    columns.push({ at, text, segment, label });
  });
  return columns;
}

/** Adds to a lane's columns those of the answer's tokens that they have not yet. Gives them back. */
export function withTokens(columns, trace, lane) {
  const { tokens } = trace.lanes[lane] ?? { tokens: [] };
  const turn = trace.messages.filter(({ role }) => role === "user").length;
  for (let i = (columns.at(-1)?.answer ?? -1) + 1; i < tokens.length; i++)
    columns.push({
      at: trace.prompt.length + i,
      text: tokens[i].text,
      segment: "answer",
      label: ["Answer", "Second answer"][turn - 1] ?? `Answer ${turn}`,
      answer: i,
    });
  return columns;
}
