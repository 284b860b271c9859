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
  trace.prompt.forEach(({ text, role, turn }, at) => {
    if (role !== "user" && role !== "assistant") return;
    const segment = `${role}${turn}`;
    const label =
      role === "assistant"
        ? "Answer"
        : columns.length === 0 || columns[0].segment === segment
          ? "Prompt"
          : "Doubt";
    columns.push({ at, text, segment, label });
  });
  return columns;
}

/** Adds to a lane's columns those of the answer's tokens that they have not yet. Gives them back. */
export function withTokens(columns, trace, lane) {
  const { tokens } = trace.lanes[lane] ?? { tokens: [] };
  for (let i = (columns.at(-1)?.answer ?? -1) + 1; i < tokens.length; i++)
    columns.push({
      at: trace.prompt.length + i,
      text: tokens[i].text,
      segment: "answer",
      label: trace.messages.length > 1 ? "Second answer" : "Answer",
      answer: i,
    });
  return columns;
}
