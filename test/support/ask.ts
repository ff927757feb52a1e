import type { Receipt } from "../../src/core/receipt.ts";
import type { LocalMesh } from "../../workers/local/mesh.ts";

export type Question = {
  readonly edge?: number;
  readonly model?: string;
  readonly messages?: readonly Record<string, unknown>[];
  readonly maxTokens?: number;
  readonly stream?: boolean;
  readonly session?: string;
  readonly more?: Record<string, unknown>;
  readonly headers?: Record<string, string>;
};

/** What a client saw of one request. `ended` false: the connection broke or nothing came any more. */
export type Seen = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly contentFrames: number;
  readonly done: boolean;
  readonly error: string | undefined;
  readonly ended: boolean;
};

/** The HTTP request of a question to one edge. */
export function requestOf(mesh: LocalMesh, question: Question) {
  const { edge = 1, session, stream = true } = question;
  return {
    url: `${mesh.edges[edge]?.url}/v1/chat/completions`,
    headers: {
      authorization: `Bearer ${mesh.key}`,
      "content-type": "application/json",
      ...(session !== undefined && { "phaseway-session": session }),
      ...question.headers,
    },
    body: JSON.stringify({
      model: question.model ?? "large",
      messages: question.messages ?? [{ role: "user", content: "Where did you run?" }],
      max_tokens: question.maxTokens ?? 16,
      stream,
      ...question.more,
    }),
  };
}

/** Asks and reads the answer to its end, whatever that is; `onContent` is told of each content frame. */
export async function ask(
  mesh: LocalMesh,
  question: Question,
  onContent: (frames: number) => void | Promise<void> = () => {},
): Promise<Seen> {
  const { url, headers, body } = requestOf(mesh, question);
  const signal = AbortSignal.timeout(LONGEST_MS);
  const response = await fetch(url, { method: "POST", headers, body, signal });
  const seen = { text: "", contentFrames: 0, done: false, error: undefined as string | undefined };
  let ended = true;
  let rest = "";
  try {
    for await (const chunk of response.body ?? []) {
      rest += new TextDecoder().decode(chunk);
      if (!response.headers.get("content-type")?.startsWith("text/event-stream")) continue;
      const frames = rest.split("\n\n");
      rest = frames.pop() ?? "";
      const before = seen.contentFrames;
      for (const frame of frames) look(frame, seen);
      if (seen.contentFrames > before) await onContent(seen.contentFrames);
    }
  } catch {
    ended = false;
  }
  const { status } = response;
  return { ...seen, text: seen.text || rest, status, headers: response.headers, ended };
}

/** The receipt that an answer names; the edge that wrote it has it first. */
export async function receiptOf(mesh: LocalMesh, { headers }: Pick<Seen, "headers">, edge = 1) {
  return readReceipt(mesh, headers.get("phaseway-receipt") ?? "no receipt named", edge);
}

export async function readReceipt(mesh: LocalMesh, id: string, edge = 1): Promise<Receipt> {
  const response = await get(mesh, `receipts/${id}`, edge);
  if (!response.ok) throw new Error(`receipt ${id}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Receipt;
}

/** `GET /v1/…` at one edge. */
export function get(mesh: LocalMesh, path: string, edge = 1): Promise<Response> {
  const headers = { authorization: `Bearer ${mesh.key}` };
  return fetch(`${mesh.edges[edge]?.url}/v1/${path}`, { headers });
}

/** `count` words that no other seed gives, about three tokens each to an emulated engine. */
export function words(seed: string, count: number): string {
  return Array.from({ length: count }, (_, n) => `${seed}${n}`).join(" ");
}

/** A stream that has not ended by then never will. */
const LONGEST_MS = 20_000;

type Chunk = {
  readonly error?: { readonly code?: string };
  readonly choices?: readonly { readonly delta?: { readonly content?: string } }[];
};

function look(
  frame: string,
  seen: { text: string; contentFrames: number; done: boolean; error: string | undefined },
): void {
  if (!frame.startsWith("data: ")) return;
  const data = frame.slice("data: ".length);
  if (data === "[DONE]") {
    seen.done = true;
    return;
  }
  const chunk = JSON.parse(data) as Chunk;
  if (chunk.error) seen.error = chunk.error.code ?? "no code";
  const content = chunk.choices?.[0]?.delta?.content;
  if (!content) return;
  seen.contentFrames += 1;
  seen.text += content;
}
