// The board's columns: the words of the conversation, without the chat template's own tokens, then a lane's answer.

/** @returns {{at: number, text: string, segment: string, answer?: number}[]} `at` indexes prompt then answer */
export function columnsOf(trace, lane) {
  const columns = [];
  trace.prompt.forEach(({ text, role, turn }, at) => {
    if (role === "user" || role === "assistant") columns.push({ at, text, segment: `${role}${turn}` });
  });
  trace.lanes[lane]?.tokens.forEach(({ text }, i) => {
    columns.push({ at: trace.prompt.length + i, text, segment: "answer", answer: i });
  });
  return columns;
}
