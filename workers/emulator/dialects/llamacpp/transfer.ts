import { BLOCK_TOKENS, type Held } from "../../../../src/sim/hash.ts";
import { isRecord } from "../../../../src/sim/tokens.ts";
import { openAiProblem } from "../../problem.ts";
import type { EngineSide } from "../dialect.ts";
import { sealed, unsealed } from "./sealed.ts";
import { fingerprint, handleOf, newHandle, stateName } from "./states.ts";

/** States that an engine was given over HTTP, by handle and salt; lost with its process. */
export type Imported = Map<string, Held>;

/** Answers `GET /kv/{handle}` and `POST /kv`; undefined for other paths. */
export function transfer(
  request: Request,
  below: string,
  side: EngineSide,
  imported: Imported,
): Promise<Response> | undefined {
  if (request.method === "POST" && below === "/kv") return take(request, side, imported);
  const handle = /^\/kv\/(kv_[\w-]{43})$/.exec(below)?.[1];
  return request.method === "GET" && handle !== undefined ? give(request, handle, side) : undefined;
}

async function give(request: Request, handle: string, side: EngineSide): Promise<Response> {
  const { engine, clock } = side;
  const name = stateName(handle, saltOf(request));
  const held = engine.openLease(name, () => true, clock.now());
  const key = request.headers.get("x-kv-key");
  if (!held || key === null) return refuse(404, "not_found", "There is no such state.");
  engine.leaveLease(name, clock.now());
  const { kvStreams = "whole" } = side.settings();
  const parts = sealed(stateOf(held, side), key);
  const body = kvStreams === "whole" ? parts : parts.pipeThrough(harmed(kvStreams));
  return new Response(body, { headers: { "content-type": "application/octet-stream" } });
}

async function take(request: Request, side: EngineSide, imported: Imported): Promise<Response> {
  const key = request.headers.get("x-kv-key") ?? "";
  const bytes = new Uint8Array(await request.arrayBuffer());
  const state = await unsealed(bytes, key);
  if (state === undefined) return refuse(422, "corrupt_state", "The state is not whole.");
  const read: unknown = JSON.parse(new TextDecoder().decode(state).trimEnd());
  if (!isRecord(read) || read["model"] !== fingerprint(side)) {
    return refuse(409, "other_model", "The state is of another model or build.");
  }
  const handle = newHandle();
  const held = read["held"] as Held;
  imported.set(stateName(handle, saltOf(request)), held);
  return Response.json(handleOf(handle, tokensOf(held), side));
}

/** As many bytes as the KV cache would be, of which the first say what it is of. */
function stateOf(held: Held, side: EngineSide): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(JSON.stringify({ model: fingerprint(side), held }));
  const bytes = tokensOf(held) * side.config.model.kvBytesPerToken;
  const state = new Uint8Array(Math.max(head.byteLength, bytes)).fill(SPACE);
  state.set(head);
  return state;
}

/** A stream that breaks off in its middle, or of which a byte is another. */
function harmed(how: "cut" | "corrupt"): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform(part, controller) {
      const half = part.byteLength >> 1;
      if (how === "cut") {
        controller.enqueue(part.subarray(0, half));
        return controller.error(new Error("connection reset"));
      }
      const other = part.slice();
      other[half] = (other[half] ?? 0) ^ 1;
      controller.enqueue(other);
    },
  });
}

function tokensOf({ blocks, tail }: Held): number {
  return blocks.length * BLOCK_TOKENS + tail.length;
}

function saltOf(request: Request): string {
  return decodeURIComponent(request.headers.get("x-kv-salt") ?? "");
}

function refuse(status: number, code: string, message: string): Response {
  return openAiProblem({ status, code, message });
}

const SPACE = 32;
