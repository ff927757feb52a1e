import { CallPlaces } from "./call-places.ts";
import { eventOf } from "./events.ts";
import { SIGNATURE, toolUse } from "./message.ts";
import type { Piece } from "./pieces.ts";

/**
 * Writes the pieces of an answer as content blocks, one after another. A piece of another block closes the one that is
 * open; where that is a tool call whose input is not complete, it waits until it is. Throws a SyntaxError for pieces of a
 * call that is over.
 */
export class BlockEvents {
  readonly #callId: (place: number) => string;
  readonly #calls = new CallPlaces();
  #index = -1;
  #open: Open | undefined;
  #waiting: Piece[] = [];
  /** Places of calls whose blocks are closed. */
  readonly #closed = new Set<number>();
  hasCalled = false;

  constructor(callId: (place: number) => string) {
    this.#callId = callId;
  }

  add(piece: Piece): string {
    return this.#place(this.#calls.place(piece));
  }

  #place(piece: Piece): string {
    if (this.#open?.lane === piece.lane) return this.#append(this.#open, piece);
    if (typeof piece.lane === "number" && this.#closed.has(piece.lane)) return late(piece);
    if (this.#open !== undefined && !isWhole(this.#open)) {
      this.#waiting.push(piece);
      return "";
    }
    if (this.#waiting.length === 0) return this.#close() + this.#start(piece);
    return this.#close() + this.#next() + this.#place(piece);
  }

  /** Closes what is open, and writes what waits. */
  end(): string {
    let events = this.#close();
    while (this.#waiting.length > 0) events += this.#next() + this.#close();
    return events;
  }

  /** Opens the block that has waited longest, with all there is of it. */
  #next(): string {
    const lane = this.#waiting[0]?.lane;
    const own = this.#waiting.filter((piece) => piece.lane === lane);
    this.#waiting = this.#waiting.filter((piece) => piece.lane !== lane);
    const [first, ...rest] = own;
    if (first === undefined) return "";
    return [this.#start(first), ...rest.map((piece) => this.#place(piece))].join("");
  }

  #start(piece: Piece): string {
    this.#index += 1;
    const { lane } = piece;
    if (typeof lane === "number") this.hasCalled = true;
    const open: Open = { lane, id: undefined, name: undefined, input: "", isStarted: false };
    this.#open = open;
    return this.#append(open, piece);
  }

  #append(open: Open, { text, id, name }: Piece): string {
    if (typeof open.lane !== "number") {
      const start = open.isStarted ? "" : this.#started(open, EMPTY[open.lane]);
      return start + (text === "" ? "" : this.#delta(deltaOf(open.lane, text)));
    }
    open.id ??= id;
    open.name ??= name;
    open.input += text;
    if (open.isStarted) return text === "" ? "" : this.#delta(deltaOf(open.lane, text));
    if (open.name === undefined) return "";
    const block = toolUse(open.id ?? this.#callId(open.lane), open.name, {});
    const said = open.input === "" ? "" : this.#delta(deltaOf(open.lane, open.input));
    return this.#started(open, block) + said;
  }

  #started(open: Open, content_block: object): string {
    open.isStarted = true;
    return eventOf("content_block_start", { index: this.#index, content_block });
  }

  #delta(delta: object): string {
    return eventOf("content_block_delta", { index: this.#index, delta });
  }

  #close(): string {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return "";
    if (!open.isStarted) throw new SyntaxError("the engine called a tool without a name");
    if (typeof open.lane === "number") this.#closed.add(open.lane);
    const isThinking = open.lane === "thinking";
    const signed = isThinking ? this.#delta({ type: "signature_delta", signature: SIGNATURE }) : "";
    return signed + eventOf("content_block_stop", { index: this.#index });
  }
}

type Open = {
  readonly lane: Piece["lane"];
  id: string | undefined;
  name: string | undefined;
  /** JSON text so far, of a tool call. */
  input: string;
  isStarted: boolean;
};

const EMPTY = {
  text: { type: "text", text: "", citations: null },
  thinking: { type: "thinking", thinking: "", signature: "" },
};

function deltaOf(lane: Piece["lane"], text: string): object {
  if (lane === "text") return { type: "text_delta", text };
  if (lane === "thinking") return { type: "thinking_delta", thinking: text };
  return { type: "input_json_delta", partial_json: text };
}

/** Text may end anywhere; a call when its input is JSON. */
function isWhole({ lane, input }: Open): boolean {
  if (typeof lane !== "number") return true;
  try {
    JSON.parse(input);
    return true;
  } catch {
    return false;
  }
}

function late({ text }: Piece): string {
  if (text.trim() === "") return "";
  throw new SyntaxError("the engine went on with a tool call that was over");
}
