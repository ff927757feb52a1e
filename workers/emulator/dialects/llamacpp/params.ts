import type { Problem } from "../../problem.ts";
import { isRecord } from "../../../../src/sim/tokens.ts";
import type { EngineSide } from "../dialect.ts";
import { peerAt } from "./states.ts";

/** What a request asks for beside its answer. */
export type KvAsk = {
  readonly leave?: true | "prompt";
  readonly fetch?: Named;
  /** The engine that may have the prompt cached, by its name. */
  readonly pull?: string;
};

/** The state of another engine, or of this one, by what it was given out as. */
export type Named = {
  readonly handle: string;
  /** The engine that has it, by its name. */
  readonly engine: string;
  readonly model: string;
};

export type ReadParams =
  | { readonly ok: true; readonly ask: KvAsk }
  | { readonly ok: false; readonly problem: Problem };

/** Reads `kv_transfer_params` as strictly as the real engine does: of members that it does not know it takes none. */
export function readParams(body: Readonly<Record<string, unknown>>, side: EngineSide): ReadParams {
  const params = body[NAME];
  if (params === undefined || params === null) return { ok: true, ask: {} };
  if (!isRecord(params)) return refuse(`\`${NAME}\` must be an object.`);
  const stranger = strangerIn(params, ["leave", "fetch", "pull"]);
  if (stranger !== undefined) return refuse(`\`${NAME}.${stranger}\` is not known.`);
  const { leave, fetch, pull } = params;
  if (leave !== undefined && leave !== true && leave !== "prompt") {
    return refuse(`\`${NAME}.leave\` must be true or "prompt".`);
  }
  if (leave === "prompt" && (body["stream"] === true || body["max_tokens"] !== 1)) {
    return refuse('`leave: "prompt"` takes `max_tokens: 1` and no stream.');
  }
  const left: Pick<KvAsk, "leave"> = leave === undefined ? {} : { leave };
  if (fetch === undefined && pull !== undefined) {
    const peer = readPull(pull, side);
    return peer === undefined
      ? refuse(`\`${NAME}.pull\` must name one of this engine's peers, in \`from\` alone.`)
      : { ok: true, ask: { ...left, pull: peer } };
  }
  if (fetch === undefined) return { ok: true, ask: left };
  const read = readHandle(fetch, side);
  return typeof read === "string" ? refuse(read) : { ok: true, ask: { ...left, fetch: read } };
}

/** Whom a prefix is to be pulled from; undefined where that is not said as it should be. */
function readPull(given: unknown, side: EngineSide): string | undefined {
  if (!isRecord(given) || strangerIn(given, ["from"]) !== undefined) return undefined;
  return peerAt(String(given["from"]), side);
}

/** The state that a handle names, or what is wrong with it. */
function readHandle(given: unknown, side: EngineSide): Named | string {
  const at = `\`${NAME}.fetch`;
  if (!isRecord(given)) return `${at}\` must be what an engine gave out.`;
  const stranger = strangerIn(given, Object.keys(HANDLE));
  if (stranger !== undefined) return `${at}.${stranger}\` is not known.`;
  for (const [name, type] of Object.entries(HANDLE)) {
    if (typeof given[name] !== type) return `${at}.${name}\` must be a ${type}.`;
  }
  const handle = String(given["handle"]);
  if (!/^kv_[\w-]{43}$/.test(handle)) return `${at}.handle\` is no handle.`;
  const engine = peerAt(String(given["from"]), side);
  if (engine === undefined) return `${at}.from\` is not one of this engine's peers.`;
  return { handle, engine, model: String(given["model"]) };
}

const NAME = "kv_transfer_params";

/** Members of a handle, all of which have to be there. */
const HANDLE = {
  handle: "string",
  from: "string",
  tokens: "number",
  bytes: "number",
  model: "string",
  lease_ms: "number",
} as const;

function strangerIn(object: object, known: readonly string[]): string | undefined {
  return Object.keys(object).find((name) => !known.includes(name));
}

function refuse(message: string): ReadParams {
  return { ok: false, problem: { status: 400, code: "invalid_kv_transfer_params", message } };
}
