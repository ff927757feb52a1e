import type { Events } from "./events.ts";
import {
  emptyPart,
  type FunctionCall,
  type ItemStatus,
  type OutputItem,
  type TextItem,
  type TextKind,
  type TextPart,
  TEXTS,
} from "./output-item.ts";

/** The output items of a response as they grow, told by events. Of texts one is open at a time; calls stay open to the end. */
export class Output {
  readonly #events: Events;
  readonly #idOf: (prefix: string, index: number) => string;
  readonly #items: OutputItem[] = [];
  #text: OpenText | undefined;
  readonly #calls: OpenCall[] = [];
  readonly #callAtPlace = new Map<number, OpenCall>();

  constructor(events: Events, idOf: (prefix: string, index: number) => string) {
    this.#events = events;
    this.#idOf = idOf;
  }

  get items(): readonly OutputItem[] {
    return this.#items;
  }

  /** Goes on with a text of that kind, or begins one. */
  text(kind: TextKind, delta: string, logprobs: readonly object[] = []): string {
    if (delta === "") return "";
    const begun = this.#textOf(kind);
    const { open, events } = begun;
    const { member, event } = TEXTS[kind];
    open.part[member] = `${open.part[member] ?? ""}${delta}`;
    if (kind === "text") open.logprobs.push(...logprobs);
    const more = kind === "text" ? { logprobs } : {};
    return events + this.#tell(`${event}.delta`, open, { delta, ...more });
  }

  /** Goes on with the call of that place. A call begins once its name is known. */
  call(place: number, { id, name, fragment }: CallFragment): string {
    const known = this.#callAt(place, id);
    known.held += fragment;
    const begun = known.item === undefined && name ? this.#beginCall(known, name) : "";
    const { item, held: delta } = known;
    if (item === undefined || delta === "") return begun;
    known.held = "";
    item.arguments += delta;
    const at = { item_id: item.id, output_index: known.index };
    return begun + this.#events.write("response.function_call_arguments.delta", { ...at, delta });
  }

  /** Closes what is open; of an answer that was cut short the last item is incomplete. Throws a SyntaxError for a call without a name. */
  end(isWhole: boolean): string {
    const calls = this.#calls.map(({ item, index }) => ({
      item: named(item),
      index,
    }));
    const last = this.#items.at(-1);
    const statusOf = (item: OutputItem) =>
      isWhole || item !== last ? ("completed" as const) : ("incomplete" as const);
    const texts = this.#closeText(statusOf);
    return calls.reduce(
      (events, { item, index }) => events + this.#closeCall(item, index, statusOf(item)),
      texts,
    );
  }

  #textOf(kind: TextKind): { readonly open: OpenText; readonly events: string } {
    const { type } = TEXTS[kind];
    let events = "";
    if (this.#text && this.#text.item.type !== type) events += this.#closeText(() => "completed");
    if (this.#text && this.#text.kind !== kind) events += this.#closePart(this.#text);
    if (this.#text?.kind === kind) return { open: this.#text, events };
    const item = this.#text?.item ?? this.#newText(type);
    const part = emptyPart(kind);
    const open = { kind, item, part, logprobs: [], index: this.#items.indexOf(item) };
    if (this.#text === undefined) events += this.#added(item, open.index);
    item.content.push(part);
    this.#text = open;
    return { open, events: events + this.#tell("response.content_part.added", open, { part }) };
  }

  #newText(type: TextItem["type"]): TextItem {
    const index = this.#items.length;
    const status = "in_progress";
    const item: TextItem =
      type === "message"
        ? { id: this.#idOf("msg", index), type, status, role: "assistant", content: [] }
        : { id: this.#idOf("rs", index), type, status, summary: [], content: [] };
    this.#items.push(item);
    return item;
  }

  /** Some engines put all calls in one place, and part them by their ids alone. */
  #callAt(place: number, id: string | undefined): OpenCall {
    const known = this.#callAtPlace.get(place);
    if (known !== undefined && (id === undefined || (known.id ?? id) === id)) {
      known.id ??= id;
      return known;
    }
    const call: OpenCall = { id, held: "", item: undefined, index: -1 };
    this.#calls.push(call);
    this.#callAtPlace.set(place, call);
    return call;
  }

  #beginCall(call: OpenCall, name: string): string {
    const closed = this.#text === undefined ? "" : this.#closeText(() => "completed");
    call.index = this.#items.length;
    const id = this.#idOf("fc", call.index);
    call.item = {
      id,
      type: "function_call",
      status: "in_progress",
      arguments: "",
      call_id: call.id ?? `call_${id.slice("fc_".length)}`,
      name,
    };
    this.#items.push(call.item);
    return closed + this.#added(call.item, call.index);
  }

  #closePart(open: OpenText): string {
    const { kind, part, logprobs } = open;
    if (kind === "text") part.logprobs = logprobs;
    const { member, event } = TEXTS[kind];
    const more = kind === "text" ? { logprobs } : {};
    return (
      this.#tell(`${event}.done`, open, { [member]: part[member], ...more }) +
      this.#tell("response.content_part.done", open, { part })
    );
  }

  #closeText(statusOf: (item: OutputItem) => ItemStatus): string {
    const open = this.#text;
    if (open === undefined) return "";
    this.#text = undefined;
    const events = this.#closePart(open);
    open.item.status = statusOf(open.item);
    return events + this.#done(open.item, open.index);
  }

  #closeCall(item: FunctionCall, index: number, status: ItemStatus): string {
    item.status = status;
    const at = { item_id: item.id, output_index: index };
    const said = { name: item.name, arguments: item.arguments };
    return (
      this.#events.write("response.function_call_arguments.done", { ...at, ...said }) +
      this.#done(item, index)
    );
  }

  #added(item: OutputItem, index: number): string {
    return this.#events.write("response.output_item.added", { output_index: index, item });
  }

  #done(item: OutputItem, index: number): string {
    return this.#events.write("response.output_item.done", { output_index: index, item });
  }

  #tell(type: string, { item, index }: OpenText, members: object): string {
    const at = {
      item_id: item.id,
      output_index: index,
      content_index: item.content.length - 1,
    };
    return this.#events.write(type, { ...at, ...members });
  }
}

export type CallFragment = {
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly fragment: string;
};

type OpenText = {
  readonly kind: TextKind;
  readonly item: TextItem;
  readonly part: TextPart;
  readonly logprobs: object[];
  readonly index: number;
};

type OpenCall = {
  id: string | undefined;
  /** What came before its name. */
  held: string;
  item: FunctionCall | undefined;
  index: number;
};

function named(item: FunctionCall | undefined): FunctionCall {
  if (item === undefined) throw new SyntaxError("a tool call has no name");
  return item;
}
