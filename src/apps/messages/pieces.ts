import type { Said } from "../completion.ts";

/** One piece of an answer: of its thinking, its text, or the tool call of that place. */
export type Piece = {
  readonly lane: "thinking" | "text" | number;
  readonly text: string;
  readonly id?: string;
  readonly name?: string;
};

/** What was said, in the order in which models say it. */
export function piecesOf(said: Said, thinks: boolean): Piece[] {
  // Some engines say it under both names.
  const thought = said.reasoning_content || said.reasoning || "";
  const text = `${said.content ?? ""}${said.refusal ?? ""}`;
  const calls = (said.tool_calls ?? []).map(({ index, id, function: call }, place): Piece => ({
    lane: index ?? place,
    text: call?.arguments ?? "",
    ...(id && { id }),
    ...(call?.name && { name: call.name }),
  }));
  return [
    ...(thinks && thought !== "" ? [{ lane: "thinking", text: thought } as const] : []),
    ...(text === "" ? [] : [{ lane: "text", text } as const]),
    ...calls,
  ];
}
