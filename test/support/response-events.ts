/** One event of a streamed response, as it was on the wire. */
export type ResponseEvent = {
  readonly type: string;
  readonly sequence_number: number;
  readonly [member: string]: unknown;
};

type Json = Record<string, unknown>;
type Item = Json & { readonly id: string; readonly type: string; readonly status: string };
type Followed = { item: Item; parts: Json[]; text: string; stage: Stage };
/** What may come next of an item: its next part, more of a part, or that part's end. */
type Stage = "between" | "open" | "said" | "done";

/** Reads the events of a stream; throws where an event's name is not its type. */
export function responseEvents(stream: string): ResponseEvent[] {
  return stream
    .split("\n\n")
    .filter((frame) => frame !== "" && !frame.startsWith(":"))
    .map((frame) => {
      const [, name, data = ""] = /^event: (.*)\ndata: (.*)$/.exec(frame) ?? [];
      const event = JSON.parse(data) as ResponseEvent;
      if (event.type !== name) throw new Error(`${name} is called ${event.type}`);
      return event;
    });
}

/**
 * Follows the events of one response and throws at the first that is out of order, or that tells something else than
 * those before it. Gives the response as the last event has it.
 */
export function checkResponseEvents(events: readonly ResponseEvent[]): Json {
  const [created, inProgress, ...rest] = events;
  const id = (created?.["response"] as Json | undefined)?.["id"];
  expectThat(typeof id === "string", "a response has an id", created);
  expectThat(created?.type === "response.created", "response.created comes first", created);
  expectThat(inProgress?.type === "response.in_progress", "then in_progress", inProgress);
  for (const [index, event] of events.entries()) {
    expectThat(event.sequence_number === index, `its number is ${index}`, event);
    const own = event["response"] as Json | undefined;
    expectThat(own === undefined || own["id"] === id, "the response stays the same", event);
  }
  const last = rest.pop();
  const status = /^response\.(completed|incomplete|failed)$/.exec(last?.type ?? "")?.[1];
  const response = last?.["response"] as Json;
  expectThat(status !== undefined, "a response ends", last);
  expectThat(response["status"] === status, "it ends as its last event says", last);
  if (rest.at(-1)?.type === "error") {
    expectThat(status === "failed", "an error ends it", last);
    rest.pop();
  }
  const items: Followed[] = [];
  for (const event of rest) follow(items, event);
  if (status === "failed") return response;
  for (const { item, stage } of items) expectThat(stage === "done", "every item ends", item);
  const output = items.map(({ item }) => item);
  expectThat(isSame(response["output"], output), "the output is what was told", last);
  return response;
}

function follow(items: Followed[], event: ResponseEvent): void {
  const index = event["output_index"] as number;
  if (event.type === "response.output_item.added") {
    const item = event["item"] as Item;
    expectThat(index === items.length, "items come in order", event);
    expectThat(item.status === "in_progress", "an item begins in progress", event);
    expectThat(isEmpty(item), "an item begins empty", event);
    items.push({ item, parts: [], text: "", stage: "between" });
    return;
  }
  const followed = items[index];
  if (followed === undefined) throw new Error(`before its item: ${JSON.stringify(event)}`);
  expectThat(followed.stage !== "done", "its item is not over", event);
  if (event.type === "response.output_item.done") return followItemDone(followed, event);
  expectThat(event["item_id"] === followed.item.id, "it names its item", event);
  if (followed.item.type === "function_call") return followCall(followed, event);
  followPart(followed, event);
}

function isEmpty(item: Item): boolean {
  return item.type === "function_call"
    ? item["arguments"] === ""
    : (item["content"] as unknown[]).length === 0;
}

function followItemDone(followed: Followed, event: ResponseEvent): void {
  const item = event["item"] as Item;
  const wanted = followed.item.type === "function_call" ? "said" : "between";
  expectThat(followed.stage === wanted, "all of its item has been told", event);
  expectThat(item.id === followed.item.id, "it is the same item", event);
  expectThat(item.status === "completed" || item.status === "incomplete", "it is over", event);
  if (item.type === "function_call") {
    expectThat(item["arguments"] === followed.text, "its arguments are those told", event);
  } else {
    expectThat(isSame(item["content"], followed.parts), "its parts are told", event);
  }
  followed.item = item;
  followed.stage = "done";
}

function followCall(followed: Followed, event: ResponseEvent): void {
  expectThat(followed.stage !== "said", "its arguments are not over", event);
  if (event.type === "response.function_call_arguments.delta") {
    followed.text += event["delta"];
    return;
  }
  expectThat(event.type === "response.function_call_arguments.done", "it is of a call", event);
  expectThat(event["arguments"] === followed.text, "its arguments are those told", event);
  followed.stage = "said";
}

/** Where each kind of part has its text, and what its events are called. */
const PARTS: Readonly<Record<string, { readonly member: string; readonly event: string }>> = {
  output_text: { member: "text", event: "response.output_text" },
  refusal: { member: "refusal", event: "response.refusal" },
  reasoning_text: { member: "text", event: "response.reasoning_text" },
};

function followPart(followed: Followed, event: ResponseEvent): void {
  const { stage, parts } = followed;
  if (event.type === "response.content_part.added") {
    const part = event["part"] as Json;
    expectThat(stage === "between", "one part is open at a time", event);
    expectThat(event["content_index"] === parts.length, "parts come in order", event);
    expectThat(part[kindOf(part).member] === "", "a part begins empty", event);
    Object.assign(followed, { parts: [...parts, part], text: "", stage: "open" });
    return;
  }
  const part = parts.at(-1) ?? {};
  const { member, event: name } = kindOf(part);
  expectThat(event["content_index"] === parts.length - 1, "it is of the open part", event);
  if (event.type === "response.content_part.done") {
    const done = event["part"] as Json;
    expectThat(stage === "said", "its text is over", event);
    expectThat(done[member] === followed.text, "its text is what was told", event);
    Object.assign(followed, { parts: [...parts.slice(0, -1), done], stage: "between" });
    return;
  }
  expectThat(stage === "open", "its part is open", event);
  if (event.type === `${name}.delta`) {
    expectThat(event["delta"] !== "", "a delta says something", event);
    followed.text += event["delta"];
    return;
  }
  expectThat(event.type === `${name}.done`, "it is of the open part's kind", event);
  expectThat(event[member] === followed.text, "its text is what was told", event);
  followed.stage = "said";
}

function kindOf(part: Json): { readonly member: string; readonly event: string } {
  const kind = PARTS[String(part["type"])];
  if (kind === undefined)
    throw new Error(`not so: it is of a known kind of part: ${JSON.stringify(part)}`);
  return kind;
}

function expectThat(isSo: boolean, rule: string, event: unknown): asserts isSo {
  if (!isSo) throw new Error(`not so: ${rule}: ${JSON.stringify(event)}`);
}

/** The same value was written twice, so its members are in one order. */
function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
