/** An answer, or a part of a streamed one, in the shape that older models of Workers AI have. */
export type OwnShape = {
  readonly text: string;
  readonly calls: readonly OwnCall[];
  readonly usage: object | undefined;
};

/** A tool call; arguments of a streamed one come in pieces. */
export type OwnCall = {
  readonly index: number;
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly arguments: string;
};

/** What is said of an answer that does not say it itself. */
export type About = {
  readonly id: string;
  /** Epoch s. */
  readonly created: number;
  readonly model: string;
  readonly mostTokens: number;
};

/** Reads an answer in that shape; undefined for any other, OpenAI's included. */
export function readOwnShape(json: unknown): OwnShape | undefined {
  if (!isRecord(json) || "choices" in json || "error" in json || "errors" in json) return undefined;
  if (!("response" in json || "tool_calls" in json || "usage" in json)) return undefined;
  const { response, tool_calls: calls, usage } = json;
  return {
    text: textOf(response),
    calls: (Array.isArray(calls) ? calls : []).filter(isRecord).map(callOf).filter(isSome),
    usage: isRecord(usage) ? usage : undefined,
  };
}

/** Why the answer ended, which it does not say. */
export function endOf(hasCalls: boolean, usage: object | undefined, about: About): string {
  if (hasCalls) return "tool_calls";
  const said: unknown = usage && Reflect.get(usage, "completion_tokens");
  return typeof said === "number" && said >= about.mostTokens ? "length" : "stop";
}

/** A tool call as OpenAI has it. */
export function toolCall(call: OwnCall, about: About): object {
  const { id = `call_${about.id}_${call.index}`, name = "" } = call;
  return { id, type: "function", function: { name, arguments: call.arguments } };
}

/** Models that were asked for JSON answer with a value. */
function textOf(response: unknown): string {
  if (response === undefined || response === null) return "";
  return typeof response === "string" ? response : JSON.stringify(response);
}

function callOf(call: Record<string, unknown>, at: number): OwnCall {
  const named = isRecord(call["function"]) ? call["function"] : call;
  const { name, arguments: given } = named;
  const { id, index } = call;
  return {
    index: typeof index === "number" ? index : at,
    id: typeof id === "string" && id !== "" ? id : undefined,
    name: typeof name === "string" && name !== "" ? name : undefined,
    arguments: textOf(given),
  };
}

/** A stream closes its tool calls with one of nothing. */
function isSome(call: OwnCall): boolean {
  return call.id !== undefined || call.name !== undefined || call.arguments !== "";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
