import { createParser } from "eventsource-parser";

/** What a stream of Messages events said, put together as a client would. */
export type SeenMessage = {
  readonly types: readonly string[];
  readonly pings: number;
  /** Of `message_start`. */
  readonly start: Json | undefined;
  readonly content: readonly Json[];
  /** Of `message_delta`. */
  readonly stopReason: string | undefined;
  readonly stopSequence: string | undefined;
  readonly usage: Json | undefined;
  readonly error: Json | undefined;
};

export type Json = { readonly [name: string]: unknown };

/** Reads an event stream of Messages to its end. Throws at the first event that is out of the reference order. */
export function seenMessage(text: string): SeenMessage {
  const seen = new Seen();
  const parser = createParser({
    onEvent: ({ event, data }) => seen.add(event, data),
    onError: (error) => fail(error.message),
  });
  parser.feed(text);
  if (text !== "" && !text.endsWith("\n\n")) fail("the last event has no blank line");
  return seen.end();
}

const DELTAS: Readonly<Record<string, readonly string[]>> = {
  text: ["text_delta"],
  thinking: ["thinking_delta", "signature_delta"],
  tool_use: ["input_json_delta"],
};

class Seen {
  readonly #types: string[] = [];
  readonly #content: Record<string, unknown>[] = [];
  #open: { readonly block: Record<string, unknown>; said: string; signed: boolean } | undefined;
  #start: Json | undefined;
  #end: Json | undefined;
  #error: Json | undefined;
  #stopped = false;

  add(event: string | undefined, data: string): void {
    if (data === "[DONE]") fail("Messages have no [DONE]");
    const json = JSON.parse(data) as Record<string, unknown>;
    const type = String(json["type"]);
    if (event !== type) fail(`event ${event} has data of type ${type}`);
    if (this.#stopped || this.#error) fail(`${type} after the end`);
    this.#types.push(type);
    if (type === "ping") return;
    if (type === "error") this.#failed(json);
    else if (type === "message_start") this.#begin(json);
    else if (this.#start === undefined) fail(`${type} before message_start`);
    else this.#inside(type, json);
  }

  end(): SeenMessage {
    if (!this.#stopped && !this.#error) fail("no message_stop and no error");
    const delta = this.#end?.["delta"] as { stop_reason?: string; stop_sequence?: string | null };
    return {
      types: this.#types,
      pings: this.#types.filter((type) => type === "ping").length,
      start: this.#start,
      content: this.#content,
      stopReason: delta?.stop_reason,
      stopSequence: delta?.stop_sequence ?? undefined,
      usage: this.#end?.["usage"] as Json | undefined,
      error: this.#error,
    };
  }

  #begin({ message }: Json): void {
    if (this.#start !== undefined) fail("a second message_start");
    const { content, role, stop_reason: stop, usage } = message as Record<string, unknown>;
    if (!Array.isArray(content) || content.length > 0) fail("message_start has content");
    if (role !== "assistant" || stop !== null) fail("message_start is no beginning");
    if (typeof (usage as Json)["input_tokens"] !== "number") fail("message_start has no usage");
    this.#start = message as Json;
  }

  #failed({ error }: Json): void {
    const { type, message } = error as Json;
    if (typeof type !== "string" || typeof message !== "string") fail("an error says nothing");
    this.#error = error as Json;
  }

  #inside(type: string, json: Json): void {
    if (this.#end !== undefined && type !== "message_stop") fail(`${type} after message_delta`);
    if (type === "content_block_start") this.#opens(json);
    else if (type === "content_block_delta") this.#goesOn(json);
    else if (type === "content_block_stop") this.#closes(json);
    else if (type === "message_delta") this.#delta(json);
    else if (type === "message_stop") {
      if (this.#end === undefined) fail("message_stop without message_delta");
      this.#stopped = true;
    } else fail(`unknown event ${type}`);
  }

  #opens({ index, content_block: block }: Json): void {
    if (this.#open) fail("a block begins inside another");
    if (index !== this.#content.length) fail(`block ${String(index)} is out of turn`);
    const { type, text, thinking, input, id, name } = block as Json;
    if (!(String(type) in DELTAS)) fail(`unknown block ${String(type)}`);
    if ((text ?? "") !== "" || (thinking ?? "") !== "") fail("a block begins with its text");
    const isCall = type === "tool_use";
    if (isCall && JSON.stringify(input) !== "{}") fail("a tool_use begins with its input");
    if (isCall && (typeof id !== "string" || typeof name !== "string")) fail("a nameless tool_use");
    this.#open = { block: { ...(block as Json) }, said: "", signed: false };
  }

  #goesOn({ index, delta }: Json): void {
    const open = this.#open;
    if (open === undefined || index !== this.#content.length) fail("a delta of no open block");
    const { type, text, thinking, partial_json: json, signature } = delta as Record<string, string>;
    if (!DELTAS[String(open?.block["type"])]?.includes(type ?? "")) fail(`${type} is out of place`);
    if (open?.signed) fail("a delta after the signature");
    if (!open) return;
    if (type === "signature_delta") open.signed = signature !== "";
    open.said += text ?? thinking ?? json ?? "";
  }

  #closes({ index }: Json): void {
    const open = this.#open;
    if (open === undefined || index !== this.#content.length) return fail("no such block is open");
    const { block, said, signed } = open;
    if (block["type"] === "thinking" && !signed) fail("thinking without a signature");
    if (block["type"] === "tool_use") block["input"] = said === "" ? "{}" : said;
    else block[String(block["type"])] = said;
    this.#content.push(block);
    this.#open = undefined;
  }

  #delta(json: Json): void {
    if (this.#open) fail("message_delta inside a block");
    const { stop_reason: reason } = json["delta"] as Json;
    const { output_tokens: count } = json["usage"] as Json;
    if (typeof reason !== "string" || typeof count !== "number")
      fail("message_delta lacks its end");
    const calls = this.#content.filter(({ type }) => type === "tool_use");
    if (reason === "tool_use" && calls.length === 0) fail("tool_use without a call");
    if (reason === "end_turn" && calls.length > 0) fail("end_turn with a call");
    // A call that was cut off has no input yet.
    if (reason === "tool_use") for (const { input } of calls) JSON.parse(String(input));
    this.#end = json;
  }
}

function fail(why: string): never {
  throw new Error(`not a stream of Messages: ${why}`);
}
