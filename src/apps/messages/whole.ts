import { parseExact } from "../../core/exact-json.ts";
import { messageOf, SIGNATURE, toolUse } from "./message.ts";
import type { Asked } from "./renderer.ts";
import { onlyChoice, readCompletion } from "../completion.ts";
import { type Piece, piecesOf } from "./pieces.ts";
import { stopOf } from "./stop.ts";
import { estimatedUsage, messageUsage } from "./usage.ts";

/** A whole chat completion as a message. Throws a SyntaxError for an answer that cannot be one. */
export function wholeMessage(json: string, asked: Asked): object {
  const completion = readCompletion(json);
  const choice = onlyChoice(completion);
  if (!choice?.message) throw new SyntaxError("the engine's answer says nothing");
  const pieces = piecesOf(choice.message, asked.thinks);
  const hasCalled = pieces.some(({ lane }) => typeof lane === "number");
  const stop = stopOf(choice, asked.stopSequences, hasCalled);
  const isCut = stop.stop_reason === "max_tokens";
  const content = pieces.map((piece) => blockOf(piece, asked, isCut));
  const usage = messageUsage(completion.usage) ?? estimatedUsage(asked.promptTokens);
  return messageOf({ ...asked, model: completion.model ?? asked.model }, content, stop, usage);
}

function blockOf({ lane, text, id, name }: Piece, asked: Asked, isCut: boolean): object {
  if (lane === "text") return { type: "text", text, citations: null };
  if (lane === "thinking") return { type: "thinking", thinking: text, signature: SIGNATURE };
  if (name === undefined) throw new SyntaxError("the engine called a tool without a name");
  return toolUse(id ?? callId(asked, lane), name, inputOf(text, isCut));
}

/** For calls of engines that do not name them. */
export function callId({ id }: Pick<Asked, "id">, place: number): string {
  return `${id.replace(/^msg_/, "toolu_")}_${place}`;
}

/** What a tool is called with; of a call that was cut off in the middle nothing can be told. */
function inputOf(json: string, isCut: boolean): object {
  if (json.trim() === "") return {};
  try {
    const input = parseExact(json);
    if (typeof input === "object" && input !== null && !Array.isArray(input)) return input;
  } catch (error) {
    if (isCut) return {};
    throw error;
  }
  throw new SyntaxError("the engine called a tool with what is no object");
}
